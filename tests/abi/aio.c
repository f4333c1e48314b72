/* Linux AIO: contexts and their limits, reads and writes, completions, eventfds, the ring that user space sees. */
#include "abi.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static long submit(aio_context_t c, struct iocb *cb)
{
	struct iocb *list[1] = { cb };

	return syscall(SYS_io_submit, c, 1, list);
}

static long getevents(aio_context_t c, long min, long nr, struct io_event *ev, struct timespec *ts)
{
	return syscall(SYS_io_getevents, c, min, nr, ev, ts);
}

static struct iocb request(int op, int fd, void *buf, size_t n, long off)
{
	return (struct iocb){ .aio_data = 77,
			      .aio_lio_opcode = op,
			      .aio_fildes = fd,
			      .aio_buf = (uintptr_t)buf,
			      .aio_nbytes = n,
			      .aio_offset = off };
}

TEST(contexts)
{
	aio_context_t c = 0, other = 0;
	struct io_event ev;
	unsigned *ring;

	CHECK_ERRNO(syscall(SYS_io_setup, 0, &c), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_setup, 4, bad_ptr()), EFAULT);
	other = 1;
	CHECK_ERRNO(syscall(SYS_io_setup, 4, &other), EINVAL);
	other = 0;
	CHECK_ERRNO(syscall(SYS_io_setup, 0x10000000, &other), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_setup, 1000000, &other), EAGAIN);
	REQUIRE(syscall(SYS_io_setup, 4, &c) == 0);
	ring = (unsigned *)c;
	CHECK_EQ(ring[4], 0xa10a10a1u);
	CHECK_EQ(ring[5], 1);
	CHECK_EQ(ring[7], 32);
	CHECK_EQ(ring[2], ring[3]);
	CHECK_ERRNO(getevents(c + 4096, 0, 1, &ev, NULL), EINVAL);
	CHECK_ERRNO(getevents(c, 2, 1, &ev, NULL), EINVAL);
	CHECK_ERRNO(getevents(c, -1, 1, &ev, NULL), EINVAL);
	CHECK_EQ(getevents(c, 0, 1, &ev, NULL), 0);
	CHECK_EQ(getevents(c, 1, 1, &ev, &(struct timespec){ 0, 2000000 }), 0);
	CHECK_ERRNO(syscall(SYS_io_submit, c, -1L, NULL), EINVAL);
	CHECK_EQ(syscall(SYS_io_submit, c, 0L, NULL), 0);
	CHECK_ERRNO(syscall(SYS_io_submit, c, 1L, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_submit, (long)0, 1, NULL), EINVAL);
	CHECK_EQ(syscall(SYS_io_destroy, c), 0);
	CHECK_ERRNO(syscall(SYS_io_destroy, c), EINVAL);
	CHECK_ERRNO(getevents(c, 0, 1, &ev, NULL), EINVAL);
}

TEST(file_io)
{
	struct iovec v[2];
	char a[] = "abc", b[] = "defgh", in[16] = "";
	struct io_event ev[4];
	aio_context_t c = 0;
	struct iocb cb;
	uint64_t n = 0;
	int fd, e = eventfd(0, EFD_NONBLOCK);

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	REQUIRE(syscall(SYS_io_setup, 8, &c) == 0);
	v[0] = (struct iovec){ a, 3 };
	v[1] = (struct iovec){ b, 5 };
	cb = request(IOCB_CMD_PWRITEV, fd, v, 2, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = e;
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_EQ(getevents(c, 1, 4, ev, NULL), 1);
	CHECK_EQ(ev[0].data, 77);
	CHECK_EQ(ev[0].obj, (uintptr_t)&cb);
	CHECK_EQ(ev[0].res, 8);
	CHECK_EQ(ev[0].res2, 0);
	CHECK_EQ(read(e, &n, 8), 8);
	CHECK_EQ(n, 1);
	cb = request(IOCB_CMD_PREAD, fd, in, 5, 2);
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_EQ(getevents(c, 1, 4, ev, NULL), 1);
	CHECK_EQ(ev[0].res, 5);
	CHECK_STR(in, "cdefg");
	cb = request(IOCB_CMD_PREAD, fd, in, 5, 100);
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_EQ(getevents(c, 1, 4, ev, NULL), 1);
	CHECK_EQ(ev[0].res, 0);
	cb = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_EQ(getevents(c, 1, 4, ev, NULL), 1);
	CHECK_EQ(ev[0].res, 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(syscall(SYS_io_destroy, c), 0);
	close(fd), close(e);
}

TEST(request_errors)
{
	char in[16] = "";
	struct io_event ev;
	aio_context_t c = 0;
	struct iocb cb;
	int fd;

	abi_tmpdir();
	fd = abi_file("g", "x", 0644);
	REQUIRE(syscall(SYS_io_setup, 8, &c) == 0);
	cb = request(IOCB_CMD_PREAD, -1, in, 1, 0);
	CHECK_ERRNO(submit(c, &cb), EBADF);
	cb = request(99, fd, in, 1, 0);
	CHECK_ERRNO(submit(c, &cb), EINVAL);
	cb = request(IOCB_CMD_PREAD, fd, in, 1, 0);
	cb.aio_reserved2 = 1;
	CHECK_ERRNO(submit(c, &cb), EINVAL);
	cb = request(IOCB_CMD_PREAD, fd, in, -1, 0);
	CHECK_ERRNO(submit(c, &cb), EINVAL);
	cb = request(IOCB_CMD_PREAD, fd, in, 1, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = 9999;
	CHECK_ERRNO(submit(c, &cb), EBADF);
	cb.aio_resfd = fd;
	CHECK_ERRNO(submit(c, &cb), EINVAL);
	/* Errors of the operation are completions. */
	cb = request(IOCB_CMD_PREAD, fd, bad_ptr(), 1, 0);
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_EQ(getevents(c, 1, 1, &ev, NULL), 1);
	CHECK_EQ(ev.res, -EFAULT);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, bad_ptr(), &ev), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &cb, &ev), EINVAL);
	/* A child has no contexts. */
	IN_CHILD
	{
		CHECK_ERRNO(getevents(c, 0, 1, &ev, NULL), EINVAL);
	}
	CHECK_EQ(syscall(SYS_io_destroy, c), 0);
	close(fd);
}

/* As programs do that consume the ring by themselves. */
TEST(user_space_ring)
{
	char in[2] = "";
	struct io_event ev[2];
	aio_context_t c = 0;
	struct iocb cb;
	unsigned *ring;
	int fd;

	abi_tmpdir();
	fd = abi_file("h", "x", 0644);
	REQUIRE(syscall(SYS_io_setup, 2, &c) == 0);
	ring = (unsigned *)c;
	for (int i = 0; i < 300; i++) {
		cb = request(IOCB_CMD_PREAD, fd, in, 1, 0);
		if (!CHECK_EQ(submit(c, &cb), 1))
			break;
		CHECK(ring[2] != ring[3]);
		CHECK_EQ(((struct io_event *)(ring + 8))[ring[2]].res, 1);
		ring[2] = (ring[2] + 1) % ring[1];
	}
	CHECK_EQ(getevents(c, 0, 2, ev, NULL), 0);
	/* A head that makes no sense hurts nobody but us. */
	ring[2] = 0xfffffff0;
	getevents(c, 0, 2, ev, NULL);
	CHECK_EQ(syscall(SYS_io_destroy, c), 0);
	close(fd);
}

/* ---- IOCB_CMD_POLL ---- */

static struct iocb poll_for(int fd, int events)
{
	return request(IOCB_CMD_POLL, fd, (void *)(uintptr_t)events, 0, 0);
}

TEST(poll_completes_when_ready)
{
	struct timespec soon = { 0, 20000000 };
	int v[2], efd = eventfd(0, EFD_NONBLOCK);
	struct iocb in, out, bad;
	aio_context_t c = 0;
	struct io_event ev;
	uint64_t count;

	REQUIRE(syscall(SYS_io_setup, 8, &c) == 0);
	REQUIRE(pipe(v) == 0);
	out = poll_for(v[1], POLLOUT); /* at once */
	CHECK_EQ(submit(c, &out), 1);
	CHECK_EQ(getevents(c, 1, 1, &ev, NULL), 1);
	CHECK_EQ(ev.res, POLLOUT);
	CHECK_EQ(ev.obj, (uintptr_t)&out);
	CHECK_EQ(ev.data, 77);

	in = poll_for(v[0], POLLIN);
	in.aio_flags = IOCB_FLAG_RESFD;
	in.aio_resfd = efd;
	CHECK_EQ(submit(c, &in), 1);
	CHECK_EQ(getevents(c, 1, 1, &ev, &soon), 0);
	CHECK_ERRNO(read(efd, &count, 8), EAGAIN);
	CHECK_EQ(write(v[1], "x", 1), 1);
	CHECK_EQ(getevents(c, 1, 1, &ev, NULL), 1);
	CHECK_EQ(ev.res & POLLIN, POLLIN); /* Linux adds what woke it besides */
	CHECK_EQ(ev.obj, (uintptr_t)&in);
	WAIT_UNTIL(read(efd, &count, 8) == 8);
	CHECK_EQ(count, 1);
	/* Once only. */
	CHECK_EQ(write(v[1], "x", 1), 1);
	CHECK_EQ(getevents(c, 1, 1, &ev, &soon), 0);

	CHECK_EQ(read(v[0], &count, 2), 2);
	in = poll_for(v[0], POLLIN);
	CHECK_EQ(submit(c, &in), 1);
	close(v[1]); /* not asked for, but told */
	CHECK_EQ(getevents(c, 1, 1, &ev, NULL), 1);
	CHECK_EQ(ev.res, POLLHUP);

	bad = poll_for(v[0], 0x10000);
	CHECK_ERRNO(submit(c, &bad), EINVAL);
	bad = poll_for(v[0], POLLIN), bad.aio_nbytes = 1;
	CHECK_ERRNO(submit(c, &bad), EINVAL);
	bad = poll_for(v[0], POLLIN), bad.aio_offset = 1;
	CHECK_ERRNO(submit(c, &bad), EINVAL);
	bad = poll_for(999, POLLIN);
	CHECK_ERRNO(submit(c, &bad), EBADF);
	CHECK_EQ(syscall(SYS_io_destroy, c), 0);
	close(v[0]), close(efd);
}

TEST(poll_is_cancelled)
{
	aio_context_t c = 0;
	struct io_event ev;
	struct iocb cb;
	int v[2];

	REQUIRE(syscall(SYS_io_setup, 8, &c) == 0);
	REQUIRE(pipe(v) == 0);
	cb = poll_for(v[0], POLLIN);
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &cb, &ev), EINPROGRESS);
	CHECK_EQ(getevents(c, 1, 1, &ev, NULL), 1);
	CHECK_EQ(ev.obj, (uintptr_t)&cb);
	CHECK_EQ(ev.res, 0);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &cb, &ev), EINVAL);
	/* A context goes with what is under way. */
	CHECK_EQ(submit(c, &cb), 1);
	CHECK_EQ(syscall(SYS_io_destroy, c), 0);
	CHECK_EQ(write(v[1], "x", 1), 1);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &cb, &ev), EINVAL);
	/* And so it does with its process, while the file stays. */
	IN_CHILD
	{
		aio_context_t own = 0;
		struct iocb w = poll_for(v[1], POLLPRI);

		CHECK_OK(syscall(SYS_io_setup, 8, &own));
		CHECK_EQ(submit(own, &w), 1);
	}
	CHECK_EQ(write(v[1], "y", 1), 1);
	close(v[0]), close(v[1]);
}
