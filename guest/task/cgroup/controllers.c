/*
 * controllers.c - what groups have of the controllers of CPU time and memory, and how their tasks come to know (cgroup.h).
 *
 * Each group keeps what its tasks get, groups above included, so a task looks at one group. A change is told to the tasks
 * below one by one: the scheduler's part at once, the account of memory when the task is on its way to user mode, as only
 * the task itself may change what it charges to. All under task_lock.
 */
#include "lib/err.h"
#include "mm/frame.h"
#include "task/cgroup/cgroup.h"
#include "task/private.h"

static bool has(const struct cgroup *g, u32 controller)
{
	return g->parent && g->parent->control & controller;
}

/* From what g has and what its parent's tasks get to what its tasks get. */
static void derive(struct cgroup *g)
{
	struct cgroup_cpu *cpu = &g->cpu;
	const struct cgroup *up = g->parent;

	if (!up)
		return;
	if (!g->memory.own)
		g->memory.account = up->memory.account;
	cpu->task_share = (u32)MAX(
		(u64)up->cpu.task_share * (cpu->idle ? 3 : cpu->share) / SCHED_SHARE, 1ULL);
	WRITE_ONCE(cpu->limit.up, up->cpu.task_limit);
	cpu->task_limit = cpu->limit.quota == CPU_NO_QUOTA ? up->cpu.task_limit : &cpu->limit;
}

static int add_memory(struct cgroup *g)
{
	unsigned account = frame_group_create_below(g->parent->memory.account);

	if (!account)
		return -ENOSPC;
	g->memory = (struct cgroup_memory){ .account = account,
					    .own = true,
					    .max = CGROUP_MAX,
					    .high = CGROUP_MAX,
					    .swap_max = CGROUP_MAX };
	return 0;
}

static void drop_memory(struct cgroup *g)
{
	if (!g->memory.own)
		return;
	frame_group_drop(g->memory.account);
	g->memory.own = false;
}

/* Without a controller, or fresh with it. */
static void reset(struct cgroup *g, u32 controllers)
{
	if (controllers & CGROUP_PIDS) {
		g->pids_max = CGROUP_MAX;
		g->pids_failed = 0;
		g->pids_peak = g->pids;
	}
	if (controllers & CGROUP_CPU) {
		cpu_limit_reset(&g->cpu.limit);
		g->cpu.share = SCHED_SHARE;
		g->cpu.idle = false;
	}
}

int cgroup_controllers_init(struct cgroup *g)
{
	int err = has(g, CGROUP_MEMORY) ? add_memory(g) : 0;

	derive(g);
	return err;
}

void cgroup_controllers_exit(struct cgroup *g)
{
	drop_memory(g);
}

int cgroup_controllers_change(struct cgroup *g, u32 enable, u32 disable)
{
	struct cgroup *c;
	int err = 0;

	list_for_each(c, &g->children, sibling)
		if (enable & CGROUP_MEMORY && !err)
			err = add_memory(c);
	if (err || disable & CGROUP_MEMORY)
		list_for_each(c, &g->children, sibling)
			drop_memory(c);
	if (err)
		return err;
	g->control = (g->control | enable) & ~disable;
	list_for_each(c, &g->children, sibling)
		reset(c, enable | disable);
	cgroup_controllers_apply(g);
	return 0;
}

void cgroup_controllers_apply(struct cgroup *g)
{
	struct process *p;
	struct cgroup *c;
	struct task *t;

	for (c = g; c; c = cgroup_next(c, g))
		derive(c);
	list_for_each(p, &all_processes, all_node)
		if (p->cgroup && cgroup_is_below(p->cgroup, g))
			list_for_each(t, &p->threads, thread_node)
				cgroup_task_settle(t, false);
}

/* ---- tasks ---- */

void cgroup_task_settle(struct task *t, bool is_new)
{
	struct process *p = t->process;
	const struct cgroup *g = p->cgroup;

	if (!g)
		return;
	WRITE_ONCE(p->mem_group, g->memory.account);
	if (is_new) {
		frame_group_hold(p->mem_group);
		t->payer.group = p->mem_group;
	}
	if (t->payer.group != p->mem_group || t->se.share != g->cpu.task_share ||
	    t->se.limit != g->cpu.task_limit)
		sched_set_group(t, g->cpu.task_share, g->cpu.task_limit);
}

void cgroup_task_ended(struct task *t)
{
	if (t->se.limit)
		sched_set_group(t, t->se.share, NULL);
}

static void change_account(struct task *t)
{
	unsigned old = t->payer.group;

	spin_lock(&task_lock);
	t->payer.group = t->process->mem_group;
	frame_group_hold(t->payer.group);
	spin_unlock(&task_lock);
	frame_group_release(old);
}

/* Until the period of a limit is over. */
static void wait_for_time(void)
{
	u64 until;

	while (!signal_fatal_pending(task_current()) && (until = sched_throttled_until())) {
		sched_prepare(SLEEP_KILLABLE);
		sched_sleep(until);
		sched_awake();
	}
}

void cgroup_settle_here(void)
{
	struct task *t = task_current();

	if (t->payer.group != READ_ONCE(t->process->mem_group))
		change_account(t);
	if (t->payer.over)
		cgroup_memory_throttle();
	if (t->se.limit)
		wait_for_time();
}
