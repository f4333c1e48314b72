/*
 * kstack.c - stacks of kernel threads of execution: host memory with a guard page below, and a small cache.
 *
 * They come from the host rather than from RAM so that an overrun faults; their number is bounded by the tasks'.
 */
#include "platform/systrap/systrap.h"

#define CACHE_MAX 64

static struct spinlock cache_lock = SPINLOCK_INIT;
static void *cache; /* linked through the first word of each stack */
static unsigned cached;

void *kstack_alloc(void)
{
	char *p;

	spin_lock(&cache_lock);
	p = cache;
	if (p) {
		cache = *(void **)p;
		cached--;
	}
	spin_unlock(&cache_lock);
	if (p)
		return p + KSTACK_SIZE;
	p = hc_mmap(NULL, PAGE_SIZE + KSTACK_SIZE, HC_PROT_READ | HC_PROT_WRITE,
		    HC_MAP_PRIVATE | HC_MAP_ANON, -1, 0);
	if (hc_failed(p))
		return NULL;
	if (hc3(HC_mprotect, p, PAGE_SIZE, HC_PROT_NONE) < 0) {
		hc2(HC_munmap, p, PAGE_SIZE + KSTACK_SIZE);
		return NULL;
	}
	return p + PAGE_SIZE + KSTACK_SIZE;
}

void kstack_free(void *top)
{
	char *p = (char *)top - KSTACK_SIZE;

	spin_lock(&cache_lock);
	if (cached < CACHE_MAX) {
		*(void **)p = cache;
		cache = p;
		cached++;
		p = NULL;
	}
	spin_unlock(&cache_lock);
	if (p)
		hc2(HC_munmap, p - PAGE_SIZE, PAGE_SIZE + KSTACK_SIZE);
}
