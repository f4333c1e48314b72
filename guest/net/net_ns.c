/*
 * net_ns.c - making and ending network namespaces (net_ns.h).
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "net/inet/inet.h"
#include "net/lwip/stack.h"
#include "task/userns.h"

struct net_ns net_first;

struct net_ns *net_ns_current(void)
{
	struct net_ns *n = ns_object(NS_NET);

	return n ? n : &net_first;
}

void net_ns_get(struct net_ns *n)
{
	if (unlikely(n != &net_first))
		ns_get(n->common);
}

void net_ns_put(struct net_ns *n)
{
	if (unlikely(n != &net_first))
		ns_put(n->common);
}

struct ns_common *net_ns_common(const struct net_ns *n)
{
	return n->common;
}

bool net_capable(const struct net_ns *n, int cap)
{
	return ns_capable(ns_owner(n->common), cap);
}

static void *create(struct ns_common *common)
{
	struct net_ns *n = kzalloc(sizeof(*n));

	if (!n)
		return ERR_PTR(-ENOMEM);
	n->common = common;
	net_sysctl_defaults(n);
	netdev_ns_init(n);
	loop_add(n);
	return n;
}

/* There is no socket of it any more; connections without one may be. */
static void release(void *object)
{
	struct net_ns *n = object;

	net_enter(n);
	tcp_end_all(n);
	loop_remove(n);
	net_leave();
	kfree(n);
}

void net_ns_init(void)
{
	net_first.common = ns_first(NS_NET);
	net_first.common->object = &net_first;
	net_sysctl_defaults(&net_first);
	net_sysctl_init();
	netdev_ns_init(&net_first);
	ns_register(NS_NET, create, release);
}
