/*
 * timespec.h - time values of the ABI, to and from nanoseconds; the timeouts of system calls.
 *
 * Nanoseconds read from an application are at most KTIME_MAX (292 years), as Linux saturates them, so that adding the time of
 * now cannot wrap. The functions that read from the application return 0, -EFAULT or -EINVAL.
 */
#ifndef MOAT_SYS_TIMESPEC_H
#define MOAT_SYS_TIMESPEC_H

#include "lib/err.h"
#include "platform/platform.h"
#include "task/wait.h"

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_USEC 1000ULL
#define KTIME_MAX     0x7fffffffffffffffULL

struct timespec64 {
	s64 sec, nsec;
};

struct timeval64 {
	s64 sec, usec;
};

struct itimerspec64 {
	struct timespec64 interval, value;
};

struct itimerval64 {
	struct timeval64 interval, value;
};

static inline struct timespec64 timespec_of(u64 ns)
{
	return (struct timespec64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };
}

static inline struct timeval64 timeval_of(u64 ns)
{
	return (struct timeval64){ (s64)(ns / NSEC_PER_SEC),
				   (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

/* ns of a valid, non-negative timespec; -EINVAL. */
static inline int timespec_ns(const struct timespec64 *ts, u64 *ns)
{
	if (ts->sec < 0 || (u64)ts->nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*ns = (u64)ts->sec >= KTIME_MAX / NSEC_PER_SEC
		      ? KTIME_MAX
		      : (u64)ts->sec * NSEC_PER_SEC + (u64)ts->nsec;
	return 0;
}

/* ns of a valid, non-negative timeval; -EINVAL. */
static inline int timeval_ns(const struct timeval64 *tv, u64 *ns)
{
	struct timespec64 ts = { tv->sec, 0 };

	if ((u64)tv->usec >= NSEC_PER_SEC / NSEC_PER_USEC)
		return -EINVAL;
	ts.nsec = tv->usec * (s64)NSEC_PER_USEC;
	return timespec_ns(&ts, ns);
}

static inline int timespec_read(uaddr_t addr, u64 *ns)
{
	struct timespec64 ts;

	if (user_read(&ts, addr, sizeof(ts)))
		return -EFAULT;
	return timespec_ns(&ts, ns);
}

static inline int timespec_write(uaddr_t addr, u64 ns)
{
	struct timespec64 ts = timespec_of(ns);

	return user_write(addr, &ts, sizeof(ts)) ? -EFAULT : 0;
}

/* now + ns, saturated. A relative timeout of 0 gives a deadline that has passed, never 0 itself. */
static inline u64 deadline_after(u64 ns)
{
	u64 now = clock_mono();

	return ns >= NO_DEADLINE - now ? NO_DEADLINE : now + ns;
}

/* Deadline of a relative timeout in milliseconds; negative: none; 0: do not sleep. */
static inline u64 deadline_ms(s32 ms)
{
	if (ms < 0)
		return NO_DEADLINE;
	return ms ? deadline_after((u64)ms * 1000000) : 0;
}

/* Deadline of an optional relative timeout at addr: NO_DEADLINE without one; 0, do not sleep, for a zero one. */
static inline int timeout_read(uaddr_t addr, u64 *deadline)
{
	u64 ns;
	int err;

	*deadline = NO_DEADLINE;
	if (!addr)
		return 0;
	err = timespec_read(addr, &ns);
	if (!err)
		*deadline = ns ? deadline_after(ns) : 0;
	return err;
}

/* Deadline of an optional absolute time of a clock at addr: NO_DEADLINE without one, never 0. */
int timeout_read_absolute(uaddr_t addr, int clock, u64 *deadline);

#endif
