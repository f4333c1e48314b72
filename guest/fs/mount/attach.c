/*
 * attach.c - see mount.h: a tree of mounts gets its place, and copies of it in all mounts that the place propagates to
 * (Linux: Documentation/filesystems/sharedsubtree.rst). All under vfs_mounts_mutex.
 *
 * First everything that may fail: room in the namespaces, peer groups, the copies. A copy waits by its `pick`, its parent
 * known but without a reference; then all get their places at once.
 */
#include "fs/mount/peer_group.h"
#include "task/task.h"

static u32 count(struct mount *top)
{
	u32 n = 0;

	for (struct mount *m = top; m; m = mount_next(m, top))
		n++;
	return n;
}

struct spread {
	const struct path_ref *at;
	u32 size;	    /* mounts in the tree */
	struct list copies; /* struct mount.pick, parents set */
};

/* A copy of `from` for t, if it shows the mount point; NULL: it does not, or is in no namespace (yet). ERR_PTR. */
static struct mount *copy_for(struct spread *s, struct mount *t, struct mount *from, unsigned how)
{
	struct mount *c;
	int err;

	if (t == s->at->mnt || !t->ns || !dentry_is_below(s->at->dentry, t->root))
		return NULL;
	err = mount_ns_reserve(t->ns, s->size);
	if (err)
		return ERR_PTR(err);
	c = mount_copy_tree(from, from->root, how | COPY_BELOW);
	if (IS_ERR(c)) {
		t->ns->pending = 0;
		return c;
	}
	c->parent = t;
	list_add_tail(&s->copies, &c->pick);
	return c;
}

/*
 * In one group: its first copy is shared and receives from its master's copy (or, in the first group, is a peer of the
 * mount itself); further members' copies are peers of that, single slaves' receive from it. Members that join meanwhile
 * come before the list's head.
 */
static int spread_in_group(struct spread *s, struct peer_group *g, unsigned how)
{
	struct mount *t, *c;

	list_for_each(t, &g->members, peer) {
		c = copy_for(s, t, g->copy, how);
		if (IS_ERR(c))
			return (int)PTR_ERR(c);
		if (c && how) {
			g->copy = c;
			how = 0;
		}
	}
	list_for_each(t, &g->slaves, peer) {
		c = copy_for(s, t, g->copy, COPY_SLAVE);
		if (IS_ERR(c))
			return (int)PTR_ERR(c);
	}
	return 0;
}

static int spread(struct spread *s, struct mount *m)
{
	struct peer_group *top = s->at->mnt->group;
	int err = 0;

	for (struct peer_group *g = top; g && !err; g = peer_group_next(g, top)) {
		g->copy = g == top ? m : g->master->copy;
		err = spread_in_group(s, g, g == top ? 0 : COPY_SLAVE | COPY_SHARE);
	}
	return err;
}

static void drop_copies(struct spread *s)
{
	while (!list_empty(&s->copies)) {
		struct mount *c = list_first(&s->copies, struct mount, pick);

		list_del(&c->pick);
		c->parent->ns->pending = 0;
		c->parent = NULL;
		mount_free_tree(c);
	}
}

/* On (parent, d), below of what is mounted there: that moves on top of the new tree's topmost root. */
static void hang_beneath(struct mount *m, struct mount *parent, struct dentry *d)
{
	struct mount *over = mount_find(parent, d), *top, *next;

	for (top = m; (next = mount_find(top, top->root)); top = next)
		;
	if (over) {
		mount_unhang(over);
		mount_hang(over, top, top->root);
	}
	mount_hang(m, parent, d);
}

static void place_copies(struct spread *s)
{
	while (!list_empty(&s->copies)) {
		struct ns_common *own = fs_context_ns(task_current()->fs);
		struct mount *c = list_first(&s->copies, struct mount, pick);
		struct mount *parent = c->parent;

		list_del(&c->pick);
		if (ns_owner(&parent->ns->c) != ns_owner(own))
			mount_lock_tree(c);
		c->locked = false;
		parent->ns->pending = 0;
		mount_ns_add(parent->ns, c);
		c->parent = NULL;
		hang_beneath(c, parent, s->at->dentry);
	}
}

static int may_attach(const struct mount *m, const struct path_ref *at)
{
	const struct inode *i = at->dentry->inode;

	if (!i || S_ISDIR(i->mode) != S_ISDIR(m->root->inode->mode))
		return -ENOTDIR;
	return at->dentry->flags & DENTRY_DELETED ? -ENOENT : 0;
}

int mount_attach(struct mount *m, const struct path_ref *at)
{
	struct spread s = { .at = at, .size = count(m), .copies = LIST_INIT(s.copies) };
	struct mount_ns *ns = at->mnt->ns;
	struct list made = LIST_INIT(made);
	int err = may_attach(m, at);

	if (!err && ns && m->ns != ns)
		err = mount_ns_reserve(ns, s.size);
	if (!err && at->mnt->group)
		err = mount_share_tree(m, &made);
	if (!err && at->mnt->group)
		err = spread(&s, m);
	if (ns)
		ns->pending = 0;
	if (err) {
		drop_copies(&s);
		mount_unshare_tree(&made);
		return err;
	}
	while (!list_empty(&made))
		list_del(made.next);
	mount_unhang(m);
	if (ns && m->ns != ns)
		mount_ns_add(ns, m);
	hang_beneath(m, at->mnt, at->dentry);
	place_copies(&s);
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
