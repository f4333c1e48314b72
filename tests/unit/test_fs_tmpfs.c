// sources: tests/unit/fs_host.c tests/unit/platform_host.c tests/unit/sched_host.c guest/mm/*.c guest/lib/*.c guest/task/mutex.c guest/task/wait.c
// sources: guest/fs/acl.c guest/fs/attr.c guest/fs/create.c guest/fs/dentry.c guest/fs/dir.c guest/fs/dirtable.c guest/fs/fdtable.c guest/fs/file.c guest/fs/filesystems.c
// sources: guest/fs/handle.c guest/fs/inode.c guest/fs/inotify.c guest/fs/iov.c guest/fs/itable.c guest/fs/landlock/landlock.c guest/fs/lock.c guest/fs/mount/mount.c guest/fs/mount/attach.c guest/fs/mount/copy.c guest/fs/mount/flags.c guest/fs/mount/ns.c guest/fs/mount/ops.c guest/fs/mount/peer_group.c guest/fs/mount/umount.c guest/fs/namei.c guest/fs/notify.c guest/fs/open.c
// sources: guest/fs/overlay/layers.c guest/fs/overlay/memory.c guest/fs/overlay/stack*.c guest/fs/p9/*.c guest/fs/pagefile.c guest/fs/path.c guest/fs/permission.c guest/fs/pseudo.c guest/fs/rename.c guest/fs/seq.c
// sources: guest/fs/super.c guest/fs/tmpfs/*.c guest/fs/walk_fast.c guest/fs/xattrs.c guest/ring/ring.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1 -pthread
// libs: -pthread
/*
 * test_fs_tmpfs.c - path walks, names, rights and file content on a tmpfs.
 */
#include <stdlib.h>
#include <string.h>

#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/xattrs.h"
#include "task/task.h"
#include "tests/unit/fs_host.h"

static void test_files(void)
{
	struct stat_info st;
	char buf[64];
	int fd, fd2;

	CHECK_EQ(t_open("/nope", O_RDONLY, 0), -ENOENT);
	t_file("/a", "hello");
	CHECK(!strcmp(t_text("/a"), "hello"));
	CHECK_EQ(t_stat("/a", &st), 0);
	CHECK_EQ(st.size, 5);
	CHECK_EQ(st.mode, S_IFREG | 0644);
	CHECK_EQ(t_open("/a", O_CREAT | O_EXCL, 0600), -EEXIST);
	CHECK_EQ(t_open("/a/b", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQ(t_open("/a/", O_RDONLY, 0), -ENOTDIR);
	CHECK_EQ(t_open("/a", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	CHECK_EQ(t_open("/", O_WRONLY, 0), -EISDIR);
	CHECK_EQ(t_open("", O_RDONLY, 0), -ENOENT);

	fd = t_open("/a", O_RDWR | O_APPEND, 0);
	CHECK_EQ(t_write(fd, " world", 6), 6);
	CHECK_EQ(t_pread(fd, buf, sizeof(buf), 3), 8);
	CHECK(!memcmp(buf, "lo world", 8));
	fd2 = t_open("/a", O_WRONLY | O_TRUNC, 0);
	CHECK_EQ(t_pread(fd, buf, sizeof(buf), 0), 0);
	CHECK_EQ(t_pwrite(fd2, "x", 1, 10000), 1);
	CHECK_EQ(t_pread(fd, buf, 4, 9998), 3);
	CHECK(!memcmp(buf, "\0\0x", 3));
	CHECK_EQ(t_stat("/a", &st), 0);
	CHECK_EQ(st.size, 10001);
	CHECK_EQ(st.blocks, 8);
	CHECK_EQ(t_read(fd2, buf, 1), -EBADF);
	unit_fsize_limit = 100;
	CHECK_EQ(t_pwrite(fd2, "abcdef", 6, 97), 3);
	CHECK_EQ(t_pwrite(fd2, "abcdef", 6, 100), -EFBIG);
	CHECK_EQ(unit_signals, 1);
	unit_fsize_limit = ~0ULL;

	/* Unlinked but open. */
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/a"), 0);
	CHECK_EQ(t_open("/a", O_RDONLY, 0), -ENOENT);
	CHECK_EQ(t_pread(fd, buf, 1, 97), 1);
	CHECK(buf[0] == 'a');
	CHECK_EQ(fd_close(fd), 0);
	CHECK_EQ(fd_close(fd2), 0);
	CHECK_EQ(fd_close(fd2), -EBADF);
}

static void test_seek_holes(void)
{
	int fd = t_open("/h", O_CREAT | O_RDWR, 0600);
	struct file *f = fd_get(fd);

	CHECK_EQ(t_pwrite(fd, "d", 1, 3 * 4096), 1);
	CHECK_EQ(t_pwrite(fd, "d", 1, 9 * 4096), 1);
	CHECK_EQ(f->ops->seek(f, 0, SEEK_DATA), 3 * 4096);
	CHECK_EQ(f->ops->seek(f, 3 * 4096 + 7, SEEK_HOLE), 4 * 4096);
	CHECK_EQ(f->ops->seek(f, 4 * 4096, SEEK_DATA), 9 * 4096);
	CHECK_EQ(f->ops->seek(f, 9 * 4096, SEEK_HOLE), 9 * 4096 + 1);
	CHECK_EQ(f->ops->seek(f, 9 * 4096 + 1, SEEK_DATA), -ENXIO);
	CHECK_EQ(f->ops->seek(f, -1, SEEK_SET), -EINVAL);
	CHECK_EQ(f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * 4096, 4096),
		 0);
	CHECK_EQ(f->ops->seek(f, 0, SEEK_DATA), 9 * 4096);
	CHECK_EQ(f->ops->fallocate(f, 0, 0, 20 * 4096), 0);
	CHECK_EQ(f->inode->size, 20 * 4096);
	CHECK_EQ(f->inode->blocks, 20 * 8);
	file_put(f);
	fd_close(fd);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "h"), 0);
}

static void test_walk(void)
{
	struct path_ref p;
	struct stat_info st;
	char buf[128];

	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d/e/", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/x/y", 0755), -ENOENT);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d/.", 0755), -EEXIST);
	t_file("/d/e/f", "deep");
	for (int i = 0; i < 3; i++) /* slow, then cached */
		CHECK(!strcmp(t_text("//d/./e/../e//f"), "deep"));
	CHECK_EQ(vfs_symlink("e/f", AT_FDCWD, "/d/l"), 0);
	CHECK_EQ(vfs_symlink("/d/e", AT_FDCWD, "/dir"), 0);
	CHECK_EQ(vfs_symlink("loop", AT_FDCWD, "/loop"), 0);
	CHECK_EQ(vfs_symlink("nowhere", AT_FDCWD, "/dangling"), 0);
	CHECK_EQ(vfs_symlink("", AT_FDCWD, "/empty"), -ENOENT);
	for (int i = 0; i < 2; i++) {
		CHECK(!strcmp(t_text("/d/l"), "deep"));
		CHECK(!strcmp(t_text("/dir/f"), "deep"));
		CHECK(!strcmp(t_text("/dir/../l"), "deep"));
		CHECK_EQ(t_open("/loop", O_RDONLY, 0), -ELOOP);
		CHECK_EQ(t_open("/d/l", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
		CHECK_EQ(t_lstat("/dir", &st), 0);
		CHECK(S_ISLNK(st.mode));
		CHECK_EQ(t_lstat("/dir/", &st), 0);
		CHECK(S_ISDIR(st.mode));
		CHECK_EQ(t_stat("/d/l/", &st), -ENOTDIR);
		CHECK_EQ(t_stat("/dangling", &st), -ENOENT);
		CHECK_EQ(t_stat("/../../d", &st), 0);
	}
	/* O_CREAT goes through a dangling link; O_EXCL does not. */
	CHECK_EQ(t_open("/dangling", O_CREAT | O_EXCL | O_WRONLY, 0600), -EEXIST);
	t_file("/dangling", "made");
	CHECK(!strcmp(t_text("/nowhere"), "made"));
	CHECK_EQ(t_open("/new/", O_CREAT | O_WRONLY, 0600), -EISDIR);
	CHECK_EQ(t_open("/d", O_CREAT | O_RDONLY, 0600), -EISDIR);

	CHECK_EQ(path_lookup(AT_FDCWD, "/d/e/f", 0, &p), 0);
	CHECK(!strcmp(path_name(&p, buf, sizeof(buf)), "/d/e/f"));
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/d/e/f"), 0);
	CHECK(!strcmp(path_name(&p, buf, sizeof(buf)), "/d/e/f (deleted)"));
	CHECK(IS_ERR(path_name(&p, buf, 12)));
	path_put(&p);

	CHECK_EQ(path_lookup(AT_FDCWD, "/dir", LOOKUP_NO_SYMLINKS | LOOKUP_FOLLOW, &p), -ELOOP);
	CHECK_EQ(path_lookup(AT_FDCWD, "/dir", LOOKUP_BENEATH, &p), -EXDEV);
	CHECK_EQ(path_lookup(AT_FDCWD, "d/../..", LOOKUP_BENEATH, &p), -EXDEV);
	CHECK_EQ(path_lookup(AT_FDCWD, "d/..", LOOKUP_BENEATH, &p), 0);
	path_put(&p);
	memset(buf, 'n', sizeof(buf));
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/d/l"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/d"), -ENOTEMPTY);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/d/e"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/d/."), -EINVAL);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/d/.."), -ENOTEMPTY);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/dir"), -ENOTDIR);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/d"), -EISDIR);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/d"), 0);
	vfs_unlink(AT_FDCWD, "/dir");
	vfs_unlink(AT_FDCWD, "/loop");
	vfs_unlink(AT_FDCWD, "/dangling");
	vfs_unlink(AT_FDCWD, "/nowhere");
	CHECK(!strcmp(t_list("/", false), ""));
}

static void test_long_names(void)
{
	char name[300] = "/", path[5000];
	struct stat_info st;

	memset(name + 1, 'x', 255);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, name, 0700), 0);
	CHECK_EQ(t_stat(name, &st), 0);
	CHECK_EQ(t_stat(name, &st), 0);
	name[256] = 'x';
	CHECK_EQ(t_stat(name, &st), -ENAMETOOLONG);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, name, 0700), -ENAMETOOLONG);
	name[256] = 0;
	CHECK_EQ(vfs_rename(AT_FDCWD, name, AT_FDCWD, "/short", 0), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/short", AT_FDCWD, name, 0), 0);
	snprintf(path, sizeof(path), "%s/%.200s", name, name + 1);
	t_file(path, "1");
	CHECK_EQ(vfs_rename(AT_FDCWD, path, AT_FDCWD, "/s", RENAME_NOREPLACE), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/s", AT_FDCWD, name, RENAME_EXCHANGE), 0);
	CHECK(!strcmp(t_text(name), "1"));
	CHECK_EQ(vfs_unlink(AT_FDCWD, name), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/s"), 0);
}

static void test_rename_link(void)
{
	struct stat_info a, b;

	t_file("/1", "one");
	t_file("/2", "two");
	CHECK_EQ(vfs_link(AT_FDCWD, "/1", AT_FDCWD, "/1b", 0), 0);
	CHECK_EQ(t_stat("/1", &a), 0);
	CHECK_EQ(t_stat("/1b", &b), 0);
	CHECK_EQ(a.ino, b.ino);
	CHECK_EQ(a.nlink, 2);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/1", AT_FDCWD, "/1b", 0),
		 0); /* the same file: nothing happens */
	CHECK(!strcmp(t_text("/1"), "one"));
	CHECK_EQ(vfs_rename(AT_FDCWD, "/1", AT_FDCWD, "/2", RENAME_NOREPLACE), -EEXIST);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/1", AT_FDCWD, "/2", RENAME_EXCHANGE), 0);
	CHECK(!strcmp(t_text("/2"), "one"));
	CHECK_EQ(vfs_rename(AT_FDCWD, "/2", AT_FDCWD, "/1", 0), 0);
	CHECK(!strcmp(t_text("/1"), "one"));
	CHECK(!t_text("/2"));
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/d/s", 0755), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/d", AT_FDCWD, "/d/s/x", 0), -EINVAL);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/d/s", AT_FDCWD, "/d", 0), -ENOTEMPTY);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/1", AT_FDCWD, "/d", 0), -EISDIR);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/d", AT_FDCWD, "/1", 0), -ENOTDIR);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/1/", AT_FDCWD, "/3", 0), -ENOTDIR);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/d", AT_FDCWD, "/d2/", 0), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/.", AT_FDCWD, "/z", 0), -EBUSY);
	CHECK_EQ(t_stat("/d2", &a), 0);
	CHECK_EQ(a.nlink, 3);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/d2/s", AT_FDCWD, "/s", 0), 0);
	CHECK_EQ(t_stat("/d2", &a), 0);
	CHECK_EQ(a.nlink, 2);
	CHECK_EQ(vfs_link(AT_FDCWD, "/s", AT_FDCWD, "/s2", 0), -EPERM);
	CHECK(!strcmp(t_list("/", true), "1 1b d2 s"));
	vfs_unlink(AT_FDCWD, "/1");
	vfs_unlink(AT_FDCWD, "/1b");
	vfs_rmdir(AT_FDCWD, "/d2");
	vfs_rmdir(AT_FDCWD, "/s");
}

static void test_rights(void)
{
	struct stat_info st;

	CHECK_EQ(t_chmod("/", 01777), 0);
	t_file("/root-only", "secret");
	CHECK_EQ(t_chmod("/root-only", 0600), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/shut", 0700), 0);
	t_file("/shut/x", "x");
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/sgid", 0777), 0);
	CHECK_EQ(t_chmod("/sgid", 02777), 0);
	unit_fs_user(1000, 1000, 0);
	CHECK_EQ(t_open("/root-only", O_RDONLY, 0), -EACCES);
	CHECK_EQ(t_open("/shut/x", O_RDONLY, 0), -EACCES);
	CHECK_EQ(t_open("/shut/x", O_RDONLY, 0), -EACCES);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/root-only"), -EPERM); /* sticky */
	CHECK_EQ(t_chmod("/root-only", 0666), -EPERM);
	t_file("/mine", "m");
	CHECK_EQ(t_stat("/mine", &st), 0);
	CHECK_EQ(st.uid, 1000);
	t_file("/sgid/f", "f");
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/sgid/d", 0755), 0);
	CHECK_EQ(t_stat("/sgid/f", &st), 0);
	CHECK_EQ(st.gid, 0);
	CHECK_EQ(t_stat("/sgid/d", &st), 0);
	CHECK_EQ(st.mode, S_IFDIR | 02755);
	CHECK_EQ(vfs_mknod(AT_FDCWD, "/dev", S_IFCHR | 0666, DEV(1, 3)), -EPERM);
	CHECK_EQ(vfs_mknod(AT_FDCWD, "/fifo", S_IFIFO | 0666, 0), 0);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/fifo"), 0);
	unit_fs_user(1001, 1001, 0);
	CHECK_EQ(t_open("/mine", O_WRONLY, 0), -EACCES);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/mine", AT_FDCWD, "/theirs", 0), -EPERM);
	unit_fs_user(0, 0, ~0ULL);
	vfs_unlink(AT_FDCWD, "/mine");
	vfs_unlink(AT_FDCWD, "/root-only");
	vfs_unlink(AT_FDCWD, "/shut/x");
	vfs_rmdir(AT_FDCWD, "/shut");
	vfs_rmdir(AT_FDCWD, "/sgid/d");
	vfs_unlink(AT_FDCWD, "/sgid/f");
	vfs_rmdir(AT_FDCWD, "/sgid");
}

static void test_tmpfile(void)
{
	struct stat_info st;
	struct file *f;
	int fd;

	CHECK_EQ(t_open("/", O_TMPFILE | O_RDONLY, 0600), -EINVAL);
	fd = t_open("/", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(t_write(fd, "tmp", 3), 3);
	f = fd_get(fd);
	CHECK_EQ(vfs_stat_file(f, &st), 0);
	CHECK_EQ(st.nlink, 0);
	file_put(f);
	CHECK_EQ(vfs_link(fd, "", AT_FDCWD, "/linked", AT_EMPTY_PATH), 0);
	CHECK(!strcmp(t_text("/linked"), "tmp"));
	fd_close(fd);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/linked"), 0);
	fd = t_open("/", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	CHECK_EQ(vfs_link(fd, "", AT_FDCWD, "/linked", AT_EMPTY_PATH), -ENOENT);
	fd_close(fd);
}

static void test_full(void)
{
	static char big[40 * 4096];
	int fd;

	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/m", 0755), 0);
	CHECK_EQ(vfs_mount("none", "/m", "nofs", 0, NULL), -ENODEV);
	CHECK_EQ(vfs_mount("none", "/m", "tmpfs", 0, "size=64k,nr_inodes=4,mode=700"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/m"), -EBUSY);
	fd = t_open("/m/f", O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(t_write(fd, big, sizeof(big)), 65536);
	CHECK_EQ(t_write(fd, big, 1), -ENOSPC);
	CHECK_EQ(t_pwrite(fd, big, 1, 100), 1); /* what is there can be changed */
	CHECK_EQ(vfs_umount("/m", 0), -EBUSY);
	fd_close(fd);
	fd = t_open("/m/f", O_TRUNC | O_RDWR, 0600);
	CHECK_EQ(t_write(fd, big, 5000), 5000);
	fd_close(fd);
	t_file("/m/a", "");
	t_file("/m/b", "");
	CHECK_EQ(t_open("/m/c", O_CREAT | O_WRONLY, 0600), -ENOSPC);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/m/a", AT_FDCWD, "/a", 0), -EXDEV);
	CHECK_EQ(vfs_mount(NULL, "/m", NULL, 0x20 | 1, NULL), 0); /* MS_REMOUNT | MS_RDONLY */
	CHECK_EQ(t_open("/m/a", O_WRONLY, 0), -EROFS);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/m/a"), -EROFS);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/m/a", 0700), -EEXIST);
	CHECK_EQ(vfs_umount("/m", 0), 0);
	CHECK_EQ(vfs_umount("/m", 0), -EINVAL);
	CHECK(!strcmp(t_list("/m", false), ""));
	/* Bind mounts show another place; a file can be bound, too. */
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/src", 0755), 0);
	t_file("/src/f", "bound");
	CHECK_EQ(vfs_mount("/src", "/m", NULL, 4096, NULL), 0);
	CHECK(!strcmp(t_text("/m/f"), "bound"));
	CHECK(!strcmp(t_text("/m/../src/f"), "bound"));
	CHECK_EQ(vfs_umount("/m", 2), 0);
	CHECK(!t_text("/m/f"));
	vfs_unlink(AT_FDCWD, "/src/f");
	vfs_rmdir(AT_FDCWD, "/src");
	vfs_rmdir(AT_FDCWD, "/m");
}

static void test_many(void)
{
	char name[32];

	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/many", 0755), 0);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "/many/f%d", i);
		t_file(name, name);
	}
	CHECK(strlen(t_list("/many", true)) == strlen(t_list("/many", false)));
	dcache_reclaim(1000);
	dcache_reclaim(1000);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "/many/f%d", i);
		CHECK(!strcmp(t_text(name), name));
		CHECK_EQ(vfs_unlink(AT_FDCWD, name), 0);
	}
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/many"), 0);
}

static void test_cwd_gone(void)
{
	struct fs_context *c = task_current()->fs;
	struct path_ref p, root;

	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/gone", 0755), 0);
	CHECK_EQ(path_lookup(AT_FDCWD, "/gone", 0, &p), 0);
	fs_context_root(&root);
	fs_context_set_cwd(c, &p);
	path_put(&p);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/gone"), 0);
	CHECK_EQ(t_open("x", O_CREAT | O_WRONLY, 0600), -ENOENT);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "x", 0700), -ENOENT);
	CHECK_EQ(path_lookup(AT_FDCWD, "..", 0, &p), 0);
	CHECK(p.dentry == root.dentry);
	path_put(&p);
	fs_context_set_cwd(c, &root);
	path_put(&root);
}

static void test_text_busy(void)
{
	struct file *exe;
	int fd;

	t_file("/bin", "#!");
	CHECK_EQ(t_chmod("/bin", 0755), 0);
	fd = t_open("/bin", O_WRONLY, 0);
	CHECK_EQ(PTR_ERR(vfs_open_exec(AT_FDCWD, "/bin", 0)), -ETXTBSY);
	fd_close(fd);
	exe = vfs_open_exec(AT_FDCWD, "/bin", 0);
	CHECK(!IS_ERR(exe));
	CHECK_EQ(t_open("/bin", O_WRONLY, 0), -ETXTBSY);
	file_put(exe);
	fd = t_open("/bin", O_WRONLY, 0);
	CHECK(fd >= 0);
	fd_close(fd);
	CHECK_EQ(t_chmod("/bin", 0644), 0);
	CHECK_EQ(PTR_ERR(vfs_open_exec(AT_FDCWD, "/bin", 0)), -EACCES);
	CHECK_EQ(PTR_ERR(vfs_open_exec(AT_FDCWD, "/", 0)), -EACCES);
	vfs_unlink(AT_FDCWD, "/bin");
}

int main(void)
{
	unit_fs_init("mode=755");
	test_files();
	test_seek_holes();
	test_walk();
	test_long_names();
	test_rename_link();
	test_rights();
	test_tmpfile();
	test_full();
	test_many();
	test_cwd_gone();
	test_text_busy();
	unit_fs_end();
	return 0;
}
