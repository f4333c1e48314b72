/*
 * munmap.c - taking areas away: munmap(2), and the zap that MAP_FIXED, madvise and mremap share.
 *
 * Order: pmap_unmap, commit, then the frames are dropped: no frame is free while a translation may live. References to
 * files are dropped after mm->lock, since the file's release may sleep or take locks of fs.
 * Cost: munmap of one area: one mutex, two tree walks, one pmap_unmap and one commit, one kfree.
 */
#include "mm/priv.h"
#include "mm/slab.h"

void mm_zap(struct mm *mm, uaddr_t start, uaddr_t end)
{
	mm->hiwater = MAX(mm->hiwater, mm->rss_anon);
	pmap_unmap(mm->pmap, start, end - start);
	mm_commit(mm);
	anon_drop(mm, start, end);
}

int munmap_locked(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead)
{
	struct vma *v;
	int err;

	if (vma_range_free(mm, start, end))
		return 0;
	if (mm_sealed(mm, start, end))
		return -EPERM;
	err = vma_split_range(mm, start, end);
	if (err)
		return err;
	while ((v = vma_find(mm, start)) && v->start < end) {
		vma_remove(v);
		list_add_tail(dead, &v->list);
	}
	mm_zap(mm, start, end);
	return 0;
}

void vma_free_list(struct list *dead)
{
	while (!list_empty(dead)) {
		struct vma *v = list_first(dead, struct vma, list);

		list_del(&v->list);
		vma_free(v);
	}
}

int mm_munmap(struct mm *mm, uaddr_t addr, u64 len)
{
	struct list dead;
	int err;

	if ((addr & (PAGE_SIZE - 1)) || addr > USER_END || len > USER_END - addr)
		return -EINVAL;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (!len)
		return -EINVAL;
	list_init(&dead);
	mutex_lock(&mm->lock);
	err = munmap_locked(mm, addr, addr + len, &dead);
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	return err;
}
