/*
 * virtio_dev.h - one network device's queues and buffers, between the files of the driver (virtio*.c).
 *
 * A device has one pair of queues or up to four, as the host says. The host chooses the pair that a flow's frames come by. What
 * is sent goes by the pair of the present CPU, but a flow changes its pair only when the old one has nothing in flight, so that
 * its frames stay in order. All pairs feed one stack under one lock: more of them spread the host's work, not the stack's.
 *
 * Lock: a pair's tx_lock, a spinlock within net_lock, guards its lists of transmit slots; flow and touched are net_lock's.
 * Receiving needs none: a receive queue's completions come from one upcall at a time.
 */
#ifndef MOAT_NET_VIRTIO_DEV_H
#define MOAT_NET_VIRTIO_DEV_H

#include "abi/net.h"
#include "lib/spinlock.h"
#include "net/netif.h"
#include "ring/ring.h"

#define RX_SLOTS 120 /* of 128 descriptors; 17 hold the longest frame */
#define TX_SLOTS 64  /* a frame takes two descriptors or more */
#define RX_BATCH 64  /* frames that net_input takes at a time */
#define TX_FLOWS 64  /* a power of two: flows of one hash share a fate */

struct virtio_net;
struct virtio_pair;

struct rx_slot {
	struct ring_request req;
	struct virtio_pair *q;
	void *page;
};

struct tx_slot {
	struct ring_request req;
	struct virtio_pair *q;
	struct tx_slot *next;
	struct pbuf *p; /* a reference; NULL: bounce holds a copy */
	void *bounce;
	struct net_hdr hdr;
};

struct virtio_pair {
	struct virtio_net *v;
	struct ring *rx, *tx;

	/* ---- receiving ---- */
	struct pbuf *frames[RX_BATCH];
	unsigned nframes;
	u64 checked;
	struct pbuf *partial; /* a frame of which missing buffers are still to come */
	unsigned missing;
	bool partial_checked, skip; /* skip: the rest of a frame that had no memory */

	/* ---- sending ---- */
	struct spinlock tx_lock;
	struct tx_slot *tx_free,
		*tx_done; /* done: the host has used it, its pbuf is not yet given back */
	bool cleaning;	  /* somebody with net_lock gives back */
	struct tx_slot *tx_slots;
	struct rx_slot *rx_slots;
};

struct virtio_net {
	struct net_device nd;
	bool up;
	u32 touched;	   /* bit i: pair i was given frames since the last flush */
	u8 flow[TX_FLOWS]; /* the pair that flows of this hash go by */
	unsigned npairs;
	struct virtio_pair pair[];
};

/* Post the receive buffers. 0 or -ENOMEM. */
int virtio_rx_start(struct virtio_pair *q);
/* 0 or -ENOMEM. */
int virtio_tx_start(struct virtio_pair *q);
/* Give back what the host has sent. Without locks. */
void virtio_tx_clean(struct virtio_pair *q);

extern const struct net_device_ops virtio_net_ops;

#endif
