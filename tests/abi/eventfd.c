/* eventfd: counter and semaphore mode, blocking at both ends, overflow, polling, errors. */
#include "abi.h"
#include <poll.h>
#include <sys/eventfd.h>

static int put(int fd, uint64_t v)
{
	return write(fd, &v, 8);
}

static int64_t take(int fd)
{
	uint64_t v = 0;

	return read(fd, &v, 8) == 8 ? (int64_t)v : -1;
}

TEST(counter)
{
	int fd = eventfd(3, EFD_NONBLOCK);

	REQUIRE(fd >= 0);
	CHECK_EQ(take(fd), 3);
	CHECK_ERRNO(take(fd), EAGAIN);
	CHECK_EQ(put(fd, 5), 8);
	CHECK_EQ(put(fd, 6), 8);
	CHECK_EQ(put(fd, 0), 8);
	CHECK_EQ(take(fd), 11);
	CHECK_EQ(put(fd, 0xfffffffffffffffe), 8);
	CHECK_ERRNO(put(fd, 1), EAGAIN);
	CHECK_ERRNO(put(fd, -1), EINVAL);
	CHECK_EQ(take(fd), -2);
	CHECK_OK(close(fd));
}

TEST(semaphore)
{
	int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(take(fd), 1);
	CHECK_ERRNO(take(fd), EAGAIN);
	CHECK_OK(close(fd));
}

TEST(errors)
{
	int fd = eventfd(1, EFD_NONBLOCK);
	char b[16] = "";

	CHECK_ERRNO(eventfd(0, 0x10), EINVAL);
	CHECK_ERRNO(read(fd, b, 7), EINVAL);
	CHECK_ERRNO(write(fd, b, 7), EINVAL);
	CHECK_ERRNO(syscall(SYS_write, fd, bad_ptr(), 8), EFAULT);
	CHECK_ERRNO(pread(fd, b, 8, 0), ESPIPE);
	CHECK_EQ(read(fd, b, 16), 8);
	CHECK_OK(close(fd));
}

TEST(readiness)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	put(fd, 1);
	poll(&p, 1, 0);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	take(fd);
	put(fd, 0xfffffffffffffffe);
	poll(&p, 1, 0);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_OK(close(fd));
}

TEST(blocks_and_wakes)
{
	int fd = eventfd(0, 0);
	pid_t p = abi_fork();

	if (p == 0) {
		abi_sleep_ms(3);
		CHECK_EQ(put(fd, 7), 8);
		CHECK_EQ(put(fd, 0xfffffffffffffffe), 8); /* waits until there is room */
		abi_exit();
	}
	CHECK_EQ(take(fd), 7);
	CHECK_EQ(take(fd), -2);
	abi_reap(p);
	CHECK_OK(close(fd));
}

TEST(ping_pong)
{
	int a = eventfd(0, 0), b = eventfd(0, 0);
	pid_t p = abi_fork();

	if (p == 0) {
		for (int i = 0; i < 1000; i++)
			if (!CHECK_EQ(take(a), i + 1) || !CHECK_EQ(put(b, i + 1), 8))
				break;
		abi_exit();
	}
	for (int i = 0; i < 1000; i++)
		if (!CHECK_EQ(put(a, i + 1), 8) || !CHECK_EQ(take(b), i + 1))
			break;
	abi_reap(p);
	close(a), close(b);
}

TEST(name_in_proc)
{
	char path[40], b[64] = "";
	int fd = eventfd(0, 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, b, 63) > 0);
	CHECK_STR(b, "anon_inode:[eventfd]");
	CHECK_OK(close(fd));
}
