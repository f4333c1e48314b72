/*
 * ucounts.c - counters of users (ucounts.h).
 *
 * Lock: one spinlock around the table, innermost. The counters are atomic: two that charge at once may both be refused at
 * the very limit, none gets over it.
 */
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "mm/slab.h"
#include "task/ucounts.h"
#include "task/ns/userns.h"

#define BUCKETS 64

struct ucounts {
	struct list node;
	u32 refs; /* under `lock` to find it, and to free it */
	u32 kuid;
	struct user_ns *ns; /* a reference */
	u64 count[UCOUNTS];
};

static struct spinlock lock = SPINLOCK_INIT;
static struct list table[BUCKETS];

static struct list *bucket(const struct user_ns *ns, u32 kuid)
{
	struct list *b = &table[(kuid + (uintptr_t)ns / 64) % BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

static struct ucounts *find_locked(const struct user_ns *ns, u32 kuid)
{
	struct ucounts *u;

	list_for_each(u, bucket(ns, kuid), node)
		if (u->ns == ns && u->kuid == kuid) {
			atomic_add(&u->refs, 1);
			return u;
		}
	return NULL;
}

struct ucounts *ucounts_find(struct user_ns *ns, u32 kuid)
{
	struct ucounts *u, *fresh;

	spin_lock(&lock);
	u = find_locked(ns, kuid);
	spin_unlock(&lock);
	if (u)
		return u;
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	spin_lock(&lock);
	u = find_locked(ns, kuid);
	if (!u) {
		u = fresh;
		u->refs = 1;
		u->kuid = kuid;
		u->ns = ns;
		user_ns_get(ns);
		list_add_tail(bucket(ns, kuid), &u->node);
		fresh = NULL;
	}
	spin_unlock(&lock);
	kfree(fresh);
	return u;
}

struct ucounts *ucounts_get(struct ucounts *u)
{
	if (u)
		atomic_add(&u->refs, 1);
	return u;
}

void ucounts_put(struct ucounts *u)
{
	bool last;

	if (!u)
		return;
	spin_lock(&lock);
	last = atomic_sub(&u->refs, 1) == 0;
	if (last)
		list_del(&u->node);
	spin_unlock(&lock);
	if (!last)
		return;
	user_ns_put(u->ns);
	kfree(u);
}

void ucounts_add(struct ucounts *u, enum ucount kind, u64 n)
{
	for (; u; u = u->ns->maker)
		atomic_add(&u->count[kind], n);
}

void ucounts_sub(struct ucounts *u, enum ucount kind, u64 n)
{
	for (; u; u = u->ns->maker)
		atomic_sub(&u->count[kind], n);
}

bool ucounts_over(const struct ucounts *u, enum ucount kind, u64 limit)
{
	for (; u; u = u->ns->maker) {
		if (atomic_load(&u->count[kind]) > limit)
			return true;
		limit = u->ns->limit[kind];
	}
	return false;
}

bool ucounts_charge(struct ucounts *u, enum ucount kind, u64 n, u64 limit)
{
	ucounts_add(u, kind, n);
	if (!ucounts_over(u, kind, limit))
		return true;
	ucounts_sub(u, kind, n);
	return false;
}

u64 ucounts_read(const struct ucounts *u, enum ucount kind)
{
	return u ? atomic_load(&u->count[kind]) : 0;
}
