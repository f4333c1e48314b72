/*
 * The cpu controller of control groups: quotas and weights. What is measured is loose: other machines' load is in it.
 */
#include "cgroup.h"
#include <sys/resource.h>
#include <time.h>

/* A group "a" with the controller. */
#define CPU_BEGIN()                                                       \
	do {                                                              \
		CG_BEGIN_WITH("cpu");                                     \
		CHECK_OK(cg_mkdir("a"));                                  \
		CHECK_OK(cg_write("", "cgroup.subtree_control", "+cpu")); \
	} while (0)

static void cpu_end(void)
{
	CHECK_OK(cg_rmdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-cpu"));
	CG_END_WITH("cpu");
}

/* A child in a group that computes. */
static pid_t spinner(const char *group)
{
	pid_t pid = abi_fork();

	if (!pid) {
		if (cg_write(group, "cgroup.procs", "0"))
			_exit(100);
		for (volatile unsigned long i = 0;; i++)
			;
	}
	return pid;
}

static long ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* How much of a CPU, in percent, a group uses in that time. */
static long share_of(const char *group, int ms)
{
	long used = cg_value(group, "cpu.stat", "usage_usec "), took;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	usleep((useconds_t)ms * 1000);
	used = cg_value(group, "cpu.stat", "usage_usec ") - used;
	took = ms_since(&start);
	return used / 10 / took;
}

TEST_FORK(files)
{
	CPU_BEGIN();
	CHECK_STR(cg_read("a", "cgroup.controllers"), "cpu\n");
	CHECK_STR(cg_read("a", "cpu.max"), "max 100000\n");
	CHECK_STR(cg_read("a", "cpu.max.burst"), "0\n");
	CHECK_STR(cg_read("a", "cpu.weight"), "100\n");
	CHECK_STR(cg_read("a", "cpu.weight.nice"), "0\n");
	CHECK_STR(cg_read("a", "cpu.idle"), "0\n");
	CHECK_EQ(cg_value("a", "cpu.stat", "nr_periods "), 0);
	CHECK_OK(cg_write("a", "cpu.max", "20000\n"));
	CHECK_STR(cg_read("a", "cpu.max"), "20000 100000\n");
	CHECK_OK(cg_write("a", "cpu.max", "5000 50000"));
	CHECK_STR(cg_read("a", "cpu.max"), "5000 50000\n");
	CHECK_OK(cg_write("a", "cpu.max", "max"));
	CHECK_STR(cg_read("a", "cpu.max"), "max 50000\n");
	CHECK_ERRNO(cg_write("a", "cpu.max", "999"), EINVAL);
	CHECK_ERRNO(cg_write("a", "cpu.max", "10000 999"), EINVAL);
	CHECK_ERRNO(cg_write("a", "cpu.max", "10000 1000001"), EINVAL);
	CHECK_ERRNO(cg_write("a", "cpu.max", "much"), EINVAL);
	CHECK_ERRNO(cg_write("a", "cpu.weight", "0"), ERANGE);
	CHECK_ERRNO(cg_write("a", "cpu.weight", "10001"), ERANGE);
	CHECK_ERRNO(cg_write("a", "cpu.weight", "heavy"), EINVAL);
	CHECK_OK(cg_write("a", "cpu.weight", "200"));
	CHECK_STR(cg_read("a", "cpu.weight"), "200\n");
	CHECK_STR(cg_read("a", "cpu.weight.nice"), "-3\n");
	CHECK_ERRNO(cg_write("a", "cpu.weight.nice", "20"), ERANGE);
	CHECK_OK(cg_write("a", "cpu.weight.nice", "19"));
	CHECK_STR(cg_read("a", "cpu.weight"), "1\n");
	CHECK_OK(cg_write("a", "cpu.idle", "1"));
	CHECK_STR(cg_read("a", "cpu.weight"), "0\n");
	CHECK_ERRNO(cg_write("a", "cpu.weight", "100"), EINVAL);
	CHECK_OK(cg_write("a", "cpu.idle", "0"));
	CHECK_STR(cg_read("a", "cpu.weight"), "100\n");
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-cpu"));
	CHECK_ERRNO(access(cg_path("a", "cpu.max"), F_OK), ENOENT);
	CHECK_EQ(cg_value("a", "cpu.stat", "nr_periods "), -1);
	CHECK_OK(cg_write("", "cgroup.subtree_control", "+cpu"));
	CHECK_STR(cg_read("a", "cpu.max"), "max 100000\n");
	cpu_end();
}

TEST_FORK(quota_holds)
{
	pid_t pid, second;
	long share;

	CPU_BEGIN();
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_OK(cg_write("a", "cpu.max", "20000 100000"));
	pid = spinner("a/b");
	second = spinner("a/b"); /* the quota is the group's, not each one's */
	usleep(200000);
	share = share_of("a", 1000);
	CHECK(share >= 8);
	CHECK(share <= 32);
	CHECK(cg_value("a", "cpu.stat", "nr_periods ") > 3);
	CHECK(cg_value("a", "cpu.stat", "nr_throttled ") > 3);
	CHECK(cg_value("a", "cpu.stat", "throttled_usec ") > 100000);

	/* It is lifted at once, and SIGKILL does not wait for it. */
	CHECK_OK(cg_write("a", "cpu.max", "max"));
	CHECK(share_of("a", 1000) > 40); /* of two CPUs */
	CHECK_OK(cg_write("a", "cpu.max", "1000 1000000"));
	usleep(100000);
	cg_end_child(pid);
	cg_end_child(second);
	CHECK_OK(cg_rmdir("a/b"));
	cpu_end();
}

/* One that moves leaves its limit behind. */
TEST_FORK(moves)
{
	pid_t pid;

	CPU_BEGIN();
	CHECK_OK(cg_mkdir("b"));
	CHECK_OK(cg_write("a", "cpu.max", "10000 100000"));
	pid = spinner("a");
	usleep(300000);
	CHECK_OK(cg_put("b", pid));
	CHECK_EQ(cg_value("b", "cpu.stat", "nr_throttled "), 0);
	CHECK(share_of("b", 1000) > 25);
	CHECK_OK(cg_put("a", pid));
	usleep(200000);
	CHECK(share_of("a", 1000) < 20);
	cg_end_child(pid);
	CHECK_OK(cg_rmdir("b"));
	cpu_end();
}

/* Two that want one CPU. */
TEST_FORK(weights)
{
	cpu_set_t one;
	long a, b;
	pid_t pid, other;

	CPU_BEGIN();
	CHECK_OK(cg_mkdir("b"));
	CHECK_OK(cg_write("b", "cpu.weight", "400"));
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	CHECK_OK(sched_setaffinity(0, sizeof(one), &one));
	pid = spinner("a");
	other = spinner("b");
	usleep(1500000);
	a = cg_value("a", "cpu.stat", "usage_usec ");
	b = cg_value("b", "cpu.stat", "usage_usec ");
	CHECK(b > 2 * a);
	cg_end_child(pid);
	cg_end_child(other);
	CHECK_OK(cg_rmdir("b"));
	cpu_end();
}
