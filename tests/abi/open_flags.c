/* open and openat: the matrix of flags, the errors of path resolution, O_PATH, O_TMPFILE, creat. */
#include "abi.h"

TEST(access_modes)
{
	int fd;

	abi_tmpdir();
	fd = CHECK_OK(open("f", O_CREAT | O_RDWR, 0640));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open("f", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK),
		 O_WRONLY | O_APPEND | O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open("f", O_RDONLY));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("f"));
}

TEST(creation)
{
	struct stat st;
	int fd;

	abi_tmpdir();
	umask(022);
	CHECK_ERRNO(open("new", O_RDWR), ENOENT);
	fd = CHECK_OK(open("new", O_RDONLY | O_CREAT | O_EXCL, 0666));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_OK(close(fd));
	CHECK_ERRNO(open("new", O_RDONLY | O_CREAT | O_EXCL, 0666), EEXIST);
	fd = CHECK_OK(open("new", O_WRONLY | O_CREAT, 0)); /* the mode of an old file stays */
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 07777, 0644);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open("new", O_RDWR | O_TRUNC));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 0);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open("readonly", O_RDWR | O_CREAT, 0)); /* writable once, mode 0 */
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("new"));
	CHECK_OK(unlink("readonly"));
	fd = CHECK_OK(creat("c", 0600));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("c"));
}

TEST(lowest_descriptor)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);

	CHECK_EQ(b, a + 1);
	CHECK_OK(close(a));
	CHECK_EQ(open("/dev/null", O_RDONLY), a);
	CHECK_OK(close(a));
	CHECK_OK(close(b));
	CHECK_ERRNO(close(b), EBADF);
	CHECK_ERRNO(close(-1), EBADF);
}

TEST(path_errors)
{
	char name[300], path[5000];

	abi_tmpdir();
	close(abi_file("file", "", 0644));
	memset(name, 'n', sizeof(name));
	name[256] = 0;
	CHECK_ERRNO(open("", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("nodir/x", O_RDONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERRNO(open("file/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("file/", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("file/.", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("new/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
	name[255] = 0;
	CHECK_ERRNO(open(name, O_RDONLY), ENOENT);
	CHECK_OK(close(CHECK_OK(open(name, O_RDWR | O_CREAT, 0644))));
	CHECK_OK(unlink(name));
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i & 1 ? '/' : '.';
	path[4096] = 0;
	CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
	path[4095] = 0;
	CHECK_OK(close(CHECK_OK(open(path, O_RDONLY))));
	CHECK_ERRNO(syscall(SYS_open, bad_ptr(), O_RDONLY), EFAULT);
	CHECK_ERRNO(syscall(SYS_open, NULL, O_RDONLY), EFAULT);
	CHECK_OK(unlink("file"));
}

TEST(directories)
{
	int fd;

	abi_tmpdir();
	CHECK_OK(mkdir("d", 0755));
	CHECK_ERRNO(open("d", O_WRONLY), EISDIR);
	CHECK_ERRNO(open("d", O_RDWR), EISDIR);
	CHECK_ERRNO(open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(open("d", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERRNO(open("d", O_RDONLY | O_CREAT | O_DIRECTORY, 0644), EINVAL);
	close(abi_file("f", "", 0644));
	CHECK_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	fd = CHECK_OK(open("d", O_RDONLY | O_DIRECTORY));
	CHECK_OK(close(CHECK_OK(openat(fd, "inside", O_RDWR | O_CREAT, 0600))));
	CHECK_OK(faccessat(AT_FDCWD, "d/inside", F_OK, 0));
	CHECK_ERRNO(openat(fd, "other", O_RDONLY), ENOENT);
	CHECK_OK(close(CHECK_OK(openat(fd, "..", O_RDONLY))));
	CHECK_OK(close(CHECK_OK(openat(fd, "../f", O_RDONLY))));
	CHECK_ERRNO(openat(-1, "x", O_RDONLY), EBADF);
	CHECK_OK(close(CHECK_OK(openat(-1, "/", O_RDONLY)))); /* absolute: dirfd unused */
	CHECK_OK(unlinkat(fd, "inside", 0));
	CHECK_OK(close(fd));
	fd = open("f", O_RDONLY);
	CHECK_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("f"));
	CHECK_OK(rmdir("d"));
}

TEST(symlinks)
{
	abi_tmpdir();
	close(abi_file("f", "", 0644));
	CHECK_OK(symlink("f", "link"));
	CHECK_OK(symlink("nowhere", "dangling"));
	CHECK_OK(symlink("loop2", "loop1"));
	CHECK_OK(symlink("loop1", "loop2"));
	CHECK_OK(close(CHECK_OK(open("link", O_RDONLY))));
	CHECK_ERRNO(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(open("link", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERRNO(open("dangling", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_OK(close(CHECK_OK(open("dangling", O_RDWR | O_CREAT, 0644)))); /* makes its target */
	CHECK_OK(unlink("nowhere"));
	CHECK_ERRNO(open("loop1", O_RDONLY), ELOOP);
	CHECK_ERRNO(open("link/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("link", O_RDONLY | O_DIRECTORY), ENOTDIR);
	/* forty links in a row are the most */
	CHECK_OK(symlink("f", "l0"));
	for (int i = 1; i <= 40; i++) {
		char from[8], to[8];

		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		CHECK_OK(symlink(to, from));
	}
	CHECK_OK(close(CHECK_OK(open("l39", O_RDONLY))));
	CHECK_ERRNO(open("l40", O_RDONLY), ELOOP);
}

TEST(path_descriptors)
{
	struct stat st;
	char b[8] = "";
	int fd;

	abi_tmpdir();
	close(abi_file("p", "x", 0));
	fd = CHECK_OK(open("p", O_PATH)); /* no permission needed */
	CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	CHECK_ERRNO(read(fd, b, 1), EBADF);
	CHECK_ERRNO(write(fd, b, 1), EBADF);
	CHECK_ERRNO(fchmod(fd, 0644), EBADF);
	CHECK_ERRNO(ftruncate(fd, 0), EBADF);
	CHECK_ERRNO(lseek(fd, 0, SEEK_SET), EBADF);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1);
	CHECK_OK(close(CHECK_OK(dup(fd))));
	CHECK_OK(close(fd));
	CHECK_OK(symlink("p", "sl"));
	fd = CHECK_OK(open("sl", O_PATH | O_NOFOLLOW));
	CHECK_OK(fstat(fd, &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(readlinkat(fd, "", b, sizeof(b)), 1);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open(".", O_PATH | O_DIRECTORY));
	CHECK_OK(close(CHECK_OK(openat(fd, "sl", O_PATH))));
	CHECK_OK(fchdir(fd));
	CHECK_OK(close(fd));
}

TEST(tmpfile)
{
	struct stat st;
	int fd;

	abi_tmpdir();
	CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(open("nonexistent", O_TMPFILE | O_RDWR, 0600), ENOENT);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("file system without O_TMPFILE");
	REQUIRE(fd >= 0);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	CHECK_OK(stat("named", &st));
	CHECK_EQ(st.st_size, 3);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_OK(close(fd));
}

TEST(nofile_limit)
{
	IN_CHILD
	{
		struct rlimit r = { 64, 64 };
		int fd, last = -1;

		CHECK_OK(setrlimit(RLIMIT_NOFILE, &r));
		while ((fd = open("/dev/null", O_RDONLY)) >= 0)
			last = fd;
		CHECK_EQ(errno, EMFILE);
		CHECK_EQ(last, 63);
		CHECK_ERRNO(dup(0), EMFILE);
		CHECK_ERRNO(dup2(0, 64), EBADF);
		CHECK_ERRNO(fcntl(0, F_DUPFD, 64), EINVAL);
		CHECK_ERRNO(pipe((int[2]){ 0 }), EMFILE);
	}
}

TEST(special_files)
{
	int fd;

	abi_tmpdir();
	CHECK_OK(mkfifo("fifo", 0600));
	CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	fd = CHECK_OK(open("fifo", O_RDONLY | O_NONBLOCK));
	CHECK_OK(close(CHECK_OK(open("fifo", O_WRONLY | O_NONBLOCK))));
	CHECK_OK(close(fd));
	CHECK_ERRNO(open("/dev/null/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("/dev/null", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_OK(close(CHECK_OK(open("/dev/null", O_RDWR | O_TRUNC | O_CREAT, 0644))));
}
