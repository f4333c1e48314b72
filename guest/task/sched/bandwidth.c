/*
 * bandwidth.c - see bandwidth.h.
 */
#include "task/sched/bandwidth.h"

#define DEFAULT_PERIOD 100000000ULL

void cpu_limit_init(struct cpu_limit *l)
{
	spin_init(&l->lock);
	l->quota = CPU_NO_QUOTA;
	l->period = DEFAULT_PERIOD;
}

void cpu_limit_reset(struct cpu_limit *l)
{
	cpu_limit_set(l, CPU_NO_QUOTA, DEFAULT_PERIOD, 0);
	spin_lock(&l->lock);
	l->nr_periods = l->nr_throttled = l->throttled_ns = l->nr_bursts = l->burst_ns = 0;
	spin_unlock(&l->lock);
}

void cpu_limit_set(struct cpu_limit *l, u64 quota, u64 period, u64 burst)
{
	spin_lock(&l->lock);
	l->quota = quota;
	l->period = period;
	l->burst = burst;
	l->start = l->used = l->saved = 0;
	l->throttled = false;
	spin_unlock(&l->lock);
}

/* What the period had: its quota and what was saved for it. */
static u64 allowance(const struct cpu_limit *l)
{
	return l->quota == CPU_NO_QUOTA ? CPU_NO_QUOTA : l->quota + l->saved;
}

/* Its lock is held. */
static void end_period(struct cpu_limit *l)
{
	u64 had = allowance(l);

	l->nr_periods++;
	if (l->used > l->quota && l->saved) {
		l->nr_bursts++;
		l->burst_ns += MIN(l->used - l->quota, l->saved);
	}
	l->saved = l->used < had ? MIN(had - l->used, l->burst) : 0;
	l->used = l->used > had ? l->used - had : 0;
	l->throttled = false;
	l->start += l->period;
}

/* Its lock is held. */
static void advance(struct cpu_limit *l, u64 now)
{
	/* Those that nobody wanted anything of are not counted. */
	while (l->used && now >= l->start + l->period)
		end_period(l);
	if (now >= l->start + l->period)
		l->start = now;
}

void cpu_limit_charge(struct cpu_limit *l, u64 now, u64 ns)
{
	for (; l; l = READ_ONCE(l->up)) {
		spin_lock(&l->lock);
		advance(l, now);
		l->used += ns;
		spin_unlock(&l->lock);
	}
}

u64 cpu_limit_until(struct cpu_limit *l, u64 now)
{
	u64 until = 0;

	for (; l; l = READ_ONCE(l->up)) {
		spin_lock(&l->lock);
		advance(l, now);
		if (l->used >= allowance(l)) {
			until = MAX(until, l->start + l->period);
			l->nr_throttled += !l->throttled;
			if (!l->throttled)
				l->throttled_ns += l->start + l->period - now;
			l->throttled = true;
		}
		spin_unlock(&l->lock);
	}
	return until;
}
