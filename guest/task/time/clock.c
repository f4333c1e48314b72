/*
 * clock.c - reading clocks.
 *
 * CLOCK_BOOTTIME is CLOCK_MONOTONIC (a sandbox is never suspended by itself), CLOCK_TAI is CLOCK_REALTIME (offset 0, as
 * on a Linux without ntpd), the coarse clocks are as fine as the others.
 */
#include "lib/err.h"
#include "task/time/clock.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ns/timens.h"

bool clock_is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
}

bool clock_is_wall(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM || clock == CLOCK_TAI;
}

u64 clock_deadline(int clock, u64 ns)
{
	s64 off = clock_is_realtime(clock) ? clock_real_offset() : time_ns_offset(clock);

	if (ns >= 0x7fffffffffffffffULL)
		return NO_DEADLINE - 1;
	if (off > 0 && ns <= (u64)off)
		return 1;
	return MAX(ns - (u64)off, 1ULL);
}

u64 task_cpu_time(struct task *t, enum cpu_clock kind)
{
	u64 u, s;

	if (kind == CPU_SCHED)
		return sched_runtime(t);
	task_times(t, &u, &s);
	return kind == CPU_VIRT ? u : u + s;
}

u64 process_cpu_time(struct process *p, enum cpu_clock kind)
{
	struct task *t;
	u64 sum;

	spin_lock(&p->sig_lock);
	sum = kind == CPU_SCHED ? p->sum_exec : kind == CPU_VIRT ? p->utime : p->utime + p->stime;
	list_for_each(t, &p->threads, thread_node)
		if (t->state != TASK_ZOMBIE || kind != CPU_SCHED)
			sum += task_cpu_time(t, kind);
	spin_unlock(&p->sig_lock);
	return sum;
}

/* The number of a per-process or per-thread clock: ~pid << 3, bit 2 for threads, then the kind; 3 is a descriptor's. */
int clock_cpu_target(int clock, struct process **p, struct task **t, enum cpu_clock *kind)
{
	struct task *self = task_current();
	int pid = ~(clock >> 3);

	*p = NULL;
	*t = NULL;
	*kind = CPU_SCHED;
	if (clock == CLOCK_PROCESS_CPUTIME_ID) {
		ref_get(&self->process->ref);
		*p = self->process;
		return 0;
	}
	if (clock == CLOCK_THREAD_CPUTIME_ID) {
		task_get(self);
		*t = self;
		return 0;
	}
	if (clock >= 0 || (clock & 3) == 3)
		return -EINVAL;
	*kind = (enum cpu_clock)(clock & 3);
	if (clock & 4) {
		if (!pid)
			task_get(*t = self);
		else
			*t = task_find_vpid(pid);
		if (*t && (*t)->process != self->process) {
			task_put(*t);
			*t = NULL;
		}
		return *t ? 0 : -EINVAL;
	}
	if (!pid)
		ref_get(&(*p = self->process)->ref);
	else
		*p = process_find_vpid(pid);
	return *p ? 0 : -EINVAL;
}

int clock_read(int clock, u64 *ns)
{
	enum cpu_clock kind;
	struct process *p;
	struct task *t;
	int err;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: *ns = clock_mono() + (u64)clock_real_offset(); return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM: *ns = clock_mono() + (u64)time_ns_offset(clock); return 0;
	default:
		err = clock_cpu_target(clock, &p, &t, &kind);
		if (err)
			return err;
		*ns = t ? task_cpu_time(t, kind) : process_cpu_time(p, kind);
		task_put(t);
		process_put(p);
		return 0;
	}
}
