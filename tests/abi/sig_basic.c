/* Signal sending and handling: sigaction flags, masks, default actions, kill/tkill/tgkill, queues. */
#include "abi.h"
#include <pthread.h>

static volatile sig_atomic_t got, order[16], depth, max_depth;
static siginfo_t info;

static void on_sig(int sig)
{
	order[got & 15] = sig;
	got++;
}

static void on_info(int sig ABI_UNUSED, siginfo_t *si, void *uc ABI_UNUSED)
{
	info = *si;
	got++;
}

static void on_nested(int sig)
{
	if (++depth > max_depth)
		max_depth = depth;
	if (++got < 3)
		raise(sig);
	depth--;
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	CHECK_OK(sigaction(sig, &sa, NULL));
}

TEST_FORK(sigaction_errors)
{
	struct sigaction sa = { .sa_handler = SIG_IGN }, old;

	CHECK_ERRNO(sigaction(0, &sa, NULL), EINVAL);
	CHECK_ERRNO(sigaction(65, &sa, NULL), EINVAL);
	CHECK_ERRNO(sigaction(-1, NULL, &old), EINVAL);
	CHECK_ERRNO(sigaction(SIGKILL, &sa, NULL), EINVAL);
	CHECK_ERRNO(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	CHECK_OK(sigaction(SIGKILL, NULL, &old)); /* looking is allowed */
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, bad_ptr(), NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad_ptr(), 8), EFAULT);
	sa.sa_handler = on_sig;
	sigfillset(&sa.sa_mask);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == on_sig);
	CHECK_EQ(sigismember(&old.sa_mask, SIGKILL), 0); /* taken out silently */
	CHECK_EQ(sigismember(&old.sa_mask, SIGTERM), 1);
}

TEST_FORK(kill_errors)
{
	pid_t p;

	CHECK_OK(kill(getpid(), 0));
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(getpid(), -1), EINVAL);
	CHECK_ERRNO(kill(0x3ffffffe, 0), ESRCH);
	CHECK_ERRNO(kill(-0x3ffffffe, 0), ESRCH);
	CHECK_ERRNO(kill(INT_MIN, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tkill, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, getpid(), 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, getpid(), 0x3ffffffe, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, getppid(), getpid(), 0), ESRCH); /* not of that group */
	CHECK_ERRNO(syscall(SYS_tgkill, -1, getpid(), 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tgkill, 0, getpid(), 0), EINVAL);
	CHECK_OK(syscall(SYS_tgkill, getpid(), getpid(), 0));
	p = abi_fork();
	if (p == 0)
		for (;;)
			pause();
	if (geteuid() == 0)
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(kill(p, 0), EPERM);
			CHECK_ERRNO(kill(p, SIGTERM), EPERM);
			CHECK_ERRNO(syscall(SYS_tgkill, p, p, SIGTERM), EPERM);
			/* SIGCONT may go anywhere within the session */
			CHECK_OK(kill(p, SIGCONT));
		}
	CHECK_OK(kill(p, SIGKILL));
	abi_wait(p);
}

TEST_FORK(default_actions)
{
	static const int deadly[] = { SIGHUP,  SIGINT,	SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT,
				      SIGBUS,  SIGFPE,	SIGKILL, SIGUSR1, SIGSEGV,   SIGUSR2,
				      SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ,   SIGVTALRM,
				      SIGPROF, SIGIO,	SIGPWR,	 SIGSYS,  SIGSTKFLT, 34,
				      50,      64 };
	static const int ignored[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };

	for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
		CHILD_DIES(deadly[i])
		{
			syscall(SYS_kill, getpid(), deadly[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		IN_CHILD
		{
			CHECK_OK(kill(getpid(), ignored[i]));
		}
}

TEST_FORK(masks)
{
	sigset_t set, old, pend;

	handle(SIGUSR1, on_sig, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, &old));
	CHECK_EQ(sigismember(&old, SIGUSR1), 0);
	raise(SIGUSR1);
	raise(SIGUSR1); /* classic signals do not queue */
	CHECK_EQ(got, 0);
	CHECK_OK(sigpending(&pend));
	CHECK_EQ(sigismember(&pend, SIGUSR1), 1);
	CHECK_EQ(sigismember(&pend, SIGUSR2), 0);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(got, 1); /* before sigprocmask returned */
	sigfillset(&set);
	CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
	CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &old));
	CHECK_EQ(sigismember(&old, SIGKILL), 0);
	CHECK_EQ(sigismember(&old, SIGSTOP), 0);
	CHECK_EQ(sigismember(&old, SIGTERM), 1);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 99, &set, NULL, 8), EINVAL);
	CHECK_OK(syscall(SYS_rt_sigprocmask, 99, NULL, &old, 8)); /* how is unused then */
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 128), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad_ptr(), NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, bad_ptr(), 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigpending, bad_ptr(), 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigpending, &set, 9), EINVAL);
}

TEST_FORK(blocked_in_handler)
{
	handle(SIGUSR1, on_nested, 0);
	raise(SIGUSR1);
	CHECK_EQ(got, 3);
	CHECK_EQ(max_depth, 1);
}

TEST_FORK(nodefer)
{
	handle(SIGUSR1, on_nested, SA_NODEFER);
	raise(SIGUSR1);
	CHECK_EQ(got, 3);
	CHECK_EQ(max_depth, 3);
}

TEST_FORK(resethand)
{
	struct sigaction sa;

	handle(SIGUSR1, on_sig, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK_EQ(got, 1);
	CHECK_OK(sigaction(SIGUSR1, NULL, &sa));
	CHECK(sa.sa_handler == SIG_DFL);
}

static void on_mask(int sig ABI_UNUSED)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	got = sigismember(&set, SIGUSR1) + 2 * sigismember(&set, SIGUSR2) +
	      4 * sigismember(&set, SIGTERM);
}

TEST_FORK(sa_mask)
{
	struct sigaction sa = { .sa_handler = on_mask };
	sigset_t set;

	sigaddset(&sa.sa_mask, SIGUSR2);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	raise(SIGUSR1);
	CHECK_EQ(got, 3);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 0); /* sigreturn put it back */
	CHECK_EQ(sigismember(&set, SIGUSR2), 0);
}

TEST_FORK(siginfo_of_senders)
{
	struct sigaction sa = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	union sigval v = { .sival_int = 4711 };
	int r;

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(info.si_errno, 0);
	CHECK_OK(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	CHECK_EQ(info.si_code, SI_TKILL);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_OK(sigqueue(getpid(), SIGUSR1, v));
	CHECK_EQ(info.si_code, SI_QUEUE);
	CHECK_EQ(info.si_value.sival_int, 4711);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(got, 3);
	/* codes that only the kernel may use, towards others */
	siginfo_t forged = { .si_signo = SIGUSR1, .si_code = SI_KERNEL };
	pid_t p = abi_fork();
	if (p == 0)
		for (;;)
			pause();
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, p, SIGUSR1, &forged), EPERM);
	forged.si_code = SI_TKILL;
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, p, SIGUSR1, &forged), EPERM);
	forged.si_code = SI_QUEUE;
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, p, 65, &forged), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 0x3ffffffe, SIGUSR1, &forged), ESRCH);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, p, SIGUSR1, bad_ptr()), EFAULT);
	CHECK_OK(syscall(SYS_rt_tgsigqueueinfo, p, p, SIGTERM, &forged));
	r = abi_wait(p);
	CHECK_EQ(WTERMSIG(r), SIGTERM);
}

TEST_FORK(realtime_order)
{
	static volatile int seen[8], vals[8];
	union sigval v;
	sigset_t set;
	siginfo_t si;
	int n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	v.sival_int = 1;
	CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, v));
	for (int i = 2; i <= 4; i++) {
		v.sival_int = i;
		CHECK_OK(sigqueue(getpid(), SIGRTMIN, v));
	}
	CHECK_OK(kill(getpid(), SIGUSR1));
	/* lowest number first, equal numbers in order of sending */
	while (n < 5) {
		int s = sigtimedwait(&set, &si, &(struct timespec){ 0, 0 });

		if (s < 0)
			break;
		seen[n] = s;
		vals[n++] = s == SIGUSR1 ? 0 : si.si_value.sival_int;
	}
	CHECK_EQ(n, 5);
	CHECK_EQ(seen[0], SIGUSR1);
	CHECK_EQ(seen[1], SIGRTMIN);
	CHECK_EQ(vals[1], 2);
	CHECK_EQ(vals[2], 3);
	CHECK_EQ(vals[3], 4);
	CHECK_EQ(seen[4], SIGRTMIN + 1);
	CHECK_EQ(vals[4], 1);
}

TEST_FORK(queue_limit)
{
	struct rlimit r = { 5, 5 };
	union sigval v = { 0 };
	sigset_t set;
	int n = 0;

	NEED_ROOT(); /* the count is per user: take one that has nothing pending */
	IN_CHILD_AS(64998)
	{
		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN);
		CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
		CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &r));
		while (n < 10 && sigqueue(getpid(), SIGRTMIN, v) == 0)
			n++;
		CHECK_EQ(n, 5);
		CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, v), EAGAIN);
		CHECK_OK(kill(getpid(), SIGRTMIN)); /* kill never fails for that */
	}
}

TEST_FORK(delivery_order_of_many)
{
	sigset_t set;

	handle(SIGUSR1, on_sig, 0);
	handle(SIGUSR2, on_sig, 0);
	handle(SIGRTMIN, on_sig, 0);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	raise(SIGRTMIN);
	raise(SIGUSR2);
	raise(SIGUSR1);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	CHECK_EQ(got, 3);
	/* frames are stacked lowest first, so the highest number's handler runs first */
	CHECK_EQ(order[0], SIGRTMIN);
	CHECK_EQ(order[1], SIGUSR2);
	CHECK_EQ(order[2], SIGUSR1);
}

static volatile pid_t handled_by;

static void on_thread(int sig ABI_UNUSED)
{
	handled_by = syscall(SYS_gettid);
}

static volatile pid_t thread_tid;

static void *unblocked_thread(void *arg ABI_UNUSED)
{
	sigset_t set;

	thread_tid = syscall(SYS_gettid);
	sigemptyset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	while (!handled_by)
		usleep(500);
	return NULL;
}

TEST_FORK(process_signal_finds_a_thread)
{
	pthread_t t;
	sigset_t set;

	handle(SIGUSR1, on_thread, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(pthread_sigmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(kill(getpid(), SIGUSR1)); /* pends for the process */
	REQUIRE(pthread_create(&t, NULL, unblocked_thread, NULL) == 0);
	pthread_join(t, NULL);
	CHECK_EQ(handled_by, thread_tid);
	handled_by = 0;
	REQUIRE(pthread_create(&t, NULL, unblocked_thread, NULL) == 0);
	WAIT_UNTIL(thread_tid);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	pthread_join(t, NULL);
	CHECK_EQ(handled_by, thread_tid);
}

TEST_FORK(ignoring_discards_pending)
{
	sigset_t set, pend;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	CHECK_OK(sigpending(&pend));
	CHECK_EQ(sigismember(&pend, SIGUSR1), 0);
	signal(SIGUSR1, SIG_DFL);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL)); /* we live */
}

TEST_FORK(kill_group_and_all_of_it)
{
	pid_t a = abi_fork(), b;

	if (a == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(a, a);
	b = abi_fork();
	if (b == 0)
		for (;;)
			pause();
	CHECK_OK(setpgid(b, a));
	CHECK_OK(kill(-a, SIGTERM));
	CHECK_EQ(WTERMSIG(abi_wait(a)), SIGTERM);
	CHECK_EQ(WTERMSIG(abi_wait(b)), SIGTERM);
	CHECK_ERRNO(kill(-a, 0), ESRCH);
}
