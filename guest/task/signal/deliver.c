/*
 * deliver.c - receiving signals: what a task does before it goes back to user mode.
 *
 * Order: group exit, group stop, then signals one by one until a handler's frame is built (further ones get their frames
 * on top of it, as Linux does). System-call restart is decided by the first handler, or by there being none. A restart
 * block runs in the kernel at once when no handler runs: programs see no restart_syscall.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "task/cgroup/cgroup.h"
#include "task/ptrace/ptrace.h"
#include "task/signal/priv.h"
#include "task/watch.h"

#define TICK_NS 10000000ULL

bool signal_pending(struct task *t)
{
	return READ_ONCE(t->signal_wake);
}

bool signal_fatal_pending(struct task *t)
{
	return READ_ONCE(t->pending.set) & SIGSET(SIGKILL);
}

void signal_recalc(struct task *t)
{
	spin_lock(&t->process->sig_lock);
	signal_recalc_locked(t);
	spin_unlock(&t->process->sig_lock);
}

/* ---- the parent ---- */

bool signal_child_ignored(struct process *parent)
{
	struct sigaction *sa;

	if (parent == &kernel_process)
		return true;
	sa = &parent->sighand->action[SIGCHLD - 1];
	return sa->handler == SIG_IGN || sa->flags & SA_NOCLDWAIT;
}

void signal_notify_parent(struct process *p, int code, int status)
{
	struct process *parent = p->parent;
	struct siginfo info = { 0 };
	struct sigaction *sa;
	int signo = SIGCHLD;

	if (!parent || parent == &kernel_process)
		return;
	if (!code) {
		code = p->exit_code & 0x80   ? CLD_DUMPED
		       : p->exit_code & 0x7f ? CLD_KILLED
					     : CLD_EXITED;
		status = p->exit_code & 0x7f ? p->exit_code & 0x7f : p->exit_code >> 8 & 0xff;
	}
	if (code <= CLD_DUMPED)
		signo = p->exit_signal;
	info.signo = signo;
	info.code = code;
	info.chld.pid = p->pid;
	info.chld.uid = p->leader->cred->uid;
	info.chld.status = status;
	info.chld.utime = (s64)(p->utime / TICK_NS);
	info.chld.stime = (s64)(p->stime / TICK_NS);
	sa = &parent->sighand->action[SIGCHLD - 1];
	if (signo && !(signo == SIGCHLD && (sa->handler == SIG_IGN ||
					    (code >= CLD_TRAPPED && sa->flags & SA_NOCLDSTOP))))
		signal_process(parent, signo, &info);
	waitq_wake_all(&parent->child_wait, 0);
}

/* A group is orphaned if no member has a parent in another group of the same session. task_lock held. */
static bool group_orphaned(int pgid, struct process *without)
{
	struct process *p;

	list_for_each(p, &all_processes, all_node) {
		if (p->pgid != pgid || p == without || p->zombie || !p->parent ||
		    p->parent == &kernel_process)
			continue;
		if (p->parent->pgid != pgid && p->parent->sid == p->sid)
			return false;
	}
	return true;
}

int signal_pgrp_orphaned(int pgid)
{
	bool orphaned;

	spin_lock(&task_lock);
	orphaned = group_orphaned(pgid, NULL);
	spin_unlock(&task_lock);
	return orphaned;
}

static bool group_stopped(int pgid)
{
	struct process *p;

	list_for_each(p, &all_processes, all_node)
		if (p->pgid == pgid && p->stopped)
			return true;
	return false;
}

/*
 * p is ending (old_parent NULL) or has lost old_parent: if that orphaned its group and someone in it is stopped, the
 * group gets SIGHUP and SIGCONT.
 */
void signal_orphaned_check(struct process *p, struct process *old_parent)
{
	struct process *parent = old_parent ? old_parent : p->parent, *q;
	struct process *ignored = old_parent ? NULL : p;

	if (!group_stopped(p->pgid) || !parent || parent->pgid == p->pgid || parent->sid != p->sid)
		return;
	if (!group_orphaned(p->pgid, ignored))
		return;
	list_for_each(q, &all_processes, all_node) {
		if (q->pgid != p->pgid || q == p->parent)
			continue;
		signal_process(q, SIGHUP, NULL);
		signal_process(q, SIGCONT, NULL);
	}
}

/* ---- stops ---- */

/* Begin or join a group stop. sig_lock held. */
static void begin_stop(struct process *p, int signo)
{
	struct task *t;

	if (!p->stop_signo)
		p->stop_signo = signo;
	list_for_each(t, &p->threads, thread_node) {
		if (t->exiting || t->stop_pending || t->state == TASK_STOPPED)
			continue;
		t->stop_pending = true;
		p->stop_count++;
		WRITE_ONCE(t->signal_wake, 1);
		sched_signal(t, false);
	}
}

/* Stop until SIGCONT or SIGKILL. sig_lock held; returns without it. */
static void take_part_in_stop(struct task *t)
{
	struct process *p = t->process;
	bool tell = false;

	t->stop_pending = false;
	if (p->stop_count && --p->stop_count == 0 && !p->stopped) {
		p->stopped = true;
		p->stop_report = true;
		tell = true;
	}
	atomic_store(&t->state, TASK_STOPPED);
	spin_unlock(&p->sig_lock);
	if (tell || unlikely(p->freeze)) {
		spin_lock(&task_lock);
		if (tell && p->stopped)
			signal_notify_parent(p, CLD_STOPPED, p->stop_signo);
		if (p->freeze)
			cgroup_freeze_check(p->cgroup);
		spin_unlock(&task_lock);
		cgroup_tell();
	}
	sched_block();
}

/* An exiting thread does not hold up a stop, and leaves shared signals to others. sig_lock held. */
void signal_retarget(struct task *t)
{
	struct process *p = t->process;
	struct task *o;
	u64 set = p->shared_pending.set & ~t->sigmask;

	if (t->stop_pending) {
		t->stop_pending = false;
		if (p->stop_count && --p->stop_count == 0 && p->nr_threads > 1 && !p->exiting) {
			p->stopped = true;
			p->stop_report = true;
		}
	}
	if (!set || p->exiting)
		return;
	list_for_each(o, &p->threads, thread_node) {
		if (o == t || o->exiting || !(set & ~o->sigmask))
			continue;
		set &= o->sigmask;
		WRITE_ONCE(o->signal_wake, 1);
		sched_signal(o, false);
	}
}

/* ---- delivery ---- */

static void die(struct task *t, int signo)
{
	int status = signo;

	if (SIGSET(signo) & SIG_CORE) /* no core file is written, so no core bit */
		klog("%s[%d]: killed by signal %d at %#llx", t->comm, t->tid, signo,
		     (unsigned long long)utask_regs(t->utask)->rip);
	task_exit_group(status);
}

/* The process ends. Its first task here tells of the signal that did it. sig_lock held; does not return. */
static void end_with_group(struct task *t, struct siginfo *info)
{
	struct process *p = t->process;
	int status = p->exiting ? p->exit_code : SIGKILL, signo = status & 0x7f;
	bool here = signo && signo != SIGKILL && signal_take(t, SIGSET(signo), info);

	spin_unlock(&p->sig_lock);
	if (here)
		task_watch_signal(t, signo, info);
	task_exit_group(status);
}

/* What comes before the next signal is looked for. sig_lock held; true: something was done, and the lock is released. */
static bool work_before_signals(struct task *t, struct siginfo *info)
{
	struct process *p = t->process;

	if (p->notify_cont) {
		p->notify_cont = false;
		spin_unlock(&p->sig_lock);
		spin_lock(&task_lock);
		signal_notify_parent(p, CLD_CONTINUED, SIGCONT);
		spin_unlock(&task_lock);
		return true;
	}
	if (p->exiting || t->pending.set & SIGSET(SIGKILL))
		end_with_group(t, info);
	if ((t->stop_pending || t->trace_trap) && ptraced(t)) {
		spin_unlock(&p->sig_lock);
		ptrace_trap(t);
		return true;
	}
	if (t->stop_pending) {
		take_part_in_stop(t);
		return true;
	}
	if (unlikely(p->freeze)) {
		spin_unlock(&p->sig_lock);
		cgroup_freeze_here();
		return true;
	}
	return false;
}

/* The default action of those in SIG_STOPS. No lock held. */
static void stop_by_default(struct process *p, int signo)
{
	/* Terminal stops do nothing to an orphaned group: nobody could continue it. */
	if (signo != SIGSTOP && signal_pgrp_orphaned(p->pgid))
		return;
	spin_lock(&p->sig_lock);
	if (!(p->shared_pending.set & SIGSET(SIGCONT)) && !p->exiting)
		begin_stop(p, signo);
	spin_unlock(&p->sig_lock);
}

/*
 * The next signal with a handler: its number, *info and *sa are filled. 0: none is left. Does default actions on the
 * way, which may end the task.
 */
static int next_handled(struct task *t, struct siginfo *info, struct sigaction *sa)
{
	struct process *p = t->process;
	int signo;

	for (;;) {
		spin_lock(&p->sig_lock);
		if (work_before_signals(t, info))
			continue;
		signo = signal_take(t, ~t->sigmask, info);
		if (!signo) {
			signal_recalc_locked(t);
			spin_unlock(&p->sig_lock);
			return 0;
		}
		if (unlikely(t->ptrace) && signo != SIGKILL) {
			spin_unlock(&p->sig_lock);
			signo = ptrace_signal(t, signo, info);
			if (!signo)
				continue;
			spin_lock(&p->sig_lock);
		}
		*sa = p->sighand->action[signo - 1];
		if (sa->handler > SIG_IGN) {
			if (sa->flags & SA_RESETHAND)
				p->sighand->action[signo - 1].handler = SIG_DFL;
			spin_unlock(&p->sig_lock);
			task_watch_signal(t, signo, info);
			return signo;
		}
		if (sa->handler == SIG_IGN || signal_default_ignored(signo) ||
		    (unlikely(p->unkillable) && signo != SIGSTOP)) {
			spin_unlock(&p->sig_lock);
			continue;
		}
		if (SIGSET(signo) & SIG_STOPS) {
			spin_unlock(&p->sig_lock);
			stop_by_default(p, signo);
			continue;
		}
		spin_unlock(&p->sig_lock);
		task_watch_signal(t, signo, info);
		die(t, signo);
	}
}

/* rax holds -ERESTART*: a handler with flags is about to run. */
static void restart_with_handler(struct task *t, struct user_regs *regs, u64 flags)
{
	switch (-(s64)regs->rax) {
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK: regs->rax = (u64)-EINTR; break;
	case ERESTARTSYS:
		if (!(flags & SA_RESTART)) {
			regs->rax = (u64)-EINTR;
			break;
		}
		utask_restart(t->utask);
		break;
	default: utask_restart(t->utask); break;
	}
}

static void restart_without_handler(struct task *t, struct user_regs *regs)
{
	if ((s64)regs->rax != -ERESTART_RESTARTBLOCK) {
		utask_restart(t->utask);
		return;
	}
	t->restart_pending = false;
	regs->rax = (u64)t->restart.fn(&t->restart);
	if ((s64)regs->rax <= -ERESTARTSYS && (s64)regs->rax >= -ERESTART_RESTARTBLOCK)
		t->restart_pending = true;
}

void signal_deliver(struct task *t)
{
	struct user_regs *regs = utask_regs(t->utask);
	struct siginfo info;
	struct sigaction sa;
	u64 mask;
	int signo;

	do {
		while ((signo = next_handled(t, &info, &sa)) != 0) {
			if (t->restart_pending) {
				t->restart_pending = false;
				restart_with_handler(t, regs, sa.flags);
			}
			regs->orig_rax = ~0ULL;
			if (t->rseq)
				rseq_fixup(t, regs);
			mask = t->restore_sigmask ? t->saved_sigmask : t->sigmask;
			if (signal_frame_push(t, signo, &info, &sa, mask)) {
				t->restore_sigmask = false;
				signal_force(SIGSEGV, NULL);
				continue;
			}
			t->restore_sigmask = false;
			mask = t->sigmask | sa.mask;
			if (!(sa.flags & SA_NODEFER))
				mask |= SIGSET(signo);
			signal_set_mask(mask);
			ptrace_handler_entered(t);
		}
		if (t->restore_sigmask) {
			t->restore_sigmask = false;
			signal_set_mask(t->saved_sigmask);
			if (signal_pending(t))
				continue;
		}
		if (!t->restart_pending)
			return;
		restart_without_handler(t, regs);
		if (regs->rax != (u64)-ERESTART_RESTARTBLOCK || !t->restart_pending)
			t->restart_pending = false;
	} while (t->restart_pending || signal_pending(t));
}

void signal_force(int signo, const struct siginfo *info)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct sigaction *sa;

	spin_lock(&p->sig_lock);
	sa = &p->sighand->action[signo - 1];
	if (t->sigmask & SIGSET(signo) || sa->handler == SIG_IGN ||
	    (!info && signo == SIGSEGV)) /* a handler's frame could not be built: no second try */
		sa->handler = SIG_DFL;
	if (sa->handler == SIG_DFL)
		p->unkillable = false;
	t->sigmask &= ~SIGSET(signo);
	spin_unlock(&p->sig_lock);
	signal_task(t, signo, info);
}

/* ---- masks and actions ---- */

void signal_set_mask(u64 mask)
{
	struct task *t = task_current();

	spin_lock(&t->process->sig_lock);
	t->sigmask = mask & ~SIG_UNBLOCKABLE;
	signal_recalc_locked(t);
	spin_unlock(&t->process->sig_lock);
}

void signal_suspend_mask(u64 mask)
{
	struct task *t = task_current();

	t->saved_sigmask = t->sigmask;
	t->restore_sigmask = true;
	signal_set_mask(mask);
}

int signal_dequeue(u64 mask, struct siginfo *info)
{
	struct task *t = task_current();
	int n;

	spin_lock(&t->process->sig_lock);
	n = signal_take(t, mask & ~SIG_UNBLOCKABLE, info);
	signal_recalc_locked(t);
	spin_unlock(&t->process->sig_lock);
	return n;
}

u64 signal_pending_set(void)
{
	struct task *t = task_current();

	return t->pending.set | t->process->shared_pending.set;
}
