// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_hostile.c - messages that no honest client sends: cut at every length, with bytes
 * behind their end, wrong sizes, unknown types and fids; links that lead out of the root; mounts.
 * The server answers with an error or hangs up, touches nothing outside, and goes on serving.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/p9_client.h"

static void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror(name);
	close(fd);
}

static void start(struct p9c *c, enum p9c_kind kind, const char *dir,
		  const struct gofer_config *flags)
{
	p9c_start(c, kind, dir, flags);
	CHECK_EQ(p9c_version(c, P9_VERSION_MOAT, P9_MSIZE_MAX), 0);
	CHECK_EQ(p9c_attach(c, 0, 0), 0);
}

/*
 * The message that p9c_call has just built (its size in the first four bytes), sent again with
 * every shorter length and with a byte too many. The size field is honest about it.
 */
static void cut(struct p9c *c, size_t optional)
{
	uint8_t whole[512];
	uint32_t size, code, n;
	size_t len;

	memcpy(&size, c->t, 4);
	if (size >= sizeof(whole))
		abort();
	memcpy(whole, c->t, size);
	whole[size] = 0;
	for (n = P9_HDR; n <= size + 1; n++) {
		if (n == size || n + optional == size)
			continue;
		memcpy(c->t, whole, n);
		memcpy(c->t, &n, 4);
		len = p9c_raw(c, n);
		memcpy(&code, c->r + P9_HDR, 4);
		if (len != P9_HDR + 4 || c->r[4] != P9_RLERROR || code != EPROTO) {
			printf("type %u cut from %u to %u bytes: answer %u, %zu bytes, code %u\n",
			       whole[4], size, n, c->r[4], len, code);
			p9c_failed++;
		}
	}
}

static void truncated(struct p9c *c)
{
	struct p9_setattr s = { 0 };

	p9c_call(c, P9_TSTATFS, "d", 99), cut(c, 0);
	p9c_call(c, P9_TLOPEN, "dd", 99, 0), cut(c, 0);
	p9c_call(c, P9_TLCREATE, "dsddd", 99, "n", 0, 0, 0), cut(c, 0);
	p9c_call(c, P9_TSYMLINK, "dssd", 99, "n", "t", 0), cut(c, 0);
	p9c_call(c, P9_TMKNOD, "dsdddd", 99, "n", 0, 0, 0, 0), cut(c, 0);
	p9c_call(c, P9_TRENAME, "dds", 99, 99, "n"), cut(c, 0);
	p9c_call(c, P9_TREADLINK, "d", 99), cut(c, 0);
	p9c_call(c, P9_TGETATTR, "dq", 99, 0ULL), cut(c, 0);
	p9c_call(c, P9_TSETATTR, "dD", 99, &s, sizeof(s)), cut(c, 0);
	p9c_call(c, P9_TXATTRWALK, "dds", 99, 98, "user.n"), cut(c, 0);
	p9c_call(c, P9_TXATTRCREATE, "dsqd", 99, "user.n", 0ULL, 0), cut(c, 0);
	p9c_call(c, P9_TREADDIR, "dqd", 99, 0ULL, 100), cut(c, 0);
	p9c_call(c, P9_TFSYNC, "dd", 99, 0), cut(c, 4);
	p9c_call(c, P9_TLOCK, "dbdqqds", 99, 0, 0, 0ULL, 0ULL, 0, "me"), cut(c, 0);
	p9c_call(c, P9_TGETLOCK, "dbqqds", 99, 0, 0ULL, 0ULL, 0, "me"), cut(c, 0);
	p9c_call(c, P9_TLINK, "dds", 99, 99, "n"), cut(c, 0);
	p9c_call(c, P9_TMKDIR, "dsdd", 99, "n", 0, 0), cut(c, 0);
	p9c_call(c, P9_TRENAMEAT, "dsds", 99, "o", 99, "n"), cut(c, 0);
	p9c_call(c, P9_TUNLINKAT, "dsd", 99, "n", 0), cut(c, 0);
	p9c_call(c, P9_TATTACH, "ddssd", 0, P9_NOFID, "u", "a", 0), cut(c, 0);
	p9c_call(c, P9_TFLUSH, "w", 1), cut(c, 0);
	p9c_call(c, P9_TWALK, "ddwss", 99, 98, 2, "a", "b"), cut(c, 0);
	p9c_call(c, P9_TREAD, "dqd", 99, 0ULL, 100), cut(c, 0);
	p9c_call(c, P9_TWRITE, "dqdD", 99, 0ULL, 3, "abc", (size_t)3), cut(c, 0);
	p9c_call(c, P9_TCLUNK, "d", 99), cut(c, 0);
	p9c_call(c, P9_TREMOVE, "d", 99), cut(c, 0);
	p9c_call(c, P9_TWALKGETATTR, "dddwss", 99, 98, P9_WGA_NOOPEN, 2, "a", "b"), cut(c, 0);
	p9c_call(c, P9_TREADDIRPLUS, "dqd", 99, 0ULL, 100), cut(c, 0);
	p9c_call(c, P9_TMAKE, "ddsdqddds", 99, 98, "n", 0, 0ULL, 0, 0, 0, "t"), cut(c, 0);
	p9c_call(c, P9_TALLOCATE, "ddqq", 99, 0, 0ULL, 0ULL), cut(c, 0);
	p9c_call(c, P9_TRENAMEAT2, "dsdsd", 99, "o", 99, "n", 0), cut(c, 0);
	p9c_call(c, P9_TMAP, "dqqq", 99, 0ULL, 0ULL, 0ULL), cut(c, 0);
	p9c_call(c, P9_TVERSION, "ds", P9_MSIZE_MAX, P9_VERSION_MOAT), cut(c, 0);
	CHECK_EQ(p9c_attach(c, 0, 0), 0);
}

/*
 * A string whose length reaches behind the message's end; counts that promise more names than there
 * are.
 */
static void lengths(struct p9c *c)
{
	static char big[P9_DATA_MAX];

	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dwDdd", 0, 0xffff, "n", (size_t)1, 0, 0), EPROTO);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", 0, 9, 0xffff), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", 0, 9, 16), EPROTO);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddwsss", 0, 9, 2, "a", "b", "c"), EPROTO);
	memset(big, 'n', sizeof(big));
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dSdd", 0, big, (size_t)4000, 0755, 0), ENAMETOOLONG);
	CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dsSd", 0, "s", big, (size_t)5000, 0), ENAMETOOLONG);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dSdD", 0, big, (size_t)60000, 0, big, (size_t)40000),
		 EMSGSIZE);
	CHECK_EQ(p9c_call(c, P9_TXATTRWALK, "ddS", 0, 9, big, (size_t)300), ERANGE);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 0, (uint64_t)-1, -1u), EBADF);
	for (unsigned type = 0; type < 256; type++) {
		int ret;

		if (type == P9_TVERSION)
			continue;
		ret = p9c_call(c, type, "");
		CHECK(ret == EPROTO || ret == EOPNOTSUPP || ret == ENOENT);
	}
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 0, 0ULL), 0);
}

/*
 * A stream whose framing cannot be trusted any more is closed; on a ring the message's size may not
 * exceed the chain.
 */
static void sizes(enum p9c_kind kind, const char *dir, const struct gofer_config *flags)
{
	static const uint32_t bad[] = { 0, 1, 6, P9_MSIZE_MAX + 1, 1u << 31, -1u };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct p9c c;
		size_t len;

		start(&c, kind, dir, flags);
		p9c_call(&c, P9_TCLUNK, "d", 99);
		memcpy(c.t, &bad[i], 4);
		len = p9c_raw(&c, P9_HDR + 4);
		if (kind == P9C_RING) {
			uint32_t code;

			memcpy(&code, c.r + P9_HDR, 4);
			CHECK(len == P9_HDR + 4 && c.r[4] == P9_RLERROR && code == EPROTO);
			CHECK_EQ(p9c_call(&c, P9_TGETATTR, "dq", 0, 0ULL), 0);
		} else {
			CHECK_EQ(len, 0);
		}
		p9c_stop(&c);
	}
}

/* Nothing outside of the root is reached or changed, whatever is a link. */
static void escapes(struct p9c *c, const char *outside)
{
	struct p9_setattr s = { .valid = P9_SETATTR_MODE | P9_SETATTR_SIZE };
	struct stat st;
	char path[300];

	snprintf(path, sizeof(path), "%s/file", outside);
	put_file(path, "outside");
	CHECK(!symlink(path, "flink"));
	CHECK(!symlink(outside, "dlink"));
	CHECK(!symlink("..", "up"));
	CHECK(!symlink("/proc/self/root", "magic"));

	CHECK_EQ(p9c_walk(c, 0, 1, "flink"), 0); /* the link itself */
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), ELOOP);
	CHECK_EQ(p9c_open(c, 1, O_WRONLY | O_TRUNC), ELOOP);
	CHECK(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)));
	CHECK_EQ(p9c_walk(c, 0, 2, "dlink/file"), -1);
	CHECK_EQ(p9c_walk(c, 0, 2, "up/x"), -1);
	CHECK_EQ(p9c_walk(c, 0, 2, "magic/etc"), -1);
	CHECK_EQ(p9c_walk(c, 0, 2, "dlink"), 0);
	CHECK_EQ(p9c_walk(c, 2, 3, "file"), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 2, "made", 0755, 0), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 2, "made", O_RDWR, 0755, 0), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 2, "file", 0), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "flink", 2, "in"), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 2, 1, "in"), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 0, 1, "hard"),
		 0); /* of the link, not of its target */
	CHECK(!lstat("hard", &st) && S_ISLNK(st.st_mode));
	for (const char *const *n = (const char *const[]){ "..", ".", "a/b", "/", "../x", NULL };
	     *n; n++) {
		CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 0, *n, 0755, 0), EINVAL);
		CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, *n, P9_AT_REMOVEDIR), EINVAL);
		CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, *n, 0, "x"), EINVAL);
		CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "flink", 0, *n), EINVAL);
		CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dssd", 0, *n, "x", 0), EINVAL);
		CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 0, 1, *n), EINVAL);
	}

	/*
	 * a directory that is replaced by a link after it was walked: its descriptor stays what it
	 * was
	 */
	mkdir("swap", 0755);
	put_file("swap/file", "inside");
	CHECK_EQ(p9c_walk(c, 0, 5, "swap"), 0);
	CHECK_EQ(p9c_walk(c, 0, 6, "swap/file"), 0);
	CHECK(!rename("swap", "swapped") && !symlink(outside, "swap"));
	CHECK_EQ(p9c_walk(c, 5, 7, "file"), 0);
	CHECK_EQ(p9c_open(c, 7, O_RDWR | O_TRUNC), 0);
	CHECK(!stat("swapped/file", &st) && !st.st_size);
	CHECK_EQ(p9c_open(c, 6, O_RDONLY), 0);

	CHECK(!stat(path, &st));
	CHECK_EQ(st.st_size, 7);
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	CHECK_EQ(st.st_nlink, 1);
	snprintf(path, sizeof(path), "%s/made", outside);
	CHECK(access(path, F_OK) < 0);
}

/* A FIFO and a device are not opened, whether they were there before or take a file's place. */
static void special(struct p9c *c)
{
	struct stat st;

	CHECK(!mkfifo("pipe", 0644));
	CHECK_EQ(p9c_walk(c, 0, 20, "pipe"), 0);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), ENXIO);
	CHECK_EQ(p9c_open(c, 20, O_WRONLY), ENXIO);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	put_file("turn", "");
	CHECK_EQ(p9c_walk(c, 0, 20, "turn"), 0);
	CHECK(!unlink("turn") && !mkfifo("turn", 0644));
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), ESTALE); /* and does not hang */
	CHECK_EQ(p9c_clunk(c, 20), 0);
	if (mknod("dev", S_IFCHR | 0666, 0x103) < 0)
		return;
	CHECK_EQ(p9c_walk(c, 0, 20, "dev"), 0);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), ENXIO);
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 20, 0ULL), 0);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK(!stat("dev", &st) && st.st_rdev == 0x103);
}

static void mounts(const char *dir)
{
	struct gofer_config flags = { 0 };
	struct p9_qid q[2];
	struct p9c c;

	mkdir("mnt", 0755);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "mnt", "tmpfs", 0, NULL) < 0) {
		printf("cannot mount: mounts are not tested\n");
		return;
	}
	mkdir("mnt/in", 0755);
	start(&c, P9C_THREAD, dir, &flags);
	CHECK_EQ(p9c_walk(&c, 0, 1, "mnt"), EXDEV);
	p9c_stop(&c);
	flags.cross_mounts = true;
	start(&c, P9C_THREAD, dir, &flags);
	CHECK_EQ(p9c_walk(&c, 0, 1, "mnt/in"), 0);
	wire_get(&c.rd, q, sizeof(q));
	CHECK_EQ(q[0].path >> 56, 1); /* the second device */
	CHECK_EQ(p9c_call(&c, P9_TRENAMEAT, "dsds", 0, "pipe", 1, "x"), EXDEV);
	CHECK_EQ(p9c_call(&c, P9_TUNLINKAT, "dsd", 0, "mnt", P9_AT_REMOVEDIR), EBUSY);
	p9c_stop(&c);
	umount2("mnt", MNT_DETACH);
}

static void all(enum p9c_kind kind)
{
	struct gofer_config flags = { .set_owner = !geteuid() };
	int fds = p9c_count_fds();
	char *dir = p9c_tmpdir(), *outside = p9c_tmpdir();
	struct p9c c;

	if (chdir(dir) < 0)
		exit(1);
	start(&c, kind, dir, &flags);
	truncated(&c);
	lengths(&c);
	escapes(&c, outside);
	special(&c);
	CHECK_EQ(p9c_stop(&c), 0);
	sizes(kind, dir, &flags);
	if (kind == P9C_THREAD)
		mounts(dir);
	CHECK_EQ(p9c_count_fds(), fds);
	if (chdir("/") < 0)
		exit(1);
	p9c_rmtree(dir);
	p9c_rmtree(outside);
	free(dir);
	free(outside);
}

int main(void)
{
	umask(022);
	all(P9C_THREAD);
	all(P9C_SEALED);
	all(P9C_RING);
	return p9c_failed ? 1 : 0;
}
