/*
 * mount_ns.c - mount namespaces: each is one tree of mounts, and lives as long as an fs_context is in it.
 *
 * A tree hangs on nothing, so what a namespace sees is what can be reached from its root; nothing else tells namespaces
 * apart. Linux keeps the namespace with the task, here it is with root and working directory, which CLONE_NEWNS unshares
 * anyway. Differs from Linux: no propagation, so a mount made in one namespace never appears in another.
 *
 * ns->root changes under vfs_mounts_mutex (pivot_root).
 */
#include <linux/capability.h>

#include "fs/mount.h"
#include "mm/slab.h"
#include "task/task.h"

struct mount_ns *mount_ns_create(struct mount *root, struct user_ns *owner)
{
	static bool first = true;
	struct mount_ns *ns = kzalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ref_init(&ns->c.ref);
	ns->c.kind = NS_MNT;
	ns->c.inum = first ? ns_types[NS_MNT].first_inum : ns_new_inum();
	first = false;
	if (owner && owner != &first_user_ns) {
		user_ns_get(owner);
		ns->c.owner = owner;
	}
	ns->root = root;
	return ns;
}

void mount_ns_get(struct mount_ns *ns)
{
	ref_get(&ns->c.ref);
}

void mount_ns_put(struct mount_ns *ns)
{
	if (!ns || !ref_put(&ns->c.ref))
		return;
	if (ns->root)
		mount_drop_tree(ns->root);
	if (ns->c.owner)
		user_ns_put(ns->c.owner);
	kfree(ns);
}

static void put(struct ns_common *n)
{
	mount_ns_put(container_of(n, struct mount_ns, c));
}

void mount_ns_init(void)
{
	ns_types[NS_MNT].put = put;
}

bool mount_may_admin(void)
{
	struct mount_ns *ns = task_current()->fs ? task_current()->fs->ns : NULL;

	return ns_capable(ns ? ns_owner(&ns->c) : &first_user_ns, CAP_SYS_ADMIN);
}

bool mount_in_own_ns(const struct mount *m)
{
	struct mount_ns *ns = task_current()->fs->ns;

	while (m->parent)
		m = m->parent;
	return ns && m == ns->root;
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first(&m->children, struct mount, sibling);
	while (m != top) {
		if (m->sibling.next != &m->parent->children)
			return list_entry(m->sibling.next, struct mount, sibling);
		m = m->parent;
	}
	return NULL;
}

/* What a copy for a less privileged owner must keep: what it hides, and the flags that protect something. */
static void lock_mount(struct mount *c, bool top)
{
	c->locked = !top;
	c->locked_flags |= c->flags & (MNT_RDONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC);
}

/* A copy of the tree below top; each mount's `copy` is its copy. vfs_mounts_mutex held. ERR_PTR. */
static struct mount *copy_tree(struct mount *top, bool lock)
{
	struct mount *root = NULL;

	for (struct mount *m = top; m; m = mount_next(m, top)) {
		struct mount *c = mount_clone(m, m->root);
		struct path_ref at;
		int err;

		if (IS_ERR(c)) {
			if (root)
				mount_detach_all(root);
			return c;
		}
		m->copy = c;
		if (lock)
			lock_mount(c, m == top);
		if (m == top) {
			mount_set_root(c);
			root = c;
			continue;
		}
		at = (struct path_ref){ m->parent->copy, m->mountpoint };
		err = mount_attach(c, &at);
		if (err == -ENOENT) { /* its mount point was removed: nobody reaches it by name */
			at.dentry = m->parent->root;
			err = mount_attach(c, &at);
		}
		if (err) {
			mount_put(c);
			mount_detach_all(root);
			return ERR_PTR(err);
		}
	}
	return root;
}

/* p as the copied tree has it; a path outside of the tree stays. */
static void move_path(struct fs_context *fs, const struct path_ref *p, struct mount *top,
		      void (*set)(struct fs_context *, const struct path_ref *))
{
	struct path_ref to = *p;
	struct mount *m = p->mnt;

	while (m->parent)
		m = m->parent;
	if (m != top)
		return;
	to.mnt = p->mnt->copy;
	set(fs, &to);
}

int fs_context_new_ns(struct fs_context *fs, struct user_ns *owner)
{
	struct mount_ns *ns, *old = fs->ns;
	struct mount *root;

	if (!old)
		return -EINVAL;
	ns = mount_ns_create(NULL, owner);
	if (!ns)
		return -ENOMEM;
	mutex_lock(&vfs_mounts_mutex);
	root = copy_tree(old->root, owner != ns_owner(&old->c));
	if (!IS_ERR(root)) {
		ns->root = root;
		fs->ns = ns;
		move_path(fs, &fs->root, old->root, fs_context_set_root);
		move_path(fs, &fs->cwd, old->root, fs_context_set_cwd);
	}
	mutex_unlock(&vfs_mounts_mutex);
	if (IS_ERR(root)) {
		mount_ns_put(ns);
		return (int)PTR_ERR(root);
	}
	mount_ns_put(old);
	return 0;
}

struct ns_common *fs_context_ns(struct fs_context *fs)
{
	return fs->ns ? &fs->ns->c : NULL;
}

struct fs_context *fs_context_enter_ns(struct fs_context *old, struct ns_common *n)
{
	struct mount_ns *ns = container_of(n, struct mount_ns, c), *before;
	struct fs_context *fs;
	struct path_ref root;

	if (!old || atomic_load(&old->ref.n) > 1)
		return ERR_PTR(-EINVAL);
	fs = fs_context_clone(old);
	if (IS_ERR(fs))
		return fs;
	mutex_lock(&vfs_mounts_mutex);
	root = (struct path_ref){ ns->root, ns->root->root };
	path_get(&root);
	mutex_unlock(&vfs_mounts_mutex);
	path_follow_mounts(&root);
	before = fs->ns;
	mount_ns_get(ns);
	fs->ns = ns;
	mount_ns_put(before);
	fs_context_set_root(fs, &root);
	fs_context_set_cwd(fs, &root);
	path_put(&root);
	return fs;
}
