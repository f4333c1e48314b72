/*
 * chrdev.h - character devices by number, and the /dev and /dev/pts file systems that show them.
 */
#ifndef MOAT_DEV_CHRDEV_H
#define MOAT_DEV_CHRDEV_H

#include "fs/vfs.h"

/* struct special_open's chr: the device of i->rdev. -ENXIO: there is none. */
int fifo_open(struct inode *i,
	      struct file *f); /* special_open's fifo: pipes, and the console streams */
int chrdev_open(struct inode *i, struct file *f);

#endif
