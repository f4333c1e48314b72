/*
 * virtio_rx.c - from the receive queue to the stack, without a copy: a buffer that the host filled becomes a pbuf around
 * its page, and a new page takes its place in the queue. Without memory for that page the frame is dropped and the old one
 * stays.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "net/virtio_dev.h"
#include "platform/platform.h"

#include "lwip/pbuf.h"

static void *buffer_alloc(void)
{
	paddr_t pa = frame_alloc(ZONE_SMALL, 0, 0);

	return pa ? paddr_to_ptr(pa) : NULL;
}

static void buffer_free(void *page)
{
	frame_put(ptr_to_paddr(page));
}

static void post(struct rx_slot *s)
{
	struct ring_buf b = { s->page, NET_RX_BUFFER };

	ring_add(s->q->rx, &s->req, &b, 0,
		 1); /* a slot has its descriptor; a broken queue is no use any more */
}

static void deliver(struct virtio_pair *q)
{
	unsigned n = q->nframes;
	u64 checked = q->checked;

	q->nframes = 0;
	q->checked = 0;
	if (n)
		net_input(&q->v->nd, q->frames, n, checked);
}

static void frame_done(struct virtio_pair *q)
{
	if (q->partial_checked)
		q->checked |= 1ULL << q->nframes;
	q->frames[q->nframes++] = q->partial;
	q->partial = NULL;
	if (q->nframes == RX_BATCH)
		deliver(q);
}

/* Drop what there is of a frame, and what is still to come of it. */
static void drop(struct virtio_pair *q)
{
	atomic_add(&q->v->nd.dev.stats.rx_dropped, 1);
	if (q->partial)
		net_pbuf_release(&q->partial, 1);
	q->partial = NULL;
	q->skip = true;
}

/* The first buffer of a frame: its header, copied, says how many follow. False: not a frame. */
static bool begin(struct virtio_pair *q, const void *page, u32 len)
{
	struct net_hdr h;

	if (len < sizeof(h) + 14)
		return false;
	memcpy(&h, page, sizeof(h));
	if (!h.buffers || h.buffers > NET_FRAME_MAX / NET_RX_BUFFER + 2)
		return false;
	q->missing = h.buffers;
	q->skip = false;
	q->partial_checked = h.flags & (NET_HDR_NEEDS_CSUM | NET_HDR_DATA_VALID);
	return true;
}

static void received(struct ring_request *req, s32 written)
{
	struct rx_slot *s = container_of(req, struct rx_slot, req);
	struct virtio_pair *q = s->q;
	bool first = !q->missing;
	u32 at = first ? sizeof(struct net_hdr) : 0;
	void *page = s->page, *fresh;
	struct pbuf *p = NULL;

	if (written < 0)
		return; /* the queue is broken: pages stay where they are */
	if (first && !begin(q, page, (u32)written)) {
		atomic_add(&q->v->nd.dev.stats.rx_errors, 1);
		post(s);
		return;
	}
	q->missing--;
	if (!q->skip) {
		fresh = buffer_alloc();
		if (fresh && (u32)written > at)
			p = net_pbuf_wrap((char *)page + at, (u32)written - at, buffer_free, page);
		if (p)
			s->page = fresh;
		else if (fresh)
			buffer_free(fresh);
		if (!p || (q->partial && q->partial->tot_len + p->tot_len > NET_FRAME_MAX)) {
			if (p)
				net_pbuf_release(&p, 1);
			drop(q);
		} else if (q->partial) {
			pbuf_cat(q->partial, p);
		} else {
			q->partial = p;
		}
	}
	post(s);
	if (!q->missing && q->partial)
		frame_done(q);
}

/* A round of completions is over: what came goes up, what was posted is told. */
static void round_over(void *arg)
{
	struct virtio_pair *q = arg;

	ring_kick(q->rx);
	virtio_tx_clean(q);
	deliver(q);
}

int virtio_rx_start(struct virtio_pair *q)
{
	q->rx_slots = kzalloc(RX_SLOTS * sizeof(*q->rx_slots));
	if (!q->rx_slots)
		return -ENOMEM;
	ring_set_room(q->rx, round_over, q);
	for (unsigned i = 0; i < RX_SLOTS; i++) {
		struct rx_slot *s = &q->rx_slots[i];

		s->q = q;
		s->req.done = received;
		s->page = buffer_alloc();
		if (!s->page)
			return i > RX_SLOTS / 2 ? 0 : -ENOMEM;
		post(s);
	}
	ring_kick(q->rx);
	return 0;
}
