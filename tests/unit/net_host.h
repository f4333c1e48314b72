/*
 * net_host.h - what tests of the IP stack share: the Sentry around it, with a clock of its own and dice that always fall alike.
 */
#ifndef MOAT_UNIT_NET_HOST_H
#define MOAT_UNIT_NET_HOST_H

#include "lwip/priv/tcp_priv.h"
#include "net/lwip/stack.h"
#include "net/netif.h"

extern u64 unit_now, unit_seed;
extern long unit_live;	     /* objects of kmalloc */
extern unsigned unit_starve; /* one allocation in so many fails; 0: none */
extern s64 unit_base_mss, unit_mtu_probing;

u64 dice(void);
u32 below(u32 n);
/* Time passes; timers that are due by then run. */
void unit_pass(u64 ns);
/* When the first timer is due; ~0: none is. */
u64 unit_next_timer(void);

#endif
