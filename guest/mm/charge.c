/*
 * charge.c - what counts against the container's limit, and the Sentry's own pages.
 *
 * One counter: application pages and page cache are charged before they are allocated and refused above the limit; the
 * Sentry's own pages are counted but never refused, so that no system call fails half way through for want of a table.
 * Lock-free; one atomic add per window or page.
 */
#include "lib/atomic.h"
#include "lib/err.h"
#include "mm/frame_priv.h"

static u64 limit = ~0ULL >> PAGE_SHIFT, charged;

u64 (*frame_reclaim)(u64 frames);

int frame_try_charge(u64 n)
{
	if (atomic_add(&charged, n) <= READ_ONCE(limit))
		return 0;
	atomic_sub(&charged, n);
	return -ENOMEM;
}

int frame_charge(u64 n)
{
	for (int tries = 0; frame_try_charge(n); tries++) {
		if (tries == 8 || !frame_reclaim || !frame_reclaim(MAX(n, 64UL)))
			return -ENOMEM;
	}
	return 0;
}

void frame_force_charge(u64 n)
{
	atomic_add(&charged, n);
}

void frame_uncharge(u64 n)
{
	atomic_sub(&charged, n);
}

void frame_set_limit(u64 bytes)
{
	WRITE_ONCE(limit, bytes >> PAGE_SHIFT);
}

bool frame_plentiful(u64 n)
{
	u64 l = READ_ONCE(limit), c = READ_ONCE(charged);

	return c + n <= l - l / 8;
}

void *page_alloc(void)
{
	paddr_t pa = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO | FRAME_CHARGED);

	if (!pa)
		return NULL;
	/* Not refused: the Sentry's own need must not fail half way through a system call. */
	frame_force_charge(1);
	return paddr_to_ptr(pa);
}

void page_free(void *page)
{
	if (page)
		frame_put(ptr_to_paddr(page));
}

void frame_charge_init(void)
{
	charged = 0;
	limit = ~0ULL >> PAGE_SHIFT;
}

void frame_charge_stats(struct frame_stats *out)
{
	out->limit = READ_ONCE(limit);
	out->charged = READ_ONCE(charged);
}
