/*
 * mount_tree.c - see mount_api.h: trees of mounts as descriptors, their move into place, attributes of mounts, what statmount(2)
 * and listmount(2) tell. Trees change under vfs_mounts_mutex.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/mount.h"
#include "fs/mount_api.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

#define KNOWN_ATTR                                                                      \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
	 MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME)
#define MNT_ATIMES (MNT_NOATIME | MNT_RELATIME | MNT_STRICTATIME)

int mount_attr_flags(u32 attr, u32 *flags)
{
	u32 f = 0;

	if (attr & ~KNOWN_ATTR)
		return -EINVAL;
	f |= attr & MOUNT_ATTR_RDONLY ? MNT_RDONLY : 0;
	f |= attr & MOUNT_ATTR_NOSUID ? MNT_NOSUID : 0;
	f |= attr & MOUNT_ATTR_NODEV ? MNT_NODEV : 0;
	f |= attr & MOUNT_ATTR_NOEXEC ? MNT_NOEXEC : 0;
	f |= attr & MOUNT_ATTR_NODIRATIME ? MNT_NODIRATIME : 0;
	switch (attr & MOUNT_ATTR__ATIME) {
	case 0: f |= MNT_RELATIME; break;
	case MOUNT_ATTR_NOATIME: f |= MNT_NOATIME; break;
	case MOUNT_ATTR_STRICTATIME: f |= MNT_STRICTATIME; break;
	default: return -EINVAL;
	}
	*flags = f;
	return 0;
}

static u64 attr_of_flags(u32 f)
{
	u64 a = 0;

	a |= f & MNT_RDONLY ? MOUNT_ATTR_RDONLY : 0;
	a |= f & MNT_NOSUID ? MOUNT_ATTR_NOSUID : 0;
	a |= f & MNT_NODEV ? MOUNT_ATTR_NODEV : 0;
	a |= f & MNT_NOEXEC ? MOUNT_ATTR_NOEXEC : 0;
	a |= f & MNT_NODIRATIME ? MOUNT_ATTR_NODIRATIME : 0;
	a |= f & MNT_NOATIME ? MOUNT_ATTR_NOATIME : 0;
	a |= f & MNT_STRICTATIME ? MOUNT_ATTR_STRICTATIME : 0;
	return a;
}

/* ---- descriptors ---- */

static struct mount *top_of(struct mount *m)
{
	while (m->parent)
		m = m->parent;
	return m;
}

struct file *mount_tree_file(struct mount *m)
{
	struct path_ref p = { m, m->root };
	struct file *f = vfs_open_path(&p, O_PATH);

	if (IS_ERR(f)) {
		mutex_lock(&vfs_mounts_mutex);
		mount_detach_all(m);
		mutex_unlock(&vfs_mounts_mutex);
		return f;
	}
	m->floating = true;
	f->mode |= FMODE_MOUNT_TREE;
	return f;
}

struct file *mount_tree_clone(const struct path_ref *from, bool recursive)
{
	struct mount *m;

	mutex_lock(&vfs_mounts_mutex);
	if (mount_in_own_ns(from->mnt) || top_of(from->mnt)->floating)
		m = mount_clone_tree(from, recursive);
	else
		m = ERR_PTR(-EINVAL);
	mutex_unlock(&vfs_mounts_mutex);
	return IS_ERR(m) ? (void *)m : mount_tree_file(m);
}

/* ---- moving ---- */

static bool is_dir(const struct path_ref *p)
{
	return S_ISDIR(path_inode(p)->mode);
}

static int move(struct mount *m, const struct path_ref *to)
{
	int err;

	if (to->dentry->flags & DENTRY_DELETED)
		return -ENOENT;
	if (m->parent)
		mount_detach(m);
	m->floating = false;
	err = mount_attach(m, to);
	if (err)
		mount_detach_all(m);
	return err;
}

int mount_tree_move(const struct path_ref *from, const struct path_ref *to, bool beneath)
{
	struct mount *m = from->mnt;
	int err = -EINVAL;

	mutex_lock(&vfs_mounts_mutex);
	if (from->dentry != m->root || m->locked || beneath)
		goto out;
	if (m->parent ? !mount_in_own_ns(m) : !m->floating)
		goto out;
	if (!mount_in_own_ns(to->mnt) || is_dir(from) != is_dir(to))
		goto out;
	for (struct mount *p = to->mnt; p; p = p->parent) {
		if (p == m) {
			err = -ELOOP;
			goto out;
		}
	}
	err = move(m, to);
out:
	mutex_unlock(&vfs_mounts_mutex);
	return err;
}

/* ---- attributes ---- */

/* What m's flags become. */
static u32 changed(const struct mount *m, const struct mount_attr_change *c)
{
	u32 set = 0, clear = 0;

	mount_attr_flags(c->set, &set);
	mount_attr_flags(c->clear & ~MOUNT_ATTR__ATIME, &clear);
	if (c->clear & MOUNT_ATTR__ATIME)
		clear |= MNT_ATIMES;
	else
		set &= ~MNT_ATIMES, clear &= ~MNT_ATIMES;
	return (m->flags & ~clear) | set;
}

static int may_change(const struct mount *m, const struct mount_attr_change *c)
{
	u32 flags = changed(m, c);

	if (m->locked_flags & ~flags)
		return -EPERM;
	return flags & ~m->flags & MNT_RDONLY && atomic_load(&m->writers) ? -EBUSY : 0;
}

int mount_tree_setattr(const struct path_ref *at, const struct mount_attr_change *c, bool recursive)
{
	struct mount *m;
	int err = 0;

	if (at->dentry != at->mnt->root)
		return -EINVAL;
	mutex_lock(&vfs_mounts_mutex);
	if (!mount_in_own_ns(at->mnt) && !top_of(at->mnt)->floating)
		err = -EINVAL;
	/* All or none. */
	for (m = at->mnt; m && !err; m = recursive ? mount_next(m, at->mnt) : NULL)
		err = may_change(m, c);
	for (m = at->mnt; m && !err; m = recursive ? mount_next(m, at->mnt) : NULL)
		m->flags = changed(m, c);
	mutex_unlock(&vfs_mounts_mutex);
	return err;
}

/* ---- what is mounted ---- */

/* A mount of the caller's namespace that his root reaches; NULL. */
static struct mount *by_id(u64 id)
{
	struct mount *m;

	list_for_each(m, &vfs_mounts, all)
		if (m->id == id && mount_in_own_ns(m))
			return m;
	return NULL;
}

static bool reachable(const struct mount *m, const struct path_ref *root)
{
	const struct dentry *d = m->root;

	for (; m != root->mnt && m->parent; m = m->parent)
		d = m->mountpoint;
	return m == root->mnt && dentry_is_below(d, root->dentry);
}

s64 mount_list(u64 id, u64 after, u64 *ids, size_t n)
{
	struct path_ref root;
	struct mount *m, *top;
	size_t k = 0;
	s64 err = 0;

	fs_context_root(&root);
	mutex_lock(&vfs_mounts_mutex);
	top = id ? by_id(id) : root.mnt;
	if (!top || (id && !reachable(top, &root)))
		err = -ENOENT;
	while (!err && k < n) { /* in the order of their numbers */
		u64 next = ~0ULL;

		list_for_each(m, &vfs_mounts, all) {
			bool below = m != top && (!id || m->parent == top) && reachable(m, &root);

			if (below && m->id > after && m->id < next)
				next = m->id;
		}
		if (next == ~0ULL)
			break;
		ids[k++] = after = next;
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&root);
	return err ? err : (s64)k;
}

static char *name_below(const struct path_ref *p, const struct path_ref *root, char *buf,
			size_t size)
{
	bool below;
	char *name = path_name_from(p, root, buf, (unsigned)size, &below);

	return IS_ERR(name) || !below ? NULL : name;
}

/* A dentry's name from the root of its file system, at the end of buf; NULL: too long. */
static char *name_in_super(const struct dentry *d, char *buf, size_t size)
{
	char *p = buf + size - 1;

	*p = 0;
	spin_lock(&dcache_lock);
	for (; d->parent != d && p; d = d->parent) {
		if ((size_t)(p - buf) < d->len + 1u) {
			p = NULL;
			break;
		}
		p -= d->len;
		memcpy(p, d->name, d->len);
		*--p = '/';
	}
	spin_unlock(&dcache_lock);
	if (p && !*p)
		*--p = '/';
	return p;
}

int mount_status(u64 id, struct mount_status *s)
{
	struct path_ref root;
	struct mount *m;
	int err = -ENOENT;

	fs_context_root(&root);
	mutex_lock(&vfs_mounts_mutex);
	m = by_id(id);
	if (m && reachable(m, &root)) {
		struct path_ref at = { m, m->root };

		s->dev = m->sb->dev;
		s->magic = m->sb->magic;
		s->sb_flags = m->sb->flags &
			      (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME);
		s->id = m->id;
		s->parent = m->parent ? m->parent->id : m->id;
		s->attr = attr_of_flags(m->flags);
		ksnprintf(s->type, sizeof(s->type), "%s", m->sb->fs->name);
		s->root = name_in_super(m->root, s->buf[0], sizeof(s->buf[0]));
		s->point = name_below(&at, &root, s->buf[1], sizeof(s->buf[1]));
		err = 0;
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&root);
	return err;
}
