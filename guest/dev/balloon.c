/*
 * balloon.c - gives free frames back to the host: each ram_release becomes one chain of one struct balloon_range, and is
 * done when the host has used it. More than SLOTS at a time are not asked for: those frames are zeroed here, which is all
 * that ram_release promises.
 *
 * Lock: balloon_lock guards the free slots; nothing is called under it.
 */
#include "dev/balloon.h"

#include <string.h>

#include "abi/ring.h"
#include "dev/window.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "platform/platform.h"
#include "ring/ring.h"

#define SLOTS 64 /* of the ring's 128 descriptors */

struct slot {
	struct ring_request req;
	struct list node;
	struct balloon_range own;    /* what we asked for */
	struct balloon_range *range; /* the copy in the arena */
	void (*done)(void *);
	void *arg;
};

static struct spinlock balloon_lock = SPINLOCK_INIT;
static struct list free_slots = LIST_INIT(free_slots);
static struct slot slots[SLOTS];
static struct ring *ring;

static void slot_put(struct slot *s)
{
	spin_lock(&balloon_lock);
	list_add(&free_slots, &s->node);
	spin_unlock(&balloon_lock);
}

static struct slot *slot_get(void)
{
	struct slot *s = NULL;

	spin_lock(&balloon_lock);
	if (!list_empty(&free_slots)) {
		s = list_first(&free_slots, struct slot, node);
		list_del(&s->node);
	}
	spin_unlock(&balloon_lock);
	return s;
}

static void finish(struct slot *s)
{
	void (*done)(void *) = s->done;
	void *arg = s->arg;

	slot_put(s);
	done(arg);
}

static void zero(paddr_t pa, u64 len)
{
	memset(paddr_to_ptr(pa), 0, len);
}

/* A queue that broke gave nothing back: keep the promise here, with our own copy of the range. */
static void on_done(struct ring_request *req, s32 written)
{
	struct slot *s = container_of(req, struct slot, req);

	if (written < 0)
		zero(s->own.paddr, s->own.len);
	finish(s);
}

static void release(paddr_t pa, u64 len, void (*done)(void *), void *arg)
{
	struct slot *s = slot_get();
	struct ring_buf buf;

	if (!s) {
		zero(pa, len);
		done(arg);
		return;
	}
	s->done = done;
	s->arg = arg;
	s->own = (struct balloon_range){ .paddr = pa, .len = len };
	*s->range = s->own;
	buf = (struct ring_buf){ .ptr = s->range, .len = sizeof(*s->range) };
	s->req.done = on_done;
	if (ring_add(ring, &s->req, &buf, 1, 0) < 0) {
		zero(pa, len);
		finish(s);
		return;
	}
	ring_kick(ring);
}

void balloon_start(void)
{
	paddr_t pa = frame_alloc(ZONE_ARENA, 0, FRAME_ZERO);
	struct balloon_range *ranges;
	unsigned i;

	if (!pa)
		panic("out of memory at boot");
	ranges = paddr_to_ptr(pa);
	for (i = 0; i < SLOTS; i++) {
		slots[i].range = &ranges[i];
		slot_put(&slots[i]);
	}
	ring = ring_open(RING_Q_BALLOON);
	platform_balloon = release;
	window_start(ring);
}
