/*
 * radix.c - a radix tree of 64-way nodes (6 bits of the index a level, at most 11 levels), grown at the root as needed.
 */
#include "lib/err.h"
#include "lib/radix.h"
#include "mm/slab.h"

#define BITS 6
#define FAN  (1u << BITS)

struct node {
	u64 slot[FAN]; /* pointers to nodes, on the lowest level values */
};

static struct node *as_node(u64 v)
{
	return (struct node *)(unsigned long)v;
}

static bool covers(const struct radix *r, u64 index)
{
	unsigned bits = r->height * BITS;

	return bits >= 64 || !(index >> bits);
}

static unsigned part(u64 index, unsigned level)
{
	return (index >> (level * BITS)) & (FAN - 1);
}

u64 *radix_slot(const struct radix *r, u64 index)
{
	u64 *slot = (u64 *)&r->root;

	if (!covers(r, index))
		return NULL;
	for (unsigned level = r->height; level-- && *slot;)
		slot = &as_node(*slot)->slot[part(index, level)];
	return *slot ? slot : NULL;
}

u64 radix_get(const struct radix *r, u64 index)
{
	u64 *slot = radix_slot(r, index);

	return slot ? *slot : 0;
}

int radix_set(struct radix *r, u64 index, u64 value)
{
	u64 *slot;

	while (!covers(r, index)) {
		if (r->root) {
			struct node *n = kzalloc(sizeof(*n));

			if (!n)
				return -ENOMEM;
			n->slot[0] = r->root;
			r->root = (u64)(unsigned long)n;
		}
		r->height++;
	}
	slot = &r->root;
	for (unsigned level = r->height; level--;) {
		if (!*slot) {
			struct node *n = kzalloc(sizeof(*n));

			if (!n)
				return -ENOMEM;
			*slot = (u64)(unsigned long)n;
		}
		slot = &as_node(*slot)->slot[part(index, level)];
	}
	*slot = value;
	return 0;
}

static bool node_empty(const struct node *n)
{
	for (unsigned i = 0; i < FAN; i++)
		if (n->slot[i])
			return false;
	return true;
}

u64 radix_del(struct radix *r, u64 index)
{
	u64 *path[11], *slot = &r->root, value;
	unsigned depth = 0;

	if (!covers(r, index))
		return 0;
	for (unsigned level = r->height; level--;) {
		if (!*slot)
			return 0;
		path[depth++] = slot;
		slot = &as_node(*slot)->slot[part(index, level)];
	}
	value = *slot;
	*slot = 0;
	while (depth--) {
		struct node *n = as_node(*path[depth]);

		if (!node_empty(n))
			break;
		kfree(n);
		*path[depth] = 0;
	}
	if (!r->root)
		r->height = 0;
	return value;
}

u64 radix_next(const struct radix *r, u64 *index, u64 last)
{
	u64 i = *index;

	while (i <= last && covers(r, i)) {
		u64 v = r->root;
		unsigned level = r->height;

		while (v && level) {
			level--;
			v = as_node(v)->slot[part(i, level)];
		}
		if (v) {
			*index = i;
			return v;
		}
		/* Nothing below this slot of `level`: on to the next one. */
		if (!r->root || !r->height)
			return 0;
		i = (i | ((1ULL << (level * BITS)) - 1)) + 1;
		if (!i)
			return 0;
	}
	return 0;
}
