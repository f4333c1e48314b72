/* ptrace: events, seized tracees, group stops, threads, the tracer's end. */
#include "ptrace.h"
#include <pthread.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define EVENT_STATUS(ev) ((SIGTRAP | (ev) << 8) << 8 | 0x7f)

/* A child that we seized before it runs fn. */
static pid_t seized(void (*fn)(void), unsigned long options)
{
	int pipes[2];
	pid_t pid;
	char c;

	if (pipe(pipes))
		return -1;
	pid = abi_fork();
	if (pid == 0) {
		close(pipes[1]);
		if (read(pipes[0], &c, 1) < 0)
			_exit(99);
		fn();
		_exit(0);
	}
	close(pipes[0]);
	CHECK_OK(pt(PTRACE_SEIZE, pid, 0, options));
	close(pipes[1]);
	return pid;
}

static int status(pid_t pid)
{
	int st = -1;
	pid_t r = waitpid(pid, &st, __WALL);

	return r == pid ? st : -1;
}

static unsigned long message(pid_t pid)
{
	unsigned long m = ~0UL;

	CHECK_OK(pt(PTRACE_GETEVENTMSG, pid, 0, &m));
	return m;
}

static void forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	waitpid(pid, NULL, 0);
	_exit(4);
}

TEST(fork)
{
	pid_t pid = seized(forks, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT), child;
	int st = status(pid);

	CHECK_EQ(st, EVENT_STATUS(PTRACE_EVENT_FORK));
	child = message(pid);
	CHECK(child > 0);
	/* A child of a seized one is seized, and stops first thing. */
	CHECK_EQ(status(child), EVENT_STATUS(PTRACE_EVENT_STOP));
	CHECK_OK(pt(PTRACE_CONT, child, 0, 0));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(child), EVENT_STATUS(PTRACE_EVENT_EXIT));
	CHECK_EQ(message(child), 5 << 8);
	CHECK_OK(pt(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(status(child), 5 << 8);
	CHECK_EQ(status(pid), SIGCHLD << 8 | 0x7f);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_EXIT));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), 4 << 8);
}

static void vforks(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

TEST(vfork)
{
	pid_t pid = seized(vforks, PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEVFORK), child;

	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_VFORK));
	child = message(pid);
	CHECK_EQ(status(child), EVENT_STATUS(PTRACE_EVENT_STOP));
	CHECK_OK(pt(PTRACE_DETACH, child, 0, 0));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_VFORK_DONE));
	CHECK_EQ(message(pid), child);
	kill_it(pid);
}

static void *thread(void *arg)
{
	(void)arg;
	return NULL;
}

static void makes_thread(void)
{
	pthread_t th;

	pthread_create(&th, NULL, thread, NULL);
	pthread_join(th, NULL);
	_exit(3);
}

TEST(threads)
{
	pid_t pid = seized(makes_thread, PTRACE_O_TRACECLONE), tid;

	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_CLONE));
	tid = message(pid);
	CHECK_EQ(status(tid), EVENT_STATUS(PTRACE_EVENT_STOP));
	CHECK_OK(pt(PTRACE_CONT, tid, 0, 0));
	/* Its end is reported by itself. */
	CHECK_EQ(status(tid), 0);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), 3 << 8);
}

static void *execs(void *arg)
{
	char *argv[] = { abi_self, "@nothing", NULL };

	(void)arg;
	execv(abi_self, argv);
	_exit(1);
}

HELPER(nothing)
{
	return 8;
}

static void thread_execs(void)
{
	pthread_t th;

	pthread_create(&th, NULL, execs, NULL);
	for (;;)
		pause();
}

TEST(exec)
{
	static void (*fn)(void) = (void (*)(void))execs;
	pid_t pid = seized(fn, PTRACE_O_TRACEEXEC), tid;

	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_EXEC));
	CHECK_EQ(message(pid), pid);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), 8 << 8);

	/* A thread that executes becomes the leader; its old number is the message. */
	pid = seized(thread_execs, PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE);
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_CLONE));
	tid = message(pid);
	CHECK_EQ(status(tid), EVENT_STATUS(PTRACE_EVENT_STOP));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	usleep(20000);
	CHECK_OK(pt(PTRACE_CONT, tid, 0, 0));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_EXEC));
	CHECK_EQ(message(pid), tid);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), 8 << 8);
}

static void spins(void)
{
	for (;;)
		__asm__ volatile("pause");
}

static void sleeps(void)
{
	sleep(30);
	_exit(2);
}

static void interrupt_of(void (*fn)(void))
{
	pid_t pid = seized(fn, 0);
	struct user_regs_struct r;
	siginfo_t si;
	int st;

	usleep(20000);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK_OK(pt(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_STOP));
	CHECK_OK(pt(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_code, SIGTRAP | PTRACE_EVENT_STOP << 8);
	CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
	CHECK(r.rip);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	usleep(10000);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK_OK(pt(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_STOP));
	kill_it(pid);
}

TEST(interrupt)
{
	interrupt_of(spins);
	interrupt_of(sleeps);
}

TEST(seize_errors)
{
	pid_t pid = abi_fork();

	if (pid == 0) {
		sleep(30);
		_exit(0);
	}
	CHECK_ERRNO(pt(PTRACE_SEIZE, pid, 1, 0), EIO);
	CHECK_ERRNO(pt(PTRACE_SEIZE, pid, 0, 0x800), EIO);
	CHECK_ERRNO(pt(PTRACE_SEIZE, getpid(), 0, 0), EPERM);
	CHECK_OK(pt(PTRACE_SEIZE, pid, 0, 0));
	CHECK_ERRNO(pt(PTRACE_SEIZE, pid, 0, 0), EPERM);
	CHECK_ERRNO(pt(PTRACE_CONT, pid, 0, 0), ESRCH); /* it runs */
	kill_it(pid);
}

TEST(group_stop)
{
	pid_t pid = seized(sleeps, 0);
	siginfo_t si;
	int st;

	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(status(pid), SIGSTOP << 8 | 0x7f); /* the signal */
	CHECK_OK(pt(PTRACE_CONT, pid, 0, SIGSTOP));
	CHECK_EQ(status(pid), (SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f); /* the stop */
	CHECK_OK(pt(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_OK(pt(PTRACE_LISTEN, pid, 0, 0));
	CHECK_ERRNO(pt(PTRACE_CONT, pid, 0, 0), ESRCH); /* it listens */
	usleep(10000);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_STOP));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), SIGCONT << 8 | 0x7f);
	kill_it(pid);
}

/*
 * What strace does at its start. SIGCONT races with the stop that attaching causes: what that reports as still stopped, it must
 * trap again for once it listens.
 */
TEST(seize_and_continue)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid = abi_fork();
		int st;

		if (pid == 0) {
			raise(SIGSTOP);
			_exit(0);
		}
		REQUIRE(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st));
		CHECK_OK(pt(PTRACE_SEIZE, pid, 0, 0));
		CHECK_OK(pt(PTRACE_INTERRUPT, pid, 0, 0));
		CHECK_OK(kill(pid, SIGCONT));
		st = status(pid);
		if (st == ((SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f)) {
			CHECK_OK(pt(PTRACE_LISTEN, pid, 0, 0));
			st = status(pid);
		}
		CHECK_EQ(st, EVENT_STATUS(PTRACE_EVENT_STOP));
		CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
		CHECK_EQ(status(pid), SIGCONT << 8 | 0x7f);
		kill_it(pid);
	}
}

static void filtered(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 321),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_LEN(f), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
	if (syscall(SYS_getpgid, 0) != getpgrp())
		_exit(1);
	if (syscall(SYS_getpgid, 0) != 99)
		_exit(2);
}

TEST(seccomp)
{
	pid_t pid = seized(filtered, PTRACE_O_TRACESECCOMP);
	struct __ptrace_syscall_info si;

	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_SECCOMP));
	CHECK_EQ(message(pid), 321);
	CHECK(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(si), &si) > 0);
	CHECK_EQ(si.op, PTRACE_SYSCALL_INFO_SECCOMP);
	CHECK_EQ(si.seccomp.nr, SYS_getpgid);
	CHECK_EQ(si.seccomp.ret_data, 321);
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), EVENT_STATUS(PTRACE_EVENT_SECCOMP));
	CHECK_OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1));
	CHECK_OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 99));
	CHECK_OK(pt(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(status(pid), 0);
}

/* The tracer ends: its tracees go on, or die with EXITKILL. */
static int after_tracer(unsigned long options)
{
	int pipes[2], go[2], st = 0;
	pid_t tracer, pid = -1;
	char c = 0;

	if (pipe(pipes) || pipe(go))
		return -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	tracer = abi_fork();
	if (tracer == 0) {
		pid = fork();
		if (pid == 0) {
			close(go[1]);
			read(go[0], &c, 1); /* until the tracer has ended */
			_exit(write(pipes[1], "x", 1) == 1 ? 0 : 1);
		}
		pt(PTRACE_SEIZE, pid, 0, options);
		pt(PTRACE_INTERRUPT, pid, 0, 0);
		waitpid(pid, NULL, __WALL);
		_exit(0);
	}
	close(pipes[1]);
	close(go[0]);
	abi_wait(tracer);
	close(go[1]);
	st = read(pipes[0], &c, 1);
	close(pipes[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return st;
}

TEST_FORK(tracer_ends)
{
	CHECK_EQ(after_tracer(0), 1);
	CHECK_EQ(after_tracer(PTRACE_O_EXITKILL), 0);
}

/* A tracer that is not the parent: the parent hears of the end after the tracer. */
TEST_FORK(parent_waits_for_tracer)
{
	int go[2], ended[2], looked[2], st;
	pid_t pid, tracer;
	char c;

	REQUIRE(pipe(go) == 0 && pipe(ended) == 0 && pipe(looked) == 0);
	pid = abi_fork();
	if (pid == 0)
		_exit(read(go[0], &c, 1) == 1 ? 11 : 1);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	tracer = abi_fork();
	if (tracer == 0) {
		siginfo_t si = { 0 };

		CHECK_OK(pt(PTRACE_SEIZE, pid, 0, 0));
		CHECK_EQ(write(go[1], "x", 1), 1);
		CHECK_OK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
		CHECK_EQ(write(ended[1], "x", 1), 1);
		CHECK_EQ(read(looked[0], &c, 1), 1);
		CHECK_EQ(waitpid(pid, &st, 0), pid);
		CHECK_EQ(st, 11 << 8);
		abi_exit();
	}
	CHECK_EQ(read(ended[0], &c, 1), 1);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK_EQ(write(looked[1], "x", 1), 1);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 11 << 8);
	abi_reap_at(__FILE__, __LINE__, tracer);
}
