/* Smoke: a static glibc program starts, prints, knows its arguments, and writes as write(2) says. */
#include "abi.h"
#include <sys/uio.h>

TEST(hello)
{
	CHECK(1);
}

/* A pipe, as standard output may be /dev/null, which does not look at the buffer. */
TEST(bad_buffers)
{
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	CHECK_ERRNO(syscall(SYS_write, fds[1], bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_write, fds[1], (void *)-4096L, 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_write, fds[1], (void *)0x8000000000000000UL, 1), EFAULT);
	close(fds[0]), close(fds[1]);
}

TEST(write_errors)
{
	CHECK_ERRNO(syscall(SYS_write, -1, "x", 1), EBADF);
	CHECK_ERRNO(syscall(SYS_write, 100000, "x", 1), EBADF);
	CHECK_EQ(syscall(SYS_write, 1, NULL, 0), 0);
	CHECK_ERRNO(syscall(SYS_write, -1, bad_ptr(), 1), EBADF); /* descriptor first */
}

TEST(writev_errors)
{
	struct iovec v[2] = { { "", 0 }, { NULL, 0 } };

	CHECK_EQ(writev(1, v, 2), 0);
	CHECK_EQ(syscall(SYS_writev, 1, NULL, 0), 0);
	CHECK_ERRNO(syscall(SYS_writev, 1, v, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_writev, 1, v, 1025), EINVAL);
	CHECK_ERRNO(syscall(SYS_writev, 1, bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_writev, -1, v, 1), EBADF);
	v[0].iov_len = -1;
	CHECK_ERRNO(syscall(SYS_writev, 1, v, 2), EINVAL);
}

TEST(unknown_call)
{
	CHECK_ERRNO(syscall(100000), ENOSYS);
	CHECK_ERRNO(syscall(-1), ENOSYS);
	/* the number is an int: the upper half of rax is ignored */
	CHECK_EQ(syscall(1L << 40 | SYS_getpid), getpid());
}

TEST(identity)
{
	CHECK(getpid() > 0);
	CHECK_EQ(syscall(SYS_gettid), getpid());
	CHECK(getppid() >= 0);
	CHECK_EQ(syscall(SYS_getuid), getuid());
	CHECK_EQ(syscall(SYS_geteuid), getuid());
	CHECK_EQ(syscall(SYS_getgid), getegid());
}

TEST_FORK(exit_status_is_low_byte)
{
	static const int codes[] = { 0, 1, 42, 255, 256, 257, -1 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		pid_t p = fork();
		int st;

		if (p == 0)
			_exit(codes[i]);
		REQUIRE(p > 0);
		st = abi_wait(p);
		CHECK(WIFEXITED(st));
		CHECK_EQ(WEXITSTATUS(st), codes[i] & 0xff);
	}
}
