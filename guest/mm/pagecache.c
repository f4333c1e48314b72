/*
 * pagecache.c - the pages of a file: lookup, fill, dirty marks, sizes, and the fault path's view.
 *
 * An entry is a frame with the cache's reference, and flags. pc->lock covers the tree and the fill of missing pages,
 * the file system's read included; copies of data run without it on frames that are pinned by a reference.
 * Mapped frames carry no reference for the mapping: whoever removes a page unmaps it everywhere first (pagemap.c).
 * Dirty: set by writes and by the write fault of a shared mapping, which maps clean pages read-only for that purpose.
 * Memory-only caches (no ops->write) have no dirty state and are never reclaimed.
 *
 * Cost of a hit: one mutex, one radix walk, one reference.
 */
#include "mm/pagecache_priv.h"
#include "mm/slab.h"
#include <string.h>

static u64 pagecache_pages; /* in all caches */
struct spinlock caches_lock;
struct list caches = LIST_INIT(caches);

void pagecache_init(struct pagecache *pc, const struct pagecache_ops *ops, void *owner, u64 size)
{
	memset(pc, 0, sizeof(*pc));
	mutex_init(&pc->lock);
	pc->ops = ops;
	pc->owner = owner;
	pc->size = size;
	list_init(&pc->mappings);
	list_init(&pc->lru);
}

u64 pagecache_total(void)
{
	return READ_ONCE(pagecache_pages);
}

static int pc_insert(struct pagecache *pc, u64 index, u64 entry)
{
	int err = radix_set(&pc->pages, index, entry);

	if (err)
		return err;
	if (!pc->nr_pages++ && pc->ops->write) {
		spin_lock(&caches_lock);
		list_add_tail(&caches, &pc->lru);
		spin_unlock(&caches_lock);
	}
	atomic_add(&pagecache_pages, 1);
	frame_cached(entry & PC_ADDR, true, !pc->ops->write);
	return 0;
}

paddr_t pc_remove(struct pagecache *pc, u64 index)
{
	u64 entry = radix_del(&pc->pages, index);

	if (!entry)
		return 0;
	if (entry & PC_DIRTY)
		pc->nr_dirty--;
	if (!--pc->nr_pages) {
		spin_lock(&caches_lock);
		list_del(&pc->lru);
		spin_unlock(&caches_lock);
	}
	atomic_sub(&pagecache_pages, 1);
	frame_cached(entry & PC_ADDR, false, !pc->ops->write);
	return entry & PC_ADDR;
}

static void mark_dirty(struct pagecache *pc, u64 *slot)
{
	if (pc->ops->write && !(*slot & PC_DIRTY)) {
		*slot |= PC_DIRTY;
		pc->nr_dirty++;
	}
}

/* Frames for n pages, which were charged; how many there were. */
unsigned pc_frames(struct pagecache *pc, paddr_t *pa, unsigned n, unsigned flags)
{
	enum frame_zone zone = pc->ops->arena ? ZONE_ARENA : ZONE_SMALL;
	unsigned got = 0;

	while (got < n) {
		unsigned order = 63 - (unsigned)__builtin_clzll(n - got);
		paddr_t f = frame_alloc(zone, order, flags | FRAME_CHARGED);

		if (!f && order) { /* no contiguous block: single frames */
			f = frame_alloc(zone, 0, flags | FRAME_CHARGED);
			order = 0;
		}
		if (!f)
			break;
		if (order)
			frame_split(f);
		for (unsigned i = 0; i < 1u << order; i++)
			pa[got++] = f + i * PAGE_SIZE;
	}
	if (got < n)
		frame_uncharge(n - got);
	return got;
}

/* How many pages to bring in together with an absent one, and from where. */
static unsigned plan(struct pagecache *pc, u64 index, u64 *first)
{
	u64 pages = (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT, start = index, end;
	unsigned want = pc->ops->read ? pc->ops->readahead : pc->ops->fill;

	*first = index;
	if (want <= 1 || index >= pages)
		return 1;
	if (index == pc->next_read && pc->ops->read) {
		end = index + MIN(want, PC_BATCH);
	} else {
		want = MIN(want, FAULT_AROUND);
		want = 1u << (31 - __builtin_clz(want));
		start = ALIGN_DOWN(index, (u64)want);
		end = start + want;
	}
	end = MIN(end, pages);
	for (u64 i = index; i-- > start;) {
		if (radix_get(&pc->pages, i)) {
			start = i + 1;
			break;
		}
	}
	for (u64 i = index + 1; i < end; i++) {
		if (radix_get(&pc->pages, i)) {
			end = i;
			break;
		}
	}
	*first = start;
	return (unsigned)(end - start);
}

/* Bring in page index (and neighbours). Under pc->lock. 0, -ENOMEM, -EIO. */
static int pc_fill(struct pagecache *pc, u64 index)
{
	paddr_t pa[PC_BATCH];
	unsigned n, got, i;
	u64 first;
	int err = 0;

	n = plan(pc, index, &first);
	if (n > 1 && (!frame_plentiful(n) || frame_try_charge(n)))
		n = 1;
	if (n == 1 && frame_try_charge(1))
		return -ENOMEM;
	got = pc_frames(pc, pa, n, pc->ops->read ? 0 : FRAME_ZERO);
	if (!got)
		return -ENOMEM;
	if (got < n) { /* memory is short: only the page that matters */
		while (got > 1)
			frame_put(pa[--got]);
		first = index;
	}
	if (pc->ops->read && first < (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
		err = pc->ops->read(pc, first, pa, got);
	else if (pc->ops->read)
		for (i = 0; i < got; i++)
			memset(paddr_to_ptr(pa[i]), 0, PAGE_SIZE);
	n = err > 0 ? (unsigned)err : got;
	err = MIN(err, 0);
	for (i = 0; i < got; i++) {
		if (!err && i >= n)
			err = -EIO; /* SIGBUS where it is mapped, as Linux does */
		if (!err)
			err = pc_insert(pc, first + i, pa[i]);
		if (err)
			frame_put(pa[i]);
	}
	if (!err)
		pc->next_read = first + got;
	return radix_get(&pc->pages, index) ? 0 : err;
}

/* The entry of a page, filled. Under pc->lock. NULL: *err. beyond: index may lie behind the size (a growing write). */
static u64 *pc_entry(struct pagecache *pc, u64 index, bool write, bool beyond, int *err)
{
	u64 *slot = radix_slot(&pc->pages, index);

	*err = 0;
	if (!beyond && index >= (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT) {
		*err = -ENXIO;
		return NULL;
	}
	if (!slot) {
		*err = pc_fill(pc, index);
		if (*err)
			return NULL;
		slot = radix_slot(&pc->pages, index);
	}
	*slot |= PC_USED;
	if (write)
		mark_dirty(pc, slot);
	return slot;
}

int pc_get(struct pagecache *pc, u64 index, bool write, bool beyond, paddr_t *pa)
{
	for (unsigned tries = 0;; tries++) {
		u64 *slot;
		int err;

		mutex_lock(&pc->lock);
		slot = pc_entry(pc, index, write, beyond, &err);
		if (slot) {
			*pa = *slot & PC_ADDR;
			frame_get(*pa);
		}
		mutex_unlock(&pc->lock);
		if (err != -ENOMEM || tries == 16 || !pagecache_reclaim(64))
			return err;
	}
}

int pagecache_get(struct pagecache *pc, u64 index, bool write, paddr_t *pa)
{
	return pc_get(pc, index, write, false, pa);
}

unsigned pc_absent(struct pagecache *pc, u64 index, unsigned n)
{
	u64 i = index;

	mutex_lock(&pc->lock);
	if (pc->dax && index < pc->dax->pages)
		n = 0;
	else if (radix_next(&pc->pages, &i, index + n - 1))
		n = (unsigned)(i - index);
	mutex_unlock(&pc->lock);
	return n;
}

unsigned pc_add(struct pagecache *pc, u64 index, const paddr_t *pa, unsigned n)
{
	unsigned k;

	mutex_lock(&pc->lock);
	for (k = 0; k < n; k++) {
		if (radix_get(&pc->pages, index + k) || pc_insert(pc, index + k, pa[k] | PC_USED))
			break;
		mark_dirty(pc, radix_slot(&pc->pages, index + k));
	}
	if (k)
		pc->size = MAX(pc->size, (index + k) << PAGE_SHIFT);
	mutex_unlock(&pc->lock);
	return k;
}

bool pagecache_resident(struct pagecache *pc, u64 index)
{
	bool r;

	mutex_lock(&pc->lock);
	r = radix_get(&pc->pages, index) != 0 || (pc->dax && index < pc->dax->pages);
	mutex_unlock(&pc->lock);
	return r;
}

bool pagecache_ready(struct pagecache *pc, u64 index)
{
	u64 pages;
	bool r;

	if (!mutex_trylock(&pc->lock))
		return false;
	pages = (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	r = !pc->ops->read || index >= pages || radix_get(&pc->pages, index) ||
	    (pc->dax && index < pc->dax->pages);
	mutex_unlock(&pc->lock);
	return r;
}

void pagecache_bring(struct pagecache *pc, u64 index)
{
	int err;

	mutex_lock(&pc->lock);
	pc_entry(pc, index, false, false, &err);
	mutex_unlock(&pc->lock);
}

int pagecache_fault(struct pagecache *pc, u64 index, bool write, u64 first, unsigned n, paddr_t *pa,
		    bool *writable)
{
	u64 pages;
	int err;

	mutex_lock(&pc->lock);
	if (pc->dax && !write && !platform_dax_refused) {
		pages = MIN(pc->dax->pages, (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
		err = index < pages ? 0 : -ENXIO;
		for (unsigned i = 0; i < n; i++) {
			pa[i] = first + i < pages ? pc->dax->base + ((first + i) << PAGE_SHIFT) : 0;
			writable[i] = false;
		}
	} else if (pc_entry(pc, index, write, false, &err)) {
		pages = (pc->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
		for (unsigned i = 0; i < n; i++) {
			u64 e = first + i < pages ? radix_get(&pc->pages, first + i) : 0;

			pa[i] = e & PC_ADDR;
			writable[i] = e && (!pc->ops->write || (e & PC_DIRTY));
		}
	}
	mutex_unlock(&pc->lock);
	return err;
}

s64 pagecache_seek(struct pagecache *pc, u64 off, bool data)
{
	s64 r = -ENXIO;
	u64 i;

	mutex_lock(&pc->lock);
	if (off >= pc->size)
		goto out;
	i = off >> PAGE_SHIFT;
	if (data) {
		if (radix_next(&pc->pages, &i, (pc->size - 1) >> PAGE_SHIFT))
			r = (s64)MAX(off, i << PAGE_SHIFT);
	} else {
		while (radix_get(&pc->pages, i))
			i++;
		r = (s64)MIN(MAX(off, i << PAGE_SHIFT), pc->size);
	}
out:
	mutex_unlock(&pc->lock);
	return r;
}
