/*
 * freeze.c - freezing the processes of a group and of all below it (cgroup.h).
 *
 * A process that is to freeze has process->freeze; its tasks leave user mode and interruptible sleeps as for a signal, and
 * sleep before they would return to user mode. SIGKILL ends that sleep. A group is frozen when it is to be, no task of it
 * runs, and all groups below it are frozen. A stopped or traced task counts as frozen, and one that waits as vfork(2)
 * does. Under task_lock, process->freeze also under the process's sig_lock.
 */
#include "task/cgroup/cgroup.h"
#include "task/private.h"
#include "task/signal/priv.h"

static bool is_still(const struct task *t)
{
	return t->frozen || t->state == TASK_STOPPED || t->state == TASK_TRACED;
}

static bool all_still(const struct cgroup *g)
{
	struct process *p;
	struct task *t;

	if (!g->nr_processes)
		return true;
	list_for_each(p, &all_processes, all_node) {
		if (p->cgroup != g || p->zombie)
			continue;
		list_for_each(t, &p->threads, thread_node)
			if (t->state != TASK_ZOMBIE && !is_still(t))
				return false;
	}
	return true;
}

static bool children_frozen(const struct cgroup *g)
{
	struct cgroup *c;

	list_for_each(c, &g->children, sibling)
		if (!c->frozen)
			return false;
	return true;
}

void cgroup_freeze_check(struct cgroup *g)
{
	for (; g; g = g->parent) {
		bool frozen = g->freezers && children_frozen(g) && all_still(g);

		if (frozen == g->frozen)
			break;
		g->frozen = frozen;
		cgroup_has_news(g, CGROUP_NEWS_EVENTS);
	}
}

void cgroup_freeze_moved(struct process *p)
{
	bool on = p->cgroup->freezers;
	struct task *t;

	if (on)
		cgroup_freeze_check(p->cgroup);
	if (p->freeze == on)
		return;
	spin_lock(&p->sig_lock);
	p->freeze = on;
	if (on) {
		list_for_each(t, &p->threads, thread_node) {
			WRITE_ONCE(t->signal_wake, 1);
			sched_signal(t, false);
		}
	}
	spin_unlock(&p->sig_lock);
	if (!on)
		waitq_wake_all(&p->thread_wait, 0);
}

/* What has changed for the groups below g: from the leaves up, as one is frozen after its children. */
static void check_below(struct cgroup *g)
{
	struct cgroup *c = g;

	while (!list_empty(&c->children))
		c = list_first(&c->children, struct cgroup, sibling);
	for (; c != g;) {
		cgroup_freeze_check(c);
		if (c->sibling.next == &c->parent->children) {
			c = c->parent;
			continue;
		}
		c = list_entry(c->sibling.next, struct cgroup, sibling);
		while (!list_empty(&c->children))
			c = list_first(&c->children, struct cgroup, sibling);
	}
	cgroup_freeze_check(g);
}

void cgroup_set_freeze(struct cgroup *g, bool on)
{
	struct process *p;
	struct cgroup *c;

	if (g->freeze == on)
		return;
	g->freeze = on;
	for (c = g; c; c = cgroup_next(c, g))
		c->freezers += on ? 1 : -1u;
	list_for_each(p, &all_processes, all_node)
		if (p->cgroup && !p->zombie && cgroup_is_below(p->cgroup, g))
			cgroup_freeze_moved(p);
	check_below(g);
}

static void set_frozen(struct task *t, bool frozen)
{
	spin_lock(&task_lock);
	t->frozen = frozen;
	if (t->process->cgroup->freezers)
		cgroup_freeze_check(t->process->cgroup);
	spin_unlock(&task_lock);
	cgroup_tell();
}

void cgroup_freeze_here(void)
{
	struct task *t = task_current();
	struct process *p = t->process;

	set_frozen(t, true);
	wait_event(&p->thread_wait, SLEEP_KILLABLE, NO_DEADLINE, !READ_ONCE(p->freeze));
	set_frozen(t, false);
}
