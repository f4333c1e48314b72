/*
 * anonfault.c - faults on private pages: first touch in growing windows, 2 MiB blocks, copy-on-write by windows.
 *
 * First touch: a naturally aligned window around the fault, clipped to the area and to what is absent: 16 KiB (64 KiB on
 * systrap) at first, four times more at each sequential fault up to a 2 MiB block of ZONE_LARGE, while memory is
 * plentiful. Frames that the host never touched cost it nothing until the application touches them.
 * Copy-on-write: the aligned pmap_window() around the fault; pages whose sharing count fell to 1 are only write-enabled.
 * On systrap the windows of areas up to 2 MiB also grow with the number of faults there, to 256 KiB.
 *
 * Lock: mm->lock. Cost of a first touch: one charge, one zone lock per block, one metadata write per page of the
 * window, one pmap_map per contiguous run; no kmalloc. The commit is the caller's.
 */
#include "mm/priv.h"
#include <string.h>

#define HUGE_ORDER  9u
#define FAULTS_GROW 3u

static unsigned log2_floor(u64 n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

static unsigned cow_order(void)
{
	return log2_floor(MAX(pmap_window() / 4, 1u));
}

static unsigned base_order(void)
{
	return MAX(cow_order(), 2u);
}

/* Indices [*lo, *hi) of the leaf: the naturally aligned 2^order pages around va, clipped to the area. */
static void window(const struct vma *v, uaddr_t va, unsigned order, unsigned *lo, unsigned *hi)
{
	uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE);
	uaddr_t start = ALIGN_DOWN(va, PAGE_SIZE << order), end = start + (PAGE_SIZE << order);

	/* A small area is one window wherever it begins, so that it costs one fault. */
	if (v->end - v->start <= PAGE_SIZE << order) {
		start = MAX(v->start, base);
		end = MIN(v->end, base + HUGE_SIZE);
	}
	*lo = (unsigned)((MAX(start, v->start) - base) >> PAGE_SHIFT);
	*hi = (unsigned)((MIN(end, v->end) - base) >> PAGE_SHIFT);
}

/*
 * How much larger than usual the window of the next private pages may be, as an order: a smaller area that is used all over
 * has used a good part of what the larger windows bring. Counts the fault.
 */
static unsigned grown(struct vma *v)
{
	unsigned more = v->end - v->start <= HUGE_SIZE ? MIN(v->faults / FAULTS_GROW, 2u) : 0;

	if (v->faults < 255)
		v->faults++;
	return pmap_window() > 4 ? more : 0;
}

static unsigned page_prot(u64 entry, unsigned full)
{
	return anon_exclusive(entry) && !(entry & AE_WP) ? full : full & ~PMAP_W;
}

/*
 * Queue translations for the present pages of [lo, hi): writable where the page is ours alone. now: PMAP_NOW or 0.
 */
static int anon_map(struct vma *v, const u64 *leaf, uaddr_t base, unsigned lo, unsigned hi,
		    unsigned now)
{
	unsigned full = vma_pmap_prot(v);

	/* PROT_NONE: the page is there for ptrace alone. */
	while (full && lo < hi) {
		unsigned n = 1, prot;
		paddr_t pa;
		int err;

		if (!leaf[lo]) {
			lo++;
			continue;
		}
		pa = leaf[lo] & AE_ADDR;
		prot = page_prot(leaf[lo], full);
		while (lo + n < hi && leaf[lo + n] &&
		       (leaf[lo + n] & AE_ADDR) == pa + n * PAGE_SIZE &&
		       page_prot(leaf[lo + n], full) == prot)
			n++;
		err = pmap_map(v->mm->pmap, base + lo * PAGE_SIZE, n * PAGE_SIZE, pa, prot | now);
		if (err) {
			/* A page that was copied just now must not stay mapped to its old frame. */
			pmap_unmap(v->mm->pmap, base + lo * PAGE_SIZE, (hi - lo) * PAGE_SIZE);
			return err;
		}
		lo += n;
	}
	return 0;
}

/* ---- 2 MiB blocks ---- */

static bool huge_fits(const struct vma *v, uaddr_t base)
{
	return base >= v->start && base + HUGE_SIZE <= v->end && !(v->flags & VMA_NOHUGE);
}

static int huge_map(struct vma *v, uaddr_t base, paddr_t block, unsigned prot)
{
	uaddr_t lo = MAX(base, v->start), hi = MIN(base + HUGE_SIZE, v->end);

	return !prot ? 0 : pmap_map(v->mm->pmap, lo, hi - lo, block + (lo - base), prot);
}

static bool huge_new(struct vma *v, uaddr_t base, u64 *pmd)
{
	paddr_t block;

	if (!frame_plentiful(HUGE_PAGES) || frame_try_charge(HUGE_PAGES))
		return false;
	block = frame_alloc(ZONE_LARGE, HUGE_ORDER, FRAME_ZERO | FRAME_CHARGED);
	if (!block) {
		frame_uncharge(HUGE_PAGES);
		return false;
	}
	/*
	 * The first touch through the direct map, which has the huge-page advice, makes it one huge page of the host;
	 * an application's mapping may have no such advice (systrap).
	 */
	WRITE_ONCE(*(u64 *)paddr_to_ptr(block), 0);
	*pmd = block | AE_PRESENT | AE_HUGE;
	v->mm->rss_anon += HUGE_PAGES;
	return true;
}

/*
 * Where an area's pages come from: those of large areas share huge pages of the host, which cost one host fault per 512
 * frames; those of small ones stay in 4 KiB pages, so that a small program stays small.
 */
static enum frame_zone area_zone(const struct vma *v)
{
	return v->end - v->start >= HUGE_SIZE ? ZONE_LARGE : ZONE_SMALL;
}

/* ---- first touch ---- */

/* n charged frames in as few blocks as possible; returns how many there were. */
static unsigned frames_take(enum frame_zone zone, unsigned flags, unsigned max_order, paddr_t *pa,
			    unsigned n)
{
	unsigned at = 0;

	while (at < n) {
		unsigned order = MIN(log2_floor(n - at), max_order);
		paddr_t block = frame_alloc(zone, order, flags | FRAME_CHARGED);

		if (!block) {
			if (!order)
				break;
			max_order = order - 1;
			continue;
		}
		if (order)
			frame_split(block);
		if (zone == ZONE_LARGE) /* as in huge_new */
			WRITE_ONCE(*(u64 *)paddr_to_ptr(block), 0);
		for (unsigned i = 0; i < 1u << order; i++)
			pa[at++] = block + i * PAGE_SIZE;
	}
	return at;
}

/* Fill leaf[lo..hi) with zeroed frames; returns how many pages were filled. */
static unsigned fill(struct vma *v, u64 *leaf, unsigned lo, unsigned hi, unsigned max_order)
{
	unsigned n = frames_take(area_zone(v), FRAME_ZERO, max_order, &leaf[lo], hi - lo);

	for (unsigned i = lo; i < lo + n; i++)
		leaf[i] |= AE_PRESENT;
	v->mm->rss_anon += n;
	return n;
}

static int anon_new(struct vma *v, u64 *leaf, uaddr_t va, unsigned order)
{
	uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE);
	unsigned i = pte_index(va), lo, hi, wlo, whi, n, at;
	bool whole = v->end - v->start <= PAGE_SIZE << base_order();

	window(v, va, order, &wlo, &whi);
	for (lo = i; lo > wlo && !leaf[lo - 1]; lo--)
		;
	for (hi = i + 1; hi < whi && !leaf[hi]; hi++)
		;
	if (hi - lo > 1 && (!frame_plentiful(hi - lo) || frame_try_charge(hi - lo))) {
		lo = i;
		hi = i + 1;
	}
	if (hi - lo == 1 && frame_try_charge(1))
		return -ENOMEM;
	n = fill(v, leaf, lo, hi, order);
	if (n < hi - lo) {
		frame_uncharge(hi - lo - n);
		if (lo + n <= i) {
			/* Out of frames before the one that matters: what was filled stays, the caller retries. */
			return -ENOMEM;
		}
		hi = lo + n;
	}
	/* All of a small area is likely to be used; what its frames cost the host they cost already. */
	for (at = lo; whole && at < hi; at++)
		whole = frame_used(leaf[at] & AE_ADDR);
	v->next_fault = base + hi * PAGE_SIZE;
	return anon_map(v, leaf, base, lo, hi, whole ? PMAP_NOW : 0);
}

/* ---- copy-on-write ---- */

/* What a window replaces is mapped again after it: a commit in its middle would free frames that still are mapped. */
_Static_assert(FAULT_AROUND <= DEFER_MAX, "one window's old frames are put by one commit");

/*
 * Give v's address space its own copy of the shared pages of the window around va. A window that is mostly shared is
 * copied into contiguous frames, so that it stays one host mapping on systrap.
 */
static int cow_window(struct vma *v, u64 *leaf, uaddr_t va)
{
	unsigned order = cow_order(), lo, hi, shared = 0, size = 1u << order;
	paddr_t block = 0, keep[FAULT_AROUND];

	window(v, va, order, &lo, &hi);
	for (unsigned i = lo; i < hi; i++)
		shared += leaf[i] && !anon_exclusive(leaf[i]);
	if (!shared)
		return 0;
	if (frame_try_charge(shared)) {
		lo = pte_index(va);
		hi = lo + 1;
		shared = !anon_exclusive(leaf[lo]);
		if (!shared)
			return 0;
		if (frame_try_charge(1))
			return -ENOMEM;
	}
	if (order && order <= 4 && shared > (hi - lo) / 2) {
		block = frame_alloc(area_zone(v), order, FRAME_CHARGED);
		if (block)
			frame_split(block);
	}
	for (unsigned i = 0; block && i < size; i++)
		keep[i] = block + i * PAGE_SIZE;
	for (unsigned i = lo; i < hi; i++) {
		paddr_t old = leaf[i] & AE_ADDR, new;

		if (!leaf[i] || anon_exclusive(leaf[i]) || !shared)
			continue;
		if (block) {
			new = keep[i - lo];
			keep[i - lo] = 0;
		} else {
			new = frame_alloc(area_zone(v), 0, FRAME_CHARGED);
			if (!new) { /* what is copied already is mapped by the caller, or not at all */
				frame_uncharge(shared);
				if (anon_exclusive(leaf[pte_index(va)]))
					return 0;
				pmap_unmap(v->mm->pmap, ALIGN_DOWN(va, HUGE_SIZE) + lo * PAGE_SIZE,
					   (hi - lo) * PAGE_SIZE);
				return -ENOMEM;
			}
		}
		memcpy(paddr_to_ptr(new), paddr_to_ptr(old), PAGE_SIZE);
		leaf[i] = new | AE_PRESENT | (leaf[i] & AE_WP);
		mm_defer_put(v->mm, old);
		shared--;
	}
	/* Frames of the block that no page needed: they were not charged, freeing them uncharges. */
	for (unsigned i = 0; block && i < size; i++) {
		if (keep[i]) {
			frame_force_charge(1);
			frame_put(keep[i]);
		}
	}
	if (shared)
		frame_uncharge(shared);
	return 0;
}

static int anon_present(struct vma *v, u64 *leaf, uaddr_t va, bool write)
{
	unsigned lo, hi, order = 4;

	if (write) /* nobody is told of this write: what a move left behind */
		leaf[pte_index(va)] &= ~AE_WP;
	if (write && anon_exclusive(leaf[pte_index(va)])) {
		order = 6; /* after fork and exit of the child all of it is ours again */
	} else if (write) {
		int err = cow_window(v, leaf, va);

		if (err)
			return err;
	}
	window(v, va, order, &lo, &hi);
	return anon_map(v, leaf, ALIGN_DOWN(va, HUGE_SIZE), lo, hi, 0);
}

int anon_fault(struct vma *v, uaddr_t va, unsigned access)
{
	struct mm *mm = v->mm;
	uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE), page = ALIGN_DOWN(va, PAGE_SIZE);
	bool write = access & ACCESS_WRITE;
	unsigned order = base_order();
	u64 *pmd = anon_pmd(mm, va, true), *leaf;

	if (!pmd)
		return -ENOMEM;
	if (*pmd & AE_HUGE) {
		paddr_t block = *pmd & AE_ADDR;
		int own = frame_block_exclusive(block);

		if (own == 1)
			return huge_map(v, base, block, vma_pmap_prot(v));
		if (!own && !write)
			return huge_map(v, base, block, vma_pmap_prot(v) & ~PMAP_W);
	} else if (!*pmd || !(leaf = anon_leaf(mm, pmd)) || !leaf[pte_index(va)]) {
		if (v->flags & VMA_HUGE)
			order = HUGE_ORDER;
		else if (page == v->next_fault && !(v->flags & VMA_RAND))
			order = MIN(MAX(v->window, order) + 2, HUGE_ORDER);
		else if (!(v->flags & VMA_RAND))
			order += grown(v);
		v->window = (u8)order;
		if (!*pmd && order == HUGE_ORDER && huge_fits(v, base) && huge_new(v, base, pmd)) {
			v->next_fault = base + HUGE_SIZE;
			return huge_map(v, base, *pmd & AE_ADDR, vma_pmap_prot(v));
		}
		order = MIN(order, 8u);
	}
	leaf = anon_leaf(mm, pmd);
	if (!leaf)
		return -ENOMEM;
	if (leaf[pte_index(va)])
		return anon_present(v, leaf, va, write);
	return anon_new(v, leaf, va, order);
}

/* Charge and take n frames, or none. */
static bool frames_get(paddr_t *pa, unsigned n)
{
	unsigned got;

	if ((n > 1 && !frame_plentiful(n)) || frame_try_charge(n))
		return false;
	got = frames_take(ZONE_SMALL, 0, log2_floor(FILE_AROUND), pa, n);
	if (got == n)
		return true;
	frame_uncharge(n - got);
	while (got)
		frame_put(pa[--got]);
	return false;
}

int anon_cow_file(struct vma *v, uaddr_t va)
{
	struct mm *mm = v->mm;
	uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE);
	unsigned lo, hi, mine = pte_index(va), first, n = 0;
	paddr_t src[FILE_AROUND], new[FILE_AROUND];
	bool writable[FILE_AROUND];
	u64 *pmd = anon_pmd(mm, va, true), *leaf;
	int err, lost;

	leaf = pmd ? anon_leaf(mm, pmd) : NULL;
	if (!leaf)
		return -ENOMEM;
	if (leaf[mine])
		return anon_present(v, leaf, va, true);
	window(v, va, MIN(cow_order() + grown(v), log2_floor(FILE_AROUND)), &lo, &hi);
	first = lo;
	err = pagecache_fault(v->pc, vma_index(v, va), false, vma_index(v, base + lo * PAGE_SIZE),
			      hi - lo, src, writable);
	if (err)
		return err;
	for (unsigned i = lo; i < hi; i++)
		n += !leaf[i] && src[i - first];
	if (!frames_get(new, n)) {
		if (n == 1 || !frames_get(new, 1))
			return -ENOMEM;
		lo = mine;
		hi = mine + 1;
	}
	n = 0;
	for (unsigned i = lo; i < hi; i++) {
		if (leaf[i] || !src[i - first])
			continue;
		if (copy_mapped(paddr_to_ptr(new[n]), paddr_to_ptr(src[i - first]), PAGE_SIZE)) {
			frame_put(new[n++]); /* the host cut the file short */
			if (i == mine)
				err = -EIO;
			continue;
		}
		leaf[i] = new[n++] | AE_PRESENT;
		mm->rss_anon++;
	}
	lost = anon_map(v, leaf, base, lo, hi, 0);
	return err ? err : lost;
}
