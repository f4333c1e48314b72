// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_moat.c - the messages of 9P2000.L.moat1, read-only service, hidden names, and the
 * limits on descriptors and fids.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/p9_client.h"

struct record {
	struct p9_attr attr;
	char target[4096];
};

static void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror(name);
	close(fd);
}

/* Twalkgetattr. Returns the error of the answer; rec[] and *n are its records. */
static int wga(struct p9c *c, uint32_t fid, uint32_t to, uint32_t flags, const char *path,
	       struct record *rec, int *n)
{
	uint8_t names[8192];
	struct wire_wr w = { .buf = names, .cap = sizeof(names) };
	uint16_t count = 0;
	uint32_t error;
	int ret;

	while (*path) {
		size_t len = strcspn(path, "/");

		wire_put16(&w, len);
		wire_put(&w, path, len);
		count++;
		path += len + (path[len] == '/');
	}
	ret = p9c_call(c, P9_TWALKGETATTR, "dddwD", fid, to, flags, count, names, w.len);
	if (ret)
		return -ret; /* a bad message, told from errors of the walk by its sign */
	error = wire_get32(&c->rd);
	CHECK_EQ(wire_get32(&c->rd), 0); /* iounit */
	*n = wire_get16(&c->rd);
	for (int i = 0; i < *n && i < P9_MAXWELEM; i++) {
		wire_get(&c->rd, &rec[i].attr, sizeof(rec[i].attr));
		CHECK_EQ(wire_get_str(&c->rd, rec[i].target, sizeof(rec[i].target)), 0);
	}
	CHECK(!wire_end(&c->rd));
	return error;
}

static void walkgetattr(struct p9c *c)
{
	struct record *r = calloc(P9_MAXWELEM, sizeof(*r));
	struct stat st;
	int n;

	mkdir("d", 0755);
	mkdir("d/e", 0711);
	put_file("d/e/f", "content");
	CHECK(!symlink("../d/e", "d/l"));

	/* attributes only: nothing to clunk */
	CHECK_EQ(wga(c, 0, P9_NOFID, P9_WGA_NOOPEN, "d/e/f", r, &n), 0);
	CHECK_EQ(n, 3);
	CHECK_EQ(r[0].attr.mode, S_IFDIR | 0755);
	CHECK_EQ(r[1].attr.mode, S_IFDIR | 0711);
	CHECK_EQ(r[2].attr.size, 7);
	stat("d/e/f", &st);
	CHECK_EQ(r[2].attr.qid.path, st.st_ino);
	CHECK(!r[2].target[0]);

	/* a negative entry, and a link on the way */
	CHECK_EQ(wga(c, 0, 5, P9_WGA_NOOPEN, "d/e/none", r, &n), ENOENT);
	CHECK_EQ(n, 2);
	CHECK_EQ(p9c_clunk(c, 5), EBADF);
	CHECK_EQ(wga(c, 0, 5, P9_WGA_NOOPEN, "d/l/f", r, &n), ENOTDIR);
	CHECK_EQ(n, 2);
	CHECK_EQ(r[1].attr.qid.type, P9_QTSYMLINK);
	CHECK(!strcmp(r[1].target, "../d/e"));
	CHECK_EQ(wga(c, 0, P9_NOFID, P9_WGA_NOOPEN, "none/x", r, &n), ENOENT);
	CHECK_EQ(n, 0);

	CHECK_EQ(wga(c, 0, P9_NOFID, P9_WGA_NOOPEN, "d/l", r, &n), 0);
	CHECK_EQ(n, 2);
	CHECK(!strcmp(r[1].target, "../d/e"));
	CHECK_EQ(wga(c, 0, P9_NOFID, P9_WGA_NOOPEN, "d/e/f/g", r, &n), ENOTDIR);
	CHECK_EQ(n, 3);

	/* with a fid, without and with opening it */
	CHECK_EQ(wga(c, 0, 5, P9_WGA_NOOPEN, "d/e", r, &n), 0);
	CHECK_EQ(wga(c, 5, 6, O_RDWR, "f", r, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 6, 0ULL, 100), 0);
	CHECK_EQ(wire_get32(&c->rd), 7);
	CHECK_EQ(p9c_clunk(c, 6), 0);
	CHECK_EQ(wga(c, 5, 6, O_RDWR | O_TRUNC, "f", r, &n), 0);
	CHECK_EQ(r[0].attr.size, 0); /* the record is from after the open */
	CHECK_EQ(p9c_clunk(c, 6), 0);
	CHECK_EQ(wga(c, 5, 6, O_RDONLY | O_DIRECTORY, "", r, &n),
		 0); /* open the fid's own file by a clone */
	CHECK_EQ(n, 1);
	CHECK_EQ(r[0].attr.mode, S_IFDIR | 0711);
	CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 6, 0ULL, 1000), 0);
	CHECK_EQ(p9c_clunk(c, 6), 0);

	/* all walked, but the open fails */
	CHECK_EQ(wga(c, 0, 6, O_RDWR, "d/e", r, &n), EISDIR);
	CHECK_EQ(n, 2);
	CHECK_EQ(wga(c, 0, 6, O_RDONLY, "d/l", r, &n), ELOOP);
	CHECK_EQ(n, 2);
	CHECK_EQ(p9c_clunk(c, 6), EBADF);

	CHECK_EQ(wga(c, 0, P9_NOFID, O_RDONLY, "d", r, &n), -EINVAL);
	CHECK_EQ(wga(c, 0, 5, P9_WGA_NOOPEN, "d", r, &n), -EEXIST);
	CHECK_EQ(wga(c, 0, 0, P9_WGA_NOOPEN, "d", r, &n), -EEXIST);
	CHECK_EQ(wga(c, 99, 6, P9_WGA_NOOPEN, "d", r, &n), -EBADF);
	CHECK_EQ(wga(c, 0, 6, P9_WGA_NOOPEN, "d/..", r, &n), -EINVAL);
	CHECK_EQ(wga(c, 0, 6, P9_WGA_NOOPEN, "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", r, &n), -EINVAL);
	CHECK_EQ(p9c_clunk(c, 5), 0);

	/* an answer that does not fit makes no fid */
	CHECK_EQ(p9c_version(c, P9_VERSION_MOAT, P9_MSIZE_MIN), 0);
	CHECK_EQ(p9c_attach(c, 0, 0), 0);
	memset(r[0].target, 't', 4000);
	r[0].target[4000] = 0;
	CHECK(!symlink(r[0].target, "long"));
	CHECK_EQ(wga(c, 0, 6, P9_WGA_NOOPEN, "long", r, &n), -EMSGSIZE);
	CHECK_EQ(p9c_clunk(c, 6), EBADF);
	CHECK_EQ(p9c_version(c, P9_VERSION_MOAT, P9_MSIZE_MAX), 0);
	CHECK_EQ(p9c_attach(c, 0, 0), 0);
	free(r);
}

static void readdirplus(struct p9c *c)
{
	uint32_t left, entries = 0;
	uint64_t off = 0;
	char name[256];

	mkdir("plus", 0755);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "plus/%0100d", i);
		put_file(name, "12345");
	}
	CHECK_EQ(p9c_walk(c, 0, 1, "plus"), 0);
	CHECK_EQ(p9c_call(c, P9_TREADDIRPLUS, "dqd", 1, 0ULL, 1000), EBADF);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	do {
		CHECK_EQ(p9c_call(c, P9_TREADDIRPLUS, "dqd", 1, off, 5000), 0);
		left = wire_get32(&c->rd);
		CHECK_EQ(left, c->rd.left);
		while (c->rd.left && !c->rd.bad) {
			struct p9_attr a;
			uint8_t type;

			off = wire_get64(&c->rd);
			type = wire_get8(&c->rd);
			wire_get(&c->rd, &a, sizeof(a));
			CHECK_EQ(wire_get_str(&c->rd, name, sizeof(name)), 0);
			CHECK_EQ(a.valid & P9_STATS_BASIC, P9_STATS_BASIC);
			CHECK_EQ(type, name[0] == '.' ? 4 : 8);
			CHECK(name[0] == '.' || a.size == 5);
			entries++;
		}
	} while (left && entries < 1000);
	CHECK_EQ(entries, 102);
	CHECK_EQ(p9c_clunk(c, 1), 0);
}

static int make(struct p9c *c, uint32_t to, const char *name, uint32_t mode, uint32_t uid,
		uint32_t gid, uint32_t flags, const char *target, struct p9_attr *a)
{
	int ret = p9c_call(c, P9_TMAKE, "ddsdqddds", 0, to, name, mode, 0ULL, uid, gid, flags,
			   target);

	if (!ret) {
		wire_get32(&c->rd);
		wire_get(&c->rd, a, sizeof(*a));
		CHECK(!wire_end(&c->rd));
	}
	return ret;
}

static void make_rename(struct p9c *c)
{
	uint32_t uid = geteuid() ? P9_NONUID : 21, gid = geteuid() ? P9_NONUID : 22;
	struct p9_attr a;
	struct stat st;

	CHECK_EQ(make(c, 1, "mf", S_IFREG | 04755, uid, gid, O_RDWR, "", &a), 0);
	CHECK_EQ(a.mode, S_IFREG | 04755);
	CHECK(geteuid() || (a.uid == 21 && a.gid == 22));
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 0ULL, 3, "abc", (size_t)3), 0);
	CHECK_EQ(p9c_call(c, P9_TALLOCATE, "ddqq", 1, 0, 0ULL, 10000ULL), 0);
	CHECK(!stat("mf", &st) && st.st_size == 10000);
	CHECK_EQ(p9c_call(c, P9_TALLOCATE, "ddqq", 1, FALLOC_FL_KEEP_SIZE, (uint64_t)-1, 1ULL),
		 EINVAL);
	CHECK_EQ(p9c_call(c, P9_TALLOCATE, "ddqq", 0, 0, 0ULL, 1ULL), EBADF);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(make(c, 1, "mf", S_IFREG | 0644, uid, gid, O_RDWR, "", &a), EEXIST);
	CHECK_EQ(make(c, 1, "md", S_IFDIR | 0750, uid, gid, P9_WGA_NOOPEN, "", &a), 0);
	CHECK_EQ(a.qid.type, P9_QTDIR);
	CHECK_EQ(a.mode, S_IFDIR | 0750);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(make(c, P9_NOFID, "ml", S_IFLNK | 0777, uid, gid, P9_WGA_NOOPEN, "some/target",
		      &a),
		 0);
	CHECK_EQ(a.size, 11);
	CHECK_EQ(make(c, P9_NOFID, "mp", S_IFIFO | 0640, uid, gid, P9_WGA_NOOPEN, "", &a), 0);
	CHECK_EQ(a.mode, S_IFIFO | 0640);
	CHECK(geteuid() || a.uid == 21);
	CHECK_EQ(make(c, P9_NOFID, "mc", S_IFCHR | 0640, uid, gid, P9_WGA_NOOPEN, "", &a), EPERM);
	CHECK_EQ(make(c, 1, "mx", S_IFDIR | 0755, uid, gid, O_RDONLY, "", &a), EINVAL);
	CHECK_EQ(make(c, P9_NOFID, "mx", S_IFREG | 0755, uid, gid, O_RDONLY, "", &a), EINVAL);
	CHECK_EQ(make(c, 0, "mx", S_IFREG | 0755, uid, gid, O_RDONLY, "", &a), EEXIST);
	CHECK_EQ(access("mx", F_OK), -1);

	put_file("ra", "a");
	put_file("rb", "bb");
	CHECK_EQ(p9c_walk(c, 0, 1, "ra"), 0);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT2, "dsdsd", 0, "ra", 0, "rb", RENAME_NOREPLACE), EEXIST);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT2, "dsdsd", 0, "ra", 0, "rb", 4), EINVAL);
	CHECK_EQ(p9c_walk(c, 0, 2, "rb"), 0);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT2, "dsdsd", 0, "ra", 0, "rb", RENAME_EXCHANGE), 0);
	CHECK_EQ(p9c_open(c, 2, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 2, 0ULL, 10), 0);
	CHECK_EQ(wire_get32(&c->rd), 2);
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK(!stat("ra", &st) && st.st_size == 2);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0); /* the fid follows its file */
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 0ULL, 10), 0);
	CHECK_EQ(wire_get32(&c->rd), 1);
	CHECK_EQ(p9c_clunk(c, 1), 0);
}

/* A series ends with the part that cannot be written; others on the same fid go on. */
static void parts(struct p9c *c)
{
	struct stat st;

	put_file("parts", "");
	CHECK_EQ(p9c_walk(c, 0, 1, "parts"), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 0ULL, 6, 3, "abc", (size_t)3), EBADF);
	CHECK_EQ(p9c_open(c, 1, O_RDWR), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 0ULL, 7, 3, "abc", (size_t)3), 0);
	CHECK_EQ(wire_get32(&c->rd), 3);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, -1ULL, 7, 3, "abc", (size_t)3), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 3ULL, 7, 3, "abc", (size_t)3), ECANCELED);
	CHECK(!stat("parts", &st) && st.st_size == 3);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 3ULL, 1, "d", (size_t)1), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 4ULL, 8, 2, "ef", (size_t)2), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 6ULL, 7, 3, "abc", (size_t)3), ECANCELED);
	CHECK(!stat("parts", &st) && st.st_size == 6);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 6ULL, 0, 3, "abc", (size_t)3), EPROTO);
	CHECK_EQ(p9c_call(c, P9_TWRITEPART, "dqddD", 1, 6ULL, 9, 4, "abc", (size_t)3), EPROTO);
	CHECK_EQ(p9c_clunk(c, 1), 0);
}

/*
 * More fids than descriptors: they are closed and reopened behind the client's back, through
 * renames as well.
 */
static void many(struct p9c *c)
{
	const uint32_t n = 300;
	struct p9_attr a;
	char name[64];
	uint32_t i;
	int ret;

	mkdir("lru", 0755);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "lru/%u", i);
		mkdir(name, 0755);
		snprintf(name, sizeof(name), "lru/%u/f", i);
		put_file(name, "x");
		CHECK_EQ(p9c_walk(c, 0, 1000 + i, name), 0);
	}
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "lru", 0, "lru2"), 0);
	for (i = 0; i < n; i++) {
		CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 1000 + i, 0ULL), 0);
		wire_get(&c->rd, &a, sizeof(a));
		CHECK_EQ(a.size, 1);
	}
	/* unlinked while its descriptor is closed: it is opened before, and kept */
	CHECK_EQ(p9c_walk(c, 0, 2, "lru2/0"), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 2, "f", 0), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
	/* replaced on the host: stale, not the new file */
	CHECK(!rename("lru2/2/f", "lru2/1/f"));
	for (i = 0; i < n; i++) {
		ret = p9c_call(c, P9_TGETATTR, "dq", 1000 + i, 0ULL);
		CHECK_EQ(ret, i == 1 || i == 2 ? ESTALE : 0);
	}
	/* open files cannot be given up: the last ones fail, the service goes on */
	for (i = 3; i < n && !p9c_open(c, 1000 + i, O_RDONLY); i++)
		;
	CHECK(i > 50 && i < n);
	CHECK_EQ(p9c_open(c, 1000 + i, O_RDONLY), EMFILE);
	CHECK_EQ(p9c_clunk(c, 1003), 0);
	CHECK_EQ(p9c_open(c, 1000 + i, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 1000 + n - 1, 0ULL), 0);
}

static void all_fids(struct p9c *c)
{
	uint32_t i;
	int ret = 0;

	for (i = 5000; !ret && i < 200000; i++)
		ret = p9c_walk(c, 0, i, "");
	CHECK_EQ(ret, ENFILE);
	CHECK(i > 60000);
}

static void read_only(const char *dir, enum p9c_kind kind)
{
	static const char *const hidden[] = { "proc", "secret", NULL };
	struct gofer_config flags = { .read_only = true, .hidden = hidden };
	static const uint8_t writes[] = { P9_TLCREATE,	P9_TSYMLINK,	 P9_TMKNOD,    P9_TRENAME,
					  P9_TSETATTR,	P9_TXATTRCREATE, P9_TLINK,     P9_TMKDIR,
					  P9_TRENAMEAT, P9_TUNLINKAT,	 P9_TWRITE,    P9_TMAKE,
					  P9_TALLOCATE, P9_TRENAMEAT2,	 P9_TWRITEPART };
	struct p9c c;
	int n, seen = 0;

	mkdir("secret", 0755);
	put_file("secret/x", "");
	mkdir("d/secret", 0755);
	put_file("ro", "text");
	p9c_start(&c, kind, dir, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_MOAT, 65536), 0);
	CHECK_EQ(p9c_attach(&c, 0, 0), 0);
	for (size_t i = 0; i < sizeof(writes); i++)
		CHECK_EQ(p9c_call(&c, writes[i], "dddddd", 0, 0, 0, 0, 0, 0), EROFS);
	CHECK_EQ(p9c_walk(&c, 0, 1, "ro"), 0);
	CHECK_EQ(p9c_open(&c, 1, O_RDWR), EROFS);
	CHECK_EQ(p9c_open(&c, 1, O_RDONLY | O_TRUNC), EROFS);
	CHECK_EQ(p9c_open(&c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_call(&c, P9_TREAD, "dqd", 1, 0ULL, 100), 0);
	CHECK_EQ(wire_get32(&c.rd), 4);
	/* nothing that may be asked for is a system call that the seal kills */
	CHECK_EQ(p9c_call(&c, P9_TFSYNC, "d", 1), 0);
	CHECK_EQ(p9c_call(&c, P9_TFSYNC, "dd", 1, 1), 0);
	CHECK_EQ(p9c_call(&c, P9_TLOCK, "dbdqqds", 1, P9_LOCK_TYPE_RDLCK, 0, 0ULL, 0ULL, 7, "me"),
		 0);
	CHECK_EQ(p9c_call(&c, P9_TGETLOCK, "dbqqds", 1, P9_LOCK_TYPE_WRLCK, 0ULL, 0ULL, 7, "me"),
		 0);
	CHECK_EQ(p9c_call(&c, P9_TXATTRWALK, "dds", 1, 9, ""), 0);
	CHECK_EQ(p9c_clunk(&c, 9), 0);
	CHECK_EQ(p9c_call(&c, P9_TSTATFS, "d", 1), 0);
	CHECK_EQ(p9c_clunk(&c, 1), 0);
	CHECK_EQ(p9c_walk(&c, 0, 1, "ro"), 0);
	CHECK_EQ(p9c_call(&c, P9_TREMOVE, "d", 1), EROFS);
	CHECK_EQ(p9c_clunk(&c, 1), EBADF);
	CHECK(!access("ro", F_OK));

	/* hidden directly below the root, and there only */
	CHECK_EQ(p9c_walk(&c, 0, 1, "secret"), ENOENT);
	CHECK_EQ(p9c_walk(&c, 0, 1, "d/secret"), 0);
	CHECK_EQ(p9c_clunk(&c, 1), 0);
	CHECK_EQ(p9c_walk(&c, 0, 1, ""), 0);
	CHECK_EQ(p9c_open(&c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_call(&c, P9_TREADDIR, "dqd", 1, 0ULL, 60000), 0);
	for (n = wire_get32(&c.rd); c.rd.left && !c.rd.bad;) {
		char name[256];

		c.rd.p += 13 + 8 + 1;
		c.rd.left -= 13 + 8 + 1;
		wire_get_str(&c.rd, name, sizeof(name));
		CHECK(strcmp(name, "secret"));
		seen += !strcmp(name, "ro");
	}
	CHECK(n > 0);
	CHECK_EQ(seen, 1);
	CHECK_EQ(p9c_stop(&c), 0);
}

static void all(enum p9c_kind kind, bool cross_mounts)
{
	struct gofer_config flags = { .set_owner = !geteuid(),
				      .max_fds = 200,
				      .cross_mounts = cross_mounts };
	int fds = p9c_count_fds();
	char *dir = p9c_tmpdir();
	struct p9c c;

	if (chdir(dir) < 0)
		exit(1);
	p9c_start(&c, kind, dir, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_MOAT, P9_MSIZE_MAX), 0);
	CHECK_EQ(p9c_attach(&c, 0, 0), 0);
	walkgetattr(&c);
	readdirplus(&c);
	make_rename(&c);
	parts(&c);
	many(&c);
	if (kind == P9C_THREAD)
		all_fids(&c);
	CHECK_EQ(p9c_stop(&c), 0);
	read_only(dir, kind);
	CHECK_EQ(p9c_count_fds(), fds);
	if (chdir("/") < 0)
		exit(1);
	p9c_rmtree(dir);
	free(dir);
}

/* An owner that cannot be given takes the new name away again. */
static void undo(void)
{
	struct gofer_config flags = { .set_owner = true };
	char *dir = p9c_tmpdir();
	struct p9_attr a;
	struct p9c c;

	if (chdir(dir) < 0)
		exit(1);
	p9c_start(&c, P9C_THREAD, dir, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_MOAT, P9_MSIZE_MAX), 0);
	CHECK_EQ(p9c_attach(&c, 0, P9_NONUID), 0);
	CHECK_EQ(make(&c, 1, "f", S_IFREG | 0644, 1, 1, O_RDWR, "", &a), EPERM);
	CHECK_EQ(make(&c, 1, "d", S_IFDIR | 0755, 1, 1, P9_WGA_NOOPEN, "", &a), EPERM);
	CHECK_EQ(make(&c, 1, "l", S_IFLNK, 1, 1, P9_WGA_NOOPEN, "target", &a), EPERM);
	CHECK_EQ(p9c_call(&c, P9_TMKDIR, "dsdd", 0, "d", 0755, 1), EPERM);
	CHECK_EQ(p9c_clunk(&c, 1), EBADF);
	CHECK(access("f", F_OK) < 0 && access("d", F_OK) < 0 && access("l", F_OK) < 0);
	CHECK_EQ(make(&c, 1, "f", S_IFREG | 0644, geteuid(), getegid(), O_RDWR, "", &a), 0);
	CHECK_EQ(p9c_stop(&c), 0);
	if (chdir("/") < 0)
		exit(1);
	p9c_rmtree(dir);
	free(dir);
}

static void undo_unprivileged(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!geteuid() && (setgid(65534) < 0 || setuid(65534) < 0))
			exit(1);
		undo();
		exit(p9c_failed != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

int main(void)
{
	umask(022);
	all(P9C_THREAD, false); /* cross_mounts decides which way Twalkgetattr takes */
	all(P9C_THREAD, true);
	all(P9C_SEALED, false);
	all(P9C_RING, true);
	undo_unprivileged();
	return p9c_failed ? 1 : 0;
}
