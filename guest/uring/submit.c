/*
 * submit.c - from the submission queue to a started request: taken from the ring, checked, linked to its chain.
 *
 * A chain is built before its head starts: ctx->chain is the one that is not complete yet. An entry that fails its check
 * fails its whole chain. Lock: submit_lock; ctx->lock where a request enters the context's lists.
 */
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/unsupported.h"
#include "uring/uring.h"

#define SQE_FLAGS  0x7f
#define LINK_FLAGS (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

const struct uring_op *uring_ops;
unsigned uring_nr_ops;

void uring_set_ops(const struct uring_op *ops, unsigned n)
{
	uring_ops = ops;
	uring_nr_ops = n;
}

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
	bool async = req->sqe.flags & IOSQE_ASYNC, admitted;

	req->punt = async;
	spin_lock(&ctx->lock);
	admitted = uring_admit(req);
	if (admitted && async)
		uring_make_ready(req);
	spin_unlock(&ctx->lock);
	if (admitted && async && !uring_worker_ensure(ctx))
		waitq_wake(&ctx->worker_q, 1, 0);
	if (admitted && !async)
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
	uring_finish(req, err);
}

/* 0, or the error that ends the batch (unless SUBMIT_ALL). */
static int submit_one(struct uring_ctx *ctx, struct uring_req *req)
{
	struct task *t = task_current();
	bool link;
	int err;

	req->mm_id = mm_id(t->mm);
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
		req = uring_alloc(ctx);
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
