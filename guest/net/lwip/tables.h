/*
 * tables.h - what lwIP keeps of one network namespace: neighbours, next hops and datagrams that are not complete. The arrays are
 * lwIP's own, which guest/net/patches leads here. All under net_lock.
 */
#ifndef MOAT_NET_LWIP_TABLES_H
#define MOAT_NET_LWIP_TABLES_H

#include "lib/types.h"

struct lwip_tables {
	struct etharp_entry *arp;
	struct nd6_neighbor_cache_entry *neighbors;
	struct nd6_destination_cache_entry *destinations;
	struct nd6_prefix_list_entry *prefixes;
	struct nd6_router_list_entry *routers;
	struct ip_reassdata *fragments4;
	struct ip6_reassdata *fragments6;
	u16 fragments4_count, fragments6_count; /* pbufs */
};

extern struct lwip_tables *net_tables; /* net_cur's */

/* Empty ones. -ENOMEM. */
int tables_make(struct lwip_tables *t);
/* Forget the fragments of net_tables. The rest goes with its interfaces. */
void tables_purge(void);
void tables_free(struct lwip_tables *t); /* without the lock */

/* etharp.c: an empty table of ARP; NULL without memory. */
void *etharp_table_new(void);

#endif
