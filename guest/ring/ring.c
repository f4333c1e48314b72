/*
 * ring.c - see ring.h.
 *
 * Free descriptors form a list through .next of a private shadow table; the host's copy of a descriptor is written and
 * never read back. `flight` maps a head to its request.
 */
#include "abi/boot.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/log.h"
#include "platform/platform.h"
#include "ring/ring.h"

struct ring {
	struct spinlock lock;
	unsigned queue;
	bool broken;
	struct ring_mem *mem;
	u16 free_head, free_count;
	u16 next[RING_ENTRIES];
	u16 avail_idx;	/* what we publish */
	u16 kicked_idx; /* avail_idx at the last doorbell decision */
	u16 used_idx;	/* next used element to take */
	unsigned in_flight;
	u16 lazy; /* used requests that need no interrupt */
	bool on_demand;
	unsigned wanted; /* who waits for an interrupt, if it is on demand */
	struct ring_request *flight[RING_ENTRIES];
	void (*room)(void *);
	void *room_arg;
};

static struct ring rings[RING_QUEUES];

static bool gone[RING_QUEUES]; /* its server died, perhaps before the queue was opened */

/* Another server takes the queue: what was left in it is forgotten on both sides; it goes on from used.idx (host/ring_dev.h). */
static void reopen(struct ring *r)
{
	spin_lock(&r->lock);
	BUG_ON(!r->broken || r->in_flight);
	for (u16 i = 0; i < RING_ENTRIES; i++)
		r->next[i] = (u16)(i + 1);
	r->free_head = 0;
	r->free_count = RING_ENTRIES;
	r->used_idx = r->avail_idx = r->kicked_idx = READ_ONCE(r->mem->used.idx);
	WRITE_ONCE(r->mem->avail.idx, r->avail_idx);
	WRITE_ONCE(r->mem->avail.used_event, r->used_idx);
	WRITE_ONCE(gone[r->queue], false);
	r->broken = false;
	spin_unlock(&r->lock);
}

/* Every request in flight becomes ours to end. lock held; returns how many are in out. */
static unsigned take_all(struct ring *r, struct ring_request **out)
{
	unsigned n = 0;

	r->broken = true;
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		if (r->flight[i])
			out[n++] = r->flight[i];
		r->flight[i] = NULL;
	}
	r->in_flight = 0;
	return n;
}

static void break_ring(struct ring *r)
{
	struct ring_request *all[RING_ENTRIES];
	unsigned n;

	spin_lock(&r->lock);
	n = take_all(r, all);
	spin_unlock(&r->lock);
	for (unsigned i = 0; i < n; i++)
		all[i]->done(all[i], -EIO);
}

struct ring *ring_open(unsigned queue)
{
	struct ring *r = &rings[queue];

	BUG_ON(queue >= RING_QUEUES);
	if (r->mem) {
		reopen(r);
		return r;
	}
	spin_init(&r->lock);
	r->queue = queue;
	for (u16 i = 0; i < RING_ENTRIES; i++)
		r->next[i] = (u16)(i + 1);
	r->free_count = RING_ENTRIES;
	r->mem = paddr_to_ptr(ARENA_PADDR + ARENA_RINGS + (u64)queue * RING_STRIDE);
	r->mem->avail.used_event = 0;
	atomic_fence(); /* either we see `gone` here or ring_break_queue sees r->mem */
	if (READ_ONCE(gone[queue]))
		break_ring(r);
	return r;
}

/* As far away as used.idx can be without looking as if it had been passed. */
#define NO_EVENT 0x4000

/* Ask for the next interrupt that is wanted. lock held. */
static void arm(struct ring *r)
{
	u16 after = r->on_demand && !r->wanted ? NO_EVENT : r->lazy;

	WRITE_ONCE(r->mem->avail.used_event, (u16)(r->used_idx + after));
}

static void put_desc(struct ring *r, u16 i, const struct ring_buf *b, u16 flags)
{
	struct ring_desc *d = &r->mem->desc[i];

	d->addr = ptr_to_paddr(b->ptr) - ARENA_PADDR;
	d->len = b->len;
	d->flags = flags;
	d->next = r->next[i];
}

int ring_add(struct ring *r, struct ring_request *req, const struct ring_buf *bufs, unsigned nout,
	     unsigned nin)
{
	unsigned n = nout + nin;
	int ret = 0;
	u16 i;

	ASSERT(n > 0 && n <= RING_ENTRIES);
	spin_lock(&r->lock);
	if (r->broken) {
		ret = -EIO;
		goto out;
	}
	if (r->free_count < n) {
		ret = -ENOSPC;
		goto out;
	}
	req->head = r->free_head;
	req->count = (u16)n;
	req->capacity = 0;
	i = r->free_head;
	for (unsigned k = 0; k < n; k++) {
		u16 flags = (k + 1 < n ? RING_DESC_F_NEXT : 0) |
			    (k >= nout ? RING_DESC_F_WRITE : 0);

		put_desc(r, i, &bufs[k], flags);
		if (k >= nout)
			req->capacity += bufs[k].len;
		i = r->next[i];
	}
	r->free_head = i;
	r->free_count = (u16)(r->free_count - n);
	r->flight[req->head] = req;
	r->in_flight++;
	r->mem->avail.ring[r->avail_idx % RING_ENTRIES] = req->head;
	atomic_store(&r->mem->avail.idx, (u16)(r->avail_idx + 1));
	r->avail_idx++;
out:
	spin_unlock(&r->lock);
	return ret;
}

void ring_kick(struct ring *r)
{
	bool ring;

	spin_lock(&r->lock);
	atomic_fence();
	ring = ring_need_event(READ_ONCE(r->mem->used.avail_event), r->avail_idx, r->kicked_idx);
	r->kicked_idx = r->avail_idx;
	spin_unlock(&r->lock);
	if (ring)
		doorbell_ring(r->queue);
}

/* The next used request, checked; NULL: none. *bad: the host broke the protocol. lock held. */
static struct ring_request *take_used(struct ring *r, s32 *written, bool *bad)
{
	struct ring_used_elem e;
	struct ring_request *req;
	u16 i;

	if (r->broken || atomic_load(&r->mem->used.idx) == r->used_idx)
		return NULL;
	e.id = READ_ONCE(r->mem->used.ring[r->used_idx % RING_ENTRIES].id);
	e.len = READ_ONCE(r->mem->used.ring[r->used_idx % RING_ENTRIES].len);
	req = e.id < RING_ENTRIES ? r->flight[e.id] : NULL;
	if (!req || e.len > req->capacity) {
		*bad = true;
		return NULL;
	}
	r->used_idx++;
	r->flight[e.id] = NULL;
	r->in_flight--;
	i = req->head;
	for (unsigned k = 1; k < req->count; k++)
		i = r->next[i];
	r->next[i] = r->free_head;
	r->free_head = req->head;
	r->free_count = (u16)(r->free_count + req->count);
	*written = (s32)e.len;
	return req;
}

unsigned ring_reap(struct ring *r)
{
	unsigned n = 0;

	for (;;) {
		struct ring_request *req;
		bool bad = false;
		s32 written;

		spin_lock(&r->lock);
		req = take_used(r, &written, &bad);
		if (!req && !bad && r->mem) {
			/* Ask for the next interrupt, then look once more. */
			arm(r);
			atomic_fence();
			req = take_used(r, &written, &bad);
		}
		spin_unlock(&r->lock);
		if (bad) {
			klog("queue %u: the host returned a buffer that it did not have; it is closed",
			     r->queue);
			break_ring(r);
			break;
		}
		if (!req)
			break;
		req->done(req, written);
		n++;
	}
	if (n && r->room)
		r->room(r->room_arg);
	return n;
}

void ring_set_room(struct ring *r, void (*room)(void *), void *arg)
{
	r->room_arg = arg;
	r->room = room;
}

void ring_set_lazy(struct ring *r, u16 requests)
{
	spin_lock(&r->lock);
	r->lazy = requests;
	arm(r);
	spin_unlock(&r->lock);
}

void ring_set_on_demand(struct ring *r)
{
	spin_lock(&r->lock);
	r->on_demand = true;
	arm(r);
	spin_unlock(&r->lock);
}

void ring_want(struct ring *r, bool want)
{
	spin_lock(&r->lock);
	r->wanted += want ? 1 : -1u;
	spin_unlock(&r->lock);
	if (want)
		ring_reap(r);
}

bool ring_ready(const struct ring *r)
{
	return atomic_load(&r->mem->used.idx) != READ_ONCE(r->used_idx) || READ_ONCE(r->broken);
}

unsigned ring_free(const struct ring *r)
{
	return READ_ONCE(r->free_count);
}

void ring_break_queue(unsigned queue)
{
	if (queue >= RING_QUEUES)
		return;
	WRITE_ONCE(gone[queue], true);
	atomic_fence();
	if (READ_ONCE(rings[queue].mem))
		break_ring(&rings[queue]);
}

bool ring_broken(const struct ring *r)
{
	return READ_ONCE(r->broken);
}

bool ring_idle(const struct ring *r)
{
	return READ_ONCE(r->in_flight) == 0;
}

void ring_upcall(unsigned queue)
{
	if (queue < RING_QUEUES && rings[queue].mem)
		ring_reap(&rings[queue]);
}
