/* nanosleep, clock_nanosleep, alarm, setitimer, timer_create and its kinds of notice. */
#include "abi.h"
#include <pthread.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int ticks;
static volatile siginfo_t info;
static volatile pid_t handled_by;

static void on_tick(int sig ABI_UNUSED, siginfo_t *si, void *uc ABI_UNUSED)
{
	*(siginfo_t *)&info = *si;
	handled_by = syscall(SYS_gettid);
	ticks++;
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART };

	ticks = 0;
	CHECK_OK(sigaction(sig, &sa, NULL));
}

TEST(nanosleep)
{
	struct timespec t = { 0, 2000000 }, bad = { 0, 1000000000 }, neg = { -1, 0 },
			zero = { 0, 0 };
	int64_t t0 = abi_now_ns();

	CHECK_OK(nanosleep(&t, NULL));
	CHECK(abi_now_ns() - t0 >= 2000000);
	CHECK_OK(nanosleep(&zero, NULL));
	CHECK_ERRNO(nanosleep(&bad, NULL), EINVAL);
	CHECK_ERRNO(nanosleep(&neg, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_nanosleep, bad_ptr(), NULL), EFAULT);
}

TEST(clock_nanosleep)
{
	struct timespec t;
	static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct timespec now;

		clock_gettime(ids[i], &t);
		t.tv_nsec += 2000000;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		CHECK_EQ(clock_nanosleep(ids[i], TIMER_ABSTIME, &t, NULL), 0);
		clock_gettime(ids[i], &now);
		CHECK(now.tv_sec > t.tv_sec ||
		      (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec));
	}
	t = (struct timespec){ 1, 0 };
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0); /* long ago */
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, 99, 0, &t, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, bad_ptr(), NULL), EFAULT);
	t.tv_nsec = -1;
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL), EINVAL);
}

TEST_FORK(alarm)
{
	handle(SIGALRM);
	CHECK_EQ(alarm(100), 0);
	CHECK_EQ(alarm(50), 100);
	CHECK_EQ(alarm(0), 50);
	CHECK_EQ(alarm(0), 0);
	CHECK_EQ(ticks, 0);
	alarm(100);
	struct itimerval it;
	CHECK_OK(getitimer(ITIMER_REAL, &it)); /* one and the same timer */
	CHECK(it.it_value.tv_sec >= 90 && it.it_value.tv_sec <= 100);
	CHECK_EQ(it.it_interval.tv_sec, 0);
}

TEST_FORK(itimer_real)
{
	struct itimerval it = { { 0, 2000 }, { 0, 1000 } }, old;

	handle(SIGALRM);
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	WAIT_UNTIL(ticks >= 5);
	CHECK_EQ(info.si_code, SI_KERNEL);
	memset(&it, 0, sizeof(it));
	CHECK_OK(setitimer(ITIMER_REAL, &it, &old));
	CHECK_EQ(old.it_interval.tv_usec, 2000);
	CHECK(old.it_value.tv_usec <= 2000);
	it.it_value.tv_usec = 1000000;
	CHECK_ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	it.it_value.tv_usec = -1;
	CHECK_ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_setitimer, 3, &it, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_getitimer, 3, &it), EINVAL);
	CHECK_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, bad_ptr(), NULL), EFAULT);
}

TEST_FORK(itimer_virtual_and_prof)
{
	struct itimerval it = { { 0, 0 }, { 0, 10000 } }, more = { { 0, 0 }, { 0, 50000 } };

	handle(SIGVTALRM);
	handle(SIGPROF);
	CHECK_OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (ticks < 1)
		; /* must burn user time */
	CHECK_EQ(info.si_signo, SIGVTALRM);
	CHECK_OK(setitimer(ITIMER_PROF, &it, NULL));
	while (ticks < 2)
		getppid();
	CHECK_EQ(info.si_signo, SIGPROF);
	CHECK_OK(
		setitimer(ITIMER_VIRTUAL, &more, NULL)); /* a tick alone may count as 10 ms of it */
	abi_sleep_ms(60);
	CHECK_EQ(ticks, 2); /* sleeping is not virtual time */
}

static timer_t make_timer(int clock, int notify, int sig, int value)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = sig };
	int id = -1;

	ev.sigev_value.sival_int = value;
	ev.sigev_notify_thread_id = syscall(SYS_gettid);
	CHECK_OK(syscall(SYS_timer_create, clock, &ev, &id));
	return (timer_t)(intptr_t)id;
}

static int set_timer(timer_t t, int flags, long value_ns, long interval_ns)
{
	struct itimerspec its = { { 0, interval_ns }, { 0, value_ns } };

	return syscall(SYS_timer_settime, (int)(intptr_t)t, flags, &its, NULL);
}

TEST_FORK(timer_signal)
{
	timer_t t = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 4711);
	struct itimerspec its;

	handle(SIGRTMIN);
	CHECK_OK(set_timer(t, 0, 1000000, 0));
	WAIT_UNTIL(ticks == 1);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_value.sival_int, 4711);
	CHECK_EQ(info.si_overrun, 0);
	CHECK_OK(syscall(SYS_timer_gettime, (int)(intptr_t)t, &its));
	CHECK_EQ(its.it_value.tv_sec + its.it_value.tv_nsec, 0); /* one-shot: disarmed */
	CHECK_OK(set_timer(t, 0, 900000000, 5));
	CHECK_OK(syscall(SYS_timer_gettime, (int)(intptr_t)t, &its));
	CHECK(its.it_value.tv_nsec > 0);
	CHECK_EQ(its.it_interval.tv_nsec, 5);
	CHECK_OK(set_timer(t, 0, 0, 0)); /* value 0 disarms */
	CHECK_OK(syscall(SYS_timer_delete, (int)(intptr_t)t));
	CHECK_ERRNO(syscall(SYS_timer_delete, (int)(intptr_t)t), EINVAL);
	CHECK_ERRNO(set_timer(t, 0, 1, 0), EINVAL);
}

TEST_FORK(timer_periodic_and_overrun)
{
	timer_t t = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 0);
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_OK(set_timer(t, 0, 1000000, 1000000));
	abi_sleep_ms(10);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGRTMIN); /* one signal for all the ticks missed */
	CHECK(si.si_overrun >= 5);
	CHECK(syscall(SYS_timer_getoverrun, (int)(intptr_t)t) >= 5);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGRTMIN); /* and it goes on */
	CHECK_OK(syscall(SYS_timer_delete, (int)(intptr_t)t));
}

static volatile pid_t second_tid;
static volatile int second_stop;

static void *second(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	second_tid = syscall(SYS_gettid);
	while (!second_stop)
		usleep(1000);
	return arg;
}

TEST_FORK(timer_for_one_thread)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	pthread_t th;
	int id;

	handle(SIGUSR1);
	REQUIRE(pthread_create(&th, NULL, second, NULL) == 0);
	WAIT_UNTIL(second_tid);
	ev.sigev_notify_thread_id = second_tid;
	CHECK_OK(syscall(SYS_timer_create, CLOCK_REALTIME, &ev, &id));
	CHECK_OK(set_timer((timer_t)(intptr_t)id, 0, 1000000, 1000000));
	for (int i = 1; i <= 3; i++) {
		WAIT_UNTIL(ticks >= i);
		CHECK_EQ(handled_by, second_tid);
	}
	second_stop = 1;
	pthread_join(th, NULL);
	CHECK_OK(syscall(SYS_timer_delete, id));
	ev.sigev_notify_thread_id = 1; /* not a thread of ours */
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_REALTIME, &ev, &id), EINVAL);
}

TEST_FORK(timer_none_and_absolute)
{
	timer_t t = make_timer(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	struct itimerspec its = { { 0, 0 }, { 0, 0 } }, cur;

	clock_gettime(CLOCK_MONOTONIC, &its.it_value);
	its.it_value.tv_sec += 100;
	CHECK_OK(syscall(SYS_timer_settime, (int)(intptr_t)t, TIMER_ABSTIME, &its, NULL));
	CHECK_OK(syscall(SYS_timer_gettime, (int)(intptr_t)t, &cur));
	CHECK(cur.it_value.tv_sec >= 95 && cur.it_value.tv_sec <= 100);
	CHECK_OK(syscall(SYS_timer_delete, (int)(intptr_t)t));
	t = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0);
	handle(SIGUSR2);
	its.it_value = (struct timespec){ 1, 0 }; /* in the past: at once */
	CHECK_OK(syscall(SYS_timer_settime, (int)(intptr_t)t, TIMER_ABSTIME, &its, NULL));
	WAIT_UNTIL(ticks == 1);
}

TEST_FORK(timer_errors)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99 };
	struct itimerspec bad = { { 0, 0 }, { 0, 1000000000 } };
	int id;

	CHECK_ERRNO(syscall(SYS_timer_create, 99, NULL, &id), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ev.sigev_notify = 77;
	ev.sigev_signo = SIGUSR1;
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, bad_ptr(), &id), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_gettime, 12345, &bad), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_getoverrun, 12345), EINVAL);
	CHECK_OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL,
			 &id)); /* SIGALRM, its id as value */
	CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_settime, id, 0, bad_ptr(), NULL), EFAULT);
	handle(SIGALRM);
	CHECK_OK(set_timer((timer_t)(intptr_t)id, 0, 1000000, 0));
	WAIT_UNTIL(ticks == 1);
	CHECK_EQ(info.si_value.sival_int, id);
	IN_CHILD
	{
		CHECK_ERRNO(syscall(SYS_timer_delete, id), EINVAL); /* not inherited */
	}
}

TEST_FORK(timer_cpu_clock)
{
	timer_t t = make_timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 0);

	handle(SIGUSR1);
	CHECK_OK(set_timer(t, 0, 5000000, 0));
	while (!ticks)
		;
	CHECK_EQ(info.si_code, SI_TIMER);
	t = make_timer(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 0);
	CHECK_OK(set_timer(t, 0, 5000000, 0));
	while (ticks < 2)
		;
}

TEST_FORK(many_timers)
{
	enum { N = 64 };
	timer_t t[N];

	handle(SIGRTMIN);
	for (int i = 0; i < N; i++) {
		t[i] = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, i);
		CHECK_OK(set_timer(t[i], 0, 1000000 + i * 50000, 0));
	}
	WAIT_UNTIL(ticks == N);
	for (int i = 0; i < N; i++)
		CHECK_OK(syscall(SYS_timer_delete, (int)(intptr_t)t[i]));
}
