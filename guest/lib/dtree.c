/*
 * dtree.c - see dtree.h.
 */
#include <string.h>

#include "lib/dtree.h"

#define MAGIC	   0xd00dfeedu
#define BEGIN_NODE 1
#define END_NODE   2
#define PROP	   3
#define NOP	   4
#define DEPTH_MAX  16

u32 dtree_be32(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

u64 dtree_be64(const void *p)
{
	return (u64)dtree_be32(p) << 32 | dtree_be32((const u8 *)p + 4);
}

static bool within(u32 off, u32 len, size_t total)
{
	return off <= total && len <= total - off;
}

bool dtree_open(struct dtree *t, const void *blob, size_t len)
{
	const u8 *b = blob;
	u32 structs, strings;

	if (len < 40 || dtree_be32(b) != MAGIC)
		return false;
	structs = dtree_be32(b + 8);
	strings = dtree_be32(b + 12);
	t->strings_len = dtree_be32(b + 32);
	t->structs_len = dtree_be32(b + 36);
	t->structs = b + structs;
	t->strings = b + strings;
	return within(structs, t->structs_len, len) && within(strings, t->strings_len, len) &&
	       dtree_root(t) != DTREE_NONE;
}

/* The token at *at; moves *at behind it, its name or its value. 0: the end, or nonsense. */
static u32 token(const struct dtree *t, u32 *at)
{
	u32 tok, len;
	const u8 *end;

	if (!within(*at, 4, t->structs_len))
		return 0;
	tok = dtree_be32(t->structs + *at);
	*at += 4;
	switch (tok) {
	case BEGIN_NODE:
		end = memchr(t->structs + *at, 0, t->structs_len - *at);
		if (!end)
			return 0;
		*at = ((u32)(end - t->structs) + 4) & ~3u;
		return tok;
	case PROP:
		if (!within(*at, 8, t->structs_len))
			return 0;
		len = dtree_be32(t->structs + *at);
		if (!within(*at + 8, len, t->structs_len) || len > 0x7fffffff)
			return 0;
		*at = (*at + 8 + len + 3) & ~3u;
		return tok;
	case END_NODE:
	case NOP: return tok;
	default: return 0;
	}
}

/* The first BEGIN_NODE at depth 0 from at on. */
static u32 next_node(const struct dtree *t, u32 at)
{
	for (;;) {
		u32 here = at, tok = token(t, &at);

		if (tok == BEGIN_NODE)
			return here;
		if (tok != PROP && tok != NOP)
			return DTREE_NONE;
	}
}

u32 dtree_root(const struct dtree *t)
{
	return next_node(t, 0);
}

u32 dtree_child(const struct dtree *t, u32 node)
{
	u32 at = node;

	return token(t, &at) == BEGIN_NODE ? next_node(t, at) : DTREE_NONE;
}

u32 dtree_sibling(const struct dtree *t, u32 node)
{
	u32 at = node;
	int depth = 0;

	do {
		switch (token(t, &at)) {
		case BEGIN_NODE: depth++; break;
		case END_NODE: depth--; break;
		case 0: return DTREE_NONE;
		}
	} while (depth && depth < DEPTH_MAX);
	return depth ? DTREE_NONE : next_node(t, at);
}

u32 dtree_find(const struct dtree *t, u32 node, const char *name)
{
	u32 n;

	for (n = dtree_child(t, node); n != DTREE_NONE; n = dtree_sibling(t, n))
		if (strcmp((const char *)t->structs + n + 4, name) == 0)
			break;
	return n;
}

static bool name_is(const struct dtree *t, u32 off, const char *name)
{
	size_t n = strlen(name) + 1;

	return within(off, (u32)n, t->strings_len) && memcmp(t->strings + off, name, n) == 0;
}

const void *dtree_prop(const struct dtree *t, u32 node, const char *name, u32 *len)
{
	u32 at = node;

	if (token(t, &at) != BEGIN_NODE)
		return NULL;
	for (;;) {
		const u8 *p = t->structs + at + 4;
		u32 tok = token(t, &at);

		if (tok == PROP && name_is(t, dtree_be32(p + 4), name)) {
			*len = dtree_be32(p);
			return p + 8;
		}
		if (tok != PROP && tok != NOP)
			return NULL;
	}
}

u32 dtree_u32(const struct dtree *t, u32 node, const char *name, u32 absent)
{
	u32 len;
	const void *p = dtree_prop(t, node, name, &len);

	return p && len >= 4 ? dtree_be32(p) : absent;
}

u64 dtree_u64(const struct dtree *t, u32 node, const char *name, u64 absent)
{
	u32 len;
	const void *p = dtree_prop(t, node, name, &len);

	return p && len >= 8 ? dtree_be64(p) : absent;
}

const char *dtree_string(const struct dtree *t, u32 node, const char *name)
{
	u32 len;
	const char *p = dtree_prop(t, node, name, &len);

	return p && memchr(p, 0, len) ? p : NULL;
}
