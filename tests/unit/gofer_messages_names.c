/*
 * gofer_messages_names.c - messages about names: making, linking, renaming, removing, listing, and whose they are.
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

void gofer_names(struct p9c *c)
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
	gofer_put_file("l1", "link");
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
	gofer_put_file("u", "unlinked");
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
	gofer_put_file("w", "first");
	CHECK_EQ(p9c_walk(c, 0, 1, "w"), 0);
	gofer_put_file("w2", "second");
	CHECK(!rename("w2", "w"));
	CHECK_EQ(p9c_open(c, 1, O_RDONLY), ESTALE);
	CHECK_EQ(p9c_call(c, P9_TREMOVE, "d", 1), ESTALE);
	CHECK(!access("w", F_OK));
}

void gofer_directories(struct p9c *c)
{
	char name[P9_NAME_MAX + 1], seen[500] = "";
	uint64_t off = 0;
	uint32_t count;
	int total = 0, dots = 0, calls = 0;

	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/entry-%d", i);
		gofer_put_file(name, "");
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

			gofer_get_qid(c, &qid);
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

void gofer_owners(struct p9c *c)
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
