/*
 * copy.c - see mount.h: copies of trees of mounts, for bind mounts, for propagation, for namespaces. All under
 * vfs_mounts_mutex. No recursion: a hostile tree may be as deep as there are mounts.
 */
#include "fs/mount/peer_group.h"

/* What the copy receives and passes on. */
static int set_peers(struct mount *c, const struct mount *m, unsigned how)
{
	if ((how & COPY_SLAVE) || ((how & COPY_SHARED_TO_SLAVE) && m->group))
		mount_join_slaves(c, m);
	else
		mount_join_peers(c, m);
	return how & COPY_SHARE ? mount_share(c) : 0;
}

static struct mount *copy_one(struct mount *m, struct dentry *root, unsigned how)
{
	struct mount *c = mount_clone(m, root);
	int err;

	if (IS_ERR(c))
		return c;
	err = set_peers(c, m, how);
	if (err) {
		mount_free_tree(c);
		return ERR_PTR(err);
	}
	m->copy = c;
	return c;
}

/* Is it left out, with what is below? */
static bool left_out(const struct mount *m, const struct mount *top, const struct dentry *root,
		     unsigned how)
{
	if (m->parent == top && !dentry_is_below(m->mountpoint, root))
		return true;
	return m->unbindable && !(how & COPY_UNBINDABLE);
}

struct mount *mount_copy_tree(struct mount *top, struct dentry *root, unsigned how)
{
	struct mount *m, *c, *copy;

	if (top->unbindable && !(how & COPY_UNBINDABLE))
		return ERR_PTR(-EINVAL);
	copy = copy_one(top, root, how);
	if (IS_ERR(copy) || !(how & COPY_BELOW))
		return copy;
	for (m = mount_next(top, top); m;) {
		if (left_out(m, top, root, how)) {
			c = m->unbindable && m->locked ? ERR_PTR(-EPERM) : NULL;
			m = mount_next_over(m, top);
		} else {
			c = copy_one(m, m->root, how);
			if (!IS_ERR(c))
				mount_hang(c, m->parent->copy, m->mountpoint);
			m = mount_next(m, top);
		}
		if (IS_ERR(c)) {
			mount_free_tree(copy);
			return c;
		}
	}
	return copy;
}

static bool has_locked_below(const struct mount *m, const struct dentry *d)
{
	struct mount *c;

	list_for_each(c, &m->children, sibling)
		if (c->locked && dentry_is_below(c->mountpoint, d))
			return true;
	return false;
}

struct mount *mount_clone_tree(const struct path_ref *from, bool recursive)
{
	struct mount *m;

	if (!recursive && has_locked_below(from->mnt, from->dentry))
		return ERR_PTR(-EINVAL);
	m = mount_copy_tree(from->mnt, from->dentry, recursive ? COPY_BELOW : 0);
	if (!IS_ERR(m))
		m->locked = false;
	return m;
}

void mount_lock_tree(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		m->locked = m != top;
		m->locked_flags |= m->flags & (MNT_RDONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC);
	}
}
