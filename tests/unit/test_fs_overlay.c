// sources: tests/unit/fs_host.c tests/unit/platform_host.c tests/unit/sched_host.c guest/mm/*.c guest/lib/*.c guest/task/mutex.c guest/task/wait.c
// sources: guest/fs/acl.c guest/fs/attr.c guest/fs/create.c guest/fs/dentry.c guest/fs/dir.c guest/fs/dirtable.c guest/fs/fdtable.c guest/fs/file.c guest/fs/filesystems.c
// sources: guest/fs/handle.c guest/fs/inode.c guest/fs/inotify.c guest/fs/iov.c guest/fs/itable.c guest/fs/landlock/landlock.c guest/fs/lock.c guest/fs/mount/mount.c guest/fs/mount/attach.c guest/fs/mount/copy.c guest/fs/mount/flags.c guest/fs/mount/ns.c guest/fs/mount/ops.c guest/fs/mount/peer_group.c guest/fs/mount/umount.c guest/fs/namei.c guest/fs/notify.c guest/fs/open.c
// sources: guest/fs/overlay/layers.c guest/fs/overlay/memory.c guest/fs/overlay/stack*.c guest/fs/p9/*.c guest/fs/pagefile.c guest/fs/path.c guest/fs/permission.c guest/fs/pseudo.c guest/fs/rename.c guest/fs/seq.c
// sources: guest/fs/super.c guest/fs/tmpfs/*.c guest/fs/walk_fast.c guest/fs/xattrs.c guest/ring/ring.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1 -pthread
// libs: -pthread
/*
 * test_fs_overlay.c - an overlay behaves as one file system: the same random operations on an overlay whose lower layer
 * holds files and on a plain tmpfs with the same files give the same results and the same trees; the lower layer stays
 * as it was. Then cases that deserve a name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/mount/table.h"
#include "fs/mount/mount.h"
#include "fs/seq.h"
#include "task/task.h"
#include "tests/unit/fs_host.h"

#define STEPS 6000

static struct mount *lower_mnt;

static void fill(const char *top)
{
	char p[128];

	for (int d = 0; d < 3; d++) {
		snprintf(p, sizeof(p), "%s/d%d", top, d);
		CHECK_EQ(vfs_mkdir(AT_FDCWD, p, 0755), 0);
		for (int f = 0; f < 3; f++) {
			snprintf(p, sizeof(p), "%s/d%d/f%d", top, d, f);
			t_file(p, p + strlen(top));
		}
		snprintf(p, sizeof(p), "%s/d%d/s", top, d);
		CHECK_EQ(vfs_mkdir(AT_FDCWD, p, 0755), 0);
	}
	snprintf(p, sizeof(p), "%s/f0", top);
	t_file(p, "plain file");
}

/* What a tree looks like to programs. */
static void dump(struct seq *s, const char *top, const char *dir)
{
	char path[256], *names, *save = NULL;

	snprintf(path, sizeof(path), "%s%s", top, dir);
	names = strdup(t_list(path, false));
	for (char *n = strtok_r(names, " ", &save); n; n = strtok_r(NULL, " ", &save)) {
		char rel[256];
		struct stat_info st;

		snprintf(rel, sizeof(rel), "%s/%s", dir, n);
		snprintf(path, sizeof(path), "%s%s", top, rel);
		CHECK_EQ(t_lstat(path, &st), 0);
		seq_printf(s, "%s %o %u", rel, st.mode, st.nlink);
		if (S_ISREG(st.mode)) {
			seq_printf(s, " %llu %s", (unsigned long long)st.size, t_text(path));
		} else if (S_ISDIR(st.mode)) {
			seq_puts(s, "\n");
			dump(s, top, rel);
			continue;
		}
		seq_puts(s, "\n");
	}
	free(names);
}

static void name(char *out, size_t size, unsigned r)
{
	static const char *const dirs[] = { "",	     "/d0",   "/d1",   "/d2",
					    "/d0/s", "/d1/s", "/d2/s", "/n0" };
	static const char *const files[] = { "/f0", "/f1", "/f2", "/s", "/n0", "/n1", "/d0", "/d1" };

	snprintf(out, size, "%s%s", dirs[r % 8], files[r / 8 % 8]);
}

static int step(const char *top, unsigned op, unsigned a, unsigned b)
{
	char ra[64], rb[64], pa[128], pb[128];
	struct stat_info st;
	int fd, r;

	name(ra, sizeof(ra), a);
	name(rb, sizeof(rb), b);
	snprintf(pa, sizeof(pa), "%s%s", top, ra);
	snprintf(pb, sizeof(pb), "%s%s", top, rb);
	switch (op % 12) {
	case 0: return vfs_mkdir(AT_FDCWD, pa, 0700 + b % 64);
	case 1: return vfs_unlink(AT_FDCWD, pa);
	case 2: return vfs_rmdir(AT_FDCWD, pa);
	case 3:
	case 4: return vfs_rename(AT_FDCWD, pa, AT_FDCWD, pb, 0);
	case 5: return vfs_rename(AT_FDCWD, pa, AT_FDCWD, pb, RENAME_EXCHANGE);
	case 6: return vfs_link(AT_FDCWD, pa, AT_FDCWD, pb, 0);
	case 7: return t_chmod(pa, 0600 + b % 64);
	case 8:
		fd = t_open(pa, O_CREAT | O_RDWR, 0644);
		if (fd < 0)
			return fd;
		r = (int)t_pwrite(fd, "0123456789", 1 + b % 10, b % 30);
		fd_close(fd);
		return r;
	case 9:
		fd = t_open(pa, O_RDWR | O_TRUNC, 0);
		if (fd < 0)
			return fd;
		fd_close(fd);
		return 0;
	case 10:
		fd = t_open(pa, O_RDWR | O_APPEND, 0);
		if (fd < 0)
			return fd;
		r = (int)t_write(fd, "more", 1 + b % 4);
		fd_close(fd);
		return r;
	default: r = t_lstat(pa, &st); return r ? r : (int)st.mode;
	}
}

static void test_model(void)
{
	struct seq s1 = { 0 }, s2 = { 0 }, before = { 0 }, after = { 0 };

	dump(&before, "/lower", "");
	srand(7);
	for (int i = 0; i < STEPS; i++) {
		unsigned op = (unsigned)rand(), a = (unsigned)rand(), b = (unsigned)rand();
		int r1 = step("/over", op, a, b), r2 = step("/plain", op, a, b);

		if (r1 != r2) {
			char na[64], nb[64];

			name(na, sizeof(na), a);
			name(nb, sizeof(nb), b);
			fprintf(stderr, "step %d: op %u %s %s: overlay %d, tmpfs %d\n", i, op % 12,
				na, nb, r1, r2);
			exit(1);
		}
		if (i % 97 == 0)
			dcache_reclaim(100);
		if (i % 50 && i < STEPS - 1)
			continue;
		s1.len = s2.len = 0;
		dump(&s1, "/over", "");
		dump(&s2, "/plain", "");
		if (s1.len != s2.len || memcmp(s1.buf, s2.buf, s1.len)) {
			fprintf(stderr, "after step %d\n--- overlay\n%s--- tmpfs\n%s", i, s1.buf,
				s2.buf);
			exit(1);
		}
	}
	dump(&after, "/lower", "");
	CHECK(before.len == after.len && !memcmp(before.buf, after.buf, before.len));
	seq_free(&s1);
	seq_free(&s2);
	seq_free(&before);
	seq_free(&after);
}

static void mount_over(const char *at)
{
	struct overlay_boot layers = { .lower = lower_mnt };
	struct mount_args a = { .source = "overlay", .boot = &layers };
	struct path_ref p;
	struct mount *m;

	mount_get(lower_mnt);
	m = mount_create(fs_find("overlay"), &a);
	CHECK(!IS_ERR(m));
	CHECK_EQ(path_lookup(AT_FDCWD, at, LOOKUP_FOLLOW, &p), 0);
	CHECK_EQ(mount_attach(m, &p), 0);
	path_put(&p);
}

static void test_cases(void)
{
	struct stat_info a, b;
	struct file *f;
	char buf[32];
	int fd, rd;

	CHECK_EQ(t_stat("/over/d0/f0", &a), 0);
	rd = t_open("/over/d0/f0", O_RDONLY, 0);
	fd = t_open("/over/d0/f0", O_WRONLY, 0);
	CHECK_EQ(t_pwrite(fd, "X", 1, 0), 1);
	CHECK_EQ(t_pread(rd, buf, 4, 0), 4); /* opened before the first write, and yet */
	CHECK(!memcmp(buf, "Xd0/", 4));
	CHECK_EQ(t_stat("/over/d0/f0", &b), 0);
	CHECK_EQ(a.ino, b.ino);
	CHECK_EQ(a.dev, b.dev);
	fd_close(fd);
	fd_close(rd);

	/* Shrink, then grow: what was cut off is zero, not the lower bytes. */
	fd = t_open("/over/d0/f1", O_RDWR, 0);
	f = fd_get(fd);
	CHECK_EQ(vfs_truncate(f->inode, 3, f), 0);
	CHECK_EQ(vfs_truncate(f->inode, 6, f), 0);
	CHECK_EQ(t_pread(fd, buf, 10, 0), 6);
	CHECK(!memcmp(buf, "/d0\0\0\0", 6));
	file_put(f);
	fd_close(fd);
	/* A hole punched into lower data reads as zero. */
	fd = t_open("/over/d0/f2", O_RDWR, 0);
	f = fd_get(fd);
	CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	CHECK_EQ(t_pread(fd, buf, 2, 0), 2);
	CHECK(!memcmp(buf, "\0\0", 2));
	file_put(f);
	fd_close(fd);
	/* A directory moves with all that is below it, and the old name is gone for good. */
	CHECK_EQ(vfs_rename(AT_FDCWD, "/over/d1", AT_FDCWD, "/over/moved", 0), 0);
	CHECK(!strcmp(t_list("/over/moved", true), "f0 f1 f2 s"));
	CHECK(!strcmp(t_text("/over/moved/f1"), "/d1/f1"));
	CHECK_EQ(t_stat("/over/d1", &a), -ENOENT);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/over/d1", 0755), 0);
	CHECK(!strcmp(t_list("/over/d1", false), "")); /* new, not the lower one */
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/over/d1"), 0);
	CHECK(!strcmp(t_list("/over", false), "d0 d2 f0 moved"));
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/over/d2"), -ENOTEMPTY);
}

int main(void)
{
	struct path_ref p;

	unit_fs_init(NULL);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/lower", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/over", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/plain", 0755), 0);
	CHECK_EQ(vfs_mount("lower", "/lower", "tmpfs", 0, "mode=755"), 0);
	fill("/lower");
	fill("/plain");
	CHECK_EQ(path_lookup(AT_FDCWD, "/lower", LOOKUP_FOLLOW, &p), 0);
	lower_mnt = p.mnt;
	mount_over("/over");
	test_cases();
	CHECK_EQ(vfs_umount("/over", 0), 0);
	mount_over("/over");
	test_model();
	CHECK_EQ(vfs_umount("/over", 0), 0);
	path_put(&p);
	CHECK_EQ(vfs_umount("/lower", 0), 0);
	unit_fs_end();
	return 0;
}
