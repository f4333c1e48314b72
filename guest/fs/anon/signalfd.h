/*
 * signalfd.h - signalfd(2).
 */
#ifndef MOAT_FS_SIGNALFD_H
#define MOAT_FS_SIGNALFD_H

#include "fs/file.h"

struct file *signalfd_create(u64 mask, u32 flags); /* flags: O_NONBLOCK. ERR_PTR */
int signalfd_set_mask(struct file *f, u64 mask);   /* -EINVAL: not a signalfd */

#endif
