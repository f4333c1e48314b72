/* getrlimit, setrlimit, prlimit64: rules, inheritance, and the limits that bite elsewhere. */
#include "abi.h"

TEST_FORK(get_and_set)
{
	struct rlimit r, s;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		CHECK_OK(getrlimit(i, &r));
		CHECK(r.rlim_cur <= r.rlim_max);
	}
	CHECK_ERRNO(getrlimit(RLIM_NLIMITS, &r), EINVAL);
	CHECK_ERRNO(getrlimit(-1, &r), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_NOFILE, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_setrlimit, RLIMIT_NOFILE, bad_ptr()), EFAULT);
	r = (struct rlimit){ 100, 50 };
	CHECK_ERRNO(setrlimit(RLIMIT_CORE, &r), EINVAL);
	r = (struct rlimit){ 100, 200 };
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &r));
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &s));
	CHECK_EQ(s.rlim_cur, 100);
	CHECK_EQ(s.rlim_max, 200);
	r.rlim_cur = 200;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &r)); /* soft up to hard */
	IN_CHILD_AS(NOBODY)
	{
		struct rlimit more = { 200, 201 };

		CHECK_OK(getrlimit(RLIMIT_NOFILE, &s));
		CHECK_EQ(s.rlim_max, 200); /* inherited */
		CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &more), EPERM);
		more = (struct rlimit){ 10, 10 };
		CHECK_OK(setrlimit(RLIMIT_NOFILE, &more));
	}
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &s));
	CHECK_EQ(s.rlim_cur, 200);
}

TEST_FORK(raising_the_hard_limit)
{
	struct rlimit r = { 50, 50 }, s = { 60, 60 };

	CHECK_OK(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &r));
	if (abi_cap(24)) /* CAP_SYS_RESOURCE */
		CHECK_OK(setrlimit(RLIMIT_NOFILE, &s));
	else
		CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &s), EPERM);
}

TEST_FORK(prlimit_of_another)
{
	struct rlimit r, set = { 77, 77 };
	pid_t p = abi_fork();

	if (p == 0)
		for (;;)
			pause();
	CHECK_OK(syscall(SYS_prlimit64, p, RLIMIT_NOFILE, &set, &r));
	CHECK(r.rlim_cur != 77);
	CHECK_OK(syscall(SYS_prlimit64, p, RLIMIT_NOFILE, NULL, &r));
	CHECK_EQ(r.rlim_cur, 77);
	CHECK_OK(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &r));
	CHECK(r.rlim_cur != 77);
	CHECK_ERRNO(syscall(SYS_prlimit64, 0x3ffffffe, RLIMIT_NOFILE, NULL, &r), ESRCH);
	CHECK_ERRNO(syscall(SYS_prlimit64, p, 99, NULL, &r), EINVAL);
	CHECK_ERRNO(syscall(SYS_prlimit64, p, RLIMIT_NOFILE, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_prlimit64, p, RLIMIT_NOFILE, NULL, bad_ptr()), EFAULT);
	if (geteuid() == 0)
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(syscall(SYS_prlimit64, p, RLIMIT_NOFILE, NULL, &r), EPERM);
		}
	kill(p, SIGKILL);
	abi_wait(p);
}

TEST_FORK(address_space)
{
	struct rlimit r = { 256 << 20, 256 << 20 };

	CHECK_OK(setrlimit(RLIMIT_AS, &r));
	CHECK_ERRNO(mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	void *p = mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERRNO(mremap(p, 64 << 20, 512 << 20, MREMAP_MAYMOVE), ENOMEM);
	CHECK_OK(munmap(p, 64 << 20));
}

TEST_FORK(cpu_time)
{
	CHILD_DIES(SIGXCPU)
	{
		struct rlimit r = { 1, 2 };
		volatile unsigned long n = 0;

		/* burn most of the second before the limit falls: then it bites soon */
		CHECK_OK(setrlimit(RLIMIT_CPU, &r));
		for (;;)
			n++;
	}
}

TEST_FORK(nice_and_priority)
{
	errno = 0;
	int before = getpriority(PRIO_PROCESS, 0);

	CHECK_EQ(errno, 0);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, before + 3));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), before + 3);
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 20 - before - 3);
	CHECK_EQ(nice(1), before + 4);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 100)); /* clamped */
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_ERRNO(setpriority(99, 0, 0), EINVAL);
	CHECK_ERRNO(getpriority(99, 0), EINVAL);
	CHECK_ERRNO(getpriority(PRIO_PROCESS, 0x3ffffffe), ESRCH);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 0), EACCES);
		CHECK_ERRNO(nice(-1), EPERM);
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
		if (getppid() > 1 && getuid() != 0 && geteuid() == NOBODY && abi_pid != getpid())
			CHECK_ERRNO(setpriority(PRIO_PROCESS, 1, 19), EPERM);
	}
	if (abi_cap(23)) { /* CAP_SYS_NICE */
		CHECK_OK(setpriority(PRIO_PROCESS, 0, -5));
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), -5);
		CHECK_OK(setpriority(PRIO_PROCESS, 0, -100));
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), -20);
		CHECK_EQ(getpriority(PRIO_PGRP, 0) <= -20, 1);
	}
}
