/* sigsuspend, pause, sigwaitinfo, sigtimedwait, signalfd, and restart of interrupted calls. */
#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/uio.h>

static volatile sig_atomic_t got;

static void on_sig(int sig ABI_UNUSED)
{
	got++;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = on_sig, .sa_flags = flags };

	got = 0;
	CHECK_OK(sigaction(sig, &sa, NULL));
}

/* Ticks SIGALRM every other millisecond, so that a first tick that comes too early does not hang. */
static void tick(long usec)
{
	struct itimerval it = { { 0, usec }, { 0, usec } };

	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
}

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

TEST_FORK(pause_and_sigsuspend)
{
	sigset_t set = set_of(SIGALRM, 0), none = set_of(0, 0), now;

	handle(SIGALRM, SA_RESTART); /* no effect on these two */
	sigprocmask(SIG_BLOCK, &set, NULL);
	tick(2000);
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK_EQ(got, 1);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGALRM), 1); /* the old mask is back */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_ERRNO(pause(), EINTR);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, bad_ptr(), 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &none, 16), EINVAL);
}

TEST_FORK(sigtimedwait)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN), alarm_set = set_of(SIGALRM, 0);
	struct timespec zero = { 0, 0 }, short_time = { 0, 3000000 }, bad = { 0, -1 };
	union sigval v = { .sival_int = 9 };
	siginfo_t si;
	int64_t t0;

	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERRNO(sigtimedwait(&set, &si, &zero), EAGAIN);
	t0 = abi_now_ns();
	CHECK_ERRNO(sigtimedwait(&set, &si, &short_time), EAGAIN);
	CHECK(abi_now_ns() - t0 >= 3000000);
	CHECK_ERRNO(sigtimedwait(&set, &si, &bad), EINVAL);
	raise(SIGUSR1);
	/* the raw call: glibc turns SI_TKILL into SI_USER */
	CHECK_EQ(syscall(SYS_rt_sigtimedwait, &set, &si, NULL, 8), SIGUSR1);
	CHECK_EQ(si.si_code, SI_TKILL);
	CHECK_OK(sigqueue(getpid(), SIGRTMIN, v));
	CHECK_EQ(sigwaitinfo(&set, &si), SIGRTMIN);
	CHECK_EQ(si.si_value.sival_int, 9);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, bad_ptr(), &si, &zero, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, &si, bad_ptr(), 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, &si, &zero, 4), EINVAL);
	handle(SIGALRM, 0);
	tick(2000);
	CHECK_ERRNO(sigwaitinfo(&set, &si), EINTR); /* another signal's handler */
	CHECK(got >= 1);
	sigprocmask(SIG_BLOCK, &alarm_set, NULL);
	CHECK_EQ(sigwaitinfo(&alarm_set, &si), SIGALRM);
	CHECK_EQ(si.si_code, SI_KERNEL);
}

TEST_FORK(signalfd)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN), more;
	struct signalfd_siginfo si[4];
	union sigval v = { .sival_int = 77 };
	struct pollfd p;
	int fd;

	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = CHECK_OK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
	CHECK_ERRNO(read(fd, si, 10), EINVAL);
	p = (struct pollfd){ fd, POLLIN, 0 };
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_OK(sigqueue(getpid(), SIGRTMIN, v));
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(read(fd, si, sizeof(si)), 2 * (long)sizeof(si[0]));
	CHECK_EQ(si[0].ssi_signo, SIGUSR1);
	CHECK_EQ(si[0].ssi_pid, getpid());
	CHECK_EQ(si[0].ssi_code, SI_USER);
	CHECK_EQ(si[1].ssi_signo, SIGRTMIN);
	CHECK_EQ(si[1].ssi_int, 77);
	CHECK_EQ(si[1].ssi_code, SI_QUEUE);
	more = set_of(SIGUSR2, 0);
	sigprocmask(SIG_BLOCK, &more, NULL);
	CHECK_EQ(signalfd(fd, &more, 0), fd); /* a new set for the old descriptor */
	raise(SIGUSR1);
	CHECK_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
	raise(SIGUSR2);
	CHECK_EQ(read(fd, si, sizeof(si)), (long)sizeof(si[0]));
	CHECK_ERRNO(write(fd, si, 1), EINVAL);
	CHECK_ERRNO(signalfd(-1, &set, 0x123), EINVAL);
	CHECK_ERRNO(signalfd(0x7fff, &set, 0), EBADF);
	CHECK_ERRNO(signalfd(open("/dev/null", O_RDONLY), &set, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, bad_ptr(), 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_OK(close(fd));
}

TEST_FORK(signalfd_blocks_and_wakes)
{
	sigset_t set = set_of(SIGUSR1, 0);
	struct signalfd_siginfo si;
	pid_t me = getpid(), p;
	int fd;

	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	REQUIRE(fd >= 0);
	p = abi_fork();
	if (p == 0) {
		abi_sleep_ms(3);
		kill(me, SIGUSR1);
		abi_exit();
	}
	CHECK_EQ(read(fd, &si, sizeof(si)), (long)sizeof(si));
	CHECK_EQ(si.ssi_pid, p);
	abi_reap(p);
}

/* A writer that feeds the pipe after some ticks have interrupted the reader. */
static pid_t late_writer(int fd)
{
	pid_t p = abi_fork();

	if (p == 0) {
		abi_sleep_ms(15);
		_exit(write(fd, "x", 1) != 1);
	}
	return p;
}

TEST_FORK(read_restarts)
{
	int fds[2];
	pid_t p;
	char c;

	REQUIRE(pipe(fds) == 0);
	handle(SIGALRM, 0);
	tick(2000);
	CHECK_ERRNO(read(fds[0], &c, 1), EINTR);
	handle(SIGALRM, SA_RESTART);
	p = late_writer(fds[1]);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK(got > 0);
	abi_reap(p);
	struct iovec v = { &c, 1 };
	got = 0;
	p = late_writer(fds[1]);
	CHECK_EQ(readv(fds[0], &v, 1), 1);
	CHECK(got > 0);
	abi_reap(p);
}

TEST_FORK(write_restarts_or_is_short)
{
	static char big[1 << 20];
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	handle(SIGALRM, SA_RESTART);
	tick(2000);
	/* the pipe fills, then the signal comes: what was written counts */
	ssize_t n = write(fds[1], big, sizeof(big));
	CHECK_EQ(n, 65536);
	handle(SIGALRM, 0);
	CHECK_ERRNO(write(fds[1], big, 1), EINTR);
}

TEST_FORK(never_restarted)
{
	struct pollfd pfd = { -1, 0, 0 };
	struct timespec far = { 100, 0 };
	fd_set none;

	handle(SIGALRM, SA_RESTART);
	tick(2000);
	CHECK_ERRNO(poll(&pfd, 1, -1), EINTR);
	CHECK_ERRNO(poll(NULL, 0, 100000), EINTR);
	FD_ZERO(&none);
	CHECK_ERRNO(select(0, &none, NULL, NULL, NULL), EINTR);
	CHECK_ERRNO(ppoll(NULL, 0, &far, NULL), EINTR);
	CHECK_ERRNO(nanosleep(&far, NULL), EINTR);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &far, NULL), EINTR);
	clock_gettime(CLOCK_MONOTONIC, &far);
	far.tv_sec += 100;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &far, NULL), EINTR);
}

TEST_FORK(nanosleep_remaining)
{
	struct timespec req = { 50, 0 }, rem = { 0, 0 };

	handle(SIGALRM, 0);
	tick(5000);
	CHECK_ERRNO(nanosleep(&req, &rem), EINTR);
	CHECK(rem.tv_sec < 50 && rem.tv_sec >= 40);
}

TEST_FORK(nanosleep_survives_stop)
{
	/* a signal without a handler: the sleep goes on by restart_syscall */
	int64_t t0 = abi_now_ns();
	pid_t p = abi_fork();

	if (p == 0) {
		struct timespec req = { 0, 40000000 }, rem = { 7, 7 };

		CHECK_OK(nanosleep(&req, &rem));
		CHECK(abi_now_ns() - t0 >= 40000000);
		abi_exit();
	}
	for (int i = 0; i < 4; i++) {
		abi_sleep_ms(4);
		kill(p, SIGSTOP);
		kill(p, SIGCONT);
	}
	abi_reap(p);
}

TEST_FORK(restart_keeps_registers)
{
	/* r8..r10, rdi, rsi, rdx must be as they were when a call is run anew */
	register long r8 __asm__("r8") = 0x88, r9 __asm__("r9") = 0x99, r10 __asm__("r10") = 0x1010;
	long rax = SYS_read, rdi, rsi, rdx = 1;
	int fds[2];
	pid_t p;
	char c;

	REQUIRE(pipe(fds) == 0);
	handle(SIGALRM, SA_RESTART);
	p = late_writer(fds[1]);
	tick(2000);
	rdi = fds[0];
	rsi = (long)&c;
	r8 = 0x88, r9 = 0x99, r10 = 0x1010;
	__asm__ volatile("syscall"
			 : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9), "+r"(r10)
			 :
			 : "rcx", "r11", "memory");
	long a = r8, b = r9, d = r10;
	CHECK_EQ(rax, 1);
	CHECK_EQ(rdi, fds[0]);
	CHECK_EQ(rsi, (long)&c);
	CHECK_EQ(rdx, 1);
	CHECK_EQ(a, 0x88);
	CHECK_EQ(b, 0x99);
	CHECK_EQ(d, 0x1010);
	CHECK(got > 0);
	abi_reap(p);
}

TEST_FORK(mask_of_ppoll_and_pselect)
{
	sigset_t set = set_of(SIGUSR1, 0), none = set_of(0, 0), now;
	struct timespec far = { 100, 0 };

	handle(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	CHECK_ERRNO(ppoll(NULL, 0, &far, &none), EINTR);
	CHECK_EQ(got, 1);
	raise(SIGUSR1);
	CHECK_ERRNO(pselect(0, NULL, NULL, NULL, &far, &none), EINTR);
	CHECK_EQ(got, 2);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	far = (struct timespec){ 0, 0 };
	raise(SIGUSR1);
	CHECK_EQ(ppoll(NULL, 0, &far, &set), 0); /* stays blocked */
	CHECK_EQ(got, 2);
}

TEST_FORK(stop_signals)
{
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		handle(SIGCONT, 0);
		kill(getpid(), SIGSTOP);
		CHECK_EQ(got, 1); /* the handler ran when we were continued */
		signal(SIGTSTP, SIG_IGN);
		raise(SIGTSTP);
		abi_exit();
	}
	CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
	CHECK(WIFSTOPPED(st));
	CHECK_OK(kill(p, SIGTERM)); /* pends while stopped, SIGCONT brings both */
	CHECK_EQ(waitpid(p, &st, WUNTRACED | WNOHANG), 0);
	CHECK_OK(kill(p, SIGCONT));
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WTERMSIG(st), SIGTERM);
	p = abi_fork();
	if (p == 0) {
		handle(SIGCONT, 0);
		kill(getpid(), SIGSTOP);
		CHECK_EQ(got, 1);
		abi_exit();
	}
	CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
	CHECK_OK(kill(p, SIGCONT));
	abi_reap(p);
}

/* What a child left on the queue of its own signals, through a file that it shared, outlives it. */
TEST_FORK(signalfd_polled_by_the_dead)
{
	struct epoll_event e = { .events = EPOLLIN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int n = 0; n < 50; n++) {
		int fd = CHECK_OK(signalfd(-1, &set, 0)), ep = CHECK_OK(epoll_create1(0));
		pid_t p = abi_fork();

		if (p == 0) {
			CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
			CHECK_OK(fcntl(fd, F_SETFL, O_ASYNC));
			_exit(0);
		}
		abi_wait(p);
		for (int k = 0; k < 3; k++) { /* its memory is used again */
			p = abi_fork();
			if (p == 0)
				_exit(0);
			abi_wait(p);
		}
		CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
		if (n % 2)
			CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, fd, &e));
		close(fd);
		close(ep);
	}
}
