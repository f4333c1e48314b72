/* sched_*: policies, parameters, affinity, yield, and getcpu; ioprio. */
#include "abi.h"
#include <pthread.h>

struct sched_attr_v0 {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

TEST_FORK(policies)
{
	struct sched_param p = { 0 };

	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
	CHECK_OK(sched_getparam(0, &p));
	CHECK_EQ(p.sched_priority, 0);
	CHECK_OK(sched_setscheduler(0, SCHED_BATCH, &p));
	CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
	CHECK_OK(sched_setscheduler(0, SCHED_OTHER, &p));
	p.sched_priority = 1;
	CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
	CHECK_ERRNO(sched_setscheduler(0, 77, &p), EINVAL);
	CHECK_ERRNO(sched_setscheduler(-1, SCHED_OTHER, &p), EINVAL);
	CHECK_ERRNO(sched_setscheduler(0x3ffffffe, SCHED_BATCH, &(struct sched_param){ 0 }), ESRCH);
	CHECK_ERRNO(sched_getscheduler(-1), EINVAL);
	CHECK_ERRNO(sched_getscheduler(0x3ffffffe), ESRCH);
	CHECK_ERRNO(sched_getparam(0, NULL), EINVAL);
	CHECK_ERRNO(sched_getparam(0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
	p.sched_priority = 100;
	CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &p), EINVAL);
	IN_CHILD_AS(NOBODY)
	{
		struct rlimit r = { 0, 0 };

		p.sched_priority = 1;
		setrlimit(RLIMIT_RTPRIO, &r);
		CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &p), EPERM);
		p.sched_priority = 0;
		CHECK_OK(sched_setscheduler(0, SCHED_IDLE, &p));
	}
}

TEST(priority_ranges)
{
	CHECK_EQ(sched_get_priority_min(SCHED_OTHER), 0);
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
	CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
	CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQ(sched_get_priority_max(SCHED_RR), 99);
	CHECK_EQ(sched_get_priority_max(SCHED_BATCH), 0);
	CHECK_ERRNO(sched_get_priority_max(77), EINVAL);
	CHECK_ERRNO(sched_get_priority_min(-1), EINVAL);
}

TEST_FORK(real_time)
{
	struct sched_param p = { .sched_priority = 5 };
	struct timespec ts = { 0, 0 };

	NEED_CAP(23);
	if (sched_setscheduler(0, SCHED_RR, &p))
		SKIP("no real-time bandwidth in this cgroup: %s", abi_errname(errno));
	CHECK_EQ(sched_getscheduler(0), SCHED_RR);
	CHECK_OK(sched_getparam(0, &p));
	CHECK_EQ(p.sched_priority, 5);
	CHECK_OK(sched_rr_get_interval(0, &ts));
	CHECK(ts.tv_sec > 0 || ts.tv_nsec > 0);
	IN_CHILD
	{
		CHECK_EQ(sched_getscheduler(0), SCHED_RR);
	}
	CHECK_OK(sched_setscheduler(0, SCHED_RR | 0x40000000, &p)); /* SCHED_RESET_ON_FORK */
	IN_CHILD
	{
		CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
	}
}

TEST_FORK(attributes)
{
	struct sched_attr_v0 a = { 0 };

	CHECK_OK(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0));
	CHECK_EQ(a.size, sizeof(a));
	CHECK_EQ(a.policy, SCHED_OTHER);
	CHECK_EQ(a.nice, getpriority(PRIO_PROCESS, 0));
	a.nice = a.nice < 15 ? a.nice + 1 : a.nice;
	a.flags = 0;
	CHECK_OK(syscall(SYS_sched_setattr, 0, &a, 0));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), a.nice);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &a, 10, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, NULL, sizeof(a), 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	a.flags = 0x8000;
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
}

TEST_FORK(affinity)
{
	cpu_set_t set, one;
	int cpu = -1, n;

	n = syscall(SYS_sched_getaffinity, 0, sizeof(set), &set);
	CHECK(n > 0 && n % 8 == 0);
	CHECK(CPU_COUNT(&set) >= 1);
	for (int i = 0; i < CPU_SETSIZE && cpu < 0; i++)
		if (CPU_ISSET(i, &set))
			cpu = i;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_OK(sched_setaffinity(0, sizeof(one), &one));
	CHECK_EQ(sched_getcpu(), cpu);
	CHECK_OK(sched_getaffinity(0, sizeof(set), &set));
	CHECK_EQ(CPU_COUNT(&set), 1);
	IN_CHILD
	{
		CHECK_OK(sched_getaffinity(0, sizeof(set), &set));
		CHECK_EQ(CPU_COUNT(&set), 1);
	}
	CPU_ZERO(&one);
	CHECK_ERRNO(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 3, &set), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 12, &set), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, sizeof(set), bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, sizeof(set), bad_ptr()), EFAULT);
	CHECK_ERRNO(sched_getaffinity(0x3ffffffe, sizeof(set), &set), ESRCH);
	CHECK_ERRNO(sched_getaffinity(-1, sizeof(set), &set), ESRCH);
}

TEST(moving_between_cpus)
{
	cpu_set_t all, one;
	int moves = 0;

	CHECK_OK(sched_getaffinity(0, sizeof(all), &all));
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < CPU_SETSIZE; i++) {
			if (!CPU_ISSET(i, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			CHECK_OK(sched_setaffinity(0, sizeof(one), &one));
			if (!CHECK_EQ(sched_getcpu(), i))
				round = 20;
			moves++;
		}
	CHECK(moves > 0);
	CHECK_OK(sched_setaffinity(0, sizeof(all), &all));
}

TEST(yield_and_getcpu)
{
	unsigned cpu = -1, node = -1;

	for (int i = 0; i < 100; i++)
		CHECK_OK(sched_yield());
	CHECK_OK(syscall(SYS_getcpu, &cpu, &node, NULL));
	CHECK(cpu < 1024);
	CHECK(node < 64);
	CHECK_OK(syscall(SYS_getcpu, NULL, NULL, NULL));
	CHECK_ERRNO(syscall(SYS_getcpu, bad_ptr(), NULL, NULL), EFAULT);
}

static volatile int stop, progress[4];

static void *runs(void *arg)
{
	while (!stop)
		progress[(intptr_t)arg]++;
	return NULL;
}

TEST(busy_threads_all_progress)
{
	pthread_t t[4];

	/* spinners without system calls share what CPUs there are: needs preemption */
	for (intptr_t i = 0; i < 4; i++)
		REQUIRE(pthread_create(&t[i], NULL, runs, (void *)i) == 0);
	WAIT_UNTIL(progress[0] && progress[1] && progress[2] && progress[3]);
	stop = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

TEST_FORK(ioprio)
{
	CHECK_OK(syscall(SYS_ioprio_get, 1, 0));
	CHECK_OK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4));
	CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 4);
	CHECK_ERRNO(syscall(SYS_ioprio_get, 9, 0), EINVAL);
}
