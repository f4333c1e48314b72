/*
 * mutex.c - sleeping locks: 0 free, 1 held, 2 held and perhaps waited for.
 *
 * A waiter leaves the word at 2 until it owns the lock, so no unlock misses it; the price is at most one wake-up of
 * nobody. A short spin first: the holder is usually running on another CPU and leaves soon. Barging is allowed. Boot
 * code without a task may take free mutexes.
 *
 * Waiters stand in a few lists that all mutexes share, hashed by address, so that a mutex, of which every inode has one,
 * need not have a list of its own.
 */
#include "lib/log.h"
#include "task/task.h"

#define SPINS	  64
#define WAIT_BITS 6

static struct wait_list {
	struct spinlock lock;
	struct mutex_waiter *first, **last; /* last NULL: never used */
} __attribute__((aligned(64))) waiting[1 << WAIT_BITS];

struct mutex_waiter {
	struct mutex_waiter *next;
	const struct mutex *m;
	struct task *task;
};

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
}

static struct wait_list *wait_list(const struct mutex *m)
{
	return &waiting[(u64)(uintptr_t)m * 0x9e3779b97f4a7c15ULL >> (64 - WAIT_BITS)];
}

/* At the end: whoever came first is woken first. */
static void enqueue(struct mutex_waiter *w)
{
	struct wait_list *l = wait_list(w->m);

	w->next = NULL;
	spin_lock(&l->lock);
	if (!l->last)
		l->last = &l->first;
	*l->last = w;
	l->last = &w->next;
	spin_unlock(&l->lock);
}

static void dequeue(struct mutex_waiter *w)
{
	struct wait_list *l = wait_list(w->m);
	struct mutex_waiter **p;

	spin_lock(&l->lock);
	for (p = &l->first; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	if (!w->next)
		l->last = p;
	spin_unlock(&l->lock);
}

/* One that is not awake already. m may be gone: a new owner may free it as soon as the word is 0. */
static void wake_one(const struct mutex *m)
{
	struct wait_list *l = wait_list(m);

	spin_lock(&l->lock);
	for (struct mutex_waiter *w = l->first; w; w = w->next)
		if (w->m == m && sched_wake(w->task))
			break;
	spin_unlock(&l->lock);
}

bool mutex_trylock(struct mutex *m)
{
	if (!atomic_cas(&m->word, 0, 1))
		return false;
	MUTEX_TAKEN(m);
	return true;
}

static void lock_slow(struct mutex *m)
{
	struct mutex_waiter w = { .m = m, .task = task_current() };
	unsigned i;

	for (i = 0; cpu_count() > 1 && i < SPINS; i++) {
		if (READ_ONCE(m->word) == 0 && atomic_cas(&m->word, 0, 1))
			return;
		cpu_relax();
	}
	BUG_ON(!w.task);
	enqueue(&w);
	for (;;) {
		sched_prepare(SLEEP_UNINTERRUPTIBLE);
		if (atomic_xchg(&m->word, 2) == 0)
			break;
		sched_sleep(NO_DEADLINE);
	}
	sched_awake();
	dequeue(&w);
}

void mutex_lock(struct mutex *m)
{
	MUTEX_ORDER(m);
	if (!atomic_cas(&m->word, 0, 1))
		lock_slow(m);
	MUTEX_TAKEN(m);
}

void mutex_unlock(struct mutex *m)
{
	MUTEX_RELEASED(m);
	if (atomic_xchg(&m->word, 0) == 2)
		wake_one(m);
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
