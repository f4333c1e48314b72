/*
 * Corners of IP sockets that programs rarely meet: a connection to itself, data that nobody reads any more, names without a
 * link, ends that come twice, times of arrival.
 */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

static const struct sockaddr_in lo = { .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f };

static struct sockaddr_in own_name(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
	return a;
}

static int make(int type)
{
	int fd = socket(AF_INET, type, 0);

	CHECK_OK(bind(fd, (const struct sockaddr *)&lo, sizeof(lo)));
	return fd;
}

static void connect_to(int fd, int other)
{
	struct sockaddr_in a = own_name(other);

	CHECK_OK(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static void pair(int fds[2])
{
	int l = make(SOCK_STREAM);

	CHECK_OK(listen(l, 1));
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(fds[0], l);
	fds[1] = accept(l, NULL, NULL);
	CHECK(fds[1] >= 0);
	close(l);
}

static int events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static int tcp_state(int fd)
{
	struct tcp_info i = { 0 };
	socklen_t len = sizeof(i);

	CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len));
	return i.tcpi_state;
}

TEST(connected_to_itself)
{
	int fd = make(SOCK_STREAM);
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);
	char c = 0;

	connect_to(fd, fd);
	CHECK_OK(getpeername(fd, (struct sockaddr *)&peer, &len));
	CHECK_EQ(peer.sin_port, own_name(fd).sin_port);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	CHECK_EQ(recv(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'x');
	CHECK_OK(shutdown(fd, SHUT_WR));
	CHECK_EQ(recv(fd, &c, 1, 0), 0);
	close(fd);
}

TEST(data_after_both_ends)
{
	int fds[2];
	char c;

	pair(fds);
	CHECK_OK(shutdown(fds[0], SHUT_RDWR));
	CHECK_EQ(recv(fds[1], &c, 1, 0), 0);
	CHECK_EQ(send(fds[1], "x", 1, 0), 1);
	WAIT_UNTIL(tcp_state(fds[1]) == TCP_CLOSE);
	CHECK_EQ(tcp_state(fds[0]), TCP_CLOSE);
	CHECK_ERRNO(recv(fds[0], &c, 1, 0), ECONNRESET);
	/* Who has seen the end reads on nothing but that; the reset is for who sends. */
	CHECK(events(fds[1]) & POLLERR);
	CHECK_EQ(recv(fds[1], &c, 1, 0), 0);
	CHECK_ERRNO(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(!(events(fds[1]) & POLLERR));
	close(fds[0]);
	close(fds[1]);
}

TEST(listener_that_is_shut)
{
	int l = make(SOCK_STREAM);

	CHECK_OK(listen(l, 1));
	CHECK_OK(shutdown(l, SHUT_WR));
	CHECK_EQ(events(l), 0);
	CHECK_OK(shutdown(l, SHUT_RD));
	CHECK_EQ(events(l), POLLOUT | POLLHUP);
	CHECK_ERRNO(accept(l, NULL, NULL), EINVAL);
	CHECK_OK(listen(l, 1));
	CHECK_EQ(events(l), 0);
	close(l);
}

TEST(disconnected)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), to = make(SOCK_DGRAM);

	CHECK_OK(bind(fd, (struct sockaddr *)&any, sizeof(any)));
	connect_to(fd, to);
	CHECK_EQ(own_name(fd).sin_addr.s_addr, lo.sin_addr.s_addr);
	CHECK_OK(connect(fd, &none, sizeof(none)));
	CHECK_EQ(own_name(fd).sin_addr.s_addr, 0);
	close(fd);
	fd = make(SOCK_DGRAM);
	connect_to(fd, to);
	CHECK_OK(connect(fd, &none, sizeof(none)));
	CHECK_EQ(own_name(fd).sin_addr.s_addr, lo.sin_addr.s_addr);
	close(fd);
	close(to);
}

static int bind6(int type, const char *name, unsigned scope)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_scope_id = scope };
	int fd = socket(AF_INET6, type, 0), ret;

	inet_pton(AF_INET6, name, &a.sin6_addr);
	ret = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

static int connect6(int type, const char *name)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, type, 0), ret;

	inet_pton(AF_INET6, name, &a.sin6_addr);
	ret = connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

TEST(names_without_a_link)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	CHECK_EQ(bind6(SOCK_STREAM, "fe80::1", 0), EINVAL);
	CHECK_EQ(bind6(SOCK_DGRAM, "ff02::1", 0), EINVAL);
	CHECK_EQ(bind6(SOCK_STREAM, "ff02::1", 1), EINVAL);
	CHECK_EQ(bind6(SOCK_DGRAM, "ff02::1", 1), 0);
	CHECK_EQ(bind6(SOCK_STREAM, "::1", 99), 0);
	CHECK_EQ(connect6(SOCK_STREAM, "fe80::1"), EINVAL);
	CHECK_EQ(connect6(SOCK_DGRAM, "fe80::1"), EINVAL);
	CHECK_EQ(connect6(SOCK_DGRAM, "ff02::1"), EINVAL);
	CHECK_ERRNO(bind(fd, (const struct sockaddr *)&lo, sizeof(lo)), EINVAL);
	close(fd);
}

TEST(groups_as_names)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr("224.0.0.1") };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	close(fd);
}

static int join(int fd, const char *group, const char *via)
{
	struct ip_mreq m = { .imr_multiaddr.s_addr = inet_addr(group),
			     .imr_interface.s_addr = inet_addr(via) };

	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) < 0 ? errno : 0;
}

TEST(memberships)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_EQ(join(fd, "239.1.2.3", "127.0.0.1"), 0);
	CHECK_EQ(join(fd, "239.1.2.3", "127.0.0.1"), EADDRINUSE);
	CHECK_EQ(join(fd, "239.1.2.3", "192.0.2.77"), ENODEV);
	CHECK_EQ(join(fd, "1.2.3.4", "127.0.0.1"), EINVAL);
	close(fd);
}

/* sendmsg with one control message: 0 or errno. */
static int send_with(int fd, int type, const void *data, size_t n)
{
	struct sockaddr_in to = own_name(fd);
	union {
		struct cmsghdr h;
		char raw[CMSG_SPACE(64)];
	} c = { .h = { .cmsg_level = IPPROTO_IP, .cmsg_type = type, .cmsg_len = CMSG_LEN(n) } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = CMSG_SPACE(n) };

	memcpy(CMSG_DATA(&c.h), data, n);
	return sendmsg(fd, &m, 0) < 0 ? errno : 0;
}

TEST(control_of_sends)
{
	struct in_pktinfo nowhere = { .ipi_ifindex = 4000 },
			  foreign = { .ipi_spec_dst.s_addr = inet_addr("192.0.2.77") };
	int fd = make(SOCK_DGRAM), big = 500, fine = 16;

	CHECK_EQ(send_with(fd, IP_PKTINFO, &nowhere, sizeof(nowhere)), ENODEV);
	CHECK(send_with(fd, IP_PKTINFO, &foreign, sizeof(foreign)) != 0);
	CHECK_EQ(send_with(fd, IP_TOS, &big, sizeof(big)), EINVAL);
	CHECK_EQ(send_with(fd, IP_TOS, &fine, sizeof(fine)), 0);
	close(fd);
}

/* The seconds that a datagram's timestamp says, by the option and the type of message it makes. */
static long stamp(int option, int type)
{
	int fd = make(SOCK_DGRAM), on = 1;
	struct sockaddr_in to = own_name(fd);
	char buf[256], data[8];
	struct iovec v = { data, sizeof(data) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)
	};
	struct cmsghdr *c;
	struct timespec t = { 0 };

	CHECK_OK(setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)));
	CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	CHECK_EQ(recvmsg(fd, &m, 0), 1);
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == type)
		memcpy(&t, CMSG_DATA(c), sizeof(t));
	close(fd);
	return t.tv_sec;
}

TEST(times_of_arrival)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	CHECK(stamp(SO_TIMESTAMP, SO_TIMESTAMP) >= now.tv_sec - 1);
	CHECK(stamp(SO_TIMESTAMPNS, SO_TIMESTAMPNS) >= now.tv_sec - 1);
}
