/*
 * umount.c - umount2(2) and pivot_root(2).
 *
 * What is unmounted goes from all mounts that its parent propagates to, too, unless something is mounted there that stays
 * (then the copy stays), and but for locked copies of what was below, whose parent stays. What was mounted over the root of
 * such a copy moves to its place. The tree changes under vfs_mounts_mutex.
 */
#include <linux/mount.h>

#include "fs/landlock/landlock.h"
#include "fs/mount/peer_group.h"
#include "task/task.h"

#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

/* struct mount.fate. SEEN: a copy of something that goes, below which something stays as yet; CLEAR: nothing does. */
enum { STAYS, SEEN, CLEAR, GOES };

struct teardown {
	struct list seen, clear,
		going; /* struct mount.pick; `clear`: parents first; `going` starts with the tree itself */
};

static void decide(struct mount *m, u8 fate, struct list *where)
{
	m->fate = fate;
	list_del(&m->pick);
	list_add_tail(where, &m->pick);
}

static bool only_goers_below(const struct mount *m)
{
	struct mount *c;

	list_for_each(c, &m->children, sibling)
		if (c->fate < CLEAR && c->mountpoint != m->root)
			return false;
	return true;
}

/* c is a copy of something that goes. Its parent, if it is such a one too, may have waited for it. */
static void consider(struct teardown *t, struct mount *c)
{
	if (c->fate != STAYS)
		return;
	decide(c, SEEN, &t->seen);
	while (c && c->fate == SEEN && only_goers_below(c)) {
		c->fate = CLEAR;
		list_del(&c->pick);
		list_add(&t->clear, &c->pick);
		c = c->parent;
	}
}

/* f for what is mounted at m's mount point in the mounts that m's parent propagates to. */
static bool for_each_copy(struct mount *m, bool (*f)(struct mount *c, void *arg), void *arg)
{
	struct peer_group *top = m->parent ? m->parent->group : NULL, *g;
	struct mount *on, *c;

	for (g = top; g; g = peer_group_next(g, top)) {
		list_for_each(on, &g->members, peer) {
			c = on == m->parent ? NULL : mount_find(on, m->mountpoint);
			if (c && f(c, arg))
				return true;
		}
		list_for_each(on, &g->slaves, peer) {
			c = mount_find(on, m->mountpoint);
			if (c && f(c, arg))
				return true;
		}
	}
	return false;
}

static bool consider_copy(struct mount *c, void *arg)
{
	consider(arg, c);
	return false;
}

/* What its owner unmounts by itself hides nothing from a less privileged namespace any more. */
static bool unlock_copy(struct mount *c, void *arg)
{
	c->locked = false;
	return false;
}

static void find_copies(struct teardown *t)
{
	for_each_copy(list_first(&t->going, struct mount, pick), unlock_copy, NULL);
	/* Children before parents: the tree is there from its root on. */
	for (struct list *l = t->going.prev; l != &t->going; l = l->prev)
		for_each_copy(list_entry(l, struct mount, pick), consider_copy, t);
	while (!list_empty(&t->clear)) {
		struct mount *c = list_first(&t->clear, struct mount, pick);

		if (c->locked && c->parent->fate != GOES)
			decide(c, STAYS, &t->seen);
		else
			decide(c, GOES, &t->going);
	}
	while (!list_empty(&t->seen)) {
		struct mount *c = list_first(&t->seen, struct mount, pick);

		list_del(&c->pick);
		c->fate = STAYS;
	}
}

/* What stays of the mounts on m, which goes, comes down to the nearest place that stays. */
static void save_children(struct mount *m)
{
	struct mount *c, *next;

	list_for_each_safe(c, next, &m->children, sibling) {
		struct mount *parent = m->parent;
		struct dentry *d = m->mountpoint;

		if (c->fate == GOES)
			continue;
		for (; parent && parent->fate == GOES; parent = parent->parent)
			d = parent->mountpoint;
		mount_unhang(c);
		if (parent)
			mount_hang(c, parent, d);
	}
}

void mount_unmount(struct mount *top, bool propagate)
{
	struct teardown t = { LIST_INIT(t.seen), LIST_INIT(t.clear), LIST_INIT(t.going) };
	struct mount *m;

	for (m = top; m; m = mount_next(m, top))
		decide(m, GOES, &t.going);
	if (propagate)
		find_copies(&t);
	list_for_each(m, &t.going, pick) {
		mount_ns_remove(m);
		mount_set_propagation(m, MS_PRIVATE);
		save_children(m);
	}
	list_for_each(m, &t.going, pick) {
		if (m->locked && m->parent && m->parent->fate == GOES)
			mount_tie(m);
		else
			mount_unhang(m);
	}
	/* Children first: a parent's end is the end of what is tied to it. */
	while (!list_empty(&t.going)) {
		m = list_entry(t.going.prev, struct mount, pick);
		list_del(&m->pick);
		m->fate = STAYS;
		if (!m->tied)
			mount_put(m);
	}
}

static bool in_use(const struct mount *m, u32 refs)
{
	return atomic_load(&m->ref.n) > refs;
}

/* A copy that would go with m. What has something mounted below will stay. */
static bool copy_in_use(struct mount *c, void *arg)
{
	struct mount *over = mount_find(c, c->root);

	if (!over && !list_empty(&c->children))
		return false;
	return in_use(c, over ? 2 : 1);
}

static int unmount(struct mount *m, int flags)
{
	if (!mount_in_own_ns(m) || !m->parent || m->locked)
		return -EINVAL;
	/* The tree's reference and the caller's; children add theirs. */
	if (!(flags & MNT_DETACH) && (in_use(m, 2) || for_each_copy(m, copy_in_use, NULL)))
		return -EBUSY;
	mount_unmount(m, true);
	return 0;
}

int vfs_umount(const char *target, int flags)
{
	struct path_ref at;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	path_follow_mounts(&at); /* "." may have been covered */
	mutex_lock(&vfs_mounts_mutex);
	if (!mount_may_admin() || landlock_may_mount())
		err = -EPERM;
	else if (at.dentry != at.mnt->root || !at.mnt->parent || at.mnt->locked)
		err = -EINVAL;
	else if (flags & MNT_EXPIRE)
		err = flags & (MNT_FORCE | MNT_DETACH) ? -EINVAL : -EAGAIN;
	else
		err = unmount(at.mnt, flags);
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&at);
	return err;
}

static bool shared(const struct mount *m)
{
	return m && m->group;
}

static int may_pivot(const struct path_ref *new, const struct path_ref *put_old,
		     const struct path_ref *cur)
{
	const struct mount *old = cur->mnt;

	if (shared(put_old->mnt) || shared(new->mnt->parent) || shared(old->parent))
		return -EINVAL;
	if (!mount_in_own_ns(old) || !mount_in_own_ns(new->mnt) || new->mnt->locked)
		return -EINVAL;
	if (put_old->dentry->flags & DENTRY_DELETED)
		return -ENOENT;
	if (new->mnt == old || put_old->mnt == old)
		return -EBUSY;
	if (cur->dentry != old->root || new->dentry != new->mnt->root || !new->mnt->parent)
		return -EINVAL;
	return path_is_below(put_old, new) && path_is_below(new, cur) ? 0 : -EINVAL;
}

int mount_pivot(const struct path_ref *new_root, const struct path_ref *put_old)
{
	struct mount *new = new_root->mnt, *old;
	struct path_ref cur;
	int err;

	fs_context_root(&cur);
	old = cur.mnt;
	mutex_lock(&vfs_mounts_mutex);
	err = may_pivot(new_root, put_old, &cur);
	if (!err) {
		struct mount *parent = old->parent;
		struct dentry *at = old->mountpoint;

		mount_unhang(new);
		if (parent) {
			mount_hang(new, parent, at);
			mount_unhang(old);
		} else {
			old->ns->root = new;
		}
		mount_hang(old, put_old->mnt, put_old->dentry);
		new->locked = old->locked;
		old->locked = false;
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&cur);
	return err;
}
