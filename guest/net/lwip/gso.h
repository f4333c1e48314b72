/*
 * gso.h - between the device glue (device.c) and what joins TCP's segments (gso.c). All under net_lock.
 */
#ifndef MOAT_NET_LWIP_GSO_H
#define MOAT_NET_LWIP_GSO_H

#include "net/lwip/stack.h"
#include "net/netif.h"

/*
 * Take a frame for d, whose checksums the device does, if it is TCP's: it goes out now or, joined with others, at gso_flush.
 * False: it is none and was left alone. *e: ERR_MEM where the queue is full.
 */
bool gso_output(struct net_device *d, struct pbuf *p, err_t *e);
/* Send what is being joined. */
void gso_flush(void);
/* device.c: queue one frame and count it. ERR_MEM: the queue is full. */
/* device.c: a frame comes in, in net_cur, and is taken over. checked: its checksums need no look. */
void device_input(struct net_device *d, struct pbuf *p, bool checked);
err_t device_transmit(struct net_device *d, struct pbuf *p, const struct net_offload *o);

#endif
