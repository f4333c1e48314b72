// Errnos of calls that take names: the walk's (for every such call), a read-only mount's, and those of what is to be changed.
#include "abi.h"

#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static char long_name[300];

/* dir/, locked/ (nobody may search it), file, loop -> loop, link -> file; the working directory is everybody's. */
static void tree(void)
{
	abi_tmpdir();
	chmod(".", 0777);
	memset(long_name, 'n', 256);
	mkdir("locked", 0700);
	close(abi_file("locked/x", "", 0600));
	mkdir("dir", 0755);
	close(abi_file("dir/x", "", 0644));
	close(abi_file("file", "text", 0644));
	if (symlink("loop", "loop") && errno != EEXIST)
		ABI_FAIL("symlink");
	if (symlink("file", "link") && errno != EEXIST)
		ABI_FAIL("symlink");
}

/* The walk to p fails in each way that a walk can. */
#define WALK_ERRNOS(call)                        \
	do {                                     \
		const char *p = "none/x";        \
		CHECK_ERRNO(call, ENOENT);       \
		p = "";                          \
		CHECK_ERRNO(call, ENOENT);       \
		p = "file/x";                    \
		CHECK_ERRNO(call, ENOTDIR);      \
		p = "loop/x";                    \
		CHECK_ERRNO(call, ELOOP);        \
		p = long_name;                   \
		CHECK_ERRNO(call, ENAMETOOLONG); \
		p = bad_ptr();                   \
		CHECK_ERRNO(call, EFAULT);       \
		p = "locked/x";                  \
		CHECK_ERRNO(call, EACCES);       \
	} while (0)

/* The same, and a relative name from a descriptor that is none, or of a file. */
#define WALK_AT_ERRNOS(call)                \
	do {                                \
		int d = AT_FDCWD;           \
		WALK_ERRNOS(call);          \
		const char *p = "x";        \
		d = 999;                    \
		CHECK_ERRNO(call, EBADF);   \
		d = open("file", O_RDONLY); \
		CHECK_ERRNO(call, ENOTDIR); \
		close(d);                   \
	} while (0)

TEST(walk)
{
	char b[1024];

	NEED_ROOT();
	tree();
	IN_CHILD_AS(NOBODY)
	{
		int watch = inotify_init1(0);

		WALK_ERRNOS(syscall(SYS_open, p, O_RDONLY, 0));
		WALK_ERRNOS(syscall(SYS_open, p, O_WRONLY | O_CREAT, 0600));
		WALK_ERRNOS(syscall(SYS_creat, p, 0600));
		WALK_ERRNOS(syscall(SYS_stat, p, b));
		WALK_ERRNOS(syscall(SYS_lstat, p, b));
		WALK_ERRNOS(syscall(SYS_access, p, F_OK));
		WALK_ERRNOS(syscall(SYS_truncate, p, 0));
		WALK_ERRNOS(syscall(SYS_chdir, p));
		WALK_ERRNOS(syscall(SYS_mkdir, p, 0700));
		WALK_ERRNOS(syscall(SYS_rmdir, p));
		WALK_ERRNOS(syscall(SYS_link, p, "new"));
		WALK_ERRNOS(syscall(SYS_link, "file", p));
		WALK_ERRNOS(syscall(SYS_unlink, p));
		WALK_ERRNOS(syscall(SYS_symlink, "x", p));
		WALK_ERRNOS(syscall(SYS_readlink, p, b, sizeof(b)));
		WALK_ERRNOS(syscall(SYS_chmod, p, 0600));
		WALK_ERRNOS(syscall(SYS_chown, p, -1, -1));
		WALK_ERRNOS(syscall(SYS_lchown, p, -1, -1));
		WALK_ERRNOS(syscall(SYS_utime, p, NULL));
		WALK_ERRNOS(syscall(SYS_utimes, p, NULL));
		WALK_ERRNOS(syscall(SYS_mknod, p, S_IFREG, 0));
		WALK_ERRNOS(syscall(SYS_statfs, p, b));
		WALK_ERRNOS(syscall(SYS_chroot, p));
		WALK_ERRNOS(syscall(SYS_rename, p, "new"));
		WALK_ERRNOS(syscall(SYS_rename, "file", p));
		WALK_ERRNOS(syscall(SYS_execve, p, NULL, NULL));
		WALK_ERRNOS(syscall(SYS_inotify_add_watch, watch, p, IN_OPEN));
	}
}

TEST(walk_from_a_descriptor)
{
	struct open_how how = { .flags = O_RDONLY };
	char b[1024];

	NEED_ROOT();
	tree();
	IN_CHILD_AS(NOBODY)
	{
		WALK_AT_ERRNOS(syscall(SYS_openat, d, p, O_RDONLY, 0));
		WALK_AT_ERRNOS(syscall(SYS_openat2, d, p, &how, sizeof(how)));
		WALK_AT_ERRNOS(syscall(SYS_mkdirat, d, p, 0700));
		WALK_AT_ERRNOS(syscall(SYS_mknodat, d, p, S_IFREG, 0));
		WALK_AT_ERRNOS(syscall(SYS_fchownat, d, p, -1, -1, 0));
		WALK_AT_ERRNOS(syscall(SYS_newfstatat, d, p, b, 0));
		WALK_AT_ERRNOS(syscall(SYS_statx, d, p, 0, 0x7ff, b));
		WALK_AT_ERRNOS(syscall(SYS_unlinkat, d, p, 0));
		WALK_AT_ERRNOS(syscall(SYS_renameat, d, p, AT_FDCWD, "new"));
		WALK_AT_ERRNOS(syscall(SYS_renameat, AT_FDCWD, "file", d, p));
		WALK_AT_ERRNOS(syscall(SYS_renameat2, d, p, AT_FDCWD, "new", 0));
		WALK_AT_ERRNOS(syscall(SYS_linkat, d, p, AT_FDCWD, "new", 0));
		WALK_AT_ERRNOS(syscall(SYS_linkat, AT_FDCWD, "file", d, p, 0));
		WALK_AT_ERRNOS(syscall(SYS_symlinkat, "x", d, p));
		WALK_AT_ERRNOS(syscall(SYS_fchmodat, d, p, 0600));
		WALK_AT_ERRNOS(syscall(SYS_fchmodat2, d, p, 0600, 0));
		WALK_AT_ERRNOS(syscall(SYS_faccessat, d, p, F_OK));
		WALK_AT_ERRNOS(syscall(SYS_faccessat2, d, p, F_OK, 0));
		WALK_AT_ERRNOS(syscall(SYS_futimesat, d, p, NULL));
		WALK_AT_ERRNOS(syscall(SYS_execveat, d, p, NULL, NULL, 0));
	}
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "none", b, 9), ENOENT);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "file/x", b, 9), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "loop/x", b, 9), ELOOP);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, long_name, b, 9), ENAMETOOLONG);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, bad_ptr(), b, 9), EFAULT);
	CHECK_ERRNO(syscall(SYS_readlinkat, 999, "x", b, 9), EBADF);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "file", b, 9), EINVAL);
	CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "link", b, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "none", NULL, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "file/x", NULL, 0), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "loop/x", NULL, 0), ELOOP);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, long_name, NULL, 0), ENAMETOOLONG);
	CHECK_ERRNO(syscall(SYS_utimensat, 999, "x", NULL, 0), EBADF);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "locked/x", b, 9), EACCES);
		CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "locked/x", NULL, 0), EACCES);
		CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "file", NULL, 0), EACCES);
	}
}

TEST_FORK(read_only_mount)
{
	struct timespec ts[2] = { { 1, 0 }, { 1, 0 } };
	int fd;

	NEED_CAP(21);
	abi_tmpdir();
	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK_OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("ro", 0755);
	CHECK_OK(mount("none", "ro", "tmpfs", 0, NULL));
	CHECK_OK(chdir("ro"));
	close(abi_file("f", "x", 0666));
	mkdir("d", 0755);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(mount("none", ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_ERRNO(syscall(SYS_open, "f", O_WRONLY), EROFS);
	CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, "f", O_WRONLY, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_creat, "new", 0600), EROFS);
	CHECK_ERRNO(syscall(SYS_access, "f", W_OK), EROFS);
	CHECK_ERRNO(syscall(SYS_faccessat, AT_FDCWD, "f", W_OK), EROFS);
	CHECK_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "f", W_OK, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_truncate, "f", 0), EROFS);
	CHECK_ERRNO(syscall(SYS_mkdir, "new", 0700), EROFS);
	CHECK_ERRNO(syscall(SYS_mkdirat, AT_FDCWD, "new", 0700), EROFS);
	CHECK_ERRNO(syscall(SYS_mknod, "new", S_IFREG, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_mknodat, AT_FDCWD, "new", S_IFREG, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_rmdir, "d"), EROFS);
	CHECK_ERRNO(syscall(SYS_link, "f", "new"), EROFS);
	CHECK_ERRNO(syscall(SYS_linkat, AT_FDCWD, "f", AT_FDCWD, "new", 0), EROFS);
	CHECK_ERRNO(syscall(SYS_unlink, "f"), EROFS);
	CHECK_ERRNO(syscall(SYS_unlinkat, AT_FDCWD, "f", 0), EROFS);
	CHECK_ERRNO(syscall(SYS_symlink, "x", "new"), EROFS);
	CHECK_ERRNO(syscall(SYS_symlinkat, "x", AT_FDCWD, "new"), EROFS);
	CHECK_ERRNO(syscall(SYS_rename, "f", "new"), EROFS);
	CHECK_ERRNO(syscall(SYS_renameat, AT_FDCWD, "f", AT_FDCWD, "new"), EROFS);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "new", 0), EROFS);
	CHECK_ERRNO(syscall(SYS_chmod, "f", 0600), EROFS);
	CHECK_ERRNO(syscall(SYS_fchmodat, AT_FDCWD, "f", 0600), EROFS);
	CHECK_ERRNO(syscall(SYS_fchmodat2, AT_FDCWD, "f", 0600, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_chown, "f", 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_lchown, "l", 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_fchownat, AT_FDCWD, "f", 0, 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_utime, "f", NULL), EROFS);
	CHECK_ERRNO(syscall(SYS_utimes, "f", NULL), EROFS);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "f", ts, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_setxattr, "f", "user.x", "", 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_lsetxattr, "f", "user.x", "", 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_removexattr, "f", "user.x"), EROFS);
	CHECK_ERRNO(syscall(SYS_lremovexattr, "f", "user.x"), EROFS);
	fd = CHECK_OK(open("f", O_RDONLY));
	CHECK_ERRNO(syscall(SYS_fchmod, fd, 0600), EROFS);
	CHECK_ERRNO(syscall(SYS_fchown, fd, 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_fsetxattr, fd, "user.x", "", 0, 0), EROFS);
	CHECK_ERRNO(syscall(SYS_fremovexattr, fd, "user.x"), EROFS);
	close(fd);
	CHECK_OK(syscall(SYS_access, "f", R_OK));
	CHECK_OK(chdir(".."));
	CHECK_OK(umount("ro"));
}

/* What belongs to root, in a sticky directory of root's, as nobody. */
TEST(not_the_owner)
{
	struct timespec ts[2] = { { 1, 0 }, { 1, 0 } };
	struct timeval tv[2] = { { 1, 0 }, { 1, 0 } };
	struct utimbuf ut = { 1, 1 };
	int fd;

	NEED_ROOT();
	tree();
	mkdir("sticky", 0755);
	chmod("sticky", 01777);
	close(abi_file("sticky/f", "", 0644));
	mkdir("sticky/d", 0755);
	fd = open("file", O_RDONLY);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_unlink, "sticky/f"), EPERM);
		CHECK_ERRNO(syscall(SYS_unlinkat, AT_FDCWD, "sticky/f", 0), EPERM);
		CHECK_ERRNO(syscall(SYS_rmdir, "sticky/d"), EPERM);
		CHECK_ERRNO(syscall(SYS_rename, "sticky/f", "sticky/g"), EPERM);
		CHECK_ERRNO(syscall(SYS_renameat, AT_FDCWD, "sticky/f", AT_FDCWD, "sticky/g"),
			    EPERM);
		CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "sticky/f", AT_FDCWD, "sticky/g", 0),
			    EPERM);
		CHECK_ERRNO(syscall(SYS_chmod, "file", 0600), EPERM);
		CHECK_ERRNO(syscall(SYS_fchmod, fd, 0600), EPERM);
		CHECK_ERRNO(syscall(SYS_fchmodat, AT_FDCWD, "file", 0600), EPERM);
		CHECK_ERRNO(syscall(SYS_fchmodat2, AT_FDCWD, "file", 0600, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_chown, "file", NOBODY, -1), EPERM);
		CHECK_ERRNO(syscall(SYS_fchown, fd, NOBODY, -1), EPERM);
		CHECK_ERRNO(syscall(SYS_lchown, "file", NOBODY, -1), EPERM);
		CHECK_ERRNO(syscall(SYS_fchownat, AT_FDCWD, "file", NOBODY, -1, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_utime, "file", &ut), EPERM);
		CHECK_ERRNO(syscall(SYS_utimes, "file", tv), EPERM);
		CHECK_ERRNO(syscall(SYS_futimesat, AT_FDCWD, "file", tv), EPERM);
		CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "file", ts, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_mknod, "dev", S_IFCHR | 0600, 0x103), EPERM);
		CHECK_ERRNO(syscall(SYS_mknodat, AT_FDCWD, "dev", S_IFCHR | 0600, 0x103), EPERM);
		CHECK_ERRNO(syscall(SYS_open, "file", O_RDONLY | O_NOATIME), EPERM);
		CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY | O_NOATIME), EPERM);
		CHECK_ERRNO(syscall(SYS_chroot, "dir"), EPERM);
	}
	close(fd);
}

/* Each renaming call, each linking call: what is wrong with the two objects. */
#define RENAME_ERRNOS(move)                                \
	do {                                               \
		const char *from = "dir", *to = "dir/sub"; \
		CHECK_ERRNO(move, EINVAL);                 \
		from = "file";                             \
		to = "dir";                                \
		CHECK_ERRNO(move, EISDIR);                 \
		from = "empty";                            \
		CHECK_ERRNO(move, ENOTEMPTY);              \
		to = "file";                               \
		CHECK_ERRNO(move, ENOTDIR);                \
		to = ".";                                  \
		CHECK_ERRNO(move, EBUSY);                  \
		from = "file";                             \
		to = "/dev/shm/x";                         \
		CHECK_ERRNO(move, EXDEV);                  \
	} while (0)

TEST(two_names)
{
	int d = AT_FDCWD;

	tree();
	mkdir("empty", 0755);
	RENAME_ERRNOS(syscall(SYS_rename, from, to));
	RENAME_ERRNOS(syscall(SYS_renameat, d, from, d, to));
	RENAME_ERRNOS(syscall(SYS_renameat2, d, from, d, to, 0));
	CHECK_ERRNO(syscall(SYS_renameat2, d, "file", d, "dir/x", 1), EEXIST);
	CHECK_ERRNO(syscall(SYS_link, "file", "link"), EEXIST);
	CHECK_ERRNO(syscall(SYS_linkat, d, "file", d, "link", 0), EEXIST);
	CHECK_ERRNO(syscall(SYS_link, "dir", "new"), EPERM);
	CHECK_ERRNO(syscall(SYS_linkat, d, "dir", d, "new", 0), EPERM);
	CHECK_ERRNO(syscall(SYS_link, "file", "/dev/shm/x"), EXDEV);
	CHECK_ERRNO(syscall(SYS_linkat, d, "file", d, "/dev/shm/x", 0), EXDEV);
	CHECK_ERRNO(syscall(SYS_linkat, d, "file", d, "new", 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_symlink, "x", "file"), EEXIST);
	CHECK_ERRNO(syscall(SYS_symlinkat, "x", d, "file"), EEXIST);
	CHECK_ERRNO(syscall(SYS_symlink, "", "new"), ENOENT);
	CHECK_ERRNO(syscall(SYS_symlink, bad_ptr(), "new"), EFAULT);
	rmdir("empty");
}

TEST(one_name)
{
	char b[1024];
	int d = AT_FDCWD, fd;

	tree();
	CHECK_ERRNO(syscall(SYS_mkdirat, d, "dir", 0700), EEXIST);
	CHECK_ERRNO(syscall(SYS_mknodat, d, "dir", S_IFREG, 0), EEXIST);
	CHECK_ERRNO(syscall(SYS_mknodat, d, "new", S_IFLNK, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_unlinkat, d, "dir", 0), EISDIR);
	CHECK_ERRNO(syscall(SYS_unlinkat, d, "dir", AT_REMOVEDIR), ENOTEMPTY);
	CHECK_ERRNO(syscall(SYS_unlinkat, d, "file", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_unlinkat, d, "dir/.", AT_REMOVEDIR), EINVAL);
	CHECK_ERRNO(syscall(SYS_unlinkat, d, "file", 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_unlinkat, d, "/", AT_REMOVEDIR), EBUSY);
	CHECK_ERRNO(syscall(SYS_rmdir, "/"), EBUSY);
	CHECK_ERRNO(syscall(SYS_faccessat, d, "file", 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_fchmodat2, d, "file", 0, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_newfstatat, d, "file", b, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_open, "dir", O_WRONLY), EISDIR);
	CHECK_ERRNO(syscall(SYS_creat, "dir", 0600), EISDIR);
	CHECK_OK(mknod("socket", S_IFSOCK | 0600, 0));
	CHECK_ERRNO(syscall(SYS_creat, "socket", 0600), ENXIO);
	CHECK_ERRNO(syscall(SYS_open, "socket", O_RDWR), ENXIO);
	CHECK_ERRNO(syscall(SYS_openat, d, "dir", O_WRONLY, 0), EISDIR);
	CHECK_ERRNO(syscall(SYS_openat, d, "file", O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERRNO(syscall(SYS_openat, d, "link", O_NOFOLLOW, 0), ELOOP);
	CHECK_ERRNO(syscall(SYS_openat, d, ".", O_TMPFILE, 0), EINVAL);
	if (!geteuid())
		CHECK_ERRNO(syscall(SYS_openat, d, "/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_truncate, "dir", 0), EISDIR);
	fd = open("file", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_fchdir, fd), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_fstat, fd, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_fstatfs, fd, bad_ptr()), EFAULT);
	close(fd);
	CHECK_ERRNO(syscall(SYS_stat, "file", bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_getcwd, b, 2), ERANGE);
	if (!geteuid())
		IN_CHILD_AS(NOBODY)
	CHECK_ERRNO(syscall(SYS_fchdir, open("locked", O_PATH)), EACCES);
}

/* A program that runs is not written to. */
TEST(text_busy)
{
	int in, out, started[2];
	char b[4096];
	ssize_t n;
	pid_t p;

	tree();
	in = open(abi_self, O_RDONLY);
	out = open("program", O_WRONLY | O_CREAT, 0755);
	while ((n = read(in, b, sizeof(b))) > 0)
		if (write(out, b, n) != n)
			ABI_FAIL("write");
	close(in);
	CHECK_ERRNO(execl("./program", "program", NULL), ETXTBSY); /* it is open for writing */
	close(out);
	CHECK_OK(pipe2(started, O_CLOEXEC));
	p = abi_fork();
	if (!p) {
		execl("./program", "program", "@wait", NULL);
		_exit(1);
	}
	close(started[1]);
	CHECK_EQ(read(started[0], b, 1), 0);
	CHECK_ERRNO(syscall(SYS_open, "program", O_RDWR), ETXTBSY);
	CHECK_ERRNO(syscall(SYS_openat, AT_FDCWD, "program", O_RDWR, 0), ETXTBSY);
	CHECK_ERRNO(syscall(SYS_creat, "program", 0700), ETXTBSY);
	CHECK_ERRNO(syscall(SYS_truncate, "program", 0), ETXTBSY);
	CHECK_OK(syscall(SYS_access, "program", W_OK));
	kill(p, SIGKILL);
	abi_wait(p);
	unlink("program");
}

HELPER(wait)
{
	return pause();
}
