/*
 * exec.c - the part of execve that changes the task (exec.h).
 *
 * Whoever calls execve survives as the leader: it takes over the number of the process, and the old leader's task, by
 * then a zombie, vanishes.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "task/container.h"
#include "task/exec.h"
#include "task/ptrace/ptrace.h"
#include "task/signal/priv.h"
#include "task/ns/timens.h"

static bool alone(struct process *p)
{
	return READ_ONCE(p->nr_started) - READ_ONCE(p->nr_ended) == 1;
}

/* Take the leader's place in the tables. task_lock held. */
static void become_leader(struct task *t)
{
	struct process *p = t->process;
	struct task *old = p->leader;

	spin_lock(&p->sig_lock);
	pid_free(t->tid);
	t->tid = p->pid;
	t->nr = p->nr;
	pid_set(p->pid, t);
	list_del(&old->thread_node);
	p->leader = t;
	spin_unlock(&p->sig_lock);
	cgroup_task_gone(p); /* the old leader */
	cgroup_task_ended(old);
	task_uncount(old);
	ptrace_leader_replaced(old);
	t->start_time = old->start_time;
	old->state = TASK_DEAD;
	task_put(old);
}

static int kill_threads(struct task *t)
{
	struct process *p = t->process;
	int err;

	spin_lock(&p->sig_lock);
	if (p->exiting || p->execing) {
		spin_unlock(&p->sig_lock);
		return -EAGAIN;
	}
	p->execing = t;
	signal_kill_others(p, t);
	spin_unlock(&p->sig_lock);
	err = wait_event(&p->thread_wait, SLEEP_KILLABLE, NO_DEADLINE, alone(p));
	spin_lock(&task_lock);
	if (!err && p->leader != t)
		become_leader(t);
	p->execing = NULL;
	spin_unlock(&task_lock);
	return err;
}

/* A table of its own where clone shared one. */
static int unshare_for_exec(struct task *t)
{
	struct process *p = t->process;
	struct sighand *s = NULL, *old;
	int err;

	if (atomic_load(&p->sighand->ref.n) > 1) {
		s = sighand_clone(p->sighand, false);
		if (!s)
			return -ENOMEM;
	}
	err = task_unshare_files();
	if (err) {
		sighand_put(s);
		return err;
	}
	if (s) {
		/* a child that ends, and a tracee, looks at it under this one */
		spin_lock(&task_lock);
		spin_lock(&p->sig_lock);
		old = p->sighand;
		p->sighand = s;
		spin_unlock(&p->sig_lock);
		spin_unlock(&task_lock);
		sighand_put(old);
	}
	return 0;
}

static void switch_mm(struct task *t, struct mm *mm)
{
	struct mm *old = t->mm;
	struct completion *vfork = t->vfork_done;
	struct mm_counters c;

	mm_counters(old, &c);
	t->process->maxrss =
		MAX(t->process->maxrss, MAX(c.hiwater_rss, c.rss_anon + c.rss_file + c.rss_shmem));
	futex_exit(t);
	futex_clear_tid(t);
	BUG_ON(utask_exec(t->utask, mm_pmap(mm)));
	spin_lock(&task_lock);
	t->mm = mm;
	spin_unlock(&task_lock);
	if (unlikely(t->ns != NULL))
		time_ns_switch(t);
	t->mm_shared = false;
	mm_put(old);
	t->vfork_done = NULL;
	if (vfork) {
		completion_done(vfork);
		completion_put(vfork);
	}
}

static void set_comm(struct task *t, const char *name)
{
	const char *slash = strrchr(name, '/');
	char comm[TASK_COMM_LEN] = { 0 };

	strncpy(comm, slash ? slash + 1 : name, TASK_COMM_LEN - 1);
	memcpy(t->comm, comm, sizeof(comm));
}

int task_exec_switch(const struct exec_switch *sw)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct user_regs *regs;
	int err, tid = t->tid;

	err = unshare_for_exec(t);
	if (!err)
		err = kill_threads(t);
	if (err)
		return err;

	/* No return from here. */
	switch_mm(t, sw->mm);
	set_comm(t, sw->name);
	p->did_exec = true; /* before descriptors close: a parent that sees that may count on it */
	if (t->files && task_res.files_exec)
		task_res.files_exec(t->files);
	spin_lock(&p->sig_lock);
	sighand_exec(p);
	spin_unlock(&p->sig_lock);
	itimers_exec(p);
	t->altstack = t->altstack_size = 0;
	t->altstack_flags = SS_DISABLE;
	t->robust_list = 0;
	t->rseq = 0;
	t->rseq_cpu = 0;
	t->restart_pending = false;
	p->exit_signal = p->exit_signal ? SIGCHLD : 0;
	p->membarrier = 0;
	if (p->process_keyring || t->thread_keyring)
		task_res.keys_exec();
	p->dumpable = !sw->secure;
	if (sw->secure)
		t->pdeath_signal = 0;
	if (sw->cred)
		cred_commit(sw->cred);
	regs = utask_regs(t->utask);
	regs->rip = sw->entry;
	regs->rsp = sw->sp;
	regs->rax = 0;
	regs->orig_rax = ~0ULL;
	ptrace_execed(t);
	ptrace_event(t, PT_EVENT_EXEC, (u64)tid);
	return 0;
}
