/* Control messages of datagrams: TTL, TOS, hop limit, traffic class, source and interface, as sent and as told. */
#include "bound.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int in, out;

static void on(int level, int name)
{
	int one = 1;

	CHECK_OK(setsockopt(in, level, name, &one, sizeof(one)));
}

static void start(int family)
{
	in = bound(family, SOCK_DGRAM);
	out = CHECK_OK(socket(family, SOCK_DGRAM, 0));
}

static void stop(void)
{
	close(in);
	close(out);
}

/* Send one byte with a control message of n bytes; n 0: with none. 0 or -errno. */
static int send_with(int level, int type, const void *v, size_t n)
{
	char control[128] = "";
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_name = &at,
			    .msg_namelen = at_len,
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = n ? control : NULL,
			    .msg_controllen = n ? CMSG_SPACE(n) : 0 };
	struct cmsghdr *c = (void *)control;

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), v, n);
	return sendmsg(out, &m, 0) == 1 ? 0 : -errno;
}

/* What the receiver is told by a message of this kind: its bytes, how many. */
static size_t told(int level, int type, void *v, size_t room)
{
	char b[8], control[512];
	struct iovec iov = { b, sizeof(b) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	memset(v, 0, room);
	CHECK_EQ(recvmsg(in, &m, 0), 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t n = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != level || c->cmsg_type != type)
			continue;
		memcpy(v, CMSG_DATA(c), n < room ? n : room);
		return n;
	}
	return 0;
}

static int number(int level, int type, size_t size)
{
	int v;

	CHECK_EQ(told(level, type, &v, sizeof(v)), size);
	return v;
}

TEST(ipv4)
{
	int v = 77;

	start(AF_INET);
	on(IPPROTO_IP, IP_RECVTTL);
	on(IPPROTO_IP, IP_RECVTOS);
	CHECK_EQ(send_with(IPPROTO_IP, IP_TTL, &v, sizeof(v)), 0);
	CHECK_EQ(number(IPPROTO_IP, IP_TTL, 4), 77);
	CHECK_EQ(send_with(0, 0, "", 0), 0);
	CHECK_EQ(number(IPPROTO_IP, IP_TTL, 4), 64);
	v = 0x10;
	CHECK_EQ(send_with(IPPROTO_IP, IP_TOS, &v, sizeof(v)), 0);
	CHECK_EQ(number(IPPROTO_IP, IP_TOS, 1), 0x10);
	CHECK_EQ(send_with(IPPROTO_IP, IP_TOS, &v, 1), 0);
	CHECK_EQ(number(IPPROTO_IP, IP_TOS, 1), 0x10);
	CHECK_EQ(send_with(0, 0, "", 0), 0);
	CHECK_EQ(number(IPPROTO_IP, IP_TOS, 1), 0);
	v = 0;
	CHECK_EQ(send_with(IPPROTO_IP, IP_TTL, &v, sizeof(v)), -EINVAL);
	v = 256;
	CHECK_EQ(send_with(IPPROTO_IP, IP_TTL, &v, sizeof(v)), -EINVAL);
	CHECK_EQ(send_with(IPPROTO_IP, IP_TTL, &v, 1), -EINVAL);
	stop();
}

TEST(ipv6_numbers)
{
	int v = 33;

	start(AF_INET6);
	on(IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	on(IPPROTO_IPV6, IPV6_RECVTCLASS);
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v)), 0);
	CHECK_EQ(number(IPPROTO_IPV6, IPV6_HOPLIMIT, 4), 33);
	v = -1;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v)), 0);
	CHECK_EQ(number(IPPROTO_IPV6, IPV6_HOPLIMIT, 4), 64);
	v = 0x20;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v)), 0);
	CHECK_EQ(number(IPPROTO_IPV6, IPV6_TCLASS, 4), 0x20);
	v = 256;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v)), -EINVAL);
	v = -2;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v)), -EINVAL);
	v = 256;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v)), -EINVAL);
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &v, 1), -EINVAL);
	stop();
}

TEST(ipv6_packet_info)
{
	struct in6_pktinfo i = { .ipi6_addr = IN6ADDR_LOOPBACK_INIT, .ipi6_ifindex = 1 };

	start(AF_INET6);
	on(IPPROTO_IPV6, IPV6_RECVPKTINFO);
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i)), 0);
	CHECK_EQ(told(IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i)), sizeof(i));
	CHECK_EQ(i.ipi6_ifindex, 1);
	CHECK(IN6_IS_ADDR_LOOPBACK(&i.ipi6_addr));
	i.ipi6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
	i.ipi6_ifindex = 0;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i)), 0);
	CHECK_EQ(told(IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i)), sizeof(i));
	CHECK_EQ(i.ipi6_ifindex, 1);
	/* Neither an address nor an interface of ours. */
	inet_pton(AF_INET6, "2001:db8::77", &i.ipi6_addr);
	i.ipi6_ifindex = 0;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i)), -EINVAL);
	i.ipi6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
	i.ipi6_ifindex = 9999;
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i)), -ENODEV);
	CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_PKTINFO, &i, 4), -EINVAL);
	stop();
}
