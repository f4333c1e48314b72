/*
 * route.h - the table of routes of a namespace that net_route_add fills: longest prefix first. Under net_lock.
 */
#ifndef MOAT_NET_LWIP_ROUTE_H
#define MOAT_NET_LWIP_ROUTE_H

#include "lib/types.h"
#include "lwip/ip_addr.h"
#include "lwip/netif.h"

#define ROUTES_MAX 64

struct inet_route {
	u8 family; /* AF_INET, AF_INET6; 0: behind the last */
	u8 prefix;
	bool gateway; /* through gw, else on the link */
	u8 dst[16];
	ip_addr_t gw;
	struct netif *netif;
	int ifindex;
};

/* net_cur's route for an address in network order; NULL: none. */
const struct inet_route *route_find(int family, const void *addr);
/* net_cur's interface for packets from src to dst, the loopback for its own addresses; NULL: unreachable. */
struct netif *route_to(const ip_addr_t *src, const ip_addr_t *dst);

#endif
