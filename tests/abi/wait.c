/* wait4 and waitid: every option, siginfo, selection by pid and group, reparenting, and errors. */
#include "abi.h"
#include <sys/wait.h>

static pid_t exits_with(int code)
{
	pid_t pid = abi_fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t sleeper(void)
{
	pid_t pid = abi_fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

TEST_FORK(no_children)
{
	siginfo_t si;
	int st;

	CHECK_ERRNO(wait4(-1, &st, 0, NULL), ECHILD);
	CHECK_ERRNO(wait4(getppid(), &st, 0, NULL), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	CHECK_ERRNO(wait4(-1, &st, WNOHANG, NULL), ECHILD);
}

TEST_FORK(statuses)
{
	struct rusage ru;
	int st;
	pid_t p;

	p = exits_with(42);
	CHECK_EQ(wait4(p, &st, 0, &ru), p);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 42);
	CHECK(ru.ru_maxrss >= 0 && ru.ru_utime.tv_sec == 0);
	p = sleeper();
	CHECK_OK(kill(p, SIGTERM));
	CHECK_EQ(wait4(p, &st, 0, NULL), p);
	CHECK(WIFSIGNALED(st));
	CHECK_EQ(WTERMSIG(st), SIGTERM);
	CHECK_ERRNO(wait4(p, &st, 0, NULL), ECHILD); /* once only */
	p = exits_with(1);
	CHECK_EQ(wait4(p, NULL, 0, NULL), p);
}

TEST_FORK(errors)
{
	siginfo_t si;
	int st;
	pid_t p = exits_with(0);

	CHECK_ERRNO(wait4(-1, &st, 0x100, NULL), EINVAL);
	CHECK_ERRNO(wait4(-1, &st, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, 0), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, WNOHANG), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, WEXITED | 0x100), EINVAL);
	CHECK_ERRNO(waitid(99, 0, &si, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PID, 0, &si, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PID, -1, &si, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PIDFD, 9999, &si, WEXITED), EBADF);
	CHECK_ERRNO(wait4(INT_MIN, &st, 0, NULL), ESRCH);
	CHECK_ERRNO(syscall(SYS_wait4, p, bad_ptr(), 0, NULL), EFAULT);
	/* the child was reaped all the same */
	CHECK_ERRNO(wait4(p, &st, 0, NULL), ECHILD);
	p = exits_with(0);
	CHECK_ERRNO(syscall(SYS_waitid, P_PID, p, bad_ptr(), WEXITED, NULL), EFAULT);
}

TEST_FORK(nohang)
{
	siginfo_t si;
	pid_t p = sleeper();
	int st = 77;

	CHECK_EQ(wait4(p, &st, WNOHANG, NULL), 0);
	CHECK_EQ(st, 77);
	memset(&si, 0xff, sizeof(si));
	CHECK_OK(waitid(P_PID, p, &si, WEXITED | WNOHANG));
	CHECK_EQ(si.si_pid, 0);
	CHECK_EQ(si.si_signo, 0);
	kill(p, SIGKILL);
	CHECK_EQ(wait4(p, &st, 0, NULL), p);
	CHECK_EQ(WTERMSIG(st), SIGKILL);
}

TEST_FORK(siginfo)
{
	siginfo_t si = { 0 };
	pid_t p = exits_with(5);

	CHECK_OK(waitid(P_PID, p, &si, WEXITED | WNOWAIT)); /* stays a zombie */
	CHECK_EQ(si.si_signo, SIGCHLD);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(si.si_pid, p);
	CHECK_EQ(si.si_uid, getuid());
	CHECK_EQ(si.si_status, 5);
	CHECK_OK(kill(p, 0)); /* a zombie can be signalled */
	CHECK_OK(waitid(P_PID, p, &si, WEXITED));
	CHECK_ERRNO(waitid(P_PID, p, &si, WEXITED), ECHILD);
	CHECK_ERRNO(kill(p, 0), ESRCH);
	p = sleeper();
	kill(p, SIGKILL);
	CHECK_OK(waitid(P_ALL, 0, &si, WEXITED));
	CHECK_EQ(si.si_code, CLD_KILLED);
	CHECK_EQ(si.si_status, SIGKILL);
}

TEST_FORK(stop_and_continue)
{
	siginfo_t si = { 0 };
	pid_t p = sleeper();
	int st;

	/* SIGTSTP does nothing in an orphaned group, and init's may be one */
	CHECK_OK(setpgid(p, p));
	CHECK_OK(kill(p, SIGSTOP));
	CHECK_EQ(wait4(p, &st, WUNTRACED, NULL), p);
	CHECK(WIFSTOPPED(st));
	CHECK_EQ(WSTOPSIG(st), SIGSTOP);
	CHECK_EQ(wait4(p, &st, WUNTRACED | WNOHANG, NULL), 0); /* reported once */
	CHECK_OK(kill(p, SIGCONT));
	CHECK_EQ(wait4(p, &st, WCONTINUED, NULL), p);
	CHECK(WIFCONTINUED(st));
	CHECK_EQ(st, 0xffff);
	CHECK_EQ(wait4(p, &st, WCONTINUED | WNOHANG, NULL), 0);
	CHECK_OK(kill(p, SIGTSTP));
	CHECK_OK(waitid(P_PID, p, &si, WSTOPPED | WNOWAIT));
	CHECK_EQ(si.si_code, CLD_STOPPED);
	CHECK_EQ(si.si_status, SIGTSTP);
	CHECK_OK(waitid(P_PID, p, &si, WSTOPPED));
	CHECK_OK(kill(p, SIGCONT));
	CHECK_OK(waitid(P_PID, p, &si, WCONTINUED));
	CHECK_EQ(si.si_code, CLD_CONTINUED);
	CHECK_EQ(si.si_status, SIGCONT);
	CHECK_OK(kill(p, SIGSTOP));
	CHECK_OK(waitid(P_PID, p, &si, WSTOPPED));
	CHECK_OK(kill(p, SIGKILL)); /* a stopped process dies at once */
	CHECK_EQ(wait4(p, &st, 0, NULL), p);
	CHECK_EQ(WTERMSIG(st), SIGKILL);
}

TEST_FORK(by_group)
{
	siginfo_t si;
	pid_t a = sleeper(), b = sleeper();
	int st;

	CHECK_OK(setpgid(a, a));
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	CHECK_OK(waitid(P_PID, b, &si, WEXITED | WNOWAIT));
	CHECK_EQ(wait4(-a, &st, 0, NULL), a);
	CHECK_ERRNO(wait4(-a, &st, 0, NULL), ECHILD);
	CHECK_EQ(wait4(0, &st, 0, NULL), b); /* 0: our own group */
	a = exits_with(0);
	CHECK_OK(waitid(P_PGID, 0, &si, WEXITED));
	CHECK_EQ(si.si_pid, a);
	a = exits_with(0);
	CHECK_OK(waitid(P_PGID, getpgrp(), &si, WEXITED));
	CHECK_EQ(si.si_pid, a);
}

TEST_FORK(pidfd)
{
	siginfo_t si = { 0 };
	pid_t p = exits_with(9);
	int fd = syscall(SYS_pidfd_open, p, 0);

	REQUIRE(fd >= 0);
	CHECK_OK(waitid(P_PIDFD, fd, &si, WEXITED));
	CHECK_EQ(si.si_pid, p);
	CHECK_EQ(si.si_status, 9);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &si, WEXITED), ECHILD);
	CHECK_OK(close(fd));
}

TEST_FORK(ignored_sigchld_reaps)
{
	int st;
	pid_t p;

	signal(SIGCHLD, SIG_IGN);
	p = exits_with(0);
	CHECK_ERRNO(wait4(p, &st, 0, NULL), ECHILD); /* waits for all, then says so */
	WAIT_UNTIL(kill(p, 0) == -1 && errno == ESRCH);
	signal(SIGCHLD, SIG_DFL);
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	CHECK_OK(sigaction(SIGCHLD, &sa, NULL));
	p = exits_with(0);
	CHECK_ERRNO(wait4(-1, &st, 0, NULL), ECHILD);
	WAIT_UNTIL(kill(p, 0) == -1 && errno == ESRCH);
}

static volatile sig_atomic_t chld_count;
static siginfo_t chld_info;

static void on_chld(int sig ABI_UNUSED, siginfo_t *si, void *uc ABI_UNUSED)
{
	chld_info = *si;
	chld_count++;
}

TEST_FORK(sigchld)
{
	struct sigaction sa = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO };
	pid_t p;
	int st;

	CHECK_OK(sigaction(SIGCHLD, &sa, NULL));
	p = exits_with(6);
	WAIT_UNTIL(chld_count == 1);
	CHECK_EQ(chld_info.si_code, CLD_EXITED);
	CHECK_EQ(chld_info.si_pid, p);
	CHECK_EQ(chld_info.si_status, 6);
	CHECK_EQ(wait4(p, &st, 0, NULL), p);
	p = sleeper();
	kill(p, SIGSTOP);
	WAIT_UNTIL(chld_count == 2);
	CHECK_EQ(chld_info.si_code, CLD_STOPPED);
	sa.sa_flags |= SA_NOCLDSTOP;
	CHECK_OK(sigaction(SIGCHLD, &sa, NULL));
	kill(p, SIGCONT);
	CHECK_EQ(wait4(p, &st, WCONTINUED, NULL), p);
	CHECK_EQ(chld_count, 2);
	kill(p, SIGKILL);
	WAIT_UNTIL(chld_count == 3);
	CHECK_EQ(chld_info.si_code, CLD_KILLED);
	CHECK_EQ(chld_info.si_status, SIGKILL);
}

TEST_FORK(interrupted)
{
	struct sigaction sa = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO };
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };
	pid_t p = sleeper();
	int st;

	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	CHECK_ERRNO(wait4(p, &st, 0, NULL), EINTR);
	kill(p, SIGKILL);
	sa.sa_flags |= SA_RESTART;
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_EQ(wait4(p, &st, 0, NULL), p);
}

TEST_FORK(orphans_go_to_subreaper)
{
	int fds[2], st;
	pid_t p, grandchild = 0;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		pid_t g = fork();

		if (g == 0) {
			WAIT_UNTIL(getppid() != p && getppid() != 0);
			abi_sleep_ms(5);
			_exit(33);
		}
		_exit(write(fds[1], &g, sizeof(g)) != sizeof(g));
	}
	CHECK_EQ(read(fds[0], &grandchild, sizeof(grandchild)), (long)sizeof(grandchild));
	CHECK_EQ(wait4(p, &st, 0, NULL), p);
	CHECK_EQ(wait4(grandchild, &st, 0, NULL), grandchild);
	CHECK_EQ(WEXITSTATUS(st), 33);
}

TEST_FORK(many_zombies)
{
	enum { N = 100 };
	int seen = 0, sum = 0, st;

	for (int i = 0; i < N; i++)
		exits_with(i);
	while (wait4(-1, &st, 0, NULL) > 0) {
		seen++;
		sum += WEXITSTATUS(st);
	}
	CHECK_EQ(errno, ECHILD);
	CHECK_EQ(seen, N);
	CHECK_EQ(sum, N * (N - 1) / 2);
}
