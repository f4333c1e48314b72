/* Descriptor tables: dup, dup2, dup3, fcntl's basic commands, close_range, sharing of open files. */
#include "abi.h"
#include <linux/close_range.h>
#include <sys/epoll.h>

static int null(void)
{
	return CHECK_OK(open("/dev/null", O_RDWR));
}

TEST(dup)
{
	int a = null(), b;

	b = CHECK_OK(dup(a));
	CHECK(b > a);
	CHECK_OK(fcntl(a, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(fcntl(b, F_GETFD), 0); /* the flag belongs to the number */
	CHECK_OK(fcntl(a, F_SETFL, O_APPEND));
	CHECK_EQ(fcntl(b, F_GETFL) & O_APPEND, O_APPEND); /* status flags to the open file */
	close(a);
	CHECK_OK(fcntl(b, F_GETFD));
	close(b);
	CHECK_ERRNO(dup(b), EBADF);
	CHECK_ERRNO(dup(-1), EBADF);
}

TEST(dup2_and_dup3)
{
	int a = null(), b = null();

	CHECK_EQ(dup2(a, 90), 90);
	CHECK_EQ(dup2(a, a), a);
	CHECK_EQ(dup2(a, b), b); /* closes b first */
	CHECK_OK(fcntl(90, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(dup2(a, 90), 90);
	CHECK_EQ(fcntl(90, F_GETFD), 0);
	CHECK_EQ(dup3(a, 90, O_CLOEXEC), 90);
	CHECK_EQ(fcntl(90, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(dup3(a, a, 0), EINVAL);
	CHECK_ERRNO(dup3(a, 91, O_NONBLOCK), EINVAL);
	CHECK_ERRNO(dup2(a, -1), EBADF);
	CHECK_ERRNO(dup2(-1, 90), EBADF);
	CHECK_OK(fcntl(90, F_GETFD)); /* a failed dup2 closes nothing */
	CHECK_ERRNO(dup2(a, 1 << 30), EBADF);
	CHECK_ERRNO(dup2(555, 555), EBADF);
	close(90), close(a), close(b);
}

TEST(dupfd)
{
	int a = null(), b, c;

	b = CHECK_OK(fcntl(a, F_DUPFD, 50));
	CHECK_EQ(b, 50);
	c = CHECK_OK(fcntl(a, F_DUPFD_CLOEXEC, 50));
	CHECK_EQ(c, 51);
	CHECK_EQ(fcntl(c, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(fcntl(a, F_DUPFD, -1), EINVAL);
	CHECK_ERRNO(fcntl(a, F_DUPFD, 1 << 30), EINVAL);
	CHECK_ERRNO(fcntl(-1, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(a, 9999), EINVAL);
	close(a), close(b), close(c);
}

TEST(status_flags)
{
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "abc", 0644);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_LARGEFILE | 0100000);
	CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND | O_WRONLY | O_CREAT));
	/* the access mode and creation flags cannot change */
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_CREAT | O_NONBLOCK | O_APPEND),
		 O_RDWR | O_NONBLOCK | O_APPEND);
	CHECK_OK(fcntl(fd, F_SETFL, 0));
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND), 0);
	CHECK_OK(fcntl(fd, F_SETFD, 0xff));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

TEST(offset_is_shared)
{
	int a, b, c;
	char x[3] = "";

	abi_tmpdir();
	a = abi_file("f", "abcdef", 0644);
	b = dup(a);
	c = open("f", O_RDONLY);
	CHECK_EQ(read(a, x, 2), 2);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 2);
	CHECK_EQ(lseek(c, 0, SEEK_CUR), 0);
	IN_CHILD
	{
		CHECK_EQ(lseek(a, 1, SEEK_CUR), 3);
		close(a);
	}
	CHECK_EQ(lseek(a, 0, SEEK_CUR), 3);
	close(a), close(b), close(c);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(close_range)
{
	int a = null();

	for (int i = 60; i < 70; i++)
		CHECK_EQ(dup2(a, i), i);
	CHECK_OK(syscall(SYS_close_range, 62, 64, 0));
	CHECK(is_open(61) && !is_open(62) && !is_open(64) && is_open(65));
	CHECK_OK(syscall(SYS_close_range, 65, 66, CLOSE_RANGE_CLOEXEC));
	CHECK_EQ(fcntl(65, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(67, F_GETFD), 0);
	CHECK_ERRNO(syscall(SYS_close_range, 10, 9, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_close_range, 60, 61, 0x100), EINVAL);
	IN_CHILD
	{
		CHECK_OK(syscall(SYS_close_range, 60, ~0U, CLOSE_RANGE_UNSHARE));
		CHECK(!is_open(60) && !is_open(69) && is_open(1));
	}
	CHECK(is_open(69));
	CHECK_OK(syscall(SYS_close_range, 60, ~0U, 0));
	CHECK(!is_open(60) && !is_open(69));
	close(a);
}

TEST(table_grows)
{
	IN_CHILD
	{
		struct rlimit r;
		int a = null(), n = 0;

		CHECK_OK(getrlimit(RLIMIT_NOFILE, &r));
		r.rlim_cur = r.rlim_max < 3000 ? r.rlim_max : 3000;
		CHECK_OK(setrlimit(RLIMIT_NOFILE, &r));
		while (dup(a) >= 0)
			n++;
		CHECK_EQ(errno, EMFILE);
		CHECK(n > 900);
		CHECK_OK(close(500));
		CHECK_EQ(dup(a), 500);
	}
}

TEST(owner)
{
	int fds[2];
	struct {
		int type, pid;
	} ex = { 1 /* F_OWNER_PID */, 0 };

	REQUIRE(pipe(fds) == 0);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
	CHECK_EQ(fcntl(fds[0], F_GETOWN), getpid());
	ex.pid = getpid();
	CHECK_OK(fcntl(fds[0], F_SETOWN_EX, &ex));
	memset(&ex, 0, sizeof(ex));
	CHECK_OK(fcntl(fds[0], F_GETOWN_EX, &ex));
	CHECK_EQ(ex.pid, getpid());
	CHECK_ERRNO(fcntl(fds[0], F_SETOWN, 0x3ffffffe), ESRCH);
	CHECK_OK(fcntl(fds[0], F_SETSIG, SIGUSR1));
	CHECK_EQ(fcntl(fds[0], F_GETSIG), SIGUSR1);
	CHECK_ERRNO(fcntl(fds[0], F_SETSIG, 99), EINVAL);
	close(fds[0]), close(fds[1]);
}

TEST(kcmp_like_identity)
{
	/* two numbers, one open file: kcmp says 0 where it exists */
	int a = null(), b = dup(a), c = null();
	long r = syscall(SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */, a, b);

	if (r == -1 && errno == ENOSYS)
		SKIP("no kcmp");
	CHECK_EQ(r, 0);
	CHECK(syscall(SYS_kcmp, getpid(), getpid(), 0, a, c) > 0);
	close(a), close(b), close(c);
}

/* Which open file does an epoll file watch under a number that is closed by now? */
TEST(kcmp_of_what_epoll_watches)
{
	struct {
		uint32_t efd, tfd, toff;
	} slot = { 0, 0, 0 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), v[2], copy;
	pid_t me = getpid();

	REQUIRE(pipe(v) == 0);
	copy = dup(v[0]);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, v[0], &ev));
	slot.efd = ep, slot.tfd = v[0];
	if (syscall(SYS_kcmp, me, me, 7, copy, &slot) == -1 && errno == ENOSYS)
		SKIP("no kcmp");
	CHECK_EQ(syscall(SYS_kcmp, me, me, 7, copy, &slot), 0);
	CHECK(syscall(SYS_kcmp, me, me, 7, v[1], &slot) > 0);
	CHECK_OK(close(v[0]));
	CHECK_EQ(syscall(SYS_kcmp, me, me, 7, copy, &slot), 0);
	slot.toff = 1;
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 7, copy, &slot), ENOENT);
	slot.toff = 0, slot.tfd = 999;
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 7, copy, &slot), ENOENT);
	slot.efd = copy;
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 7, copy, &slot), EINVAL);
	slot.efd = 999;
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 7, copy, &slot), EBADF);
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 7, 999, &slot), EBADF);
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 7, copy, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_kcmp, me, me, 8, copy, copy), EINVAL);
	close(ep), close(copy), close(v[1]);
}

TEST(ioctl_basics)
{
	int fds[2], on = 1;

	REQUIRE(pipe(fds) == 0);
	CHECK_OK(syscall(SYS_ioctl, fds[0], 0x5421 /* FIONBIO */, &on));
	CHECK_EQ(fcntl(fds[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_OK(syscall(SYS_ioctl, fds[0], 0x5451 /* FIOCLEX */));
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_OK(syscall(SYS_ioctl, fds[0], 0x5450 /* FIONCLEX */));
	CHECK_EQ(fcntl(fds[0], F_GETFD), 0);
	CHECK_ERRNO(syscall(SYS_ioctl, fds[0], 0x5401 /* TCGETS */, &on), ENOTTY);
	CHECK_ERRNO(syscall(SYS_ioctl, fds[0], 0xdeadbeef, 0), ENOTTY);
	CHECK_ERRNO(syscall(SYS_ioctl, -1, 0x5421, &on), EBADF);
	CHECK_ERRNO(syscall(SYS_ioctl, fds[0], 0x5421, bad_ptr()), EFAULT);
	close(fds[0]), close(fds[1]);
}

/* close_range(2) puts another table in the place of one that others look at. */
TEST_FORK(unshare_while_looked_at)
{
	char path[64];
	pid_t p = abi_fork();

	if (p == 0) {
		for (int n = 0; n < 20000; n++)
			CHECK_OK(syscall(SYS_close_range, 100, 200, CLOSE_RANGE_UNSHARE));
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/fd", p);
	while (waitpid(p, NULL, WNOHANG) == 0) {
		DIR *d = opendir(path);

		while (d && readdir(d))
			;
		if (d)
			closedir(d);
	}
}
