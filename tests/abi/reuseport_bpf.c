/* SO_ATTACH_REUSEPORT_CBPF: a program chooses among the sockets that share a port. */
#include "abi.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif
#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif
#define GROUP 4

static struct sockaddr_in6 at;
static socklen_t at_len;
static int in[GROUP];

static int attach(int fd, const struct sock_filter *insn, size_t n)
{
	struct sock_fprog p = { (unsigned short)n, (struct sock_filter *)insn };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p, sizeof(p));
}
#define ATTACH(fd, insn) attach(fd, insn, ARRAY_LEN(insn))

static int detach(int fd)
{
	int v = 0;

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &v, sizeof(v));
}

/* The first byte of the payload is the place. */
static const struct sock_filter by_byte[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
	BPF_STMT(BPF_RET | BPF_A, 0),
};

static void any_address(int family)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	at = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (family == AF_INET)
		memcpy(&at, &a4, sizeof(a4));
	at_len = family == AF_INET ? sizeof(a4) : sizeof(at);
}

/* One more at `at`, which gets its port from the first one. */
static int member(int family, int type)
{
	int fd = CHECK_OK(socket(family, type | SOCK_NONBLOCK, 0)), one = 1;

	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	CHECK_OK(bind(fd, (void *)&at, at_len));
	CHECK_OK(getsockname(fd, (void *)&at, &at_len));
	if (type == SOCK_STREAM)
		CHECK_OK(listen(fd, 8));
	return fd;
}

/* Of all of them: which one has something to read? */
static int who(void)
{
	struct pollfd p[GROUP];
	int found = -1;

	for (int i = 0; i < GROUP; i++)
		p[i] = (struct pollfd){ in[i], POLLIN, 0 };
	CHECK(poll(p, GROUP, 5000) > 0);
	for (int i = 0; i < GROUP; i++)
		if (p[i].revents) {
			CHECK_EQ(found, -1);
			found = i;
		}
	return found;
}

/* Who gets a datagram with this in front? */
static int gets(int out, char c)
{
	int i;
	char b[4];

	CHECK_EQ(sendto(out, &c, 1, 0, (void *)&at, at_len), 1);
	i = who();
	if (i >= 0) {
		CHECK_EQ(recv(in[i], b, sizeof(b), 0), 1);
		CHECK_EQ(b[0], c);
	}
	return i;
}

static void datagrams(int family)
{
	int out = CHECK_OK(socket(family, SOCK_DGRAM, 0)), usual;

	any_address(family);
	for (int i = 0; i < GROUP; i++)
		in[i] = member(family, SOCK_DGRAM);
	usual = gets(out, 2);
	CHECK_OK(ATTACH(in[1], by_byte));
	for (char i = 0; i < GROUP; i++)
		CHECK_EQ(gets(out, i), i);
	CHECK_EQ(gets(out, 77), usual); /* a place that nobody has */
	/* The last one takes the place of who leaves, and who comes is the last one. */
	close(in[1]);
	in[1] = in[3];
	in[3] = member(family, SOCK_DGRAM);
	for (char i = 0; i < GROUP; i++)
		CHECK_EQ(gets(out, i), i);
	CHECK_OK(detach(in[0]));
	CHECK_ERRNO(detach(in[2]), ENOENT);
	for (int i = 0; i < GROUP; i++)
		close(in[i]);
	close(out);
}

TEST(udp)
{
	datagrams(AF_INET);
	datagrams(AF_INET6);
}

/* A connection has no payload yet: by a number, and by what is in the IP header. */
static void goes_to(int place)
{
	int out = CHECK_OK(socket(at_len == sizeof(at) ? AF_INET6 : AF_INET, SOCK_STREAM, 0)), i;

	CHECK_OK(connect(out, (void *)&at, at_len));
	i = who();
	CHECK_EQ(i, place);
	if (i >= 0)
		close(CHECK_OK(accept(in[i], NULL, NULL)));
	close(out);
}

TEST(tcp)
{
	const struct sock_filter third[] = { BPF_STMT(BPF_RET | BPF_K, 2) };
	const struct sock_filter by_header[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_NET_OFF + 9),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, IPPROTO_TCP - 3),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	any_address(AF_INET);
	for (int i = 0; i < GROUP; i++)
		in[i] = member(AF_INET, SOCK_STREAM);
	CHECK_OK(ATTACH(in[0], third));
	for (int i = 0; i < 5; i++)
		goes_to(2);
	CHECK_OK(ATTACH(in[3], by_header));
	for (int i = 0; i < 5; i++)
		goes_to(3);
	for (int i = 0; i < GROUP; i++)
		close(in[i]);
}

/* Before bind(2) the first one brings it along. */
TEST(before_bind)
{
	int one = 1, fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), out;

	any_address(AF_INET);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	CHECK_OK(ATTACH(fd, by_byte));
	CHECK_OK(bind(fd, (void *)&at, at_len));
	CHECK_OK(getsockname(fd, (void *)&at, &at_len));
	in[0] = fd;
	for (int i = 1; i < GROUP; i++)
		in[i] = member(AF_INET, SOCK_DGRAM);
	out = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	for (char i = 0; i < GROUP; i++)
		CHECK_EQ(gets(out, i), i);
	for (int i = 0; i < GROUP; i++)
		close(in[i]);
	close(out);
}

TEST(refused)
{
	const struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 1) };
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;

	CHECK_ERRNO(ATTACH(fd, by_byte), EINVAL);
	CHECK_ERRNO(detach(fd), EINVAL);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	CHECK_ERRNO(detach(fd), ENOENT);
	CHECK_ERRNO(ATTACH(fd, endless), EINVAL);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)));
	CHECK_ERRNO(ATTACH(fd, by_byte), EPERM);
	close(fd);
	/* What was bound alone stays alone. */
	fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	any_address(AF_INET);
	CHECK_OK(bind(fd, (void *)&at, at_len));
	CHECK_ERRNO(ATTACH(fd, by_byte), EINVAL);
	close(fd);
}
