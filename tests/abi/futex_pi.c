/* Priority-inheritance futexes and robust lists: ownership, death of the owner, errors. */
#include "abi.h"
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>

static volatile uint32_t word;

static long futex(volatile void *w, int op, uint32_t val, const void *ts)
{
	return syscall(SYS_futex, w, op | FUTEX_PRIVATE_FLAG, val, ts, NULL, 0);
}

static void *unlocks_not_ours(void *arg)
{
	CHECK_ERRNO(futex(&word, FUTEX_UNLOCK_PI, 0, NULL), EPERM);
	CHECK_ERRNO(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL), EAGAIN);
	return arg;
}

TEST(ownership)
{
	uint32_t me = syscall(SYS_gettid);
	pthread_t t;

	word = 0;
	CHECK_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL));
	CHECK_EQ(word & FUTEX_TID_MASK, me);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI, 0, NULL), EDEADLK);
	REQUIRE(pthread_create(&t, NULL, unlocks_not_ours, NULL) == 0);
	pthread_join(t, NULL);
	CHECK_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL));
	CHECK_EQ(word, 0);
	CHECK_ERRNO(futex(&word, FUTEX_UNLOCK_PI, 0, NULL), EPERM);
	CHECK_OK(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL));
	CHECK_EQ(word & FUTEX_TID_MASK, me);
	word = 0;
	word = 0x3ffffffe; /* a thread that does not exist */
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI, 0, NULL), ESRCH);
	word = 0;
}

static volatile int got_lock;

static void *locks(void *arg)
{
	if (CHECK_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL)) == 0) {
		CHECK_EQ(word & FUTEX_TID_MASK, syscall(SYS_gettid));
		got_lock++;
		CHECK_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL));
	}
	return arg;
}

static void *locks_missing(void *page)
{
	if (futex(page, FUTEX_LOCK_PI, 0, NULL) < 0)
		CHECK_EQ(errno, EFAULT); /* Linux does not wait for it */
	return NULL;
}

/* A word in a page that a monitor has not given yet holds up who locks it, and nobody else. */
TEST_FORK(page_that_is_missing)
{
	struct uffdio_api api = { .api = UFFD_API };
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { { (uintptr_t)page, PAGE }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	struct uffdio_zeropage zero = { { (uintptr_t)page, PAGE }, 0, 0 };
	pthread_t t;
	pid_t child;
	int fd;

	if (!abi_cap(19))
		SKIP("needs CAP_SYS_PTRACE");
	fd = CHECK_OK(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
	CHECK_OK(ioctl(fd, UFFDIO_API, &api));
	CHECK_OK(ioctl(fd, UFFDIO_REGISTER, &reg));
	REQUIRE(pthread_create(&t, NULL, locks_missing, page) == 0);
	abi_sleep_ms(20);
	child = abi_fork();
	if (child == 0) {
		word = 0;
		CHECK_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL));
		CHECK_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL));
		_exit(0);
	}
	CHECK_EQ(abi_wait(child), 0);
	CHECK_OK(ioctl(fd, UFFDIO_ZEROPAGE, &zero));
	pthread_join(t, NULL);
}

TEST(handover)
{
	pthread_t t[3];

	word = 0;
	got_lock = 0;
	CHECK_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL));
	for (int i = 0; i < 3; i++)
		REQUIRE(pthread_create(&t[i], NULL, locks, NULL) == 0);
	WAIT_UNTIL(word & FUTEX_WAITERS);
	CHECK_EQ(got_lock, 0);
	CHECK_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(got_lock, 3);
	CHECK_EQ(word & FUTEX_TID_MASK, 0);
}

static void *lock_times_out(void *arg)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts); /* absolute, realtime */
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI, 0, &ts), ETIMEDOUT);
	return arg;
}

TEST(timeout)
{
	pthread_t t;

	word = 0;
	CHECK_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL));
	REQUIRE(pthread_create(&t, NULL, lock_times_out, NULL) == 0);
	pthread_join(t, NULL);
	CHECK_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL));
}

static pthread_mutex_t *shared_mutex(int pi)
{
	pthread_mutex_t *m =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	if (pi)
		pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	CHECK_EQ(pthread_mutex_init(m, &a), 0);
	return m;
}

static void owner_dies(int pi, int by_signal)
{
	pthread_mutex_t *m = shared_mutex(pi);
	pid_t p = abi_fork();

	if (p == 0) {
		CHECK_EQ(pthread_mutex_lock(m), 0);
		if (by_signal)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	abi_wait(p);
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_EQ(pthread_mutex_lock(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_OK(munmap(m, PAGE));
}

TEST(robust_owner_exits)
{
	owner_dies(0, 0);
}

TEST(robust_owner_is_killed)
{
	owner_dies(0, 1);
}

TEST(robust_pi_owner_exits)
{
	owner_dies(1, 0);
}

TEST(robust_waiter_is_woken)
{
	pthread_mutex_t *m = shared_mutex(0);
	volatile int *held = (int *)(m + 1);
	pid_t p = abi_fork();

	if (p == 0) {
		pthread_mutex_lock(m);
		*held = 1;
		abi_sleep_ms(5);
		_exit(0); /* while the parent sleeps on it */
	}
	WAIT_UNTIL(*held);
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	abi_wait(p);
	CHECK_EQ(pthread_mutex_unlock(m), 0); /* not made consistent */
	CHECK_EQ(pthread_mutex_lock(m), ENOTRECOVERABLE);
	CHECK_OK(munmap(m, PAGE));
}

static void *thread_owner(void *m)
{
	pthread_mutex_lock(m);
	return NULL;
}

TEST(robust_thread_exits)
{
	pthread_mutex_t *m = shared_mutex(0);
	pthread_t t;

	REQUIRE(pthread_create(&t, NULL, thread_owner, m) == 0);
	pthread_join(t, NULL);
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(m), 0);
	CHECK_EQ(pthread_mutex_unlock(m), 0);
	CHECK_OK(munmap(m, PAGE));
}

TEST_FORK(list_calls)
{
	struct robust_list_head head = { { &head.list }, 0, NULL }, *got = NULL;
	size_t len = 0;

	CHECK_OK(syscall(SYS_get_robust_list, 0, &got, &len));
	CHECK_EQ(len, sizeof(head));
	CHECK_ERRNO(syscall(SYS_set_robust_list, &head, sizeof(head) - 1), EINVAL);
	CHECK_OK(syscall(SYS_set_robust_list, &head, sizeof(head)));
	CHECK_OK(syscall(SYS_get_robust_list, getpid(), &got, &len));
	CHECK(got == &head);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0, bad_ptr(), &len), EFAULT);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0x3ffffffe, &got, &len), ESRCH);
}

/* One uid is not enough: the others, and what a set-id program has of them, count as for ptrace. */
TEST_FORK(list_of_another_group)
{
	struct robust_list_head *got;
	pid_t other;
	size_t len;

	if (geteuid() != 0)
		SKIP("needs root");
	other = abi_fork();
	if (other == 0) {
		CHECK_OK(setgid(5));
		CHECK_OK(setuid(NOBODY));
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(other, NULL, WUNTRACED), other);
	CHECK_OK(setuid(NOBODY));
	CHECK_ERRNO(syscall(SYS_get_robust_list, other, &got, &len), EPERM);
	kill(other, SIGKILL);
	abi_wait(other);
}

TEST_FORK(hostile_list)
{
	/* a list that never ends, and one that leads nowhere: the exit must come all the same */
	CHILD_DIES(SIGKILL)
	{
		static struct robust_list a, b;
		static struct robust_list_head head;

		a.next = &b;
		b.next = &a;
		head.list.next = &a;
		syscall(SYS_set_robust_list, &head, sizeof(head));
		kill(getpid(), SIGKILL);
	}
	IN_CHILD
	{
		static struct robust_list_head head;

		head.list.next = bad_ptr();
		syscall(SYS_set_robust_list, &head, sizeof(head));
	}
}

static void *cond_user(void *arg)
{
	pthread_mutex_t *m = arg;

	pthread_mutex_lock(m);
	got_lock++;
	pthread_mutex_unlock(m);
	return NULL;
}

TEST(pi_mutex_under_contention)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	pthread_t t[6];

	got_lock = 0;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	CHECK_EQ(pthread_mutex_init(&m, &a), 0);
	for (int round = 0; round < 20; round++) {
		pthread_mutex_lock(&m);
		for (int i = 0; i < 6; i++)
			REQUIRE(pthread_create(&t[i], NULL, cond_user, &m) == 0);
		pthread_mutex_unlock(&m);
		for (int i = 0; i < 6; i++)
			pthread_join(t[i], NULL);
	}
	CHECK_EQ(got_lock, 120);
}
