/*
 * pagemap.c - from a page cache back to the address spaces that map it: unmapping for truncation, hole punching and
 * reclaim, write protection for writeback; and the operations built on it.
 *
 * Order against faults: pages leave the cache's tree under pc->lock first; then each mapping address space is visited
 * under its mm->lock; then the frames are freed. A fault that saw a page before it left the tree holds mm->lock until
 * the page is mapped, so the visit comes after it and unmaps it.
 *
 * mappings_lock (spinlock) guards all pc->mappings lists. A visit marks areas with its pass number instead of holding
 * the lock; areas of one address space cannot change while its mm->lock is held.
 */
#include "mm/pagecache_priv.h"
#include "mm/slab.h"
#include <string.h>

static struct spinlock mappings_lock;
static struct waitq reclaim_done = WAITQ_INIT(reclaim_done);

void pagecache_attach(struct pagecache *pc, struct vma *v)
{
	spin_lock(&mappings_lock);
	list_add_tail(&pc->mappings, &v->pc_node);
	spin_unlock(&mappings_lock);
}

void pagecache_detach(struct vma *v)
{
	spin_lock(&mappings_lock);
	list_del(&v->pc_node);
	spin_unlock(&mappings_lock);
}

bool pagecache_mapped_writable(struct pagecache *pc)
{
	struct vma *v;
	bool found = false;

	spin_lock(&mappings_lock);
	list_for_each(v, &pc->mappings, pc_node)
		found |= vma_shared(v) && (v->max_prot & PROT_WRITE);
	spin_unlock(&mappings_lock);
	return found;
}

/* The part of an area that shows pages [first, last]. */
static bool overlap(const struct vma *v, u64 first, u64 last, uaddr_t *start, uaddr_t *end)
{
	u64 lo = v->off >> PAGE_SHIFT, n = (v->end - v->start) >> PAGE_SHIFT;

	if (last < lo || first >= lo + n)
		return false;
	*start = v->start + ((MAX(first, lo) - lo) << PAGE_SHIFT);
	*end = v->start + ((MIN(last, lo + n - 1) - lo + 1) << PAGE_SHIFT);
	return true;
}

/* Under mm->lock. */
static void zap_mm(struct mm *mm, struct pagecache *pc, u64 first, u64 last, enum zap_mode mode,
		   u32 pass)
{
	struct {
		uaddr_t start, end;
		unsigned prot;
		bool private;
	} part[16];
	unsigned n;

	do {
		struct vma *v;

		n = 0;
		spin_lock(&mappings_lock);
		list_for_each(v, &pc->mappings, pc_node) {
			if (v->mm != mm || v->pc_pass == pass)
				continue;
			if (n == ARRAY_SIZE(part))
				break;
			v->pc_pass = pass;
			if (!overlap(v, first, last, &part[n].start, &part[n].end))
				continue;
			part[n].prot = vma_pmap_prot(v) & ~PMAP_W;
			part[n++].private = !vma_shared(v);
		}
		spin_unlock(&mappings_lock);
		for (unsigned i = 0; i < n; i++) {
			if (mode != ZAP_PROTECT)
				pmap_unmap(mm->pmap, part[i].start, part[i].end - part[i].start);
			else if (!part[i].private)
				pmap_protect(mm->pmap, part[i].start, part[i].end - part[i].start,
					     part[i].prot);
		}
		mm_commit(mm);
		for (unsigned i = 0; i < n; i++)
			if (mode == ZAP_COWS && part[i].private)
				anon_drop(mm, part[i].start, part[i].end);
	} while (n == ARRAY_SIZE(part));
}

/* An address space may end here, and with it the last use of a file, whose page cache is perhaps the one that is busy: later. */
bool pagecache_zap(struct pagecache *pc, u64 first, u64 last, enum zap_mode mode, bool try)
{
	static u32 passes;
	u32 pass = atomic_add(&passes, 1);
	bool all = true;

	for (;;) {
		struct mm *mm = NULL;
		struct vma *v;

		spin_lock(&mappings_lock);
		list_for_each(v, &pc->mappings, pc_node) {
			if (v->pc_pass == pass)
				continue;
			/* An address space without references runs no thread and is being torn down. */
			if (ref_tryget(&v->mm->ref)) {
				mm = v->mm;
				break;
			}
			v->pc_pass = pass;
		}
		spin_unlock(&mappings_lock);
		if (!mm)
			return all;
		if (!try) {
			mutex_lock(&mm->lock);
		} else if (!mutex_trylock(&mm->lock)) {
			mm_put_later(mm);
			return false;
		}
		zap_mm(mm, pc, first, last, mode, pass);
		mutex_unlock(&mm->lock);
		mm_put_later(mm);
	}
}

/*
 * Take the pages [first, last] out of the tree; only clean ones if so asked. The frames hang in a chain through
 * frame->owner until free_chain. Under pc->lock.
 */
static paddr_t take_pages(struct pagecache *pc, u64 first, u64 last, bool clean_only, paddr_t chain)
{
	u64 i = first, entry;

	while ((entry = radix_next(&pc->pages, &i, last))) {
		if (!clean_only || !(entry & PC_DIRTY)) {
			paddr_t pa = pc_remove(pc, i);

			frame_of(pa)->owner = chain;
			chain = pa;
		}
		if (i++ == last)
			break;
	}
	return chain;
}

static void free_chain(paddr_t chain)
{
	while (chain) {
		paddr_t next = frame_of(chain)->owner;

		frame_of(chain)->owner = 0;
		frame_put(chain);
		chain = next;
	}
}

/* Zero a part of one page, if it is resident. Under pc->lock. */
static void zero_part(struct pagecache *pc, u64 off, u64 len)
{
	u64 *slot = radix_slot(&pc->pages, off >> PAGE_SHIFT);

	if (!slot || !len)
		return;
	memset((char *)paddr_to_ptr(*slot & PC_ADDR) + (off & (PAGE_SIZE - 1)), 0, len);
	if (pc->ops->write && !(*slot & PC_DIRTY)) {
		*slot |= PC_DIRTY;
		pc->nr_dirty++;
	}
}

/* Zero from off to the end of its page. */
static void zero_tail(struct pagecache *pc, u64 off)
{
	if (off & (PAGE_SIZE - 1))
		zero_part(pc, off, PAGE_SIZE - (off & (PAGE_SIZE - 1)));
}

void pagecache_truncate(struct pagecache *pc, u64 size)
{
	u64 first = (size + PAGE_SIZE - 1) >> PAGE_SHIFT, old;
	paddr_t chain = 0;

	mutex_lock(&pc->lock);
	old = pc->size;
	pc->size = size;
	zero_tail(pc, MIN(size, old)); /* what a mapping wrote behind the end never shows */
	if (size < old)
		chain = take_pages(pc, first, ~0ULL >> PAGE_SHIFT, false, 0);
	mutex_unlock(&pc->lock);
	if (size < old)
		pagecache_zap(pc, first, ~0ULL >> PAGE_SHIFT, ZAP_COWS, false);
	free_chain(chain);
}

void pagecache_punch(struct pagecache *pc, u64 off, u64 len)
{
	u64 end, first, last;
	paddr_t chain = 0;

	if (!len)
		return;
	end = off + len < off ? ~0ULL : off + len;
	first = (off + PAGE_SIZE - 1) >> PAGE_SHIFT;
	last = end >> PAGE_SHIFT; /* one past */
	mutex_lock(&pc->lock);
	if (first > last) { /* within one page */
		zero_part(pc, off, len);
	} else {
		zero_tail(pc, off);
		if (end & (PAGE_SIZE - 1))
			zero_part(pc, end & PAGE_MASK, end & (PAGE_SIZE - 1));
		if (first < last)
			chain = take_pages(pc, first, last - 1, false, 0);
	}
	mutex_unlock(&pc->lock);
	if (chain)
		pagecache_zap(pc, first, last - 1, ZAP_UNMAP, false);
	free_chain(chain);
}

void pagecache_invalidate(struct pagecache *pc, u64 off, u64 len)
{
	u64 first = off >> PAGE_SHIFT, last;
	paddr_t chain;

	if (!len || !pc->ops->read) /* memory only: nowhere to read the pages again */
		return;
	last = (off + len - 1 < off ? ~0ULL : off + len - 1) >> PAGE_SHIFT;
	mutex_lock(&pc->lock);
	chain = take_pages(pc, first, last, true, 0);
	mutex_unlock(&pc->lock);
	if (chain)
		pagecache_zap(pc, first, last, ZAP_UNMAP, false);
	free_chain(chain);
}

void pagecache_idle(struct pagecache *pc)
{
	spin_lock(&caches_lock);
	pc->busy = false;
	spin_unlock(&caches_lock);
	waitq_wake_all(&reclaim_done, 0);
}

/* Out of reclaim's reach, unless it is at work on pc just now. */
static bool unlist(struct pagecache *pc)
{
	bool idle;

	spin_lock(&caches_lock);
	list_del(&pc->lru);
	if (pc->dax)
		list_del(&pc->dax->lru);
	idle = !pc->busy;
	spin_unlock(&caches_lock);
	return idle;
}

void pagecache_destroy(struct pagecache *pc)
{
	paddr_t chain;

	wait_event(&reclaim_done, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, unlist(pc));
	dax_detach(pc);
	mutex_lock(&pc->lock);
	chain = take_pages(pc, 0, ~0ULL >> PAGE_SHIFT, false, 0);
	mutex_unlock(&pc->lock);
	if (!list_empty(&pc->mappings))
		pagecache_zap(pc, 0, ~0ULL >> PAGE_SHIFT, ZAP_UNMAP, false);
	free_chain(chain);
}

/* ---- writeback ---- */

/* Up to PC_BATCH dirty pages in a row from *index on: their frames with a reference, dirty marks cleared. */
static unsigned take_dirty(struct pagecache *pc, u64 *index, u64 last, paddr_t *pa)
{
	unsigned n = 0;
	u64 i = *index, *slot;

	mutex_lock(&pc->lock);
	while (pc->nr_dirty && (slot = NULL, radix_next(&pc->pages, &i, last)) && n < PC_BATCH) {
		slot = radix_slot(&pc->pages, i);
		if (*slot & PC_DIRTY) {
			if (!n)
				*index = i;
			*slot &= ~PC_DIRTY;
			pc->nr_dirty--;
			pa[n] = *slot & PC_ADDR;
			frame_get(pa[n++]);
		} else if (n) {
			break;
		}
		i++;
		if (n && (i > last || !radix_get(&pc->pages, i)))
			break;
	}
	mutex_unlock(&pc->lock);
	return n;
}

unsigned pagecache_take(struct pagecache *pc, u64 *index, u64 last, paddr_t *pa, unsigned max)
{
	u64 i = *index, *slot;
	unsigned n = 0;

	mutex_lock(&pc->lock);
	if (radix_next(&pc->pages, &i, last))
		*index = i;
	while (n < max && i <= last && (slot = radix_slot(&pc->pages, i))) {
		if (*slot & PC_DIRTY)
			pc->nr_dirty--;
		*slot &= ~PC_DIRTY;
		pa[n] = *slot & PC_ADDR;
		frame_get(pa[n++]);
		i++;
	}
	mutex_unlock(&pc->lock);
	if (n && !list_empty(&pc->mappings))
		pagecache_zap(pc, *index, *index + n - 1, ZAP_PROTECT, false);
	return n;
}

static void redirty(struct pagecache *pc, u64 index, unsigned n)
{
	mutex_lock(&pc->lock);
	for (unsigned i = 0; i < n; i++) {
		u64 *slot = radix_slot(&pc->pages, index + i);

		if (slot && !(*slot & PC_DIRTY)) {
			*slot |= PC_DIRTY;
			pc->nr_dirty++;
		}
	}
	mutex_unlock(&pc->lock);
}

int pagecache_sync(struct pagecache *pc, u64 off, u64 len)
{
	u64 index = off >> PAGE_SHIFT, last;
	paddr_t pa[PC_BATCH];
	unsigned n;
	int first_err = 0;

	if (!pc->ops->write || !len)
		return 0;
	last = (off + len - 1 < off ? ~0ULL : off + len - 1) >> PAGE_SHIFT;
	while (index <= last && (n = take_dirty(pc, &index, last, pa))) {
		int err;

		/* Later stores through a mapping must fault, to be seen as new dirt. */
		if (!list_empty(&pc->mappings))
			pagecache_zap(pc, index, index + n - 1, ZAP_PROTECT, false);
		err = pc->ops->write(pc, index, pa, n);
		if (err) {
			redirty(pc, index, n);
			first_err = first_err ? first_err : err;
		}
		for (unsigned i = 0; i < n; i++)
			frame_put(pa[i]);
		index += n;
	}
	return first_err;
}

/* ---- reclaim ---- */

/* Up to n clean pages of one cache, of one group if not 0, second chance by PC_USED, going round. Under pc->lock. */
static paddr_t take_clean(struct pagecache *pc, u64 n, unsigned group, u64 *taken, u64 *first,
			  u64 *last)
{
	u64 i = pc->next_reclaim, entry, seen = 0, nr = pc->nr_pages;
	paddr_t chain = 0;

	while (*taken < n && seen < nr && pc->nr_pages) {
		u64 *slot;

		entry = radix_next(&pc->pages, &i, ~0ULL >> PAGE_SHIFT);
		if (!entry) {
			if (!i)
				break;
			i = 0;
			continue;
		}
		seen++;
		slot = radix_slot(&pc->pages, i);
		if (group && !frame_group_within(frame_of(*slot & PC_ADDR)->group, group)) {
			; /* would not help */
		} else if (*slot & PC_USED) {
			*slot &= ~PC_USED;
		} else if (!(*slot & PC_DIRTY) && READ_ONCE(frame_of(*slot & PC_ADDR)->ref) == 1) {
			paddr_t pa = pc_remove(pc, i);

			frame_of(pa)->owner = chain;
			chain = pa;
			*first = MIN(*first, i);
			*last = MAX(*last, i);
			++*taken;
		}
		i++;
	}
	pc->next_reclaim = i;
	return chain;
}

static u64 reclaim_one(struct pagecache *pc, u64 n, unsigned group)
{
	u64 taken = 0, first = ~0ULL, last = 0;
	paddr_t chain;

	/* Mapped: unmap first and everywhere; if an address space is locked just now, leave this cache alone. */
	if (!list_empty(&pc->mappings) &&
	    !pagecache_zap(pc, 0, ~0ULL >> PAGE_SHIFT, ZAP_UNMAP, true))
		return 0;
	if (!mutex_trylock(&pc->lock))
		return 0;
	chain = take_clean(pc, n, group, &taken, &first, &last);
	mutex_unlock(&pc->lock);
	/* A fault may have mapped a page between the first visit and its removal. This is sure, and may wait: no lock held. */
	if (chain && !list_empty(&pc->mappings))
		pagecache_zap(pc, first, last, ZAP_UNMAP, false);
	free_chain(chain);
	return taken;
}

static u64 reclaim_clean(u64 n, unsigned group)
{
	u64 done = 0;

	/* Two rounds: the first may only take away the marks of use. */
	for (unsigned visits = 0, max = 0; done < n; visits++) {
		struct pagecache *pc = NULL, *it;
		unsigned count = 0;

		spin_lock(&caches_lock);
		list_for_each(it, &caches, lru) {
			count++;
			if (!pc && !it->busy)
				pc = it;
		}
		max = MAX(max, 2 * count);
		if (visits >= max)
			pc = NULL;
		if (pc) {
			pc->busy = true;
			list_del(&pc->lru);
			list_add_tail(&caches, &pc->lru);
		}
		spin_unlock(&caches_lock);
		if (!pc)
			break;
		done += reclaim_one(pc, n - done, group);
		pagecache_idle(pc);
	}
	return done;
}

/* Write one cache's dirty pages back. False if there is none, or *err. */
static bool write_some(int *err)
{
	struct pagecache *pc = NULL, *it;

	spin_lock(&caches_lock);
	list_for_each(it, &caches, lru) {
		if (!it->busy && READ_ONCE(it->nr_dirty)) {
			pc = it;
			pc->busy = true;
			list_del(&pc->lru);
			list_add_tail(&caches, &pc->lru);
			break;
		}
	}
	spin_unlock(&caches_lock);
	if (!pc)
		return false;
	*err = pagecache_sync(pc, 0, ~0ULL);
	pagecache_idle(pc);
	return true;
}

int pagecache_sync_all(void)
{
	unsigned left = 0;
	struct pagecache *it;
	int err = 0, first_err = 0;

	spin_lock(&caches_lock);
	list_for_each(it, &caches, lru)
		left += READ_ONCE(it->nr_dirty) != 0;
	spin_unlock(&caches_lock);
	/* What cannot be written stays dirty: as many turns as there were caches, no more. */
	for (; left && write_some(&err); left--)
		first_err = first_err ? first_err : err;
	return first_err;
}

u64 pagecache_reclaim_group(unsigned group, u64 n)
{
	u64 done = 0;
	int err;

	for (unsigned tries = 0; !done && tries < 8; tries++) {
		done = reclaim_clean(n, group);
		if (!done && (!write_some(&err) || err)) /* nothing is clean */
			break;
	}
	return done;
}

u64 pagecache_reclaim(u64 n)
{
	return pagecache_reclaim_group(frame_group_to_reclaim(n), n);
}
