/*
 * remap_pages.c - remap_file_pages(2): part of a shared mapping shows other pages of its object. As on newer Linux this
 * splits areas rather than making one area non-linear.
 */
#include "mm/priv.h"

/* One shared object all the way? Under mm->lock. */
static int check(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *first = vma_at(mm, start), *v = first;

	if (!v || !vma_shared(v) || !v->pc)
		return -EINVAL;
	while (v->end < end) {
		struct vma *next = vma_next(v);

		if (!next || next->start != v->end || next->pc != first->pc || !vma_shared(next) ||
		    next->prot != first->prot)
			return -EINVAL;
		v = next;
	}
	return mm_sealed(mm, start, end) ? -EPERM : 0;
}

int mm_remap_file_pages(struct mm *mm, uaddr_t start, u64 len, u64 pgoff)
{
	uaddr_t end = start + len;
	struct vma *v;
	int err;

	if (end > USER_END || pgoff + (len >> PAGE_SHIFT) > ~0ULL >> PAGE_SHIFT)
		return -EINVAL;
	mutex_lock(&mm->lock);
	err = check(mm, start, end);
	if (!err)
		err = vma_split_range(mm, start, end);
	if (!err) {
		pmap_unmap(mm->pmap, start, len);
		for (v = vma_at(mm, start); v && v->start < end; v = vma_next(v)) {
			v->off = (pgoff << PAGE_SHIFT) + (v->start - start);
			v->next_fault = 0;
			v = vma_merge(v);
		}
		mm_commit(mm);
	}
	mutex_unlock(&mm->lock);
	return err;
}
