/*
 * stop.c - the tracee's side: how it stops, tells its tracer, and goes on.
 *
 * All stops are trace_stop(). It sets TASK_TRACED under sig_lock, where SIGKILL is sent under too, so that neither misses
 * the other; SIGKILL ends any stop. Single-stepping and the tracing of system calls are switched by the tracee itself
 * when it goes on, from what its tracer has left in the record.
 */
#include <string.h>

#include "lib/err.h"
#include "task/cgroup/cgroup.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/seccomp/seccomp.h"
#include "task/signal/priv.h"

void ptrace_notify_tracer(struct tracee *tr, int cld, int status)
{
	struct process *p = tr->tracer;
	struct task *t = tr->task;
	struct sigaction *sa = &p->sighand->action[SIGCHLD - 1];
	struct siginfo info = { .signo = SIGCHLD, .code = cld };

	info.chld.pid = t->tid;
	info.chld.uid = t->cred->uid;
	info.chld.status = status;
	if (sa->handler != SIG_IGN && !(cld >= CLD_TRAPPED && sa->flags & SA_NOCLDSTOP))
		signal_process(p, SIGCHLD, &info);
	waitq_wake_all(&p->child_wait, 0);
}

/* What the tracer asked for takes effect. */
static void apply(struct task *t, struct tracee *tr)
{
	u32 work = 0;

	if (tr->tracer) {
		if (tr->resume == PT_SYSCALL)
			work |= SYSCALL_WORK_TRACE;
		if (tr->resume == PT_EMU || tr->resume == PT_EMU_STEP)
			work |= SYSCALL_WORK_EMU;
		if (tr->resume == PT_STEP || tr->resume == PT_EMU_STEP)
			work |= SYSCALL_WORK_STEP;
		if (ptrace_watching(tr))
			work |= SYSCALL_WORK_WATCH;
	}
	atomic_and(&t->syscall_work, ~WORK_OF_TRACER);
	atomic_or(&t->syscall_work, work);
	tr->stepping = work & (SYSCALL_WORK_STEP | SYSCALL_WORK_WATCH);
	utask_single_step(t->utask, tr->stepping);
	if (work & SYSCALL_WORK_WATCH)
		ptrace_watch_refresh(t);
}

/* Take part in the group's stop, if one is under way: true if this completed it. sig_lock held. */
static bool join_group_stop(struct task *t)
{
	struct process *p = t->process;

	if (!t->stop_pending)
		return false;
	t->stop_pending = false;
	if (!p->stop_count || --p->stop_count || p->stopped)
		return false;
	p->stopped = true;
	p->stop_report = true;
	return true;
}

/* Sleep until the tracer or SIGKILL ends the stop. Returns with task_lock held. */
static void sleep_traced(struct task *t, struct tracee *tr)
{
	for (;;) {
		sched_block();
		spin_lock(&task_lock);
		if (!tr->stopped)
			return;
		spin_lock(&t->process->sig_lock);
		if (!signal_fatal_pending(t) &&
		    !(tr->listening && t->trace_trap & TRACE_TRAP_NOTIFY))
			atomic_store(&t->state, TASK_TRACED);
		spin_unlock(&t->process->sig_lock);
		if (atomic_load(&t->state) == TASK_RUNNING)
			return;
		spin_unlock(&task_lock);
	}
}

/*
 * Stop and report `code`; cld CLD_STOPPED: for the group's stop. Returns the signal that the tracer wants delivered, or
 * `otherwise` if there is no tracer (any more) or the task is being killed. task_lock and sig_lock held; returns without them.
 */
static int stop_locked(struct task *t, int code, int cld, u64 message, const struct siginfo *info,
		       int otherwise)
{
	struct tracee *tr = t->ptrace;
	struct process *p = t->process;
	bool done = false;
	int signo;

	if (!tr->tracer || signal_fatal_pending(t)) {
		t->trace_trap = 0;
		spin_unlock(&p->sig_lock);
		spin_unlock(&task_lock);
		return otherwise;
	}
	if (cld == CLD_STOPPED)
		done = join_group_stop(t);
	t->trace_trap &= (u8)~TRACE_TRAP_STOP;
	if (info && info->code >> 8 == PT_EVENT_STOP)
		t->trace_trap = 0;
	atomic_store(&t->state, TASK_TRACED);
	spin_unlock(&p->sig_lock);
	tr->code = code;
	tr->message = message;
	tr->info_valid = info;
	if (info)
		tr->info = *info;
	tr->stopped = tr->report = true;
	tr->listening = false;
	tr->signo = 0;
	ptrace_notify_tracer(tr, cld, cld == CLD_STOPPED ? p->stop_signo : code & 0x7f);
	if (done && tr->tracer != p->parent)
		signal_notify_parent(p, CLD_STOPPED, p->stop_signo);
	if (unlikely(p->freeze))
		cgroup_freeze_check(p->cgroup);
	spin_unlock(&task_lock);
	cgroup_tell();

	sleep_traced(t, tr);
	spin_lock(&tr->lock);
	tr->stopped = tr->listening = tr->report = false;
	spin_unlock(&tr->lock);
	signo = signal_fatal_pending(t) ? 0 : tr->signo;
	tr->signo = 0;
	spin_unlock(&task_lock);
	apply(t, tr);
	signal_recalc(t);
	return signo;
}

/* As stop_locked(), which it takes the locks for. */
static int trace_stop(struct task *t, int code, int cld, u64 message, const struct siginfo *info,
		      int otherwise)
{
	spin_lock(&task_lock);
	spin_lock(&t->process->sig_lock);
	return stop_locked(t, code, cld, message, info, otherwise);
}

static struct siginfo own_info(const struct task *t, int code)
{
	struct siginfo info = { .signo = code & 0x7f, .code = code };

	info.kill.pid = t->tid;
	info.kill.uid = t->cred->uid;
	return info;
}

static int notify(struct task *t, int code, int cld, u64 message)
{
	struct siginfo info = own_info(t, code);

	return trace_stop(t, code, cld, message, &info, 0);
}

/* ---- signals and group stops ---- */

int ptrace_signal(struct task *t, int signo, struct siginfo *info)
{
	struct tracee *tr = t->ptrace;
	int now = trace_stop(t, signo, CLD_TRAPPED, 0, info, signo);

	if (!now)
		return 0;
	if (now == tr->info.signo && tr->info_valid) {
		*info = tr->info; /* the tracer may have changed it */
	} else if (now != info->signo) {
		memset(info, 0, sizeof(*info));
		info->signo = now;
		info->code = SI_USER;
		info->kill.pid = ptrace_tracer_pid(t);
	}
	tr->info_valid = false;
	if (t->sigmask & SIGSET(now)) {
		signal_task(t, now, info);
		return 0;
	}
	return now;
}

/*
 * What the stop reports is read under the same hold of sig_lock that clears TRACE_TRAP_NOTIFY: a SIGCONT comes either before,
 * and the report says so, or after, and a listening tracee traps again.
 */
void ptrace_trap(struct task *t)
{
	struct process *p = t->process;
	struct tracee *tr = t->ptrace;
	int signo;

	spin_lock(&task_lock);
	spin_lock(&p->sig_lock);
	signo = p->stop_signo;
	if (!t->stop_pending && !t->trace_trap) { /* SIGCONT was faster */
		spin_unlock(&p->sig_lock);
		spin_unlock(&task_lock);
	} else if (tr->seized) {
		struct siginfo info = own_info(t, (signo ? signo : SIGTRAP) | PT_EVENT_STOP << 8);

		stop_locked(t, info.code, CLD_STOPPED, 0, &info, 0);
	} else {
		stop_locked(t, signo ? signo : SIGSTOP, CLD_STOPPED, 0, NULL, 0);
	}
}

/* ---- events ---- */

bool ptrace_event_enabled(struct task *t, int event)
{
	struct tracee *tr = ptrace_of(t);

	return tr && tr->options & 1u << event;
}

void ptrace_event(struct task *t, int event, u64 message)
{
	struct tracee *tr = ptrace_of(t);

	if (!tr)
		return;
	if (tr->options & 1u << event)
		notify(t, SIGTRAP | event << 8, CLD_TRAPPED, message);
	else if (event == PT_EVENT_EXEC && !tr->seized)
		signal_task(t, SIGTRAP, &(struct siginfo){ .code = SI_USER });
}

void ptrace_handler_entered(struct task *t)
{
	if (t->syscall_work & SYSCALL_WORK_STEP && ptraced(t))
		notify(t, SIGTRAP, CLD_TRAPPED, 0);
}

void ptrace_execed(struct task *t)
{
	struct tracee *tr = t->ptrace;

	if (!tr)
		return;
	memset(tr->dr, 0, sizeof(tr->dr));
	apply(t, tr);
}

bool ptrace_debug_trap(struct task *t, int *code)
{
	struct tracee *tr = t->ptrace;

	if (t->syscall_work & SYSCALL_WORK_WATCH)
		return ptrace_watch_step(t, code);
	if (!tr->tracer && tr->stepping) { /* let go while it ran */
		tr->stepping = false;
		utask_single_step(t->utask, false);
		return true;
	}
	return false;
}

/* ---- system calls ---- */

/* False: the task is being killed. */
static bool report_syscall(struct task *t, u64 message)
{
	struct tracee *tr = ptrace_of(t);
	int signo;

	if (!tr)
		return true;
	signo = notify(t, SIGTRAP | (tr->options & PT_O_SYSGOOD ? 0x80 : 0), CLD_TRAPPED, message);
	if (signo)
		signal_task(t, signo, NULL);
	return !signal_fatal_pending(t);
}

bool ptrace_seccomp(struct task *t, u32 data)
{
	if (!ptrace_event_enabled(t, PT_EVENT_SECCOMP))
		return false;
	ptrace_event(t, PT_EVENT_SECCOMP, data);
	return !signal_fatal_pending(t);
}

bool ptrace_syscall_enter(struct task *t, struct user_regs *regs)
{
	u32 work = READ_ONCE(t->syscall_work);

	if (work & (SYSCALL_WORK_TRACE | SYSCALL_WORK_EMU)) {
		if (!report_syscall(t, PT_MSG_ENTRY)) {
			regs->orig_rax = ~0ULL;
			return false;
		}
		if (work & SYSCALL_WORK_EMU)
			return false;
	}
	if (READ_ONCE(t->syscall_work) & SYSCALL_WORK_SECCOMP && !seccomp_check(t, regs))
		return false;
	return (s32)regs->orig_rax != -1;
}

void ptrace_syscall_leave(struct task *t, struct user_regs *regs)
{
	u32 work = READ_ONCE(t->syscall_work);

	if (work & SYSCALL_WORK_WATCH)
		ptrace_watch_refresh(t); /* what the kernel wrote is no hit */
	if ((work & (SYSCALL_WORK_STEP | SYSCALL_WORK_EMU)) == SYSCALL_WORK_STEP) {
		struct siginfo info = { .signo = SIGTRAP, .code = 1 /* TRAP_BRKPT */ };

		info.fault.addr = regs->rip;
		signal_force(SIGTRAP, &info);
	} else if (work & SYSCALL_WORK_TRACE) {
		report_syscall(t, PT_MSG_EXIT);
	}
}
