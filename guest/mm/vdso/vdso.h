/*
 * vdso.h - the vDSO image in frames that every address space maps.
 */
#ifndef MOAT_MM_VDSO_VDSO_H
#define MOAT_MM_VDSO_VDSO_H

#include "lib/types.h"

u64 vdso_image_size(void);	/* bytes, whole pages */
paddr_t vdso_image_paddr(void); /* contiguous; made at the first call, 0 when memory is out */

#endif
