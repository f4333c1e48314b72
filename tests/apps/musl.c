/*
 * musl.c - a static musl program of ours, for musl.sh: threads behind a barrier, children over pipes, a shared file
 * mapping, timers, signals. Prints one line per part.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS	2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t gate;
static unsigned long total;

static void *adder(void *arg)
{
	pthread_barrier_wait(&gate);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		total += (unsigned long)arg;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	pthread_barrier_init(&gate, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, adder, (void *)(i + 1)))
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("threads %lu\n", total);
}

static void children(void)
{
	unsigned long sum = 0;
	int fd[2], status, bad = 0;

	if (pipe(fd))
		exit(1);
	for (unsigned long i = 1; i <= 20; i++)
		if (fork() == 0)
			_exit(write(fd[1], &i, sizeof(i)) != sizeof(i));
	for (int i = 0; i < 20; i++) {
		unsigned long v = 0;

		if (read(fd[0], &v, sizeof(v)) == sizeof(v))
			sum += v;
		bad += wait(&status) < 0 || status;
	}
	printf("children %lu %d\n", sum, bad);
}

static void mapping(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	char *p, buf[8] = "";

	if (fd < 0 || ftruncate(fd, 8192))
		exit(1);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		exit(1);
	strcpy(p + 4094, "musl"); /* over the page's end */
	if (pread(fd, buf, 4, 4094) != 4)
		exit(1);
	printf("mapping %s\n", buf);
}

static volatile sig_atomic_t got;

static void handler(int signo)
{
	got += signo;
}

static void timers(void)
{
	struct itimerspec its = { { 0, 1000000 }, { 0, 1000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	unsigned long n, ticks = 0;

	timerfd_settime(fd, 0, &its, NULL);
	while (ticks < 10 && read(fd, &n, sizeof(n)) == sizeof(n))
		ticks += n;
	signal(SIGALRM, handler);
	ualarm(1000, 0);
	while (!got)
		pause();
	printf("timers %d %d\n", ticks >= 10, got);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	threads();
	children();
	mapping();
	timers();
	return 11;
}
