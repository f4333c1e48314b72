/*
 * pmap.c - application address spaces: a software shadow of the translations (user copies and futex keys look there) and
 * a host process whose helper makes the same mappings of the RAM and arena files.
 *
 * The shadow changes at once, the host's mappings at pmap_commit. When the host refuses a batch (it has run out of map
 * areas: vm.max_map_count) the whole address space is dropped, shadow and host, and mm's faults build the live part
 * again; a pmap is a cache. Locks: callers serialize by mm's lock; pmap.lock guards the helper's command page, which
 * thread creation also uses.
 */
#include "platform/systrap/systrap.h"

#include "abi/boot.h"
#include "host/systrap_fds.h"
#include "mm/frame.h"
#include "mm/slab.h"

static paddr_t table_alloc(void *arg)
{
	void *page = page_alloc();

	return page ? ptr_to_paddr(page) : 0;
}

static void table_free(void *arg, paddr_t pa)
{
	page_free(paddr_to_ptr(pa));
}

_Static_assert(USER_END == STUB_BASE, "the stubs begin where the application ends");

unsigned pmap_window(void)
{
	return 64;
}

void pmap_set_owner(struct pmap *p, u64 owner)
{
	static u64 loners;

	spin_lock(&p->lock);
	p->raw = owner == PMAP_RAW;
	p->owner = owner >= PMAP_RAW ? PMAP_RAW - atomic_add(&loners, 1) : owner;
	spin_unlock(&p->lock);
}

struct pmap *pmap_create(void)
{
	struct pmap *p = kzalloc(sizeof(*p));
	int ret;

	if (!p)
		return ERR_PTR(-ENOMEM);
	spin_init(&p->lock);
	list_init(&p->idle);
	list_init(&p->lost);
	pmap_set_owner(p, PMAP_ALONE);
	p->pt.alloc = table_alloc;
	p->pt.free = table_free;
	ret = pt_init(&p->pt);
	if (ret < 0)
		goto free;
	ret = helper_create(&p->h);
	if (ret < 0)
		goto tables;
	return p;
tables:
	pt_destroy(&p->pt, 0, 1UL << 47, true);
free:
	kfree(p);
	return ERR_PTR(ret);
}

void pmap_destroy(struct pmap *p)
{
	stubs_kill(p);
	task_kill(p->h.tid);
	stubs_await(p);
	task_await(p->h.tid);
	helper_free(&p->h);
	stubs_free(p);
	patch_destroy(p);
	pt_destroy(&p->pt, 0, 1UL << 47, true);
	kfree(p);
}

void pmap_queue(struct pmap *p, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	if (helper_queue(&p->h, nr, a, b, c, d, e, f) < 0)
		p->failed = true;
}

/*
 * Locked: a mapping command that continues the one before it, in both spaces, becomes part of it: fewer calls, and one
 * map area.
 */
static bool queue_merge(struct pmap *p, uaddr_t va, u64 len, unsigned prot, u64 flags, int fd,
			u64 off)
{
	struct stub_cmd *last;

	if (!p->h.queued)
		return false;
	last = &p->h.cmds->cmd[p->h.queued - 1];
	if (last->nr != HC_mmap || last->arg[0] + last->arg[1] != va || last->arg[2] != prot ||
	    last->arg[3] != flags || last->arg[4] != (u64)fd || last->arg[5] + last->arg[1] != off)
		return false;
	last->arg[1] += len;
	return true;
}

/* Locked. The patch region is the platform's while it is in use: a munmap around it spares it. */
static void unmap_locked(struct pmap *p, uaddr_t va, u64 len)
{
	uaddr_t end = va + len;

	patch_forget(p, va, len);
	if (!pt_unmap(&p->pt, va, len))
		return;
	p->shoot = true;
	if (p->patch && va < PATCH_BASE + PATCH_SIZE && end > PATCH_BASE) {
		if (va < PATCH_BASE)
			pmap_queue(p, HC_munmap, va, PATCH_BASE - va, 0, 0, 0, 0);
		va = PATCH_BASE + PATCH_SIZE;
	}
	if (va < end)
		pmap_queue(p, HC_munmap, va, end - va, 0, 0, 0, 0);
}

int pmap_map(struct pmap *p, uaddr_t va, u64 len, paddr_t pa, unsigned prot)
{
	u64 flags = PTE_U | (prot & PMAP_W ? PTE_W : 0) | (prot & PMAP_X ? 0 : PTE_NX), off;
	/* A host fault costs 0.9 us a page, the same page in a batch 0.3. */
	u64 how = HC_MAP_SHARED | HC_MAP_FIXED | HC_MAP_NORESERVE |
		  (prot & PMAP_NOW ? HC_MAP_POPULATE : 0);
	int fd = ram_file(pa, &off), ret;

	BUG_ON(va >= USER_END || len > USER_END - va || ((va | len | pa) & (PAGE_SIZE - 1)));
	spin_lock(&p->lock);
	patch_forget(p, va, len);
	ret = pt_map(&p->pt, va, len, pa, flags);
	if (ret < 0) {
		unmap_locked(p, va, len);
	} else {
		p->shoot = true;
		p->window |= pa >= DAX_RO_PADDR;
		prot &= PMAP_R | PMAP_W | PMAP_X;
		if (!queue_merge(p, va, len, prot, how, fd, off))
			pmap_queue(p, HC_mmap, va, len, prot, how, fd, off);
		if (patch_may(pa, flags))
			patch_map(p, va, len, pa);
	}
	spin_unlock(&p->lock);
	return ret;
}

void pmap_unmap(struct pmap *p, uaddr_t va, u64 len)
{
	spin_lock(&p->lock);
	unmap_locked(p, va, len);
	spin_unlock(&p->lock);
}

/*
 * mprotect() stops at the first hole, so it is asked only for what is mapped, and not for what has the rights already.
 * A patched page would get its rights without its original content: it is given to mm again.
 */
void pmap_protect(struct pmap *p, uaddr_t va, u64 len, unsigned prot)
{
	u64 mask = PTE_W | PTE_NX,
	    want = (prot & PMAP_W ? PTE_W : 0) | (prot & PMAP_X ? 0 : PTE_NX);
	u64 at, run, flags, end = va + len;
	paddr_t pa;

	spin_lock(&p->lock);
	if (!prot || patch_covers(p, va, len)) {
		unmap_locked(p, va, len);
		spin_unlock(&p->lock);
		return;
	}
	for (at = va; pt_next_run(&p->pt, &at, end, &run, &pa, &flags); at += run)
		if ((flags & mask) != want)
			pmap_queue(p, HC_mprotect, at, run, prot, 0, 0, 0);
	if (pt_protect(&p->pt, va, len, mask, want))
		p->shoot = true;
	spin_unlock(&p->lock);
}

bool pmap_lookup(struct pmap *p, uaddr_t va, paddr_t *pa, unsigned *prot)
{
	u64 flags;

	if (va >= USER_END || !pt_lookup(&p->pt, va, pa, &flags))
		return false;
	*prot = PMAP_R | (flags & PTE_W ? PMAP_W : 0) | (flags & PTE_NX ? 0 : PMAP_X);
	return true;
}

/* Wait until no CPU is inside a user copy that may have looked up an older translation. */
static void await_copies(struct pmap *p)
{
	unsigned i;

	for (i = 0; i < sys_ncpus; i++) {
		struct cpu *c = &sys_cpus[i].c;

		while (atomic_load(&c->mode) == CPU_COPYING && atomic_load(&c->pmap) == p &&
		       atomic_load(&c->pmap_gen) < p->gen)
			hc0(HC_sched_yield);
	}
}

/* Start again from nothing. */
static int drop_all(struct pmap *p)
{
	pt_unmap(&p->pt, 0, USER_END);
	p->h.queued = 0;
	pmap_queue(p, HC_munmap, 0, PATCH_BASE, 0, 0, 0, 0);
	pmap_queue(p, HC_munmap, PATCH_BASE + PATCH_SIZE, USER_END - PATCH_BASE - PATCH_SIZE, 0, 0,
		   0, 0);
	if (helper_flush(&p->h) < 0)
		return -ENOMEM;
	patch_dropped(p);
	return 0;
}

void pmap_commit(struct pmap *p)
{
	spin_lock(&p->lock);
	if (helper_flush(&p->h) < 0 || p->failed) {
		p->failed = false;
		p->shoot = true;
		if (p->window)
			platform_dax_refused = true;
		if (drop_all(p) < 0)
			p->broken = true;
	}
	p->window = false;
	patch_reap(p);
	spin_unlock(&p->lock);
	if (!p->shoot)
		return;
	p->shoot = false;
	atomic_add(&p->gen, 1);
	await_copies(p);
	pt_reap(&p->pt);
}
