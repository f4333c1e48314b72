/*
 * cancel.c - ending requests early: IORING_OP_ASYNC_CANCEL, the end of a process, the end of a ring.
 *
 * What is ARMED is claimed under ctx->lock and completed with -ECANCELED; what is READY or set aside is marked and
 * completes so at its turn; what is running is past the point (-EALREADY), except that it will not wait any more.
 */
#include "uring/uring.h"

#define KNOWN                                                                         \
	(IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY | \
	 IORING_ASYNC_CANCEL_FD_FIXED | IORING_ASYNC_CANCEL_USERDATA | IORING_ASYNC_CANCEL_OP)

static bool gone(int pid)
{
	struct process *p = process_find(pid);
	bool r = !p || p->exiting || p->zombie;

	process_put(p);
	return r;
}

static bool matches(const struct uring_req *req, const struct uring_match *m)
{
	u32 keys = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP | IORING_ASYNC_CANCEL_ANY;

	if (req == m->except)
		return false;
	if (m->pid && req->pid != m->pid)
		return false;
	if (m->flags & IORING_ASYNC_CANCEL_ANY)
		return true;
	if ((m->flags & IORING_ASYNC_CANCEL_FD) && req->file != m->file)
		return false;
	if ((m->flags & IORING_ASYNC_CANCEL_OP) && req->sqe.opcode != m->opcode)
		return false;
	if (!(m->flags & keys) || (m->flags & IORING_ASYNC_CANCEL_USERDATA))
		return req->sqe.user_data == m->user_data;
	return true;
}

/* ctx->lock held. 1: claimed, the caller completes it; 0: it will complete so by itself; -EALREADY. */
static int take(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;

	if (req->head)
		return -EALREADY; /* a link timeout ends with its request, which knows it */
	if (uring_claim(req)) {
		list_del(&req->node); /* of the timeouts with a count */
		return 1;
	}
	if (req->cancelled)
		return -EALREADY;
	if (req->state == REQ_PARKED && !list_empty(&req->node)) { /* drained */
		list_del(&req->node);
		for (struct uring_req *r = req; r; r = r->link)
			ctx->running += 1 + (r->ltimeout != NULL);
		req->cancelled = true;
		uring_make_ready(req);
		return 0;
	}
	req->cancelled = true;
	return req->state == REQ_RUNNING || req->state == REQ_ARMING ? -EALREADY : 0;
}

static void end(struct uring_req *req)
{
	uring_poll_unhook(req);
	if (req->sqe.opcode == IORING_OP_TIMEOUT || req->sqe.opcode == IORING_OP_LINK_TIMEOUT)
		ktimer_cancel(&req->timer);
	uring_end(req, -ECANCELED);
}

s64 uring_cancel(struct uring_ctx *ctx, const struct uring_match *m)
{
	bool all = m->flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
	s64 count = 0;
	int err = -ENOENT;

	for (;;) {
		struct uring_req *it, *claimed = NULL;
		bool found = false;

		spin_lock(&ctx->lock);
		list_for_each(it, &ctx->all, all) {
			int r;

			if (!matches(it, m) || it->cancelled)
				continue;
			r = take(it);
			if (r < 0) {
				err = r;
				continue;
			}
			found = true;
			claimed = r ? it : NULL;
			break;
		}
		spin_unlock(&ctx->lock);
		if (!found)
			break;
		count++;
		if (claimed)
			end(claimed);
		else
			uring_kick(ctx);
		if (!all)
			return 0;
		task_poll();
	}
	return count ? count : err;
}

void uring_cancel_process(struct uring_ctx *ctx, int pid)
{
	struct uring_match m = { .flags = IORING_ASYNC_CANCEL_ANY, .pid = pid };

	uring_cancel(ctx, &m);
}

/* A process without tasks left its requests to nobody. */
void uring_cancel_orphans(struct uring_ctx *ctx)
{
	for (;;) {
		struct uring_req *it;
		int pid = 0, last = 0;

		spin_lock(&ctx->lock);
		list_for_each(it, &ctx->all, all) {
			if (!it->cancelled && it->state != REQ_RUNNING && it->pid != last) {
				pid = it->pid;
				break;
			}
		}
		spin_unlock(&ctx->lock);
		if (!pid || !gone(pid))
			return;
		uring_cancel_process(ctx, pid);
		task_poll();
	}
}

int uring_async_cancel_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if ((s->flags & IOSQE_BUFFER_SELECT) || s->off || s->splice_fd_in)
		return -EINVAL;
	if (s->cancel_flags & ~KNOWN)
		return -EINVAL;
	if ((s->cancel_flags & IORING_ASYNC_CANCEL_FD) &&
	    (s->cancel_flags & IORING_ASYNC_CANCEL_ANY))
		return -EINVAL;
	return 0;
}

s64 uring_cancel_user(struct uring_ctx *ctx, u64 user_data, int fd, u32 flags, u8 opcode,
		      bool fixed, const struct uring_req *except)
{
	struct uring_match m = {
		.user_data = user_data, .flags = flags, .opcode = opcode, .except = except
	};
	s64 r;

	if (flags & IORING_ASYNC_CANCEL_FD) {
		m.file = fixed ? uring_fixed_file(ctx, (u32)fd) : fd_get(fd);
		if (IS_ERR(m.file))
			return PTR_ERR(m.file);
	}
	r = uring_cancel(ctx, &m);
	if (m.file)
		file_put(m.file);
	return r;
}

s64 uring_async_cancel(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	bool fixed = (s->flags & IOSQE_FIXED_FILE) ||
		     (s->cancel_flags & IORING_ASYNC_CANCEL_FD_FIXED);

	return uring_cancel_user(req->ctx, s->addr, s->fd, s->cancel_flags, (u8)s->len, fixed, req);
}
