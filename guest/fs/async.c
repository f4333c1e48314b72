/*
 * async.c - see async.h.
 *
 * Differs from Linux: events that come faster than the watching thread runs (watch.h) are sent as one signal.
 */
#include "fs/async.h"

#include "fs/owner.h"
#include "fs/poll_bits.h"
#include "fs/watch.h"
#include "mm/slab.h"
#include "task/task.h"

static bool send(struct file_watch *w, u32 events)
{
	file_owner_io(&w->file->owner, w->file->cred, events & POLL_READABLE ? POLL_IN : POLL_OUT,
		      events);
	return false;
}

void async_forget(struct file *f)
{
	mutex_lock(&watch_mutex);
	if (f->async)
		watch_stop(f->async);
	kfree(f->async);
	f->async = NULL;
	mutex_unlock(&watch_mutex);
}

int async_set(struct file *f, bool on)
{
	struct file_watch *w;
	int err = 0;

	if (!on) {
		async_forget(f);
		return 0;
	}
	if (!f->ops->poll)
		return 0;
	mutex_lock(&watch_mutex);
	if (f->async)
		goto out;
	err = -ENOMEM;
	w = kzalloc(sizeof(*w));
	if (!w)
		goto out;
	w->file = f;
	w->fn = send;
	if (watch_start(w) < 0) {
		kfree(w);
		goto out;
	}
	f->async = w;
	err = 0;
out:
	mutex_unlock(&watch_mutex);
	return err;
}
