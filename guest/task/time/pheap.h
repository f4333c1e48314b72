/*
 * pheap.h - intrusive pairing heap: a priority queue whose nodes live in their owners.
 *
 * Insert is O(1), removal of any node O(log n) amortized; nothing allocates, so run queues and timers can use it under
 * spinlocks. Equal keys come out in no particular order. The caller holds whatever lock guards the heap.
 */
#ifndef MOAT_TASK_PHEAP_H
#define MOAT_TASK_PHEAP_H

#include "lib/types.h"

struct pheap_node {
	u64 key;
	struct pheap_node *child;
	struct pheap_node *next; /* sibling to the right */
	/* sibling to the left, or the parent of a first child; NULL for the root */
	struct pheap_node *prev;
};

struct pheap {
	struct pheap_node *root; /* the smallest key, or NULL */
};

void pheap_insert(struct pheap *h, struct pheap_node *n);
/* n is in h. */
void pheap_remove(struct pheap *h, struct pheap_node *n);

#endif
