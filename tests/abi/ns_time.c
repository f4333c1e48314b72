/* Time namespaces: offsets of the monotonic clock and the time since boot, for children and the next program. */
#include "abi.h"
#include <sys/sysinfo.h>
#include <sys/timerfd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define AHEAD 100000 /* seconds */

/* By the C library, so by the vDSO where there is one; by the system call. */
static long seconds(int clock)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(clock, &ts);
	return ts.tv_sec;
}

static long seconds_by_call(int clock)
{
	struct timespec ts = { 0, 0 };

	syscall(SYS_clock_gettime, clock, &ts);
	return ts.tv_sec;
}

static int set(const char *text)
{
	int fd = open("/proc/self/timens_offsets", O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static const char *enter(void)
{
	if (!abi_cap(21))
		return "needs CAP_SYS_ADMIN";
	return unshare(CLONE_NEWTIME) ? "no time namespaces here" : NULL;
}

#define ENTER()                             \
	do {                                \
		const char *why_ = enter(); \
		if (why_)                   \
			SKIP("%s", why_);   \
	} while (0)

static int in_child(void (*fn)(void))
{
	int st = -1;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(abi_fails ? 1 : 0);
	}
	waitpid(pid, &st, 0);
	return st;
}

static long before[2]; /* monotonic, boottime */

static void check_clocks(void)
{
	struct timespec at, zero = { 0, 1 };
	struct itimerspec its = { { 0, 0 }, { 0, 0 } };
	struct sysinfo si;
	double up = 0;
	u_int64_t n = 0;
	FILE *f;
	int fd;

	CHECK(labs(seconds(CLOCK_MONOTONIC) - before[0] - AHEAD) < 10);
	CHECK(labs(seconds_by_call(CLOCK_MONOTONIC) - before[0] - AHEAD) < 10);
	CHECK(labs(seconds(CLOCK_MONOTONIC_RAW) - before[0] - AHEAD) < 10);
	CHECK(labs(seconds(CLOCK_MONOTONIC_COARSE) - before[0] - AHEAD) < 10);
	CHECK(labs(seconds(CLOCK_BOOTTIME) - before[1] - 2 * AHEAD) < 10);
	CHECK(labs(seconds(CLOCK_REALTIME) - time(NULL)) < 10);
	CHECK_OK(sysinfo(&si));
	CHECK(labs(si.uptime - before[1] - 2 * AHEAD) < 10);
	f = fopen("/proc/uptime", "r");
	CHECK(f && fscanf(f, "%lf", &up) == 1);
	if (f)
		fclose(f);
	CHECK(labs((long)up - before[1] - 2 * AHEAD) < 10);
	/* Absolute times are of the namespace's clock: this one is just over. */
	clock_gettime(CLOCK_MONOTONIC, &at);
	alarm(10);
	CHECK_OK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
	at.tv_nsec = at.tv_nsec / 2;
	at.tv_sec++;
	its.it_value = at;
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
	CHECK_EQ(read(fd, &n, sizeof(n)), 8);
	CHECK_EQ(n, 1);
	close(fd);
	CHECK_OK(clock_nanosleep(CLOCK_MONOTONIC, 0, &zero, NULL));
	CHECK(labs(seconds(CLOCK_MONOTONIC) - before[0] - AHEAD) < 20);
}

static void forks_again(void)
{
	check_clocks();
	CHECK_EQ(in_child(check_clocks), 0);
	CHECK_EQ(set("monotonic 1 0\n"), -EACCES); /* somebody is in it */
}

TEST_FORK(offsets)
{
	char text[200] = "";
	long mono;
	FILE *f;

	before[0] = seconds(CLOCK_MONOTONIC);
	before[1] = seconds(CLOCK_BOOTTIME);
	ENTER();
	CHECK_EQ(set("monotonic 100000 0\nboottime 200000 0\n"), 0);
	f = fopen("/proc/self/timens_offsets", "r");
	CHECK(f && fread(text, 1, sizeof(text) - 1, f) > 0);
	if (f)
		fclose(f);
	CHECK(!strcmp(text, "monotonic      100000         0\nboottime       200000         0\n"));
	mono = seconds(CLOCK_MONOTONIC); /* for children only */
	CHECK(labs(mono - before[0]) < 10);
	CHECK_EQ(in_child(forks_again), 0);
	CHECK(labs(seconds(CLOCK_MONOTONIC) - mono) < 20);
}

HELPER(clock)
{
	printf("%ld\n", seconds(CLOCK_MONOTONIC));
	return argc > 5;
}

static void runs_program(void)
{
	execl(abi_self, abi_self, "@clock", NULL);
	_exit(127);
}

/* A program that is executed by whoever called unshare(2) is in it, too. */
TEST_FORK(exec)
{
	int p[2];
	char text[32] = "";

	before[0] = seconds(CLOCK_MONOTONIC);
	ENTER();
	CHECK_EQ(set("1 -5 500000000"), 0);
	CHECK_OK(pipe(p));
	fflush(stdout);
	dup2(p[1], 1);
	CHECK_EQ(in_child(runs_program), 0);
	CHECK(read(p[0], text, sizeof(text) - 1) > 0);
	CHECK(labs(atol(text) - before[0] + 4) < 10);
}

TEST_FORK(rules)
{
	struct stat a, b;
	int fd, st;
	pid_t pid;

	CHECK_EQ(set("monotonic 1 0"), abi_cap(25) ? -EACCES : -EPERM);
	ENTER();
	CHECK_EQ(set("monotonic 1"), -EINVAL);
	CHECK_EQ(set("realtime 1 0"), -EINVAL);
	CHECK_EQ(set("monotonic 1 1000000000"), -EINVAL);
	CHECK_EQ(set("monotonic -999999999 0"), -ERANGE); /* before the machine was started */
	CHECK_EQ(set("monotonic 9999999999 0"), -ERANGE);
	CHECK_OK(stat("/proc/self/ns/time", &a));
	CHECK_OK(stat("/proc/self/ns/time_for_children", &b));
	CHECK(a.st_ino != b.st_ino);
	fd = open("/proc/self/ns/time", O_RDONLY);
	CHECK_OK(setns(fd, CLONE_NEWTIME));
	CHECK_OK(stat("/proc/self/ns/time_for_children", &b));
	CHECK_EQ(b.st_ino, a.st_ino);
	pid = fork();
	if (pid == 0)
		_exit(stat("/proc/self/ns/time", &b) || a.st_ino != b.st_ino);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	if (geteuid() == 0)
		CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(unshare(CLONE_NEWTIME), EPERM);
}
