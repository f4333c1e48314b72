/*
 * slab.h - the Sentry's heap: size classes of 16 bytes to 2 KiB in slabs of one page, whole blocks above.
 *
 * Never sleeps; NULL when memory is out. Safe under spinlocks of a higher rank. kmalloc(0) is a valid object.
 */
#ifndef MOAT_MM_SLAB_H
#define MOAT_MM_SLAB_H

#include "lib/types.h"

void *kmalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *kzalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *krealloc(void *p, size_t size);
void kfree(void *p);
char *kstrdup(const char *s);
/* Give what this CPU caches and every empty slab back (memory is short; leak checks). */
void slab_trim(void);
size_t slab_bytes(void); /* in use, for leak checks and meminfo */

#endif
