/*
 * info.c - what /proc shows of an address space. Resident file pages are counted as faults handed them to the pmap, which
 * is an upper bound (the pmap may have dropped some since).
 */
#include "mm/priv.h"
#include <string.h>

static u64 file_rss(const struct vma *v)
{
	return MIN(v->pc_mapped << PAGE_SHIFT, v->end - v->start);
}

static u64 area_rss(struct vma *v)
{
	u64 anon = vma_shared(v) ? 0 : anon_count(v->mm, v->start, v->end) << PAGE_SHIFT;

	return MIN(anon + (v->pc ? file_rss(v) : 0), v->end - v->start);
}

static const char *area_name(const struct mm *mm, const struct vma *v)
{
	const struct mm_layout *l = &mm->layout;

	if (v->name)
		return v->name;
	if (v->pc)
		return NULL;
	if (v->flags & VMA_STACK)
		return "[stack]";
	if (l->brk > l->start_brk && v->start < l->brk && v->end > l->start_brk)
		return "[heap]";
	return NULL;
}

int mm_for_each_vma(struct mm *mm, int (*fn)(const struct vma_info *, void *), void *arg)
{
	struct vma *v;
	int r = 0;

	mutex_lock(&mm->lock);
	list_for_each(v, &mm->vma_list, list) {
		struct vma_info i = {
			.start = v->start,
			.end = v->end,
			.prot = v->prot,
			.shared = vma_shared(v),
			.grows_down = v->flags & VMA_GROWSDOWN,
			.locked = v->flags & VMA_LOCKED,
			.off = v->file ? v->off : 0,
			.file = v->file,
			.name = area_name(mm, v),
			.rss = area_rss(v),
		};

		r = fn(&i, arg);
		if (r)
			break;
	}
	mutex_unlock(&mm->lock);
	return r;
}

void mm_count(struct mm *mm, struct mm_counters *c)
{
	struct vma *v;

	memset(c, 0, sizeof(*c));
	list_for_each(v, &mm->vma_list, list) {
		u64 len = v->end - v->start;

		if (v->flags & VMA_STACK)
			c->stack += len;
		else if (!vma_shared(v) && (v->prot & PROT_WRITE))
			c->data += len;
		if (v->file && (v->prot & PROT_EXEC) && !(v->prot & PROT_WRITE))
			c->text += len;
		if (v->shm)
			c->rss_shmem += file_rss(v);
		else if (v->pc)
			c->rss_file += file_rss(v);
	}
	c->total_vm = mm->total << PAGE_SHIFT;
	c->locked = mm->locked << PAGE_SHIFT;
	c->rss_anon = mm->rss_anon << PAGE_SHIFT;
	c->page_tables = mm->anon_tables << PAGE_SHIFT;
}

void mm_counters(struct mm *mm, struct mm_counters *out)
{
	u64 rss;

	mutex_lock(&mm->lock);
	mm_count(mm, out);
	rss = out->rss_anon + out->rss_file + out->rss_shmem;
	mm->hiwater = MAX(mm->hiwater, rss >> PAGE_SHIFT);
	out->hiwater_rss = mm->hiwater << PAGE_SHIFT;
	mutex_unlock(&mm->lock);
}

u64 mm_rss(struct mm *mm)
{
	return (READ_ONCE(mm->rss_anon) + READ_ONCE(mm->rss_pc)) << PAGE_SHIFT;
}
