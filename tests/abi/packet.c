/* AF_PACKET: what passes by on the loopback, names, filters, the ring that libpcap maps, sending frames. */
#include "abi.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int lo;

/* A socket on the loopback, or -1 where packet sockets are not allowed. */
static int listener(int type, int protocol)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int fd = socket(AF_PACKET, type, 0);

	if (fd < 0 && errno == EPERM)
		return -1;
	CHECK(fd >= 0);
	lo = a.sll_ifindex = (int)if_nametoindex("lo");
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	return fd;
}

#define LISTENER(fd, type, protocol)                     \
	int fd = listener(type, protocol);               \
	if (fd < 0) {                                    \
		SKIP("packet sockets need CAP_NET_RAW"); \
		return;                                  \
	}

/* A datagram on the loopback whose data say that it is ours; its port. */
static unsigned short send_one(const void *data, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int to = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)),
	    from = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	socklen_t len = sizeof(a);

	CHECK_OK(bind(to, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(to, (void *)&a, &len));
	CHECK_EQ(sendto(from, data, n, 0, (void *)&a, len), (ssize_t)n);
	close(to);
	close(from);
	return ntohs(a.sin_port);
}

/* The next packet to this UDP port in buf, whose IP header is at `at`; its length, or 0 when no more come. */
static ssize_t next(int fd, unsigned char *buf, size_t size, size_t at, unsigned short port,
		    struct sockaddr_ll *from)
{
	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		socklen_t len = sizeof(*from);
		unsigned short dest;
		ssize_t n;

		if (poll(&p, 1, 300) <= 0)
			return 0;
		n = recvfrom(fd, buf, size, MSG_TRUNC, (void *)from, &len);
		if (n < (ssize_t)at + 28 || buf[at + 9] != IPPROTO_UDP)
			continue;
		memcpy(&dest, buf + at + 22, 2);
		if (ntohs(dest) == port)
			return n;
	}
}

TEST(sees_frames)
{
	unsigned char buf[2048];
	struct sockaddr_ll from;
	unsigned short port;
	ssize_t n;

	LISTENER(fd, SOCK_RAW, ETH_P_ALL)
	port = send_one("moat", 4);
	n = next(fd, buf, sizeof(buf), 14, port, &from);
	CHECK_EQ(n, 14 + 20 + 8 + 4);
	CHECK_EQ(buf[12] << 8 | buf[13], ETH_P_IP);
	CHECK(!memcmp(buf + 42, "moat", 4));
	CHECK_EQ(from.sll_family, AF_PACKET);
	CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
	CHECK_EQ(from.sll_protocol, htons(ETH_P_IP));
	CHECK_EQ(from.sll_ifindex, lo);
	CHECK_EQ(from.sll_hatype, 772);
	CHECK_EQ(from.sll_halen, 6);
	n = next(fd, buf, sizeof(buf), 14, port, &from);
	CHECK_EQ(n, 46);
	CHECK_EQ(from.sll_pkttype, PACKET_HOST);
	CHECK_EQ(next(fd, buf, sizeof(buf), 14, port, &from), 0);
	close(fd);
}

TEST(one_protocol)
{
	unsigned char buf[2048];
	struct sockaddr_ll from;
	unsigned short port;

	LISTENER(fd, SOCK_DGRAM, ETH_P_IP)
	port = send_one("cooked", 6);
	CHECK_EQ(next(fd, buf, sizeof(buf), 0, port, &from), 34);
	CHECK_EQ(from.sll_pkttype, PACKET_HOST); /* what goes out is for those that take all */
	CHECK_EQ(next(fd, buf, sizeof(buf), 0, port, &from), 0);
	close(fd);
	fd = listener(SOCK_DGRAM, ETH_P_IPV6);
	port = send_one("other", 5);
	CHECK_EQ(next(fd, buf, sizeof(buf), 0, port, &from), 0);
	close(fd);
}

TEST(truncated_and_auxdata)
{
	char control[256], small[20];
	struct iovec v = { small, sizeof(small) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control };
	struct tpacket_auxdata aux = { 0 };
	int one = 1;

	LISTENER(fd, SOCK_RAW, ETH_P_IP)
	CHECK_OK(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)));
	send_one("truncated", 9);
	while (aux.tp_len != 14 + 20 + 8 + 9) { /* others may send, too */
		m.msg_controllen = sizeof(control);
		CHECK_EQ(recvmsg(fd, &m, 0), 20);
		CHECK_EQ(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
			if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
				memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	}
	CHECK_EQ(aux.tp_snaplen, 14 + 20 + 8 + 9);
	CHECK_EQ(aux.tp_net, 14);
	CHECK(aux.tp_status & TP_STATUS_USER);
	close(fd);
}

TEST(filters)
{
	/* UDP to `port` only, and 40 bytes of it: len, offsets from the Ethernet header. */
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 4),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 40),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter outgoing[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 1) };
	struct sock_fprog p = { ARRAY_LEN(insn), insn };
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);
	unsigned char buf[2048];
	struct sockaddr_ll from;
	unsigned short port;

	LISTENER(fd, SOCK_RAW, ETH_P_ALL)
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &len, sizeof(len)), ENOENT);
	insn[6].k = port = send_one("first", 5);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	send_one("other port", 10);
	CHECK_ERRNO(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	close(fd);

	fd = listener(SOCK_RAW, ETH_P_ALL);
	p = (struct sock_fprog){ ARRAY_LEN(outgoing), outgoing };
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
	CHECK_OK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len));
	port = send_one("outgoing", 8);
	CHECK_EQ(next(fd, buf, sizeof(buf), 14, port, &from), 50);
	CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
	CHECK_EQ(next(fd, buf, sizeof(buf), 14, port, &from), 0);
	CHECK_OK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len));
	CHECK(stats.tp_packets >= 1);
	CHECK_EQ(stats.tp_drops, 0);
	p = (struct sock_fprog){ ARRAY_LEN(endless), endless };
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, 4), EINVAL);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &len, sizeof(len)));
	close(fd);
}

TEST(ring)
{
	struct tpacket_req q = { 8192, 4, 2048, 16 };
	int version = TPACKET_V2, header = TPACKET_V2, n = 0;
	socklen_t len = sizeof(header);
	unsigned short port, dest;
	bool found = false;
	char *map;

	LISTENER(fd, SOCK_RAW, ETH_P_ALL)
	CHECK_OK(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &header, &len));
	CHECK_EQ(header, sizeof(struct tpacket2_hdr));
	CHECK_ERRNO(mmap(NULL, 32768, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EINVAL);
	CHECK_OK(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)));
	q.tp_frame_nr = 15;
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)), EINVAL);
	q.tp_frame_nr = 16;
	CHECK_OK(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)));
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), EBUSY);
	map = mmap(NULL, 32768, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)), EBUSY);
	port = send_one("in the ring", 11);
	for (;;) {
		struct tpacket2_hdr *h = (void *)(map + n * 2048);
		struct pollfd p = { fd, POLLIN, 0 };
		unsigned char *b = (void *)((char *)h + h->tp_mac);

		if (!(*(volatile unsigned *)&h->tp_status & TP_STATUS_USER)) {
			if (poll(&p, 1, 300) <= 0)
				break;
			continue;
		}
		memcpy(&dest, b + 36, 2);
		if (h->tp_snaplen == 53 && b[23] == IPPROTO_UDP && ntohs(dest) == port) {
			struct sockaddr_ll *ll = (void *)((char *)h + TPACKET_ALIGN(sizeof(*h)));

			found = true;
			CHECK_EQ(h->tp_len, 53);
			CHECK_EQ(h->tp_net, h->tp_mac + 14);
			CHECK_EQ(h->tp_mac, 66);
			CHECK(!memcmp(b + 42, "in the ring", 11));
			CHECK_EQ(ll->sll_ifindex, lo);
			CHECK(h->tp_sec > 1000000000);
		}
		h->tp_status = TP_STATUS_KERNEL;
		n = (n + 1) % 16;
	}
	CHECK(found);
	munmap(map, 32768);
	close(fd);
}

static unsigned sum(unsigned s, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t k = 0; k < n; k += 2)
		s += (unsigned)(b[k] << 8 | b[k + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* A UDP datagram made by hand comes in on the loopback. */
TEST(sends)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct {
		struct ip6_hdr ip;
		struct udphdr udp;
		char data[6];
	} __attribute__((packed)) p = {
		.ip.ip6_hlim = 9,
		.ip.ip6_nxt = IPPROTO_UDP,
		.ip.ip6_plen = htons(14),
		.udp = { .source = htons(999), .len = htons(14) },
		.data = { 'c', 'r', 'a', 'f', 't', 's' },
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IPV6),
				  .sll_halen = 6 };
	socklen_t len = sizeof(a);
	char got[64];
	int u = CHECK_OK(socket(AF_INET6, SOCK_DGRAM, 0));
	struct pollfd w = { u, POLLIN, 0 };

	CHECK_OK(bind(u, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(u, (void *)&a, &len));
	p.ip.ip6_vfc = 0x60;
	p.ip.ip6_src = p.ip.ip6_dst = a.sin6_addr;
	p.udp.dest = a.sin6_port;
	p.udp.check = htons((unsigned short)~sum(IPPROTO_UDP + 14, &p.ip.ip6_src, 32 + 14));
	LISTENER(fd, SOCK_DGRAM, ETH_P_IPV6)
	to.sll_ifindex = lo;
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (void *)&to, sizeof(to)), (ssize_t)sizeof(p));
	CHECK_EQ(poll(&w, 1, 1000), 1);
	CHECK_EQ(recv(u, got, sizeof(got), MSG_DONTWAIT), 6);
	CHECK(!memcmp(got, "crafts", 6));
	/* The family is not looked at, the size of the name is. */
	to.sll_family = 0;
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (void *)&to, sizeof(to)), (ssize_t)sizeof(p));
	CHECK_EQ(poll(&w, 1, 1000), 1);
	CHECK_EQ(recv(u, got, sizeof(got), MSG_DONTWAIT), 6);
	CHECK_ERRNO(sendto(fd, &p, sizeof(p), 0, (void *)&to, 18), EINVAL);
	to.sll_halen = 9;
	CHECK_ERRNO(sendto(fd, &p, sizeof(p), 0, (void *)&to, sizeof(to)), EINVAL);
	to.sll_halen = 6;
	/* What claims to be longer than it is stays out. */
	p.ip.ip6_plen = htons(1000);
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (void *)&to, sizeof(to)), (ssize_t)sizeof(p));
	CHECK_EQ(poll(&w, 1, 100), 0);
	to.sll_ifindex = 9999;
	CHECK_ERRNO(sendto(fd, &p, sizeof(p), 0, (void *)&to, sizeof(to)), ENXIO);
	close(fd);
	close(u);
}

TEST(names_and_errors)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_ifindex = 9999 };
	struct packet_mreq m = { .mr_type = PACKET_MR_PROMISC };
	socklen_t len = sizeof(a);

	LISTENER(fd, SOCK_RAW, ETH_P_ARP)
	CHECK_OK(getsockname(fd, (void *)&a, &len));
	CHECK_EQ(len, 18);
	CHECK_EQ(a.sll_ifindex, lo);
	CHECK_EQ(a.sll_protocol, htons(ETH_P_ARP));
	CHECK_EQ(a.sll_hatype, 772);
	CHECK_EQ(a.sll_halen, 6);
	CHECK_ERRNO(getpeername(fd, (void *)&a, &len), EOPNOTSUPP);
	CHECK_ERRNO(connect(fd, (void *)&a, sizeof(a)), EOPNOTSUPP);
	CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
	CHECK_ERRNO(bind(fd, (void *)&a, 10), EINVAL);
	a.sll_ifindex = 9999;
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a)), ENODEV);
	m.mr_ifindex = lo;
	CHECK_OK(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)));
	CHECK_OK(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof(m)));
	CHECK_ERRNO(setsockopt(fd, SOL_PACKET, 999, &lo, sizeof(lo)), ENOPROTOOPT);
	CHECK_ERRNO(recv(fd, &a, 1, MSG_DONTWAIT), EAGAIN);
	close(fd);
	CHECK_ERRNO(socket(AF_PACKET, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
}
