/*
 * avl.h - intrusive balanced trees (AVL), with an optional augmentation: a value per node that depends on its subtree.
 *
 * The caller descends and compares, as in the Linux rbtree interface: find the place, then avl_insert. The caller holds
 * whatever lock guards the tree. O(log n), no allocation.
 */
#ifndef MOAT_LIB_AVL_H
#define MOAT_LIB_AVL_H

#include "lib/types.h"

struct avl_node {
	struct avl_node *parent, *child[2]; /* child[0]: smaller */
	int height;
};

struct avl_tree {
	struct avl_node *root;
	/* Recompute the node's own augmented value from its children's; or NULL. */
	void (*augment)(struct avl_node *n);
};

/* Link n as parent->child[dir] (parent NULL: as the root), which must be empty, and rebalance. */
void avl_insert(struct avl_tree *t, struct avl_node *n, struct avl_node *parent, int dir);
void avl_erase(struct avl_tree *t, struct avl_node *n);
/* The augmented value of n itself changed: recompute it and its ancestors'. */
void avl_update(struct avl_tree *t, struct avl_node *n);

#define avl_entry(n, type, member) container_of(n, type, member)

#endif
