/* SO_ATTACH_FILTER on UDP, raw and netlink sockets: what a program sees, what it keeps out, and cuts. */
#include "bound.h"
#include "rtnl.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>

#define CAP_NET_RAW_NR 13

static int attach(int fd, const struct sock_filter *insn, size_t n)
{
	struct sock_fprog p = { (unsigned short)n, (struct sock_filter *)insn };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}
#define ATTACH(fd, insn) attach(fd, insn, ARRAY_LEN(insn))

static void tell(int fd, const char *text)
{
	CHECK_EQ(sendto(fd, text, strlen(text), 0, (void *)&at, at_len), (ssize_t)strlen(text));
}

/* Datagrams whose first byte is 'a', from this port, and of this protocol at the IP header. */
static void by_bytes(int family)
{
	int in = bound(family, SOCK_DGRAM | SOCK_NONBLOCK),
	    out = CHECK_OK(socket(family, SOCK_DGRAM, 0));
	struct sockaddr_in6 own;
	socklen_t len = sizeof(own);
	char b[64];

	tell(out, "x");
	CHECK_EQ(recv(in, b, sizeof(b), 0), 1);
	CHECK_OK(getsockname(out, (void *)&own, &len));
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 7),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(own.sin6_port), 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 (unsigned)(SKF_NET_OFF + (family == AF_INET ? 9 : 6))),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 8 + 5, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	CHECK_OK(ATTACH(in, insn));
	tell(out, "babcd");
	tell(out, "ab");
	tell(out, "");
	CHECK_ERRNO(recv(in, b, sizeof(b), 0), EAGAIN);
	tell(out, "abcde");
	CHECK_EQ(recv(in, b, sizeof(b), 0), 5);
	CHECK(!memcmp(b, "abcde", 5));
	CHECK_OK(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)));
	CHECK_ERRNO(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)), ENOENT);
	tell(out, "babcd");
	CHECK_EQ(recv(in, b, sizeof(b), 0), 5);
	close(in);
	close(out);
}

TEST(udp)
{
	by_bytes(AF_INET);
	by_bytes(AF_INET6);
}

TEST(udp_is_cut)
{
	struct sock_filter insn[] = { BPF_STMT(BPF_RET | BPF_K, 8 + 3) };
	struct sock_filter less[] = { BPF_STMT(BPF_RET | BPF_K, 2) };
	int in = bound(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
	char b[64];

	CHECK_OK(ATTACH(in, insn));
	tell(in, "abcdef");
	CHECK_EQ(recv(in, b, sizeof(b), 0), 3);
	CHECK(!memcmp(b, "abc", 3));
	CHECK_OK(ATTACH(in, less)); /* the header always comes along */
	tell(in, "abcdef");
	CHECK_EQ(recv(in, b, sizeof(b), 0), 0);
	close(in);
}

TEST(locked)
{
	struct sock_filter insn[] = { BPF_STMT(BPF_RET | BPF_K, 0xffff) };
	int in = bound(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK), v = 1;
	socklen_t len = sizeof(v);

	CHECK_OK(ATTACH(in, insn));
	CHECK_OK(setsockopt(in, SOL_SOCKET, SO_LOCK_FILTER, &v, sizeof(v)));
	CHECK_ERRNO(ATTACH(in, insn), EPERM);
	CHECK_ERRNO(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &v, sizeof(v)), EPERM);
	v = 0;
	CHECK_ERRNO(setsockopt(in, SOL_SOCKET, SO_LOCK_FILTER, &v, sizeof(v)), EPERM);
	CHECK_OK(getsockopt(in, SOL_SOCKET, SO_LOCK_FILTER, &v, &len));
	CHECK_EQ(v, 1);
	close(in);
}

TEST(wrong_ones)
{
	struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 1) };
	struct sock_fprog none = { 0, endless };
	int in = bound(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);

	CHECK_ERRNO(ATTACH(in, endless), EINVAL);
	CHECK_ERRNO(setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, &none, sizeof(none)), EINVAL);
	CHECK_ERRNO(setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, &none, 4), EINVAL);
	close(in);
}

/* As ping(8) does it: answers alone, by the type behind the IP header. */
TEST(raw)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct icmphdr h = { .type = ICMP_ECHO, .checksum = (unsigned short)~htons(0x0800) };
	unsigned char b[128];
	struct timeval soon = { 2, 0 };
	int fd;

	if (!abi_cap(CAP_NET_RAW_NR))
		SKIP("needs CAP_NET_RAW");
	fd = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	CHECK_OK(ATTACH(fd, insn));
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	CHECK_EQ(sendto(fd, &h, sizeof(h), 0, (void *)&to, sizeof(to)), (ssize_t)sizeof(h));
	CHECK_EQ(recv(fd, b, sizeof(b), 0), 28);
	CHECK_EQ(b[20], ICMP_ECHOREPLY);
	close(fd);
}

/* Messages of one type, by the header in host order. */
TEST(netlink)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NLMSG_ERROR), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct ifinfomsg i = { .ifi_index = 1 };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), RTM_GETLINK, NLM_F_REQUEST, 1, 0 } };
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE));
	char b[8192];

	CHECK_OK(ATTACH(fd, insn));
	memcpy(q.body, &i, sizeof(i));
	CHECK_EQ(send(fd, &q, q.h.nlmsg_len, 0), (ssize_t)q.h.nlmsg_len);
	CHECK_ERRNO(recv(fd, b, sizeof(b), 0), EAGAIN);
	i.ifi_index = 9999;
	memcpy(q.body, &i, sizeof(i));
	CHECK_EQ(send(fd, &q, q.h.nlmsg_len, 0), (ssize_t)q.h.nlmsg_len);
	CHECK(recv(fd, b, sizeof(b), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	CHECK_EQ(((struct nlmsghdr *)b)->nlmsg_type, NLMSG_ERROR);
	close(fd);
}

/* Messages of the local family, streams apart. */
static void local(int type)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 3),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	bool stream = type == SOCK_STREAM;
	int s[2], v = 1;
	char b[64];

	CHECK_OK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s));
	CHECK_OK(ATTACH(s[1], insn));
	CHECK_EQ(send(s[0], "babcd", 5, 0), 5);
	CHECK_EQ(send(s[0], "abcde", 5, 0), 5);
	CHECK_EQ(recv(s[1], b, sizeof(b), 0), stream ? 10 : 3);
	CHECK(!memcmp(b, stream ? "babcdabcde" : "abc", stream ? 10 : 3));
	CHECK_ERRNO(recv(s[1], b, sizeof(b), 0), EAGAIN);
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_LOCK_FILTER, &v, sizeof(v)));
	CHECK_ERRNO(ATTACH(s[1], insn), EPERM);
	CHECK_ERRNO(setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, &v, sizeof(v)), EPERM);
	CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_DETACH_FILTER, &v, sizeof(v)), ENOENT);
	close(s[0]);
	close(s[1]);
}

TEST(local_family)
{
	local(SOCK_DGRAM);
	local(SOCK_SEQPACKET);
	local(SOCK_STREAM);
}

/* Segments from one port alone: what does not fit comes again when the program is gone. */
static void segments(int family)
{
	int l = CHECK_OK(socket(family, SOCK_STREAM, 0)), out, in, v = 0;
	struct timeval short_time = { 0, 100000 }, long_time = { 5, 0 };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 own;
	socklen_t len = sizeof(own);
	char b[8];

	at = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (family == AF_INET)
		memcpy(&at, &a4, sizeof(a4));
	at_len = family == AF_INET ? sizeof(a4) : sizeof(at);
	CHECK_OK(bind(l, (void *)&at, at_len));
	CHECK_OK(getsockname(l, (void *)&at, &at_len));
	CHECK_OK(listen(l, 1));
	out = CHECK_OK(socket(family, SOCK_STREAM, 0));
	CHECK_OK(connect(out, (void *)&at, at_len));
	CHECK_OK(getsockname(out, (void *)&own, &len));
	in = CHECK_OK(accept(l, NULL, NULL));
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(own.sin6_port), 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 (unsigned)(SKF_NET_OFF + (family == AF_INET ? 9 : 6))),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(at.sin6_port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

	CHECK_OK(ATTACH(in, insn));
	CHECK_EQ(send(out, "abc", 3, 0), 3);
	CHECK_EQ(recv(in, b, sizeof(b), 0), 3);
	CHECK_OK(ATTACH(in, nothing));
	CHECK_OK(setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof(short_time)));
	CHECK_EQ(send(out, "def", 3, 0), 3);
	CHECK_ERRNO(recv(in, b, sizeof(b), 0), EAGAIN);
	CHECK_OK(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &v, sizeof(v)));
	CHECK_OK(setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time)));
	CHECK_EQ(recv(in, b, sizeof(b), 0), 3);
	CHECK(!memcmp(b, "def", 3));
	close(in);
	close(out);
	close(l);
}

TEST(tcp)
{
	segments(AF_INET);
	segments(AF_INET6);
}

/* A connection has its listener's program, and its lock. */
TEST(inherited)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, 0xffff) };
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), out, in, v = 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	CHECK_OK(bind(l, (void *)&a, len));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	CHECK_OK(listen(l, 1));
	CHECK_OK(ATTACH(l, all));
	CHECK_OK(setsockopt(l, SOL_SOCKET, SO_LOCK_FILTER, &v, sizeof(v)));
	out = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(out, (void *)&a, len));
	in = CHECK_OK(accept(l, NULL, NULL));
	CHECK_ERRNO(ATTACH(in, all), EPERM);
	len = sizeof(v);
	v = 0;
	CHECK_OK(getsockopt(in, SOL_SOCKET, SO_LOCK_FILTER, &v, &len));
	CHECK_EQ(v, 1);
	close(l);
	close(in);
	close(out);
}
