/* AF_NETLINK: addresses of sockets, rtnetlink dumps of the loopback interface, errors, what getifaddrs makes of it. */
#include "abi.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct rtgenmsg any;
		struct ifaddrmsg addr;
	};
};

static char answer[32768];

static int nl(void)
{
	return CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static ssize_t ask(int fd, int type, int flags, size_t body, struct request *r)
{
	r->h.nlmsg_len = (unsigned)(sizeof(r->h) + body);
	r->h.nlmsg_type = (unsigned short)type;
	r->h.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	r->h.nlmsg_seq = 77;
	return send(fd, r, r->h.nlmsg_len, 0);
}

static const struct rtattr *attr(const struct nlmsghdr *h, size_t fixed, int type)
{
	const struct rtattr *a = (void *)((char *)h + NLMSG_SPACE(fixed));
	int left = (int)(h->nlmsg_len - NLMSG_SPACE(fixed));

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return a;
	return NULL;
}

TEST(creation)
{
	int fd = nl();

	close(fd);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 99), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
	fd = CHECK_OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE));
	CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(shutdown(fd, SHUT_RD), EOPNOTSUPP);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_ERRNO(recv(fd, answer, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(send(fd, "x", 1, MSG_OOB), EOPNOTSUPP);
	close(fd);
	CHECK_ERRNO(socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, (int[2]){ 0 }), EOPNOTSUPP);
}

TEST(addresses)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK }, got;
	socklen_t len = sizeof(got);
	int fd = nl(), other;

	CHECK_OK(getsockname(fd, (void *)&got, &len));
	CHECK_EQ(len, sizeof(got));
	CHECK_EQ(got.nl_pid, 0);
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(fd, (void *)&got, &len));
	CHECK_EQ(got.nl_family, AF_NETLINK);
	CHECK_EQ(got.nl_pid, getpid());
	CHECK_OK(getpeername(fd, (void *)&got, &len));
	CHECK_EQ(got.nl_pid, 0);
	other = nl();
	CHECK_OK(bind(other, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(other, (void *)&got, &len));
	CHECK(got.nl_pid != (unsigned)getpid() && got.nl_pid != 0);
	close(other);
	other = nl();
	a.nl_pid = (unsigned)getpid();
	CHECK_ERRNO(bind(other, (void *)&a, sizeof(a)), EADDRINUSE);
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	a.nl_pid = 12345678;
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a)), EINVAL);
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a) - 1), EINVAL);
	a.nl_family = AF_INET;
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a)), EINVAL);
	close(fd);
	close(other);
}

/* Every message of a dump answers our request; returns how many of `type` came, and the first of the loopback. */
static int dump(int fd, int type, struct nlmsghdr *lo, size_t room, size_t index_at)
{
	int n = 0, done = 0;

	lo->nlmsg_len = 0;
	while (!done) {
		struct sockaddr_nl from;
		socklen_t flen = sizeof(from);
		ssize_t len =
			CHECK_OK(recvfrom(fd, answer, sizeof(answer), 0, (void *)&from, &flen));
		struct nlmsghdr *h = (void *)answer;

		if (len <= 0)
			return -1;
		CHECK_EQ(from.nl_pid, 0);
		CHECK_EQ(flen, sizeof(from));
		for (; NLMSG_OK(h, (unsigned)len); h = NLMSG_NEXT(h, len)) {
			int index = 0;

			CHECK_EQ(h->nlmsg_seq, 77);
			CHECK(h->nlmsg_flags & NLM_F_MULTI);
			if (h->nlmsg_type == NLMSG_DONE) {
				done = 1;
				break;
			}
			CHECK_EQ(h->nlmsg_type, type);
			n++;
			memcpy(&index, (char *)NLMSG_DATA(h) + index_at, sizeof(index));
			if (index == 1 && !lo->nlmsg_len && h->nlmsg_len <= room)
				memcpy(lo, h, h->nlmsg_len);
		}
	}
	return n;
}

static union {
	struct nlmsghdr h;
	char space[8192];
} lo;

TEST(links)
{
	struct request r = { .link = { .ifi_family = AF_UNSPEC } };
	int fd = nl();
	unsigned mtu;

	CHECK_EQ(ask(fd, RTM_GETLINK, NLM_F_DUMP, sizeof(r.link), &r), 32);
	CHECK(dump(fd, RTM_NEWLINK, &lo.h, sizeof(lo), offsetof(struct ifinfomsg, ifi_index)) >= 1);
	REQUIRE(lo.h.nlmsg_len);
	struct ifinfomsg *i = NLMSG_DATA(&lo.h);
	CHECK_EQ(i->ifi_type, 772);
	CHECK_EQ(i->ifi_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING),
		 IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
	const struct rtattr *a = attr(&lo.h, sizeof(*i), IFLA_IFNAME);
	REQUIRE(a);
	CHECK_STR((char *)RTA_DATA(a), "lo");
	a = attr(&lo.h, sizeof(*i), IFLA_MTU);
	REQUIRE(a);
	memcpy(&mtu, RTA_DATA(a), 4);
	CHECK_EQ(mtu, 65536);
	CHECK(attr(&lo.h, sizeof(*i), IFLA_ADDRESS));
	CHECK(attr(&lo.h, sizeof(*i), IFLA_STATS64));
	/* The short form of a dump request, as glibc sends it. */
	r.any.rtgen_family = AF_UNSPEC;
	CHECK(ask(fd, RTM_GETLINK, NLM_F_DUMP, 4, &r) > 0);
	CHECK(dump(fd, RTM_NEWLINK, &lo.h, sizeof(lo), offsetof(struct ifinfomsg, ifi_index)) >= 1);
	/* One link, by its index. */
	memset(&r, 0, sizeof(r));
	r.link.ifi_index = 1;
	CHECK(ask(fd, RTM_GETLINK, 0, sizeof(r.link), &r) > 0);
	CHECK(recv(fd, answer, sizeof(answer), 0) > 32);
	CHECK_EQ(((struct nlmsghdr *)answer)->nlmsg_type, RTM_NEWLINK);
	CHECK_EQ(((struct nlmsghdr *)answer)->nlmsg_flags & NLM_F_MULTI, 0);
	close(fd);
}

TEST(addresses_of_links)
{
	struct request r = { .addr = { .ifa_family = AF_INET } };
	int fd = nl();
	unsigned char want[4] = { 127, 0, 0, 1 };

	CHECK(ask(fd, RTM_GETADDR, NLM_F_DUMP, sizeof(r.addr), &r) > 0);
	CHECK(dump(fd, RTM_NEWADDR, &lo.h, sizeof(lo), offsetof(struct ifaddrmsg, ifa_index)) >= 1);
	REQUIRE(lo.h.nlmsg_len);
	struct ifaddrmsg *m = NLMSG_DATA(&lo.h);
	CHECK_EQ(m->ifa_family, AF_INET);
	CHECK_EQ(m->ifa_prefixlen, 8);
	CHECK_EQ(m->ifa_scope, RT_SCOPE_HOST);
	const struct rtattr *a = attr(&lo.h, sizeof(*m), IFA_LOCAL);
	REQUIRE(a);
	CHECK_EQ(memcmp(RTA_DATA(a), want, 4), 0);
	CHECK(attr(&lo.h, sizeof(*m), IFA_LABEL));
	close(fd);
}

TEST(getifaddrs)
{
	struct ifaddrs *all, *i;
	int v4 = 0, link = 0;

	REQUIRE(getifaddrs(&all) == 0);
	for (i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
			continue;
		CHECK(i->ifa_flags & IFF_LOOPBACK);
		link += i->ifa_addr->sa_family == AF_PACKET;
		v4 += i->ifa_addr->sa_family == AF_INET;
	}
	CHECK_EQ(link, 1);
	CHECK(v4 >= 1);
	freeifaddrs(all);
	CHECK_EQ(if_nametoindex("lo"), 1);
	char name[IF_NAMESIZE] = "";
	CHECK(if_indextoname(1, name));
	CHECK_STR(name, "lo");
	CHECK_EQ(if_nametoindex("nosuchdevice"), 0);
	CHECK_EQ(errno, ENODEV);
}

static int error_of(int fd)
{
	struct nlmsghdr *h = (void *)answer;
	struct nlmsgerr *e = NLMSG_DATA(h);

	CHECK(recv(fd, answer, sizeof(answer), 0) >= 36);
	CHECK_EQ(h->nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(e->msg.nlmsg_seq, 77);
	return -e->error;
}

TEST(errors)
{
	struct request r = { .link = { .ifi_index = 9999 } };
	int fd = nl(), on = 1;

	CHECK(ask(fd, RTM_GETLINK, 0, sizeof(r.link), &r) > 0);
	CHECK_EQ(error_of(fd), ENODEV);
	CHECK(ask(fd, 250, 0, sizeof(r.link), &r) > 0);
	CHECK_EQ(error_of(fd), EOPNOTSUPP);
	/* An acknowledgement; requests that ask for nothing have no answer. */
	r.link.ifi_index = 1;
	CHECK(ask(fd, RTM_GETLINK, NLM_F_ACK, sizeof(r.link), &r) > 0);
	CHECK(recv(fd, answer, sizeof(answer), 0) > 32);
	struct nlmsghdr *h = (void *)answer;
	if (h->nlmsg_type == RTM_NEWLINK)
		CHECK_EQ(error_of(fd), 0);
	CHECK(ask(fd, NLMSG_NOOP, 0, 0, &r) > 0);
	CHECK_ERRNO(recv(fd, answer, 1, MSG_DONTWAIT), EAGAIN);
	/* A datagram that does not fit, and its true length. */
	CHECK(ask(fd, RTM_GETLINK, 0, sizeof(r.link), &r) > 0);
	CHECK(recv(fd, answer, 16, MSG_PEEK | MSG_TRUNC) > 32);
	struct iovec v = { answer, 16 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	CHECK_EQ(recvmsg(fd, &m, 0), 16);
	CHECK_EQ(m.msg_flags, MSG_TRUNC);
	CHECK_OK(setsockopt(fd, 270, NETLINK_CAP_ACK, &on, 4));
	CHECK_OK(setsockopt(fd, 270, NETLINK_EXT_ACK, &on, 4));
	CHECK_ERRNO(setsockopt(fd, 270, 999, &on, 4), ENOPROTOOPT);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 0x7ffffff };
	if (geteuid() == 0)
		CHECK_ERRNO(sendto(fd, &r, sizeof(r), 0, (void *)&to, sizeof(to)), ECONNREFUSED);
	IN_CHILD_AS(NOBODY)
	{
		int n = nl();

		if (geteuid()) {
			CHECK(ask(n, RTM_NEWLINK, 0, sizeof(r.link), &r) > 0);
			CHECK_EQ(error_of(n), EPERM);
			CHECK_ERRNO(sendto(n, &r, sizeof(r), 0, (void *)&to, sizeof(to)), EPERM);
		}
	}
	close(fd);
}

/* `ip route get` of an address of the loopback; the interface comes before the source, as nmap expects. */
TEST(way_to_oneself)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg m;
		struct rtattr a;
		unsigned dst;
	} q = { { sizeof(q), RTM_GETROUTE, NLM_F_REQUEST, 1, 0 },
		{ .rtm_family = AF_INET, .rtm_dst_len = 32 },
		{ 8, RTA_DST },
		htonl(INADDR_LOOPBACK + 4) };
	const struct nlmsghdr *h = (void *)answer;
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct rtattr *oif, *src;
	int fd = nl();

	CHECK_EQ(send(fd, &q, sizeof(q), 0), (ssize_t)sizeof(q));
	REQUIRE(recv(fd, answer, sizeof(answer), 0) > 0);
	CHECK_EQ(h->nlmsg_type, RTM_NEWROUTE);
	CHECK_EQ(m->rtm_type, RTN_LOCAL);
	CHECK(m->rtm_flags & RTM_F_CLONED);
	CHECK_EQ(m->rtm_table, RT_TABLE_MAIN);
	oif = attr(h, sizeof(*m), RTA_OIF);
	src = attr(h, sizeof(*m), RTA_PREFSRC);
	REQUIRE(oif && src);
	CHECK(oif < src);
	CHECK_EQ(*(unsigned *)RTA_DATA(oif), if_nametoindex("lo"));
	CHECK_EQ(*(unsigned *)RTA_DATA(src), htonl(INADDR_LOOPBACK));
	CHECK(attr(h, sizeof(*m), RTA_CACHEINFO));
	close(fd);
}

/* Groups that were joined, as a bitmap; with little room its length is told. */
TEST(memberships)
{
	unsigned map[16] = { 0 };
	socklen_t len = 0;
	int fd = nl(), group = RTNLGRP_IPV4_ROUTE;

	CHECK_OK(setsockopt(fd, 270, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)));
	CHECK_OK(getsockopt(fd, 270, NETLINK_LIST_MEMBERSHIPS, NULL, &len));
	CHECK_EQ(len, 8);
	len = 4;
	map[1] = 99;
	CHECK_OK(getsockopt(fd, 270, NETLINK_LIST_MEMBERSHIPS, map, &len));
	CHECK_EQ(len, 8);
	CHECK_EQ(map[0], 1u << (RTNLGRP_IPV4_ROUTE - 1));
	CHECK_EQ(map[1], 99);
	close(fd);
}

/* What a change is answered that could not be made anyway: its interface is not there. */
static int change(int fd)
{
	struct request r = { .addr = { .ifa_family = AF_INET, .ifa_index = 4000 } };
	const struct nlmsgerr *e = NLMSG_DATA((struct nlmsghdr *)answer);

	CHECK_OK(ask(fd, RTM_DELADDR, NLM_F_ACK, sizeof(r.addr), &r));
	CHECK(recv(fd, answer, sizeof(answer), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(*e)));
	return e->error;
}

/* Both who opened the socket and who asks need the right. */
TEST_FORK(rights_of_the_opener)
{
	int ours, others;

	NEED_ROOT();
	ours = nl();
	REQUIRE(seteuid(NOBODY) == 0);
	others = nl();
	CHECK_EQ(change(ours), -EPERM);
	CHECK_EQ(change(others), -EPERM);
	REQUIRE(seteuid(0) == 0);
	CHECK_EQ(change(others), -EPERM);
	CHECK(change(ours) != -EPERM);
	close(ours);
	close(others);
}

TEST(uevents)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT)), on = 1;

	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_ERRNO(recv(fd, answer, 1, MSG_DONTWAIT), EAGAIN);
	close(fd);
}

TEST(interface_ioctls)
{
	struct ifreq r;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memset(&r, 0, sizeof(r));
	strcpy(r.ifr_name, "lo");
	CHECK_OK(ioctl(fd, SIOCGIFINDEX, &r));
	CHECK_EQ(r.ifr_ifindex, 1);
	CHECK_OK(ioctl(fd, SIOCGIFFLAGS, &r));
	CHECK_EQ(r.ifr_flags & (IFF_UP | IFF_LOOPBACK), IFF_UP | IFF_LOOPBACK);
	CHECK_OK(ioctl(fd, SIOCGIFMTU, &r));
	CHECK_EQ(r.ifr_mtu, 65536);
	CHECK_OK(ioctl(fd, SIOCGIFHWADDR, &r));
	CHECK_EQ(r.ifr_hwaddr.sa_family, 772);
	memset(&r, 0, sizeof(r));
	r.ifr_ifindex = 1;
	CHECK_OK(ioctl(fd, SIOCGIFNAME, &r));
	CHECK_STR(r.ifr_name, "lo");
	r.ifr_ifindex = 9999;
	CHECK_ERRNO(ioctl(fd, SIOCGIFNAME, &r), ENODEV);
	strcpy(r.ifr_name, "nosuch");
	CHECK_ERRNO(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
	CHECK_ERRNO(ioctl(fd, SIOCGIFFLAGS, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, TIOCGWINSZ, &r), ENOTTY);
	close(fd);
}
