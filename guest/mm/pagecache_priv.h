/*
 * pagecache_priv.h - what pagecache.c, pageio.c and pagemap.c share.
 */
#ifndef MOAT_MM_PAGECACHE_PRIV_H
#define MOAT_MM_PAGECACHE_PRIV_H

#include "mm/dax.h"
#include "mm/priv.h"

/* Bits of an entry beside the frame's address. */
#define PC_DIRTY 1ULL
#define PC_USED	 2ULL /* touched since reclaim last looked */
#define PC_ADDR	 0x000ffffffffff000ULL

#define PC_BATCH 64u /* pages per read or write operation */

extern struct spinlock caches_lock;
extern struct list caches; /* caches that can be reclaimed, least recently looked at first */

/* Under pc->lock. */
paddr_t pc_remove(struct pagecache *pc, u64 index); /* the frame with the cache's reference, or 0 */

/* Frames for n pages that the caller has charged; how many there were, the others are uncharged. No lock needed. */
unsigned pc_frames(struct pagecache *pc, paddr_t *pa, unsigned n, unsigned flags);

/* Take pc->lock themselves. */
int pc_get(struct pagecache *pc, u64 index, bool write, bool beyond, paddr_t *pa);
/* How many of the n pages from index on lie before the first one that is there. */
unsigned pc_absent(struct pagecache *pc, u64 index, unsigned n);
/* Put n frames that the caller filled at index and behind, dirty; up to a page that is there, or no memory. How many. */
unsigned pc_add(struct pagecache *pc, u64 index, const paddr_t *pa, unsigned n);

/* The end of pc->busy, which whoever works on pc from a list of caches has set under caches_lock. */
void pagecache_idle(struct pagecache *pc);

enum zap_mode {
	ZAP_UNMAP,   /* translations of cache pages go away */
	ZAP_COWS,    /* so do private copies (truncation) */
	ZAP_PROTECT, /* translations become read-only */
};
/*
 * Do that for pages [first, last] in every address space that maps pc. No lock held. try: do not wait for an address
 * space that is locked; false if one was.
 */
bool pagecache_zap(struct pagecache *pc, u64 first, u64 last, enum zap_mode mode, bool try);

#endif
