/*
 * netlink.h - AF_NETLINK sockets (netlink(7)): for net/netlink/, and for families that list their sockets (diag.c).
 *
 * socket.c has the sockets: addresses, queues of datagrams, groups. A protocol handles each request as it is sent and
 * queues the answers on the sender's own socket: route.c, diag.c. A protocol with no handler only has listeners.
 */
#ifndef MOAT_NET_NETLINK_NETLINK_H
#define MOAT_NET_NETLINK_NETLINK_H

#include <linux/netlink.h>

#include "lib/list.h"
#include "lib/spinlock.h"
#include "net/filter.h"
#include "net/socket.h"

struct nl_buf {
	struct list node;
	u32 len, size;
	u32 group; /* 0: unicast */
	u8 data[];
};

struct nl_sock {
	struct socket s;
	struct list all_node; /* under netlink_lock: bound ones */
	u32 portid;	      /* 0: not bound. under netlink_lock */
	u32 groups;	      /* subscribed, a bit a group, 1..32 */
	u32 peer_portid, peer_groups;

	struct spinlock lock; /* the queue */
	struct list rx;
	u64 rx_bytes;

	struct mutex dump_lock; /* one request at a time */
	struct nl_buf *open;	/* the datagram that answers are being added to */
	u32 message;		/* where in it the present message begins */
	bool failed;		/* no memory for an answer */
	u32 flags;		/* NLF_* */
	bool opener_admin;	/* whoever opened it had CAP_NET_ADMIN */
	struct filter_slot filter;
};
#define NLF_CAP_ACK    1
#define NLF_EXT_ACK    2
#define NLF_PKTINFO    4
#define NLF_STRICT     8
#define NLF_NO_ENOBUFS 16

/* One request: its header and what follows, in kernel memory. */
struct nl_request {
	struct nl_sock *from;
	const struct nlmsghdr *h;
	const u8 *body;
	u32 len; /* of body */
};

/* May the network be changed? Both who asks and who opened the socket need CAP_NET_ADMIN for it, as in netlink_capable(). */
bool nl_admin(const struct nl_request *r);

/* ---- message.c: building answers ---- */
/* Begin a message of `size` fixed bytes, which are returned zeroed; NULL without memory. multi: part of a dump. */
void *nl_begin(struct nl_request *r, u16 type, u32 size, bool multi);
void nl_attr(struct nl_request *r, u16 type, const void *data, u32 len);
void nl_attr_u32(struct nl_request *r, u16 type, u32 v);
void nl_attr_u8(struct nl_request *r, u16 type, u8 v);
void nl_attr_str(struct nl_request *r, u16 type, const char *s);
void nl_end(struct nl_request *r);  /* of the message begun last */
void nl_done(struct nl_request *r); /* end of a dump */
void nl_error(struct nl_request *r, int err);
/* The attribute of this type behind `fixed` bytes of the body, or NULL; *len gets its length. */
const void *nl_find(const struct nl_request *r, u32 fixed, u16 type, u32 *len);
/* Likewise in n bytes of attributes: nested ones. */
const void *nl_find_in(const u8 *attrs, u32 n, u16 type, u32 *len);
void nl_flush(struct nl_sock *s); /* what was built goes into the queue */

/* ---- deliver.c, from any context ---- */
/* Into the queue, unless that has more than limit then, or its filter has no use for it. False: there is no room. */
bool nl_take(struct nl_sock *s, struct nl_buf *b, u64 limit);
/* A copy of n bytes as a datagram; false: its buffer is full, or there is no memory. */
bool nl_queue(struct nl_sock *s, const void *data, u32 n, u32 group);

/* ---- route.c ---- */
/* 0, or -errno which is sent as the answer. A dump was ended by nl_done. */
int rtnetlink_request(struct nl_request *r);

/* ---- diag.c ---- */
int sock_diag_request(struct nl_request *r);
/* The attribute with struct sock's counts of memory (SK_MEMINFO_*). */
void diag_put_meminfo(struct nl_request *r, u16 type, const struct socket *s, u64 unread,
		      u64 unsent, u32 drops);
/* Of the families: all sockets that the request asks for, or the one that it names. -EINVAL, -ENOENT. */
int inet_diag_request(struct nl_request *r, bool all);
int unix_diag_request(struct nl_request *r, bool all);

/* The interface that a request names by index or name. netdev_lock held. */
struct ifinfomsg;
struct netdev *rtnetlink_named(const struct nl_request *r, const struct ifinfomsg *i);

/* ---- change.c ---- */
int rtnetlink_change(struct nl_request *r);
/* Has the request an attribute behind `fixed` bytes that is not in `known`, which ends with 0? With a line in dmesg. */
bool rtnetlink_has_other(const struct nl_request *r, u32 fixed, const u16 *known);

/* ---- neigh.c ---- */
int rtnetlink_get_neighbours(struct nl_request *r, bool dump);

/* ---- rule.c ---- */
int rtnetlink_get_rules(struct nl_request *r, bool dump);

/* ---- link.c; netdev_mutex held ---- */
struct netdev;
int rtnetlink_new_link(struct nl_request *r, const struct ifinfomsg *i);
int rtnetlink_del_link(struct netdev *d);
/* What a request says of d besides whether it is up: name, MTU, address, namespace. After a move d may not be used. */
int rtnetlink_set_link(struct nl_request *r, struct netdev *d);

/* ---- socket.c: to all bound ones of a namespace that have joined a group of a protocol ---- */
bool netlink_has_listeners(const struct net_ns *net, int protocol, u32 group);
/* A copy of n bytes for each; who has no room gets ENOBUFS. Not under netlink_lock, any other spinlock will do. */
void netlink_multicast(const struct net_ns *net, int protocol, u32 group, const void *data, u32 n);

/* ---- route.c, route_main.c: one message. type: RTM_NEW*, or RTM_DEL* in an event ---- */
struct inet_route;
struct netdev_addr;
/* netdev_lock held */
void rtnetlink_put_link(struct nl_request *r, u16 type, const struct netdev *d, bool multi);
void rtnetlink_put_addr(struct nl_request *r, u16 type, const struct netdev *d,
			const struct netdev_addr *a, bool multi);
/* net_lock held */
void rtnetlink_put_main(struct nl_request *r, u16 type, const struct inet_route *t, bool multi);
/* The way of a packet to dst: the answer to `ip route get`. */
struct route_way {
	u8 family, type;		 /* RTN_* */
	const void *dst, *src, *gateway; /* addresses of the family; src and gateway may be NULL */
	u32 ifindex;
	const struct path_mtu *path; /* what ICMP said of it, under net_lock; or NULL */
};
void rtnetlink_put_way(struct nl_request *r, const struct route_way *w);

/* ---- route_main.c; without locks ---- */
void rtnetlink_dump_main(struct nl_request *r, u8 family);
/* The route to dst; 0 or -ENETUNREACH. */
int rtnetlink_get_main(struct nl_request *r, u8 family, const void *dst, u32 len);

#endif
