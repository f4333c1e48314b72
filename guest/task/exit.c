/*
 * exit.c - the end of tasks and processes: what they give back, who inherits the children, who is told.
 *
 * A thread that is not the leader vanishes as soon as it ends. The leader stays as a zombie; the process is waitable
 * once the last thread has ended. Process exit: children go to the nearest living subreaper or init; stopped groups
 * that become orphans get SIGHUP and SIGCONT; the parent gets exit_signal and a wake-up, unless it ignores SIGCHLD.
 */
#include "lib/err.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/container.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/seccomp/seccomp.h"
#include "task/watch.h"

static void release_mm(struct task *t)
{
	struct mm *mm = t->mm;
	struct completion *vfork = t->vfork_done;
	struct mm_counters c;

	if (mm) {
		mm_counters(mm, &c);
		t->process->maxrss = MAX(t->process->maxrss,
					 MAX(c.hiwater_rss, c.rss_anon + c.rss_file + c.rss_shmem));
	}
	utask_switch_out(t->utask);
	utask_switch_in(NULL);
	cpu_this()->utask = NULL;
	utask_destroy(t->utask);
	t->utask = NULL;
	spin_lock(&task_lock);
	t->mm = NULL;
	spin_unlock(&task_lock);
	if (mm)
		mm_put(mm);
	t->vfork_done = NULL;
	if (vfork) {
		completion_done(vfork);
		completion_put(vfork);
	}
}

static void release_shared(struct task *t)
{
	struct fdtable *files = t->files;
	struct fs_context *fs = t->fs;
	struct nsproxy *ns = t->ns;

	if (t->sysvsem)
		task_res.sysvsem_put(t->sysvsem);
	t->sysvsem = NULL;
	spin_lock(&task_lock); /* /proc looks at them under it */
	t->files = NULL;
	t->fs = NULL;
	t->ns = NULL;
	spin_unlock(&task_lock);
	if (files)
		task_res.files_put(files);
	if (fs)
		task_res.fs_put(fs);
	if (ns)
		task_res.ns_put(ns);
}

/* ---- the tree; task_lock held ---- */

static struct process *find_reaper(struct process *p)
{
	struct process *r;

	for (r = p->parent; r && r != &kernel_process && r->pid_ns == p->pid_ns; r = r->parent)
		if (r->child_subreaper && !r->zombie && r->nr_threads)
			return r;
	r = p->pid_ns ? p->pid_ns->init : p->container ? p->container->init : NULL;
	return r && r != p ? r : &kernel_process;
}

static void reparent_children(struct process *p)
{
	struct process *c, *next, *reaper = find_reaper(p);
	struct siginfo info = { 0 };

	list_for_each_safe(c, next, &p->children, sibling) {
		struct task *t;

		list_del(&c->sibling);
		c->parent = reaper;
		list_add_tail(&reaper->children, &c->sibling);
		list_for_each(t, &c->threads, thread_node) {
			if (!t->pdeath_signal)
				continue;
			info.signo = t->pdeath_signal;
			info.kill.pid = p->pid;
			info.kill.uid = p->leader && p->leader->cred ? p->leader->cred->uid : 0;
			signal_process(c, t->pdeath_signal, &info);
			break;
		}
		if (c->zombie && ptrace_tracer(c))
			continue; /* its tracer goes first */
		if (c->zombie) {
			if (reaper == &kernel_process || pid_ns_ending(reaper) ||
			    signal_child_ignored(reaper))
				process_reap(c);
			else {
				c->exit_signal = SIGCHLD;
				signal_notify_parent(c, 0, 0);
			}
			continue;
		}
		c->exit_signal = c->exit_signal ? SIGCHLD : 0;
		signal_orphaned_check(c, p);
	}
}

void process_reap(struct process *p)
{
	struct task *leader = p->leader;
	struct process *parent = p->parent;

	if (parent) {
		parent->cutime += p->utime + p->cutime;
		parent->cstime += p->stime + p->cstime;
		parent->cminflt += p->minflt + p->cminflt;
		parent->cmajflt += p->majflt + p->cmajflt;
		parent->cmaxrss = MAX(parent->cmaxrss, MAX(p->maxrss, p->cmaxrss));
	}
	list_del(&p->sibling);
	list_del(&p->all_node);
	list_del(&leader->thread_node);
	pid_drop(p->pgid);
	pid_drop(p->sid);
	pid_free(p->pid);
	task_uncount(leader);
	cgroup_task_gone(p);
	p->parent = NULL;
	p->leader = NULL;
	if (leader->state == TASK_ZOMBIE)
		leader->state = TASK_DEAD;
	task_put(leader);
}

/* Wait status from p->exit_code to CLD_*. */
static int cld_code(int status)
{
	if (status & 0x7f)
		return status & 0x80 ? CLD_DUMPED : CLD_KILLED;
	return CLD_EXITED;
}

void process_report(struct process *p)
{
	struct process *parent = p->parent;
	int st = p->exit_code;

	if (parent == &kernel_process || pid_ns_ending(parent)) {
		process_reap(p);
		return;
	}
	if (p->exit_signal == SIGCHLD && signal_child_ignored(parent)) {
		signal_notify_parent(p, cld_code(st), st & 0x7f ? st & 0x7f : st >> 8);
		process_reap(p);
		return;
	}
	signal_notify_parent(p, cld_code(st), st & 0x7f ? st & 0x7f : st >> 8);
}

/* The process has no thread left. task_lock held. */
static void process_ended(struct process *p)
{
	ptrace_release_all(p);
	if (p->container)
		container_left(p->container, p);
	cgroup_left(p);
	reparent_children(p);
	pid_ns_left(p);
	signal_orphaned_check(p, NULL);
	p->zombie = true;
	waitq_wake_all(&p->exit_wait, 0);
	if (!ptrace_process_ended(p))
		process_report(p);
}

/* Add what a thread used to its process. sig_lock held. */
static void add_times(struct process *p, struct task *t)
{
	p->utime += t->utime;
	p->stime += t->stime;
	p->sum_exec += t->se.sum_exec;
	p->minflt += t->minflt;
	p->majflt += t->majflt;
	p->io.rchar += t->io.rchar;
	p->io.wchar += t->io.wchar;
	p->io.syscr += t->io.syscr;
	p->io.syscw += t->io.syscw;
	p->nvcsw += t->nvcsw;
	p->nivcsw += t->nivcsw;
}

static void last_words(struct process *p)
{
	if (p->pid == p->sid && task_res.tty_disassociate)
		task_res.tty_disassociate(p);
	task_watch_ended(p, p->exit_code);
	if (p->session)
		task_session_ended(p, p->exit_code);
}

/* A tracer may want to look once more. A thread that its process's end takes along has SIGKILL pending; that is no kill. */
static void exit_event(struct task *t, int code)
{
	spin_lock(&t->process->sig_lock);
	if (code != SIGKILL && ptrace_event_enabled(t, PT_EVENT_EXIT))
		t->pending.set &= ~SIGSET(SIGKILL);
	spin_unlock(&t->process->sig_lock);
	ptrace_event(t, PT_EVENT_EXIT, (u64)code);
}

void task_exit(int code)
{
	struct task *t = task_current();
	struct process *p = t->process;
	bool last, leader;

	if (unlikely(t->ptrace))
		exit_event(t, code);
	spin_lock(&p->sig_lock);
	t->exiting = true;
	t->exit_code = code;
	signal_retarget(t);
	/* Nothing interrupts what follows: closing files and reading robust lists may sleep. */
	t->pending.set = 0;
	WRITE_ONCE(t->signal_wake, 0);
	spin_unlock(&p->sig_lock);

	futex_exit(t);
	futex_clear_tid(t);
	spin_lock(&task_lock);
	spin_lock(&p->sig_lock);
	last = --p->nr_threads == 0;
	if (t != p->leader) /* that one counts until it is reaped */
		cgroup_task_gone(p);
	if (last && !p->exiting)
		p->exit_code = code;
	spin_unlock(&p->sig_lock);
	spin_unlock(&task_lock);
	if (last)
		itimers_exit(p);
	seccomp_exit(t);
	release_mm(t);
	release_shared(t);
	if (t->thread_keyring || (last && (p->session_keyring || p->process_keyring)))
		task_res.keys_exit(t, last);
	if (last)
		last_words(p);
	if (last && unlikely(p->pid_ns != NULL))
		pid_ns_end(p);
	task_account(t, false);

	spin_lock(&task_lock);
	leader = t == p->leader;
	spin_lock(&p->sig_lock);
	sched_settle(t);
	add_times(p, t);
	t->utime = t->stime = 0;
	t->state = leader ? TASK_ZOMBIE : TASK_DEAD;
	if (!leader) {
		list_del(&t->thread_node);
		cgroup_task_ended(t);
	}
	spin_unlock(&p->sig_lock);
	if (!leader && !ptrace_thread_ended(t)) {
		pid_free(t->tid);
		task_uncount(t);
		task_put(t);
	}
	/* In this order: execve, woken on another CPU, counts without our lock. */
	atomic_store(&p->nr_ended, p->nr_ended + 1);
	waitq_wake_all(&p->thread_wait, 0);
	if (p->nr_threads == 0 && p->nr_ended == p->nr_started)
		process_ended(p);
	else if (unlikely(p->freeze))
		cgroup_freeze_check(p->cgroup);
	spin_unlock(&task_lock);
	cgroup_tell();
	sched_exit();
}

void task_exit_group(int status)
{
	struct task *t = task_current();
	struct process *p = t->process;

	spin_lock(&p->sig_lock);
	if (p->exiting) {
		status = p->exit_code;
	} else if (p->execing && p->execing != t) {
		/* Another thread is in execve: this one just ends. */
	} else {
		p->exiting = true;
		p->exit_code = status;
		signal_kill_others(p, t);
	}
	spin_unlock(&p->sig_lock);
	task_exit(status);
}
