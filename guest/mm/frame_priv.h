/*
 * frame_priv.h - what frame.c, charge.c and report.c share: zones and the free lists' links.
 */
#ifndef MOAT_MM_FRAME_PRIV_H
#define MOAT_MM_FRAME_PRIV_H

#include "lib/spinlock.h"
#include "mm/frame.h"

#define F_FREE	  1 /* first frame of a block in a free list */
#define F_ZERO	  2 /* content known to be zero */
#define F_CHARGED 4
#define F_USED	  8 /* allocated, and the host had memory behind it before */

#define ORDERS	  (FRAME_ORDER_MAX + 1)
#define MIX_ORDER 4 /* blocks from here on merge only with blocks of the same state */
#define NIL	  0xffffffffu

enum { DIRTY, ZERO, STATES };

struct zone {
	struct spinlock lock;
	paddr_t start, next, end; /* next: the frontier */
	u32 head[STATES][ORDERS]; /* ids; NIL */
	u64 frames[STATES];	  /* in the lists */
	u64 releasing;		  /* on their way back to the host */
	u64 low;		  /* least frames[DIRTY] since report.c looked: those are idle */
};

extern struct zone frame_zones[ZONES];

/* A frame's number in links: RAM, then arena. */
paddr_t frame_id_paddr(u32 id);
struct frame *frame_id_frame(u32 id);

/* owner of a listed block: next in the low half, previous in the high one. */
static inline u32 frame_link_next(const struct frame *f)
{
	return (u32)f->owner;
}

/* Under the zone's lock: take a block off its list; give a block back, merged with its buddies. */
void zone_unlist(struct zone *z, paddr_t pa);
void zone_free(struct zone *z, paddr_t pa, unsigned order, unsigned state);

/* account.c: what is charged to whom; a cache line each. Counts are atomic, the tree is under groups_lock. */
#define FRAME_GROUPS 1024u
#define UNLIMITED    (~0ULL >> PAGE_SHIFT)
struct frame_group {
	u64 limit, high, charged, peak; /* frames */
	u32 file, shmem;		/* of charged: in page caches */
	u32 refused, refused_here;	/* charges */
	u32 users;  /* tasks, groups below and whoever made it: no other gets the number */
	u16 parent; /* 0: none. Kept until the number is used again */
	bool used;  /* not dropped */
} __attribute__((aligned(64)));
extern struct frame_group frame_groups[FRAME_GROUPS];
extern unsigned frame_nr_containers; /* groups without a parent */

/* charge.c */
/* The sandbox may hold what its containers may: the sum of their limits, if there are any. */
void frame_charge_limit(u64 frames);
bool frame_charge_full(u64 n); /* is the sandbox too full for n more? */
void frame_charge_total(u64 *charged, u64 *limit);
unsigned frame_group_here(void);
void frame_uncharge_group(unsigned group, u64 n);
void frame_charge_init(void);
void frame_charge_stats(struct frame_stats *out);

#endif
