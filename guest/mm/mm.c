/*
 * mm.c - the life of address spaces: create, fork, release; hooks of the layers above; the commit of translations.
 *
 * fork: areas are copied, private pages get one more reference each, the parent loses write access to them by one
 * pmap_protect per area and one commit; the child starts with an empty pmap and faults. Exit: the pmap goes as a whole,
 * then the tables are dropped; nothing is unmapped page by page.
 */
#include "mm/priv.h"
#include "mm/slab.h"
#include <string.h>

struct mm_hooks mm_hooks;

void mm_set_hooks(const struct mm_hooks *hooks)
{
#define SET(m)        \
	if (hooks->m) \
	mm_hooks.m = hooks->m
	SET(rlimit);
	SET(current_mm);
	SET(oom);
	SET(reclaim);
	SET(file_map);
	SET(file_get);
	SET(file_put);
	SET(killed);
	SET(may_lock);
	SET(tid);
	SET(dead);
#undef SET
}

static u64 reclaim_all(u64 frames)
{
	u64 got = pagecache_reclaim(frames);

	if (got < frames && mm_hooks.reclaim)
		got += mm_hooks.reclaim(frames - got);
	return got;
}

void mm_init(void)
{
	frame_reclaim = reclaim_all;
}

struct mm *mm_create(void)
{
	static u64 ids;
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return ERR_PTR(-ENOMEM);
	mm->pmap = pmap_create();
	if (!mm->pmap) {
		kfree(mm);
		return ERR_PTR(-ENOMEM);
	}
	if (IS_ERR(mm->pmap)) {
		long err = PTR_ERR(mm->pmap);

		kfree(mm);
		return ERR_PTR(err);
	}
	mm->owner = PMAP_ALONE;
	mm->id = atomic_add(&ids, 1);
	ref_init(&mm->ref);
	mutex_init(&mm->lock);
	vma_tree_init(mm);
	list_init(&mm->uffds);
	mm->mmap_base = mmap_choose_base();
	mm->idle = true;
	return mm;
}

u64 mm_id(const struct mm *mm)
{
	return mm->id;
}

void mm_set_owner(struct mm *mm, u64 owner)
{
	if (mm->owner == PMAP_RAW)
		return;
	mm->owner = owner;
	pmap_set_owner(mm->pmap, owner);
}

void mm_get(struct mm *mm)
{
	ref_get(&mm->ref);
}

static void end(struct mm *mm)
{
	struct vma *v, *tmp;
	struct list dead;

	if (!list_empty(&mm->uffds))
		uffd_mm_gone(mm);
	pmap_destroy(mm->pmap);
	list_init(&dead);
	list_for_each_safe(v, tmp, &mm->vma_list, list) {
		if (v->pc)
			pagecache_detach(v);
		list_del(&v->list);
		list_add_tail(&dead, &v->list);
	}
	anon_destroy(mm);
	vma_free_list(&dead);
	if (mm->layout.exe && mm_hooks.file_put)
		mm_hooks.file_put(mm->layout.exe);
	kfree(mm);
}

void mm_put(struct mm *mm)
{
	if (mm && ref_put(&mm->ref))
		end(mm);
}

static struct mm *dead_mms; /* linked by next_dead */

void mm_put_later(struct mm *mm)
{
	if (!ref_put(&mm->ref))
		return;
	if (!mm_hooks.dead) {
		end(mm);
		return;
	}
	mm->next_dead = atomic_load(&dead_mms);
	while (!__atomic_compare_exchange_n(&dead_mms, &mm->next_dead, mm, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	mm_hooks.dead();
}

bool mm_any_dead(void)
{
	return atomic_load(&dead_mms);
}

void mm_end_dead(void)
{
	struct mm *mm, *next;

	for (mm = atomic_xchg(&dead_mms, NULL); mm; mm = next) {
		next = mm->next_dead;
		end(mm);
	}
}

struct pmap *mm_pmap(struct mm *mm)
{
	mm->idle = false;
	return mm->pmap;
}

struct mm_layout *mm_layout(struct mm *mm)
{
	return &mm->layout;
}

void mm_commit(struct mm *mm)
{
	pmap_commit(mm->pmap);
	for (unsigned i = 0; i < mm->nr_deferred; i++)
		frame_put(mm->deferred[i]);
	mm->nr_deferred = 0;
}

void mm_defer_put(struct mm *mm, paddr_t pa)
{
	if (mm->nr_deferred == DEFER_MAX)
		mm_commit(mm);
	mm->deferred[mm->nr_deferred++] = pa;
}

/* ---- fork ---- */

static int fork_area(struct mm *to, struct mm *from, struct vma *v)
{
	struct vma *c;
	int err;

	if (v->flags & VMA_DONTFORK)
		return 0;
	c = vma_dup(to, v);
	if (!c)
		return -ENOMEM;
	c->flags &= ~(VMA_LOCKED | VMA_LOCKONFAULT);
	c->window = c->faults = 0;
	uffd_forget(c);
	vma_insert(c);
	if (c->pc && !vma_shared(c) && !(c->prot & PROT_WRITE))
		fault_expect(to, c->start);
	if (vma_shared(v) || (v->flags & (VMA_PHYS | VMA_WIPEONFORK)))
		return 0;
	err = anon_copy(to, from, v->start, v->end);
	/* Even after a failure: some pages are shared by now. */
	if (v->prot & PROT_WRITE)
		pmap_protect(from->pmap, v->start, v->end - v->start, vma_pmap_prot(v) & ~PMAP_W);
	return err;
}

struct mm *mm_fork(struct mm *from)
{
	struct mm *to = mm_create();
	struct vma *v;
	int err = 0;

	if (IS_ERR(to))
		return to;
	mutex_lock(&from->lock);
	to->mmap_base = from->mmap_base;
	to->sealed = from->sealed;
	to->layout = from->layout;
	mm_set_owner(to, from->owner);
	if (to->layout.exe && mm_hooks.file_get)
		mm_hooks.file_get(to->layout.exe);
	list_for_each(v, &from->vma_list, list) {
		err = fork_area(to, from, v);
		if (err)
			break;
	}
	mm_commit(from);
	mutex_unlock(&from->lock);
	if (err) {
		mm_put(to);
		return ERR_PTR(err);
	}
	return to;
}
