/*
 * mutex.c - sleeping locks: 0 free, 1 held, 2 held and perhaps waited for.
 *
 * A waiter leaves the word at 2 until it owns the lock, so no unlock misses it; the price is at most one wake-up of
 * nobody. A short spin first: the holder is usually running on another CPU and leaves soon. Barging is allowed. Boot
 * code without a task may take free mutexes.
 */
#include "lib/log.h"
#include "task/task.h"

#define SPINS 64

#ifdef MOAT_DEBUG
#define MUTEX_ORDER(m)	  lockcheck_order(m, (m)->class, true, __builtin_return_address(0))
#define MUTEX_TAKEN(m)	  lockcheck_taken(m, (m)->class, true, __builtin_return_address(0))
#define MUTEX_RELEASED(m) lockcheck_released(m, true)
#else
#define MUTEX_ORDER(m)	  ((void)0)
#define MUTEX_TAKEN(m)	  ((void)0)
#define MUTEX_RELEASED(m) ((void)0)
#endif

#ifdef MOAT_DEBUG
void mutex_init_class(struct mutex *m, const struct lock_class *class)
{
	m->class = class;
#else
void mutex_init(struct mutex *m)
{
#endif
	m->word = 0;
	m->owner = NULL;
	waitq_init(&m->q);
}

bool mutex_trylock(struct mutex *m)
{
	if (!atomic_cas(&m->word, 0, 1))
		return false;
	m->owner = task_current();
	MUTEX_TAKEN(m);
	return true;
}

static void lock_slow(struct mutex *m)
{
	struct waiter w;
	unsigned i;

	for (i = 0; cpu_count() > 1 && i < SPINS; i++) {
		if (READ_ONCE(m->word) == 0 && atomic_cas(&m->word, 0, 1))
			return;
		cpu_relax();
	}
	BUG_ON(!task_current());
	waiter_init(&w);
	w.exclusive = true;
	waitq_add(&m->q, &w);
	for (;;) {
		sched_prepare(SLEEP_UNINTERRUPTIBLE);
		if (atomic_xchg(&m->word, 2) == 0)
			break;
		sched_sleep(NO_DEADLINE);
	}
	sched_awake();
	waitq_del(&w);
}

void mutex_lock(struct mutex *m)
{
	MUTEX_ORDER(m);
	if (!atomic_cas(&m->word, 0, 1))
		lock_slow(m);
	ASSERT(!m->owner || m->owner != task_current());
	m->owner = task_current();
	MUTEX_TAKEN(m);
}

void mutex_unlock(struct mutex *m)
{
	m->owner = NULL;
	MUTEX_RELEASED(m);
	if (atomic_xchg(&m->word, 0) == 2)
		waitq_wake(&m->q, 1, 0);
}

#ifdef MOAT_DEBUG
static struct locks_held *mutexes_of_task(void)
{
	return task_current() ? &task_current()->mutexes : NULL;
}

void lock_checks_start(void)
{
	lockcheck_task = mutexes_of_task;
}
#endif
