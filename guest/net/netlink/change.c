/*
 * change.c - rtnetlink(7): what programs with CAP_NET_ADMIN over the namespace change: interfaces (link.c), addresses, routes.
 *
 * Lock: netdev_mutex around each request, so that an interface that was found stays.
 * Differs from Linux: addresses have no peers, labels and lifetimes; routes no metrics, and there is the main table alone. What
 * is asked for besides is EOPNOTSUPP and a line in dmesg. Listeners are told (event.h).
 */
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/lwip/stack.h"
#include "net/netif.h"
#include "net/netlink/netlink.h"
#include "task/unsupported.h"

#define IFF_NOARP    0x80
#define IFF_PROMISC  0x100
#define IFF_ALLMULTI 0x200
/* What a program may change; the kernel's own state of an interface is left out without an error. */
#define IFF_SETTABLE (IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST)

static struct net_ns *net_of(const struct nl_request *r)
{
	return r->from->s.net;
}

bool rtnetlink_has_other(const struct nl_request *r, u32 fixed, const u16 *known)
{
	u32 at = NLMSG_ALIGN(fixed);
	struct nlattr a;

	while (at + NLA_HDRLEN <= r->len) {
		const u16 *k = known;

		memcpy(&a, r->body + at, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > r->len - at)
			return true;
		while (*k && *k != (a.nla_type & NLA_TYPE_MASK))
			k++;
		if (!*k) {
			unsupported("rtnetlink attribute", a.nla_type & NLA_TYPE_MASK);
			return true;
		}
		at += NLA_ALIGN(a.nla_len);
	}
	return false;
}

static struct netdev *by_index(const struct nl_request *r, u32 index)
{
	struct netdev *d;

	spin_lock(&netdev_lock);
	d = netdev_by_index(net_of(r), (int)index);
	spin_unlock(&netdev_lock);
	return d;
}

/* ---- links ---- */

static int change_link(struct nl_request *r)
{
	struct ifinfomsg i;
	struct netdev *d;
	u32 change;
	int err;

	if (r->len < sizeof(i))
		return -EINVAL;
	memcpy(&i, r->body, sizeof(i));
	spin_lock(&netdev_lock);
	d = rtnetlink_named(r, &i);
	spin_unlock(&netdev_lock);
	if (!d)
		return r->h->nlmsg_flags & NLM_F_CREATE ? rtnetlink_new_link(r, &i) : -ENODEV;
	if (r->h->nlmsg_flags & NLM_F_EXCL)
		return -EEXIST;
	change = i.ifi_change || !i.ifi_flags ? i.ifi_change : ~0u;
	if ((d->flags ^ i.ifi_flags) & change & IFF_SETTABLE & ~(u32)IFF_UP)
		return -EOPNOTSUPP;
	err = rtnetlink_set_link(r, d);
	/* It may be down now, in another namespace; after an error it may be gone. */
	if (!err && ((d->flags ^ i.ifi_flags) & change & IFF_UP))
		netdev_set_up(d, i.ifi_flags & IFF_UP);
	return err;
}

static int del_link(struct nl_request *r)
{
	struct ifinfomsg i;
	struct netdev *d;

	if (r->len < sizeof(i))
		return -EINVAL;
	memcpy(&i, r->body, sizeof(i));
	spin_lock(&netdev_lock);
	d = rtnetlink_named(r, &i);
	spin_unlock(&netdev_lock);
	return d ? rtnetlink_del_link(d) : -ENODEV;
}

/* ---- addresses ---- */

struct addr_request {
	struct ifaddrmsg m;
	struct netdev *d;
	const void *addr;
};

/*
 * The header of a message about addresses or routes, which begins with the family, and the length of that family's
 * addresses. Attributes that are not known would change what is asked for: -EOPNOTSUPP.
 */
static int read_header(const struct nl_request *r, void *to, u32 size, const u16 *known, u32 *want)
{
	u8 family;

	if (r->len < size)
		return -EINVAL;
	memcpy(to, r->body, size);
	family = *(u8 *)to;
	if ((family != AF_INET && family != AF_INET6) || rtnetlink_has_other(r, size, known))
		return -EOPNOTSUPP;
	*want = family == AF_INET ? 4 : 16;
	return 0;
}

static int read_addr(const struct nl_request *r, struct addr_request *q)
{
	static const u16 known[] = { IFA_LOCAL, IFA_ADDRESS,   IFA_BROADCAST,	IFA_LABEL,
				     IFA_FLAGS, IFA_CACHEINFO, IFA_RT_PRIORITY, 0 };
	const void *local, *peer;
	u32 want, len = 0, peer_len = 0;
	int err = read_header(r, &q->m, sizeof(q->m), known, &want);

	if (err)
		return err;
	local = nl_find(r, sizeof(q->m), IFA_LOCAL, &len);
	peer = nl_find(r, sizeof(q->m), IFA_ADDRESS, &peer_len);
	if (!local && want == 16) {
		local = peer;
		len = peer_len;
	}
	if (!local || len != want || (peer && peer_len != want) || q->m.ifa_prefixlen > want * 8)
		return -EINVAL;
	q->addr = local;
	q->d = by_index(r, q->m.ifa_index);
	if (!q->d)
		return -ENODEV;
	return peer && memcmp(local, peer, want) ? -EOPNOTSUPP : 0;
}

static int new_addr(struct nl_request *r)
{
	bool replace = (r->h->nlmsg_flags & (NLM_F_REPLACE | NLM_F_EXCL)) == NLM_F_REPLACE;
	struct addr_request q;
	int err = read_addr(r, &q);

	if (!err)
		err = net_addr_add(q.d, q.m.ifa_family, q.addr, q.m.ifa_prefixlen);
	return err == -EEXIST && replace ? 0 : err;
}

static int del_addr(struct nl_request *r)
{
	struct addr_request q;
	int err = read_addr(r, &q);

	return err ? err : net_addr_del(q.d, q.m.ifa_family, q.addr, q.m.ifa_prefixlen);
}

/* ---- routes ---- */

struct route_request {
	struct rtmsg m;
	struct netdev *d; /* NULL: not named */
	const void *dst, *gateway;
};

static const void *address(const struct nl_request *r, u16 type, u32 want, int *err)
{
	u32 len = 0;
	const void *v = nl_find(r, sizeof(struct rtmsg), type, &len);

	if (v && len != want)
		*err = -EINVAL;
	return v;
}

static int read_route(const struct nl_request *r, struct route_request *q)
{
	static const u16 known[] = { RTA_DST,	   RTA_GATEWAY, RTA_OIF,  RTA_TABLE,
				     RTA_PRIORITY, RTA_PREFSRC, RTA_PREF, 0 };
	u32 want, len = 0, n, table;
	const void *v;
	int err = read_header(r, &q->m, sizeof(q->m), known, &want);

	if (err)
		return err;
	table = q->m.rtm_table;
	v = nl_find(r, sizeof(q->m), RTA_TABLE, &len);
	if (v && len == sizeof(table))
		memcpy(&table, v, sizeof(table));
	if (table != RT_TABLE_MAIN && table != RT_TABLE_UNSPEC)
		return -EOPNOTSUPP;
	if (q->m.rtm_type > RTN_UNICAST || q->m.rtm_src_len || q->m.rtm_tos)
		return -EOPNOTSUPP;
	q->dst = address(r, RTA_DST, want, &err);
	q->gateway = address(r, RTA_GATEWAY, want, &err);
	if (err || q->m.rtm_dst_len > want * 8 || (q->m.rtm_dst_len && !q->dst))
		return -EINVAL;
	q->d = NULL;
	v = nl_find(r, sizeof(q->m), RTA_OIF, &len);
	if (v && len == sizeof(n)) {
		memcpy(&n, v, sizeof(n));
		q->d = by_index(r, n);
		if (!q->d)
			return -ENODEV;
	}
	return 0;
}

/* On whose link is the gateway? */
static struct netdev *device_of_gateway(const struct nl_request *r, const struct route_request *q)
{
	const struct inet_route *t;
	u32 index = 0;

	net_lock_for(net_of(r));
	t = route_find(q->m.rtm_family, q->gateway);
	if (t && !t->gateway)
		index = (u32)t->ifindex;
	spin_unlock(&net_lock);
	return index ? by_index(r, index) : NULL;
}

static int new_route(struct nl_request *r)
{
	struct route_request q;
	struct netdev *link;
	int err = read_route(r, &q);

	if (err)
		return err;
	link = q.gateway ? device_of_gateway(r, &q) : q.d;
	if (q.gateway && (q.m.rtm_flags & RTNH_F_ONLINK))
		link = q.d;
	if (!link || (q.d && q.d != link))
		return q.gateway ? -ENETUNREACH : -ENODEV;
	if (link->flags & IFF_LOOPBACK) {
		unsupported("route on the loopback", 0);
		return -EOPNOTSUPP;
	}
	if (!(link->flags & IFF_UP))
		return -ENETDOWN;
	if (r->h->nlmsg_flags & NLM_F_REPLACE)
		net_route_del(net_of(r), NULL, q.m.rtm_family, q.dst, q.m.rtm_dst_len, NULL);
	return net_route_add(link, q.m.rtm_family, q.dst, q.m.rtm_dst_len, q.gateway);
}

static int del_route(struct nl_request *r)
{
	struct route_request q;
	int err = read_route(r, &q);

	return err ? err
		   : net_route_del(net_of(r), q.d, q.m.rtm_family, q.dst, q.m.rtm_dst_len,
				   q.gateway);
}

int rtnetlink_change(struct nl_request *r)
{
	int err;

	mutex_lock(&netdev_mutex);
	switch (r->h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_SETLINK: err = change_link(r); break;
	case RTM_DELLINK: err = del_link(r); break;
	case RTM_NEWADDR: err = new_addr(r); break;
	case RTM_DELADDR: err = del_addr(r); break;
	case RTM_NEWROUTE: err = new_route(r); break;
	case RTM_DELROUTE: err = del_route(r); break;
	default: err = -EOPNOTSUPP;
	}
	mutex_unlock(&netdev_mutex);
	return err;
}
