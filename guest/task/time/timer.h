/*
 * timer.h - kernel timers: a function called on some CPU at or after a monotonic time.
 *
 * Timers live in per-CPU heaps; the CPU's one-shot hardware timer is armed for the earliest only when the CPU enters
 * user mode or goes idle, because interrupts are not seen elsewhere. fn runs as an upcall: it takes spinlocks, never
 * sleeps, and may start its own timer again.
 */
#ifndef MOAT_TASK_TIMER_H
#define MOAT_TASK_TIMER_H

#include "lib/types.h"
#include "task/time/pheap.h"
#include "task/wait.h"

struct timer_base;

struct ktimer {
	struct pheap_node node;	 /* its key is the deadline, clock_mono ns */
	struct timer_base *base; /* where it is queued, or was last; NULL: never */
	bool queued;
	void (*fn)(struct ktimer *t);
};

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
/* Start, or move, a timer. The caller serializes starts of one timer. From any context. */
void ktimer_start(struct ktimer *t, u64 deadline);
/*
 * Stop it; true if it was pending. Afterwards fn is not running on another CPU. Not from fn itself, and holding no
 * lock that fn takes.
 */
bool ktimer_cancel(struct ktimer *t);
/* Stop it if it has not begun; returns at once even if fn is running. May be called under locks that fn takes. */
bool ktimer_try_cancel(struct ktimer *t);

/* The scheduler's: per-CPU bases. */
void timer_init_cpu(unsigned cpu);
u64 timer_next(unsigned cpu); /* earliest deadline of the CPU, or 0 */
void timer_run(unsigned cpu);

/*
 * timerfd's object; the descriptor is fs/'s. A tick count under a lock, a wait queue for readers and pollers.
 * clock: CLOCK_REALTIME 0, MONOTONIC 1, BOOTTIME 7 (and the alarm clocks 8, 9, which are the same here).
 */
struct timerfd {
	struct spinlock lock;
	struct waitq q;
	struct ktimer timer;
	int clock;
	bool armed, realtime_abs;
	u64 expires;  /* monotonic deadline of the next expiry, while armed */
	u64 interval; /* ns; 0: one shot */
	u64 ticks;    /* expiries not yet read */
};

void timerfd_init(struct timerfd *t, int clock);
void timerfd_destroy(struct timerfd *t);
/* value 0 disarms. Old setting (remaining, interval) to *old_value, *old_interval if not NULL. All ns. */
void timerfd_settime(struct timerfd *t, bool absolute, u64 value, u64 interval, u64 *old_value,
		     u64 *old_interval);
void timerfd_gettime(struct timerfd *t, u64 *value, u64 *interval);
/* Take the ticks; 0: none yet. */
u64 timerfd_read(struct timerfd *t);

#endif
