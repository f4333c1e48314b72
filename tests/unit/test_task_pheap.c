// sources: guest/task/time/pheap.c
/*
 * test_task_pheap.c - the pairing heap of run queues and timers: random inserts and removals against a plain array; the
 * least key is always at the root, and nothing is lost or left over.
 */
#include <stdio.h>
#include <stdlib.h>

#include "task/time/pheap.h"

#define NODES  500
#define ROUNDS 200000

static struct pheap heap;
static struct pheap_node nodes[NODES];
static bool in[NODES];

static void fail(const char *what, unsigned round)
{
	fprintf(stderr, "round %u: %s\n", round, what);
	exit(1);
}

static const struct pheap_node *least(void)
{
	const struct pheap_node *best = NULL;

	for (unsigned i = 0; i < NODES; i++)
		if (in[i] && (!best || nodes[i].key < best->key))
			best = &nodes[i];
	return best;
}

static void check(unsigned round)
{
	const struct pheap_node *best = least();

	if (!best != !heap.root)
		fail("empty when it should not be, or the other way round", round);
	if (best && best->key != heap.root->key)
		fail("the root is not the least", round);
	if (heap.root && (heap.root->prev || heap.root->next))
		fail("the root has siblings", round);
}

int main(void)
{
	unsigned seed = 7, i;
	u64 last = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		i = (unsigned)rand_r(&seed) % NODES;
		if (in[i]) {
			pheap_remove(&heap, &nodes[i]);
		} else {
			nodes[i].key = (u64)rand_r(&seed) % 300; /* many equal keys */
			pheap_insert(&heap, &nodes[i]);
		}
		in[i] = !in[i];
		if (round % 16 == 0)
			check(round);
	}
	while (heap.root) {
		if (heap.root->key < last)
			fail("keys come out of order", ROUNDS);
		last = heap.root->key;
		in[heap.root - nodes] = false;
		pheap_remove(&heap, heap.root);
	}
	check(ROUNDS);
	if (least())
		fail("nodes were lost", ROUNDS);
	return 0;
}
