/* TCP_DEFER_ACCEPT: accept(2) gives connections that have something to read, or have waited for long enough. */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static int get(int fd)
{
	int v = -1;
	socklen_t len = sizeof(v);

	CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &v, &len));
	return v;
}

static void set(int fd, int v)
{
	CHECK_OK(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &v, sizeof(v)));
}

TEST(seconds_are_times_of_the_handshake)
{
	static const int given[][2] = { { 0, 0 },  { 1, 1 },   { 2, 3 },     { 3, 3 }, { 5, 7 },
					{ 9, 15 }, { 60, 63 }, { 200, 247 }, { -1, 0 } };
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_EQ(get(fd), 0);
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		set(fd, given[i][0]);
		CHECK_EQ(get(fd), given[i][1]);
	}
	close(fd);
}

static struct sockaddr_in at;

static int listener(int seconds)
{
	socklen_t len = sizeof(at);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	at = (struct sockaddr_in){ .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CHECK_OK(bind(fd, (void *)&at, sizeof(at)));
	set(fd, seconds);
	CHECK_OK(listen(fd, 8));
	CHECK_OK(getsockname(fd, (void *)&at, &len));
	return fd;
}

static int client(void)
{
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_OK(connect(fd, (void *)&at, sizeof(at)));
	return fd;
}

static int readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms);
}

TEST(data_bring_it)
{
	int l = listener(10), silent = client(), c = client(), s;
	char b[4];

	CHECK_EQ(readable(l, 100), 0);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	CHECK_EQ(write(c, "abc", 3), 3);
	CHECK_EQ(readable(l, 2000), 1);
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_EQ(recv(s, b, sizeof(b), MSG_DONTWAIT), 3);
	CHECK_EQ(get(s), 0);
	CHECK_EQ(write(s, "de", 2), 2);
	CHECK_EQ(read(c, b, sizeof(b)), 2);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	close(s);
	close(c);
	close(silent);
	close(l);
}

TEST(an_end_brings_it)
{
	int l = listener(10), c = client(), s;
	char b;

	CHECK_OK(shutdown(c, SHUT_WR));
	CHECK_EQ(readable(l, 2000), 1);
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_EQ(read(s, &b, 1), 0);
	close(s);
	close(c);
	close(l);
}

TEST(time_brings_it)
{
	int l = listener(1), c = client(), s;
	char b;

	CHECK_EQ(readable(l, 300), 0);
	CHECK_EQ(readable(l, 5000), 1);
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_ERRNO(recv(s, &b, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(write(c, "x", 1), 1);
	CHECK_EQ(read(s, &b, 1), 1);
	close(s);
	close(c);
	close(l);
}

TEST(its_end_ends_them)
{
	int l = listener(10), c = client();
	char b;

	CHECK_EQ(readable(l, 50), 0);
	close(l);
	/* Who connected may think that all is well until it writes. */
	if (!readable(c, 100))
		CHECK_EQ(send(c, "x", 1, MSG_NOSIGNAL), 1);
	CHECK_EQ(readable(c, 2000), 1);
	CHECK_ERRNO(read(c, &b, 1), ECONNRESET);
	close(c);
}
