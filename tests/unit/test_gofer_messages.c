// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c tests/unit/gofer_messages_*.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_messages.c - every 9P2000.L message, result for result and errno for errno, against a
 * server on a thread (so that the sanitizers see it), a sealed process on a socket, and a sealed
 * process on a ring. The subjects but sessions and walks are in gofer_messages_*.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/gofer_messages.h"

static char *dir; /* the host's side of the tree, current directory of the test */

void gofer_put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror(name);
	close(fd);
}

void gofer_get_qid(struct p9c *c, struct p9_qid *qid)
{
	wire_get(&c->rd, qid, sizeof(*qid));
}

void gofer_get_attr(struct p9c *c, uint32_t fid, struct p9_attr *a)
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
	gofer_put_file("d/e/f", "text");
	CHECK(!symlink("/etc", "out"));
	CHECK(!symlink("d", "in"));

	CHECK_EQ(p9c_walk(c, 0, 1, "d/e/f"), 0);
	gofer_get_qid(c, &q[0]);
	gofer_get_qid(c, &q[1]);
	gofer_get_qid(c, &q[2]);
	CHECK(!wire_end(&c->rd));
	CHECK_EQ(q[0].type, P9_QTDIR);
	CHECK_EQ(q[2].type, P9_QTFILE);
	stat("d/e/f", &st);
	CHECK_EQ(q[2].path, st.st_ino);
	gofer_get_attr(c, 1, &a);
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
	gofer_get_attr(c, 2, &a);
	root = a.qid;
	CHECK_EQ(p9c_clunk(c, 2), 0);
	CHECK_EQ(p9c_walk(c, 0, 2, "d/../.."), 0);
	gofer_get_attr(c, 2, &a);
	CHECK_EQ(a.qid.path, root.path);
	CHECK_EQ(p9c_walk(c, 2, 2, "d"), 0); /* a fid may move itself */
	gofer_get_attr(c, 2, &a);
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
	gofer_data(&c);
	gofer_attributes(&c);
	gofer_names(&c);
	gofer_directories(&c);
	gofer_locks(&c);
	gofer_xattrs(&c);
	gofer_owners(&c);
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
