/*
 * event.h - who listens to rtnetlink's groups (`ip monitor`, udev, dhcpcd) hears of changes. Called after the change with
 * netdev_mutex held, or before anybody can listen; without other locks. Costs nothing while nobody listens.
 */
#ifndef MOAT_NET_NETLINK_EVENT_H
#define MOAT_NET_NETLINK_EVENT_H

#include "lib/types.h"

struct inet_route;
struct net_ns;
struct netdev;
struct netdev_addr;

/* gone: it is about to be no more, or is no more. */
void rtnetlink_link_event(const struct netdev *d, bool gone);
void rtnetlink_addr_event(const struct netdev *d, const struct netdev_addr *a, bool gone);
void rtnetlink_route_event(struct net_ns *net, const struct inet_route *t, bool gone);

#endif
