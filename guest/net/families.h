/*
 * families.h - the families that there are; family.c lists them.
 */
#ifndef MOAT_NET_FAMILIES_H
#define MOAT_NET_FAMILIES_H

struct net_ns;
struct proto_family;
struct socket;

extern const struct proto_family inet6_family;
extern const struct proto_family inet_family;
extern const struct proto_family netlink_family;
extern const struct proto_family packet_family;
extern const struct proto_family unix_family;

/* A TCP socket of the Sentry's own in net, which no file holds: release() it, then sock_put. ERR_PTR(-ENOBUFS). */
struct socket *inet_tcp_socket(struct net_ns *net, int family);

#endif
