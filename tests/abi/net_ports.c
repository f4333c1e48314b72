/* What sockets on one port share, how much a connection may hold, and ports that are used again at once. */
#include "abi.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define SHARERS 4

static const int one = 1;

static struct sockaddr_in loop(unsigned short port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* SHARERS sockets on one port, by SO_REUSEPORT. */
static struct sockaddr_in share(int type, int fd[SHARERS])
{
	struct sockaddr_in a = loop(0);
	socklen_t len = sizeof(a);

	for (int i = 0; i < SHARERS; i++) {
		fd[i] = CHECK_OK(socket(AF_INET, type | SOCK_NONBLOCK, 0));
		CHECK_OK(setsockopt(fd[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
		CHECK_OK(bind(fd[i], (void *)&a, sizeof(a)));
		CHECK_OK(getsockname(fd[i], (void *)&a, &len));
		if (type == SOCK_STREAM)
			CHECK_OK(listen(fd[i], 128));
	}
	return a;
}

TEST(listeners_share_connections)
{
	int l[SHARERS], got[SHARERS] = { 0 }, sum = 0;
	struct sockaddr_in a = share(SOCK_STREAM, l);

	for (int i = 0; i < 200; i++) {
		int c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), s = -1;

		CHECK_OK(connect(c, (void *)&a, sizeof(a)));
		for (int k = 0; k < SHARERS && s < 0; k++) {
			s = accept(l[k], NULL, NULL);
			if (s >= 0)
				got[k]++;
		}
		CHECK(s >= 0);
		close(c);
		close(s);
	}
	for (int k = 0; k < SHARERS; k++) {
		CHECK(got[k] >= 10);
		sum += got[k];
		close(l[k]);
	}
	CHECK_EQ(sum, 200);
}

TEST(datagram_sockets_share_senders)
{
	int r[SHARERS], got[SHARERS] = { 0 };
	struct sockaddr_in a = share(SOCK_DGRAM, r);
	char b;

	for (int i = 0; i < 200; i++) {
		int c = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

		CHECK_EQ(sendto(c, "x", 1, 0, (void *)&a, sizeof(a)), 1);
		close(c);
		for (int k = 0; k < SHARERS; k++)
			if (recv(r[k], &b, 1, 0) == 1)
				got[k]++;
	}
	for (int k = 0; k < SHARERS; k++) {
		CHECK(got[k] >= 10);
		close(r[k]);
	}
	CHECK_EQ(got[0] + got[1] + got[2] + got[3], 200);
}

/* The sender of a message always meets the same socket. */
TEST(one_sender_one_socket)
{
	int r[SHARERS], c = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), hit = 0;
	struct sockaddr_in a = share(SOCK_DGRAM, r);
	char b;

	for (int i = 0; i < 50; i++)
		CHECK_EQ(sendto(c, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	for (int k = 0; k < SHARERS; k++) {
		int n = 0;

		while (recv(r[k], &b, 1, 0) == 1)
			n++;
		CHECK(n == 0 || n == 50);
		hit += n;
		close(r[k]);
	}
	CHECK_EQ(hit, 50);
	close(c);
}

static int listen_on(struct sockaddr_in *a, int rcvbuf)
{
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	socklen_t len = sizeof(*a);

	*a = loop(0);
	if (rcvbuf)
		CHECK_OK(setsockopt(l, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)));
	CHECK_OK(bind(l, (void *)a, sizeof(*a)));
	CHECK_OK(listen(l, 128));
	CHECK_OK(getsockname(l, (void *)a, &len));
	return l;
}

/* Bytes that fit into a connection that nobody reads. */
static long fill(int size)
{
	struct sockaddr_in a;
	int l = listen_on(&a, size), c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), s;
	static char buf[4096];
	struct pollfd p = { c, POLLOUT, 0 };
	long sum = 0;
	ssize_t n;

	CHECK_OK(setsockopt(c, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	s = CHECK_OK(accept(l, NULL, NULL));
	while (sum < 64 << 20 && poll(&p, 1, 300) == 1) {
		n = send(c, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			sum += n;
	}
	close(s);
	close(c);
	close(l);
	return sum;
}

TEST(buffers_bound_what_is_unread)
{
	long small = fill(8192), large = fill(200000);

	CHECK(small >= 4096 && small <= 200000);
	CHECK(large > 2 * small && large <= 4000000);
}

/* The side that closes first keeps the pair of addresses for a minute; a new connection may have it all the same. */
TEST(ports_used_again)
{
	struct sockaddr_in a;
	int l = listen_on(&a, 0);

	for (int i = 0; i < 3000; i++) {
		int c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), s;

		CHECK_OK(connect(c, (void *)&a, sizeof(a)));
		s = CHECK_OK(accept(l, NULL, NULL));
		close(s);
		close(c);
	}
	close(l);
}

/* From one address and port to another, again and again, each time ended by the server. */
TEST(one_pair_again)
{
	struct sockaddr_in a, from = loop(0);
	socklen_t len = sizeof(from);
	int l = listen_on(&a, 0);

	for (int i = 0; i < 20; i++) {
		int c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), s;
		char b;

		CHECK_OK(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		CHECK_OK(bind(c, (void *)&from, sizeof(from)));
		CHECK_OK(getsockname(c, (void *)&from, &len));
		CHECK_OK(connect(c, (void *)&a, sizeof(a)));
		s = CHECK_OK(accept(l, NULL, NULL));
		close(s);
		CHECK_EQ(recv(c, &b, 1, 0), 0);
		close(c);
	}
	close(l);
}

TEST(bound_to_a_device)
{
	char name[IFNAMSIZ] = "";
	struct sockaddr_in a;
	int l = listen_on(&a, 0), c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), s;
	socklen_t len = sizeof(name);

	CHECK_OK(setsockopt(l, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	CHECK_OK(getsockopt(l, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	CHECK(!strcmp(name, "lo") && len == 3);
	CHECK_ERRNO(setsockopt(c, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 8), ENODEV);
	CHECK_OK(setsockopt(c, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	s = CHECK_OK(accept(l, NULL, NULL));
	close(s);
	close(c);
	close(l);
}

TEST(mtu_of_the_path)
{
	struct sockaddr_in a = loop(9);
	int c = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), mtu = 0;
	socklen_t len = sizeof(mtu);

	CHECK_ERRNO(getsockopt(c, IPPROTO_IP, 14 /* IP_MTU */, &mtu, &len), ENOTCONN);
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_OK(getsockopt(c, IPPROTO_IP, 14, &mtu, &len));
	CHECK_EQ(mtu, 65535);
	close(c);
}
