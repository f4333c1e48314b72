/*
 * fuzz_calls.c - random system calls against the Sentry.
 *
 *   fuzz_calls SEED SECONDS [CALL...]     all calls, or these alone
 *
 * Workers of several threads each make calls with plausible arguments (fuzz_calls.h names the
 * parts). They ruin themselves soon: the parent starts another one for each that ended or makes no
 * call any more, and interrupts those that wait. What a thread asks for depends on the seed, on how
 * many workers there were before, and on its number alone, but for the numbers of processes; what
 * comes of it, on all that run at the same time.
 *
 * It checks nothing itself: the sandbox has to go on, and the parent to end at its time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_calls.h"

#define CALLS_PER_THREAD \
	3000	/* then the worker ends: the next one starts with a whole process again */
#define STALL 2 /* seconds without a call */

struct worker {
	pid_t pid; /* the truth, which shared->pid only repeats */
	unsigned long calls;
	time_t moved;
};

struct shared *shared;
static struct worker workers[WORKERS];
static unsigned long seed, started;
static int null_fd; /* opened while the parent is alone: /dev may go */
static int me;	    /* which worker this process is */
static _Thread_local uint64_t random_state;
static _Thread_local sigjmp_buf after_fault;

/* xorshift */
uint64_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

unsigned long below(unsigned long n)
{
	return random_bits() % n;
}

static void random_start(unsigned thread)
{
	random_state = ((seed << 32) + started * 16 + thread + 1) * 0x9e3779b97f4a7c15UL;
	for (int i = 0; i < 10; i++)
		random_bits();
}

void call_once(void)
{
	const struct call *c = calls_pick();
	unsigned long a[6];

	if (call_args(c, a))
		syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void on_signal(int sig)
{
	(void)sig; /* only interrupts */
}

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(after_fault, 1);
}

static void *thread(void *number)
{
	unsigned k = (unsigned)(uintptr_t)number;
	volatile unsigned n = 0;

	random_start(k);
	shared->tid[me][k] = (int)syscall(SYS_gettid);
	sigsetjmp(after_fault,
		  1); /* a mapping may vanish, or a slot be unreadable: with the next call */
	while (n < CALLS_PER_THREAD) {
		n++;
		if (n % 6 == 0)
			make_object();
		if (n % 8 == 0)
			data_change();
		if (n % 512 == 0)
			data_fill();
		call_once();
		shared->calls[me]++;
	}
	return NULL;
}

static void handle_signals(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction sa = { .sa_handler = on_signal };

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		sigaction(sig, &sa, NULL);
	sa.sa_handler = on_fault;
	sa.sa_flags = SA_NODEFER;
	for (size_t i = 0; i < N_OF(faults); i++)
		sigaction(faults[i], &sa, NULL);
}

/* How readily this process is ended when memory runs out. */
static void set_oom_score(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, score, strlen(score)) < 0)
		perror("fuzz_calls: oom_score_adj");
	close(fd);
}

/* Standard output and error are the parent's: what they say was not written by a random call. */
static void worker_prepare(void)
{
	for (int fd = 0; fd < FD_FIRST; fd++)
		dup2(null_fd, fd);
	handle_signals();
	set_oom_score("1000");
	if (chdir("/tmp"))
		perror("fuzz_calls: /tmp"); /* where the parent was is as good */
	if (mmap((void *)ARENA, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(1);
}

static void worker_run(void)
{
	pthread_t t[THREADS];

	worker_prepare();
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, thread, (void *)i))
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

/* Most names are in /tmp, which workers unlink, rename, replace and mount upon. */
static void restore_tmp(void)
{
	umount2("/tmp", MNT_DETACH);
	if (!mkdir("/tmp", 0777) || !chdir("/tmp"))
		return;
	rename("/tmp", "/replaced");
	mkdir("/tmp", 0777);
}

static void worker_start(int w)
{
	pid_t pid;

	restore_tmp();
	started++;
	me = w;
	memset((void *)shared->tid[w], 0, sizeof(shared->tid[w]));
	pid = fork();
	if (pid == 0)
		worker_run();
	workers[w].pid = pid > 0 ? pid : 0;
	workers[w].moved = time(NULL);
	shared->pid[w] = workers[w].pid;
}

static void worker_watch(int w)
{
	struct worker *k = &workers[w];

	if (k->pid && waitpid(k->pid, NULL, WNOHANG | __WALL) == k->pid)
		k->pid = 0;
	if (!k->pid) {
		worker_start(w);
		return;
	}
	if (shared->calls[w] != k->calls) {
		k->calls = shared->calls[w];
		k->moved = time(NULL);
	} else if (time(NULL) - k->moved > STALL) {
		kill(k->pid, SIGKILL);
	}
	for (int i = 0; i < THREADS; i++)
		if (shared->tid[w][i])
			syscall(SYS_tgkill, k->pid, shared->tid[w][i], SIGUSR1);
}

/* Orphans of the workers are ours where we are the first process. */
static void reap(void)
{
	siginfo_t info = { 0 };

	while (!waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) && info.si_pid) {
		for (int w = 0; w < WORKERS; w++)
			if (info.si_pid == workers[w].pid)
				return; /* worker_watch's */
		waitpid(info.si_pid, NULL, WNOHANG | __WALL);
	}
}

static void prepare(void)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sig != SIGCHLD)
			sigaction(sig, &sa, NULL);
	set_oom_score("-1000"); /* workers first */
	null_fd = open("/dev/null", O_RDWR);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (null_fd < 0 || shared == MAP_FAILED ||
	    mmap((void *)DATA, DATA_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		perror("fuzz_calls: start");
		exit(1);
	}
	random_start(0);
	data_fill();
}

static void run(time_t seconds)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	time_t end = time(NULL) + seconds;
	unsigned long calls = 0;

	while (time(NULL) < end) {
		for (int w = 0; w < WORKERS; w++)
			worker_watch(w);
		reap();
		nanosleep(&nap, NULL);
	}
	for (int w = 0; w < WORKERS; w++) {
		if (workers[w].pid)
			kill(workers[w].pid, SIGKILL);
		calls += shared->calls[w];
	}
	printf("%lu calls, %lu workers\n", calls, started);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-x")) /* a child's, of make_child */
		return 0;
	if (!getenv("MOAT_SANDBOX")) {
		fprintf(stderr,
			"fuzz_calls: random calls would hurt a host: runs in a sandbox alone, with MOAT_SANDBOX=1\n");
		return 1;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: fuzz_calls SEED SECONDS [CALL...]\n");
		return 2;
	}
	if (!calls_choose(argv + 3)) {
		fprintf(stderr,
			"fuzz_calls: a call that is unknown, refused or would end the fuzzer itself\n");
		return 2;
	}
	seed = strtoul(argv[1], NULL, 10);
	prepare();
	run(strtol(argv[2], NULL, 10));
	return 0;
}
