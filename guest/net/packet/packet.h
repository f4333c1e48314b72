/*
 * packet.h - AF_PACKET sockets (packet(7)). Private to net/packet/.
 *
 * tap.c sees every frame and queues it on the sockets that want it, in a list of frames or in a ring that the program has
 * mapped (ring.c); io.c gives the former out and sends frames; option.c, socket.c the rest.
 *
 * Lock: net_lock guards everything but a ring's memory, whose size is fixed while its socket has it: setting it up and
 * taking it away change `ring` under net_lock.
 */
#ifndef MOAT_NET_PACKET_PACKET_H
#define MOAT_NET_PACKET_PACKET_H

#include <linux/if_packet.h>

#include "lib/list.h"
#include "net/filter.h"
#include "net/lwip/stack.h"
#include "net/netdev.h"
#include "net/socket.h"

#define ETH_P_ALL   0x0003
#define ETH_P_802_2 0x0004
#define ETH_P_IP    0x0800
#define ETH_P_IPV6  0x86dd
#define ETH_HLEN    14

#define SOL_PACKET 263

struct packet_ring;

/* A frame as all sockets see it; data is its copy from the link header on. */
struct packet_frame {
	struct filter_frame f;
	struct net_chunk *data;
	struct sockaddr_ll from;
	u32 status; /* TP_STATUS_* beside USER */
};

/* It in the queue of one socket. */
struct packet_queued {
	struct list node;
	struct packet_frame frame; /* with a reference of data */
	u32 take;		   /* bytes, from where the socket's packets begin */
	u64 time;		   /* ns, CLOCK_REALTIME */
};

struct packet_sock {
	struct socket s;
	struct list all_node; /* in packet_all */
	bool listening;	      /* counted in net_taps */
	u16 protocol;	      /* host order; 0: takes nothing */
	int ifindex;	      /* 0: any */
	struct list rx;	      /* struct packet_queued */
	u64 rx_bytes;	      /* as they count against SO_RCVBUF */
	u32 packets, drops;   /* since they were asked for last */
	struct filter_slot filter;
	bool auxdata, ignore_outgoing;
	u32 version, reserve; /* of the ring to come */
	struct packet_ring *ring;
	bool mapped; /* it was, and stays until the socket goes */
};

static inline struct packet_sock *packet_sk(struct socket *s)
{
	return container_of(s, struct packet_sock, s);
}
/* Cooked: packets come and go without their link header. */
static inline bool packet_is_cooked(const struct packet_sock *k)
{
	return k->s.type == SOCK_DGRAM;
}

/* ---- tap.c ---- */
extern struct list packet_all; /* under net_lock */
/* k begins or ends to want frames, as its protocol says. net_lock held. */
void packet_listen(struct packet_sock *k, bool on);

/* ---- io.c ---- */
s64 packet_send(struct socket *s, struct sock_msg *m);
s64 packet_recv(struct socket *s, struct sock_msg *m);
void packet_purge(struct packet_sock *k); /* net_lock held */

/* ---- option.c ---- */
int packet_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len);
int packet_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len);

/* ---- ring.c ---- */
/* Make or (with all numbers 0) take away the ring. */
int packet_ring_set(struct packet_sock *k, const void *v, unsigned len);
void packet_ring_free(struct packet_ring *r);
/* Bytes of the header of a version: PACKET_HDRLEN. -EINVAL. */
int packet_ring_header(u32 version);
/* The frame into the ring; false: it is full. net_lock held. */
bool packet_ring_put(struct packet_sock *k, const struct packet_frame *f, u32 take, u64 time);
/* Is there a frame that the program has not given back? */
bool packet_ring_readable(const struct packet_ring *r);
int packet_ring_mmap(struct socket *s, struct mmap_request *req);

#endif
