/*
 * mount.c - mounts: making them, finding them, hanging them on each other.
 *
 * Finding goes by a hash of mount points, without a lock when called by the fast walk.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/mount/mount.h"
#include "mm/slab.h"

#define HASH_BITS 12
/* Of all namespaces together: what keeps mounts in many namespaces from filling the Sentry's memory. */
#define TOTAL_MAX 400000

struct mutex vfs_mounts_mutex = MUTEX_INIT(vfs_mounts_mutex);
struct mount *vfs_root_mount;
static struct mount_link *places[1 << HASH_BITS], *points[1 << HASH_BITS];
static struct mount *free_mounts; /* never given back: dentry.h on lockless readers */
static u32 next_id = 20, total;

static u32 hash_of(const struct mount *parent, const struct dentry *d)
{
	u32 h = (u32)((uintptr_t)d >> 5) * 0x9e3779b1u;

	h = (h ^ (u32)((uintptr_t)parent >> 5)) * 0x85ebca6bu;
	return h >> (32 - HASH_BITS);
}

static struct mount_link **place(const struct mount *parent, const struct dentry *d)
{
	return &places[hash_of(parent, d)];
}

static struct mount_link **point(const struct dentry *d)
{
	return &points[hash_of(NULL, d)];
}

static void link_add(struct mount_link **head, struct mount_link *l)
{
	l->next = *head;
	if (l->next)
		l->next->pprev = &l->next;
	l->pprev = head;
	atomic_store(head, l);
}

static void link_del(struct mount_link *l)
{
	if (l->next)
		l->next->pprev = l->pprev;
	*l->pprev = l->next;
}

static void mount_recycle(struct mount *m)
{
	spin_lock(&dcache_lock);
	m->next_free = free_mounts;
	free_mounts = m;
	spin_unlock(&dcache_lock);
	atomic_sub(&total, 1);
}

/* In no tree, private; ERR_PTR. */
static struct mount *mount_new(const char *source)
{
	struct mount *m;

	if (atomic_add(&total, 1) > TOTAL_MAX) {
		atomic_sub(&total, 1);
		return ERR_PTR(-ENOSPC);
	}
	spin_lock(&dcache_lock);
	m = free_mounts;
	if (m)
		free_mounts = m->next_free;
	spin_unlock(&dcache_lock);
	if (!m)
		m = kmalloc(sizeof(*m));
	if (!m)
		goto no_memory;
	memset(m, 0, sizeof(*m));
	m->source = kstrdup(source ? source : "none");
	if (!m->source)
		goto no_source;
	ref_init(&m->ref);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->in_ns);
	list_init(&m->peer);
	list_init(&m->pick);
	m->id = atomic_add(&next_id, 1);
	return m;
no_source:
	mount_recycle(m);
	return ERR_PTR(-ENOMEM);
no_memory:
	atomic_sub(&total, 1);
	return ERR_PTR(-ENOMEM);
}

/* Only what its file system says is for the current task; or an error, and m is gone. */
static struct mount *show_subtree(struct mount *m)
{
	struct dentry *root = m->sb->fs->subtree(m->sb);

	if (IS_ERR(root)) {
		mount_put(m);
		return (void *)root;
	}
	dentry_put(m->root);
	m->root = root;
	return m;
}

struct mount *mount_create(const struct file_system *fs, const struct mount_args *a)
{
	struct super_block *sb;
	struct mount *m;

	sb = fs->mount(fs, a);
	if (IS_ERR(sb))
		return (void *)sb;
	m = mount_new(a->source);
	if (!IS_ERR(m) && !sb->root_dentry)
		sb->root_dentry = dentry_root(sb->root);
	if (IS_ERR(m) || !sb->root_dentry) {
		if (!sb->mounts)
			super_shutdown(sb);
		super_put(sb);
		if (IS_ERR(m))
			return m;
		kfree(m->source);
		mount_recycle(m);
		return ERR_PTR(-ENOMEM);
	}
	m->sb = sb;
	atomic_add(&sb->mounts, 1);
	m->root = sb->root_dentry;
	dentry_get(m->root);
	m->flags = mount_flags_of_ms(a->flags);
	return fs->subtree ? show_subtree(m) : m;
}

struct mount *mount_clone(struct mount *from, struct dentry *root)
{
	struct mount *m = mount_new(from->source);

	if (IS_ERR(m))
		return m;
	m->sb = from->sb;
	super_use(m->sb);
	m->flags = from->flags;
	m->locked = from->locked;
	m->locked_flags = from->locked_flags;
	m->unbindable = from->unbindable;
	m->root = root;
	dentry_get(root);
	return m;
}

/* Under dcache_lock. */
static bool is_mountpoint(const struct dentry *d)
{
	for (struct mount_link *l = *point(d); l; l = l->next)
		if (container_of(l, struct mount, by_point)->mountpoint == d)
			return true;
	return false;
}

/* Out of the hashes and of its parent's children; the mount point's reference passes to the caller. Under dcache_lock. */
static struct dentry *unlink_locked(struct mount *m)
{
	struct dentry *mp = m->mountpoint;

	dcache_write_begin();
	list_del(&m->sibling);
	link_del(&m->by_place);
	link_del(&m->by_point);
	m->parent = NULL;
	m->mountpoint = NULL;
	m->tied = false;
	if (!is_mountpoint(mp))
		mp->flags &= ~DENTRY_MOUNTED;
	dcache_write_end();
	return mp;
}

static void release(struct mount *m)
{
	struct super_block *sb = m->sb;

	dentry_put(m->root);
	super_unuse(sb);
	kfree(m->source);
	mount_recycle(m);
}

/* The last reference is gone. What is tied to m goes with it, unless somebody is in there. */
static void untie_children(struct mount *m, struct list *dead)
{
	spin_lock(&dcache_lock);
	while (!list_empty(&m->children)) {
		struct mount *c = list_first(&m->children, struct mount, sibling);
		struct dentry *mp = unlink_locked(c);

		spin_unlock(&dcache_lock);
		dentry_put(mp);
		if (ref_put(&c->ref))
			list_add(dead, &c->pick);
		spin_lock(&dcache_lock);
	}
	spin_unlock(&dcache_lock);
}

void mount_put(struct mount *m)
{
	struct list dead = LIST_INIT(dead);

	if (!m || !ref_put(&m->ref))
		return;
	list_add(&dead, &m->pick);
	while (!list_empty(&dead)) {
		m = list_first(&dead, struct mount, pick);
		list_del(&m->pick);
		untie_children(m, &dead);
		release(m);
	}
}

/* ---- the tree ---- */

struct mount *mount_find(const struct mount *m, const struct dentry *d)
{
	for (struct mount_link *l = *place(m, d); l; l = l->next) {
		struct mount *c = container_of(l, struct mount, by_place);

		if (c->mountpoint == d && c->parent == m)
			return c;
	}
	return NULL;
}

struct mount *mount_find_lockless(const struct mount *m, const struct dentry *d, u32 seq)
{
	struct mount_link *l = READ_ONCE(*place(m, d));

	/* Stale memory is a mount all the same, but the chain may lead in circles. */
	for (; l && atomic_load(&dcache_seq) == seq; l = READ_ONCE(l->next)) {
		struct mount *c = container_of(l, struct mount, by_place);

		if (READ_ONCE(c->mountpoint) == d && READ_ONCE(c->parent) == m)
			return c;
	}
	return NULL;
}

/* The first mount on d, or the next one after m, in any mount of its file system. */
static struct mount *next_on(const struct dentry *d, struct mount *m)
{
	struct mount_link *l = m ? m->by_point.next : *point(d);

	while (l && container_of(l, struct mount, by_point)->mountpoint != d)
		l = l->next;
	return l ? container_of(l, struct mount, by_point) : NULL;
}

bool mount_is_on(const struct dentry *d)
{
	for (struct mount *m = next_on(d, NULL); m; m = next_on(d, m))
		if (mount_in_own_ns(m))
			return true;
	return false;
}

void mount_detach_from(struct dentry *d)
{
	struct mount *m = next_on(d, NULL);

	while (m) {
		bool stays = m->tied; /* until its parent goes, which no path leads to */

		if (!stays)
			mount_unmount(m, false);
		m = next_on(d, stays ? m : NULL);
	}
}

void path_follow_mounts(struct path_ref *p)
{
	while (p->dentry->flags & DENTRY_MOUNTED) {
		struct mount *m;

		spin_lock(&dcache_lock);
		m = mount_find(p->mnt, p->dentry);
		if (m) {
			mount_get(m);
			dentry_get(m->root);
		}
		spin_unlock(&dcache_lock);
		if (!m)
			return;
		path_put(p);
		p->mnt = m;
		p->dentry = m->root;
	}
}

void mount_hang(struct mount *m, struct mount *parent, struct dentry *mountpoint)
{
	dentry_get(mountpoint);
	mount_get(parent);
	spin_lock(&dcache_lock);
	dcache_write_begin();
	mountpoint->flags |= DENTRY_MOUNTED;
	m->parent = parent;
	m->mountpoint = mountpoint;
	list_add_tail(&parent->children, &m->sibling);
	link_add(place(parent, mountpoint), &m->by_place);
	link_add(point(mountpoint), &m->by_point);
	dcache_write_end();
	spin_unlock(&dcache_lock);
}

void mount_unhang(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *mp;

	if (!parent)
		return;
	spin_lock(&dcache_lock);
	mp = unlink_locked(m);
	spin_unlock(&dcache_lock);
	dentry_put(mp);
	mount_put(parent);
}

void mount_tie(struct mount *m)
{
	m->tied = true;
	mount_put(m->parent);
}

struct mount *mount_next_over(struct mount *m, const struct mount *top)
{
	for (; m != top; m = m->parent)
		if (m->sibling.next != &m->parent->children)
			return list_entry(m->sibling.next, struct mount, sibling);
	return NULL;
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first(&m->children, struct mount, sibling);
	return mount_next_over(m, top);
}

bool path_is_below(const struct path_ref *p, const struct path_ref *root)
{
	const struct dentry *d = p->dentry;
	const struct mount *m = p->mnt;

	for (; m != root->mnt && m->parent; m = m->parent)
		d = m->mountpoint;
	return m == root->mnt && dentry_is_below(d, root->dentry);
}

int mount_may_write(const struct mount *m)
{
	return (m->flags & MNT_RDONLY) || (m->sb->flags & MS_RDONLY) ? -EROFS : 0;
}

void path_get(const struct path_ref *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(struct path_ref *p)
{
	if (p->dentry)
		dentry_put(p->dentry);
	if (p->mnt)
		mount_put(p->mnt);
	p->dentry = NULL;
	p->mnt = NULL;
}

struct inode *path_inode(const struct path_ref *p)
{
	return p->dentry->inode;
}
