/* Descriptors in messages (SCM_RIGHTS): what arrives, what is cut off, what is refused, cycles. */
#include "unix.h"

union control {
	char space[4096];
	struct cmsghdr align;
};

static ssize_t send_fds(int sock, const char *data, const int *fds, int n)
{
	static union control c;
	struct iovec v = { (void *)data, strlen(data) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c };
	struct cmsghdr *h = &c.align;

	memset(&c, 0, sizeof(c));
	m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(h), fds, sizeof(int) * (size_t)n);
	return sendmsg(sock, &m, 0);
}

/* How many descriptors came; room: for how many there is space. */
static int recv_fds(int sock, char *data, size_t size, int *fds, int room, int flags, int *out)
{
	static union control c;
	struct iovec v = { data, size };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c };
	ssize_t n;

	memset(&c, 0, sizeof(c));
	m.msg_controllen = room ? CMSG_LEN(sizeof(int) * (size_t)room) : 0;
	memset(data, 0, size);
	n = CHECK_OK(recvmsg(sock, &m, flags));
	*out = m.msg_flags;
	if (n < 0 || m.msg_controllen < sizeof(struct cmsghdr))
		return 0;
	CHECK_EQ(c.align.cmsg_level, SOL_SOCKET);
	CHECK_EQ(c.align.cmsg_type, SCM_RIGHTS);
	n = (ssize_t)((c.align.cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(&c.align), (size_t)n * sizeof(int));
	return (int)n;
}

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

TEST(passing)
{
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int s[2], p[2], got[4], flags, fds[2];
		char b[8];

		pair_of(type, s);
		CHECK_OK(pipe(p));
		fds[0] = p[0];
		fds[1] = p[1];
		CHECK_EQ(send_fds(s[0], "ab", fds, 2), 2);
		drop(p);
		CHECK_EQ(recv_fds(s[1], b, 8, got, 4, MSG_CMSG_CLOEXEC, &flags), 2);
		CHECK_EQ(flags, MSG_CMSG_CLOEXEC);
		CHECK_STR(b, "ab");
		CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(write(got[1], "x", 1), 1);
		CHECK_EQ(read(got[0], b, 1), 1);
		drop(got);
		drop(s);
	}
}

TEST(cut_off)
{
	int s[2], got[4], flags, fds[3] = { 0, 1, 2 }, low;
	char b[8];

	pair(s);
	low = lowest_free();
	CHECK_EQ(send_fds(s[0], "a", fds, 3), 1);
	CHECK_EQ(recv_fds(s[1], b, 8, got, 2, 0, &flags), 2);
	CHECK_EQ(flags, MSG_CTRUNC);
	CHECK_EQ(fcntl(got[0], F_GETFD), 0);
	drop(got);
	CHECK_EQ(send_fds(s[0], "a", fds, 3), 1);
	CHECK_EQ(recv_fds(s[1], b, 8, got, 0, 0, &flags), 0);
	CHECK_EQ(flags, MSG_CTRUNC);
	/* Reading without control closes them; a message that is dropped, too. */
	CHECK_EQ(send_fds(s[0], "a", fds, 3), 1);
	CHECK_EQ(read(s[1], b, 8), 1);
	CHECK_EQ(lowest_free(), low);
	drop(s);
}

TEST(with_the_bytes)
{
	int s[2], got[4], flags, fd = 1;
	char b[8];

	pair(s);
	CHECK_EQ(write(s[0], "ab", 2), 2);
	CHECK_EQ(send_fds(s[0], "cd", &fd, 1), 2);
	CHECK_EQ(send_fds(s[0], "ef", &fd, 1), 2);
	CHECK_EQ(write(s[0], "gh", 2), 2);
	/* A call does not read past the message with descriptors. */
	CHECK_EQ(recv_fds(s[1], b, 8, got, 4, MSG_PEEK, &flags), 1);
	CHECK_STR(b, "abcd");
	close(got[0]);
	CHECK_EQ(recv_fds(s[1], b, 8, got, 4, 0, &flags), 1);
	CHECK_STR(b, "abcd");
	close(got[0]);
	CHECK_EQ(recv_fds(s[1], b, 1, got, 4, 0, &flags), 1); /* with the first byte of theirs */
	close(got[0]);
	CHECK_EQ(recv_fds(s[1], b, 8, got, 4, 0, &flags), 0);
	CHECK_STR(b, "fgh");
	drop(s);
}

TEST(refused)
{
	int s[2], fd = 999, many[254];
	union control c;
	char b = 'x';
	struct iovec v = { &b, 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(4)
	};

	pair(s);
	for (int i = 0; i < 254; i++)
		many[i] = 1;
	CHECK_ERRNO(send_fds(s[0], "x", &fd, 1), EBADF);
	fd = -1;
	CHECK_ERRNO(send_fds(s[0], "x", &fd, 1), EBADF);
	CHECK_ERRNO(send_fds(s[0], "x", many, 254), EINVAL);
	CHECK_EQ(send_fds(s[0], "x", many, 253), 1);
	memset(&c, 0, sizeof(c));
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = 99;
	c.align.cmsg_len = CMSG_LEN(4);
	CHECK_ERRNO(sendmsg(s[0], &m, 0), EINVAL);
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(400);
	CHECK_ERRNO(sendmsg(s[0], &m, 0), EINVAL); /* longer than the control bytes */
	c.align.cmsg_len = 4;
	CHECK_ERRNO(sendmsg(s[0], &m, 0), EINVAL);
	c.align.cmsg_len = CMSG_LEN(4);
	c.align.cmsg_level = 12345;
	CHECK_EQ(sendmsg(s[0], &m, 0), 1); /* not for us */
	m.msg_controllen = 1 << 30;
	CHECK_ERRNO(sendmsg(s[0], &m, 0), ENOBUFS);
	m.msg_control = bad_ptr();
	m.msg_controllen = CMSG_SPACE(4);
	CHECK_ERRNO(sendmsg(s[0], &m, 0), EFAULT);
	drop(s);
}

static int closed(int rd)
{
	struct pollfd p = { rd, POLLIN, 0 };
	int other[2];

	if (poll(&p, 1, 0) == 1)
		return p.revents == POLLHUP;
	/* Linux looks for garbage when a socket is closed, and not always at once. */
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, other) == 0)
		drop(other);
	return 0;
}

/* Puts the only write end of a pipe into the queue of sock's peer. -> the read end */
static int pipe_into(int sock)
{
	int p[2];

	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(sock, "x", &p[1], 1), 1);
	close(p[1]);
	return p[0];
}

/* Nobody can read that queue any more: the write end is closed in the end. */
static void expect_closed(int rd)
{
	WAIT_UNTIL(closed(rd));
	close(rd);
}

TEST(dropped_with_the_socket)
{
	int s[2], rd;

	pair(s);
	rd = pipe_into(s[0]);
	drop(s);
	expect_closed(rd);
}

TEST(cycles)
{
	int s[2], t[2], rd;

	/* A socket in its own queue. */
	pair(s);
	CHECK_EQ(send_fds(s[0], "x", &s[1], 1), 1);
	rd = pipe_into(s[0]);
	drop(s);
	expect_closed(rd);
	/* Two that hold each other. */
	pair_of(SOCK_DGRAM, s);
	pair(t);
	CHECK_EQ(send_fds(s[0], "x", &t[1], 1), 1);
	CHECK_EQ(send_fds(t[0], "x", &s[1], 1), 1);
	rd = pipe_into(t[0]);
	close(s[0]);
	close(t[0]);
	close(s[1]);
	close(t[1]);
	expect_closed(rd);
}

/* What can still be reached is not dropped. */
TEST(not_a_cycle)
{
	int s[2], t[2], u[2], got[2], flags;
	char b[8];

	pair(s);
	pair(t);
	pair(u);
	CHECK_EQ(send_fds(t[0], "in", &u[1], 1), 2); /* u[1] in t[1], t[1] in s[1] */
	CHECK_EQ(send_fds(s[0], "out", &t[1], 1), 3);
	close(t[1]);
	close(u[1]);
	int extra[2];
	pair(extra);
	drop(extra); /* looks for garbage */
	CHECK_EQ(recv_fds(s[1], b, 8, got, 2, 0, &flags), 1);
	CHECK_EQ(recv_fds(got[0], b, 8, got + 1, 1, 0, &flags), 1);
	CHECK_EQ(write(u[0], "hi", 2), 2);
	CHECK_EQ(read(got[1], b, 8), 2);
	drop(got);
	drop(s);
	close(t[0]);
	close(u[0]);
}

/* Sockets within sockets, deeper than any stack. */
TEST(nested)
{
	int outer[2], next[2], rd;

	pair(outer);
	rd = pipe_into(outer[0]);
	for (int i = 0; i < 150; i++) {
		pair(next);
		CHECK_EQ(send_fds(next[0], "x", outer, 2), 1);
		drop(outer);
		outer[0] = next[0];
		outer[1] = next[1];
	}
	drop(outer);
	expect_closed(rd);
}

/* A long chain that is held at its end: looking for garbage takes time in proportion, and finds none. */
TEST(long_chain)
{
	enum { LINKS = 1500 };
	int first[2], at[2], next[2], got[2], flags, links = 0;
	struct rlimit r;
	char b[4];

	pair(first);
	at[0] = dup(first[0]);
	at[1] = dup(first[1]);
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &r));
	/* Each pair lies in the queue of the next: the oldest comes first in the list, and is reached last. */
	for (; links < LINKS && (rlim_t)links * 6 < r.rlim_cur; links++) {
		pair(next);
		CHECK_EQ(send_fds(next[0], "x", at, 2), 1);
		drop(at);
		at[0] = next[0];
		at[1] = next[1];
	}
	for (int i = 0; i < 200; i++) {
		pair_of(SOCK_DGRAM, next);
		drop(next);
	}
	for (; links > 0; links--) {
		int n = recv_fds(at[1], b, 4, got, 2, 0, &flags);

		if (!CHECK_EQ(n, 2))
			break;
		drop(at);
		at[0] = got[0];
		at[1] = got[1];
	}
	CHECK_EQ(write(at[0], "end", 3), 3);
	CHECK_EQ(read(first[1], b, 3), 3);
	drop(at);
	drop(first);
}

TEST(limit_of_the_receiver)
{
	int s[2], got[8], flags, fds[4] = { 1, 1, 1, 1 };
	struct rlimit old, r;
	char b[4];

	pair(s);
	CHECK_EQ(send_fds(s[0], "x", fds, 4), 1);
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
	r = old;
	r.rlim_cur = (rlim_t)lowest_free() + 2;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &r));
	CHECK_EQ(recv_fds(s[1], b, 4, got, 8, 0, &flags), 2);
	CHECK_EQ(flags, MSG_CTRUNC);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
	drop(got);
	drop(s);
}
