// sources: tests/unit/platform_host.c guest/ring/ring.c guest/lib/spinlock.c guest/lib/lockcheck.c guest/lib/log.c guest/lib/printf.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1 -pthread
// libs: -pthread
/*
 * test_ring.c - the driver side of a queue: an honest device that answers in any order, and devices that return what
 * they do not have, too much, or everything at once. Every request ends exactly once.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "lib/err.h"
#include "ring/ring.h"
#include "tests/unit/platform_host.h"

#define REQS 40

static struct ring_request reqs[REQS];
static bool busy[REQS];
static s32 result[REQS];
static unsigned bells, ended;
static struct ring_mem *mem;
static u16 avail_seen, used_idx, pending[RING_ENTRIES];
static unsigned npending;

void doorbell_ring(unsigned queue)
{
	bells++;
}

static void done(struct ring_request *r, s32 written)
{
	unsigned k = (unsigned)(r - reqs);

	CHECK(k < REQS && busy[k]);
	busy[k] = false;
	result[k] = written;
	ended++;
}

/* The device takes what is available. */
static void take(void)
{
	while (avail_seen != mem->avail.idx)
		pending[npending++] = mem->avail.ring[avail_seen++ % RING_ENTRIES];
}

static u32 writable(u16 head)
{
	u32 n = 0;

	for (;; head = mem->desc[head].next) {
		if (mem->desc[head].flags & RING_DESC_F_WRITE)
			n += mem->desc[head].len;
		if (!(mem->desc[head].flags & RING_DESC_F_NEXT))
			return n;
	}
}

static void give(u32 id, u32 len)
{
	mem->used.ring[used_idx % RING_ENTRIES] = (struct ring_used_elem){ id, len };
	mem->used.idx = ++used_idx;
}

static int add(struct ring *r, unsigned k, unsigned nout, unsigned nin)
{
	struct ring_buf b[16];
	int err;

	for (unsigned i = 0; i < nout + nin; i++)
		b[i] = (struct ring_buf){ paddr_to_ptr(ARENA_PADDR + ARENA_FRAMES + i * 4096),
					  100 };
	reqs[k].done = done;
	busy[k] = true;
	err = ring_add(r, &reqs[k], b, nout, nin);
	if (err)
		busy[k] = false;
	return err;
}

static struct ring *fresh(unsigned queue)
{
	struct ring *r = ring_open(queue);

	mem = paddr_to_ptr(ARENA_PADDR + ARENA_RINGS + (u64)queue * RING_STRIDE);
	avail_seen = used_idx = 0;
	npending = ended = bells = 0;
	memset(busy, 0, sizeof(busy));
	return r;
}

static void test_honest(void)
{
	struct ring *r = fresh(8);
	unsigned added = 0, full = 0;

	srand(1);
	for (int step = 0; step < 200000; step++) {
		unsigned k = (unsigned)rand() % REQS;

		if (!busy[k] && rand() % 2) {
			int err = add(r, k, 1 + (unsigned)rand() % 8, (unsigned)rand() % 8);

			CHECK(err == 0 || err == -ENOSPC);
			added += !err;
			full += err == -ENOSPC;
			ring_kick(r);
		}
		take();
		if (npending && rand() % 2) {
			unsigned i = (unsigned)rand() % npending;
			u16 head = pending[i];

			pending[i] = pending[--npending];
			give(head, writable(head));
			ring_reap(r);
		}
	}
	CHECK(full > 0 && added > 1000);
	while (npending) {
		u16 head = pending[--npending];

		give(head, 0);
	}
	ring_upcall(8);
	CHECK_EQ(ended, added);
	CHECK(ring_idle(r) && !ring_broken(r));
}

/* After the lie every request ends with -EIO and nothing can be added. */
static void expect_broken(struct ring *r)
{
	ring_reap(r);
	CHECK(ring_broken(r));
	for (unsigned k = 0; k < REQS; k++)
		CHECK(!busy[k]);
	CHECK_EQ(add(r, 0, 1, 1), -EIO);
	CHECK_EQ(ring_reap(r), 0);
}

static void test_lies(void)
{
	struct ring *r;
	unsigned queue = 9;

	for (unsigned lie = 0; lie < 6; lie++, queue++) {
		r = fresh(queue);
		for (unsigned k = 0; k < 10; k++)
			CHECK_EQ(add(r, k, 1, 1), 0);
		take();
		switch (lie) {
		case 0: give(RING_ENTRIES, 0); break;	 /* no such descriptor */
		case 1: give(pending[0] + 1u, 0); break; /* inside a chain, not its head */
		case 2: give(100, 0); break;		 /* free */
		case 3: give(pending[0], 101); break;	 /* more than there was room */
		case 4:					 /* twice */
			give(pending[0], 1);
			give(pending[0], 1);
			break;
		case 5: give(0xffffffffu, 0xffffffffu); break;
		}
		expect_broken(r);
		CHECK_EQ(ended, 10);
		CHECK_EQ(result[5], -EIO);
	}
	/* An index that runs far ahead: stale entries are believed only as far as they name requests in flight. */
	r = fresh(queue);
	for (unsigned k = 0; k < 3; k++)
		CHECK_EQ(add(r, k, 1, 1), 0);
	mem->used.idx = 0x8000;
	expect_broken(r);
	CHECK_EQ(ended, 3);
}

int main(void)
{
	unit_platform_init(16UL << 20, 16UL << 20);
	test_honest();
	test_lies();
	return 0;
}
