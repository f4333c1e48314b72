/*
 * route.h - the table of routes that net_route_add fills: longest prefix first. Under net_lock.
 */
#ifndef MOAT_NET_LWIP_ROUTE_H
#define MOAT_NET_LWIP_ROUTE_H

#include "net/lwip/stack.h"
#include "net/netif.h"

#define ROUTES_MAX 64

struct net_route {
	u8 family; /* AF_INET, AF_INET6; 0: behind the last */
	u8 prefix;
	bool gateway; /* through gw, else on the link */
	u8 dst[16];
	ip_addr_t gw;
	struct netif *netif;
	int ifindex;
};

/* Sorted by family, then by falling prefix length. */
extern struct net_route routes[ROUTES_MAX];
extern unsigned routes_count;
/* The route for an address in network order; NULL: none. */
const struct net_route *route_find(int family, const void *addr);
/* The interface for packets from src to dst, the loopback for our own addresses; NULL: unreachable. */
struct netif *route_to(const ip_addr_t *src, const ip_addr_t *dst);

#endif
