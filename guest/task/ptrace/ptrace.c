/*
 * ptrace.c - the tie between tracer and tracee: attach, seize, traceme, detach, and what the ends of either do to it.
 *
 * Locks: ptrace.h. The tie is made and ended under task_lock; sig_lock of the tracee's process guards its traps.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "mm/slab.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"

/* The task's own record; made when it is first traced. */
static struct tracee *record(struct task *t)
{
	struct tracee *tr = READ_ONCE(t->ptrace), *old;

	if (tr)
		return tr;
	tr = kzalloc(sizeof(*tr));
	if (!tr)
		return NULL;
	spin_init(&tr->lock);
	list_init(&tr->node);
	tr->task = t;
	spin_lock(&task_lock);
	old = t->ptrace;
	if (!old)
		WRITE_ONCE(t->ptrace, tr);
	spin_unlock(&task_lock);
	if (old)
		kfree(tr);
	return old ? old : tr;
}

void ptrace_free(struct task *t)
{
	kfree(t->ptrace);
}

/* task_lock held. */
static void tie(struct tracee *tr, struct process *tracer, struct cred *cred, bool seized,
		u32 options)
{
	tr->tracer = tracer;
	tr->cred = cred;
	cred_get(cred);
	tr->seized = seized;
	tr->options = options;
	tr->stopped = tr->listening = tr->report = tr->info_valid = tr->dead = false;
	tr->message = 0;
	tr->signo = 0;
	tr->resume = PT_CONT;
	memset(tr->dr, 0, sizeof(tr->dr));
	list_add_tail(&tracer->tracees, &tr->node);
}

int ptrace_traceme(void)
{
	struct task *t = task_current();
	struct tracee *tr = record(t);
	struct process *parent;
	int err = 0;

	if (!tr)
		return -ENOMEM;
	spin_lock(&task_lock);
	parent = t->process->parent;
	if (tr->tracer || !parent || parent == &kernel_process)
		err = -EPERM;
	else
		tie(tr, parent, parent->leader->cred, false, 0);
	spin_unlock(&task_lock);
	return err;
}

/* A task in a group's stop is to turn that into a stop for its tracer. task_lock held. */
static void trap_stopped(struct task *t)
{
	struct process *p = t->process;
	bool was_stopped;

	spin_lock(&p->sig_lock);
	was_stopped = atomic_load(&t->state) == TASK_STOPPED;
	if (was_stopped) {
		t->trace_trap |= TRACE_TRAP_STOP;
		WRITE_ONCE(t->signal_wake, 1);
	}
	spin_unlock(&p->sig_lock);
	if (was_stopped)
		sched_wake_jobstop(t);
}

int ptrace_attach(struct task *t, bool seize, u32 options)
{
	struct task *self = task_current();
	struct tracee *tr;
	int err = 0;

	if (t->kthread || t->process == self->process || !ptrace_may_access(t, PTRACE_ATTACH))
		return -EPERM;
	if (options & PT_O_SUSPEND_SECCOMP && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	tr = record(t);
	if (!tr)
		return -ENOMEM;
	spin_lock(&task_lock);
	if (t->exiting || t->state >= TASK_ZOMBIE || tr->tracer) {
		err = -EPERM;
	} else {
		tie(tr, self->process, self->cred, seize, options);
		if (!seize)
			signal_task(t, SIGSTOP, NULL);
		trap_stopped(t);
	}
	spin_unlock(&task_lock);
	return err;
}

/* End the tie. task_lock held. */
static void ptrace_unlink(struct tracee *tr)
{
	struct task *t = tr->task;
	struct process *p = t->process;

	list_del(&tr->node);
	tr->tracer = NULL;
	tr->options = 0;
	tr->report = false;
	cred_put(tr->cred);
	tr->cred = NULL;
	atomic_and(&t->syscall_work, ~WORK_OF_TRACER);
	memset(tr->dr, 0, sizeof(tr->dr));
	spin_lock(&p->sig_lock);
	t->trace_trap = 0;
	/* It takes part in its group's stop again. */
	if (!t->exiting && p->stop_signo && !t->stop_pending &&
	    atomic_load(&t->state) != TASK_STOPPED) {
		t->stop_pending = true;
		if (!p->stopped)
			p->stop_count++;
		WRITE_ONCE(t->signal_wake, 1);
	}
	spin_unlock(&p->sig_lock);
	if (tr->stopped) {
		spin_lock(&tr->lock);
		tr->stopped = tr->listening = false;
		spin_unlock(&tr->lock);
		sched_wake_stopped(t);
	}
}

/* ---- finding tracees ---- */

/* task_lock held. */
static bool is_ours(struct task *t)
{
	struct tracee *tr = ptrace_of(t);

	return tr && tr->tracer == task_current()->process && tr->stopped && !tr->listening;
}

int ptrace_check(struct task *t)
{
	bool ours;

	spin_lock(&task_lock);
	ours = is_ours(t);
	spin_unlock(&task_lock);
	return ours ? 0 : -ESRCH;
}

int ptrace_lock(struct task *t)
{
	struct tracee *tr;

	spin_lock(&task_lock);
	if (!is_ours(t)) {
		spin_unlock(&task_lock);
		return -ESRCH;
	}
	tr = t->ptrace;
	spin_lock(&tr->lock);
	spin_unlock(&task_lock);
	/* On its way off its CPU; or already on its way back, killed, to wait for our lock. */
	while (atomic_load(&t->se.on_cpu) && atomic_load(&t->state) == TASK_TRACED)
		cpu_relax();
	if (atomic_load(&t->state) != TASK_TRACED) {
		spin_unlock(&tr->lock);
		return -ESRCH;
	}
	return 0;
}

void ptrace_unlock(struct task *t)
{
	struct tracee *tr = t->ptrace;

	spin_unlock(&tr->lock);
}

int ptrace_tracer_pid(struct task *t)
{
	struct tracee *tr;
	int pid;

	spin_lock(&task_lock);
	tr = ptrace_of(t);
	pid = tr ? tr->tracer->pid : 0;
	spin_unlock(&task_lock);
	return pid;
}

int ptrace_set_options(struct task *t, u32 options)
{
	int err = 0;

	if (options & ~PT_O_ALL)
		return -EINVAL;
	if (options & PT_O_SUSPEND_SECCOMP && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	spin_lock(&task_lock);
	if (is_ours(t))
		((struct tracee *)t->ptrace)->options = options;
	else
		err = -ESRCH;
	spin_unlock(&task_lock);
	return err;
}

int ptrace_detach(struct task *t, int signo)
{
	struct tracee *tr;

	spin_lock(&task_lock);
	if (!is_ours(t)) {
		spin_unlock(&task_lock);
		return -ESRCH;
	}
	tr = t->ptrace;
	tr->signo = signo;
	ptrace_unlink(tr);
	spin_unlock(&task_lock);
	return 0;
}

/* ---- births and ends ---- */

int ptrace_clone_prepare(struct task *c, const struct task *t)
{
	return ptraced(t) && !record(c) ? -ENOMEM : 0;
}

void ptrace_child(struct task *c, struct task *t, bool trace)
{
	struct tracee *from = ptrace_of(t), *tr = c->ptrace;

	if (!trace || !from || !tr)
		return;
	tie(tr, from->tracer, from->cred, from->seized, from->options);
	if (from->seized)
		c->trace_trap = TRACE_TRAP_STOP;
	else
		c->pending.set |= SIGSET(SIGSTOP);
	c->signal_wake = 1;
}

void ptrace_leader_replaced(struct task *old)
{
	struct tracee *tr = ptrace_of(old);

	if (tr)
		ptrace_unlink(tr);
}

bool ptrace_thread_ended(struct task *t)
{
	struct tracee *tr = ptrace_of(t);
	int st = t->exit_code;

	if (!tr)
		return false;
	tr->dead = true;
	ptrace_notify_tracer(tr, st & 0x7f ? CLD_KILLED : CLD_EXITED,
			     st & 0x7f ? st & 0x7f : st >> 8 & 0xff);
	return true;
}

bool ptrace_process_ended(struct process *c)
{
	struct tracee *tr = ptrace_of(c->leader);
	int st = c->exit_code;

	if (!tr)
		return false;
	tr->dead = true;
	if (tr->tracer == c->parent)
		signal_notify_parent(c, st & 0x7f ? CLD_KILLED : CLD_EXITED,
				     st & 0x7f ? st & 0x7f : st >> 8 & 0xff);
	else
		ptrace_notify_tracer(tr, st & 0x7f ? CLD_KILLED : CLD_EXITED,
				     st & 0x7f ? st & 0x7f : st >> 8 & 0xff);
	return true;
}

/* A dead tracee has no tracer any more. task_lock held. */
void ptrace_bury(struct tracee *tr)
{
	struct task *t = tr->task;
	struct process *c = t->process;
	bool by_parent = tr->tracer == c->parent;

	ptrace_unlink(tr);
	if (t != c->leader) {
		pid_free(t->tid);
		task_uncount(t);
		task_put(t);
	} else if (!by_parent) {
		process_report(c);
	}
}

void ptrace_release_all(struct process *p)
{
	while (!list_empty(&p->tracees)) {
		struct tracee *tr = list_first(&p->tracees, struct tracee, node);

		if (tr->dead) {
			ptrace_bury(tr);
			continue;
		}
		if (tr->options & PT_O_EXITKILL)
			signal_task(tr->task, SIGKILL, NULL);
		ptrace_unlink(tr);
	}
}
