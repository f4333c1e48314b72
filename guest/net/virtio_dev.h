/*
 * virtio_dev.h - one network device's queues and buffers, between the files of the driver (virtio*.c).
 *
 * Lock: tx_lock, a spinlock within net_lock, guards the lists of transmit slots. Receiving needs none: the receive queue's
 * completions come from one upcall at a time.
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

struct virtio_net;

struct rx_slot {
	struct ring_request req;
	struct virtio_net *v;
	void *page;
};

struct tx_slot {
	struct ring_request req;
	struct virtio_net *v;
	struct tx_slot *next;
	struct pbuf *p; /* a reference; NULL: bounce holds a copy */
	void *bounce;
	struct net_hdr hdr;
};

struct virtio_net {
	struct net_device nd;
	struct ring *rx, *tx;
	bool up;

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

/* Post the receive buffers. 0 or -ENOMEM. */
int virtio_rx_start(struct virtio_net *v);
/* 0 or -ENOMEM. */
int virtio_tx_start(struct virtio_net *v);
/* Give back what the host has sent. Without locks. */
void virtio_tx_clean(struct virtio_net *v);

extern const struct net_device_ops virtio_net_ops;

#endif
