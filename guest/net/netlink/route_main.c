/*
 * route_main.c - rtnetlink's view of the main table: the routes of the IP stack (net/lwip/route.h).
 */
#include <linux/in_route.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/lwip/stack.h"
#include "net/netlink/netlink.h"
#include "platform/platform.h"
#include "task/ns/userns.h"

#define NS_PER_TICK 10000000 /* USER_HZ */

void rtnetlink_put_main(struct nl_request *r, u16 type, const struct inet_route *t, bool multi)
{
	struct rtmsg *m = nl_begin(r, type, sizeof(*m), multi);
	u32 len = t->family == AF_INET ? 4 : 16;

	if (!m)
		return;
	m->rtm_family = t->family;
	m->rtm_dst_len = t->prefix;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = t->gateway ? RTPROT_BOOT : RTPROT_KERNEL;
	m->rtm_scope = t->gateway || t->family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	nl_attr_u32(r, RTA_TABLE, RT_TABLE_MAIN);
	if (t->prefix)
		nl_attr(r, RTA_DST, t->dst, len);
	if (t->gateway)
		nl_attr(r, RTA_GATEWAY, &t->gw.u_addr, len);
	if (t->family == AF_INET && !ip4_addr_isany_val(*netif_ip4_addr(t->netif)))
		nl_attr(r, RTA_PREFSRC, netif_ip4_addr(t->netif), len);
	if (t->family == AF_INET6)
		nl_attr_u32(r, RTA_PRIORITY, 1024);
	nl_attr_u32(r, RTA_OIF, (u32)t->ifindex);
	nl_end(r);
}

/* RTA_METRICS with an MTU; one that is a floor is locked. */
static void put_mtu(struct nl_request *r, const struct path_mtu *p)
{
	struct {
		struct nlattr a;
		u32 value;
	} m[2] = {
		{ { sizeof(m[0]), RTAX_LOCK }, 1 << RTAX_MTU },
		{ { sizeof(m[0]), RTAX_MTU }, p->mtu },
	};
	unsigned first = p->cut ? 0 : 1;

	nl_attr(r, RTA_METRICS, &m[first], (u32)(sizeof(m) - first * sizeof(m[0])));
}

/* Programs have come to rely on the order: nmap looks at the first attributes alone. */
void rtnetlink_put_way(struct nl_request *r, const struct route_way *w)
{
	struct rtmsg *m = nl_begin(r, RTM_NEWROUTE, sizeof(*m), false);
	struct rta_cacheinfo times = { 0 };
	u32 len = w->family == AF_INET ? 4 : 16;

	if (!m)
		return;
	m->rtm_family = w->family;
	m->rtm_dst_len = (u8)(len * 8);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_type = w->type;
	m->rtm_flags = RTM_F_CLONED | (w->type == RTN_LOCAL ? RTCF_LOCAL : 0);
	nl_attr_u32(r, RTA_TABLE, RT_TABLE_MAIN);
	nl_attr(r, RTA_DST, w->dst, len);
	nl_attr_u32(r, RTA_OIF, w->ifindex);
	if (w->src)
		nl_attr(r, RTA_PREFSRC, w->src, len);
	if (w->gateway)
		nl_attr(r, RTA_GATEWAY, w->gateway, len);
	if (w->path) {
		put_mtu(r, w->path);
		times.rta_expires = (u32)((w->path->expires - clock_mono()) / NS_PER_TICK);
	}
	nl_attr_u32(r, RTA_UID, show_uid(task_current()->cred->uid));
	nl_attr(r, RTA_CACHEINFO, &times, sizeof(times));
	nl_end(r);
}

static void put_way_of(struct nl_request *r, const struct inet_route *t, const void *dst)
{
	bool addressed = t->family == AF_INET && !ip4_addr_isany_val(*netif_ip4_addr(t->netif));
	ip_addr_t to = { .type = t->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6 };
	struct route_way w = {
		.family = t->family,
		.type = RTN_UNICAST,
		.dst = dst,
		.src = addressed ? netif_ip4_addr(t->netif) : NULL,
		.gateway = t->gateway ? &t->gw.u_addr : NULL,
		.ifindex = (u32)t->ifindex,
	};

	memcpy(&to.u_addr, dst, t->family == AF_INET ? 4 : 16);
	w.path = path_learned(t->netif, &to);
	if (w.path && w.path->expires <= clock_mono())
		w.path = NULL;
	rtnetlink_put_way(r, &w);
}

void rtnetlink_dump_main(struct nl_request *r, u8 family)
{
	const struct net_ns *net = r->from->s.net;

	spin_lock(&net_lock);
	for (unsigned i = 0; i < net->routes_count; i++)
		if (!family || net->routes[i].family == family)
			rtnetlink_put_main(r, RTM_NEWROUTE, &net->routes[i], true);
	spin_unlock(&net_lock);
}

int rtnetlink_get_main(struct nl_request *r, u8 family, const void *dst, u32 len)
{
	const struct inet_route *t;

	if (len != (family == AF_INET ? 4 : 16))
		return -EINVAL;
	net_lock_for(r->from->s.net);
	t = route_find(family, dst);
	if (t)
		put_way_of(r, t, dst);
	spin_unlock(&net_lock);
	return t ? 0 : -ENETUNREACH;
}
