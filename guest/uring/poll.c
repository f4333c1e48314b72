/*
 * poll.c - requests that wait for a file: hooks on its wait queues, IORING_OP_POLL_ADD and POLL_REMOVE.
 *
 * A hook's callback runs under the queue's lock and takes ctx->lock inside it: it moves an ARMED request to the ready
 * list, or notes that it came while hooks were still being set (ARMING). Hooks are taken off by whoever runs the request
 * next, in task context; the file's reference keeps the queues alive until then.
 */
#include "fs/poll_bits.h"
#include "net/socket.h"
#include "uring/uring.h"

#define POLL_ET	    (1u << 31)
#define REPORTS_MAX 32 /* of a multishot poll in a row */

static void on_wake(struct waiter *w, u32 key)
{
	struct uring_req *req = container_of(w, struct uring_hook, w)->req;
	struct uring_ctx *ctx = req->ctx;
	bool ready = false;

	if (key && !(key & (req->poll_events | POLL_ALWAYS)))
		return;
	spin_lock(&ctx->lock);
	if (req->state == REQ_ARMING) {
		req->fired = true;
	} else if (req->state == REQ_ARMED) {
		uring_make_ready(req);
		ready = true;
	}
	spin_unlock(&ctx->lock);
	if (ready)
		uring_kick(ctx);
}

struct arm_table {
	struct poll_table pt;
	struct uring_req *req;
};

static void add_hook(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct uring_req *req = container_of(pt, struct arm_table, pt)->req;
	struct uring_hook *h;

	if (req->nhooks == URING_QUEUES)
		return;
	h = &req->hooks[req->nhooks++];
	waiter_init(&h->w);
	h->req = req;
	h->w.fn = on_wake;
	waitq_add(q, &h->w);
}

void uring_poll_unhook(struct uring_req *req)
{
	for (unsigned i = 0; i < req->nhooks; i++)
		waitq_del(&req->hooks[i].w);
	req->nhooks = 0;
}

/* Hook and look: the events that are there. The request is ARMING afterwards. */
static u32 hook(struct uring_req *req, u32 events)
{
	struct arm_table t = { { add_hook, events }, req };
	struct socket *s;

	req->poll_events = events;
	spin_lock(&req->ctx->lock);
	req->fired = false;
	req->state = REQ_ARMING;
	spin_unlock(&req->ctx->lock);
	s = sock_of_file(req->file);
	if (s && (events & POLLOUT) && s->ops->room)
		add_hook(&t.pt, req->file, s->ops->room);
	return file_poll(req->file, &t.pt) & (events | POLL_ALWAYS);
}

/* From ARMING to ARMED: URING_QUEUED; 0 if a wake-up came meanwhile; -ECANCELED. */
static s64 settle(struct uring_req *req)
{
	s64 r = URING_QUEUED;

	spin_lock(&req->ctx->lock);
	if (req->cancelled || req->ctx->dying)
		r = -ECANCELED;
	else if (req->fired)
		r = 0;
	else
		req->state = REQ_ARMED;
	req->fired = false;
	spin_unlock(&req->ctx->lock);
	return r;
}

/* Back to RUNNING. */
static void give_up(struct uring_req *req)
{
	spin_lock(&req->ctx->lock);
	req->state = REQ_RUNNING;
	spin_unlock(&req->ctx->lock);
	uring_poll_unhook(req);
}

static int need_worker(struct uring_ctx *ctx)
{
	return ctx->flags & IORING_SETUP_DEFER_TASKRUN ? 0 : uring_worker_ensure(ctx);
}

s64 uring_poll_arm(struct uring_req *req, u32 events, bool edge)
{
	s64 r = 0;

	if (need_worker(req->ctx))
		return -ENOMEM;
	if (!hook(req, events) || edge) {
		r = settle(req);
		if (r == URING_QUEUED)
			return r;
	}
	give_up(req);
	return r;
}

/* ---- POLL_ADD ---- */

int uring_poll_add_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->buf_index || s->off || s->addr)
		return -EINVAL;
	if (s->len & ~IORING_POLL_ADD_MULTI)
		return -EINVAL;
	if ((s->len & IORING_POLL_ADD_MULTI) && (s->flags & IOSQE_CQE_SKIP_SUCCESS))
		return -EINVAL;
	return 0;
}

/*
 * Multishot: reports what is there now, then once for each wake-up that finds something (edges, as EPOLLET). One whose reports
 * make events by themselves (the ring's own eventfd) would never get away from here: it ends.
 */
s64 uring_poll_add(struct uring_req *req)
{
	u32 events = req->sqe.poll32_events & ~POLL_ET, got;
	bool multi = req->sqe.len & IORING_POLL_ADD_MULTI;
	unsigned reports = 0;
	s64 r = 0;

	if (need_worker(req->ctx))
		return -ENOMEM;
	got = hook(req, events);
	while (!r) {
		if (got && (!multi || ++reports > REPORTS_MAX)) {
			r = got;
			break;
		}
		if (got)
			uring_post(req->ctx, req->sqe.user_data, (s32)got, IORING_CQE_F_MORE);
		r = settle(req);
		if (r == URING_QUEUED)
			return r;
		if (!r)
			got = file_poll(req->file, NULL) & (events | POLL_ALWAYS);
	}
	give_up(req);
	return r;
}

/* ---- POLL_REMOVE: also changes what a poll waits for ---- */

int uring_poll_remove_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	u32 known = IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA |
		    IORING_POLL_ADD_MULTI;

	if (s->buf_index || s->splice_fd_in || (s->len & ~known))
		return -EINVAL;
	if (s->len == IORING_POLL_ADD_MULTI)
		return -EINVAL;
	if (!(s->len & IORING_POLL_UPDATE_USER_DATA) && s->off)
		return -EINVAL;
	if (!(s->len & IORING_POLL_UPDATE_EVENTS) && s->poll32_events)
		return -EINVAL;
	return 0;
}

static struct uring_req *claim_poll(struct uring_ctx *ctx, u64 user_data, s64 *err)
{
	struct uring_req *it, *found = NULL;

	*err = -ENOENT;
	spin_lock(&ctx->lock);
	list_for_each(it, &ctx->all, all) {
		if (it->sqe.user_data != user_data || it->sqe.opcode != IORING_OP_POLL_ADD)
			continue;
		if (uring_claim(it)) {
			found = it;
			break;
		}
		*err = -EALREADY;
	}
	spin_unlock(&ctx->lock);
	return found;
}

s64 uring_poll_remove(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	struct uring_req *p;
	s64 err;

	p = claim_poll(req->ctx, s->addr, &err);
	if (!p)
		return err;
	uring_poll_unhook(p);
	if (!(s->len & (IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA))) {
		uring_end(p, -ECANCELED);
		return 0;
	}
	if (s->len & IORING_POLL_UPDATE_EVENTS) {
		p->sqe.poll32_events = s->poll32_events;
		p->sqe.len = (p->sqe.len & ~IORING_POLL_ADD_MULTI) |
			     (s->len & IORING_POLL_ADD_MULTI);
	}
	if (s->len & IORING_POLL_UPDATE_USER_DATA)
		p->sqe.user_data = s->off;
	uring_run_later(p);
	return 0;
}
