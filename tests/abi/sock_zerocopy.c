/* SO_ZEROCOPY and MSG_ZEROCOPY: each message is answered on the error queue when its memory may be used again. */
#include "abi.h"
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_ORIGIN_ZEROCOPY	   5
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif

static struct sockaddr_in at = { .sin_family = AF_INET };
static int in, out;
static char data[40000], got[40000];

static void start(int type)
{
	socklen_t len = sizeof(at);
	int one = 1, l = CHECK_OK(socket(AF_INET, type, 0));

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = 0;
	CHECK_OK(bind(l, (void *)&at, sizeof(at)));
	CHECK_OK(getsockname(l, (void *)&at, &len));
	if (type == SOCK_STREAM)
		CHECK_OK(listen(l, 1));
	out = CHECK_OK(socket(AF_INET, type, 0));
	CHECK_OK(setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	CHECK_OK(connect(out, (void *)&at, sizeof(at)));
	in = l;
	if (type == SOCK_STREAM) {
		in = CHECK_OK(accept(l, NULL, NULL));
		close(l);
	}
}

static void stop(void)
{
	close(in);
	close(out);
}

/* The next answer, of messages first to last. */
static void answered(unsigned first, unsigned last)
{
	struct pollfd p = { .fd = out };
	struct sock_extended_err e;
	char control[128];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLERR);
	CHECK_EQ(recvmsg(out, &m, MSG_ERRQUEUE), 0);
	CHECK(m.msg_flags & MSG_ERRQUEUE);
	c = CMSG_FIRSTHDR(&m);
	CHECK(c != NULL);
	if (!c)
		return;
	CHECK_EQ(c->cmsg_level, IPPROTO_IP);
	CHECK_EQ(c->cmsg_type, IP_RECVERR);
	CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(e) + sizeof(at)));
	memcpy(&e, CMSG_DATA(c), sizeof(e));
	CHECK_EQ(e.ee_errno, 0);
	CHECK_EQ(e.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	CHECK_EQ(e.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
	CHECK_EQ(e.ee_info, first);
	CHECK_EQ(e.ee_data, last);
}

static void no_answer(void)
{
	struct pollfd p = { .fd = out };
	struct msghdr m = { 0 };

	CHECK_EQ(poll(&p, 1, 20), 0);
	CHECK_ERRNO(recvmsg(out, &m, MSG_ERRQUEUE), EAGAIN);
}

/* It reaches the peer, and what held it on its way may be used again. */
static void arrives(size_t n)
{
	CHECK_EQ(recv(in, got, n, MSG_WAITALL), (ssize_t)n);
	CHECK(!memcmp(got, data, n));
}

TEST(stream)
{
	struct pollfd p;
	int unsent = -1;

	start(SOCK_STREAM);
	p = (struct pollfd){ .fd = out };
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 5 + i / 253);
	CHECK_EQ(send(out, data, sizeof(data), MSG_ZEROCOPY), (ssize_t)sizeof(data));
	arrives(sizeof(data));
	answered(0, 0);
	no_answer();
	/* Without the flag none is due; nor for nothing. */
	CHECK_EQ(send(out, data, 100, 0), 100);
	arrives(100);
	CHECK_EQ(send(out, data, 0, MSG_ZEROCOPY), 0);
	no_answer();
	/* Answers that wait become one. */
	for (int i = 0; i < 3; i++)
		CHECK_EQ(send(out, data, 5000, MSG_ZEROCOPY), 5000);
	CHECK_EQ(recv(in, got, 15000, MSG_WAITALL), 15000);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	WAIT_UNTIL(ioctl(out, SIOCOUTQ, &unsent) == 0 && unsent == 0);
	answered(1, 3);
	no_answer();
	stop();
}

TEST(datagrams)
{
	start(SOCK_DGRAM);
	CHECK_EQ(send(out, data, 5000, MSG_ZEROCOPY), 5000);
	arrives(5000);
	answered(0, 0);
	CHECK_EQ(send(out, data, 100, 0), 100);
	arrives(100);
	no_answer();
	stop();
}

/* A pending answer is no error: data come and go. */
TEST(beside_data)
{
	int v = -1;
	socklen_t len = sizeof(v);

	start(SOCK_STREAM);
	CHECK_EQ(send(out, data, 5000, MSG_ZEROCOPY), 5000);
	arrives(5000);
	CHECK_EQ(send(in, "hello", 5, 0), 5);
	CHECK_EQ(recv(out, got, 5, MSG_WAITALL), 5);
	CHECK_EQ(send(out, "x", 1, 0), 1);
	CHECK_OK(getsockopt(out, SOL_SOCKET, SO_ERROR, &v, &len));
	CHECK_EQ(v, 0);
	answered(0, 0);
	stop();
}

TEST(option)
{
	int v = 2, pair[2];
	socklen_t len = sizeof(v);

	start(SOCK_STREAM);
	CHECK_ERRNO(setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &v, sizeof(v)), EINVAL);
	CHECK_OK(getsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &v, &len));
	CHECK_EQ(v, 1);
	/* A socket without it takes the flag and means nothing by it. */
	v = 0;
	CHECK_OK(setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &v, sizeof(v)));
	CHECK_EQ(send(out, data, 5000, MSG_ZEROCOPY), 5000);
	arrives(5000);
	no_answer();
	stop();
	v = 1;
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_ERRNO(setsockopt(pair[0], SOL_SOCKET, SO_ZEROCOPY, &v, sizeof(v)), EOPNOTSUPP);
	close(pair[0]);
	close(pair[1]);
}
