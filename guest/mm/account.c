/*
 * account.c - the tree of groups that memory is charged to (frame.h): a container's, and below it those of control groups.
 *
 * A group that was dropped stays, and what is charged to it counts above, until the last of that is freed; its number is
 * given away again when nobody holds it. So what is in a frame or in a task's hand always names a group whose parent does
 * not change. The table is under groups_lock, counts are atomic.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/spinlock.h"
#include "mm/frame_priv.h"

struct frame_group frame_groups[FRAME_GROUPS];
unsigned frame_nr_containers;
static struct spinlock groups_lock = SPINLOCK_INIT;

/* The sandbox may hold what its containers may. groups_lock held. */
static void sum_limits(void)
{
	u64 sum = 0;

	for (unsigned g = 1; g < FRAME_GROUPS; g++)
		if (frame_groups[g].used && !frame_groups[g].parent)
			sum = MIN(sum + frame_groups[g].limit, UNLIMITED);
	if (sum)
		frame_charge_limit(sum);
}

/* One that nobody has, in the state of a new one; 0: there is none. groups_lock held. */
static unsigned take(unsigned parent, u64 limit)
{
	struct frame_group *a;
	unsigned g, old;

	for (g = 1; g < FRAME_GROUPS; g++)
		if (!READ_ONCE(frame_groups[g].users) && !READ_ONCE(frame_groups[g].charged))
			break;
	if (g == FRAME_GROUPS)
		return 0;
	a = &frame_groups[g];
	old = a->parent;
	if (parent)
		frame_group_hold(parent);
	memset(a, 0, sizeof(*a));
	a->limit = limit;
	a->high = UNLIMITED;
	a->parent = (u16)parent;
	a->users = 1;
	a->used = true;
	if (old)
		frame_group_release(old);
	return g;
}

unsigned frame_group_create(u64 limit_bytes)
{
	unsigned g;

	spin_lock(&groups_lock);
	g = take(0, limit_bytes >> PAGE_SHIFT);
	if (g) {
		WRITE_ONCE(frame_nr_containers, frame_nr_containers + 1);
		sum_limits();
	}
	spin_unlock(&groups_lock);
	return g;
}

unsigned frame_group_create_below(unsigned parent)
{
	unsigned g;

	spin_lock(&groups_lock);
	g = take(parent, UNLIMITED);
	spin_unlock(&groups_lock);
	return g;
}

void frame_group_set_limit(unsigned g, u64 bytes)
{
	if (!g)
		return;
	spin_lock(&groups_lock);
	WRITE_ONCE(frame_groups[g].limit, bytes >> PAGE_SHIFT);
	if (!frame_groups[g].parent)
		sum_limits();
	spin_unlock(&groups_lock);
}

void frame_group_set_high(unsigned g, u64 bytes)
{
	WRITE_ONCE(frame_groups[g].high, bytes >> PAGE_SHIFT);
}

void frame_group_drop(unsigned g)
{
	if (!g)
		return;
	spin_lock(&groups_lock);
	frame_groups[g].used = false;
	/* What it still has is no concern of its own limits. */
	WRITE_ONCE(frame_groups[g].high, UNLIMITED);
	if (!frame_groups[g].parent) {
		WRITE_ONCE(frame_nr_containers, frame_nr_containers - 1);
		sum_limits();
	}
	spin_unlock(&groups_lock);
	frame_group_release(g);
}

void frame_group_hold(unsigned g)
{
	if (g)
		atomic_add(&frame_groups[g].users, 1);
}

void frame_group_release(unsigned g)
{
	if (g)
		atomic_sub(&frame_groups[g].users, 1);
}

bool frame_group_within(unsigned g, unsigned top)
{
	while (g && g != top)
		g = frame_groups[g].parent;
	return g == top;
}

unsigned frame_group_top(unsigned g)
{
	while (frame_groups[g].parent)
		g = frame_groups[g].parent;
	return g;
}

/* ---- counts ---- */

void frame_group_stats(unsigned g, u64 *used, u64 *allowed)
{
	if (!g || READ_ONCE(frame_nr_containers) == 1) {
		frame_charge_total(used, allowed);
	} else {
		*used = READ_ONCE(frame_groups[g].charged);
		*allowed = READ_ONCE(frame_groups[g].limit);
	}
}

void frame_group_usage(unsigned g, struct frame_group_usage *out)
{
	const struct frame_group *a = &frame_groups[g];

	*out = (struct frame_group_usage){
		.charged = READ_ONCE(a->charged),
		.peak = READ_ONCE(a->peak),
		.high = READ_ONCE(a->high),
		.file = READ_ONCE(a->file),
		.shmem = READ_ONCE(a->shmem),
		.refused = READ_ONCE(a->refused),
		.refused_here = READ_ONCE(a->refused_here),
	};
}

void frame_cached(paddr_t pa, bool comes, bool shmem)
{
	u32 n = comes ? 1 : -1u;

	for (unsigned g = frame_of(pa)->group; g; g = frame_groups[g].parent) {
		atomic_add(&frame_groups[g].file, n);
		if (shmem)
			atomic_add(&frame_groups[g].shmem, n);
	}
}

bool frame_group_full(unsigned g, u64 n)
{
	return g && READ_ONCE(frame_groups[g].charged) + n > READ_ONCE(frame_groups[g].limit);
}

unsigned frame_group_to_reclaim(u64 n)
{
	u64 charged, limit;

	frame_charge_total(&charged, &limit);
	if (charged + n > limit)
		return 0;
	for (unsigned g = frame_group_here(); g; g = frame_groups[g].parent) {
		if (!frame_groups[g].parent && READ_ONCE(frame_nr_containers) < 2)
			break;
		if (frame_group_full(g, n))
			return g;
	}
	return 0;
}
