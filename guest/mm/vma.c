/*
 * vma.c - the areas of an address space: an AVL tree by address, augmented with the largest free gap below each subtree,
 * and a list in address order. Find, insert, split, merge, find a gap. Everything under mm->lock.
 *
 * Cost: mmap and munmap of one area: two tree walks, one kmalloc or kfree; a fault: usually the cached last area.
 */
#include "mm/priv.h"
#include "mm/slab.h"
#include <string.h>

static struct vma *node_vma(const struct avl_node *n)
{
	return n ? avl_entry(n, struct vma, node) : NULL;
}

static void vma_augment(struct avl_node *n)
{
	struct vma *v = node_vma(n);

	v->max_gap = v->gap;
	for (int i = 0; i < 2; i++)
		if (n->child[i] && node_vma(n->child[i])->max_gap > v->max_gap)
			v->max_gap = node_vma(n->child[i])->max_gap;
}

void vma_tree_init(struct mm *mm)
{
	mm->vmas.root = NULL;
	mm->vmas.augment = vma_augment;
	list_init(&mm->vma_list);
	mm->nr_vmas = 0;
	mm->cache = NULL;
}

struct vma *vma_find(struct mm *mm, uaddr_t va)
{
	struct avl_node *n = mm->vmas.root;
	struct vma *best = NULL;

	if (mm->cache && va >= mm->cache->start && va < mm->cache->end)
		return mm->cache;
	while (n) {
		struct vma *v = node_vma(n);

		if (v->end > va) {
			best = v;
			if (v->start <= va)
				break;
			n = n->child[0];
		} else {
			n = n->child[1];
		}
	}
	if (best)
		mm->cache = best;
	return best;
}

struct vma *vma_at(struct mm *mm, uaddr_t va)
{
	struct vma *v = vma_find(mm, va);

	return v && v->start <= va ? v : NULL;
}

int vma_each(struct mm *mm, uaddr_t addr, uaddr_t end,
	     int (*fn)(struct vma *v, uaddr_t start, uaddr_t end, int arg), int arg)
{
	int err = 0, hole = 0;

	while (addr < end && !err) {
		struct vma *v = vma_find(mm, addr);
		uaddr_t stop;

		if (!v || v->start > addr) {
			hole = -ENOMEM;
			if (!v || v->start >= end)
				break;
			addr = v->start;
		}
		stop = MIN(end, v->end);
		err = fn(v, addr, stop, arg);
		addr = stop;
	}
	return err ? err : hole;
}

bool vma_range_free(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_find(mm, start);

	return !v || v->start >= end;
}

struct vma *vma_alloc(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = kzalloc(sizeof(*v));

	if (!v)
		return NULL;
	v->mm = mm;
	v->start = start;
	v->end = end;
	v->max_prot = PROT_RWX;
	list_init(&v->list);
	list_init(&v->pc_node);
	return v;
}

struct vma *vma_dup(struct mm *mm, const struct vma *from)
{
	struct vma *v = vma_alloc(mm, from->start, from->end);

	if (!v)
		return NULL;
	v->prot = from->prot;
	v->max_prot = from->max_prot;
	v->window = from->window;
	v->flags = from->flags;
	v->off = from->off;
	v->pc = from->pc;
	v->file = from->file;
	v->shm = from->shm;
	v->name = from->name;
	v->uffd = from->uffd;
	if (v->file && mm_hooks.file_get)
		mm_hooks.file_get(v->file);
	if (v->shm)
		ref_get(&v->shm->ref);
	return v;
}

void vma_free(struct vma *v)
{
	if (v->file && mm_hooks.file_put)
		mm_hooks.file_put(v->file);
	if (v->shm)
		shm_put(v->shm);
	kfree(v);
}

/* The gap below v depends on its predecessor. */
static void update_gap(struct vma *v)
{
	struct vma *prev;

	if (!v)
		return;
	prev = vma_prev(v);
	v->gap = v->start - (prev ? prev->end : 0);
	avl_update(&v->mm->vmas, &v->node);
}

static void count(struct vma *v, int sign)
{
	u64 n = (v->end - v->start) >> PAGE_SHIFT;

	v->mm->total += sign > 0 ? n : -n;
	v->mm->rss_pc += sign > 0 ? v->pc_mapped : -v->pc_mapped;
	if (v->flags & VMA_LOCKED)
		v->mm->locked += sign > 0 ? n : -n;
}

void vma_add_mapped(struct vma *v, u64 pages)
{
	u64 max = (v->end - v->start) >> PAGE_SHIFT;

	pages = MIN(pages, max - v->pc_mapped);
	v->pc_mapped += pages;
	v->mm->rss_pc += pages;
}

void vma_set_flags(struct vma *v, u32 flags)
{
	count(v, -1);
	v->flags = flags;
	count(v, 1);
}

void vma_insert(struct vma *v)
{
	struct mm *mm = v->mm;
	struct avl_node *n = mm->vmas.root, *parent = NULL;
	struct vma *after = NULL; /* predecessor */
	int dir = 0;

	while (n) {
		struct vma *o = node_vma(n);

		parent = n;
		dir = v->start >= o->start;
		if (dir)
			after = o;
		n = n->child[dir];
	}
	list_add(after ? &after->list : &mm->vma_list, &v->list);
	v->gap = v->start - (after ? after->end : 0);
	avl_insert(&mm->vmas, &v->node, parent, dir);
	update_gap(vma_next(v));
	mm->nr_vmas++;
	count(v, 1);
	if (v->pc)
		pagecache_attach(v->pc, v);
}

void vma_remove(struct vma *v)
{
	struct mm *mm = v->mm;
	struct vma *next = vma_next(v);

	if (v->pc)
		pagecache_detach(v);
	count(v, -1);
	avl_erase(&mm->vmas, &v->node);
	list_del(&v->list);
	update_gap(next);
	mm->nr_vmas--;
	if (mm->cache == v)
		mm->cache = NULL;
}

void vma_resize(struct vma *v, uaddr_t start, uaddr_t end)
{
	count(v, -1);
	if (v->pc || (v->flags & VMA_PHYS))
		v->off += start - v->start;
	v->start = start;
	v->end = end;
	v->pc_mapped = MIN(v->pc_mapped, (end - start) >> PAGE_SHIFT);
	count(v, 1);
	update_gap(v);
	update_gap(vma_next(v));
}

/* v keeps the lower part; 0, -ENOMEM. */
static int vma_split(struct vma *v, uaddr_t at)
{
	struct vma *hi;

	if (v->mm->nr_vmas >= mm_max_map_count + 2)
		return -ENOMEM;
	hi = vma_dup(v->mm, v);
	if (!hi)
		return -ENOMEM;
	hi->start = at;
	if (hi->pc || (hi->flags & VMA_PHYS))
		hi->off += at - v->start;
	hi->pc_mapped = MIN(v->pc_mapped, (hi->end - at) >> PAGE_SHIFT);
	hi->next_fault = v->next_fault;
	vma_resize(v, v->start, at);
	vma_insert(hi);
	return 0;
}

/* Split so that no area crosses start or end. */
int vma_split_range(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_at(mm, start);
	int err;

	if (v && v->start < start) {
		err = vma_split(v, start);
		if (err)
			return err;
	}
	v = vma_at(mm, end);
	if (v && v->start < end)
		return vma_split(v, end);
	return 0;
}

static bool mergeable(const struct vma *a, const struct vma *b)
{
	if (a->end != b->start || a->prot != b->prot || a->max_prot != b->max_prot ||
	    ((a->flags ^ b->flags) & VMA_MERGE_MASK) || a->pc != b->pc || a->file != b->file ||
	    a->shm != b->shm || a->uffd != b->uffd || (a->flags & (VMA_PHYS | VMA_STACK)))
		return false;
	return !a->pc || a->off + (a->end - a->start) == b->off;
}

struct vma *vma_merge(struct vma *v)
{
	struct vma *n = vma_prev(v);

	if (n && mergeable(n, v)) {
		uaddr_t end = v->end;
		u64 mapped = v->pc_mapped;

		n->next_fault = v->next_fault;
		n->window = v->window;
		vma_remove(v);
		vma_resize(n, n->start, end);
		vma_add_mapped(n, mapped);
		vma_free(v); /* n holds references too: nothing sleeps or dies here */
		v = n;
	}
	n = vma_next(v);
	if (n && mergeable(v, n)) {
		uaddr_t end = n->end;
		u64 mapped = n->pc_mapped;

		vma_remove(n);
		vma_resize(v, v->start, end);
		vma_add_mapped(v, mapped);
		vma_free(n);
	}
	return v;
}

/* Highest aligned start of len bytes within [lo, hi); 0 if it does not fit. */
static uaddr_t fit(uaddr_t lo, uaddr_t hi, u64 len, u64 align)
{
	uaddr_t a;

	if (hi < len || hi - len < lo)
		return 0;
	a = ALIGN_DOWN(hi - len, align);
	return a >= lo ? a : 0;
}

/* The gap below an area: its part in [low, high), with distance to an area that grows down. */
static uaddr_t fit_below(struct vma *v, u64 len, u64 align, uaddr_t low, uaddr_t high)
{
	uaddr_t lo = v->start - v->gap, hi = v->start;

	if (v->flags & VMA_GROWSDOWN)
		hi = hi > STACK_GAP ? hi - STACK_GAP : 0;
	return fit(MAX(lo, low), MIN(hi, high), len, align);
}

/*
 * Rightmost first. A subtree is left out when its largest gap is too small or it lies outside [low, high); a gap may
 * still fail for alignment or a stack's guard distance, then the search goes on to the left.
 */
uaddr_t vma_find_gap(struct mm *mm, u64 len, u64 align, uaddr_t low, uaddr_t high)
{
	struct avl_node *n = mm->vmas.root;
	struct vma *last =
		list_empty(&mm->vma_list) ? NULL : list_entry(mm->vma_list.prev, struct vma, list);
	uaddr_t a;

	if (low == 0)
		low = MMAP_MIN_ADDR;
	a = fit(MAX(last ? last->end : 0, low), high, len, align);
	if (a || !n)
		return a;

	/* Walk in descending order, skipping hopeless subtrees. */
	bool down = true;

	while (n) {
		struct vma *v = node_vma(n);

		if (down) {
			struct vma *r = node_vma(n->child[1]);

			/* Gaps right of v start at v->end or above. */
			if (r && r->max_gap >= len && v->end < high) {
				n = n->child[1];
				continue;
			}
		}
		if (v->gap >= len) {
			a = fit_below(v, len, align, low, high);
			if (a)
				return a;
		}
		if (v->start <= low)
			return 0;
		if (n->child[0] && node_vma(n->child[0])->max_gap >= len) {
			n = n->child[0];
			down = true;
			continue;
		}
		/* Up until we come from a right child: that parent is next. */
		while (n->parent && n->parent->child[0] == n)
			n = n->parent;
		n = n->parent;
		down = false;
	}
	return 0;
}
