// sources: guest/platform/x86/pagetable.c
// cflags: -DMOAT_UNIT=1
/*
 * test_pagetable.c - platform/x86/pagetable.c against an array of pages: random maps, unmaps and protections, with huge
 * leaves, splits, replaced tables and an allocator that runs dry, must give the array's answers; and no table is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "platform/platform.h"
#include "platform/x86/pagetable.h"

#define TABLES	4096
#define PAGES	4096 /* 16 MiB of addresses across a 1 GiB boundary */
#define BASE	((1ULL << 39) - (1ULL << 30) - (8ULL << 20))
#define STEPS	60000
#define FLAGS	(PTE_W | PTE_U | PTE_NX)
#define DATA_PA 0x4000000000ULL /* leaves point anywhere: they are never followed */

_Thread_local struct cpu *unit_cpu;
char *direct_map;

static struct {
	bool mapped;
	u64 pa, flags;
} model[PAGES];

static paddr_t free_list[TABLES];
static unsigned nfree, dry; /* dry: fail this many allocations in 100 */
static unsigned errors, step;

static void fail(const char *what, u64 a, u64 b)
{
	printf("step %u: %s: %#llx %#llx\n", step, what, (unsigned long long)a,
	       (unsigned long long)b);
	if (++errors > 10)
		exit(1);
}

static paddr_t alloc(void *arg)
{
	paddr_t pa;

	(void)arg;
	if (!nfree || (unsigned)rand() % 100 < dry)
		return 0;
	pa = free_list[--nfree];
	memset(direct_map + pa, 0, PAGE_SIZE);
	return pa;
}

static void give_back(void *arg, paddr_t pa)
{
	(void)arg;
	memset(direct_map + pa, 0xaa, PAGE_SIZE);
	free_list[nfree++] = pa;
}

static void compare(struct pagetable *pt, unsigned first, unsigned n, bool exact)
{
	for (unsigned i = first; i < first + n; i++) {
		u64 va = BASE + i * PAGE_SIZE + 0x123, flags;
		paddr_t pa;
		bool got = pt_lookup(pt, va, &pa, &flags);

		if (!got && !exact)
			model[i].mapped = false; /* a cache may forget */
		if (got != model[i].mapped)
			fail("mapped", va, got);
		else if (got && pa != model[i].pa + 0x123)
			fail("address", va, pa);
		else if (got && (flags & FLAGS) != model[i].flags)
			fail("flags", va, flags);
	}
}

/* Every run that pt_next_run gives must be mapped so in the model, and nothing between runs may be. */
static void walk(struct pagetable *pt, unsigned first, unsigned n)
{
	u64 va = BASE + first * PAGE_SIZE, end = va + n * PAGE_SIZE, len, flags;
	unsigned seen = first;
	paddr_t pa;

	while (pt_next_run(pt, &va, end, &len, &pa, &flags)) {
		unsigned at = (va - BASE) / PAGE_SIZE;

		for (; seen < at; seen++)
			if (model[seen].mapped)
				fail("run skipped", seen, at);
		for (u64 off = 0; off < len; off += PAGE_SIZE, seen++)
			if (!model[seen].mapped || model[seen].pa != pa + off ||
			    model[seen].flags != (flags & FLAGS))
				fail("run", va + off, pa + off);
		va += len;
		if (va > end)
			fail("run too long", va, end);
	}
	for (; seen < first + n; seen++)
		if (model[seen].mapped)
			fail("run missed", seen, 0);
}

static u64 random_flags(void)
{
	return PTE_U | (rand() & 1 ? PTE_W : 0) | (rand() & 1 ? PTE_NX : 0);
}

static void one_step(struct pagetable *pt)
{
	unsigned first = (unsigned)rand() % PAGES,
		 n = (unsigned)rand() % 4 ? 1 + (unsigned)rand() % 40 : 1 + (unsigned)rand() % 1500;
	u64 va, len, flags = random_flags(),
		     pa = DATA_PA + ((u64)(unsigned)rand() % 100000) * PAGE_SIZE;

	if (rand() % 4 == 0) {
		first &= ~511U;
		n = (n + 511) & ~511U;
		pa &= ~(HUGE_SIZE - 1);
	}
	if (first + n > PAGES)
		n = PAGES - first;
	va = BASE + first * PAGE_SIZE;
	len = n * PAGE_SIZE;
	switch (rand() % 4) {
	case 0:
	case 1:
		if (pt_map(pt, va, len, pa, flags) < 0) {
			pt_unmap(pt, va, len);
			for (unsigned i = 0; i < n; i++)
				model[first + i].mapped = false;
			break;
		}
		for (unsigned i = 0; i < n; i++) {
			model[first + i].mapped = true;
			model[first + i].pa = pa + i * PAGE_SIZE;
			model[first + i].flags = flags;
		}
		break;
	case 2:
		pt_unmap(pt, va, len);
		for (unsigned i = 0; i < n; i++)
			model[first + i].mapped = false;
		break;
	case 3:
		pt_protect(pt, va, len, PTE_W | PTE_NX, flags);
		for (unsigned i = 0; i < n; i++)
			model[first + i].flags = flags;
		break;
	}
	/* A split without a frame drops a whole huge leaf, on both sides of the range. */
	compare(pt, first, n, !dry);
	if (dry)
		compare(pt, 0, PAGES, false);
	if (rand() % 50 == 0) {
		compare(pt, 0, PAGES, true);
		walk(pt, first, n);
		walk(pt, 0, PAGES);
	}
	if (rand() % 20 == 0)
		pt_reap(pt);
}

int main(void)
{
	struct pagetable pt = { .alloc = alloc, .free = give_back };

	srand(4711);
	direct_map = aligned_alloc(PAGE_SIZE, (TABLES + 1) * PAGE_SIZE);
	for (unsigned i = 1; i <= TABLES; i++)
		free_list[nfree++] = i * PAGE_SIZE;
	if (pt_init(&pt) < 0)
		return 1;
	for (step = 0; step < STEPS; step++) {
		dry = step % 10000 > 8000 ? 20 : 0;
		one_step(&pt);
	}
	if (nfree + pt.tables != TABLES)
		fail("tables lost while in use", nfree, pt.tables);
	pt_unmap(&pt, 0, 1ULL << 47);
	compare(&pt, 0, 0, true);
	pt_reap(&pt);
	if (pt.tables != 1)
		fail("empty tables stay", pt.tables, 0);
	pt_map(&pt, BASE, 64 * HUGE_SIZE, DATA_PA, PTE_U);
	pt_destroy(&pt, 0, 1ULL << 47, true);
	if (nfree != TABLES || pt.tables)
		fail("tables lost", nfree, pt.tables);
	free(direct_map);
	printf("%u steps, %u errors\n", step, errors);
	return errors != 0;
}
