/*
 * dax.c - see dax.h: the region's address space, and which page cache has which window.
 *
 * caches_lock (spin) guards the region's bitmap, the list of windows and their owners; pc->dax is changed under pc->lock
 * (mutex). Eviction marks the page cache busy, as reclaim does, so that pagecache_destroy waits for it.
 */
#include "abi/boot.h"
#include "abi/dax.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "mm/dax.h"
#include "mm/pagecache_priv.h"
#include "mm/slab.h"

#define CHUNKS (DAX_MAX / DAX_ALIGN)
/* Each has a descriptor of the host. Enough for any program's libraries; a sandbox of many programs evicts. */
#define WINDOWS_MAX 768

static u64 chunk_used[CHUNKS / 64];
static unsigned chunk_hint;
static struct list windows = LIST_INIT(windows); /* attached, least recently mapped first */
static unsigned attached;			 /* in that list */

static bool chunk_taken(unsigned i)
{
	return chunk_used[i / 64] >> (i % 64) & 1;
}

static void chunks_set(unsigned first, unsigned n, bool used)
{
	for (unsigned i = first; i < first + n; i++) {
		if (used)
			chunk_used[i / 64] |= 1ULL << (i % 64);
		else
			chunk_used[i / 64] &= ~(1ULL << (i % 64));
	}
}

/* n chunks in a row from `from` on; CHUNKS if there are none. */
static unsigned chunks_find(unsigned from, unsigned n)
{
	unsigned run = 0, end = (unsigned)(platform_dax_size() / DAX_ALIGN);

	for (unsigned i = from; i < end; i++) {
		run = chunk_taken(i) ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return CHUNKS;
}

static unsigned chunks_of(const struct dax_window *w)
{
	return (unsigned)((w->pages * PAGE_SIZE + DAX_ALIGN - 1) / DAX_ALIGN);
}

static bool place(struct dax_window *w)
{
	unsigned n = chunks_of(w), at;

	spin_lock(&caches_lock);
	at = chunks_find(chunk_hint, n);
	if (at == CHUNKS)
		at = chunks_find(0, n);
	if (at < CHUNKS) {
		chunks_set(at, n, true);
		chunk_hint = at + n;
		w->base = DAX_RO_PADDR + at * DAX_ALIGN;
	}
	spin_unlock(&caches_lock);
	return at < CHUNKS;
}

/* The oldest window goes. False if there is none that can. */
static bool evict(void)
{
	struct pagecache *pc = NULL;
	struct dax_window *w;

	spin_lock(&caches_lock);
	list_for_each(w, &windows, lru) {
		if (!w->pc->busy) {
			pc = w->pc;
			pc->busy = true;
			break;
		}
	}
	spin_unlock(&caches_lock);
	if (!pc)
		return false;
	dax_detach(pc);
	pagecache_idle(pc);
	return true;
}

struct dax_window *dax_reserve(u64 bytes)
{
	struct dax_window *w;

	if (!bytes || bytes > DAX_FILE_MAX)
		return NULL;
	while (READ_ONCE(attached) >= WINDOWS_MAX)
		if (!evict())
			return NULL;
	w = kzalloc(sizeof(*w));
	if (!w)
		return NULL;
	list_init(&w->lru);
	w->refs = 1;
	w->pages = (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	while (!place(w)) {
		if (!evict()) {
			kfree(w);
			return NULL;
		}
	}
	return w;
}

void dax_put(struct dax_window *w)
{
	if (atomic_sub(&w->refs, 1))
		return;
	if (w->mapped)
		platform_dax_unmap(w->base, w->pages * PAGE_SIZE);
	spin_lock(&caches_lock);
	chunks_set((unsigned)((w->base - DAX_RO_PADDR) / DAX_ALIGN), chunks_of(w), false);
	spin_unlock(&caches_lock);
	kfree(w);
}

void dax_attach(struct pagecache *pc, struct dax_window *w)
{
	mutex_lock(&pc->lock);
	BUG_ON(pc->dax);
	pc->dax = w;
	spin_lock(&caches_lock);
	w->pc = pc;
	list_add_tail(&windows, &w->lru);
	attached++;
	spin_unlock(&caches_lock);
	mutex_unlock(&pc->lock);
	pagecache_invalidate(pc, 0, ~0ULL);
}

void dax_detach(struct pagecache *pc)
{
	struct dax_window *w;

	if (!READ_ONCE(pc->dax))
		return;
	mutex_lock(&pc->lock);
	w = pc->dax;
	WRITE_ONCE(pc->dax, NULL);
	if (w) {
		spin_lock(&caches_lock);
		w->pc = NULL;
		list_del(&w->lru);
		attached--;
		spin_unlock(&caches_lock);
	}
	mutex_unlock(&pc->lock);
	if (!w)
		return;
	if (!list_empty(&pc->mappings))
		pagecache_zap(pc, 0, ~0ULL >> PAGE_SHIFT, ZAP_UNMAP, false);
	dax_put(w);
}

struct dax_window *dax_get(struct pagecache *pc)
{
	struct dax_window *w;

	if (!READ_ONCE(pc->dax))
		return NULL;
	mutex_lock(&pc->lock);
	w = pc->dax;
	if (w)
		atomic_add(&w->refs, 1);
	mutex_unlock(&pc->lock);
	return w;
}
