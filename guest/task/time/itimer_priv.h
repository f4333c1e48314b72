/*
 * itimer_priv.h - shared by itimer.c and ptimer.c.
 */
#ifndef MOAT_TASK_ITIMER_PRIV_H
#define MOAT_TASK_ITIMER_PRIV_H

#include "task/time/clock.h"
#include "task/time/itimer.h"
#include "task/private.h"

#define MIN_INTERVAL 20000ULL /* ns */

struct cpu_alarm {
	u64 expires, interval; /* CPU time, ns */
};

struct itimers {
	struct mutex mutex;
	struct spinlock lock;
	struct process *process;
	struct ktimer real;
	u64 real_expires, real_interval;
	struct cpu_alarm cpu[2]; /* virtual, prof */
	struct ktimer cpu_timer;
	u64 cpu_seen;
	u64 xcpu_next; /* second at which SIGXCPU comes again */
	bool dormant;
	struct list timers; /* struct ptimer */
	u32 nr_timers;	    /* each counts as a queued signal */
	int next_id;
};

struct ptimer {
	struct list node;
	struct itimers *owner;
	int id, clock;
	bool wall; /* by a kernel timer; else CPU time */
	enum cpu_clock kind;
	struct task *cpu_task;	     /* CPU clock of a thread */
	struct process *cpu_process; /* ... or of a process */
	struct ptimer_event ev;
	struct task *target; /* SIGEV_THREAD_ID */
	struct sigqueue *q;
	struct ucounts *ucounts; /* whose RLIMIT_SIGPENDING it counts against; a reference */
	struct ktimer timer;
	u64 expires, interval; /* expires 0: not armed */
	s32 overrun;
};

struct itimers *itimers_get(void); /* of the current process; NULL without memory */
void itimers_cpu_start(struct itimers *it);
void ptimers_clear(struct itimers *it);
/* CPU time left, ~0: none; sends what is due. owner->lock held */
u64 ptimer_cpu_check(struct ptimer *t);

#endif
