/*
 * dentry.h - the dentry cache: (parent, name) -> inode, or "no such name". Private to the VFS core.
 *
 * A hashed dentry holds one reference on itself, so "cached" needs no list work at get and put; reclaim is a clock over
 * the hash table that takes what nobody else holds. A child holds a reference on its parent, and a dentry on its inode.
 *
 * dcache_lock (spinlock) guards all structure here and the mount tree. Readers of the fast walk (walk_fast.c) take no
 * lock: they read dcache_seq, follow pointers, and believe what they saw only if dcache_seq is still the same. That is
 * safe because dentries and mounts live in memory that is never used for anything else, and because every writer bumps
 * dcache_seq before it frees or changes what a reader may be looking at.
 *
 * A dentry fills one cache line. To fit, what is only followed in this cache is a number in place of a pointer: how many
 * dentries lie below it in the direct map, whose first one is none. RAM ends at ARENA_PADDR, so 32 bits reach all of it.
 */
#ifndef MOAT_FS_DENTRY_H
#define MOAT_FS_DENTRY_H

#include "abi/boot.h"
#include "fs/vfs.h"
#include "platform/platform.h"

#define DENTRY_HASHED	  1
#define DENTRY_MOUNTED	  2 /* something is mounted here, in some mount */
#define DENTRY_REFERENCED 4 /* used since the clock last came by */
#define DENTRY_DELETED	  8 /* unlinked while in use */
/* a directory that the fast walk may pass: generic permission, no revalidation */
#define DENTRY_PLAIN 16
#define DENTRY_DIR   32
#define DENTRY_LINK  64
#define DENTRY_CHILD 128 /* among its parent's children */

#define DENTRY_INLINE_NAME 20

struct dentry {
	struct ref ref;
	u32 hash;
	struct dentry *parent; /* itself for a root */
	struct inode *inode;   /* NULL: negative */
	/* numbers, 0: none */
	u32 next;	   /* hash chain */
	u32 children;	   /* the first */
	u32 sibling, prev; /* in the parent's list; prev 0: the first */
	union {
		struct {
			u16 flags, len;
			char inline_name[DENTRY_INLINE_NAME]; /* len < DENTRY_INLINE_NAME */
		};
		struct {
			u32 flags_and_len, unused;
			char *long_name;
		};
	};
#ifdef MOAT_UNIT
	u32 number;
#endif
};

#ifdef MOAT_UNIT
extern struct dentry *dentries[]; /* by number: from the heap each, for the sanitizers */
static inline struct dentry *dentry_at(u32 n)
{
	return dentries[n];
}
static inline u32 dentry_number(const struct dentry *d)
{
	return d ? d->number : 0;
}
#else
_Static_assert(sizeof(struct dentry) == 64, "a power of two, and ARENA_PADDR >> 32 at least");
_Static_assert(ARENA_PADDR / sizeof(struct dentry) <= 1ULL << 32, "numbers have 32 bits");
static inline struct dentry *dentry_at(u32 n)
{
	return n ? (struct dentry *)direct_map + n : NULL;
}
static inline u32 dentry_number(const struct dentry *d)
{
	return d ? (u32)(d - (const struct dentry *)direct_map) : 0;
}
#endif

/* With its NUL. Under dcache_lock, or as the fast walk reads: valid if dcache_seq has not changed since. */
static inline const char *dentry_name(const struct dentry *d)
{
	return READ_ONCE(d->len) < DENTRY_INLINE_NAME ? d->inline_name : READ_ONCE(d->long_name);
}

extern struct spinlock dcache_lock;
extern u32 dcache_seq; /* odd while a writer is at work */

/* Around every change that a lockless reader could see; under dcache_lock. */
static inline void dcache_write_begin(void)
{
	atomic_store(&dcache_seq, dcache_seq + 1);
	atomic_fence();
}
static inline void dcache_write_end(void)
{
	atomic_store(&dcache_seq, dcache_seq + 1);
}

/* A root dentry; takes over the inode's reference. NULL: out of memory. */
struct dentry *dentry_root(struct inode *i);
/* A dentry in no tree and no hash, for O_TMPFILE and memfd: parent is kept for path_name. Takes over the inode. */
struct dentry *dentry_detached(struct dentry *parent, const char *name, struct inode *i);

static inline void dentry_get(struct dentry *d)
{
	ref_get(&d->ref);
}
void dentry_put(struct dentry *d);

/* With a reference, or NULL. */
struct dentry *dcache_lookup(struct dentry *parent, const char *name, unsigned len);
/* For walk_fast.c: no lock, no reference; believe it only if dcache_seq == seq afterwards. */
struct dentry *dcache_find_lockless(const struct dentry *parent, const char *name, unsigned len,
				    u32 seq);
/*
 * Enter a name; the parent's directory is locked. Takes over the inode's reference also on failure (NULL: negative).
 * With a reference, or ERR_PTR(-ENOMEM).
 */
struct dentry *dcache_add(struct dentry *parent, const char *name, unsigned len, struct inode *i);
/* A negative dentry becomes positive; takes over the reference. */
void dcache_instantiate(struct dentry *d, struct inode *i);
/* The name was removed: negative if only the caller holds it, else unhashed and marked deleted. */
void dcache_delete(struct dentry *d);
/* Take it out of the cache (stale, or its file system says so). */
void dcache_unhash(struct dentry *d);
/* Unhash everything below d; d itself stays. */
void dcache_shrink(struct dentry *d);
/* d becomes (parent, name of target); target (may be negative) is unhashed. Or both change places. 0 or -ENOMEM. */
int dcache_move(struct dentry *d, struct dentry *target);
int dcache_exchange(struct dentry *a, struct dentry *b);
bool dentry_is_below(const struct dentry *d,
		     const struct dentry *top); /* d == top counts; racy without rename lock */

#endif
