/*
 * net_ns.h - network namespaces: interfaces, addresses, routes, ports, connections, abstract names of AF_UNIX sockets.
 *
 * lwIP knows one list of interfaces and one default. They are those of the namespace `net_cur`, for which the stack is
 * working; net_switch puts another one's in their place, at the entry to the stack and for each packet of a loopback. What is
 * found by hash (connections, ports, names) is in tables of all namespaces and compares its own.
 *
 * A socket holds its namespace for life (sock_init). References are those of its ns_common (task/ns/ns.h); the first one is
 * never freed and not counted.
 *
 * Locks: net_lock for all but the table of interfaces, which is under netdev_lock. The last reference must not go under net_lock:
 * a connection that nobody has accepted is put under it, and its listener has one more.
 */
#ifndef MOAT_NET_NET_NS_H
#define MOAT_NET_NET_NS_H

#include "task/ns/ns.h"

struct net_ns; /* net/lwip/stack.h */

extern struct net_ns net_first;

void net_ns_init(void); /* at boot, before the families */
/* Of the current task; borrowed. */
struct net_ns *net_ns_current(void);
void net_ns_get(struct net_ns *n);
void net_ns_put(struct net_ns *n);
/* Before an interface is made that leads from one to another; netdev_mutex held. 0, -ENOMEM. */
int net_ns_start_reaper(void);
/* Has the current task cap over the user namespace that owns n? */
bool net_capable(const struct net_ns *n, int cap);

#endif
