/*
 * raw.h - ICMP's errors for the other protocols. Private to net/inet/.
 */
#ifndef MOAT_NET_INET_RAW_H
#define MOAT_NET_INET_RAW_H

#include "net/inet/inet.h"

/* A datagram from src:sport to dst:dport came back. net_lock held. */
void udp_error(const ip_addr_t *src, u16 sport, const ip_addr_t *dst, u16 dport,
	       const struct icmp_error *e);

#endif
