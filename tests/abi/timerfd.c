/* timerfd: expiry counts, blocking and non-blocking reads, absolute time, polling, errors. */
#include "abi.h"
#include <poll.h>
#include <sys/timerfd.h>

static int arm(int fd, int flags, long value_ns, long interval_ns)
{
	struct itimerspec its = { { interval_ns / 1000000000, interval_ns % 1000000000 },
				  { value_ns / 1000000000, value_ns % 1000000000 } };

	return timerfd_settime(fd, flags, &its, NULL);
}

TEST(one_shot)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	int64_t t0 = abi_now_ns();
	uint64_t n = 0;

	REQUIRE(fd >= 0);
	CHECK_OK(arm(fd, 0, 3000000, 0));
	CHECK_EQ(read(fd, &n, 8), 8); /* sleeps until it fires */
	CHECK_EQ(n, 1);
	CHECK(abi_now_ns() - t0 >= 3000000);
	CHECK_OK(close(fd));
}

TEST(periodic)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct pollfd p = { fd, POLLIN, 0 };
	struct itimerspec cur;
	uint64_t n = 0;

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
	CHECK_OK(arm(fd, 0, 1000000, 1000000));
	CHECK_EQ(poll(&p, 1, 5000), 1);
	abi_sleep_ms(8);
	CHECK_EQ(read(fd, &n, 8), 8);
	CHECK(n >= 5); /* all expiries since the last read */
	CHECK_OK(timerfd_gettime(fd, &cur));
	CHECK_EQ(cur.it_interval.tv_nsec, 1000000);
	CHECK(cur.it_value.tv_nsec > 0 && cur.it_value.tv_nsec <= 1000000);
	CHECK_OK(arm(fd, 0, 0, 0));
	if (poll(&p, 1, 0))
		ABI_FAIL("disarmed, yet readable");
	CHECK_OK(timerfd_gettime(fd, &cur));
	CHECK_EQ(cur.it_value.tv_sec + cur.it_value.tv_nsec, 0);
	CHECK_OK(close(fd));
}

/* Timers that expire faster than anything could serve them leave the CPU to the program. */
TEST(many_fast)
{
	struct itimerspec it = { .it_interval = { 0, 100 }, .it_value = { 0, 100 } };
	struct pollfd p = { .events = POLLIN };
	uint64_t n;
	int fds[500];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = CHECK_OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
		CHECK_OK(timerfd_settime(fds[i], 0, &it, NULL));
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		for (int round = 0; round < 2; round++) {
			p.fd = fds[i];
			CHECK_EQ(poll(&p, 1, 5000), 1);
			CHECK_EQ(read(fds[i], &n, sizeof(n)), sizeof(n));
			CHECK(n > 0);
		}
		close(fds[i]);
	}
}

TEST(absolute)
{
	static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		int fd = timerfd_create(ids[i], 0);
		struct itimerspec its = { { 0, 0 }, { 1, 0 } };
		uint64_t n = 0;

		REQUIRE(fd >= 0);
		CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL)); /* long past */
		CHECK_EQ(read(fd, &n, 8), 8);
		CHECK_EQ(n, 1);
		clock_gettime(ids[i], &its.it_value);
		its.it_value.tv_sec += 1000;
		CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
		CHECK_OK(timerfd_gettime(fd, &its));
		CHECK(its.it_value.tv_sec <= 1000 && its.it_value.tv_sec > 990); /* relative */
		CHECK_OK(close(fd));
	}
}

TEST(old_value)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec its = { { 2, 3 }, { 500, 0 } }, old;

	CHECK_OK(timerfd_settime(fd, 0, &its, &old));
	CHECK_EQ(old.it_value.tv_sec + old.it_interval.tv_sec, 0);
	CHECK_OK(timerfd_settime(fd, 0, &its, &old));
	CHECK_EQ(old.it_interval.tv_sec, 2);
	CHECK_EQ(old.it_interval.tv_nsec, 3);
	CHECK(old.it_value.tv_sec > 490);
	CHECK_OK(close(fd));
}

TEST(errors)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), null = open("/dev/null", O_RDONLY);
	struct itimerspec its = { { 0, 0 }, { 0, 1000000000 } };
	uint64_t n;

	CHECK_ERRNO(timerfd_create(99, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 0x123), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 0, &its, NULL), EINVAL);
	its.it_value.tv_nsec = 0;
	CHECK_ERRNO(timerfd_settime(fd, 0x100, &its, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(null, 0, &its, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(-1, 0, &its, NULL), EBADF);
	CHECK_ERRNO(timerfd_gettime(null, &its), EINVAL);
	CHECK_ERRNO(syscall(SYS_timerfd_settime, fd, 0, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_timerfd_gettime, fd, bad_ptr()), EFAULT);
	CHECK_ERRNO(read(fd, &n, 7), EINVAL);
	CHECK_ERRNO(write(fd, &n, 8), EINVAL);
	CHECK_ERRNO(pread(fd, &n, 8, 0), ESPIPE);
	CHECK_OK(close(fd));
	CHECK_OK(close(null));
}

TEST(shared_over_fork_and_dup)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), two = dup(fd);
	uint64_t n = 0;

	CHECK_OK(arm(fd, 0, 1000000, 0));
	IN_CHILD
	{
		struct pollfd p = { two, POLLIN, 0 };

		CHECK_EQ(poll(&p, 1, 5000), 1);
		CHECK_EQ(read(two, &n, 8), 8);
	}
	CHECK_ERRNO(read(fd, &n, 8), EAGAIN); /* the child took it */
	close(fd), close(two);
}
