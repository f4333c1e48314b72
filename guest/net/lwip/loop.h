/*
 * loop.h - what is delivered when the stack is left (loop.c).
 */
#ifndef MOAT_NET_LWIP_LOOP_H
#define MOAT_NET_LWIP_LOOP_H

#include "net/netif.h"

/* p, an Ethernet frame of the stack's own making, comes in by d; taken over on success. ERR_MEM. net_lock held. */
int loop_queue_frame(struct net_device *d, struct pbuf *p);

#endif
