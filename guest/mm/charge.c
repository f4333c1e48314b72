/*
 * charge.c - what counts against the limits of containers and control groups, and the Sentry's own pages.
 *
 * A counter for the sandbox and one for each group (account.c): application pages and page cache are charged before they
 * are allocated and refused above the limit of the sandbox, of the group or of one above it; the Sentry's own pages are
 * counted for the sandbox alone and never refused, so that no system call fails half way through for want of a table.
 * Lock-free.
 *
 * Cost: per window or page one atomic add for the sandbox, one for the container, one for each control group with the
 * controller of memory on the way to the task's; a task below none of those pays what it would without them.
 *
 * While there is one container its limit is the sandbox's, the Sentry's pages included. Differs from Linux: memory that two
 * groups share counts for the one that touched it first, as long as it lives; the Sentry's memory for a process (tables,
 * sockets, dentries) counts for no control group; counters are exact, there is no stock per CPU.
 */
#include "lib/atomic.h"
#include "lib/err.h"
#include "mm/frame_priv.h"

static u64 limit = UNLIMITED, charged;

u64 (*frame_reclaim)(u64 frames);
struct frame_payer *(*frame_payer_current)(void);

unsigned frame_group_here(void)
{
	struct frame_payer *p = frame_payer_current ? frame_payer_current() : NULL;

	return p ? p->group : 0;
}

/* ---- groups ---- */

/* `full` had no room for what was charged from g up to it. */
static void refuse(unsigned g, unsigned full, u64 n)
{
	for (; g != frame_groups[full].parent; g = frame_groups[g].parent)
		atomic_sub(&frame_groups[g].charged, n);
	atomic_add(&frame_groups[full].refused_here, 1);
	for (g = full; g; g = frame_groups[g].parent)
		atomic_add(&frame_groups[g].refused, 1);
	frame_payer_current()->refused = full;
}

/* Before it is in user mode again, the current task is to answer for it. */
static void note_over(unsigned g, u64 n)
{
	struct frame_payer *p = frame_payer_current();

	p->over = g;
	p->over_frames += (u32)n;
	WRITE_ONCE(cpu_this()->need_resched, 1);
}

static bool charge_group(unsigned g, u64 n, bool may_refuse)
{
	for (unsigned at = g; at; at = frame_groups[at].parent) {
		struct frame_group *a = &frame_groups[at];
		u64 now = atomic_add(&a->charged, n);

		if (unlikely(now > READ_ONCE(a->limit)) && may_refuse) {
			refuse(g, at, n);
			return false;
		}
		if (now > READ_ONCE(a->peak))
			WRITE_ONCE(a->peak, now);
		if (unlikely(now > READ_ONCE(a->high)))
			note_over(at, n);
	}
	return true;
}

/* ---- charges ---- */

int frame_try_charge(u64 n)
{
	unsigned g = frame_group_here();

	if (!charge_group(g, n, true))
		return -ENOMEM;
	if (atomic_add(&charged, n) <= READ_ONCE(limit))
		return 0;
	frame_uncharge_group(g, n);
	if (g)
		frame_payer_current()->refused = 0;
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
	charge_group(frame_group_here(), n, false);
	atomic_add(&charged, n);
}

void frame_charge_own(u64 n)
{
	atomic_add(&charged, n);
}

void frame_uncharge_group(unsigned g, u64 n)
{
	for (; g; g = frame_groups[g].parent)
		atomic_sub(&frame_groups[g].charged, n);
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

	for (unsigned g = frame_group_here(); g; g = frame_groups[g].parent) {
		struct frame_group *a = &frame_groups[g];
		u64 gl = MIN(READ_ONCE(a->limit), READ_ONCE(a->high));

		if (!a->parent && READ_ONCE(frame_nr_containers) < 2)
			break; /* its limit is the sandbox's */
		if (READ_ONCE(a->charged) + n > gl - gl / 8)
			return false;
	}
	return c + n <= l - l / 8;
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

/* ---- of the whole sandbox ---- */

void frame_charge_init(void)
{
	charged = 0;
	limit = UNLIMITED;
}

void frame_charge_limit(u64 frames)
{
	WRITE_ONCE(limit, frames);
}

void frame_charge_total(u64 *used, u64 *allowed)
{
	*used = READ_ONCE(charged);
	*allowed = READ_ONCE(limit);
}

void frame_charge_stats(struct frame_stats *out)
{
	struct frame_payer *p = frame_payer_current ? frame_payer_current() : NULL;

	frame_group_stats(p ? frame_group_top(p->group) : 0, &out->charged, &out->limit);
}
