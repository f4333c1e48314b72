/*
 * mprotect.c - mprotect(2).
 *
 * Rights are taken away in the pmap at once; rights that are given arrive by faults, except that write access stays off
 * where it was. Cost: one mutex, at most two splits, one pmap_protect per area, one commit.
 */
#include "mm/priv.h"

#define GRANT_PAGES 64 /* larger areas get their rights by faults */

/* Write access comes back at once to the pages of a small area that nobody shares: the next store would fault for it. */
static void grant_write(struct vma *v)
{
	uaddr_t va = v->start, run;

	if (v->pc || v->uffd || (v->end - v->start) >> PAGE_SHIFT > GRANT_PAGES)
		return;
	for (; va < v->end; va = run) {
		u64 e = anon_lookup(v->mm, va);

		run = va + PAGE_SIZE;
		if (!e || !anon_exclusive(e))
			continue;
		while (run < v->end && (e = anon_lookup(v->mm, run)) && anon_exclusive(e))
			run += PAGE_SIZE;
		pmap_protect(v->mm->pmap, va, run - va, vma_pmap_prot(v));
	}
}

static int protect_locked(struct mm *mm, uaddr_t start, uaddr_t end, int prot)
{
	struct vma *v = vma_find(mm, start);
	uaddr_t at = start;
	int err = 0;

	if (!v)
		return -ENOMEM;
	if (prot & PROT_GROWSDOWN) {
		if (v->start >= end)
			return -ENOMEM;
		if (!(v->flags & VMA_GROWSDOWN))
			return -EINVAL;
		start = at = v->start;
	} else if (v->start > start) {
		return -ENOMEM;
	}
	prot &= PROT_RWX;
	if (mm_sealed(mm, start, end))
		return -EPERM;
	while (at < end) {
		v = vma_at(mm, at);
		if (!v) {
			err = -ENOMEM;
			break;
		}
		if (prot & ~v->max_prot) {
			err = -EACCES;
			break;
		}
		if ((prot & PROT_WRITE) && !(v->prot & PROT_WRITE) && !vma_shared(v) &&
		    mm_may_expand(mm, 0, true)) {
			err = -ENOMEM;
			break;
		}
		if (v->prot == prot) {
			at = v->end;
			continue;
		}
		err = vma_split_range(mm, MAX(at, v->start), MIN(end, v->end));
		if (err)
			break;
		v = vma_at(mm, at);
		if (v->prot & ~prot & (PROT_WRITE | PROT_EXEC))
			pmap_protect(mm->pmap, v->start, v->end - v->start,
				     (prot & PROT_RWX ? PMAP_R : 0) |
					     (prot & PROT_EXEC ? PMAP_X : 0));
		if (!prot || ((v->prot ^ prot) & PROT_EXEC & prot))
			pmap_unmap(mm->pmap, v->start, v->end - v->start);
		if ((prot & ~v->prot & PROT_WRITE) && !((v->prot ^ prot) & PROT_EXEC)) {
			v->prot = (u8)prot;
			grant_write(v);
		}
		v->prot = (u8)prot;
		at = v->end;
		vma_merge(v);
	}
	if (!err && (v = vma_at(mm, end)))
		vma_merge(v);
	mm_commit(mm);
	return err;
}

int mm_mprotect(struct mm *mm, uaddr_t addr, u64 len, int prot)
{
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), err;
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!len)
		return 0;
	if (!rounded || addr + rounded <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_RWX | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (grows == PROT_GROWSUP)
		return -EINVAL; /* no area grows up on x86 */
	mutex_lock(&mm->lock);
	err = protect_locked(mm, addr, addr + rounded, prot);
	mutex_unlock(&mm->lock);
	return err;
}
