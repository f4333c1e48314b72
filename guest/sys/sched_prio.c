/*
 * sched_prio.c - nice levels and I/O priorities of processes, groups and users.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"
#include "task/sched/sched.h"

#define RLIMIT_NICE 13

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

struct visit {
	int which, who;
	bool set;
	int nice;
	s64 best; /* getpriority: 20 - nice, the largest */
	s64 err;
	bool found;
	u64 limit;
};

/* task_lock held: t's credentials are not replaced meanwhile. */
static void one(struct task *t, struct visit *v)
{
	const struct cred *c = task_current()->cred;
	struct sched_params p;

	sched_get(t, &p);
	if (!v->set) {
		v->found = true;
		v->best = MAX(v->best, (s64)(20 - p.nice));
		return;
	}
	v->found = true;
	if (c->euid != t->cred->euid && c->euid != t->cred->uid && !capable(CAP_SYS_NICE)) {
		v->err = -EPERM;
		return;
	}
	if (v->nice < p.nice && !capable(CAP_SYS_NICE) && (u64)(20 - v->nice) > v->limit) {
		v->err = -EACCES;
		return;
	}
	p.nice = v->nice;
	sched_set(t, &p);
}

static void visit_process(struct process *p, void *arg)
{
	struct visit *v = arg;
	struct task *t;

	if (p->zombie)
		return;
	if (v->which == PRIO_PGRP ? p->pgid != v->who : p->leader->cred->uid != (u32)v->who)
		return;
	list_for_each(t, &p->threads, thread_node)
		one(t, v);
}

static s64 run(struct visit *v)
{
	struct task *t;

	if (v->which < PRIO_PROCESS || v->which > PRIO_USER)
		return -EINVAL;
	if (v->which == PRIO_PROCESS) {
		t = v->who ? task_find_vpid(v->who) : task_current();
		if (!t)
			return -ESRCH;
		spin_lock(&task_lock);
		one(t, v);
		spin_unlock(&task_lock);
		if (v->who)
			task_put(t);
	} else {
		if (!v->who)
			v->who = v->which == PRIO_PGRP ? task_current()->process->pgid
						       : (int)task_current()->cred->uid;
		else if (v->which == PRIO_PGRP)
			v->who = pid_from_vnr(v->who);
		process_for_each(visit_process, v);
	}
	if (!v->found)
		return -ESRCH;
	return v->set ? v->err : v->best;
}

s64 sys_getpriority(int_a which, int_a who)
{
	struct visit v = { .which = which, .who = who };

	return run(&v);
}

s64 sys_setpriority(int_a which, int_a who, int_a prio)
{
	struct visit v = { .which = which, .who = who, .set = true };

	v.nice = prio < -20 ? -20 : prio > 19 ? 19 : prio;
	v.limit = task_rlimit(RLIMIT_NICE);
	return run(&v);
}

/* I/O is not scheduled by priority here: the value is kept for whoever asks, and has no effect. */
s64 sys_ioprio_get(int_a which, int_a who)
{
	struct task *t;
	s64 v;

	if (which < 1 || which > 3)
		return -EINVAL;
	t = which == 1 && who ? task_find_vpid(who) : task_current();
	if (!t)
		return -ESRCH;
	v = t->ioprio;
	if (which == 1 && who)
		task_put(t);
	return v;
}

s64 sys_ioprio_set(int_a which, int_a who, int_a prio)
{
	int class = prio >> 13;
	struct task *t;

	if (which < 1 || which > 3 || class < 0 || class > 3 || (prio & 0x1fff) > 7)
		return -EINVAL;
	if (class == 1 && !capable(CAP_SYS_NICE))
		return -EPERM;
	t = which == 1 && who ? task_find_vpid(who) : task_current();
	if (!t)
		return -ESRCH;
	t->ioprio = (u16)prio;
	if (which == 1 && who)
		task_put(t);
	return 0;
}
