/* /proc/net: connections without a socket, their counts, and neighbours, there and by rtnetlink. */
#include "rtnl.h"
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>

#define SYN_RECV     3
#define FIN_WAIT2    5
#define IN_TIME_WAIT 6

#define ENTER()                \
	do {                   \
		OWN_NETWORK(); \
		loopback_up(); \
	} while (0)

struct line {
	unsigned state, timer, inode, count;
	unsigned long when;
};

/* The connection from this port in /proc/net/tcp or tcp6. */
static struct line find(const char *path, int port)
{
	struct line found = { 0 };
	char text[512];
	FILE *f = fopen(path, "r");

	while (f && fgets(text, sizeof(text), f)) {
		struct line l = { 0 };
		unsigned own;

		if (sscanf(text,
			   " %*u: %*[0-9A-F]:%X %*[0-9A-F]:%*X %X %*X:%*X %X:%lX %*X %*u %*d %u",
			   &own, &l.state, &l.timer, &l.when, &l.inode) != 5 ||
		    (int)own != port)
			continue;
		l.count = found.count + 1;
		found = l;
	}
	if (f)
		fclose(f);
	return found;
}

/* The number behind this word in /proc/net/sockstat's line about TCP. */
static int counted(const char *word)
{
	char text[512], *at;
	FILE *f = fopen("/proc/self/net/sockstat", "r");
	int n = -1;

	while (f && fgets(text, sizeof(text), f)) {
		at = strncmp(text, "TCP:", 4) ? NULL : strstr(text, word);
		if (at)
			n = atoi(at + strlen(word));
	}
	if (f)
		fclose(f);
	return n;
}

static int port_of(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	CHECK_OK(getsockname(fd, (void *)&a, &len));
	return ntohs(a.sin6_port); /* where IPv4's port is, too */
}

static void connect_pair(int family, int *c, int *s)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = family == AF_INET ? sizeof(a4) : sizeof(a);
	int l = CHECK_OK(socket(family, SOCK_STREAM, 0));

	if (family == AF_INET)
		memcpy(&a, &a4, sizeof(a4));
	CHECK_OK(bind(l, (void *)&a, len));
	CHECK_OK(listen(l, 1));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	*c = CHECK_OK(socket(family, SOCK_STREAM, 0));
	CHECK_OK(connect(*c, (void *)&a, len));
	*s = CHECK_OK(accept(l, NULL, NULL));
	close(l);
}

static void close_in_turn(int family, const char *path)
{
	struct line l;
	int c, s, port;
	char b;

	connect_pair(family, &c, &s);
	port = port_of(c);
	CHECK_EQ(find(path, port).state, 1);
	close(c);
	CHECK_EQ(read(s, &b, 1), 0);
	for (int i = 0; i < 100 && find(path, port).state != FIN_WAIT2; i++)
		usleep(10000);
	l = find(path, port);
	CHECK_EQ(l.count, 1);
	CHECK_EQ(l.state, FIN_WAIT2);
	CHECK_EQ(l.inode, 0);
	close(s);
	for (int i = 0; i < 100 && find(path, port).state != IN_TIME_WAIT; i++)
		usleep(10000);
	l = find(path, port);
	CHECK_EQ(l.count, 1);
	CHECK_EQ(l.state, IN_TIME_WAIT);
	CHECK_EQ(l.timer, 3);
	CHECK(l.when > 5000 && l.when <= 6000);
	CHECK_EQ(l.inode, 0);
}

TEST_FORK(closed_ones_are_listed)
{
	close_in_turn(AF_INET, "/proc/self/net/tcp");
	close_in_turn(AF_INET6, "/proc/self/net/tcp6");
}

TEST_FORK(they_are_counted)
{
	int c, s;
	char b;

	ENTER();
	CHECK_EQ(counted("tw "), 0);
	connect_pair(AF_INET, &c, &s);
	close(c);
	CHECK_EQ(read(s, &b, 1), 0);
	close(s);
	for (int i = 0; i < 100 && !counted("tw "); i++)
		usleep(10000);
	CHECK_EQ(counted("tw "), 1);
	CHECK(counted("orphan ") >= 0);
}

/* ---- two namespaces with 10.7.7.1 and 10.7.7.2 ---- */

static unsigned short checksum(const void *data, size_t n, unsigned sum)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i += 2)
		sum += p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

/* The first word of a connection that will never be answered: from 10.7.7.9, who is nobody. */
static void send_syn(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} p = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP },
		.tcp = { .source = htons(4321),
			 .dest = htons((unsigned short)port),
			 .seq = 1,
			 .doff = 5,
			 .syn = 1,
			 .window = htons(1000) } };
	unsigned sum = IPPROTO_TCP + sizeof(p.tcp);
	int fd = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));

	inet_aton("10.7.7.1", &to.sin_addr);
	p.ip.daddr = to.sin_addr.s_addr;
	p.ip.saddr = inet_addr("10.7.7.9");
	p.ip.tot_len = htons(sizeof(p));
	for (int i = 0; i < 4; i++)
		sum += ntohs(((unsigned short *)&p.ip.saddr)[i]);
	p.tcp.check = checksum(&p.tcp, sizeof(p.tcp), sum);
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (void *)&to, sizeof(to)), (ssize_t)sizeof(p));
	close(fd);
}

static void other_end(int ready, int go)
{
	int port;
	char b;

	CHECK_EQ(write(ready, "x", 1), 1);
	CHECK_EQ(read(go, &port, sizeof(port)), (ssize_t)sizeof(port));
	send_syn(port);
	CHECK_EQ(read(go, &b, 1), 0);
}

static void check_arp(void)
{
	char text[256], ip[32], hw[32], dev[32];
	FILE *f = fopen("/proc/self/net/arp", "r");
	unsigned type, flags, found = 0;

	CHECK(f && fgets(text, sizeof(text), f));
	CHECK(!strcmp(text, "IP address       HW type     Flags       "
			    "HW address            Mask     Device\n"));
	while (f && fgets(text, sizeof(text), f)) {
		CHECK_EQ(sscanf(text, "%31s 0x%x 0x%x %31s * %31s", ip, &type, &flags, hw, dev), 5);
		if (strcmp(ip, "10.7.7.2"))
			continue;
		found++;
		CHECK_EQ(type, 1);
		CHECK_EQ(flags, 2);
		CHECK_EQ(strlen(hw), 17);
		CHECK(!strcmp(dev, "outside"));
	}
	CHECK_EQ(found, 1);
	if (f)
		fclose(f);
}

/* The state of 10.7.7.2 as rtnetlink tells it; -errno. dump: among all others. */
static int neighbour(bool dump, const char *addr)
{
	struct ndmsg m = { .ndm_family = AF_INET };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(m)), RTM_GETNEIGH,
				    NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0), 1, 0 } };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), state = 0;
	unsigned want = inet_addr(addr);
	char buf[8192];
	ssize_t n;

	m.ndm_ifindex = dump ? 0 : (int)if_nametoindex("outside");
	memcpy(q.body, &m, sizeof(m));
	if (!dump)
		attr(&q, NDA_DST, &want, sizeof(want));
	CHECK_EQ(send(fd, &q, q.h.nlmsg_len, 0), (ssize_t)q.h.nlmsg_len);
	n = recv(fd, buf, sizeof(buf), 0);
	close(fd);
	for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(m)));
		int left = (int)h->nlmsg_len - (int)NLMSG_SPACE(sizeof(m));
		bool it = false, hw = false;

		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (h->nlmsg_type != RTM_NEWNEIGH)
			continue;
		for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
			it |= a->rta_type == NDA_DST && !memcmp(RTA_DATA(a), &want, 4);
			hw |= a->rta_type == NDA_LLADDR && a->rta_len == RTA_LENGTH(6);
		}
		memcpy(&m, NLMSG_DATA(h), sizeof(m));
		if (it && hw && m.ndm_family == AF_INET)
			state = m.ndm_state;
	}
	return state;
}

#define ANSWERS (NUD_REACHABLE | NUD_STALE | NUD_DELAY)

TEST_FORK(neighbours_and_half_open_ones)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct far_end f;
	struct line l;
	int fd, port;

	ENTER();
	NEED_VETH(far_end_start(&f, other_end));
	CHECK_EQ(neighbour(false, "10.7.7.2"), -ENOENT);
	fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	inet_aton("10.7.7.2", &a.sin_addr);
	CHECK_EQ(sendto(fd, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	close(fd);
	for (int i = 0; i < 200 && !(neighbour(true, "10.7.7.2") & ANSWERS); i++)
		usleep(10000);
	CHECK(neighbour(true, "10.7.7.2") & ANSWERS);
	CHECK(neighbour(false, "10.7.7.2") & ANSWERS);
	CHECK_EQ(neighbour(false, "10.7.7.99"), -ENOENT);
	check_arp();

	fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(listen(fd, 5));
	port = port_of(fd);
	CHECK_EQ(write(f.go, &port, sizeof(port)), (ssize_t)sizeof(port));
	for (int i = 0; i < 200 && find("/proc/self/net/tcp", port).count < 2; i++)
		usleep(10000);
	l = find("/proc/self/net/tcp", port); /* behind the listener itself */
	CHECK_EQ(l.count, 2);
	CHECK_EQ(l.state, SYN_RECV);
	CHECK_EQ(l.inode, 0);
	CHECK_EQ(l.timer, 1);
	close(fd);
	far_end_stop(&f);
}

/* A list that is longer than what is made at once. */
TEST_FORK(long_list)
{
	enum { SOCKETS = 1500 };
	struct rlimit lim = { SOCKETS + 100, SOCKETS + 100 };
	struct sockaddr_in a = { .sin_family = AF_INET };
	static unsigned char seen[65536];
	socklen_t len = sizeof(a);
	unsigned port, lines = 0;
	char line[256];
	FILE *f;

	NEED_CAP(CAP_SYS_RESOURCE);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &lim));
	for (int n = 0; n < SOCKETS; n++) {
		int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

		a.sin_port = 0;
		CHECK_OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
		CHECK_OK(getsockname(fd, (struct sockaddr *)&a, &len));
		seen[ntohs(a.sin_port)] = 1;
	}
	f = fopen("/proc/net/udp", "r");
	REQUIRE(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d: %*8x:%4x ", &port) == 1 && seen[port]) {
			CHECK_EQ(seen[port], 1); /* once */
			seen[port]++;
			lines++;
		}
	fclose(f);
	CHECK_EQ(lines, SOCKETS);
}
