/*
 * frame.h - physical frames: a buddy allocator over RAM and the arena that knows what the host has never touched.
 *
 * Metadata (struct frame, one per 4 KiB) is itself touched lazily, so a sandbox with a large address space stays
 * small. Zones: SMALL (Sentry, page tables, small areas), LARGE (2 MiB-aligned anonymous areas, MADV_HUGEPAGE on the
 * host), ARENA (page cache and I/O buffers: the only frames a gofer can see). Lock: one spinlock per zone, rank low;
 * frame_alloc and frame_put may be called under any spinlock of a higher rank, never sleep, never reclaim.
 */
#ifndef MOAT_MM_FRAME_H
#define MOAT_MM_FRAME_H

#include "lib/types.h"
#include "mm/payer.h"
#include "platform/platform.h"

enum frame_zone { ZONE_SMALL, ZONE_LARGE, ZONE_ARENA, ZONES };

#define FRAME_ORDER_MAX 9 /* 2 MiB */

/* the caller needs zeroed content (free when the host never touched the frame) */
#define FRAME_ZERO 1
/* the caller charged the frames (frame_charge); they are uncharged when freed */
#define FRAME_CHARGED 2
#define FRAME_OWN     4 /* the Sentry's own: the caller charged them by frame_charge_own */

struct frame {
	u32 ref;      /* 0: free. Shared by address spaces, the page cache and pins */
	u8 order : 4; /* of the block, in its first frame */
	u8 zone : 4;
	u8 flags;
	u16 group; /* that it is charged to */
	u64 owner; /* mm's: mapping or anon bookkeeping */
};

/*
 * RAM_PADDR + [0, frame_large_start) is SMALL, what follows is LARGE: the launcher (kvm) or the Sentry's platform part
 * (systrap) gives MADV_HUGEPAGE to LARGE alone. Either zone serves the other when that one is used up.
 */
static inline u64 frame_large_start(u64 ram_size)
{
	return (ram_size / 4) & ~((2ULL << 20) - 1);
}

/*
 * Called once with the ranges of the device tree, before anything allocates. RAM is [RAM_PADDR, RAM_PADDR + ram_size),
 * the arena [ARENA_PADDR, ARENA_PADDR + arena_size); frames below ram_free and arena_free (paddrs) are in use.
 */
void frame_init(paddr_t ram_free, u64 ram_size, u64 arena_free, u64 arena_size);

/* 2^order contiguous frames, naturally aligned, ref = 1 on the first; 0 when there is none (paddr 0 is never handed out). */
paddr_t frame_alloc(enum frame_zone zone, unsigned order, unsigned flags);
void frame_get(paddr_t pa);
/* Drop a reference of the block that starts at pa; frees the block at 0. */
void frame_put(paddr_t pa);
struct frame *frame_of(paddr_t pa);
/* Does the host have memory behind this allocated frame, because it was in use before? */
bool frame_used(paddr_t pa);
/* Split an allocated block into 2^order single frames with the ref of the whole on each. */
void frame_split(paddr_t pa);

/*
 * For 2 MiB blocks that several address spaces share while any of them may split it: reference operations that are
 * atomic against frame_split and act on each single frame once the block is split.
 */
void frame_block_get(paddr_t pa);
void frame_block_put(paddr_t pa);
/* 1: one block with a single reference; 0: shared; -1: it was split, look at its frames one by one. */
int frame_block_exclusive(paddr_t pa);

/* Whole 4 KiB pages for the Sentry's own use, zeroed, in the direct map; NULL when out of memory. */
void *page_alloc(void);
void page_free(void *page);

struct frame_stats {
	u64 total, free, untouched; /* frames */
	u64 limit,
		charged; /* the current task's container's limit, what counts against it; frames */
};
void frame_stats(struct frame_stats *out);
/* Charge n frames to the current task's container; -ENOMEM above the limit (after the reclaim hook was asked, which may sleep). */
int frame_charge(u64 n);
/* As frame_charge, without reclaim: never sleeps, may be called under any lock. */
int frame_try_charge(u64 n);
/* Counted, never refused. */
void frame_force_charge(u64 n);
/* The same for the Sentry's own pages, which are no container's. */
void frame_charge_own(u64 n);
/* Of the current task's container. */
void frame_uncharge(u64 n);
/* Of the whole sandbox, until there are groups: then their limits' sum. */
void frame_set_limit(u64 bytes);

/*
 * Groups: an account for each container of the sandbox, and below it for each control group that has the controller of
 * memory. A frame belongs to that of the task that had it allocated, until it is freed, and counts in those above it too.
 * Group 0 is nobody's and has no limit of its own. account.c
 */
unsigned frame_group_create(u64 limit_bytes);	    /* a container's; 0: all are in use */
unsigned frame_group_create_below(unsigned parent); /* without a limit; 0: all are in use */
void frame_group_set_limit(unsigned group, u64 bytes);
/* Whose charges pass it is to hear of it: frame_payer.over. */
void frame_group_set_high(unsigned group, u64 bytes);
/* Its container or control group is gone. The number is used again once nothing is charged to it and nobody holds it. */
void frame_group_drop(unsigned group);
/* A task charges there, or does no more. The first one may have it only while it is not dropped. */
void frame_group_hold(unsigned group);
void frame_group_release(unsigned group);
/* Is it top, or below that? */
bool frame_group_within(unsigned group, unsigned top);
unsigned frame_group_top(unsigned group); /* its container's */
/* Frames charged and allowed; group: a container's. */
void frame_group_stats(unsigned group, u64 *charged, u64 *limit);
struct frame_group_usage {
	u64 charged, peak, high, file, shmem; /* frames; file: of caches, shmem included */
	u64 refused;			      /* charges that it or one below was too full for */
	u64 refused_here;
};
void frame_group_usage(unsigned group, struct frame_group_usage *out);
/* A charged frame comes to a page cache, or leaves it. */
void frame_cached(paddr_t pa, bool comes, bool shmem);
/* Would n more frames be too many for it? */
bool frame_group_full(unsigned group, u64 n);
/* Whose frames to free so that the current task gets n: the nearest of its groups that is full; 0: anyone's. */
unsigned frame_group_to_reclaim(u64 n);

/* Registered by task: the current task's; NULL: there is no task. */
extern struct frame_payer *(*frame_payer_current)(void);
/* Is there room to spare for n more frames (windows of mm grow only then)? */
bool frame_plentiful(u64 n);

/*
 * Free-page reporting, called by the idle loop with no lock held: gives one batch of free blocks of 64 KiB and more back
 * to the host, once they have been idle for a while. Returns the monotonic time at which to call again, 0 when there is
 * nothing to give (then no timer is needed until the CPU has been busy again).
 */
u64 frame_report_free(u64 now);

/* Registered by mm: drop clean cache, returns frames given back; may sleep. */
extern u64 (*frame_reclaim)(u64 frames);

#endif
