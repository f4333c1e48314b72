/*
 * member.c - processes in control groups: entering, moving, leaving, and what counts for a group meanwhile (cgroup.h).
 *
 * Tasks count for a group and for all above it; a limit is checked where tasks are made, so a move may exceed it. CPU time
 * counts for the group in which it was used. All under task_lock.
 */
#include "lib/err.h"
#include "task/cgroup/cgroup.h"
#include "task/private.h"

/* ---- tasks ---- */

bool cgroup_full(struct cgroup *g)
{
	for (; g; g = g->parent)
		if (g->pids >= g->pids_max)
			break;
	if (likely(!g))
		return false;
	for (; g; g = g->parent) {
		g->pids_failed++;
		cgroup_has_news(g, CGROUP_NEWS_PIDS);
	}
	return true;
}

static void count(struct cgroup *g, s64 n)
{
	for (; g; g = g->parent) {
		g->pids += (u64)n;
		g->pids_peak = MAX(g->pids_peak, g->pids);
	}
}

void cgroup_task_added(struct process *p)
{
	if (!p->cgroup)
		return;
	p->nr_counted++;
	count(p->cgroup, 1);
}

void cgroup_task_gone(struct process *p)
{
	if (!p->cgroup)
		return;
	p->nr_counted--;
	count(p->cgroup, -1);
}

/* ---- processes ---- */

/* A group or a child of it got its first process, or lost the last. */
static void set_populated(struct cgroup *g, bool on)
{
	for (; g; g = g->parent) {
		if (on ? g->populated++ : --g->populated)
			break;
		cgroup_has_news(g, CGROUP_NEWS_EVENTS);
	}
}

static void enter(struct cgroup *g, struct process *p)
{
	cgroup_get(g);
	p->cgroup = g;
	if (!g->nr_processes++)
		set_populated(g, true);
	cgroup_freeze_moved(p);
}

/* Its CPU time since it came stays here. */
static void leave(struct cgroup *g, struct process *p)
{
	u64 utime, stime;

	process_times(p, &utime, &stime);
	g->utime += utime - p->cgroup_utime;
	g->stime += stime - p->cgroup_stime;
	p->cgroup_utime = utime;
	p->cgroup_stime = stime;
	if (!--g->nr_processes)
		set_populated(g, false);
	if (g->freezers)
		cgroup_freeze_check(g);
}

void cgroup_joined(struct cgroup *g, struct process *p)
{
	enter(g, p);
	cgroup_task_added(p);
}

void cgroup_left(struct process *p)
{
	if (p->cgroup)
		leave(p->cgroup, p);
}

int cgroup_move(struct cgroup *g, struct process *p)
{
	struct cgroup *from = p->cgroup;
	int err = cgroup_may_enter(g);

	if (err || g == from || p->zombie || !from)
		return err;
	count(from, -(s64)p->nr_counted);
	count(g, p->nr_counted);
	leave(from, p);
	enter(g, p);
	cgroup_put(from);
	return 0;
}

void cgroup_cpu_time(struct cgroup *g, u64 *utime, u64 *stime)
{
	struct process *p;
	struct cgroup *c;

	*utime = *stime = 0;
	list_for_each(p, &all_processes, all_node) {
		u64 u, s;

		if (p->zombie || !p->cgroup || !cgroup_is_below(p->cgroup, g))
			continue;
		process_times(p, &u, &s);
		*utime += u - p->cgroup_utime;
		*stime += s - p->cgroup_stime;
	}
	for (c = g; c; c = cgroup_next(c, g)) {
		*utime += c->utime;
		*stime += c->stime;
	}
}

void cgroup_kill(struct cgroup *g)
{
	struct process *p;

	list_for_each(p, &all_processes, all_node)
		if (p->cgroup && cgroup_is_below(p->cgroup, g))
			signal_process(p, SIGKILL, NULL);
}
