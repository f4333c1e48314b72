/*
 * pool.c - see pool.h. One malloc per block: what is parsed is small, and a sanitizer sees every overrun.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/pool.h"

struct pool_block {
	struct pool_block *next;
	_Alignas(max_align_t) char data[];
};

void *pool_zalloc(struct pool *p, size_t n, size_t size)
{
	struct pool_block *b;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*b), &bytes))
		return NULL;
	b = calloc(1, bytes);
	if (!b)
		return NULL;
	b->next = p->blocks;
	p->blocks = b;
	return b->data;
}

char *pool_strndup(struct pool *p, const char *s, size_t n)
{
	char *copy = n == SIZE_MAX ? NULL : pool_zalloc(p, n + 1, 1);

	return copy ? memcpy(copy, s, n) : NULL;
}

void pool_free(struct pool *p)
{
	struct pool_block *b, *next;

	for (b = p->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	p->blocks = NULL;
}
