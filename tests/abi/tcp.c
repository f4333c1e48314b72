/* TCP over the loopback: bind's rules, connecting, both ends of a connection, readiness, options, errors. */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <linux/sockios.h>

static struct sockaddr_in loop(unsigned short port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int listener(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	*a = loop(0);
	CHECK_OK(bind(l, (void *)a, sizeof(*a)));
	CHECK_OK(listen(l, 8));
	CHECK_OK(getsockname(l, (void *)a, &len));
	return l;
}

static void pair(int fd[2])
{
	struct sockaddr_in a;
	int l = listener(&a);

	fd[0] = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(fd[0], (void *)&a, sizeof(a)));
	fd[1] = CHECK_OK(accept(l, NULL, NULL));
	close(l);
}

static void drop(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

static short events_within(int fd, short want, int ms)
{
	struct pollfd p = { fd, want, 0 };

	poll(&p, 1, ms);
	return p.revents;
}
static short events(int fd)
{
	return events_within(fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0);
}
/* Until something of want shows: other CPUs may carry packets a little later. */
static short await(int fd, short want)
{
	events_within(fd, want, 2000);
	return events(fd);
}

TEST(creation)
{
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));

	CHECK_EQ(events(fd), POLLOUT | POLLHUP);
	CHECK_ERRNO(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(recv(fd, &fd, 1, 0), ENOTCONN);
	CHECK_ERRNO(shutdown(fd, SHUT_RD), ENOTCONN);
	close(fd);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
}

TEST(binding)
{
	struct sockaddr_in a = loop(0), b;
	socklen_t len = sizeof(b);
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_OK(bind(s, (void *)&a, sizeof(a)));
	CHECK_ERRNO(bind(s, (void *)&a, sizeof(a)), EINVAL);
	CHECK_OK(getsockname(s, (void *)&b, &len));
	CHECK(ntohs(b.sin_port) >= 1024);
	CHECK_ERRNO(bind(t, (void *)&b, sizeof(b)), EADDRINUSE);
	CHECK_ERRNO(bind(t, (void *)&b, 4), EINVAL);
	b.sin_family = AF_INET6;
	CHECK_ERRNO(bind(t, (void *)&b, sizeof(b)), EAFNOSUPPORT);
	b.sin_family = AF_INET;
	a.sin_addr.s_addr = inet_addr("198.51.100.7");
	CHECK_ERRNO(bind(t, (void *)&a, sizeof(a)), EADDRNOTAVAIL);
	/* Both allow it, and nobody listens. */
	setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK_ERRNO(bind(t, (void *)&b, sizeof(b)), EADDRINUSE);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK_OK(bind(t, (void *)&b, sizeof(b)));
	CHECK_OK(listen(s, 1));
	CHECK_ERRNO(listen(t, 1), EADDRINUSE);
	close(s);
	close(t);
}

TEST(reuseport)
{
	struct sockaddr_in a = loop(0);
	socklen_t len = sizeof(a);
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(t, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	CHECK_OK(bind(s, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(s, (void *)&a, &len));
	CHECK_OK(bind(t, (void *)&a, sizeof(a)));
	CHECK_OK(listen(s, 1));
	CHECK_OK(listen(t, 1));
	close(s);
	close(t);
}

TEST(connecting)
{
	struct sockaddr_in a, p;
	socklen_t len = sizeof(p);
	int l = listener(&a), c, s, err;

	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERRNO(getpeername(c, (void *)&p, &len), ENOTCONN);
	CHECK_ERRNO(connect(c, (void *)&a, sizeof(a)), EINPROGRESS);
	CHECK_EQ(await(c, POLLOUT), POLLOUT);
	len = sizeof(err);
	CHECK_OK(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len));
	CHECK_EQ(err, 0);
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_ERRNO(connect(c, (void *)&a, sizeof(a)), EISCONN);
	len = sizeof(p);
	CHECK_OK(getpeername(c, (void *)&p, &len));
	CHECK_EQ(p.sin_port, a.sin_port);
	CHECK(await(l, POLLIN) & POLLIN);
	len = sizeof(p);
	s = CHECK_OK(accept4(l, (void *)&p, &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	CHECK_EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(len, sizeof(p));
	CHECK_EQ(ntohl(p.sin_addr.s_addr), INADDR_LOOPBACK);
	CHECK_ERRNO(listen(s, 1), EINVAL);
	fcntl(l, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	CHECK_ERRNO(accept(c, NULL, NULL), EINVAL);
	close(s);
	close(c);
	close(l);
}

TEST(refused)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(int);
	int l = listener(&a), c, err;

	close(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
	close(c);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERRNO(connect(c, (void *)&a, sizeof(a)), EINPROGRESS);
	CHECK_EQ(await(c, POLLOUT), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_OK(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len));
	CHECK_EQ(err, ECONNREFUSED);
	CHECK_OK(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len));
	CHECK_EQ(err, 0);
	close(c);
}

TEST(data)
{
	static char big[1 << 20], back[1 << 20];
	char b[16];
	int fd[2], n;

	pair(fd);
	CHECK_EQ(send(fd[0], "hello", 5, 0), 5);
	CHECK(await(fd[1], POLLIN) == (POLLIN | POLLOUT));
	CHECK_OK(ioctl(fd[1], FIONREAD, &n));
	CHECK_EQ(n, 5);
	CHECK_EQ(recv(fd[1], b, 3, MSG_PEEK), 3);
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 5);
	CHECK(!memcmp(b, "hello", 5));
	CHECK_ERRNO(recv(fd[1], b, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(fd[0], "abcdef", 6, 0), 6);
	await(fd[1], POLLIN);
	CHECK_EQ(recv(fd[1], NULL, 4, MSG_TRUNC), 4); /* thrown away */
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 2);
	CHECK(!memcmp(b, "ef", 2));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + (i >> 9));
	if (!fork()) {
		close(fd[1]);
		_exit(send(fd[0], big, sizeof(big), 0) != sizeof(big));
	}
	CHECK_EQ(recv(fd[1], back, sizeof(back), MSG_WAITALL), (long)sizeof(back));
	CHECK(!memcmp(big, back, sizeof(big)));
	wait(&n);
	CHECK_EQ(n, 0);
	drop(fd);
}

TEST(backpressure)
{
	static char buf[65536];
	long sent = 0, got = 0, n;
	int fd[2];

	pair(fd);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	while ((n = send(fd[0], buf, sizeof(buf), 0)) > 0)
		sent += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK(sent > 32768);
	CHECK(!(events(fd[0]) & POLLOUT));
	while (got < sent && (n = recv(fd[1], buf, sizeof(buf), 0)) > 0)
		got += n;
	CHECK_EQ(got, sent);
	CHECK(await(fd[0], POLLOUT) & POLLOUT);
	drop(fd);
}

TEST(halves)
{
	char b[8];
	int fd[2];

	pair(fd);
	CHECK_EQ(send(fd[0], "bye", 3, 0), 3);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(await(fd[1], POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP));
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 3);
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 0);
	CHECK_EQ(send(fd[1], "yes", 3, 0), 3);
	CHECK_EQ(recv(fd[0], b, sizeof(b), 0), 3);
	close(fd[1]);
	CHECK_EQ(await(fd[0], POLLHUP), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(recv(fd[0], b, sizeof(b), 0), 0);
	close(fd[0]);
}

TEST(reset)
{
	struct linger hard = { 1, 0 };
	char b[8];
	int fd[2];

	pair(fd);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	close(fd[0]);
	CHECK_EQ(await(fd[1], POLLHUP), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_ERRNO(recv(fd[1], b, sizeof(b), 0), ECONNRESET);
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 0);
	CHECK_ERRNO(send(fd[1], b, 1, MSG_NOSIGNAL), EPIPE);
	close(fd[1]);
	/* Closing with unread bytes resets as well. */
	pair(fd);
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	await(fd[1], POLLIN);
	close(fd[1]);
	await(fd[0], POLLHUP);
	CHECK_ERRNO(recv(fd[0], b, sizeof(b), 0), ECONNRESET);
	close(fd[0]);
}

/* Who was at the other end is forgotten with the connection, what it had sent is not. */
TEST(name_after_end)
{
	struct linger hard = { 1, 0 };
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd[2], yes = 1;
	char b[8];

	pair(fd);
	CHECK_EQ(send(fd[0], "last", 4, 0), 4);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	CHECK_OK(close(fd[0]));
	CHECK(await(fd[1], POLLHUP) & POLLHUP);
	CHECK_ERRNO(getpeername(fd[1], (void *)&a, &len), ENOTCONN);
	CHECK_OK(getsockname(fd[1], (void *)&a, &len));
	CHECK_ERRNO(shutdown(fd[1], SHUT_RDWR), ENOTCONN);
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 4);
	CHECK_ERRNO(recv(fd[1], b, sizeof(b), 0), ECONNRESET);
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 0);
	close(fd[1]);

	pair(fd);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 0);
	CHECK_OK(getpeername(fd[1], (void *)&a, &len));
	CHECK_OK(getpeername(fd[0], (void *)&a, &len));
	CHECK_OK(shutdown(fd[1], SHUT_WR));
	CHECK(await(fd[0], POLLHUP) & POLLHUP);
	CHECK(await(fd[1], POLLHUP) & POLLHUP);
	WAIT_UNTIL(getpeername(fd[0], (void *)&a, &len) < 0 &&
		   getpeername(fd[1], (void *)&a, &len) < 0);
	CHECK_ERRNO(getpeername(fd[0], (void *)&a, &len), ENOTCONN);
	CHECK_ERRNO(getpeername(fd[1], (void *)&a, &len), ENOTCONN);
	CHECK_ERRNO(shutdown(fd[0], SHUT_WR), ENOTCONN);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)));
	drop(fd);
}

TEST(edge_triggered)
{
	struct epoll_event ev = { EPOLLIN | EPOLLOUT | EPOLLET, { 0 } };
	char b[8];
	int fd[2], ep = epoll_create1(0);

	pair(fd);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev));
	CHECK_EQ(epoll_wait(ep, &ev, 1, 100), 1);
	CHECK_EQ(ev.events, EPOLLOUT);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	send(fd[0], "ab", 2, 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 1000), 1);
	CHECK_EQ(ev.events, EPOLLIN | EPOLLOUT);
	CHECK_EQ(recv(fd[1], b, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	send(fd[0], "c", 1, 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 1000), 1);
	close(ep);
	drop(fd);
}

TEST(options)
{
	struct tcp_info info;
	socklen_t len;
	int fd[2], v;

	pair(fd);
	len = sizeof(v);
	CHECK_OK(getsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &v, &len));
	CHECK_EQ(v, 0);
	v = 1;
	CHECK_OK(setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)));
	CHECK_OK(getsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &v, &len));
	CHECK_EQ(v, 1);
	v = 0;
	CHECK_ERRNO(setsockopt(fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof(v)), EINVAL);
	v = 30;
	CHECK_OK(setsockopt(fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &v, sizeof(v)));
	v = 0;
	CHECK_OK(getsockopt(fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &v, &len));
	CHECK_EQ(v, 30);
	v = 300;
	CHECK_ERRNO(setsockopt(fd[0], IPPROTO_IP, IP_TTL, &v, sizeof(v)), EINVAL);
	CHECK_ERRNO(setsockopt(fd[0], IPPROTO_TCP, 9999, &v, sizeof(v)), ENOPROTOOPT);
	len = sizeof(info);
	CHECK_OK(getsockopt(fd[0], IPPROTO_TCP, TCP_INFO, &info, &len));
	CHECK_EQ(info.tcpi_state, TCP_ESTABLISHED);
	len = sizeof(v);
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_DOMAIN, &v, &len));
	CHECK_EQ(v, AF_INET);
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_PROTOCOL, &v, &len));
	CHECK_EQ(v, IPPROTO_TCP);
	drop(fd);
}

TEST(cork)
{
	char b[16];
	int fd[2], v = 1;

	pair(fd);
	CHECK_OK(setsockopt(fd[0], IPPROTO_TCP, TCP_CORK, &v, sizeof(v)));
	CHECK_EQ(send(fd[0], "ab", 2, 0), 2);
	CHECK_EQ(send(fd[0], "cd", 2, 0), 2);
	CHECK_EQ(events_within(fd[1], POLLIN, 0), 0);
	v = 0;
	CHECK_OK(setsockopt(fd[0], IPPROTO_TCP, TCP_CORK, &v, sizeof(v)));
	await(fd[1], POLLIN);
	CHECK_EQ(recv(fd[1], b, sizeof(b), 0), 4);
	drop(fd);
}

/* The window opens again by half of the buffer, though a segment of the loopback is larger than all of it. */
TEST(small_receive_buffer)
{
	enum { TOTAL = 256 * 1024 };
	static char buf[16384];
	struct sockaddr_in a;
	int l = listener(&a), small = 4096, c, s, st = -1;
	ssize_t n, sum = 0;
	pid_t pid;

	CHECK_OK(setsockopt(l, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_OK(setsockopt(c, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	pid = CHECK_OK(fork());
	if (!pid) {
		close(s);
		alarm(20);
		while (sum < TOTAL &&
		       (n = send(c, buf,
				 TOTAL - sum < (ssize_t)sizeof(buf) ? (size_t)(TOTAL - sum)
								    : sizeof(buf),
				 0)) > 0)
			sum += n;
		_exit(sum != TOTAL);
	}
	close(c);
	while ((n = recv(s, buf, sizeof(buf), 0)) > 0)
		sum += n;
	CHECK_EQ(sum, TOTAL);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	close(s);
	close(l);
}

/* What is set is what is read. */
TEST(read_back)
{
	int c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), v = 0;
	struct in_addr a = { htonl(INADDR_LOOPBACK) }, b = { 0 };
	socklen_t len = sizeof(v);
	char name[16] = "";

	CHECK_OK(getsockopt(c, IPPROTO_TCP, TCP_QUICKACK, &v, &len));
	CHECK_EQ(v, 1);
	v = 0;
	CHECK_OK(setsockopt(c, IPPROTO_TCP, TCP_QUICKACK, &v, sizeof(v)));
	CHECK_OK(getsockopt(c, IPPROTO_TCP, TCP_QUICKACK, &v, &len));
	CHECK_EQ(v, 0);
	CHECK_OK(setsockopt(c, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	len = sizeof(name);
	CHECK_OK(getsockopt(c, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	CHECK(!strcmp(name, "reno"));
	close(c);
	c = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(setsockopt(c, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	len = sizeof(b);
	CHECK_OK(getsockopt(c, IPPROTO_IP, IP_MULTICAST_IF, &b, &len));
	CHECK_EQ(b.s_addr, a.s_addr);
	v = 1;
	CHECK_OK(setsockopt(c, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &v, sizeof(v)));
	v = 0;
	len = sizeof(v);
	CHECK_OK(getsockopt(c, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &v, &len));
	CHECK_EQ(v, 1);
	close(c);
}

TEST(dual_stack)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 }, p;
	struct sockaddr_in b;
	socklen_t len = sizeof(a);
	int one = 1, l = socket(AF_INET6, SOCK_STREAM, 0), c, s;

	if (l < 0)
		SKIP("no IPv6 here");
	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 4));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	b = loop(ntohs(a.sin6_port));
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_OK(connect(c, (void *)&b, sizeof(b)));
	len = sizeof(p);
	s = CHECK_OK(accept(l, (void *)&p, &len));
	CHECK_EQ(p.sin6_family, AF_INET6);
	CHECK(IN6_IS_ADDR_V4MAPPED(&p.sin6_addr));
	close(s);
	close(c);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	a.sin6_addr = in6addr_loopback;
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	close(c);
	close(l);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_OK(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	a = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	len = sizeof(a);
	CHECK_OK(getsockname(l, (void *)&a, &len));
	b = loop(ntohs(a.sin6_port));
	b.sin_addr.s_addr = 0;
	CHECK_OK(bind(c, (void *)&b, sizeof(b)));
	close(c);
	close(l);
}

TEST(unreachable)
{
	struct sockaddr_in a = loop(1);
	int c = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = 0; /* this host */
	CHECK_ERRNO(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
	a.sin_addr.s_addr = inet_addr("224.0.0.1");
	CHECK_ERRNO(connect(c, (void *)&a, sizeof(a)), ENETUNREACH);
	close(c);
}

/* TCP_MAXSEG of the listener bounds what it sends and what it takes. */
TEST(maxseg)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(int);
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), c, s, n = 1000, got = 0;

	CHECK_OK(setsockopt(l, IPPROTO_TCP, TCP_MAXSEG, &n, sizeof(n)));
	n = 40;
	CHECK_ERRNO(setsockopt(l, IPPROTO_TCP, TCP_MAXSEG, &n, sizeof(n)), EINVAL);
	a = loop(0);
	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 8));
	len = sizeof(a);
	CHECK_OK(getsockname(l, (void *)&a, &len));
	c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	s = CHECK_OK(accept(l, NULL, NULL));
	len = sizeof(int);
	CHECK_OK(getsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &got, &len));
	CHECK(got > 900 && got <= 1000);
	CHECK_OK(getsockopt(c, IPPROTO_TCP, TCP_MAXSEG, &got, &len));
	CHECK(got > 900 && got <= 1000);
	close(c);
	close(s);
	close(l);
}
