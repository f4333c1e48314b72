/*
 * userfaultfd.h - the descriptor of userfaultfd(2).
 */
#ifndef MOAT_FS_USERFAULTFD_H
#define MOAT_FS_USERFAULTFD_H

#include "fs/file.h"

/* Of the current task's address space. flags: O_NONBLOCK. ERR_PTR. */
struct file *userfaultfd_create(u32 flags, bool user_only);

#endif
