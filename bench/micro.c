/*
 * micro.c - the small benchmarks: one static program that runs natively, in moat, in another runtime or in a machine.
 * measure.h has its options; besides:
 *
 *   micro calls N       N times getpid and nothing else: for counts from outside
 *   micro true | idle   end at once; sleep for ever
 *
 * Where a benchmark has work that is not its subject (munmap after a first touch), that is outside of its clock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

#define PAGE	   4096UL
#define BIG_AREA   (64UL << 20)
#define SMALL_AREA (64UL << 10)

/* ---- system calls that do nothing ---- */

/* "mov $nr, %eax; syscall": the seven bytes of a call site as compilers and libraries write it. */
static uint64_t run_getpid(uint64_t n)
{
	uint64_t start = now_ns();
	long ret;

	while (n--)
		__asm__ volatile("mov $39, %%eax\n\tsyscall"
				 : "=a"(ret)
				 :
				 : "rcx", "r11", "memory");
	return now_ns() - start;
}

/* The number comes from elsewhere, so that a platform that rewrites the usual call site cannot. */
static uint64_t run_getpid_any(uint64_t n)
{
	uint64_t start = now_ns();
	long ret;

	while (n--)
		__asm__ volatile("nop\n\tsyscall"
				 : "=a"(ret)
				 : "a"(SYS_getpid)
				 : "rcx", "r11", "memory");
	return now_ns() - start;
}

/* ---- files and descriptors ---- */

static int fd_a, fd_b, fd_c;

static void open_zero(void)
{
	fd_a = open("/dev/zero", O_RDONLY);
	check(fd_a >= 0, "/dev/zero");
}

static void close_fd_a(void)
{
	close(fd_a);
}

static uint64_t run_read(uint64_t n)
{
	uint64_t start = now_ns();
	char c;

	while (n--)
		check(read(fd_a, &c, 1) == 1, "read");
	return now_ns() - start;
}

static void open_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	fd_a = eventfd(0, 0);
	fd_b = epoll_create1(0);
	check(fd_a >= 0 && fd_b >= 0 && epoll_ctl(fd_b, EPOLL_CTL_ADD, fd_a, &ev) == 0, "epoll");
}

static void close_epoll(void)
{
	close(fd_a);
	close(fd_b);
}

static uint64_t run_epoll(uint64_t n)
{
	uint64_t start = now_ns(), v;
	struct epoll_event ev;

	while (n--) {
		v = 1;
		check(write(fd_a, &v, 8) == 8 && epoll_wait(fd_b, &ev, 1, -1) == 1 &&
			      read(fd_a, &v, 8) == 8,
		      "epoll");
	}
	return now_ns() - start;
}

static char tmp_file[256];

static void make_file(void)
{
	snprintf(tmp_file, sizeof(tmp_file), "%s/moat-micro-%d", measure_dir, (int)getpid());
	fd_a = open(tmp_file, O_CREAT | O_RDWR, 0600);
	check(fd_a >= 0, tmp_file);
	close(fd_a);
}

static void remove_file(void)
{
	unlink(tmp_file);
}

static uint64_t run_open(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		int fd = open(tmp_file, O_RDONLY);

		check(fd >= 0, tmp_file);
		close(fd);
	}
	return now_ns() - start;
}

static uint64_t run_stat(uint64_t n)
{
	uint64_t start = now_ns();
	struct stat st;

	while (n--)
		check(stat(tmp_file, &st) == 0, tmp_file);
	return now_ns() - start;
}

/* ---- two tasks ---- */

static pid_t peer;

/* A byte there and back between two processes. */
static void start_pipe_peer(void)
{
	int there[2], back[2];
	char c;

	check(pipe(there) == 0 && pipe(back) == 0, "pipe");
	peer = fork();
	check(peer >= 0, "fork");
	if (peer == 0) {
		close(there[1]);
		close(back[0]);
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	fd_b = there[1];
	fd_c = back[0];
}

static void stop_pipe_peer(void)
{
	close(fd_b);
	close(fd_c);
	waitpid(peer, NULL, 0);
}

static uint64_t run_pipe(uint64_t n)
{
	uint64_t start = now_ns();
	char c = 0;

	while (n--)
		check(write(fd_b, &c, 1) == 1 && read(fd_c, &c, 1) == 1, "pipe");
	return now_ns() - start;
}

/* As the C library's locks have it inline: syscall() of the C library is no call site of the usual form. */
static long futex(uint32_t *word, int op, uint32_t val)
{
	register const void *timeout __asm__("r10") = NULL;
	long ret;

	__asm__ volatile("mov $202, %%eax\n\tsyscall"
			 : "=a"(ret)
			 : "D"(word), "S"(op | FUTEX_PRIVATE_FLAG), "d"(val), "r"(timeout)
			 : "rcx", "r11", "memory");
	return ret;
}

#define TURN_MAIN 0
#define TURN_PEER 1
#define TURN_END  2

static uint32_t turn;

static void turn_give(uint32_t to)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	futex(&turn, FUTEX_WAKE, 1);
}

static void turn_await(uint32_t mine)
{
	uint32_t v;

	while ((v = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) != mine && v != TURN_END)
		futex(&turn, FUTEX_WAIT, v);
}

static int futex_peer(void *arg)
{
	(void)arg;
	for (;;) {
		turn_await(TURN_PEER);
		if (turn == TURN_END)
			return 0;
		turn_give(TURN_MAIN);
	}
}

static char peer_stack[65536] __attribute__((aligned(16)));

/* A process that shares the memory: two threads for everything that a futex can see. */
static void start_futex_peer(void)
{
	turn = TURN_MAIN;
	peer = clone(futex_peer, peer_stack + sizeof(peer_stack), CLONE_VM | SIGCHLD, NULL);
	check(peer >= 0, "clone");
}

static void stop_futex_peer(void)
{
	turn_give(TURN_END);
	waitpid(peer, NULL, 0);
}

static uint64_t run_futex(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		turn_give(TURN_PEER);
		turn_await(TURN_MAIN);
	}
	return now_ns() - start;
}

static uint64_t run_futex_wake(uint64_t n)
{
	uint64_t start = now_ns();
	uint32_t word = 0;

	while (n--)
		futex(&word, FUTEX_WAKE, 1);
	return now_ns() - start;
}

/* ---- processes and signals ---- */

static uint64_t run_fork(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (pid == 0)
			_exit(0);
		check(waitpid(pid, NULL, 0) == pid, "waitpid");
	}
	return now_ns() - start;
}

static uint64_t run_exec(uint64_t n)
{
	static char *argv[] = { (char *)"micro", (char *)"true", NULL }, *envp[] = { NULL };
	uint64_t start = now_ns();
	int st = 0;

	while (n--) {
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (pid == 0) {
			execve("/proc/self/exe", argv, envp);
			_exit(9);
		}
		check(waitpid(pid, &st, 0) == pid && st == 0, "exec");
	}
	return now_ns() - start;
}

static volatile unsigned long seen;

static void on_signal(int sig)
{
	(void)sig;
	seen++;
}

static void catch_usr1(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &sa, NULL);
}

static uint64_t run_signal(uint64_t n)
{
	uint64_t start = now_ns();
	unsigned long want = seen + n;
	pid_t pid = getpid();

	while (n--)
		kill(pid, SIGUSR1);
	check(seen == want, "signals were lost");
	return now_ns() - start;
}

/* ---- memory ---- */

static char *area;

static void map_page(void)
{
	area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(area != MAP_FAILED, "mmap");
	memset(area, 1, 16 * PAGE);
}

static void unmap_page(void)
{
	munmap(area, 16 * PAGE);
}

static uint64_t run_mprotect(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		check(mprotect(area, PAGE, PROT_READ) == 0 &&
			      mprotect(area, PAGE, PROT_READ | PROT_WRITE) == 0,
		      "mprotect");
		*(volatile char *)area = 1;
	}
	return now_ns() - start;
}

/* ns for mapping and touching `pages` pages in areas of `size`, or for removing them again. */
static uint64_t touch(uint64_t pages, size_t size, int clock_unmap)
{
	uint64_t per = size / PAGE, in_map = 0, in_unmap = 0;

	for (; pages >= per; pages -= per) {
		uint64_t t0 = now_ns(), t1, t2;
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		check(p != MAP_FAILED, "mmap");
		for (size_t at = 0; at < size; at += PAGE)
			*(volatile char *)(p + at) = 1;
		t1 = now_ns();
		munmap(p, size);
		t2 = now_ns();
		in_map += t1 - t0;
		in_unmap += t2 - t1;
	}
	return clock_unmap ? in_unmap : in_map;
}

static uint64_t run_touch_big(uint64_t n)
{
	return touch(n, BIG_AREA, 0);
}

static uint64_t run_unmap_big(uint64_t n)
{
	return touch(n, BIG_AREA, 1);
}

static uint64_t run_touch_small(uint64_t n)
{
	return touch(n, SMALL_AREA, 0);
}

static uint64_t run_unmap_small(uint64_t n)
{
	return touch(n, SMALL_AREA, 1);
}

/* ---- no system call at all ---- */

static volatile uint64_t sink;

static uint64_t run_cpu(uint64_t n)
{
	uint64_t start = now_ns(), x = 88172645463325252ULL;

	while (n--)
		for (int i = 0; i < 1000; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
	sink = x;
	return now_ns() - start;
}

/* ---- the table ---- */

const char *measure_dir = "/dev/shm";

const struct bench benches[] = {
	{ "getpid", run_getpid, NULL, NULL, 1 },
	{ "getpid-any", run_getpid_any, NULL, NULL, 1 },
	{ "read-zero", run_read, open_zero, close_fd_a, 1 },
	{ "epoll", run_epoll, open_epoll, close_epoll, 1 },
	{ "open", run_open, make_file, remove_file, 1 },
	{ "stat", run_stat, make_file, remove_file, 1 },
	{ "futex-wake", run_futex_wake, NULL, NULL, 1 },
	{ "pipe", run_pipe, start_pipe_peer, stop_pipe_peer, 1 },
	{ "futex", run_futex, start_futex_peer, stop_futex_peer, 1 },
	{ "mprotect", run_mprotect, map_page, unmap_page, 1 },
	{ "signal", run_signal, catch_usr1, NULL, 1 },
	{ "fork", run_fork, NULL, NULL, 1 },
	{ "exec", run_exec, NULL, NULL, 1 },
	{ "touch-big", run_touch_big, NULL, NULL, BIG_AREA / PAGE },
	{ "unmap-big", run_unmap_big, NULL, NULL, BIG_AREA / PAGE },
	{ "touch-small", run_touch_small, NULL, NULL, SMALL_AREA / PAGE },
	{ "unmap-small", run_unmap_small, NULL, NULL, SMALL_AREA / PAGE },
	{ "cpu", run_cpu, NULL, NULL, 1 },
	{ NULL, NULL, NULL, NULL, 0 },
};

int main(int argc, char **argv)
{
	if (measure_options(argc, argv))
		return 2;
	if (strcmp(argv[optind], "true") == 0)
		return 0;
	if (strcmp(argv[optind], "calls") == 0 && optind + 1 < argc) {
		run_getpid(strtoull(argv[optind + 1], NULL, 10));
		return 0;
	}
	if (strcmp(argv[optind], "idle") == 0)
		for (;;)
			pause();
	return measure_all(argc, argv);
}
