/*
 * itimer.c - the signal timers of a process, and how CPU-time timers count.
 *
 * Wall-time timers are kernel timers. CPU-time timers (ITIMER_VIRTUAL, ITIMER_PROF, timer_create on CPU clocks) share one
 * kernel timer per process, which looks at the CPU time used and sleeps for what is left at the least. If the process
 * has used none since the last look it is not set again (an idle sandbox has no wake-ups) until a thread is switched in
 * (itimers_resume).
 *
 * Locks: itimers->mutex serializes the system calls, itimers->lock guards the fields against the timer functions. The
 * interval of a periodic timer is at least MIN_INTERVAL between two wake-ups; what falls in between is an overrun.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/slab.h"
#include "task/time/itimer_priv.h"

#define SECOND	      1000000000ULL
#define CPU_LIMIT_MAX (~0ULL / SECOND) /* seconds; beyond: no limit */

static const int cpu_signal[] = { SIGVTALRM, SIGPROF };
static const enum cpu_clock cpu_kind[] = { CPU_VIRT, CPU_PROF };

static void real_expired(struct ktimer *k)
{
	struct itimers *it = container_of(k, struct itimers, real);
	u64 now = clock_mono();

	spin_lock(&it->lock);
	if (it->real_interval) {
		it->real_expires += it->real_interval;
		if (it->real_expires < now + MIN_INTERVAL)
			it->real_expires = now + MAX(it->real_interval, MIN_INTERVAL);
		ktimer_start(&it->real, it->real_expires);
	} else {
		it->real_expires = 0;
	}
	spin_unlock(&it->lock);
	signal_process(it->process, SIGALRM, NULL);
}

/* ---- CPU time ---- */

/* RLIMIT_CPU: SIGXCPU at the soft limit and every second after it, SIGKILL at the hard one. Time left, or ~0. */
static u64 limit_check(struct itimers *it)
{
	struct process *p = it->process;
	u64 soft = p->rlim[0].cur, hard = p->rlim[0].max, now;

	if (soft >= CPU_LIMIT_MAX && hard >= CPU_LIMIT_MAX)
		return ~0ULL;
	now = process_cpu_time(p, CPU_SCHED);
	if (now / SECOND >= hard) {
		signal_process(p, SIGKILL, NULL);
		return ~0ULL;
	}
	soft = MAX(soft, it->xcpu_next);
	if (now / SECOND >= soft) {
		signal_process(p, SIGXCPU, NULL);
		soft = it->xcpu_next = now / SECOND + 1;
	}
	soft = MIN(soft, hard);
	return soft >= CPU_LIMIT_MAX ? ~0ULL : soft * SECOND - now;
}

/* Send what has expired; returns the CPU time that is left until the next, or 0 for none. it->lock held. */
static u64 cpu_check(struct itimers *it)
{
	u64 left = ~0ULL, now;
	struct ptimer *t;
	int i;

	for (i = 0; i < 2; i++) {
		struct cpu_alarm *a = &it->cpu[i];

		if (!a->expires)
			continue;
		now = process_cpu_time(it->process, cpu_kind[i]);
		if (now >= a->expires) {
			signal_process(it->process, cpu_signal[i], NULL);
			a->expires = a->interval ? now + MAX(a->interval, MIN_INTERVAL) : 0;
		}
		if (a->expires)
			left = MIN(left, a->expires - now);
	}
	left = MIN(left, limit_check(it));
	list_for_each(t, &it->timers, node)
		if (!t->wall && t->expires)
			left = MIN(left, ptimer_cpu_check(t));
	return left == ~0ULL ? 0 : left;
}

static void cpu_expired(struct ktimer *k)
{
	struct itimers *it = container_of(k, struct itimers, cpu_timer);
	u64 left, used;

	spin_lock(&it->lock);
	left = cpu_check(it);
	used = process_cpu_time(it->process, CPU_SCHED);
	if (left && used == it->cpu_seen)
		it->dormant = true;
	else if (left)
		ktimer_start(&it->cpu_timer,
			     clock_mono() +
				     MAX(left / MAX(it->process->nr_threads, 1u), MIN_INTERVAL));
	it->cpu_seen = used;
	spin_unlock(&it->lock);
}

/* A CPU-time timer was set. it->lock held. */
void itimers_cpu_start(struct itimers *it)
{
	it->dormant = false;
	it->cpu_seen = ~0ULL;
	ktimer_start(&it->cpu_timer, clock_mono() + 1);
}

void itimers_resume(struct process *p)
{
	struct itimers *it = p->timers;

	if (!READ_ONCE(it->dormant))
		return;
	spin_lock(&it->lock);
	if (it->dormant)
		itimers_cpu_start(it);
	spin_unlock(&it->lock);
}

/* ---- life ---- */

static struct itimers *get(struct process *p)
{
	struct itimers *it = atomic_load(&p->timers);

	if (it)
		return it;
	it = kzalloc(sizeof(*it));
	if (!it)
		return NULL;
	mutex_init(&it->mutex);
	spin_init(&it->lock);
	list_init(&it->timers);
	it->process = p;
	ktimer_init(&it->real, real_expired);
	ktimer_init(&it->cpu_timer, cpu_expired);
	if (!atomic_cas(&p->timers, NULL, it)) {
		kfree(it);
		it = atomic_load(&p->timers);
	}
	return it;
}

struct itimers *itimers_get(void)
{
	return get(task_current()->process);
}

void itimers_cpu_limit(struct process *p)
{
	struct itimers *it;

	if (p->rlim[0].cur >= CPU_LIMIT_MAX && p->rlim[0].max >= CPU_LIMIT_MAX)
		return;
	it = get(p);
	if (!it)
		return;
	spin_lock(&it->lock);
	it->xcpu_next = 0;
	if (p->nr_threads)
		itimers_cpu_start(it);
	spin_unlock(&it->lock);
}

void itimers_exit(struct process *p)
{
	struct itimers *it = p->timers;

	if (!it)
		return;
	ktimer_cancel(&it->real);
	ptimers_clear(it);
	do { /* its function may be about to set it again */
		spin_lock(&it->lock);
		it->cpu[0].expires = it->cpu[1].expires = it->real_interval = 0;
		spin_unlock(&it->lock);
	} while (ktimer_cancel(&it->cpu_timer) | ktimer_cancel(&it->real));
	/* The structure stays until the process does: prlimit(2) of another process may be looking at it. */
}

void itimers_free(struct process *p)
{
	kfree(p->timers);
}

/* POSIX timers end, the interval timers go on. */
void itimers_exec(struct process *p)
{
	if (p->timers)
		ptimers_clear(p->timers);
}

/* ---- setitimer ---- */

static void read_locked(struct itimers *it, int which, u64 *value, u64 *interval)
{
	u64 now, expires;

	if (which == ITIMER_REAL) {
		now = clock_mono();
		expires = it->real_expires;
		*interval = it->real_interval;
	} else {
		now = process_cpu_time(it->process, cpu_kind[which - 1]);
		expires = it->cpu[which - 1].expires;
		*interval = it->cpu[which - 1].interval;
	}
	*value = !expires ? 0 : expires > now ? expires - now : 1000;
}

int itimer_get(int which, u64 *value, u64 *interval)
{
	struct itimers *it = task_current()->process->timers;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	*value = *interval = 0;
	if (!it)
		return 0;
	spin_lock(&it->lock);
	read_locked(it, which, value, interval);
	spin_unlock(&it->lock);
	return 0;
}

int itimer_set(int which, u64 value, u64 interval, u64 *old_value, u64 *old_interval)
{
	struct itimers *it;
	u64 now;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	it = itimers_get();
	if (!it)
		return -ENOMEM;
	mutex_lock(&it->mutex);
	spin_lock(&it->lock);
	read_locked(it, which, old_value, old_interval);
	if (which == ITIMER_REAL) {
		it->real_interval = 0; /* a running function does not set it again */
		spin_unlock(&it->lock);
		ktimer_cancel(&it->real);
		spin_lock(&it->lock);
		now = clock_mono();
		it->real_interval = value ? interval : 0;
		it->real_expires = value ? now + MIN(value, NO_DEADLINE - 1 - now) : 0;
		if (value)
			ktimer_start(&it->real, it->real_expires);
	} else {
		now = process_cpu_time(it->process, cpu_kind[which - 1]);
		it->cpu[which - 1].expires = value ? now + MIN(value, NO_DEADLINE - 1 - now) : 0;
		it->cpu[which - 1].interval = interval;
		if (value)
			itimers_cpu_start(it);
	}
	spin_unlock(&it->lock);
	mutex_unlock(&it->mutex);
	return 0;
}
