/*
 * abi.h - constants and structs of Linux's file system calls that every file of fs/ uses, and the internal statfs.
 *
 * The kernel's own user headers are the source; what they hide behind libc guards stands here.
 */
#ifndef MOAT_FS_ABI_H
#define MOAT_FS_ABI_H

#include <asm/fcntl.h>
#include <asm/stat.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "lib/types.h"

#ifndef S_IFMT
#define S_IFMT	    0170000
#define S_IFSOCK    0140000
#define S_IFLNK	    0120000
#define S_IFREG	    0100000
#define S_IFBLK	    0060000
#define S_IFDIR	    0040000
#define S_IFCHR	    0020000
#define S_IFIFO	    0010000
#define S_ISUID	    0004000
#define S_ISGID	    0002000
#define S_ISVTX	    0001000
#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)
#endif
#ifndef S_IXGRP
#define S_IXUSR 0100
#define S_IXGRP 0010
#define S_IXOTH 0001
#endif
#ifndef S_IXUGO
#define S_IXUGO 0111
#endif

#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif
#ifndef SEEK_DATA
#define SEEK_DATA 3
#define SEEK_HOLE 4
#endif

#define PATH_MAX	4096
#define NAME_MAX	255
#define LINK_FOLLOW_MAX 40

#define DT_FIFO 1
#define DT_CHR	2
#define DT_DIR	4
#define DT_BLK	6
#define DT_REG	8
#define DT_LNK	10
#define DT_SOCK 12

#undef RENAME_NOREPLACE
#undef RENAME_EXCHANGE
#undef RENAME_WHITEOUT
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2
#define RENAME_WHITEOUT	 4

#ifndef XATTR_CREATE
#define XATTR_CREATE  1
#define XATTR_REPLACE 2
#endif
#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_LIST_MAX 65536

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20 /* Linux 6.3 */
#endif

#define FIONREAD 0x541b

/* What pwritev2(2) and its like take. */
#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

#define RLIMIT_FSIZE  1
#define RLIMIT_NOFILE 7

/* Internal open modes in file->mode. */
#define FMODE_READ	  1
#define FMODE_WRITE	  2
#define FMODE_PATH	  4   /* O_PATH */
#define FMODE_STREAM	  8   /* no position */
#define FMODE_EXEC_DENY	  16  /* holds the inode's writecount down */
#define FMODE_WRITER	  32  /* counted in the inode's writecount */
#define FMODE_NO_TRUNCATE 256 /* ftruncate(2), and ioctl(2) of a device: landlock forbids it */
#define FMODE_NO_IOCTL	  512
#define FMODE_MOUNT_TREE  128 /* O_PATH: its mounts go with it unless they were moved */
#define FMODE_NOTIFIED	  64  /* posix locks may exist: drop them at close */

/* What statfs(2) reports. */
struct statfs_info {
	u64 type, bsize, blocks, bfree, bavail, files, ffree;
	u64 fsid, namelen, frsize, flags;
};

_Static_assert(sizeof(struct stat) == 144, "struct stat of x86-64");
_Static_assert(sizeof(struct statx) == 256, "struct statx");

#endif
