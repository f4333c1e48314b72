/* io_uring: setup, the rings, order of completions, links, waits, cancellation; errors of the three calls. */
#include "uring.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <poll.h>

#define RING_AND_PIPE(r, entries, p) \
	do {                         \
		RING(r, entries, 0); \
		CHECK_OK(pipe(p));   \
	} while (0)

static void close_both(struct ring *r, int p[2])
{
	ring_close(r);
	close(p[0]);
	close(p[1]);
}

TEST(nop_batch)
{
	struct ring r;

	RING(r, 64, 0);
	for (int i = 0; i < 64; i++)
		sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = i;
	CHECK_EQ(enter(&r, 64, 64), 64);
	for (int i = 0; i < 64; i++) {
		struct cqe c = reap(&r);

		CHECK_EQ(c.user_data, i);
		CHECK_EQ(c.res, 0);
	}
	CHECK_EQ(enter(&r, 1, 0), 0);
	ring_close(&r);
}

TEST(setup_errors)
{
	struct io_uring_params p = { 0 };
	int fd;

	CHECK_ERRNO(syscall(SYS_io_uring_setup, 0, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 32769, &p), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 4, bad_ptr()), EFAULT);
	p.flags = 1u << 31;
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
	p.flags = IORING_SETUP_CQSIZE;
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
	p.cq_entries = 2;
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
	p.flags = IORING_SETUP_DEFER_TASKRUN;
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
	p.flags = 0;
	p.resv[1] = 1;
	CHECK_ERRNO(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
	memset(&p, 0, sizeof(p));
	p.flags = IORING_SETUP_CLAMP;
	fd = CHECK_OK(syscall(SYS_io_uring_setup, 100000, &p));
	CHECK_EQ(p.sq_entries, 32768);
	CHECK_EQ(p.cq_entries, 65536);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	memset(&p, 0, sizeof(p));
	p.flags = IORING_SETUP_CQSIZE;
	p.cq_entries = 33;
	fd = CHECK_OK(syscall(SYS_io_uring_setup, 5, &p));
	CHECK_EQ(p.sq_entries, 8);
	CHECK_EQ(p.cq_entries, 64);
	CHECK(p.features & IORING_FEAT_SINGLE_MMAP);
	close(fd);
}

TEST(enter_errors)
{
	struct ring r;
	int p[2];

	RING_AND_PIPE(r, 4, p);
	CHECK_ERRNO(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 8), EBADF);
	CHECK_ERRNO(syscall(SYS_io_uring_enter, p[0], 0, 0, 0, NULL, 8), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_io_uring_enter, r.fd, 0, 0, 1u << 20, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_uring_register, p[0], 0, NULL, 0), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_io_uring_register, 9999, 0, NULL, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_io_uring_register, r.fd, 9999, NULL, 0), EINVAL);
	/* An unknown operation completes with an error and ends the batch. */
	sqe(&r, 200, -1, NULL, 0, 0)->user_data = 1;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 2;
	CHECK_EQ(enter(&r, 2, 0), 1);
	CHECK_EQ(reap(&r).res, -EINVAL);
	CHECK_EQ(enter(&r, 1, 1), 1);
	CHECK_EQ(reap(&r).user_data, 2);
	ring_close(&r);
	RING(r, 4, IORING_SETUP_R_DISABLED);
	CHECK_ERRNO(enter(&r, 0, 0), EBADFD);
	CHECK_OK(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	CHECK_ERRNO(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0),
		    EBADFD);
	CHECK_EQ(enter(&r, 0, 0), 0);
	close_both(&r, p);
}

TEST(file_io)
{
	struct iovec v[2];
	char a[4] = "abc", b[6] = "defgh", in[16] = "";
	struct ring r;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	RING(r, 8, 0);
	v[0] = (struct iovec){ a, 3 };
	v[1] = (struct iovec){ b, 5 };
	sqe(&r, IORING_OP_WRITEV, fd, v, 2, 0)->flags = IOSQE_IO_LINK;
	sqe(&r, IORING_OP_FSYNC, fd, NULL, 0, 0)->flags = IOSQE_IO_LINK;
	sqe(&r, IORING_OP_READ, fd, in, 8, 0);
	CHECK_EQ(enter(&r, 3, 3), 3);
	CHECK_EQ(reap(&r).res, 8);
	CHECK_EQ(reap(&r).res, 0);
	CHECK_EQ(reap(&r).res, 8);
	CHECK_STR(in, "abcdefgh");
	/* The file's own position. */
	sqe(&r, IORING_OP_READ, fd, in, 3, -1);
	CHECK_EQ(done1(&r), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	sqe(&r, IORING_OP_READ, -1, in, 3, 0);
	CHECK_EQ(done1(&r), -EBADF);
	sqe(&r, IORING_OP_READ, fd, bad_ptr(), 3, 0);
	CHECK_EQ(done1(&r), -EFAULT);
	sqe(&r, IORING_OP_READ, fd, in, 16, 100);
	CHECK_EQ(done1(&r), 0);
	sqe(&r, IORING_OP_WRITE, fd, "xy", 2, 1)->flags = IOSQE_ASYNC;
	CHECK_EQ(done1(&r), 2);
	CHECK_EQ(pread(fd, in, 4, 0), 4);
	CHECK_EQ(memcmp(in, "axyd", 4), 0);
	sqe(&r, IORING_OP_FALLOCATE, fd, (void *)4096, 0, 0);
	CHECK_EQ(done1(&r), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 4096);
	ring_close(&r);
	close(fd);
}

TEST(pipe_waits)
{
	char in[8] = "";
	struct ring r;
	int p[2];

	RING_AND_PIPE(r, 8, p);
	sqe(&r, IORING_OP_READ, p[0], in, 8, 0)->user_data = 5;
	CHECK_EQ(enter(&r, 1, 0), 1);
	CHECK_EQ(ready(&r), 0);
	CHECK_EQ(write(p[1], "hello", 5), 5);
	WAIT_UNTIL(ready(&r) == 1); /* no system call is needed for it to complete */
	CHECK_EQ(reap(&r).res, 5);
	CHECK_STR(in, "hello");
	/* Waiting in the kernel. */
	sqe(&r, IORING_OP_READ, p[0], in, 8, 0);
	CHECK_EQ(enter(&r, 1, 0), 1);
	pid_t pid = abi_fork();

	if (!pid) {
		abi_sleep_ms(5);
		CHECK_EQ(write(p[1], "x", 1), 1);
		abi_exit();
	}
	CHECK_EQ(enter(&r, 0, 1), 0);
	CHECK_EQ(reap(&r).res, 1);
	abi_reap(pid);
	close_both(&r, p);
}

TEST(links)
{
	struct ring r;
	char c;
	int p[2];

	RING_AND_PIPE(r, 8, p);
	/* A failure breaks a link... */
	sqe(&r, IORING_OP_READ, -1, &c, 1, 0)->flags = IOSQE_IO_LINK;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->flags = IOSQE_IO_LINK;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	CHECK_EQ(enter(&r, 4, 4), 4);
	CHECK_EQ(count_res(&r, 4, -ECANCELED), 2);
	/* ...but not a hard one. */
	sqe(&r, IORING_OP_READ, -1, &c, 1, 0)->flags = IOSQE_IO_HARDLINK;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	CHECK_EQ(enter(&r, 2, 2), 2);
	CHECK_EQ(reap(&r).res, -EBADF);
	CHECK_EQ(reap(&r).res, 0);
	/* A chain whose head waits. */
	sqe(&r, IORING_OP_READ, p[0], &c, 1, 0)->flags = IOSQE_IO_LINK;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 9;
	CHECK_EQ(enter(&r, 2, 0), 2);
	CHECK_EQ(ready(&r), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(enter(&r, 0, 2), 0);
	CHECK_EQ(reap(&r).res, 1);
	CHECK_EQ(reap(&r).user_data, 9);
	/* No completion for what succeeds. */
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 3;
	CHECK_EQ(enter(&r, 2, 1), 2);
	CHECK_EQ(ready(&r), 1);
	CHECK_EQ(reap(&r).user_data, 3);
	close_both(&r, p);
}

TEST(drain)
{
	struct ring r;
	char c;
	int p[2];

	RING_AND_PIPE(r, 8, p);
	sqe(&r, IORING_OP_READ, p[0], &c, 1, 0)->user_data = 1;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 2;
	struct io_uring_sqe *s = sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);

	s->user_data = 3;
	s->flags = IOSQE_IO_DRAIN;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 4;
	CHECK_EQ(enter(&r, 4, 1), 4);
	CHECK_EQ(ready(&r), 1);
	CHECK_EQ(reap(&r).user_data, 2);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(enter(&r, 0, 3), 0);
	CHECK_EQ(reap(&r).user_data, 1);
	CHECK_EQ(reap(&r).user_data, 3);
	CHECK_EQ(reap(&r).user_data, 4);
	close_both(&r, p);
}

TEST(timeouts)
{
	struct __kernel_timespec ts = { 0, 5000000 }, far = { 100, 0 };
	struct ring r;
	int64_t start = abi_now_ns();
	char c;
	int p[2];

	RING_AND_PIPE(r, 8, p);
	sqe(&r, IORING_OP_TIMEOUT, -1, &ts, 1, 0);
	CHECK_EQ(done1(&r), -ETIME);
	CHECK(abi_now_ns() - start >= 5000000);
	/* After so many completions. */
	sqe(&r, IORING_OP_TIMEOUT, -1, &far, 1, 1)->user_data = 1;
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	CHECK_EQ(enter(&r, 2, 2), 2);
	CHECK_EQ(reap(&r).user_data, 0);
	struct cqe q = reap(&r);

	CHECK_EQ(q.user_data, 1);
	CHECK_EQ(q.res, 0);
	/* Removed. */
	sqe(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0)->user_data = 7;
	sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)7, 0, 0)->user_data = 8;
	sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)77, 0, 0)->user_data = 9;
	CHECK_EQ(enter(&r, 3, 3), 3);
	for (int i = 0; i < 3; i++) {
		q = reap(&r);
		CHECK_EQ(q.res, q.user_data == 7 ? -ECANCELED : q.user_data == 8 ? 0 : -ENOENT);
	}
	/* A link timeout ends what it is linked to. */
	struct io_uring_sqe *s = sqe(&r, IORING_OP_READ, p[0], &c, 1, 0);

	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &ts, 1, 0)->user_data = 2;
	CHECK_EQ(enter(&r, 2, 2), 2);
	for (int i = 0; i < 2; i++) {
		q = reap(&r);
		CHECK_EQ(q.res, q.user_data == 1 ? -ECANCELED : -ETIME);
	}
	s = sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0)->user_data = 2;
	CHECK_EQ(enter(&r, 2, 2), 2);
	for (int i = 0; i < 2; i++) {
		q = reap(&r);
		CHECK_EQ(q.res, q.user_data == 1 ? 0 : -ECANCELED);
	}
	sqe(&r, IORING_OP_TIMEOUT, -1, bad_ptr(), 1, 0);
	CHECK_EQ(done1(&r), -EFAULT);
	/* The wait's own limit. */
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };

	CHECK_ERRNO(syscall(SYS_io_uring_enter, r.fd, 0, 1,
			    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)),
		    ETIME);
	close_both(&r, p);
}

TEST(polls)
{
	struct cqe q;
	struct io_uring_sqe *s;
	struct ring r;
	char c;
	int p[2];

	RING_AND_PIPE(r, 8, p);
	sqe(&r, IORING_OP_POLL_ADD, p[0], NULL, 0, 0)->poll32_events = POLLIN;
	CHECK_EQ(enter(&r, 1, 0), 1);
	CHECK_EQ(ready(&r), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(enter(&r, 0, 1), 0);
	CHECK_EQ(reap(&r).res, POLLIN);
	/* Several times. */
	CHECK_EQ(read(p[0], &c, 1), 1);
	s = sqe(&r, IORING_OP_POLL_ADD, p[0], NULL, IORING_POLL_ADD_MULTI, 0);
	s->poll32_events = POLLIN;
	s->user_data = 4;
	CHECK_EQ(enter(&r, 1, 0), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(enter(&r, 0, 1), 0);
		q = reap(&r);
		CHECK_EQ(q.res, POLLIN);
		CHECK_EQ(q.flags, IORING_CQE_F_MORE);
		CHECK_EQ(read(p[0], &c, 1), 1);
	}
	sqe(&r, IORING_OP_POLL_REMOVE, -1, (void *)4, 0, 0)->user_data = 5;
	CHECK_EQ(enter(&r, 1, 2), 1);
	for (int i = 0; i < 2; i++) {
		q = reap(&r);
		CHECK_EQ(q.res, q.user_data == 4 ? -ECANCELED : 0);
	}
	sqe(&r, IORING_OP_POLL_REMOVE, -1, (void *)4, 0, 0);
	CHECK_EQ(done1(&r), -ENOENT);
	close_both(&r, p);
}

TEST(cancel)
{
	struct cqe q;
	struct ring r;
	char c[4];
	int p[2];

	RING_AND_PIPE(r, 8, p);
	sqe(&r, IORING_OP_READ, p[0], c, 1, 0)->user_data = 1;
	CHECK_EQ(enter(&r, 1, 0), 1);
	sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 0)->user_data = 2;
	CHECK_EQ(enter(&r, 1, 2), 1);
	for (int i = 0; i < 2; i++) {
		q = reap(&r);
		CHECK_EQ(q.res, q.user_data == 1 ? -ECANCELED : 0);
	}
	sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 0);
	CHECK_EQ(done1(&r), -ENOENT);
	for (int i = 0; i < 3; i++)
		sqe(&r, IORING_OP_READ, p[0], c, 1, 0);
	CHECK_EQ(enter(&r, 3, 0), 3);
	struct io_uring_sqe *s = sqe(&r, IORING_OP_ASYNC_CANCEL, p[0], NULL, 0, 0);

	s->cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD;
	s->user_data = 9;
	CHECK_EQ(enter(&r, 1, 4), 1);
	for (int i = 0; i < 4; i++) {
		q = reap(&r);
		CHECK_EQ(q.res, q.user_data == 9 ? 3 : -ECANCELED);
	}
	/* What is outstanding ends with the ring. */
	sqe(&r, IORING_OP_READ, p[0], c, 1, 0);
	CHECK_EQ(enter(&r, 1, 0), 1);
	ring_close(&r);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(read(p[0], c, 1), 1);
	close(p[0]), close(p[1]);
}

TEST(overflow)
{
	struct ring r;
	unsigned n = 0;

	RING(r, 4, 0); /* eight completions fit */
	for (int k = 0; k < 4; k++) {
		for (int i = 0; i < 4; i++)
			sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = n++;
		CHECK_EQ(enter(&r, 4, 0), 4);
	}
	CHECK_EQ(ready(&r), 8);
	CHECK(*r.sq_flags & IORING_SQ_CQ_OVERFLOW);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(reap(&r).user_data, i);
	CHECK_EQ(enter(&r, 0, 8), 0);
	for (unsigned i = 8; i < 16; i++)
		CHECK_EQ(reap(&r).user_data, i);
	CHECK_EQ(*r.sq_flags & IORING_SQ_CQ_OVERFLOW, 0);
	ring_close(&r);
}

TEST(ring_polls_and_eventfd)
{
	int e = eventfd(0, EFD_NONBLOCK), e2 = eventfd(0, 0);
	struct pollfd pf, told = { e, POLLIN, 0 };
	struct ring r;
	uint64_t v = 0;

	RING(r, 4, 0);
	pf = (struct pollfd){ r.fd, POLLIN, 0 };
	CHECK_EQ(poll(&pf, 1, 0), 0);
	CHECK_OK(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_EVENTFD, &e, 1));
	CHECK_ERRNO(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_EVENTFD, &e, 1), EBUSY);
	sqe(&r, IORING_OP_READ, e2, &v, 8, 0);
	CHECK_EQ(enter(&r, 1, 0), 1);
	CHECK_ERRNO(read(e, &v, 8), EAGAIN);
	v = 1;
	CHECK_EQ(write(e2, &v, 8), 8);
	CHECK_EQ(poll(&pf, 1, 5000), 1);
	CHECK_EQ(reap(&r).res, 8);
	CHECK_EQ(poll(&told, 1, 5000), 1); /* it is told after the completion is there */
	CHECK_EQ(read(e, &v, 8), 8);
	CHECK_EQ(v, 1);
	CHECK_OK(syscall(SYS_io_uring_register, r.fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
	CHECK_ERRNO(syscall(SYS_io_uring_register, r.fd, IORING_UNREGISTER_EVENTFD, NULL, 0),
		    ENXIO);
	ring_close(&r);
	close(e), close(e2);
}

TEST(deferred)
{
	struct ring r;
	char c;
	int p[2];

	RING(r, 4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	CHECK_OK(pipe(p));
	sqe(&r, IORING_OP_READ, p[0], &c, 1, 0);
	CHECK_EQ(enter(&r, 1, 0), 1);
	CHECK_EQ(write(p[1], "x", 1), 1);
	abi_sleep_ms(3);
	CHECK_EQ(ready(&r), 0); /* only who waits makes it happen */
	CHECK_EQ(enter(&r, 0, 1), 0);
	CHECK_EQ(reap(&r).res, 1);
	close_both(&r, p);
}

TEST(sqpoll)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 20 };
	struct ring r;

	REQUIRE(ring_open(&r, 8, &p) == 0);
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 3;
	CHECK_OK(syscall(SYS_io_uring_enter, r.fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 8));
	WAIT_UNTIL(ready(&r) == 1);
	CHECK_EQ(reap(&r).user_data, 3);
	WAIT_UNTIL(__atomic_load_n(r.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP);
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 4;
	CHECK_OK(syscall(SYS_io_uring_enter, r.fd, 1, 1,
			 IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS, NULL, 8));
	CHECK_EQ(reap(&r).user_data, 4);
	ring_close(&r);
}

/* A process that ends while its requests wait; the ring lives on in another. */
TEST(owner_dies)
{
	struct ring r;
	char c;
	int p[2];

	RING_AND_PIPE(r, 4, p);
	IN_CHILD
	{
		sqe(&r, IORING_OP_READ, p[0], &c, 1, 0)->user_data = 6;
		CHECK_EQ(enter(&r, 1, 0), 1);
	}
	/* The dead one's request takes nothing from the living. */
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	close_both(&r, p);
}
