/* Descriptors in messages (SCM_RIGHTS): what arrives, what is cut off, what is refused, cycles. */
#include "abi.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

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

static void pair(int fd[2], int type)
{
	fd[0] = fd[1] = -1;
	CHECK_OK(socketpair(AF_UNIX, type, 0, fd));
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

		pair(s, type);
		CHECK_OK(pipe(p));
		fds[0] = p[0];
		fds[1] = p[1];
		CHECK_EQ(send_fds(s[0], "ab", fds, 2), 2);
		close(p[0]);
		close(p[1]);
		CHECK_EQ(recv_fds(s[1], b, 8, got, 4, MSG_CMSG_CLOEXEC, &flags), 2);
		CHECK_EQ(flags, MSG_CMSG_CLOEXEC);
		CHECK_STR(b, "ab");
		CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(write(got[1], "x", 1), 1);
		CHECK_EQ(read(got[0], b, 1), 1);
		close(got[0]);
		close(got[1]);
		close(s[0]);
		close(s[1]);
	}
}

TEST(cut_off)
{
	int s[2], got[4], flags, fds[3] = { 0, 1, 2 }, low;
	char b[8];

	pair(s, SOCK_STREAM);
	low = lowest_free();
	CHECK_EQ(send_fds(s[0], "a", fds, 3), 1);
	CHECK_EQ(recv_fds(s[1], b, 8, got, 2, 0, &flags), 2);
	CHECK_EQ(flags, MSG_CTRUNC);
	CHECK_EQ(fcntl(got[0], F_GETFD), 0);
	close(got[0]);
	close(got[1]);
	CHECK_EQ(send_fds(s[0], "a", fds, 3), 1);
	CHECK_EQ(recv_fds(s[1], b, 8, got, 0, 0, &flags), 0);
	CHECK_EQ(flags, MSG_CTRUNC);
	/* Reading without control closes them; a message that is dropped, too. */
	CHECK_EQ(send_fds(s[0], "a", fds, 3), 1);
	CHECK_EQ(read(s[1], b, 8), 1);
	CHECK_EQ(lowest_free(), low);
	close(s[0]);
	close(s[1]);
}

TEST(with_the_bytes)
{
	int s[2], got[4], flags, fd = 1;
	char b[8];

	pair(s, SOCK_STREAM);
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
	close(s[0]);
	close(s[1]);
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

	pair(s, SOCK_STREAM);
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
	close(s[0]);
	close(s[1]);
}

static int closed(int rd)
{
	struct pollfd p = { rd, POLLIN, 0 };
	int other[2];

	if (poll(&p, 1, 0) == 1)
		return p.revents == POLLHUP;
	/* Linux looks for garbage when a socket is closed, and not always at once. */
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, other) == 0) {
		close(other[0]);
		close(other[1]);
	}
	return 0;
}

/* The write end of this pipe was only in a queue that nobody can read: it is closed in the end. */
static void expect_closed(int rd)
{
	WAIT_UNTIL(closed(rd));
}

TEST(dropped_with_the_socket)
{
	int s[2], p[2];

	pair(s, SOCK_STREAM);
	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(s[0], "x", &p[1], 1), 1);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	expect_closed(p[0]);
	close(p[0]);
}

TEST(cycles)
{
	int s[2], t[2], p[2];

	/* A socket in its own queue. */
	pair(s, SOCK_STREAM);
	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(s[0], "x", &s[1], 1), 1);
	CHECK_EQ(send_fds(s[0], "x", &p[1], 1), 1);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	expect_closed(p[0]);
	close(p[0]);
	/* Two that hold each other. */
	pair(s, SOCK_DGRAM);
	pair(t, SOCK_STREAM);
	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(s[0], "x", &t[1], 1), 1);
	CHECK_EQ(send_fds(t[0], "x", &s[1], 1), 1);
	CHECK_EQ(send_fds(t[0], "x", &p[1], 1), 1);
	close(p[1]);
	close(s[0]);
	close(t[0]);
	close(s[1]);
	close(t[1]);
	expect_closed(p[0]);
	close(p[0]);
}

/* What can still be reached is not dropped. */
TEST(not_a_cycle)
{
	int s[2], t[2], u[2], got[2], flags;
	char b[8];

	pair(s, SOCK_STREAM);
	pair(t, SOCK_STREAM);
	pair(u, SOCK_STREAM);
	CHECK_EQ(send_fds(t[0], "in", &u[1], 1), 2); /* u[1] in t[1], t[1] in s[1] */
	CHECK_EQ(send_fds(s[0], "out", &t[1], 1), 3);
	close(t[1]);
	close(u[1]);
	int extra[2];
	pair(extra, SOCK_STREAM);
	close(extra[0]);
	close(extra[1]); /* looks for garbage */
	CHECK_EQ(recv_fds(s[1], b, 8, got, 2, 0, &flags), 1);
	CHECK_EQ(recv_fds(got[0], b, 8, got + 1, 1, 0, &flags), 1);
	CHECK_EQ(write(u[0], "hi", 2), 2);
	CHECK_EQ(read(got[1], b, 8), 2);
	close(got[0]);
	close(got[1]);
	close(s[0]);
	close(s[1]);
	close(t[0]);
	close(u[0]);
}

/* Sockets within sockets, deeper than any stack. */
TEST(nested)
{
	int outer[2], p[2], next[2];

	pair(outer, SOCK_STREAM);
	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(outer[0], "x", &p[1], 1), 1);
	close(p[1]);
	for (int i = 0; i < 150; i++) {
		pair(next, SOCK_STREAM);
		CHECK_EQ(send_fds(next[0], "x", outer, 2), 1);
		close(outer[0]);
		close(outer[1]);
		outer[0] = next[0];
		outer[1] = next[1];
	}
	close(outer[0]);
	close(outer[1]);
	expect_closed(p[0]);
	close(p[0]);
}

/* A long chain that is held at its end: looking for garbage takes time in proportion, and finds none. */
TEST(long_chain)
{
	enum { LINKS = 1500 };
	int first[2], at[2], next[2], got[2], flags, links = 0;
	struct rlimit r;
	char b[4];

	pair(first, SOCK_STREAM);
	at[0] = dup(first[0]);
	at[1] = dup(first[1]);
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &r));
	/* Each pair lies in the queue of the next: the oldest comes first in the list, and is reached last. */
	for (; links < LINKS && (rlim_t)links * 6 < r.rlim_cur; links++) {
		pair(next, SOCK_STREAM);
		CHECK_EQ(send_fds(next[0], "x", at, 2), 1);
		close(at[0]);
		close(at[1]);
		at[0] = next[0];
		at[1] = next[1];
	}
	for (int i = 0; i < 200; i++) {
		pair(next, SOCK_DGRAM);
		close(next[0]);
		close(next[1]);
	}
	for (; links > 0; links--) {
		int n = recv_fds(at[1], b, 4, got, 2, 0, &flags);

		if (!CHECK_EQ(n, 2))
			break;
		close(at[0]);
		close(at[1]);
		at[0] = got[0];
		at[1] = got[1];
	}
	CHECK_EQ(write(at[0], "end", 3), 3);
	CHECK_EQ(read(first[1], b, 3), 3);
	close(at[0]);
	close(at[1]);
	close(first[0]);
	close(first[1]);
}

TEST(limit_of_the_receiver)
{
	int s[2], got[8], flags, fds[4] = { 1, 1, 1, 1 };
	struct rlimit old, r;
	char b[4];

	pair(s, SOCK_STREAM);
	CHECK_EQ(send_fds(s[0], "x", fds, 4), 1);
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
	r = old;
	r.rlim_cur = (rlim_t)lowest_free() + 2;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &r));
	CHECK_EQ(recv_fds(s[1], b, 4, got, 8, 0, &flags), 2);
	CHECK_EQ(flags, MSG_CTRUNC);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
	close(got[0]);
	close(got[1]);
	close(s[0]);
	close(s[1]);
}
