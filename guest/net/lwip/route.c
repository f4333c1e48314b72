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
#include "net/abi.h"
#include "net/lwip/route.h"

struct net_route routes[ROUTES_MAX];
unsigned routes_count;

static bool covers(const struct net_route *r, const u8 *a)
{
	unsigned bytes = r->prefix / 8, bits = r->prefix % 8;

	if (memcmp(r->dst, a, bytes))
		return false;
	return !bits || !((r->dst[bytes] ^ a[bytes]) >> (8 - bits));
}

const struct net_route *route_find(int family, const void *addr)
{
	for (unsigned i = 0; i < routes_count; i++)
		if (routes[i].family == family && covers(&routes[i], addr))
			return &routes[i];
	return NULL;
}

static const struct net_route *find4(const ip4_addr_t *a)
{
	return route_find(AF_INET, &a->addr);
}

static const struct net_route *find6(const ip6_addr_t *a)
{
	return route_find(AF_INET6, a->addr);
}

struct netif *route_hook4(const ip4_addr_t *src, const ip4_addr_t *dst)
{
	ip_addr_t a = { .type = IPADDR_TYPE_V4 };
	const struct net_route *r;

	ip4_addr_copy(*ip_2_ip4(&a), *dst);
	if (addr_is_local(&a))
		return &loop_netif;
	r = find4(dst);
	return r ? r->netif : NULL;
}

struct netif *route_hook6(const ip6_addr_t *src, const ip6_addr_t *dst)
{
	ip_addr_t a = { .type = IPADDR_TYPE_V6 };
	const struct net_route *r;

	ip6_addr_copy(*ip_2_ip6(&a), *dst);
	if (addr_is_local(&a))
		return &loop_netif;
	r = ip6_addr_has_zone(dst) ? NULL : find6(dst);
	return r ? r->netif : NULL;
}

const ip4_addr_t *gateway_hook4(struct netif *n, const ip4_addr_t *dst)
{
	const struct net_route *r = find4(dst);

	if (!r)
		return NULL;
	return r->gateway ? ip_2_ip4(&r->gw) : dst;
}

const ip6_addr_t *gateway_hook6(struct netif *n, const ip6_addr_t *dst)
{
	const struct net_route *r = find6(dst);

	if (!r)
		return NULL;
	return r->gateway ? ip_2_ip6(&r->gw) : dst;
}

struct netif *route_to(const ip_addr_t *src, const ip_addr_t *dst)
{
	struct netif *n = ip_route(src, dst);

	/* With one interface lwIP takes it for everything. */
	return n == &loop_netif && !addr_is_local(dst) && !ip_addr_ismulticast(dst) ? NULL : n;
}

static int insert(const struct net_route *r)
{
	unsigned at = 0;

	while (at < routes_count &&
	       (routes[at].family != r->family ? routes[at].family < r->family
					       : routes[at].prefix > r->prefix))
		at++;
	for (unsigned i = at;
	     i < routes_count && routes[i].family == r->family && routes[i].prefix == r->prefix;
	     i++)
		if (!memcmp(routes[i].dst, r->dst, sizeof(r->dst)) && routes[i].netif == r->netif)
			return -EEXIST;
	if (routes_count == ROUTES_MAX)
		return -ENOSPC;
	memmove(&routes[at + 1], &routes[at], (routes_count - at) * sizeof(routes[0]));
	routes[at] = *r;
	routes_count++;
	return 0;
}

int net_route_add(struct netdev *dev, int family, const void *dst, unsigned prefix,
		  const void *gateway)
{
	struct net_device *d = container_of(dev, struct net_device, dev);
	unsigned len = family == AF_INET ? 4 : 16;
	struct net_route r = { .family = (u8)family, .prefix = (u8)prefix, .ifindex = dev->index };
	int err;

	if ((family != AF_INET && family != AF_INET6) || prefix > len * 8 ||
	    (dev->flags & IFF_LOOPBACK))
		return -EINVAL;
	for (unsigned i = 0; prefix && i < len; i++) {
		unsigned bits = prefix > i * 8 ? MIN(prefix - i * 8, 8u) : 0;

		r.dst[i] = (u8)(((const u8 *)dst)[i] & (0xff00 >> bits));
	}
	r.netif = d->netif;
	r.gateway = gateway;
	if (gateway) {
		r.gw.type = family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6;
		memcpy(&r.gw.u_addr, gateway, len);
		if (family == AF_INET6)
			ip6_addr_assign_zone(ip_2_ip6(&r.gw), IP6_UNICAST, d->netif);
	}
	net_enter();
	err = insert(&r);
	if (!err && !prefix)
		netif_set_default(d->netif);
	net_leave();
	return err;
}
