/*
 * pump.h - what moves a sandbox's frames: one thread for each pair of queues (abi/net.h), which looks at the pair's receive
 * queue, its transmit queue and its descriptor of the backend in turn. Between the threads only struct net is shared, of
 * which each writes its own pair's counters alone, and pair 0's the description when the device goes away.
 */
#ifndef MOAT_HOST_NET_PUMP_H
#define MOAT_HOST_NET_PUMP_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "host/net/check.h"
#include "host/net/net.h"
#include "host/ring_dev.h"

#define VNET_LEN 10 /* struct virtio_net_hdr, without the number of buffers */

/* Buffers of the receive queue that hold the longest frame; a whole queue of them has room for RX_BATCH such frames. */
#define RX_NEED	 ((NET_FRAME_MAX + sizeof(struct net_hdr) + NET_RX_BUFFER - 1) / NET_RX_BUFFER)
#define RX_BATCH (RING_ENTRIES / RX_NEED)
#define TX_BATCH 8
#define TX_IOV	 (TX_BATCH * (RING_ENTRIES + 2))

struct buffer {
	uint16_t head;
	struct iovec iov;
};

struct receiver {
	unsigned queue;
	struct ring_dev rd;
	struct buffer buf[RING_ENTRIES]; /* taken from the queue, none used yet */
	unsigned nbuf;
	unsigned batch;		 /* frames that the next call has room for */
	bool drained;		 /* the last call left nothing */
	bool dead;		 /* the backend is gone */
	unsigned char length[4]; /* of the stream's next frame */
	unsigned have;		 /* bytes of it that are there */
	struct net_hdr hdr[RX_BATCH];
	struct iovec v[RX_BATCH * (RX_NEED + 1)];
	struct mmsghdr msg[RX_BATCH];
};

/* A frame on its way: what of it was looked at is ours, the rest still lies with the Sentry. */
struct frame_out {
	uint16_t chain;
	unsigned char prefix[VNET_LEN], head[NET_HEAD_MAX];
	unsigned first, count; /* of sender.v */
	size_t len;
};

struct sender {
	unsigned queue;
	struct ring_dev rd;
	bool dead;    /* the backend is gone: frames go nowhere */
	bool blocked; /* it takes nothing now; what is gathered waits */
	struct frame_out frame[TX_BATCH];
	unsigned nframes, sent; /* gathered; how many of them are away */
	unsigned at, count;	/* what of v is still to be written */
	struct iovec v[TX_IOV];
	struct mmsghdr msg[TX_BATCH];
};

/*
 * Looking again instead of sleeping, while that pays: for as long as it took until something came after the last sleeps, if
 * that was within NET_SPIN_MAX. A thread that looks offers its CPU to whoever wants it, and sleeps when somebody did. An idle
 * one, or one on a machine of few CPUs, does not look at all.
 */
struct net_spin {
	uint64_t since; /* nothing has come since then, 0: something just did */
	unsigned ns;	/* how long to look */
	unsigned hold;	/* sleeps to come without looking: somebody else needs the CPU */
	bool off;
};

struct pump {
	struct net *n;
	struct net_pair *pair;
	int fd;
	bool plain; /* the backend is no socket */
	struct receiver rx;
	struct sender tx;
	struct ring_dev cfg; /* pair 0's */
	struct ring_chain chain;
	struct net_spin spin;
};

void *net_pump_main(void *pair) __attribute__((noreturn));

/* ---- receive.c ---- */

void net_receive_init(struct pump *p);
/* Take what has come, a batch at most: 1, or 0: nothing, or no buffers. -1: the backend is gone. */
int net_receive(struct pump *p);
/* It could not take the longest frame now. */
bool net_receive_starved(const struct pump *p);

/* ---- send.c ---- */

void net_send_init(struct pump *p);
/* Send what is in the queue, a batch at most. False: there was nothing, or the backend takes nothing. */
bool net_send(struct pump *p);

/*
 * A thread whose queue is broken or that cannot go on: never returns. (It does not say so to the compiler: before such a
 * call the address sanitizer asks for the signal stack, which the seal forbids.)
 */
void net_rest(void);

/* Sleep until p->fd is readable: the rest of a frame is under way. */
void net_await_rest(const struct pump *p);

#endif
