/*
 * wait.c - wait queues and completions (wait.h has the lost-wakeup argument).
 *
 * Exclusive waiters stand behind the others, so a wake-up walks the ones it must wake all of first. An exclusive waiter
 * counts against n only if this wake-up really woke it: one that another wake-up has already made runnable but that has
 * not yet left the queue must not swallow a second event.
 */
#include "lib/atomic.h"
#include "mm/slab.h"
#include "task/task.h"

void waitq_init(struct waitq *q)
{
	spin_init(&q->lock);
	list_init(&q->waiters);
}

void waiter_init(struct waiter *w)
{
	list_init(&w->node);
	w->task = task_current();
	w->fn = NULL;
	w->events = 0;
	w->exclusive = false;
	w->q = NULL;
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	spin_lock(&q->lock);
	w->q = q;
	if (w->exclusive)
		list_add_tail(&q->waiters, &w->node);
	else
		list_add(&q->waiters, &w->node);
	spin_unlock(&q->lock);
}

void waitq_del(struct waiter *w)
{
	struct waitq *q = w->q;

	if (!q)
		return;
	spin_lock(&q->lock);
	list_del(&w->node);
	spin_unlock(&q->lock);
	w->q = NULL;
}

bool waitq_in_use(struct waitq *q)
{
	bool used;

	spin_lock(&q->lock);
	used = waitq_active(q);
	spin_unlock(&q->lock);
	return used;
}

void waitq_wake(struct waitq *q, unsigned n, u32 key)
{
	struct waiter *w, *next;

	/* The condition was made true before; a waiter that is not seen here queues itself after and sees it. */
	atomic_fence();
	if (!waitq_active(q))
		return;
	spin_lock(&q->lock);
	list_for_each_safe(w, next, &q->waiters, node) {
		bool woken = true;

		if (key && w->events && !(key & w->events))
			continue;
		if (w->exclusive && !n)
			break;
		if (w->fn)
			w->fn(w, key);
		else
			woken = sched_wake(w->task);
		if (w->exclusive && woken)
			n--;
	}
	spin_unlock(&q->lock);
}

struct completion *completion_create(void)
{
	struct completion *c = kzalloc(sizeof(*c));

	if (c) {
		c->ref = 1;
		waitq_init(&c->q);
	}
	return c;
}

void completion_get(struct completion *c)
{
	atomic_add(&c->ref, 1);
}

void completion_put(struct completion *c)
{
	if (c && atomic_sub(&c->ref, 1) == 0)
		kfree(c);
}

void completion_done(struct completion *c)
{
	atomic_store(&c->done, 1);
	waitq_wake_all(&c->q, 0);
}

int completion_wait(struct completion *c, enum sleep_mode mode)
{
	return wait_event(&c->q, mode, NO_DEADLINE, atomic_load(&c->done));
}
