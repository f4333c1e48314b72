/* SO_TIMESTAMPING: when datagrams came, and when they went out. */
#include "bound.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#ifndef SO_TIMESTAMPING
#define SO_TIMESTAMPING 37
#endif
#define RECEIVED (SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE)
#define SENT	 (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE)
#define HEADERS4 (14 + 20 + 8)

static int in, out;

static void start(int family)
{
	in = bound(family, SOCK_DGRAM);
	out = CHECK_OK(socket(family, SOCK_DGRAM, 0));
	CHECK_OK(connect(out, (void *)&at, at_len));
}

static void stop(void)
{
	close(in);
	close(out);
}

static int set(int fd, unsigned flags)
{
	return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
}

/* What a message says beside its bytes. */
struct told {
	ssize_t n;
	bool stamped, explained;
	struct timespec stamp[3];
	struct sock_extended_err e;
	unsigned char bytes[2000];
};

static struct told hear(int fd, int flags)
{
	struct told t = { 0 };
	char control[512];
	struct iovec v = { t.bytes, sizeof(t.bytes) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	t.n = recvmsg(fd, &m, flags);
	if (t.n < 0)
		return t;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
			CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(t.stamp)));
			memcpy(t.stamp, CMSG_DATA(c), sizeof(t.stamp));
			t.stamped = true;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
			memcpy(&t.e, CMSG_DATA(c), sizeof(t.e));
			t.explained = true;
		}
	}
	return t;
}

/* The stamp is of the stack alone, and of about now. */
static void recent(const struct told *t)
{
	struct timespec now;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	CHECK(t->stamped);
	CHECK(t->stamp[0].tv_sec >= now.tv_sec - 5 && t->stamp[0].tv_sec <= now.tv_sec);
	CHECK(t->stamp[0].tv_nsec >= 0 && t->stamp[0].tv_nsec < 1000000000);
	for (int i = 1; i < 3; i++)
		CHECK(!t->stamp[i].tv_sec && !t->stamp[i].tv_nsec);
}

static struct told went(void)
{
	struct pollfd p = { .fd = out };

	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLERR);
	return hear(out, MSG_ERRQUEUE);
}

static void nothing_more(void)
{
	struct pollfd p = { .fd = out };

	CHECK_EQ(poll(&p, 1, 20), 0);
	CHECK_ERRNO(recv(out, &p, 1, MSG_ERRQUEUE), EAGAIN);
}

TEST(received)
{
	for (int i = 0; i < 2; i++) {
		struct told t;

		start(i ? AF_INET6 : AF_INET);
		CHECK_EQ(send(out, "abc", 3, 0), 3);
		t = hear(in, 0);
		CHECK(!t.stamped);
		CHECK_OK(set(in, RECEIVED));
		/* Linux begins to stamp a little later. */
		for (int n = 0; n < 100 && !t.stamped; n++) {
			abi_sleep_ms(n);
			CHECK_EQ(send(out, "abc", 3, 0), 3);
			t = hear(in, 0);
			CHECK_EQ(t.n, 3);
		}
		recent(&t);
		CHECK_OK(set(in, 0));
		CHECK_EQ(send(out, "abc", 3, 0), 3);
		t = hear(in, 0);
		CHECK(!t.stamped);
		stop();
	}
}

/* With the packet as a device got it. */
TEST(sent)
{
	struct told t;

	start(AF_INET);
	CHECK_OK(set(out, SENT));
	CHECK_EQ(send(out, "abc", 3, 0), 3);
	t = went();
	CHECK_EQ(t.n, HEADERS4 + 3);
	CHECK_EQ(t.bytes[14], 0x45);
	CHECK_EQ(t.bytes[14 + 9], IPPROTO_UDP);
	CHECK(!memcmp(t.bytes + HEADERS4, "abc", 3));
	CHECK(t.explained);
	CHECK_EQ(t.e.ee_errno, ENOMSG);
	CHECK_EQ(t.e.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
	CHECK_EQ(t.e.ee_info, SCM_TSTAMP_SND);
	CHECK_EQ(t.e.ee_data, 0);
	recent(&t);
	nothing_more();
	stop();
}

static void sent_alone(int family)
{
	struct told t;

	start(family);
	CHECK_OK(set(out, SENT | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_OPT_ID |
				  SOF_TIMESTAMPING_OPT_TSONLY));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(send(out, "abc", 3, 0), 3);
		t = went();
		CHECK_EQ(t.n, 0);
		CHECK_EQ(t.e.ee_info, SCM_TSTAMP_SCHED);
		CHECK_EQ(t.e.ee_data, i);
		recent(&t);
		t = went();
		CHECK_EQ(t.n, 0);
		CHECK_EQ(t.e.ee_info, SCM_TSTAMP_SND);
		CHECK_EQ(t.e.ee_data, i);
		recent(&t);
	}
	nothing_more();
	stop();
}

TEST(numbered)
{
	sent_alone(AF_INET);
	sent_alone(AF_INET6);
}

/* Asked for one message alone, by the message. */
TEST(by_message)
{
	unsigned flags = SOF_TIMESTAMPING_TX_SOFTWARE;
	char control[CMSG_SPACE(sizeof(flags))] = "";
	struct iovec v = { "abc", 3 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct told t;

	start(AF_INET);
	CHECK_OK(set(out, SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY));
	CHECK_EQ(send(out, "abc", 3, 0), 3);
	nothing_more();
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SO_TIMESTAMPING;
	c->cmsg_len = CMSG_LEN(sizeof(flags));
	memcpy(CMSG_DATA(c), &flags, sizeof(flags));
	CHECK_EQ(sendmsg(out, &m, 0), 3);
	t = went();
	recent(&t);
	flags = SOF_TIMESTAMPING_SOFTWARE;
	memcpy(CMSG_DATA(c), &flags, sizeof(flags));
	CHECK_ERRNO(sendmsg(out, &m, 0), EINVAL);
	c->cmsg_len = CMSG_LEN(2);
	CHECK_ERRNO(sendmsg(out, &m, 0), EINVAL);
	stop();
}

TEST(option)
{
	unsigned v[2] = { 9, 9 };
	socklen_t len = sizeof(v);

	start(AF_INET);
	CHECK_OK(getsockopt(in, SOL_SOCKET, SO_TIMESTAMPING, v, &len));
	CHECK_EQ(v[0], 0);
	CHECK_OK(set(in, RECEIVED));
	CHECK_OK(getsockopt(in, SOL_SOCKET, SO_TIMESTAMPING, v, &len));
	CHECK_EQ(v[0], RECEIVED);
	CHECK_ERRNO(set(in, 1u << 30), EINVAL);
	CHECK_ERRNO(set(in, SOF_TIMESTAMPING_OPT_STATS), EINVAL);
	stop();
}
