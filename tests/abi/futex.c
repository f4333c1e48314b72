/* futex: wait, wake, bitset, requeue, wake_op, timeouts, sharing between processes, errors. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

static long futex(volatile void *w, int op, uint32_t val, const void *timeout, volatile void *w2,
		  uint32_t val3)
{
	return syscall(SYS_futex, w, op, val, timeout, w2, val3);
}

static volatile uint32_t word, word2;
static volatile int woken, waiting;

static void *waiter(void *arg)
{
	uint32_t bits = (uint32_t)(uintptr_t)arg;

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	if (futex(&word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, bits) == 0)
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start_waiters(pthread_t *t, int n, uintptr_t bits)
{
	waiting = woken = 0;
	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, waiter, (void *)bits))
			ABI_FAIL("pthread_create");
	WAIT_UNTIL(waiting == n);
}

/* Wakes until n were woken in all: a waiter may not have gone to sleep yet. */
static void wake_all(volatile uint32_t *w, int n)
{
	int total = 0;

	WAIT_UNTIL((total += futex(w, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0)) >=
		   n);
	CHECK_EQ(total, n);
}

TEST(errors)
{
	struct timespec bad = { 0, 1000000000 }, neg = { -1, 0 };

	word = 1;
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex((char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(bad_ptr(), FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(bad_ptr(), FUTEX_WAKE, 1, NULL, NULL, 0),
		    EFAULT); /* shared: page needed */
	CHECK_EQ(futex(bad_ptr(), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0),
		 0); /* private: a mere key */
	CHECK_ERRNO(futex((void *)-4096L, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, 77, 1, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, &neg, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 1, bad_ptr(), NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
	CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}

TEST(wake_counts)
{
	pthread_t t[5];
	int n = 0;

	word = 0;
	start_waiters(t, 5, FUTEX_BITSET_MATCH_ANY);
	WAIT_UNTIL((n += futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0)) == 1);
	WAIT_UNTIL(woken == 1);
	wake_all(&word, 4);
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(woken, 5);
}

TEST(bitset_selects)
{
	pthread_t a[2], b[2];
	int n = 0;

	word = 0;
	start_waiters(a, 2, 1);
	start_waiters(b, 2, 2);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 4), 0);
	WAIT_UNTIL((n += futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 2)) ==
		   2);
	pthread_join(b[0], NULL);
	pthread_join(b[1], NULL);
	n = 0;
	WAIT_UNTIL((n += futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 5)) ==
		   2);
	pthread_join(a[0], NULL);
	pthread_join(a[1], NULL);
}

TEST(timeouts)
{
	struct timespec rel = { 0, 3000000 }, zero = { 0, 0 }, abs;
	int64_t t0 = abi_now_ns();

	word = 0;
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, &rel, NULL, 0), ETIMEDOUT);
	CHECK(abi_now_ns() - t0 >= 3000000);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &zero, NULL, 0), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &abs); /* bitset: absolute, monotonic */
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 0, &abs, NULL, 1), ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &abs);
	abs.tv_nsec += 2000000;
	abs.tv_sec += abs.tv_nsec / 1000000000;
	abs.tv_nsec %= 1000000000;
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &abs, NULL, 1),
		    ETIMEDOUT);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK(now.tv_sec > abs.tv_sec || (now.tv_sec == abs.tv_sec && now.tv_nsec >= abs.tv_nsec));
}

TEST(requeue)
{
	pthread_t t[4];
	int moved = 0;

	word = word2 = 0;
	start_waiters(t, 4, FUTEX_BITSET_MATCH_ANY);
	CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &word2, 99), EAGAIN);
	/* wakes one and moves the rest; the value counts both */
	WAIT_UNTIL((moved += futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, moved ? 0 : 1, (void *)10,
				   &word2, 0)) == 4);
	WAIT_UNTIL(woken == 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 3);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(woken, 4);
	CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, -1, (void *)1, &word2, 0), EINVAL);
	CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)-1L, &word2, 0), EINVAL);
	CHECK_EQ(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)1, &word2, 0), 0);
}

TEST(wake_op)
{
	pthread_t t[2];
	int n;

	word = 0;
	word2 = 5;
	start_waiters(t, 2, FUTEX_BITSET_MATCH_ANY);
	/* word2 += 7; as its old value was not 6, the second queue is left alone */
	n = futex(&word2, FUTEX_WAKE_OP_PRIVATE, 1, (void *)10, &word2,
		  FUTEX_OP(FUTEX_OP_ADD, 7, FUTEX_OP_CMP_EQ, 6));
	CHECK_EQ(n, 0);
	CHECK_EQ(word2, 12);
	word = 0;
	n = 0;
	WAIT_UNTIL((n += futex(&word2, FUTEX_WAKE_OP_PRIVATE, 1, (void *)10, &word,
			       FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0))) == 2);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	word2 = 6;
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2,
		       FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_EQ, 0)),
		 0);
	CHECK_EQ(word2, 7);
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2,
		       FUTEX_OP(FUTEX_OP_ANDN, 2, FUTEX_OP_CMP_EQ, 0)),
		 0);
	CHECK_EQ(word2, 5);
	CHECK_EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2,
		       FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_EQ, 0)),
		 0);
	CHECK_EQ(word2, 4);
	CHECK_ERRNO(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, bad_ptr(), 0), EFAULT);
}

TEST(between_processes)
{
	volatile uint32_t *w =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t p;

	REQUIRE(w != MAP_FAILED);
	p = abi_fork();
	if (p == 0) {
		w[1] = 1;
		while (w[0] == 0)
			futex(w, FUTEX_WAIT, 0, NULL, NULL, 0);
		CHECK_EQ(w[0], 1);
		abi_exit();
	}
	WAIT_UNTIL(w[1] == 1);
	w[0] = 1;
	futex(w, FUTEX_WAKE, 1, NULL, NULL, 0);
	abi_reap(p);
	/* a private wake does not reach a shared waiter's key in another process: count is 0 */
	CHECK_EQ(futex(w, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	CHECK_OK(munmap((void *)w, PAGE));
}

TEST(through_two_mappings_of_a_file)
{
	volatile uint32_t *a, *b;
	int fd;
	pid_t p;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_OK(ftruncate(fd, PAGE));
	a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(a != MAP_FAILED && b != MAP_FAILED && a != b);
	p = abi_fork();
	if (p == 0) {
		while (a[0] == 0)
			futex(a, FUTEX_WAIT, 0, NULL, NULL, 0);
		abi_exit();
	}
	b[0] = 1;
	futex(b, FUTEX_WAKE, 1, NULL, NULL, 0);
	abi_reap(p);
	CHECK_OK(munmap((void *)a, PAGE));
	CHECK_OK(munmap((void *)b, PAGE));
	close(fd);
}

static void on_signal(int sig ABI_UNUSED)
{
}

TEST_FORK(interrupted)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };
	struct timespec ts = { 10, 0 }, far = { 1L << 40, 0 };

	word = 0;
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
	sa.sa_flags = SA_RESTART; /* a wait with a timeout is never restarted after a handler */
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), EINTR);
	CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 0, &far, NULL, 1), EINTR);
}

static volatile int ticks;

static void on_tick(int sig ABI_UNUSED)
{
	if (++ticks == 5)
		word = 1;
}

TEST_FORK(restarted)
{
	/* without a timeout SA_RESTART makes it look again at the word, which has changed by then */
	struct sigaction sa = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };

	word = 0;
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
	CHECK(ticks >= 5);
}

TEST_FORK(stopped_and_continued)
{
	/* without a handler even a wait with a timeout goes on, for the rest of its time */
	int64_t t0 = abi_now_ns();
	pid_t p = abi_fork();

	if (p == 0) {
		struct timespec ts = { 0, 40000000 };

		word = 0;
		CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
		CHECK(abi_now_ns() - t0 >= 40000000);
		abi_exit();
	}
	for (int i = 0; i < 3; i++) {
		abi_sleep_ms(5);
		CHECK_OK(kill(p, SIGSTOP));
		CHECK_OK(kill(p, SIGCONT));
	}
	abi_reap(p);
}

TEST(waitv)
{
#ifdef SYS_futex_waitv
	struct futex_waitv w[2] = {
		{ .val = 0, .uaddr = (uintptr_t)&word, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG },
		{ .val = 0, .uaddr = (uintptr_t)&word2, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG },
	};
	struct timespec ts;

	word = word2 = 0;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	errno = 0;
	if (syscall(SYS_futex_waitv, w, 2, 0, &ts, CLOCK_MONOTONIC) == -1 && errno == ENOSYS)
		SKIP("no futex_waitv");
	CHECK_EQ(errno, ETIMEDOUT);
	w[1].val = 9;
	CHECK_ERRNO(syscall(SYS_futex_waitv, w, 2, 0, &ts, CLOCK_MONOTONIC), EAGAIN);
	CHECK_ERRNO(syscall(SYS_futex_waitv, w, 0, 0, &ts, CLOCK_MONOTONIC), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex_waitv, w, 200, 0, &ts, CLOCK_MONOTONIC), EINVAL);
#else
	SKIP("headers without futex_waitv");
#endif
}
