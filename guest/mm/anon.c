/*
 * anon.c - an address space's private pages: a four-level table of 512-entry pages keyed by the address, as the CPU's.
 *
 * A leaf entry is a frame with one reference held; a 2 MiB block is one entry of the third level and is split when a
 * part of it changes. Sharing between address spaces (fork) is nothing but the frame's reference count: with a count
 * of 1 a page is ours alone, and only we could raise it again, under mm->lock. Empty tables are freed.
 *
 * Lock: mm->lock. Cost: fork: per page one atomic increment and an 8-byte store, per 2 MiB one page; drop: one atomic
 * per shared page, none per own page.
 */
#include "mm/priv.h"
#include "mm/slab.h"
#include <string.h>

#define L1_SHIFT 39
#define L2_SHIFT 30
#define L3_SHIFT 21

static u64 *table_of(u64 entry)
{
	return paddr_to_ptr(entry & AE_ADDR);
}

static u64 *table_new(struct mm *mm)
{
	u64 *t = page_alloc();

	if (t)
		mm->anon_tables++;
	return t;
}

static void table_free(struct mm *mm, u64 *t)
{
	mm->anon_tables--;
	page_free(t);
}

static unsigned index_at(uaddr_t va, unsigned shift)
{
	return (va >> shift) & (HUGE_PAGES - 1);
}

static u64 *descend(struct mm *mm, u64 *table, unsigned i, bool create)
{
	if (!table[i]) {
		u64 *t = create ? table_new(mm) : NULL;

		if (!t)
			return NULL;
		table[i] = ptr_to_paddr(t) | AE_PRESENT;
	}
	return table_of(table[i]);
}

u64 *anon_pmd(struct mm *mm, uaddr_t va, bool create)
{
	u64 *t;

	if (!mm->anon) {
		if (!create || !(mm->anon = table_new(mm)))
			return NULL;
	}
	t = descend(mm, mm->anon, index_at(va, L1_SHIFT), create);
	if (t)
		t = descend(mm, t, index_at(va, L2_SHIFT), create);
	return t ? &t[index_at(va, L3_SHIFT)] : NULL;
}

u64 *anon_next_pmd(struct mm *mm, uaddr_t *va, uaddr_t end)
{
	if (!mm->anon)
		return NULL;
	while (*va < end) {
		u64 *t1, *t2, *slot;

		if (!mm->anon[index_at(*va, L1_SHIFT)]) {
			*va = ALIGN_DOWN(*va, 1UL << L1_SHIFT) + (1UL << L1_SHIFT);
			continue;
		}
		t1 = table_of(mm->anon[index_at(*va, L1_SHIFT)]);
		if (!t1[index_at(*va, L2_SHIFT)]) {
			*va = ALIGN_DOWN(*va, 1UL << L2_SHIFT) + (1UL << L2_SHIFT);
			continue;
		}
		t2 = table_of(t1[index_at(*va, L2_SHIFT)]);
		slot = &t2[index_at(*va, L3_SHIFT)];
		if (*slot)
			return slot;
		*va = ALIGN_DOWN(*va, HUGE_SIZE) + HUGE_SIZE;
	}
	return NULL;
}

/* Clear a third-level slot and free the tables above it that this empties. */
static void pmd_clear(struct mm *mm, uaddr_t va)
{
	u64 *t1 = table_of(mm->anon[index_at(va, L1_SHIFT)]);
	u64 *t2 = table_of(t1[index_at(va, L2_SHIFT)]);

	t2[index_at(va, L3_SHIFT)] = 0;
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		if (t2[i])
			return;
	table_free(mm, t2);
	t1[index_at(va, L2_SHIFT)] = 0;
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		if (t1[i])
			return;
	table_free(mm, t1);
	mm->anon[index_at(va, L1_SHIFT)] = 0;
}

u64 *anon_leaf(struct mm *mm, u64 *pmd)
{
	paddr_t block;
	u64 *leaf;

	if (*pmd && !(*pmd & AE_HUGE))
		return table_of(*pmd);
	leaf = table_new(mm);
	if (!leaf)
		return NULL;
	if (*pmd) {
		block = *pmd & AE_ADDR;
		/* Another address space may have split it already; an unshared block can only be split by us. */
		if (frame_block_exclusive(block) >= 0)
			frame_split(block);
		for (unsigned i = 0; i < HUGE_PAGES; i++)
			leaf[i] = (block + i * PAGE_SIZE) | AE_PRESENT;
	}
	*pmd = ptr_to_paddr(leaf) | AE_PRESENT;
	return leaf;
}

u64 anon_lookup(struct mm *mm, uaddr_t va)
{
	u64 *pmd = anon_pmd(mm, va, false);

	if (!pmd || !*pmd)
		return 0;
	if (*pmd & AE_HUGE)
		return ((*pmd & AE_ADDR) + (va & (HUGE_SIZE - 1) & PAGE_MASK)) | AE_PRESENT;
	return table_of(*pmd)[pte_index(va)];
}

void anon_drop(struct mm *mm, uaddr_t start, uaddr_t end)
{
	uaddr_t va = start;
	unsigned work = 0;
	u64 *pmd;

	while ((pmd = anon_next_pmd(mm, &va, end))) {
		uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE), stop = MIN(end, base + HUGE_SIZE);
		bool whole = va == base && stop == base + HUGE_SIZE, empty = true;
		u64 *leaf;

		if ((*pmd & AE_HUGE) && whole) {
			frame_block_put(*pmd & AE_ADDR);
			mm->rss_anon -= HUGE_PAGES;
			pmd_clear(mm, base);
			va = stop;
			continue;
		}
		leaf = anon_leaf(mm, pmd);
		if (!leaf) {
			/*
			 * No page for the table that a split needs: let the whole block go if we must not keep
			 * its part. It stays, as content nobody can reach until the range is mapped anew; so
			 * clear it instead.
			 */
			paddr_t block = *pmd & AE_ADDR;

			if (frame_block_exclusive(block) == 1)
				memset(paddr_to_ptr(block + (va - base)), 0, stop - va);
			va = stop;
			continue;
		}
		for (unsigned i = 0; i < HUGE_PAGES; i++) {
			uaddr_t at = base + i * PAGE_SIZE;

			if (!leaf[i])
				continue;
			if (at < va || at >= stop) {
				empty = false;
				continue;
			}
			frame_put(leaf[i] & AE_ADDR);
			leaf[i] = 0;
			mm->rss_anon--;
		}
		if (empty) {
			table_free(mm, leaf);
			pmd_clear(mm, base);
		}
		va = stop;
		if (++work % 4 == 0)
			platform_poll();
	}
}

int anon_copy(struct mm *to, struct mm *from, uaddr_t start, uaddr_t end)
{
	uaddr_t va = start;
	unsigned work = 0;
	u64 *src;

	while ((src = anon_next_pmd(from, &va, end))) {
		uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE), stop = MIN(end, base + HUGE_SIZE);
		u64 *dst = anon_pmd(to, va, true), *leaf, *old;
		unsigned n = 0;

		if (!dst)
			return -ENOMEM;
		if ((*src & AE_HUGE) && va == base && stop == base + HUGE_SIZE) {
			frame_block_get(*src & AE_ADDR);
			*dst = *src;
			to->rss_anon += HUGE_PAGES;
			va = stop;
			continue;
		}
		old = anon_leaf(from, src);
		leaf = old ? anon_leaf(to, dst) : NULL;
		if (!leaf)
			return -ENOMEM;
		for (unsigned i = pte_index(va); i < HUGE_PAGES && base + i * PAGE_SIZE < stop;
		     i++) {
			if (!old[i])
				continue;
			frame_get(old[i] & AE_ADDR);
			leaf[i] = old[i] & ~AE_WP;
			n++;
		}
		to->rss_anon += n;
		va = stop;
		if (++work % 4 == 0)
			platform_poll();
	}
	return 0;
}

/* Whole blocks move as blocks where both addresses allow; the destination is empty. */
int anon_move(struct mm *mm, uaddr_t from, uaddr_t to, u64 len)
{
	uaddr_t va = from, end = from + len;
	u64 *src;

	while ((src = anon_next_pmd(mm, &va, end))) {
		uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE), stop = MIN(end, base + HUGE_SIZE);
		uaddr_t dst_va = to + (va - from);
		u64 *leaf, *dst;

		if (va == base && stop == base + HUGE_SIZE && !(dst_va & (HUGE_SIZE - 1))) {
			u64 entry = *src;

			dst = anon_pmd(mm, dst_va, true);
			if (!dst)
				return -ENOMEM;
			if (*dst) /* an empty table that a failure left behind */
				table_free(mm, table_of(*dst));
			*dst = entry;
			pmd_clear(mm, base);
			va = stop;
			continue;
		}
		leaf = anon_leaf(mm, src);
		if (!leaf)
			return -ENOMEM;
		for (unsigned i = pte_index(va); i < HUGE_PAGES && base + i * PAGE_SIZE < stop;
		     i++) {
			u64 *slot;

			if (!leaf[i])
				continue;
			dst = anon_pmd(mm, to + (base + i * PAGE_SIZE - from), true);
			slot = dst ? anon_leaf(mm, dst) : NULL;
			if (!slot)
				return -ENOMEM;
			slot[pte_index(to + (base + i * PAGE_SIZE - from))] = leaf[i];
			leaf[i] = 0;
		}
		va = stop;
	}
	return 0;
}

u64 anon_count(struct mm *mm, uaddr_t start, uaddr_t end)
{
	uaddr_t va = start;
	u64 n = 0, *pmd;

	while ((pmd = anon_next_pmd(mm, &va, end))) {
		uaddr_t base = ALIGN_DOWN(va, HUGE_SIZE), stop = MIN(end, base + HUGE_SIZE);

		if (*pmd & AE_HUGE) {
			n += (stop - va) >> PAGE_SHIFT;
		} else {
			const u64 *leaf = table_of(*pmd);

			for (unsigned i = pte_index(va);
			     i < HUGE_PAGES && base + i * PAGE_SIZE < stop; i++)
				n += leaf[i] != 0;
		}
		va = stop;
	}
	return n;
}

void anon_destroy(struct mm *mm)
{
	if (!mm->anon)
		return;
	anon_drop(mm, 0, 1UL << 47);
	/* Tables that a failed operation left empty. */
	for (unsigned i = 0; i < HUGE_PAGES; i++) {
		u64 *t1 = mm->anon[i] ? table_of(mm->anon[i]) : NULL;

		for (unsigned j = 0; t1 && j < HUGE_PAGES; j++)
			if (t1[j])
				table_free(mm, table_of(t1[j]));
		if (t1)
			table_free(mm, t1);
	}
	table_free(mm, mm->anon);
	mm->anon = NULL;
}
