/*
 * wait.c - wait4(2) and waitid(2) of a tracer: stops and ends of its tracees, thread by thread.
 *
 * A traced child is waited for here and not as a child; one that another process traces shows its end to its parent only
 * when the tracer has seen it.
 */
#include "lib/err.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"

static bool eligible(const struct task *t, const struct wait_request *w)
{
	switch (w->type) {
	case WAIT_PID: return t->tid == w->id;
	case WAIT_PGID: return t->process->pgid == w->id;
	default: return true;
	}
}

static void fill(struct wait_result *r, struct task *t, int code, int status)
{
	wait_fill(r, t->process, code, status);
	r->pid = pid_vnr(t->tid);
	r->uid = t->cred->uid; /* the process may have lost its leader already */
}

static bool ended(struct tracee *tr, const struct wait_request *w, struct wait_result *r)
{
	struct task *t = tr->task;
	struct process *c = t->process;
	bool leader = t == c->leader, by_parent = tr->tracer == c->parent;
	int st = leader || c->exiting ? c->exit_code : t->exit_code;

	if (!tr->dead || !(w->options & W_EXITED))
		return false;
	r->wstatus = st;
	if (st & 0x7f)
		fill(r, t, st & 0x80 ? CLD_DUMPED : CLD_KILLED, st & 0x7f);
	else
		fill(r, t, CLD_EXITED, st >> 8 & 0xff);
	if (w->options & W_NOWAIT)
		return true;
	ptrace_bury(tr);
	if (leader && by_parent)
		process_reap(c);
	return true;
}

static bool collect(struct tracee *tr, const struct wait_request *w, struct wait_result *r)
{
	struct task *t = tr->task;
	struct process *c = t->process;

	if (ended(tr, w, r))
		return true;
	if (tr->stopped && tr->report && !tr->listening) {
		r->wstatus = tr->code << 8 | 0x7f;
		fill(r, t, CLD_TRAPPED, tr->code);
		if (!(w->options & W_NOWAIT))
			tr->report = false;
		return true;
	}
	if (w->options & W_CONTINUED && c->cont_report) {
		r->wstatus = 0xffff;
		fill(r, t, CLD_CONTINUED, SIGCONT);
		if (!(w->options & W_NOWAIT))
			c->cont_report = false;
		return true;
	}
	return false;
}

int ptrace_wait(struct process *p, const struct wait_request *w, struct wait_result *r)
{
	struct tracee *tr;
	int ret = -ECHILD;

	list_for_each(tr, &p->tracees, node) {
		if (!eligible(tr->task, w))
			continue;
		ret = 0;
		if (collect(tr, w, r))
			return 1;
	}
	return ret;
}
