/*
 * bandwidth.h - limits of CPU time per period (cpu.max of control groups).
 *
 * A limit counts the time of its tasks on all CPUs. When its quota of the period is used up, each of its tasks sleeps where
 * it would return to user mode next, until the period is over; so nobody sleeps with a lock of the Sentry. What is used
 * beyond the quota, a slice of the scheduler at most per CPU, is taken from the next periods. Periods are counted when the
 * limit is used, without a timer. Real-time tasks are not limited, as on Linux.
 *
 * Lock: one in each limit, innermost, below the run queue's. A task without a limit pays one comparison per switch.
 * Differs from Linux: `throttled` is counted once for all CPUs.
 */
#ifndef MOAT_TASK_BANDWIDTH_H
#define MOAT_TASK_BANDWIDTH_H

#include "lib/spinlock.h"
#include "lib/types.h"

#define CPU_NO_QUOTA (~0ULL)

struct cpu_limit {
	struct cpu_limit *up; /* the next that counts the same tasks, or NULL; not gone before this */
	struct spinlock lock;
	u64 quota, period, burst; /* ns; quota may be CPU_NO_QUOTA */
	u64 start, used;	  /* of the period; used: what earlier ones owe, too */
	u64 saved;		  /* of what earlier ones left over, up to burst */
	bool throttled;		  /* in this period */
	u64 nr_periods, nr_throttled, throttled_ns, nr_bursts, burst_ns;
};

void cpu_limit_init(struct cpu_limit *l);
/* As new, while tasks may use it. */
void cpu_limit_reset(struct cpu_limit *l);
/* A period begins. */
void cpu_limit_set(struct cpu_limit *l, u64 quota, u64 period, u64 burst);
/* A task has used ns, up to now. */
void cpu_limit_charge(struct cpu_limit *l, u64 now, u64 ns);
/* When its tasks may go on; 0: now. */
u64 cpu_limit_until(struct cpu_limit *l, u64 now);

#endif
