/* Directories: mkdir, rmdir, getdents64 (seeking, deletion while reading), chdir, getcwd, chroot. */
#include "abi.h"

struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* Reads all of a directory in pieces of this size; counts the entries other than . and .. */
static int count(int fd, size_t piece, int *dots)
{
	static char buf[32768];
	int n = 0;
	long r;

	*dots = 0;
	while ((r = syscall(SYS_getdents64, fd, buf, piece)) > 0)
		for (long at = 0; at < r;) {
			struct dirent64_raw *d = (void *)(buf + at);

			if (!strcmp(d->name, ".") || !strcmp(d->name, ".."))
				++*dots;
			else
				n++;
			if (d->reclen % 8 || d->reclen < 24 || at + d->reclen > r) {
				ABI_FAIL("record of %d bytes", d->reclen);
				return -1;
			}
			at += d->reclen;
		}
	if (r < 0)
		ABI_FAIL("getdents64: %s", abi_errname(errno));
	return n;
}

static void make_files(const char *dir, int n)
{
	char path[64];

	CHECK_OK(mkdir(dir, 0755));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/file-%d", dir, i);
		CHECK_OK(close(CHECK_OK(open(path, O_CREAT | O_WRONLY, 0644))));
	}
}

static void remove_files(const char *dir, int n)
{
	char path[64];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/file-%d", dir, i);
		unlink(path);
	}
	CHECK_OK(rmdir(dir));
}

TEST(mkdir_and_rmdir)
{
	struct stat st;

	abi_tmpdir();
	umask(022);
	CHECK_OK(mkdir("d", 0777));
	CHECK_OK(stat("d", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0755);
	CHECK_EQ(st.st_nlink >= 1, 1);
	CHECK_ERRNO(mkdir("d", 0777), EEXIST);
	CHECK_ERRNO(mkdir("d/", 0777), EEXIST);
	CHECK_OK(mkdir("d/sub/", 0700)); /* a slash at the end is fine */
	CHECK_ERRNO(mkdir("none/sub", 0700), ENOENT);
	CHECK_ERRNO(mkdir("", 0700), ENOENT);
	CHECK_ERRNO(mkdir(".", 0700), EEXIST);
	CHECK_ERRNO(mkdir("/", 0700), EEXIST);
	CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("d/."), EINVAL);
	CHECK_ERRNO(rmdir("d/sub/.."), ENOTEMPTY);
	CHECK_ERRNO(rmdir("none"), ENOENT);
	CHECK_ERRNO(rmdir("/"), EBUSY);
	close(abi_file("f", "", 0644));
	CHECK_ERRNO(rmdir("f"), ENOTDIR);
	CHECK_ERRNO(mkdir("f/sub", 0700), ENOTDIR);
	CHECK_ERRNO(unlink("d"), EISDIR);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "f", 0x4000), EINVAL);
	CHECK_OK(symlink("d", "l"));
	CHECK_ERRNO(rmdir("l"), ENOTDIR);
	CHECK_ERRNO(mkdir("l", 0700), EEXIST);
	CHECK_OK(rmdir("d/sub"));
	CHECK_OK(rmdir("d"));
	CHECK_ERRNO(syscall(SYS_mkdir, bad_ptr(), 0), EFAULT);
	CHECK_OK(unlink("l"));
	CHECK_OK(unlink("f"));
}

TEST(listing)
{
	int fd, dots;

	abi_tmpdir();
	make_files("d", 300);
	fd = CHECK_OK(open("d", O_RDONLY | O_DIRECTORY));
	CHECK_EQ(count(fd, 32768, &dots), 300);
	CHECK_EQ(dots, 2);
	CHECK_EQ(count(fd, 32768, &dots), 0); /* at the end */
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(count(fd, 128, &dots), 300); /* in small pieces */
	CHECK_EQ(dots, 2);
	close(fd);
	remove_files("d", 300);
}

TEST(entry_types_and_inodes)
{
	static char buf[4096];
	struct stat st;
	int fd, seen = 0;
	long r;

	abi_tmpdir();
	CHECK_OK(mkdir("t", 0755));
	CHECK_OK(mkdir("t/dir", 0755));
	close(abi_file("t/reg", "", 0644));
	CHECK_OK(symlink("x", "t/lnk"));
	CHECK_OK(mkfifo("t/fifo", 0644));
	fd = open("t", O_RDONLY);
	r = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	for (long at = 0; at < r;) {
		struct dirent64_raw *d = (void *)(buf + at);
		char path[300];

		snprintf(path, sizeof(path), "t/%s", d->name);
		CHECK_OK(lstat(path, &st));
		if (strcmp(d->name, ".."))
			CHECK_EQ(d->ino, st.st_ino);
		if (d->type != DT_UNKNOWN)
			CHECK_EQ(d->type, st.st_mode >> 12);
		seen++;
		at += d->reclen;
	}
	CHECK_EQ(seen, 6);
	close(fd);
	unlink("t/reg"), unlink("t/lnk"), unlink("t/fifo"), rmdir("t/dir"), rmdir("t");
}

TEST(getdents_errors)
{
	static char buf[4096];
	int fd, file;

	abi_tmpdir();
	file = abi_file("f", "", 0644);
	fd = open(".", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_getdents64, file, buf, sizeof(buf)), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_getdents64, -1, buf, sizeof(buf)), EBADF);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, bad_ptr(), sizeof(buf)), EFAULT);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, buf, 10), EINVAL); /* not even one entry fits */
	close(fd), close(file);
	CHECK_OK(mkdir("gone", 0755));
	fd = open("gone", O_RDONLY);
	CHECK_OK(rmdir("gone"));
	CHECK_ERRNO(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOENT);
	CHECK_ERRNO(openat(fd, "x", O_CREAT | O_RDWR, 0644), ENOENT);
	CHECK_ERRNO(mkdirat(fd, "x", 0755), ENOENT);
	close(fd);
	unlink("f");
}

TEST(seekdir)
{
	DIR *d;
	struct dirent *e;
	long pos[64];
	char names[64][256];
	int n = 0;

	abi_tmpdir();
	make_files("s", 40);
	d = opendir("s");
	REQUIRE(d);
	while (pos[n] = telldir(d), (e = readdir(d)))
		strcpy(names[n++], e->d_name);
	CHECK_EQ(n, 42);
	for (int i = n - 1; i >= 0; i -= 3) {
		seekdir(d, pos[i]);
		e = readdir(d);
		if (!CHECK(e && !strcmp(e->d_name, names[i])))
			break;
	}
	rewinddir(d);
	e = readdir(d);
	CHECK(e && !strcmp(e->d_name, names[0]));
	closedir(d);
	remove_files("s", 40);
}

TEST(deletion_while_reading)
{
	/* rm -r: every file there at the start is seen exactly once though those before it go */
	static char buf[512];
	int fd, removed = 0;
	long r;

	abi_tmpdir();
	make_files("r", 200);
	fd = open("r", O_RDONLY);
	while ((r = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < r;) {
			struct dirent64_raw *e = (void *)(buf + at);

			if (e->name[0] != '.')
				removed += unlinkat(fd, e->name, 0) == 0;
			at += e->reclen;
		}
	CHECK_EQ(removed, 200);
	close(fd);
	CHECK_OK(rmdir("r"));
}

TEST(creation_while_reading)
{
	/* what is there throughout is seen once; the newcomer at most once */
	static char buf[256];
	int fd, seen = 0, fresh = 0;
	long r;

	abi_tmpdir();
	make_files("c", 60);
	fd = open("c", O_RDONLY);
	for (int i = 0; (r = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0; i++) {
		if (i == 1)
			CHECK_OK(close(CHECK_OK(openat(fd, "newcomer", O_CREAT | O_RDWR, 0644))));
		for (long at = 0; at < r;) {
			struct dirent64_raw *e = (void *)(buf + at);

			seen += e->name[0] == 'f';
			fresh += e->name[0] == 'n';
			at += e->reclen;
		}
	}
	CHECK_EQ(seen, 60);
	CHECK(fresh <= 1);
	close(fd);
	unlink("c/newcomer");
	remove_files("c", 60);
}

TEST_FORK(working_directory)
{
	char a[PATH_MAX], b[PATH_MAX];
	int fd;

	abi_tmpdir();
	CHECK(getcwd(a, sizeof(a)) != NULL);
	CHECK_OK(mkdir("w", 0755));
	fd = open(".", O_RDONLY);
	CHECK_OK(chdir("w"));
	strcat(a, "/w");
	CHECK_EQ(syscall(SYS_getcwd, b, sizeof(b)), (long)strlen(a) + 1);
	CHECK_STR(b, a);
	CHECK_ERRNO(syscall(SYS_getcwd, b, strlen(a)), ERANGE);
	CHECK_ERRNO(syscall(SYS_getcwd, bad_ptr(), PATH_MAX), EFAULT);
	CHECK_OK(rmdir("../w"));
	CHECK_ERRNO(syscall(SYS_getcwd, b, sizeof(b)), ENOENT); /* it is gone */
	CHECK_ERRNO(open("x", O_CREAT | O_RDWR, 0644), ENOENT);
	CHECK_OK(fchdir(fd));
	close(abi_file("f", "", 0644));
	CHECK_ERRNO(chdir("f"), ENOTDIR);
	CHECK_ERRNO(chdir("none"), ENOENT);
	CHECK_ERRNO(chdir(""), ENOENT);
	CHECK_ERRNO(syscall(SYS_chdir, bad_ptr()), EFAULT);
	close(fd);
	fd = open("f", O_RDONLY);
	CHECK_ERRNO(fchdir(fd), ENOTDIR);
	CHECK_ERRNO(fchdir(-1), EBADF);
	close(fd);
	CHECK_OK(chdir("/"));
	CHECK(getcwd(b, sizeof(b)) != NULL);
	CHECK_STR(b, "/");
	CHECK_OK(chdir(".."));
	CHECK(getcwd(b, sizeof(b)) != NULL);
	CHECK_STR(b, "/");
}

TEST_FORK(chroot)
{
	char b[PATH_MAX];

	NEED_CAP(18);
	abi_tmpdir();
	CHECK_OK(mkdir("root", 0755));
	close(abi_file("root/inside", "", 0644));
	CHECK_OK(symlink("/inside", "root/link"));
	CHECK_ERRNO(chroot("none"), ENOENT);
	CHECK_ERRNO(chroot("root/inside"), ENOTDIR);
	CHECK_OK(chdir("root"));
	CHECK_OK(chroot("."));
	CHECK_OK(access("/inside", F_OK));
	CHECK_OK(access("/../../inside", F_OK));
	CHECK_OK(access("/link", F_OK)); /* absolute links start at the new root */
	CHECK_ERRNO(access("/proc", F_OK), ENOENT);
	CHECK(getcwd(b, sizeof(b)) != NULL);
	CHECK_STR(b, "/");
}
