/*
 * uffd.c - userfaultfd(2) below its descriptor (uffd.h): registration, waiting, giving pages, write protection.
 *
 * A task is put on the list of those that wait under the hold of mm->lock in which it found its page missing, so a page that
 * is given later finds it there: no wakeup is lost. Differs from Linux: only private anonymous memory; another task's access
 * (ptrace, process_vm_readv) to a missing page fails instead of waiting.
 */
#include "mm/priv.h"
#include "mm/slab.h"
#include "mm/uffd.h"
#include <string.h>

#define SIGBUS_	   7
#define BUS_ADRERR 2
#define READABLE   0x41 /* POLLIN | POLLRDNORM */

#define VMA_UFFD (VMA_UFFD_MISSING | VMA_UFFD_WP)

struct waiting {
	struct list node;
	struct uffd_fault_info info;
	bool woken;
};

static struct spinlock mm_link = SPINLOCK_INIT; /* uffd->mm, mm->uffds */

struct uffd *uffd_create(bool user_only)
{
	struct mm *mm = mm_hooks.current_mm();
	struct uffd *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	ref_init(&u->ref);
	u->user_only = user_only;
	u->mm = mm;
	spin_init(&u->lock);
	list_init(&u->pending);
	list_init(&u->told);
	waitq_init(&u->q);
	waitq_init(&u->fault_q);
	spin_lock(&mm_link);
	list_add_tail(&mm->uffds, &u->mm_node);
	spin_unlock(&mm_link);
	return u;
}

static void uffd_put(struct uffd *u)
{
	if (ref_put(&u->ref))
		kfree(u);
}

/* Its address space with a reference, or NULL. */
static struct mm *mm_of(struct uffd *u)
{
	struct mm *mm;

	spin_lock(&mm_link);
	mm = u->mm;
	if (mm && !ref_tryget(&mm->ref))
		mm = NULL;
	spin_unlock(&mm_link);
	return mm;
}

bool uffd_alive(struct uffd *u)
{
	struct mm *mm = mm_of(u);

	mm_put(mm);
	return mm;
}

void uffd_mm_gone(struct mm *mm)
{
	spin_lock(&mm_link);
	while (!list_empty(&mm->uffds)) {
		struct uffd *u = list_first(&mm->uffds, struct uffd, mm_node);

		list_del(&u->mm_node);
		u->mm = NULL;
	}
	spin_unlock(&mm_link);
}

/* ---- waiting ---- */

static void wake_list(struct list *l, uaddr_t start, uaddr_t end)
{
	struct waiting *w, *next;

	list_for_each_safe(w, next, l, node) {
		if (w->info.addr < start || w->info.addr >= end)
			continue;
		list_del(&w->node);
		list_init(&w->node);
		WRITE_ONCE(w->woken, true);
	}
}

void uffd_wake(struct uffd *u, uaddr_t start, u64 len)
{
	spin_lock(&u->lock);
	wake_list(&u->pending, start, start + len);
	wake_list(&u->told, start, start + len);
	spin_unlock(&u->lock);
	waitq_wake_all(&u->fault_q, 0);
}

bool uffd_next(struct uffd *u, struct uffd_fault_info *info)
{
	struct waiting *w;
	bool any;

	spin_lock(&u->lock);
	any = !list_empty(&u->pending);
	if (any) {
		w = list_first(&u->pending, struct waiting, node);
		list_del(&w->node);
		list_add_tail(&u->told, &w->node);
		*info = w->info;
	}
	spin_unlock(&u->lock);
	return any;
}

bool uffd_blocks(const struct vma *v, uaddr_t va, unsigned access)
{
	u64 entry = anon_lookup(v->mm, va);

	if (!entry)
		return v->flags & VMA_UFFD_MISSING;
	return (entry & AE_WP) && (access & ACCESS_WRITE);
}

int uffd_wait(struct mm *mm, uaddr_t va, unsigned access, struct fault_error *e)
{
	struct vma *v = vma_at(mm, va);
	struct uffd *u = v->uffd;
	bool user = !(access & ACCESS_KERNEL);
	struct waiting w = { .info = {
				     .addr = va,
				     .write = access & ACCESS_WRITE,
				     .wp = anon_lookup(mm, va),
				     .tid = mm_hooks.tid(),
			     } };
	int err;

	if (u->sigbus || (u->user_only && !user) || !w.info.tid || mm_hooks.killed()) {
		mutex_unlock(&mm->lock);
		goto fail;
	}
	ref_get(&u->ref);
	spin_lock(&u->lock);
	list_add_tail(&u->pending, &w.node);
	spin_unlock(&u->lock);
	mutex_unlock(&mm->lock);
	waitq_wake_all(&u->q, READABLE);
	err = wait_event(&u->fault_q, user ? SLEEP_INTERRUPTIBLE : SLEEP_KILLABLE, NO_DEADLINE,
			 READ_ONCE(w.woken));
	spin_lock(&u->lock);
	list_del(&w.node);
	spin_unlock(&u->lock);
	uffd_put(u);
	/* The program's own access is made again after its signals. */
	if (!err || user)
		return 0;
fail:
	if (e)
		*e = (struct fault_error){ SIGBUS_, BUS_ADRERR };
	return -EFAULT;
}

/* ---- ranges ---- */

/* Clear or set AE_WP of the pages that are there. -ENOMEM. */
static int mark_pages(struct mm *mm, uaddr_t start, uaddr_t end, bool on)
{
	uaddr_t va = start;
	u64 *pmd;

	while ((pmd = anon_next_pmd(mm, &va, end))) {
		uaddr_t stop = MIN(end, ALIGN_DOWN(va, HUGE_SIZE) + HUGE_SIZE);
		u64 *leaf;

		if ((*pmd & AE_HUGE) && !on) { /* has none */
			va = stop;
			continue;
		}
		leaf = anon_leaf(mm, pmd);
		if (!leaf)
			return -ENOMEM;
		for (; va < stop; va += PAGE_SIZE) {
			u64 *entry = &leaf[pte_index(va)];

			if (*entry)
				*entry = on ? *entry | AE_WP : *entry & ~AE_WP;
		}
	}
	return 0;
}

void uffd_forget(struct vma *v)
{
	v->uffd = NULL;
	v->flags &= ~(u32)VMA_UFFD;
}

static u32 flags_of(unsigned mode)
{
	return (mode & UFFD_MISSING ? VMA_UFFD_MISSING : 0) | (mode & UFFD_WP ? VMA_UFFD_WP : 0);
}

/* Does the range hold nothing that cannot be registered? */
static int check_range(struct mm *mm, const struct uffd *u, uaddr_t start, uaddr_t end, bool add)
{
	struct vma *v = vma_find(mm, start);

	if (!v || v->start >= end)
		return -EINVAL;
	for (; v && v->start < end; v = vma_next(v)) {
		if (!vma_private_anon(v))
			return -EINVAL;
		if (add && !(v->max_prot & PROT_WRITE))
			return -EPERM;
		if (add && v->uffd && v->uffd != u)
			return -EBUSY;
	}
	return 0;
}

/* Give the part of v in [start, end) to u, or to nobody. */
static int set_range(struct vma *v, uaddr_t start, uaddr_t end, struct uffd *u, u32 flags)
{
	struct mm *mm = v->mm;
	int err = vma_split_range(mm, start, end);

	if (err)
		return err;
	v = vma_at(mm, start);
	if (v->uffd && !(flags & VMA_UFFD_WP))
		mark_pages(mm, start, end, false);
	v->uffd = u;
	vma_set_flags(v, (v->flags & ~(u32)VMA_UFFD) | flags);
	vma_merge(v);
	return 0;
}

static int change(struct mm *mm, uaddr_t start, uaddr_t end, struct uffd *u, u32 flags)
{
	uaddr_t at = start;
	int err = 0;

	while (!err && at < end) {
		struct vma *v = vma_find(mm, at);
		uaddr_t stop;

		if (!v || v->start >= end)
			break;
		at = MAX(at, v->start);
		stop = MIN(end, v->end);
		err = set_range(v, at, stop, u, flags);
		at = stop;
	}
	return err;
}

int uffd_register(struct uffd *u, uaddr_t start, u64 len, unsigned mode)
{
	struct mm *mm = mm_of(u);
	int err;

	if (!mm)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	err = check_range(mm, u, start, start + len, true);
	if (!err)
		err = change(mm, start, start + len, u, flags_of(mode));
	mutex_unlock(&mm->lock);
	mm_put(mm);
	return err;
}

int uffd_unregister(struct uffd *u, uaddr_t start, u64 len)
{
	struct mm *mm = mm_of(u);
	int err;

	if (!mm)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	err = check_range(mm, u, start, start + len, false);
	if (!err)
		err = change(mm, start, start + len, NULL, 0);
	mutex_unlock(&mm->lock);
	mm_put(mm);
	uffd_wake(u, start, len);
	return err;
}

void uffd_close(struct uffd *u)
{
	struct mm *mm = mm_of(u);
	struct vma *v, *next;

	if (mm) {
		mutex_lock(&mm->lock);
		for (v = vma_find(mm, 0); v; v = next) {
			next = vma_next(v);
			if (v->uffd != u)
				continue;
			mark_pages(mm, v->start, v->end, false);
			v->uffd = NULL;
			vma_set_flags(v, v->flags & ~(u32)VMA_UFFD);
		}
		mutex_unlock(&mm->lock);
	}
	spin_lock(&mm_link);
	if (u->mm)
		list_del(&u->mm_node);
	u->mm = NULL;
	spin_unlock(&mm_link);
	mm_put(mm);
	uffd_wake(u, 0, USER_END);
	uffd_put(u);
}

/* The one area that holds all of the range and is registered with some instance, or NULL. */
static struct vma *registered(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_at(mm, start);

	return v && v->uffd && end <= v->end ? v : NULL;
}

static int give(struct mm *mm, const struct vma *v, uaddr_t va, paddr_t frame, bool wp)
{
	u64 *pmd, *leaf;

	if (!v)
		return -ENOENT;
	if (wp && !(v->flags & VMA_UFFD_WP))
		return -EINVAL;
	pmd = anon_pmd(mm, va, true);
	leaf = pmd ? anon_leaf(mm, pmd) : NULL;
	if (!leaf)
		return -ENOMEM;
	if (leaf[pte_index(va)])
		return -EEXIST;
	leaf[pte_index(va)] = frame | AE_PRESENT | (wp ? AE_WP : 0);
	mm->rss_anon++;
	return 0;
}

int uffd_give(struct uffd *u, uaddr_t start, uaddr_t end, uaddr_t va, paddr_t frame, bool wp)
{
	struct mm *mm = mm_of(u);
	int err;

	if (!mm)
		return -ESRCH;
	mutex_lock(&mm->lock);
	err = give(mm, registered(mm, start, end), va, frame, wp);
	mutex_unlock(&mm->lock);
	mm_put(mm);
	return err;
}

int uffd_write_protect(struct uffd *u, uaddr_t start, u64 len, bool on)
{
	struct mm *mm = mm_of(u);
	struct vma *v;
	int err = 0;

	if (!mm)
		return -ESRCH;
	mutex_lock(&mm->lock);
	v = vma_find(mm, start);
	if (!v || v->start >= start + len)
		err = -ENOENT;
	for (; !err && v && v->start < start + len; v = vma_next(v)) {
		uaddr_t from = MAX(start, v->start), to = MIN(start + len, v->end);

		if (!(v->flags & VMA_UFFD_WP)) {
			err = -ENOENT;
			break;
		}
		err = mark_pages(mm, from, to, on);
		if (on)
			pmap_protect(mm->pmap, from, to - from, vma_pmap_prot(v) & ~PMAP_W);
	}
	mm_commit(mm);
	mutex_unlock(&mm->lock);
	mm_put(mm);
	return err;
}
