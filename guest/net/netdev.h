/*
 * netdev.h - network interfaces as programs see them: names, indices, flags, addresses. rtnetlink, the interface ioctls
 * and /proc/net/dev show this table; the protocol stacks own what goes through an interface.
 *
 * Lock: netdev_lock, a spinlock, guards the list and every field but the counters, which are added to without a lock.
 */
#ifndef MOAT_NET_NETDEV_H
#define MOAT_NET_NETDEV_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "task/wait.h"

#define IFNAMSIZ	 16
#define NETDEV_ADDRS_MAX 16

#define IFF_UP	      0x1
#define IFF_BROADCAST 0x2
#define IFF_LOOPBACK  0x8
#define IFF_RUNNING   0x40
#define IFF_MULTICAST 0x1000
#define IFF_LOWER_UP  0x10000

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772
#define LOOPBACK_INDEX	1 /* in each namespace */

/* rtnetlink's scopes */
#define SCOPE_UNIVERSE 0
#define SCOPE_LINK     253
#define SCOPE_HOST     254

struct netdev_addr {
	u8 family; /* AF_INET, AF_INET6; 0: a free slot */
	u8 prefix;
	u8 scope;
	u8 addr[16];
};

struct netdev_stats {
	u64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
		tx_dropped;
	u64 multicast;
};

struct net_ns;

struct netdev {
	struct list node; /* of net->devs */
	struct net_ns *net;
	int index;
	char name[IFNAMSIZ];
	u32 flags; /* IFF_* */
	u32 mtu, min_mtu, max_mtu, txqlen;
	int link;	     /* IFLA_LINK: the interface behind it, 0: none */
	bool link_elsewhere; /* that is in another namespace */
	const char *kind;    /* of those that programs make, or NULL */
	u16 type;	     /* ARPHRD_* */
	u8 hwaddr[6], broadcast[6];
	struct netdev_addr addr[NETDEV_ADDRS_MAX];
	struct netdev_stats stats;
};

extern struct spinlock netdev_lock;
/* Around what programs change of interfaces: one that was found under it stays. Outside of all locks of the network. */
extern struct mutex netdev_mutex;
/* Gives it the next index. 0, -ENFILE: there are too many. */
int netdev_add(struct net_ns *net, struct netdev *d);
void netdev_del(struct netdev *d); /* net_lock held too: who found it under that keeps it */
#define NETDEV_INDEX_MAX 254	   /* lwIP's numbers are bytes */
/* Borrowed, with netdev_lock held; NULL: there is none. */
struct netdev *netdev_by_index(struct net_ns *net, int index);
struct netdev *netdev_by_name(struct net_ns *net, const char *name);
/* By a program; netdev_mutex held. lwip/device.c */
void netdev_set_up(struct netdev *d, bool up);
/* net_lock and netdev_lock held; the address: of Ethernet devices. lwip/device.c */
void netdev_set_mtu(struct netdev *d, u32 mtu);
void netdev_set_hwaddr(struct netdev *d, const u8 addr[6]);
void netdev_init(void);	   /* at boot: /proc/net/dev */
void net_sysfs_init(void); /* sysfs.c; at boot */
/* A new namespace has a loopback interface; it is down, but for the first one's. */
void netdev_ns_init(struct net_ns *net);

#endif
