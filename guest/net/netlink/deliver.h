/*
 * deliver.h - datagrams to a netlink socket from elsewhere in the Sentry.
 */
#ifndef MOAT_NET_NETLINK_DELIVER_H
#define MOAT_NET_NETLINK_DELIVER_H

#include "lib/types.h"

struct socket;

/* Queue n bytes as a datagram without a header. Lost when memory is short or the socket's buffer is full. */
void netlink_deliver(struct socket *s, const void *data, u32 n);

#endif
