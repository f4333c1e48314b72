/*
 * layout.c - exec's part of an address space: the stack, the heap (brk(2)), the vDSO.
 *
 * Differs from Linux: the heap is one area from start_brk; nothing may be mapped into the way of it but by MAP_FIXED.
 */
#include "mm/priv.h"
#include "mm/slab.h"
#include "mm/vdso/vdso.h"
#include <string.h>

#define STACK_START (32 * PAGE_SIZE) /* Linux begins with 128 KiB and a page */

static int insert_area(struct mm *mm, uaddr_t start, uaddr_t end, int prot, u32 flags, u64 off,
		       const char *name)
{
	struct vma *v = vma_alloc(mm, start, end);

	if (!v)
		return -ENOMEM;
	v->prot = (u8)prot;
	v->flags = flags;
	v->off = off;
	v->name = name;
	vma_insert(v);
	return 0;
}

int mm_setup_stack(struct mm *mm, uaddr_t *top, bool executable)
{
	uaddr_t end = USER_END - ((mm_random() & 0x3fffff) << PAGE_SHIFT);
	int err = -ENOMEM;

	mutex_lock(&mm->lock);
	mm->mmap_base = mmap_choose_base();
	if (vma_range_free(mm, end - STACK_START, end))
		err = insert_area(mm, end - STACK_START, end,
				  PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0),
				  VMA_GROWSDOWN | VMA_STACK, 0, NULL);
	if (!err) {
		*top = end;
		mm->layout.start_stack = end;
	}
	mutex_unlock(&mm->lock);
	return err;
}

int mm_map_vdso(struct mm *mm)
{
	u64 len = vdso_image_size();
	uaddr_t base;
	int err = -ENOMEM;

	mutex_lock(&mm->lock);
	/* The data page lies directly below the image: its code finds it relative to itself. */
	base = mmap_place(mm, 0, len + PAGE_SIZE, PAGE_SIZE, 0);
	if (base && vdso_image_paddr())
		err = insert_area(mm, base, base + PAGE_SIZE, PROT_READ, VMA_PHYS | VMA_DONTDUMP,
				  clock_vdso_page(), "[vvar]");
	if (!err)
		err = insert_area(mm, base + PAGE_SIZE, base + PAGE_SIZE + len,
				  PROT_READ | PROT_EXEC, VMA_PHYS, vdso_image_paddr(), "[vdso]");
	if (!err) {
		mm->layout.vdso = base + PAGE_SIZE;
		fault_expect(mm, base);
		fault_expect(mm, base + PAGE_SIZE);
	}
	mutex_unlock(&mm->lock);
	return err;
}

/* A page of zeros, like the clock's before it is known. */
static paddr_t no_clock(void)
{
	static struct spinlock lock;
	static paddr_t page;

	spin_lock(&lock);
	if (!page)
		page = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO);
	spin_unlock(&lock);
	return page;
}

int mm_hide_clock(struct mm *mm)
{
	paddr_t page = no_clock();
	struct vma *v;

	if (!page)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	list_for_each(v, &mm->vma_list, list)
		if (v->flags & VMA_PHYS && v->off == clock_vdso_page())
			v->off = page;
	mutex_unlock(&mm->lock);
	return 0;
}

void mm_set_brk(struct mm *mm, uaddr_t start)
{
	mutex_lock(&mm->lock);
	mm->layout.start_brk = mm->layout.brk = start;
	mutex_unlock(&mm->lock);
}

#define BRK_AHEAD (256UL << 10) /* an allocator asks for so much when it is about to use it */

/* An allocator's next store is behind the old break, then on to the new one: as sequential faults are. */
static void bring_heap(struct mm *mm, uaddr_t at)
{
	struct vma *v = vma_at(mm, at);

	if (!v || v->uffd)
		return;
	v->next_fault = at;
	anon_fault(v, at, ACCESS_WRITE); /* if there is no memory now, the store will find out */
	mm_commit(mm);
}

static uaddr_t brk_locked(struct mm *mm, uaddr_t brk, struct list *dead, uaddr_t *populate)
{
	struct mm_layout *l = &mm->layout;
	uaddr_t old_end = ALIGN_UP(l->brk, PAGE_SIZE), end = ALIGN_UP(brk, PAGE_SIZE);
	u64 limit = mm_hooks.rlimit ? mm_hooks.rlimit(RLIMIT_DATA) : ~0ULL;
	struct vma *v, *next;

	if (brk < l->start_brk || brk >= USER_END)
		return l->brk;
	if (limit != ~0ULL && brk - l->start_brk + (l->end_data - l->start_data) > limit)
		return l->brk;
	if (end < old_end) {
		if (munmap_locked(mm, end, old_end, dead))
			return l->brk;
	} else if (end > old_end) {
		next = vma_find(mm, old_end);
		if (next &&
		    next->start < end + (next->flags & VMA_GROWSDOWN ? STACK_GAP : PAGE_SIZE))
			return l->brk;
		if (mm_may_expand(mm, end - old_end, true))
			return l->brk;
		v = old_end > l->start_brk ? vma_at(mm, old_end - 1) : NULL;
		if (v && (v->flags & VMA_HEAP) && v->end == old_end &&
		    v->prot == (PROT_READ | PROT_WRITE)) {
			vma_resize(v, v->start, end);
		} else if (insert_area(mm, old_end, end, PROT_READ | PROT_WRITE,
				       VMA_HEAP | mm->lock_future, 0, NULL)) {
			return l->brk;
		}
		if (mm->lock_future & VMA_LOCKED)
			*populate = old_end;
		else if (end - old_end <= BRK_AHEAD)
			bring_heap(mm, old_end);
	}
	l->brk = brk;
	return brk;
}

uaddr_t mm_brk(struct mm *mm, uaddr_t brk)
{
	uaddr_t populate = 0;
	struct list dead;
	uaddr_t r;

	list_init(&dead);
	mutex_lock(&mm->lock);
	r = brk_locked(mm, brk, &dead, &populate);
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	if (populate)
		mm_populate(mm, populate, ALIGN_UP(r, PAGE_SIZE), false);
	return r;
}
