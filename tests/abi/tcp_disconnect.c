/* connect(2) with AF_UNSPEC on TCP: what is left of the socket, what it is told, and what it can be made into. */
#include "abi.h"
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define FRESH (POLLOUT | POLLHUP)

static struct sockaddr_in at;

static int listener(void)
{
	socklen_t len = sizeof(at);
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	at = (struct sockaddr_in){ .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CHECK_OK(bind(l, (void *)&at, sizeof(at)));
	CHECK_OK(getsockname(l, (void *)&at, &len));
	CHECK_OK(listen(l, 8));
	return l;
}

static int disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

static int events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

static int error_of(int fd)
{
	int v = -1;
	socklen_t len = sizeof(v);

	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len));
	return v;
}

/* Waits for what the other end did. */
static void hears(int fd, short event)
{
	struct pollfd p = { fd, event, 0 };

	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(p.revents & event);
}

/* It is as if it were new, but for an error that it was told. */
static void gone(int fd, bool told, in_addr_t address)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	char b[4];

	CHECK_EQ(events(fd), FRESH | (told ? POLLERR : 0));
	if (told)
		CHECK_ERRNO(recv(fd, b, sizeof(b), 0), ECONNRESET);
	CHECK_EQ(events(fd), FRESH);
	CHECK_ERRNO(recv(fd, b, sizeof(b), 0), ENOTCONN);
	CHECK_ERRNO(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(error_of(fd), 0);
	CHECK_ERRNO(getpeername(fd, (void *)&a, &len), ENOTCONN);
	CHECK_OK(getsockname(fd, (void *)&a, &len));
	CHECK_EQ(ntohl(a.sin_addr.s_addr), address);
	close(fd);
}

static int connected(int l, int *peer)
{
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_OK(connect(fd, (void *)&at, sizeof(at)));
	*peer = CHECK_OK(accept(l, NULL, NULL));
	return fd;
}

TEST(open)
{
	int l = listener(), peer, fd = connected(l, &peer);
	char b[4];

	CHECK_EQ(send(peer, "abc", 3, 0), 3);
	hears(fd, POLLIN);
	CHECK_OK(disconnect(fd));
	gone(fd, true, 0);
	CHECK_ERRNO(recv(peer, b, sizeof(b), 0), ECONNRESET);
	close(peer);
	close(l);
}

TEST(half_closed)
{
	int l = listener(), peer, fd = connected(l, &peer);

	close(peer);
	hears(fd, POLLRDHUP);
	CHECK_OK(disconnect(fd));
	gone(fd, true, 0);
	fd = connected(l, &peer);
	CHECK_OK(shutdown(fd, SHUT_WR));
	hears(peer, POLLRDHUP);
	CHECK_OK(disconnect(fd));
	gone(fd, true, 0);
	close(peer);
	/* Both ends are through with it: nothing is cut off. */
	fd = connected(l, &peer);
	CHECK_OK(shutdown(fd, SHUT_WR));
	hears(peer, POLLRDHUP);
	close(peer);
	hears(fd, POLLHUP);
	CHECK_OK(disconnect(fd));
	gone(fd, false, 0);
	close(l);
}

TEST(bound)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int l = listener(), peer, fd;

	for (int i = 0; i < 2; i++) {
		any.sin_addr.s_addr = htonl(i ? INADDR_LOOPBACK : INADDR_ANY);
		fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
		CHECK_OK(bind(fd, (void *)&any, sizeof(any)));
		CHECK_OK(connect(fd, (void *)&at, sizeof(at)));
		peer = CHECK_OK(accept(l, NULL, NULL));
		CHECK_OK(disconnect(fd));
		gone(fd, true, ntohl(any.sin_addr.s_addr));
		close(peer);
	}
	close(l);
}

TEST(not_connected)
{
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_OK(disconnect(fd));
	gone(fd, false, 0);
	fd = listener();
	CHECK_OK(disconnect(fd));
	gone(fd, false, INADDR_LOOPBACK);
}

/* Who waits hears of it, and the error does not stand in the way of another connection. */
TEST(again)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET }, got;
	int l = listener(), peer, fd = connected(l, &peer), ep = CHECK_OK(epoll_create1(0));
	char b[4];

	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLOUT);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_OK(disconnect(fd));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLOUT | EPOLLERR | EPOLLHUP);
	close(peer);
	CHECK_OK(connect(fd, (void *)&at, sizeof(at)));
	peer = CHECK_OK(accept(l, NULL, NULL));
	CHECK_EQ(events(fd), POLLOUT);
	CHECK_EQ(error_of(fd), 0);
	CHECK_EQ(send(fd, "abc", 3, 0), 3);
	CHECK_EQ(recv(peer, b, sizeof(b), 0), 3);
	/* A listener of it. */
	CHECK_OK(disconnect(fd));
	CHECK_OK(listen(fd, 1));
	close(peer);
	close(fd);
	close(ep);
	close(l);
}
