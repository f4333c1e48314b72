/*
 * spawn.c - processes that no process made: the first one of a container, and those that are put into one from outside.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/container.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/signal/priv.h"

/* What a new process may use at most, before anyone says otherwise. */
static const struct rlimit default_rlimits[RLIM_NLIMITS] = {
	{ ~0ULL, ~0ULL },     { ~0ULL, ~0ULL }, { ~0ULL, ~0ULL }, { 8 << 20, ~0ULL },
	{ 0, ~0ULL },	      { ~0ULL, ~0ULL }, { 32768, 32768 }, { 1024, 1048576 },
	{ 8 << 20, 8 << 20 }, { ~0ULL, ~0ULL }, { ~0ULL, ~0ULL }, { 32768, 32768 },
	{ 819200, 819200 },   { 0, 0 },		{ 0, 0 },	  { ~0ULL, ~0ULL },
};

/* Where a spawned task begins: what task_spawn says, kept in the task until its first words. */
struct spawned {
	struct task *task;
	int (*setup)(void *);
	void *arg;
};

static void spawn_main(void *arg)
{
	struct spawned s = *(struct spawned *)arg;

	kfree(arg);
	sched_first();
	if (s.setup(s.arg))
		task_exit_group(127 << 8);
	signal_set_mask(0);
	task_user_loop(s.task);
}

static struct task *make_task(struct process *p)
{
	struct cred all = { .cap_permitted = ~0ULL, .cap_effective = ~0ULL, .cap_bounding = ~0ULL };
	struct task *t = task_alloc();
	int err = -ENOMEM;

	if (IS_ERR(t))
		return t;
	p->sighand = sighand_create();
	t->cred = cred_dup(&all);
	if (!p->sighand || !t->cred)
		goto free_task;
	t->mm = mm_create();
	if (IS_ERR(t->mm)) {
		err = PTR_ERR(t->mm);
		t->mm = NULL;
		goto free_task;
	}
	t->utask = utask_create(mm_pmap(t->mm));
	if (!IS_ERR(t->utask))
		return t;
	err = PTR_ERR(t->utask);
	t->utask = NULL;
	mm_put(t->mm);
	t->mm = NULL;
free_task:
	task_put(t);
	return ERR_PTR(err);
}

/* Two references: the pid table's and the context's own. A third, of the process, is the caller's. */
static int publish(struct task *t, struct process *p, struct container *c, bool first)
{
	struct pid_ns *ns = process_pid_ns(p);
	int pid;

	spin_lock(&task_lock);
	pid = c->ended ? -ESRCH : cgroup_full(c->cgroup) ? -EAGAIN : pid_alloc(ns, NULL, 0);
	if (pid >= 0) {
		t->nr = p->nr = pid_nr_in(ns, pid);
		t->tid = p->pid = p->pgid = p->sid = pid;
		pid_set(pid, t);
		pid_hold(pid);
		pid_hold(pid);
		list_add_tail(&all_processes, &p->all_node);
		list_add_tail(&p->threads, &t->thread_node);
		p->nr_threads = p->nr_started = 1;
		p->parent = &kernel_process;
		list_add_tail(&kernel_process.children, &p->sibling);
		pid_ns_joined(ns, p);
		container_joined(c, p);
		cgroup_joined(c->cgroup, p);
		cgroup_task_settle(t, true);
		if (first)
			c->init = p;
		task_get(t);
		ref_get(&p->ref);
	}
	spin_unlock(&task_lock);
	cgroup_tell();
	return pid;
}

struct process *task_spawn(struct container *c, struct session *session, bool first,
			   int (*setup)(void *), void *arg)
{
	struct spawned *s = kmalloc(sizeof(*s));
	struct process *p = process_alloc();
	struct task *t;
	int err = -ENOMEM;

	if (!s || IS_ERR(p))
		goto free_process;
	t = make_task(p);
	if (IS_ERR(t)) {
		err = PTR_ERR(t);
		goto free_process;
	}
	*s = (struct spawned){ t, setup, arg };
	memcpy(p->rlim, default_rlimits, sizeof(p->rlim));
	memcpy(t->comm, "moat", 5);
	t->process = p;
	p->leader = t;
	if (c->pid_ns) {
		pid_ns_get(c->pid_ns);
		pid_ns_get(c->pid_ns);
		t->pid_ns = p->pid_ns = c->pid_ns;
		err = ns_set_pid_ns(t, c->pid_ns);
		if (err)
			goto free_task;
	}
	p->dumpable = true;
	p->session = session;
	t->sigmask = ~SIG_UNBLOCKABLE; /* what comes before the program is there waits for it */
	sched_init_task(t, NULL);
	kctx_init(&t->kctx, t->kstack, spawn_main, s);
	err = publish(t, p, c, first);
	if (err < 0)
		goto free_task;
	task_count_fork();
	sched_start(t);
	return p;

free_task:
	p->session = NULL;
	nsproxy_put(t->ns);
	t->ns = NULL;
	utask_destroy(t->utask);
	t->utask = NULL;
	mm_put(t->mm);
	t->mm = NULL;
	task_put(t); /* the process too */
	kfree(s);
	return ERR_PTR(err);
free_process:
	if (!IS_ERR(p))
		process_put(p);
	kfree(s);
	return ERR_PTR(err);
}
