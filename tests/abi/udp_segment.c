/* UDP_SEGMENT and UDP_GRO: many datagrams in one call, out and in. */
#include "bound.h"
#include "rtnl.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO	    104
#endif

static int in, out;
static char data[65536], got[65536];

static void start(int family)
{
	in = bound(family, SOCK_DGRAM | SOCK_NONBLOCK);
	out = CHECK_OK(socket(family, SOCK_DGRAM, 0));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + i / 251);
}

static void stop(void)
{
	close(in);
	close(out);
}

static int get(int fd, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	CHECK_OK(getsockopt(fd, IPPROTO_UDP, name, &v, &len));
	CHECK_EQ(len, 4);
	return v;
}

static int set(int fd, int name, int v)
{
	return setsockopt(fd, IPPROTO_UDP, name, &v, sizeof(v));
}

/* n bytes with a control message at SOL_UDP; size 0: with none. As sendmsg(2). */
static ssize_t send_with(size_t n, int type, const void *v, size_t size)
{
	char control[64] = "";
	struct iovec iov[2] = { { data, n / 3 }, { data + n / 3, n - n / 3 } };
	struct msghdr m = { .msg_name = &at,
			    .msg_namelen = at_len,
			    .msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = size ? control : NULL,
			    .msg_controllen = size ? CMSG_SPACE(size) : 0 };
	struct cmsghdr *c = (void *)control;

	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), v, size);
	return sendmsg(out, &m, 0);
}

static ssize_t send_cut(size_t n, unsigned short segment)
{
	return send_with(n, UDP_SEGMENT, &segment, sizeof(segment));
}

/* The next datagram's bytes are those at `from`, and UDP_GRO says `segment` of it; -1: nothing. Its length. */
static ssize_t next(size_t from, int segment)
{
	char control[256];
	struct iovec iov = { got, sizeof(got) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = CHECK_OK(recvmsg(in, &m, 0));
	int told = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(told)));
			memcpy(&told, CMSG_DATA(c), sizeof(told));
		}
	CHECK_EQ(told, segment);
	CHECK(!memcmp(got, data + from, (size_t)n));
	return n;
}

static void nothing_left(void)
{
	CHECK_ERRNO(recv(in, got, sizeof(got), 0), EAGAIN);
}

static void cut(int family)
{
	start(family);
	CHECK_EQ(send_cut(2500, 1000), 2500);
	CHECK_EQ(next(0, -1), 1000);
	CHECK_EQ(next(1000, -1), 1000);
	CHECK_EQ(next(2000, -1), 500);
	nothing_left();
	CHECK_OK(set(out, UDP_SEGMENT, 700));
	CHECK_EQ(send_with(1400, 0, NULL, 0), 1400);
	CHECK_EQ(next(0, -1), 700);
	CHECK_EQ(next(700, -1), 700);
	/* A message says it better than its socket. */
	CHECK_EQ(send_cut(1400, 1000), 1400);
	CHECK_EQ(next(0, -1), 1000);
	CHECK_EQ(next(1000, -1), 400);
	CHECK_EQ(send_cut(1400, 0), 1400);
	CHECK_EQ(next(0, -1), 1400);
	CHECK_EQ(send_cut(1400, 1400), 1400);
	CHECK_EQ(next(0, -1), 1400);
	CHECK_EQ(send_cut(300, 1000), 300);
	CHECK_EQ(next(0, -1), 300);
	CHECK_EQ(send_with(0, 0, NULL, 0), 0);
	CHECK_EQ(next(0, -1), 0);
	nothing_left();
	stop();
}

TEST(cut_apart)
{
	cut(AF_INET);
	cut(AF_INET6);
}

static void joined(int family)
{
	start(family);
	CHECK_OK(set(in, UDP_GRO, 1));
	CHECK_EQ(send_cut(2500, 1000), 2500);
	CHECK_EQ(next(0, 1000), 2500);
	CHECK_EQ(send_cut(60000, 1200), 60000);
	CHECK_EQ(next(0, 1200), 60000);
	/* What was sent apart comes apart, and one alone is nothing special. */
	CHECK_EQ(send_cut(2000, 1000), 2000);
	CHECK_EQ(send_cut(2000, 1000), 2000);
	CHECK_EQ(send_cut(100, 1000), 100);
	CHECK_EQ(next(0, 1000), 2000);
	CHECK_EQ(next(0, 1000), 2000);
	CHECK_EQ(next(0, -1), 100);
	nothing_left();
	CHECK_OK(set(in, UDP_GRO, 0));
	CHECK_EQ(send_cut(2000, 1000), 2000);
	CHECK_EQ(next(0, -1), 1000);
	CHECK_EQ(next(1000, -1), 1000);
	stop();
}

TEST(joined_again)
{
	joined(AF_INET);
	joined(AF_INET6);
}

TEST(peeked_and_truncated)
{
	char b[10];

	start(AF_INET);
	CHECK_OK(set(in, UDP_GRO, 1));
	CHECK_EQ(send_cut(2000, 1000), 2000);
	CHECK_EQ(recv(in, got, sizeof(got), MSG_PEEK), 2000);
	CHECK(!memcmp(got, data, 2000));
	CHECK_EQ(recv(in, b, sizeof(b), MSG_TRUNC), 2000);
	nothing_left();
	stop();
}

TEST(options)
{
	start(AF_INET);
	CHECK_EQ(get(out, UDP_SEGMENT), 0);
	CHECK_EQ(get(out, UDP_GRO), 0);
	CHECK_OK(set(out, UDP_SEGMENT, 65535));
	CHECK_EQ(get(out, UDP_SEGMENT), 65535);
	CHECK_ERRNO(set(out, UDP_SEGMENT, 65536), EINVAL);
	CHECK_ERRNO(set(out, UDP_SEGMENT, -1), EINVAL);
	CHECK_EQ(get(out, UDP_SEGMENT), 65535);
	CHECK_OK(set(out, UDP_GRO, 7));
	CHECK_EQ(get(out, UDP_GRO), 1);
	CHECK_ERRNO(setsockopt(out, IPPROTO_UDP, UDP_GRO, "", 1), EINVAL);
	CHECK_ERRNO(set(out, 999, 1), ENOPROTOOPT);
	stop();
}

TEST(refused)
{
	int v = 1000;
	unsigned short segment = 1000;

	start(AF_INET);
	CHECK_ERRNO(send_with(2000, UDP_SEGMENT, &v, sizeof(v)), EINVAL);
	CHECK_ERRNO(send_with(2000, UDP_GRO, &segment, sizeof(segment)), EINVAL);
	CHECK_EQ(send_cut(12800, 100), 12800); /* 128 is the most */
	CHECK_ERRNO(send_cut(12801, 100), EINVAL);
	CHECK_ERRNO(send_cut(65535, 1000), EMSGSIZE);
	CHECK_OK(setsockopt(out, SOL_SOCKET, SO_NO_CHECK, &v, sizeof(v)));
	CHECK_ERRNO(send_cut(2000, 1000), EINVAL);
	stop();
}

/* Through a device: whole with UDP_GRO, else in pieces; what is too large for the device is not cut further. */
static void far_reader(int ready, int go)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7070) };
	struct pollfd p[2] = { { .fd = go, .events = POLLIN }, { .events = POLLIN } };
	ssize_t n;

	in = p[1].fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(bind(in, (void *)&a, sizeof(a)));
	CHECK_EQ(write(ready, "x", 1), 1);
	while (poll(p, 2, -1) > 0 && !p[0].revents) {
		socklen_t len = sizeof(a);

		n = recvfrom(in, got, sizeof(got), 0, (void *)&a, &len);
		if (n == 1)
			CHECK_OK(set(in, UDP_GRO, got[0] == '+'));
		CHECK_EQ(sendto(in, &n, sizeof(n), 0, (void *)&a, len), (ssize_t)sizeof(n));
	}
}

/* How long was the next datagram that the far end got? */
static ssize_t far_got(void)
{
	ssize_t n = -1;

	CHECK_EQ(recv(out, &n, sizeof(n), 0), (ssize_t)sizeof(n));
	return n;
}

TEST_FORK(through_a_device)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7070) };
	struct timeval soon = { 3, 0 };
	struct far_end f;

	OWN_NETWORK();
	NEED_VETH(far_end_start(&f, far_reader));
	a.sin_addr.s_addr = inet_addr("10.7.7.2");
	memcpy(&at, &a, sizeof(a));
	at_len = sizeof(a);
	out = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(setsockopt(out, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	CHECK_EQ(sendto(out, "-", 1, 0, (void *)&at, at_len), 1);
	CHECK_EQ(far_got(), 1);
	CHECK_EQ(send_cut(3000, 1200), 3000);
	CHECK_EQ(far_got(), 1200);
	CHECK_EQ(far_got(), 1200);
	CHECK_EQ(far_got(), 600);
	CHECK_EQ(sendto(out, "+", 1, 0, (void *)&at, at_len), 1);
	CHECK_EQ(far_got(), 1);
	CHECK_EQ(send_cut(3000, 1200), 3000);
	CHECK_EQ(far_got(), 3000);
	CHECK_EQ(send_cut(2944, 1472), 2944);
	CHECK_EQ(far_got(), 2944);
	CHECK_ERRNO(send_cut(2946, 1473), EMSGSIZE);
	close(out);
	far_end_stop(&f);
}
