/*
 * tables.c - making and ending lwIP's tables of a network namespace (tables.h).
 */
#include "lib/err.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/priv/nd6_priv.h"
#include "mm/slab.h"
#include "net/lwip/stack.h"

struct lwip_tables *net_tables = &net_first.tables;

int tables_make(struct lwip_tables *t)
{
	*t = (struct lwip_tables){
		.arp = etharp_table_new(),
		.neighbors = kzalloc(LWIP_ND6_NUM_NEIGHBORS * sizeof(*t->neighbors)),
		.destinations = kzalloc(LWIP_ND6_NUM_DESTINATIONS * sizeof(*t->destinations)),
		.prefixes = kzalloc(LWIP_ND6_NUM_PREFIXES * sizeof(*t->prefixes)),
		.routers = kzalloc(LWIP_ND6_NUM_ROUTERS * sizeof(*t->routers)),
	};
	if (t->arp && t->neighbors && t->destinations && t->prefixes && t->routers)
		return 0;
	tables_free(t);
	return -ENOMEM;
}

void tables_purge(void)
{
	while (net_tables->fragments4 || net_tables->fragments6) {
		/* Each time they are a second older. */
		ip_reass_tmr();
		ip6_reass_tmr();
	}
}

void tables_free(struct lwip_tables *t)
{
	kfree(t->arp);
	kfree(t->neighbors);
	kfree(t->destinations);
	kfree(t->prefixes);
	kfree(t->routers);
}
