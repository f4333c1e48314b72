/* Leases: who may have one, what breaks it, whom the signal tells; /proc/locks of leases, locks and who waits for them. */
#include "abi.h"
#include <sys/file.h>
#include <sys/sysmacros.h>

static int file(int flags)
{
	abi_tmpdir();
	close(abi_file("f", "0123456789", 0644));
	return open("f", flags);
}

TEST(lease_needs_a_file_that_nobody_else_has_open_so)
{
	int r = file(O_RDONLY), w, v[2];

	CHECK_EQ(fcntl(r, F_GETLEASE), F_UNLCK);
	CHECK_ERRNO(fcntl(r, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_ERRNO(fcntl(r, F_SETLEASE, 77), EINVAL);
	CHECK_OK(fcntl(r, F_SETLEASE, F_RDLCK));
	CHECK_EQ(fcntl(r, F_GETLEASE), F_RDLCK);
	CHECK_OK(fcntl(r, F_SETLEASE, F_WRLCK)); /* nobody else */
	CHECK_EQ(fcntl(r, F_GETLEASE), F_WRLCK);
	CHECK_OK(fcntl(r, F_SETLEASE, F_UNLCK));
	CHECK_EQ(fcntl(r, F_GETLEASE), F_UNLCK);

	w = open("f", O_RDWR);
	CHECK_ERRNO(fcntl(w, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK_ERRNO(fcntl(w, F_SETLEASE, F_WRLCK), EAGAIN); /* r reads */
	CHECK_ERRNO(fcntl(r, F_SETLEASE, F_RDLCK), EAGAIN); /* w writes */
	CHECK_OK(close(r));
	CHECK_OK(fcntl(w, F_SETLEASE, F_WRLCK));
	CHECK_OK(close(w));
	r = open("f", O_RDONLY), w = open("f", O_RDONLY);
	CHECK_OK(fcntl(r, F_SETLEASE, F_RDLCK));
	CHECK_OK(fcntl(w, F_SETLEASE, F_RDLCK));
	CHECK_ERRNO(fcntl(w, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK_EQ(fcntl(w, F_GETLEASE), F_RDLCK);
	close(r), close(w);

	CHECK_OK(pipe(v));
	CHECK_ERRNO(fcntl(v[0], F_SETLEASE, F_RDLCK), EINVAL);
	close(v[0]), close(v[1]);
	r = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_ERRNO(fcntl(r, F_SETLEASE, F_RDLCK), EINVAL);
	close(r);
}

TEST(lease_is_the_owners)
{
	int fd;

	NEED_ROOT();
	fd = file(O_RDONLY);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EACCES);
		CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	}
	close(fd);
}

/* The next signal within five seconds, or -1. */
static int next_signal(sigset_t *set, siginfo_t *si)
{
	struct timespec t = { 5, 0 };

	return sigtimedwait(set, si, &t);
}

static void block(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGIO);
	sigaddset(set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, set, NULL));
}

TEST_FORK(reader_breaks_a_write_lease_to_a_read_lease)
{
	int fd = file(O_RDWR), st;
	siginfo_t si;
	sigset_t set;
	pid_t p;

	close(fd);
	fd = open("f", O_RDONLY);
	block(&set);
	CHECK_OK(fcntl(fd, F_SETSIG, SIGRTMIN));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
	CHECK_ERRNO(open("f", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
	CHECK_EQ(next_signal(&set, &si), SIGRTMIN);
	CHECK_EQ(si.si_code, POLL_MSG);
	CHECK_EQ(si.si_fd, fd);
	CHECK_EQ(si.si_band, 0x441);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK); /* what it is to become */
	CHECK_ERRNO(open("f", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
	p = abi_fork();
	if (!p) {
		int again = CHECK_OK(open("f", O_RDONLY)); /* waits */

		CHECK_EQ(fcntl(again, F_GETLEASE), F_UNLCK);
		abi_exit();
	}
	abi_sleep_ms(20);
	CHECK_EQ(waitpid(p, &st, WNOHANG), 0);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	abi_reap(p);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
	close(open("f", O_RDONLY)); /* does not wait */
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK_EQ(fcntl(fd, F_GETOWN), 0);
	CHECK_EQ(fcntl(fd, F_GETSIG), 0);
}

TEST_FORK(writer_and_truncate_break_a_read_lease)
{
	int fd = file(O_RDONLY);
	sigset_t set;
	siginfo_t si;
	pid_t p;

	block(&set);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(open("f", O_RDONLY));
	CHECK_OK(open("f", O_PATH));
	CHECK_ERRNO(open("f", O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
	CHECK_EQ(next_signal(&set, &si), SIGIO);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	p = abi_fork();
	if (!p) {
		CHECK_OK(truncate("f", 3));
		abi_exit();
	}
	abi_sleep_ms(20);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 10);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	abi_reap(p);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 3);
	/* A close gives it up too. */
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	p = abi_fork();
	if (!p) {
		close(fd);
		CHECK_OK(open("f", O_WRONLY));
		abi_exit();
	}
	CHECK_EQ(next_signal(&set, &si), SIGIO);
	CHECK_OK(close(fd));
	abi_reap(p);
}

static void nothing(int sig ABI_UNUSED)
{
}

TEST_FORK(signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = nothing };
	int fd = file(O_RDONLY);
	pid_t p;

	signal(SIGIO, SIG_IGN);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	p = abi_fork();
	if (!p) {
		sigaction(SIGALRM, &sa, NULL);
		ualarm(20000, 20000);
		CHECK_ERRNO(open("f", O_WRONLY), EINTR);
		abi_exit();
	}
	abi_reap(p);
	close(fd);
}

/* Linux's own limit is everybody's: only the sandbox's is changed. */
TEST_FORK(time_is_up)
{
	int fd = file(O_RDONLY), t;
	int64_t began;

	if (!abi_sandboxed())
		SKIP("would change the machine's lease-break-time");
	signal(SIGIO, SIG_IGN);
	t = CHECK_OK(open("/proc/sys/fs/lease-break-time", O_WRONLY));
	CHECK_EQ(write(t, "1\n", 2), 2);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	began = abi_now_ns();
	CHECK_OK(open("f", O_WRONLY));
	CHECK(abi_now_ns() - began > 900000000 && abi_now_ns() - began < 8000000000);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_EQ(write(t, "45\n", 3), 3);
}

/* ---- /proc/locks ---- */

/* Is there a line of this file that goes on like this behind its number? */
static int listed(const char *kind, const char *type, int pid, const char *range)
{
	static char text[65536];
	int fd = open("/proc/locks", O_RDONLY);
	ssize_t n, total = 0;
	char want[256], where[64];
	struct stat st;

	while ((n = read(fd, text + total, sizeof(text) - 1 - total)) > 0)
		total += n;
	text[total] = 0;
	close(fd);

	CHECK_OK(stat("f", &st));
	snprintf(where, sizeof(where), "%02x:%02x:%lu", major(st.st_dev), minor(st.st_dev),
		 st.st_ino);
	snprintf(want, sizeof(want), ": %s %s %d %s %s\n", kind, type, pid,
		 strstr(kind, "BREAKER") ? "<none>:0" : where, range);
	return !!strstr(text, want);
}

TEST_FORK(locks_are_listed)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 2, .l_len = 4 };
	int fd = file(O_RDWR), r;

	if (access("/proc/locks", R_OK))
		SKIP("no /proc/locks");
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	if (!listed("POSIX  ADVISORY ", "WRITE", getpid(), "2 5") && !abi_sandboxed())
		SKIP("this file system's device number is another in /proc/locks");
	CHECK(listed("POSIX  ADVISORY ", "WRITE", getpid(), "2 5"));
	l.l_type = F_UNLCK;
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	CHECK(!listed("POSIX  ADVISORY ", "WRITE", getpid(), "2 5"));
	CHECK_OK(flock(fd, LOCK_SH));
	CHECK(listed("FLOCK  ADVISORY ", "READ", getpid(), "0 EOF"));
	CHECK_OK(flock(fd, LOCK_UN));
	l = (struct flock){ .l_type = F_RDLCK, .l_start = 7 };
	CHECK_OK(fcntl(fd, F_OFD_SETLK, &l));
	CHECK(listed("OFDLCK ADVISORY ", "READ", -1, "7 EOF"));
	CHECK_OK(close(fd));

	r = open("f", O_RDONLY);
	CHECK_OK(fcntl(r, F_SETLEASE, F_RDLCK));
	CHECK(listed("LEASE  ACTIVE   ", "READ", getpid(), "0 EOF"));
	signal(SIGIO, SIG_IGN);
	CHECK_ERRNO(open("f", O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
	CHECK(listed("LEASE  BREAKING ", "UNLCK", getpid(), "0 EOF"));
	close(r);
}

TEST_FORK(who_waits_is_listed)
{
	struct flock l = { .l_type = F_WRLCK };
	int fd = file(O_RDWR), r;
	pid_t p;

	CHECK_OK(fcntl(fd, F_SETLK, &l));
	if (!listed("POSIX  ADVISORY ", "WRITE", getpid(), "0 EOF"))
		SKIP("no /proc/locks of this file system");
	p = abi_fork();
	if (!p) {
		CHECK_OK(fcntl(fd, F_SETLKW, &l));
		abi_exit();
	}
	WAIT_UNTIL(listed("-> POSIX  ADVISORY ", "WRITE", p, "0 EOF"));
	l.l_type = F_UNLCK;
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	abi_reap(p);
	CHECK(!listed("-> POSIX  ADVISORY ", "WRITE", p, "0 EOF"));
	close(fd);

	r = open("f", O_RDONLY);
	signal(SIGIO, SIG_IGN);
	CHECK_OK(fcntl(r, F_SETLEASE, F_RDLCK));
	p = abi_fork();
	if (!p) {
		CHECK_OK(open("f", O_WRONLY));
		abi_exit();
	}
	WAIT_UNTIL(listed("-> LEASE  BREAKER  ", "WRITE", p, "0 EOF"));
	CHECK_OK(fcntl(r, F_SETLEASE, F_UNLCK));
	abi_reap(p);
	close(r);
}
