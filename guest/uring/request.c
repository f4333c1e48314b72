/*
 * request.c - the life of a request once it is submitted: admitted, run, waited for, completed, its successors.
 *
 * Of a chain of linked requests all but the head are PARKED and hang on req->link; a link timeout hangs on the request
 * before it. Requests that drain, and all that come after them, are PARKED on ctx->drained until those before have
 * completed. Whoever completes a request runs the next one of its chain if that belongs to the current address space;
 * else it becomes ready for somebody whose it is.
 */
#include <string.h>

#include "mm/mm.h"
#include "mm/slab.h"
#include "uring/uring.h"

#define FREE_MAX 64

struct uring_req *uring_alloc(struct uring_ctx *ctx)
{
	struct uring_req *req = NULL;

	if (READ_ONCE(ctx->nr_all) >= URING_MAX_REQUESTS)
		return NULL;
	spin_lock(&ctx->lock);
	if (!list_empty(&ctx->free)) {
		req = list_first(&ctx->free, struct uring_req, node);
		list_del(&req->node);
		ctx->nr_free--;
	}
	spin_unlock(&ctx->lock);
	if (req)
		memset(req, 0, offsetof(struct uring_req, one));
	else
		req = kzalloc(sizeof(*req));
	if (!req)
		return NULL;
	list_init(&req->all);
	list_init(&req->node);
	req->ctx = ctx;
	return req;
}

/* What a request holds, before it is given back. */
static void req_clean(struct uring_req *req)
{
	if (req->free_data)
		req->free_data(req);
	if (req->file)
		file_put(req->file);
	if (req->cred)
		cred_put(req->cred);
	req->free_data = NULL;
	req->file = NULL;
	req->cred = NULL;
}

/* ctx->lock held; false: the caller frees it. */
static bool req_recycle(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;

	if (ctx->nr_free >= FREE_MAX)
		return false;
	ctx->nr_free++;
	list_add(&ctx->free, &req->node);
	return true;
}

/* May the current task run it? */
static bool uring_here(const struct uring_req *req)
{
	struct mm *mm = task_current()->mm;

	return mm && mm_id(mm) == req->mm_id;
}

void uring_make_ready(struct uring_req *req)
{
	req->state = REQ_READY;
	list_add_tail(&req->ctx->ready, &req->node);
}

void uring_kick(struct uring_ctx *ctx)
{
	if (READ_ONCE(ctx->runners)) {
		waitq_wake_all(&ctx->work_q, 0);
		return;
	}
	if (!(ctx->flags & IORING_SETUP_DEFER_TASKRUN)) {
		waitq_wake(&ctx->worker_q, 1, 0);
		return;
	}
	if (ctx->flags & IORING_SETUP_TASKRUN_FLAG)
		uring_sq_flag(ctx, IORING_SQ_TASKRUN, true);
	waitq_wake_all(&ctx->work_q, 0);
}

void uring_task_enter(struct uring_ctx *ctx)
{
	atomic_add(&ctx->runners, 1);
}

void uring_task_leave(struct uring_ctx *ctx)
{
	/* What became ready since we looked is for somebody else. */
	if (!atomic_sub(&ctx->runners, 1) && !list_empty(&ctx->ready))
		uring_kick(ctx);
}

/* ---- completion ---- */

/* A chain counts as a whole from its start on. */
static unsigned chain_count(const struct uring_req *req)
{
	unsigned n = 0;

	for (; req; req = req->link)
		n += 1 + (req->ltimeout != NULL);
	return n;
}

/* ctx->lock held: what was drained and may start now. */
static void drain_check(struct uring_ctx *ctx)
{
	while (!list_empty(&ctx->drained)) {
		struct uring_req *req = list_first(&ctx->drained, struct uring_req, node);
		bool drain = req->sqe.flags & IOSQE_IO_DRAIN;

		if (drain ? ctx->running != 0 : ctx->drain_active)
			return;
		list_del(&req->node);
		ctx->running += chain_count(req);
		if (drain)
			ctx->drain_active = true;
		uring_make_ready(req);
	}
}

bool uring_admit(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;

	if (!(req->sqe.flags & IOSQE_IO_DRAIN) && list_empty(&ctx->drained) && !ctx->drain_active) {
		ctx->running += chain_count(req);
		return true;
	}
	req->state = REQ_PARKED;
	list_add_tail(&ctx->drained, &req->node);
	drain_check(ctx);
	return false;
}

void uring_finish(struct uring_req *req, s64 res)
{
	struct uring_ctx *ctx = req->ctx;
	bool skip = (req->sqe.flags & IOSQE_CQE_SKIP_SUCCESS) && res >= 0;
	u32 cflags = req->cflags;
	bool kept;

	if (req->selected)
		cflags |= IORING_CQE_F_BUFFER | (u32)req->bid << IORING_CQE_BUFFER_SHIFT;
	req_clean(req);
	spin_lock(&ctx->lock);
	if (!skip)
		uring_post_locked(ctx, req->sqe.user_data, (s32)res, cflags, 0, 0);
	if (req->head) /* a link timeout ends before what it watches */
		req->head->ltimeout = NULL;
	list_del(&req->all);
	ctx->nr_all--;
	ctx->running--;
	if (req->sqe.flags & IOSQE_IO_DRAIN)
		ctx->drain_active = false;
	if (!list_empty(&ctx->drained))
		drain_check(ctx);
	kept = req_recycle(req);
	spin_unlock(&ctx->lock);
	if (!kept)
		kfree(req);
	uring_notify(ctx);
}

/* The link timeout of a request that is about to complete goes first out of its way; returned to be completed after. */
static struct uring_req *detach_timeout(struct uring_req *req)
{
	struct uring_req *t;
	bool mine;

	if (likely(!req->ltimeout))
		return NULL;
	spin_lock(&req->ctx->lock);
	t = req->ltimeout;
	mine = t && (uring_claim(t) || t->state == REQ_PARKED);
	if (t)
		t->head = NULL;
	req->ltimeout = NULL;
	spin_unlock(&req->ctx->lock);
	if (!mine)
		return NULL; /* it fired and completes itself */
	ktimer_cancel(&t->timer);
	return t;
}

static void cancel_chain(struct uring_req *req)
{
	while (req) {
		struct uring_req *next = req->link, *t = detach_timeout(req);

		uring_finish(req, req->cancel_res ? req->cancel_res : -ECANCELED);
		if (t)
			uring_finish(t, -ECANCELED);
		req = next;
	}
}

/* Returns the request to run next, or NULL. This one is gone. */
static struct uring_req *complete(struct uring_req *req, s64 res)
{
	struct uring_req *next = req->link, *t = detach_timeout(req);
	bool broken = (res < 0 || req->fail_link) && !(req->sqe.flags & IOSQE_IO_HARDLINK);
	bool dying = req->ctx->dying;

	req->link = NULL;
	uring_finish(req, res);
	if (t)
		uring_finish(t, -ECANCELED);
	if (next && (broken || dying)) {
		cancel_chain(next);
		next = NULL;
	}
	return next;
}

/* ---- running ---- */

static struct file *find_file(struct uring_req *req)
{
	if (req->sqe.flags & IOSQE_FIXED_FILE)
		return uring_fixed_file(req->ctx, (u32)req->sqe.fd);
	return fd_get(req->sqe.fd);
}

/* Run the operation with the credentials of a personality. */
static s64 issue(struct uring_req *req)
{
	struct cred *mine;
	s64 r;

	if (likely(!req->cred))
		return req->op->issue(req);
	cred_get(req->cred);
	mine = cred_swap(req->cred);
	r = req->op->issue(req); /* it may be gone behind that */
	cred_put(cred_swap(mine));
	return r;
}

/* URING_QUEUED or a result. */
static s64 run_once(struct uring_req *req)
{
	s64 r;

	if (req->cancelled)
		return req->cancel_res ? req->cancel_res : -ECANCELED;
	if (req->op->needs_file && !req->file) {
		struct file *f = find_file(req);

		if (IS_ERR(f))
			return PTR_ERR(f);
		req->file = f;
	}
	if (req->ltimeout)
		uring_link_timeout_start(req);
	for (unsigned tries = 0;; tries++) {
		r = issue(req);
		if (r != -EAGAIN || !req->op->events || req->nowait || !req->file->ops ||
		    !req->file->ops->poll)
			return r <= -ERESTARTSYS && r >= -ERESTART_RESTARTBLOCK ? -EINTR : r;
		r = uring_poll_arm(req, req->op->events, tries > 2);
		if (r)
			return r;
	}
}

void uring_run_later(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;

	if (!(ctx->flags & IORING_SETUP_DEFER_TASKRUN) && uring_worker_ensure(ctx))
		req->cancelled = true;
	spin_lock(&ctx->lock);
	uring_make_ready(req);
	spin_unlock(&ctx->lock);
	uring_kick(ctx);
}

void uring_end(struct uring_req *req, s64 res)
{
	req = complete(req, res);
	if (req)
		uring_run_later(req);
}

void uring_run(struct uring_req *req)
{
	while (req) {
		s64 r;

		if (!req->cancelled && !uring_here(req)) {
			uring_run_later(req);
			return;
		}
		req->state = REQ_RUNNING;
		r = run_once(req);
		if (r == URING_QUEUED)
			return;
		req = complete(req, r);
	}
}

/* A request with IOSQE_ASYNC is for a worker, unless the ring has none. */
static bool may_run(const struct uring_req *req)
{
	return !req->punt || task_current()->kthread ||
	       (req->ctx->flags & IORING_SETUP_DEFER_TASKRUN);
}

/* ctx->lock held: the first ready request that the current task may run; *others: there are some for others. */
static struct uring_req *first_ready(struct uring_ctx *ctx, bool *others)
{
	struct uring_req *it;

	*others = false;
	list_for_each(it, &ctx->ready, node) {
		if (it->cancelled || (uring_here(it) && may_run(it)))
			return it;
		*others = true;
	}
	return NULL;
}

bool uring_runnable(struct uring_ctx *ctx)
{
	bool others, r;

	if (list_empty(&ctx->ready))
		return false;
	spin_lock(&ctx->lock);
	r = first_ready(ctx, &others);
	spin_unlock(&ctx->lock);
	return r;
}

bool uring_run_ready(struct uring_ctx *ctx)
{
	bool ran = false;

	if (list_empty(&ctx->ready))
		return false;
	uring_sq_flag(ctx, IORING_SQ_TASKRUN, false);
	for (;;) {
		struct uring_req *req;
		bool others;

		spin_lock(&ctx->lock);
		req = first_ready(ctx, &others);
		if (req) {
			list_del(&req->node);
			req->state = REQ_RUNNING;
		}
		spin_unlock(&ctx->lock);
		if (!req) {
			if (others)
				waitq_wake(&ctx->worker_q, 1, 0);
			return ran;
		}
		uring_poll_unhook(req);
		if (req->timer.fn)
			ktimer_cancel(&req->timer);
		uring_run(req);
		ran = true;
		task_poll();
	}
}
