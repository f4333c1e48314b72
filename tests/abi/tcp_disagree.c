/* Two ends of a connection that do not agree about what was said: a raw socket tells each something the other never sent. */
#include "abi.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static struct sockaddr_in loop4(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static unsigned sum(const void *v, int n, unsigned s)
{
	const unsigned char *p = v;

	for (; n > 1; n -= 2, p += 2)
		s += p[0] << 8 | p[1];
	if (n)
		s += p[0] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Four bytes on a connection of the loopback. */
static void forge(int raw, int from, int to, unsigned seq, unsigned ack)
{
	struct {
		struct iphdr ip;
		struct tcphdr t;
		char data[4];
	} __attribute__((packed)) f = { 0 };
	struct sockaddr_in a = loop4();

	f.ip.version = 4;
	f.ip.ihl = 5;
	f.ip.ttl = 64;
	f.ip.protocol = IPPROTO_TCP;
	f.ip.tot_len = htons(sizeof(f));
	f.ip.saddr = f.ip.daddr = a.sin_addr.s_addr;
	f.t.source = (in_port_t)from;
	f.t.dest = (in_port_t)to;
	f.t.seq = htonl(seq);
	f.t.ack_seq = htonl(ack);
	f.t.doff = 5;
	f.t.ack = 1;
	f.t.window = htons(1000);
	f.t.check = htons((unsigned short)~sum(&f.t, 24, sum(&f.ip.saddr, 8, IPPROTO_TCP + 24)));
	CHECK_EQ(sendto(raw, &f, sizeof(f), 0, (void *)&a, sizeof(a)), (ssize_t)sizeof(f));
}

/* The next segment from this port that has n bytes of data. */
static struct tcphdr next_from(int tap, int port, int n)
{
	struct {
		struct ether_header e;
		struct iphdr ip;
		struct tcphdr t;
		char rest[2000];
	} __attribute__((packed)) f;

	for (;;) {
		CHECK(recv(tap, &f, sizeof(f), 0) > 0);
		if (f.ip.protocol == IPPROTO_TCP && f.t.source == (in_port_t)port &&
		    ntohs(f.ip.tot_len) == 20 + f.t.doff * 4 + n)
			return f.t;
	}
}

static int connect_again(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), err = connect(fd, (const void *)a, sizeof(*a));

	close(fd);
	return err;
}

TEST(answers_to_answers_end)
{
	struct sockaddr_in a = loop4(), b;
	socklen_t len = sizeof(a);
	int tap, raw, l, c, s;
	unsigned seq, ack;
	struct tcphdr t;

	tap = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (tap < 0 || raw < 0)
		SKIP("needs CAP_NET_RAW");
	l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 1));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(c, (void *)&b, &len));
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_EQ(write(c, "hello", 5), 5);
	t = next_from(tap, b.sin_port, 5);
	seq = ntohl(t.seq) + 5;
	ack = ntohl(t.ack_seq);
	forge(raw, b.sin_port, a.sin_port, seq, ack);
	forge(raw, a.sin_port, b.sin_port, ack, seq);
	CHECK_EQ(write(c, "x", 1), 1);
	CHECK_EQ(write(s, "y", 1), 1);
	/* The stack is still there for others. */
	usleep(10000);
	CHECK_EQ(connect_again(&a), 0);
	close(c);
	close(s);
	close(l);
	close(tap);
	close(raw);
}
