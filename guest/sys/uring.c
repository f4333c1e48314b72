/*
 * uring.c - io_uring_setup(2), io_uring_enter(2), io_uring_register(2); the rings are uring/.
 */
#include <string.h>

#include "fs/abi.h"
#include "sys/poll.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "sys/uring_ops.h"
#include "uring/uring.h"

#define SETUP_KNOWN                                                                             \
	(IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | \
	 IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |           \
	 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128 |          \
	 IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define FEATURES                                                                        \
	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |     \
	 IORING_FEAT_RW_CUR_POS | IORING_FEAT_CUR_PERSONALITY | IORING_FEAT_FAST_POLL | \
	 IORING_FEAT_POLL_32BITS | IORING_FEAT_SQPOLL_NONFIXED | IORING_FEAT_EXT_ARG |  \
	 IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_CQE_SKIP | IORING_FEAT_LINKED_FILE)
#define ENTER_KNOWN                                                               \
	(IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT | \
	 IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING)

static u32 round_up_2(u32 n)
{
	u32 r = 1;

	while (r < n)
		r *= 2;
	return r;
}

static int check_flags(u32 f)
{
	if (f & ~(u32)SETUP_KNOWN) {
		unsupported("io_uring_setup flags", f & ~(u32)SETUP_KNOWN);
		return -EINVAL;
	}
	if ((f & IORING_SETUP_SQ_AFF) && !(f & IORING_SETUP_SQPOLL))
		return -EINVAL;
	if ((f & IORING_SETUP_SQPOLL) &&
	    (f &
	     (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_DEFER_TASKRUN)))
		return -EINVAL;
	if ((f & IORING_SETUP_TASKRUN_FLAG) &&
	    !(f & (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN)))
		return -EINVAL;
	if ((f & IORING_SETUP_DEFER_TASKRUN) && !(f & IORING_SETUP_SINGLE_ISSUER))
		return -EINVAL;
	return 0;
}

/* The sizes of both rings, in Linux's order of checks. */
static int set_sizes(struct io_uring_params *p, u32 entries)
{
	bool clamp = p->flags & IORING_SETUP_CLAMP;

	if (!entries || (entries > URING_MAX_ENTRIES && !clamp))
		return -EINVAL;
	p->sq_entries = round_up_2(MIN(entries, URING_MAX_ENTRIES));
	if (!(p->flags & IORING_SETUP_CQSIZE)) {
		p->cq_entries = 2 * p->sq_entries;
		return 0;
	}
	if (!p->cq_entries || (p->cq_entries > URING_MAX_CQ && !clamp))
		return -EINVAL;
	p->cq_entries = round_up_2(MIN(p->cq_entries, URING_MAX_CQ));
	return p->cq_entries < p->sq_entries ? -EINVAL : 0;
}

/* ATTACH_WQ: there is nothing to share, but the ring must be one. */
static int check_attach(const struct io_uring_params *p)
{
	struct file *f;
	int err;

	if (!(p->flags & IORING_SETUP_ATTACH_WQ))
		return 0;
	f = fd_get((int)p->wq_fd);
	if (IS_ERR(f))
		return -ENXIO;
	err = uring_of_file(f) ? 0 : -EINVAL;
	file_put(f);
	return err;
}

s64 sys_io_uring_setup(uint_a entries, uptr_a params)
{
	struct io_uring_params p;
	struct file *f;
	int err;

	if (user_read(&p, params, sizeof(p)))
		return -EFAULT;
	if (p.resv[0] || p.resv[1] || p.resv[2])
		return -EINVAL;
	err = check_flags(p.flags);
	if (!err)
		err = set_sizes(&p, entries);
	if (!err)
		err = check_attach(&p);
	if (err)
		return err;
	uring_set_ops(uring_op_table, uring_op_count);
	p.features = FEATURES;
	f = uring_create(&p);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (user_write(params, &p, sizeof(p))) {
		file_put(f);
		return -EFAULT;
	}
	return fd_install_new(f, true);
}

/* ---- enter ---- */

/* The mask and the time limit of a wait. */
static int wait_args(u32 flags, uaddr_t arg, u64 argsz, u64 *deadline)
{
	struct io_uring_getevents_arg a = { 0 };
	int err;

	*deadline = NO_DEADLINE;
	if (!(flags & IORING_ENTER_EXT_ARG))
		return sigmask_user(arg, argsz);
	if (argsz != sizeof(a))
		return -EINVAL;
	if (user_read(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.pad)
		return -EINVAL;
	err = sigmask_user(a.sigmask, a.sigmask_sz);
	return err ? err : timeout_read(a.ts, deadline);
}

static bool enough(struct uring_ctx *ctx, u32 min)
{
	return uring_cq_ready(ctx) >= min || uring_overflowed(ctx);
}

/* Run what is ready and wait for `min` completions. 0, -EINTR, -ETIME. */
static s64 wait_events(struct uring_ctx *ctx, u32 min, u64 deadline)
{
	int err = 0;

	uring_task_enter(ctx);
	for (;;) {
		struct waiter w;

		uring_run_ready(ctx);
		uring_flush_overflow(ctx);
		if (enough(ctx, min) || err)
			break;
		waiter_init(&w);
		waitq_add(&ctx->work_q, &w);
		sched_prepare(SLEEP_INTERRUPTIBLE);
		if (!enough(ctx, min) && !uring_runnable(ctx))
			err = sched_sleep(deadline);
		sched_awake();
		waitq_del(&w);
	}
	uring_task_leave(ctx);
	if (enough(ctx, min) || !err)
		return 0;
	return err == -ETIMEDOUT ? -ETIME : -EINTR;
}

static s64 submit(struct uring_ctx *ctx, u32 n)
{
	s64 r;

	if ((ctx->flags & IORING_SETUP_SINGLE_ISSUER) && ctx->submitter != task_current())
		return -EEXIST;
	mutex_lock(&ctx->submit_lock);
	r = uring_submit(ctx, n);
	mutex_unlock(&ctx->submit_lock);
	return r;
}

static s64 sqpoll_enter(struct uring_ctx *ctx, u32 n, u32 flags)
{
	if (flags & IORING_ENTER_SQ_WAKEUP)
		waitq_wake_all(&ctx->sq_q, 0);
	if (flags & IORING_ENTER_SQ_WAIT) {
		int err = wait_event(&ctx->work_q, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
				     !uring_sq_full(ctx));
		if (err)
			return -EINTR;
	}
	return n;
}

static s64 enter(struct uring_ctx *ctx, u32 n, u32 min, u32 flags, uaddr_t arg, u64 argsz)
{
	u64 deadline;
	s64 r = 0, err;

	if (ctx->disabled)
		return -EBADFD;
	if (ctx->sqpoll)
		r = sqpoll_enter(ctx, n, flags);
	else if (n)
		r = submit(ctx, n);
	if (r < 0 || (!ctx->sqpoll && r != n) || !(flags & IORING_ENTER_GETEVENTS))
		return r;
	err = wait_args(flags, arg, argsz, &deadline);
	if (!err)
		err = wait_events(ctx, MIN(min, ctx->cq_entries), deadline);
	return r ? r : err;
}

s64 sys_io_uring_enter(fd_a fd, uint_a to_submit, uint_a min_complete, flags_a flags, uptr_a arg,
		       size_a argsz)
{
	struct uring_ctx *ctx;
	struct file *f;
	s64 r = -EOPNOTSUPP;

	if (flags & ~(u32)ENTER_KNOWN)
		return -EINVAL;
	if (flags & IORING_ENTER_REGISTERED_RING)
		return -EINVAL; /* none can be registered */
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	ctx = uring_of_file(f);
	if (ctx)
		r = enter(ctx, to_submit, min_complete, flags, arg, argsz);
	file_put(f);
	return r;
}

s64 sys_io_uring_register(fd_a fd, uint_a op, uptr_a arg, uint_a nr)
{
	struct uring_ctx *ctx;
	struct file *f = fd_get(fd);
	s64 r = -EOPNOTSUPP;

	if (IS_ERR(f))
		return PTR_ERR(f);
	ctx = uring_of_file(f);
	if (ctx) {
		mutex_lock(&ctx->submit_lock);
		r = uring_register(ctx, op, arg, nr);
		mutex_unlock(&ctx->submit_lock);
	}
	file_put(f);
	return r;
}
