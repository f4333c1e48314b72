/*
 * mlock.c - mlock(2) and kin, mincore(2), msync(2).
 *
 * Nothing is ever swapped out, so locking means: fault in now, count against RLIMIT_MEMLOCK, refuse MADV_DONTNEED.
 */
#include "mm/priv.h"

#define MLOCK_ONFAULT 1
#define MCL_CURRENT   1
#define MCL_FUTURE    2
#define MCL_ONFAULT   4
#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC	      4

static u64 lock_limit(void)
{
	if (mm_hooks.may_lock && mm_hooks.may_lock())
		return ~0ULL;
	return mm_hooks.rlimit ? mm_hooks.rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT : ~0ULL;
}

/* Under mm->lock. Areas up to a hole are changed all the same, as on Linux. */
static int set_locked(struct mm *mm, uaddr_t start, uaddr_t end, u32 bits)
{
	while (start < end) {
		struct vma *v = vma_at(mm, start);
		uaddr_t stop;
		u32 flags;
		int err;

		if (!v)
			return -ENOMEM;
		stop = MIN(end, v->end);
		flags = (v->flags & ~(VMA_LOCKED | VMA_LOCKONFAULT)) | bits;
		if (flags != v->flags && !(v->flags & VMA_PHYS)) {
			err = vma_split_range(mm, start, stop);
			if (err)
				return err;
			v = vma_at(mm, start);
			vma_set_flags(v, flags);
			vma_merge(v);
		}
		start = stop;
	}
	return 0;
}

/* Pages of the range that are locked already. */
static u64 count_locked(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_find(mm, start);
	u64 n = 0;

	for (; v && v->start < end; v = vma_next(v))
		if (v->flags & VMA_LOCKED)
			n += (MIN(end, v->end) - MAX(start, v->start)) >> PAGE_SHIFT;
	return n;
}

int mm_mlock(struct mm *mm, uaddr_t addr, u64 len, int flags)
{
	uaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE), end;
	u64 limit = lock_limit(), n;
	int err = 0;

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (!limit)
		return -EPERM;
	n = ALIGN_UP(len + (addr - start), PAGE_SIZE);
	end = start + n;
	mutex_lock(&mm->lock);
	if (mm->locked + (n >> PAGE_SHIFT) > limit &&
	    mm->locked + (n >> PAGE_SHIFT) - count_locked(mm, start, end) > limit)
		err = -ENOMEM;
	else if (end < start)
		err = -EINVAL;
	else
		err = set_locked(mm, start, end,
				 VMA_LOCKED | (flags & MLOCK_ONFAULT ? VMA_LOCKONFAULT : 0));
	mutex_unlock(&mm->lock);
	if (err || (flags & MLOCK_ONFAULT) || start == end)
		return err;
	err = mm_populate(mm, start, end, false);
	return err == -ENOMEM ? -EAGAIN : err && err != -EINTR ? -ENOMEM : err;
}

int mm_munlock(struct mm *mm, uaddr_t addr, u64 len)
{
	uaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE),
		end = start + ALIGN_UP(len + (addr - start), PAGE_SIZE);
	int err;

	if (end < start)
		return -EINVAL;
	mutex_lock(&mm->lock);
	err = set_locked(mm, start, end, 0);
	mutex_unlock(&mm->lock);
	return err;
}

/* Every area at once. Under mm->lock. */
static void lock_everything(struct mm *mm, u32 bits)
{
	struct vma *v;

	list_for_each(v, &mm->vma_list, list)
		if (!(v->flags & VMA_PHYS))
			vma_set_flags(v, (v->flags & ~(VMA_LOCKED | VMA_LOCKONFAULT)) | bits);
}

/* Fault in all that can be; errors do not matter here, as on Linux. */
static void populate_everything(struct mm *mm)
{
	uaddr_t at = 0;

	for (;;) {
		uaddr_t start, end;
		struct vma *v;

		mutex_lock(&mm->lock);
		for (v = vma_find(mm, at); v && !(v->flags & VMA_LOCKED); v = vma_next(v))
			;
		start = v ? v->start : 0;
		end = v ? v->end : 0;
		mutex_unlock(&mm->lock);
		if (!end || mm_populate(mm, start, end, false) == -EINTR)
			return;
		at = end;
	}
}

int mm_mlockall(struct mm *mm, int flags)
{
	u32 bits = VMA_LOCKED | (flags & MCL_ONFAULT ? VMA_LOCKONFAULT : 0);
	u64 limit = lock_limit();
	int err = 0;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!limit)
		return -EPERM;
	mutex_lock(&mm->lock);
	if ((flags & MCL_CURRENT) && mm->total > limit) {
		err = -ENOMEM;
	} else {
		mm->lock_future = flags & MCL_FUTURE ? bits : 0;
		if (flags & MCL_CURRENT)
			lock_everything(mm, bits);
	}
	mutex_unlock(&mm->lock);
	if (!err && (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT))
		populate_everything(mm);
	return err;
}

int mm_munlockall(struct mm *mm)
{
	mutex_lock(&mm->lock);
	mm->lock_future = 0;
	lock_everything(mm, 0);
	mutex_unlock(&mm->lock);
	return 0;
}

int mm_mincore(struct mm *mm, uaddr_t addr, u64 len, u8 *vec)
{
	u64 n = ALIGN_UP(len, PAGE_SIZE) >> PAGE_SHIFT;
	int err = 0;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (addr > USER_END || len > USER_END - addr)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	for (u64 i = 0; i < n; i++) {
		uaddr_t va = addr + (i << PAGE_SHIFT);
		struct vma *v = vma_at(mm, va);

		if (!v) {
			err = -ENOMEM;
			break;
		}
		vec[i] = (v->flags & VMA_PHYS) || (!vma_shared(v) && anon_lookup(mm, va)) ||
			 (v->pc && pagecache_resident(v->pc, vma_index(v, va)));
	}
	mutex_unlock(&mm->lock);
	return err;
}

bool mm_is_mapped(struct mm *mm, uaddr_t va, bool *file)
{
	unsigned prot;
	bool mapped;
	paddr_t pa;

	mutex_lock(&mm->lock);
	*file = vma_at(mm, va) && !anon_lookup(mm, va);
	mapped = vma_at(mm, va) && (!*file || pmap_lookup(mm->pmap, va, &pa, &prot));
	mutex_unlock(&mm->lock);
	return mapped;
}

/* One area's part, by the flags of msync(2); mm->lock is dropped while it is written back. */
static int sync_area(struct vma *v, uaddr_t start, uaddr_t end, int flags)
{
	struct mm *mm = v->mm;
	struct file *file = v->file;
	struct pagecache *pc = v->pc;
	u64 off = v->off + (start - v->start);
	int err;

	if ((flags & MS_INVALIDATE) && (v->flags & VMA_LOCKED))
		return -EBUSY;
	if (!(flags & MS_SYNC) || !file || !vma_shared(v))
		return 0;
	mm_hooks.file_get(file);
	mutex_unlock(&mm->lock);
	err = pagecache_sync(pc, off, end - start);
	mm_hooks.file_put(file);
	mutex_lock(&mm->lock);
	return err;
}

int mm_msync(struct mm *mm, uaddr_t addr, u64 len, int flags)
{
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);
	uaddr_t end = addr + rounded;
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & (PAGE_SIZE - 1)) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < addr || (len && !rounded))
		return -ENOMEM;
	mutex_lock(&mm->lock);
	err = vma_each(mm, addr, end, sync_area, flags);
	mutex_unlock(&mm->lock);
	return err;
}
