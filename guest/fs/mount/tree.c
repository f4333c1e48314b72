/*
 * tree.c - see mount/api.h: trees of mounts as descriptors, their move into place, attributes of mounts. Trees change
 * under vfs_mounts_mutex.
 */
#include <linux/capability.h>
#include <linux/mount.h>

#include "fs/abi.h"
#include "fs/mount/api.h"
#include "fs/mount/peer_group.h"
#include "task/task.h"

/* ---- descriptors ---- */

struct file *mount_tree_file(struct mount *m)
{
	struct path_ref p = { m, m->root };
	struct mount_ns *ns = mount_ns_anon(m);
	struct file *f;

	if (!ns)
		return ERR_PTR(-ENOMEM);
	f = vfs_open_path(&p, O_PATH);
	if (IS_ERR(f))
		mount_ns_put(ns);
	else
		f->mode |= FMODE_MOUNT_TREE;
	return f;
}

/* In the caller's namespace, or in a tree on a descriptor. */
static bool may_touch(const struct mount *m)
{
	return mount_in_own_ns(m) || (m->ns && m->ns->anon);
}

struct file *mount_tree_clone(const struct path_ref *from, bool recursive)
{
	struct mount *m = ERR_PTR(-EINVAL);

	mutex_lock(&vfs_mounts_mutex);
	if (may_touch(from->mnt))
		m = mount_clone_tree(from, recursive);
	mutex_unlock(&vfs_mounts_mutex);
	return IS_ERR(m) ? (void *)m : mount_tree_file(m);
}

int mount_tree_move(const struct path_ref *from, struct path_ref *to, bool beneath)
{
	int err;

	mutex_lock(&vfs_mounts_mutex);
	err = mount_move(from, to, beneath);
	mutex_unlock(&vfs_mounts_mutex);
	return err;
}

static int set_group(const struct path_ref *from, const struct path_ref *to)
{
	struct mount *f = from->mnt, *t = to->mnt, *c;

	if (!f->ns || !t->ns)
		return -EINVAL;
	if (!ns_capable(ns_owner(&f->ns->c), CAP_SYS_ADMIN) ||
	    !ns_capable(ns_owner(&t->ns->c), CAP_SYS_ADMIN))
		return -EPERM;
	if (from->dentry != f->root || to->dentry != t->root || f->sb != t->sb)
		return -EINVAL;
	if (!dentry_is_below(t->root, f->root))
		return -EINVAL;
	list_for_each(c, &f->children, sibling)
		if (c->locked && dentry_is_below(c->mountpoint, t->root))
			return -EINVAL;
	if (t->group || t->master || (!f->group && !f->master))
		return -EINVAL;
	mount_join_peers(t, f);
	t->unbindable = t->unbindable && !t->group;
	return 0;
}

int mount_tree_set_group(const struct path_ref *from, const struct path_ref *to)
{
	int err;

	mutex_lock(&vfs_mounts_mutex);
	err = set_group(from, to);
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
	if (!may_touch(at->mnt))
		err = -EINVAL;
	/* All or none. */
	for (m = at->mnt; m && !err; m = recursive ? mount_next(m, at->mnt) : NULL)
		err = may_change(m, c);
	if (!err && c->propagation)
		err = mount_change_propagation(at->mnt, c->propagation, recursive);
	for (m = at->mnt; m && !err; m = recursive ? mount_next(m, at->mnt) : NULL)
		m->flags = changed(m, c);
	mutex_unlock(&vfs_mounts_mutex);
	return err;
}
