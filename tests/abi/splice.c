/* sendfile, copy_file_range, splice, tee, vmsplice: data, positions, flags and errors. */
#include "abi.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

static char *slurp(int fd)
{
	static char b[256];
	ssize_t n = pread(fd, b, sizeof(b) - 1, 0);

	b[n > 0 ? n : 0] = 0;
	return b;
}

TEST(sendfile)
{
	int in, out, fds[2], rd;
	off_t off = 2;
	char b[16] = "";

	abi_tmpdir();
	in = abi_file("in", "0123456789", 0644);
	out = abi_file("out", "", 0644);
	CHECK_EQ(sendfile(out, in, NULL, 4), 4);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 4);
	CHECK_EQ(sendfile(out, in, &off, 3), 3);
	CHECK_EQ(off, 5);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 4); /* untouched with an offset */
	CHECK_EQ(sendfile(out, in, NULL, 100), 6);
	CHECK_EQ(sendfile(out, in, NULL, 100), 0);
	CHECK_STR(slurp(out), "0123234456789");
	REQUIRE(pipe(fds) == 0);
	off = 0;
	CHECK_EQ(sendfile(fds[1], in, &off, 10), 10);
	CHECK_EQ(read(fds[0], b, 16), 10);
	CHECK_STR(b, "0123456789");
	rd = open("out", O_RDONLY);
	CHECK_ERRNO(sendfile(rd, in, NULL, 1), EBADF);
	CHECK_ERRNO(sendfile(-1, in, NULL, 1), EBADF);
	CHECK_ERRNO(sendfile(out, -1, NULL, 1), EBADF);
	off = -1;
	CHECK_ERRNO(sendfile(out, in, &off, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sendfile, out, in, bad_ptr(), 1), EFAULT);
	off = 0;
	CHECK_ERRNO(sendfile(out, fds[0], &off, 1), ESPIPE);
	close(in), close(out), close(rd), close(fds[0]), close(fds[1]);
	unlink("in"), unlink("out");
}

TEST(sendfile_large)
{
	static char a[300000], b[300000];
	int in, out;
	size_t done = 0;
	ssize_t n;

	abi_tmpdir();
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = i * 7 + i / 300;
	in = abi_file("in", "", 0644);
	out = abi_file("out", "", 0644);
	CHECK_EQ(write(in, a, sizeof(a)), sizeof(a));
	lseek(in, 0, SEEK_SET);
	while ((n = sendfile(out, in, NULL, sizeof(a) - done)) > 0)
		done += n;
	CHECK_EQ(done, sizeof(a));
	CHECK_EQ(pread(out, b, sizeof(b), 0), sizeof(b));
	CHECK_EQ(memcmp(a, b, sizeof(a)), 0);
	close(in), close(out);
	unlink("in"), unlink("out");
}

TEST(copy_file_range)
{
	int in, out, app, fds[2];
	off_t from = 1, to = 3;

	abi_tmpdir();
	in = abi_file("in", "0123456789", 0644);
	out = abi_file("out", "abcdefghij", 0644);
	CHECK_EQ(copy_file_range(in, &from, out, &to, 4, 0), 4);
	CHECK_EQ(from, 5);
	CHECK_EQ(to, 7);
	CHECK_STR(slurp(out), "abc1234hij");
	CHECK_EQ(copy_file_range(in, NULL, out, NULL, 2, 0), 2);
	CHECK_STR(slurp(out), "01c1234hij");
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 2);
	from = 100;
	CHECK_EQ(copy_file_range(in, &from, out, NULL, 4, 0), 0); /* beyond the end */
	from = 0, to = 5;
	CHECK_EQ(copy_file_range(in, &from, in, &to, 5, 0), 5); /* within one file */
	CHECK_STR(slurp(in), "0123401234");
	from = 0, to = 2;
	CHECK_ERRNO(copy_file_range(in, &from, in, &to, 5, 0), EINVAL); /* overlapping */
	CHECK_ERRNO(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	CHECK_ERRNO(copy_file_range(-1, NULL, out, NULL, 1, 0), EBADF);
	app = open("out", O_WRONLY | O_APPEND);
	CHECK_ERRNO(copy_file_range(in, NULL, app, NULL, 1, 0), EBADF);
	REQUIRE(pipe(fds) == 0);
	CHECK_ERRNO(copy_file_range(in, NULL, fds[1], NULL, 1, 0), EINVAL);
	int dir = open(".", O_RDONLY);
	CHECK_ERRNO(copy_file_range(dir, NULL, out, NULL, 1, 0), EISDIR);
	close(in), close(out), close(app), close(dir), close(fds[0]), close(fds[1]);
	unlink("in"), unlink("out");
}

TEST(splice)
{
	int in, out, p[2], q[2];
	loff_t off = 3;
	char b[32] = "";

	abi_tmpdir();
	in = abi_file("in", "0123456789", 0644);
	out = abi_file("out", "", 0644);
	REQUIRE(pipe(p) == 0 && pipe(q) == 0);
	CHECK_EQ(splice(in, NULL, p[1], NULL, 4, 0), 4);
	CHECK_EQ(splice(in, &off, p[1], NULL, 3, 0), 3);
	CHECK_EQ(off, 6);
	CHECK_EQ(splice(p[0], NULL, q[1], NULL, 5, 0), 5); /* pipe to pipe */
	CHECK_EQ(splice(q[0], NULL, out, NULL, 100, 0), 5);
	CHECK_EQ(splice(p[0], NULL, out, &(loff_t){ 0 }, 1, SPLICE_F_MOVE | SPLICE_F_MORE), 1);
	CHECK_STR(slurp(out), "41233");
	CHECK_EQ(read(p[0], b, 32), 1);
	CHECK_ERRNO(splice(in, NULL, out, NULL, 1, 0), EINVAL); /* neither is a pipe */
	CHECK_ERRNO(splice(p[0], &off, out, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL); /* a pipe into itself */
	CHECK_ERRNO(splice(p[0], NULL, out, NULL, 1, 0x100), EINVAL);
	CHECK_ERRNO(splice(-1, NULL, out, NULL, 1, 0), EBADF);
	CHECK_EQ(splice(p[0], NULL, out, NULL, 0, 0), 0);
	lseek(in, 0, SEEK_END);
	CHECK_EQ(splice(in, NULL, p[1], NULL, 4, 0), 0);
	int app = open("out", O_WRONLY | O_APPEND);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_ERRNO(splice(p[0], NULL, app, NULL, 1, 0), EINVAL);
	close(in), close(out), close(app);
	close(p[0]), close(p[1]), close(q[0]), close(q[1]);
	unlink("in"), unlink("out");
}

TEST(tee)
{
	int p[2], q[2];
	char b[16] = "";

	REQUIRE(pipe(p) == 0 && pipe(q) == 0);
	CHECK_EQ(write(p[1], "abcdef", 6), 6);
	CHECK_EQ(tee(p[0], q[1], 4, 0), 4);
	CHECK_EQ(read(q[0], b, 16), 4);
	CHECK_STR(b, "abcd");
	CHECK_EQ(read(p[0], b, 16), 6); /* the source keeps it */
	CHECK_STR(b, "abcdef");
	CHECK_ERRNO(tee(p[0], q[1], 4, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(tee(p[0], p[1], 4, 0), EINVAL);
	int null = open("/dev/null", O_RDWR);
	CHECK_ERRNO(tee(p[0], null, 4, 0), EINVAL);
	close(null);
	close(p[1]);
	CHECK_EQ(tee(p[0], q[1], 4, 0), 0);
	close(p[0]), close(q[0]), close(q[1]);
}

TEST(vmsplice)
{
	char a[8] = "one", b[8] = "two", r[16] = "";
	struct iovec v[2] = { { a, 3 }, { b, 3 } };
	int p[2];

	REQUIRE(pipe(p) == 0);
	CHECK_EQ(vmsplice(p[1], v, 2, 0), 6);
	CHECK_EQ(read(p[0], r, 16), 6);
	CHECK_STR(r, "onetwo");
	CHECK_EQ(write(p[1], "xyz", 3), 3);
	CHECK_EQ(vmsplice(p[0], v, 1, 0), 3); /* the other way: a copy */
	CHECK_STR(a, "xyz");
	CHECK_ERRNO(vmsplice(-1, v, 1, 0), EBADF);
	int null = open("/dev/null", O_RDWR);
	CHECK_ERRNO(vmsplice(null, v, 1, 0), EBADF);
	close(null);
	CHECK_ERRNO(vmsplice(p[1], v, 1, 0x100), EINVAL);
	v[0].iov_base = bad_ptr();
	CHECK_ERRNO(vmsplice(p[1], v, 1, 0), EFAULT);
	close(p[0]), close(p[1]);
}

TEST(through_dev_null_and_zero)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY), p[2];
	char b[16] = "abc";

	REQUIRE(pipe(p) == 0);
	CHECK_EQ(write(p[1], "abc", 3), 3);
	CHECK_EQ(splice(p[0], NULL, null, NULL, 100, 0), 3);
	errno = 0;
	if (splice(zero, NULL, p[1], NULL, 3, 0) == 3) {
		CHECK_EQ(read(p[0], b, 16), 3);
		CHECK_EQ(b[0] + b[1] + b[2], 0);
	} else {
		CHECK_EQ(errno, EINVAL); /* before Linux 6.5 */
	}
	close(null), close(zero), close(p[0]), close(p[1]);
}
