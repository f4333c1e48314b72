/*
 * itable.c - inodes by key (itable.h). Cost of a look-up: one spinlock, one reference. Grows by doubling.
 */
#include <string.h>

#include "fs/itable.h"
#include "mm/slab.h"

#define FIRST_BITS 6

static u32 slot(const struct itable *t, u64 key)
{
	return (u32)(key * 0x9e3779b97f4a7c15ULL >> (64 - t->bits));
}

static u64 number(const struct inode *i)
{
	return i->ino;
}

int itable_init(struct itable *t, u64 (*key)(const struct inode *i))
{
	memset(t, 0, sizeof(*t));
	t->bits = FIRST_BITS;
	t->key = key ? key : number;
	t->bucket = kzalloc(sizeof(*t->bucket) << t->bits);
	return t->bucket ? 0 : -ENOMEM;
}

void itable_destroy(struct itable *t)
{
	kfree(t->bucket);
	t->bucket = NULL;
}

static struct inode *find(struct itable *t, u64 key)
{
	struct inode *i;

	for (i = t->bucket[slot(t, key)]; i; i = i->table_next)
		if (t->key(i) == key && ref_tryget(&i->ref))
			return i;
	return NULL;
}

struct inode *itable_get(struct itable *t, u64 key)
{
	struct inode *i;

	spin_lock(&t->lock);
	i = find(t, key);
	spin_unlock(&t->lock);
	return i;
}

/* kmalloc never sleeps, so this may be done under the lock. */
static void grow(struct itable *t)
{
	u32 old = 1u << t->bits;
	struct inode **from = t->bucket, **to = kzalloc(sizeof(*to) * old * 2);

	if (!to)
		return;
	t->bits++;
	t->bucket = to;
	for (u32 b = 0; b < old; b++) {
		while (from[b]) {
			struct inode *i = from[b];
			u32 s = slot(t, t->key(i));

			from[b] = i->table_next;
			i->table_next = to[s];
			to[s] = i;
		}
	}
	kfree(from);
}

struct inode *itable_insert(struct itable *t, struct inode *i)
{
	u64 key = t->key(i);
	struct inode *have;

	spin_lock(&t->lock);
	have = find(t, key);
	if (!have) {
		u32 s;

		if (++t->count > 4u << t->bits)
			grow(t);
		s = slot(t, key);
		i->table_next = t->bucket[s];
		t->bucket[s] = i;
	}
	spin_unlock(&t->lock);
	return have;
}

void itable_remove(struct itable *t, struct inode *i)
{
	struct inode **p;

	if (!t->bucket)
		return;
	spin_lock(&t->lock);
	for (p = &t->bucket[slot(t, t->key(i))]; *p; p = &(*p)->table_next) {
		if (*p == i) {
			*p = i->table_next;
			t->count--;
			break;
		}
	}
	spin_unlock(&t->lock);
}

struct inode *itable_next_marked(struct itable *t, u8 mark, u32 *from)
{
	struct inode *i = NULL;

	spin_lock(&t->lock);
	for (; *from < 1u << t->bits; ++*from) {
		for (i = t->bucket[*from]; i && !inode_marked(i, mark); i = i->table_next)
			;
		if (i)
			break;
	}
	spin_unlock(&t->lock);
	return i;
}
