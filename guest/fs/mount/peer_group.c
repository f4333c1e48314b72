/*
 * peer_group.c - see peer_group.h. All under vfs_mounts_mutex.
 */
#include <linux/mount.h>

#include "fs/mount/peer_group.h"
#include "mm/slab.h"

static u32 next_id = 1;

static struct peer_group *group_create(struct peer_group *master)
{
	struct peer_group *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->id = next_id++;
	list_init(&g->members);
	list_init(&g->slaves);
	list_init(&g->slave_groups);
	list_init(&g->sibling);
	g->master = master;
	if (master)
		list_add(&master->slave_groups, &g->sibling);
	return g;
}

/* The last member is gone: who received from it receives from its master, or from nobody. */
static void group_dissolve(struct peer_group *g)
{
	struct peer_group *up = g->master;

	while (!list_empty(&g->slaves)) {
		struct mount *m = list_first(&g->slaves, struct mount, peer);

		list_del(&m->peer);
		m->master = up;
		if (up)
			list_add(&up->slaves, &m->peer);
	}
	while (!list_empty(&g->slave_groups)) {
		struct peer_group *s = list_first(&g->slave_groups, struct peer_group, sibling);

		list_del(&s->sibling);
		s->master = up;
		if (up)
			list_add(&up->slave_groups, &s->sibling);
	}
	list_del(&g->sibling);
	kfree(g);
}

static void enslave(struct mount *m, struct peer_group *master)
{
	m->master = master;
	if (master)
		list_add(&master->slaves, &m->peer);
}

/* m is private; a group without members goes. */
static void leave(struct mount *m)
{
	struct peer_group *g = m->group;

	list_del(&m->peer);
	m->group = m->master = NULL;
	if (g && list_empty(&g->members))
		group_dissolve(g);
}

static void join(struct mount *m, struct peer_group *g)
{
	m->group = g;
	list_add(&g->members, &m->peer);
}

int mount_share(struct mount *m)
{
	struct peer_group *g;

	if (m->group)
		return 0;
	g = group_create(m->master);
	if (!g)
		return -ENOMEM;
	leave(m);
	join(m, g);
	m->unbindable = false;
	return 0;
}

/* A slave that is alone in its group is again a slave only; what is not is private. */
static void unshare_one(struct mount *m)
{
	struct peer_group *up = m->group->master;

	leave(m);
	enslave(m, up);
}

void mount_unshare_tree(struct list *made)
{
	while (!list_empty(made)) {
		struct mount *m = list_first(made, struct mount, pick);

		list_del(&m->pick);
		unshare_one(m);
	}
}

int mount_share_tree(struct mount *top, struct list *made)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		if (m->group)
			continue;
		if (mount_share(m)) {
			mount_unshare_tree(made);
			return -ENOMEM;
		}
		list_add_tail(made, &m->pick);
	}
	return 0;
}

void mount_set_propagation(struct mount *m, u64 type)
{
	struct peer_group *g = m->group;

	if (type == MS_SLAVE) {
		bool alone = g && g->members.next == &m->peer && g->members.prev == &m->peer;

		if (g && alone) {
			unshare_one(m);
		} else if (g) {
			leave(m);
			enslave(m, g);
		}
		return;
	}
	leave(m);
	m->unbindable = type == MS_UNBINDABLE;
}

int mount_change_propagation(struct mount *top, u64 type, bool recursive)
{
	struct list made = LIST_INIT(made);
	struct mount *m;

	if (type == MS_SHARED) {
		int err = recursive ? mount_share_tree(top, &made) : mount_share(top);

		while (!list_empty(&made))
			list_del(made.next);
		return err;
	}
	for (m = top; m; m = recursive ? mount_next(m, top) : NULL)
		mount_set_propagation(m, type);
	return 0;
}

void mount_join_peers(struct mount *m, const struct mount *of)
{
	if (of->group)
		join(m, of->group);
	else
		enslave(m, of->master);
}

void mount_join_slaves(struct mount *m, const struct mount *of)
{
	enslave(m, of->group);
}

u64 mount_propagation(const struct mount *m)
{
	u64 p = (m->group ? MS_SHARED : 0) | (mount_master(m) ? MS_SLAVE : 0) |
		(m->unbindable ? MS_UNBINDABLE : 0);

	return p ? p : MS_PRIVATE;
}

u32 mount_dominating_id(const struct mount *m, const struct mount_ns *ns,
			const struct path_ref *root)
{
	for (struct peer_group *g = mount_master(m); g; g = g->master) {
		struct mount *p;

		list_for_each(p, &g->members, peer)
			if (p->ns == ns && path_is_below(&(struct path_ref){ p, p->root }, root))
				return g->id;
	}
	return 0;
}

struct peer_group *peer_group_next(struct peer_group *g, const struct peer_group *top)
{
	if (!list_empty(&g->slave_groups))
		return list_first(&g->slave_groups, struct peer_group, sibling);
	for (; g != top; g = g->master)
		if (g->sibling.next != &g->master->slave_groups)
			return list_entry(g->sibling.next, struct peer_group, sibling);
	return NULL;
}
