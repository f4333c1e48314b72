/* flock, POSIX record locks and open-file-description locks: conflict, split, deadlock, release. */
#include "abi.h"
#include <sys/file.h>

static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

/* What a lock of this kind would meet, as seen by this process. */
static struct flock blocker(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	CHECK_OK(fcntl(fd, cmd, &l));
	return l;
}

static int file(void)
{
	abi_tmpdir();
	return abi_file("f", "0123456789", 0644);
}

TEST(flock_between_open_files)
{
	int a = file(), b = open("f", O_RDWR), c = dup(a);

	CHECK_OK(flock(a, LOCK_EX));
	CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
	CHECK_OK(flock(c, LOCK_EX | LOCK_NB)); /* the same open file */
	CHECK_OK(flock(a, LOCK_SH));
	CHECK_OK(flock(b, LOCK_SH | LOCK_NB));
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_OK(flock(b, LOCK_UN));
	CHECK_OK(close(a));
	CHECK_OK(flock(c, LOCK_EX | LOCK_NB));
	CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_OK(close(c)); /* the last reference releases */
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	CHECK_ERRNO(flock(b, 0), EINVAL);
	CHECK_ERRNO(flock(-1, LOCK_EX), EBADF);
	CHECK_OK(close(b));
}

TEST(flock_over_fork)
{
	int a = file(), b = open("f", O_RDWR), fds[2];
	pid_t p;

	REQUIRE(pipe(fds) == 0);
	CHECK_OK(flock(a, LOCK_EX));
	IN_CHILD
	{
		CHECK_OK(flock(a, LOCK_EX | LOCK_NB)); /* shared with the parent */
		CHECK_OK(flock(a, LOCK_UN));	       /* and so is its release */
	}
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	p = abi_fork();
	if (p == 0) {
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_OK(flock(a, LOCK_EX)); /* waits */
		abi_exit();
	}
	char c;
	CHECK_EQ(read(fds[0], &c, 1), 1);
	abi_sleep_ms(3);
	CHECK_OK(flock(b, LOCK_UN));
	abi_reap(p);
	close(a), close(b), close(fds[0]), close(fds[1]);
}

TEST(record_conflicts)
{
	int fd = file();
	pid_t me = getpid();

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 2, 4));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 2, 4)); /* our own never conflict */
	CHECK_EQ(blocker(fd, F_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
	IN_CHILD
	{
		struct flock l;

		CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 0, 3), EAGAIN); /* locks are not inherited */
		CHECK_ERRNO(lock(fd, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 2));
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 6, 0)); /* to the end and beyond */
		l = blocker(fd, F_GETLK, F_WRLCK, 0, 0);
		CHECK_EQ(l.l_type, F_WRLCK);
		CHECK_EQ(l.l_start, 2);
		CHECK_EQ(l.l_len, 4);
		CHECK_EQ(l.l_pid, me);
		CHECK_EQ(l.l_whence, SEEK_SET);
	}
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 2, 4)); /* down to shared */
	IN_CHILD
	{
		CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 0, 0));
		CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 3, 1), EAGAIN);
	}
	close(fd);
}

TEST(split_and_merge)
{
	int fd = file();

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 100));
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 40, 20));
	IN_CHILD
	{
		struct flock l = blocker(fd, F_GETLK, F_WRLCK, 0, 1000);

		CHECK_EQ(l.l_start, 0);
		CHECK_EQ(l.l_len, 40);
		l = blocker(fd, F_GETLK, F_WRLCK, 50, 1000);
		CHECK_EQ(l.l_start, 60);
		CHECK_EQ(l.l_len, 40);
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 40, 20));
	}
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 40, 20));
	IN_CHILD
	{
		struct flock l = blocker(fd, F_GETLK, F_WRLCK, 50, 1);

		CHECK_EQ(l.l_start, 0);
		CHECK_EQ(l.l_len, 100); /* one again */
	}
	close(fd);
}

/* However many there may be of one file, all of them can be dropped. */
TEST(many)
{
	int fd = file(), err = 0;

	for (off_t at = 0; !err && at < 2 * 17000; at += 2)
		err = lock(fd, F_SETLK, F_WRLCK, at, 1) ? errno : 0;
	CHECK(!err || err == ENOLCK);
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 4, 1));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 5));
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 100));
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 40, 20));
	close(fd);
}

TEST(any_close_releases)
{
	int fd = file(), other = open("f", O_RDONLY);

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	CHECK_OK(close(other)); /* POSIX: closing any descriptor of the file drops all */
	IN_CHILD
	{
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	}
	close(fd);
}

TEST(exit_releases_and_wakes)
{
	int fd = file(), fds[2];
	char c;
	pid_t p;

	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
		CHECK_EQ(write(fds[1], "x", 1), 1);
		abi_sleep_ms(3);
		abi_exit();
	}
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_OK(lock(fd, F_SETLKW, F_WRLCK, 0, 0));
	abi_reap(p);
	close(fd), close(fds[0]), close(fds[1]);
}

TEST(deadlock)
{
	int fd = file(), fds[2];
	char c;
	pid_t p;

	REQUIRE(pipe(fds) == 0);
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	p = abi_fork();
	if (p == 0) {
		int r;

		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 1, 1));
		CHECK_EQ(write(fds[1], "x", 1), 1);
		r = lock(fd, F_SETLKW, F_WRLCK, 0, 1); /* one of the two must be refused */
		_exit(r == -1 ? errno : 0);
	}
	CHECK_EQ(read(fds[0], &c, 1), 1);
	int r = lock(fd, F_SETLKW, F_WRLCK, 1, 1), e = errno, st;
	if (r == -1)
		CHECK_EQ(e, EDEADLK);
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	st = WEXITSTATUS(abi_wait(p));
	CHECK((r == -1 && st == 0) || (r == 0 && st == EDEADLK));
	close(fd), close(fds[0]), close(fds[1]);
}

static void on_alarm(int sig ABI_UNUSED)
{
}

TEST_FORK(interrupted)
{
	int fd = file();
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	IN_CHILD
	{
		sigaction(SIGALRM, &sa, NULL);
		setitimer(ITIMER_REAL, &it, NULL);
		CHECK_ERRNO(lock(fd, F_SETLKW, F_WRLCK, 0, 0), EINTR);
	}
	int other = open("f", O_RDWR);
	CHECK_OK(flock(fd, LOCK_EX));
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(flock(other, LOCK_EX), EINTR);
}

TEST(record_errors)
{
	int fd = file(), rd = open("f", O_RDONLY), wr = open("f", O_WRONLY);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = -1 };

	CHECK_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){ .l_type = 99, .l_whence = SEEK_SET };
	CHECK_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = 99 };
	CHECK_ERRNO(fcntl(fd, F_SETLK, &l), EINVAL);
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET };
	CHECK_ERRNO(fcntl(fd, F_GETLK, &l), EINVAL);
	CHECK_ERRNO(lock(rd, F_SETLK, F_WRLCK, 0, 0), EBADF);
	CHECK_ERRNO(lock(wr, F_SETLK, F_RDLCK, 0, 0), EBADF);
	CHECK_ERRNO(lock(-1, F_SETLK, F_WRLCK, 0, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_fcntl, fd, F_SETLK, bad_ptr()), EFAULT);
	/* a negative length reaches backwards; relative starts */
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = -3 };
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	IN_CHILD
	{
		struct flock b = blocker(fd, F_GETLK, F_WRLCK, 0, 0);

		CHECK_EQ(b.l_start, 2);
		CHECK_EQ(b.l_len, 3);
	}
	lseek(fd, 4, SEEK_SET);
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_CUR, .l_start = -4, .l_len = 100 };
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_END, .l_start = -1, .l_len = 1 };
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	IN_CHILD
	{
		CHECK_EQ(blocker(fd, F_GETLK, F_WRLCK, 0, 0).l_start, 9);
	}
	close(fd), close(rd), close(wr);
}

TEST(open_file_description_locks)
{
	int a = file(), b = open("f", O_RDWR), c = dup(a);
	struct flock l;

	CHECK_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 5));
	CHECK_ERRNO(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN); /* within one process */
	CHECK_OK(lock(c, F_OFD_SETLK, F_WRLCK, 0, 1));
	CHECK_ERRNO(lock(b, F_SETLK, F_WRLCK, 0, 1), EAGAIN); /* against classic ones too */
	l = blocker(b, F_OFD_GETLK, F_WRLCK, 0, 0);
	CHECK_EQ(l.l_type, F_WRLCK);
	CHECK_EQ(l.l_pid, -1);
	CHECK_OK(close(open("f", O_RDONLY))); /* another close does not matter */
	CHECK_ERRNO(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
	IN_CHILD
	{
		CHECK_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 5)); /* inherited: it is the same file */
		CHECK_ERRNO(lock(b, F_OFD_SETLK, F_WRLCK, 0, 5), EAGAIN);
	}
	close(a);
	CHECK_ERRNO(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
	close(c);
	CHECK_OK(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1));
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_pid = 5 };
	CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &l), EINVAL); /* l_pid must be 0 */
	close(b);
}
