/*
 * timespec.h - time values of the ABI, to and from nanoseconds.
 */
#ifndef MOAT_SYS_TIMESPEC_H
#define MOAT_SYS_TIMESPEC_H

#include "lib/err.h"
#include "platform/platform.h"
#include "task/wait.h"

#define NSEC_PER_SEC 1000000000ULL

struct timespec64 {
	s64 sec, nsec;
};

struct timeval64 {
	s64 sec, usec;
};

/* ns of a valid, non-negative timespec, saturated below NO_DEADLINE; -EINVAL. */
static inline int timespec_ns(const struct timespec64 *ts, u64 *ns)
{
	if (ts->sec < 0 || (u64)ts->nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*ns = (u64)ts->sec >= NO_DEADLINE / NSEC_PER_SEC - 1
		      ? NO_DEADLINE - 1
		      : (u64)ts->sec * NSEC_PER_SEC + (u64)ts->nsec;
	return 0;
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
	struct timespec64 ts = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };

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

#endif
