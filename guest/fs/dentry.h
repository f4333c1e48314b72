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
 */
#ifndef MOAT_FS_DENTRY_H
#define MOAT_FS_DENTRY_H

#include "fs/vfs.h"

#define DENTRY_HASHED	  1
#define DENTRY_MOUNTED	  2 /* something is mounted here, in some mount */
#define DENTRY_REFERENCED 4 /* used since the clock last came by */
#define DENTRY_DELETED	  8 /* unlinked while in use */
/* a directory that the fast walk may pass: generic permission, no revalidation */
#define DENTRY_PLAIN 16
#define DENTRY_DIR   32
#define DENTRY_LINK  64

#define DENTRY_INLINE_NAME 40

struct dentry {
	struct ref ref;
	u32 flags;
	u32 hash;
	u32 len;
	struct dentry *parent;		    /* itself for a root */
	struct inode *inode;		    /* NULL: negative */
	struct dentry *next, **pprev;	    /* hash chain */
	struct dentry *children;	    /* the first */
	struct dentry *sibling, **psibling; /* psibling NULL: in no parent's list */
	union {
		char inline_name[DENTRY_INLINE_NAME]; /* len < DENTRY_INLINE_NAME */
		char *long_name;
	};
};

_Static_assert(sizeof(struct dentry) <= 112, "36 of them in a page");

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
