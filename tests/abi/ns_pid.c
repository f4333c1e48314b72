/* pid namespaces: numbers, init, signals, unshare and setns. */
#include "ns_pid.h"
#include <linux/nsfs.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <sys/ioctl.h>

static ino_t ns_ino(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

/* ---- numbers ---- */

static void numbers_inside(void)
{
	pid_t pid, tid = -1;
	int st;

	CHECK_EQ(getpid(), 1);
	CHECK_EQ(syscall(SYS_gettid), 1);
	CHECK_EQ(getppid(), 0);
	CHECK_EQ(getpgrp(), 0);
	CHECK_EQ(getsid(0), 0);
	CHECK_EQ(syscall(SYS_set_tid_address, 0), 1);
	CHECK_ERRNO(kill(abi_pid + 1000, 0), ESRCH);
	CHECK_ERRNO(getpgid(abi_pid + 1000), ESRCH);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_PARENT_SETTID, 0, &tid, 0, 0);
	if (pid == 0) {
		CHECK_EQ(getpid(), 2);
		CHECK_EQ(getppid(), 1);
		CHECK_EQ(setsid(), 2);
		CHECK_EQ(getpgid(0), 2);
		CHECK_EQ(getsid(2), 2);
		CHECK_OK(kill(1, 0));
		CHECK_EQ(getpriority(PRIO_PROCESS, 1), getpriority(PRIO_PROCESS, 0));
		_exit(abi_fails ? 1 : 7);
	}
	CHECK_EQ(pid, 2);
	CHECK_EQ(tid, 2);
	CHECK_EQ(waitpid(2, &st, 0), 2);
	CHECK_EQ(WEXITSTATUS(st), 7);
	CHECK_EQ(setsid(), 1);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(pid, 3);
	CHECK_OK(setpgid(3, 3));
	CHECK_EQ(waitpid(-3, NULL, 0), 3);
}

TEST_FORK(numbers)
{
	RUN(numbers_inside);
}

static void level_two(void)
{
	char text[512];
	FILE *f = fopen("/proc/self/status", "r");
	int found = 0;

	CHECK_EQ(getpid(), 1);
	/* The mount of /proc belongs to the first namespace: three numbers, the last one ours. */
	while (f && fgets(text, sizeof(text), f)) {
		int a, b, c;

		if (sscanf(text, "NSpid: %d %d %d", &a, &b, &c) == 3) {
			found = 1;
			CHECK(a > 1);
			CHECK_EQ(b, 2);
			CHECK_EQ(c, 1);
		}
	}
	CHECK(found);
}

static void nested_inside(void)
{
	RUN(level_two);
}

TEST_FORK(nested)
{
	RUN(nested_inside);
}

TEST_FORK(numbers_to_have)
{
	pid_t want[2] = { 1, 0 }, pid;
	struct clone_args a = { .flags = CLONE_NEWPID,
				.exit_signal = SIGCHLD,
				.set_tid = (uintptr_t)want,
				.set_tid_size = 2 };

	if (geteuid())
		SKIP("only root chooses numbers");
	for (want[1] = 30011; !kill(want[1], 0); want[1]++)
		;
	pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0)
		_exit(getpid() == 1 ? 0 : 1);
	CHECK_EQ(pid, want[1]);
	CHECK_EQ(waitpid(pid, &want[0], 0), pid);
	CHECK_EQ(want[0], 0);
	want[0] = 2; /* the first one is 1 */
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	want[0] = 1;
	a.set_tid_size = 3;
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a.set_tid_size = 33;
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
}

/* ---- init ---- */

static volatile int got_pid;

static void on_usr1(int sig ABI_UNUSED, siginfo_t *si, void *uc ABI_UNUSED)
{
	got_pid = si->si_pid;
}

static void unkillable_inside(void)
{
	struct sigaction sa = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };
	siginfo_t si;
	pid_t pid;

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	pid = fork();
	if (pid == 0) {
		CHECK_OK(kill(1, SIGTERM));
		CHECK_OK(kill(1, SIGKILL));
		CHECK_OK(kill(1, SIGSTOP));
		CHECK_OK(kill(1, SIGUSR1));
		CHECK_ERRNO(kill(-1, SIGKILL), ESRCH);
		_exit(abi_fails ? 1 : 0);
	}
	while (waitid(P_PID, (id_t)pid, &si, WEXITED) && errno == EINTR)
		;
	CHECK_EQ(si.si_pid, 2);
	CHECK_EQ(si.si_status, 0);
	CHECK_EQ(got_pid, 2);
	raise(SIGTERM);
	tell();
	for (;;)
		pause();
}

TEST_FORK(init_and_signals)
{
	pid_t pid = start(unkillable_inside);
	int st;

	if (!pid)
		SKIP("no pid namespace here");
	hear();
	CHECK_OK(kill(pid, SIGTERM));
	usleep(20000);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	CHECK_OK(kill(pid, SIGKILL));
	st = status_of(pid);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
}

static void from_outside_inside(void)
{
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	tell();
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR1);
	CHECK_EQ(si.si_pid, 0);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR2);
	CHECK_EQ(si.si_pid, 0);
	CHECK_EQ(si.si_value.sival_int, 5);
}

TEST_FORK(signals_from_outside)
{
	union sigval v = { .sival_int = 5 };
	pid_t pid = start(from_outside_inside);

	if (!pid)
		SKIP("no pid namespace here");
	hear();
	CHECK_OK(kill(pid, SIGUSR1));
	CHECK_OK(sigqueue(pid, SIGUSR2, v));
	CHECK_EQ(status_of(pid), 0);
}

static void everyone_inside(void)
{
	pid_t last = 0;
	int n = 0;

	for (int i = 0; i < 200; i++) {
		last = fork();
		if (last == 0)
			for (;;)
				pause();
		CHECK(last > 0);
	}
	CHECK_OK(kill(-1, SIGKILL));
	CHECK_EQ(waitpid(last, NULL, 0), last);
	while (waitpid(-1, NULL, 0) > 0)
		n++;
	CHECK_EQ(n, 199);
}

/* However many they are. */
TEST_FORK(all_but_init)
{
	RUN(everyone_inside);
}

static void ends_inside(void)
{
	for (int i = 0; i < 5; i++) {
		if (fork() == 0) {
			signal(SIGTERM, SIG_IGN);
			if (i & 1)
				setsid();
			tell();
			for (;;)
				pause();
		}
	}
	if (fork() == 0)
		_exit(0); /* a zombie */
	for (int i = 0; i < 5; i++)
		usleep(1000);
}

TEST_FORK(end_of_init_ends_all)
{
	char c[8];
	pid_t pid = start(ends_inside);

	if (!pid)
		SKIP("no pid namespace here");
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	/* All writers of the pipe are gone. */
	while (read(sync_pipe[0], c, sizeof(c)) > 0)
		;
	CHECK_EQ(read(sync_pipe[0], c, 1), 0);
}

/* Never in the first namespace: there it would be the machine's. */
static int reboot_how;

static void reboot_inside(void)
{
	if (getpid() == 1 && fork() == 0)
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, reboot_how, NULL);
	pause();
}

/* It ends the namespace, and the status tells how: as if by SIGHUP for a restart, else by SIGINT. */
TEST_FORK(reboot_ends_init)
{
	static const int how[][2] = { { LINUX_REBOOT_CMD_RESTART, SIGHUP },
				      { LINUX_REBOOT_CMD_POWER_OFF, SIGINT },
				      { LINUX_REBOOT_CMD_HALT, SIGINT } };
	pid_t pid;

	for (unsigned i = 0; i < 3; i++) {
		reboot_how = how[i][0];
		pid = start(reboot_inside);
		if (!pid)
			SKIP("no pid namespace here");
		CHECK_EQ(status_of(pid), how[i][1]);
	}
}

static void orphans_inside(void)
{
	pid_t pid = fork();
	int st;

	if (pid == 0) {
		if (fork() == 0) {
			while (getppid() == 2)
				usleep(1000);
			_exit(getppid() == 1 ? 9 : 8);
		}
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &st, 0), 2);
	CHECK_EQ(wait(&st), 3);
	CHECK_EQ(WEXITSTATUS(st), 9);
}

TEST_FORK(init_adopts)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	RUN(orphans_inside);
}

/* ---- unshare, setns ---- */

static int thread_fn(void *arg ABI_UNUSED)
{
	return 0;
}

static int unshare_pid(void)
{
	return unshare(CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0));
}

TEST_FORK(unshare_is_for_children)
{
	static char stack[16384] __attribute__((aligned(16)));
	ino_t before = ns_ino("/proc/self/ns/pid");
	int st, go[2];
	pid_t self = getpid(), pid;
	char c;

	REQUIRE(pipe(go) == 0);
	CHECK_EQ(ns_ino("/proc/self/ns/pid_for_children"), before);
	if (unshare_pid())
		SKIP("no pid namespace here");
	CHECK_EQ(getpid(), self);
	CHECK_EQ(ns_ino("/proc/self/ns/pid"), before);
	CHECK_ERRNO(open("/proc/self/ns/pid_for_children", O_RDONLY), ENOENT); /* no init yet */
	CHECK_ERRNO(clone(thread_fn, stack + sizeof(stack), CLONE_VM | CLONE_SIGHAND | CLONE_THREAD,
			  NULL),
		    EINVAL);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(getpid(), 1);
		CHECK(ns_ino("/proc/self/ns/pid") != before);
		CHECK_EQ(read(go[0], &c, 1), 1);
		_exit(abi_fails ? 1 : 0);
	}
	CHECK(pid > 1);
	CHECK(ns_ino("/proc/self/ns/pid_for_children") != before);
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	CHECK_ERRNO(fork(), ENOMEM); /* its init has ended */
}

static void wait_inside(void)
{
	tell();
	for (;;)
		pause();
}

TEST_FORK(setns)
{
	int own, fd, pidfd, st;
	pid_t first, pid;

	if (geteuid())
		SKIP("needs root");
	first = start(wait_inside);
	if (!first)
		SKIP("no pid namespace here");
	hear();
	own = open("/proc/self/ns/pid", O_RDONLY);
	CHECK_OK(own);
	pidfd = (int)syscall(SYS_pidfd_open, first, 0);
	CHECK_OK(pidfd);
	CHECK_OK(syscall(SYS_setns, pidfd, CLONE_NEWPID));
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(getpid(), 2);
		CHECK_EQ(getppid(), 0);
		CHECK_OK(kill(1, 0));
		CHECK_ERRNO(syscall(SYS_setns, own, CLONE_NEWPID), EINVAL); /* not below */
		fd = open("/proc/self/ns/pid", O_RDONLY);
		CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWPID);
		CHECK_ERRNO(ioctl(fd, NS_GET_PARENT), EPERM);
		_exit(abi_fails ? 1 : 0);
	}
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	fd = open("/proc/self/ns/pid_for_children", O_RDONLY);
	CHECK_OK(fd);
	st = ioctl(fd, NS_GET_PARENT);
	CHECK_OK(st);
	CHECK_OK(syscall(SYS_setns, own, 0));
	pid = fork();
	if (pid == 0)
		_exit(getpid() > 2 ? 0 : 1);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(waitpid(first, &st, 0), first);
	CHECK_ERRNO(syscall(SYS_setns, pidfd, CLONE_NEWPID), ESRCH);
}

TEST_FORK(needs_privilege)
{
	if (geteuid() == 0)
		CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(unshare(CLONE_NEWPID), EPERM);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWPID | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0,
			    0, 0),
		    EINVAL);
}
