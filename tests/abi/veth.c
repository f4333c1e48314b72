/* Pairs of interfaces: between two namespaces, that go and move, while others send through them; fragments of two namespaces that look alike. */
#include "rtnl.h"
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

/* ---- two namespaces joined ---- */

static struct sockaddr_in echo_address(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(7),
				     .sin_addr.s_addr = inet_addr("10.7.7.2") };
}

/* An echo server at 10.7.7.2, for one client. */
static void echo_server(int ready, int go)
{
	struct sockaddr_in a = echo_address();
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), s;
	char buf[4096];
	ssize_t n;

	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 1));
	CHECK_EQ(write(ready, "x", 1), 1);
	s = CHECK_OK(accept(l, NULL, NULL));
	while ((n = read(s, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(s, buf, n), n);
	close(s);
	close(l);
	CHECK_EQ(read(go, buf, 1), 0);
}

static void echo(void)
{
	static char out[100000], in[sizeof(out)];
	struct sockaddr_in a = echo_address();
	size_t got = 0;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
	CHECK_EQ(write(fd, out, sizeof(out)), sizeof(out));
	while (got < sizeof(in) && (n = read(fd, in + got, sizeof(in) - got)) > 0)
		got += n;
	CHECK_EQ(got, sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));
	close(fd);
}

TEST_FORK(a_pair_joins_two)
{
	struct far_end f;

	OWN_NETWORK();
	NEED_VETH(far_end_start(&f, echo_server));
	CHECK_EQ(add_veth("outside", "other", 0), -EEXIST);
	CHECK_EQ(interfaces(), 2);
	echo();
	/* The other end goes with its namespace. */
	far_end_stop(&f);
	for (int i = 0; i < 200 && interfaces() > 1; i++)
		usleep(10000);
	CHECK_EQ(interfaces(), 1);
}

TEST_FORK(ends_move_and_go)
{
	int before, ns;

	OWN_NETWORK();
	before = open("/proc/self/ns/net", O_RDONLY);
	CHECK_OK(unshare(CLONE_NEWNET));
	ns = open("/proc/self/ns/net", O_RDONLY);
	CHECK_OK(setns(before, CLONE_NEWNET));
	NEED_VETH(add_veth("a", "b", 0));
	CHECK_EQ(interfaces(), 3);
	CHECK_EQ(configure("b", "10.8.8.1"), 0);
	CHECK_EQ(with_name(RTM_NEWLINK, "a", IFLA_MTU, 9000), 0);
	CHECK_EQ(with_name(RTM_NEWLINK, "b", IFLA_NET_NS_FD, ns), 0);
	CHECK_EQ(interfaces(), 2);
	CHECK_EQ(with_name(RTM_NEWLINK, "lo", IFLA_NET_NS_FD, ns), -EINVAL);
	CHECK_EQ(with_name(RTM_NEWLINK, "a", IFLA_NET_NS_FD, 99), -EBADF);
	CHECK_OK(setns(ns, CLONE_NEWNET));
	CHECK_EQ(interfaces(), 2);
	CHECK(if_nametoindex("b") > 0);
	CHECK_EQ(change_addr(RTM_DELADDR, 0, if_nametoindex("b"), "10.8.8.1", 24), -EADDRNOTAVAIL);
	CHECK_EQ(with_name(RTM_DELLINK, "b", 0, 0), 0);
	CHECK_EQ(interfaces(), 1);
	CHECK_EQ(with_name(RTM_DELLINK, "lo", 0, 0), -EOPNOTSUPP);
	CHECK_OK(setns(before, CLONE_NEWNET));
	CHECK_EQ(interfaces(), 1);
	close(before);
	close(ns);
}

/* ---- while they are used ---- */

static atomic_int stop;

/* Broadcasts on every network there is, which need no neighbour. */
static void *send_always(void *arg ABI_UNUSED)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	while (!stop) {
		inet_aton("10.7.7.255", &a.sin_addr);
		sendto(fd, "x", 1, 0, (void *)&a, sizeof(a));
		inet_aton("10.7.8.255", &a.sin_addr);
		sendto(fd, "x", 1, 0, (void *)&a, sizeof(a));
	}
	close(fd);
	return NULL;
}

static int pair(void)
{
	int err = add_veth("a", "b", 0);

	if (!err)
		err = configure("a", "10.7.7.1");
	return err ? err : configure("b", "10.7.8.1");
}

TEST_FORK(a_pair_goes_while_it_is_used)
{
	pthread_t t[2];
	time_t end;

	OWN_NETWORK();
	NEED_VETH(pair());
	end = time(NULL) + 3; /* Linux takes long for each */
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, send_always, NULL);
	for (int i = 0; i < 200 && time(NULL) < end; i++) {
		CHECK_EQ(with_name(RTM_DELLINK, i & 1 ? "a" : "b", 0, 0), 0);
		CHECK_EQ(pair(), 0);
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}

TEST_FORK(an_end_moves_while_it_is_used)
{
	int first, second;
	time_t end;
	pthread_t t;

	OWN_NETWORK();
	first = open("/proc/thread-self/ns/net", O_RDONLY);
	CHECK_OK(unshare(CLONE_NEWNET));
	second = open("/proc/thread-self/ns/net", O_RDONLY);
	NEED_VETH(pair());
	end = time(NULL) + 3;
	pthread_create(&t, NULL, send_always, NULL);
	for (int i = 0; i < 200 && time(NULL) < end; i++) {
		CHECK_EQ(with_name(RTM_NEWLINK, "b", IFLA_NET_NS_FD, first), 0);
		CHECK_OK(setns(first, CLONE_NEWNET));
		CHECK_EQ(configure("b", "10.7.8.1"), 0);
		CHECK_EQ(with_name(RTM_NEWLINK, "b", IFLA_NET_NS_FD, second), 0);
		CHECK_OK(setns(second, CLONE_NEWNET));
		CHECK_EQ(configure("b", "10.7.8.1"), 0);
	}
	stop = 1;
	pthread_join(t, NULL);
}

/* ---- fragments ---- */

#define PORT 700

/* A new namespace with one end of a pair, whose other end is in the present one; a socket there on 10.7.7.1. */
static int side(const char *other, unsigned char mac[6])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int here = open("/proc/thread-self/ns/net", O_RDONLY), there, fd;
	struct ifreq r = { .ifr_name = "in" };

	CHECK_OK(unshare(CLONE_NEWNET));
	there = open("/proc/thread-self/ns/net", O_RDONLY);
	if (add_veth("in", other, 0)) {
		close(here);
		return -1;
	}
	CHECK_EQ(with_name(RTM_NEWLINK, other, IFLA_NET_NS_FD, here), 0);
	CHECK_EQ(configure("in", "10.7.7.1"), 0);
	inet_aton("10.7.7.1", &a.sin_addr);
	fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(ioctl(fd, SIOCGIFHWADDR, &r));
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	CHECK_OK(setns(here, CLONE_NEWNET));
	CHECK_EQ(set_up(if_nametoindex(other), 1), 0);
	close(there);
	close(here);
	return fd;
}

static unsigned short sum_of(const void *v, int n)
{
	const unsigned char *p = v;
	unsigned s = 0;

	for (; n > 1; n -= 2, p += 2)
		s += p[0] << 8 | p[1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((unsigned short)~s);
}

/* The first or the second half of a datagram of 16 bytes from 10.7.7.9, all of them c, to the end behind `out`. */
static void send_half(int fd, const char *out, const unsigned char mac[6], bool second, char c)
{
	struct {
		struct ether_header e;
		struct iphdr ip;
		char data[16];
	} __attribute__((packed)) f = { 0 };
	struct udphdr u = { .source = htons(9), .dest = htons(PORT), .len = htons(8 + 16) };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)if_nametoindex(out) };
	struct in_addr a;
	size_t n = second ? 8 : 16;

	memcpy(f.e.ether_dhost, mac, 6);
	f.e.ether_shost[0] = 2;
	f.e.ether_type = htons(ETH_P_IP);
	f.ip.version = 4;
	f.ip.ihl = 5;
	f.ip.ttl = 64;
	f.ip.protocol = IPPROTO_UDP;
	f.ip.id = htons(77);
	f.ip.tot_len = htons((unsigned short)(20 + n));
	f.ip.frag_off = htons(second ? 2 : 0x2000);
	inet_aton("10.7.7.9", &a);
	f.ip.saddr = a.s_addr;
	inet_aton("10.7.7.1", &a);
	f.ip.daddr = a.s_addr;
	f.ip.check = sum_of(&f.ip, 20);
	memset(f.data, c, sizeof(f.data));
	if (!second)
		memcpy(f.data, &u, sizeof(u));
	CHECK_EQ(sendto(fd, &f, sizeof(f.e) + 20 + n, 0, (void *)&to, sizeof(to)),
		 (ssize_t)(sizeof(f.e) + 20 + n));
}

TEST_FORK(fragments_stay_in_their_namespace)
{
	unsigned char mac[2][6];
	char buf[64];
	int s[2], fd;

	OWN_NETWORK();
	s[0] = side("out0", mac[0]);
	if (s[0] < 0)
		SKIP("no veth here");
	s[1] = side("out1", mac[1]);
	CHECK(s[1] >= 0);
	fd = CHECK_OK(socket(AF_PACKET, SOCK_RAW, 0));
	send_half(fd, "out0", mac[0], false, 'a');
	send_half(fd, "out1", mac[1], true, 'b');
	usleep(50000);
	CHECK_ERRNO(recv(s[0], buf, sizeof(buf), 0), EAGAIN);
	CHECK_ERRNO(recv(s[1], buf, sizeof(buf), 0), EAGAIN);
	/* Each with its own other half. */
	send_half(fd, "out1", mac[1], false, 'b');
	send_half(fd, "out0", mac[0], true, 'a');
	for (int i = 0; i < 2; i++) {
		ssize_t n = -1;

		for (int k = 0; k < 100 && n < 0; k++) {
			usleep(10000);
			n = recv(s[i], buf, sizeof(buf), 0);
		}
		CHECK_EQ(n, 16);
		for (int k = 0; k < n; k++)
			CHECK_EQ(buf[k], "ab"[i]);
	}
}
