/*
 * pidns.c - see pidns.h: making namespaces, their init, what signals tell about senders. The numbers are in task/pid.c.
 */
#include "task/ns/pidns.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/ns/userns.h"

struct pid_ns first_pid_ns = {
	.c = { .ref = { 1 }, .inum = 0xeffffffc, .kind = NS_PID },
	.left = WAITQ_INIT(first_pid_ns.left),
};

struct pid_ns *pid_ns_create(struct pid_ns *parent, struct user_ns *owner)
{
	struct pid_ns *ns;

	if (parent->level >= PID_NS_DEEP)
		return ERR_PTR(-ENOSPC);
	ns = kzalloc(sizeof(*ns));
	if (!ns)
		return ERR_PTR(-ENOMEM);
	ref_init(&ns->c.ref);
	ns->c.kind = NS_PID;
	ns->c.inum = ns_new_inum();
	if (owner && owner != &first_user_ns) {
		user_ns_get(owner);
		ns->c.owner = owner;
	}
	pid_ns_get(parent);
	ns->parent = parent;
	ns->level = parent->level + 1;
	waitq_init(&ns->left);
	return ns;
}

void pid_ns_get(struct pid_ns *ns)
{
	ref_get(&ns->c.ref);
}

void pid_ns_put(struct pid_ns *ns)
{
	while (ns && ref_put(&ns->c.ref)) {
		struct pid_ns *parent = ns->parent;

		for (unsigned k = 0; k < PID_CHUNKS; k++)
			kfree(ns->chunks[k]);
		if (ns->c.owner)
			user_ns_put(ns->c.owner);
		kfree(ns);
		ns = parent;
	}
}

bool pid_ns_below(const struct pid_ns *ns, const struct pid_ns *top)
{
	while (ns && ns->level > top->level)
		ns = ns->parent;
	return ns == top;
}

struct task *task_find_vpid(int nr)
{
	return nr > 0 ? task_find(pid_from_vnr(nr)) : NULL;
}

struct process *process_find_vpid(int nr)
{
	return nr > 0 ? process_find(pid_from_vnr(nr)) : NULL;
}

/* ---- init ---- */

void pid_ns_joined(struct pid_ns *ns, struct process *p)
{
	if (ns->level && p->nr == 1) {
		ns->init = p;
		p->unkillable = true;
	}
	for (; ns; ns = ns->parent)
		ns->nr++;
}

void pid_ns_left(struct process *p)
{
	struct pid_ns *ns = process_pid_ns(p);

	if (ns->init == p)
		ns->init = NULL;
	for (; ns; ns = ns->parent) {
		ns->nr--;
		waitq_wake_all(&ns->left, 0);
	}
}

bool pid_ns_ending(const struct process *p)
{
	return unlikely(p->pid_ns != NULL) && p->pid_ns->ended && p->pid_ns->init == p;
}

void pid_ns_end(struct process *p)
{
	struct pid_ns *ns = process_pid_ns(p);
	struct process *q, *next;

	spin_lock(&task_lock);
	if (!ns->level || ns->init != p) {
		spin_unlock(&task_lock);
		return;
	}
	ns->ended = true;
	list_for_each(q, &all_processes, all_node)
		if (q != p && !q->zombie && pid_ns_below(process_pid_ns(q), ns))
			signal_process(q, SIGKILL, NULL);
	list_for_each_safe(q, next, &p->children, sibling)
		if (q->zombie && !ptrace_tracer(q))
			process_reap(q);
	spin_unlock(&task_lock);
	wait_event(&ns->left, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, READ_ONCE(ns->nr) <= 1);
}

/* ---- signals ---- */

void pid_ns_siginfo(const struct process *p, struct siginfo *info)
{
	struct pid_ns *ns = process_pid_ns(p);

	if (likely(!ns->level))
		return;
	if (info->code == SI_USER || info->code == SI_TKILL || info->code == SI_MESGQ ||
	    (info->signo == SIGCHLD && info->code >= CLD_EXITED && info->code <= CLD_CONTINUED))
		info->kill.pid = pid_nr_in(ns, info->kill.pid);
	else if (info->code == SI_QUEUE && !pid_ns_below(pid_ns_current(), ns))
		info->kill.pid = 0;
}

bool pid_ns_from_above(const struct process *p, const struct siginfo *info)
{
	return !info || info->code == SI_KERNEL ||
	       !pid_ns_below(pid_ns_current(), process_pid_ns(p));
}
