/*
 * pheap.c - the pairing heap: two-pass merging, no recursion.
 */
#include "task/time/pheap.h"

/* Both are roots without siblings. */
static struct pheap_node *meld(struct pheap_node *a, struct pheap_node *b)
{
	struct pheap_node *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->key < a->key) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

/* Merge a list of siblings into one tree: in pairs from the left, then the pairs from the right. */
static struct pheap_node *merge_pairs(struct pheap_node *n)
{
	struct pheap_node *a, *b, *pairs = NULL, *root = NULL;

	while (n) {
		a = n;
		b = a->next;
		n = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs; /* a stack of merged pairs */
		pairs = a;
	}
	while (pairs) {
		a = pairs;
		pairs = a->next;
		a->next = NULL;
		root = meld(root, a);
	}
	return root;
}

void pheap_insert(struct pheap *h, struct pheap_node *n)
{
	n->child = n->next = n->prev = NULL;
	h->root = meld(h->root, n);
}

void pheap_remove(struct pheap *h, struct pheap_node *n)
{
	struct pheap_node *sub = merge_pairs(n->child);

	n->child = NULL;
	if (h->root == n) {
		h->root = sub;
	} else {
		if (n->prev->child == n)
			n->prev->child = n->next;
		else
			n->prev->next = n->next;
		if (n->next)
			n->next->prev = n->prev;
		h->root = meld(h->root, sub);
	}
	n->next = n->prev = NULL;
}
