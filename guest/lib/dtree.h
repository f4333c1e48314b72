/*
 * dtree.h - reads a flattened device tree (devicetree specification 0.4, chapter 5) that lies in memory: what comes with a
 * request while the sandbox runs. (libfdt, which reads the tree of the boot, wants a stack canary in FS.) Nothing in the
 * tree is trusted to lie within it. No allocation, no locks; the tree must not change meanwhile.
 */
#ifndef MOAT_LIB_DTREE_H
#define MOAT_LIB_DTREE_H

#include "lib/types.h"

struct dtree {
	const u8 *structs, *strings;
	u32 structs_len, strings_len;
};

#define DTREE_NONE (~0u)

/* Attach to a blob of len bytes. False: it is no tree. */
bool dtree_open(struct dtree *t, const void *blob, size_t len);
/* Nodes are named by their place. The root, a node's first child, its next sibling; DTREE_NONE: there is none. */
u32 dtree_root(const struct dtree *t);
u32 dtree_child(const struct dtree *t, u32 node);
u32 dtree_sibling(const struct dtree *t, u32 node);
/* The child of that name, its @unit included. */
u32 dtree_find(const struct dtree *t, u32 node, const char *name);
/* A property's value inside the blob (not aligned), NULL: it has none. */
const void *dtree_prop(const struct dtree *t, u32 node, const char *name, u32 *len);
/* The same as numbers; what is not there, or shorter, is `absent`. */
u32 dtree_u32(const struct dtree *t, u32 node, const char *name, u32 absent);
u64 dtree_u64(const struct dtree *t, u32 node, const char *name, u64 absent);
/* As a string that ends within the property; else NULL. */
const char *dtree_string(const struct dtree *t, u32 node, const char *name);
u32 dtree_be32(const void *p);
u64 dtree_be64(const void *p);

#endif
