/*
 * host_odd.c - for host_odd.sh: a tree on the host with what trees rarely hold, and a program inside that uses it.
 *
 *   host_odd fill DIR N         N empty files
 *   host_odd count DIR          how many names readdir gives, and how many different ones
 *   host_odd clear DIR          remove them all, by readdir and unlink
 *   host_odd names DIR          make, list and remove names of 255 bytes and names that are not UTF-8
 *   host_odd sparse FILE        a file of 1 TiB with a byte at its end
 *   host_odd socket FILE        a socket that nobody listens at
 *   host_odd descriptors DIR    open the files of DIR until that fails, close, open again
 *   host_odd memory             map until that fails, unmap, map again
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TIB  (1L << 40)
#define MANY 200000

static char path[4096];

static const char *in(const char *dir, const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int fill(const char *dir, int n)
{
	for (int i = 0; i < n; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "name-%d", i);
		fd = open(in(dir, name), O_CREAT | O_WRONLY, 0644);
		if (fd < 0) {
			perror(path);
			return 1;
		}
		close(fd);
	}
	return 0;
}

static int count(const char *dir)
{
	static char seen[MANY];
	int n = 0, different = 0, k;
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (sscanf(e->d_name, "name-%d", &k) == 1 && k >= 0 && k < MANY) {
			n++;
			different += !seen[k];
			seen[k] = 1;
		}
	if (d)
		closedir(d);
	printf("%d names, %d different\n", n, different);
	return 0;
}

static int clear(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int failed = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0))
			failed++;
	if (d)
		closedir(d);
	printf("%d failed, then ", failed);
	return count(dir);
}

static void one_name(const char *dir, const char *name)
{
	int fd = open(in(dir, name), O_CREAT | O_EXCL | O_WRONLY, 0600), found = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (fd < 0) {
		printf("%zu bytes: error %d\n", strlen(name), errno);
		return;
	}
	close(fd);
	d = opendir(dir);
	while (d && (e = readdir(d)))
		found += strcmp(e->d_name, name) == 0;
	if (d)
		closedir(d);
	printf("%zu bytes: %s, listed %d times, %s\n", strlen(name),
	       stat(in(dir, name), &st) ? "lost" : "there", found,
	       unlink(path) ? "stays" : "removed");
}

static int names(const char *dir)
{
	char name[300];

	for (size_t n = 254; n <= 256; n++) {
		memset(name, 'n', n);
		name[n] = 0;
		one_name(dir, name);
		memset(name, 0xff, n);
		one_name(dir, name);
	}
	one_name(dir, "\x80\xfe\xc0\xaf");
	one_name(dir, "a\nb\t\\\x1b[31m");
	return 0;
}

static int sparse(const char *file)
{
	int fd = open(file, O_CREAT | O_RDWR, 0600);
	char c[3] = "";
	struct stat st;
	char *p;

	if (fd < 0 || pwrite(fd, "e", 1, TIB - 1) != 1 || fstat(fd, &st)) {
		printf("error %d\n", errno);
		return 1;
	}
	pread(fd, c, 1, TIB - 1);
	pread(fd, c + 1, 1, TIB / 2);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, TIB - 4096);
	printf("size %lld, %s, end %c, middle %d, mapped end %c\n", (long long)st.st_size,
	       st.st_blocks < 1000 ? "few blocks" : "many blocks", c[0], c[1],
	       p == MAP_FAILED ? '-' : p[4095]);
	if (p != MAP_FAILED)
		p[0] = 'm';
	munmap(p, 4096);
	fsync(fd);
	pread(fd, c, 1, TIB - 4096);
	printf("written through the mapping: %c\n", c[0]);
	close(fd);
	return 0;
}

static int make_socket(const char *file)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", file);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		perror(file);
		return 1;
	}
	return 0;
}

/* Returns the errno that stopped it. */
static int open_all(const char *dir, int *fds, int most, int *opened)
{
	for (*opened = 0; *opened < most; (*opened)++) {
		char name[32];

		snprintf(name, sizeof(name), "name-%d", *opened);
		fds[*opened] = open(in(dir, name), O_RDONLY);
		if (fds[*opened] < 0)
			return errno;
	}
	return 0;
}

static int descriptors(const char *dir)
{
	static int fds[MANY];
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	for (int round = 0; round < 2; round++) {
		int n, err = open_all(dir, fds, MANY, &n);

		/* The host's limit on descriptors comes first, or ours. */
		printf("%s %s\n", n > 500 ? "many, then" : "few, then",
		       err == EMFILE || err == ENFILE ? "no more descriptors" : strerror(err));
		while (n--)
			close(fds[n]);
	}
	return 0;
}

static int memory(void)
{
	for (int round = 0; round < 2; round++) {
		static void *maps[100];
		struct rlimit r = { 1L << 30, 1L << 30 };
		int n = 0;

		setrlimit(RLIMIT_AS, &r);
		for (; n < 100; n++) {
			maps[n] = mmap(NULL, 64L << 20, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (maps[n] == MAP_FAILED)
				break;
			memset(maps[n], 1, 4096);
		}
		printf("%d of 64 MiB, then %s\n", n, errno == ENOMEM ? "ENOMEM" : strerror(errno));
		while (n--)
			munmap(maps[n], 64L << 20);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";

	if (strcmp(what, "fill") == 0 && argc > 3)
		return fill(arg, atoi(argv[3]));
	if (strcmp(what, "count") == 0)
		return count(arg);
	if (strcmp(what, "clear") == 0)
		return clear(arg);
	if (strcmp(what, "names") == 0)
		return names(arg);
	if (strcmp(what, "sparse") == 0)
		return sparse(arg);
	if (strcmp(what, "socket") == 0)
		return make_socket(arg);
	if (strcmp(what, "descriptors") == 0)
		return descriptors(arg);
	if (strcmp(what, "memory") == 0)
		return memory();
	return 2;
}
