// sources: tests/unit/fs_host.c tests/unit/platform_host.c tests/unit/sched_host.c guest/mm/*.c guest/lib/*.c guest/task/mutex.c guest/task/wait.c
// sources: guest/fs/acl.c guest/fs/attr.c guest/fs/create.c guest/fs/dentry.c guest/fs/dir.c guest/fs/dirtable.c guest/fs/fdtable.c guest/fs/file.c guest/fs/filesystems.c
// sources: guest/fs/handle.c guest/fs/inode.c guest/fs/inotify.c guest/fs/iov.c guest/fs/itable.c guest/fs/landlock/landlock.c guest/fs/lock.c guest/fs/mount/mount.c guest/fs/mount/attach.c guest/fs/mount/copy.c guest/fs/mount/flags.c guest/fs/mount/ns.c guest/fs/mount/ops.c guest/fs/mount/peer_group.c guest/fs/mount/umount.c guest/fs/namei.c guest/fs/notify.c guest/fs/open.c
// sources: guest/fs/overlay/layers.c guest/fs/overlay/memory.c guest/fs/overlay/stack*.c guest/fs/p9/*.c guest/fs/pagefile.c guest/fs/path.c guest/fs/permission.c guest/fs/pseudo.c guest/fs/rename.c guest/fs/seq.c
// sources: guest/fs/super.c guest/fs/tmpfs/*.c guest/fs/walk_fast.c guest/fs/xattrs.c guest/ring/ring.c
// sources: tests/unit/gofer_stream.c tests/unit/p9_client.c host/gofer/*.c host/error.c host/ring_dev.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1 -pthread
// libs: -pthread -lseccomp
/*
 * test_fs_p9.c - the 9P client against the real gofer: with its extensions and with plain 9P2000.L, read-write; answers
 * of a hostile server; and a server that dies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/mount/table.h"
#include "fs/mount/mount.h"
#include "fs/p9/p9.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "task/task.h"
#include "tests/unit/fs_host.h"
#include "tests/unit/gofer_stream.h"

static bool plain;	    /* ask for 9P2000.L only */
static int evil;	    /* spoil the n-th answer from now on, in some way */
static unsigned calls, how; /* messages sent; what kind of spoiling */
static u8 refused;	    /* a message of this type fails with EIO, */
static unsigned spared;	    /* behind so many others of it */

static void refuse(struct p9_req *r)
{
	u32 size = P9_HDR + 4, ecode = EIO;
	u8 *p = r->bufs[r->nout].ptr;

	memcpy(p, &size, 4);
	p[4] = P9_RLERROR;
	memcpy(p + 5, (u8 *)r->bufs[0].ptr + 5, 2);
	memcpy(p + P9_HDR, &ecode, 4);
	p9_req_done(r, (s32)size);
}

static int submit(struct p9_client *c, struct p9_req *r)
{
	struct iovec v[P9_BUFS + 2];
	u8 *t = r->bufs[0].ptr;
	long got;

	calls++;
	if (refused && t[4] == refused && !spared--) {
		spared = 0;
		refused = 0;
		refuse(r);
		return 0;
	}
	if (plain && t[4] == P9_TVERSION) { /* size, type, tag, msize, string: cut ".moat1" off */
		u32 size = 7 + 4 + 2 + 8;
		u16 len = 8;

		memcpy(t, &size, 4);
		memcpy(t + 11, &len, 2);
		r->bufs[0].len = size;
	}
	for (unsigned i = 0; i < r->nout + r->nin; i++)
		v[i] = (struct iovec){ r->bufs[i].ptr, r->bufs[i].len };
	got = gofer_stream_call(v, (int)r->nout, v + r->nout, (int)r->nin);
	if (got < 0)
		return -EIO;
	if (evil && --evil == 0) {
		u8 *p = r->bufs[r->nout].ptr;
		size_t n = MIN((size_t)got, (size_t)r->bufs[r->nout].len);

		switch (how % 5) {
		case 0: got = rand() % (got + 1); break;
		case 1: memset(p + 7, 0xff, n > 7 ? n - 7 : 0); break;
		case 2: p[4] = (u8)rand(); break;
		case 3: p[rand() % n] ^= (u8)(1 << rand() % 8); break;
		case 4:
			for (size_t k = 7; k < n; k++)
				p[k] = (u8)rand();
			break;
		}
	}
	p9_req_done(r, (s32)got);
	return 0;
}

static const struct p9_transport transport = { .submit = submit };

static struct mount *connect_root(bool readonly, const char *aname)
{
	struct p9_boot b = { .ops = &transport, .aname = aname };
	struct mount_args a = { .source = "gofer", .flags = readonly ? 1 : 0, .boot = &b };

	return mount_create(fs_find("9p"), &a);
}

static void host(const char *cmd, const char *dir)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", dir, cmd);
	CHECK_EQ(system(line), 0);
}

#define CHECK_LIST(dir, names)                                        \
	do {                                                          \
		const char *have_ = t_list(dir, false);               \
		if (strcmp(have_, names))                             \
			fprintf(stderr, "%s holds %s\n", dir, have_); \
		CHECK(!strcmp(have_, names));                         \
	} while (0)

static void test_tree(const char *dir)
{
	struct stat_info st;
	char big[3 * 4096 + 5], back[sizeof(big)];
	char buf[64];
	int fd;

	host("mkdir -p a/b/c && echo deep > a/b/c/f && ln -s a/b l && seq 1 20000 > long && mkdir many && "
	     "for i in $(seq 1 300); do : > many/f$i; done; mkfifo fifo; mkdir -p "
	     "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20 && echo x > "
	     "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/f",
	     dir);
	CHECK(!strcmp(t_text("/a/b/c/f"), "deep\n"));
	CHECK(!strcmp(t_text("/l/c/f"), "deep\n"));
	calls = 0;
	CHECK_EQ(t_stat("/l/c/f", &st), 0);
	CHECK_EQ(calls, 0); /* all cached */
	CHECK_EQ(t_stat("/a/none", &st), -ENOENT);
	calls = 0;
	CHECK_EQ(t_stat("/a/none", &st), -ENOENT);
	CHECK_EQ(calls, 0); /* so is what is missing */
	CHECK_EQ(t_stat("/long", &st), 0);
	CHECK_EQ(st.size, 108894);
	fd = t_open("/long", O_RDONLY, 0);
	CHECK_EQ(t_pread(fd, buf, 64, 108890), 4);
	CHECK(!memcmp(buf, "000\n", 4));
	fd_close(fd);
	CHECK_EQ(strlen(t_list("/many", true)), 9 * 3 + 90 * 4 + 201 * 5 - 1);
	CHECK_LIST("/", "1 a fifo l long many");
	CHECK(!strcmp(t_text("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/f"), "x\n"));

	/* What we write is on the host when write returns. */
	t_file("/new", "written");
	host("test \"$(cat new)\" = written", dir);
	memset(big, 'b', sizeof(big));
	fd = t_open("/big", O_CREAT | O_RDWR, 0640);
	CHECK_EQ(t_pwrite(fd, big, sizeof(big), 100), sizeof(big));
	CHECK_EQ(t_pread(fd, back, sizeof(back), 100), sizeof(back));
	CHECK(!memcmp(big, back, sizeof(big)));
	host("test $(stat -c %s:%a big) = 12393:640", dir);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/big"), 0);
	CHECK_EQ(t_pwrite(fd, "z", 1, 0), 1); /* unlinked, still open */
	CHECK_EQ(t_pread(fd, back, 1, 0), 1);
	CHECK(back[0] == 'z');
	fd_close(fd);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/made", 0750), 0);
	CHECK_EQ(vfs_symlink("new", AT_FDCWD, "/made/link"), 0);
	CHECK_EQ(vfs_link(AT_FDCWD, "/new", AT_FDCWD, "/made/hard", 0), 0);
	CHECK_EQ(t_stat("/new", &st), 0);
	CHECK_EQ(st.nlink, 2);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/made", AT_FDCWD, "/a/moved", 0), 0);
	CHECK(!strcmp(t_text("/a/moved/hard"), "written"));
	dcache_reclaim(10000);
	CHECK(!strcmp(t_text("/a/moved/hard"), "written"));
	CHECK_EQ(t_chmod("/a/moved/hard", 0600), 0);
	CHECK_EQ(t_open("/a/moved/hard", O_WRONLY | O_TRUNC, 0), 0);
	fd_close(0);
	host("test $(stat -c %s:%a new) = 0:600 && test $(readlink a/moved/link) = new && test -d a/moved",
	     dir);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/a/moved"), -ENOTEMPTY);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/a/moved/hard"), 0);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/a/moved/link"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/a/moved"), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/new", AT_FDCWD, "/long", 0), 0);
	host("test ! -e new && test ! -s long && rm -r 1 a fifo l long many", dir);
}

/* An attribute may be empty, which is not the same as none. */
static void test_xattr(void)
{
	struct path_ref p;
	struct inode *i;
	char b[8];

	t_file("/attr", "");
	CHECK_EQ(path_lookup(AT_FDCWD, "/attr", 0, &p), 0);
	i = path_inode(&p);
	if (i->ops->setxattr(i, "user.a", "value", 5, 0) == -EOPNOTSUPP) {
		printf("no test of attributes: the file system below has none\n");
	} else {
		CHECK_EQ(i->ops->setxattr(i, "user.a", "", 0, XATTR_REPLACE), 0);
		CHECK_EQ(i->ops->getxattr(i, "user.a", b, sizeof(b)), 0);
		CHECK_EQ(i->ops->setxattr(i, "user.b", "", 0, XATTR_REPLACE), -ENODATA);
		CHECK_EQ(i->ops->setxattr(i, "user.b", "", 0, XATTR_CREATE), 0);
		CHECK_EQ(i->ops->setxattr(i, "user.b", "", 0, XATTR_CREATE), -EEXIST);
		CHECK_EQ(i->ops->getxattr(i, "user.b", b, sizeof(b)), 0);
		CHECK_EQ(i->ops->setxattr(i, "user.a", NULL, 0, 0), 0);
		CHECK_EQ(i->ops->getxattr(i, "user.a", b, sizeof(b)), -ENODATA);
	}
	/* The host's own, for which no message is sent. */
	CHECK_EQ(i->ops->setxattr(i, "security.selinux", "x", 1, 0), -EOPNOTSUPP);
	CHECK_EQ(i->ops->getxattr(i, "security.selinux", b, sizeof(b)), -ENODATA);
	path_put(&p);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/attr"), 0);
}

static int fsync_of(const char *name)
{
	int fd = t_open(name, O_RDWR, 0), err;
	struct file *f = fd_get(fd);

	err = f->ops->fsync(f, 0, ~0ULL, false);
	file_put(f);
	fd_close(fd);
	return err;
}

/* What is certain is not waited for; if it fails all the same, fsync says so once, and the next one is waited for. */
static void test_late_error(const char *dir)
{
	struct stat_info st;

	t_file("/m1", "");
	t_file("/m2", "");
	refused = P9_TSETATTR; /* the first of its kind */
	CHECK_EQ(t_chmod("/m1", 0600), -EIO);
	CHECK_EQ(t_chmod("/m1", 0600), 0);
	CHECK_EQ(t_chmod("/m2", 0640), 0);
	CHECK_EQ(fsync_of("/m2"), 0);
	host("test $(stat -c %a m2) = 640", dir);
	refused = P9_TSETATTR;
	CHECK_EQ(t_chmod("/m2", 0604), 0);
	CHECK_EQ(fsync_of("/m2"), -EIO);
	CHECK_EQ(fsync_of("/m2"), 0);
	CHECK_EQ(t_stat("/m2", &st), 0);
	CHECK_EQ(st.mode & 07777, 0640); /* the server's word */
	refused = P9_TSETATTR;
	CHECK_EQ(t_chmod("/m2", 0604), -EIO);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/m1"), 0);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/m2"), 0);
	host("test ! -e m1 && test ! -e m2", dir);
}

static int truncate_to(int fd, u64 size)
{
	struct file *f = fd_get(fd);
	int err = vfs_truncate(f->inode, size, f);

	file_put(f);
	return err;
}

/* Does the file hold data from pos on, and end behind it: here, and on the host? */
static void check_file(int fd, const char *dir, const char *data, size_t n, u64 pos)
{
	char name[512], *here = malloc(n), *there = malloc(n);
	struct stat_info st;
	FILE *f;

	snprintf(name, sizeof(name), "%s/w", dir);
	CHECK((f = fopen(name, "r")) && !fseek(f, (long)pos, SEEK_SET));
	CHECK_EQ(fread(there, 1, n, f), n);
	CHECK_EQ(fgetc(f), EOF);
	fclose(f);
	CHECK_EQ(t_pread(fd, here, n, pos), n);
	CHECK(!memcmp(there, data, n) && !memcmp(here, data, n));
	CHECK_EQ(t_stat("/w", &st), 0);
	CHECK_EQ(st.size, pos + n);
	free(here);
	free(there);
}

/* Long writes: in parts; up to the first that the server refuses they were written, what is behind it was not. */
static void test_long_write(const char *dir)
{
	size_t n = 700001, first = plain ? 256 << 10 : 64 << 10;
	int fd = t_open("/w", O_RDWR | O_CREAT, 0644);
	char *data = malloc(n);

	for (size_t k = 0; k < n; k++)
		data[k] = (char)(k * 31 + k / 4096);
	CHECK_EQ(t_pwrite(fd, data, n, 4096 + 5), n);
	check_file(fd, dir, data, n, 4096 + 5);
	CHECK_EQ(t_pwrite(fd, data, 131072, 0), 131072);
	CHECK_EQ(t_pwrite(fd, data, n, 0), n);
	refused = plain ? P9_TWRITE : P9_TWRITEPART;
	CHECK_EQ(t_pwrite(fd, data + 1, n - 1, 4096 + 5), -EIO);
	CHECK_EQ(truncate_to(fd, n), 0); /* this server does not know of a series' end */
	CHECK_EQ(t_pwrite(fd, data, n, 0), n);
	check_file(fd, dir, data, n, 0);
	CHECK_EQ(truncate_to(fd, 0), 0);
	refused = plain ? P9_TWRITE : P9_TWRITEPART;
	spared = 1;
	CHECK_EQ(t_pwrite(fd, data, n, 0), first);
	CHECK_EQ(t_pread(fd, data, n, 0), first);
	fd_close(fd);
	free(data);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/w"), 0);
}

/* Many fids: the cache gives old ones back, and names are found again by walks. */
static void test_many_fids(const char *dir)
{
	char name[32], text[16];

	host("for i in $(seq 1 1500); do echo $i > n$i; done", dir);
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i <= 1500; i++) {
			snprintf(name, sizeof(name), "/n%d", i);
			snprintf(text, sizeof(text), "%d\n", i);
			CHECK(!strcmp(t_text(name), text));
		}
	}
	host("rm n*", dir);
}

static void test_hostile(const char *dir)
{
	struct stat_info st;
	unsigned fails = 0;

	host("mkdir -p d/e && echo 1 > d/e/f && ln -s d/e l && for i in $(seq 1 50); do : > d/x$i; done",
	     dir);
	srand(3);
	for (how = 0; how < 400; how++) {
		struct mount *m;
		struct path_ref root, p;

		evil = 0;
		m = connect_root(true, "");
		CHECK(!IS_ERR(m));
		root = (struct path_ref){ m, m->root };
		evil = 1 + rand() % 6;
		if (!path_lookup_from(&root, how & 1 ? "l/f" : "d/e/f", LOOKUP_FOLLOW, &p)) {
			struct file *f = vfs_open_path(&p, O_RDONLY);
			char buf[8];

			if (!IS_ERR(f)) {
				fails += file_read_kernel(f, buf, 8, 0) != 2;
				file_put(f);
			}
			vfs_stat(&p, &st);
			path_put(&p);
		} else {
			fails++;
		}
		evil = 0;
		mount_put(m);
	}
	CHECK(fails > 50);
	host("rm -r d l", dir);
}

/* A read-only tree: look-ups after a listing cost no message. */
static void test_listing(const char *dir)
{
	struct stat_info st;
	char name[32];

	host("mkdir many && for i in $(seq 1 200); do echo $i > many/f$i; done && ln -s f7 many/l",
	     dir);
	host("mkdir many/d && echo in > many/d/x", dir);
	CHECK_EQ(strlen(t_list("/many", true)), 9 * 3 + 90 * 4 + 101 * 5 + 2 + 2 - 1);
	calls = 0;
	for (int i = 1; i <= 200; i++) {
		snprintf(name, sizeof(name), "/many/f%d", i);
		CHECK_EQ(t_stat(name, &st), 0);
		CHECK_EQ(st.size, i < 10 ? 2 : i < 100 ? 3 : 4);
	}
	fprintf(stderr, "%u messages for 200 look-ups out of order\n", calls);
	CHECK(calls < 600);
	CHECK(!strcmp(t_text("/many/l"), "7\n"));
	CHECK(!strcmp(t_text("/many/f7"), "7\n"));
	CHECK(!strcmp(t_text("/many/d/x"), "in\n"));
	calls = 0;
	CHECK(!strcmp(t_list("/many/d", false), "x"));
	CHECK(strlen(t_list("/many", false)) > 100);
	CHECK(calls < 12);
	host("rm -r many", dir);
}

#define LARGE 60000

static struct {
	struct dir_context ctx;
	unsigned left; /* of this call's buffer */
	u8 seen[LARGE];
} tally;

static bool tally_emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
		       unsigned type)
{
	char number[7] = "";
	int n = -1;

	if (len > 6) {
		memcpy(number, name + len - 6, 6);
		n = atoi(number);
	}
	if (!tally.left--)
		return false;
	CHECK(n < LARGE);
	if (n >= 0)
		tally.seen[n]++;
	return true;
}

/* A directory whose listing is larger than any one block: whole, each name once, in little memory once it is closed. */
static void test_large_listing(const char *dir)
{
	struct stat_info st;
	size_t before, after;
	struct file *f;
	u64 pos;
	int fd;

	host("mkdir large && cd large && seq -f 'a-name-of-middling-length-%06.0f' 0 59999 | xargs touch",
	     dir);
	CHECK_EQ(t_stat("/large", &st), 0);
	slab_trim();
	before = slab_bytes();
	fd = t_open("/large", O_RDONLY | O_DIRECTORY, 0);
	f = fd_get(fd);
	tally.ctx.emit = tally_emit;
	do {
		pos = tally.ctx.pos;
		tally.left = 700;
		mutex_lock(&f->inode->mutex);
		CHECK_EQ(f->ops->readdir(f, &tally.ctx), 0);
		mutex_unlock(&f->inode->mutex);
	} while (tally.ctx.pos != pos);
	fprintf(stderr, "listing 60,000 entries takes %zu KiB\n", (slab_bytes() - before) >> 10);
	CHECK(slab_bytes() - before < 5UL << 20);
	file_put(f);
	fd_close(fd);
	for (unsigned i = 0; i < LARGE; i++)
		CHECK_EQ(tally.seen[i], 1);
	slab_trim();
	after = slab_bytes();
	fprintf(stderr, "listing 60,000 entries left %zu KiB\n", (after - before) >> 10);
	CHECK(after - before < 1UL << 20);
	host("rm -r large", dir);
}

/* The task's root and working directory. */
static void enter(const struct path_ref *p)
{
	fs_context_set_root(task_current()->fs, p);
	fs_context_set_cwd(task_current()->fs, p);
}

static void test_death(void)
{
	struct stat_info st;
	char buf[8];
	int fd;

	t_file("/cached", "c");
	t_file("/other", "o");
	fd = t_open("/cached", O_RDWR, 0);
	CHECK_EQ(t_pread(fd, buf, 1, 0), 1);
	gofer_stream_kill();
	CHECK_EQ(t_pread(fd, buf, 1, 0), 1); /* cached */
	CHECK_EQ(t_pwrite(fd, "x", 1, 5000), -EIO);
	CHECK_EQ(t_open("/none", O_RDONLY, 0), -EIO);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/dir", 0755), -EIO);
	CHECK_EQ(t_stat("/other", &st), -EIO); /* its attributes were to be asked again */
	fd_close(fd);
}

/* A file that somebody outside cuts short: what was read stays, the rest is an error, and nothing else breaks. */
static void test_cut(const char *dir)
{
	struct file *f;
	char buf[8];
	paddr_t pa;
	int fd;

	host("seq 1 200000 > cut; seq 1 200000 > gone", dir);
	fd = t_open("/cut", O_RDONLY, 0);
	CHECK_EQ(t_pread(fd, buf, 8, 0), 8);
	host("truncate -s 500000 cut; truncate -s 0 gone", dir);
	CHECK_EQ(t_pread(fd, buf, 8, 499990), 8); /* in the last page that is there */
	CHECK(!memcmp(buf, "3\n85184\n", 8));
	CHECK_EQ(t_pread(fd, buf, 8, 500000 - 4), 8);
	CHECK(!buf[4] && !buf[7]); /* behind the end, in its page: zeroes */
	CHECK_EQ(t_pread(fd, buf, 8, 900000), -EIO);
	CHECK_EQ(t_pread(fd, buf, 8, 1200000), -EIO);
	CHECK_EQ(t_pread(fd, buf, 8, 0), 8);
	f = fd_get(fd);
	CHECK_EQ(pagecache_get(f->inode->pc, 200, false, &pa),
		 -EIO); /* what a fault makes SIGBUS of */
	file_put(f);
	fd_close(fd);
	host("rm cut gone", dir);
}

/* A layer in memory over a server that dies: what it had is gone, but there is still a place for new files. */
static void test_overlay_death(struct path_ref *lower)
{
	struct overlay_boot layers = { .lower = lower->mnt };
	struct mount_args a = { .source = "overlay", .boot = &layers };
	struct path_ref root = { 0 };
	struct stat_info st;

	mount_get(lower->mnt);
	root.mnt = mount_create(fs_find("overlay"), &a);
	CHECK(!IS_ERR(root.mnt));
	root.dentry = root.mnt->root;
	enter(&root);
	CHECK_EQ(t_stat("/d", &st), 0);
	gofer_stream_kill();
	CHECK_EQ(t_open("/d/in", O_RDONLY, 0), -EIO);
	CHECK_EQ(t_stat("/none", &st), -EIO);
	t_file("/d/new", "new");
	CHECK(!strcmp(t_text("/d/new"), "new"));
	t_file("/new", "top");
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d/e", 0755), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/d/new", AT_FDCWD, "/d/e/other", 0), 0);
	CHECK(!strcmp(t_text("/d/e/other"), "new"));
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/d/e/other"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/d/e"), 0);
	CHECK_EQ(t_open("/d/in", O_RDONLY, 0), -EIO);
	enter(lower);
	mount_put(root.mnt);
}

/* "diod": with that server, which we did not write (tests/interop/diod.sh); else with our gofer. */
int main(int argc, char **argv)
{
	bool diod = argc > 1 && !strcmp(argv[1], "diod");
	struct path_ref top;
	const char *dir;

	setenv("LC_ALL", "C", 1);
	unit_fs_init(NULL);
	fs_context_root(&top);
	dir = gofer_stream_start(false);
	test_hostile(dir);
	gofer_stream_kill();
	for (int k = diod ? 2 : -1; k < (diod ? 3 : 2); k++) {
		struct path_ref root = { 0 };

		plain = k == 1; /* diod itself makes plain 9P2000.L of what we ask for */
		dir = k < 2 ? gofer_stream_start(false) : gofer_stream_diod();
		if (!dir) {
			fprintf(stderr, "diod does not start\n");
			return 1;
		}
		root.mnt = connect_root(k < 0, k < 2 ? "" : dir);
		CHECK(!IS_ERR(root.mnt));
		root.dentry = root.mnt->root;
		enter(&root);
		if (k < 0) {
			test_listing(dir);
			test_large_listing(dir);
			test_cut(dir);
			host("mkdir d && echo in > d/in", dir);
			test_overlay_death(&root);
			host("rm -r d", dir);
		} else {
			test_tree(dir);
			if (k < 2)
				test_long_write(dir);
			test_many_fids(dir);
			if (k < 2)
				test_xattr();
			if (k == 0)
				test_late_error(dir);
		}
		if (k == 1)
			test_death();
		gofer_stream_kill();
		host("rm -f cached other", dir);
		enter(&top);
		mount_put(root.mnt);
	}
	path_put(&top);
	unit_fs_end();
	gofer_stream_stop();
	return 0;
}
