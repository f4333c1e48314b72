/*
 * netif.h - between the IP stack and what carries its frames: Ethernet devices, their addresses and routes.
 *
 * A driver embeds struct net_device, fills in what is the driver's, and calls net_device_add. From then on the stack calls
 * ops->transmit and the driver calls net_input. struct netdev (netdev.h) inside is what programs see of it. The loopback
 * is no net_device: what goes to an address of the sandbox's own never leaves the stack.
 *
 * Lock: net_lock, a spinlock, guards the whole stack. transmit is called with it held; everything else here takes it
 * itself and must be called without it. pbufs belong to the stack: pbuf_free, pbuf_ref and pbuf_alloc need net_lock too,
 * net_pbuf_release collects what a driver has done with.
 */
#ifndef MOAT_NET_NETIF_H
#define MOAT_NET_NETIF_H

#include "net/netdev.h"

struct pbuf;
struct netif;
struct net_device;

/* What is left to do with a frame, in the terms of virtio_net_hdr. All 0: nothing. */
struct net_offload {
	bool needs_csum; /* fold a checksum from csum_start on into csum_start + csum_offset */
	u16 csum_start;	 /* bytes from the start of the Ethernet frame */
	u16 csum_offset;
	u8 gso_type;	       /* NET_GSO_* */
	u16 gso_size, hdr_len; /* bytes of payload per segment; Ethernet + IP + TCP headers */
};
#define NET_GSO_NONE  0
#define NET_GSO_TCPV4 1
#define NET_GSO_TCPV6 4

struct net_device_ops {
	/*
	 * Send one Ethernet frame, the chain p of tot_len bytes. Under net_lock: queue it and return. A driver that needs p
	 * longer takes a reference (pbuf_ref) and gives it back by net_pbuf_release; until then the bytes do not change. 0, or
	 * -ENOBUFS: the queue is full (the frame is lost, as on any wire).
	 */
	int (*transmit)(struct net_device *d, struct pbuf *p, const struct net_offload *o);
	/* Would transmit take a frame of up to 18 pieces now? Under net_lock. Or NULL: nobody knows. */
	bool (*has_room)(struct net_device *d);
	/* After a batch of transmits, still under net_lock: ring the doorbell. Or NULL. */
	void (*flush)(struct net_device *d);
};

/* Bits of features: what the driver can be asked for in struct net_offload. */
#define NETF_CSUM 1 /* needs_csum on transmit; frames may come in without a checked checksum */
#define NETF_TSO4 2
#define NETF_TSO6 4

struct net_device {
	/* name, mtu, hwaddr, broadcast, type ARPHRD_ETHER: by the driver before net_device_add */
	struct netdev dev;
	const struct net_device_ops *ops;
	u32 features;	     /* NETF_* */
	struct netif *netif; /* the stack's */
};

/* Make the device known in a namespace, down and without an address. 0, -ENOMEM, -ENFILE. */
int net_device_add(struct net_ns *net, struct net_device *d);
/* It is gone, with its addresses and routes; nobody uses it when this returns. */
void net_device_remove(struct net_device *d);
/* Up: IFF_UP and IFF_RUNNING, and the stack sends neighbour discovery as it needs. */
void net_device_up(struct net_device *d, bool up);

/* family AF_INET or AF_INET6; addr in network order, 4 or 16 bytes. 0, -EEXIST, -ENOSPC, -EINVAL. */
int net_addr_add(struct netdev *d, int family, const void *addr, unsigned prefix);
int net_addr_del(struct netdev *d, int family, const void *addr,
		 unsigned prefix); /* or -EADDRNOTAVAIL */

/*
 * A route to dst/prefix (prefix 0: the default route) through gateway, or with gateway NULL directly on the link of d. The
 * route of an address's own prefix is made by net_addr_add. 0, -EEXIST, -ENOSPC, -ENETUNREACH (the gateway is on no link).
 */
int net_route_add(struct netdev *d, int family, const void *dst, unsigned prefix,
		  const void *gateway);

/*
 * Away with a route of d, or of any device of net for d NULL, through gateway if it is not NULL. -ESRCH.
 */
int net_route_del(struct net_ns *net, const struct netdev *d, int family, const void *dst,
		  unsigned prefix, const void *gateway);

/* ---- receiving ---- */

/*
 * A pbuf around len bytes of the driver's own memory, without a copy: release(arg) runs once the stack and every socket
 * have let go of it, from any context with or without net_lock. NULL without memory. Takes no lock.
 */
struct pbuf *net_pbuf_wrap(void *data, u32 len, void (*release)(void *arg), void *arg);

/*
 * Frames that came in: n chains, each from its Ethernet header on, which the stack takes over. checked: bit i says that
 * the checksum of frame i was verified or was never filled in (VIRTIO_NET_HDR_F_DATA_VALID, F_NEEDS_CSUM). n <= 64. A GRO
 * frame is one chain of at most 65,535 bytes. From any context without locks.
 */
void net_input(struct net_device *d, struct pbuf **frames, unsigned n, u64 checked);

/* Give back references from ops->transmit. From any context without locks. */
void net_pbuf_release(struct pbuf **pbufs, unsigned n);

#endif
