/*
 * pagecache.h - the pages of one file or shared memory object, by index.
 *
 * File systems own a struct pagecache per regular inode and give ops to fill and write pages; mm maps its frames;
 * read and write copy to and from them. Frames of ZONE_ARENA where the ops say so (the gofer reads straight into
 * them), ZONE_SMALL or LARGE for tmpfs. Lock: pc->lock (mutex, inside mm->lock).
 */
#ifndef MOAT_MM_PAGECACHE_H
#define MOAT_MM_PAGECACHE_H

#include "lib/radix.h"
#include "lib/types.h"
#include "task/wait.h"

struct pagecache;

struct pagecache_ops {
	/*
	 * Fill n pages from index on (frames are contiguous or not, one paddr each), all of them: zeroes beyond the
	 * file's end. NULL: new pages are zero (tmpfs). 0 or -errno (-EIO ...); or k < n: the file was cut short behind
	 * our back, only the first k pages are there. Sleeps; pc->lock is held.
	 */
	int (*read)(struct pagecache *pc, u64 index, paddr_t *frames, unsigned n);
	/*
	 * Write n dirty pages from index on; pc->size at that moment bounds what is written (pages beyond it are
	 * skipped). NULL: memory only (tmpfs). No lock held.
	 */
	int (*write)(struct pagecache *pc, u64 index, const paddr_t *frames, unsigned n);
	/* Somebody is about to map the file: attach a window (dax.h) if that can be. Sleeps; no lock held. May be NULL. */
	void (*window)(struct pagecache *pc);
	bool arena;	    /* frames come from ZONE_ARENA */
	unsigned readahead; /* pages to read at once on sequential access (at most 64); 0: none */
	unsigned fill; /* memory only: pages that one fault may create ahead (shared anonymous memory) */
};

struct pagecache {
	struct mutex lock;
	const struct pagecache_ops *ops;
	void *owner; /* the inode */
	u64 size;    /* bytes; beyond its last page access is SIGBUS. Set by pagecache_truncate */
	struct radix pages; /* entries: paddr and PC_ bits */
	u64 nr_pages, nr_dirty;
	struct dax_window *dax; /* has all pages, instead of the tree, or NULL */
	struct list mappings;	/* VMAs that map it; under mappings_lock */
	struct list lru;	/* place in the list of caches with pages; under caches_lock */
	bool busy;		/* reclaim is at it; under caches_lock */
	u64 next_read;		/* where sequential reading would go on, pages */
	u64 next_reclaim;	/* where reclaim goes on, pages */
};

void pagecache_init(struct pagecache *pc, const struct pagecache_ops *ops, void *owner, u64 size);
/* Unmap everywhere and free every page; dirty pages are dropped (write back before, where it matters). */
void pagecache_destroy(struct pagecache *pc);

/*
 * The frame of page `index`, read if need be, with a reference that the caller drops by frame_put. write: a page that
 * is about to change (marked dirty). -EIO, -ENOMEM, -ENXIO beyond the size.
 */
int pagecache_get(struct pagecache *pc, u64 index, bool write, paddr_t *pa);
/* Does a shared mapping exist that is, or may become, writable? (F_SEAL_WRITE) */
bool pagecache_mapped_writable(struct pagecache *pc);
/* Is it resident? (mincore, cachestat) */
bool pagecache_resident(struct pagecache *pc, u64 index);
/* Can a fault have page `index` without waiting for a read, its own or another's? If not, bring it in, without mm->lock. */
bool pagecache_ready(struct pagecache *pc, u64 index);
void pagecache_bring(struct pagecache *pc, u64 index); /* an error comes back in the fault */

/*
 * Copy between kernel memory and the file's pages. pagecache_read stops at size. pagecache_write extends size. The
 * user-space forms are in fs/: they go through pinned frames, without pc->lock.
 */
s64 pagecache_read(struct pagecache *pc, u64 off, void *buf, size_t n);
s64 pagecache_write(struct pagecache *pc, u64 off, const void *buf, size_t n);
/* The same with a user buffer: bytes done or -errno (-EFAULT only if nothing was done). */
s64 pagecache_read_user(struct pagecache *pc, u64 off, uaddr_t buf, size_t n);
s64 pagecache_write_user(struct pagecache *pc, u64 off, uaddr_t buf, size_t n);

/* Set the size; shrinking unmaps and frees pages beyond it and zeroes the tail of the last. */
void pagecache_truncate(struct pagecache *pc, u64 size);
/* Free the whole pages of the range (hole punching), zero its ends; size stays. */
void pagecache_punch(struct pagecache *pc, u64 off, u64 len);
/* First data or hole at or after off (SEEK_DATA, SEEK_HOLE); -ENXIO. For memory-only caches. */
s64 pagecache_seek(struct pagecache *pc, u64 off, bool data);
/* Write dirty pages of the range back; 0 or the first error. */
int pagecache_sync(struct pagecache *pc, u64 off, u64 len);
/* The same for all caches: sync(2), and the end of the sandbox. */
int pagecache_sync_all(void);
/*
 * For a file system that writes by itself what was just put into the cache: up to max pages in a row, the first that is
 * there from *index on and those behind it, up to last; their frames with a reference each. They are clean from here on.
 */
unsigned pagecache_take(struct pagecache *pc, u64 *index, u64 last, paddr_t *pa, unsigned max);
/* Forget clean pages of the range (a host change was seen). Nothing on memory-only caches. */
void pagecache_invalidate(struct pagecache *pc, u64 off, u64 len);
/* Reclaim: drop up to n clean unmapped pages of all caches, oldest first; returns how many. */
u64 pagecache_reclaim(u64 n);
/* The same, of a group (mm/frame.h) and those below it; 0: of any. */
u64 pagecache_reclaim_group(unsigned group, u64 n);
/* Resident and dirty pages of [first, last] (cachestat(2)). Memory-only caches have no dirty ones. */
void pagecache_count(struct pagecache *pc, u64 first, u64 last, u64 *cached, u64 *dirty);
u64 pagecache_total(void); /* pages in all caches */

#endif
