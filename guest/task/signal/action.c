/*
 * action.c - setting actions, who may signal whom, and waiting for signals without a handler.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/landlock/landlock.h"
#include "lib/err.h"
#include "task/signal/priv.h"
#include "task/ns/userns.h"

int signal_action(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct task *t = task_current(), *o;
	struct process *p = t->process;
	struct sigaction *sa;
	struct siginfo drop;

	if (signo < 1 || signo > NSIG || (act && SIGSET(signo) & SIG_UNBLOCKABLE))
		return -EINVAL;
	spin_lock(&p->sig_lock);
	sa = &p->sighand->action[signo - 1];
	if (old)
		*old = *sa;
	if (act) {
		*sa = *act;
		sa->mask &= ~SIG_UNBLOCKABLE;
		/* POSIX: setting to ignored drops what is pending, blocked or not. */
		if (sa->handler == SIG_IGN ||
		    (sa->handler == SIG_DFL && signal_default_ignored(signo))) {
			list_for_each(o, &p->threads, thread_node)
				while (signal_take(o, SIGSET(signo), &drop))
					;
		}
	}
	spin_unlock(&p->sig_lock);
	return 0;
}

bool signal_may_send(struct process *to, int signo)
{
	struct task *t = task_current();
	const struct cred *c = t->cred, *o;
	bool ok;

	if (to == t->process)
		return true;
	spin_lock(&task_lock);
	o = to->leader ? to->leader->cred : NULL;
	ok = !o || cred_capable(c, cred_user_ns(o), CAP_KILL) || /* reaped: the sending says so */
	     c->euid == o->suid || c->euid == o->uid || c->uid == o->suid || c->uid == o->uid ||
	     (signo == SIGCONT && to->sid == t->process->sid);
	if (o && unlikely(c->landlock) &&
	    landlock_scoped(c->landlock, o->landlock, LANDLOCK_SCOPE_SIGNAL))
		ok = false;
	spin_unlock(&task_lock);
	return ok;
}

int signal_wait(u64 set, struct siginfo *info, u64 deadline)
{
	struct task *t = task_current();
	struct process *p = t->process;
	int n, err;

	set &= ~SIG_UNBLOCKABLE;
	n = signal_dequeue(set, info);
	if (n || !deadline)
		return n ? n : -EAGAIN;
	spin_lock(&p->sig_lock);
	t->sigwait = set;
	spin_unlock(&p->sig_lock);
	for (;;) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		spin_lock(&p->sig_lock);
		n = signal_take(t, set, info);
		/* A sender sets signal_wake for a waiting signal too: only the unblocked ones interrupt. */
		signal_recalc_locked(t);
		spin_unlock(&p->sig_lock);
		if (n)
			break;
		err = sched_sleep(deadline);
		if (err == 0)
			continue;
		n = signal_dequeue(set, info);
		if (n)
			break;
		if (err == -ETIMEDOUT) {
			n = -EAGAIN;
			break;
		}
		if (signal_pending(t)) {
			n = -EINTR;
			break;
		}
	}
	sched_awake();
	spin_lock(&p->sig_lock);
	t->sigwait = 0;
	signal_recalc_locked(t);
	spin_unlock(&p->sig_lock);
	return n;
}
