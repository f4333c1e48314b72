/*
 * request.c - the life of a request: taken from the ring, checked, started, waited for, completed, its successors.
 *
 * A chain of linked requests is built before its head starts; the rest is PARKED and hangs on req->link. A link timeout
 * leaves the chain and hangs on the request before it. Requests that drain, and all that come after them, are PARKED on
 * ctx->drained until those before have completed. Whoever completes a request runs the next one of its chain if that
 * belongs to the current address space; else it becomes ready for somebody whose it is.
 */
#include <string.h>

#include "mm/slab.h"
#include "task/unsupported.h"
#include "uring/uring.h"

#define FREE_MAX   64
#define SQE_FLAGS  0x7f
#define LINK_FLAGS (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

const struct uring_op *uring_ops;
unsigned uring_nr_ops;

void uring_set_ops(const struct uring_op *ops, unsigned n)
{
	uring_ops = ops;
	uring_nr_ops = n;
}

static struct uring_req *req_alloc(struct uring_ctx *ctx)
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

bool uring_here(const struct uring_req *req)
{
	return task_current()->mm == req->mm;
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

/* Post and take off all lists. The request is gone. */
static void finish(struct uring_req *req, s64 res)
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

		finish(req, req->cancel_res ? req->cancel_res : -ECANCELED);
		if (t)
			finish(t, -ECANCELED);
		req = next;
	}
}

struct uring_req *uring_complete(struct uring_req *req, s64 res)
{
	struct uring_req *next = req->link, *t = detach_timeout(req);
	bool broken = (res < 0 || req->fail_link) && !(req->sqe.flags & IOSQE_IO_HARDLINK);
	bool dying = req->ctx->dying;

	req->link = NULL;
	finish(req, res);
	if (t)
		finish(t, -ECANCELED);
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
	struct task *t = task_current();
	struct cred *mine;
	s64 r;

	if (likely(!req->cred))
		return req->op->issue(req);
	mine = t->cred;
	spin_lock(&task_lock);
	t->cred = req->cred;
	spin_unlock(&task_lock);
	cred_get(req->cred);
	r = req->op->issue(req);
	spin_lock(&task_lock);
	req = NULL; /* it may be gone */
	struct cred *theirs = t->cred;
	t->cred = mine;
	spin_unlock(&task_lock);
	cred_put(theirs);
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

void uring_run(struct uring_req *req)
{
	while (req) {
		struct uring_ctx *ctx = req->ctx;
		s64 r;

		if (!req->cancelled && !uring_here(req)) {
			spin_lock(&ctx->lock);
			uring_make_ready(req);
			spin_unlock(&ctx->lock);
			if (uring_worker_ensure(ctx))
				req->cancelled = true;
			uring_kick(ctx);
			return;
		}
		req->state = REQ_RUNNING;
		r = run_once(req);
		if (r == URING_QUEUED)
			return;
		req = uring_complete(req, r);
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

/* ---- submission ---- */

static bool bit(const u64 *map, unsigned n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static int check(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	struct uring_ctx *ctx = req->ctx;

	if (s->opcode >= uring_nr_ops || !uring_ops[s->opcode].issue) {
		if (s->opcode < IORING_OP_LAST)
			unsupported("io_uring operation", s->opcode);
		return -EINVAL;
	}
	if (s->flags & ~SQE_FLAGS)
		return -EINVAL;
	if (unlikely(ctx->restricted) && (!bit(ctx->allow_ops, s->opcode) ||
					  (s->flags & ~(ctx->allow_flags | ctx->need_flags)) ||
					  (s->flags & ctx->need_flags) != ctx->need_flags))
		return -EACCES;
	req->op = &uring_ops[s->opcode];
	if ((s->flags & IOSQE_BUFFER_SELECT) && !req->op->buffers)
		return -EOPNOTSUPP;
	if (s->ioprio && !req->op->ioprio_flags)
		return -EINVAL;
	if (s->personality) {
		if (s->personality > ctx->nr_personalities ||
		    !ctx->personalities[s->personality - 1])
			return -EINVAL;
		req->cred = ctx->personalities[s->personality - 1];
		cred_get(req->cred);
	}
	return req->op->prep ? req->op->prep(req) : 0;
}

/* Start a request (and what hangs on it), or set it aside behind a drain. */
static void start(struct uring_ctx *ctx, struct uring_req *req)
{
	bool async = req->sqe.flags & IOSQE_ASYNC;
	bool aside;

	req->punt = async;
	spin_lock(&ctx->lock);
	aside = (req->sqe.flags & IOSQE_IO_DRAIN) || !list_empty(&ctx->drained) ||
		ctx->drain_active;
	if (aside) {
		req->state = REQ_PARKED;
		list_add_tail(&ctx->drained, &req->node);
		drain_check(ctx);
	} else {
		ctx->running += chain_count(req);
		if (async)
			uring_make_ready(req);
	}
	spin_unlock(&ctx->lock);
	if (async && !aside && !uring_worker_ensure(ctx))
		waitq_wake(&ctx->worker_q, 1, 0);
	if (!async && !aside)
		uring_run(req);
	uring_run_ready(ctx);
}

static void chain_end(struct uring_ctx *ctx)
{
	struct uring_req *head = ctx->chain;
	bool broken = ctx->chain_broken;

	ctx->chain = ctx->chain_tail = NULL;
	ctx->chain_broken = false;
	if (!head)
		return;
	if (broken)
		head->cancelled = head->fail_link = true;
	start(ctx, head);
}

/* An entry that cannot even be started. */
static void refuse(struct uring_ctx *ctx, struct uring_req *req, int err)
{
	spin_lock(&ctx->lock);
	ctx->running++;
	spin_unlock(&ctx->lock);
	req->sqe.flags &= (u8) ~(IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_DRAIN);
	finish(req, err);
}

/* 0, or the error that ends the batch (unless SUBMIT_ALL). */
static int submit_one(struct uring_ctx *ctx, struct uring_req *req)
{
	struct task *t = task_current();
	bool link;
	int err;

	req->mm = t->mm;
	req->tid = ctx->sqpoll ? ctx->owner_tid : t->tid;
	req->pid = ctx->sqpoll ? ctx->owner_pid : t->process->pid;
	spin_lock(&ctx->lock);
	list_add_tail(&ctx->all, &req->all);
	ctx->nr_all++;
	spin_unlock(&ctx->lock);
	req->state = REQ_PARKED;
	err = check(req);
	link = req->sqe.flags & LINK_FLAGS;
	if (err && !ctx->chain && !link) {
		refuse(ctx, req, err);
		return err;
	}
	if (err) { /* the chain fails as a whole, this one with its own error */
		req->cancelled = true;
		req->cancel_res = err;
		if (ctx->chain)
			ctx->chain_broken = true;
	}
	if (!ctx->chain && !err && req->op->prep == uring_link_timeout_prep) {
		refuse(ctx, req, -EINVAL); /* nothing to time */
		return -EINVAL;
	}
	if (!ctx->chain) {
		ctx->chain = ctx->chain_tail = req;
	} else if (!err && req->op->prep == uring_link_timeout_prep && !ctx->chain_tail->ltimeout) {
		req->head = ctx->chain_tail;
		ctx->chain_tail->ltimeout = req;
	} else {
		/* A drain in the middle holds the whole chain back. */
		ctx->chain->sqe.flags |= req->sqe.flags & IOSQE_IO_DRAIN;
		req->sqe.flags &= (u8)~IOSQE_IO_DRAIN;
		ctx->chain_tail->link = req;
		ctx->chain_tail = req;
	}
	if (!link)
		chain_end(ctx);
	return err;
}

s64 uring_submit(struct uring_ctx *ctx, u32 n)
{
	u32 taken = 0;
	s64 ret = 0;

	n = MIN(n, ctx->sq_entries);
	uring_task_enter(ctx);
	while (taken < n) {
		struct uring_req *req;
		bool dropped;
		int err;

		if (!uring_sq_pending(ctx))
			break;
		req = req_alloc(ctx);
		if (!req) {
			ret = -EAGAIN;
			break;
		}
		if (!uring_sq_next(ctx, &req->sqe, &dropped) || dropped) {
			kfree(req);
			break;
		}
		taken++;
		err = submit_one(ctx, req);
		if (err && !(ctx->flags & IORING_SETUP_SUBMIT_ALL))
			break;
	}
	chain_end(ctx); /* a link at the end of a batch ends there */
	uring_sq_commit(ctx);
	uring_run_ready(ctx);
	uring_task_leave(ctx);
	return taken ? taken : ret;
}
