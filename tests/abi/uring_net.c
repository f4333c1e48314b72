/* io_uring on sockets, fixed files, provided and registered buffers, messages between rings, restrictions. */
#include "uring.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int reg(struct ring *r, int op, const void *arg, unsigned n)
{
	return syscall(SYS_io_uring_register, r->fd, op, arg, n);
}

static int listener(struct sockaddr_un *a)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, 60, "uring-%d-%d", getpid(), rand());
	if (bind(s, (struct sockaddr *)a, sizeof(*a)) || listen(s, 8))
		return -1;
	return s;
}

TEST(send_and_receive)
{
	char in[16] = "";
	struct iovec v = { in, 16 };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
	struct ring r;
	int s[2];

	RING(r, 8, 0);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	sqe(&r, IORING_OP_RECV, s[0], in, 16, 0)->user_data = 1;
	sqe(&r, IORING_OP_SEND, s[1], "hello", 5, 0)->user_data = 2;
	CHECK_EQ(enter(&r, 2, 2), 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(reap(&r).res, 5);
	CHECK_STR(in, "hello");
	/* A message whose header is gone before it comes. */
	sqe(&r, IORING_OP_RECVMSG, s[0], &h, 1, 0);
	CHECK_EQ(enter(&r, 1, 0), 1);
	v.iov_len = 1;
	v.iov_base = NULL;
	CHECK_EQ(write(s[1], "world", 5), 5);
	CHECK_EQ(enter(&r, 0, 1), 0);
	CHECK_EQ(reap(&r).res, 5);
	CHECK_STR(in, "world");
	/* All or nothing yet. */
	sqe(&r, IORING_OP_RECV, s[0], in, 6, 0)->msg_flags = MSG_WAITALL;
	CHECK_EQ(enter(&r, 1, 0), 1);
	CHECK_EQ(write(s[1], "abc", 3), 3);
	abi_sleep_ms(3);
	CHECK_EQ(ready(&r), 0);
	CHECK_EQ(write(s[1], "def", 3), 3);
	CHECK_EQ(enter(&r, 0, 1), 0);
	CHECK_EQ(reap(&r).res, 6);
	sqe(&r, IORING_OP_RECV, s[0], in, 6, 0)->msg_flags = MSG_DONTWAIT;
	CHECK_EQ(done1(&r), -EAGAIN);
	sqe(&r, IORING_OP_RECV, r.fd, in, 6, 0);
	CHECK_EQ(done1(&r), -ENOTSOCK);
	sqe(&r, IORING_OP_SHUTDOWN, s[1], NULL, SHUT_WR, 0);
	CHECK_EQ(done1(&r), 0);
	sqe(&r, IORING_OP_RECV, s[0], in, 6, 0);
	CHECK_EQ(done1(&r), 0);
	close(s[0]);
	sqe(&r, IORING_OP_SEND, s[1], "x", 1, 0); /* and no SIGPIPE */
	CHECK_EQ(done1(&r), -EPIPE);
	ring_close(&r);
	close(s[1]);
}

TEST(connections)
{
	struct sockaddr_un a = { 0 };
	struct io_uring_sqe *q;
	struct cqe c;
	struct ring r;
	int l, s, got[2];

	RING(r, 8, 0);
	l = listener(&a);
	REQUIRE(l >= 0);
	q = sqe(&r, IORING_OP_ACCEPT, l, NULL, 0, 0);
	q->ioprio = IORING_ACCEPT_MULTISHOT;
	q->user_data = 5;
	CHECK_EQ(enter(&r, 1, 0), 1);
	for (int i = 0; i < 2; i++) {
		s = socket(AF_UNIX, SOCK_STREAM, 0);
		sqe(&r, IORING_OP_CONNECT, s, &a, 0, sizeof(a))->user_data = 6;
		CHECK_EQ(enter(&r, 1, 2), 1);
		for (int k = 0; k < 2; k++) {
			c = reap(&r);
			if (c.user_data == 6) {
				CHECK_EQ(c.res, 0);
			} else {
				CHECK(c.res >= 0);
				CHECK_EQ(c.flags, IORING_CQE_F_MORE);
				got[i] = c.res;
			}
		}
		close(s);
	}
	close(got[0]), close(got[1]);
	ring_close(&r);
	close(l);
}

TEST(fixed_files)
{
	struct ring r;
	int fds[2], p[2], v;
	char c = 0;

	RING(r, 8, 0);
	CHECK_OK(pipe(p));
	fds[0] = p[0];
	fds[1] = -1;
	CHECK_ERRNO(reg(&r, IORING_UNREGISTER_FILES, NULL, 0), ENXIO);
	CHECK_ERRNO(reg(&r, IORING_REGISTER_FILES, fds, 0), EINVAL);
	CHECK_OK(reg(&r, IORING_REGISTER_FILES, fds, 2));
	CHECK_ERRNO(reg(&r, IORING_REGISTER_FILES, fds, 2), EBUSY);
	close(p[0]);
	CHECK_EQ(write(p[1], "z", 1), 1);
	sqe(&r, IORING_OP_READ, 0, &c, 1, 0)->flags = IOSQE_FIXED_FILE;
	CHECK_EQ(done1(&r), 1);
	CHECK_EQ(c, 'z');
	sqe(&r, IORING_OP_READ, 1, &c, 1, 0)->flags = IOSQE_FIXED_FILE;
	CHECK_EQ(done1(&r), -EBADF);
	v = p[1];
	struct io_uring_files_update u = { .offset = 1, .fds = (uintptr_t)&v };

	CHECK_EQ(reg(&r, IORING_REGISTER_FILES_UPDATE, &u, 1), 1);
	sqe(&r, IORING_OP_WRITE, 1, "w", 1, 0)->flags = IOSQE_FIXED_FILE;
	CHECK_EQ(done1(&r), 1);
	/* Open into a slot, read it behind a link, close the slot. */
	struct io_uring_sqe *s = sqe(&r, IORING_OP_OPENAT, AT_FDCWD, "/proc/self/stat", 0, 0);

	s->file_index = 2;
	s->flags = IOSQE_IO_LINK;
	sqe(&r, IORING_OP_READ, 1, &c, 1, 0)->flags = IOSQE_FIXED_FILE;
	CHECK_EQ(enter(&r, 2, 2), 2);
	CHECK_EQ(reap(&r).res, 0);
	CHECK_EQ(reap(&r).res, 1);
	sqe(&r, IORING_OP_CLOSE, 0, NULL, 0, 0)->file_index = 2;
	CHECK_EQ(done1(&r), 0);
	CHECK_OK(reg(&r, IORING_UNREGISTER_FILES, NULL, 0));
	ring_close(&r);
	close(p[1]);
}

TEST(buffers)
{
	static char pool[4][32], fixed[64];
	struct iovec v = { fixed, sizeof(fixed) };
	struct io_uring_sqe *s;
	struct cqe c;
	struct ring r;
	int p[2];

	RING(r, 8, 0);
	CHECK_OK(pipe(p));
	sqe(&r, IORING_OP_PROVIDE_BUFFERS, 4, pool, 32, 10)->buf_group = 7;
	CHECK_EQ(done1(&r), 0);
	CHECK_EQ(write(p[1], "hi", 2), 2);
	s = sqe(&r, IORING_OP_READ, p[0], NULL, 32, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 7;
	CHECK_EQ(enter(&r, 1, 1), 1);
	c = reap(&r);
	CHECK_EQ(c.res, 2);
	CHECK(c.flags & IORING_CQE_F_BUFFER);
	CHECK(c.flags >> 16 >= 10 && c.flags >> 16 < 14);
	CHECK_EQ(memcmp(pool[(c.flags >> 16) - 10], "hi", 2), 0);
	sqe(&r, IORING_OP_REMOVE_BUFFERS, 8, NULL, 0, 0)->buf_group = 7;
	CHECK_EQ(done1(&r), 3);
	CHECK_EQ(write(p[1], "hi", 2), 2);
	s = sqe(&r, IORING_OP_READ, p[0], NULL, 32, 0);
	s->flags = IOSQE_BUFFER_SELECT;
	s->buf_group = 7;
	CHECK_EQ(done1(&r), -ENOBUFS);
	CHECK_ERRNO(reg(&r, IORING_UNREGISTER_BUFFERS, NULL, 0), ENXIO);
	CHECK_OK(reg(&r, IORING_REGISTER_BUFFERS, &v, 1));
	CHECK_ERRNO(reg(&r, IORING_REGISTER_BUFFERS, &v, 1), EBUSY);
	sqe(&r, IORING_OP_READ_FIXED, p[0], fixed + 8, 8, 0);
	CHECK_EQ(done1(&r), 2);
	CHECK_EQ(memcmp(fixed + 8, "hi", 2), 0);
	sqe(&r, IORING_OP_READ_FIXED, p[0], fixed + 60, 8, 0);
	CHECK_EQ(done1(&r), -EFAULT);
	CHECK_OK(reg(&r, IORING_UNREGISTER_BUFFERS, NULL, 0));
	ring_close(&r);
	close(p[0]), close(p[1]);
}

TEST(messages_between_rings)
{
	struct ring a, b;
	struct cqe c;

	RING(a, 4, 0);
	RING(b, 4, 0);
	sqe(&a, IORING_OP_MSG_RING, b.fd, NULL, 33, 44);
	CHECK_EQ(done1(&a), 0);
	CHECK_EQ(enter(&b, 0, 1), 0);
	c = reap(&b);
	CHECK_EQ(c.res, 33);
	CHECK_EQ(c.user_data, 44);
	sqe(&a, IORING_OP_MSG_RING, 0, NULL, 33, 44);
	CHECK_EQ(done1(&a), -EBADFD);
	ring_close(&a);
	ring_close(&b);
}

TEST(restrictions)
{
	struct io_uring_restriction x[2] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_ENABLE_RINGS },
	};
	struct ring r;
	char c;

	RING(r, 4, 0);
	CHECK_ERRNO(reg(&r, IORING_REGISTER_RESTRICTIONS, x, 2), EBADFD);
	ring_close(&r);
	RING(r, 4, IORING_SETUP_R_DISABLED);
	CHECK_OK(reg(&r, IORING_REGISTER_RESTRICTIONS, x, 2));
	CHECK_OK(reg(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	CHECK_EQ(done1(&r), 0);
	sqe(&r, IORING_OP_READ, 0, &c, 1, 0);
	CHECK_EQ(done1(&r), -EACCES);
	CHECK_ERRNO(reg(&r, IORING_REGISTER_PERSONALITY, NULL, 0), EACCES);
	ring_close(&r);
}
