/*
 * signal.c - sending signals: queues, who takes them, job control's side effects.
 *
 * Lock: process->sig_lock guards pending sets, queues, masks of other threads as seen here, stop state and actions. It
 * is taken under task_lock where both are needed, never the other way round.
 *
 * Standard signals are kept once, real-time ones in order; RLIMIT_SIGPENDING bounds what a user has in queues and for timers.
 * The first process gets no protection from default actions: a command in a sandbox dies as it would outside. The
 * init of a further pid namespace has it (process->unkillable).
 */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/signal/priv.h"
#include "task/ucounts.h"

/* ---- handler tables ---- */

struct sighand *sighand_create(void)
{
	struct sighand *s = kzalloc(sizeof(*s));

	if (s)
		ref_init(&s->ref);
	return s;
}

struct sighand *sighand_clone(const struct sighand *from, bool clear)
{
	struct sighand *s = sighand_create();
	int i;

	if (!s)
		return NULL;
	memcpy(s->action, from->action, sizeof(s->action));
	for (i = 0; clear && i < NSIG; i++)
		if (s->action[i].handler != SIG_IGN)
			memset(&s->action[i], 0, sizeof(s->action[i]));
	return s;
}

void sighand_get(struct sighand *s)
{
	ref_get(&s->ref);
}

void sighand_put(struct sighand *s)
{
	if (s && ref_put(&s->ref))
		kfree(s);
}

void sighand_exec(struct process *p)
{
	struct sighand *s = p->sighand;
	int i;

	for (i = 0; i < NSIG; i++) {
		if (s->action[i].handler != SIG_IGN)
			s->action[i].handler = SIG_DFL;
		s->action[i].flags = s->action[i].mask = s->action[i].restorer = 0;
	}
}

/* ---- queues ---- */

void signal_init_pending(struct sigpending *q)
{
	q->set = 0;
	list_init(&q->queue);
}

static void entry_free(struct sigqueue *e)
{
	list_del(&e->node);
	if (e->timer) {
		e->queued = false;
		if (e->orphan)
			kfree(e);
		return;
	}
	ucounts_sub(e->ucounts, UCOUNT_SIGPENDING, 1);
	ucounts_put(e->ucounts);
	kfree(e);
}

void signal_flush(struct sigpending *q)
{
	struct sigqueue *e, *next;

	list_for_each_safe(e, next, &q->queue, node)
		entry_free(e);
	q->set = 0;
}

/* Drop the signals of mask. sig_lock held. */
static void remove_set(struct sigpending *q, u64 mask)
{
	struct sigqueue *e, *next;

	if (!(q->set & mask))
		return;
	q->set &= ~mask;
	list_for_each_safe(e, next, &q->queue, node)
		if (SIGSET(e->info.signo) & mask)
			entry_free(e);
}

static void remove_everywhere(struct process *p, u64 mask)
{
	struct task *t;

	remove_set(&p->shared_pending, mask);
	list_for_each(t, &p->threads, thread_node)
		remove_set(&t->pending, mask);
}

/* Synchronous faults first, then the lowest number. */
static int next_signal(const struct sigpending *q, u64 mask)
{
	u64 s = q->set & mask;

	if (!s)
		return 0;
	if (s & SIG_SYNCHRONOUS)
		s &= SIG_SYNCHRONOUS;
	return __builtin_ctzll(s) + 1;
}

static void collect(struct sigpending *q, int signo, struct siginfo *info)
{
	struct sigqueue *e, *first = NULL;
	bool more = false;

	list_for_each(e, &q->queue, node) {
		if (e->info.signo != signo)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = e;
	}
	if (!more)
		q->set &= ~SIGSET(signo);
	if (first) {
		*info = first->info;
		entry_free(first);
	} else { /* it did not fit into the queue */
		memset(info, 0, sizeof(*info));
		info->signo = signo;
		info->code = SI_USER;
	}
}

int signal_take(struct task *t, u64 mask, struct siginfo *info)
{
	struct process *p = t->process;
	int n = next_signal(&t->pending, mask), shared;

	if (n && SIGSET(n) & SIG_SYNCHRONOUS) {
		collect(&t->pending, n, info);
		return n;
	}
	shared = next_signal(&p->shared_pending, mask);
	if (n) {
		collect(&t->pending, n, info);
		return n;
	}
	if (shared)
		collect(&p->shared_pending, shared, info);
	return shared;
}

void signal_recalc_locked(struct task *t)
{
	struct process *p = t->process;
	u64 set = (t->pending.set | p->shared_pending.set) & ~t->sigmask;

	WRITE_ONCE(t->signal_wake,
		   set || t->stop_pending || t->trace_trap || p->notify_cont || p->freeze);
}

/* ---- what a signal does ---- */

bool signal_default_ignored(int signo)
{
	return SIGSET(signo) & SIG_IGNORE_DEFAULT;
}

static bool ignored(struct process *p, struct task *t, int signo, const struct siginfo *info)
{
	u64 h = p->sighand->action[signo - 1].handler;

	/* A blocked signal is kept: it may be handled, or waited for, when it is unblocked. */
	if (t->sigmask & SIGSET(signo) || t->sigwait & SIGSET(signo) || ptraced(t))
		return false;
	if (unlikely(p->unkillable) && h == SIG_DFL &&
	    !(signo == SIGSTOP && pid_ns_from_above(p, info)))
		return true;
	return h == SIG_IGN || (h == SIG_DFL && signal_default_ignored(signo));
}

bool signal_ignored(struct task *t, int signo)
{
	return t->sigmask & SIGSET(signo) ||
	       t->process->sighand->action[signo - 1].handler == SIG_IGN;
}

/* SIGCONT undoes stops and a stop signal undoes SIGCONT, whether or not they are ignored or blocked. */
static void job_control(struct process *p, int signo)
{
	struct task *t;

	if (SIGSET(signo) & SIG_STOPS) {
		remove_everywhere(p, SIGSET(SIGCONT));
		return;
	}
	if (signo != SIGCONT)
		return;
	remove_everywhere(p, SIG_STOPS);
	if (!p->stop_signo)
		return;
	if (p->stopped) {
		p->cont_report = true;
		p->notify_cont = true;
	}
	p->stop_report = false;
	p->stopped = false;
	p->stop_signo = 0;
	p->stop_count = 0;
	list_for_each(t, &p->threads, thread_node) {
		t->stop_pending = false;
		if (p->notify_cont)
			WRITE_ONCE(t->signal_wake, 1);
		sched_wake_jobstop(t);
		ptrace_continued(t);
	}
}

static bool wants(struct task *t, int signo)
{
	if (t->exiting || t->sigmask & SIGSET(signo))
		return false;
	return signo == SIGKILL || (t->state != TASK_STOPPED && t->state != TASK_TRACED);
}

/* Choose a thread for a signal of the process: the leader if it can, else one that has nothing else to do. */
static struct task *choose(struct process *p, int signo)
{
	struct task *t;

	if (p->leader && !p->leader->exiting && wants(p->leader, signo))
		return p->leader;
	list_for_each(t, &p->threads, thread_node)
		if (wants(t, signo))
			return t;
	return NULL;
}

static void wake_for(struct task *t, int signo)
{
	WRITE_ONCE(t->signal_wake, 1);
	t->rseq_event = true;
	sched_signal(t, signo == SIGKILL);
}

/* All of p end as by SIGKILL, whatever they do. The status is what wait(2) tells. sig_lock held. */
static void end_process(struct process *p, int status)
{
	struct task *t;

	if (!p->exiting) {
		p->exiting = true;
		p->exit_code = status;
	}
	signal_kill_others(p, NULL);
	list_for_each(t, &p->threads, thread_node)
		sched_wake_stopped(t);
}

/*
 * Does signo, which t is to take, end the process for certain? Then it does so at once, as on Linux: a frozen process and
 * one that waits as vfork(2) does end, too. Not with a core dump, which t begins itself.
 */
static bool is_fatal(const struct process *p, const struct task *t, int signo)
{
	return p->sighand->action[signo - 1].handler == SIG_DFL &&
	       !(SIGSET(signo) & (SIG_IGNORE_DEFAULT | SIG_STOPS | SIG_CORE)) && !p->unkillable &&
	       !ptraced(t);
}

/* An entry that counts for the user of t. NULL: the user has too many, or no memory. sig_lock held. */
static struct sigqueue *entry_alloc(struct task *t)
{
	u64 limit = t->process->rlim[RLIMIT_SIGPENDING].cur;
	struct sigqueue *e;

	if (!ucounts_charge(t->ucounts, UCOUNT_SIGPENDING, 1, limit))
		return NULL;
	e = kzalloc(sizeof(*e));
	if (e)
		e->ucounts = ucounts_get(t->ucounts);
	else
		ucounts_sub(t->ucounts, UCOUNT_SIGPENDING, 1);
	return e;
}

/* sig_lock held. to: NULL for the process. */
static int enqueue(struct process *p, struct task *to, int signo, const struct siginfo *info,
		   struct sigqueue *timer)
{
	struct sigpending *q = to ? &to->pending : &p->shared_pending;
	struct task *t = to ? to : p->leader;
	struct sigqueue *e = timer;

	job_control(p, signo);
	if (ignored(p, t, signo, timer ? &timer->info : info))
		return 1;
	if (signo < SIGRTMIN && q->set & SIGSET(signo) && !timer)
		return 0;
	if (!e)
		e = entry_alloc(t);
	if (!e && signo >= SIGRTMIN && info && info->code != SI_USER)
		return -EAGAIN;
	if (e && !timer) {
		if (info)
			e->info = *info;
		else
			e->info.code = SI_KERNEL;
		e->info.signo = signo;
		pid_ns_siginfo(p, &e->info);
	}
	if (e) {
		e->queued = true;
		list_add_tail(&q->queue, &e->node);
	}
	q->set |= SIGSET(signo);
	waitq_wake_all(&p->sig_wait, 0);
	if (!to)
		t = choose(p, signo);
	else if (!(signo == SIGKILL || wants(t, signo)))
		t = t->sigwait & SIGSET(signo) ? t : NULL;
	if (t && !(t->sigmask & SIGSET(signo)) && is_fatal(p, t, signo))
		end_process(p, signo);
	else if (t)
		wake_for(t, signo);
	else if (!to)
		list_for_each(t, &p->threads, thread_node)
			if (t->sigwait & SIGSET(signo))
				wake_for(t, signo);
	return 0;
}

static int kill_now(struct process *p, const struct siginfo *info)
{
	if (unlikely(p->unkillable) && !pid_ns_from_above(p, info))
		return 0;
	end_process(p, p->killed_as ? p->killed_as : SIGKILL);
	return 0;
}

void signal_kill_others(struct process *p, struct task *except)
{
	struct task *t;

	p->stop_signo = 0;
	p->stop_count = 0;
	list_for_each(t, &p->threads, thread_node) {
		t->stop_pending = false;
		if (t == except || t->exiting)
			continue;
		t->pending.set |= SIGSET(SIGKILL);
		WRITE_ONCE(t->signal_wake, 1);
		sched_signal(t, true);
	}
}

int signal_task(struct task *t, int signo, const struct siginfo *info)
{
	struct process *p = t->process;
	int err = 0;

	spin_lock(&p->sig_lock);
	if (!t->exiting && p != &kernel_process)
		err = signo == SIGKILL ? kill_now(p, info) : enqueue(p, t, signo, info, NULL);
	spin_unlock(&p->sig_lock);
	return MIN(err, 0);
}

int signal_process(struct process *p, int signo, const struct siginfo *info)
{
	int err = 0;

	spin_lock(&p->sig_lock);
	if (p->nr_threads && !p->zombie && p != &kernel_process)
		err = signo == SIGKILL ? kill_now(p, info) : enqueue(p, NULL, signo, info, NULL);
	spin_unlock(&p->sig_lock);
	return MIN(err, 0);
}

int signal_pgrp(int pgid, int signo, const struct siginfo *info)
{
	struct process *p;
	int found = -ESRCH;

	spin_lock(&task_lock);
	list_for_each(p, &all_processes, all_node) {
		if (p->pgid != pgid)
			continue;
		found = 0;
		if (signo)
			signal_process(p, signo, info);
	}
	spin_unlock(&task_lock);
	return found;
}

/* ---- timers' own entries ---- */

struct sigqueue *sigqueue_create(const struct siginfo *info)
{
	struct sigqueue *e = kzalloc(sizeof(*e));

	if (e) {
		e->info = *info;
		e->timer = true;
		list_init(&e->node);
	}
	return e;
}

void sigqueue_set_overrun(struct sigqueue *q, s32 n)
{
	q->info.timer.overrun = n;
}

void sigqueue_destroy(struct sigqueue *e)
{
	struct process *p = task_current()->process;

	spin_lock(&p->sig_lock);
	if (e->queued) /* the signal is still on its way */
		e->orphan = true;
	else
		kfree(e);
	spin_unlock(&p->sig_lock);
}

bool signal_send_timer(struct process *p, struct task *t, int signo, struct sigqueue *q)
{
	bool sent = false;

	spin_lock(&p->sig_lock);
	if (!q->queued && p->nr_threads && !(t && t->exiting))
		sent = enqueue(p, t, signo, NULL, q) == 0;
	spin_unlock(&p->sig_lock);
	return sent;
}
