/* The error queue of datagram sockets (IP_RECVERR, IPV6_RECVERR), and what IP_MTU_DISCOVER refuses to send. */
#include "rtnl.h"
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>

#ifndef IPV6_RECVERR
#define IPV6_RECVERR 25
#endif

static char data[2000], got[2000];

struct heard {
	ssize_t n;
	int flags, level, type;
	struct sockaddr_in6 name, offender;
	struct sock_extended_err e;
	size_t control;
};

static struct heard hear(int fd, size_t room)
{
	struct heard h = { 0 };
	char control[256];
	struct iovec v = { got, room };
	struct msghdr m = { .msg_name = &h.name,
			    .msg_namelen = sizeof(h.name),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	h.n = recvmsg(fd, &m, MSG_ERRQUEUE);
	if (h.n < 0)
		return h;
	h.flags = m.msg_flags;
	c = CMSG_FIRSTHDR(&m);
	CHECK(c != NULL);
	if (!c)
		return h;
	h.level = c->cmsg_level;
	h.type = c->cmsg_type;
	h.control = c->cmsg_len - CMSG_LEN(0);
	memcpy(&h.e, CMSG_DATA(c), sizeof(h.e));
	memcpy(&h.offender, CMSG_DATA(c) + sizeof(h.e), h.control - sizeof(h.e));
	return h;
}

static int option(int fd, int family, int v4, int v6, int value)
{
	return family == AF_INET ? setsockopt(fd, IPPROTO_IP, v4, &value, sizeof(value))
				 : setsockopt(fd, IPPROTO_IPV6, v6, &value, sizeof(value));
}

/* An address of the loopback where nobody listens; its length. */
static socklen_t nobody_at(int family, struct sockaddr_in6 *a)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = family == AF_INET ? sizeof(a4) : sizeof(*a);
	int fd = CHECK_OK(socket(family, SOCK_DGRAM, 0));

	*a = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (family == AF_INET)
		memcpy(a, &a4, sizeof(a4));
	CHECK_OK(bind(fd, (void *)a, len));
	CHECK_OK(getsockname(fd, (void *)a, &len));
	close(fd);
	return len;
}

static int events(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 2000) < 0 ? -1 : p.revents;
}

static int pending(int fd)
{
	int e = -1;
	socklen_t len = sizeof(e);

	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len));
	return e;
}

static void refused(int family, bool connected, size_t n, size_t back)
{
	bool v6 = family == AF_INET6;
	struct sockaddr_in6 to;
	socklen_t len = nobody_at(family, &to);
	struct heard h;
	int fd = CHECK_OK(socket(family, SOCK_DGRAM, 0));

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	CHECK_OK(option(fd, family, IP_RECVERR, IPV6_RECVERR, 1));
	if (connected)
		CHECK_OK(connect(fd, (void *)&to, len));
	CHECK_EQ(sendto(fd, data, n, 0, connected ? NULL : (void *)&to, connected ? 0 : len),
		 (ssize_t)n);
	CHECK_EQ(events(fd), POLLERR);
	h = hear(fd, sizeof(got));
	CHECK_EQ(h.n, (ssize_t)back);
	CHECK(!memcmp(got, data, back));
	CHECK_EQ(h.flags, MSG_ERRQUEUE);
	CHECK_EQ(h.level, v6 ? IPPROTO_IPV6 : IPPROTO_IP);
	CHECK_EQ(h.type, v6 ? IPV6_RECVERR : IP_RECVERR);
	CHECK_EQ(h.control, sizeof(h.e) + len);
	CHECK_EQ(h.e.ee_errno, ECONNREFUSED);
	CHECK_EQ(h.e.ee_origin, v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP);
	CHECK_EQ(h.e.ee_type, v6 ? 1 : ICMP_DEST_UNREACH);
	CHECK_EQ(h.e.ee_code, v6 ? 4 : ICMP_PORT_UNREACH);
	CHECK_EQ(h.e.ee_info, 0);
	CHECK(!memcmp(&h.name, &to, v6 ? 24 : 8));
	CHECK_EQ(h.offender.sin6_family, family);
	CHECK_EQ(h.offender.sin6_port, 0);
	CHECK(!memcmp((char *)&h.offender + 4, (char *)&to + 4, v6 ? 20 : 4));
	CHECK_EQ(pending(fd), 0);
	CHECK_EQ(hear(fd, 1).n, -1);
	close(fd);
}

TEST(a_refused_one_comes_back)
{
	refused(AF_INET, true, 300, 300);
	refused(AF_INET, false, 5, 5);
	refused(AF_INET, false, 1000, 576 - 2 * 20 - 2 * 8);
	refused(AF_INET6, true, 300, 300);
	refused(AF_INET6, false, 1500, 1280 - 2 * 40 - 2 * 8);
}

/* How far the message itself has come is told before it: tracepath counts the way back by that. */
static void heard_from_afar(int family)
{
	bool v6 = family == AF_INET6;
	struct sockaddr_in6 to;
	socklen_t len = nobody_at(family, &to);
	char control[256];
	struct iovec v = { got, sizeof(got) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = CHECK_OK(socket(family, SOCK_DGRAM, 0)), hops;
	struct cmsghdr *c;

	CHECK_OK(option(fd, family, IP_RECVERR, IPV6_RECVERR, 1));
	CHECK_OK(option(fd, family, IP_RECVTTL, IPV6_RECVHOPLIMIT, 1));
	CHECK_EQ(sendto(fd, data, 5, 0, (void *)&to, len), 5);
	CHECK_EQ(events(fd), POLLERR);
	CHECK_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 5);
	c = CMSG_FIRSTHDR(&m);
	REQUIRE(c && CMSG_NXTHDR(&m, c));
	CHECK_EQ(c->cmsg_type, v6 ? IPV6_HOPLIMIT : IP_TTL);
	memcpy(&hops, CMSG_DATA(c), sizeof(hops));
	CHECK_EQ(hops, 64);
	CHECK_EQ(CMSG_NXTHDR(&m, c)->cmsg_type, v6 ? IPV6_RECVERR : IP_RECVERR);
	close(fd);
}

TEST(how_far_it_came)
{
	heard_from_afar(AF_INET);
	heard_from_afar(AF_INET6);
}

TEST(a_short_buffer_cuts_it)
{
	struct sockaddr_in6 to;
	socklen_t len = nobody_at(AF_INET, &to);
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	struct heard h;

	CHECK_OK(option(fd, AF_INET, IP_RECVERR, 0, 1));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(sendto(fd, data, 100, 0, (void *)&to, len), 100);
		CHECK_EQ(events(fd), POLLERR);
		pending(fd);
	}
	h = hear(fd, 10);
	CHECK_EQ(h.n, 10);
	CHECK_EQ(h.flags, MSG_ERRQUEUE | MSG_TRUNC);
	/* The next one is the pending error now. */
	CHECK_EQ(pending(fd), ECONNREFUSED);
	CHECK_EQ(events(fd), POLLERR);
	CHECK_OK(option(fd, AF_INET, IP_RECVERR, 0, 0));
	CHECK_ERRNO(recvmsg(fd, &(struct msghdr){ 0 }, MSG_ERRQUEUE), EAGAIN);
	close(fd);
}

TEST(the_queue_is_bounded)
{
	struct sockaddr_in6 to;
	socklen_t len = nobody_at(AF_INET, &to);
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), size = 4096, n = 0;

	CHECK_OK(option(fd, AF_INET, IP_RECVERR, 0, 1));
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	for (int i = 0; i < 200; i++) {
		(void)!sendto(fd, data, 100, 0, (void *)&to, len);
		pending(fd);
	}
	while (hear(fd, sizeof(got)).n == 100)
		n++;
	CHECK(n > 0 && n < 100);
	close(fd);
}

/* ---- what is too large for the interface ---- */

static void too_large(int family, size_t most)
{
	bool v6 = family == AF_INET6;
	struct sockaddr_in6 to;
	socklen_t len = nobody_at(family, &to);
	struct heard h;
	int fd = CHECK_OK(socket(family, SOCK_DGRAM, 0));

	CHECK_OK(connect(fd, (void *)&to, len));
	CHECK_OK(option(fd, family, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO));
	CHECK_ERRNO(send(fd, data, most + 1, 0), EMSGSIZE);
	CHECK_ERRNO(recvmsg(fd, &(struct msghdr){ 0 }, MSG_ERRQUEUE), EAGAIN);
	CHECK_OK(option(fd, family, IP_RECVERR, IPV6_RECVERR, 1));
	CHECK_ERRNO(send(fd, data, most + 1, 0), EMSGSIZE);
	CHECK_EQ(events(fd), POLLERR);
	CHECK_EQ(pending(fd), 0);
	h = hear(fd, sizeof(got));
	CHECK_EQ(h.n, 0);
	CHECK_EQ(h.control, sizeof(h.e) + len);
	CHECK_EQ(h.e.ee_errno, EMSGSIZE);
	CHECK_EQ(h.e.ee_origin, SO_EE_ORIGIN_LOCAL);
	CHECK_EQ(h.e.ee_type, 0);
	CHECK_EQ(h.e.ee_info, 1500);
	CHECK(!memcmp(&h.name, &to, v6 ? 24 : 8));
	CHECK_EQ(h.offender.sin6_family, AF_UNSPEC);
	CHECK_EQ(send(fd, data, most, 0), (ssize_t)most);
	CHECK_EQ(events(fd), POLLERR); /* refused, that is */
	CHECK_OK(option(fd, family, IP_RECVERR, IPV6_RECVERR, 0));
	pending(fd);
	CHECK_OK(option(fd, family, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_WANT));
	CHECK_EQ(send(fd, data, most + 1, 0), (ssize_t)most + 1);
	close(fd);
}

TEST_FORK(what_may_not_be_cut)
{
	OWN_NETWORK();
	CHECK_EQ(with_name(RTM_NEWLINK, "lo", IFLA_MTU, 1500), 0);
	CHECK_EQ(set_up(1, 1), 0);
	too_large(AF_INET, 1500 - 20 - 8);
	too_large(AF_INET6, 1500 - 40 - 8);
}

TEST(discovery_is_kept)
{
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), v = -1;
	socklen_t len = sizeof(v);

	CHECK_OK(getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v, &len));
	CHECK_EQ(v, IP_PMTUDISC_WANT);
	CHECK_OK(option(fd, AF_INET, IP_MTU_DISCOVER, 0, IP_PMTUDISC_DO));
	CHECK_OK(getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v, &len));
	CHECK_EQ(v, IP_PMTUDISC_DO);
	CHECK_ERRNO(option(fd, AF_INET, IP_MTU_DISCOVER, 0, 6), EINVAL);
	CHECK_ERRNO(option(fd, AF_INET, IP_MTU_DISCOVER, 0, -1), EINVAL);
	close(fd);
}
