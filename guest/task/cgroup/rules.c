/*
 * rules.c - which group may have processes, and which may have controllers for its children (cgroup.h).
 *
 * Linux's rule of no internal processes: controllers compare the children of a group, so beside children that have them
 * no process may stand. Those of CGROUP_THREADED can tell tasks of one group apart, so alone they may be on where there are
 * processes; then the group is the root of a threaded subtree, below which no process may go, as no group can be threaded
 * here. A container's root is exempt, as the root of a Linux machine is: what is run there can make groups for others at
 * once. All under task_lock.
 */
#include "lib/err.h"
#include "task/cgroup/cgroup.h"

u32 cgroup_available(const struct cgroup *g)
{
	return g->parent ? g->parent->control : CGROUP_CONTROLLERS;
}

static bool is_thread_root(const struct cgroup *g)
{
	return g->parent && g->nr_processes && g->control & CGROUP_THREADED;
}

/* May it have processes and controllers for its children at once? */
static bool is_mixable(const struct cgroup *g)
{
	return !g->parent ||
	       (g->populated == !!g->nr_processes && !(g->control & ~CGROUP_THREADED));
}

static bool below_thread_root(const struct cgroup *g)
{
	while ((g = g->parent))
		if (is_thread_root(g))
			return true;
	return false;
}

const char *cgroup_type(const struct cgroup *g)
{
	return below_thread_root(g) ? "domain invalid"
	       : is_thread_root(g)  ? "domain threaded"
				    : "domain";
}

static int may_enable(const struct cgroup *g, u32 enable)
{
	if (below_thread_root(g))
		return -EOPNOTSUPP;
	if (g->parent && enable & ~CGROUP_THREADED)
		return is_thread_root(g) ? -EOPNOTSUPP : g->nr_processes ? -EBUSY : 0;
	return g->nr_processes && !is_mixable(g) ? -EBUSY : 0;
}

int cgroup_set_control(struct cgroup *g, u32 enable, u32 disable)
{
	struct cgroup *c;
	int err;

	if (g->dead)
		return -ENODEV;
	enable &= ~g->control;
	disable &= g->control;
	if (enable & ~cgroup_available(g))
		return -ENOENT;
	list_for_each(c, &g->children, sibling)
		if (c->control & disable)
			return -EBUSY;
	err = enable ? may_enable(g, enable) : 0;
	return err ? err : cgroup_controllers_change(g, enable, disable);
}

int cgroup_may_enter(const struct cgroup *g)
{
	if (g->dead)
		return -ENODEV;
	if (below_thread_root(g))
		return -EOPNOTSUPP;
	return g->control && !is_mixable(g) ? -EBUSY : 0;
}
