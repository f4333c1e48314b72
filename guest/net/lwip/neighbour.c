/*
 * neighbour.c - lwIP's tables of ARP and neighbour discovery as Linux's neighbours (neighbour.h).
 *
 * lwIP asks again for an address of ARP before it is too old, so such a one is always reachable.
 */
#include <linux/neighbour.h>
#include <string.h>

#include "lwip/etharp.h"
#include "lwip/priv/nd6_priv.h"
#include "net/abi.h"
#include "net/lwip/neighbour.h"
#include "net/lwip/stack.h"

static const u16 states[] = {
	[ND6_NO_ENTRY] = NUD_NONE,	 [ND6_INCOMPLETE] = NUD_INCOMPLETE,
	[ND6_REACHABLE] = NUD_REACHABLE, [ND6_STALE] = NUD_STALE,
	[ND6_DELAY] = NUD_DELAY,	 [ND6_PROBE] = NUD_PROBE,
};

static void arp(void (*fn)(const struct neighbour *n, void *arg), void *arg)
{
	struct eth_addr *hw;
	struct netif *netif;
	ip4_addr_t *ip;

	for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
		struct neighbour n = { .family = AF_INET, .state = NUD_REACHABLE };

		if (!etharp_get_entry(i, &ip, &netif, &hw))
			continue;
		n.ifindex = netif_get_index(netif);
		n.has_hwaddr = true;
		memcpy(n.addr, ip, 4);
		memcpy(n.hwaddr, hw->addr, sizeof(n.hwaddr));
		fn(&n, arg);
	}
}

static void discovered(void (*fn)(const struct neighbour *n, void *arg), void *arg)
{
	for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		const struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];
		struct neighbour n = { .family = AF_INET6 };

		if (e->state == ND6_NO_ENTRY || e->state >= ARRAY_SIZE(states))
			continue;
		n.state = states[e->state];
		n.ifindex = netif_get_index(e->netif);
		n.router = e->isrouter;
		n.has_hwaddr = e->state != ND6_INCOMPLETE;
		memcpy(n.addr, e->next_hop_address.addr, 16);
		memcpy(n.hwaddr, e->lladdr, sizeof(n.hwaddr));
		fn(&n, arg);
	}
}

void neighbour_each(void (*fn)(const struct neighbour *n, void *arg), void *arg)
{
	arp(fn, arg);
	discovered(fn, arg);
}
