/*
 * load.c - the load averages of /proc/loadavg and sysinfo(2), without a timer.
 *
 * Samples are due every 5 s as on Linux, but an idle sandbox must not wake up for them: the first task switch after a due
 * time takes the sample, for all periods that have passed, with the number of tasks that were runnable until then. Between
 * two switches that number does not change on a CPU, so nothing is missed. Lock: one spinlock, innermost.
 */
#include "task/sched/sched.h"

#define PERIOD 5000000000ULL /* ns */
#define FSHIFT 11
#define ONE    (1u << FSHIFT)

u64 load_next;
static struct spinlock lock = SPINLOCK_INIT;
static u64 avg[3];
static const u32 decay[3] = { 1884, 2014, 2037 }; /* exp(-5 s / 1, 5, 15 min) */

/* x^n in fixed point. */
static u64 power(u64 x, u64 n)
{
	u64 r = ONE;

	for (; n; n >>= 1, x = x * x >> FSHIFT)
		if (n & 1)
			r = r * x >> FSHIFT;
	return r;
}

void load_sample(u64 now)
{
	u64 n, active;

	if (!spin_trylock(&lock))
		return;
	if (!load_next)
		load_next = now + PERIOD;
	if (now >= load_next) {
		n = (now - load_next) / PERIOD + 1;
		active = (u64)sched_nr_running() << FSHIFT;
		for (int k = 0; k < 3; k++) {
			u64 e = power(decay[k], n);

			avg[k] = (avg[k] * e + active * (ONE - e) +
				  (active > avg[k] ? ONE - 1 : 0)) >>
				 FSHIFT;
		}
		WRITE_ONCE(load_next, load_next + n * PERIOD);
	}
	spin_unlock(&lock);
}

void sched_load(u32 load[3])
{
	load_tick(clock_mono());
	spin_lock(&lock);
	for (int k = 0; k < 3; k++)
		load[k] = (u32)avg[k];
	spin_unlock(&lock);
}
