/*
 * windows.c - files that are mapped while they change, here or on the host: for windows.sh.
 *
 *   windows watch FILE    after each line of input: a byte through the mapping, one by read(2) of a new descriptor
 *   windows own FILE      changes FILE itself in every way while it is mapped; prints what is not as on Linux
 *   windows crowd FILE    maps its first page as often as can be; prints what is wrong or "all there", waits for a line
 *   windows many DIR N    maps DIR/0 .. DIR/N-1 at once, whose content is their name, and looks at each twice
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static sigjmp_buf out;

static void on_bus(int sig)
{
	siglongjmp(out, sig);
}

static char look(const char *p)
{
	return sigsetjmp(out, 1) ? '!' : *(const volatile char *)p;
}

static void *map(const char *path, int prot, int flags)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		exit(2);
	p = mmap(NULL, (size_t)st.st_size, prot, flags, fd, 0);
	if (p == MAP_FAILED)
		exit(2);
	close(fd);
	return p;
}

static char read_one(const char *path)
{
	int fd = open(path, O_RDONLY);
	char c = '?';

	if (fd < 0 || read(fd, &c, 1) != 1)
		c = '-';
	close(fd);
	return c;
}

static int watch(const char *path)
{
	const char *p = map(path, PROT_READ, MAP_SHARED);
	char line[64];

	printf("%c\n", look(p));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%c %c\n", look(p), read_one(path));
		fflush(stdout);
	}
	return 0;
}

static int wrong;

static void expect(const char *what, char want, char got)
{
	if (want != got) {
		printf("%s: %c, not %c\n", what, got, want);
		wrong = 1;
	}
}

static void put(int fd, off_t off, char c)
{
	if (pwrite(fd, &c, 1, off) != 1)
		wrong = 1;
}

/* The file has three pages of 'a'. */
static int own(const char *path)
{
	char *shared = map(path, PROT_READ, MAP_SHARED),
	     *private = map(path, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *later, buf[8] = { 0 };
	int fd, st;
	pid_t pid;

	expect("first look", 'a', look(shared));
	private[0] = 'p';
	private[PAGE + 1] = 'p';
	expect("a private page", 'p', look(private));
	expect("behind it, same page", 'a', look(private + 1));
	expect("the file's page", 'a', look(shared));
	pid = fork();
	if (!pid) {
		expect("private in a child", 'p', look(private));
		private[1] = 'q';
		expect("shared in a child", 'a', look(shared + 1));
		_exit(wrong);
	}
	waitpid(pid, &st, 0);
	wrong |= st != 0;
	expect("private after the child", 'a', look(private + 1));
	if (write(1, shared + 2 * PAGE, 0) < 0)
		wrong = 1;
	fd = open(path, O_RDWR);
	if (fd < 0)
		return 2;
	put(fd, 0, 'b');
	put(fd, 2 * PAGE, 'b');
	expect("shared after a write", 'b', look(shared));
	expect("private after a write to the file", 'p', look(private));
	later = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (later == MAP_FAILED)
		return 2;
	later[1] = 'c';
	expect("two shared mappings", 'c', look(shared + 1));
	if (pread(fd, buf, 2, 0) != 2)
		wrong = 1;
	expect("read after a store", 'c', buf[1]);
	munmap(later, 3 * PAGE);
	close(fd);
	/* Nobody writes any more: mapped anew it may have a window again, and shows the same. */
	later = map(path, PROT_READ, MAP_SHARED);
	expect("mapped again", 'c', look(later + 1));
	expect("the old mapping", 'b', look(shared));
	if (truncate(path, PAGE) < 0)
		wrong = 1;
	expect("behind the new end", '!', look(later + PAGE));
	expect("and in the old mapping", '!', look(shared + 2 * PAGE));
	expect("before the new end", 'b', look(later));
	expect("a private page behind the end", '!', look(private + PAGE + 1));
	if (truncate(path, 2 * PAGE) < 0)
		wrong = 1;
	expect("grown again", 0, look(later + PAGE));
	return wrong;
}

static int many(const char *dir, int n)
{
	char path[256], want[16];
	char **p = calloc((size_t)n, sizeof(*p));

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		p[i] = map(path, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	}
	for (int i = 0; i < 2 * n; i++) {
		snprintf(want, sizeof(want), "%d\n", i % n);
		if (memcmp(p[i % n], want, strlen(want)) != 0) {
			printf("file %d, look %d: wrong\n", i % n, 1 + i / n);
			wrong = 1;
		}
	}
	return wrong;
}

/* Page by page in an order that no two make one area: on systrap that is more than the host has for one process. */
static int crowd(const char *path)
{
	enum { ROOM = 70000, LEAST = 65000 };
	const char **p = calloc(ROOM, sizeof(*p));
	int fd = open(path, O_RDONLY), n = 0;
	char line[64];

	while (n < ROOM) {
		void *at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (at == MAP_FAILED)
			break;
		p[n++] = at;
		if (look(at) != 'a')
			wrong = 1;
	}
	for (int i = 0; i < n; i += 100)
		if (look(p[i]) != 'a')
			wrong = 1;
	if (wrong || n < LEAST)
		printf("%d areas%s\n", n, wrong ? ", with wrong bytes" : "");
	else
		puts("all there");
	fflush(stdout);
	return !fgets(line, sizeof(line), stdin);
}

int main(int argc, char **argv)
{
	signal(SIGBUS, on_bus);
	if (argc == 3 && strcmp(argv[1], "watch") == 0)
		return watch(argv[2]);
	if (argc == 3 && strcmp(argv[1], "own") == 0)
		return own(argv[2]);
	if (argc == 3 && strcmp(argv[1], "crowd") == 0)
		return crowd(argv[2]);
	if (argc == 4 && strcmp(argv[1], "many") == 0)
		return many(argv[2], atoi(argv[3]));
	return 2;
}
