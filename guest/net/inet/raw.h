/*
 * raw.h - packets that are not TCP's, on their way to sockets, and ICMP's errors for all. Private to net/inet/; net_lock held.
 */
#ifndef MOAT_NET_INET_RAW_H
#define MOAT_NET_INET_RAW_H

#include "net/inet/inet.h"

/* ---- icmp.c ---- */
/* An ICMP message of at least 8 bytes is at `at` of p; the packet's headers are those of ip_data. */
void icmp_heard(struct pbuf *p, u16 at, struct netif *inp);
/* A packet that k sent to (to, port) came back: for the path, and for k. */
void dgram_error(struct inet_sock *k, struct icmp_error *e, const ip_addr_t *to, u16 port);

/* ---- udp.c: a datagram from src:sport to dst:dport came back ---- */
void udp_error(const ip_addr_t *src, u16 sport, const ip_addr_t *dst, u16 dport,
	       struct icmp_error *e);
/* ---- raw.c: a packet of this protocol from src to dst did; e shows what is behind its IP header, 8 bytes at least ---- */
void raw_error(const ip_addr_t *src, const ip_addr_t *dst, u8 proto, struct icmp_error *e);

#endif
