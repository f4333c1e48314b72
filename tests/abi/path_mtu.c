/*
 * What ICMP says of a path's MTU: a pair of interfaces joins two network namespaces, and the other end writes the messages
 * that a router would send.
 */
#include "rtnl.h"
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>

#define PORT 7070

static char data[1400];

static unsigned short checksum(const void *p, size_t n)
{
	const unsigned char *b = p;
	unsigned sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* "Fragmentation needed": a datagram of 10.7.7.1:from to us was larger than mtu. */
static void too_large(int raw, unsigned short from, unsigned mtu)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} m = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED },
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(1028),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = inet_addr("10.7.7.1"),
			.daddr = inet_addr("10.7.7.2") } };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { m.ip.saddr } };

	m.icmp.un.frag.mtu = htons(mtu);
	m.udp.source = from;
	m.udp.dest = htons(PORT);
	m.udp.len = htons(1008);
	m.icmp.checksum = checksum(&m, sizeof(m));
	CHECK_EQ(sendto(raw, &m, sizeof(m), 0, (void *)&to, sizeof(to)), sizeof(m));
}

/* Each datagram's first two bytes are the MTU that it is answered with; 0: none. */
static void router(int ready, int go)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	socklen_t len = sizeof(a);
	int s = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	int raw = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	struct pollfd p[2] = { { .fd = go, .events = POLLIN }, { .fd = s, .events = POLLIN } };
	unsigned short mtu;

	CHECK_OK(bind(s, (void *)&a, sizeof(a)));
	CHECK_EQ(write(ready, "x", 1), 1);
	while (poll(p, 2, -1) > 0 && !p[0].revents)
		if (recvfrom(s, &mtu, 2, 0, (void *)&a, &len) == 2 && mtu)
			too_large(raw, a.sin_port, mtu);
}

static int number(int fd, int name)
{
	socklen_t len = sizeof(int);
	int n = -1;

	CHECK_OK(getsockopt(fd, IPPROTO_IP, name, &n, &len));
	return n;
}

static int peer(int discover, int recverr)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(PORT),
				 .sin_addr = { inet_addr("10.7.7.2") } };
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_OK(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(int)));
	CHECK_OK(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &recverr, sizeof(int)));
	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
	return fd;
}

static ssize_t send_asking(int fd, unsigned short mtu, size_t n)
{
	memcpy(data, &mtu, 2);
	return send(fd, data, n, 0);
}

/* The MTU in the next entry of the error queue; -1: it is empty. */
static int heard(int fd, int origin)
{
	char control[256], byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct sock_extended_err e;

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return -1;
	memcpy(&e, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(e));
	CHECK_EQ(e.ee_errno, EMSGSIZE);
	CHECK_EQ(e.ee_origin, origin);
	return e.ee_info;
}

static void wait_error(int fd)
{
	struct pollfd p = { .fd = fd };

	CHECK_EQ(poll(&p, 1, 3000), 1);
	CHECK_EQ(p.revents, POLLERR);
}

/* `ip route get 10.7.7.2`: the MTU that was learned (0: none), for how long, and whether it is a floor. */
struct learned {
	unsigned mtu, locked;
	int expires; /* in ticks of 10 ms */
};

static void read_metrics(struct learned *l, const struct rtattr *a)
{
	const struct rtattr *m = RTA_DATA(a);

	for (int len = (int)RTA_PAYLOAD(a); RTA_OK(m, len); m = RTA_NEXT(m, len)) {
		if (m->rta_type == RTAX_MTU)
			memcpy(&l->mtu, RTA_DATA(m), sizeof(l->mtu));
		if (m->rta_type == RTAX_LOCK)
			memcpy(&l->locked, RTA_DATA(m), sizeof(l->locked));
	}
}

static struct learned route_get(void)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(r)), RTM_GETROUTE, NLM_F_REQUEST, 1, 0 } };
	in_addr_t to = inet_addr("10.7.7.2");
	struct learned l = { 0 };
	union {
		struct nlmsghdr h;
		char bytes[1024];
	} a;
	struct rta_cacheinfo times;
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), len;

	memcpy(q.body, &r, sizeof(r));
	attr(&q, RTA_DST, &to, sizeof(to));
	CHECK_EQ(send(fd, &q, q.h.nlmsg_len, 0), (ssize_t)q.h.nlmsg_len);
	CHECK(recv(fd, &a, sizeof(a), 0) > 0);
	CHECK_EQ(a.h.nlmsg_type, RTM_NEWROUTE);
	len = (int)(a.h.nlmsg_len - NLMSG_LENGTH(sizeof(r)));
	for (struct rtattr *t = RTM_RTA(NLMSG_DATA(&a.h)); RTA_OK(t, len); t = RTA_NEXT(t, len)) {
		if (t->rta_type == RTA_METRICS)
			read_metrics(&l, t);
		if (t->rta_type == RTA_CACHEINFO) {
			memcpy(&times, RTA_DATA(t), sizeof(times));
			l.expires = (int)times.rta_expires;
		}
	}
	close(fd);
	return l;
}

TEST_FORK(shown)
{
	struct far_end f;
	struct learned l;
	int fd;

	OWN_NETWORK();
	NEED_VETH(far_end_start(&f, router));
	l = route_get();
	CHECK_EQ(l.mtu, 0);
	CHECK_EQ(l.expires, 0);
	fd = peer(IP_PMTUDISC_DO, 1);
	CHECK_EQ(send_asking(fd, 900, 1000), 1000);
	wait_error(fd);
	l = route_get();
	CHECK_EQ(l.mtu, 900);
	CHECK_EQ(l.locked, 0);
	CHECK(l.expires > 50000 && l.expires <= 60000);
	CHECK_EQ(heard(fd, SO_EE_ORIGIN_ICMP), 900);
	CHECK_EQ(send_asking(fd, 100, 872), 872);
	wait_error(fd);
	l = route_get();
	CHECK_EQ(l.mtu, 552);
	CHECK_EQ(l.locked, 1 << RTAX_MTU);
	close(fd);
	far_end_stop(&f);
}

TEST_FORK(datagrams)
{
	struct far_end f;
	int fd, other, device;

	OWN_NETWORK();
	NEED_VETH(far_end_start(&f, router));
	fd = peer(IP_PMTUDISC_DO, 1);
	CHECK_EQ(number(fd, IP_MTU), 1500);
	CHECK_EQ(send_asking(fd, 900, 1000), 1000);
	wait_error(fd);
	CHECK_EQ(heard(fd, SO_EE_ORIGIN_ICMP), 900);
	CHECK_EQ(number(fd, IP_MTU), 900);
	/* From now on it is known here. */
	CHECK_ERRNO(send_asking(fd, 0, 873), EMSGSIZE);
	CHECK_EQ(heard(fd, SO_EE_ORIGIN_LOCAL), 900);
	CHECK_EQ(send_asking(fd, 0, 872), 872);
	/* It never grows by such a message, and has a floor. */
	CHECK_EQ(send_asking(fd, 1200, 872), 872);
	wait_error(fd);
	CHECK_EQ(heard(fd, SO_EE_ORIGIN_ICMP), 1200);
	CHECK_EQ(number(fd, IP_MTU), 900);
	CHECK_EQ(send_asking(fd, 100, 872), 872);
	wait_error(fd);
	CHECK_EQ(heard(fd, SO_EE_ORIGIN_ICMP), 100);
	CHECK_EQ(number(fd, IP_MTU), 552);
	/* Another socket's path is the same, unless only the interface counts for it. */
	other = peer(IP_PMTUDISC_WANT, 0);
	device = peer(IP_PMTUDISC_PROBE, 0);
	CHECK_EQ(number(other, IP_MTU), 552);
	CHECK_EQ(send_asking(other, 0, 1400), 1400);
	CHECK_EQ(send_asking(device, 0, 1400), 1400);
	close(device);
	close(other);
	close(fd);
	far_end_stop(&f);
}

/* Who is connected hears of it without asking, unless it never wants to know. */
TEST_FORK(without_a_queue)
{
	struct far_end f;
	int fd;

	OWN_NETWORK();
	NEED_VETH(far_end_start(&f, router));
	fd = peer(IP_PMTUDISC_WANT, 0);
	CHECK_EQ(send_asking(fd, 1000, 1100), 1100);
	wait_error(fd);
	CHECK_ERRNO(recv(fd, data, 1, MSG_DONTWAIT), EMSGSIZE);
	CHECK_EQ(number(fd, IP_MTU), 1000);
	close(fd);
	fd = peer(IP_PMTUDISC_DONT, 0);
	CHECK_EQ(send_asking(fd, 800, 900), 900);
	for (int i = 0; i < 300 && number(fd, IP_MTU) != 800; i++)
		usleep(10000);
	CHECK_EQ(number(fd, IP_MTU), 800);
	CHECK_ERRNO(recv(fd, data, 1, MSG_DONTWAIT), EAGAIN);
	close(fd);
	far_end_stop(&f);
}
