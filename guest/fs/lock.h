/*
 * lock.h - advisory locks: flock(2), POSIX and open-file-description locks of fcntl(2); leases. Private to fs/ and sys/.
 *
 * One spinlock for all of them: deadlock detection follows waits across files.
 */
#ifndef MOAT_FS_LOCK_H
#define MOAT_FS_LOCK_H

#include "fs/vfs.h"

struct fdtable;

#define FLOCK_SH 0
#define FLOCK_EX 1
#define FLOCK_UN 2

enum lock_kind { KIND_FLOCK, KIND_POSIX, KIND_OFD, KIND_LEASE };

/* A byte range; end is inclusive, ~0 to the end of any file. type as F_RDLCK, F_WRLCK, F_UNLCK. */
struct lock_range {
	int type;
	u64 start, end;
	int pid; /* F_GETLK's answer; -1 for OFD locks */
};

/* Set, change or drop a whole-file lock of the open file description. -EWOULDBLOCK, -ERESTARTSYS. */
int file_flock(struct file *f, int type, bool wait);
/* owner: the descriptor table for POSIX locks, the file for OFD locks. -EAGAIN, -EDEADLK, -ERESTARTSYS, -ENOLCK. */
int file_lock_range(struct file *f, void *owner, const struct lock_range *r, bool wait, bool ofd);
/* The first lock that is in the way, or r->type = F_UNLCK. */
void file_lock_test(struct file *f, void *owner, struct lock_range *r, bool ofd);
/* close(2): POSIX locks of this owner on the file's inode end. */
void file_locks_close(struct file *f, void *owner);
/* Last reference of the open file description: its flock, OFD locks and lease end. */
void file_locks_release(struct file *f);
/* The inode, which is marked INODE_LOCKS, goes away. */
void file_locks_free(struct inode *i);

/* One line of /proc/locks. */
struct lock_line {
	enum lock_kind kind;
	struct lock_range range;
	bool waits;    /* for the last line before it that does not */
	bool breaking; /* a lease */
	u32 dev;
	u64 ino;
};
/* All locks and who waits for them, up to `max` lines; how many there are. */
unsigned file_locks_list(struct lock_line *out, unsigned max);

/* ---- lease.c: fcntl(2), "Leases" ---- */
extern u32 lease_break_time; /* seconds */
extern u32 leases_enabled;
/* fd: what a signal names. F_RDLCK, F_WRLCK, F_UNLCK. 0, -EINVAL, -EACCES, -EAGAIN, -ENOMEM. */
int lease_set(struct file *f, int fd, int type);
/* What the file's lease is, or will be when it is broken. */
int lease_get(struct file *f);
/*
 * i, marked INODE_LOCKS, is opened with these O_* flags: tell whose leases are in the way and wait until they are given up or time
 * is up. 0, -EWOULDBLOCK (O_NONBLOCK), -ERESTARTSYS.
 */
int lease_break(struct inode *i, u32 flags);

#endif
