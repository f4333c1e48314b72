/*
 * pmap.c - address spaces of applications and the shootdown protocol.
 *
 * Each CPU publishes {address space, generation it has caught up with, mode}. A commit bumps the generation and then
 * deals with every other CPU that has this space active: one in ring 3 is interrupted and awaited, one inside a copy
 * chunk is awaited (at most 4 KiB, it takes no lock), one in ring 0 or idle is left alone: it compares generations
 * before it enters ring 3 or starts a chunk, and drops what is stale. So a commit never waits for a CPU that may itself
 * wait for us.
 *
 * Page-table frames taken out of use go back only when no other CPU has the space active with an older generation: its
 * page walker may still read them, and set accessed bits in them.
 *
 * What a CPU publishes is never more than what it has. pmap is what CR3 holds, or will hold once `leaving` is empty;
 * while CR3 changes, `leaving` names the space that CR3 may still hold and the generation is 0, so that a commit to
 * either takes this CPU for a walker that has not caught up. A space lives while a CPU publishes it: each is a
 * reference, given back behind the CR3 write. The generation is published behind the flush that it stands for, and
 * read before it.
 */
#include "lib/atomic.h"
#include "lib/err.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

#define INVLPG_MAX 16 /* pages; above, the whole space is dropped */

struct pmap {
	struct pagetable pt;
	u64 gen;
	u32 refs; /* one of the creator, one of each CPU where it is active */
	u32 dead;
	bool dirty; /* translations changed since the last commit */
	u64 dirty_lo, dirty_hi;
};

#define ROOT_ENTRIES 512

struct pmap *pmap_create(void)
{
	void *page = page_alloc();
	struct pmap *p = page;
	u64 *root, *kernel = paddr_to_ptr(kernel_pt.root);
	unsigned i;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->pt.alloc = kvm_page_alloc;
	p->pt.free = kvm_page_free;
	if (pt_init(&p->pt) < 0) {
		page_free(page);
		return ERR_PTR(-ENOMEM);
	}
	root = paddr_to_ptr(p->pt.root);
	for (i = ROOT_ENTRIES / 2; i < ROOT_ENTRIES; i++)
		root[i] = kernel[i];
	p->refs = 1;
	p->gen = 1;
	return p;
}

void pmap_set_owner(struct pmap *p, u64 owner)
{
	/* Text runs as it is. */
}

static void pmap_put(struct pmap *p)
{
	if (atomic_sub(&p->refs, 1))
		return;
	pt_destroy(&p->pt, 0, 1ULL << 47, true);
	page_free(p);
}

/*
 * A commit that does not see the new space here has unlinked its tables before we load CR3, which walks them only then:
 * the exchange orders that. One that does sees generation 0, or `leaving` for the old space, until CR3 is loaded. The
 * generation is read before: changes in between make us drop once too often, no harm.
 */
void pmap_switch(struct pmap *p)
{
	struct kvm_cpu *k = kvm_cpu_this();
	struct pmap *old = k->c.pmap;
	u64 gen = 0;

	if (old == p)
		return;
	atomic_store(&k->leaving, old);
	atomic_store(&k->c.pmap_gen, 0);
	(void)atomic_xchg(&k->c.pmap, p);
	if (p) {
		atomic_add(&p->refs, 1);
		gen = atomic_load(&p->gen);
	}
	write_cr3(p ? p->pt.root : kernel_pt.root);
	atomic_store(&k->c.pmap_gen, gen);
	atomic_store(&k->leaving, NULL);
	if (old)
		pmap_put(old);
}

void pmap_catch_up(struct cpu *c)
{
	u64 gen;

	if (unlikely(!c->pmap))
		return;
	gen = atomic_load(&c->pmap->gen);
	if (likely(gen == c->pmap_gen))
		return;
	write_cr3(c->pmap->pt.root);
	atomic_store(&c->pmap_gen, gen);
}

void pmap_drop_dead(struct cpu *c)
{
	if (c->pmap && atomic_load(&c->pmap->dead))
		pmap_switch(NULL);
}

void pmap_destroy(struct pmap *p)
{
	unsigned i;

	atomic_store(&p->dead, 1);
	atomic_fence();
	pmap_drop_dead(cpu_this());
	/* Others have it at most as what an idle or kernel-thread CPU left loaded. */
	for (i = 0; i < cpu_count(); i++) {
		struct cpu *c = cpu_get(i);

		if (c && READ_ONCE(c->pmap) == p)
			cpu_kick(c);
	}
	pmap_put(p);
}

static void mark_dirty(struct pmap *p, u64 va, u64 len)
{
	if (!p->dirty || va < p->dirty_lo)
		p->dirty_lo = va;
	if (!p->dirty || va + len > p->dirty_hi)
		p->dirty_hi = va + len;
	p->dirty = true;
}

static u64 flags_of(unsigned prot)
{
	/* A and D are set at once: nothing above looks at them, and the processor need not write them. */
	return PTE_U | PTE_A | (prot & PMAP_W ? PTE_W | PTE_D : 0) | (prot & PMAP_X ? 0 : PTE_NX);
}

int pmap_map(struct pmap *p, uaddr_t va, u64 len, paddr_t pa, unsigned prot)
{
	u64 at = va, run, flags = flags_of(prot), old_flags;
	paddr_t old;

	/* Filling a hole or giving rights needs no shootdown: a stale "not present" or "read-only" just faults again. */
	while (at < va + len && pt_next_run(&p->pt, &at, va + len, &run, &old, &old_flags)) {
		if (old != pa + (at - va) || (old_flags & PTE_W & ~flags) ||
		    (~old_flags & PTE_NX & flags)) {
			mark_dirty(p, at, run);
			break;
		}
		at += run;
	}
	if (at < va + len && p->dirty)
		mark_dirty(p, va, len);
	return pt_map(&p->pt, va, len, pa, flags);
}

void pmap_unmap(struct pmap *p, uaddr_t va, u64 len)
{
	if (pt_unmap(&p->pt, va, len))
		mark_dirty(p, va, len);
}

void pmap_protect(struct pmap *p, uaddr_t va, u64 len, unsigned prot)
{
	if (!prot) {
		pmap_unmap(p, va, len);
		return;
	}
	if (pt_protect(&p->pt, va, len, PTE_W | PTE_D | PTE_NX, flags_of(prot)))
		mark_dirty(p, va, len);
}

static void flush_local(struct pmap *p, struct cpu *c, u64 gen)
{
	u64 va;

	/* Page by page is right only if nothing older than this commit is outstanding here. */
	if (c->pmap_gen == gen - 1 && p->dirty_hi - p->dirty_lo <= INVLPG_MAX * PAGE_SIZE) {
		for (va = p->dirty_lo; va < p->dirty_hi; va += PAGE_SIZE)
			invlpg(va);
	} else {
		write_cr3(p->pt.root);
	}
	atomic_store(&c->pmap_gen, gen);
}

/* Can c's page walker still read tables that p gave up before gen? A CPU in ring 0 speculates through user addresses. */
static bool may_walk(struct cpu *c, const struct pmap *p, u64 gen)
{
	if (atomic_load(&c->pmap) == p)
		return atomic_load(&c->pmap_gen) < gen;
	return atomic_load(&kvm_cpu_of(c)->leaving) == p;
}

/*
 * True when c can no longer use a translation older than gen from ring 3 or a copy. Mode is read first: c publishes
 * USER or COPYING before it compares generations, and we have raised p's before. So a c that was seen in another mode
 * flushes before it touches user memory again.
 */
static bool settled(const struct cpu *c, const struct pmap *p, u64 gen)
{
	u32 mode = atomic_load(&c->mode);

	return atomic_load(&c->pmap) != p || (mode != CPU_USER && mode != CPU_COPYING) ||
	       atomic_load(&c->pmap_gen) >= gen;
}

static void await_settled(const struct cpu *c, const struct pmap *p, u64 gen)
{
	unsigned spins = 0;

	while (!settled(c, p, gen)) {
		cpu_relax();
		/* With more vCPUs than host CPUs c may need the one that we are on. */
		if (++spins % SPINS_PER_BREATH == 0)
			irq_breathe();
	}
}

void pmap_commit(struct pmap *p)
{
	struct cpu *self = cpu_this();
	bool walkers = false;
	unsigned i;
	u64 gen;

	if (!p->dirty) {
		if (!p->pt.limbo)
			return;
		mark_dirty(p, 0, USER_END);
	}
	gen = atomic_add(&p->gen, 1);
	if (self->pmap == p)
		flush_local(p, self, gen);
	p->dirty = false;
	for (i = 0; i < cpu_count(); i++) {
		struct cpu *c = cpu_get(i);

		if (!c || c == self)
			continue;
		if (!settled(c, p, gen) && READ_ONCE(c->mode) == CPU_USER)
			irq_ipi(c);
		await_settled(c, p, gen);
		walkers |= may_walk(c, p, gen);
	}
	if (!walkers)
		pt_reap(&p->pt);
}

bool pmap_lookup(struct pmap *p, uaddr_t va, paddr_t *pa, unsigned *prot)
{
	u64 flags;

	if (!pt_lookup(&p->pt, va, pa, &flags))
		return false;
	*prot = PMAP_R | (flags & PTE_W ? PMAP_W : 0) | (flags & PTE_NX ? 0 : PMAP_X);
	return true;
}

unsigned pmap_window(void)
{
	return 4;
}
