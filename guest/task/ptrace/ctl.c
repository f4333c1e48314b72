/*
 * ctl.c - requests of a tracer that control the tracee: going on, interrupting, signals, messages.
 */
#include <linux/audit.h>
#include <string.h>

#include "lib/err.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/signal/priv.h"

/* A tracee of ours, stopped: its record with task_lock held, or NULL without. */
static struct tracee *stopped(struct task *t)
{
	struct tracee *tr;

	spin_lock(&task_lock);
	tr = ptrace_of(t);
	if (tr && tr->tracer == task_current()->process && tr->stopped && !tr->listening)
		return tr;
	spin_unlock(&task_lock);
	return NULL;
}

/* task_lock held. */
static void go_on(struct tracee *tr)
{
	spin_lock(&tr->lock);
	tr->stopped = tr->listening = tr->report = false;
	spin_unlock(&tr->lock);
	sched_wake_stopped(tr->task);
}

int ptrace_resume(struct task *t, enum pt_resume how, u64 signo)
{
	struct tracee *tr;

	if (signo > NSIG)
		return -EIO;
	tr = stopped(t);
	if (!tr)
		return -ESRCH;
	tr->resume = how;
	tr->signo = (int)signo;
	go_on(tr);
	spin_unlock(&task_lock);
	return 0;
}

/* Only seized tracees, stopped or not; an error that is no tracee of ours is ESRCH. */
int ptrace_interrupt(struct task *t)
{
	struct tracee *tr;
	int err = 0;

	spin_lock(&task_lock);
	tr = ptrace_of(t);
	if (!tr || tr->tracer != task_current()->process || t->exiting) {
		err = -ESRCH;
	} else if (!tr->seized) {
		err = -EIO;
	} else {
		spin_lock(&t->process->sig_lock);
		t->trace_trap |= TRACE_TRAP_STOP;
		WRITE_ONCE(t->signal_wake, 1);
		spin_unlock(&t->process->sig_lock);
		if (tr->listening)
			go_on(tr);
		else
			sched_signal(t, false);
	}
	spin_unlock(&task_lock);
	return err;
}

int ptrace_listen(struct task *t)
{
	struct tracee *tr = stopped(t);
	bool notified;
	int err = 0;

	if (!tr)
		return -ESRCH;
	if (!tr->seized || !tr->info_valid || tr->info.code >> 8 != PT_EVENT_STOP) {
		err = -EIO;
	} else {
		WRITE_ONCE(tr->listening, true);
		spin_lock(&t->process->sig_lock);
		notified = t->trace_trap & TRACE_TRAP_NOTIFY;
		spin_unlock(&t->process->sig_lock);
		if (notified)
			go_on(tr);
	}
	spin_unlock(&task_lock);
	return err;
}

void ptrace_continued(struct task *t)
{
	struct tracee *tr = ptrace_of(t);

	if (!tr || !tr->seized)
		return;
	t->trace_trap |= TRACE_TRAP_NOTIFY;
	WRITE_ONCE(t->signal_wake, 1);
	if (READ_ONCE(tr->listening)) /* it looks at its trap first: sleep_traced() */
		sched_wake_stopped(t);
}

int ptrace_kill(struct task *t)
{
	struct tracee *tr;
	bool ours;

	spin_lock(&task_lock);
	tr = ptrace_of(t);
	ours = tr && tr->tracer == task_current()->process;
	spin_unlock(&task_lock);
	if (!ours)
		return -ESRCH;
	(void)ptrace_resume(t, PT_CONT, SIGKILL);
	return 0;
}

int ptrace_message(struct task *t, u64 *out)
{
	struct tracee *tr = stopped(t);

	if (!tr)
		return -ESRCH;
	*out = tr->message;
	spin_unlock(&task_lock);
	return 0;
}

int ptrace_get_siginfo(struct task *t, struct siginfo *out)
{
	struct tracee *tr = stopped(t);
	int err = 0;

	if (!tr)
		return -ESRCH;
	if (tr->info_valid)
		*out = tr->info;
	else
		err = -EINVAL;
	spin_unlock(&task_lock);
	return err;
}

int ptrace_set_siginfo(struct task *t, const struct siginfo *in)
{
	struct tracee *tr = stopped(t);
	int err = 0;

	if (!tr)
		return -ESRCH;
	if (tr->info_valid)
		tr->info = *in;
	else
		err = -EINVAL;
	spin_unlock(&task_lock);
	return err;
}

int ptrace_get_sigmask(struct task *t, u64 *out)
{
	struct tracee *tr = stopped(t);

	if (!tr)
		return -ESRCH;
	*out = t->restore_sigmask ? t->saved_sigmask : t->sigmask;
	spin_unlock(&task_lock);
	return 0;
}

int ptrace_set_sigmask(struct task *t, u64 mask)
{
	struct tracee *tr = stopped(t);

	if (!tr)
		return -ESRCH;
	spin_lock(&t->process->sig_lock);
	t->sigmask = mask & ~SIG_UNBLOCKABLE;
	t->restore_sigmask = false;
	signal_recalc_locked(t);
	spin_unlock(&t->process->sig_lock);
	spin_unlock(&task_lock);
	return 0;
}

int ptrace_peek_queue(struct task *t, bool shared, u64 i, struct siginfo *out)
{
	struct tracee *tr = stopped(t);
	struct sigpending *q;
	struct sigqueue *e;
	int found = 0;

	if (!tr)
		return -ESRCH;
	spin_lock(&t->process->sig_lock);
	q = shared ? &t->process->shared_pending : &t->pending;
	list_for_each(e, &q->queue, node) {
		if (i--)
			continue;
		*out = e->info;
		found = 1;
		break;
	}
	spin_unlock(&t->process->sig_lock);
	spin_unlock(&task_lock);
	return found;
}

enum { OP_NONE, OP_ENTRY, OP_EXIT, OP_SECCOMP };

static u8 syscall_op(const struct tracee *tr)
{
	if (!tr->info_valid)
		return OP_NONE;
	if (tr->info.code == (SIGTRAP | 0x80))
		return tr->message == PT_MSG_ENTRY  ? OP_ENTRY
		       : tr->message == PT_MSG_EXIT ? OP_EXIT
						    : OP_NONE;
	return tr->info.code == (SIGTRAP | PT_EVENT_SECCOMP << 8) ? OP_SECCOMP : OP_NONE;
}

int ptrace_syscall_info(struct task *t, struct pt_syscall_info *out)
{
	struct tracee *tr;
	struct user_regs *r;
	int err;

	err = ptrace_lock(t);
	if (err)
		return err;
	tr = t->ptrace;
	r = utask_regs(t->utask);
	memset(out, 0, sizeof(*out));
	out->op = syscall_op(tr);
	out->arch = AUDIT_ARCH_X86_64;
	out->ip = r->rip;
	out->sp = r->rsp;
	err = offsetof(struct pt_syscall_info, entry);
	if (out->op == OP_EXIT) {
		out->exit.rval = (s64)r->rax;
		out->exit.is_error = r->rax > (u64)-4096;
		err = offsetof(struct pt_syscall_info, exit.is_error) + 1;
	} else if (out->op != OP_NONE) {
		u64 args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };

		out->entry.nr = r->orig_rax;
		memcpy(out->entry.args, args, sizeof(args));
		out->entry.ret_data = (u32)tr->message;
		err = offsetof(struct pt_syscall_info, entry.ret_data);
		if (out->op == OP_SECCOMP)
			err += (int)sizeof(u32);
		else
			out->entry.ret_data = 0;
	}
	ptrace_unlock(t);
	return err;
}
