/*
 * mount.c - mounts: making them, finding them, attaching and detaching.
 *
 * Finding costs no lock when called by the fast walk, and goes over the mounts of one parent otherwise (few).
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/mount.h"
#include "mm/slab.h"

struct mutex vfs_mounts_mutex = MUTEX_INIT(vfs_mounts_mutex);
struct mount *vfs_root_mount;
struct list vfs_mounts = LIST_INIT(vfs_mounts);
static struct mount *free_mounts; /* never given back: dentry.h on lockless readers */
static u32 next_id = 20;

static struct mount *mount_new(const char *source)
{
	struct mount *m;

	spin_lock(&dcache_lock);
	m = free_mounts;
	if (m)
		free_mounts = m->next_free;
	spin_unlock(&dcache_lock);
	if (!m)
		m = kmalloc(sizeof(*m));
	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->source = kstrdup(source ? source : "none");
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	ref_init(&m->ref);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->all);
	m->id = atomic_add(&next_id, 1);
	return m;
}

u32 mount_flags_of_ms(u64 ms)
{
	u32 f = 0;

	f |= ms & MS_RDONLY ? MNT_RDONLY : 0;
	f |= ms & MS_NOSUID ? MNT_NOSUID : 0;
	f |= ms & MS_NODEV ? MNT_NODEV : 0;
	f |= ms & MS_NOEXEC ? MNT_NOEXEC : 0;
	f |= ms & MS_NODIRATIME ? MNT_NODIRATIME : 0;
	if (ms & MS_NOATIME)
		f |= MNT_NOATIME;
	else if (ms & MS_STRICTATIME)
		f |= MNT_STRICTATIME;
	else
		f |= MNT_RELATIME;
	return f;
}

u64 mount_ms_of_flags(u32 f)
{
	u64 ms = 0;

	ms |= f & MNT_RDONLY ? MS_RDONLY : 0;
	ms |= f & MNT_NOSUID ? MS_NOSUID : 0;
	ms |= f & MNT_NODEV ? MS_NODEV : 0;
	ms |= f & MNT_NOEXEC ? MS_NOEXEC : 0;
	ms |= f & MNT_NODIRATIME ? MS_NODIRATIME : 0;
	ms |= f & MNT_NOATIME ? MS_NOATIME : 0;
	ms |= f & MNT_STRICTATIME ? MS_STRICTATIME : 0;
	ms |= f & MNT_RELATIME ? MS_RELATIME : 0;
	return ms;
}

struct mount *mount_create(const struct file_system *fs, const struct mount_args *a)
{
	struct super_block *sb;
	struct mount *m;

	sb = fs->mount(fs, a);
	if (IS_ERR(sb))
		return (void *)sb;
	m = mount_new(a->source);
	if (m && !sb->root_dentry)
		sb->root_dentry = dentry_root(sb->root);
	if (!m || !sb->root_dentry) {
		if (!sb->mounts)
			super_shutdown(sb);
		super_put(sb);
		if (m) {
			kfree(m->source);
			kfree(m);
		}
		return ERR_PTR(-ENOMEM);
	}
	m->sb = sb;
	atomic_add(&sb->mounts, 1);
	m->root = sb->root_dentry;
	dentry_get(m->root);
	m->flags = mount_flags_of_ms(a->flags);
	return m;
}

struct mount *mount_clone(struct mount *from, struct dentry *root)
{
	struct mount *m = mount_new(from->source);

	if (!m)
		return ERR_PTR(-ENOMEM);
	m->sb = from->sb;
	super_get(m->sb);
	atomic_add(&m->sb->mounts, 1);
	m->flags = from->flags;
	m->locked = from->locked;
	m->locked_flags = from->locked_flags;
	m->root = root;
	dentry_get(root);
	return m;
}

void mount_put(struct mount *m)
{
	struct super_block *sb;

	if (!m || !ref_put(&m->ref))
		return;
	sb = m->sb;
	dentry_put(m->root);
	if (atomic_sub(&sb->mounts, 1) == 0)
		super_shutdown(sb);
	super_put(sb);
	kfree(m->source);
	spin_lock(&dcache_lock);
	m->next_free = free_mounts;
	free_mounts = m;
	spin_unlock(&dcache_lock);
}

struct mount *mount_find(struct mount *m, struct dentry *d)
{
	struct mount *c, *hit = NULL;

	list_for_each(c, &m->children, sibling)
		if (c->mountpoint == d)
			hit = c; /* the latest one is on top */
	return hit;
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

void mount_set_root(struct mount *m)
{
	spin_lock(&dcache_lock);
	dcache_write_begin();
	m->attached = true;
	if (!vfs_root_mount)
		vfs_root_mount = m;
	list_add_tail(&vfs_mounts, &m->all);
	dcache_write_end();
	spin_unlock(&dcache_lock);
}

int mount_attach(struct mount *m, const struct path_ref *at)
{
	struct inode *i = at->dentry->inode;

	if (!i || S_ISDIR(i->mode) != S_ISDIR(m->root->inode->mode))
		return -ENOTDIR;
	if (at->dentry->flags & DENTRY_DELETED)
		return -ENOENT;
	dentry_get(at->dentry);
	mount_get(at->mnt);
	spin_lock(&dcache_lock);
	dcache_write_begin();
	at->dentry->flags |= DENTRY_MOUNTED;
	m->parent = at->mnt;
	m->mountpoint = at->dentry;
	m->attached = true;
	list_add_tail(&at->mnt->children, &m->sibling);
	list_add_tail(&vfs_mounts, &m->all);
	dcache_write_end();
	spin_unlock(&dcache_lock);
	return 0;
}

int mount_attach_locked(struct mount *m, const struct path_ref *at)
{
	int err;

	mutex_lock(&vfs_mounts_mutex);
	err = mount_attach(m, at);
	mutex_unlock(&vfs_mounts_mutex);
	if (err)
		mount_put(m);
	return err;
}

/* Is the dentry a mount point of any mount? Under dcache_lock. */
static bool is_mountpoint(const struct dentry *d)
{
	struct mount *m;

	list_for_each(m, &vfs_mounts, all)
		if (m->mountpoint == d)
			return true;
	return false;
}

void mount_detach(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *mp = m->mountpoint;

	spin_lock(&dcache_lock);
	dcache_write_begin();
	list_del(&m->sibling);
	list_del(&m->all);
	m->parent = NULL;
	m->mountpoint = NULL;
	m->attached = false;
	if (mp && !is_mountpoint(mp))
		mp->flags &= ~DENTRY_MOUNTED;
	dcache_write_end();
	spin_unlock(&dcache_lock);
	if (mp)
		dentry_put(mp);
	if (parent)
		mount_put(parent);
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
