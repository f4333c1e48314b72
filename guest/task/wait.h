/*
 * wait.h - sleeping: wait queues, mutexes, deadlines.
 *
 * The lost-wakeup argument: a waiter puts itself on the queue and sets its state to sleeping under the queue's lock,
 * then checks its condition, then calls sched_sleep(); a waker makes the condition true, then takes the queue's lock
 * and wakes. Either the waiter sees the condition or the waker sees the waiter; sched_sleep() returns at once if the
 * state is already running again.
 */
#ifndef MOAT_TASK_WAIT_H
#define MOAT_TASK_WAIT_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct task;

struct waitq {
	struct spinlock lock;
	struct list waiters;
};

struct waiter {
	struct list node;
	struct task *task;
	/* Called under the queue's lock instead of waking task, if set (epoll, poll tables). key: POLL* bits, or 0. */
	void (*fn)(struct waiter *w, u32 key);
	u32 events;	/* wake only for these POLL* bits and where no bits are given; 0: always */
	bool exclusive; /* waitq_wake stops after n of these */
	struct waitq *q;
};

#define WAITQ_INIT(name)                                 \
	{                                                \
		SPINLOCK_INIT, LIST_INIT((name).waiters) \
	}

void waitq_init(struct waitq *q);
void waiter_init(struct waiter *w);
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_del(struct waiter *w); /* harmless if not queued */
/* Wake all non-exclusive waiters and up to n exclusive ones. From any context. */
void waitq_wake(struct waitq *q, unsigned n, u32 key);
static inline void waitq_wake_all(struct waitq *q, u32 key)
{
	waitq_wake(q, ~0u, key);
}
static inline bool waitq_active(const struct waitq *q)
{
	return !list_empty(&q->waiters);
}

/* The same of a queue whose memory is to go: with false, nobody is about to leave it either. */
bool waitq_in_use(struct waitq *q);

enum sleep_mode {
	SLEEP_KILLABLE,	     /* only SIGKILL ends it: -EINTR */
	SLEEP_INTERRUPTIBLE, /* any deliverable signal ends it: -ERESTARTSYS */
	SLEEP_UNINTERRUPTIBLE,
};

#define NO_DEADLINE (~0ULL)

/* Mark the current task as going to sleep; the caller then checks its condition and calls sched_sleep or sched_awake. */
void sched_prepare(enum sleep_mode mode);
void sched_awake(void);
/*
 * Sleep until woken, a signal as the mode says, or clock_mono() >= deadline. 0 when woken, -ETIMEDOUT, -ERESTARTSYS or
 * -EINTR. No spinlock held.
 */
int sched_sleep(u64 deadline);

/* Sleep on q until cond holds. Evaluates to 0, -ETIMEDOUT, -ERESTARTSYS or -EINTR. cond may take locks. */
#define wait_event(q, mode, deadline, cond)           \
	({                                            \
		struct waiter _w;                     \
		int _err = 0;                         \
		waiter_init(&_w);                     \
		waitq_add((q), &_w);                  \
		for (;;) {                            \
			sched_prepare(mode);          \
			if (cond) {                   \
				_err = 0;             \
				break;                \
			}                             \
			if (_err)                     \
				break;                \
			_err = sched_sleep(deadline); \
		}                                     \
		sched_awake();                        \
		waitq_del(&_w);                       \
		_err;                                 \
	})

/* One event that happens once; refcounted, so that either side may leave first. */
struct completion {
	u32 ref;
	u32 done;
	struct waitq q;
};

struct completion *completion_create(void); /* one reference; NULL without memory */
void completion_get(struct completion *c);
void completion_put(struct completion *c);
void completion_done(struct completion *c);
int completion_wait(struct completion *c, enum sleep_mode mode); /* 0, -ERESTARTSYS, -EINTR */

/* A sleeping lock; not recursive; uninterruptible. Small: who waits does so in a table of mutex.c, by its address. */
struct mutex {
	u32 word; /* 0 free, 1 held, 2 held with waiters */
#ifdef MOAT_DEBUG
	const struct lock_class *class;
#endif
};

#define MUTEX_INIT(name) \
	{                \
		0        \
	}

#ifdef MOAT_DEBUG
#define mutex_init(m)                                                           \
	do {                                                                    \
		static const struct lock_class class_ = { #m " in " __FILE__ }; \
		mutex_init_class(m, &class_);                                   \
	} while (0)
void mutex_init_class(struct mutex *m, const struct lock_class *class);
void lock_checks_start(void); /* once, when every CPU's struct cpu is there */
#else
void mutex_init(struct mutex *m);
static inline void lock_checks_start(void)
{
}
#endif
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

#endif
