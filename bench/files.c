/*
 * files.c - the file benchmarks: one static program that runs natively, in moat, in another runtime or in a machine.
 * measure.h has its options; -d is a folder of its own to work in. Besides:
 *
 *   files time NAME RUNS BEFORE PROG [ARG...]   NAME MEDIAN MIN of RUNS runs of PROG, each after an untimed `sh -c BEFORE`
 *
 * Calls of metadata are written as the C library's wrappers have them: a call site of the usual form.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define FILES	 100	      /* entries of the directory that readdir reads */
#define BIG	 (16UL << 20) /* bytes of the file that is read and written from end to end */
#define CHUNK	 (128UL << 10)
#define RUNS_MAX 100

const char *measure_dir = "/tmp";

static char path[512], other[512];
static char buf[CHUNK];
static int fd;

static const char *in_dir(char *to, const char *name)
{
	snprintf(to, sizeof(path), "%s/%s", measure_dir, name);
	return to;
}

/* ---- calls ---- */

#define CALL(nr, a, b, c)                                                                  \
	({                                                                                 \
		long _ret;                                                                 \
		__asm__ volatile("mov %1, %%eax\n\tsyscall"                                \
				 : "=a"(_ret)                                              \
				 : "i"(nr), "D"((long)(a)), "S"((long)(b)), "d"((long)(c)) \
				 : "rcx", "r11", "memory");                                \
		_ret;                                                                      \
	})

static void make_file(void)
{
	fd = open(in_dir(path, "file"), O_CREAT | O_TRUNC | O_RDWR, 0600);
	check(fd >= 0 && write(fd, buf, CHUNK) == CHUNK, path);
}

static void remove_file(void)
{
	close(fd);
	unlink(path);
}

static uint64_t run_getpid(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--)
		CALL(SYS_getpid, 0, 0, 0);
	return now_ns() - start;
}

static uint64_t run_open(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		long f = CALL(SYS_open, path, O_RDONLY, 0);

		check(f >= 0, path);
		CALL(SYS_close, f, 0, 0);
	}
	return now_ns() - start;
}

static uint64_t run_stat(uint64_t n)
{
	uint64_t start = now_ns();
	struct stat st;

	while (n--)
		check(CALL(SYS_stat, path, &st, 0) == 0, path);
	return now_ns() - start;
}

/* A name that is not there. */
static uint64_t run_absent(uint64_t n)
{
	uint64_t start = now_ns();
	struct stat st;

	in_dir(other, "absent");
	while (n--)
		check(CALL(SYS_stat, other, &st, 0) < 0, other);
	return now_ns() - start;
}

static long pread_page(void)
{
	long ret;
	register long off __asm__("r10") = 8192;

	__asm__ volatile("mov %1, %%eax\n\tsyscall"
			 : "=a"(ret)
			 : "i"(SYS_pread64), "D"((long)fd), "S"(buf), "d"(4096L), "r"(off)
			 : "rcx", "r11", "memory");
	return ret;
}

static uint64_t run_pread(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--)
		check(pread_page() == 4096, "pread");
	return now_ns() - start;
}

static uint64_t run_create(uint64_t n)
{
	uint64_t start;

	in_dir(other, "new");
	start = now_ns();
	while (n--) {
		long f = CALL(SYS_open, other, O_CREAT | O_EXCL | O_WRONLY, 0600);

		check(f >= 0, other);
		CALL(SYS_close, f, 0, 0);
		check(CALL(SYS_unlink, other, 0, 0) == 0, other);
	}
	return now_ns() - start;
}

/* ---- a directory ---- */

static void make_dir(void)
{
	check(mkdir(in_dir(path, "dir"), 0700) == 0, path);
	for (int i = 0; i < FILES; i++) {
		snprintf(other, sizeof(other), "%s/dir/%d", measure_dir, i);
		fd = open(other, O_CREAT | O_WRONLY, 0600);
		check(fd >= 0, other);
		close(fd);
	}
}

static void remove_dir(void)
{
	for (int i = 0; i < FILES; i++) {
		snprintf(other, sizeof(other), "%s/dir/%d", measure_dir, i);
		unlink(other);
	}
	rmdir(path);
}

static uint64_t run_readdir(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		long got;

		fd = open(path, O_RDONLY | O_DIRECTORY);
		check(fd >= 0, path);
		while ((got = CALL(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
			;
		check(got == 0, "getdents64");
		close(fd);
	}
	return now_ns() - start;
}

/* ---- names that nobody has used yet: FOLDER/tree/dNN/fNN, of which each operation takes the next ---- */

#define TREE_DIRS  50
#define TREE_FILES 100

static uint64_t next_of_tree;

static const char *tree_file(void)
{
	uint64_t k = next_of_tree++;

	check(k < TREE_DIRS * TREE_FILES, "more operations than files in the tree");
	snprintf(other, sizeof(other), "%s/tree/d%u/f%u", measure_dir, (unsigned)(k / TREE_FILES),
		 (unsigned)(k % TREE_FILES));
	return other;
}

static uint64_t run_miss_stat(uint64_t n)
{
	uint64_t start = now_ns();
	struct stat st;

	while (n--)
		check(CALL(SYS_stat, tree_file(), &st, 0) == 0, other);
	return now_ns() - start;
}

static uint64_t run_miss_open(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		long f = CALL(SYS_open, tree_file(), O_RDONLY, 0);

		check(f >= 0, other);
		CALL(SYS_close, f, 0, 0);
	}
	return now_ns() - start;
}

static uint64_t run_miss_read(uint64_t n)
{
	uint64_t start = now_ns();

	while (n--) {
		long f = CALL(SYS_open, tree_file(), O_RDONLY, 0);

		check(f >= 0 && CALL(SYS_read, f, buf, CHUNK) > 0, other);
		CALL(SYS_close, f, 0, 0);
	}
	return now_ns() - start;
}

/* ---- from end to end: an operation is 128 KiB ---- */

static void make_big(void)
{
	fd = open(in_dir(path, "big"), O_CREAT | O_TRUNC | O_RDWR, 0600);
	check(fd >= 0, path);
	for (unsigned long at = 0; at < BIG; at += CHUNK)
		check(write(fd, buf, CHUNK) == CHUNK, path);
}

static uint64_t run_seqread(uint64_t n)
{
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < n; i++) {
		if (i % (BIG / CHUNK) == 0)
			lseek(fd, 0, SEEK_SET);
		check(read(fd, buf, CHUNK) == CHUNK, "read");
	}
	return now_ns() - start;
}

/* Each time a new file, so that its pages are new. */
static uint64_t run_seqwrite(uint64_t n)
{
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < n; i++) {
		if (i % (BIG / CHUNK) == 0)
			check(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, "ftruncate");
		check(write(fd, buf, CHUNK) == CHUNK, "write");
	}
	return now_ns() - start;
}

const struct bench benches[] = {
	{ "getpid", run_getpid, NULL, NULL, 1 },
	{ "stat", run_stat, make_file, remove_file, 1 },
	{ "absent", run_absent, make_file, remove_file, 1 },
	{ "open", run_open, make_file, remove_file, 1 },
	{ "readdir", run_readdir, make_dir, remove_dir, 1 },
	{ "pread", run_pread, make_file, remove_file, 1 },
	{ "create", run_create, make_file, remove_file, 1 },
	{ "seqread", run_seqread, make_big, remove_file, BIG / CHUNK },
	{ "seqwrite", run_seqwrite, make_big, remove_file, BIG / CHUNK },
	{ "miss-stat", run_miss_stat, NULL, NULL, 1 },
	{ "miss-open", run_miss_open, NULL, NULL, 1 },
	{ "miss-read", run_miss_read, NULL, NULL, 1 },
	{ NULL, NULL, NULL, NULL, 0 },
};

/* ---- whole programs ---- */

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int run_program(char **argv, uint64_t *ns)
{
	uint64_t start = now_ns();
	pid_t pid = vfork();
	int st;

	check(pid >= 0, "vfork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	check(waitpid(pid, &st, 0) == pid, "waitpid");
	*ns = now_ns() - start;
	return st;
}

static int time_runs(char **argv)
{
	char *name = argv[0], *before[] = { (char *)"sh", (char *)"-c", argv[2], NULL };
	int runs = atoi(argv[1]), st;
	uint64_t t[RUNS_MAX], skip;

	if (runs < 1 || runs > RUNS_MAX)
		return 2;
	for (int i = 0; i < runs; i++) {
		st = *argv[2] ? run_program(before, &skip) : 0;
		st = st ? st : run_program(argv + 3, &t[i]);
		if (st) {
			fprintf(stderr, "files: %s: wait status %#x\n", name, (unsigned)st);
			return 1;
		}
	}
	qsort(t, (size_t)runs, sizeof(*t), by_time);
	printf("%s %llu %llu\n", name, (unsigned long long)t[runs / 2], (unsigned long long)t[0]);
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 5 && strcmp(argv[1], "time") == 0)
		return time_runs(argv + 2);
	if (measure_options(argc, argv))
		return 2;
	return measure_all(argc, argv);
}
