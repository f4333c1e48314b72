/*
 * dirtable.c - directory entries in memory (dirtable.h): a hash by name and a list by age.
 */
#include <string.h>

#include "fs/dirtable.h"
#include "mm/slab.h"

static u32 hash_name(const char *name, unsigned len)
{
	u32 h = 0x811c9dc5u;

	for (unsigned i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 0x01000193u;
	return h ^ h >> 15;
}

void dirtable_init(struct dirtable *t)
{
	memset(t, 0, sizeof(*t));
	list_init(&t->order);
	t->next_cookie = 1;
}

void dirtable_free(struct dirtable *t)
{
	struct dirnode *n, *tmp;

	list_for_each_safe(n, tmp, &t->order, order) {
		if (n->inode)
			inode_put(n->inode);
		kfree(n);
	}
	kfree(t->bucket);
	dirtable_init(t);
}

struct dirnode *dirtable_find(const struct dirtable *t, const char *name, unsigned len)
{
	u32 h = hash_name(name, len);
	struct dirnode *n;

	if (!t->bucket)
		return NULL;
	for (n = t->bucket[h & t->mask]; n; n = n->next)
		if (n->hash == h && n->len == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

static bool grow(struct dirtable *t)
{
	u32 size = t->bucket ? (t->mask + 1) * 2 : 8;
	struct dirnode **b = kzalloc(size * sizeof(*b)), *n;

	if (!b)
		return t->bucket;
	kfree(t->bucket);
	t->bucket = b;
	t->mask = size - 1;
	list_for_each(n, &t->order, order) {
		n->next = b[n->hash & t->mask];
		b[n->hash & t->mask] = n;
	}
	return true;
}

struct dirnode *dirtable_add(struct dirtable *t, const char *name, unsigned len, struct inode *i)
{
	struct dirnode *n, **b;

	if ((!t->bucket || t->count > t->mask) && !grow(t))
		return NULL;
	n = kmalloc(sizeof(*n) + len + 1);
	if (!n)
		return NULL;
	n->inode = i;
	n->cookie = t->next_cookie++;
	n->hash = hash_name(name, len);
	n->len = len;
	n->covers = !i;
	memcpy(n->name, name, len);
	n->name[len] = 0;
	b = &t->bucket[n->hash & t->mask];
	n->next = *b;
	*b = n;
	list_add_tail(&t->order, &n->order);
	t->count++;
	t->whiteouts += !i;
	return n;
}

struct inode *dirtable_remove(struct dirtable *t, struct dirnode *n)
{
	struct inode *i = n->inode;
	struct dirnode **p = &t->bucket[n->hash & t->mask];

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	if (t->hint == n)
		t->hint = NULL;
	list_del(&n->order);
	t->count--;
	t->whiteouts -= !i;
	kfree(n);
	return i;
}

struct inode *dirtable_set(struct dirtable *t, struct dirnode *n, struct inode *i)
{
	struct inode *old = n->inode;

	t->whiteouts += !i;
	t->whiteouts -= !old;
	n->inode = i;
	return old;
}

static struct dirnode *dirtable_next(struct dirtable *t, struct dirnode *n)
{
	return n->order.next == &t->order ? NULL : list_entry(n->order.next, struct dirnode, order);
}

/* The first entry with a number >= cookie, or NULL. */
static struct dirnode *dirtable_seek(struct dirtable *t, u64 cookie)
{
	struct dirnode *n = t->hint;

	if (!n || n->cookie > cookie)
		n = list_empty(&t->order) ? NULL : list_first(&t->order, struct dirnode, order);
	while (n && n->cookie < cookie)
		n = dirtable_next(t, n);
	return n;
}

bool dirtable_emit(struct dirtable *t, struct dir_context *ctx)
{
	struct dirnode *n = dirtable_seek(t, ctx->pos - 2);

	for (; n; n = dirtable_next(t, n)) {
		t->hint = n;
		if (!n->inode)
			continue;
		if (!dir_emit(ctx, n->name, n->len, n->cookie + 3, n->inode->ino,
			      DT_OF_MODE(n->inode->mode)))
			return false;
	}
	return true;
}
