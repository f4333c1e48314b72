/*
 * mremap.c - mremap(2): shrink, grow in place, move with the private pages, duplicate a shared area (old length 0).
 *
 * A move unmaps the old translations, commits, and re-keys the anon table: pages are never copied. Works within one area,
 * as on Linux before 6.17.
 */
#include "mm/priv.h"

struct request {
	uaddr_t old, to;
	u64 old_len, new_len;
	int flags;
};

/* The area at r->old, fit to become new_len long. ERR_PTR. */
static struct vma *check_area(struct mm *mm, const struct request *r)
{
	struct vma *v = vma_at(mm, r->old);
	u64 grow = r->new_len > r->old_len ? r->new_len - r->old_len : 0;

	if (!v)
		return ERR_PTR(-EFAULT);
	if (!r->old_len && !vma_shared(v))
		return ERR_PTR(-EINVAL);
	if ((r->flags & MREMAP_DONTUNMAP) && (v->flags & VMA_PHYS))
		return ERR_PTR(-EINVAL);
	if (r->old_len > v->end - r->old)
		return ERR_PTR(-EFAULT);
	if (r->new_len == r->old_len)
		return v;
	if (v->flags & VMA_PHYS)
		return ERR_PTR(-EFAULT);
	if (v->pc && v->off + (r->old - v->start) + r->new_len < v->off)
		return ERR_PTR(-EINVAL);
	if ((v->flags & VMA_LOCKED) && !(mm_hooks.may_lock && mm_hooks.may_lock()) &&
	    mm_hooks.rlimit &&
	    mm->locked + (grow >> PAGE_SHIFT) > mm_hooks.rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT)
		return ERR_PTR(-EAGAIN);
	if (mm_may_expand(mm, grow, !vma_shared(v) && (v->prot & PROT_WRITE)))
		return ERR_PTR(-ENOMEM);
	return v;
}

static s64 move_area(struct mm *mm, struct vma *v, const struct request *r, struct list *dead)
{
	bool keep = r->flags & MREMAP_DONTUNMAP;
	struct vma *n;
	int err;

	if (mm->nr_vmas + 3 >= mm_max_map_count)
		return -ENOMEM;
	if (r->old_len) {
		err = vma_split_range(mm, r->old, r->old + r->old_len);
		if (err)
			return err;
		v = vma_at(mm, r->old);
	}
	n = vma_dup(mm, v);
	if (!n)
		return -ENOMEM;
	if (n->pc || (n->flags & VMA_PHYS))
		n->off += r->old - v->start;
	n->start = r->to;
	n->end = r->to + r->new_len;
	n->next_fault = 0;
	uffd_forget(n);
	if (keep)
		v->flags &= ~VMA_GROWSDOWN;
	vma_insert(n);
	if (r->old_len) {
		pmap_unmap(mm->pmap, r->old, r->old_len);
		mm_commit(mm);
		err = anon_move(mm, r->old, r->to, r->old_len);
		if (err) { /* undo: the way back needs no memory where the tables still stand */
			anon_move(mm, r->to, r->old, r->old_len);
			anon_drop(mm, r->to, r->to + r->new_len);
			vma_remove(n);
			list_add_tail(dead, &n->list);
			return err;
		}
		if (keep) {
			if (v->flags & VMA_LOCKED)
				vma_set_flags(v, v->flags & ~(VMA_LOCKED | VMA_LOCKONFAULT));
			vma_merge(v);
		} else {
			vma_remove(v);
			list_add_tail(dead, &v->list);
		}
	}
	vma_merge(vma_at(mm, r->to));
	return (s64)r->to;
}

static s64 remap_fixed(struct mm *mm, struct request *r, struct list *dead)
{
	struct vma *v;
	int err;

	if (r->to & (PAGE_SIZE - 1) || r->new_len > USER_END || r->to > USER_END - r->new_len)
		return -EINVAL;
	if (r->old + r->old_len > r->to && r->to + r->new_len > r->old)
		return -EINVAL;
	if (r->flags & MREMAP_FIXED) {
		if (r->to < MMAP_MIN_ADDR)
			return -EPERM;
		err = munmap_locked(mm, r->to, r->to + r->new_len, dead);
		if (err)
			return err;
	}
	if (r->old_len > r->new_len) {
		err = munmap_locked(mm, r->old + r->new_len, r->old + r->old_len, dead);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	v = check_area(mm, r);
	if (IS_ERR(v))
		return PTR_ERR(v);
	if (!(r->flags & MREMAP_FIXED)) {
		r->to = mmap_place(mm, r->to, r->new_len, PAGE_SIZE, 0);
		if (!r->to)
			return -ENOMEM;
	}
	return move_area(mm, v, r, dead);
}

static s64 remap_locked(struct mm *mm, struct request *r, struct list *dead)
{
	u64 align = PAGE_SIZE;
	struct vma *v;
	int err;

	if (!vma_at(mm, r->old))
		return -EFAULT;
	if (mm_sealed(mm, r->old, r->old + MAX(r->old_len, 1UL)))
		return -EPERM;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_fixed(mm, r, dead);
	if (r->old_len >= r->new_len) {
		err = munmap_locked(mm, r->old + r->new_len, r->old + r->old_len, dead);
		return err ? err : (s64)r->old;
	}
	v = check_area(mm, r);
	if (IS_ERR(v))
		return PTR_ERR(v);
	if (r->old_len && r->old_len == v->end - r->old) {
		uaddr_t end = r->old + r->new_len;
		struct vma *next = vma_next(v);

		if (end > r->old && end <= USER_END && (!next || next->start >= end)) {
			vma_resize(v, v->start, end);
			vma_merge(v);
			return (s64)r->old;
		}
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (!v->pc && r->new_len >= HUGE_SIZE)
		align = HUGE_SIZE;
	r->to = mmap_place(mm, 0, r->new_len, align, 0);
	if (!r->to)
		return -ENOMEM;
	return move_area(mm, v, r, dead);
}

s64 mm_mremap(struct mm *mm, uaddr_t old, u64 old_len, u64 new_len, int flags, uaddr_t new_addr)
{
	struct request r = { old, new_addr, ALIGN_UP(old_len, PAGE_SIZE),
			     ALIGN_UP(new_len, PAGE_SIZE), flags };
	bool locked = false;
	struct list dead;
	struct vma *v;
	u64 was;
	s64 ret;

	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && old_len != new_len)
		return -EINVAL;
	if (old & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!r.new_len)
		return -EINVAL;
	if (r.old_len > USER_END || old > USER_END - r.old_len)
		return -EFAULT;
	was = r.old_len;
	list_init(&dead);
	mutex_lock(&mm->lock);
	ret = remap_locked(mm, &r, &dead);
	if (ret > 0) {
		v = vma_at(mm, (uaddr_t)ret);
		locked = v && (v->flags & VMA_LOCKED) && !(v->flags & VMA_LOCKONFAULT);
	}
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	if (locked && r.new_len > was)
		mm_populate(mm, (uaddr_t)ret + was, (uaddr_t)ret + r.new_len, false);
	return ret;
}
