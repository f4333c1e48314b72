/*
 * ns.c - mount namespaces: each is one tree of mounts, and lives as long as an fs_context is in it.
 *
 * A tree hangs on nothing, so what a namespace sees is what can be reached from its root. Linux keeps the namespace with the
 * task, here it is with root and working directory, which CLONE_NEWNS unshares anyway. A tree on a descriptor (mount/api.h)
 * has an anonymous namespace, as in Linux.
 */
#include <linux/capability.h>

#include "fs/mount/peer_group.h"
#include "mm/slab.h"
#include "task/task.h"

u32 mount_max = 100000;

static struct mount_ns *ns_alloc(struct mount *root)
{
	struct mount_ns *ns = kzalloc(sizeof(*ns));

	mutex_lock(&vfs_mounts_mutex);
	if (ns) {
		ref_init(&ns->c.ref);
		ns->c.kind = NS_MNT;
		list_init(&ns->mounts);
		ns->root = root;
		if (root)
			mount_ns_add(ns, root);
	} else if (root) {
		mount_free_tree(root);
	}
	mutex_unlock(&vfs_mounts_mutex);
	return ns;
}

struct mount_ns *mount_ns_create(struct mount *root, struct user_ns *owner)
{
	static bool first = true;
	struct mount_ns *ns = ns_alloc(root);

	if (!ns)
		return NULL;
	ns->c.inum = first ? ns_types[NS_MNT].first_inum : ns_new_inum();
	if (first)
		vfs_root_mount = root;
	first = false;
	if (owner && owner != &first_user_ns) {
		user_ns_get(owner);
		ns->c.owner = owner;
	}
	return ns;
}

struct mount_ns *mount_ns_anon(struct mount *root)
{
	struct mount_ns *ns = ns_alloc(root);

	if (ns)
		ns->anon = true;
	return ns;
}

/* ---- what is in it ---- */

static void add_one(struct mount_ns *ns, struct mount *m)
{
	struct list *pos = &ns->mounts;

	/* Mostly the newest of all. */
	while (pos->prev != &ns->mounts && list_entry(pos->prev, struct mount, in_ns)->id > m->id)
		pos = pos->prev;
	list_add_tail(pos, &m->in_ns);
	m->ns = ns;
	ns->nr++;
}

/* All of an anonymous namespace: two lists in order become one. */
static void merge(struct mount_ns *ns, struct mount_ns *from)
{
	struct list *pos = ns->mounts.next;

	while (!list_empty(&from->mounts)) {
		struct mount *m = list_first(&from->mounts, struct mount, in_ns);

		while (pos != &ns->mounts && list_entry(pos, struct mount, in_ns)->id < m->id)
			pos = pos->next;
		list_del(&m->in_ns);
		list_add_tail(pos, &m->in_ns);
		m->ns = ns;
	}
	ns->nr += from->nr;
	kfree(from);
}

void mount_ns_add(struct mount_ns *ns, struct mount *top)
{
	if (top->ns) {
		merge(ns, top->ns);
		return;
	}
	for (struct mount *m = top; m; m = mount_next(m, top))
		add_one(ns, m);
}

void mount_ns_remove(struct mount *m)
{
	if (!m->ns)
		return;
	list_del(&m->in_ns);
	m->ns->nr--;
	m->ns = NULL;
}

int mount_ns_reserve(struct mount_ns *ns, u32 n)
{
	u64 sum = (u64)ns->nr + ns->pending + n;

	if (sum > READ_ONCE(mount_max))
		return -ENOSPC;
	ns->pending += n;
	return 0;
}

void mount_ns_get(struct mount_ns *ns)
{
	ref_get(&ns->c.ref);
}

void mount_ns_put(struct mount_ns *ns)
{
	if (!ns || !ref_put(&ns->c.ref))
		return;
	mutex_lock(&vfs_mounts_mutex);
	if (ns->root)
		mount_unmount(ns->root, false);
	mutex_unlock(&vfs_mounts_mutex);
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
	return m->ns && m->ns == task_current()->fs->ns;
}

void mount_tree_close(struct mount *m)
{
	struct mount_ns *ns = NULL;

	/* Another descriptor may still lead to it, with nothing left to give. */
	mutex_lock(&vfs_mounts_mutex);
	if (mount_is_floating(m))
		ns = m->ns;
	mutex_unlock(&vfs_mounts_mutex);
	mount_ns_put(ns);
}

/* ---- fs_context ---- */

/* p as the copied tree has it; a path outside of the tree stays. */
static void move_path(struct fs_context *fs, const struct path_ref *p, const struct mount_ns *old,
		      void (*set)(struct fs_context *, const struct path_ref *))
{
	struct path_ref to = { p->mnt->copy, p->dentry };

	if (p->mnt->ns == old)
		set(fs, &to);
}

int fs_context_new_ns(struct fs_context *fs, struct user_ns *owner)
{
	struct mount_ns *ns, *old = fs->ns;
	struct mount *root;
	bool stranger;

	if (!old)
		return -EINVAL;
	stranger = owner != ns_owner(&old->c);
	ns = mount_ns_create(NULL, owner);
	if (!ns)
		return -ENOMEM;
	mutex_lock(&vfs_mounts_mutex);
	root = mount_copy_tree(old->root, old->root->root,
			       COPY_BELOW | COPY_UNBINDABLE |
				       (stranger ? COPY_SHARED_TO_SLAVE : 0));
	if (!IS_ERR(root)) {
		if (stranger)
			mount_lock_tree(root);
		ns->root = root;
		mount_ns_add(ns, root);
		fs->ns = ns;
		move_path(fs, &fs->root, old, fs_context_set_root);
		move_path(fs, &fs->cwd, old, fs_context_set_cwd);
	}
	mutex_unlock(&vfs_mounts_mutex);
	mount_ns_put(IS_ERR(root) ? ns : old);
	return IS_ERR(root) ? (int)PTR_ERR(root) : 0;
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
