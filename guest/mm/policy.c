/*
 * policy.c - memory policies of areas, as mbind(2) sets them. There is one node, so a policy is remembered and shown, and
 * changes nothing. It lives in the upper bits of vma->flags: areas with different policies do not merge.
 */
#include "mm/priv.h"

int mm_set_policy(struct mm *mm, uaddr_t start, uaddr_t end, unsigned policy)
{
	uaddr_t at = start;
	struct vma *v;
	int err = 0;

	mutex_lock(&mm->lock);
	for (v = vma_at(mm, at); v && at < end; v = vma_at(mm, at))
		at = v->end;
	if (at < end)
		err = -EFAULT;
	if (!err)
		err = vma_split_range(mm, start, end);
	for (v = vma_at(mm, start); !err && v && v->start < end; v = vma_next(v)) {
		vma_set_flags(v, (v->flags & ~VMA_POLICY_MASK) | policy << VMA_POLICY_SHIFT);
		v = vma_merge(v);
	}
	mutex_unlock(&mm->lock);
	return err;
}

int mm_get_policy(struct mm *mm, uaddr_t addr, unsigned *policy)
{
	struct vma *v;

	mutex_lock(&mm->lock);
	v = vma_at(mm, addr);
	if (v)
		*policy = (v->flags & VMA_POLICY_MASK) >> VMA_POLICY_SHIFT;
	mutex_unlock(&mm->lock);
	return v ? 0 : -EFAULT;
}

int mm_next_policy(struct mm *mm, uaddr_t *at, uaddr_t end, unsigned *policy)
{
	struct vma *v;
	int found = 0;

	mutex_lock(&mm->lock);
	v = vma_find(mm, *at);
	if (v && v->start < end) {
		*policy = (v->flags & VMA_POLICY_MASK) >> VMA_POLICY_SHIFT;
		*at = v->end;
		found = 1;
	}
	mutex_unlock(&mm->lock);
	return found;
}
