/*
 * stack.h - lwIP in the Sentry: its lock, its clock, its memory, the loopback. For net/inet and the device glue.
 *
 * Lock: net_lock, a spinlock, guards everything of lwIP and every socket's protocol state: the operations of sockets must
 * not block, and frames and timers come in upcalls that take spinlocks only. User memory is copied with the lock dropped.
 * What goes to the sandbox's own addresses is queued while the lock is held and delivered by the outermost net_leave, so
 * that no delivery runs inside another one.
 *
 * Namespaces: whoever takes the lock says for which one (net_enter, net_lock_for); routes, own addresses and interfaces are
 * net_cur's from then on. What a connection sends by itself (timers) finds its own: tcp_route_hook.
 */
#ifndef MOAT_NET_LWIP_STACK_H
#define MOAT_NET_LWIP_STACK_H

#include "lib/spinlock.h"
#include "lib/types.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "net/lwip/pmtu.h"
#include "net/lwip/route.h"
#include "net/lwip/tables.h"
#include "net/net_ns.h"
#include "net/netdev.h"
#include "net/sysctl.h"

struct net_ns {
	struct ns_common *common; /* it owns this */

	/* ---- netdev.c ---- */
	struct list devs; /* struct netdev, by index */
	int last_index;
	struct netdev lo; /* always the first of them */

	/* ---- lwip/ ---- */
	struct netif loop;			  /* lwIP's side of lo */
	struct netif *netif_list, *netif_default; /* lwIP's, while it is not net_cur */
	struct lwip_tables tables;
	struct list all_node;		      /* of net_all */
	struct inet_route routes[ROUTES_MAX]; /* sorted by family, then by falling prefix length */
	unsigned routes_count;
	struct path_mtu paths[PATHS_MAX]; /* pmtu.c */
	unsigned paths_count;
	u32 paths_changes; /* times that the MTU of one, or of an interface, became another */

	s64 sysctl[NET_SYSCTLS];

	struct net_ns *next_dying; /* net_ns.c */
};

extern struct spinlock net_lock;
extern struct net_ns *net_cur; /* under net_lock */
extern struct list net_all;    /* likewise: those that have a loopback */

/* Go on for another namespace. net_lock held. */
void net_switch_to(struct net_ns *net);
static inline void net_switch(struct net_ns *net)
{
	if (unlikely(net != net_cur))
		net_switch_to(net);
}
static inline void net_lock_for(struct net_ns *net)
{
	spin_lock(&net_lock);
	net_switch(net);
}
/* Into the stack, and out of it: delivers what is queued on the loopback, arms the timer. Not nested. */
void net_enter(struct net_ns *net);
void net_leave(void);
/* Set under net_lock: what net_leave calls, once, when it has let go of it. */
extern void (*net_after)(void);
void stack_init(void); /* once, at boot */

/* ---- loop.c ---- */
/* The loopback of a namespace, down; its end, under net_lock with net as net_cur, which is another one then. */
void loop_add(struct net_ns *net);
void loop_remove(struct net_ns *net);
/* Up it has 127.0.0.1 and ::1; down it loses IPv6 addresses. Takes net_lock. */
void loop_set_up(struct net_ns *net, bool up);
#define LOOP_INDEX 1
/* A visit to the stack begins. Deliver what is queued; what a visit queues beyond a bound is lost. net_lock held. */
void loop_begin(void);
void loop_run(void);
bool loop_pending(void);
/* A frame that a program made comes in by net_cur's loopback, if it is one. p stays the caller's. net_lock held. */
void loop_inject(struct pbuf *p);
/* Is this address one of net_cur's own? net_lock held. */
bool addr_is_local(const ip_addr_t *a);
/* Has net_cur no IPv4 address at all? net_lock held. */
bool addr_none4(void);

/* device.c: can lwIP look at the headers of this Ethernet frame without leaving it? */
bool frame_whole(const struct pbuf *p);
/* ---- device.c: ring the doorbell of the device that was sent to ---- */
void device_flush(void);

/* ---- inet/group.c: a device goes, and the memberships on it with it ---- */
void group_forget(const struct netif *n);

/* ---- timer.c ---- */
void timers_init(void);
/* At net_leave: something happened that may need a timer. */
void timers_arm(void);
/* At net_enter: no ticks were counted for a while; let lwIP's clock be right before it is read. */
void timers_catch_up(void);
/* A device moved frames: its neighbours may need attention. */
void timers_device_active(void);

/* ---- pcbs.c: connections that count no ticks ---- */
struct tcp_pcb;
/* Out of tcp_active_pcbs, until something happens or tick number `due` (0: never) is there. */
void pcbs_park(struct tcp_pcb *p, u32 due);
void pcbs_wake_due(u32 tick);
/* Does a parked connection, or one in TIME_WAIT, want a tick? In how many from now. */
bool pcbs_next_due(u32 *ticks);
/* No socket of a namespace is left: end what its connections are still at. */
void tcp_end_all(struct net_ns *net);

/* ---- recovery.c ---- */
void recovery_init(void);
/* The SACK option of a segment, before lwIP looks at it. opt: its options; NULL: none. */
void recovery_heard(struct tcp_pcb *p, const u8 *opt, unsigned len);
/* Time of this stay in the stack, ns. */
u64 net_now(void);

/* ---- chunk.c: the bytes of streams and datagrams, copied once from user memory and shared by reference ---- */
struct net_chunk {
	u32 ref;  /* atomic */
	u32 size; /* of data */
	u32 used;
	u32 pad;
	u8 data[];
};
#define CHUNK_MAX (65536u - 64)		 /* data of the largest: a block of 64 KiB from the heap */
struct net_chunk *chunk_alloc(u32 size); /* one reference; NULL without memory */
void chunk_put(struct net_chunk *c);
/* A pbuf that shows len bytes at data inside c, with a reference of its own. NULL without memory. */
struct pbuf *chunk_pbuf(struct net_chunk *c, const void *data, u32 len);
/* The chunk behind a pbuf; NULL: it has none. */
struct net_chunk *chunk_of(const struct pbuf *p);
/*
 * While set, the PBUF_ROM pbufs that lwIP makes (tcp_write without a copy) are chunk pbufs of it. net_lock held.
 */
extern struct net_chunk *chunk_writing;
/* A copy of p that may be changed: bytes in chunks are shared, others are copied. head: room in front. */
struct pbuf *chunk_clone(const struct pbuf *p);
/* Likewise, with the first n bytes, or all that there are, copied into the first buffer. NULL without memory. */
struct pbuf *chunk_clone_frame(const struct pbuf *p, u16 n);

#endif
