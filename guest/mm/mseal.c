/*
 * mseal.c - mseal(2): areas that stay as they are until the address space ends.
 *
 * A sealed area is not unmapped, moved, resized, overlaid or given other protections, and what cannot be written is not
 * discarded: -EPERM. The callers ask mm_sealed() before they change anything, so a refused call changes nothing.
 */
#include "mm/priv.h"

bool mm_sealed(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = mm->sealed ? vma_find(mm, start) : NULL;

	for (; v && v->start < end; v = vma_next(v))
		if (v->flags & VMA_SEALED)
			return true;
	return false;
}

bool vma_sealed_content(const struct vma *v)
{
	return v->flags & VMA_SEALED && vma_private_anon(v) && !(v->prot & PROT_WRITE);
}

/* Is every page of the range in an area? */
static bool covered(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_at(mm, start);

	while (v && v->end < end) {
		struct vma *next = vma_next(v);

		if (!next || next->start != v->end)
			return false;
		v = next;
	}
	return v != NULL;
}

int mm_mseal(struct mm *mm, uaddr_t addr, u64 len)
{
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);
	uaddr_t end = addr + rounded;
	struct vma *v;
	int err = 0;

	if (addr & (PAGE_SIZE - 1) || (len && !rounded) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	mutex_lock(&mm->lock);
	if (!covered(mm, addr, end))
		err = -ENOMEM;
	if (!err)
		err = vma_split_range(mm, addr, end);
	if (!err) {
		mm->sealed = true;
		for (v = vma_at(mm, addr); v && v->start < end; v = vma_next(v)) {
			vma_set_flags(v, v->flags | VMA_SEALED);
			v = vma_merge(v);
		}
	}
	mutex_unlock(&mm->lock);
	return err;
}
