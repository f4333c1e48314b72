/*
 * timeout.c - IORING_OP_TIMEOUT, TIMEOUT_REMOVE, LINK_TIMEOUT.
 *
 * A timer's callback is an upcall: it makes its request ready and no more. ktimer_cancel is called before a request that
 * had a timer completes, so that the callback never sees a request that is gone. Real-time deadlines are turned into
 * monotonic ones when they are set.
 */
#include "mm/slab.h"
#include "uring/uring.h"

#define FLAGS_KNOWN (IORING_TIMEOUT_ABS | IORING_TIMEOUT_CLOCK_MASK | IORING_TIMEOUT_ETIME_SUCCESS)
#define NSEC	    1000000000ULL

static void on_timer(struct ktimer *t)
{
	struct uring_req *req = container_of(t, struct uring_req, timer);
	struct uring_ctx *ctx = req->ctx;
	bool ready = false;

	spin_lock(&ctx->lock);
	if (req->state == REQ_ARMED) {
		req->timer_fired = true;
		list_del(&req->node); /* of the timeouts with a count */
		uring_make_ready(req);
		ready = true;
	}
	spin_unlock(&ctx->lock);
	if (ready)
		uring_kick(ctx);
}

static int read_deadline(uaddr_t addr, u32 flags, u64 *deadline)
{
	struct {
		s64 sec, nsec;
	} ts;
	u64 ns, now = clock_mono();
	s64 at;

	if ((flags & IORING_TIMEOUT_CLOCK_MASK) == IORING_TIMEOUT_CLOCK_MASK)
		return -EINVAL;
	if (user_read(&ts, addr, sizeof(ts)))
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0)
		return -EINVAL;
	ns = (u64)ts.sec >= (1ULL << 62) / NSEC ? 1ULL << 62 : (u64)ts.sec * NSEC + (u64)ts.nsec;
	if (!(flags & IORING_TIMEOUT_ABS)) {
		*deadline = now + ns;
		return 0;
	}
	at = (s64)ns - (flags & IORING_TIMEOUT_REALTIME ? clock_real_offset() : 0);
	*deadline = at > 0 ? (u64)at : 1;
	return 0;
}

static int prep(struct uring_req *req, bool link)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->buf_index || s->len != 1 || s->splice_fd_in || (link && s->off))
		return -EINVAL;
	if (s->timeout_flags & ~FLAGS_KNOWN)
		return -EINVAL;
	ktimer_init(&req->timer, on_timer);
	req->timer_fired = false;
	return read_deadline(s->addr, s->timeout_flags, &req->deadline);
}

int uring_timeout_prep(struct uring_req *req)
{
	return prep(req, false);
}

static s64 expired(struct uring_req *req)
{
	/* A link behind it goes on if the program says that this is a success. */
	if (!(req->sqe.timeout_flags & IORING_TIMEOUT_ETIME_SUCCESS))
		req->fail_link = true;
	return -ETIME;
}

/* Runs twice: to start, and when it is over. */
s64 uring_timeout(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;
	s64 r = URING_QUEUED;

	if (req->deadline == 0) { /* it was started before */
		ktimer_cancel(&req->timer);
		return req->timer_fired ? expired(req) : 0;
	}
	if (!(ctx->flags & IORING_SETUP_DEFER_TASKRUN) && uring_worker_ensure(ctx))
		return -ENOMEM;
	spin_lock(&ctx->lock);
	if (req->cancelled || ctx->dying) {
		r = -ECANCELED;
	} else {
		u64 deadline = req->deadline;

		req->deadline = 0;
		req->state = REQ_ARMED;
		if (req->sqe.off) {
			req->target = ctx->completions + (u32)req->sqe.off;
			list_add_tail(&ctx->timeouts, &req->node);
		}
		ktimer_start(&req->timer, deadline);
	}
	spin_unlock(&ctx->lock);
	return r;
}

void uring_timeouts_check(struct uring_ctx *ctx)
{
	struct uring_req *req, *next;

	list_for_each_safe(req, next, &ctx->timeouts, node) {
		if ((s32)(ctx->completions - req->target) < 0 || req->state != REQ_ARMED)
			continue;
		ktimer_try_cancel(&req->timer);
		list_del(&req->node);
		uring_make_ready(req);
	}
}

/* ---- removal and update ---- */

int uring_timeout_remove_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	u32 known = IORING_TIMEOUT_UPDATE_MASK | IORING_TIMEOUT_ABS | IORING_TIMEOUT_CLOCK_MASK;

	if ((s->flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT)) || s->buf_index || s->len ||
	    s->splice_fd_in)
		return -EINVAL;
	if (!(s->timeout_flags & IORING_TIMEOUT_UPDATE_MASK))
		return s->timeout_flags ? -EINVAL : 0;
	if (s->timeout_flags & ~known)
		return -EINVAL;
	return read_deadline(s->addr2, s->timeout_flags, &req->deadline);
}

s64 uring_timeout_remove(struct uring_req *req)
{
	bool update = req->sqe.timeout_flags & IORING_TIMEOUT_UPDATE_MASK;
	bool link = req->sqe.timeout_flags & IORING_LINK_TIMEOUT_UPDATE;
	u8 op = link ? IORING_OP_LINK_TIMEOUT : IORING_OP_TIMEOUT;
	struct uring_ctx *ctx = req->ctx;
	struct uring_req *it, *t = NULL;
	s64 err = -ENOENT;

	spin_lock(&ctx->lock);
	list_for_each(it, &ctx->all, all) {
		if (it->sqe.user_data != req->sqe.addr || it->sqe.opcode != op)
			continue;
		if (it->state == REQ_ARMED && (update || uring_claim(it))) {
			t = it;
			break;
		}
		err = -EALREADY;
	}
	if (t && update) {
		err = ktimer_try_cancel(&t->timer) ? 0 : -EALREADY;
		if (!err)
			ktimer_start(&t->timer, req->deadline);
		t = NULL;
	} else if (t) {
		list_del(&t->node);
	}
	spin_unlock(&ctx->lock);
	if (!t)
		return err;
	ktimer_cancel(&t->timer);
	uring_end(t, -ECANCELED);
	return 0;
}

/* ---- link timeouts ---- */

int uring_link_timeout_prep(struct uring_req *req)
{
	return prep(req, true);
}

void uring_link_timeout_start(struct uring_req *head)
{
	struct uring_ctx *ctx = head->ctx;
	struct uring_req *t;

	if (!(ctx->flags & IORING_SETUP_DEFER_TASKRUN) && uring_worker_ensure(ctx))
		return; /* without memory it waits without a limit */
	spin_lock(&ctx->lock);
	t = head->ltimeout;
	if (t && t->state == REQ_PARKED) {
		t->state = REQ_ARMED;
		ktimer_start(&t->timer, t->deadline);
	}
	spin_unlock(&ctx->lock);
}

/* It has fired: end the request that it watches. */
s64 uring_link_timeout(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;
	struct uring_req *head;
	bool mine = false;

	ktimer_cancel(&req->timer);
	spin_lock(&ctx->lock);
	head = req->head;
	req->head = NULL;
	if (head) {
		head->ltimeout = NULL;
		mine = uring_claim(head);
		if (!mine)
			head->cancelled = true;
		else
			list_del(&head->node);
	}
	spin_unlock(&ctx->lock);
	if (mine) {
		uring_poll_unhook(head);
		if (head->sqe.opcode == IORING_OP_TIMEOUT)
			ktimer_cancel(&head->timer);
		uring_end(head, -ECANCELED);
	}
	return head ? -ETIME : -ENOENT;
}
