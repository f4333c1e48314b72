/*
 * p9_entries.c - the entries of a directory listing, packed into chunks of memory that are at most 32 KiB each: a listing of
 * any length needs no large contiguous block. An entry never crosses chunks; with attributes or without is a chunk's matter.
 *
 * No locks: built by one task, not changed afterwards.
 */
#include <string.h>

#include "fs/p9.h"
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

void p9_entries_free(struct p9_entries *l)
{
	while (l->first) {
		struct p9_chunk *c = l->first;

		l->first = c->next;
		kfree(c);
	}
	l->last = NULL;
	l->bytes = 0;
}
