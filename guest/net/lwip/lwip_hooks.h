/*
 * lwip_hooks.h - where lwIP asks us. All are called with net_lock held.
 */
#ifndef MOAT_LWIP_HOOKS_H
#define MOAT_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

struct netif;
struct pbuf;
struct tcp_hdr;
struct tcp_pcb;
struct tcp_pcb_listen;

/* The interface for a packet: the loopback for what is our own, a route's device; NULL: let lwIP choose. */
struct netif *route_hook4(const ip4_addr_t *src, const ip4_addr_t *dst);
struct netif *route_hook6(const ip6_addr_t *src, const ip6_addr_t *dst);
/* The next hop on the way to dst; NULL: lwIP's own idea. */
const ip4_addr_t *gateway_hook4(struct netif *n, const ip4_addr_t *dst);
const ip6_addr_t *gateway_hook6(struct netif *n, const ip6_addr_t *dst);
/* The interface for what a connection sends, in its own namespace; pcb NULL or listening: an answer to the packet that came in,
 * in net_cur. */
struct netif *tcp_route_hook(const struct tcp_pcb *pcb, const ip_addr_t *src, const ip_addr_t *dst);
/* How large an IPv4 packet may be that leaves by n for dst, and: are routers not to cut one of len bytes? (pmtu.c) */
u16 mtu_hook4(const struct netif *n, const ip4_addr_t *dst);
bool dont_fragment_hook(const struct netif *n, const ip4_addr_t *dst, u16 len);
/* IP_MTU_DISCOVER of who is sending: set around each call into IP's output by who has options, else the default. */
extern u8 path_discovery;
#define PATH_DISCOVERY_DEFAULT 1 /* IP_PMTUDISC_WANT */
/* A segment for this PCB, before it is looked at: false drops it. Its options lie behind h and, the rest, at opt2; p: its
 * data. */
bool tcp_segment_hook(struct tcp_pcb *pcb, const struct tcp_hdr *h, unsigned optlen,
		      unsigned opt1len, const void *opt2, const struct pbuf *p);
/* Where a connection's numbers begin: never before where the last one of the same addresses and ports did (RFC 6528). */
u32 tcp_isn(const ip_addr_t *local, u16 lport, const ip_addr_t *remote, u16 rport);
/* Who listens for a segment that belongs to no connection; NULL: nobody. */
struct tcp_pcb_listen *tcp_listener_hook(const ip_addr_t *local, u16 lport, const ip_addr_t *remote,
					 u16 rport);

#endif
