/*
 * cgroupfs.c - the file system cgroup2: directories of control groups, mounts, namespaces.
 *
 * A container's groups are one super block, made at its first mount and kept until the container ends; the root is the
 * group that the host made for it. A mount made in a cgroup namespace shows that namespace's root. The type "cgroup" (v1)
 * shows the same, as runc does on a v2 host.
 *
 * Every file is made with its directory; those of controllers that a group does not have are hidden. Locks: the tree is
 * task_lock's (task/cgroup/cgroup.h), which comes after the directories' mutexes.
 */
#include <linux/magic.h>
#include <string.h>

#include "fs/cgroup/cgroupfs.h"
#include "fs/cgroup/priv.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/poll_bits.h"
#include "mm/slab.h"
#include "task/container.h"
#include "task/ns/ns.h"

/* ---- directories ---- */

static bool cgroup_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	/* What is missing may have come with a controller. */
	return cgroup_file_hidden(dir->priv, name, len) == !i;
}

static struct inode *cgroup_lookup(struct inode *dir, const char *name, unsigned len)
{
	return cgroup_file_hidden(dir->priv, name, len) ? ERR_PTR(-ENOENT)
							: pseudo_lookup(dir, name, len);
}

struct visible {
	struct dir_context ctx, *out;
	const struct cgroup *g;
};

static bool emit_visible(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
			 unsigned type)
{
	struct visible *v = container_of(ctx, struct visible, ctx);

	return cgroup_file_hidden(v->g, name, len) || dir_emit(v->out, name, len, next, ino, type);
}

static int cgroup_readdir(struct file *f, struct dir_context *ctx)
{
	struct visible v = { { .emit = emit_visible }, ctx, f->inode->priv };

	if (!dir_emit_dots(f, ctx))
		return 0;
	v.ctx.pos = ctx->pos;
	pseudo_readdir_static(f->inode, &v.ctx);
	ctx->pos = v.ctx.pos;
	return 0;
}

static void cgroup_evict(struct inode *i)
{
	struct cgroup *g = i->priv;
	struct cgroup_dir *d;

	spin_lock(&task_lock);
	d = g->dir;
	g->dir = NULL;
	spin_unlock(&task_lock);
	kfree(d);
	pseudo_dir_ops.evict(i);
	cgroup_forget(g);
}

static struct inode *cgroup_make(struct inode *dir, const char *name, unsigned len,
				 const struct make_args *a);

static int cgroup_rmdir(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	int err = cgroup_remove(victim->priv);

	if (!err)
		inode_put(pseudo_remove_locked(dir, name, len));
	cgroup_tell();
	return err;
}

static const struct file_ops dir_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = cgroup_readdir,
};
static const struct inode_ops dir_iops = {
	.lookup = cgroup_lookup,
	.revalidate = cgroup_revalidate,
	.make = cgroup_make,
	.rmdir = cgroup_rmdir,
	.setattr = pseudo_setattr,
	.evict = cgroup_evict,
	.fops = &dir_fops,
};

/* The directory of g, whose reference it takes over; NULL: no memory. */
static struct inode *make_dir(struct super_block *sb, struct cgroup *g, const struct make_args *a)
{
	struct cgroup_dir *d = kzalloc(sizeof(*d));
	struct inode *i = d ? pseudo_dir_inode(sb, a->mode, &dir_iops, g) : NULL;

	if (!i) {
		kfree(d);
		cgroup_forget(g);
		return NULL;
	}
	i->uid = a->uid;
	i->gid = a->gid;
	d->inode = i;
	if (cgroup_files_make(i, g, d, a)) {
		kfree(d);
		inode_put(i);
		return NULL;
	}
	spin_lock(&task_lock);
	g->dir = d;
	spin_unlock(&task_lock);
	return i;
}

static struct inode *cgroup_make(struct inode *dir, const char *name, unsigned len,
				 const struct make_args *a)
{
	char text[NAME_MAX + 1] = { 0 };
	struct cgroup *g;
	struct inode *i;
	int err;

	if (!S_ISDIR(a->mode))
		return ERR_PTR(S_ISREG(a->mode) ? -EACCES : -EPERM);
	memcpy(text, name, len);
	if (strchr(text, '\n'))
		return ERR_PTR(-EINVAL);
	g = cgroup_create(dir->priv, text);
	if (IS_ERR(g))
		return (void *)g;
	i = make_dir(dir->sb, g, a);
	if (!i)
		return ERR_PTR(-ENOMEM);
	err = pseudo_add_locked(dir, text, i);
	if (err) {
		inode_put(i);
		return ERR_PTR(err);
	}
	inode_get(i);
	return i;
}

/* ---- news ---- */

/* One file of g, with a reference; NULL: its directory is gone. */
static struct inode *watched_file(struct cgroup *g, unsigned k)
{
	struct inode *i = NULL;
	struct cgroup_dir *d;

	spin_lock(&task_lock);
	d = g->dir;
	if (d && d->watched[k])
		inode_get(i = d->watched[k]);
	spin_unlock(&task_lock);
	return i;
}

static void tell(struct cgroup *g, u32 news)
{
	for (unsigned k = 0; k < CGROUP_NEWS_KINDS; k++) {
		struct inode *i = news >> k & 1 ? watched_file(g, k) : NULL;
		struct cgroup_file *f;

		if (!i)
			continue;
		f = i->priv;
		atomic_add(&f->event.count, 1);
		poll_wake(&f->event.q, POLLPRI | POLLERR);
		notify_inode(i, IN_MODIFY);
		inode_put(i);
	}
}

/* ---- mounts ---- */

static struct mutex mounting = MUTEX_INIT(mounting); /* containers' super blocks: made once */

static struct super_block *make_super(const struct file_system *fs, struct cgroup *root)
{
	struct super_block *sb = super_alloc(fs, NULL, CGROUP2_SUPER_MAGIC, 0);

	if (!sb)
		return ERR_PTR(-ENOMEM);
	cgroup_get(root);
	sb->root = make_dir(sb, root, &(struct make_args){ .mode = S_IFDIR | 0755 });
	if (!sb->root) {
		super_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	sb->kept = true;
	return sb;
}

static struct super_block *cgroup_mount(const struct file_system *fs, const struct mount_args *a)
{
	struct cgroup *root = cgroup_ns_root();
	struct super_block *sb;

	if (!root)
		return ERR_PTR(-EINVAL);
	while (root->parent)
		root = root->parent;
	mutex_lock(&mounting);
	sb = root->dir ? ((struct cgroup_dir *)root->dir)->inode->sb : make_super(fs, root);
	if (!IS_ERR(sb))
		super_get(sb);
	mutex_unlock(&mounting);
	return sb;
}

/* What a mount shows: the directory of the namespace's root, with a reference. */
static struct dentry *cgroup_subtree(struct super_block *sb)
{
	struct cgroup *root = sb->root->priv, *g;
	struct dentry *d = sb->root_dentry;

	dentry_get(d);
	while (!IS_ERR(d) && d->inode && d->inode->priv != cgroup_ns_root()) {
		struct inode *dir = d->inode;
		struct dentry *parent = d;

		for (g = cgroup_ns_root(); g->parent && g->parent != dir->priv; g = g->parent)
			;
		if (g == root)
			break;
		mutex_lock(&dir->mutex);
		d = walk_child_locked(parent, g->name, (unsigned)strlen(g->name));
		mutex_unlock(&dir->mutex);
		dentry_put(parent);
	}
	if (!IS_ERR(d) && !d->inode) {
		dentry_put(d);
		return ERR_PTR(-ENOENT);
	}
	return d;
}

/* Some group below root that has none below itself, with a reference; NULL: there is none. */
static struct cgroup *some_leaf(struct cgroup *root)
{
	struct cgroup *g = root;

	spin_lock(&task_lock);
	while (!list_empty(&g->children))
		g = list_first(&g->children, struct cgroup, sibling);
	cgroup_get(g);
	spin_unlock(&task_lock);
	if (g != root)
		return g;
	cgroup_put(g);
	return NULL;
}

/* One by one from the leaves: a directory that went with all that is in it would do so by recursion. */
static void remove_below(struct cgroup *root)
{
	struct cgroup *g;
	bool removed = true;

	while (removed && (g = some_leaf(root))) {
		struct cgroup_dir *up = g->parent->dir;
		struct inode *i;

		removed = !cgroup_remove(g);
		mutex_lock(&up->inode->mutex);
		i = removed ? pseudo_remove_locked(up->inode, g->name, (unsigned)strlen(g->name))
			    : NULL;
		mutex_unlock(&up->inode->mutex);
		inode_put(i);
		cgroup_put(g);
	}
}

void cgroupfs_drop(struct cgroup *root)
{
	struct super_block *sb = NULL;

	mutex_lock(&mounting);
	if (root->dir)
		sb = ((struct cgroup_dir *)root->dir)->inode->sb;
	mutex_unlock(&mounting);
	if (!sb)
		return;
	remove_below(root);
	sb->kept = false;
	if (!sb->mounts)
		super_shutdown(sb);
	super_put(sb);
}

static const struct file_system cgroup2_fs = {
	.name = "cgroup2",
	.handles = HANDLES_KERNFS,
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = cgroup_mount,
	.subtree = cgroup_subtree,
};

/* ---- namespaces, descriptors ---- */

/* The root of a new one is the group of who makes it. */
static void *ns_create(struct ns_common *n)
{
	struct cgroup *g;

	spin_lock(&task_lock);
	g = task_current()->process->cgroup;
	cgroup_get(g);
	spin_unlock(&task_lock);
	return g;
}

static void ns_free(void *object)
{
	cgroup_put(object);
}

struct cgroup *cgroupfs_of_fd(int fd)
{
	struct file *f = fd_get_path(fd);
	struct cgroup *g = NULL;

	if (IS_ERR(f))
		return (void *)f;
	if (f->inode && f->inode->ops == &dir_iops)
		cgroup_get(g = f->inode->priv);
	file_put(f);
	return g ?: ERR_PTR(-EBADF);
}

struct cgroup *cgroupfs_for_child(int fd)
{
	struct process *p = task_current()->process;
	struct cgroup *g = cgroupfs_of_fd(fd), *from;
	int err;

	if (IS_ERR(g))
		return g;
	spin_lock(&task_lock);
	from = p->cgroup;
	cgroup_get(from);
	err = g->dead ? -ENOENT : cgroup_may_enter(g);
	spin_unlock(&task_lock);
	if (!err)
		err = cgroup_may_move(task_current()->cred, g, g);
	if (!err)
		err = cgroup_may_move(task_current()->cred, from, g);
	cgroup_put(from);
	if (!err)
		return g;
	cgroup_put(g);
	return ERR_PTR(err);
}

void cgroupfs_register(void)
{
	cgroup_news_hook = tell;
	ns_register(NS_CGROUP, ns_create, ns_free);
	fs_register(&cgroup2_fs);
}
