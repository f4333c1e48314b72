/* clone(2) by hand: which flag shares what, exit signal, TID words, TLS, and the flag errors. */
#include "abi.h"
#include <linux/futex.h>
#include <asm/prctl.h>

#define STACK 65536
#define THREAD_FLAGS \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static char *new_stack(void)
{
	char *p = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		ABI_FAIL("mmap: %s", abi_errname(errno));
	return p + STACK;
}

/* clone without libc's bookkeeping, in fork's manner */
static pid_t raw_clone(unsigned long flags, int *ptid, int *ctid)
{
	return syscall(SYS_clone, flags, 0, ptid, ctid, 0);
}

TEST(flag_errors)
{
	CHECK_ERRNO(raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_THREAD | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_THREAD | CLONE_VM | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, NULL), EINVAL);
	CHECK_ERRNO(raw_clone(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL, NULL), EINVAL);
}

TEST(exit_signal)
{
	int st;
	pid_t p = raw_clone(0, NULL, NULL); /* none at all */

	if (p == 0)
		_exit(3);
	REQUIRE(p > 0);
	CHECK_ERRNO(waitpid(p, &st, 0), ECHILD); /* not a child in fork's sense */
	CHECK_EQ(waitpid(p, &st, __WCLONE), p);
	CHECK_EQ(WEXITSTATUS(st), 3);
	p = raw_clone(SIGCONT, NULL, NULL); /* ignored by default */
	if (p == 0)
		_exit(4);
	CHECK_EQ(waitpid(p, &st, __WALL), p);
	CHECK_EQ(WEXITSTATUS(st), 4);
}

TEST_FORK(exit_signal_is_sent)
{
	sigset_t set;
	siginfo_t si;
	pid_t p;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	p = raw_clone(SIGUSR2, NULL, NULL);
	if (p == 0)
		_exit(4);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR2);
	CHECK_EQ(si.si_pid, p);
	CHECK_EQ(si.si_status, 4);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(waitpid(p, NULL, __WALL), p);
}

TEST(tid_words)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ptid = 0, st;
	static int ctid;
	pid_t p;

	REQUIRE(shared != MAP_FAILED);
	ctid = 0;
	p = raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &ptid, &ctid);
	if (p == 0)
		_exit(ctid == getpid() && ptid == 0 ? 0 : 1);
	CHECK_EQ(ptid, p);
	CHECK_EQ(ctid, 0); /* set in the child's memory alone */
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	/* a bad address is no error for the child's word; for the parent's neither */
	p = raw_clone(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, bad_ptr());
	if (p == 0)
		_exit(0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
	CHECK_OK(munmap(shared, PAGE));
}

static volatile int word, child_fd = -1, done;

static int shares_vm(void *arg)
{
	word = (int)(intptr_t)arg;
	return 7;
}

TEST(clone_vm)
{
	int st;
	pid_t p;

	word = 0;
	p = clone(shares_vm, new_stack(), CLONE_VM | SIGCHLD, (void *)5);
	REQUIRE(p > 0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WEXITSTATUS(st), 7);
	CHECK_EQ(word, 5);
	p = clone(shares_vm, new_stack(), SIGCHLD, (void *)6);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(word, 5);
}

static int opens_file(void *arg ABI_UNUSED)
{
	child_fd = open("/dev/null", O_RDONLY);
	return 0;
}

TEST(clone_files)
{
	int st, fd = -1;
	pid_t p = clone(opens_file, new_stack(), CLONE_VM | CLONE_FILES | SIGCHLD, NULL);

	REQUIRE(p > 0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK(child_fd >= 0);
	CHECK_OK(fcntl(child_fd, F_GETFD));
	CHECK_OK(close(child_fd));
	fd = child_fd;
	p = clone(opens_file, new_stack(), CLONE_VM | SIGCHLD, NULL);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(child_fd, fd);
	CHECK_ERRNO(fcntl(child_fd, F_GETFD), EBADF);
}

static int changes_fs(void *arg ABI_UNUSED)
{
	umask(0123);
	return chdir("/");
}

TEST_FORK(clone_fs)
{
	char b[PATH_MAX];
	pid_t p;
	int st;

	umask(022);
	abi_tmpdir();
	p = clone(changes_fs, new_stack(), SIGCHLD, NULL);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(umask(022), 022);
	CHECK(getcwd(b, sizeof(b)) && strcmp(b, "/"));
	p = clone(changes_fs, new_stack(), CLONE_FS | SIGCHLD, NULL);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(umask(022), 0123);
	CHECK(getcwd(b, sizeof(b)));
	CHECK_STR(b, "/");
}

static int changes_handler(void *arg ABI_UNUSED)
{
	signal(SIGUSR1, SIG_IGN);
	return 0;
}

TEST_FORK(clone_sighand)
{
	struct sigaction sa;
	pid_t p = clone(changes_handler, new_stack(), CLONE_VM | SIGCHLD, NULL);
	int st;

	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == SIG_DFL);
	p = clone(changes_handler, new_stack(), CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == SIG_IGN);
}

static volatile int thread_tid, thread_pid, clear_tid;

static int thread_fn(void *arg ABI_UNUSED)
{
	/* no TLS of our own: raw calls only */
	long tid, pid;

	__asm__ volatile("syscall" : "=a"(tid) : "a"(SYS_gettid) : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : "=a"(pid) : "a"(SYS_getpid) : "rcx", "r11", "memory");
	thread_tid = tid;
	thread_pid = pid;
	__asm__ volatile("syscall" : : "a"(SYS_exit), "D"(0) : "rcx", "r11", "memory");
	return 0;
}

TEST(clone_thread)
{
	int tid;

	clear_tid = -1;
	tid = clone(thread_fn, new_stack(),
		    THREAD_FLAGS | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID,
		    NULL, &word, NULL, &clear_tid);
	REQUIRE(tid > 0);
	CHECK_EQ(word, tid);
	while (clear_tid != 0) /* cleared at exit, with a futex wake */
		syscall(SYS_futex, &clear_tid, FUTEX_WAIT, tid, NULL);
	CHECK_EQ(thread_tid, tid);
	CHECK_EQ(thread_pid, getpid());
	CHECK_ERRNO(waitpid(tid, NULL, __WALL), ECHILD);
}

static int parent_pid_is(void *arg)
{
	return getppid() == (int)(intptr_t)arg ? 0 : 1;
}

TEST_FORK(clone_parent)
{
	/* the grandchild becomes our child: its parent is its creator's parent */
	intptr_t me = getpid();
	int fds[2], st;
	pid_t p, g = 0;

	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		g = clone(parent_pid_is, new_stack(), CLONE_PARENT | SIGCHLD, (void *)me);
		_exit(write(fds[1], &g, sizeof(g)) != sizeof(g));
	}
	CHECK_EQ(read(fds[0], &g, sizeof(g)), (long)sizeof(g));
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(waitpid(g, &st, __WALL), g);
	CHECK_EQ(st, 0);
}

TEST(pidfd)
{
	int pidfd = -1, st;
	pid_t p = raw_clone(CLONE_PIDFD | SIGCHLD, &pidfd, NULL);

	if (p == 0)
		pause();
	REQUIRE(p > 0 && pidfd >= 0);
	CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	CHECK_OK(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WTERMSIG(st), SIGKILL);
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
	CHECK_OK(close(pidfd));
	CHECK_ERRNO(syscall(SYS_pidfd_open, p, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_pidfd_open, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_pidfd_open, getpid(), 1 << 20), EINVAL);
}

TEST(arch_prctl)
{
	unsigned long fs = 0, gs = 1;

	CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	CHECK_EQ(fs, (unsigned long)__builtin_thread_pointer());
	CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
	CHECK_EQ(gs, 0);
	CHECK_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, &fs));
	unsigned long v;
	__asm__ volatile("mov %%gs:0, %0" : "=r"(v));
	CHECK_EQ(v, fs);
	sched_yield();
	IN_CHILD
	{
		__asm__ volatile("mov %%gs:0, %0" : "=r"(v));
		CHECK_EQ(v, fs);
	}
	CHECK_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x800000000000), EPERM);
	CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_GET_FS, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
}

TEST(set_tid_address)
{
	static int w;

	CHECK_EQ(syscall(SYS_set_tid_address, &w), syscall(SYS_gettid));
}
