/*
 * abi_task.h - Linux x86-64 structures of the task system calls: times, usage, limits.
 */
#ifndef MOAT_SYS_ABI_TASK_H
#define MOAT_SYS_ABI_TASK_H

#include "lib/types.h"

struct abi_timeval {
	s64 sec, usec;
};

struct abi_timespec {
	s64 sec, nsec;
};

struct abi_itimerspec {
	struct abi_timespec interval, value;
};

struct abi_itimerval {
	struct abi_timeval interval, value;
};

struct abi_rusage {
	struct abi_timeval utime, stime;
	s64 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv,
		nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct abi_rusage) == 144, "rusage");

static inline struct abi_timeval abi_timeval(u64 ns)
{
	return (struct abi_timeval){ (s64)(ns / 1000000000), (s64)(ns % 1000000000 / 1000) };
}

static inline struct abi_timespec abi_timespec(u64 ns)
{
	return (struct abi_timespec){ (s64)(ns / 1000000000), (s64)(ns % 1000000000) };
}

static inline bool abi_timespec_valid(const struct abi_timespec *t)
{
	return t->sec >= 0 && (u64)t->nsec < 1000000000;
}

/* Saturates at KTIME_MAX, as Linux. */
static inline u64 abi_ns(const struct abi_timespec *t)
{
	if (t->sec >= 9223372036LL)
		return 9223372036854775807ULL;
	return (u64)t->sec * 1000000000 + (u64)t->nsec;
}

#endif
