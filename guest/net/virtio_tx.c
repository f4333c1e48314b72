/*
 * virtio_tx.c - from the stack to the transmit queue, without a copy: the host reads a frame where its pbufs lie (the
 * direct map; anything else is copied first). The host is asked for an interrupt only when many frames are in flight: used
 * ones are given back with the next frame, in either direction.
 */
#include <string.h>

#include "abi/boot.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "net/virtio_dev.h"
#include "platform/platform.h"

#include "lwip/pbuf.h"

#define PIECES	 24 /* buffers of a frame; one of more is copied */
#define LAZY	 40 /* frames that may wait to be given back */
#define LOW_FREE 48 /* descriptors left: look for used ones before the queue is full */

static bool in_direct_map(const void *p, u32 len)
{
	u64 pa = ptr_to_paddr(p);

	return pa < PADDR_END && len <= PADDR_END - pa;
}

/* The frame as buffers, neighbours joined; 0: too many, or memory that the host has not. */
static unsigned pieces(const struct pbuf *p, struct ring_buf *b, unsigned max)
{
	unsigned n = 0;

	for (; p; p = p->next) {
		if (!p->len)
			continue;
		if (!in_direct_map(p->payload, p->len))
			return 0;
		if (n && (char *)b[n - 1].ptr + b[n - 1].len == p->payload) {
			b[n - 1].len += p->len;
			continue;
		}
		if (n == max)
			return 0;
		b[n++] = (struct ring_buf){ p->payload, p->len };
	}
	return n;
}

/* The host has read it; runs in ring_reap, under net_lock or not. */
static void sent(struct ring_request *req, s32 written)
{
	struct tx_slot *t = container_of(req, struct tx_slot, req);
	struct virtio_pair *q = t->q;

	(void)written;
	spin_lock(&q->tx_lock);
	t->next = q->tx_done;
	q->tx_done = t;
	spin_unlock(&q->tx_lock);
}

static struct tx_slot *take_done(struct virtio_pair *q)
{
	struct tx_slot *t;

	spin_lock(&q->tx_lock);
	t = q->tx_done;
	q->tx_done = NULL;
	spin_unlock(&q->tx_lock);
	return t;
}

static void put_slot(struct virtio_pair *q, struct tx_slot *t)
{
	kfree(t->bounce);
	t->bounce = NULL;
	t->p = NULL;
	spin_lock(&q->tx_lock);
	t->next = q->tx_free;
	q->tx_free = t;
	spin_unlock(&q->tx_lock);
}

static struct tx_slot *get_slot(struct virtio_pair *q)
{
	struct tx_slot *t;

	spin_lock(&q->tx_lock);
	t = q->tx_free;
	if (t)
		q->tx_free = t->next;
	spin_unlock(&q->tx_lock);
	return t;
}

/* As virtio_tx_clean, under net_lock. */
static void clean_locked(struct virtio_pair *q)
{
	struct tx_slot *t, *next;

	WRITE_ONCE(q->cleaning, true); /* room() must not take net_lock below us */
	ring_reap(q->tx);
	WRITE_ONCE(q->cleaning, false);
	for (t = take_done(q); t; t = next) {
		next = t->next;
		if (t->p)
			pbuf_free(t->p);
		put_slot(q, t);
	}
}

static void give_back(struct virtio_pair *q)
{
	struct pbuf *done[TX_SLOTS];
	struct tx_slot *t, *next;
	unsigned n = 0;

	for (t = take_done(q); t; t = next) {
		next = t->next;
		if (t->p)
			done[n++] = t->p;
		put_slot(q, t);
	}
	if (n)
		net_pbuf_release(done, n);
}

void virtio_tx_clean(struct virtio_pair *q)
{
	ring_reap(q->tx); /* room() does the rest */
}

static bool few_free(struct virtio_pair *q)
{
	return !READ_ONCE(q->tx_free) || ring_free(q->tx) < LOW_FREE;
}

static void fill_header(struct net_hdr *h, const struct net_offload *o)
{
	*h = (struct net_hdr){ 0 };
	if (!o)
		return;
	if (o->needs_csum) {
		h->flags = NET_HDR_NEEDS_CSUM;
		h->csum_start = o->csum_start;
		h->csum_offset = o->csum_offset;
	}
	h->gso_type = o->gso_type;
	if (o->gso_type) {
		h->gso_size = o->gso_size;
		h->hdr_len = o->hdr_len;
	}
}

/* Which flow a frame belongs to: addresses and ports, where IP has them without options. */
static unsigned flow_of(const struct pbuf *p)
{
	u8 head[58];
	u16 len = pbuf_copy_partial(p, head, sizeof(head), 0);
	u32 hash = 0;

	/* IPv6's begin 22 bytes from the start of the frame and IPv4's 26; what is too short has no flows. */
	for (unsigned i = len > 12 && head[12] == 0x08 ? 26 : 22;
	     i < (head[12] == 0x08 ? 38 : 58) && i < len; i++)
		hash = (hash ^ head[i]) * 0x01000193;
	return (hash ^ hash >> 16) % TX_FLOWS;
}

/* The pair that this frame goes by. net_lock held. */
static struct virtio_pair *pick(struct virtio_net *v, const struct pbuf *p)
{
	unsigned here;
	u8 *flow;

	if (v->npairs == 1)
		return v->pair;
	here = cpu_this()->id % v->npairs;
	flow = &v->flow[flow_of(p)];
	if (*flow != here) {
		clean_locked(&v->pair[*flow]);
		if (ring_idle(v->pair[*flow].tx))
			*flow = (u8)here;
	}
	return &v->pair[*flow];
}

static int transmit(struct net_device *nd, struct pbuf *p, const struct net_offload *o)
{
	struct virtio_net *v = container_of(nd, struct virtio_net, nd);
	struct virtio_pair *q = pick(v, p);
	struct ring_buf b[PIECES + 1];
	struct tx_slot *t;
	unsigned n;
	int err = -ENOBUFS;

	if (few_free(q))
		clean_locked(q);
	t = v->up ? get_slot(q) : NULL;
	if (!t)
		return -ENOBUFS;
	fill_header(&t->hdr, o);
	b[0] = (struct ring_buf){ &t->hdr, sizeof(t->hdr) };
	n = pieces(p, b + 1, PIECES);
	if (n) {
		pbuf_ref(p);
		t->p = p;
	} else {
		t->bounce = kmalloc(p->tot_len);
		if (!t->bounce)
			goto slot;
		pbuf_copy_partial(p, t->bounce, p->tot_len, 0);
		b[1] = (struct ring_buf){ t->bounce, p->tot_len };
		n = 1;
	}
	err = ring_add(q->tx, &t->req, b, n + 1, 0);
	if (err == 0) {
		v->touched |= 1u << (q - v->pair);
		return 0;
	}
	err = -ENOBUFS;
	if (t->p)
		pbuf_free(p);
slot:
	put_slot(q, t);
	return err;
}

static void flush(struct net_device *nd)
{
	struct virtio_net *v = container_of(nd, struct virtio_net, nd);

	for (unsigned i = 0; i < v->npairs; i++)
		if (v->touched >> i & 1)
			ring_kick(v->pair[i].tx);
	v->touched = 0;
}

static void room(void *arg)
{
	struct virtio_pair *q = arg;

	if (!READ_ONCE(q->cleaning))
		give_back(q);
}

static bool has_room(struct net_device *nd)
{
	struct virtio_net *v = container_of(nd, struct virtio_net, nd);

	for (unsigned i = 0; i < v->npairs; i++) {
		struct virtio_pair *q = &v->pair[i];

		if (few_free(q))
			clean_locked(q);
		if (!READ_ONCE(q->tx_free) || ring_free(q->tx) <= PIECES)
			return false;
	}
	return v->up;
}

const struct net_device_ops virtio_net_ops = {
	.transmit = transmit,
	.has_room = has_room,
	.flush = flush,
};

int virtio_tx_start(struct virtio_pair *q)
{
	q->tx_slots = kzalloc(TX_SLOTS * sizeof(*q->tx_slots));
	if (!q->tx_slots)
		return -ENOMEM;
	spin_init(&q->tx_lock);
	for (unsigned i = 0; i < TX_SLOTS; i++) {
		q->tx_slots[i].q = q;
		q->tx_slots[i].req.done = sent;
		put_slot(q, &q->tx_slots[i]);
	}
	ring_set_room(q->tx, room, q);
	ring_set_lazy(q->tx, LAZY);
	return 0;
}
