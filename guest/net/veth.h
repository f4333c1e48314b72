/*
 * veth.h - pairs of interfaces that lead to each other. netdev_mutex held, but for veth_end_all.
 */
#ifndef MOAT_NET_VETH_H
#define MOAT_NET_VETH_H

#include "net/netif.h"

/* An interface that a program asks for. */
struct link_request {
	char name[IFNAMSIZ];
	struct net_ns *net;
	struct ns_common *held; /* a reference that keeps net, or NULL */
	bool has_hwaddr, up;
	u8 hwaddr[6];
	u32 mtu; /* 0: the usual one */
};

/* Both ends. The names are free. -ENOMEM, -ENFILE. */
int veth_create(const struct link_request *a, const struct link_request *b);
/* Both ends go. */
void veth_delete(struct netdev *d);
/* Down and without addresses into another namespace, where its name is free. After an error the pair is gone. */
int veth_move(struct netdev *d, struct net_ns *to);
bool netdev_is_veth(struct netdev *d);
/* A namespace ends, and with it what leads into it. Takes netdev_mutex. */
void veth_end_all(struct net_ns *net);

#endif
