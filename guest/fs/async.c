/*
 * async.c - see async.h.
 *
 * A watcher hooks the wait queues that the file's poll names. A wake-up runs under a wait queue's lock, where no signal
 * may be sent, so it only notes the events and wakes a kernel thread (started by the first O_ASYNC) that sends them.
 * Differs from Linux: events that come faster than the thread runs are sent as one signal.
 *
 * Locks: async_mutex (the life of watchers; the thread holds it while it looks at a file), queue_lock (spinlock).
 */
#include "fs/abi.h"
#include "fs/async.h"
#include "fs/owner.h"
#include "fs/poll_bits.h"
#include "mm/slab.h"
#include "task/task.h"

#define ASYNC_QUEUES 2

struct watcher {
	struct list node; /* in queue; self-linked when not */
	struct file *file;
	u32 events;
	unsigned nhooks;
	struct hook {
		struct waiter w;
		struct watcher *watcher;
	} hooks[ASYNC_QUEUES];
};

static struct mutex async_mutex = MUTEX_INIT(async_mutex);
static struct spinlock queue_lock = SPINLOCK_INIT;
static struct list queue = LIST_INIT(queue);
static struct waitq queue_q = WAITQ_INIT(queue_q);
static bool started;

static void on_wake(struct waiter *w, u32 key)
{
	struct watcher *a = container_of(w, struct hook, w)->watcher;

	spin_lock(&queue_lock);
	a->events |= key;
	if (list_empty(&a->node))
		list_add_tail(&queue, &a->node);
	spin_unlock(&queue_lock);
	waitq_wake_all(&queue_q, 0);
}

struct table {
	struct poll_table pt;
	struct watcher *watcher;
};

static void add_hook(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct watcher *a = container_of(pt, struct table, pt)->watcher;
	struct hook *h;

	if (a->nhooks == ASYNC_QUEUES)
		return;
	h = &a->hooks[a->nhooks++];
	waiter_init(&h->w);
	h->watcher = a;
	h->w.fn = on_wake;
	waitq_add(q, &h->w);
}

static void sender(void *arg)
{
	for (;;) {
		struct watcher *a = NULL;
		u32 events = 0;

		wait_event(&queue_q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, !list_empty(&queue));
		mutex_lock(&async_mutex);
		spin_lock(&queue_lock);
		if (!list_empty(&queue)) {
			a = list_first(&queue, struct watcher, node);
			list_del(&a->node);
			events = a->events;
			a->events = 0;
		}
		spin_unlock(&queue_lock);
		/* A reader's wake-up of writers means nothing to a descriptor that only reads. */
		if (a)
			events &= file_poll(a->file, NULL) | POLL_ALWAYS;
		if (a && events)
			file_owner_io(&a->file->owner, a->file->cred,
				      events & POLL_READABLE ? POLL_IN : POLL_OUT, events);
		mutex_unlock(&async_mutex);
	}
}

static void remove_watcher(struct watcher *a)
{
	for (unsigned i = 0; i < a->nhooks; i++)
		waitq_del(&a->hooks[i].w);
	spin_lock(&queue_lock);
	list_del(&a->node);
	spin_unlock(&queue_lock);
	kfree(a);
}

void async_forget(struct file *f)
{
	mutex_lock(&async_mutex);
	if (f->async)
		remove_watcher(f->async);
	f->async = NULL;
	mutex_unlock(&async_mutex);
}

int async_set(struct file *f, bool on)
{
	struct watcher *a;
	struct table t;
	int err = 0;

	if (!on) {
		async_forget(f);
		return 0;
	}
	if (!f->ops->poll)
		return 0;
	mutex_lock(&async_mutex);
	if (f->async)
		goto out;
	err = -ENOMEM;
	if (!started && IS_ERR(kthread_start("async", sender, NULL)))
		goto out;
	started = true;
	a = kzalloc(sizeof(*a));
	if (!a)
		goto out;
	err = 0;
	a->file = f;
	list_init(&a->node);
	t = (struct table){ { add_hook, 0 }, a };
	f->async = a;
	file_poll(f, &t.pt);
out:
	mutex_unlock(&async_mutex);
	return err;
}
