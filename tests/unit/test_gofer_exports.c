// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_exports.c - several trees behind one gofer: attaching by name, a file as an export, rights of their own for
 * each, and no way from one to another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/p9_client.h"

enum { ROOT, VOLUME, RO, FILE_RW, FILE_RO, FIFO }; /* fids, attached */

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(2);
	close(fd);
}

static bool file_is(const char *dir, const char *name, const char *text)
{
	char path[4096], buf[100] = "";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return n == (ssize_t)strlen(text) && !strcmp(buf, text);
}

static int attach(struct p9c *c, uint32_t fid, const char *name)
{
	return p9c_call(c, P9_TATTACH, "ddssd", fid, P9_NOFID, "user", name, 0);
}

static int open_at(const char *dir, const char *name, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		exit(2);
	return fd;
}

/* Names that no export has, among them those that would be paths. */
static void no_such(struct p9c *c)
{
	static const char *const names[] = { "0",	"//",	  ".",	     "..",	  "vol/..",
					     "volume/", "VOLUME", "volume2", "../volume", "file" };
	char longest[P9_NAME_MAX + 40];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK_EQ(attach(c, 50, names[i]), ENOENT);
	memset(longest, 'v', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	CHECK_EQ(attach(c, 50, longest), ENAMETOOLONG);
	CHECK_EQ(p9c_call(c, P9_TATTACH, "ddsSd", 50, P9_NOFID, "u", "volume\0x", (size_t)8, 0),
		 EINVAL);
	CHECK_EQ(p9c_clunk(c, 50), EBADF);
	CHECK_EQ(attach(c, VOLUME, "volume"), EEXIST);
}

static uint64_t qid_of(struct p9c *c, uint32_t fid)
{
	struct p9_attr a = { 0 };

	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", fid, 0ULL), 0);
	wire_get(&c->rd, &a, sizeof(a));
	return a.qid.path;
}

/* ".." stays where an export begins. */
static void dotdot(struct p9c *c)
{
	uint64_t volume = qid_of(c, VOLUME);

	CHECK_EQ(p9c_call(c, P9_TWALK, "ddws", VOLUME, 20, 1, ".."), 0);
	CHECK(qid_of(c, 20) == volume);
	CHECK_EQ(p9c_walk(c, 20, 21, "sub"), 0);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddwssss", 21, 22, 4, "..", "..", "..", "inside"), 0);
	CHECK_EQ(p9c_clunk(c, 22), 0);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddwsss", 21, 22, 3, "..", "..", "at-root"), 0);
	CHECK_EQ(p9c_clunk(c, 22), EBADF); /* two names of three: no fid was made */
	CHECK_EQ(p9c_call(c, P9_TWALKGETATTR, "dddws", VOLUME, 22, P9_WGA_NOOPEN, 1, ".."), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddws", FILE_RW, 22, 1, ".."), ENOTDIR);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK_EQ(p9c_clunk(c, 21), 0);
}

/* A message that names two exports moves nothing. */
static void between(struct p9c *c, const char *root, const char *volume)
{
	char path[4096];

	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", VOLUME, "inside", ROOT, "inside"), EXDEV);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT2, "dsdsd", VOLUME, "inside", ROOT, "at-root",
			  1u << 1 /* exchange */),
		 EXDEV);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", ROOT, "at-root", RO, "stolen"), EXDEV);
	CHECK_EQ(p9c_walk(c, VOLUME, 20, "inside"), 0);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", ROOT, 20, "link"), EXDEV);
	CHECK_EQ(p9c_call(c, P9_TRENAME, "dds", 20, ROOT, "moved"), EXDEV);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", ROOT, FILE_RW, "link"), EXDEV);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", VOLUME, RO, "link"), EPERM);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK(file_is(volume, "inside", "in"));
	snprintf(path, sizeof(path), "%s/link", root);
	CHECK(access(path, F_OK) < 0);
	/* A link of one tree that names the other is only a link. */
	CHECK_EQ(p9c_walk(c, VOLUME, 20, "out"), 0);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), ELOOP);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK(p9c_walk(c, VOLUME, 20, "out/at-root") != 0);
}

/* Read-only is one export, not its neighbours, for every message that changes something. */
static void read_only(struct p9c *c, const char *ro)
{
	struct p9_setattr s = { .valid = P9_SETATTR_MODE, .mode = 0600 };

	CHECK_EQ(p9c_walk(c, RO, 20, "kept"), 0);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", RO, "n", O_RDWR, 0644, 0), EROFS);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", RO, "n", 0755, 0), EROFS);
	CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dssd", RO, "n", "t", 0), EROFS);
	CHECK_EQ(p9c_call(c, P9_TMKNOD, "dsdddd", RO, "n", S_IFIFO | 0644, 0, 0, 0), EROFS);
	CHECK_EQ(p9c_call(c, P9_TMAKE, "ddsdqddds", RO, P9_NOFID, "n", S_IFDIR | 0755, 0ULL, 0, 0,
			  P9_WGA_NOOPEN, ""),
		 EROFS);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", RO, "kept", 0), EROFS);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", RO, "kept", RO, "lost"), EROFS);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", RO, 20, "again"), EROFS);
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 20, &s, sizeof(s)), EROFS);
	CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", 20, "user.a", 1ULL, 0), EROFS);
	CHECK_EQ(p9c_open(c, 20, O_RDWR), EROFS);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY | O_TRUNC), EROFS);
	CHECK_EQ(p9c_call(c, P9_TWALKGETATTR, "dddws", RO, 21, O_WRONLY, 1, "kept"), 0);
	CHECK_EQ(wire_get32(&c->rd), EROFS);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 20, 0ULL, 1, "x", (size_t)1), EROFS);
	CHECK_EQ(p9c_call(c, P9_TALLOCATE, "ddqq", 20, 0, 0ULL, 100ULL), EROFS);
	CHECK_EQ(p9c_call(c, P9_TFSYNC, "dd", 20, 0), 0);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK_EQ(p9c_walk(c, RO, 20, "kept"), 0);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 20), EROFS);
	CHECK(file_is(ro, "kept", "kept"));
	/* The neighbour at the same time. */
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", VOLUME, "made", 0755, 0), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", VOLUME, "made", P9_AT_REMOVEDIR), 0);
}

/* A file as an export: used, not left, and still the same after a rename over its name. */
static void file(struct p9c *c, const char *dir)
{
	struct p9_setattr s = { .valid = P9_SETATTR_SIZE, .size = 2 };
	char a[4096], b[4096];

	CHECK_EQ(p9c_walk(c, FILE_RW, 20, "x"), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", FILE_RW, "n", 0755, 0), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", FILE_RW, "n", 0), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TRENAME, "dds", FILE_RW, FILE_RW, "n"), EBUSY);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", FILE_RW, 20, 0), 0);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 20), EBUSY);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", FILE_RW, 20, 0), 0);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_EQ(p9c_open(c, 20, O_RDWR), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 20, 0ULL, 3, "new", (size_t)3), 0);
	CHECK(file_is(dir, "rw", "new"));
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", FILE_RW, &s, sizeof(s)), 0);
	CHECK(file_is(dir, "rw", "ne"));
	s = (struct p9_setattr){ .valid = P9_SETATTR_MODE, .mode = 0640 };
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", FILE_RW, &s, sizeof(s)), 0);
	CHECK_EQ(p9c_call(c, P9_TXATTRWALK, "dds", FILE_RW, 21, "user.none"), ENODATA);
	snprintf(a, sizeof(a), "%s/rw", dir);
	snprintf(b, sizeof(b), "%s/other", dir);
	put_file(dir, "other", "other");
	CHECK(!rename(b, a));
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 20, 0ULL, 10), 0);
	CHECK_EQ(wire_get32(&c->rd), 2);
	CHECK(!memcmp(c->rd.p, "ne", 2));
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", FILE_RW, 20, 0), 0);
	CHECK_EQ(p9c_open(c, 20, O_WRONLY | O_TRUNC), 0);
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 20, 0ULL), 0);
	CHECK(file_is(dir, "rw", "other"));
	CHECK_EQ(p9c_clunk(c, 20), 0);

	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", FILE_RO, 20, 0), 0);
	CHECK_EQ(p9c_open(c, 20, O_RDWR), EROFS);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 20, 0ULL, 10), 0);
	CHECK_EQ(wire_get32(&c->rd), 2);
	CHECK_EQ(p9c_clunk(c, 20), 0);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddw", FIFO, 20, 0), 0);
	CHECK_EQ(p9c_open(c, 20, O_RDONLY), ENXIO);
	CHECK_EQ(p9c_clunk(c, 20), 0);
}

static void all(enum p9c_kind kind)
{
	char *root = p9c_tmpdir(), *volume = p9c_tmpdir(), *ro = p9c_tmpdir(),
	     *files = p9c_tmpdir();
	struct gofer_export e[] = { { .name = "volume" },
				    { .name = "ro", .read_only = true },
				    { .name = "file-rw" },
				    { .name = "file-ro", .read_only = true },
				    { .name = "fifo" } };
	struct gofer_config flags = { .set_owner = !geteuid(), .exports = e, .nexports = 5 };
	int fds = p9c_count_fds();
	char path[4096];
	struct p9c c;

	put_file(root, "at-root", "root");
	put_file(volume, "inside", "in");
	put_file(ro, "kept", "kept");
	put_file(files, "rw", "old");
	put_file(files, "ro", "ro");
	snprintf(path, sizeof(path), "%s/sub", volume);
	CHECK(!mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/out", volume);
	CHECK(!symlink(root, path));
	snprintf(path, sizeof(path), "%s/fifo", files);
	CHECK(!mkfifo(path, 0644));
	e[0].fd = open_at(volume, ".", O_PATH | O_DIRECTORY);
	e[1].fd = open_at(ro, ".", O_PATH | O_DIRECTORY);
	e[2].fd = open_at(files, "rw", O_RDWR);
	e[3].fd = open_at(files, "ro", O_RDONLY);
	e[4].fd = open_at(files, "fifo", O_PATH);
	p9c_start(&c, kind, root, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_MOAT, P9_MSIZE_MAX), 0);
	CHECK_EQ(p9c_attach(&c, ROOT, 0), 0);
	CHECK_EQ(attach(&c, VOLUME, "volume"), 0);
	CHECK_EQ(attach(&c, RO, "ro"), 0);
	CHECK_EQ(attach(&c, FILE_RW, "file-rw"), 0);
	CHECK_EQ(attach(&c, FILE_RO, "file-ro"), 0);
	CHECK_EQ(attach(&c, FIFO, "fifo"), 0);
	no_such(&c);
	dotdot(&c);
	between(&c, root, volume);
	read_only(&c, ro);
	file(&c, files);
	CHECK_EQ(p9c_stop(&c), 0);
	for (size_t i = 0; i < sizeof(e) / sizeof(*e); i++)
		close(e[i].fd);
	CHECK_EQ(p9c_count_fds(), fds);
	p9c_rmtree(root);
	p9c_rmtree(volume);
	p9c_rmtree(ro);
	p9c_rmtree(files);
	free(root);
	free(volume);
	free(ro);
	free(files);
}

int main(void)
{
	umask(022);
	all(P9C_THREAD);
	all(P9C_SEALED);
	all(P9C_RING);
	return p9c_failed ? 1 : 0;
}
