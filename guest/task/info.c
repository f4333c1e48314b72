/*
 * info.c - snapshots of tasks and walks over their numbers (info.h).
 *
 * Locks: task_lock, inside it sig_lock; nothing else.
 */
#include <string.h>

#include "mm/mm.h"
#include "task/info.h"
#include "task/signal/priv.h"
#include "task/ucounts.h"

/* sig_lock held. */
static void get_signals(const struct task *t, struct task_info *out)
{
	const struct process *p = t->process;

	out->pending = t->pending.set;
	out->shared_pending = p->shared_pending.set;
	out->blocked = t->sigmask;
	out->nr_sigqueue = (u32)ucounts_read(t->ucounts, UCOUNT_SIGPENDING);
	if (!p->sighand)
		return;
	for (int n = 1; n <= NSIG; n++) {
		u64 h = p->sighand->action[n - 1].handler;

		if (h == SIG_IGN)
			out->ignored |= SIGSET(n);
		else if (h != SIG_DFL)
			out->caught |= SIGSET(n);
	}
}

/* sig_lock held. */
static void get_usage(struct task *t, struct task_info *out)
{
	struct process *p = t->process;
	struct task *i;

	task_times(t, &out->utime, &out->stime);
	out->minflt = t->minflt;
	out->majflt = t->majflt;
	out->nvcsw = t->nvcsw;
	out->nivcsw = t->nivcsw;
	out->io = t->io;
	out->process_io = p->io;
	out->process_utime = p->utime;
	out->process_stime = p->stime;
	out->process_minflt = p->minflt;
	out->process_majflt = p->majflt;
	out->cutime = p->cutime;
	out->cstime = p->cstime;
	out->cminflt = p->cminflt;
	out->cmajflt = p->cmajflt;
	list_for_each(i, &p->threads, thread_node) {
		u64 u, s;

		task_times(i, &u, &s);
		out->process_utime += u;
		out->process_stime += s;
		if (i->exiting && i->state >= TASK_ZOMBIE)
			continue; /* its counts are in the process's sums already */
		out->process_minflt += i->minflt;
		out->process_majflt += i->majflt;
		out->process_io.rchar += i->io.rchar;
		out->process_io.wchar += i->io.wchar;
		out->process_io.syscr += i->io.syscr;
		out->process_io.syscw += i->io.syscw;
	}
}

void task_info_get(struct task *t, struct task_info *out)
{
	struct process *p = t->process;

	memset(out, 0, sizeof(*out));
	spin_lock(&task_lock);
	spin_lock(&p->sig_lock);
	out->tid = t->tid;
	out->tgid = p->pid;
	out->ppid = p->parent && p->parent != &kernel_process ? p->parent->pid : 0;
	out->pgid = p->pgid;
	out->sid = p->sid;
	memcpy(out->comm, t->comm, TASK_COMM_LEN);
	out->comm[TASK_COMM_LEN - 1] = 0;
	out->state = task_state_char(t);
	out->leader = t == p->leader;
	out->exiting = t->exiting;
	out->nr_threads = p->nr_threads + (p->leader && p->leader->exiting);
	out->nr_alive = p->nr_threads;
	out->exit_signal = p->exit_signal;
	out->exit_code = p->zombie ? p->exit_code : 0;
	out->start_time = t->start_time;
	get_signals(t, out);
	get_usage(t, out);
	spin_unlock(&p->sig_lock);
	spin_unlock(&task_lock);
}

struct cred *task_cred_get(struct task *t)
{
	struct cred *c;

	spin_lock(&task_lock);
	c = t->cred;
	cred_get(c);
	spin_unlock(&task_lock);
	return c;
}

struct task *process_leader(struct process *p)
{
	struct task *t;

	spin_lock(&task_lock);
	t = p->leader;
	if (t)
		task_get(t);
	spin_unlock(&task_lock);
	return t;
}

struct mm *task_mm_get(struct task *t)
{
	struct mm *mm;

	spin_lock(&task_lock);
	mm = t->mm;
	if (mm)
		mm_get(mm);
	spin_unlock(&task_lock);
	return mm;
}

int process_next_child(struct process *p, int pid)
{
	struct process *c;
	int best = 0;

	spin_lock(&task_lock);
	list_for_each(c, &p->children, sibling)
		if (c->pid >= pid && (!best || c->pid < best))
			best = c->pid;
	spin_unlock(&task_lock);
	return best;
}

int process_next(int pid)
{
	struct task *t;

	spin_lock(&task_lock);
	do {
		t = pid_next_task(&pid);
	} while (t && t->process->leader != t && ++pid);
	spin_unlock(&task_lock);
	return t ? pid : 0;
}

int thread_next(struct process *p, int tid)
{
	struct task *t;

	spin_lock(&task_lock);
	do {
		t = pid_next_task(&tid);
	} while (t && t->process != p && ++tid);
	spin_unlock(&task_lock);
	return t ? tid : 0;
}

int task_next(int tid)
{
	struct task *t;

	spin_lock(&task_lock);
	t = pid_next_task(&tid);
	spin_unlock(&task_lock);
	return t ? tid : 0;
}
