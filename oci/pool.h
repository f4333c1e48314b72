/*
 * pool.h - memory that is freed all at once: what a parsed file consists of. Blocks come zeroed and aligned for any type.
 * No locks; a pool belongs to one thread.
 */
#ifndef MOAT_OCI_POOL_H
#define MOAT_OCI_POOL_H

#include <stddef.h>

struct pool {
	struct pool_block *blocks;
};

#define POOL_INIT \
	{         \
		0 \
	}

/* n * size zeroed bytes. NULL without memory or if the product overflows. */
void *pool_zalloc(struct pool *p, size_t n, size_t size);
char *pool_strndup(struct pool *p, const char *s, size_t n); /* NULL without memory */
void pool_free(struct pool *p);

#endif
