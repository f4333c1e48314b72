/* read, write, pread, pwrite, readv, writev, preadv2, pwritev2 on regular files, and lseek. */
#include "abi.h"
#include <sys/uio.h>

TEST(read_write_position)
{
	char b[16] = "";
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_EQ(write(fd, "hello world", 11), 11);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 11);
	CHECK_EQ(read(fd, b, 5), 0); /* at the end */
	CHECK_EQ(lseek(fd, 6, SEEK_SET), 6);
	CHECK_EQ(read(fd, b, 16), 5);
	CHECK_STR(b, "world");
	CHECK_EQ(lseek(fd, -5, SEEK_END), 6);
	CHECK_EQ(write(fd, "W", 1), 1);
	CHECK_EQ(pread(fd, b, 11, 0), 11);
	CHECK(!memcmp(b, "hello World", 11));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7); /* pread leaves it alone */
	CHECK_EQ(pwrite(fd, "J", 1, 0), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
	CHECK_OK(close(fd));
}

TEST(errors)
{
	char b[4];
	int rd, wr, dir, fds[2];

	abi_tmpdir();
	close(abi_file("f", "abcd", 0644));
	rd = open("f", O_RDONLY);
	wr = open("f", O_WRONLY);
	dir = open(".", O_RDONLY);
	REQUIRE(rd >= 0 && wr >= 0 && dir >= 0 && pipe(fds) == 0);
	CHECK_ERRNO(read(wr, b, 1), EBADF);
	CHECK_ERRNO(write(rd, b, 1), EBADF);
	CHECK_ERRNO(pread(wr, b, 1, 0), EBADF);
	CHECK_ERRNO(pwrite(rd, b, 1, 0), EBADF);
	CHECK_ERRNO(read(dir, b, 1), EISDIR);
	CHECK_ERRNO(write(dir, b, 1), EBADF);
	CHECK_ERRNO(syscall(SYS_read, rd, bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_write, wr, bad_ptr(), 1), EFAULT);
	CHECK_ERRNO(pread(rd, b, 1, -1), EINVAL);
	CHECK_ERRNO(pwrite(wr, b, 1, -1), EINVAL);
	CHECK_ERRNO(pread(fds[0], b, 1, 0), ESPIPE);
	CHECK_ERRNO(pwrite(fds[1], b, 1, 0), ESPIPE);
	CHECK_ERRNO(pread(-1, b, 1, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_read, rd, (void *)-4096L, 16), EFAULT);
	CHECK_ERRNO(syscall(SYS_read, rd, b, -1UL), EFAULT);
	CHECK_EQ(read(rd, b, 0), 0);
	CHECK_EQ(syscall(SYS_read, rd, NULL, 0), 0);
	CHECK_ERRNO(read(-1, b, 0), EBADF);
	CHECK_EQ(lseek(rd, 4, SEEK_SET), 4);
	CHECK_EQ(syscall(SYS_read, rd, bad_ptr(), 1), 0); /* nothing to copy at the end */
	close(rd), close(wr), close(dir), close(fds[0]), close(fds[1]);
}

TEST(lseek_errors)
{
	int fd, fds[2];

	abi_tmpdir();
	fd = abi_file("f", "abcd", 0644);
	REQUIRE(pipe(fds) == 0);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, -5, SEEK_END), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
	CHECK_ERRNO(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(lseek(-1, 0, SEEK_CUR), EBADF);
	CHECK_EQ(lseek(fd, 1000, SEEK_END), 1004); /* past the end is fine */
	CHECK_EQ(read(fd, fds, 1), 0);
	CHECK_EQ(write(fd, "z", 1), 1);
	char c = 1;
	CHECK_EQ(pread(fd, &c, 1, 500), 1);
	CHECK_EQ(c, 0);
	CHECK_OK(close(fd));
	close(fds[0]), close(fds[1]);
}

TEST(seek_data_and_hole)
{
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_OK(ftruncate(fd, 1 << 20));
	CHECK_EQ(pwrite(fd, "x", 1, 512 * 1024), 1);
	/* a file system may call everything data: then the only hole is at the end */
	off_t data = CHECK_OK(lseek(fd, 0, SEEK_DATA)), hole = CHECK_OK(lseek(fd, 0, SEEK_HOLE));
	CHECK(data == 0 || (data <= 512 * 1024 && data > 0));
	CHECK(data == 0 ? hole == 1 << 20 || hole > 0 : hole == 0);
	CHECK_EQ(lseek(fd, 512 * 1024, SEEK_DATA), 512 * 1024);
	CHECK(lseek(fd, 512 * 1024, SEEK_HOLE) > 512 * 1024);
	CHECK_ERRNO(lseek(fd, 1 << 20, SEEK_DATA), ENXIO);
	CHECK_ERRNO(lseek(fd, 1 << 20, SEEK_HOLE), ENXIO);
	CHECK_ERRNO(lseek(fd, -1, SEEK_DATA), ENXIO);
	CHECK_OK(close(fd));
}

TEST(append)
{
	char b[8] = "";
	int fd, other;

	abi_tmpdir();
	other = abi_file("f", "ab", 0644);
	fd = open("f", O_RDWR | O_APPEND);
	CHECK_EQ(write(fd, "c", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "d", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
	CHECK_EQ(pwrite(fd, "e", 1, 0), 1); /* Linux appends even so (pwrite(2), BUGS) */
	CHECK_EQ(pread(other, b, 8, 0), 5);
	CHECK_STR(b, "abcde");
	CHECK_OK(fcntl(fd, F_SETFL, 0)); /* O_APPEND can be taken off */
	CHECK_EQ(pwrite(fd, "X", 1, 0), 1);
	CHECK_EQ(pread(other, b, 8, 0), 5);
	CHECK_STR(b, "Xbcde");
	close(fd), close(other);
}

TEST(vectors)
{
	char a[4] = "", b[8] = "";
	struct iovec w[3] = { { "one", 3 }, { "", 0 }, { "twothree", 8 } };
	struct iovec r[3] = { { a, 3 }, { NULL, 0 }, { b, 3 } };
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_EQ(writev(fd, w, 3), 11);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(readv(fd, r, 3), 6);
	CHECK_STR(a, "one");
	CHECK_STR(b, "two");
	r[2].iov_len = 8;
	CHECK_EQ(readv(fd, r, 3), 5); /* short at the end */
	CHECK(!memcmp(a, "thr", 3) && !memcmp(b, "ee", 2));
	CHECK_EQ(preadv(fd, r, 1, 3), 3);
	CHECK(!memcmp(a, "two", 3));
	CHECK_EQ(pwritev(fd, w, 1, 3), 3);
	CHECK_EQ(preadv(fd, r, 1, 3), 3);
	CHECK(!memcmp(a, "one", 3));
	CHECK_ERRNO(preadv(fd, r, 1, -1), EINVAL);
	CHECK_ERRNO(pwritev(fd, w, 1, -1), EINVAL);
	r[0].iov_base = bad_ptr();
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_ERRNO(readv(fd, r, 3), EFAULT);
	r[0].iov_base = a;
	r[1].iov_base = bad_ptr();
	r[1].iov_len = 4;
	CHECK_EQ(readv(fd, r, 3), 3); /* the good part counts */
	close(fd);
}

TEST(preadv2_flags)
{
	char a[8] = "";
	struct iovec v = { a, 3 };
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "abcdef", 0644);
	CHECK_EQ(preadv2(fd, &v, 1, 1, 0), 3);
	CHECK(!memcmp(a, "bcd", 3));
	CHECK_EQ(preadv2(fd, &v, 1, -1, 0), 3); /* -1: at the file position, which moves */
	CHECK(!memcmp(a, "abc", 3));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	CHECK_ERRNO(preadv2(fd, &v, 1, -2, 0), EINVAL);
	CHECK_ERRNO(preadv2(fd, &v, 1, 0, 0x40000000), EOPNOTSUPP);
	CHECK_EQ(pwritev2(fd, &v, 1, 0, RWF_APPEND), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 9);
	CHECK_EQ(pwritev2(fd, &v, 1, 0, RWF_DSYNC), 3);
	CHECK_EQ(pwritev2(fd, &v, 1, 0, RWF_SYNC), 3);
	close(fd);
}

TEST(large_transfer)
{
	size_t n = 3 << 20;
	char *p = malloc(n), *q = malloc(n);
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	for (size_t i = 0; i < n; i++)
		p[i] = i * 31 + i / 4096;
	CHECK_EQ(write(fd, p, n), n);
	CHECK_EQ(pread(fd, q, n, 0), n);
	CHECK_EQ(memcmp(p, q, n), 0);
	CHECK_EQ(pread(fd, q, 4096, 12345), 4096); /* unaligned */
	CHECK_EQ(memcmp(p + 12345, q, 4096), 0);
	CHECK_EQ(pwrite(fd, p, 5000, 4095), 5000);
	CHECK_EQ(pread(fd, q, 5000, 4095), 5000);
	CHECK_EQ(memcmp(p, q, 5000), 0);
	CHECK_EQ(pread(fd, q, 8192, n - 100), 100);
	close(fd);
	free(p), free(q);
}

/* Whatever makes a long write end early, what it returned is what is there. */
TEST(long_write)
{
	size_t half = 75 * 4096, n = 2 * half;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = malloc(n);
	struct iovec v[100];
	struct stat st;
	int fd;

	abi_tmpdir();
	fd = open("f", O_CREAT | O_TRUNC | O_RDWR | O_APPEND, 0644);
	REQUIRE(p != MAP_FAILED && fd >= 0);
	for (size_t i = 0; i < n; i++)
		p[i] = i * 31 + i / 4096;
	for (size_t i = 0; i < 100; i++)
		v[i] = (struct iovec){ p + i * 5003, 5003 };
	CHECK_EQ(writev(fd, v, 100), 500300);
	CHECK_EQ(write(fd, p, n), n); /* behind it */
	CHECK_EQ(pread(fd, q, 500300, 0), 500300);
	CHECK_EQ(memcmp(p, q, 500300), 0);
	CHECK_EQ(pread(fd, q, n, 500300), n);
	CHECK_EQ(memcmp(p, q, n), 0);
	IN_CHILD
	{
		struct rlimit r = { 500001, 500001 };

		signal(SIGXFSZ, SIG_IGN);
		CHECK_OK(ftruncate(fd, 100001));
		CHECK_OK(setrlimit(RLIMIT_FSIZE, &r));
		CHECK_EQ(write(fd, p, n), 400000);
	}
	CHECK_OK(ftruncate(fd, 0));
	CHECK_OK(munmap(p + half, half));
	CHECK_EQ(write(fd, p, n), half); /* up to where memory ends */
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, half);
	CHECK_EQ(pread(fd, q, n, 0), half);
	CHECK_EQ(memcmp(p, q, half), 0);
	munmap(p, half);
	free(q);
	close(fd);
}

TEST(rlimit_fsize)
{
	abi_tmpdir();
	IN_CHILD
	{
		struct rlimit r = { 100, 100 };
		char b[200] = "";
		int fd = abi_file("limited", "", 0644);

		signal(SIGXFSZ, SIG_IGN);
		CHECK_OK(setrlimit(RLIMIT_FSIZE, &r));
		CHECK_EQ(write(fd, b, 200), 100);
		CHECK_ERRNO(write(fd, b, 1), EFBIG);
		CHECK_ERRNO(ftruncate(fd, 101), EFBIG);
		CHECK_OK(ftruncate(fd, 100));
		signal(SIGXFSZ, SIG_DFL);
		CHILD_DIES(SIGXFSZ)
		{
			if (write(fd, b, 1) != -1)
				_exit(9);
		}
	}
}

/* What has been written stays, wherever it is kept. */
TEST(dontneed_keeps_data)
{
	char buf[3 * 4096], got[sizeof(buf)];
	int fd, n;

	abi_tmpdir();
	for (n = 0; n < (int)sizeof(buf); n++)
		buf[n] = (char)(n * 7 + n / 4096 + 1);
	fd = open("f", O_RDWR | O_CREAT, 0644);
	REQUIRE(write(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(pread(fd, got, sizeof(got), 0), sizeof(got));
	CHECK(memcmp(buf, got, sizeof(buf)) == 0);
	close(fd);
	fd = memfd_create("m", 0);
	REQUIRE(write(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(pread(fd, got, sizeof(got), 0), sizeof(got));
	CHECK(memcmp(buf, got, sizeof(buf)) == 0);
	close(fd);
}

TEST(sync_calls)
{
	int fd, fds[2];

	abi_tmpdir();
	fd = abi_file("f", "abc", 0644);
	REQUIRE(pipe(fds) == 0);
	CHECK_OK(fsync(fd));
	CHECK_OK(fdatasync(fd));
	CHECK_ERRNO(fsync(fds[0]), EINVAL);
	CHECK_ERRNO(fsync(-1), EBADF);
	CHECK_OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	CHECK_ERRNO(sync_file_range(fd, 0, 0, 0x100), EINVAL);
	CHECK_ERRNO(sync_file_range(fd, -1, 0, 0), EINVAL);
	CHECK_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
	CHECK_EQ(posix_fadvise(fds[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	CHECK_OK(readahead(fd, 0, 3));
	CHECK_ERRNO(readahead(fds[0], 0, 3), EINVAL);
	close(fd), close(fds[0]), close(fds[1]);
}
