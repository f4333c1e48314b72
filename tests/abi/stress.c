/*
 * Everything at once on every CPU: threads that fault, flip protections, map and unmap, signal one
 * another, fork, exec and die, while a memory pattern of each is checked. The run is drawn from a
 * seed: ABI_SEED=N in the environment (1 by default); ABI_ROUNDS, or TEST_FULL, for longer runs.
 */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

enum { THREADS = 8, AREA = 16 };

static volatile int stop, trouble, handled;
static volatile pid_t tids[THREADS];
static unsigned rounds = 60;

static unsigned env_number(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 0) : otherwise;
}

static unsigned draw(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16 & 0x7fff;
}

/* Counts, and complains by the plain write(2) that is safe anywhere. */
static void wrong(const char *what)
{
	if (__atomic_fetch_add(&trouble, 1, __ATOMIC_RELAXED) < 3)
		ABI_FAIL("%s", what);
}

static void on_kick(int sig ABI_UNUSED)
{
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

HELPER(ok)
{
	return argc == 1 && atoi(argv[0]) == getppid() ? 7 : 1;
}

static void fork_and_check(volatile unsigned *mine, unsigned mark, int exec)
{
	char ppid[16];
	pid_t p;
	int st;

	snprintf(ppid, sizeof(ppid), "%d", getpid());
	p = fork();
	if (p == 0) {
		if (mine[0] != mark)
			_exit(1);
		mine[0] = ~mark; /* a copy of our own */
		if (exec)
			execve(abi_self, (char *[]){ abi_self, "@ok", ppid, NULL }, environ);
		_exit(mine[0] == ~mark ? 7 : 2);
	}
	if (p < 0) {
		if (errno != EAGAIN)
			wrong("fork failed");
		return;
	}
	while (waitpid(p, &st, 0) < 0)
		if (errno != EINTR) {
			wrong("waitpid failed");
			return;
		}
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 7)
		wrong("a child saw other memory or was killed");
	if (mine[0] != mark)
		wrong("a child's write came through");
}

static void *worker(void *arg)
{
	unsigned seed = env_number("ABI_SEED", 1) * 7919 + (unsigned)(uintptr_t)arg * 104729;
	volatile unsigned *mine =
		mmap(NULL, AREA * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned step = PAGE / sizeof(*mine);

	tids[(uintptr_t)arg - 1] = syscall(SYS_gettid);
	if (mine == MAP_FAILED) {
		wrong("mmap failed");
		return NULL;
	}
	for (unsigned round = 0; round < rounds && !trouble; round++) {
		unsigned mark = draw(&seed) | (unsigned)(uintptr_t)arg << 20,
			 at = draw(&seed) % AREA;
		struct timespec ts = { 0, draw(&seed) % 50000 };
		int word = 0;

		for (unsigned i = 0; i < AREA; i++)
			mine[i * step] = mark + i;
		switch (draw(&seed) % 9) {
		case 0:
			mprotect((char *)mine + at * PAGE, PAGE, PROT_READ);
			if (mine[at * step] != mark + at)
				wrong("a protected page changed");
			mprotect((char *)mine, AREA * PAGE, PROT_READ | PROT_WRITE);
			break;
		case 1:
			madvise((char *)mine + at * PAGE, PAGE, MADV_DONTNEED);
			if (mine[at * step] != 0)
				wrong("a dropped page is not zero");
			mine[at * step] = mark + at;
			break;
		case 2: {
			char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (p == MAP_FAILED || p[0] || p[3 * PAGE])
				wrong("a fresh area is not zero");
			else {
				memset(p, 1, 4 * PAGE);
				munmap(p, 4 * PAGE);
			}
			break;
		}
		case 3:
			mine[0] = mark;
			fork_and_check(mine, mark, 0);
			break;
		case 4:
			mine[0] = mark;
			fork_and_check(mine, mark, 1);
			break;
		case 5: /* by number: one that has left already is no harm */
			if (tids[at % THREADS])
				syscall(SYS_tgkill, getpid(), tids[at % THREADS], SIGUSR1);
			break;
		case 6: nanosleep(&ts, NULL); break;
		case 7: syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0); break;
		case 8:
			for (unsigned k = 0; k < 20; k++)
				sched_yield();
			break;
		}
		for (unsigned i = 0; i < AREA; i++)
			if (mine[i * step] != mark + i) {
				wrong("memory changed by itself");
				break;
			}
	}
	munmap((void *)mine, AREA * PAGE);
	return NULL;
}

/* Signals at random while the workers run. */
static void *kicker(void *arg ABI_UNUSED)
{
	unsigned seed = env_number("ABI_SEED", 1);

	while (!stop) {
		struct timespec ts = { 0, 20000 + draw(&seed) % 200000 };

		syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
		nanosleep(&ts, NULL);
	}
	return NULL;
}

TEST_FORK(all_at_once)
{
	struct sigaction sa = { .sa_handler = on_kick, .sa_flags = SA_RESTART };
	pthread_t t[THREADS], k;

	rounds = env_number("ABI_ROUNDS", getenv("TEST_FULL") ? 5 * rounds : rounds);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&t[i], NULL, worker, (void *)(i + 1)) == 0);
	REQUIRE(pthread_create(&k, NULL, kicker, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	stop = 1;
	pthread_join(k, NULL);
	CHECK(handled > 0);
	CHECK_EQ(trouble, 0);
}

static void *toucher(void *arg)
{
	volatile unsigned *p = arg;

	while (!stop)
		for (unsigned i = 0; i < AREA; i++)
			__atomic_add_fetch(&p[i * PAGE / sizeof(*p)], 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST_FORK(unmapping_is_seen_by_all)
{
	/* the area under busy writers is replaced, again and again, by another view of itself */
	char *p =
		mmap(NULL, AREA * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t t[3];

	REQUIRE(p != MAP_FAILED);
	for (int i = 0; i < 3; i++)
		REQUIRE(pthread_create(&t[i], NULL, toucher, p) == 0);
	for (int i = 0; i < 100; i++) {
		unsigned before = *(volatile unsigned *)p;

		if (i % 25 == 0)
			WAIT_UNTIL(*(volatile unsigned *)p != before); /* they are at work */

		char *q = mremap(p, 0, AREA * PAGE, MREMAP_MAYMOVE);

		REQUIRE(q != MAP_FAILED);
		REQUIRE(mremap(q, AREA * PAGE, AREA * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static void *frozen_writer(void *arg)
{
	volatile unsigned long *p = arg;

	while (!stop)
		p[0]++;
	return NULL;
}

static volatile int faults, mended; /* counted before and after the repair */
static void *fault_page;

static void on_segv(int sig ABI_UNUSED, siginfo_t *si, void *uc ABI_UNUSED)
{
	if ((char *)si->si_addr < (char *)fault_page ||
	    (char *)si->si_addr >= (char *)fault_page + PAGE)
		_exit(9);
	faults++;
	mprotect(fault_page, PAGE, PROT_READ | PROT_WRITE);
	mended++;
}

TEST_FORK(write_protection_takes_hold_at_once)
{
	/* after mprotect returns no other CPU may write the page through an old translation */
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
	volatile unsigned long *p;
	pthread_t t;

	fault_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = fault_page;
	sigaction(SIGSEGV, &sa, NULL);
	REQUIRE(pthread_create(&t, NULL, frozen_writer, fault_page) == 0);
	for (int i = 0; i < 50; i++) {
		int seen = faults;

		WAIT_UNTIL(p[0] > 0);
		CHECK_OK(mprotect(fault_page, PAGE, PROT_READ));
		for (volatile int k = 0; k < 2000; k++)
			;
		/* either the writer has faulted already, or the value stands still until it does */
		unsigned long a = p[0];
		for (volatile int k = 0; k < 2000; k++)
			;
		unsigned long b = p[0];
		if (a != b && faults == seen) /* the handler counts first */
			ABI_FAIL("the page changed while it was read-only");
		WAIT_UNTIL(mended > seen);
	}
	stop = 1;
	pthread_join(t, NULL);
	CHECK_EQ(faults, 50);
}

TEST_FORK(thread_churn_under_exit)
{
	/* processes whose threads are still being made when one of them ends all */
	for (int i = 0; i < 40; i++) {
		pid_t p = abi_fork();
		int st;

		if (p == 0) {
			pthread_t t;

			for (int k = 0; k < 4; k++)
				pthread_create(&t, NULL, toucher,
					       mmap(NULL, AREA * PAGE, PROT_READ | PROT_WRITE,
						    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
			if (i & 1)
				_exit(i);
			kill(getpid(), SIGKILL);
		}
		st = abi_wait(p);
		if (i & 1)
			CHECK_EQ(WEXITSTATUS(st), i);
		else
			CHECK_EQ(WTERMSIG(st), SIGKILL);
	}
}
