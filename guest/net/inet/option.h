/*
 * option.h - options of IP sockets, by level. Private to net/inet/.
 */
#ifndef MOAT_NET_INET_OPTION_H
#define MOAT_NET_INET_OPTION_H

#include "net/inet/inet.h"
#include "net/netdev.h"

/* The value as a number: a word, or a byte where it is shorter (ip(7)). -EINVAL. */
int option_int(const void *v, unsigned len, s32 *n);
int option_put(void *v, unsigned *len, s32 n); /* 0 */
int option_put_bytes(void *v, unsigned *len, const void *from, unsigned n);

int option_ip_set(struct inet_sock *k, int name, const void *v, unsigned len);
int option_ip_get(struct inet_sock *k, int name, void *v, unsigned *len);
int option_ip6_set(struct inet_sock *k, int name, const void *v, unsigned len);
int option_ip6_get(struct inet_sock *k, int name, void *v, unsigned *len);
int option_tcp_set(struct inet_sock *k, int name, const void *v, unsigned len);
int option_tcp_get(struct inet_sock *k, int name, void *v, unsigned *len);
int option_raw_set(struct inet_sock *k, int level, int name, const void *v, unsigned len);
int option_raw_get(struct inet_sock *k, int level, int name, void *v, unsigned *len);
/* udp_segment.c */
int option_udp_set(struct inet_sock *k, int name, const void *v, unsigned len);
int option_udp_get(struct inet_sock *k, int name, void *v, unsigned *len);
/* group.c */
int group_set(struct inet_sock *k, int name, const void *v, unsigned len);

#endif
