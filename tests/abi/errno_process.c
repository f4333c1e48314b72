// Errnos of calls about processes, their ids, scheduling, tracing, limits, time and memory.
#include "interrupted.h"

#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/timex.h>
#include <sys/uio.h>

static char buf[4096];

/* A number that no process has: the highest one. */
#define NOBODY_IS (1 << 22)

TEST(no_such_process)
{
	struct sched_param sp = { 0 };
	struct rlimit64 {
		uint64_t cur, max;
	} rl = { 0, 0 };
	struct iovec v = { buf, 1 };
	siginfo_t si = { .si_code = SI_QUEUE };
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, NOBODY_IS };
	struct __user_cap_data_struct d[2];
	struct timespec ts;
	size_t len;
	void *head;
	uint64_t mask = 1;
	int n = NOBODY_IS;

	CHECK_ERRNO(syscall(SYS_kill, n, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tkill, n, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, n, n, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tkill, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, -1, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, n, SIGUSR1, &si), ESRCH);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, n, n, SIGUSR1, &si), ESRCH);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, -1, 1, SIGUSR1, &si), EINVAL);
	CHECK_ERRNO(syscall(SYS_getpgid, n), ESRCH);
	CHECK_ERRNO(syscall(SYS_getsid, n), ESRCH);
	CHECK_ERRNO(syscall(SYS_setpgid, n, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_getpriority, PRIO_PROCESS, n), ESRCH);
	CHECK_ERRNO(syscall(SYS_setpriority, PRIO_PROCESS, n, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_getpriority, 9, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_setpriority, 9, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setparam, n, &sp), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_getparam, n, &sp), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, n, 0, &sp), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_getscheduler, n), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, n, &ts), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, -1, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, n, 8, &mask), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, n, 8, &mask), ESRCH);
	CHECK_ERRNO(syscall(SYS_prlimit64, n, 0, NULL, &rl), ESRCH);
	CHECK_ERRNO(syscall(SYS_get_robust_list, n, &head, &len), ESRCH);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0, bad_ptr(), &len), EFAULT);
	CHECK_ERRNO(syscall(SYS_set_robust_list, buf, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_vm_readv, n, &v, 1, &v, 1, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_process_vm_writev, n, &v, 1, &v, 1, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_process_vm_readv, getpid(), &v, 1, &v, 1, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_vm_writev, getpid(), &v, 1, &v, 1, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_ATTACH, n, 0, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_CONT, getppid(), 0, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_capget, &h, d), ESRCH);
	CHECK_ERRNO(syscall(SYS_pidfd_open, n, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_pidfd_open, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_kcmp, n, n, 0, 0, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_wait4, n, NULL, 0, NULL), ECHILD);
	CHECK_ERRNO(syscall(SYS_waitid, 9, 0, NULL, WEXITED, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_waitid, 0, 0, NULL, WEXITED, NULL), ECHILD);
	CHECK_ERRNO(syscall(SYS_move_pages, n, 0, NULL, NULL, NULL, 0), ESRCH);
}

TEST(of_somebody_else)
{
	struct sched_param sp = { 1 };
	struct rlimit more;
	struct iovec v = { buf, 1 };
	siginfo_t si = { .si_code = SI_QUEUE };
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { ~0u, ~0u, ~0u }, { ~0u, ~0u, ~0u } };
	gid_t groups[1] = { 0 };
	uint64_t mask = 1;
	pid_t p;
	size_t len;
	void *head;

	NEED_ROOT();
	p = abi_sleeper();
	getrlimit(RLIMIT_NOFILE, &more);
	more.rlim_max += 1;
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_kill, p, SIGUSR1), EPERM);
		CHECK_ERRNO(syscall(SYS_tkill, p, SIGUSR1), EPERM);
		CHECK_ERRNO(syscall(SYS_tgkill, p, p, SIGUSR1), EPERM);
		CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, p, SIGUSR1, &si), EPERM);
		CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, p, p, SIGUSR1, &si), EPERM);
		CHECK_ERRNO(syscall(SYS_setpriority, PRIO_PROCESS, p, 1), EPERM);
		CHECK_ERRNO(syscall(SYS_setpriority, PRIO_PROCESS, 0, -20), EACCES);
		CHECK_ERRNO(syscall(SYS_sched_setparam, p, &sp), EINVAL);
		sp.sched_priority = 0;
		CHECK_ERRNO(syscall(SYS_sched_setparam, p, &sp), EPERM);
		CHECK_ERRNO(syscall(SYS_sched_setscheduler, p, 0, &sp), EPERM);
		sp.sched_priority = 1;
		CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp), EPERM);
		CHECK_ERRNO(syscall(SYS_sched_setaffinity, p, 8, &mask), EPERM);
		CHECK_ERRNO(syscall(SYS_prlimit64, p, RLIMIT_NOFILE, NULL, buf), EPERM);
		CHECK_ERRNO(syscall(SYS_setrlimit, RLIMIT_NOFILE, &more), EPERM);
		CHECK_ERRNO(syscall(SYS_get_robust_list, p, &head, &len), EPERM);
		CHECK_ERRNO(syscall(SYS_process_vm_readv, p, &v, 1, &v, 1, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_process_vm_writev, p, &v, 1, &v, 1, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_ATTACH, p, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_kcmp, p, getpid(), 0, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_capset, &h, d), EPERM);
		CHECK_ERRNO(syscall(SYS_setuid, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_setgid, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_setreuid, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_setregid, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_setresuid, 0, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_setresgid, 0, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_setgroups, 1, groups), EPERM);
		CHECK_ERRNO(syscall(SYS_sethostname, "x", 1), EPERM);
		CHECK_ERRNO(syscall(SYS_setdomainname, "x", 1), EPERM);
		CHECK_ERRNO(syscall(SYS_pivot_root, "/", "/"), EPERM);
		CHECK_ERRNO(syscall(SYS_migrate_pages, p, 8, &mask, &mask), EPERM);
		CHECK_ERRNO(syscall(SYS_settimeofday, &(struct timeval){ 1, 0 }, NULL), EPERM);
		CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){ 1, 0 }),
			    EPERM);
	}
	kill(p, SIGKILL);
	abi_wait(p);
}

TEST(names_of_the_machine)
{
	NEED_CAP(21);
	memset(buf, 'h', 100);
	CHECK_ERRNO(syscall(SYS_sethostname, buf, 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, buf, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_setdomainname, buf, 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_setdomainname, buf, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_setdomainname, bad_ptr(), 1), EFAULT);
}

TEST(tracing)
{
	pid_t p = abi_sleeper();
	int st;

	CHECK_OK(ptrace(PTRACE_ATTACH, p, 0, 0));
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_ERRNO(syscall(SYS_ptrace, 0x7777, p, 0, 0), EIO);
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_PEEKDATA, p, 8, buf), EIO);
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_GETREGS, p, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_SETOPTIONS, p, 0, 1 << 30), EINVAL);
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_ATTACH, p, 0, 0), EPERM);
	CHECK_OK(ptrace(PTRACE_CONT, p, 0, 0));
	CHECK_ERRNO(syscall(SYS_ptrace, PTRACE_GETREGS, p, 0, buf), ESRCH); /* it runs */
	kill(p, SIGKILL);
	abi_wait(p);
}

TEST(memory)
{
	struct rlimit some = { 2 * PAGE, 2 * PAGE }, none = { 0, 0 };
	int fd, key;
	char *p;

	abi_tmpdir();
	fd = abi_file("f", "text", 0644);
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERRNO(syscall(SYS_munmap, p + 1, PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_madvise, p + 1, PAGE, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_madvise, p, PAGE, 999), EINVAL);
	CHECK_ERRNO(syscall(SYS_madvise, bad_ptr(), PAGE, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_madvise, (void *)0x10000, PAGE, 4), ENOMEM);
	CHECK_ERRNO(syscall(SYS_madvise, p, PAGE, 9 /* MADV_REMOVE */), EINVAL);
	CHECK_ERRNO(syscall(SYS_mlock2, p, PAGE, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_mlock, (void *)0x10000, PAGE), ENOMEM);
	CHECK_ERRNO(syscall(SYS_munlock, (void *)0x10000, PAGE), ENOMEM);
	CHECK_ERRNO(syscall(SYS_munlock, (void *)-PAGE, 2 * PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_mlock, (void *)-PAGE, 2 * PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_mremap, p + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_mremap, (void *)0x10000, PAGE, 2 * PAGE, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_mincore, p + 1, PAGE, buf), EINVAL);
	CHECK_ERRNO(syscall(SYS_msync, p, PAGE, 99), EINVAL);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_WRITE, MAP_SHARED, open("f", O_RDONLY), 0),
		    EACCES);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)-PAGE),
		    EOVERFLOW);
	CHECK_ERRNO(syscall(SYS_mmap, p, PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0L),
		    EEXIST);
	CHECK_ERRNO(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_memfd_create, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_alloc, 0, 99), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_free, 77), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 77), EINVAL);
	key = open("f", O_RDONLY);
	{
		char *ro = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, key, 0);

		CHECK_ERRNO(syscall(SYS_pkey_mprotect, ro, PAGE, PROT_WRITE, -1), EACCES);
		CHECK_ERRNO(syscall(SYS_mprotect, ro, PAGE, PROT_WRITE), EACCES);
		munmap(ro, PAGE);
	}
	if (!geteuid())
		IN_CHILD_AS(NOBODY)
		{
			CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &some));
			CHECK_ERRNO(syscall(SYS_mlock, p, 3 * PAGE), ENOMEM);
			CHECK_ERRNO(syscall(SYS_mlock2, p, 3 * PAGE, 0), ENOMEM);
			CHECK_ERRNO(syscall(SYS_mlockall, MCL_CURRENT), ENOMEM);
			CHECK_ERRNO(syscall(SYS_mmap, NULL, 3 * PAGE, 3,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L),
				    EAGAIN);
			CHECK_OK(mlock(p, 2 * PAGE));
			CHECK_ERRNO(syscall(SYS_mremap, p, 2 * PAGE, 9 * PAGE, MREMAP_MAYMOVE),
				    EAGAIN);
			CHECK_OK(munlock(p, 2 * PAGE));
			CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &none));
			CHECK_ERRNO(syscall(SYS_mlock, p, PAGE), EPERM);
			CHECK_ERRNO(syscall(SYS_mlock2, p, PAGE, 0), EPERM);
			CHECK_ERRNO(syscall(SYS_mlockall, MCL_CURRENT), EPERM);
		}
	munmap(p, 8 * PAGE);
	close(key);
	close(fd);
}

TEST_FORK(ended_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct timespec ten = { 10, 0 };
	uint64_t set = 0;
	pid_t p = abi_sleeper();

	sigaction(SIGALRM, &sa, NULL);
	INTERRUPTED(syscall(SYS_nanosleep, &ten, NULL));
	INTERRUPTED(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ten, NULL));
	INTERRUPTED(syscall(SYS_pause));
	INTERRUPTED(syscall(SYS_wait4, p, NULL, 0, NULL));
	INTERRUPTED(syscall(SYS_waitid, P_PID, p, NULL, WEXITED, NULL));
	INTERRUPTED(syscall(SYS_rt_sigsuspend, &set, 8));
	INTERRUPTED(syscall(SYS_rt_sigtimedwait, &set, NULL, &ten, 8));
	kill(p, SIGKILL);
	abi_wait(p);
}

/* Every call that gives or takes a time: a clock that is none, a bad pointer, a time that is none. */
TEST(time_arguments)
{
	struct timespec bad = { 0, 1000000000 }, ts = { 0, 0 };
	struct itimerval it = { { 0, 1000000 }, { 0, 0 } };
	struct itimerspec its = { { 0, 0 }, { 0, -1 } };
	struct sigevent ev = { .sigev_notify = 99 };
	struct timex tx = { .modes = 0 };
	uint64_t set = 0;
	int timer = 0;

	CHECK_ERRNO(syscall(SYS_clock_gettime, 99, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_getres, 99, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_getres, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, 99, 0, &ts, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, 1, 0, &bad, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, 1, 0, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, 3, 0, &ts, NULL), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_nanosleep, &bad, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_nanosleep, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, 99, &tx), EINVAL);
	CHECK_ERRNO(syscall(SYS_adjtimex, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_gettimeofday, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_time, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_times, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_setitimer, 9, &it, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_setitimer, 0, &it, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_setitimer, 0, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_getitimer, 9, &it), EINVAL);
	CHECK_ERRNO(syscall(SYS_getitimer, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_create, 99, NULL, &timer), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, 1, &ev, &timer), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, 1, bad_ptr(), &timer), EFAULT);
	CHECK_OK(syscall(SYS_timer_create, 1, NULL, &timer));
	CHECK_ERRNO(syscall(SYS_timer_settime, timer, 0, &its, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_settime, timer, 0, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_gettime, timer, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_gettime, 12345, &its), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_getoverrun, 12345), EINVAL);
	CHECK_OK(syscall(SYS_timer_delete, timer));
	CHECK_ERRNO(syscall(SYS_timer_delete, timer), EINVAL);
	CHECK_ERRNO(syscall(SYS_timerfd_create, 99, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, NULL, 0, &bad, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, NULL, &bad, 8), EINVAL);
	if (!geteuid())
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(syscall(SYS_timerfd_create, 8, 0), EPERM);
		}
}

/* No room for one more queued signal. */
TEST_FORK(signal_queue)
{
	struct rlimit none = { 0, 0 };
	siginfo_t si = { .si_code = SI_QUEUE };
	sigset_t set;
	int sig = SIGRTMIN;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &none));
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), sig, &si), EAGAIN);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, &si), EAGAIN);
	CHECK_ERRNO(syscall(SYS_tkill, gettid(), sig), EAGAIN);
	CHECK_ERRNO(syscall(SYS_tgkill, getpid(), gettid(), sig), EAGAIN);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, buf), EAGAIN);
}

static stack_t other_stack = { .ss_size = 4 * PAGE };

static void on_its_stack(int sig ABI_UNUSED)
{
	CHECK_ERRNO(syscall(SYS_sigaltstack, &other_stack, NULL), EPERM);
}

TEST_FORK(alternate_stack)
{
	struct sigaction sa = { .sa_handler = on_its_stack, .sa_flags = SA_ONSTACK };
	stack_t st = { .ss_sp = malloc(16 * PAGE), .ss_size = 16 * PAGE };

	other_stack.ss_sp = malloc(4 * PAGE);
	CHECK_OK(sigaltstack(&st, NULL));
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	st.ss_size = 10;
	CHECK_ERRNO(syscall(SYS_sigaltstack, &st, NULL), ENOMEM);
	st.ss_flags = 99;
	CHECK_ERRNO(syscall(SYS_sigaltstack, &st, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sigaltstack, bad_ptr(), NULL), EFAULT);
}

static void put(const char *file, const char *text)
{
	int fd = CHECK_OK(open(file, O_WRONLY));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Ids that the user namespace has no number for. */
TEST_FORK(unmapped_ids)
{
	NEED_ROOT();
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespaces");
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/gid_map", "0 0 1");
	CHECK_ERRNO(syscall(SYS_setuid, 5), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgid, 5), EINVAL);
	CHECK_ERRNO(syscall(SYS_setreuid, 5, 5), EINVAL);
	CHECK_ERRNO(syscall(SYS_setregid, 5, 5), EINVAL);
	CHECK_ERRNO(syscall(SYS_setresuid, 5, 5, 5), EINVAL);
	CHECK_ERRNO(syscall(SYS_setresgid, 5, 5, 5), EINVAL);
	CHECK_OK(syscall(SYS_setresuid, 0, 0, 0));
}

TEST_FORK(pivoting)
{
	NEED_CAP(21);
	abi_tmpdir();
	close(abi_file("f", "", 0644));
	mkdir("d", 0755);
	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK_ERRNO(syscall(SYS_pivot_root, "/", "/"), EBUSY);
	CHECK_ERRNO(syscall(SYS_pivot_root, "f", "/"), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_pivot_root, "d", "f"), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_pivot_root, "none", "d"), ENOENT);
}

/* What Linux no longer has, whatever the arguments. */
TEST(calls_of_the_past)
{
	CHECK_ERRNO(syscall(SYS_create_module, "x", 1), ENOSYS);
	CHECK_ERRNO(syscall(SYS_get_kernel_syms, NULL), ENOSYS);
	CHECK_ERRNO(syscall(SYS_query_module, NULL, 0, NULL, 0, NULL), ENOSYS);
	CHECK_ERRNO(syscall(SYS_get_thread_area, buf), ENOSYS);
	CHECK_ERRNO(syscall(SYS_set_thread_area, buf), ENOSYS);
}

TEST(advice)
{
	char *p;
	int fd;

	abi_tmpdir();
	fd = abi_file("short", "text", 0644);
	p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_ERRNO(syscall(SYS_madvise, p + PAGE, PAGE, 22 /* MADV_POPULATE_READ */), EFAULT);
	munmap(p, 2 * PAGE);
	close(fd);
	fd = open("short", O_RDONLY);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_ERRNO(syscall(SYS_madvise, p, PAGE, 9 /* MADV_REMOVE */), EACCES);
	munmap(p, PAGE);
	close(fd);
}

/* One process too many for the user. */
TEST(too_many_processes)
{
	struct rlimit one = { 1, 1 };

	NEED_ROOT();
	IN_CHILD_AS(NOBODY - 7)
	{
		CHECK_OK(setrlimit(RLIMIT_NPROC, &one));
		CHECK_ERRNO(syscall(SYS_fork), EAGAIN);
		CHECK_ERRNO(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EAGAIN);
	}
}
