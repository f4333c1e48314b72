/* rtnetlink's events: who joined a group hears of interfaces, addresses and routes that come, change and go. */
#include "rtnl.h"
#include <poll.h>

#define GROUPS (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE)

static int listen_to(unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE));

	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	return fd;
}

static char buf[16384];

/* The next message of this type for this interface; NULL: none comes. Others are passed by. Each is a datagram of its own. */
static struct nlmsghdr *await(int fd, int type, int index)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct nlmsghdr *h = (void *)buf;

	while (poll(&p, 1, 2000) == 1) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		int is = index;

		if (recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len) < 0)
			return NULL;
		CHECK_EQ(from.nl_pid, 0);
		CHECK(from.nl_groups != 0);
		if (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK)
			is = ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
		if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR)
			is = (int)((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index;
		if (h->nlmsg_type == type && is == index)
			return h;
	}
	return NULL;
}

/* The number in an attribute behind `fixed` bytes; 0: there is none. */
static unsigned number(const struct nlmsghdr *h, size_t fixed, int type)
{
	const struct rtattr *a = (void *)((char *)h + NLMSG_SPACE(fixed));
	int left = (int)(h->nlmsg_len - NLMSG_SPACE(fixed));
	unsigned v = 0;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type && a->rta_len == RTA_LENGTH(sizeof(v)))
			memcpy(&v, RTA_DATA(a), sizeof(v));
	return v;
}

TEST_FORK(links_and_addresses)
{
	struct nlmsghdr *h;
	int fd, other;

	OWN_NETWORK();
	fd = listen_to(GROUPS);
	other = listen_to(RTMGRP_NEIGH);
	CHECK_EQ(set_up(1, 1), 0);
	h = await(fd, RTM_NEWLINK, 1);
	CHECK(h && ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_flags & IFF_UP);
	CHECK_EQ(with_name(RTM_NEWLINK, "lo", IFLA_MTU, 2000), 0);
	h = await(fd, RTM_NEWLINK, 1);
	CHECK_EQ(h ? number(h, sizeof(struct ifinfomsg), IFLA_MTU) : 0, 2000);
	CHECK_EQ(change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 1, "10.1.2.3", 32), 0);
	h = await(fd, RTM_NEWADDR, 1);
	CHECK_EQ(h ? number(h, sizeof(struct ifaddrmsg), IFA_LOCAL) : 0, inet_addr("10.1.2.3"));
	CHECK_EQ(change_addr(RTM_DELADDR, 0, 1, "10.1.2.3", 32), 0);
	h = await(fd, RTM_DELADDR, 1);
	CHECK_EQ(h ? number(h, sizeof(struct ifaddrmsg), IFA_LOCAL) : 0, inet_addr("10.1.2.3"));
	CHECK_EQ(set_up(1, 0), 0);
	h = await(fd, RTM_NEWLINK, 1);
	CHECK(h && !(((struct ifinfomsg *)NLMSG_DATA(h))->ifi_flags & IFF_UP));
	CHECK_ERRNO(recv(other, buf, sizeof(buf), 0), EAGAIN);
	close(other);
	close(fd);
}

/* `ip route add|del 10.9.0.0/16 via 10.7.7.2` */
static int change_route(int type)
{
	struct rtmsg m = { .rtm_family = AF_INET,
			   .rtm_dst_len = 16,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_BOOT,
			   .rtm_type = RTN_UNICAST };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(m)), (unsigned short)type,
				    type == RTM_NEWROUTE ? NLM_F_CREATE : 0, 1, 0 } };
	unsigned dst = inet_addr("10.9.0.0"), via = inet_addr("10.7.7.2");

	memcpy(q.body, &m, sizeof(m));
	attr(&q, RTA_DST, &dst, sizeof(dst));
	attr(&q, RTA_GATEWAY, &via, sizeof(via));
	return ask(&q);
}

static void await_route(int fd, int type)
{
	struct nlmsghdr *h;

	do
		h = await(fd, type, 0);
	while (h && ((struct rtmsg *)NLMSG_DATA(h))->rtm_dst_len != 16);
	CHECK_EQ(h ? number(h, sizeof(struct rtmsg), RTA_GATEWAY) : 0, inet_addr("10.7.7.2"));
}

TEST_FORK(pairs_and_routes)
{
	int fd, a, b;

	OWN_NETWORK();
	fd = listen_to(0);
	for (int group = RTNLGRP_LINK; group <= RTNLGRP_IPV4_ROUTE; group++)
		CHECK_OK(setsockopt(fd, 270 /* SOL_NETLINK */, NETLINK_ADD_MEMBERSHIP, &group,
				    sizeof(group)));
	NEED_VETH(add_veth("a", "b", 0));
	a = (int)if_nametoindex("a");
	b = (int)if_nametoindex("b");
	CHECK(await(fd, RTM_NEWLINK, b) != NULL);
	CHECK_EQ(set_up(b, 1), 0);
	CHECK_EQ(configure("a", "10.7.7.1"), 0);
	CHECK(await(fd, RTM_NEWADDR, a) != NULL);
	CHECK_EQ(change_route(RTM_NEWROUTE), 0);
	await_route(fd, RTM_NEWROUTE);
	CHECK_EQ(change_route(RTM_DELROUTE), 0);
	await_route(fd, RTM_DELROUTE);
	CHECK_EQ(with_name(RTM_DELLINK, "a", 0, 0), 0);
	CHECK(await(fd, RTM_DELLINK, a) != NULL);
	close(fd);
}

TEST_FORK(too_many_are_an_error)
{
	int fd, size = 1, lost = 0;

	OWN_NETWORK();
	fd = listen_to(RTMGRP_LINK);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	for (int i = 0; i < 50; i++)
		CHECK_EQ(set_up(1, i & 1), 0);
	for (int i = 0; i < 100; i++)
		lost += recv(fd, buf, sizeof(buf), 0) < 0 && errno == ENOBUFS;
	CHECK(lost > 0);
	close(fd);
}
