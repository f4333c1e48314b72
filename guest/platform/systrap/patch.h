/*
 * patch.h - patched system call sites: what one address space has of them (patch.c) and what all share (patch_copy.c).
 */
#ifndef MOAT_SYSTRAP_PATCH_H
#define MOAT_SYSTRAP_PATCH_H

#include "platform/systrap/systrap.h"

#define SITE_LEN      7
#define PATCH_ENTRY   32 /* bytes of an entry of the region */
#define PATCH_ENTRIES (PATCH_SIZE / PATCH_ENTRY)

#define PATCH_COPY_SITES 32

struct patch_site {
	u16 off, slot; /* in the page; its entry's number in the region */
	u32 nr;
};

/* A page of a file with its sites patched. Not changed once others see it. */
struct patch_copy {
	u32 ref;
	u32 sites;
	paddr_t pa; /* of the file's own page */
	u64 owner;  /* pmap.owner of who taught it */
	char *text;
	struct patch_site site[PATCH_COPY_SITES];
};

/* The first page of [pa, end) of which the owner has a copy, or root, and it fits: with a reference; or NULL. */
struct patch_copy *patch_copy_next(paddr_t pa, paddr_t end, u64 owner);
/* The owner's copy of the page at pa that has, among others, the site at `off`: with a reference. NULL: no site, no memory. */
struct patch_copy *patch_copy_learn(paddr_t pa, unsigned off, u32 nr, u64 owner);
void patch_copy_put(struct patch_copy *c);
/* Count a trap at a site of any program at this place of its page; true: it is worth to be patched. */
bool patch_hot(unsigned off, u32 nr);

#endif
