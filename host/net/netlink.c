/*
 * netlink.c - what rtnetlink says of an interface, and what we ask of it (net.h). All in the calling thread's network
 * namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/error.h"
#include "host/net/net.h"

#define REPLY_MAX 65536

struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
		struct rtmsg route;
		struct tcmsg tc;
	};
	char attrs[256];
};

struct interface {
	const char *wanted; /* or NULL: eth0, else the first that is up */
	int index;
	bool preferred;
	struct net_config *c;
};

/* The kernel's answer is one of its own; a message is given to each in turn. 0, or -1 with errno. */
static int talk(struct request *q, void (*each)(const struct nlmsghdr *, void *), void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), ret = -1;
	char *buf = malloc(REPLY_MAX);

	if (fd < 0 || !buf || send(fd, q, q->h.nlmsg_len, 0) < 0)
		goto out;
	for (;;) {
		ssize_t n = recv(fd, buf, REPLY_MAX, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)buf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto out;
		for (; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE) {
				ret = 0;
				goto out;
			}
			if (h->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = NLMSG_DATA(h);

				errno = -e->error;
				ret = e->error ? -1 : 0;
				goto out;
			}
			if (each)
				each(h, arg);
		}
	}
out:
	free(buf);
	if (fd >= 0) {
		int e = errno;

		close(fd);
		errno = e;
	}
	return ret;
}

static void start(struct request *q, unsigned type, unsigned flags, size_t body)
{
	memset(q, 0, sizeof(*q));
	q->h.nlmsg_type = (uint16_t)type;
	q->h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
}

/* Its attribute; the request is large enough for all that this file asks. */
static struct rtattr *attr(struct request *q, unsigned type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)q + NLMSG_ALIGN(q->h.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	q->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static int dump(unsigned type, void (*each)(const struct nlmsghdr *, void *), void *arg)
{
	struct request q;

	start(&q, type, NLM_F_DUMP, sizeof(q.link));
	return talk(&q, each, arg);
}

/* Attributes by type, below max. */
static void attributes(const struct rtattr *a, unsigned len, const struct rtattr **table,
		       unsigned max)
{
	memset(table, 0, max * sizeof(*table));
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type < max)
			table[a->rta_type] = a;
}

static void on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	const struct rtattr *t[IFLA_MTU + 1];
	struct interface *i = arg;
	const char *name;
	bool preferred;

	if (h->nlmsg_type != RTM_NEWLINK || m->ifi_type != ARPHRD_ETHER)
		return;
	attributes(IFLA_RTA(m), (unsigned)IFLA_PAYLOAD(h), t, IFLA_MTU + 1);
	if (!t[IFLA_IFNAME] || !t[IFLA_ADDRESS] || RTA_PAYLOAD(t[IFLA_ADDRESS]) != 6 ||
	    !t[IFLA_MTU])
		return;
	name = RTA_DATA(t[IFLA_IFNAME]);
	if (i->wanted ? strcmp(name, i->wanted) != 0 : !(m->ifi_flags & IFF_UP))
		return;
	preferred = strcmp(name, "eth0") == 0;
	if (i->index && (i->preferred || !preferred))
		return;
	i->index = m->ifi_index;
	i->preferred = preferred;
	strncpy(i->c->name, name, sizeof(i->c->name) - 1);
	memcpy(i->c->mac, RTA_DATA(t[IFLA_ADDRESS]), 6);
	memcpy(&i->c->mtu, RTA_DATA(t[IFLA_MTU]), 4);
}

static void on_addr(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *t[IFA_LOCAL + 1], *a;
	struct interface *i = arg;
	struct net_addr *to = &i->c->addrs[i->c->naddrs];
	size_t len = m->ifa_family == AF_INET ? 4 : 16;

	if (h->nlmsg_type != RTM_NEWADDR || (int)m->ifa_index != i->index ||
	    i->c->naddrs == NET_ADDRS || (m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
		return;
	attributes(IFA_RTA(m), (unsigned)IFA_PAYLOAD(h), t, IFA_LOCAL + 1);
	a = t[IFA_LOCAL] ? t[IFA_LOCAL] : t[IFA_ADDRESS];
	if (!a || RTA_PAYLOAD(a) < len)
		return;
	*to = (struct net_addr){ .family = m->ifa_family == AF_INET ? 4 : 6,
				 .prefix = m->ifa_prefixlen,
				 .scope = m->ifa_scope };
	memcpy(to->addr, RTA_DATA(a), len);
	i->c->naddrs++;
}

static void on_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct rtattr *t[RTA_PREFSRC + 1];
	struct interface *i = arg;
	struct net_route *to = &i->c->routes[i->c->nroutes];
	size_t len = m->rtm_family == AF_INET ? 4 : 16;
	int oif = 0;

	if (h->nlmsg_type != RTM_NEWROUTE || m->rtm_type != RTN_UNICAST ||
	    m->rtm_table != RT_TABLE_MAIN || i->c->nroutes == NET_ROUTES ||
	    (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
		return;
	attributes(RTM_RTA(m), (unsigned)RTM_PAYLOAD(h), t, RTA_PREFSRC + 1);
	if (t[RTA_OIF])
		memcpy(&oif, RTA_DATA(t[RTA_OIF]), 4);
	if (oif != i->index)
		return;
	*to = (struct net_route){ .family = m->rtm_family == AF_INET ? 4 : 6,
				  .prefix = m->rtm_dst_len,
				  .gateway = t[RTA_GATEWAY] != NULL };
	if (t[RTA_PRIORITY])
		memcpy(&to->metric, RTA_DATA(t[RTA_PRIORITY]), 4);
	if (t[RTA_DST] && RTA_PAYLOAD(t[RTA_DST]) >= len)
		memcpy(to->dst, RTA_DATA(t[RTA_DST]), len);
	if (t[RTA_GATEWAY] && RTA_PAYLOAD(t[RTA_GATEWAY]) >= len)
		memcpy(to->gw, RTA_DATA(t[RTA_GATEWAY]), len);
	if (t[RTA_PREFSRC] && RTA_PAYLOAD(t[RTA_PREFSRC]) >= len)
		memcpy(to->src, RTA_DATA(t[RTA_PREFSRC]), len);
	i->c->nroutes++;
}

int net_read_interface(const char *name, struct net_config *config, struct error *err)
{
	struct interface i = { .wanted = name, .c = config };

	if (dump(RTM_GETLINK, on_link, &i) < 0)
		return error_errno(err, "read the network interfaces");
	if (!i.index)
		return name ? error_set(err, ENODEV, "there is no Ethernet interface %s", name)
			    : error_set(
				      err, ENODEV,
				      "the network namespace has no Ethernet interface that is up");
	if (dump(RTM_GETADDR, on_addr, &i) < 0 || dump(RTM_GETROUTE, on_route, &i) < 0)
		return error_errno(err, "read the addresses and routes of %s", config->name);
	if (config->mtu > 65535)
		config->mtu = 65535;
	return i.index;
}

/* About our filter, at a fixed handle and priority: doing it again finds it there. */
static void start_filter(struct request *q, uint16_t type, uint16_t flags, int ifindex)
{
	start(q, type, flags, sizeof(q->tc));
	q->tc.tcm_ifindex = ifindex;
	q->tc.tcm_parent = TC_H_MAKE(TC_H_INGRESS, 0);
	q->tc.tcm_handle = 1;
	q->tc.tcm_info = TC_H_MAKE(1u << 16, htons(0x0003)); /* ETH_P_ALL */
	attr(q, TCA_KIND, "bpf", 4);
}

int net_silence(int ifindex, struct error *err)
{
	/* A classic BPF program of one instruction, whose answer is the action. */
	const struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT);
	const uint16_t one = 1;
	const uint32_t direct = TCA_BPF_FLAG_ACT_DIRECT;
	struct request q;
	struct rtattr *options;

	start(&q, RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof(q.tc));
	q.tc.tcm_ifindex = ifindex;
	q.tc.tcm_parent = TC_H_INGRESS;
	q.tc.tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0);
	attr(&q, TCA_KIND, "ingress", 8);
	if (talk(&q, NULL, NULL) < 0 && errno != EEXIST)
		return error_errno(err, "add an ingress queue to interface %d", ifindex);
	start_filter(&q, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifindex);
	options = attr(&q, TCA_OPTIONS, NULL, 0);
	attr(&q, TCA_BPF_OPS_LEN, &one, sizeof(one));
	attr(&q, TCA_BPF_OPS, &drop, sizeof(drop));
	attr(&q, TCA_BPF_FLAGS, &direct, sizeof(direct));
	options->rta_len = (uint16_t)((char *)&q + q.h.nlmsg_len - (char *)options);
	if (talk(&q, NULL, NULL) < 0 && errno != EEXIST)
		return error_errno(err, "silence the host's stack on interface %d (tc filter bpf)",
				   ifindex);
	return 0;
}

void net_unsilence(int ifindex)
{
	struct request q;

	start_filter(&q, RTM_DELTFILTER, NLM_F_ACK, ifindex);
	talk(&q, NULL, NULL);
}

int net_link_up(int ifindex, struct error *err)
{
	struct request q;

	start(&q, RTM_NEWLINK, NLM_F_ACK, sizeof(q.link));
	q.link.ifi_index = ifindex;
	q.link.ifi_flags = IFF_UP;
	q.link.ifi_change = IFF_UP;
	if (talk(&q, NULL, NULL) < 0)
		return error_errno(err, "set interface %d up", ifindex);
	return 0;
}
