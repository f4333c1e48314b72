/*
 * file.c - the ring as an open file: creation, mmap, poll, and its end.
 *
 * The file holds one reference of the context, each kernel thread another. When the file goes, and when a process that
 * submitted ends, what is outstanding is cancelled; a thread that is at work finishes what it has.
 */
#include <linux/mman.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "uring/uring.h"

void uring_get(struct uring_ctx *ctx)
{
	ref_get(&ctx->ref);
}

void uring_put(struct uring_ctx *ctx)
{
	if (!ref_put(&ctx->ref))
		return;
	while (!list_empty(&ctx->free)) {
		struct uring_req *req = list_first(&ctx->free, struct uring_req, node);

		list_del(&req->node);
		kfree(req);
	}
	while (!list_empty(&ctx->overflow)) {
		struct uring_overflow *o = list_first(&ctx->overflow, struct uring_overflow, node);

		list_del(&o->node);
		kfree(o);
	}
	uring_memory_destroy(ctx);
	kfree(ctx);
}

static u32 uring_poll(struct file *f, struct poll_table *pt)
{
	struct uring_ctx *ctx = f->priv;
	bool work = (ctx->flags & IORING_SETUP_DEFER_TASKRUN) && !list_empty(&ctx->ready);

	poll_wait(f, &ctx->cq_q, pt);
	return (uring_cq_ready(ctx) || uring_overflowed(ctx) || work ? POLL_READABLE : 0) |
	       (uring_sq_full(ctx) ? 0 : POLL_WRITABLE);
}

static int uring_mmap(struct file *f, struct mmap_request *req)
{
	struct uring_ctx *ctx = f->priv;
	u64 room;

	switch (req->off) {
	case IORING_OFF_SQ_RING:
	case IORING_OFF_CQ_RING: room = ctx->rings_size; break;
	case IORING_OFF_SQES: room = ctx->sqes_size; break;
	default: return -EINVAL;
	}
	if (req->len > ALIGN_UP(room, PAGE_SIZE))
		return -EINVAL;
	req->pc = &ctx->pc;
	return 0;
}

/* A descriptor goes; when it goes with its process, so do the process's requests. */
static int uring_flush(struct file *f)
{
	struct uring_ctx *ctx = f->priv;
	struct task *t = task_current();

	if (t->exiting)
		uring_cancel_process(ctx, t->process->pid);
	else if (t->kthread)
		uring_cancel_orphans(ctx);
	return 0;
}

static void uring_release(struct file *f)
{
	struct uring_ctx *ctx = f->priv;
	struct uring_match all = { .flags = IORING_ASYNC_CANCEL_ANY };
	struct file *efd;

	spin_lock(&ctx->lock);
	ctx->dying = true;
	ctx->file = NULL;
	efd = ctx->eventfd;
	ctx->eventfd = NULL;
	spin_unlock(&ctx->lock);
	uring_cancel(ctx, &all);
	uring_run_ready(ctx); /* all of it is cancelled: it runs anywhere */
	waitq_wake_all(&ctx->worker_q, 0);
	waitq_wake_all(&ctx->sq_q, 0);
	if (efd)
		file_put(efd);
	uring_files_unregister(ctx);
	uring_buffers_unregister(ctx);
	uring_groups_destroy(ctx);
	for (unsigned i = 0; i < ctx->nr_personalities; i++)
		if (ctx->personalities[i])
			cred_put(ctx->personalities[i]);
	kfree(ctx->personalities);
	ctx->nr_personalities = 0;
	uring_put(ctx);
}

static void uring_fdinfo(struct file *f, struct seq *s)
{
	struct uring_ctx *ctx = f->priv;

	seq_printf(s, "SqMask:\t0x%x\nCqMask:\t0x%x\nCachedSqHead:\t%u\nCachedCqTail:\t%u\n",
		   ctx->sq_entries - 1, ctx->cq_entries - 1, ctx->sq_head, ctx->cq_tail);
	seq_printf(s, "UserFiles:\t%u\nUserBufs:\t%u\n", ctx->nr_files, ctx->nr_buffers);
}

static const struct file_ops uring_fops = {
	.name = "[io_uring]",
	.seek = stream_seek,
	.poll = uring_poll,
	.mmap = uring_mmap,
	.flush = uring_flush,
	.release = uring_release,
	.show_fdinfo = uring_fdinfo,
};

struct uring_ctx *uring_of_file(struct file *f)
{
	return f->ops == &uring_fops ? f->priv : NULL;
}

static struct uring_ctx *ctx_alloc(const struct io_uring_params *p)
{
	struct uring_ctx *ctx = kzalloc(sizeof(*ctx));

	if (!ctx)
		return NULL;
	ref_init(&ctx->ref);
	mutex_init(&ctx->submit_lock);
	mutex_init(&ctx->buf_lock);
	spin_init(&ctx->lock);
	list_init(&ctx->all);
	list_init(&ctx->ready);
	list_init(&ctx->drained);
	list_init(&ctx->timeouts);
	list_init(&ctx->free);
	list_init(&ctx->overflow);
	list_init(&ctx->groups);
	waitq_init(&ctx->work_q);
	waitq_init(&ctx->worker_q);
	waitq_init(&ctx->cq_q);
	waitq_init(&ctx->sq_q);
	ctx->flags = p->flags;
	ctx->sq_entries = p->sq_entries;
	ctx->cq_entries = p->cq_entries;
	ctx->disabled = p->flags & IORING_SETUP_R_DISABLED;
	ctx->sqpoll = p->flags & IORING_SETUP_SQPOLL;
	ctx->sq_idle = (p->sq_thread_idle ? p->sq_thread_idle : 1000) * 1000000ULL;
	if (!ctx->disabled)
		ctx->submitter = task_current();
	return ctx;
}

struct file *uring_create(struct io_uring_params *p)
{
	struct uring_ctx *ctx = ctx_alloc(p);
	struct file *f;
	int err;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	err = uring_memory_create(ctx, p);
	if (err) {
		uring_put(ctx);
		return ERR_PTR(err);
	}
	f = file_alloc_anon(&uring_fops, O_RDWR, ctx);
	if (IS_ERR(f)) {
		uring_put(ctx);
		return f;
	}
	f->mode |= FMODE_READ | FMODE_WRITE | FMODE_STREAM;
	f->waitq = &ctx->cq_q;
	ctx->file = f;
	if (ctx->sqpoll) {
		err = uring_sqpoll_start(ctx);
		if (err) {
			file_put(f);
			return ERR_PTR(err);
		}
	}
	return f;
}
