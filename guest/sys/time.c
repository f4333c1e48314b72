/*
 * time.c - clocks and sleeping. The time of day belongs to the host: setting it is refused.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "task/time/clock.h"
#include "task/task.h"

#define TIMER_ABSTIME 1

s64 sys_clock_gettime(int_a clock, uptr_a ts)
{
	u64 ns;
	int err = clock_read(clock, &ns);

	return err ? err : timespec_write(ts, ns);
}

s64 sys_clock_getres(int_a clock, uptr_a ts)
{
	u64 ns;
	int err = clock_read(clock, &ns);

	if (err || !ts)
		return err;
	/* What programs expect of the coarse clocks; they are finer here. */
	ns = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? 4000000 : 1;
	return timespec_write(ts, ns);
}

s64 sys_clock_settime(int_a clock, uptr_a ts)
{
	u64 ns;
	int err;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	err = timespec_read(ts, &ns);
	return err ? err : -EPERM;
}

s64 sys_gettimeofday(uptr_a tv, uptr_a tz)
{
	u64 ns, zero = 0;
	struct timeval64 v;

	clock_read(CLOCK_REALTIME, &ns);
	v = timeval_of(ns);
	if (tv && user_write(tv, &v, sizeof(v)))
		return -EFAULT;
	return tz && user_write(tz, &zero, sizeof(zero)) ? -EFAULT : 0;
}

s64 sys_settimeofday(uptr_a tv, uptr_a tz)
{
	struct timeval64 v;

	if (tv) {
		if (user_read(&v, tv, sizeof(v)))
			return -EFAULT;
		if (v.sec < 0 || (u64)v.usec > 1000000)
			return -EINVAL;
	}
	return -EPERM;
}

s64 sys_time(uptr_a tloc)
{
	u64 ns;
	s64 sec;

	clock_read(CLOCK_REALTIME, &ns);
	sec = (s64)(ns / NSEC_PER_SEC);
	return tloc && user_write(tloc, &sec, sizeof(sec)) ? -EFAULT : sec;
}

/* struct timex, linux/timex.h */
struct abi_timex {
	u32 modes, pad;
	s64 offset, freq, maxerror, esterror;
	s32 status, pad2;
	s64 constant, precision, tolerance;
	struct timeval64 time;
	s64 tick, ppsfreq, jitter;
	s32 shift, pad3;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai, pad4[11];
};
_Static_assert(sizeof(struct abi_timex) == 208, "timex");

s64 sys_adjtimex(uptr_a buf)
{
	struct abi_timex t;
	u64 ns;

	if (user_read(&t, buf, sizeof(t)))
		return -EFAULT;
	if (t.modes && t.modes != 0xa001) /* ADJ_OFFSET_SS_READ */
		return -EPERM;
	clock_read(CLOCK_REALTIME, &ns);
	t = (struct abi_timex){ .maxerror = 16000000,
				.esterror = 16000000,
				.status = 0x40,
				.constant = 2,
				.precision = 1,
				.tolerance = 32768000,
				.time = timeval_of(ns),
				.tick = 10000 };
	return user_write(buf, &t, sizeof(t)) ? -EFAULT
					      : 5; /* TIME_ERROR: not synchronized by us */
}

s64 sys_clock_adjtime(int_a clock, uptr_a buf)
{
	return clock == CLOCK_REALTIME ? sys_adjtimex(buf) : -EINVAL;
}

/* ---- sleeping ---- */

int timeout_read_absolute(uaddr_t addr, int clock, u64 *deadline)
{
	u64 ns;
	int err;

	*deadline = NO_DEADLINE;
	if (!addr)
		return 0;
	err = timespec_read(addr, &ns);
	if (!err)
		*deadline = clock_deadline(clock, ns);
	return err;
}

/* Until the deadline; 0 or -ERESTARTSYS. */
static int sleep_until(u64 deadline)
{
	int err;

	do {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		err = sched_sleep(deadline);
	} while (!err);
	sched_awake();
	return err == -ETIMEDOUT ? 0 : err;
}

static s64 sleep_relative(u64 deadline, uaddr_t rem);

static s64 restart_sleep(struct restart_block *r)
{
	return sleep_relative(r->arg[0], r->arg[1]);
}

/* deadline: monotonic; what is left goes to rem if a signal comes. */
static s64 sleep_relative(u64 deadline, uaddr_t rem)
{
	struct restart_block *r = &task_current()->restart;
	u64 now;

	if (!sleep_until(deadline))
		return 0;
	now = clock_mono();
	if (now >= deadline)
		return 0;
	if (rem && timespec_write(rem, deadline - now))
		return -EFAULT;
	r->fn = restart_sleep;
	r->arg[0] = deadline;
	r->arg[1] = rem;
	return -ERESTART_RESTARTBLOCK;
}

/* On a CPU-time clock: look again after what is left, as no thread can use more than that by then. */
static s64 sleep_cpu(int clock, bool absolute, u64 ns)
{
	u64 now, until, step;
	int err = clock_read(clock, &now);

	if (err)
		return err;
	until = absolute ? ns : now + MIN(ns, NO_DEADLINE - 1 - now);
	while (now < until) {
		step = MAX((until - now) / cpu_count(), 1000000ULL);
		err = sleep_until(clock_mono() + step);
		if (err)
			return absolute ? -ERESTARTNOHAND : -EINTR;
		err = clock_read(clock, &now);
		if (err)
			return err;
	}
	return 0;
}

static s64 do_sleep(int clock, bool absolute, uaddr_t req, uaddr_t rem)
{
	u64 ns;
	int err = timespec_read(req, &ns);

	if (err)
		return err;
	if (!clock_is_wall(clock)) {
		if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
		    clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
			return -EOPNOTSUPP;
		return sleep_cpu(clock, absolute, ns);
	}
	if (absolute)
		return sleep_until(clock_deadline(clock, ns)) ? -ERESTARTNOHAND : 0;
	return sleep_relative(deadline_after(ns), rem);
}

s64 sys_nanosleep(uptr_a req, uptr_a rem)
{
	return do_sleep(CLOCK_MONOTONIC, false, req, rem);
}

s64 sys_clock_nanosleep(int_a clock, flags_a flags, uptr_a req, uptr_a rem)
{
	u64 ns;
	int err = clock_read(clock, &ns);

	return err ? err : do_sleep(clock, flags & TIMER_ABSTIME, req, rem);
}
