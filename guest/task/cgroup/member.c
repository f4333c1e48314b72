/*
 * member.c - processes in control groups: entering, moving, leaving, and what counts for a group meanwhile (cgroup.h).
 *
 * Tasks count for a group and for all above it; a limit is checked where tasks are made, so a move may exceed it. CPU time
 * counts for the group in which it was used. All under task_lock.
 */
#include "lib/err.h"
#include "task/cgroup/cgroup.h"
#include "task/private.h"
#include "task/time/clock.h"

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

/* CPU time of p since it came to its group. */
static void used_here(struct process *p, u64 *used, u64 *stime)
{
	u64 utime, total = process_cpu_time(p, CPU_SCHED);

	process_times(p, &utime, stime);
	*stime -= p->cgroup_stime;
	*used = total - p->cgroup_used;
}

/* That time stays here. */
static void leave(struct cgroup *g, struct process *p)
{
	u64 used, stime;

	used_here(p, &used, &stime);
	g->used += used;
	g->stime += stime;
	p->cgroup_used += used;
	p->cgroup_stime += stime;
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
	struct task *t;
	int err = cgroup_may_enter(g);

	if (err || g == from || p->zombie || !from)
		return err;
	count(from, -(s64)p->nr_counted);
	count(g, p->nr_counted);
	leave(from, p);
	enter(g, p);
	list_for_each(t, &p->threads, thread_node)
		cgroup_task_settle(t, false);
	cgroup_put(from);
	return 0;
}

/* What a task uses without a change of mode is no system time before it ends, so the rest of the sum may fall. */
void cgroup_cpu_time(struct cgroup *g, u64 *used, u64 *user)
{
	u64 stime = 0, u, s;
	struct process *p;
	struct cgroup *c;

	*used = 0;
	list_for_each(p, &all_processes, all_node) {
		if (p->zombie || !p->cgroup || !cgroup_is_below(p->cgroup, g))
			continue;
		used_here(p, &u, &s);
		*used += u;
		stime += s;
	}
	for (c = g; c; c = cgroup_next(c, g)) {
		*used += c->used;
		stime += c->stime;
	}
	g->user_shown = MAX(g->user_shown, *used - MIN(stime, *used));
	*user = g->user_shown = MIN(g->user_shown, *used);
}

void cgroup_kill(struct cgroup *g)
{
	struct process *p;

	list_for_each(p, &all_processes, all_node)
		if (p->cgroup && cgroup_is_below(p->cgroup, g))
			signal_process(p, SIGKILL, NULL);
}
