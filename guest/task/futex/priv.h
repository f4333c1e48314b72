/*
 * priv.h - shared by the futex files: keys, buckets, waiters.
 */
#ifndef MOAT_TASK_FUTEX_PRIV_H
#define MOAT_TASK_FUTEX_PRIV_H

#include "mm/mm.h"
#include "task/futex/futex.h"
#include "task/private.h"

struct pi_state;

struct futex_bucket {
	struct spinlock lock;
	u32 waiters; /* on or about to go on the list: a wake-up without waiters takes no lock */
	struct list list;
};

struct futex_waiter {
	struct list node;
	/* changes at a requeue; NULL: on no list. Under the bucket's lock */
	struct futex_bucket *bucket;
	struct futex_key key;
	struct task *task;
	u32 bitset;
	/* PI only, under the PI mutex (pi.c) */
	bool requeue_pi; /* waits to be moved to the PI futex pi_key */
	struct futex_key pi_key;
	struct pi_state *pi; /* waits for this one */
	struct list pi_node;
	u32 prio;    /* smaller goes first */
	u32 granted; /* it owns the lock now */
	bool died;   /* by inheritance from a dead owner */
};

static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

struct futex_bucket *futex_bucket(const struct futex_key *key);
int futex_key_of(uaddr_t addr, bool shared, struct futex_key *key);
void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w); /* locked */
void futex_dequeue(struct futex_waiter *w);			    /* its bucket locked */
void futex_lock2(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock2(struct futex_bucket *a, struct futex_bucket *b);
/*
 * Queue w, whose key is set, and look at the word at addr after that, so that no wake-up in between is lost. 0, or -EFAULT,
 * or -EAGAIN: it is not val. Queued in any case. No lock held.
 */
int futex_queue(struct futex_waiter *w, uaddr_t addr, u32 val);
/* Unlink w wherever it is by now; false if a waker had already done so. */
bool futex_unqueue(struct futex_waiter *w);
void futex_wake_waiter(struct futex_waiter *w); /* its bucket locked */

/* pi.c: what the robust list's walk and exit need. */
void futex_pi_exit(struct task *t);

#endif
