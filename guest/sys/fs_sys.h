/*
 * fs_sys.h - what the file system call files share.
 */
#ifndef MOAT_SYS_FS_SYS_H
#define MOAT_SYS_FS_SYS_H

#include "fs/vfs.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/task.h"

/* fs_rw.c: a user vector; v->seg is small[8] or from the heap (kfree it if it differs). */
int iov_import(struct iov *v, struct iov_seg *small, uaddr_t vec, u64 n);

/* LOOKUP_* of the AT_* flags of a call that follows links unless AT_SYMLINK_NOFOLLOW. */
static inline unsigned lookup_of_at(u32 flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

/* Declare `name`, a path from user memory, and return from the calling function if it cannot be had. */
#define USER_NAME(name, addr)                       \
	char *name = name_from_user((addr), false); \
	if (IS_ERR(name))                           \
	return PTR_ERR(name)

#endif
