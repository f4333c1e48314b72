/*
 * patch.c - system call sites that reach the stub by a jump instead of a signal: 2 us less per call.
 *
 * A site is the 7 bytes "mov $nr, %eax; syscall" (b8 nr 0f 05) inside one page. It becomes "jmp *slot" (ff 24 25 slot):
 * slot is the first word of a 32-byte entry in a region of the low 2 GiB, whose code puts the address behind the site
 * into rcx, as SYSCALL does, and jumps to stub_tramp. A jump into the site's middle, to the SYSCALL, meets the slot
 * address's upper bytes 60 7f, an invalid instruction, and is emulated.
 *
 * Only the host's mapping changes: it gets a patched copy of the page (patch_copy.c), while the shadow keeps the original
 * frame, so user copies and other mappings of the file see the program's own bytes. Only frames of the page cache that are
 * mapped executable and not writable are patched: when a site has trapped often, or at once when they are mapped, if their
 * sites are known from other programs. Whatever mm changes at such a page drops its copy first. Patching ends for an
 * address space when it wants the region for itself, or GS, or single steps. The application can read its patched text;
 * that it may see the difference is the one thing that is not transparent. One that loads programs to translate them instead
 * of running them (valgrind) reads theirs as it is: sites known from other programs are not patched there (pmap.raw).
 */
#include "platform/systrap/patch.h"

#include <string.h>

#include "abi/boot.h"
#include "host/systrap_fds.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define PAGE_ENTRIES (PAGE_SIZE / PATCH_ENTRY)
#define REGION_PAGES (PATCH_SIZE / PAGE_SIZE)
#define PAGES_MAX    64 /* patched pages */

/* Bits 16-23 of every slot address, the first byte at the SYSCALL's place: PUSHA, which 64-bit mode does not have. */
_Static_assert((PATCH_BASE >> 16 & 0xff) == 0x60 && PATCH_SIZE == 0x10000, "region");

struct entry {
	u64 slot; /* address of code */
	u8 code[PATCH_ENTRY - 8];
};

struct patched_page {
	struct list link;
	uaddr_t va;
	struct patch_copy *copy;
};

struct patch {
	struct list pages;
	unsigned nr_pages;
	struct list limbo; /* pages whose copies are free when the queued batch is done */
	struct entry *region
		[REGION_PAGES]; /* or NULL; entry 0 of the first holds the address of stub_tramp */
	uaddr_t *site[REGION_PAGES]; /* site of each entry, or 0 */
};

void patch_reap(struct pmap *p)
{
	struct patched_page *pp, *tmp;

	if (!p->patch)
		return;
	list_for_each_safe(pp, tmp, &p->patch->limbo, link) {
		list_del(&pp->link);
		patch_copy_put(pp->copy);
		kfree(pp);
	}
}

static struct patched_page *page_find(struct patch *pt, uaddr_t va, u64 len)
{
	struct patched_page *pp;

	list_for_each(pp, &pt->pages, link)
		if (pp->va >= va && pp->va < va + len)
			return pp;
	return NULL;
}

static void page_drop(struct patch *pt, struct patched_page *pp)
{
	list_del(&pp->link);
	list_add_tail(&pt->limbo, &pp->link);
	pt->nr_pages--;
}

/* Map original frames over all copies again, and patch no more. Entries stay: a thread may be inside one. */
static void patch_off(struct pmap *p)
{
	struct patched_page *pp, *tmp;
	struct patch *pt = p->patch;
	paddr_t pa;
	u64 flags, off;
	int fd;

	if (p->unpatched)
		return;
	p->unpatched = true;
	if (!pt)
		return;
	list_for_each_safe(pp, tmp, &pt->pages, link) {
		if (pt_lookup(&p->pt, pp->va, &pa, &flags)) {
			fd = ram_file(pa, &off);
			pmap_queue(p, HC_mmap, pp->va, PAGE_SIZE, HC_PROT_READ | HC_PROT_EXEC,
				   HC_MAP_SHARED | HC_MAP_FIXED | HC_MAP_NORESERVE, fd, off);
		}
		page_drop(pt, pp);
	}
	/* Not reaped here: the caller may have dropped pages whose new mapping it has yet to queue. */
	if (helper_flush(&p->h) < 0)
		p->failed = true;
}

static bool in_region(struct patch *pt, uaddr_t va, u64 len)
{
	return pt->region[0] && va < PATCH_BASE + PATCH_SIZE && va + len > PATCH_BASE;
}

void patch_forget(struct pmap *p, uaddr_t va, u64 len)
{
	struct patch *pt = p->patch;
	struct patched_page *pp;

	if (!pt)
		return;
	while ((pp = page_find(pt, va, len)))
		page_drop(pt, pp);
	if (in_region(pt, va, len))
		patch_off(p);
}

bool patch_covers(struct pmap *p, uaddr_t va, u64 len)
{
	return p->patch && (page_find(p->patch, va, len) || in_region(p->patch, va, len));
}

void patch_dropped(struct pmap *p)
{
	struct patched_page *pp, *tmp;

	if (p->patch)
		list_for_each_safe(pp, tmp, &p->patch->pages, link)
			page_drop(p->patch, pp);
}

void patch_destroy(struct pmap *p)
{
	struct patch *pt = p->patch;

	if (!pt)
		return;
	patch_dropped(p);
	patch_reap(p);
	for (unsigned i = 0; i < REGION_PAGES; i++) {
		if (pt->region[i])
			page_free(pt->region[i]);
		kfree(pt->site[i]);
	}
	kfree(pt);
	p->patch = NULL;
}

/* GS now belongs to the application. */
void patch_end(struct pmap *p)
{
	if (p->unpatched)
		return;
	spin_lock(&p->lock);
	patch_off(p);
	spin_unlock(&p->lock);
}

/* May the region be used? It is ours once entries exist; until then nothing of the application may be there. */
static bool region_free(struct pmap *p)
{
	u64 va = PATCH_BASE, len, flags;
	paddr_t pa;

	return !pt_next_run(&p->pt, &va, PATCH_BASE + PATCH_SIZE, &len, &pa, &flags);
}

static bool region_page(struct pmap *p, unsigned i)
{
	struct patch *pt = p->patch;

	if (pt->region[i])
		return true;
	if (i == 0 ? !region_free(p) : !region_page(p, 0))
		return false;
	pt->region[i] = page_alloc();
	pt->site[i] = kzalloc(PAGE_ENTRIES * sizeof(uaddr_t));
	if (!pt->region[i] || !pt->site[i]) {
		if (pt->region[i])
			page_free(pt->region[i]);
		kfree(pt->site[i]);
		pt->region[i] = NULL;
		pt->site[i] = NULL;
		return false;
	}
	pmap_queue(p, HC_mmap, PATCH_BASE + i * PAGE_SIZE, PAGE_SIZE, HC_PROT_READ | HC_PROT_EXEC,
		   HC_MAP_SHARED | HC_MAP_FIXED, SYSTRAP_FD_RAM,
		   ptr_to_paddr(pt->region[i]) - RAM_PADDR);
	if (i == 0)
		pt->region[0][0].slot = STUB_TEXT + (stub_tramp - stub_text);
	return true;
}

/*
 * The slot's entry for the site at va. False: no memory, or it has another site, which a thread may be on its way from: a
 * file that is mapped twice has its sites patched in the first place alone.
 */
static bool entry_set(struct pmap *p, unsigned slot, uaddr_t va, u32 nr)
{
	unsigned page = slot / PAGE_ENTRIES, i = slot % PAGE_ENTRIES;
	u64 behind = va + SITE_LEN;
	u32 tramp = PATCH_BASE;
	struct entry *e;

	if (!region_page(p, page))
		return false;
	e = &p->patch->region[page][i];
	if (e->slot)
		return p->patch->site[page][i] == va && !memcmp(&e->code[1], &nr, 4);
	e->code[0] = 0xb8; /* mov $nr, %eax */
	memcpy(&e->code[1], &nr, 4);
	e->code[5] = 0x48; /* movabs $behind, %rcx */
	e->code[6] = 0xb9;
	memcpy(&e->code[7], &behind, 8);
	e->code[15] = 0xff; /* jmp *tramp */
	e->code[16] = 0x24;
	e->code[17] = 0x25;
	memcpy(&e->code[18], &tramp, 4);
	e->slot = PATCH_BASE + slot * PATCH_ENTRY + offsetof(struct entry, code);
	p->patch->site[page][i] = va;
	return true;
}

/* Show the copy, whose reference is taken over, at va. */
static void page_set(struct pmap *p, uaddr_t va, struct patch_copy *c)
{
	struct patch *pt = p->patch;
	struct patched_page *pp = page_find(pt, va, PAGE_SIZE), *new;
	bool ok = (pp || pt->nr_pages < PAGES_MAX) && !(pp && pp->copy == c);

	for (unsigned i = 0; ok && i < c->sites; i++)
		ok = entry_set(p, c->site[i].slot, va + c->site[i].off, c->site[i].nr);
	new = ok ? kzalloc(sizeof(*new)) : NULL;
	if (!new) {
		patch_copy_put(c);
		return;
	}
	if (pp)
		page_drop(pt, pp);
	pmap_queue(p, HC_mmap, va, PAGE_SIZE, HC_PROT_READ | HC_PROT_EXEC,
		   HC_MAP_SHARED | HC_MAP_FIXED | HC_MAP_NORESERVE, SYSTRAP_FD_RAM,
		   ptr_to_paddr(c->text) - RAM_PADDR);
	new->va = va;
	new->copy = c;
	list_add_tail(&pt->pages, &new->link);
	pt->nr_pages++;
}

/* May text be patched here? */
static bool patch_begin(struct pmap *p)
{
	if (p->unpatched)
		return false;
	if (!p->patch) {
		p->patch = kzalloc(sizeof(*p->patch));
		if (!p->patch)
			return false;
		list_init(&p->patch->pages);
		list_init(&p->patch->limbo);
	}
	return true;
}

void patch_map(struct pmap *p, uaddr_t va, u64 len, paddr_t pa)
{
	paddr_t at = pa, end = pa + len;
	struct patch_copy *c;

	if (p->raw)
		return;
	while (at < end && (c = patch_copy_next(at, end, p->owner))) {
		at = c->pa + PAGE_SIZE;
		if (patch_begin(p))
			page_set(p, va + (c->pa - pa), c);
		else
			patch_copy_put(c);
	}
}

static void patch_site(struct pmap *p, uaddr_t site, u32 nr)
{
	uaddr_t va = ALIGN_DOWN(site, PAGE_SIZE);
	struct patch_copy *c;
	paddr_t pa;
	u64 flags;

	if (!pt_lookup(&p->pt, va, &pa, &flags) || !patch_may(pa, flags) || !patch_begin(p))
		return;
	c = patch_copy_learn(pa, site - va, nr, p->owner);
	if (!c)
		return;
	page_set(p, va, c);
	if (helper_flush(&p->h) < 0)
		p->failed = true;
	else
		patch_reap(p);
}

void patch_try(struct utask *u)
{
	struct pmap *p = u->pmap;
	uaddr_t site = u->regs.rip - SITE_LEN;
	unsigned off = site & (PAGE_SIZE - 1);
	u32 nr = u->regs.orig_rax;

	if (u->step || off > PAGE_SIZE - SITE_LEN || site >= USER_END || p->unpatched ||
	    u->regs.gs_base || !patch_hot(off, nr))
		return;
	spin_lock(&p->lock);
	patch_site(p, site, nr);
	spin_unlock(&p->lock);
}

/* The number of the entry whose site's SYSCALL is at addr; 0. */
static unsigned entry_of(struct patch *pt, uaddr_t addr)
{
	for (unsigned i = 0; i < REGION_PAGES * PAGE_ENTRIES; i++)
		if (pt->site[i / PAGE_ENTRIES] &&
		    pt->site[i / PAGE_ENTRIES][i % PAGE_ENTRIES] == addr - 5)
			return i;
	return 0;
}

void patch_adjust(struct utask *u, struct stop *stop)
{
	struct pmap *p = u->pmap;
	struct patch *pt = p->patch;
	struct user_regs *r = &u->regs;
	uaddr_t tramp = STUB_TEXT + (stub_tramp - stub_text),
		try = STUB_TEXT + (stub_tramp_try - stub_text);
	unsigned n;

	if (!pt || !pt->region[0])
		return;
	n = (r->rip - PATCH_BASE) / PATCH_ENTRY;
	if (n < REGION_PAGES * PAGE_ENTRIES) {
		/* Between site and trampoline, where nothing is lost yet: back to the site. */
		spin_lock(&p->lock);
		if (pt->site[n / PAGE_ENTRIES] && pt->site[n / PAGE_ENTRIES][n % PAGE_ENTRIES])
			r->rip = pt->site[n / PAGE_ENTRIES][n % PAGE_ENTRIES];
		spin_unlock(&p->lock);
	} else if (stop->kind == STOP_EXCEPTION && stop->vector == 6) {
		spin_lock(&p->lock);
		n = entry_of(pt, r->rip);
		spin_unlock(&p->lock);
		if (n) {
			r->rip += 2;
			r->rcx = r->rip;
			r->r11 = r->rflags;
			r->orig_rax = (u32)r->rax;
			stop->kind = STOP_SYSCALL;
		}
	} else if (stop->kind != STOP_SYSCALL && r->rip >= tramp && r->rip <= try) {
		/* The application has set GS since: the trampoline cannot work for it. */
		r->rip = r->rcx;
		r->r11 = r->rflags;
		r->orig_rax = (u32)r->rax;
		stop->kind = STOP_SYSCALL;
		patch_end(p);
	}
}
