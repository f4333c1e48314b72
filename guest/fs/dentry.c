/*
 * dentry.c - the dentry cache (dentry.h). Memory per cached name: 65 bytes with names up to 19 bytes; with the inode of a file
 * on the host that was only looked at, all that is kept for it is below 256 (tests/apps/walk.sh).
 *
 * Cost of a hit by dcache_lookup: one spinlock, one reference, no allocation; the fast walk does without both.
 */
#include <string.h>

#include "fs/notify.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/task.h"

#define HASH_BITS  14
#define DCACHE_MAX 65536 /* hashed dentries; above it each addition drops two unused ones */

struct spinlock dcache_lock = SPINLOCK_INIT;
u32 dcache_seq;

static u32 buckets[1 << HASH_BITS]; /* numbers of dentries */
static u32 clock_hand;		    /* the bucket that reclaim looks at next */
static u64 nr_hashed;

static u32 dentry_hash(const struct dentry *parent, const char *name, unsigned len)
{
	u32 h = (u32)((uintptr_t)parent >> 4) * 0x9e3779b1u;

	for (unsigned i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 0x01000193u;
	return h ^ h >> 15;
}

#ifdef MOAT_UNIT
#define UNIT_MAX 262144
struct dentry *dentries[UNIT_MAX];

static struct dentry *dentry_new(void)
{
	static u32 last;
	struct dentry *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	do
		last = last % (UNIT_MAX - 1) + 1;
	while (dentries[last]);
	dentries[last] = d;
	d->number = last;
	return d;
}

static void dentry_free(struct dentry *d)
{
	dentries[d->number] = NULL;
	kfree(d);
}
#else
static u32 free_list; /* linked by next */

/* Dentries come from pages of their own that are never given back: see dentry.h on lockless readers. */
static struct dentry *dentry_new(void)
{
	struct dentry *d;

	spin_lock(&dcache_lock);
	if (!free_list) {
		spin_unlock(&dcache_lock);
		d = page_alloc();
		if (!d)
			return NULL;
		spin_lock(&dcache_lock);
		for (unsigned i = 0; i < PAGE_SIZE / sizeof(*d); i++) {
			d[i].next = free_list;
			free_list = dentry_number(&d[i]);
		}
	}
	d = dentry_at(free_list);
	free_list = d->next;
	spin_unlock(&dcache_lock);
	memset(d, 0, sizeof(*d));
	return d;
}

static void dentry_free(struct dentry *d)
{
	d->flags = 0;
	d->inode = NULL;
	spin_lock(&dcache_lock);
	d->next = free_list;
	free_list = dentry_number(d);
	spin_unlock(&dcache_lock);
}
#endif

static void dentry_recycle(struct dentry *d)
{
	if (d->len >= DENTRY_INLINE_NAME)
		kfree(d->long_name);
	dentry_free(d);
}

static int set_name(struct dentry *d, const char *name, unsigned len)
{
	char *to = d->inline_name;

	if (len >= DENTRY_INLINE_NAME) {
		to = kmalloc(len + 1);
		if (!to)
			return -ENOMEM;
		d->long_name = to;
	}
	memcpy(to, name, len);
	to[len] = 0;
	d->len = (u16)len;
	return 0;
}

static u16 flags_of(const struct inode *i)
{
	u16 f = 0;

	if (!i)
		return 0;
	if (S_ISDIR(i->mode)) {
		f = DENTRY_DIR;
		if (!i->ops->permission && !i->ops->revalidate)
			f |= DENTRY_PLAIN;
	} else if (S_ISLNK(i->mode)) {
		f = DENTRY_LINK;
	}
	return f;
}

static struct dentry *dentry_alloc(struct dentry *parent, const char *name, unsigned len,
				   struct inode *i)
{
	struct dentry *d = dentry_new();

	if (d && set_name(d, name, len)) {
		dentry_recycle(d);
		d = NULL;
	}
	if (!d) {
		if (i)
			inode_put(i);
		return NULL;
	}
	ref_init(&d->ref);
	d->parent = parent ? parent : d;
	if (parent)
		dentry_get(parent);
	d->inode = i;
	d->flags = flags_of(i);
	return d;
}

static void child_add(struct dentry *parent, struct dentry *d)
{
	d->sibling = parent->children;
	d->prev = 0;
	if (d->sibling)
		dentry_at(d->sibling)->prev = dentry_number(d);
	parent->children = dentry_number(d);
	d->flags |= DENTRY_CHILD;
}

static void child_del(struct dentry *d)
{
	if (!(d->flags & DENTRY_CHILD))
		return;
	if (d->sibling)
		dentry_at(d->sibling)->prev = d->prev;
	if (d->prev)
		dentry_at(d->prev)->sibling = d->sibling;
	else
		d->parent->children = d->sibling;
	d->flags &= ~DENTRY_CHILD;
}

struct dentry *dentry_root(struct inode *i)
{
	struct dentry *d = dentry_alloc(NULL, "/", 1, i);

	if (d && S_ISDIR(i->mode)) /* an export may be a file */
		i->dir_dentry = d;
	return d;
}

struct dentry *dentry_detached(struct dentry *parent, const char *name, struct inode *i)
{
	struct dentry *d = dentry_alloc(parent, name, strlen(name), i);

	if (d)
		d->flags |= DENTRY_DELETED;
	return d;
}

/* The caller is the last user of a name that is not to be kept (INODE_NOCACHE): only the hash would keep it. */
static void forget_uncached(struct dentry *d)
{
	const struct inode *i = d->inode;

	if (i && unlikely(i->flags & INODE_NOCACHE) && (d->flags & DENTRY_HASHED) &&
	    atomic_load(&d->ref.n) == 2)
		dcache_unhash(d);
}

void dentry_put(struct dentry *d)
{
	while (d) {
		struct dentry *parent;
		struct inode *i;

		forget_uncached(d);
		if (!ref_put(&d->ref))
			return;
		parent = d->parent;
		i = d->inode;
		spin_lock(&dcache_lock);
		child_del(d);
		if (i && i->dir_dentry == d)
			i->dir_dentry = NULL;
		spin_unlock(&dcache_lock);
		if (i && notify_on())
			notify_gone(i);
		if (i)
			inode_put(i);
		dentry_recycle(d);
		d = parent != d ? parent : NULL;
	}
}

/* The cache forgets d, whose name stays. Under dcache_lock, before it is unhashed. */
static void forget_locked(const struct dentry *d)
{
	if (d->inode && d->parent->inode)
		inode_unmark(d->parent->inode, INODE_COMPLETE);
}

static u32 *bucket(u32 hash)
{
	return &buckets[hash & ((1 << HASH_BITS) - 1)];
}

/* Under dcache_lock, inside write_begin/end. The hash's reference passes to the caller. */
static void unhash_locked(struct dentry *d)
{
	u32 *p = bucket(d->hash);

	while (dentry_at(*p) != d)
		p = &dentry_at(*p)->next;
	WRITE_ONCE(*p, d->next);
	d->flags &= ~DENTRY_HASHED;
	nr_hashed--;
}

static void hash_locked(struct dentry *d)
{
	u32 *head = bucket(d->hash);

	d->next = *head;
	atomic_store(head, dentry_number(d));
	d->flags |= DENTRY_HASHED | DENTRY_REFERENCED;
	nr_hashed++;
}

static struct dentry *find_locked(struct dentry *parent, const char *name, unsigned len, u32 hash)
{
	struct dentry *d = dentry_at(*bucket(hash));

	for (; d; d = dentry_at(d->next))
		if (d->hash == hash && d->parent == parent && d->len == len &&
		    !memcmp(dentry_name(d), name, len))
			return d;
	return NULL;
}

struct dentry *dcache_lookup(struct dentry *parent, const char *name, unsigned len)
{
	u32 hash = dentry_hash(parent, name, len);
	struct dentry *d;

	spin_lock(&dcache_lock);
	d = find_locked(parent, name, len, hash);
	if (d) {
		dentry_get(d);
		d->flags |= DENTRY_REFERENCED;
	}
	spin_unlock(&dcache_lock);
	return d;
}

struct dentry *dcache_find_lockless(const struct dentry *parent, const char *name, unsigned len,
				    u32 seq)
{
	u32 hash = dentry_hash(parent, name, len);
	struct dentry *d = dentry_at(atomic_load(bucket(hash)));

	while (d && atomic_load(&dcache_seq) == seq) {
		struct dentry *next = dentry_at(READ_ONCE(d->next));
		const char *have = dentry_name(d);

		if (d->hash == hash && d->parent == parent && d->len == len) {
			if (atomic_load(&dcache_seq) != seq)
				return NULL;
			if (!memcmp(have, name, len))
				return d;
		}
		d = next;
	}
	return NULL;
}

struct dentry *dcache_add(struct dentry *parent, const char *name, unsigned len, struct inode *i)
{
	struct dentry *d, *old = NULL;

	if (nr_hashed >= DCACHE_MAX)
		dcache_reclaim(2);
	d = dentry_alloc(parent, name, len, i);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->hash = dentry_hash(parent, name, len);
	spin_lock(&dcache_lock);
	dcache_write_begin();
	child_add(parent, d);
	if (i && S_ISDIR(i->mode)) {
		old = i->dir_dentry; /* moved by someone outside: a directory has one name */
		if (old && !(old->flags & DENTRY_HASHED))
			old = NULL;
		if (old) {
			forget_locked(old);
			unhash_locked(old);
		}
		i->dir_dentry = d;
	}
	dentry_get(d);
	hash_locked(d);
	dcache_write_end();
	spin_unlock(&dcache_lock);
	if (old)
		dentry_put(old);
	return d;
}

void dcache_instantiate(struct dentry *d, struct inode *i)
{
	spin_lock(&dcache_lock);
	dcache_write_begin();
	d->inode = i;
	d->flags |= flags_of(i);
	if (S_ISDIR(i->mode))
		i->dir_dentry = d;
	dcache_write_end();
	spin_unlock(&dcache_lock);
}

void dcache_unhash(struct dentry *d)
{
	bool was;

	spin_lock(&dcache_lock);
	was = d->flags & DENTRY_HASHED;
	if (was) {
		dcache_write_begin();
		forget_locked(d);
		unhash_locked(d);
		dcache_write_end();
	}
	spin_unlock(&dcache_lock);
	if (was)
		dentry_put(d);
}

void dcache_delete(struct dentry *d)
{
	struct inode *i = NULL;
	bool drop = false;

	spin_lock(&dcache_lock);
	dcache_write_begin();
	if ((d->flags & DENTRY_HASHED) && atomic_load(&d->ref.n) == 2) {
		i = d->inode;
		if (i && i->dir_dentry == d)
			i->dir_dentry = NULL;
		d->inode = NULL;
		d->flags &= ~(DENTRY_DIR | DENTRY_LINK | DENTRY_PLAIN);
	} else {
		d->flags |= DENTRY_DELETED;
		if (d->flags & DENTRY_HASHED) {
			unhash_locked(d);
			drop = true;
		}
	}
	dcache_write_end();
	spin_unlock(&dcache_lock);
	if (i && notify_on())
		notify_gone(i);
	if (i)
		inode_put(i);
	if (drop)
		dentry_put(d);
}

/* A hashed leaf of d's child c or those behind it, or d; unhashed children are gone from the cache and in somebody's hands. */
static struct dentry *leaf_locked(struct dentry *d, struct dentry *c)
{
	while (c) {
		if (c->flags & DENTRY_HASHED) {
			d = c;
			c = dentry_at(d->children);
		} else {
			c = dentry_at(c->sibling);
		}
	}
	return d;
}

/* Leaves, and then the directories that they were in: a deep tree is not walked from its top for each. */
static unsigned take_leaves(struct dentry *top, struct dentry **took, unsigned max)
{
	struct dentry *d;
	unsigned n = 0;

	spin_lock(&dcache_lock);
	dcache_write_begin();
	d = leaf_locked(top, dentry_at(top->children));
	for (; d != top && n < max; d = leaf_locked(d->parent, dentry_at(d->sibling))) {
		forget_locked(d);
		unhash_locked(d);
		took[n++] = d;
	}
	dcache_write_end();
	spin_unlock(&dcache_lock);
	return n;
}

void dcache_shrink(struct dentry *top)
{
	struct dentry *took[64];
	unsigned n;

	while ((n = take_leaves(top, took, ARRAY_SIZE(took)))) {
		for (unsigned i = 0; i < n; i++)
			dentry_put(took[i]);
		task_poll();
	}
}

/* Who has not been used since the clock last came by, in the bucket at its hand. Under dcache_lock. */
static struct dentry *clock_victim(u32 hand)
{
	for (struct dentry *d = dentry_at(*bucket(hand)); d; d = dentry_at(d->next)) {
		if (!(d->flags & (DENTRY_REFERENCED | DENTRY_MOUNTED)) &&
		    atomic_load(&d->ref.n) == 1)
			return d;
		d->flags &= ~DENTRY_REFERENCED;
	}
	return NULL;
}

u64 dcache_reclaim(u64 n)
{
	u32 turns = 2 << HASH_BITS; /* the second finds what was used before the first */
	u64 done = 0;

	spin_lock(&dcache_lock);
	while (done < n && turns) {
		struct dentry *d = clock_victim(clock_hand);

		if (!d) {
			clock_hand = (clock_hand + 1) & ((1 << HASH_BITS) - 1);
			turns--;
			continue;
		}
		dcache_write_begin();
		forget_locked(d);
		unhash_locked(d);
		dcache_write_end();
		spin_unlock(&dcache_lock);
		dentry_put(d);
		done++;
		spin_lock(&dcache_lock);
	}
	spin_unlock(&dcache_lock);
	return done;
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	char tmp[sizeof(a->inline_name)]; /* or the pointer to the long name */
	u16 len = a->len;

	memcpy(tmp, a->inline_name, sizeof(tmp));
	memcpy(a->inline_name, b->inline_name, sizeof(tmp));
	memcpy(b->inline_name, tmp, sizeof(tmp));
	a->len = b->len;
	b->len = len;
}

static void swap_places(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent;
	u32 hash = a->hash;

	child_del(a);
	child_del(b);
	swap_names(a, b);
	a->parent = b->parent;
	b->parent = pa;
	a->hash = b->hash;
	b->hash = hash;
	/* The two references on the parents change owners with the pointers. */
	child_add(a->parent, a);
	child_add(b->parent, b);
}

int dcache_move(struct dentry *d, struct dentry *target)
{
	bool drop = target->flags & DENTRY_HASHED, rehash = d->flags & DENTRY_HASHED;

	spin_lock(&dcache_lock);
	dcache_write_begin();
	if (drop)
		unhash_locked(target);
	if (rehash)
		unhash_locked(d);
	swap_places(d, target);
	if (target->inode)
		target->flags |= DENTRY_DELETED;
	if (!rehash)
		dentry_get(d);
	hash_locked(d);
	dcache_write_end();
	spin_unlock(&dcache_lock);
	if (drop)
		dentry_put(target);
	return 0;
}

int dcache_exchange(struct dentry *a, struct dentry *b)
{
	bool ah = a->flags & DENTRY_HASHED, bh = b->flags & DENTRY_HASHED;

	spin_lock(&dcache_lock);
	dcache_write_begin();
	if (!ah || !bh) {
		forget_locked(a);
		forget_locked(b);
	}
	if (ah)
		unhash_locked(a);
	if (bh)
		unhash_locked(b);
	swap_places(a, b);
	if (ah)
		hash_locked(a);
	if (bh)
		hash_locked(b);
	dcache_write_end();
	spin_unlock(&dcache_lock);
	return 0;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *top)
{
	for (;;) {
		if (d == top)
			return true;
		if (d->parent == d)
			return false;
		d = d->parent;
	}
}

void dcache_drop(struct inode *dir, const char *name, unsigned len)
{
	struct dentry *parent, *d = NULL;

	spin_lock(&dcache_lock);
	parent = dir->dir_dentry;
	if (parent) {
		d = find_locked(parent, name, len, dentry_hash(parent, name, len));
		if (d)
			dentry_get(d);
	}
	spin_unlock(&dcache_lock);
	if (!d)
		return;
	dcache_shrink(d);
	dcache_unhash(d);
	dentry_put(d);
}
