/* openat2: each RESOLVE flag, size handling of struct open_how, checks that open does not make. */
#include "abi.h"
#include <linux/openat2.h>

static int open2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how h = { .flags = flags, .mode = mode, .resolve = resolve };

	return syscall(SYS_openat2, dir, path, &h, sizeof(h));
}

/* t/{dir/{file,up->..,abs->/etc},file,link->file,dangling} */
static int tree(void)
{
	abi_tmpdir();
	mkdir("t", 0755);
	mkdir("t/dir", 0755);
	close(abi_file("t/file", "x", 0644));
	close(abi_file("t/dir/file", "y", 0644));
	unlink("t/link"), unlink("t/dir/up"), unlink("t/dir/abs"), unlink("t/out");
	if (symlink("file", "t/link") || symlink("..", "t/dir/up") || symlink("/", "t/dir/abs") ||
	    symlink("../..", "t/out"))
		ABI_FAIL("symlink: %s", abi_errname(errno));
	return open("t", O_PATH | O_DIRECTORY);
}

TEST(plain)
{
	int d = tree(), fd;

	fd = CHECK_OK(open2(d, "file", O_RDONLY | O_CLOEXEC, 0, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	fd = CHECK_OK(open2(d, "new", O_CREAT | O_RDWR, 0600, 0));
	close(fd);
	CHECK_OK(unlinkat(d, "new", 0));
	close(d);
}

TEST(strict_arguments)
{
	struct {
		struct open_how h;
		uint64_t extra[2];
	} x = { .h = { .flags = O_RDONLY } };
	int d = tree();

	CHECK_ERRNO(open2(d, "file", 1UL << 40, 0, 0), EINVAL);
	CHECK_ERRNO(open2(d, "file", 0x40000000, 0, 0), EINVAL);
	CHECK_ERRNO(open2(d, "file", O_RDONLY, 0644, 0), EINVAL); /* a mode without O_CREAT */
	CHECK_ERRNO(open2(d, "file", O_CREAT | O_RDWR, 0x10000, 0), EINVAL);
	CHECK_ERRNO(open2(d, "file", O_RDONLY, 0, 0x1000), EINVAL);
	CHECK_ERRNO(open2(d, "file", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
	CHECK_ERRNO(open2(d, "file", O_PATH | O_RDWR, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_openat2, d, "file", &x, 8), EINVAL);
	CHECK_OK(close(CHECK_OK(syscall(SYS_openat2, d, "file", &x, sizeof(x)))));
	x.extra[1] = 1;
	CHECK_ERRNO(syscall(SYS_openat2, d, "file", &x, sizeof(x)), E2BIG);
	CHECK_ERRNO(syscall(SYS_openat2, d, "file", &x, PAGE + 8), E2BIG);
	CHECK_ERRNO(syscall(SYS_openat2, d, "file", bad_ptr(), sizeof(x.h)), EFAULT);
	CHECK_ERRNO(syscall(SYS_openat2, d, bad_ptr(), &x, sizeof(x.h)), EFAULT);
	CHECK_ERRNO(open2(-1, "file", O_RDONLY, 0, 0), EBADF);
	close(d);
}

TEST(beneath)
{
	int d = tree();

	CHECK_OK(close(CHECK_OK(open2(d, "dir/file", O_RDONLY, 0, RESOLVE_BENEATH))));
	CHECK_OK(close(CHECK_OK(open2(d, "dir/../file", O_RDONLY, 0, RESOLVE_BENEATH))));
	CHECK_OK(close(CHECK_OK(open2(d, "dir/up/file", O_RDONLY, 0, RESOLVE_BENEATH))));
	CHECK_OK(close(CHECK_OK(open2(d, "link", O_RDONLY, 0, RESOLVE_BENEATH))));
	CHECK_ERRNO(open2(d, "..", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(d, "dir/../../t", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(d, "/", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(d, "dir/abs", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(d, "out", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	close(d);
}

TEST(in_root)
{
	int d = tree();
	struct stat a, b;
	int fd;

	CHECK_OK(fstat(d, &a));
	fd = CHECK_OK(open2(d, "/", O_PATH, 0, RESOLVE_IN_ROOT));
	CHECK_OK(fstat(fd, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	close(fd);
	fd = CHECK_OK(open2(d, "../../..", O_PATH, 0, RESOLVE_IN_ROOT)); /* stays at the root */
	CHECK_OK(fstat(fd, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	close(fd);
	CHECK_OK(close(CHECK_OK(open2(d, "/file", O_RDONLY, 0, RESOLVE_IN_ROOT))));
	CHECK_OK(close(CHECK_OK(open2(d, "dir/abs/file", O_RDONLY, 0, RESOLVE_IN_ROOT))));
	CHECK_OK(close(CHECK_OK(open2(d, "out/file", O_RDONLY, 0, RESOLVE_IN_ROOT))));
	close(d);
}

TEST(no_symlinks)
{
	int d = tree();

	CHECK_OK(close(CHECK_OK(open2(d, "dir/file", O_RDONLY, 0, RESOLVE_NO_SYMLINKS))));
	CHECK_ERRNO(open2(d, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERRNO(open2(d, "dir/up/file", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_OK(close(CHECK_OK(open2(d, "link", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS))));
	close(d);
}

TEST(no_magic_links)
{
	int d = tree();
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", d);
	CHECK_OK(close(CHECK_OK(open2(AT_FDCWD, path, O_PATH, 0, 0))));
	CHECK_ERRNO(open2(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_MAGICLINKS), ELOOP);
	CHECK_OK(close(CHECK_OK(open2(d, "link", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS))));
	close(d);
}

TEST(no_xdev)
{
	int root = open("/", O_PATH);

	CHECK_ERRNO(open2(root, "proc/version", O_RDONLY, 0, RESOLVE_NO_XDEV), EXDEV);
	CHECK_OK(close(CHECK_OK(open2(root, "proc/version", O_RDONLY, 0, 0))));
	CHECK_OK(close(CHECK_OK(open2(root, ".", O_RDONLY, 0, RESOLVE_NO_XDEV))));
	close(root);
}

TEST(cached)
{
	int d = tree(), fd;

	/* everything is in the cache by now, or the answer is EAGAIN: never a wait */
	errno = 0;
	fd = open2(d, "file", O_RDONLY, 0, RESOLVE_CACHED);
	if (fd < 0)
		CHECK(errno == EAGAIN || errno == EINVAL);
	else
		close(fd);
	close(d);
}
