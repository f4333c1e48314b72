/*
 * spinlock.c - the slow paths of spinlock.h: a bounded spin, then the platform's wait.
 *
 * word: 0 free, 1 held, 2 held and perhaps someone waits. A waiter always leaves 2 behind when it takes the lock, because
 * it cannot know whether it was the last; the cost is one needless wake-up per contended period.
 */
#include "lib/spinlock.h"

#include "platform/platform.h"

#define SPIN_LIMIT 200 /* about 5 us: longer than any critical section whose holder has its CPU */

void spin_lock_slow(struct spinlock *l)
{
	unsigned i;

	for (i = 0; i < SPIN_LIMIT; i++) {
		if (atomic_load(&l->word) == 0 && atomic_cas(&l->word, 0, 1))
			return;
		cpu_relax();
	}
	while (atomic_xchg(&l->word, 2) != 0)
		lock_wait(&l->word, 2);
}

void spin_unlock_slow(struct spinlock *l)
{
	lock_wake(&l->word);
}

#ifdef MOAT_DEBUG

void spin_lock(struct spinlock *l)
{
	const void *ip = __builtin_return_address(0);

	lockcheck_order(l, l->class, false, ip);
	if (!atomic_cas(&l->word, 0, 1))
		spin_lock_slow(l);
	lockcheck_taken(l, l->class, false, ip);
}

bool spin_trylock(struct spinlock *l)
{
	if (!atomic_cas(&l->word, 0, 1))
		return false;
	lockcheck_taken(l, l->class, false, __builtin_return_address(0));
	return true;
}

void spin_unlock(struct spinlock *l)
{
	lockcheck_released(l, false);
	if (atomic_xchg(&l->word, 0) == 2)
		spin_unlock_slow(l);
}

#endif
