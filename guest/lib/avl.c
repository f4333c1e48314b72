/*
 * avl.c - intrusive AVL trees. One routine, rebalance, walks from a changed place to the root after insertion and
 * removal alike: it restores heights, the augmented values and the balance.
 */
#include "lib/avl.h"

static int height(const struct avl_node *n)
{
	return n ? n->height : 0;
}

static void refresh(struct avl_tree *t, struct avl_node *n)
{
	n->height = 1 + MAX(height(n->child[0]), height(n->child[1]));
	if (t->augment)
		t->augment(n);
}

/* Put `to` where `from` hangs below its parent. */
static void replace(struct avl_tree *t, struct avl_node *from, struct avl_node *to)
{
	struct avl_node *p = from->parent;

	if (!p)
		t->root = to;
	else
		p->child[p->child[1] == from] = to;
	if (to)
		to->parent = p;
}

/* Lift n's child of side dir above n; returns it. */
static struct avl_node *rotate(struct avl_tree *t, struct avl_node *n, int dir)
{
	struct avl_node *up = n->child[dir], *mid = up->child[!dir];

	replace(t, n, up);
	up->child[!dir] = n;
	n->parent = up;
	n->child[dir] = mid;
	if (mid)
		mid->parent = n;
	refresh(t, n);
	refresh(t, up);
	return up;
}

static void rebalance(struct avl_tree *t, struct avl_node *n)
{
	for (; n; n = n->parent) {
		int diff = height(n->child[1]) - height(n->child[0]);
		int dir = diff > 0;

		if (diff >= -1 && diff <= 1) {
			refresh(t, n);
			continue;
		}
		if (height(n->child[dir]->child[!dir]) > height(n->child[dir]->child[dir]))
			rotate(t, n->child[dir], !dir);
		n = rotate(t, n, dir);
	}
}

void avl_insert(struct avl_tree *t, struct avl_node *n, struct avl_node *parent, int dir)
{
	n->parent = parent;
	n->child[0] = n->child[1] = NULL;
	n->height = 1;
	if (parent)
		parent->child[dir] = n;
	else
		t->root = n;
	rebalance(t, n);
}

void avl_erase(struct avl_tree *t, struct avl_node *n)
{
	struct avl_node *from; /* the lowest place that changed */

	if (n->child[0] && n->child[1]) {
		struct avl_node *s = n->child[1];

		while (s->child[0])
			s = s->child[0];
		from = s->parent == n ? s : s->parent;
		if (s->parent != n) {
			s->parent->child[0] = s->child[1];
			if (s->child[1])
				s->child[1]->parent = s->parent;
			s->child[1] = n->child[1];
			s->child[1]->parent = s;
		}
		s->child[0] = n->child[0];
		s->child[0]->parent = s;
		replace(t, n, s);
	} else {
		from = n->parent;
		replace(t, n, n->child[0] ? n->child[0] : n->child[1]);
	}
	rebalance(t, from);
}

void avl_update(struct avl_tree *t, struct avl_node *n)
{
	for (; n; n = n->parent)
		refresh(t, n);
}
