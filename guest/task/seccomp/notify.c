/*
 * notify.c - SECCOMP_RET_USER_NOTIF: a call waits until a supervisor has answered it.
 *
 * Lock: the listener's spinlock guards the list of waiting calls and their states. A waiting call lives on its task's
 * stack and leaves the list before that goes on.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/seccomp/seccomp.h"

enum { N_NEW, N_SENT, N_ANSWERED };

struct notif {
	struct list node;
	struct task *task;
	const struct seccomp_data *data;
	u64 id;
	int state;
	struct seccomp_answer answer;
	struct list errands; /* struct seccomp_errand */
	struct waitq q;
};

struct seccomp_listener {
	struct spinlock lock;
	struct seccomp_filter *filter;
	bool closed, hangup;
	u64 next_id;
	struct list notifs;
	struct waitq q; /* supervisors */
};

struct seccomp_listener *seccomp_listener_create(struct seccomp_filter *f)
{
	struct seccomp_listener *l = kzalloc(sizeof(*l));

	if (!l)
		return NULL;
	spin_init(&l->lock);
	list_init(&l->notifs);
	waitq_init(&l->q);
	l->next_id = clock_cycles(); /* so that nobody counts on small numbers */
	l->filter = f;
	ref_get(&f->ref);
	f->listener = l;
	return l;
}

struct waitq *seccomp_listener_waitq(struct seccomp_listener *l)
{
	return &l->q;
}

void seccomp_listener_hangup(struct seccomp_listener *l)
{
	l->hangup = true;
	waitq_wake_all(&l->q, 16);
}

void seccomp_listener_close(struct seccomp_listener *l)
{
	struct seccomp_filter *f = l->filter;
	struct seccomp_errand *e, *next;
	struct notif *n;

	spin_lock(&l->lock);
	l->closed = true;
	list_for_each(n, &l->notifs, node) {
		list_for_each_safe(e, next, &n->errands, node) {
			list_del(&e->node);
			e->result = -ENOSYS;
			e->done = true;
		}
		if (n->state != N_ANSWERED) {
			n->state = N_ANSWERED;
			n->answer = (struct seccomp_answer){ .error = -ENOSYS };
			waitq_wake_all(&n->q, 0);
		}
	}
	spin_unlock(&l->lock);
	seccomp_put(f);
}

static struct notif *find(struct seccomp_listener *l, u64 id)
{
	struct notif *n;

	list_for_each(n, &l->notifs, node)
		if (n->id == id)
			return n;
	return NULL;
}

u32 seccomp_listener_poll(struct seccomp_listener *l)
{
	struct notif *n;
	u32 ev = 0;

	spin_lock(&l->lock);
	list_for_each(n, &l->notifs, node)
		ev |= n->state == N_NEW ? 1 : n->state == N_SENT ? 4 : 0;
	spin_unlock(&l->lock);
	return ev | (READ_ONCE(l->hangup) ? 16 : 0);
}

int seccomp_listener_take(struct seccomp_listener *l, struct seccomp_notif *out)
{
	struct notif *n;
	int err = l->hangup ? -ENOENT : -EAGAIN;

	spin_lock(&l->lock);
	list_for_each(n, &l->notifs, node) {
		if (n->state != N_NEW)
			continue;
		n->state = N_SENT;
		*out = (struct seccomp_notif){ n->id, (u32)pid_vnr(n->task->tid), 0, *n->data };
		err = 0;
		break;
	}
	spin_unlock(&l->lock);
	if (!err)
		waitq_wake_all(&l->q, 4);
	return err;
}

void seccomp_listener_untake(struct seccomp_listener *l, u64 id)
{
	struct notif *n;

	spin_lock(&l->lock);
	n = find(l, id);
	if (n && n->state == N_SENT)
		n->state = N_NEW;
	spin_unlock(&l->lock);
	waitq_wake_all(&l->q, 1);
}

int seccomp_listener_answer(struct seccomp_listener *l, const struct seccomp_answer *a)
{
	struct notif *n;
	int err = 0;

	spin_lock(&l->lock);
	n = find(l, a->id);
	if (!n) {
		err = -ENOENT;
	} else if (n->state != N_SENT) {
		err = -EINPROGRESS;
	} else {
		n->state = N_ANSWERED;
		n->answer = *a;
		waitq_wake_all(&n->q, 0);
	}
	spin_unlock(&l->lock);
	return err;
}

int seccomp_listener_valid(struct seccomp_listener *l, u64 id)
{
	struct notif *n;
	int err;

	spin_lock(&l->lock);
	n = find(l, id);
	err = n && n->state == N_SENT ? 0 : -ENOENT;
	spin_unlock(&l->lock);
	return err;
}

int seccomp_listener_errand(struct seccomp_listener *l, u64 id, struct seccomp_errand *e)
{
	struct notif *n;
	int err = 0;

	spin_lock(&l->lock);
	n = find(l, id);
	if (!n) {
		err = -ENOENT;
	} else if (n->state != N_SENT) {
		err = -EINPROGRESS;
	} else {
		e->done = e->running = false;
		list_add_tail(&n->errands, &e->node);
		waitq_wake_all(&n->q, 0);
	}
	spin_unlock(&l->lock);
	if (err)
		return err;
	err = wait_event(&l->q, SLEEP_INTERRUPTIBLE, NO_DEADLINE, READ_ONCE(e->done));
	spin_lock(&l->lock);
	if (!e->done && !e->running) {
		list_del(&e->node);
		spin_unlock(&l->lock);
		return err;
	}
	spin_unlock(&l->lock);
	wait_event(&l->q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, READ_ONCE(e->done));
	return e->result;
}

/* Do the errands of a waiting call, one by one. They run without the lock; the sender of a running one stays. */
static void do_errands(struct seccomp_listener *l, struct notif *n)
{
	struct seccomp_errand *e;
	spin_lock(&l->lock);
	while (!list_empty(&n->errands)) {
		e = list_first(&n->errands, struct seccomp_errand, node);
		e->running = true;
		list_del(&e->node);
		spin_unlock(&l->lock);
		e->result = e->fn(e->arg);
		spin_lock(&l->lock);
		if (e->send && e->result >= 0 && n->state == N_SENT) {
			n->state = N_ANSWERED;
			n->answer = (struct seccomp_answer){ .id = n->id, .val = e->result };
		}
		atomic_store(&e->done, true); /* the sender may be gone from here on */
	}
	spin_unlock(&l->lock);
	waitq_wake_all(&l->q, 0);
}

bool seccomp_notify(struct seccomp_filter *f, const struct seccomp_data *d, struct user_regs *regs)
{
	struct seccomp_listener *l = f->listener;
	struct seccomp_errand *e, *next;
	struct notif n = { .task = task_current(), .data = d };
	enum sleep_mode mode;
	int err = 0;

	regs->rax = (u64)-ENOSYS;
	if (!l)
		return false;
	list_init(&n.errands);
	waitq_init(&n.q);
	spin_lock(&l->lock);
	if (l->closed) {
		spin_unlock(&l->lock);
		return false;
	}
	n.id = l->next_id++;
	list_add_tail(&l->notifs, &n.node);
	spin_unlock(&l->lock);
	waitq_wake_all(&l->q, 1);
	while (READ_ONCE(n.state) != N_ANSWERED) {
		mode = f->wait_killable && READ_ONCE(n.state) == N_SENT ? SLEEP_KILLABLE
									: SLEEP_INTERRUPTIBLE;
		err = wait_event(&n.q, mode, NO_DEADLINE,
				 READ_ONCE(n.state) == N_ANSWERED || !list_empty(&n.errands));
		do_errands(l, &n);
		/* A signal that came while nobody had looked yet, but now someone has. */
		if (err && !(f->wait_killable && n.state == N_SENT && mode == SLEEP_INTERRUPTIBLE))
			break;
	}
	spin_lock(&l->lock);
	list_del(&n.node);
	list_for_each_safe(e, next, &n.errands, node) {
		list_del(&e->node);
		e->result = -ESRCH;
		WRITE_ONCE(e->done, true);
	}
	spin_unlock(&l->lock);
	waitq_wake_all(&l->q, 0);
	if (n.state != N_ANSWERED) {
		regs->rax = (u64)(s64)(err ? err : -ERESTARTSYS);
		return false;
	}
	if (n.answer.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return true;
	regs->rax = (u64)(n.answer.error ? (s64)n.answer.error : n.answer.val);
	return false;
}
