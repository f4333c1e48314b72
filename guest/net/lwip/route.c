/*
 * route.c - routes, and lwIP's questions where a packet goes.
 *
 * lwIP knows one gateway per interface; this table has as many routes as an interface of a container has. The prefixes of
 * the addresses themselves are in it too.
 */
#include <string.h>

#include "lib/err.h"
#include "lwip/ip.h"
#include "lwip_hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "net/abi.h"
#include "net/lwip/stack.h"
#include "net/netif.h"
#include "net/netlink/event.h"

static bool covers(const struct inet_route *r, const u8 *a)
{
	unsigned bytes = r->prefix / 8, bits = r->prefix % 8;

	if (memcmp(r->dst, a, bytes))
		return false;
	return !bits || !((r->dst[bytes] ^ a[bytes]) >> (8 - bits));
}

const struct inet_route *route_find(int family, const void *addr)
{
	const struct inet_route *r = net_cur->routes;

	for (unsigned i = 0; i < net_cur->routes_count; i++, r++)
		if (r->family == family && covers(r, addr))
			return r;
	return NULL;
}

static const struct inet_route *find4(const ip4_addr_t *a)
{
	return route_find(AF_INET, &a->addr);
}

static const struct inet_route *find6(const ip6_addr_t *a)
{
	return route_find(AF_INET6, a->addr);
}

struct netif *route_hook4(const ip4_addr_t *src, const ip4_addr_t *dst)
{
	ip_addr_t a = { .type = IPADDR_TYPE_V4 };
	const struct inet_route *r;

	ip4_addr_copy(*ip_2_ip4(&a), *dst);
	if (addr_is_local(&a))
		return &net_cur->loop;
	r = find4(dst);
	return r ? r->netif : NULL;
}

struct netif *route_hook6(const ip6_addr_t *src, const ip6_addr_t *dst)
{
	ip_addr_t a = { .type = IPADDR_TYPE_V6 };
	const struct inet_route *r;

	ip6_addr_copy(*ip_2_ip6(&a), *dst);
	if (addr_is_local(&a))
		return &net_cur->loop;
	r = ip6_addr_has_zone(dst) ? NULL : find6(dst);
	return r ? r->netif : NULL;
}

const ip4_addr_t *gateway_hook4(struct netif *n, const ip4_addr_t *dst)
{
	const struct inet_route *r = find4(dst);

	if (!r)
		return NULL;
	return r->gateway ? ip_2_ip4(&r->gw) : dst;
}

const ip6_addr_t *gateway_hook6(struct netif *n, const ip6_addr_t *dst)
{
	const struct inet_route *r = find6(dst);

	if (!r)
		return NULL;
	return r->gateway ? ip_2_ip6(&r->gw) : dst;
}

struct netif *route_to(const ip_addr_t *src, const ip_addr_t *dst)
{
	struct netif *n = ip_route(src, dst);

	/* With one interface lwIP takes it for everything. */
	return n == &net_cur->loop && !addr_is_local(dst) && !ip_addr_ismulticast(dst) ? NULL : n;
}

struct netif *tcp_route_hook(const struct tcp_pcb *p, const ip_addr_t *src, const ip_addr_t *dst)
{
	struct net_ns *before = net_cur;
	struct netif *n;

	if (!p || p->state == LISTEN) /* an answer to what came in */
		return ip_route(src, dst);
	if (p->netif_idx == LOOP_INDEX)
		return &p->x.net->loop;
	net_switch(p->x.net);
	n = p->netif_idx == NETIF_NO_INDEX ? ip_route(src, dst) : netif_get_by_index(p->netif_idx);
	net_switch(before);
	return n;
}

static int insert(struct net_ns *net, const struct inet_route *r)
{
	struct inet_route *routes = net->routes;
	unsigned at = 0, count = net->routes_count;

	while (at < count && (routes[at].family != r->family ? routes[at].family < r->family
							     : routes[at].prefix > r->prefix))
		at++;
	for (unsigned i = at;
	     i < count && routes[i].family == r->family && routes[i].prefix == r->prefix; i++)
		if (!memcmp(routes[i].dst, r->dst, sizeof(r->dst)) && routes[i].netif == r->netif)
			return -EEXIST;
	if (count == ROUTES_MAX)
		return -ENOSPC;
	memmove(&routes[at + 1], &routes[at], (count - at) * sizeof(routes[0]));
	routes[at] = *r;
	net->routes_count++;
	return 0;
}

/* dst as the first address of its prefix. */
static void mask(u8 out[16], const void *dst, unsigned prefix, unsigned len)
{
	memset(out, 0, 16);
	for (unsigned i = 0; prefix && i < len; i++) {
		unsigned bits = prefix > i * 8 ? MIN(prefix - i * 8, 8u) : 0;

		out[i] = (u8)(((const u8 *)dst)[i] & (0xff00 >> bits));
	}
}

int net_route_del(struct net_ns *net, const struct netdev *d, int family, const void *dst,
		  unsigned prefix, const void *gateway)
{
	unsigned len = family == AF_INET ? 4 : 16, i;
	struct inet_route *r = net->routes, gone;
	u8 want[16];
	int err = -ESRCH;

	mask(want, dst, prefix, len);
	net_enter(net);
	for (i = 0; i < net->routes_count; i++, r++)
		if (r->family == family && r->prefix == prefix && !memcmp(r->dst, want, 16) &&
		    (!d || r->ifindex == d->index) &&
		    (!gateway || (r->gateway && !memcmp(&r->gw.u_addr, gateway, len))))
			break;
	if (i < net->routes_count) {
		gone = *r;
		net->routes_count--;
		memmove(r, r + 1, (net->routes_count - i) * sizeof(*r));
		err = 0;
	}
	net_leave();
	if (!err)
		rtnetlink_route_event(net, &gone, true);
	return err;
}

int net_route_add(struct netdev *dev, int family, const void *dst, unsigned prefix,
		  const void *gateway)
{
	struct net_device *d = container_of(dev, struct net_device, dev);
	unsigned len = family == AF_INET ? 4 : 16;
	struct inet_route r = { .family = (u8)family, .prefix = (u8)prefix, .ifindex = dev->index };
	int err;

	if ((family != AF_INET && family != AF_INET6) || prefix > len * 8 ||
	    (dev->flags & IFF_LOOPBACK))
		return -EINVAL;
	mask(r.dst, dst, prefix, len);
	r.netif = d->netif;
	r.gateway = gateway;
	if (gateway) {
		r.gw.type = family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6;
		memcpy(&r.gw.u_addr, gateway, len);
		if (family == AF_INET6)
			ip6_addr_assign_zone(ip_2_ip6(&r.gw), IP6_UNICAST, d->netif);
	}
	net_enter(dev->net);
	err = insert(dev->net, &r);
	if (!err && !prefix)
		netif_set_default(d->netif);
	net_leave();
	if (!err)
		rtnetlink_route_event(dev->net, &r, false);
	return err;
}
