/*
 * watch.c - see watch.h.
 *
 * A watch hooks the wait queues that the file's poll names. A wake-up runs under a wait queue's lock, where little may be
 * done, so it only notes the events and wakes the thread, which the first watch starts. Events that come faster than the
 * thread runs are one.
 *
 * Locks: watch_mutex, queue_lock (spinlock).
 */
#include "fs/watch.h"

#include "fs/poll_bits.h"
#include "task/task.h"

struct mutex watch_mutex = MUTEX_INIT(watch_mutex);
static struct spinlock queue_lock = SPINLOCK_INIT;
static struct list queue = LIST_INIT(queue);
static struct waitq queue_q = WAITQ_INIT(queue_q);
static bool started;

void watch_look(struct file_watch *w, u32 events)
{
	spin_lock(&queue_lock);
	w->events |= events;
	if (list_empty(&w->node))
		list_add_tail(&queue, &w->node);
	spin_unlock(&queue_lock);
	waitq_wake_all(&queue_q, 0);
}

static void on_wake(struct waiter *w, u32 key)
{
	struct file_watch *watch = container_of(w, struct watch_hook, w)->watch;

	watch_look(watch, key ? key : watch->unkeyed);
}

struct table {
	struct poll_table pt;
	struct file_watch *watch;
};

static void add_hook(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct file_watch *w = container_of(pt, struct table, pt)->watch;
	struct watch_hook *h;

	if (w->nhooks == WATCH_QUEUES)
		return;
	h = &w->hooks[w->nhooks++];
	waiter_init(&h->w);
	h->watch = w;
	h->w.fn = on_wake;
	waitq_add(q, &h->w);
}

/* The next one that was woken, and for what. watch_mutex held. */
static struct file_watch *next(u32 *events)
{
	struct file_watch *w = NULL;

	spin_lock(&queue_lock);
	if (!list_empty(&queue)) {
		w = list_first(&queue, struct file_watch, node);
		list_del(&w->node);
		*events = w->events;
		w->events = 0;
	}
	spin_unlock(&queue_lock);
	return w;
}

static void watcher(void *arg)
{
	for (;;) {
		struct file_watch *w;
		u32 events = 0;
		bool over;

		wait_event(&queue_q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, !list_empty(&queue));
		mutex_lock(&watch_mutex);
		w = next(&events);
		/* A reader's wake-up of writers means nothing to a descriptor that only reads. */
		if (w)
			events &= file_poll(w->file, NULL) | POLL_ALWAYS;
		over = w && events && w->fn(w, events);
		if (over)
			watch_stop(w);
		mutex_unlock(&watch_mutex);
		if (over)
			w->end(w);
	}
}

s64 watch_start(struct file_watch *w)
{
	struct table t = { { add_hook, 0 }, w };

	if (!started && IS_ERR(kthread_start("watch", watcher, NULL)))
		return -ENOMEM;
	started = true;
	list_init(&w->node);
	return file_poll(w->file, &t.pt);
}

void watch_stop(struct file_watch *w)
{
	for (unsigned i = 0; i < w->nhooks; i++)
		waitq_del(&w->hooks[i].w);
	w->nhooks = 0;
	spin_lock(&queue_lock);
	list_del(&w->node);
	spin_unlock(&queue_lock);
}
