/*
 * neighbour.h - who is on a link: lwIP's tables of ARP and neighbour discovery, to read.
 */
#ifndef MOAT_NET_LWIP_NEIGHBOUR_H
#define MOAT_NET_LWIP_NEIGHBOUR_H

#include "lib/types.h"

struct neighbour {
	u16 family;
	u16 state; /* NUD_* */
	int ifindex;
	bool router, has_hwaddr;
	u8 addr[16]; /* 4 of them, or 16 */
	u8 hwaddr[6];
};

/* Each of net_cur's. Those that ARP is still asking for are not shown: lwIP keeps them to itself. net_lock held. */
void neighbour_each(void (*fn)(const struct neighbour *n, void *arg), void *arg);

#endif
