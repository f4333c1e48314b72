/*
 * patch_copy.c - what is known of the system call sites of programs' text: patched copies of pages of files, shared by all
 * address spaces that map them, so that a site is learned once and not by every process anew.
 *
 * A copy is never changed: a page with one more site gets a new one, and who maps the old one keeps it. A site's slot (its
 * entry's number in every address space's region, patch.c) is the same in all copies. The key is the page's place in
 * guest-physical memory, where another file may lie later, or the host change this one: so a copy is compared with the page
 * each time that it is to be mapped.
 *
 * Who jumps into the middle of an instruction can make a site of bytes that are none. In its own address space that is its
 * own affair; so that it does not reach another user's program, or root's, which map the same file, copies are kept by the
 * owner of the address space that taught them, and only root's serve everybody.
 *
 * Lock: copy_lock, inside pmap.lock.
 */
#include "platform/systrap/patch.h"

#include <string.h>

#include "lib/atomic.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define COPIES_MAX 128
/* traps of a site before it is patched: most sites of a short program run once or twice */
#define HOT	 4
#define COUNTERS 256 /* sites that are being counted, direct mapped */

static struct spinlock copy_lock = SPINLOCK_INIT;
static struct patch_copy *copies[COPIES_MAX];
static unsigned oldest;	   /* the next to go when all are in use */
static unsigned slots = 1; /* given out; the first is no site's */

static bool is_site(const char *bytes, u32 nr)
{
	u32 imm;

	memcpy(&imm, bytes + 1, 4);
	return (u8)bytes[0] == 0xb8 && imm == nr && (u8)bytes[5] == 0x0f && (u8)bytes[6] == 0x05;
}

/* The page at pa with all of c's sites patched. False: it is not the one that c knows. */
static bool patched(const struct patch_copy *c, paddr_t pa, char *text)
{
	if (copy_mapped(text, paddr_to_ptr(pa), PAGE_SIZE))
		return false;
	for (unsigned i = 0; i < c->sites; i++) {
		char *site = text + c->site[i].off;
		u32 slot = PATCH_BASE + c->site[i].slot * PATCH_ENTRY;

		if (!is_site(site, c->site[i].nr))
			return false;
		memcpy(site, "\xff\x24\x25", 3); /* jmp *slot */
		memcpy(site + 3, &slot, 4);
	}
	return true;
}

static bool valid(const struct patch_copy *c)
{
	static u64 page[PAGE_SIZE / 8]; /* under copy_lock */
	const u64 *text = (const u64 *)c->text;

	if (!patched(c, c->pa, (char *)page))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		if (page[i] != text[i])
			return false;
	return true;
}

void patch_copy_put(struct patch_copy *c)
{
	if (atomic_sub(&c->ref, 1))
		return;
	page_free(c->text);
	kfree(c);
}

static void forget(unsigned i)
{
	patch_copy_put(copies[i]);
	copies[i] = NULL;
}

/* Where in the table the first copy of [pa, end) is that fits its page: the owner's, which has root's sites, too, or root's. */
static unsigned find(paddr_t pa, paddr_t end, u64 owner)
{
	for (;;) {
		unsigned at = COPIES_MAX;

		for (unsigned i = 0; i < COPIES_MAX; i++) {
			struct patch_copy *c = copies[i],
					  *best = at < COPIES_MAX ? copies[at] : NULL;

			if (!c || c->pa < pa || c->pa >= end || (c->owner && c->owner != owner))
				continue;
			if (!best || c->pa < best->pa || (c->pa == best->pa && c->owner == owner))
				at = i;
		}
		if (at == COPIES_MAX || valid(copies[at]))
			return at;
		forget(at);
	}
}

struct patch_copy *patch_copy_next(paddr_t pa, paddr_t end, u64 owner)
{
	struct patch_copy *c = NULL;
	unsigned at;

	spin_lock(&copy_lock);
	at = find(pa, end, owner);
	if (at < COPIES_MAX) {
		c = copies[at];
		atomic_add(&c->ref, 1);
	}
	spin_unlock(&copy_lock);
	return c;
}

/* Where in the table the owner's copy of the page is; a free place, or one that was made free, if there is none. */
static unsigned place(paddr_t pa, u64 owner)
{
	unsigned free = COPIES_MAX;

	for (unsigned i = 0; i < COPIES_MAX; i++) {
		if (!copies[i])
			free = i;
		else if (copies[i]->pa == pa && copies[i]->owner == owner)
			return i;
	}
	if (free == COPIES_MAX) {
		free = oldest++ % COPIES_MAX;
		forget(free);
	}
	return free;
}

/* Every slot has had its site: begin anew. Address spaces that use one for another site do without the new one. */
static void forget_all(void)
{
	for (unsigned i = 0; i < COPIES_MAX; i++)
		if (copies[i])
			forget(i);
	slots = 1;
}

static int site_find(const struct patch_copy *c, unsigned off)
{
	for (unsigned i = 0; i < c->sites; i++)
		if (c->site[i].off == off)
			return (int)i;
	return -1;
}

/* `new` becomes what is known of its page, with the sites of what was known before. Locked. */
static struct patch_copy *learn(struct patch_copy *new, unsigned off, u32 nr)
{
	unsigned at;

	if (slots == PATCH_ENTRIES)
		forget_all();
	at = find(new->pa, new->pa + 1, new->owner);
	if (at < COPIES_MAX) {
		if (site_find(copies[at], off) >= 0)
			return copies[at];
		if (copies[at]->sites == PATCH_COPY_SITES)
			return NULL;
		new->sites = copies[at]->sites;
		memcpy(new->site, copies[at]->site, sizeof(new->site));
	}
	new->site[new->sites++] = (struct patch_site){ (u16)off, (u16)slots, nr };
	if (!patched(new, new->pa, new->text))
		return NULL;
	slots++;
	at = place(new->pa, new->owner);
	if (copies[at])
		forget(at);
	return copies[at] = new;
}

struct patch_copy *patch_copy_learn(paddr_t pa, unsigned off, u32 nr, u64 owner)
{
	struct patch_copy *new, *c;
	char bytes[SITE_LEN];

	if (copy_mapped(bytes, (char *)paddr_to_ptr(pa) + off, SITE_LEN) || !is_site(bytes, nr))
		return NULL;
	new = kzalloc(sizeof(*new));
	if (!new)
		return NULL;
	new->text = page_alloc();
	if (!new->text) {
		kfree(new);
		return NULL;
	}
	new->pa = pa;
	new->owner = owner;
	new->ref = 1;
	spin_lock(&copy_lock);
	c = learn(new, off, nr);
	if (c)
		atomic_add(&c->ref, 1);
	spin_unlock(&copy_lock);
	if (c != new)
		patch_copy_put(new);
	return c;
}

bool patch_hot(unsigned off, u32 nr)
{
	static struct {
		u64 key;
		u32 count;
	} counters[COUNTERS];
	u64 key = (u64)nr << 12 | off;
	unsigned i = (key ^ key >> 8) % COUNTERS;

	/* Several threads may count at once; nothing depends on the exact number. */
	if (READ_ONCE(counters[i].key) != key) {
		WRITE_ONCE(counters[i].key, key);
		WRITE_ONCE(counters[i].count, 0);
	}
	return atomic_add(&counters[i].count, 1) >= HOT;
}
