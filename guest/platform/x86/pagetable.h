/*
 * pagetable.h - 4-level x86-64 page tables: the real ones on KVM, and on systrap the software shadow that user copies
 * and futex keys look up.
 *
 * Leaves are 4 KiB and 2 MiB. Tables live in frames of the direct map and come from the owner's allocator. No locks:
 * the caller serializes changes of one table; pt_lookup may run beside a change and sees the old or the new entry, as a
 * CPU would. Emptied tables are kept in a limbo list, where a CPU that still walks them finds nothing present in the
 * link entry, until pt_reap: call it when no CPU can hold a translation older than the last change.
 */
#ifndef MOAT_PLATFORM_X86_PAGETABLE_H
#define MOAT_PLATFORM_X86_PAGETABLE_H

#include "lib/types.h"

#define PTE_P	  0x1ULL
#define PTE_W	  0x2ULL
#define PTE_U	  0x4ULL
#define PTE_PWT	  0x8ULL
#define PTE_PCD	  0x10ULL
#define PTE_A	  0x20ULL
#define PTE_D	  0x40ULL
#define PTE_PS	  0x80ULL /* in a directory entry: a 2 MiB leaf */
#define PTE_G	  0x100ULL
#define PTE_SOFT  0xe00ULL /* free for the owner of the table */
#define PTE_NX	  (1ULL << 63)
#define PTE_ADDR  0x000ffffffffff000ULL
#define PTE_FLAGS (~PTE_ADDR)

#define HUGE_SIZE (2UL << 20)

struct pagetable {
	paddr_t root; /* the PML4 */
	/* One zeroed frame, or 0 when there is none. Must not call back into this table. */
	paddr_t (*alloc)(void *arg);
	void (*free)(void *arg, paddr_t pa);
	void *arg;
	paddr_t limbo; /* frames that wait for pt_reap, linked through their first entry */
	u64 tables;    /* frames in use, root and limbo included */
};

/* alloc, free and arg are set by the caller; gets the root. 0 or -ENOMEM. */
int pt_init(struct pagetable *pt);

/*
 * Free every table below [lo, hi) (both multiples of 512 GiB, e.g. the application's half: 0, 1 << 47) and the limbo
 * list; leaves are not touched. The root is freed too if free_root. Nobody uses the table any more.
 */
void pt_destroy(struct pagetable *pt, u64 lo, u64 hi, bool free_root);

/*
 * Map [va, va + len) to [pa, pa + len), all multiples of 4 KiB, with the leaf's PTE flags (PTE_P is implied), replacing
 * what was there. Uses 2 MiB leaves where address, length and pa allow. Intermediate entries get P, W and U (U only in
 * the lower half). -ENOMEM leaves a part of the range mapped: the caller unmaps it or accepts that.
 */
int pt_map(struct pagetable *pt, u64 va, u64 len, paddr_t pa, u64 flags);

/*
 * Remove all leaves of the range; a 2 MiB leaf that is only partly covered is split, and dropped whole when there is no
 * frame for that (the tables are a cache; for Sentry mappings never unmap parts of a huge leaf). True if any leaf was
 * there.
 */
bool pt_unmap(struct pagetable *pt, u64 va, u64 len);

/* For each leaf in the range: entry = (entry & ~mask) | (flags & mask). Splits as pt_unmap. True if any leaf changed. */
bool pt_protect(struct pagetable *pt, u64 va, u64 len, u64 mask, u64 flags);

/* The frame and the byte within it that va maps to, and the leaf's flags; false if nothing is mapped. */
bool pt_lookup(const struct pagetable *pt, u64 va, paddr_t *pa, u64 *flags);

/*
 * The first leaf at or behind va and below end: *va, *len, *pa, *flags of the longest run of leaves that are contiguous
 * in both addresses and have equal flags (A and D aside). False if there is none.
 */
bool pt_next_run(const struct pagetable *pt, u64 *va, u64 end, u64 *len, paddr_t *pa, u64 *flags);

/* Free the limbo list. */
void pt_reap(struct pagetable *pt);

#endif
