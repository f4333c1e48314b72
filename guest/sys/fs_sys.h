/*
 * fs_sys.h - what the file system call files share.
 */
#ifndef MOAT_SYS_FS_SYS_H
#define MOAT_SYS_FS_SYS_H

#include <linux/openat2.h>

#include "fs/vfs.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/task.h"

/* fs_rw.c: a user vector; v->seg is small[8] or from the heap (kfree it if it differs). */
int iov_import(struct iov *v, struct iov_seg *small, uaddr_t vec, u64 n);
/* fs_rw.c: fallocate(2) and fadvise64(2) of an open file. */
s64 file_allocate(struct file *f, int mode, s64 offset, s64 len);
s64 file_advise(struct file *f, s64 offset, u64 len, int advice);
/* fs_ioctl.c: ioctl(2) of a regular file or a directory whose own ops know nothing of it. */
s64 inode_ioctl(struct file *f, u32 cmd, u64 arg);
/* fs_splice.c: splice(2) and tee(2) of open files, flags and sizes checked. Positions NULL: the files' own. */
s64 splice_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t len,
		 u32 flags);
s64 tee_files(struct file *in, struct file *out, size_t len, u32 flags);

/*
 * fs_open.c, the parts of open(2) and openat2(2): what their arguments ask for (-EINVAL, -EFAULT, -E2BIG; unknown flags of
 * open(2) are dropped), and the open file. A name from user memory comes first, a reserved descriptor second, as in Linux.
 */
struct open_how open_how_of(u32 flags, u32 mode);
int open_how_read(struct open_how *h, uaddr_t how, size_t size);
struct file *open_how(int dfd, const char *name, const struct open_how *h);

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
