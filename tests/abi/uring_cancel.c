/*
 * Requests of io_uring(7) that end each other: in long chains, by the timeout that watches them, and by events that they make
 * themselves.
 */
#include "uring.h"
#include <poll.h>
#include <sys/eventfd.h>

#define CHAIN 1000

/*
 * Polls of a pipe where nothing comes, each with a request behind it that cancels the next: the first that goes takes all
 * along. A kernel that ran one inside the other would need a stack as deep as that.
 */
TEST(a_chain_of_cancellations)
{
	struct ring r;
	int p[2], cancelled = 0, ended = 0;

	CHECK_OK(pipe(p));
	RING(r, 4096, 0);
	for (unsigned i = 0; i < CHAIN; i++) {
		struct io_uring_sqe *s = sqe(&r, IORING_OP_POLL_ADD, p[0], NULL, 0, 0);

		s->poll32_events = POLLIN;
		s->user_data = i;
		s->flags = IOSQE_IO_HARDLINK;
		s = sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)(i + 1UL), 0, 0);
		s->user_data = CHAIN + 1;
	}
	CHECK_EQ(enter(&r, 2 * CHAIN, 0), 2 * CHAIN);
	sqe(&r, IORING_OP_ASYNC_CANCEL, -1, NULL, 0, 0)->user_data = CHAIN + 2;
	CHECK_EQ(enter(&r, 1, 2 * CHAIN + 1), 1);
	for (unsigned i = 0; i < 2 * CHAIN + 1; i++) {
		struct cqe c = reap(&r);

		cancelled += c.user_data < CHAIN && c.res == -ECANCELED;
		ended += c.user_data > CHAIN && c.res == 0;
	}
	CHECK_EQ(cancelled, CHAIN);
	CHECK_EQ(ended, CHAIN); /* the last one finds nothing */
	ring_close(&r);
	close(p[0]);
	close(p[1]);
}

/* A link timeout belongs to its request: to cancel it alone is refused, and it ends with that one. */
TEST(a_link_timeout_stays)
{
	struct __kernel_timespec far = { .tv_sec = 1000 };
	struct ring r;
	int p[2];

	CHECK_OK(pipe(p));
	RING(r, 16, 0);
	for (int i = 0; i < 50; i++) {
		struct io_uring_sqe *s = sqe(&r, IORING_OP_POLL_ADD, p[0], NULL, 0, 0);
		unsigned seen = 0;
		char c;

		s->poll32_events = POLLIN;
		s->user_data = 1;
		s->flags = IOSQE_IO_LINK;
		sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &far, 1, 0)->user_data = 2;
		CHECK_EQ(enter(&r, 2, 0), 2);
		sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)2UL, 0, 0);
		CHECK(done1(&r) < 0);
		for (int k = 0; k < 4; k++) /* what takes the place of anything that was freed */
			sqe(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0)->user_data = 3;
		CHECK_EQ(enter(&r, 4, 0), 4);
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(enter(&r, 0, 2), 0);
		for (int k = 0; k < 2; k++) {
			struct cqe q = reap(&r);

			CHECK_EQ(q.res, q.user_data == 1 ? POLLIN : -ECANCELED);
			seen |= (unsigned)q.user_data;
		}
		CHECK_EQ(seen, 3);
		CHECK_EQ(read(p[0], &c, 1), 1);
		s = sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)3UL, 0, 0);
		s->cancel_flags = IORING_ASYNC_CANCEL_ALL;
		CHECK_EQ(enter(&r, 1, 5), 1);
		while (ready(&r))
			reap(&r);
	}
	ring_close(&r);
	close(p[0]);
	close(p[1]);
}

/* A poll that reports each time is reported to the eventfd that it polls: there is an end to that. */
TEST(polls_its_own_eventfd)
{
	int e = CHECK_OK(eventfd(0, EFD_NONBLOCK));
	struct io_uring_sqe *s;
	struct ring r;

	RING(r, 8, 0);
	CHECK_OK(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_EVENTFD, &e, 1));
	s = sqe(&r, IORING_OP_POLL_ADD, e, NULL, IORING_POLL_ADD_MULTI, 0);
	s->poll32_events = POLLIN;
	CHECK_EQ(enter(&r, 1, 0), 1);
	CHECK_OK(eventfd_write(e, 1));
	CHECK_EQ(enter(&r, 0, 1), 0);
	CHECK(reap(&r).res & POLLIN);
	ring_close(&r);
	close(e);
}
