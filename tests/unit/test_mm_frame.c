// sources: guest/mm/frame.c guest/mm/account.c guest/mm/charge.c guest/mm/report.c guest/lib/spinlock.c guest/lib/lockcheck.c guest/lib/log.c guest/lib/printf.c tests/unit/platform_host.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1
/*
 * test_mm_frame.c - the buddy allocator against a model: no overlap, alignment, zero content, references, splitting,
 * giving back, and every frame home at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "mm/frame.h"
#include "tests/unit/platform_host.h"

#define RAM    (64UL << 20)
#define ARENA  (16UL << 20)
#define BLOCKS 600

static u8 owner[(RAM + ARENA) >> PAGE_SHIFT]; /* the model: 1 = handed out */
static struct block {
	paddr_t pa;
	unsigned order, ref, zone;
	bool split;
} blocks[BLOCKS];
static unsigned nblocks;

static unsigned page_index(paddr_t pa)
{
	return pa >= ARENA_PADDR ? (RAM + pa - ARENA_PADDR) >> PAGE_SHIFT : pa >> PAGE_SHIFT;
}

static void check_stats(void)
{
	struct frame_stats st;
	u64 used = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(owner); i++)
		used += owner[i];
	frame_stats(&st);
	CHECK_EQ(st.total - st.free, used);
	CHECK(st.untouched <= st.free);
}

static void take(void)
{
	struct block *b = &blocks[nblocks];
	unsigned flags = rand() % 2 ? FRAME_ZERO : 0;
	char *p;

	if (nblocks == BLOCKS)
		return;
	b->zone = rand() % ZONES;
	b->order = rand() % 3 ? 0 : rand() % (FRAME_ORDER_MAX + 1);
	b->pa = frame_alloc(b->zone, b->order, flags);
	if (!b->pa)
		return;
	b->ref = 1;
	b->split = false;
	CHECK_EQ(b->pa & ((PAGE_SIZE << b->order) - 1), 0);
	CHECK_EQ(b->pa >= ARENA_PADDR, b->zone == ZONE_ARENA);
	CHECK_EQ(frame_of(b->pa)->ref, 1);
	p = paddr_to_ptr(b->pa);
	for (unsigned i = 0; i < 1u << b->order; i++) {
		CHECK(!owner[page_index(b->pa) + i]);
		owner[page_index(b->pa) + i] = 1;
		for (unsigned j = 0; flags && j < PAGE_SIZE; j += 256)
			CHECK(!*(u64 *)(p + i * PAGE_SIZE + j));
		memset(p + i * PAGE_SIZE, 0xee, 2048);
	}
	nblocks++;
}

static void drop(unsigned n)
{
	struct block *b = &blocks[n];
	unsigned pages = 1u << b->order;

	if (b->split) {
		for (unsigned i = 0; i < pages; i++)
			frame_put(b->pa + i * PAGE_SIZE);
	} else {
		frame_put(b->pa);
	}
	if (--b->ref)
		return;
	memset(&owner[page_index(b->pa)], 0, pages);
	*b = blocks[--nblocks];
}

static void share(unsigned n)
{
	struct block *b = &blocks[n];

	for (unsigned i = 0; i < (b->split ? 1u << b->order : 1); i++)
		frame_get(b->pa + i * PAGE_SIZE);
	b->ref++;
}

static void random_ops(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned k = nblocks ? rand() % nblocks : 0;

		switch (rand() % 8) {
		case 0 ... 3: take(); break;
		case 4 ... 5:
			if (nblocks)
				drop(k);
			break;
		case 6:
			if (nblocks)
				share(k);
			break;
		case 7:
			if (nblocks && !blocks[k].split && blocks[k].order) {
				frame_split(blocks[k].pa);
				blocks[k].split = true;
				CHECK_EQ(frame_of(blocks[k].pa + PAGE_SIZE)->ref, blocks[k].ref);
			}
			unit_now += 300000000;
			if (rand() % 4 == 0)
				while (frame_report_free(unit_now) == unit_now)
					unit_now += 1;
			break;
		}
		if (i % 512 == 0)
			check_stats();
	}
}

static void test_exhaust(void)
{
	static paddr_t all[(RAM + ARENA) >> PAGE_SHIFT];
	struct frame_stats before, st;
	unsigned n = 0;

	frame_stats(&before);
	for (unsigned z = 0; z < ZONES; z++)
		while ((all[n] = frame_alloc(z, 0, 0)))
			n++;
	frame_stats(&st);
	CHECK_EQ(st.free, 0);
	CHECK_EQ(n, before.free);
	CHECK(!frame_alloc(ZONE_LARGE, FRAME_ORDER_MAX, 0));
	for (unsigned i = 0; i < n; i++)
		frame_put(all[i]);
	frame_stats(&st);
	CHECK_EQ(st.free, before.free);
	/* All merged again: large blocks exist. */
	n = 0;
	while ((all[n] = frame_alloc(ZONE_LARGE, FRAME_ORDER_MAX, FRAME_ZERO))) {
		CHECK(!*(u64 *)paddr_to_ptr(all[n] + 4096 * 77));
		n++;
	}
	CHECK(n >= 20);
	while (n--)
		frame_put(all[n]);
}

static void test_charge(void)
{
	struct frame_stats st;
	paddr_t pa;

	frame_set_limit(100 * PAGE_SIZE);
	CHECK_EQ(frame_charge(64), 0);
	CHECK_EQ(frame_charge(64), -12);
	CHECK(frame_try_charge(36) == 0);
	CHECK(frame_try_charge(1) != 0);
	frame_uncharge(36);
	pa = frame_alloc(ZONE_LARGE, 6, FRAME_CHARGED);
	frame_split(pa);
	for (unsigned i = 0; i < 64; i++)
		frame_put(pa + i * PAGE_SIZE);
	frame_stats(&st);
	CHECK_EQ(st.charged, 0);
	CHECK(frame_plentiful(80) && !frame_plentiful(95));
	frame_set_limit(~0ULL);
}

static struct frame_payer here;

static struct frame_payer *payer_here(void)
{
	return &here;
}

/* Accounts of two containers: each is refused alone, and is given back what it paid for, by whomever. */
static void test_groups(void)
{
	unsigned a = frame_group_create(100 * PAGE_SIZE), b, again;
	u64 charged, limit;
	struct frame_stats st;
	paddr_t pa;
	void *own;

	frame_payer_current = payer_here;
	here.group = a;
	CHECK_EQ(frame_try_charge(90), 0);
	own = page_alloc();
	frame_group_stats(a, &charged, &limit);
	CHECK(charged == 91 && limit == 100); /* alone: the Sentry's page counts */
	b = frame_group_create(50 * PAGE_SIZE);
	CHECK(a && b && a != b);
	frame_group_stats(a, &charged, &limit);
	CHECK(charged == 90 && limit == 100);
	CHECK(frame_try_charge(11) != 0 && frame_group_full(a, 11) && !frame_group_full(a, 10));

	here.group = b;
	CHECK(!frame_group_full(b, 50) && frame_try_charge(51) != 0 && frame_try_charge(50) == 0);
	CHECK(frame_try_charge(1) != 0 && !frame_plentiful(1));
	frame_stats(&st);
	CHECK(st.charged == 50 && st.limit == 50);
	frame_uncharge(18);
	pa = frame_alloc(ZONE_LARGE, 5, FRAME_CHARGED);
	frame_split(pa);

	here.group = a;
	for (unsigned i = 0; i < 32; i++)
		frame_put(pa + i * PAGE_SIZE);
	page_free(own);
	frame_group_stats(b, &charged, &limit);
	CHECK_EQ(charged, 0);
	frame_uncharge(10);
	frame_group_set_limit(a, 85 * PAGE_SIZE);
	CHECK(frame_try_charge(6) != 0 && frame_try_charge(5) == 0);

	/* A number is not used again before the last frame is back. */
	frame_group_drop(a);
	again = frame_group_create(PAGE_SIZE);
	CHECK(again && again != a && again != b);
	frame_uncharge(85);
	frame_group_drop(again);
	frame_group_drop(b);
	frame_stats(&st);
	CHECK_EQ(st.charged, 0);
	frame_payer_current = NULL;
	frame_set_limit(~0ULL);
}

/* Two owners of a block; one splits it, the other does not know. */
static void test_shared_block(void)
{
	struct frame_stats before, st;
	paddr_t pa;

	frame_stats(&before);
	pa = frame_alloc(ZONE_LARGE, FRAME_ORDER_MAX, 0);
	CHECK_EQ(frame_block_exclusive(pa), 1);
	frame_block_get(pa);
	CHECK_EQ(frame_block_exclusive(pa), 0);
	frame_split(pa);
	CHECK_EQ(frame_block_exclusive(pa), -1);
	for (unsigned i = 0; i < 512; i++) {
		CHECK_EQ(frame_of(pa + i * PAGE_SIZE)->ref, 2);
		frame_put(pa + i * PAGE_SIZE);
	}
	frame_block_put(pa);
	frame_stats(&st);
	CHECK_EQ(st.free, before.free);
}

static void test_lazy(void)
{
	struct frame_stats st;
	void *p = page_alloc();

	frame_stats(&st);
	CHECK(st.untouched > st.total - 1024);
	CHECK_EQ(st.charged, 1);
	page_free(p);
}

int main(void)
{
	unit_platform_init(RAM, ARENA);
	frame_init(platform_ram_free(), RAM, ARENA_PADDR + ARENA_FRAMES, ARENA);
	test_lazy();
	test_charge();
	test_groups();
	test_shared_block();
	for (unsigned round = 0; round < 10; round++) {
		srand(round);
		random_ops(6000);
		while (nblocks)
			drop(0);
		check_stats();
	}
	CHECK(unit_released > 0);
	test_exhaust();
	printf("frames: ok, %llu KiB given back\n", (unsigned long long)unit_released >> 10);
	return 0;
}
