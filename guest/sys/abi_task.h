/*
 * abi_task.h - Linux x86-64 structures of the task system calls: usage, limits.
 */
#ifndef MOAT_SYS_ABI_TASK_H
#define MOAT_SYS_ABI_TASK_H

#include "sys/timespec.h"

struct abi_rusage {
	struct timeval64 utime, stime;
	s64 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv,
		nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct abi_rusage) == 144, "rusage");

#endif
