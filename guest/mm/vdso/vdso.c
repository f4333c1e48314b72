/*
 * vdso.c - the vDSO's frames: a copy of the embedded image, made once. Lock: a spinlock around the first use.
 */
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "mm/vdso/vdso.h"
#include <string.h>

extern const char vdso_image_start[], vdso_image_end[];

u64 vdso_image_size(void)
{
	return ALIGN_UP((u64)(vdso_image_end - vdso_image_start), PAGE_SIZE);
}

paddr_t vdso_image_paddr(void)
{
	static struct spinlock lock;
	static paddr_t image;
	paddr_t pa = atomic_load(&image);

	if (pa)
		return pa;
	spin_lock(&lock);
	pa = image;
	if (!pa) {
		unsigned order = 0;

		while (PAGE_SIZE << order < vdso_image_size())
			order++;
		pa = frame_alloc(ZONE_SMALL, order, FRAME_ZERO);
		if (pa) {
			memcpy(paddr_to_ptr(pa), vdso_image_start,
			       (size_t)(vdso_image_end - vdso_image_start));
			atomic_store(&image, pa);
		}
	}
	spin_unlock(&lock);
	return pa;
}
