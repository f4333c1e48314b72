/*
 * lockcheck.h - finds lock orders that can deadlock, in builds with DEBUG=1; nothing at all in others.
 *
 * Locks are told apart by class: all that one spin_init or mutex_init initializes are one class, a lock with a static
 * initializer is a class of its own. Every time a lock is taken, each class then held gets an edge to its class; an edge
 * that closes a circle stops the sandbox with a report that names the locks and where they were taken, and so does a mutex
 * that is taken, or a sleep, under a spinlock. The deadlock itself need not happen. Two locks of one class are not ordered
 * (their order is by address or by tree, which a class cannot tell). trylock waits for nobody and makes no edge.
 */
#ifndef MOAT_LIB_LOCKCHECK_H
#define MOAT_LIB_LOCKCHECK_H

#include "lib/types.h"

#ifdef MOAT_DEBUG

#define LOCKS_HELD_MAX 24

struct lock_class {
	const char *name;
};

/* What one task (mutexes) or one CPU (spinlocks) holds. */
struct locks_held {
	u32 n;
	struct held_lock {
		const void *lock;
		const void *class; /* identity; the struct lock_class, or the lock itself */
		const char *name;
		const void *ip;
	} held[LOCKS_HELD_MAX];
};

/* Set once at boot, which starts the checks: the mutexes of the current task; NULL from it: no task. */
extern struct locks_held *(*lockcheck_task)(void);

/* Before waiting for a lock; class NULL: the lock is its own. */
void lockcheck_order(const void *lock, const struct lock_class *class, bool sleeps, const void *ip);
void lockcheck_taken(const void *lock, const struct lock_class *class, bool sleeps, const void *ip);
void lockcheck_released(const void *lock, bool sleeps);
/* The caller is about to give its CPU away: it must hold no spinlock. */
void lockcheck_sleep(const char *what);
#define LOCKCHECK_SLEEP(what) lockcheck_sleep(what)

#else
#define LOCKCHECK_SLEEP(what) ((void)0)
#endif
#endif
