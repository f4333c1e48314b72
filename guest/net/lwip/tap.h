/*
 * tap.h - where frames pass by whoever listens to all of them (net/packet/tap.c). net_lock held.
 */
#ifndef MOAT_NET_LWIP_TAP_H
#define MOAT_NET_LWIP_TAP_H

#include "net/netdev.h"

struct pbuf;

enum tap_flags {
	TAP_OUT = 1,	 /* else it comes in */
	TAP_IP = 2,	 /* p begins with an IP header: the loopback's */
	TAP_PARTIAL = 4, /* its transport checksum is not filled in */
};

extern unsigned net_taps; /* how many listen */
void net_tap_frame(struct netdev *d, const struct pbuf *p, unsigned flags);

static inline void net_tap(struct netdev *d, const struct pbuf *p, unsigned flags)
{
	if (__builtin_expect(net_taps, 0))
		net_tap_frame(d, p, flags);
}

#endif
