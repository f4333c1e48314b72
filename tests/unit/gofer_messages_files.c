/*
 * gofer_messages_files.c - messages about the content of files and what is attached to them: reading and writing,
 * attributes, locks, extended attributes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/gofer_messages.h"

void gofer_data(struct p9c *c)
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

void gofer_attributes(struct p9c *c)
{
	struct p9_setattr s = { 0 };
	struct p9_attr a;
	struct stat st;

	gofer_put_file("attr", "0123456789");
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
	gofer_get_attr(c, 1, &a);
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

void gofer_locks(struct p9c *c)
{
	const char *me = "client";

	gofer_put_file("lock", "0123456789");
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

void gofer_xattrs(struct p9c *c)
{
	gofer_put_file("x", "");
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
