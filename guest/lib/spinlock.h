/*
 * spinlock.h - test-and-set locks with a bounded spin and a platform slow path, because a vCPU or worker thread can lose
 * its host CPU while it holds one. No ticket locks: they convoy under that.
 *
 * Kernel code is not preempted and interrupts are not seen while it runs (platform.h), so there is no irqsave form. No
 * sleep, no allocation that may sleep, no user copy under a spinlock. Debug builds check the order (lib/lockcheck.h).
 */
#ifndef MOAT_LIB_SPINLOCK_H
#define MOAT_LIB_SPINLOCK_H

#include "lib/atomic.h"
#include "lib/lockcheck.h"
#include "lib/types.h"

struct spinlock {
	u32 word; /* 0 free, 1 held, 2 held and someone sleeps in lock_wait */
#ifdef MOAT_DEBUG
	const struct lock_class *class;
#endif
};

#define SPINLOCK_INIT \
	{             \
		0     \
	}

void spin_lock_slow(struct spinlock *l);
void spin_unlock_slow(struct spinlock *l);

#ifdef MOAT_DEBUG
#define spin_init(l)                                                            \
	do {                                                                    \
		static const struct lock_class class_ = { #l " in " __FILE__ }; \
		(l)->word = 0;                                                  \
		(l)->class = &class_;                                           \
	} while (0)

void spin_lock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
#else
static inline void spin_init(struct spinlock *l)
{
	l->word = 0;
}

static inline void spin_lock(struct spinlock *l)
{
	if (unlikely(!atomic_cas(&l->word, 0, 1)))
		spin_lock_slow(l);
}

static inline bool spin_trylock(struct spinlock *l)
{
	return atomic_cas(&l->word, 0, 1);
}

static inline void spin_unlock(struct spinlock *l)
{
	if (unlikely(atomic_xchg(&l->word, 0) == 2))
		spin_unlock_slow(l);
}
#endif

#endif
