/*
 * reap.c - waiting for children: the object side of wait4(2) and waitid(2).
 *
 * A thread may wait for any child of its process; __WNOTHREAD is accepted and means nothing, as children belong to the
 * process here. All under task_lock, sleeping on process->child_wait.
 */
#include "lib/err.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/reap.h"

static bool eligible(const struct process *c, const struct wait_request *w)
{
	bool clone = c->exit_signal != SIGCHLD;

	switch (w->type) {
	case WAIT_PID:
		if (c->pid != w->id)
			return false;
		break;
	case WAIT_PGID:
		if (c->pgid != w->id)
			return false;
		break;
	default: break;
	}
	return w->options & W_ALL || clone == !!(w->options & W_CLONE);
}

void wait_fill(struct wait_result *r, const struct process *c, int code, int status)
{
	r->code = code;
	r->status = status;
	r->utime = c->utime + c->cutime;
	r->stime = c->stime + c->cstime;
	r->minflt = c->minflt + c->cminflt;
	r->majflt = c->majflt + c->cmajflt;
	r->nvcsw = c->nvcsw;
	r->nivcsw = c->nivcsw;
	r->maxrss = MAX(c->maxrss, c->cmaxrss);
}

static void fill(struct wait_result *r, struct process *c, int code, int status)
{
	wait_fill(r, c, code, status);
	r->pid = pid_vnr(c->pid); /* before it vanishes with its number */
	r->uid = c->leader->cred->uid;
}

/* Is there something to tell about c? task_lock held. */
static bool collect(struct process *c, const struct wait_request *w, struct wait_result *r)
{
	bool keep = w->options & W_NOWAIT;
	int st;

	if (c->zombie) {
		/* Whoever else traces it must see the end first. */
		if (!(w->options & W_EXITED) || ptrace_tracer(c))
			return false;
		st = c->exit_code;
		r->wstatus = st;
		if (st & 0x7f)
			fill(r, c, st & 0x80 ? CLD_DUMPED : CLD_KILLED, st & 0x7f);
		else
			fill(r, c, CLD_EXITED, st >> 8 & 0xff);
		if (!keep)
			process_reap(c);
		return true;
	}
	if (w->options & W_STOPPED && c->stop_report) {
		r->wstatus = c->stop_signo << 8 | 0x7f;
		fill(r, c, CLD_STOPPED, c->stop_signo);
		if (!keep)
			c->stop_report = false;
		return true;
	}
	if (w->options & W_CONTINUED && c->cont_report) {
		r->wstatus = 0xffff;
		fill(r, c, CLD_CONTINUED, SIGCONT);
		if (!keep)
			c->cont_report = false;
		return true;
	}
	return false;
}

/* 1: collected; 0: nothing yet; -ECHILD. */
static int scan(struct process *p, const struct wait_request *w, struct wait_result *r)
{
	struct process *c;
	int ret;

	spin_lock(&task_lock);
	ret = ptrace_wait(p, w, r);
	if (ret > 0) {
		spin_unlock(&task_lock);
		return ret;
	}
	list_for_each(c, &p->children, sibling) {
		if (!eligible(c, w) || ptrace_tracer(c) == p)
			continue;
		ret = 0;
		if (collect(c, w, r)) {
			ret = 1;
			break;
		}
	}
	spin_unlock(&task_lock);
	return ret;
}

int process_wait(const struct wait_request *w, struct wait_result *r)
{
	struct process *p = task_current()->process;
	int ret, err;

	ret = scan(p, w, r);
	if (ret || w->options & W_NOHANG)
		return ret;
	err = wait_event(&p->child_wait, SLEEP_INTERRUPTIBLE, NO_DEADLINE, (ret = scan(p, w, r)));
	return err ? err : ret;
}
