/*
 * rtnl.h - rtnetlink requests for ABI tests: interfaces up and down, addresses, veth pairs. Each gives 0 or -errno.
 */
#ifndef RTNL_H
#define RTNL_H

#include "abi.h"
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr h;
	char body[256];
};

ABI_UNUSED static void attr(struct request *q, int type, const void *v, int len)
{
	struct nlattr a = { (u_int16_t)(NLA_HDRLEN + len), (u_int16_t)type };

	memcpy((char *)q + q->h.nlmsg_len, &a, sizeof(a));
	memcpy((char *)q + q->h.nlmsg_len + NLA_HDRLEN, v, len);
	q->h.nlmsg_len += NLA_ALIGN(NLA_HDRLEN + len);
}

/* 0 or -errno, as the kernel answers. */
ABI_UNUSED static int ask(struct request *q)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[512];
	} a = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), n;

	q->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	n = send(fd, q, q->h.nlmsg_len, 0) == (int)q->h.nlmsg_len ? recv(fd, &a, sizeof(a), 0) : -1;
	close(fd);
	CHECK(n >= (int)(sizeof(a.h) + sizeof(a.e)) && a.h.nlmsg_type == NLMSG_ERROR);
	return a.e.error;
}

ABI_UNUSED static int set_up(int index, int up)
{
	struct ifinfomsg i = { .ifi_index = index,
			       .ifi_flags = up ? IFF_UP : 0,
			       .ifi_change = IFF_UP };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), RTM_NEWLINK, 0, 1, 0 } };

	memcpy(q.body, &i, sizeof(i));
	return ask(&q);
}

ABI_UNUSED static int change_addr(int type, int flags, int index, const char *addr, int prefix)
{
	struct ifaddrmsg m = { .ifa_family = AF_INET,
			       .ifa_prefixlen = prefix,
			       .ifa_scope = RT_SCOPE_HOST,
			       .ifa_index = index };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(m)), type, flags, 1, 0 } };
	struct in_addr a;

	inet_aton(addr, &a);
	memcpy(q.body, &m, sizeof(m));
	attr(&q, IFA_LOCAL, &a, sizeof(a));
	attr(&q, IFA_ADDRESS, &a, sizeof(a));
	return ask(&q);
}

ABI_UNUSED static int nest(struct request *q, int type)
{
	int at = q->h.nlmsg_len;

	attr(q, type, "", 0);
	return at;
}

ABI_UNUSED static void end_nest(struct request *q, int at)
{
	u_int16_t len = q->h.nlmsg_len - at;

	memcpy((char *)q + at, &len, sizeof(len));
}

/* `ip link add NAME type veth peer name PEER netns PID` */
ABI_UNUSED static int add_veth(const char *name, const char *peer, int pid)
{
	struct ifinfomsg i = { .ifi_index = 0 };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
				    1, 0 } };
	int info, data, other;

	memcpy(q.body, &i, sizeof(i));
	attr(&q, IFLA_IFNAME, name, strlen(name) + 1);
	info = nest(&q, IFLA_LINKINFO);
	attr(&q, IFLA_INFO_KIND, "veth", 4);
	data = nest(&q, IFLA_INFO_DATA);
	other = nest(&q, 1 /* VETH_INFO_PEER */);
	memcpy((char *)&q + q.h.nlmsg_len, &i, sizeof(i));
	q.h.nlmsg_len += sizeof(i);
	attr(&q, IFLA_IFNAME, peer, strlen(peer) + 1);
	if (pid)
		attr(&q, IFLA_NET_NS_PID, &pid, sizeof(pid));
	end_nest(&q, other);
	end_nest(&q, data);
	end_nest(&q, info);
	return ask(&q);
}

ABI_UNUSED static int with_name(int type, const char *name, int attr_type, int value)
{
	struct ifinfomsg i = { .ifi_index = if_nametoindex(name) };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), type, 0, 1, 0 } };

	memcpy(q.body, &i, sizeof(i));
	if (attr_type)
		attr(&q, attr_type, &value, sizeof(value));
	return i.ifi_index ? ask(&q) : -ENODEV;
}

ABI_UNUSED static int configure(const char *name, const char *addr)
{
	int index = if_nametoindex(name), err;

	err = change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, addr, 24);
	return err ? err : set_up(index, 1);
}

#endif
