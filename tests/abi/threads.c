/* Threads by pthreads: creation in bulk, mutexes, conditions, barriers, TLS, exit_group, signals. */
#include "abi.h"
#include <pthread.h>
#include <semaphore.h>

static __thread int tls_word = 11;
static int counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void start(pthread_t *t, void *(*fn)(void *), void *arg)
{
	int e = pthread_create(t, NULL, fn, arg);

	if (e)
		ABI_FAIL("pthread_create: %s", abi_errname(e));
}

static void *returns_arg(void *arg)
{
	CHECK_EQ(tls_word, 11);
	tls_word = 12;
	return arg;
}

TEST(create_and_join)
{
	for (intptr_t i = 0; i < 200; i++) {
		pthread_t t;
		void *r;

		start(&t, returns_arg, (void *)i);
		CHECK_EQ(pthread_join(t, &r), 0);
		CHECK_EQ((intptr_t)r, i);
	}
	CHECK_EQ(tls_word, 11);
}

static void *locked_adds(void *arg ABI_UNUSED)
{
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

TEST(mutex)
{
	pthread_t t[8];

	counter = 0;
	for (int i = 0; i < 8; i++)
		start(&t[i], locked_adds, NULL);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(counter, 40000);
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, rounds;

static void *ping_pong(void *arg)
{
	int me = (int)(intptr_t)arg;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < 500; i++) {
		while (turn != me)
			pthread_cond_wait(&cond, &lock);
		turn = !me;
		rounds++;
		pthread_cond_signal(&cond);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

TEST(condition)
{
	pthread_t a, b;

	start(&a, ping_pong, (void *)0);
	start(&b, ping_pong, (void *)1);
	CHECK_EQ(pthread_join(a, NULL), 0);
	CHECK_EQ(pthread_join(b, NULL), 0);
	CHECK_EQ(rounds, 1000);
}

static pthread_barrier_t barrier;

static void *meets(void *arg)
{
	for (int i = 0; i < 50; i++) {
		__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
		if (__atomic_load_n((int *)arg, __ATOMIC_SEQ_CST) < (i + 1) * 6)
			ABI_FAIL("passed the barrier too early");
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

TEST(barrier)
{
	pthread_t t[6];
	int met = 0;

	pthread_barrier_init(&barrier, NULL, 6);
	for (int i = 0; i < 6; i++)
		start(&t[i], meets, &met);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(met, 300);
}

static void *sleeps(void *arg ABI_UNUSED)
{
	for (;;)
		pause();
	return NULL;
}

TEST_FORK(exit_group_ends_all)
{
	pthread_t t;
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		for (int i = 0; i < 20; i++)
			start(&t, sleeps, NULL);
		syscall(SYS_exit_group, 9);
	}
	st = abi_wait(p);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 9);
}

static void *spins(void *arg ABI_UNUSED)
{
	for (;;)
		counter++;
	return NULL;
}

TEST_FORK(exit_group_ends_spinning_threads)
{
	pthread_t t;
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		for (int i = 0; i < 4; i++)
			start(&t, spins, NULL);
		abi_sleep_ms(2);
		_exit(8);
	}
	st = abi_wait(p);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 8);
}

static void *exits_group(void *arg ABI_UNUSED)
{
	abi_sleep_ms(2);
	_exit(6);
}

TEST_FORK(exit_group_from_second_thread)
{
	pthread_t t;
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		start(&t, exits_group, NULL);
		for (;;)
			pause();
	}
	st = abi_wait(p);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 6);
}

static void *late(void *arg ABI_UNUSED)
{
	abi_sleep_ms(10);
	_exit(kill(getpid(), 0) == 0 && syscall(SYS_gettid) != getpid() ? 5 : 1);
}

TEST_FORK(leader_leaves_first)
{
	pthread_t t;
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		start(&t, late, NULL);
		syscall(SYS_exit, 0); /* the leader alone: the process lives on */
	}
	st = abi_wait(p);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 5);
}

static void *last_thread(void *arg ABI_UNUSED)
{
	WAIT_UNTIL(strstr(abi_content("/proc/self/stat"), ") Z ")); /* the leader has left */
	syscall(SYS_exit, 3);
	return NULL;
}

TEST_FORK(status_is_the_last_threads)
{
	/* with exit(2) everywhere, wait sees the code of the thread that left last (since 6.0) */
	pthread_t t;
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		start(&t, last_thread, NULL);
		syscall(SYS_exit, 4);
	}
	st = abi_wait(p);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 3);
}

static void *forks(void *arg ABI_UNUSED)
{
	for (int i = 0; i < 10; i++) {
		pid_t p = fork();

		if (p == 0)
			_exit(syscall(SYS_gettid) == getpid() ? 0 : 1);
		CHECK_EQ(abi_wait(p), 0);
	}
	return NULL;
}

TEST_FORK(fork_from_threads)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		start(&t[i], forks, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void *crashes(void *arg)
{
	*(volatile char *)arg = 1;
	return NULL;
}

TEST_FORK(fault_in_one_kills_all)
{
	pthread_t t;

	CHILD_DIES(SIGSEGV)
	{
		start(&t, crashes, bad_ptr());
		for (;;)
			pause();
	}
}

static void *maps(void *arg ABI_UNUSED)
{
	for (int i = 0; i < 100; i++) {
		volatile char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			ABI_FAIL("mmap: %s", abi_errname(errno));
			break;
		}
		for (int k = 0; k < 8; k++)
			p[k * PAGE] = k;
		for (int k = 0; k < 8; k++)
			if (p[k * PAGE] != k)
				ABI_FAIL("page %d holds %d", k, p[k * PAGE]);
		munmap((void *)p, 8 * PAGE);
	}
	return NULL;
}

TEST(concurrent_mappings)
{
	pthread_t t[6];

	for (int i = 0; i < 6; i++)
		start(&t[i], maps, NULL);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
}

static sem_t sem;

static void *posts(void *arg ABI_UNUSED)
{
	for (int i = 0; i < 200; i++)
		sem_post(&sem);
	return NULL;
}

TEST(semaphore_and_timed_waits)
{
	struct timespec past = { 1, 0 }, soon;
	pthread_t t;

	sem_init(&sem, 0, 0);
	start(&t, posts, NULL);
	for (int i = 0; i < 200; i++)
		CHECK_OK(sem_wait(&sem));
	pthread_join(t, NULL);
	CHECK_ERRNO(sem_timedwait(&sem, &past), ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 2000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	CHECK_EQ(pthread_cond_timedwait(&cond, &lock, &soon), ETIMEDOUT);
	pthread_mutex_unlock(&lock);
}

TEST(cancellation)
{
	pthread_t t;
	void *r;

	start(&t, sleeps, NULL);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK_EQ(pthread_join(t, &r), 0);
	CHECK_EQ(r == PTHREAD_CANCELED, 1);
}

static void *names_itself(void *arg)
{
	char name[16] = "", got[16] = "";

	snprintf(name, sizeof(name), "thread-%d", (int)(intptr_t)arg);
	CHECK_OK(prctl(PR_SET_NAME, name));
	sched_yield();
	CHECK_OK(prctl(PR_GET_NAME, got));
	CHECK_STR(got, name);
	return NULL;
}

TEST(names_are_per_thread)
{
	pthread_t t[4];

	for (intptr_t i = 0; i < 4; i++)
		start(&t[i], names_itself, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}
