/*
 * entries.c - the entries of a directory listing, packed into chunks of memory that are at most 32 KiB each: a listing of
 * any length needs no large contiguous block. An entry never crosses chunks; with attributes or without is a chunk's matter.
 * Looking for a name makes an index of the entries that have attributes: a hash of places with linear probing.
 *
 * No locks: the caller's business.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "mm/slab.h"

#define CHUNK_MIN 1024
#define CHUNK_MAX (PAGE_SIZE << 3)

/* Packed: number, type, length of the name, attributes if the chunk has them, name. */
#define E_TYPE 8
#define E_LEN  9
#define E_ATTR 10

struct p9_chunk {
	struct p9_chunk *next;
	u32 len, cap; /* of data */
	bool plus;
	u8 data[];
};

static size_t name_off(const struct p9_chunk *c)
{
	return E_ATTR + (c->plus ? sizeof(struct p9_attr) : 0);
}

static struct p9_chunk *grow(struct p9_entries *l, bool plus)
{
	size_t size = CHUNK_MIN;
	struct p9_chunk *c;

	if (l->last)
		size = MIN((size_t)(l->last->cap + sizeof(*c)) * 2, (size_t)CHUNK_MAX);
	c = kmalloc(size);
	if (!c)
		return NULL;
	c->next = NULL;
	c->len = 0;
	c->cap = (u32)(size - sizeof(*c));
	c->plus = plus;
	if (l->last)
		l->last->next = c;
	else
		l->first = c;
	l->last = c;
	l->bytes += size;
	return c;
}

static void drop_index(struct p9_entries *l)
{
	kfree(l->index);
	l->index = NULL;
}

int p9_entries_add(struct p9_entries *l, const struct p9_attr *a, bool plus, u8 type,
		   const char *name, u16 len)
{
	struct p9_chunk *c = l->last;
	size_t need = E_ATTR + (plus ? sizeof(*a) : 0) + len;
	u8 *e;

	if (!c || c->plus != plus || c->cap - c->len < need)
		c = l->bytes < P9_LIST_MAX ? grow(l, plus) : NULL;
	if (!c)
		return -ENOMEM;
	e = c->data + c->len;
	memcpy(e, &a->qid.path, 8);
	e[E_TYPE] = type;
	e[E_LEN] = (u8)len;
	if (plus)
		memcpy(e + E_ATTR, a, sizeof(*a));
	memcpy(e + name_off(c), name, len);
	c->len += (u32)need;
	l->nplus += plus;
	drop_index(l);
	return 0;
}

bool p9_entries_next(const struct p9_entries *l, struct p9_place *at, struct p9_entry *out)
{
	const u8 *e;

	if (!at->chunk)
		at->chunk = l->first;
	while (at->chunk && at->off >= at->chunk->len) {
		if (!at->chunk->next)
			return false; /* the place stays: an end that nothing follows */
		at->chunk = at->chunk->next;
		at->off = 0;
	}
	if (!at->chunk)
		return false;
	e = at->chunk->data + at->off;
	memcpy(&out->ino, e, 8);
	out->type = e[E_TYPE];
	out->len = e[E_LEN];
	out->name = (const char *)e + name_off(at->chunk);
	out->attr = at->chunk->plus ? e + E_ATTR : NULL;
	at->off += (u32)name_off(at->chunk) + out->len;
	return true;
}

static u32 hash_of(const char *name, size_t len)
{
	u32 h = 0x811c9dc5u;

	while (len--)
		h = (h ^ (u8)*name++) * 0x01000193u;
	return h ^ h >> 15;
}

static bool make_index(struct p9_entries *l)
{
	struct p9_place at = { 0 };
	struct p9_entry e;
	u32 cap = 16;

	while (cap < l->nplus * 2)
		cap *= 2;
	l->index = kzalloc(cap * sizeof(*l->index));
	if (!l->index)
		return false;
	l->mask = cap - 1;
	while (p9_entries_next(l, &at, &e) && e.attr) { /* those with attributes come first */
		u32 k = hash_of(e.name, e.len) & l->mask;

		while (l->index[k].chunk)
			k = (k + 1) & l->mask;
		l->index[k].chunk = at.chunk;
		l->index[k].off = at.off - (u32)name_off(at.chunk) - e.len;
	}
	return true;
}

bool p9_entries_find(struct p9_entries *l, const char *name, size_t len, struct p9_place *at,
		     struct p9_entry *out)
{
	if (!l->index && !make_index(l))
		return false;
	for (u32 k = hash_of(name, len) & l->mask; l->index[k].chunk; k = (k + 1) & l->mask) {
		*at = l->index[k];
		if (p9_entries_next(l, at, out) && out->len == len && !memcmp(out->name, name, len))
			return true;
	}
	return false;
}

void p9_entries_free(struct p9_entries *l)
{
	drop_index(l);
	while (l->first) {
		struct p9_chunk *c = l->first;

		l->first = c->next;
		kfree(c);
	}
	l->last = NULL;
	l->bytes = 0;
	l->nplus = 0;
}
