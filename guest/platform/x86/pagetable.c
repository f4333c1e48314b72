/*
 * pagetable.c - 4-level x86-64 page tables; contract in pagetable.h.
 *
 * Levels count from the leaf: 0 is the page table (4 KiB entries), 1 the directory (2 MiB), 2 and 3 above it. A walk
 * keeps no state but the tables of one address, so nothing here recurses deeper than the four levels.
 */
#include "platform/x86/pagetable.h"

#include "lib/err.h"
#include "platform/platform.h"

#define ENTRIES	  512U
#define TOP_LEVEL 3U

static inline unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + 9 * level;
}

static inline unsigned level_index(u64 va, unsigned level)
{
	return va >> level_shift(level) & (ENTRIES - 1);
}

/* The first address behind the entry of this level that covers va; 0 at the end of the address space. */
static inline u64 level_next(u64 va, unsigned level)
{
	return ((va >> level_shift(level)) + 1) << level_shift(level);
}

static inline u64 *table_ptr(u64 entry)
{
	return paddr_to_ptr(entry & PTE_ADDR);
}

static inline bool is_leaf(u64 entry, unsigned level)
{
	return level == 0 || (entry & PTE_PS);
}

/* Readers and hardware walk beside us: an entry changes in one store. */
static inline void entry_set(u64 *e, u64 value)
{
	__atomic_store_n(e, value, __ATOMIC_RELEASE);
}

static inline u64 entry_get(const u64 *e)
{
	return __atomic_load_n(e, __ATOMIC_ACQUIRE);
}

static paddr_t table_new(struct pagetable *pt)
{
	paddr_t pa = pt->alloc(pt->arg);

	if (pa)
		pt->tables++;
	return pa;
}

static void table_free(struct pagetable *pt, paddr_t pa)
{
	pt->tables--;
	pt->free(pt->arg, pa);
}

/* The link looks like an entry that is not present. The other entries stay: a late walker sees translations that were
 * valid before the change, which is all that it may expect before the shootdown. */
static void table_retire(struct pagetable *pt, paddr_t pa)
{
	entry_set(paddr_to_ptr(pa), pt->limbo);
	pt->limbo = pa;
}

static bool table_empty(const u64 *table)
{
	unsigned i;

	for (i = 0; i < ENTRIES; i++)
		if (table[i])
			return false;
	return true;
}

int pt_init(struct pagetable *pt)
{
	pt->limbo = 0;
	pt->tables = 0;
	pt->root = table_new(pt);
	return pt->root ? 0 : -ENOMEM;
}

void pt_reap(struct pagetable *pt)
{
	while (pt->limbo) {
		paddr_t pa = pt->limbo;

		pt->limbo = *(u64 *)paddr_to_ptr(pa) & PTE_ADDR;
		table_free(pt, pa);
	}
}

static void free_below(struct pagetable *pt, paddr_t table, unsigned level)
{
	const u64 *t = paddr_to_ptr(table);
	unsigned i;

	for (i = 0; level && i < ENTRIES; i++)
		if ((t[i] & PTE_P) && !is_leaf(t[i], level))
			free_below(pt, t[i] & PTE_ADDR, level - 1);
	table_free(pt, table);
}

void pt_destroy(struct pagetable *pt, u64 lo, u64 hi, bool free_root)
{
	u64 *root = paddr_to_ptr(pt->root);
	unsigned i, first = level_index(lo, TOP_LEVEL), last = level_index(hi - 1, TOP_LEVEL);

	pt_reap(pt);
	for (i = first; i <= last; i++) {
		if (!(root[i] & PTE_P))
			continue;
		free_below(pt, root[i] & PTE_ADDR, TOP_LEVEL - 1);
		root[i] = 0;
	}
	if (free_root) {
		table_free(pt, pt->root);
		pt->root = 0;
	}
}

/* Replace a 2 MiB leaf by a table of 4 KiB leaves. */
static int split(struct pagetable *pt, u64 *e)
{
	u64 old = *e, i, pa = table_new(pt), *t;

	if (!pa)
		return -ENOMEM;
	t = paddr_to_ptr(pa);
	for (i = 0; i < ENTRIES; i++)
		t[i] = (old & ~PTE_PS) + (i << PAGE_SHIFT);
	entry_set(e, pa | PTE_P | PTE_W | (old & PTE_U));
	return 0;
}

/* The entry for va at the wanted level, with the tables above it made; NULL when a frame is missing. */
static u64 *walk_make(struct pagetable *pt, u64 va, unsigned level)
{
	u64 *t = paddr_to_ptr(pt->root), *e, pa;
	unsigned l;

	for (l = TOP_LEVEL; l > level; l--) {
		e = &t[level_index(va, l)];
		if (!(*e & PTE_P)) {
			pa = table_new(pt);
			if (!pa)
				return NULL;
			entry_set(e, pa | PTE_P | PTE_W | (va >> 63 ? 0 : PTE_U));
		} else if (is_leaf(*e, l) && split(pt, e) < 0) {
			return NULL;
		}
		t = table_ptr(*e);
	}
	return &t[level_index(va, level)];
}

int pt_map(struct pagetable *pt, u64 va, u64 len, paddr_t pa, u64 flags)
{
	u64 end = va + len, old, *e;

	while (va != end) {
		if (!((va | pa) & (HUGE_SIZE - 1)) && end - va >= HUGE_SIZE) {
			e = walk_make(pt, va, 1);
			if (!e)
				return -ENOMEM;
			old = *e;
			entry_set(e, pa | flags | PTE_P | PTE_PS);
			if ((old & PTE_P) && !is_leaf(old, 1))
				table_retire(pt, old & PTE_ADDR);
			va += HUGE_SIZE;
			pa += HUGE_SIZE;
			continue;
		}
		e = walk_make(pt, va, 0);
		if (!e)
			return -ENOMEM;
		do {
			entry_set(e++, pa | flags | PTE_P);
			va += PAGE_SIZE;
			pa += PAGE_SIZE;
		} while (va != end && level_index(va, 0));
	}
	return 0;
}

/* Retire the tables on the path to va that have become empty, leaf table first. */
static void prune(struct pagetable *pt, u64 va)
{
	u64 *path[TOP_LEVEL + 1], *t = paddr_to_ptr(pt->root);
	unsigned l;

	for (l = TOP_LEVEL; l > 0; l--) {
		path[l] = &t[level_index(va, l)];
		if (!(*path[l] & PTE_P) || is_leaf(*path[l], l))
			break;
		t = table_ptr(*path[l]);
	}
	/* t is the table that *path[l + 1] points to. */
	for (l++; l <= TOP_LEVEL && table_empty(table_ptr(*path[l])); l++) {
		paddr_t pa = *path[l] & PTE_ADDR;

		/* The upper half's top tables are shared between address spaces (kvm) and stay. */
		if (l == TOP_LEVEL && va >> 63)
			break;
		entry_set(path[l], 0);
		table_retire(pt, pa);
	}
}

/*
 * Find the next present leaf at or behind *va; NULL if there is none below end. *va moves to the leaf's base or, where
 * it lies inside the leaf, stays.
 */
static u64 *next_leaf(const struct pagetable *pt, u64 *va, u64 end, unsigned *level)
{
	while (*va != end && *va < end) {
		u64 *t = paddr_to_ptr(pt->root), *e = NULL, entry = 0;
		unsigned l;

		for (l = TOP_LEVEL;; l--) {
			e = &t[level_index(*va, l)];
			entry = entry_get(e);
			if (!(entry & PTE_P))
				break;
			if (is_leaf(entry, l)) {
				*level = l;
				return e;
			}
			t = table_ptr(entry);
		}
		*va = level_next(*va, l);
		if (!*va)
			break;
	}
	return NULL;
}

bool pt_unmap(struct pagetable *pt, u64 va, u64 len)
{
	u64 end = va + len, size, *e;
	unsigned level;
	bool any = false;

	while ((e = next_leaf(pt, &va, end, &level))) {
		size = 1UL << level_shift(level);
		any = true;
		if (level && ((va & (size - 1)) || end - va < size) && split(pt, e) == 0)
			continue;
		if (level) {
			va = ALIGN_DOWN(va, size);
			entry_set(e, 0);
			prune(pt, va);
			va += size;
			if (va > end)
				break;
			continue;
		}
		{
			u64 first = va;

			do {
				entry_set(e++, 0);
				va += PAGE_SIZE;
			} while (va != end && level_index(va, 0));
			prune(pt, first);
		}
	}
	return any;
}

bool pt_protect(struct pagetable *pt, u64 va, u64 len, u64 mask, u64 flags)
{
	u64 end = va + len, size, value, *e;
	unsigned level;
	bool any = false;

	while ((e = next_leaf(pt, &va, end, &level))) {
		size = 1UL << level_shift(level);
		value = (*e & ~mask) | (flags & mask);
		if (level && value != *e && ((va & (size - 1)) || end - va < size)) {
			if (split(pt, e) == 0)
				continue;
			value = 0; /* no frame for the split: a cache may forget */
		}
		if (value != *e) {
			entry_set(e, value);
			any = true;
		}
		va = ALIGN_DOWN(va, size) + size;
		if (va > end || !va)
			break;
	}
	return any;
}

bool pt_lookup(const struct pagetable *pt, u64 va, paddr_t *pa, u64 *flags)
{
	const u64 *t = paddr_to_ptr(pt->root);
	unsigned l;
	u64 e, size;

	for (l = TOP_LEVEL;; l--) {
		e = entry_get(&t[level_index(va, l)]);
		if (!(e & PTE_P))
			return false;
		if (is_leaf(e, l))
			break;
		t = table_ptr(e);
	}
	size = 1UL << level_shift(l);
	*pa = (e & PTE_ADDR & ~(size - 1)) | (va & (size - 1));
	*flags = e & PTE_FLAGS;
	return true;
}

bool pt_next_run(const struct pagetable *pt, u64 *va, u64 end, u64 *len, paddr_t *pa, u64 *flags)
{
	const u64 ignore = PTE_A | PTE_D | PTE_PS | PTE_ADDR;
	unsigned level;
	u64 at, off, size, e, *ep;

	ep = next_leaf(pt, va, end, &level);
	if (!ep)
		return false;
	e = entry_get(ep);
	size = 1UL << level_shift(level);
	off = *va & (size - 1);
	*pa = (e & PTE_ADDR & ~(size - 1)) + off;
	*flags = e & ~ignore;
	*len = MIN(size - off, end - *va);
	for (at = *va + *len; at < end; at += size) {
		u64 was = at;

		ep = next_leaf(pt, &at, end, &level);
		if (!ep || at != was)
			break;
		e = entry_get(ep);
		size = 1UL << level_shift(level);
		if ((e & ~ignore) != *flags || (e & PTE_ADDR & ~(size - 1)) != *pa + *len)
			break;
		size = MIN(size, end - at);
		*len += size;
	}
	return true;
}
