/*
 * patch.c - system call sites that reach the stub by a jump instead of a signal: 2 us less per call.
 *
 * A site is the 7 bytes "mov $nr, %eax; syscall" (b8 nr 0f 05) inside one page. It becomes "jmp *slot" (ff 24 25 slot):
 * slot is the first word of a 32-byte entry in a region of the low 2 GiB, whose code puts the address behind the site
 * into rcx, as SYSCALL does, and jumps to stub_tramp. A jump into the site's middle, to the SYSCALL, meets the slot
 * address's upper bytes 60 7f, an invalid instruction, and is emulated.
 *
 * Only the host's mapping changes: it gets a private copy of the page, while the shadow keeps the original frame, so
 * user copies and other mappings of the file see the program's own bytes. Only frames of the page cache that are mapped
 * executable and not writable are patched. Whatever mm changes at such a page drops its copy first. Patching ends for
 * an address space when it wants the region for itself, or GS, or single steps. The application can read its patched
 * text; that it may see the difference is the one thing that is not transparent.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#include "abi/boot.h"
#include "host/systrap_fds.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define SITE_LEN     7
#define ENTRY_SIZE   32
#define PAGE_ENTRIES (PAGE_SIZE / ENTRY_SIZE)
#define REGION_PAGES (PATCH_SIZE / PAGE_SIZE)
#define ENTRIES	     (REGION_PAGES * PAGE_ENTRIES)
/* traps of a site before it is patched: most sites of a short program run once or twice */
#define HOT	  4
#define COUNTERS  64 /* sites that are being counted, direct mapped */
#define PAGES_MAX 64 /* patched pages */

/* Bits 16-23 of every slot address, the first byte at the SYSCALL's place: PUSHA, which 64-bit mode does not have. */
_Static_assert((PATCH_BASE >> 16 & 0xff) == 0x60 && PATCH_SIZE == 0x10000, "region");

struct entry {
	u64 slot; /* address of code */
	u8 code[ENTRY_SIZE - 8];
};

struct patched_page {
	uaddr_t va;
	char *copy;
};

struct patch {
	bool off;
	unsigned entries; /* in use; entry 0 holds the address of stub_tramp */
	unsigned pages;
	struct patched_page page[PAGES_MAX];
	struct entry *region[REGION_PAGES];
	uaddr_t *site[REGION_PAGES]; /* site of each entry */
	/* Copies to free when the queued batch is done. Full only when every page was dropped, plus one. */
	char *limbo[PAGES_MAX + 1];
	unsigned limbos;
	struct {
		uaddr_t rip;
		u32 count;
	} counter[COUNTERS];
};

static void limbo_add(struct patch *pt, char *copy)
{
	BUG_ON(pt->limbos == ARRAY_SIZE(pt->limbo));
	pt->limbo[pt->limbos++] = copy;
}

void patch_reap(struct pmap *p)
{
	struct patch *pt = p->patch;

	while (pt && pt->limbos)
		page_free(pt->limbo[--pt->limbos]);
}

static struct patched_page *page_find(struct patch *pt, uaddr_t va)
{
	for (unsigned i = 0; i < pt->pages; i++)
		if (pt->page[i].va == va)
			return &pt->page[i];
	return NULL;
}

static void page_drop(struct patch *pt, struct patched_page *pp)
{
	limbo_add(pt, pp->copy);
	*pp = pt->page[--pt->pages];
}

/* Map original frames over all copies again, and patch no more. Entries stay: a thread may be inside one. */
static void patch_off(struct pmap *p)
{
	struct patch *pt = p->patch;
	paddr_t pa;
	u64 flags, off;
	int fd;

	if (pt->off)
		return;
	pt->off = true;
	while (pt->pages) {
		uaddr_t va = pt->page[0].va;

		if (pt_lookup(&p->pt, va, &pa, &flags)) {
			fd = ram_file(pa, &off);
			pmap_queue(p, HC_mmap, va, PAGE_SIZE, HC_PROT_READ | HC_PROT_EXEC,
				   HC_MAP_SHARED | HC_MAP_FIXED | HC_MAP_NORESERVE, fd, off);
		}
		page_drop(pt, &pt->page[0]);
	}
	/* Not reaped here: the caller may have dropped pages whose new mapping it has yet to queue. */
	if (helper_flush(&p->h) < 0)
		p->failed = true;
}

void patch_forget(struct pmap *p, uaddr_t va, u64 len)
{
	struct patch *pt = p->patch;
	unsigned i = 0;

	if (!pt)
		return;
	while (i < pt->pages) {
		if (pt->page[i].va >= va && pt->page[i].va < va + len)
			page_drop(pt, &pt->page[i]);
		else
			i++;
	}
	if (pt->entries && va < PATCH_BASE + PATCH_SIZE && va + len > PATCH_BASE)
		patch_off(p);
}

bool patch_covers(struct pmap *p, uaddr_t va, u64 len)
{
	struct patch *pt = p->patch;

	if (!pt)
		return false;
	for (unsigned i = 0; i < pt->pages; i++)
		if (pt->page[i].va >= va && pt->page[i].va < va + len)
			return true;
	return pt->entries && va < PATCH_BASE + PATCH_SIZE && va + len > PATCH_BASE;
}

void patch_dropped(struct pmap *p)
{
	struct patch *pt = p->patch;

	while (pt && pt->pages)
		page_drop(pt, &pt->page[0]);
}

void patch_destroy(struct pmap *p)
{
	struct patch *pt = p->patch;

	if (!pt)
		return;
	patch_dropped(p);
	patch_reap(p);
	for (unsigned i = 0; i < REGION_PAGES && pt->region[i]; i++) {
		page_free(pt->region[i]);
		kfree(pt->site[i]);
	}
	kfree(pt);
	p->patch = NULL;
}

/* GS now belongs to the application. */
void patch_end(struct pmap *p)
{
	if (!p->patch || p->patch->off)
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

	pt->region[i] = page_alloc();
	pt->site[i] = kzalloc(PAGE_ENTRIES * sizeof(uaddr_t));
	if (!pt->region[i] || !pt->site[i]) {
		if (pt->region[i])
			page_free(pt->region[i]);
		kfree(pt->site[i]);
		pt->region[i] = NULL;
		return false;
	}
	pmap_queue(p, HC_mmap, PATCH_BASE + i * PAGE_SIZE, PAGE_SIZE, HC_PROT_READ | HC_PROT_EXEC,
		   HC_MAP_SHARED | HC_MAP_FIXED, SYSTRAP_FD_RAM,
		   ptr_to_paddr(pt->region[i]) - RAM_PADDR);
	if (i == 0) {
		pt->region[0][0].slot = STUB_TEXT + (stub_tramp - stub_text);
		pt->entries = 1;
	}
	return true;
}

/* A new entry for the site; returns its slot's address, 0 if there is none. */
static u32 entry_make(struct pmap *p, uaddr_t site, u32 nr)
{
	struct patch *pt = p->patch;
	unsigned n = pt->entries, page;
	u64 behind = site + SITE_LEN;
	u32 slot, tramp = PATCH_BASE;
	struct entry *e;

	if (n == ENTRIES || (n == 0 && !region_free(p)))
		return 0;
	if (n % PAGE_ENTRIES == 0 && !region_page(p, n / PAGE_ENTRIES))
		return 0;
	n = pt->entries;
	page = n / PAGE_ENTRIES;
	e = &pt->region[page][n % PAGE_ENTRIES];
	slot = PATCH_BASE + n * ENTRY_SIZE;
	e->slot = slot + offsetof(struct entry, code);
	e->code[0] = 0xb8; /* mov $nr, %eax */
	memcpy(&e->code[1], &nr, 4);
	e->code[5] = 0x48; /* movabs $behind, %rcx */
	e->code[6] = 0xb9;
	memcpy(&e->code[7], &behind, 8);
	e->code[15] = 0xff; /* jmp *tramp */
	e->code[16] = 0x24;
	e->code[17] = 0x25;
	memcpy(&e->code[18], &tramp, 4);
	pt->site[page][n % PAGE_ENTRIES] = site;
	pt->entries++;
	return slot;
}

static bool is_site(const char *bytes, u32 nr)
{
	u32 imm;

	memcpy(&imm, bytes + 1, 4);
	return (u8)bytes[0] == 0xb8 && imm == nr && (u8)bytes[5] == 0x0f && (u8)bytes[6] == 0x05;
}

static void patch_site(struct pmap *p, uaddr_t site, u32 nr)
{
	struct patch *pt = p->patch;
	uaddr_t va = ALIGN_DOWN(site, PAGE_SIZE);
	struct patched_page *pp;
	char *copy, bytes[SITE_LEN];
	paddr_t pa;
	u64 flags;
	u32 slot;

	if (!pt_lookup(&p->pt, va, &pa, &flags) || (flags & (PTE_W | PTE_NX)) || pa < ARENA_PADDR)
		return;
	if (copy_mapped(bytes, (char *)paddr_to_ptr(pa) + (site - va), SITE_LEN) ||
	    !is_site(bytes, nr))
		return;
	pp = page_find(pt, va);
	if (!pp && pt->pages == PAGES_MAX)
		return;
	copy = page_alloc();
	if (!copy)
		return;
	/* Always a new copy, never a change in place: another thread may be executing these very bytes. */
	if (copy_mapped(copy, pp ? pp->copy : paddr_to_ptr(pa), PAGE_SIZE) ||
	    !(slot = entry_make(p, site, nr))) {
		page_free(copy);
		return;
	}
	memcpy(copy + (site - va), "\xff\x24\x25", 3);
	memcpy(copy + (site - va) + 3, &slot, 4);
	pmap_queue(p, HC_mmap, va, PAGE_SIZE, HC_PROT_READ | HC_PROT_EXEC,
		   HC_MAP_SHARED | HC_MAP_FIXED | HC_MAP_NORESERVE, SYSTRAP_FD_RAM,
		   ptr_to_paddr(copy) - RAM_PADDR);
	if (pp) {
		limbo_add(pt, pp->copy);
		pp->copy = copy;
	} else {
		pt->page[pt->pages++] = (struct patched_page){ va, copy };
	}
	if (helper_flush(&p->h) < 0)
		p->failed = true;
	else
		patch_reap(p);
}

void patch_try(struct utask *u)
{
	struct pmap *p = u->pmap;
	uaddr_t site = u->regs.rip - SITE_LEN;
	u32 nr = u->regs.orig_rax;
	struct patch *pt = p->patch;
	unsigned i = (site ^ site >> 6) % COUNTERS;

	if (u->step || (site & (PAGE_SIZE - 1)) > PAGE_SIZE - SITE_LEN || site >= USER_END)
		return;
	if (!pt) {
		pt = kzalloc(sizeof(*pt));
		if (!pt)
			return;
		spin_lock(&p->lock);
		if (p->patch)
			kfree(pt);
		else
			p->patch = pt;
		spin_unlock(&p->lock);
		pt = p->patch;
	}
	if (pt->off || u->regs.gs_base)
		return;
	if (pt->counter[i].rip != site) {
		pt->counter[i].rip = site;
		pt->counter[i].count = 0;
	}
	/* Two threads may count at once; nothing depends on the exact number. */
	if (++pt->counter[i].count != HOT)
		return;
	spin_lock(&p->lock);
	if (!pt->off)
		patch_site(p, site, nr);
	spin_unlock(&p->lock);
}

/* The entry whose code contains addr, or whose site's SYSCALL is at addr; -1. */
static int entry_at(struct patch *pt, uaddr_t addr, bool by_site)
{
	if (!by_site)
		return addr - PATCH_BASE < pt->entries * ENTRY_SIZE
			       ? (int)((addr - PATCH_BASE) / ENTRY_SIZE)
			       : -1;
	for (unsigned i = 1; i < pt->entries; i++)
		if (pt->site[i / PAGE_ENTRIES][i % PAGE_ENTRIES] == addr - 5)
			return i;
	return -1;
}

void patch_adjust(struct utask *u, struct stop *stop)
{
	struct pmap *p = u->pmap;
	struct patch *pt = p->patch;
	struct user_regs *r = &u->regs;
	uaddr_t tramp = STUB_TEXT + (stub_tramp - stub_text),
		try = STUB_TEXT + (stub_tramp_try - stub_text);
	int n;

	if (!pt || !pt->entries)
		return;
	if (r->rip - PATCH_BASE < PATCH_SIZE) {
		/* Between site and trampoline, where nothing is lost yet: back to the site. */
		spin_lock(&p->lock);
		n = entry_at(pt, r->rip, false);
		if (n > 0)
			r->rip = pt->site[n / PAGE_ENTRIES][n % PAGE_ENTRIES];
		spin_unlock(&p->lock);
	} else if (stop->kind == STOP_EXCEPTION && stop->vector == 6) {
		spin_lock(&p->lock);
		n = entry_at(pt, r->rip, true);
		spin_unlock(&p->lock);
		if (n > 0) {
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
