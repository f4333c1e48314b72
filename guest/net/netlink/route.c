/*
 * route.c - rtnetlink(7): links, addresses and routes, to read. What can be seen is the namespace's table of netdev.h.
 *
 * Each address brings the routes of the local table that Linux makes for it.
 */
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/lwip/stack.h"
#include "net/netlink/netlink.h"
#include "task/task.h"
#include "task/unsupported.h"

/* RFC 2863 */
#define OPER_UNKNOWN 0
#define OPER_DOWN    2
#define OPER_UP	     6
#define HWADDR_LEN   6

/* ---- links ---- */

static void put_stats(struct nl_request *r, const struct netdev_stats *t)
{
	struct rtnl_link_stats64 s = {
		.rx_packets = t->rx_packets,
		.tx_packets = t->tx_packets,
		.rx_bytes = t->rx_bytes,
		.tx_bytes = t->tx_bytes,
		.rx_errors = t->rx_errors,
		.tx_errors = t->tx_errors,
		.rx_dropped = t->rx_dropped,
		.tx_dropped = t->tx_dropped,
		.multicast = t->multicast,
	};
	struct rtnl_link_stats n = {
		.rx_packets = (u32)s.rx_packets,
		.tx_packets = (u32)s.tx_packets,
		.rx_bytes = (u32)s.rx_bytes,
		.tx_bytes = (u32)s.tx_bytes,
		.rx_errors = (u32)s.rx_errors,
		.tx_errors = (u32)s.tx_errors,
		.rx_dropped = (u32)s.rx_dropped,
		.tx_dropped = (u32)s.tx_dropped,
		.multicast = (u32)s.multicast,
	};

	nl_attr(r, IFLA_STATS64, &s, sizeof(s));
	nl_attr(r, IFLA_STATS, &n, sizeof(n));
}

static u8 operstate(const struct netdev *d)
{
	if (!(d->flags & IFF_UP))
		return OPER_DOWN;
	return d->flags & IFF_LOOPBACK ? OPER_UNKNOWN : OPER_UP;
}

/* IFLA_LINKINFO with an IFLA_INFO_KIND in it. */
static void put_kind(struct nl_request *r, const char *kind)
{
	u8 nested[32] = { 0 };
	struct nlattr a = { (u16)(NLA_HDRLEN + strlen(kind) + 1), IFLA_INFO_KIND };

	memcpy(nested, &a, sizeof(a));
	memcpy(nested + NLA_HDRLEN, kind, strlen(kind));
	nl_attr(r, IFLA_LINKINFO, nested, NLA_ALIGN(a.nla_len));
}

void rtnetlink_put_link(struct nl_request *r, u16 type, const struct netdev *d, bool multi)
{
	struct ifinfomsg *i = nl_begin(r, type, sizeof(*i), multi);

	if (!i)
		return;
	i->ifi_type = d->type;
	i->ifi_index = d->index;
	i->ifi_flags = d->flags;
	nl_attr_str(r, IFLA_IFNAME, d->name);
	nl_attr_u32(r, IFLA_TXQLEN, d->txqlen);
	nl_attr_u8(r, IFLA_OPERSTATE, operstate(d));
	nl_attr_u8(r, IFLA_LINKMODE, 0);
	nl_attr_u32(r, IFLA_MTU, d->mtu);
	nl_attr_u32(r, IFLA_MIN_MTU, d->min_mtu);
	nl_attr_u32(r, IFLA_MAX_MTU, d->max_mtu);
	nl_attr_u32(r, IFLA_GROUP, 0);
	nl_attr_u32(r, IFLA_PROMISCUITY, 0);
	nl_attr_u32(r, IFLA_NUM_TX_QUEUES, 1);
	nl_attr_u32(r, IFLA_NUM_RX_QUEUES, 1);
	nl_attr_u8(r, IFLA_CARRIER, !!(d->flags & IFF_LOWER_UP));
	nl_attr_str(r, IFLA_QDISC, d->flags & IFF_UP ? "noqueue" : "noop");
	nl_attr(r, IFLA_ADDRESS, d->hwaddr, HWADDR_LEN);
	nl_attr(r, IFLA_BROADCAST, d->broadcast, HWADDR_LEN);
	if (d->link)
		nl_attr_u32(r, IFLA_LINK, (u32)d->link);
	if (d->link_elsewhere)
		nl_attr_u32(r, IFLA_LINK_NETNSID, (u32)NETNSA_NSID_NOT_ASSIGNED);
	if (d->kind)
		put_kind(r, d->kind);
	put_stats(r, &d->stats);
	nl_end(r);
}

struct netdev *rtnetlink_named(const struct nl_request *r, const struct ifinfomsg *i)
{
	char name[IFNAMSIZ] = "";
	const void *v;
	u32 len;

	if (i->ifi_index > 0)
		return netdev_by_index(r->from->s.net, i->ifi_index);
	v = nl_find(r, sizeof(*i), IFLA_IFNAME, &len);
	if (!v)
		v = nl_find(r, sizeof(*i), IFLA_ALT_IFNAME, &len);
	if (!v)
		return NULL;
	memcpy(name, v, MIN(len, (u32)sizeof(name) - 1));
	return netdev_by_name(r->from->s.net, name);
}

static int get_link(struct nl_request *r, bool dump)
{
	struct ifinfomsg i = { 0 };
	struct netdev *d;
	int err = 0;

	memcpy(&i, r->body, MIN(r->len, (u32)sizeof(i)));
	if (!dump && r->len < sizeof(i))
		return -EINVAL;
	spin_lock(&netdev_lock);
	if (dump) {
		list_for_each(d, &r->from->s.net->devs, node)
			rtnetlink_put_link(r, RTM_NEWLINK, d, true);
	} else {
		d = rtnetlink_named(r, &i);
		if (d)
			rtnetlink_put_link(r, RTM_NEWLINK, d, false);
		else
			err = -ENODEV;
	}
	spin_unlock(&netdev_lock);
	return err;
}

/* ---- addresses ---- */

static u32 addr_len(const struct netdev_addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

void rtnetlink_put_addr(struct nl_request *r, u16 type, const struct netdev *d,
			const struct netdev_addr *a, bool multi)
{
	struct ifa_cacheinfo forever = { .ifa_prefered = ~0u, .ifa_valid = ~0u };
	struct ifaddrmsg *m = nl_begin(r, type, sizeof(*m), multi);

	if (!m)
		return;
	m->ifa_family = a->family;
	m->ifa_prefixlen = a->prefix;
	m->ifa_flags = IFA_F_PERMANENT;
	m->ifa_scope = a->scope;
	m->ifa_index = (u32)d->index;
	nl_attr(r, IFA_ADDRESS, a->addr, addr_len(a));
	if (a->family == AF_INET) {
		nl_attr(r, IFA_LOCAL, a->addr, addr_len(a));
		nl_attr_str(r, IFA_LABEL, d->name);
	}
	nl_attr_u32(r, IFA_FLAGS, IFA_F_PERMANENT);
	nl_attr(r, IFA_CACHEINFO, &forever, sizeof(forever));
	nl_end(r);
}

static int get_addr(struct nl_request *r, bool dump)
{
	u8 family = r->len ? r->body[0] : AF_UNSPEC;
	struct netdev *d;

	if (!dump)
		return -EOPNOTSUPP;
	spin_lock(&netdev_lock);
	list_for_each(d, &r->from->s.net->devs, node)
		for (unsigned k = 0; k < NETDEV_ADDRS_MAX; k++)
			if (d->addr[k].family && (!family || family == d->addr[k].family))
				rtnetlink_put_addr(r, RTM_NEWADDR, d, &d->addr[k], true);
	spin_unlock(&netdev_lock);
	return 0;
}

/* ---- routes ---- */

struct route {
	u8 dst[16], prefix, type, scope;
};

static void put_route(struct nl_request *r, const struct netdev *d, const struct netdev_addr *a,
		      const struct route *t)
{
	struct rtmsg *m = nl_begin(r, RTM_NEWROUTE, sizeof(*m), true);

	if (!m)
		return;
	m->rtm_family = a->family;
	m->rtm_dst_len = t->prefix;
	m->rtm_table = RT_TABLE_LOCAL;
	m->rtm_protocol = RTPROT_KERNEL;
	m->rtm_scope = t->scope;
	m->rtm_type = t->type;
	nl_attr_u32(r, RTA_TABLE, RT_TABLE_LOCAL);
	nl_attr(r, RTA_DST, t->dst, addr_len(a));
	if (a->family == AF_INET)
		nl_attr(r, RTA_PREFSRC, a->addr, addr_len(a));
	else
		nl_attr_u32(r, RTA_PRIORITY, 0);
	nl_attr_u32(r, RTA_OIF, (u32)d->index);
	nl_end(r);
}

/* dst := the network of a, or with ones its last address. */
static void network(const struct netdev_addr *a, u8 *dst, bool ones)
{
	for (unsigned k = 0; k < addr_len(a); k++) {
		int bits = MIN(MAX((int)a->prefix - (int)k * 8, 0), 8);
		u8 mask = (u8)(0xff00 >> bits);

		dst[k] = (u8)((a->addr[k] & mask) | (ones ? ~mask : 0));
	}
}

/* What Linux has in its local table for an address of the loopback interface. */
static void put_local_routes(struct nl_request *r, const struct netdev *d,
			     const struct netdev_addr *a)
{
	struct route t = { .prefix = a->prefix, .type = RTN_LOCAL, .scope = RT_SCOPE_HOST };

	if (a->family == AF_INET && a->prefix < 32 && (d->flags & IFF_LOOPBACK)) {
		network(a, t.dst, false);
		put_route(r, d, a, &t);
	}
	t = (struct route){ .prefix = (u8)(addr_len(a) * 8), .type = RTN_LOCAL };
	t.scope = a->family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	memcpy(t.dst, a->addr, sizeof(t.dst));
	put_route(r, d, a, &t);
	if (a->family == AF_INET && a->prefix < 31) {
		t.type = RTN_BROADCAST;
		t.scope = RT_SCOPE_LINK;
		network(a, t.dst, true);
		put_route(r, d, a, &t);
	}
}

/* Is dst an address of d's own, as all of a loopback network are? */
static bool is_own(const struct netdev *d, const struct netdev_addr *a, const u8 *dst)
{
	struct netdev_addr other = *a;
	u8 mine[16], theirs[16];

	if (a->family != AF_INET || !(d->flags & IFF_LOOPBACK))
		return !memcmp(a->addr, dst, addr_len(a));
	memcpy(other.addr, dst, addr_len(a));
	network(a, mine, false);
	network(&other, theirs, false);
	return !memcmp(mine, theirs, addr_len(a));
}

/* `ip route get` of an address of our own: by the loopback, as whatever is sent to it. */
static int find_own(struct nl_request *r, const struct rtmsg *q)
{
	struct route_way w = { .family = q->rtm_family,
			       .type = RTN_LOCAL,
			       .ifindex = LOOPBACK_INDEX };
	struct netdev *d;
	u32 len;

	w.dst = nl_find(r, sizeof(*q), RTA_DST, &len);
	if (!w.dst || (len != 4 && len != 16))
		return -EINVAL;
	list_for_each(d, &r->from->s.net->devs, node) {
		for (unsigned k = 0; k < NETDEV_ADDRS_MAX; k++) {
			const struct netdev_addr *a = &d->addr[k];

			if (a->family != q->rtm_family || addr_len(a) != len ||
			    !is_own(d, a, w.dst))
				continue;
			w.src = a->addr;
			rtnetlink_put_way(r, &w);
			return 0;
		}
	}
	return -ENETUNREACH;
}

static int get_route(struct nl_request *r, bool dump)
{
	struct rtmsg q = { 0 };
	const void *dst;
	struct netdev *d;
	u32 len;
	int err = 0;

	memcpy(&q, r->body, MIN(r->len, (u32)sizeof(q)));
	if (!dump && r->len < sizeof(q))
		return -EINVAL;
	spin_lock(&netdev_lock);
	if (dump) {
		list_for_each(d, &r->from->s.net->devs, node)
			for (unsigned k = 0; k < NETDEV_ADDRS_MAX; k++)
				if (d->addr[k].family &&
				    (!q.rtm_family || q.rtm_family == d->addr[k].family))
					put_local_routes(r, d, &d->addr[k]);
	} else {
		err = find_own(r, &q);
	}
	spin_unlock(&netdev_lock);
	if (dump) {
		rtnetlink_dump_main(r, q.rtm_family);
	} else if (err == -ENETUNREACH) {
		dst = nl_find(r, sizeof(q), RTA_DST, &len);
		err = rtnetlink_get_main(r, q.rtm_family, dst, len);
	}
	return err;
}

/* ---- numbers of namespaces: none has one ---- */

static int get_nsid(struct nl_request *r, bool dump)
{
	u32 fixed = sizeof(struct rtgenmsg), len;

	if (dump)
		return 0;
	if (!nl_find(r, fixed, NETNSA_FD, &len) && !nl_find(r, fixed, NETNSA_PID, &len) &&
	    !nl_find(r, fixed, NETNSA_NSID, &len))
		return -EINVAL;
	if (nl_begin(r, RTM_NEWNSID, fixed, false))
		nl_attr_u32(r, NETNSA_NSID, (u32)NETNSA_NSID_NOT_ASSIGNED);
	nl_end(r);
	return 0;
}

/* ---- requests ---- */

static int get(struct nl_request *r, bool dump)
{
	switch (r->h->nlmsg_type) {
	case RTM_GETLINK: return get_link(r, dump);
	case RTM_GETADDR: return get_addr(r, dump);
	case RTM_GETROUTE: return get_route(r, dump);
	case RTM_GETNSID: return get_nsid(r, dump);
	case RTM_GETNEIGH: return rtnetlink_get_neighbours(r, dump);
	case RTM_GETRULE: return rtnetlink_get_rules(r, dump);
	default: unsupported("rtnetlink request", r->h->nlmsg_type); return -EOPNOTSUPP;
	}
}

int rtnetlink_request(struct nl_request *r)
{
	bool dump = (r->h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	int err;

	/* Types come in fours: new, del, get, set. */
	if ((r->h->nlmsg_type & 3) == 2) {
		err = get(r, dump);
		if (!err && dump)
			nl_done(r);
		return err;
	}
	if (!nl_admin(r))
		return -EPERM;
	err = rtnetlink_change(r);
	if (err == -EOPNOTSUPP)
		unsupported("rtnetlink change", r->h->nlmsg_type);
	return err;
}
