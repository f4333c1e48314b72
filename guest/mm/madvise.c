/*
 * madvise.c - madvise(2).
 *
 * Differs from Linux: MADV_FREE drops pages at once (Linux may keep them until memory is short); WILLNEED, COLD, PAGEOUT,
 * COLLAPSE's kin without effect here are accepted as the hints they are; KSM advice does nothing. MADV_REMOVE works on
 * memory objects (shared anonymous memory, tmpfs).
 */
#include "mm/priv.h"

#define MADV_NORMAL	     0
#define MADV_RANDOM	     1
#define MADV_SEQUENTIAL	     2
#define MADV_WILLNEED	     3
#define MADV_DONTNEED	     4
#define MADV_FREE	     8
#define MADV_REMOVE	     9
#define MADV_DONTFORK	     10
#define MADV_DOFORK	     11
#define MADV_MERGEABLE	     12
#define MADV_UNMERGEABLE     13
#define MADV_HUGEPAGE	     14
#define MADV_NOHUGEPAGE	     15
#define MADV_DONTDUMP	     16
#define MADV_DODUMP	     17
#define MADV_WIPEONFORK	     18
#define MADV_KEEPONFORK	     19
#define MADV_COLD	     20
#define MADV_PAGEOUT	     21
#define MADV_POPULATE_READ   22
#define MADV_POPULATE_WRITE  23
#define MADV_DONTNEED_LOCKED 24

/* What becomes of an area's flags; -EINVAL. *set and *clear are 0 for advice that changes none. */
static int flag_change(const struct vma *v, int advice, u32 *set, u32 *clear)
{
	*set = *clear = 0;
	switch (advice) {
	case MADV_NORMAL: *clear = VMA_SEQ | VMA_RAND; return 0;
	case MADV_SEQUENTIAL:
		*set = VMA_SEQ;
		*clear = VMA_RAND;
		return 0;
	case MADV_RANDOM:
		*set = VMA_RAND;
		*clear = VMA_SEQ;
		return 0;
	case MADV_DONTFORK: *set = VMA_DONTFORK; return 0;
	case MADV_DOFORK: *clear = VMA_DONTFORK; return v->flags & VMA_PHYS ? -EINVAL : 0;
	case MADV_WIPEONFORK: *set = VMA_WIPEONFORK; return !vma_private_anon(v) ? -EINVAL : 0;
	case MADV_KEEPONFORK: *clear = VMA_WIPEONFORK; return 0;
	case MADV_DONTDUMP: *set = VMA_DONTDUMP; return 0;
	case MADV_DODUMP: *clear = VMA_DONTDUMP; return v->flags & VMA_PHYS ? -EINVAL : 0;
	case MADV_HUGEPAGE:
		*set = VMA_HUGE;
		*clear = VMA_NOHUGE;
		return v->flags & VMA_PHYS ? -EINVAL : 0;
	case MADV_NOHUGEPAGE:
		*set = VMA_NOHUGE;
		*clear = VMA_HUGE;
		return v->flags & VMA_PHYS ? -EINVAL : 0;
	default: return 0;
	}
}

/* [start, end) lies within v. The tree may change around it. */
static int advise_flags(struct vma *v, uaddr_t start, uaddr_t end, int advice)
{
	struct mm *mm = v->mm;
	u32 set, clear, flags;
	int err = flag_change(v, advice, &set, &clear);

	flags = (v->flags & ~clear) | set;
	if (err || flags == v->flags)
		return err;
	err = vma_split_range(mm, start, end);
	if (err)
		return err;
	v = vma_at(mm, start);
	vma_set_flags(v, flags);
	vma_merge(v);
	return 0;
}

static int advise_drop(struct vma *v, uaddr_t start, uaddr_t end, int advice)
{
	if (v->flags & VMA_PHYS)
		return -EINVAL;
	if (vma_sealed_content(v) && advice != MADV_COLD && advice != MADV_PAGEOUT)
		return -EPERM;
	if ((v->flags & VMA_LOCKED) && advice != MADV_DONTNEED_LOCKED)
		return -EINVAL;
	if (advice == MADV_FREE && !vma_private_anon(v))
		return -EINVAL;
	if (advice == MADV_COLD || advice == MADV_PAGEOUT)
		return 0;
	if (vma_shared(v)) {
		pmap_unmap(v->mm->pmap, start, end - start);
		mm_commit(v->mm);
	} else {
		mm_zap(v->mm, start, end);
	}
	v->next_fault = start; /* what was dropped is likely filled again in order */
	return 0;
}

/* Punch the object. mm->lock is dropped meanwhile, since the punch visits every address space that maps it. */
static int advise_remove(struct vma *v, uaddr_t start, uaddr_t end)
{
	struct mm *mm = v->mm;
	struct shm_object *shm = v->shm;
	struct file *file = v->file;
	struct pagecache *pc = v->pc;
	u64 off = v->off + (start - v->start);

	if (v->flags & VMA_LOCKED)
		return -EINVAL;
	if (!pc)
		return -EINVAL;
	if (!vma_shared(v) || !(v->max_prot & PROT_WRITE))
		return -EACCES;
	if (pc->ops->write)
		return -EOPNOTSUPP;
	if (file)
		mm_hooks.file_get(file);
	else
		ref_get(&shm->ref);
	mutex_unlock(&mm->lock);
	pagecache_punch(pc, off, end - start);
	if (file)
		mm_hooks.file_put(file);
	else
		shm_put(shm);
	mutex_lock(&mm->lock);
	return 0;
}

static int advise_area(struct vma *v, uaddr_t start, uaddr_t end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT: return advise_drop(v, start, end, advice);
	case MADV_REMOVE: return advise_remove(v, start, end);
	default: return advise_flags(v, start, end, advice);
	}
}

static bool known(int advice)
{
	switch (advice) {
	case MADV_NORMAL ... MADV_DONTNEED:
	case MADV_FREE ... MADV_DONTNEED_LOCKED: return true;
	default: return false;
	}
}

int mm_madvise(struct mm *mm, uaddr_t addr, u64 len, int advice)
{
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);
	uaddr_t end = addr + rounded;
	int err;

	if (!known(advice) || (addr & (PAGE_SIZE - 1)) || (len && !rounded) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return mm_populate(mm, addr, end, advice == MADV_POPULATE_WRITE);
	mutex_lock(&mm->lock);
	err = vma_each(mm, addr, end, advise_area, advice);
	mutex_unlock(&mm->lock);
	return err;
}
