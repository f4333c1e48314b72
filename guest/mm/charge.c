/*
 * charge.c - what counts against the containers' limits, and the Sentry's own pages.
 *
 * A counter for the sandbox and one for each container's group: application pages and page cache are charged before they are
 * allocated and refused above either limit; the Sentry's own pages are counted for the sandbox alone and never refused, so
 * that no system call fails half way through for want of a table. Lock-free, one or two atomic adds per window or page; the
 * groups' table is under groups_lock.
 *
 * While there is one container its limit is the sandbox's, the Sentry's pages included. Differs from Linux: memory that two
 * containers share counts for the one that touched it first, as long as it lives.
 */
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/spinlock.h"
#include "mm/frame_priv.h"

#define GROUPS	  256u
#define UNLIMITED (~0ULL >> PAGE_SHIFT)

static u64 limit = UNLIMITED, charged;
static struct group {
	u64 limit, charged; /* frames */
	bool used;	    /* groups_lock */
} groups[GROUPS];
static unsigned nr_groups; /* in use */
static struct spinlock groups_lock = SPINLOCK_INIT;

u64 (*frame_reclaim)(u64 frames);
unsigned (*frame_group_current)(void);

unsigned frame_group_here(void)
{
	return frame_group_current ? frame_group_current() : 0;
}

static bool charge_group(unsigned g, u64 n)
{
	if (!g || atomic_add(&groups[g].charged, n) <= READ_ONCE(groups[g].limit))
		return true;
	atomic_sub(&groups[g].charged, n);
	return false;
}

int frame_try_charge(u64 n)
{
	unsigned g = frame_group_here();

	if (!charge_group(g, n))
		return -ENOMEM;
	if (atomic_add(&charged, n) <= READ_ONCE(limit))
		return 0;
	frame_uncharge_group(g, n);
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
	unsigned g = frame_group_here();

	if (g)
		atomic_add(&groups[g].charged, n);
	atomic_add(&charged, n);
}

void frame_charge_own(u64 n)
{
	atomic_add(&charged, n);
}

void frame_uncharge_group(unsigned g, u64 n)
{
	if (g)
		atomic_sub(&groups[g].charged, n);
	atomic_sub(&charged, n);
}

void frame_uncharge(u64 n)
{
	frame_uncharge_group(frame_group_here(), n);
}

void frame_set_limit(u64 bytes)
{
	WRITE_ONCE(limit, bytes >> PAGE_SHIFT);
}

bool frame_plentiful(u64 n)
{
	u64 l = READ_ONCE(limit), c = READ_ONCE(charged);
	unsigned g = frame_group_here();

	if (g && READ_ONCE(nr_groups) > 1) {
		u64 gl = READ_ONCE(groups[g].limit);

		if (READ_ONCE(groups[g].charged) + n > gl - gl / 8)
			return false;
	}
	return c + n <= l - l / 8;
}

/* ---- groups ---- */

/* The sandbox may hold what its containers may. groups_lock held. */
static void sum_limits(void)
{
	u64 sum = 0;

	for (unsigned g = 1; g < GROUPS; g++)
		if (groups[g].used)
			sum = MIN(sum + groups[g].limit, UNLIMITED);
	if (sum)
		WRITE_ONCE(limit, sum);
}

unsigned frame_group_create(u64 limit_bytes)
{
	unsigned g;

	spin_lock(&groups_lock);
	for (g = 1; g < GROUPS && (groups[g].used || READ_ONCE(groups[g].charged)); g++)
		;
	if (g < GROUPS) {
		groups[g].used = true;
		WRITE_ONCE(groups[g].limit, limit_bytes >> PAGE_SHIFT);
		WRITE_ONCE(nr_groups, nr_groups + 1);
		sum_limits();
	}
	spin_unlock(&groups_lock);
	return g < GROUPS ? g : 0;
}

void frame_group_set_limit(unsigned g, u64 bytes)
{
	if (!g)
		return;
	spin_lock(&groups_lock);
	WRITE_ONCE(groups[g].limit, bytes >> PAGE_SHIFT);
	sum_limits();
	spin_unlock(&groups_lock);
}

void frame_group_drop(unsigned g)
{
	if (!g)
		return;
	spin_lock(&groups_lock);
	groups[g].used = false;
	WRITE_ONCE(nr_groups, nr_groups - 1);
	sum_limits();
	spin_unlock(&groups_lock);
}

void frame_group_stats(unsigned g, u64 *used, u64 *allowed)
{
	bool alone = !g || READ_ONCE(nr_groups) == 1;

	*used = READ_ONCE(*(alone ? &charged : &groups[g].charged));
	*allowed = READ_ONCE(*(alone ? &limit : &groups[g].limit));
}

bool frame_group_full(unsigned g, u64 n)
{
	return g && READ_ONCE(groups[g].charged) + n > READ_ONCE(groups[g].limit);
}

unsigned frame_group_to_reclaim(u64 n)
{
	unsigned g = frame_group_here();

	if (!g || READ_ONCE(nr_groups) < 2 || READ_ONCE(charged) + n > READ_ONCE(limit))
		return 0;
	return frame_group_full(g, n) ? g : 0;
}

/* ---- the Sentry's own ---- */

void *page_alloc(void)
{
	paddr_t pa = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO | FRAME_OWN);

	if (!pa)
		return NULL;
	/* Not refused: the Sentry's own need must not fail half way through a system call. */
	frame_charge_own(1);
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
	limit = UNLIMITED;
}

void frame_charge_stats(struct frame_stats *out)
{
	frame_group_stats(frame_group_here(), &out->charged, &out->limit);
}
