/*
 * timens.c - see timens.h. A namespace's offsets never change once somebody is in it, so they are read without a lock.
 */
#include <linux/capability.h>

#include "task/ns/timens.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/time/clock.h"
#include "task/private.h"
#include "task/ns/userns.h"

#define OFFSET_MAX (0x7fffffffffffffffLL / 2)

struct time_ns {
	s64 mono, boot;
	bool entered;
};

static struct time_ns *of(struct ns_common *n)
{
	return n ? n->object : NULL;
}

/* A copy of what the maker's children would have. */
static void *create(struct ns_common *n)
{
	struct time_ns *ns = kzalloc(sizeof(*ns)), *from = ns_object(NS_TIME);

	if (!ns)
		return ERR_PTR(-ENOMEM);
	if (from) {
		ns->mono = from->mono;
		ns->boot = from->boot;
	}
	return ns;
}

void time_ns_init(void)
{
	ns_register(NS_TIME, create, kfree);
}

s64 time_ns_offset(int clock)
{
	struct task *t = task_current();
	struct time_ns *ns = t && unlikely(t->time_ns != NULL) ? of(t->time_ns) : NULL;

	if (likely(!ns))
		return 0;
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE: return ns->mono;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM: return ns->boot;
	default: return 0;
	}
}

bool time_ns_for_next(void)
{
	struct task *t = task_current();

	return t->ns && of(t->ns->ns[NS_TIME]);
}

bool time_ns_switch(struct task *t)
{
	struct ns_common *new = t->ns ? t->ns->ns[NS_TIME] : NULL, *old = t->time_ns;

	if (!of(new))
		new = NULL;
	if (new) {
		of(new)->entered = true;
		ns_get(new);
	}
	spin_lock(&task_lock);
	t->time_ns = new;
	spin_unlock(&task_lock);
	ns_put(old);
	return new;
}

int time_ns_offsets(struct task *t, s64 *mono, s64 *boot)
{
	struct ns_common *n = task_ns_for_children(t, NS_TIME);
	struct time_ns *ns = of(n);

	if (!n)
		return -ESRCH;
	*mono = ns ? ns->mono : 0;
	*boot = ns ? ns->boot : 0;
	ns_put(n);
	return 0;
}

int time_ns_set_offset(struct task *t, int clock, s64 off)
{
	struct ns_common *n = task_ns_for_children(t, NS_TIME);
	struct time_ns *ns = of(n);
	int err = 0;

	if (!n)
		return -ESRCH;
	if (!ns_capable(ns_owner(n), CAP_SYS_TIME))
		err = -EPERM;
	else if (!ns || ns->entered)
		err = -EACCES;
	else if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		err = -EINVAL;
	else if (off > OFFSET_MAX || off < -OFFSET_MAX || (s64)clock_mono() + off < 0)
		err = -ERANGE;
	else if (clock == CLOCK_MONOTONIC)
		ns->mono = off;
	else
		ns->boot = off;
	ns_put(n);
	return err;
}
