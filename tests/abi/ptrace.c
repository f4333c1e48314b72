/* ptrace: stops, system calls, memory, signals, attach, detach, errors. Registers and breakpoints: ptrace_debug.c; events and
 * seizing: ptrace_events.c. */
#include "ptrace.h"

static volatile long word = 0x1122334455667788;
static volatile int flag;

static void nothing(void)
{
}

static void exit_7(void)
{
	_exit(7);
}

TEST(stop_and_exit)
{
	pid_t pid = traced(exit_7);
	char path[64], buf[2048] = "", want[64];
	int fd, st;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	snprintf(want, sizeof(want), "TracerPid:\t%d\n", getpid());
	fd = open(path, O_RDONLY);
	CHECK(read(fd, buf, sizeof(buf) - 1) > 0);
	CHECK(strstr(buf, want));
	CHECK(strstr(buf, "State:\tt"));
	close(fd);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 7);
}

static void call_getpgid(void)
{
	syscall(SYS_getpgid, 0x123456);
	syscall(SYS_getppid);
}

TEST(syscalls)
{
	pid_t pid = traced(call_getpgid);
	struct __ptrace_syscall_info si;
	struct user_regs_struct r;
	int st, n, found = 0;

	CHECK_OK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	CHECK_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si), &si), 24);
	CHECK_EQ(si.op, PTRACE_SYSCALL_INFO_NONE);
	for (n = 0; n < 20; n++) {
		st = next_stop(pid, PTRACE_SYSCALL, 0);
		if (!WIFSTOPPED(st))
			break;
		CHECK_EQ(WSTOPSIG(st), SIGTRAP | 0x80);
		memset(&si, 0, sizeof(si));
		CHECK(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si), &si) > 0);
		CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
		if (si.op == PTRACE_SYSCALL_INFO_ENTRY && si.entry.nr == SYS_getpgid) {
			found |= 1;
			CHECK_EQ(r.rax, -ENOSYS);
			CHECK_EQ(r.orig_rax, SYS_getpgid);
			CHECK_EQ(r.rdi, 0x123456);
			CHECK_EQ(si.entry.args[0], 0x123456);
			CHECK_EQ(si.instruction_pointer, r.rip);
			CHECK_EQ(si.stack_pointer, r.rsp);
			CHECK_EQ(si.arch, 0xc000003e);
		} else if (si.op == PTRACE_SYSCALL_INFO_EXIT && r.orig_rax == SYS_getpgid) {
			found |= 2;
			CHECK_EQ(si.exit.rval, -ESRCH);
			CHECK_EQ(si.exit.is_error, 1);
			CHECK_EQ(r.rax, -ESRCH);
		} else if (si.op == PTRACE_SYSCALL_INFO_EXIT && r.orig_rax == SYS_getppid) {
			found |= 4;
			CHECK_EQ(si.exit.rval, getpid());
		}
	}
	CHECK_EQ(found, 7);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void change_me(void)
{
	/* The tracer makes the first getpgid a getppid, gives the second another result and suppresses the third. */
	if (syscall(SYS_getpgid, 0) != getppid())
		_exit(1);
	if (syscall(SYS_getpgid, 0) != 4711)
		_exit(2);
	if (syscall(SYS_getpgid, 0) != 815)
		_exit(3);
}

TEST(changed_syscalls)
{
	pid_t pid = traced(change_me);
	struct user_regs_struct r;
	int st, calls = 0, inside = 0;

	while (WIFSTOPPED(st = next_stop(pid, PTRACE_SYSCALL, 0))) {
		inside = !inside;
		CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
		if (inside && r.orig_rax == SYS_getpgid) {
			calls++;
			if (calls == 1)
				r.orig_rax = SYS_getppid;
			if (calls == 3) {
				r.orig_rax = -1;
				r.rax = 815;
			}
			CHECK_OK(pt(PTRACE_SETREGS, pid, 0, &r));
		} else if (!inside && calls == 2 && r.orig_rax == SYS_getpgid) {
			CHECK_OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 4711));
		}
	}
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 0);
	CHECK_EQ(calls, 3);
}

static void check_word(void)
{
	_exit(word == 0x1122334455667799 ? 0 : 1);
}

TEST(memory)
{
	pid_t pid = traced(check_word);
	unsigned long v = 0;
	int st;

	CHECK_OK(pt(PTRACE_PEEKDATA, pid, &word, &v));
	CHECK_EQ(v, 0x1122334455667788);
	CHECK_OK(pt(PTRACE_POKEDATA, pid, &word, 0x1122334455667799));
	CHECK_EQ(word, 0x1122334455667788);
	CHECK_ERRNO(pt(PTRACE_PEEKDATA, pid, bad_ptr(), &v), EIO);
	CHECK_ERRNO(pt(PTRACE_POKEDATA, pid, bad_ptr(), 1), EIO);
	CHECK_ERRNO(pt(PTRACE_PEEKDATA, pid, &word, bad_ptr()), EFAULT);
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 0);
}

static volatile int got_signal;

static void on_signal(int s)
{
	got_signal = s;
}

static void take_signal(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	raise(SIGUSR1);
	_exit(got_signal);
}

TEST(signals)
{
	siginfo_t si;
	pid_t pid = traced(take_signal);
	uint64_t mask = 0;
	int st = next_stop(pid, PTRACE_CONT, 0);

	REQUIRE(WIFSTOPPED(st));
	CHECK_EQ(WSTOPSIG(st), SIGUSR1);
	CHECK_OK(pt(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_signo, SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	CHECK_OK(pt(PTRACE_SETSIGINFO, pid, 0, &si));
	CHECK_OK(pt(PTRACE_GETSIGMASK, pid, 8, &mask));
	CHECK_ERRNO(pt(PTRACE_GETSIGMASK, pid, 4, &mask), EINVAL);
	mask |= 1UL << (SIGWINCH - 1);
	CHECK_OK(pt(PTRACE_SETSIGMASK, pid, 8, &mask));
	CHECK_ERRNO(pt(PTRACE_CONT, pid, 0, 65), EIO);
	st = next_stop(pid, PTRACE_CONT, SIGUSR2);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), SIGUSR2);

	pid = traced(take_signal);
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFSTOPPED(st));
	st = next_stop(pid, PTRACE_CONT, 0); /* suppressed */
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 0);
}

static void sleep_long(void)
{
	sleep(30);
}

TEST(ignored_signals_are_seen)
{
	pid_t pid = traced(sleep_long);
	int st;

	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	usleep(20000);
	CHECK_OK(kill(pid, SIGWINCH));
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGWINCH);
	kill_it(pid);
}

TEST(sigchld)
{
	pid_t pid = traced(take_signal);
	siginfo_t si = { 0 };
	struct timespec t = { 5, 0 };
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s, NULL);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(sigtimedwait(&s, &si, &t), SIGCHLD);
	CHECK_EQ(si.si_code, CLD_TRAPPED);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_status, SIGUSR1);
	memset(&si, 0, sizeof(si));
	CHECK_OK(waitid(P_PID, pid, &si, WEXITED | WSTOPPED));
	CHECK_EQ(si.si_code, CLD_TRAPPED);
	CHECK_EQ(si.si_status, SIGUSR1);
	kill_it(pid);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
}

TEST(attach)
{
	pid_t pid = abi_fork();
	unsigned long v = 0;
	int st;

	if (pid == 0) {
		while (!flag)
			usleep(1000);
		_exit(flag);
	}
	CHECK_ERRNO(pt(PTRACE_PEEKDATA, pid, &flag, &v), ESRCH);
	CHECK_ERRNO(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_OK(pt(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	CHECK_ERRNO(pt(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_OK(pt(PTRACE_PEEKDATA, pid, &flag, &v));
	CHECK_EQ((int)v, 0);
	CHECK_ERRNO(pt(PTRACE_DETACH, pid, 0, 99), EIO);
	CHECK_OK(pt(PTRACE_DETACH, pid, 0, 0));
	CHECK_ERRNO(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	/* Again, running this time when asked. */
	CHECK_OK(pt(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_OK(pt(PTRACE_POKEDATA, pid, &flag, 9));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	st = abi_wait(pid);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 9);
}

TEST(attach_to_a_stopped_one)
{
	pid_t pid = abi_fork();
	int st;

	if (pid == 0) {
		sleep(30);
		_exit(0);
	}
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK_OK(pt(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	CHECK_OK(pt(PTRACE_DETACH, pid, 0, 0));
	usleep(10000);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0); /* stopped as before */
	kill_it(pid);
}

TEST(errors)
{
	pid_t pid;

	CHECK_ERRNO(pt(PTRACE_ATTACH, 99999999, 0, 0), ESRCH);
	CHECK_ERRNO(pt(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERRNO(pt(PTRACE_CONT, getppid(), 0, 0), ESRCH);
	CHECK_ERRNO(pt(0x9999, getpid(), 0, 0), ESRCH);
	pid = traced(nothing);
	CHECK_ERRNO(pt(0x9999, pid, 0, 0), EIO);
	CHECK_ERRNO(pt(PTRACE_SETOPTIONS, pid, 0, 0x800), EINVAL);
	CHECK_ERRNO(pt(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	CHECK_ERRNO(pt(PTRACE_LISTEN, pid, 0, 0), EIO);
	CHECK_ERRNO(pt(PTRACE_GETREGS, pid, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(pt(PTRACE_SETREGS, pid, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(pt(PTRACE_GETEVENTMSG, pid, 0, bad_ptr()), EFAULT);
	kill_it(pid);
}

HELPER(after_exec)
{
	return 6;
}

static void do_exec(void)
{
	char *argv[] = { abi_self, "@after_exec", NULL };

	execv(abi_self, argv);
	_exit(1);
}

TEST(exec_sends_sigtrap)
{
	pid_t pid = traced(do_exec);
	int st = next_stop(pid, PTRACE_CONT, 0);

	REQUIRE(WIFSTOPPED(st));
	CHECK_EQ(WSTOPSIG(st), SIGTRAP);
	CHECK_EQ(st >> 16, 0);
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 6);
}

/* Only those who may. */
TEST_FORK(rights)
{
	int alive[2];
	pid_t pid;
	char c;

	NEED_ROOT();
	REQUIRE(pipe(alive) == 0);
	pid = abi_fork();
	if (pid == 0) { /* its parent, by then nobody, cannot kill it */
		close(alive[1]);
		_exit(read(alive[0], &c, 1) < 0);
	}
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(pt(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_ERRNO(pt(PTRACE_SEIZE, pid, 0, 0), EPERM);
}
