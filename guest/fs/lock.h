/*
 * lock.h - advisory locks: flock(2), POSIX and open-file-description locks of fcntl(2). Private to fs/ and sys/.
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
/* Last reference of the open file description: its flock and OFD locks end. */
void file_locks_release(struct file *f);
/* The inode, which is marked INODE_LOCKS, goes away. */
void file_locks_free(struct inode *i);

#endif
