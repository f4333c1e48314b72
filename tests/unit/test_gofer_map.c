// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_map.c - Tmap: which files the gofer hands out for windows, what the one who gets them can do with them, and
 * what a client cannot have: files that it did not open, may write to, or that are none.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/dax.h"
#include "tests/unit/p9_client.h"

#define PAGE	4096ull
#define WINDOW	(320ull << 30)
#define COOKIE	0x1122334455667788ull
#define NO_FILE 99
enum { ROOT, FILE_FID, DIR_FID, RDWR_FID, CLOSED_FID };

/* The next datagram's descriptor, or -1: there is none. */
static int receive(int fd, struct dax_message *m)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int got;

	if (recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(*m) || !CMSG_FIRSTHDR(&h))
		return -1;
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(got));
	return got;
}

static int map(struct p9c *c, uint32_t fid, uint64_t window, uint64_t len)
{
	return p9c_call(c, P9_TMAP, "dqqq", fid, COOKIE, window, len);
}

static void open_files(struct p9c *c, bool read_only)
{
	CHECK_EQ(p9c_version(c, P9_VERSION_MOAT, 65536), 0);
	CHECK_EQ(p9c_attach(c, ROOT, 0), 0);
	CHECK_EQ(p9c_walk(c, ROOT, FILE_FID, "file"), 0);
	CHECK_EQ(p9c_open(c, FILE_FID, O_RDONLY), 0);
	CHECK_EQ(p9c_walk(c, ROOT, DIR_FID, "dir"), 0);
	CHECK_EQ(p9c_open(c, DIR_FID, O_RDONLY), 0);
	CHECK_EQ(p9c_walk(c, ROOT, CLOSED_FID, "file"), 0);
	CHECK_EQ(p9c_walk(c, ROOT, RDWR_FID, "file"), 0);
	CHECK_EQ(p9c_open(c, RDWR_FID, O_RDWR), read_only ? EROFS : 0);
}

/* The datagram says what the client said; the descriptor can read the file, and nothing else. */
static void handed_out(struct p9c *c, int fd)
{
	struct dax_message m = { 0 };
	struct stat st, want;
	char *p;
	int got;

	CHECK_EQ(map(c, FILE_FID, WINDOW, 2 * PAGE), 0);
	CHECK_EQ(wire_get64(&c->rd), PAGE + 1);
	got = receive(fd, &m);
	CHECK(got >= 0);
	CHECK_EQ(m.cookie, COOKIE);
	CHECK_EQ(m.window, WINDOW);
	CHECK_EQ(m.len, 2 * PAGE);
	CHECK_EQ(stat("file", &want) | fstat(got, &st), 0);
	CHECK_EQ(st.st_ino, want.st_ino);
	CHECK_EQ(fcntl(got, F_GETFL) & O_ACCMODE, O_RDONLY);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, got, 0);
	CHECK(p != MAP_FAILED && p[PAGE] == 'x');
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_WRITE) < 0);
	munmap(p, 2 * PAGE);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, got, 0) == MAP_FAILED);
	CHECK(write(got, "x", 1) < 0 && ftruncate(got, 0) < 0);
	close(got);
	/* A window may be longer than the file by less than a page, not by more; and shorter by any amount. */
	CHECK_EQ(map(c, FILE_FID, WINDOW, PAGE), 0);
	close(receive(fd, &m));
	CHECK_EQ(map(c, FILE_FID, WINDOW, 3 * PAGE), EFBIG);
}

static void refused(struct p9c *c, int fd, bool read_only)
{
	static const uint64_t bad_len[] = {
		0, 1, PAGE - 1, PAGE + 8, DAX_FILE_MAX + PAGE, 1ull << 63, -PAGE, UINT64_MAX
	};
	struct dax_message m;

	CHECK_EQ(map(c, NO_FILE, WINDOW, PAGE), EBADF);
	CHECK_EQ(map(c, P9_NOFID, WINDOW, PAGE), EBADF);
	CHECK_EQ(map(c, CLOSED_FID, WINDOW, PAGE), EBADF);
	CHECK_EQ(map(c, DIR_FID, WINDOW, PAGE), EINVAL);
	CHECK_EQ(map(c, RDWR_FID, WINDOW, PAGE), read_only ? EBADF : EACCES);
	for (size_t i = 0; i < sizeof(bad_len) / sizeof(*bad_len); i++)
		CHECK_EQ(map(c, FILE_FID, WINDOW, bad_len[i]), EINVAL);
	CHECK_EQ(map(c, FILE_FID, WINDOW + PAGE, PAGE), EINVAL);
	CHECK_EQ(map(c, FILE_FID, UINT64_MAX, PAGE), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TMAP, "dqq", FILE_FID, COOKIE, WINDOW), EPROTO);
	CHECK_EQ(p9c_call(c, P9_TMAP, "dqqqb", FILE_FID, COOKIE, WINDOW, PAGE, 1), EPROTO);
	CHECK_EQ(receive(fd, &m), -1); /* none of them sent anything */
}

/* A client that asks and asks while nobody takes the files: an error, and the gofer goes on. */
static void flooded(struct p9c *c, int fd)
{
	struct dax_message m;
	int i, ret = 0, got;

	for (i = 0; i < 100000 && !ret; i++)
		ret = map(c, FILE_FID, WINDOW, PAGE);
	CHECK(ret == EAGAIN || ret == ETOOMANYREFS);
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", FILE_FID, 0ULL), 0);
	while ((got = receive(fd, &m)) >= 0)
		close(got);
	CHECK_EQ(map(c, FILE_FID, WINDOW, PAGE), 0);
	close(receive(fd, &m));
}

static void serve(const char *dir, enum p9c_kind kind, bool read_only)
{
	struct gofer_config flags = { .read_only = read_only };
	struct dax_message m;
	struct p9c c;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		exit(1);
	flags.dax_fd = sv[1];
	p9c_start(&c, kind, dir, &flags);
	open_files(&c, read_only);
	handed_out(&c, sv[0]);
	refused(&c, sv[0], read_only);
	flooded(&c, sv[0]);
	/* Standard clients have no such message; without a socket nobody has. */
	CHECK_EQ(p9c_version(&c, P9_VERSION_L, 65536), 0);
	CHECK_EQ(p9c_attach(&c, ROOT, 0), 0);
	CHECK_EQ(map(&c, ROOT, WINDOW, PAGE), EOPNOTSUPP);
	CHECK_EQ(p9c_stop(&c), 0);
	CHECK_EQ(receive(sv[0], &m), -1);
	close(sv[0]);
	close(sv[1]);
	flags.dax_fd = 0;
	p9c_start(&c, kind, dir, &flags);
	open_files(&c, read_only);
	CHECK_EQ(map(&c, FILE_FID, WINDOW, PAGE), EOPNOTSUPP);
	CHECK_EQ(p9c_stop(&c), 0);
}

/* A file that is no pages of a disk, where that is not plain from its mount: nothing for a window. */
static void odd_file_system(const char *dir)
{
	static const char file[] = "sys/kernel/notes"; /* with a size */
	struct gofer_config flags = { .read_only = true };
	struct dax_message m;
	struct p9c c;
	int sv[2];

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("sysfs", "sys", "sysfs", 0, NULL) < 0) {
		printf("no sysfs can be mounted here: that check is left out\n");
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		exit(1);
	flags.dax_fd = sv[1];
	flags.cross_mounts = true;
	p9c_start(&c, P9C_THREAD, dir, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_MOAT, 65536), 0);
	CHECK_EQ(p9c_attach(&c, ROOT, 0), 0);
	CHECK_EQ(p9c_walk(&c, ROOT, FILE_FID, file), 0);
	CHECK_EQ(p9c_open(&c, FILE_FID, O_RDONLY), 0);
	CHECK_EQ(map(&c, FILE_FID, WINDOW, PAGE), EPERM);
	CHECK_EQ(receive(sv[0], &m), -1);
	CHECK_EQ(p9c_stop(&c), 0);
	close(sv[0]);
	close(sv[1]);
	umount("sys");
}

int main(void)
{
	char dir[] = "/tmp/moat-map-XXXXXX";
	int fd;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	mkdir("dir", 0755);
	mkdir("sys", 0755);
	fd = open("file", O_RDWR | O_CREAT, 0644);
	for (unsigned i = 0; i < PAGE + 1; i++)
		CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	serve(dir, P9C_THREAD, false);
	serve(dir, P9C_SEALED, false);
	serve(dir, P9C_SEALED, true);
	odd_file_system(dir);
	rmdir("sys");
	unlink("file");
	rmdir("dir");
	if (chdir("/") < 0 || rmdir(dir) < 0)
		perror(dir);
	return p9c_failed ? 1 : 0;
}
