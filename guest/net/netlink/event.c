/*
 * event.c - rtnetlink's events (event.h): one message for each change, built once and copied to each listener's queue.
 *
 * A listener whose buffer is full gets ENOBUFS instead, as on Linux, and asks again for everything. Differs from Linux: there
 * are no events for the local table's routes, for neighbours, and for routes that go with their interface.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "mm/slab.h"
#include "net/lwip/stack.h"
#include "net/netlink/event.h"
#include "net/netlink/netlink.h"

/* A message in the making: a socket that nobody has, so that the builders of answers can be used. */
struct event {
	struct nl_sock sock;
	struct nlmsghdr header;
	struct nl_request request;
};

/* NULL: nobody listens, or there is no memory. */
static struct event *begin(struct net_ns *net, u32 group)
{
	struct event *e;

	if (!netlink_has_listeners(net, NETLINK_ROUTE, group))
		return NULL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return NULL;
	e->sock.s.net = net;
	e->request = (struct nl_request){ .from = &e->sock, .h = &e->header };
	return e;
}

static void end(struct event *e, u32 group)
{
	struct nl_buf *b = e->sock.open;

	if (b && !e->sock.failed)
		netlink_multicast(e->sock.s.net, NETLINK_ROUTE, group, b->data, b->len);
	kfree(b);
	kfree(e);
}

void rtnetlink_link_event(const struct netdev *d, bool gone)
{
	struct event *e = begin(d->net, RTNLGRP_LINK);

	if (!e)
		return;
	spin_lock(&netdev_lock);
	rtnetlink_put_link(&e->request, gone ? RTM_DELLINK : RTM_NEWLINK, d, false);
	spin_unlock(&netdev_lock);
	end(e, RTNLGRP_LINK);
}

void rtnetlink_addr_event(const struct netdev *d, const struct netdev_addr *a, bool gone)
{
	u32 group = a->family == AF_INET ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
	struct event *e = begin(d->net, group);

	if (!e)
		return;
	spin_lock(&netdev_lock);
	rtnetlink_put_addr(&e->request, gone ? RTM_DELADDR : RTM_NEWADDR, d, a, false);
	spin_unlock(&netdev_lock);
	end(e, group);
}

void rtnetlink_route_event(struct net_ns *net, const struct inet_route *t, bool gone)
{
	u32 group = t->family == AF_INET ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
	struct event *e = begin(net, group);

	if (!e)
		return;
	spin_lock(&net_lock);
	rtnetlink_put_main(&e->request, gone ? RTM_DELROUTE : RTM_NEWROUTE, t, false);
	spin_unlock(&net_lock);
	end(e, group);
}
