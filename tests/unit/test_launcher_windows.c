// sources: host/windows.c host/error.c
/*
 * test_launcher_windows.c - a Sentry that asks the launcher for windows of files in every wrong way, and gofers that send
 * what is no file to be read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/error.h"
#include "host/windows.h"

#define PAGE   4096ull
#define SIZE   (64ull << 20)
#define COOKIE 0xfeedull

static struct sandbox sb;
static int gofer, failed;

#define CHECK_EQ(a, b)                                                                           \
	do {                                                                                     \
		long long a_ = (a), b_ = (b);                                                    \
		if (a_ != b_) {                                                                  \
			printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, a_, b_); \
			failed++;                                                                \
		}                                                                                \
	} while (0)

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void send_fds(uint64_t cookie, const int *fds, unsigned n, size_t len)
{
	struct dax_message m = { .cookie = cookie, .window = DAX_RO_PADDR, .len = PAGE };
	char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec iov = { &m, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n) {
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	if (sendmsg(gofer, &h, 0) < 0)
		perror("sendmsg");
}

/* Send fd, which is closed, and ask for a window of it. */
static int give(int fd)
{
	struct dax_message m = { .cookie = COOKIE, .window = DAX_RO_PADDR, .len = PAGE };

	send_fds(COOKIE, &fd, 1, sizeof(m));
	close(fd);
	return windows_change(&sb, &m);
}

static int ask(uint64_t window, uint64_t len, uint64_t cookie)
{
	struct dax_message m = { .cookie = cookie, .window = window, .len = len };

	return windows_change(&sb, &m);
}

/* Can the byte be read? What lies there, or -1. */
static int look(const char *p)
{
	int fd[2], got = -1;
	unsigned char c;

	if (pipe(fd) < 0)
		exit(1);
	if (write(fd[1], p, 1) == 1 && read(fd[0], &c, 1) == 1)
		got = c;
	close(fd[0]);
	close(fd[1]);
	return got;
}

static void bad_places(void)
{
	static const struct {
		uint64_t window, len;
	} bad[] = {
		{ 0, PAGE },
		{ DAX_RO_PADDR - DAX_ALIGN, PAGE },
		{ DAX_RO_PADDR - DAX_ALIGN, 2 * DAX_ALIGN },
		{ DAX_RO_PADDR + PAGE, PAGE },
		{ DAX_RO_PADDR + 1, PAGE },
		{ DAX_RO_PADDR + SIZE, PAGE },
		{ DAX_RO_PADDR + SIZE - DAX_ALIGN, DAX_ALIGN + PAGE },
		{ DAX_RW_PADDR, PAGE },
		{ DAX_RO_PADDR, 0 },
		{ DAX_RO_PADDR, 1 },
		{ DAX_RO_PADDR, PAGE + 1 },
		{ DAX_RO_PADDR, SIZE + PAGE },
		{ DAX_RO_PADDR, DAX_FILE_MAX + PAGE },
		{ DAX_RO_PADDR + DAX_ALIGN, -PAGE },
		{ DAX_RO_PADDR + DAX_ALIGN, 0ull - DAX_ALIGN },
		{ -DAX_ALIGN, 2 * DAX_ALIGN },
		{ -DAX_ALIGN, DAX_FILE_MAX },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_EQ(ask(bad[i].window, bad[i].len, COOKIE), -EINVAL);
		CHECK_EQ(ask(bad[i].window, bad[i].len, 0), -EINVAL);
	}
}

static void bad_files(const char *path)
{
	int p[2], two[2];
	unsigned before = open_fds();

	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE), -ENOENT);
	CHECK_EQ(give(open(path, O_RDWR)), -EACCES);
	CHECK_EQ(give(open(path, O_WRONLY)), -EACCES);
	CHECK_EQ(give(open(path, O_PATH)), -EACCES);
	CHECK_EQ(give(open("/", O_RDONLY | O_DIRECTORY)), -EACCES);
	CHECK_EQ(give(open("/dev/zero", O_RDONLY)), -EACCES);
	CHECK_EQ(give(memfd_create("m", 0)), -EACCES);
	if (pipe(p) == 0) {
		CHECK_EQ(give(p[0]), -EACCES);
		close(p[1]);
	}
	/* No descriptor, half a message, the cookie that nobody has, two descriptors. */
	send_fds(COOKIE, NULL, 0, sizeof(struct dax_message));
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE), -ENOENT);
	two[0] = open(path, O_RDONLY);
	two[1] = open(path, O_RDONLY);
	send_fds(COOKIE, two, 1, 8);
	send_fds(0, two, 1, sizeof(struct dax_message));
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE), -ENOENT);
	send_fds(COOKIE, two, 2, sizeof(struct dax_message));
	ask(DAX_RO_PADDR, PAGE, COOKIE);
	ask(DAX_RO_PADDR, PAGE, 0);
	close(two[0]);
	close(two[1]);
	CHECK_EQ(look(sb.windows), -1);
	CHECK_EQ(open_fds(), before);
}

static void good_file(const char *path)
{
	uint64_t last = DAX_RO_PADDR + SIZE - DAX_ALIGN;
	int fd = open(path, O_RDONLY);
	unsigned before = open_fds();

	send_fds(COOKIE, &fd, 1, sizeof(struct dax_message));
	CHECK_EQ(ask(last, 2 * PAGE, COOKIE), 0);
	CHECK_EQ(open_fds(), before);
	CHECK_EQ(look(sb.windows + SIZE - DAX_ALIGN), 'f');
	CHECK_EQ(look(sb.windows + SIZE - DAX_ALIGN + PAGE), -1); /* behind the file's end */
	CHECK_EQ(look(sb.windows + SIZE - DAX_ALIGN - 1), -1);
	CHECK_EQ(mprotect(sb.windows + SIZE - DAX_ALIGN, PAGE, PROT_READ | PROT_WRITE), -1);
	CHECK_EQ(ask(last, 2 * PAGE, COOKIE), -ENOENT); /* once is once */
	CHECK_EQ(ask(last, 2 * PAGE, 0), 0);
	CHECK_EQ(look(sb.windows + SIZE - DAX_ALIGN), -1);
	close(fd);
}

/* Containers of a pod ask in another order than their gofers answer; and one gofer answers what nobody asked. */
static void any_order(const char *path)
{
	int fd = open(path, O_RDONLY);
	unsigned before = open_fds();
	uint64_t i;

	for (i = 1; i <= RING_Q_9P_COUNT; i++)
		send_fds(COOKIE + i, &fd, 1, sizeof(struct dax_message));
	for (i = RING_Q_9P_COUNT; i; i--) {
		CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE + i), 0);
		CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE + i), -ENOENT);
	}
	CHECK_EQ(open_fds(), before);
	for (i = 0; i < 100; i++) {
		send_fds(COOKIE + i, &fd, 1, sizeof(struct dax_message));
		CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE - 1), -ENOENT);
	}
	CHECK_EQ(open_fds(), before + RING_Q_9P_COUNT);
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE + 99), 0);
	send_fds(COOKIE - 1, &fd, 1, sizeof(struct dax_message));
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE - 1), 0);
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, 0), 0);
	close(fd);
}

int main(void)
{
	char path[] = "/tmp/moat-windows-XXXXXX";
	struct error err = { 0 };
	int fd = mkstemp(path), sv[2];

	if (fd < 0 || write(fd, "file", 4) != 4 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return 1;
	close(fd);
	gofer = sv[1];
	CHECK_EQ(windows_reserve(&sb, SIZE, &err), 0);
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE), -EOPNOTSUPP);
	sb.dax = true;
	sb.dax_fd[0] = sv[0];
	CHECK_EQ(windows_reserve(&sb, SIZE, &err), 0);
	bad_places();
	bad_files(path);
	good_file(path);
	any_order(path);
	close(gofer); /* every gofer is dead */
	CHECK_EQ(ask(DAX_RO_PADDR, PAGE, COOKIE), -ENOENT);
	unlink(path);
	return failed ? 1 : 0;
}
