/* Options of IP sockets that tell or steer a little: TCP_INQ, least TTLs, pacing, the CPU of arrival, first destinations. */
#include "bound.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SO_INCOMING_CPU
#define SO_INCOMING_CPU 49
#endif
#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif
#ifndef TCP_INQ
#define TCP_INQ 36
#endif
#ifndef SIOCOUTQNSD
#define SIOCOUTQNSD 0x894b
#endif
#define IPV6_MINHOPCOUNT_NR	73
#define IPV6_RECVORIGDSTADDR_NR 74
#define CAP_NET_ADMIN_NR	12

static int get(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	CHECK_OK(getsockopt(fd, level, name, &v, &len));
	CHECK_EQ(len, 4);
	return v;
}

static int set(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof(v));
}

static int pair[2];

static void connection(int family)
{
	int l = bound(family, SOCK_STREAM);

	CHECK_OK(listen(l, 1));
	pair[0] = CHECK_OK(socket(family, SOCK_STREAM, 0));
	CHECK_OK(connect(pair[0], (void *)&at, at_len));
	pair[1] = CHECK_OK(accept(l, NULL, NULL));
	close(l);
}

static void end(void)
{
	close(pair[0]);
	close(pair[1]);
}

static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* Read n bytes; what TCP_INQ says is left, -1: it says nothing. */
static int left_after(size_t n, int flags)
{
	char b[200], control[64];
	struct iovec v = { b, n };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int left = -1;

	CHECK_OK(recvmsg(pair[1], &m, flags));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_TCP && c->cmsg_type == TCP_INQ) {
			CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(left)));
			memcpy(&left, CMSG_DATA(c), sizeof(left));
		}
	return left;
}

TEST(bytes_in_queue)
{
	struct pollfd p = { .events = POLLRDHUP };
	char b[100] = "";

	connection(AF_INET);
	p.fd = pair[1];
	CHECK_EQ(send(pair[0], b, sizeof(b), 0), 100);
	CHECK(readable(pair[1], 5000));
	CHECK_EQ(get(pair[1], IPPROTO_TCP, TCP_INQ), 0);
	CHECK_EQ(left_after(10, 0), -1);
	CHECK_ERRNO(set(pair[1], IPPROTO_TCP, TCP_INQ, 2), EINVAL);
	CHECK_OK(set(pair[1], IPPROTO_TCP, TCP_INQ, 1));
	CHECK_EQ(get(pair[1], IPPROTO_TCP, TCP_INQ), 1);
	CHECK_EQ(left_after(40, 0), 50);
	CHECK_EQ(left_after(40, MSG_PEEK), 50);
	CHECK_EQ(left_after(50, 0), 0);
	/* The peer's end counts as one more. */
	CHECK_EQ(send(pair[0], b, 20, 0), 20);
	CHECK_OK(shutdown(pair[0], SHUT_WR));
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(left_after(5, 0), 16);
	CHECK_EQ(left_after(15, 0), 1);
	CHECK_EQ(left_after(15, 0), 1);
	end();
}

/* Segments from too far away do not count (RFC 5082). */
static void least_ttl(int family)
{
	bool v6 = family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, least = v6 ? IPV6_MINHOPCOUNT_NR : IP_MINTTL;
	int own_ttl = v6 ? IPV6_UNICAST_HOPS : IP_TTL;

	connection(family);
	CHECK_EQ(get(pair[1], level, least), 0);
	CHECK_ERRNO(set(pair[1], level, least, 256), EINVAL);
	CHECK_ERRNO(set(pair[1], level, least, -1), EINVAL);
	CHECK_OK(set(pair[1], level, least, 100));
	CHECK_EQ(get(pair[1], level, least), 100);
	CHECK_EQ(send(pair[0], "far", 3, 0), 3);
	CHECK(!readable(pair[1], 50));
	CHECK_OK(set(pair[0], level, own_ttl, 100));
	CHECK(readable(pair[1], 5000)); /* it is sent again */
	end();
}

TEST(neighbours_only)
{
	least_ttl(AF_INET);
	least_ttl(AF_INET6);
}

TEST(neighbours_only_connect)
{
	int l = bound(AF_INET, SOCK_STREAM), fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	CHECK_OK(listen(l, 1));
	CHECK_OK(set(l, IPPROTO_IP, IP_MINTTL, 255));
	CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(connect(fd, (void *)&at, at_len), EINPROGRESS);
	CHECK_EQ(poll(&p, 1, 50), 0);
	CHECK_OK(set(fd, IPPROTO_IP, IP_TTL, 255));
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLOUT);
	close(fd);
	close(l);
}

TEST(pacing)
{
	int fd = bound(AF_INET, SOCK_STREAM);
	uint64_t rate = 0;
	socklen_t len = sizeof(rate);

	CHECK_EQ(get(fd, SOL_SOCKET, SO_MAX_PACING_RATE), -1);
	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
	CHECK_EQ(len, 8);
	CHECK_EQ(rate, UINT64_MAX);
	CHECK_OK(set(fd, SOL_SOCKET, SO_MAX_PACING_RATE, 5000000));
	CHECK_EQ(get(fd, SOL_SOCKET, SO_MAX_PACING_RATE), 5000000);
	rate = 5000000000;
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate)));
	CHECK_EQ(get(fd, SOL_SOCKET, SO_MAX_PACING_RATE), -1); /* as much as a word can say */
	rate = 0;
	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
	CHECK_EQ(rate, 5000000000);
	CHECK_OK(set(fd, SOL_SOCKET, SO_MAX_PACING_RATE, -1));
	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
	CHECK_EQ(rate, UINT64_MAX);
	close(fd);
}

TEST(cpu_of_arrival)
{
	int fd = bound(AF_INET, SOCK_DGRAM), cpu;

	CHECK_OK(set(fd, SOL_SOCKET, SO_INCOMING_CPU, 1));
	CHECK_EQ(get(fd, SOL_SOCKET, SO_INCOMING_CPU), 1);
	close(fd);
	connection(AF_INET);
	CHECK_EQ(send(pair[0], "x", 1, 0), 1);
	CHECK(readable(pair[1], 5000));
	cpu = get(pair[1], SOL_SOCKET, SO_INCOMING_CPU);
	CHECK(cpu >= 0 && cpu < sysconf(_SC_NPROCESSORS_CONF));
	end();
}

TEST(busy_poll)
{
	int fd = bound(AF_INET, SOCK_STREAM), before = get(fd, SOL_SOCKET, SO_BUSY_POLL);

	CHECK_ERRNO(set(fd, SOL_SOCKET, SO_BUSY_POLL, -1), EINVAL);
	if (abi_cap(CAP_NET_ADMIN_NR)) {
		CHECK_OK(set(fd, SOL_SOCKET, SO_BUSY_POLL, before + 50));
		CHECK_EQ(get(fd, SOL_SOCKET, SO_BUSY_POLL), before + 50);
	} else {
		CHECK_ERRNO(set(fd, SOL_SOCKET, SO_BUSY_POLL, before + 50), EPERM);
	}
	CHECK_OK(set(fd, SOL_SOCKET, SO_BUSY_POLL, 0));
	close(fd);
}

/* Where a datagram was sent to, as a name. */
TEST(first_destination)
{
	int in = bound(AF_INET6, SOCK_DGRAM), out = CHECK_OK(socket(AF_INET6, SOCK_DGRAM, 0));
	struct sockaddr_in6 a = { 0 };
	char b[8], control[128];
	struct iovec v = { b, sizeof(b) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	CHECK_EQ(get(in, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR_NR), 0);
	CHECK_OK(set(in, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR_NR, 1));
	CHECK_EQ(get(in, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR_NR), 1);
	CHECK_EQ(sendto(out, "x", 1, 0, (void *)&at, at_len), 1);
	CHECK_EQ(recvmsg(in, &m, 0), 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVORIGDSTADDR_NR)
			memcpy(&a, CMSG_DATA(c), sizeof(a));
	CHECK_EQ(a.sin6_family, AF_INET6);
	CHECK_EQ(a.sin6_port, at.sin6_port);
	CHECK(IN6_IS_ADDR_LOOPBACK(&a.sin6_addr));
	close(in);
	close(out);
}

/* IPV6_DONTFRAG: what is too large for the way comes back. */
TEST(never_cut)
{
	int fd = bound(AF_INET6, SOCK_DGRAM);

	CHECK_EQ(get(fd, IPPROTO_IPV6, IPV6_DONTFRAG), 0);
	CHECK_OK(set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1));
	CHECK_EQ(get(fd, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
	CHECK_EQ(sendto(fd, "x", 1, 0, (void *)&at, at_len), 1);
	close(fd);
}

TEST(not_sent_low_water)
{
	int fd = bound(AF_INET, SOCK_STREAM);

	CHECK_OK(set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384));
	CHECK_EQ(get(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16384);
	close(fd);
}

static bool writable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, ms) > 0 && p.revents == POLLOUT;
}

/* Fill the connection; how many bytes of it have not been sent. */
static int fill(int fd)
{
	static char b[4096];
	int unsent = -1;

	while (send(fd, b, sizeof(b), MSG_DONTWAIT) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_OK(ioctl(fd, SIOCOUTQNSD, &unsent));
	return unsent;
}

/* What the window does not let out piles up to there alone. */
TEST(little_unsent)
{
	static char b[1 << 20];

	connection(AF_INET);
	CHECK_OK(set(pair[0], SOL_SOCKET, SO_SNDBUF, 1 << 19));
	CHECK_OK(set(pair[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384));
	CHECK(writable(pair[0], 0));
	CHECK(fill(pair[0]) < 16384 + 70000);
	CHECK(!writable(pair[0], 0));
	while (!writable(pair[0], 0) && readable(pair[1], 5000))
		CHECK_OK(recv(pair[1], b, sizeof(b), 0));
	CHECK(writable(pair[0], 5000));
	CHECK_EQ(send(pair[0], b, 4096, MSG_DONTWAIT), 4096);
	end();
}
