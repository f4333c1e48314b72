/*
 * mem.h - the memory-like devices: null, zero, full, random, urandom, kmsg (major 1).
 */
#ifndef MOAT_DEV_MEM_H
#define MOAT_DEV_MEM_H

#include "fs/file.h"

const struct file_ops *mem_ops(unsigned minor); /* NULL: no such device */

#endif
