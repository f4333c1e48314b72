/*
 * clock.h - the clocks of clock_gettime(2).
 */
#ifndef MOAT_TASK_CLOCK_H
#define MOAT_TASK_CLOCK_H

#include "lib/types.h"

enum {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
	CLOCK_REALTIME_ALARM,
	CLOCK_BOOTTIME_ALARM,
	CLOCK_TAI = 11,
};

struct process;
struct task;

/* ns, or -EINVAL (no such clock, or its process is gone). */
int clock_read(int clock, u64 *ns);
bool clock_is_realtime(int clock);
/* A wall-time clock on which timers run by a monotonic deadline (not CPU time). */
bool clock_is_wall(int clock);
/* CPU-time clocks: what they measure. -EINVAL if it is none. On success *p or *t (threads) has a reference. */
enum cpu_clock { CPU_PROF, CPU_VIRT, CPU_SCHED };
int clock_cpu_target(int clock, struct process **p, struct task **t, enum cpu_clock *kind);
u64 process_cpu_time(struct process *p, enum cpu_clock kind);
u64 task_cpu_time(struct task *t, enum cpu_clock kind);
/* An absolute time on a wall clock as a monotonic deadline; never 0. */
u64 clock_deadline(int clock, u64 ns);

#endif
