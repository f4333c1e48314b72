/*
 * tree.c - the tree of control groups: making, removing, names (cgroup.h).
 *
 * A group's parent and name never change, so paths are read without a lock; children and counts are under task_lock.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/cgroup/cgroup.h"
#include "task/cgroup/device.h"
#include "task/container.h"
#include "task/ns/ns.h"
#include "task/sched/sched.h"

static struct cgroup *alloc(const char *name)
{
	struct cgroup *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->name = kstrdup(name);
	if (!g->name) {
		kfree(g);
		return NULL;
	}
	ref_init(&g->ref);
	list_init(&g->children);
	list_init(&g->sibling);
	list_init(&g->news_node);
	g->max_depth = g->max_descendants = g->pids_max = CGROUP_MAX;
	cpu_limit_init(&g->cpu.limit);
	g->cpu.share = g->cpu.task_share = SCHED_SHARE;
	return g;
}

struct cgroup *cgroup_create_root(u32 container)
{
	struct cgroup *g;
	char name[16];

	ksnprintf(name, sizeof(name), "%u", container);
	g = alloc(name);
	if (g)
		g->max_descendants = CGROUP_GROUPS;
	return g;
}

/* task_lock held. */
static bool has_room(const struct cgroup *parent)
{
	unsigned level = 1;

	for (; parent; parent = parent->parent, level++) {
		/* Removed ones count at the top alone: their memory is what is to be bounded. */
		u64 n = parent->nr_descendants + (parent->parent ? 0 : READ_ONCE(parent->nr_dying));

		if (n >= parent->max_descendants || level > parent->max_depth)
			return false;
	}
	return true;
}

struct cgroup *cgroup_create(struct cgroup *parent, const char *name)
{
	struct cgroup *g = alloc(name);
	int err = 0;

	if (!g)
		return ERR_PTR(-ENOMEM);
	spin_lock(&task_lock);
	if (parent->dead) {
		err = -ENODEV;
	} else if (!has_room(parent)) {
		err = -EAGAIN;
	} else {
		cgroup_get(parent);
		g->parent = parent;
		g->depth = parent->depth + 1;
		g->freezers = parent->freezers;
		g->frozen = g->freezers;
		err = cgroup_controllers_init(g);
		if (err) {
			g->parent = NULL;
			cgroup_put(parent);
		}
	}
	if (!err) {
		list_add_tail(&parent->children, &g->sibling);
		for (struct cgroup *up = parent; up; up = up->parent)
			up->nr_descendants++;
	}
	spin_unlock(&task_lock);
	if (!err)
		return g;
	cgroup_put(g);
	return ERR_PTR(err);
}

/* task_lock held. */
static void take_out(struct cgroup *g)
{
	g->dead = true;
	list_del(&g->sibling);
	cgroup_controllers_exit(g);
	for (struct cgroup *up = g->parent; up; up = up->parent) {
		up->nr_descendants--;
		atomic_add(&up->nr_dying, 1);
	}
	g->parent->used += g->used;
	g->parent->stime += g->stime;
	if (g->parent->freezers)
		cgroup_freeze_check(g->parent);
}

int cgroup_remove(struct cgroup *g)
{
	int err = 0;

	spin_lock(&task_lock);
	if (g->dead)
		err = -ENODEV;
	else if (g->populated || !list_empty(&g->children))
		err = -EBUSY;
	else
		take_out(g);
	spin_unlock(&task_lock);
	return err;
}

void cgroup_forget(struct cgroup *g)
{
	spin_lock(&task_lock);
	if (!g->dead && g->parent)
		take_out(g);
	spin_unlock(&task_lock);
	cgroup_put(g);
}

void cgroup_get(struct cgroup *g)
{
	ref_get(&g->ref);
}

void cgroup_put(struct cgroup *g)
{
	while (g && ref_put(&g->ref)) {
		struct cgroup *parent = g->parent;

		for (struct cgroup *up = parent; up; up = up->parent)
			atomic_sub(&up->nr_dying, 1);
		cgroup_device_free(g);
		kfree(g->name);
		kfree(g);
		g = parent;
	}
}

/* ---- names ---- */

struct cgroup *cgroup_next(struct cgroup *g, const struct cgroup *top)
{
	if (!list_empty(&g->children))
		return list_first(&g->children, struct cgroup, sibling);
	for (; g != top; g = g->parent)
		if (g->sibling.next != &g->parent->children)
			return list_entry(g->sibling.next, struct cgroup, sibling);
	return NULL;
}

bool cgroup_is_below(const struct cgroup *g, const struct cgroup *top)
{
	while (g->depth > top->depth)
		g = g->parent;
	return g == top;
}

/* The nearest that both are below; NULL: they are in trees of two containers. */
static const struct cgroup *common(const struct cgroup *a, const struct cgroup *b)
{
	for (; a && !cgroup_is_below(b, a); a = a->parent)
		;
	return a;
}

bool cgroup_path(const struct cgroup *g, const struct cgroup *root, char *buf, size_t size)
{
	const struct cgroup *meet = common(root, g);
	size_t up = 0, len = 0, at;

	for (const struct cgroup *c = root; c != meet; c = c->parent)
		up += 3; /* "/.." */
	for (const struct cgroup *c = g; c != meet; c = c->parent)
		len += strlen(c->name) + 1;
	if (MAX(up + len, 1UL) >= size)
		return false;
	for (at = 0; at < up; at += 3)
		memcpy(buf + at, "/..", 3);
	at = up + len;
	for (; g != meet; g = g->parent) {
		size_t n = strlen(g->name);

		at -= n;
		memcpy(buf + at, g->name, n);
		buf[--at] = '/';
	}
	if (!(up + len))
		buf[len++] = '/';
	buf[up + len] = 0;
	return true;
}

struct cgroup *cgroup_ns_root(void)
{
	struct cgroup *g = ns_object(NS_CGROUP);
	struct container *c = container_current();

	return g ? g : c ? c->cgroup : task_current()->cgroup_root;
}
