/* truncate, ftruncate, fallocate with its modes, utimensat and its kin. */
#include "abi.h"
#include <utime.h>

TEST(truncate)
{
	char b[8] = "abcdefg";
	struct stat st;
	int fd, rd;

	abi_tmpdir();
	fd = abi_file("f", "0123456789", 0644);
	CHECK_OK(truncate("f", 4));
	CHECK_EQ(read(fd, b, 8), 4);
	CHECK_OK(ftruncate(fd, 8));
	CHECK_EQ(pread(fd, b, 8, 0), 8);
	CHECK(!memcmp(b, "0123\0\0\0\0", 8)); /* what comes back is zero */
	CHECK_OK(ftruncate(fd, 0));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4); /* the position stays */
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 5);
	CHECK_OK(ftruncate(fd, 1L << 33)); /* sparse beyond 4 GiB */
	CHECK_EQ(pwrite(fd, "end", 3, (1L << 33) - 3), 3);
	CHECK_EQ(pread(fd, b, 8, (1L << 33) - 3), 3);
	CHECK(!memcmp(b, "end", 3));
	CHECK_OK(ftruncate(fd, 0));
	rd = open("f", O_RDONLY);
	CHECK_ERRNO(ftruncate(rd, 0), EINVAL);
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	CHECK_ERRNO(truncate("f", -1), EINVAL);
	CHECK_ERRNO(ftruncate(-1, 0), EBADF);
	CHECK_ERRNO(truncate("none", 0), ENOENT);
	CHECK_ERRNO(truncate(".", 0), EISDIR);
	CHECK_ERRNO(truncate("f/x", 0), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_truncate, bad_ptr(), 0), EFAULT);
	int fds[2];
	REQUIRE(pipe(fds) == 0);
	CHECK_ERRNO(ftruncate(fds[1], 0), EINVAL);
	close(fds[0]), close(fds[1]);
	IN_CHILD_AS(NOBODY)
	{
		if (geteuid() != st.st_uid)
			CHECK_ERRNO(truncate("f", 0), EACCES);
	}
	close(fd), close(rd);
	unlink("f");
}

static int fall(int fd, int mode, off_t off, off_t len)
{
	return fallocate(fd, mode, off, len);
}

TEST(fallocate)
{
	struct stat st;
	char b[16];
	int fd, rd, fds[2];

	abi_tmpdir();
	fd = abi_file("f", "0123456789", 0644);
	if (fall(fd, 0, 0, 100) && errno == EOPNOTSUPP)
		SKIP("file system without fallocate");
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 100);
	CHECK_OK(fall(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 100);
	CHECK_OK(fall(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 4));
	CHECK_EQ(pread(fd, b, 10, 0), 10);
	CHECK(!memcmp(b, "01\0\0\0\0006789", 10));
	errno = 0;
	if (fall(fd, FALLOC_FL_ZERO_RANGE, 7, 2) == 0) {
		CHECK_EQ(pread(fd, b, 10, 0), 10);
		CHECK(!memcmp(b + 6, "6\0\0009", 4));
	} else {
		CHECK_EQ(errno, EOPNOTSUPP);
	}
	CHECK_ERRNO(fall(fd, 0, -1, 10), EINVAL);
	CHECK_ERRNO(fall(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fall(fd, 0, 0, -1), EINVAL);
	CHECK_ERRNO(fall(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP); /* needs KEEP_SIZE */
	CHECK_ERRNO(fall(fd, 0x8000, 0, 10), EOPNOTSUPP);
	CHECK_ERRNO(fall(fd, 0, 0x7fffffffffffffff, 10), EFBIG);
	rd = open("f", O_RDONLY);
	CHECK_ERRNO(fall(rd, 0, 0, 10), EBADF);
	CHECK_ERRNO(fall(-1, 0, 0, 10), EBADF);
	REQUIRE(pipe(fds) == 0);
	CHECK_ERRNO(fall(fds[1], 0, 0, 10), ESPIPE);
	close(fds[0]), close(fds[1]);
	close(fd), close(rd);
	int dir = open(".", O_RDONLY);
	CHECK_ERRNO(fall(dir, 0, 0, 10), EBADF);
	close(dir);
	unlink("f");
}

static struct stat st_of(const char *p)
{
	struct stat st = { 0 };

	CHECK_OK(lstat(p, &st));
	return st;
}

TEST(utimensat)
{
	struct timespec t[2] = { { 1000, 123456789 }, { 2000, 987654321 } };
	struct stat before, st;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(utimensat(AT_FDCWD, "f", t, 0));
	st = st_of("f");
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_atim.tv_nsec, 123456789);
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	CHECK_EQ(st.st_mtim.tv_nsec, 987654321);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	CHECK_OK(futimens(fd, t));
	before = st;
	st = st_of("f");
	CHECK_EQ(st.st_atim.tv_nsec, before.st_atim.tv_nsec);
	CHECK(st.st_mtime > 1500000000);
	t[0] = t[1] = (struct timespec){ 5, 0 };
	CHECK_OK(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
	CHECK_EQ(st_of("l").st_mtime, 5);
	CHECK(st_of("f").st_mtime > 5);
	CHECK_OK(utimensat(AT_FDCWD, "l", t, 0));
	CHECK_EQ(st_of("f").st_mtime, 5);
	CHECK_OK(utimensat(AT_FDCWD, "f", NULL, 0));
	CHECK(st_of("f").st_mtime > 5);
	CHECK_OK(utime("f", &(struct utimbuf){ 77, 88 }));
	CHECK_EQ(st_of("f").st_mtime, 88);
	CHECK_OK(utimes("f", (struct timeval[2]){ { 9, 1 }, { 10, 2 } }));
	CHECK_EQ(st_of("f").st_mtim.tv_nsec, 2000);
	CHECK_OK(
		syscall(SYS_futimesat, AT_FDCWD, "f", (struct timeval[2]){ { 11, 1 }, { 12, 2 } }));
	CHECK_EQ(st_of("f").st_mtime, 12);
	t[0].tv_nsec = 1000000000;
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
	t[0].tv_nsec = 0;
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", t, 0x4000), EINVAL);
	CHECK_ERRNO(utimensat(AT_FDCWD, "none", t, 0), ENOENT);
	CHECK_ERRNO(futimens(-1, t), EBADF);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "f", bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(utimes("f", (struct timeval[2]){ { 0, 1000000 }, { 0, 0 } }), EINVAL);
	if (geteuid() == 0) {
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(utimensat(AT_FDCWD, "f", t, 0), EPERM);
			CHECK_ERRNO(utimensat(AT_FDCWD, "f", NULL, 0), EACCES);
		}
		CHECK_OK(chmod("f", 0666));
		IN_CHILD_AS(NOBODY) /* who may write may set the present time */
		{
			CHECK_OK(utimensat(AT_FDCWD, "f", NULL, 0));
			CHECK_ERRNO(utimensat(AT_FDCWD, "f", t, 0), EPERM);
		}
	}
	t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
	CHECK_OK(utimensat(AT_FDCWD, "f", t, 0));
	close(fd);
	unlink("f"), unlink("l");
}

TEST(access_time)
{
	/* relatime: a read moves an atime that is older than the mtime */
	struct timespec t[2] = { { 1000, 0 }, { 2000, 0 } };
	char c;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "x", 0644);
	CHECK_OK(futimens(fd, t));
	CHECK_EQ(read(fd, &c, 1), 1);
	time_t at = st_of("f").st_atime;
	CHECK(at == 1000 || at > 1500000000); /* noatime is allowed */
	CHECK_EQ(st_of("f").st_mtime, 2000);
	close(fd);
	unlink("f");
}
