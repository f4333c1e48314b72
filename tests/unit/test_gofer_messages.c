// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_messages.c - every 9P2000.L message, result for result and errno for errno, against a
 * server on a thread (so that the sanitizers see it), a sealed process on a socket, and a sealed
 * process on a ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/p9_client.h"

static char *dir; /* the host's side of the tree, current directory of the test */

static void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror(name);
	close(fd);
}

static void get_qid(struct p9c *c, struct p9_qid *qid)
{
	wire_get(&c->rd, qid, sizeof(*qid));
}

static void get_attr(struct p9c *c, uint32_t fid, struct p9_attr *a)
{
	memset(a, 0, sizeof(*a));
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", fid, (uint64_t)-1), 0);
	wire_get(&c->rd, a, sizeof(*a));
	CHECK(!wire_end(&c->rd));
}

static void session(struct p9c *c)
{
	char version[64];

	CHECK_EQ(p9c_attach(c, 0, 0), EPROTO); /* before Tversion */
	CHECK_EQ(p9c_version(c, "9P2000.u", 65536), 0);
	CHECK_EQ(wire_get32(&c->rd), 65536);
	CHECK_EQ(wire_get_str(&c->rd, version, sizeof(version)), 0);
	CHECK(!strcmp(version, "unknown"));
	CHECK_EQ(p9c_attach(c, 0, 0), EPROTO);
	CHECK_EQ(p9c_version(c, P9_VERSION_L, 100), EINVAL);
	CHECK_EQ(p9c_version(c, P9_VERSION_L, 1u << 31), 0);
	CHECK_EQ(wire_get32(&c->rd), P9_MSIZE_MAX);
	CHECK_EQ(wire_get_str(&c->rd, version, sizeof(version)), 0);
	CHECK(!strcmp(version, P9_VERSION_L));
	CHECK_EQ(p9c_call(c, P9_TAUTH, "dssd", 9, "u", "", 0), ENOENT);
	CHECK_EQ(p9c_call(c, P9_TATTACH, "ddssd", 0, 9, "u", "", 0), EBADF);
	CHECK_EQ(p9c_attach(c, 0, 0), 0);
	CHECK_EQ(p9c_attach(c, 0, 0), EEXIST);
	CHECK_EQ(p9c_attach(c, P9_NOFID, 0), EBADF);
	CHECK_EQ(p9c_call(c, P9_TFLUSH, "w", 1), 0);
	CHECK_EQ(p9c_call(c, 99, ""), EOPNOTSUPP);
	CHECK_EQ(p9c_call(c, P9_TLERROR, ""), EOPNOTSUPP);
	CHECK_EQ(p9c_call(c, P9_TWALKGETATTR, "dddw", 0, P9_NOFID, P9_WGA_NOOPEN, 0), EOPNOTSUPP);
}

static void walks(struct p9c *c)
{
	struct p9_qid q[3], root;
	struct p9_attr a;
	struct stat st;
	char name[P9_NAME_MAX + 2];

	mkdir("d", 0755);
	mkdir("d/e", 0755);
	put_file("d/e/f", "text");
	CHECK(!symlink("/etc", "out"));
	CHECK(!symlink("d", "in"));

	CHECK_EQ(p9c_walk(c, 0, 1, "d/e/f"), 0);
	get_qid(c, &q[0]);
	get_qid(c, &q[1]);
	get_qid(c, &q[2]);
	CHECK(!wire_end(&c->rd));
	CHECK_EQ(q[0].type, P9_QTDIR);
	CHECK_EQ(q[2].type, P9_QTFILE);
	stat("d/e/f", &st);
	CHECK_EQ(q[2].path, st.st_ino);
	get_attr(c, 1, &a);
	CHECK_EQ(a.qid.path, q[2].path);
	CHECK_EQ(a.size, 4);
	CHECK_EQ(a.mode, S_IFREG | 0644);
	CHECK_EQ(a.nlink, 1);
	CHECK_EQ(a.mtime_sec, st.st_mtim.tv_sec);
	CHECK_EQ(a.mtime_nsec, st.st_mtim.tv_nsec);
	CHECK_EQ(a.valid & P9_STATS_BASIC, P9_STATS_BASIC);

	CHECK_EQ(p9c_walk(c, 0, 1, "d"), EEXIST); /* newfid is in use */
	CHECK_EQ(p9c_walk(c, 0, P9_NOFID, "d"), EBADF);
	CHECK_EQ(p9c_walk(c, 77, 2, "d"), EBADF);
	CHECK_EQ(p9c_walk(c, 0, 2, "nothing"), ENOENT);
	CHECK_EQ(p9c_walk(c, 0, 2, "d/nothing/x"), -1); /* partial: one qid, no fid */
	CHECK_EQ(p9c_clunk(c, 2), EBADF);
	CHECK_EQ(p9c_walk(c, 0, 2, "d/e/f/g"), -3);
	CHECK_EQ(p9c_walk(c, 1, 2, "g"), ENOTDIR);
	CHECK_EQ(p9c_walk(c, 0, 2, "out/passwd"), -1); /* a link is never followed */
	CHECK_EQ(p9c_walk(c, 0, 2, "in/e"), -1);
	CHECK_EQ(p9c_walk(c, 0, 2, "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q"), EINVAL); /* 17 */
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddws", 0, 2, 1, "d/e"), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddws", 0, 2, 1, ""), ENOENT);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddwS", 0, 2, 1, "d\0e", (size_t)3), EINVAL);
	memset(name, 'n', sizeof(name));
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddwS", 0, 2, 1, name, (size_t)P9_NAME_MAX), ENOENT);
	CHECK_EQ(p9c_call(c, P9_TWALK, "ddwS", 0, 2, 1, name, (size_t)P9_NAME_MAX + 1),
		 ENAMETOOLONG);

	/* ".." goes up our nodes and stays at the root */
	CHECK_EQ(p9c_walk(c, 0, 2, ""), 0);
	get_attr(c, 2, &a);
	root = a.qid;
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(p9c_walk(c, 0, 2, "d/../.."), 0);
	get_attr(c, 2, &a);
	CHECK_EQ(a.qid.path, root.path);
	CHECK_EQ(p9c_walk(c, 2, 2, "d"), 0); /* a fid may move itself */
	get_attr(c, 2, &a);
	CHECK_EQ(a.qid.path, q[0].path);
	CHECK_EQ(p9c_clunk(c, 2), 0);

	CHECK_EQ(p9c_call(c, P9_TREADLINK, "d", 1), EINVAL);
	CHECK_EQ(p9c_walk(c, 0, 2, "out"), 0);
	CHECK_EQ(p9c_call(c, P9_TREADLINK, "d", 2), 0);
	CHECK_EQ(wire_get_str(&c->rd, name, sizeof(name)), 0);
	CHECK(!strcmp(name, "/etc"));
	CHECK_EQ(p9c_open(c, 2, O_RDONLY), ELOOP);
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(p9c_clunk(c, 1), 0);

	/* names are bytes */
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 0, "\xff\xfe\x80", 0755, 0), 0);
	CHECK(!access("\xff\xfe\x80", F_OK));
	CHECK_EQ(p9c_walk(c, 0, 2, "\xff\xfe\x80"), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
}

static void data(struct p9c *c)
{
	char text[] = "0123456789", back[64] = "";
	size_t big_len = P9_DATA_MAX, i;
	char *big = malloc(big_len);
	struct stat st;
	int fd;

	CHECK_EQ(p9c_walk(c, 0, 1, ""), 0);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 1, "file", O_RDWR | O_EXCL, 0640, getgid()), 0);
	CHECK(!stat("file", &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(p9c_open(c, 1, O_RDWR), EINVAL); /* open already */
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 5ULL, 10, text, (size_t)10), 0);
	CHECK_EQ(wire_get32(&c->rd), 10);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 5ULL, 11, text, (size_t)10), EPROTO);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 5ULL, 9, text, (size_t)10), EPROTO);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, (uint64_t)-5, 10, text, (size_t)10), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqd", 1, 0ULL, 0), 0);
	fd = open("file", O_RDONLY);
	CHECK_EQ(read(fd, back, sizeof(back)), 15);
	CHECK(!memcmp(back + 5, text, 10));
	close(fd);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 3ULL, 1000), 0);
	CHECK_EQ(wire_get32(&c->rd), 12);
	CHECK(c->rd.left == 12 && !memcmp(c->rd.p,
					  "\0\0"
					  "0123456789",
					  12));
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 100ULL, 10), 0);
	CHECK_EQ(wire_get32(&c->rd), 0);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, (uint64_t)INT64_MIN, 10), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 0, 0ULL, 10), EBADF); /* not open */
	CHECK_EQ(p9c_call(c, P9_TFSYNC, "dd", 1, 0), 0);
	CHECK_EQ(p9c_call(c, P9_TFSYNC, "dd", 1, 1), 0);
	CHECK_EQ(p9c_call(c, P9_TFSYNC, "d", 1), 0);
	CHECK_EQ(p9c_call(c, P9_TFSYNC, "dd", 0, 0), EBADF);
	CHECK_EQ(p9c_clunk(c, 1), 0);

	/* a megabyte in one message, there and back */
	for (i = 0; i < big_len; i++)
		big[i] = i * 31 >> 7;
	CHECK_EQ(p9c_walk(c, 0, 1, "file"), 0);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 0ULL, 10), EBADF);
	CHECK_EQ(p9c_open(c, 1, O_RDWR | O_TRUNC), 0);
	CHECK(!stat("file", &st) && !st.st_size);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 0ULL, (uint32_t)big_len, big, big_len), 0);
	CHECK_EQ(wire_get32(&c->rd), big_len);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 0ULL, -1u), 0);
	CHECK_EQ(wire_get32(&c->rd), big_len);
	CHECK(c->rd.left == big_len && !memcmp(c->rd.p, big, big_len));
	CHECK_EQ(p9c_clunk(c, 1), 0);

	/* modes of opening */
	CHECK_EQ(p9c_walk(c, 0, 1, "file"), 0);
	CHECK_EQ(p9c_open(c, 1, O_ACCMODE), EINVAL);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_EQ(p9c_open(c, 1, O_WRONLY | O_APPEND), 0);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 0ULL, 10), EBADF);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 0ULL, 1, "x", (size_t)1), 0);
	CHECK(!stat("file", &st) && st.st_size == (off_t)big_len + 1);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_walk(c, 0, 1, "file"), 0);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 1, 0ULL, 1, "x", (size_t)1), EBADF);
	CHECK_EQ(p9c_walk(c, 1, 1, ""), EBADF); /* an open fid cannot be moved, but cloned */
	CHECK_EQ(p9c_walk(c, 1, 2, ""), 0);
	CHECK_EQ(p9c_open(c, 2, O_RDWR), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(p9c_clunk(c, 1), 0);

	/* Tlcreate of what exists */
	CHECK_EQ(p9c_walk(c, 0, 1, ""), 0);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 1, "file", O_RDWR | O_EXCL, 0640, 0), EEXIST);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 1, "d", O_RDWR, 0640, 0), EISDIR);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 1, "out", O_RDWR, 0640, 0), ELOOP);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 1, "..", O_RDWR, 0640, 0), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 1, "file", O_RDWR | O_TRUNC, 0600, 0), 0);
	CHECK(!stat("file", &st) && !st.st_size && st.st_mode == (S_IFREG | 0640));
	CHECK_EQ(p9c_clunk(c, 1), 0);
	free(big);
}

static void attributes(struct p9c *c)
{
	struct p9_setattr s = { 0 };
	struct p9_attr a;
	struct stat st;

	put_file("attr", "0123456789");
	CHECK_EQ(p9c_walk(c, 0, 1, "attr"), 0);
	s.valid = P9_SETATTR_MODE | P9_SETATTR_SIZE | P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET |
		  P9_SETATTR_ATIME;
	s.mode = 04755;
	s.size = 4;
	s.mtime_sec = 1000000000;
	s.mtime_nsec = 123456789;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), 0);
	CHECK(!stat("attr", &st));
	CHECK_EQ(st.st_mode, S_IFREG | 04755);
	CHECK_EQ(st.st_size, 4);
	CHECK_EQ(st.st_mtim.tv_sec, 1000000000);
	CHECK_EQ(st.st_mtim.tv_nsec, 123456789);
	get_attr(c, 1, &a);
	CHECK_EQ(a.mtime_nsec, 123456789);
	s.valid = P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET;
	s.mtime_nsec = 1000000000;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), EINVAL);
	s.valid = P9_SETATTR_SIZE;
	s.size = (uint64_t)-1;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 0, &s, sizeof(s)), EISDIR);
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 88, &s, sizeof(s)), EBADF);
	if (!geteuid()) {
		s.valid = P9_SETATTR_UID | P9_SETATTR_GID | P9_SETATTR_MODE;
		s.uid = 12;
		s.gid = 34;
		s.mode = 04711;
		CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), 0);
		CHECK(!stat("attr", &st) && st.st_uid == 12 && st.st_gid == 34);
		CHECK_EQ(st.st_mode, S_IFREG | 04711);
	}
	CHECK_EQ(p9c_open(c, 1, O_RDONLY),
		 0); /* the same by an open fid, even one that only reads */
	s.valid = P9_SETATTR_SIZE | P9_SETATTR_MODE | P9_SETATTR_MTIME;
	s.size = 2;
	s.mode = 0600;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), 0);
	CHECK(!stat("attr", &st) && st.st_size == 2 && st.st_mode == (S_IFREG | 0600));
	CHECK_EQ(p9c_clunk(c, 1), 0);

	CHECK_EQ(p9c_walk(c, 0, 1, "out"), 0); /* a link: its own times, never its target's */
	s.valid = P9_SETATTR_MODE;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), EOPNOTSUPP);
	s.valid = P9_SETATTR_SIZE;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), EINVAL);
	s.valid = P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET;
	s.mtime_sec = 5;
	s.mtime_nsec = 0;
	CHECK_EQ(p9c_call(c, P9_TSETATTR, "dD", 1, &s, sizeof(s)), 0);
	CHECK(!lstat("out", &st) && st.st_mtim.tv_sec == 5);
	CHECK_EQ(p9c_clunk(c, 1), 0);

	CHECK_EQ(p9c_call(c, P9_TSTATFS, "d", 0), 0);
	CHECK(wire_get32(&c->rd) && wire_get32(&c->rd));
	CHECK_EQ(c->rd.left, 6 * 8 + 4);
	CHECK_EQ(p9c_call(c, P9_TSTATFS, "d", 88), EBADF);
}

static void names(struct p9c *c)
{
	char target[300];
	struct stat st, st2;

	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 0, "m", 01755, getgid()), 0);
	CHECK(!stat("m", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 01755);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 0, "m", 0755, getgid()), EEXIST);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 0, "m/n", 0755, getgid()), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 0, ".", 0755, getgid()), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dssd", 0, "s", "../../etc/passwd", getgid()), 0);
	CHECK_EQ(readlink("s", target, sizeof(target)), 16);
	CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dssd", 0, "s", "x", getgid()), EEXIST);
	CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dssd", 0, "s2", "", getgid()), ENOENT);
	CHECK_EQ(p9c_call(c, P9_TMKNOD, "dsdddd", 0, "fifo", S_IFIFO | 0622, 0, 0, getgid()), 0);
	CHECK(!stat("fifo", &st) && st.st_mode == (S_IFIFO | 0622));
	CHECK_EQ(p9c_call(c, P9_TMKNOD, "dsdddd", 0, "sock", S_IFSOCK | 0600, 0, 0, getgid()), 0);
	CHECK_EQ(p9c_call(c, P9_TMKNOD, "dsdddd", 0, "null", S_IFCHR | 0666, 1, 3, getgid()),
		 EPERM);
	CHECK_EQ(p9c_call(c, P9_TMKNOD, "dsdddd", 0, "sda", S_IFBLK | 0666, 8, 0, getgid()), EPERM);
	CHECK_EQ(access("null", F_OK), -1);
	CHECK_EQ(p9c_walk(c, 0, 1, "fifo"), 0);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), ENXIO);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_walk(c, 0, 1, "sock"), 0);
	CHECK_EQ(p9c_open(c, 1, O_RDWR), ENXIO);
	CHECK_EQ(p9c_clunk(c, 1), 0);

	/* link */
	put_file("l1", "link");
	CHECK_EQ(p9c_walk(c, 0, 1, "l1"), 0);
	CHECK_EQ(p9c_walk(c, 0, 2, "m"), 0);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 2, 1, "l2"), 0);
	CHECK(!stat("l1", &st) && !stat("m/l2", &st2) && st.st_ino == st2.st_ino);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 2, 1, "l2"), EEXIST);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 0, 2, "dirlink"), EPERM);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 1, 1, "x"), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TLINK, "dds", 0, 1, "../x"), EINVAL);
	CHECK_EQ(p9c_clunk(c, 1), 0);

	/* rename: the fid follows, a directory takes its fids below along */
	CHECK_EQ(p9c_walk(c, 0, 1, "m/l2"), 0);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "m", 0, "m2"), 0);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_walk(c, 0, 1, "l1"), 0);
	CHECK_EQ(p9c_call(c, P9_TRENAME, "dds", 1, 2, "l3"), 0);
	CHECK(!access("m2/l3", F_OK));
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "gone", 0, "m2"), ENOENT);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "m2", 2, "inside"), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "..", 0, "x"), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TRENAMEAT, "dsds", 0, "m2", 0, "a/b"), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TRENAME, "dds", 0, 0, "x"), EBUSY); /* the root */

	/* unlink: an open file lives on, and so does a fid that was walked to it */
	put_file("u", "unlinked");
	CHECK_EQ(p9c_walk(c, 0, 1, "u"), 0);
	CHECK_EQ(p9c_walk(c, 0, 3, "u"), 0);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "u", 0), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "u", 0), ENOENT);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 0ULL, 100), 0);
	CHECK_EQ(wire_get32(&c->rd), 8);
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 3, 0ULL), 0);
	CHECK_EQ(p9c_open(c, 3, O_RDONLY), ESTALE);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 3), ENOENT); /* and is clunked all the same */
	CHECK_EQ(p9c_clunk(c, 3), EBADF);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "m2", 0), EISDIR);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "m2", P9_AT_REMOVEDIR), ENOTEMPTY);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "fifo", P9_AT_REMOVEDIR), ENOTDIR);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "fifo", 1), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 2, "l2", 0), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 2, "l3", 0), 0);
	CHECK_EQ(p9c_call(c, P9_TUNLINKAT, "dsd", 0, "m2", P9_AT_REMOVEDIR), 0);
	CHECK_EQ(p9c_walk(c, 2, 1, "x"), ENOENT); /* in a removed directory */
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(p9c_walk(c, 0, 1, "fifo"), 0);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 1), 0);
	CHECK_EQ(access("fifo", F_OK), -1);
	CHECK_EQ(p9c_walk(c, 0, 1, ""), 0);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 1), EBUSY);

	/* what came between, behind our back */
	put_file("w", "first");
	CHECK_EQ(p9c_walk(c, 0, 1, "w"), 0);
	put_file("w2", "second");
	CHECK(!rename("w2", "w"));
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), ESTALE);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 1), ESTALE);
	CHECK(!access("w", F_OK));
}

static void directories(struct p9c *c)
{
	char name[P9_NAME_MAX + 1], seen[500] = "";
	uint64_t off = 0;
	uint32_t count;
	int total = 0, dots = 0, calls = 0;

	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/entry-%d", i);
		put_file(name, "");
	}
	CHECK_EQ(p9c_walk(c, 0, 1, "many"), 0);
	CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 1, 0ULL, 1000), EBADF);
	CHECK_EQ(p9c_open(c, 1, O_RDWR), EISDIR);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY | O_DIRECTORY), 0);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 1, 0ULL, 1000), EISDIR);
	CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 1, 0ULL, 10), EINVAL); /* not even one fits */
	do {
		CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 1, off, calls % 2 ? 700 : 3000), 0);
		count = wire_get32(&c->rd);
		CHECK_EQ(count, c->rd.left);
		CHECK(count <= (calls % 2 ? 700 : 3000));
		while (c->rd.left && !c->rd.bad) {
			struct p9_qid qid;
			uint8_t type;
			int i;

			get_qid(c, &qid);
			off = wire_get64(&c->rd);
			type = wire_get8(&c->rd);
			CHECK_EQ(wire_get_str(&c->rd, name, sizeof(name)), 0);
			if (name[0] == '.') {
				dots++;
				CHECK_EQ(qid.type, P9_QTDIR);
			} else if (sscanf(name, "entry-%d", &i) == 1 && i < 500) {
				CHECK_EQ(type, 8); /* DT_REG */
				CHECK(!seen[i]);
				seen[i] = 1;
				total++;
			}
		}
		CHECK(!c->rd.bad);
	} while (count && ++calls < 200);
	CHECK_EQ(total, 500);
	CHECK_EQ(dots, 2);
	CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 1, 0ULL, 100000), 0); /* from the start again */
	CHECK(wire_get32(&c->rd) > 500 * 30);
	CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 1, (uint64_t)-1, 1000), EINVAL);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_walk(c, 0, 1, "attr"), 0);
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TREADDIR, "dqd", 1, 0ULL, 1000), ENOTDIR);
	CHECK_EQ(p9c_clunk(c, 1), 0);
}

static void locks(struct p9c *c)
{
	const char *me = "client";

	put_file("lock", "0123456789");
	for (uint32_t fid = 1; fid <= 2; fid++) {
		CHECK_EQ(p9c_walk(c, 0, fid, "lock"), 0);
		CHECK_EQ(p9c_open(c, fid, O_RDWR), 0);
	}
	CHECK_EQ(p9c_call(c, P9_TLOCK, "dbdqqds", 1, P9_LOCK_TYPE_WRLCK, 0, 2ULL, 4ULL, 7, me), 0);
	CHECK_EQ(wire_get8(&c->rd), P9_LOCK_SUCCESS);
	CHECK_EQ(p9c_call(c, P9_TLOCK, "dbdqqds", 2, P9_LOCK_TYPE_RDLCK, P9_LOCK_FLAGS_BLOCK, 0ULL,
			  0ULL, 8, me),
		 0);
	CHECK_EQ(wire_get8(&c->rd), P9_LOCK_BLOCKED);
	CHECK_EQ(p9c_call(c, P9_TGETLOCK, "dbqqds", 2, P9_LOCK_TYPE_RDLCK, 0ULL, 0ULL, 8, me), 0);
	CHECK_EQ(wire_get8(&c->rd), P9_LOCK_TYPE_WRLCK);
	CHECK_EQ(wire_get64(&c->rd), 2);
	CHECK_EQ(wire_get64(&c->rd), 4);
	CHECK_EQ(p9c_call(c, P9_TLOCK, "dbdqqds", 1, P9_LOCK_TYPE_UNLCK, 0, 0ULL, 0ULL, 7, me), 0);
	CHECK_EQ(p9c_call(c, P9_TGETLOCK, "dbqqds", 2, P9_LOCK_TYPE_RDLCK, 0ULL, 0ULL, 8, me), 0);
	CHECK_EQ(wire_get8(&c->rd), P9_LOCK_TYPE_UNLCK);
	CHECK_EQ(p9c_call(c, P9_TLOCK, "dbdqqds", 1, 3, 0, 0ULL, 0ULL, 7, me), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TLOCK, "dbdqqds", 1, 0, 0, (uint64_t)-1, 0ULL, 7, me), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TLOCK, "dbdqqds", 0, 0, 0, 0ULL, 0ULL, 7, me), EBADF);
	CHECK_EQ(p9c_clunk(c, 1), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
}

/* The attribute of name by fid 1, for a file, a directory, and by an open fid. */
static void one_xattr(struct p9c *c, const char *name, bool open)
{
	char back[64];

	CHECK_EQ(p9c_walk(c, 0, 1, name), 0);
	CHECK_EQ(p9c_walk(c, 0, 2, name), 0);
	if (open)
		CHECK_EQ(p9c_open(c, 1, O_RDONLY), 0);
	CHECK_EQ(p9c_call(c, P9_TXATTRWALK, "dds", 1, 3, "user.t"), ENODATA);
	CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", 2, "user.t", 5ULL, XATTR_CREATE), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 2, 0ULL, 3, "val", (size_t)3), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 2, 3ULL, 3, "val", (size_t)3),
		 EINVAL); /* more than promised */
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 2, 2ULL, 1, "v", (size_t)1), EINVAL); /* a gap */
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 2, 3ULL, 2, "ue", (size_t)2), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(lgetxattr(name, "user.t", back, sizeof(back)), 5);
	CHECK_EQ(p9c_call(c, P9_TXATTRWALK, "dds", 1, 3, "user.t"), 0);
	CHECK_EQ(wire_get64(&c->rd), 5);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 3, 1ULL, 100), 0);
	CHECK_EQ(wire_get32(&c->rd), 4);
	CHECK(!memcmp(c->rd.p, "alue", 4));
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 3, (uint64_t)-1, 100), 0);
	CHECK_EQ(wire_get32(&c->rd), 0);
	CHECK_EQ(p9c_call(c, P9_TWRITE, "dqdD", 3, 0ULL, 1, "x", (size_t)1), EBADF);
	CHECK_EQ(p9c_clunk(c, 3), 0);
	CHECK_EQ(p9c_call(c, P9_TXATTRWALK, "dds", 1, 3, ""), 0);
	CHECK(wire_get64(&c->rd) >= 7);
	CHECK_EQ(p9c_call(c, P9_TREAD, "dqd", 3, 0ULL, 1000), 0);
	CHECK(memmem(c->rd.p, c->rd.left, "user.t", 7));
	CHECK_EQ(p9c_clunk(c, 3), 0);
	CHECK_EQ(p9c_walk(c, 0, 2, name), 0);
	CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", 2, "user.t", 0ULL, XATTR_REPLACE), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(lgetxattr(name, "user.t", back, sizeof(back)), -1);
	CHECK_EQ(p9c_clunk(c, 1), 0);
}

static void xattrs(struct p9c *c)
{
	put_file("x", "");
	mkdir("xd", 0755);
	if (setxattr("x", "user.t", "v", 1, 0) < 0 || removexattr("x", "user.t") < 0) {
		printf("no extended attributes on this file system: not tested\n");
		return;
	}
	one_xattr(c, "x", false);
	one_xattr(c, "x", true);
	one_xattr(c, "xd", false);
	one_xattr(c, "xd", true);
	CHECK_EQ(p9c_walk(c, 0, 2, "x"), 0);
	CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", 2, "user.t", 65537ULL, 0), E2BIG);
	CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", 2, "user.t", 1ULL, 4), EINVAL);
	CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", 2, "user.t", 3ULL, 0), 0);
	CHECK_EQ(p9c_clunk(c, 2), EINVAL);	     /* not all of it came */
	for (uint32_t fid = 100; fid < 165; fid++) { /* 64 of the largest may be held at a time */
		CHECK_EQ(p9c_walk(c, 0, fid, "x"), 0);
		CHECK_EQ(p9c_call(c, P9_TXATTRCREATE, "dsqd", fid, "user.t", 65536ULL, 0),
			 fid < 164 ? 0 : ENOMEM);
	}
	for (uint32_t fid = 100; fid < 165; fid++)
		CHECK_EQ(p9c_clunk(c, fid), fid < 164 ? EINVAL : 0);
	CHECK_EQ(p9c_walk(c, 0, 2, "out"), 0); /* of a link, not of /etc */
	CHECK_EQ(p9c_call(c, P9_TXATTRWALK, "dds", 2, 3, ""), 0);
	CHECK_EQ(p9c_clunk(c, 3), 0);
	CHECK_EQ(p9c_clunk(c, 2), 0);
}

static void owners(struct p9c *c)
{
	struct stat st;

	if (geteuid()) {
		printf("not root: owners are not tested\n");
		return;
	}
	CHECK_EQ(p9c_attach(c, 50, 1234), 0); /* what is made through this attach belongs to 1234 */
	CHECK_EQ(p9c_call(c, P9_TMKDIR, "dsdd", 50, "od", 0755, 77), 0);
	CHECK(!stat("od", &st) && st.st_uid == 1234 && st.st_gid == 77);
	CHECK_EQ(p9c_call(c, P9_TSYMLINK, "dssd", 50, "ol", "x", 77), 0);
	CHECK(!lstat("ol", &st) && st.st_uid == 1234 && st.st_gid == 77);
	CHECK_EQ(p9c_call(c, P9_TLCREATE, "dsddd", 50, "of", O_RDWR, 06755, 77), 0);
	CHECK(!stat("of", &st) && st.st_uid == 1234 && st.st_gid == 77);
	CHECK_EQ(st.st_mode, S_IFREG | 06755);
	CHECK_EQ(p9c_clunk(c, 50), 0);
}

static void all(enum p9c_kind kind, unsigned split)
{
	struct gofer_config flags = { .set_owner = !geteuid() };
	int fds = p9c_count_fds();
	struct p9c c;

	dir = p9c_tmpdir();
	if (chdir(dir) < 0)
		exit(1);
	p9c_start(&c, kind, dir, &flags);
	c.split = split;
	session(&c);
	walks(&c);
	data(&c);
	attributes(&c);
	names(&c);
	directories(&c);
	locks(&c);
	xattrs(&c);
	owners(&c);
	CHECK_EQ(p9c_version(&c, P9_VERSION_L, 65536),
		 0); /* a new session forgets the old one's fids */
	CHECK_EQ(p9c_clunk(&c, 0), EBADF);
	CHECK_EQ(p9c_stop(&c), 0);
	CHECK_EQ(p9c_count_fds(), fds);
	if (chdir("/") < 0)
		exit(1);
	p9c_rmtree(dir);
	free(dir);
}

/* The same without privileges, where some calls take other ways (linkat by name). */
static void unprivileged(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			exit(1);
		all(P9C_THREAD, 0);
		exit(p9c_failed != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

int main(void)
{
	umask(022);
	all(P9C_THREAD, 0);
	all(P9C_SEALED, 0);
	all(P9C_RING, 0);
	all(P9C_RING, 5);
	if (!geteuid())
		unprivileged();
	return p9c_failed ? 1 : 0;
}
