/* UDP over the loopback: messages, names, errors, packet information, multicast. */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int bound(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int s = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	*a = (struct sockaddr_in){ .sin_family = AF_INET };
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_OK(bind(s, (void *)a, sizeof(*a)));
	CHECK_OK(getsockname(s, (void *)a, &len));
	return s;
}

static short events(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	if (ms)
		p.events = POLLIN;
	poll(&p, 1, ms);
	return p.revents;
}

TEST(messages)
{
	struct sockaddr_in a, b, from;
	socklen_t len = sizeof(from);
	int s = bound(&a), c = bound(&b), n;
	char buf[16];

	CHECK_EQ(events(s, 0), POLLOUT);
	CHECK_EQ(sendto(c, "hello", 5, 0, (void *)&a, sizeof(a)), 5);
	CHECK_EQ(sendto(c, "", 0, 0, (void *)&a, sizeof(a)), 0);
	CHECK(events(s, 1000) & POLLIN);
	CHECK_OK(ioctl(s, FIONREAD, &n));
	CHECK_EQ(n, 5);
	CHECK_EQ(recv(s, buf, sizeof(buf), MSG_PEEK), 5);
	CHECK_EQ(recvfrom(s, buf, 3, MSG_TRUNC, (void *)&from, &len), 5);
	CHECK_EQ(from.sin_port, b.sin_port);
	CHECK_EQ(recv(s, buf, sizeof(buf), 0), 0);
	CHECK_ERRNO(recv(s, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(send(c, "x", 1, 0), EDESTADDRREQ);
	a.sin_port = 0;
	CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&a, sizeof(a)), EINVAL);
	CHECK_ERRNO(listen(s, 1), EOPNOTSUPP);
	close(s);
	close(c);
}

TEST(too_long)
{
	static char big[70000], back[70000];
	struct sockaddr_in a;
	int s = bound(&a), c = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(sendto(c, big, 65508, 0, (void *)&a, sizeof(a)), EMSGSIZE);
	memset(big, 'q', sizeof(big));
	CHECK_EQ(sendto(c, big, 65507, 0, (void *)&a, sizeof(a)), 65507);
	CHECK(events(s, 1000) & POLLIN);
	CHECK_EQ(recv(s, back, sizeof(back), 0), 65507);
	CHECK(!memcmp(big, back, 65507));
	close(s);
	close(c);
}

TEST(connected)
{
	struct sockaddr_in a, b, x;
	socklen_t len = sizeof(x);
	int s = bound(&a), c = bound(&b), d = bound(&x);
	char buf[8];

	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_EQ(send(c, "1", 1, 0), 1);
	CHECK_EQ(recv(s, buf, sizeof(buf), 0), 1);
	/* Only from its peer. */
	CHECK_EQ(sendto(d, "no", 2, 0, (void *)&b, sizeof(b)), 2);
	CHECK_EQ(sendto(s, "yes", 3, 0, (void *)&b, sizeof(b)), 3);
	CHECK_EQ(recv(c, buf, sizeof(buf), 0), 3);
	CHECK_ERRNO(recv(c, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	CHECK_OK(getpeername(c, (void *)&x, &len));
	CHECK_EQ(x.sin_port, a.sin_port);
	/* Nobody there any more: the error comes with a later call. */
	close(s);
	CHECK_EQ(send(c, "2", 1, 0), 1);
	CHECK_EQ(poll(&(struct pollfd){ c, 0, 0 }, 1, 5000), 1);
	CHECK_ERRNO(send(c, "3", 1, 0), ECONNREFUSED);
	x.sin_family = AF_UNSPEC;
	CHECK_OK(connect(c, (void *)&x, sizeof(x)));
	len = sizeof(x);
	CHECK_ERRNO(getpeername(c, (void *)&x, &len), ENOTCONN);
	close(c);
	close(d);
}

TEST(packet_info)
{
	struct sockaddr_in a, from;
	char buf[8], control[256];
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = { &from, sizeof(from), &v, 1, control, sizeof(control), 0 };
	int one = 1, s = bound(&a), c = socket(AF_INET, SOCK_DGRAM, 0), seen = 0;
	struct cmsghdr *h;

	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)));
	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)));
	CHECK_EQ(sendto(c, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	CHECK_EQ(recvmsg(s, &m, 0), 1);
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo i;

			memcpy(&i, CMSG_DATA(h), sizeof(i));
			CHECK_EQ(i.ipi_ifindex, 1);
			CHECK_EQ(ntohl(i.ipi_addr.s_addr), INADDR_LOOPBACK);
			seen |= 1;
		}
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_TTL) {
			CHECK_EQ(*(int *)CMSG_DATA(h), 64);
			seen |= 2;
		}
	}
	CHECK_EQ(seen, 3);
	close(s);
	close(c);
}

TEST(multicast)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct ip_mreqn g = { .imr_ifindex = 1 };
	struct timeval tv = { 1, 0 };
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[8];

	g.imr_multiaddr.s_addr = inet_addr("239.1.2.3");
	CHECK_OK(bind(s, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(s, (void *)&a, &len));
	CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &g, sizeof(g)), EADDRNOTAVAIL);
	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &g, sizeof(g)));
	CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &g, sizeof(g)), EADDRINUSE);
	CHECK_OK(setsockopt(c, IPPROTO_IP, IP_MULTICAST_IF, &g, sizeof(g)));
	CHECK_OK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	a.sin_addr = g.imr_multiaddr;
	CHECK_EQ(sendto(c, "all", 3, 0, (void *)&a, sizeof(a)), 3);
	CHECK_EQ(recv(s, buf, sizeof(buf), 0), 3);
	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &g, sizeof(g)));
	close(s);
	close(c);
}

TEST(shutdown_unconnected)
{
	struct sockaddr_in a;
	int s = bound(&a);
	char b;

	CHECK_ERRNO(shutdown(s, SHUT_RD), ENOTCONN);
	CHECK_EQ(recv(s, &b, 1, 0), 0);
	close(s);
}

/* IP_PKTINFO of a message says by which interface it goes, and from where. */
TEST(pktinfo_sends)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			   from;
	struct {
		struct cmsghdr h;
		struct in_pktinfo i;
	} c = { { sizeof(c.h) + sizeof(c.i), IPPROTO_IP, IP_PKTINFO }, { .ipi_ifindex = 1 } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_name = &a,
			    .msg_namelen = sizeof(a),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	socklen_t len = sizeof(a);
	int s = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)),
	    t = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	char byte;

	CHECK_OK(bind(t, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(t, (void *)&a, &len));
	c.i.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + 4);
	CHECK_EQ(sendmsg(s, &m, 0), 1);
	len = sizeof(from);
	CHECK_EQ(recvfrom(t, &byte, 1, 0, (void *)&from, &len), 1);
	CHECK_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK + 4));
	close(s);
	close(t);
}

/* What ICMP says of a datagram waits in the error queue, with whom it was for. */
TEST(error_queue)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			   to;
	struct {
		unsigned err;
		unsigned char origin, type, code, pad;
		unsigned info, data;
	} e = { 0 };
	char control[256], byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	socklen_t len = sizeof(a);
	int s = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)),
	    t = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;
	struct pollfd p = { s, 0, 0 };

	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	CHECK_ERRNO(recvmsg(s, &m, MSG_ERRQUEUE), EAGAIN);
	CHECK_OK(bind(t, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(t, (void *)&a, &len));
	close(t);
	CHECK_EQ(sendto(s, "y", 1, 0, (void *)&a, sizeof(a)), 1);
	poll(&p, 1, 5000);
	CHECK_EQ(p.revents, POLLERR);
	m.msg_namelen = sizeof(to);
	m.msg_controllen = sizeof(control);
	CHECK_OK(recvmsg(s, &m, MSG_ERRQUEUE));
	CHECK(m.msg_flags & MSG_ERRQUEUE);
	CHECK_EQ(to.sin_port, a.sin_port);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR)
			memcpy(&e, CMSG_DATA(h), sizeof(e));
	CHECK_EQ(e.err, ECONNREFUSED);
	CHECK_EQ(e.origin, 2);
	CHECK_EQ(e.type, 3);
	CHECK_EQ(e.code, 3);
	close(s);
}
