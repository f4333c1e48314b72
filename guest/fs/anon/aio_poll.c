/*
 * aio_poll.c - IOCB_CMD_POLL: a request of Linux AIO that completes, once, when a file is ready.
 *
 * A request is in its context's list until it has completed or the context goes; watch_mutex guards the lists.
 */
#include "fs/anon/aio.h"
#include "fs/anon/eventfd.h"
#include "fs/poll_bits.h"
#include "fs/watch.h"
#include "lib/err.h"
#include "mm/slab.h"

struct aio_poll {
	struct file_watch watch;
	struct list node; /* in aio_polls(ctx) */
	struct aio_ctx *ctx;
	struct file *eventfd; /* or NULL */
	u32 events;
	u64 obj, data;
};

static void end(struct file_watch *w)
{
	struct aio_poll *p = container_of(w, struct aio_poll, watch);

	file_put(w->file);
	file_put(p->eventfd);
	kfree(p);
}

/* watch_mutex held; the request is not the context's any more. */
static void complete(struct aio_poll *p, u32 events)
{
	struct io_event ev = { .data = p->data, .obj = p->obj, .res = events };

	list_del(&p->node);
	aio_post(p->ctx, &ev);
	if (p->eventfd)
		eventfd_signal(p->eventfd);
}

static bool ready(struct file_watch *w, u32 events)
{
	struct aio_poll *p = container_of(w, struct aio_poll, watch);

	events = file_poll(w->file, NULL) & p->events;
	if (events)
		complete(p, events);
	return events;
}

int aio_poll_start(struct aio_ctx *ctx, struct file *f, struct file *eventfd, const struct iocb *cb,
		   u64 obj)
{
	struct aio_poll *p;
	s64 now;

	if (cb->aio_buf >> 16 || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
		return -EINVAL;
	p = kzalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct aio_poll){ .watch = { .file = f, .unkeyed = ~0u, .fn = ready, .end = end },
				.ctx = ctx,
				.eventfd = eventfd,
				.events = (u32)cb->aio_buf | POLL_ALWAYS,
				.obj = obj,
				.data = cb->aio_data };
	mutex_lock(&watch_mutex);
	now = watch_start(&p->watch);
	/* Ready, or never to be. */
	if (now >= 0 && !(now & p->events) && !p->watch.nhooks)
		now = -EINVAL;
	if (now >= 0) {
		file_get(f);
		if (eventfd)
			file_get(eventfd);
		list_add_tail(aio_polls(ctx), &p->node);
		if (now & p->events)
			watch_look(&p->watch, (u32)now);
	}
	mutex_unlock(&watch_mutex);
	if (now < 0)
		kfree(p);
	return MIN(now, 0LL);
}

bool aio_poll_cancel(struct aio_ctx *ctx, u64 obj)
{
	struct aio_poll *p, *found = NULL;

	mutex_lock(&watch_mutex);
	list_for_each(p, aio_polls(ctx), node)
		if (p->obj == obj)
			found = p;
	if (found) {
		watch_stop(&found->watch);
		complete(found, 0);
	}
	mutex_unlock(&watch_mutex);
	if (found)
		end(&found->watch);
	return found;
}

void aio_poll_forget(struct aio_ctx *ctx)
{
	struct list *polls = aio_polls(ctx);
	struct aio_poll *p;

	do {
		p = NULL;
		mutex_lock(&watch_mutex);
		if (!list_empty(polls)) {
			p = list_first(polls, struct aio_poll, node);
			list_del(&p->node);
			watch_stop(&p->watch);
			aio_unreserve(ctx);
		}
		mutex_unlock(&watch_mutex);
		if (p)
			end(&p->watch);
	} while (p);
}
