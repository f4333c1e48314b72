/*
 * frame.c - the buddy allocator over RAM and the arena.
 *
 * Each zone has a frontier: what lies above it was never handed out, so its host memory and its metadata are untouched.
 * Below it, free blocks hang in lists by order and by state, zero (never touched or given back to the host) or dirty.
 * Links and state live in struct frame, never in the free memory. struct frame arrays lie at the start of free RAM.
 *
 * Locks: one spinlock per zone. Order 0 goes through per-CPU stacks without a lock: kernel code is not preempted.
 * Cost: order 0 alloc or free: no lock, no atomic but the reference; a batch of 16 takes the lock once. Larger blocks:
 * the zone lock once. No host call but ram_release, from the idle loop.
 */
#include "abi/boot.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/frame_priv.h"
#include <string.h>

#define CACHE_MAX  32
#define CACHE_FILL 16

struct frame_cache {
	unsigned n[ZONES];
	paddr_t pa[ZONES][CACHE_MAX];
} __attribute__((aligned(64)));

struct zone frame_zones[ZONES];
static struct frame_cache caches[MAX_CPUS + 1];
static struct frame *ram_frames, *arena_frames;
/* ---- metadata ---- */

#define ARENA_ID ((u32)(RAM_MAX >> PAGE_SHIFT))

struct frame *frame_of(paddr_t pa)
{
	if (pa >= ARENA_PADDR)
		return &arena_frames[(pa - ARENA_PADDR) >> PAGE_SHIFT];
	return &ram_frames[pa >> PAGE_SHIFT];
}

static u32 id_of(paddr_t pa)
{
	return pa >= ARENA_PADDR ? ARENA_ID + (u32)((pa - ARENA_PADDR) >> PAGE_SHIFT)
				 : (u32)(pa >> PAGE_SHIFT);
}

paddr_t frame_id_paddr(u32 id)
{
	return id >= ARENA_ID ? ARENA_PADDR + ((u64)(id - ARENA_ID) << PAGE_SHIFT)
			      : (u64)id << PAGE_SHIFT;
}

struct frame *frame_id_frame(u32 id)
{
	return id >= ARENA_ID ? &arena_frames[id - ARENA_ID] : &ram_frames[id];
}

static void set_next(struct frame *f, u32 id)
{
	f->owner = (f->owner & ~0xffffffffULL) | id;
}

static void set_prev(struct frame *f, u32 id)
{
	f->owner = (f->owner & 0xffffffffULL) | (u64)id << 32;
}

static void list_push(struct zone *z, paddr_t pa, unsigned order, unsigned state)
{
	struct frame *f = frame_of(pa);
	u32 old = z->head[state][order], id = id_of(pa);

	f->ref = 0;
	f->order = order & 15;
	f->flags = F_FREE | (state == ZERO ? F_ZERO : 0);
	f->owner = (u64)NIL << 32 | old;
	if (old != NIL)
		set_prev(frame_id_frame(old), id);
	z->head[state][order] = id;
	z->frames[state] += 1ULL << order;
}

void zone_unlist(struct zone *z, paddr_t pa)
{
	struct frame *f = frame_of(pa);
	unsigned state = f->flags & F_ZERO ? ZERO : DIRTY;
	u32 next = frame_link_next(f), prev = (u32)(f->owner >> 32);

	if (next != NIL)
		set_prev(frame_id_frame(next), prev);
	if (prev != NIL)
		set_next(frame_id_frame(prev), next);
	else
		z->head[state][f->order] = next;
	z->frames[state] -= 1ULL << f->order;
	z->low = MIN(z->low, z->frames[DIRTY]);
	f->flags = 0;
}

/* ---- a zone; all under its lock ---- */

void zone_free(struct zone *z, paddr_t pa, unsigned order, unsigned state)
{
	while (order < FRAME_ORDER_MAX) {
		u64 size = PAGE_SIZE << order;
		paddr_t buddy = pa ^ size;
		struct frame *b;
		unsigned bstate;

		if (buddy < z->start || buddy + size > z->next)
			break;
		b = frame_of(buddy);
		if (!(b->flags & F_FREE) || b->order != order)
			break;
		bstate = b->flags & F_ZERO ? ZERO : DIRTY;
		if (bstate != state && order >= MIX_ORDER)
			break;
		zone_unlist(z, buddy);
		if (bstate == DIRTY)
			state = DIRTY;
		pa &= ~size;
		order++;
	}
	list_push(z, pa, order, state);
}

/* Move the frontier up by a block; what alignment skips becomes free and known-zero. */
static paddr_t zone_bump(struct zone *z, unsigned order)
{
	u64 size = PAGE_SIZE << order;
	paddr_t pa = ALIGN_UP(z->next, size), stop = pa;

	/* The hole is a multiple of the largest block: what starts below it ends below it. */
	if (pa >= RAM_HOLE && pa < RAM_HOLE_END) {
		stop = RAM_HOLE;
		pa = RAM_HOLE_END;
	}
	if (pa + size > z->end || pa + size < pa)
		return 0;
	while (z->next < stop) {
		paddr_t gap = z->next;
		unsigned o = (unsigned)__builtin_ctzll(gap >> PAGE_SHIFT);

		z->next += PAGE_SIZE << o;
		list_push(z, gap, o, ZERO);
	}
	z->next = pa + size;
	return pa;
}

/* The smallest fitting block, dirty ones first; the frontier last. *state tells what it holds. 0 if none. */
static paddr_t zone_alloc(struct zone *z, unsigned order, unsigned *state)
{
	for (unsigned o = order; o < ORDERS; o++) {
		for (unsigned s = 0; s < STATES; s++) {
			paddr_t pa;

			if (z->head[s][o] == NIL)
				continue;
			pa = frame_id_paddr(z->head[s][o]);
			zone_unlist(z, pa);
			while (o > order) {
				o--;
				list_push(z, pa + (PAGE_SIZE << o), o, s);
			}
			*state = s;
			return pa;
		}
	}
	*state = ZERO;
	return zone_bump(z, order);
}

/* Blocks of different state lie unmerged beside each other; join them when a large block is wanted and none is left. */
static paddr_t zone_alloc_mixed(struct zone *z, unsigned order, unsigned *state)
{
	bool merged = false;

	for (unsigned o = MIX_ORDER; o < order; o++) {
		u32 id = z->head[ZERO][o];

		while (id != NIL) {
			paddr_t pa = frame_id_paddr(id), buddy = pa ^ (PAGE_SIZE << o);
			struct frame *b;

			id = frame_link_next(frame_id_frame(id));
			if (buddy < z->start || buddy + (PAGE_SIZE << o) > z->next)
				continue;
			b = frame_of(buddy);
			if (!(b->flags & F_FREE) || b->order != o)
				continue;
			zone_unlist(z, pa);
			zone_unlist(z, buddy);
			list_push(z, MIN(pa, buddy), o + 1, DIRTY);
			merged = true;
			id = z->head[ZERO][o];
		}
	}
	return merged ? zone_alloc(z, order, state) : 0;
}

/* ---- blocks ---- */

static paddr_t alloc_block(enum frame_zone zone, unsigned order, unsigned *state)
{
	static const enum frame_zone other[ZONES] = { ZONE_LARGE, ZONE_SMALL, ZONE_ARENA };

	for (unsigned i = 0; i < 2; i++) {
		struct zone *z = &frame_zones[i ? other[zone] : zone];
		paddr_t pa;

		if (i && other[zone] == zone)
			break;
		spin_lock(&z->lock);
		pa = zone_alloc(z, order, state);
		if (!pa && order > MIX_ORDER)
			pa = zone_alloc_mixed(z, order, state);
		spin_unlock(&z->lock);
		if (pa)
			return pa;
	}
	return 0;
}

/* One frame from this CPU's stack, which is refilled from the zone in batches. */
static paddr_t alloc_one(enum frame_zone zone, unsigned *state)
{
	struct frame_cache *c = &caches[cpu_this()->id];
	paddr_t pa;

	if (!c->n[zone]) {
		struct zone *z = &frame_zones[zone];

		spin_lock(&z->lock);
		while (c->n[zone] < CACHE_FILL) {
			pa = zone_alloc(z, 0, state);
			if (!pa)
				break;
			frame_of(pa)->flags = *state == ZERO ? F_ZERO : 0;
			frame_of(pa)->zone = zone & 15;
			c->pa[zone][c->n[zone]++] = pa;
		}
		spin_unlock(&z->lock);
		if (!c->n[zone])
			return alloc_block(zone, 0, state);
		/* The lowest address first: neighbours in time become neighbours in memory. */
		for (unsigned i = 0; i < c->n[zone] / 2; i++) {
			paddr_t *a = &c->pa[zone][i], *b = &c->pa[zone][c->n[zone] - 1 - i];

			pa = *a;
			*a = *b;
			*b = pa;
		}
	}
	pa = c->pa[zone][--c->n[zone]];
	*state = frame_of(pa)->flags & F_ZERO ? ZERO : DIRTY;
	return pa;
}

static enum frame_zone zone_of(paddr_t pa)
{
	if (pa >= ARENA_PADDR)
		return ZONE_ARENA;
	return pa >= frame_zones[ZONE_LARGE].start ? ZONE_LARGE : ZONE_SMALL;
}

paddr_t frame_alloc(enum frame_zone zone, unsigned order, unsigned flags)
{
	unsigned state = DIRTY;
	struct frame *f;
	paddr_t pa;

	if (order > FRAME_ORDER_MAX)
		return 0;
	pa = order ? alloc_block(zone, order, &state) : alloc_one(zone, &state);
	if (!pa)
		return 0;
	f = frame_of(pa);
	f->order = order & 15;
	f->flags = flags & (FRAME_CHARGED | FRAME_OWN) ? F_CHARGED : 0;
	f->group = flags & FRAME_CHARGED ? (u16)frame_group_here() : 0;
	f->zone = zone_of(pa) & 15;
	f->owner = 0;
	WRITE_ONCE(f->ref, 1);
	if (state != ZERO)
		f->flags |= F_USED;
	if ((flags & FRAME_ZERO) && state != ZERO)
		memset(paddr_to_ptr(pa), 0, PAGE_SIZE << order);
	return pa;
}

static void free_one(struct frame *f, paddr_t pa)
{
	struct frame_cache *c = &caches[cpu_this()->id];
	unsigned zone = f->zone;

	f->flags = 0;
	if (c->n[zone] == CACHE_MAX) {
		struct zone *z = &frame_zones[zone];

		spin_lock(&z->lock);
		for (unsigned i = 0; i < CACHE_FILL; i++) {
			paddr_t old = c->pa[zone][i];

			zone_free(z, old, 0, frame_of(old)->flags & F_ZERO ? ZERO : DIRTY);
		}
		spin_unlock(&z->lock);
		c->n[zone] -= CACHE_FILL;
		memmove(&c->pa[zone][0], &c->pa[zone][CACHE_FILL],
			c->n[zone] * sizeof(c->pa[zone][0]));
	}
	c->pa[zone][c->n[zone]++] = pa;
}

static void free_block(struct frame *f, paddr_t pa)
{
	unsigned order = f->order;

	if (f->flags & F_CHARGED)
		frame_uncharge_group(f->group, 1ULL << order);
	if (!order) {
		free_one(f, pa);
	} else {
		struct zone *z = &frame_zones[f->zone];

		spin_lock(&z->lock);
		zone_free(z, pa, order, DIRTY);
		spin_unlock(&z->lock);
	}
}

void frame_get(paddr_t pa)
{
	struct frame *f = frame_of(pa);

	ASSERT(READ_ONCE(f->ref));
	atomic_add(&f->ref, 1);
}

void frame_put(paddr_t pa)
{
	struct frame *f = frame_of(pa);

	ASSERT(READ_ONCE(f->ref));
	if (READ_ONCE(f->ref) == 1) {
		/* Nobody else has it, so nobody can take a reference now. */
		WRITE_ONCE(f->ref, 0);
		free_block(f, pa);
	} else if (!atomic_sub(&f->ref, 1)) {
		free_block(f, pa);
	}
}

static void split_locked(struct frame *f)
{
	unsigned n = 1u << f->order;

	for (unsigned i = 1; i < n; i++) {
		f[i].ref = f->ref;
		f[i].order = 0;
		f[i].flags = f->flags;
		f[i].zone = f->zone;
		f[i].group = f->group;
		f[i].owner = f->owner;
	}
	f->order = 0;
}

void frame_split(paddr_t pa)
{
	struct frame *f = frame_of(pa);
	struct zone *z = &frame_zones[f->zone];

	spin_lock(&z->lock);
	split_locked(f);
	spin_unlock(&z->lock);
}

void frame_block_get(paddr_t pa)
{
	struct frame *f = frame_of(pa);
	struct zone *z = &frame_zones[f->zone];

	spin_lock(&z->lock);
	if (f->order) {
		atomic_add(&f->ref, 1);
	} else {
		for (unsigned i = 0; i < 1u << FRAME_ORDER_MAX; i++)
			atomic_add(&f[i].ref, 1);
	}
	spin_unlock(&z->lock);
}

void frame_block_put(paddr_t pa)
{
	struct frame *f = frame_of(pa);
	struct zone *z = &frame_zones[f->zone];
	bool split, last = false;

	spin_lock(&z->lock);
	split = !f->order;
	if (!split)
		last = !atomic_sub(&f->ref, 1);
	spin_unlock(&z->lock);
	if (last)
		free_block(f, pa);
	for (unsigned i = 0; split && i < 1u << FRAME_ORDER_MAX; i++)
		frame_put(pa + i * PAGE_SIZE);
}

int frame_block_exclusive(paddr_t pa)
{
	struct frame *f = frame_of(pa);
	struct zone *z = &frame_zones[f->zone];
	int r;

	spin_lock(&z->lock);
	r = f->order ? f->ref == 1 : -1;
	spin_unlock(&z->lock);
	return r;
}

bool frame_used(paddr_t pa)
{
	return frame_of(pa)->flags & F_USED;
}

/* ---- start, statistics ---- */

static void zone_init(enum frame_zone i, paddr_t start, paddr_t end)
{
	struct zone *z = &frame_zones[i];

	memset(z, 0, sizeof(*z));
	z->start = z->next = ALIGN_UP(start, PAGE_SIZE);
	z->end = MAX(ALIGN_DOWN(end, PAGE_SIZE), z->start);
	for (unsigned s = 0; s < STATES; s++)
		for (unsigned o = 0; o < ORDERS; o++)
			z->head[s][o] = NIL;
}

void frame_init(paddr_t ram_free, u64 ram_size, paddr_t arena_free, u64 arena_size)
{
	paddr_t p = ALIGN_UP(ram_free, PAGE_SIZE), large;

	BUG_ON(ram_size > RAM_MAX || arena_size > ARENA_MAX);
	memset(caches, 0, sizeof(caches));
	frame_charge_init();
	ram_frames = paddr_to_ptr(p);
	p += ALIGN_UP((ram_size >> PAGE_SHIFT) * sizeof(struct frame), PAGE_SIZE);
	arena_frames = paddr_to_ptr(p);
	p += ALIGN_UP((arena_size >> PAGE_SHIFT) * sizeof(struct frame), PAGE_SIZE);
	if (p >= RAM_PADDR + ram_size)
		panic("memory too small: %lu KiB", (unsigned long)(ram_size >> 10));
	large = RAM_PADDR + frame_large_start(ram_size);
	if (large < p)
		large = ALIGN_UP(p, 2UL << 20);
	large = MIN(large, RAM_PADDR + ram_size);
	zone_init(ZONE_SMALL, p, large);
	zone_init(ZONE_LARGE, large, RAM_PADDR + ram_size);
	zone_init(ZONE_ARENA, MAX(arena_free, ARENA_PADDR), ARENA_PADDR + arena_size);
}

void frame_stats(struct frame_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < ZONES; i++) {
		struct zone *z = &frame_zones[i];

		spin_lock(&z->lock);
		out->total += (z->end - z->start) >> PAGE_SHIFT;
		out->untouched += (z->end - z->next) >> PAGE_SHIFT;
		out->free += z->frames[DIRTY] + z->frames[ZERO] + z->releasing +
			     ((z->end - z->next) >> PAGE_SHIFT);
		spin_unlock(&z->lock);
		for (unsigned c = 0; c < ARRAY_SIZE(caches); c++)
			out->free += READ_ONCE(caches[c].n[i]);
	}
	frame_charge_stats(out);
}
