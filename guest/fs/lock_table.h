/*
 * lock_table.h - where locks and leases are kept: per inode that has any a struct file_locks. Private to lock.c and lease.c.
 */
#ifndef MOAT_FS_LOCK_TABLE_H
#define MOAT_FS_LOCK_TABLE_H

#include "fs/lock.h"

struct held {
	struct list node;
	enum lock_kind kind;
	int type; /* F_RDLCK, F_WRLCK */
	void *owner;
	int pid;
	u64 start, end;
	/* A lease that is being broken: what it shall become, and when at the latest; 0: it is not. */
	u64 break_at;
	int break_to;
};

struct file_locks {
	struct file_locks *next; /* in its bucket */
	const struct inode *inode;
	struct list held;
	unsigned n;	/* of held */
	struct waitq q; /* woken when one of them goes or shrinks */
};

/* Who waits for whom. */
struct waiting {
	struct list node; /* in `waits`; self-linked when not */
	const struct file_locks *on;
	enum lock_kind kind;
	struct lock_range want;
	void *owner, *for_owner;
	const struct held *behind; /* only to be compared: it may be gone */
};

extern struct spinlock locks_lock; /* over all of this */

/* NULL: nobody ever locked it. */
struct file_locks *locks_find(const struct inode *i);
/* NULL: out of memory. */
struct file_locks *locks_of(struct inode *i);
/* Add h; remove and free it. locks_lock held. */
void locks_add(struct file_locks *l, struct held *h);
void locks_remove(struct file_locks *l, struct held *h);
/* The first lock that is in the way. locks_lock held. */
struct held *locks_conflict(const struct file_locks *l, enum lock_kind kind, const void *owner,
			    const struct lock_range *r);
/* Begin to wait for h, or end. locks_lock held. */
void locks_wait_begin(struct waiting *w, const struct file_locks *l, enum lock_kind kind,
		      void *owner, const struct lock_range *want, const struct held *h);
void locks_wait_end(struct waiting *w);

#endif
