/*
 * virtio_rx.c - from the receive queue to the stack, without a copy: a buffer that the host filled becomes a pbuf around
 * its page, and a new page takes its place in the queue. Without memory for that page the frame is dropped and the old one
 * stays.
 */
#include <string.h>

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

	ring_add(s->v->rx, &s->req, &b, 0,
		 1); /* a slot has its descriptor; a broken queue is no use any more */
}

static void deliver(struct virtio_net *v)
{
	unsigned n = v->nframes;
	u64 checked = v->checked;

	v->nframes = 0;
	v->checked = 0;
	if (n)
		net_input(&v->nd, v->frames, n, checked);
}

static void frame_done(struct virtio_net *v)
{
	if (v->partial_checked)
		v->checked |= 1ULL << v->nframes;
	v->frames[v->nframes++] = v->partial;
	v->partial = NULL;
	if (v->nframes == RX_BATCH)
		deliver(v);
}

/* Drop what there is of a frame, and what is still to come of it. */
static void drop(struct virtio_net *v)
{
	v->nd.dev.stats.rx_dropped++;
	if (v->partial)
		net_pbuf_release(&v->partial, 1);
	v->partial = NULL;
	v->skip = true;
}

/* The first buffer of a frame: its header, copied, says how many follow. False: not a frame. */
static bool begin(struct virtio_net *v, const void *page, u32 len)
{
	struct net_hdr h;

	if (len < sizeof(h) + 14)
		return false;
	memcpy(&h, page, sizeof(h));
	if (!h.buffers || h.buffers > NET_FRAME_MAX / NET_RX_BUFFER + 2)
		return false;
	v->missing = h.buffers;
	v->skip = false;
	v->partial_checked = h.flags & (NET_HDR_NEEDS_CSUM | NET_HDR_DATA_VALID);
	return true;
}

static void received(struct ring_request *req, s32 written)
{
	struct rx_slot *s = container_of(req, struct rx_slot, req);
	struct virtio_net *v = s->v;
	bool first = !v->missing;
	u32 at = first ? sizeof(struct net_hdr) : 0;
	void *page = s->page, *fresh;
	struct pbuf *p = NULL;

	if (written < 0)
		return; /* the queue is broken: pages stay where they are */
	if (first && !begin(v, page, (u32)written)) {
		v->nd.dev.stats.rx_errors++;
		post(s);
		return;
	}
	v->missing--;
	if (!v->skip) {
		fresh = buffer_alloc();
		if (fresh && (u32)written > at)
			p = net_pbuf_wrap((char *)page + at, (u32)written - at, buffer_free, page);
		if (p)
			s->page = fresh;
		else if (fresh)
			buffer_free(fresh);
		if (!p || (v->partial && v->partial->tot_len + p->tot_len > NET_FRAME_MAX)) {
			if (p)
				net_pbuf_release(&p, 1);
			drop(v);
		} else if (v->partial) {
			pbuf_cat(v->partial, p);
		} else {
			v->partial = p;
		}
	}
	post(s);
	if (!v->missing && v->partial)
		frame_done(v);
}

/* A round of completions is over: what came goes up, what was posted is told. */
static void round_over(void *arg)
{
	struct virtio_net *v = arg;

	ring_kick(v->rx);
	virtio_tx_clean(v);
	deliver(v);
}

int virtio_rx_start(struct virtio_net *v)
{
	v->rx_slots = kzalloc(RX_SLOTS * sizeof(*v->rx_slots));
	if (!v->rx_slots)
		return -ENOMEM;
	ring_set_room(v->rx, round_over, v);
	for (unsigned i = 0; i < RX_SLOTS; i++) {
		struct rx_slot *s = &v->rx_slots[i];

		s->v = v;
		s->req.done = received;
		s->page = buffer_alloc();
		if (!s->page)
			return i > RX_SLOTS / 2 ? 0 : -ENOMEM;
		post(s);
	}
	ring_kick(v->rx);
	return 0;
}
