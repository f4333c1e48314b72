/*
 * families.h - the families that there are; family.c lists them.
 */
#ifndef MOAT_NET_FAMILIES_H
#define MOAT_NET_FAMILIES_H

struct proto_family;

extern const struct proto_family inet6_family;
extern const struct proto_family inet_family;
extern const struct proto_family netlink_family;
extern const struct proto_family packet_family;
extern const struct proto_family unix_family;

#endif
