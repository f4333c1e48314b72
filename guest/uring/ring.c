/*
 * ring.c - the memory that the kernel and an application share: submission entries, completions, their indices.
 *
 * Layout of the rings: the indices on lines of their own, the completions, the array of entry numbers. All of it may be
 * written by the application at any time: the sizes and our own indices are kept in struct uring_ctx and only the
 * other side's index is read, once, and masked. Lock: ctx->lock for the completion side, submit_lock for the other.
 */
#include <string.h>

#include "fs/anon/eventfd.h"
#include "fs/poll_bits.h"
#include "mm/frame.h"
#include "mm/pagecache_priv.h"
#include "mm/slab.h"
#include "uring/uring.h"

enum {
	SQ_HEAD = 0,
	SQ_TAIL = 64,
	CQ_HEAD = 128,
	CQ_TAIL = 192,
	SQ_MASK = 256,
	CQ_MASK = 260,
	SQ_ENTRIES = 264,
	CQ_ENTRIES = 268,
	SQ_DROPPED = 272,
	SQ_FLAGS = 276,
	CQ_FLAGS = 280,
	CQ_OVERFLOW = 284,
	CQES = 320,
};

static u32 *word(struct uring_ctx *ctx, u64 off)
{
	return (u32 *)((char *)ctx->pages[off / PAGE_SIZE] + off % PAGE_SIZE);
}

static unsigned cqe_size(struct uring_ctx *ctx)
{
	return ctx->flags & IORING_SETUP_CQE32 ? 32 : 16;
}

static unsigned sqe_size(struct uring_ctx *ctx)
{
	return ctx->flags & IORING_SETUP_SQE128 ? 128 : 64;
}

static const struct pagecache_ops ring_pages;

/* n pages of the cache from index on, all there and referenced for as long as the ring lives. */
static int pin(struct uring_ctx *ctx, u64 index, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		paddr_t pa;
		int err = pagecache_get(&ctx->pc, index + i, true, &pa);

		if (err)
			return -ENOMEM;
		ctx->pages[ctx->nr_pages++] = paddr_to_ptr(pa);
	}
	return 0;
}

/* The rings once more at the offset where programs without IORING_FEAT_SINGLE_MMAP look for completions. */
static int alias(struct uring_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->nr_rings; i++) {
		paddr_t pa = ptr_to_paddr(ctx->pages[i]);

		frame_get(pa);
		if (!pc_add(&ctx->pc, IORING_OFF_CQ_RING / PAGE_SIZE + i, &pa, 1)) {
			frame_put(pa);
			return -ENOMEM;
		}
	}
	return 0;
}

int uring_memory_create(struct uring_ctx *ctx, struct io_uring_params *p)
{
	unsigned nr_sqes;
	int err;

	ctx->array_off = CQES + ctx->cq_entries * cqe_size(ctx);
	ctx->rings_size = ALIGN_UP((u64)ctx->array_off + 4ULL * ctx->sq_entries, PAGE_SIZE);
	ctx->sqes_size = ALIGN_UP((u64)ctx->sq_entries * sqe_size(ctx), PAGE_SIZE);
	ctx->nr_rings = (unsigned)(ctx->rings_size / PAGE_SIZE);
	nr_sqes = (unsigned)(ctx->sqes_size / PAGE_SIZE);
	pagecache_init(&ctx->pc, &ring_pages, ctx, IORING_OFF_SQES + ctx->sqes_size);
	ctx->pages = kzalloc((ctx->nr_rings + nr_sqes) * sizeof(*ctx->pages));
	if (!ctx->pages)
		return -ENOMEM;
	err = pin(ctx, 0, ctx->nr_rings);
	if (!err)
		err = pin(ctx, IORING_OFF_SQES / PAGE_SIZE, nr_sqes);
	if (!err)
		err = alias(ctx);
	if (err)
		return err;
	*word(ctx, SQ_MASK) = ctx->sq_entries - 1;
	*word(ctx, CQ_MASK) = ctx->cq_entries - 1;
	*word(ctx, SQ_ENTRIES) = ctx->sq_entries;
	*word(ctx, CQ_ENTRIES) = ctx->cq_entries;
	memset(&p->sq_off, 0, sizeof(p->sq_off));
	memset(&p->cq_off, 0, sizeof(p->cq_off));
	p->sq_off.head = SQ_HEAD;
	p->sq_off.tail = SQ_TAIL;
	p->sq_off.ring_mask = SQ_MASK;
	p->sq_off.ring_entries = SQ_ENTRIES;
	p->sq_off.flags = SQ_FLAGS;
	p->sq_off.dropped = SQ_DROPPED;
	p->sq_off.array = ctx->array_off;
	p->cq_off.head = CQ_HEAD;
	p->cq_off.tail = CQ_TAIL;
	p->cq_off.ring_mask = CQ_MASK;
	p->cq_off.ring_entries = CQ_ENTRIES;
	p->cq_off.overflow = CQ_OVERFLOW;
	p->cq_off.cqes = CQES;
	p->cq_off.flags = CQ_FLAGS;
	return 0;
}

void uring_memory_destroy(struct uring_ctx *ctx)
{
	/* The aliases by hand: a cache frees its pages in a chain through their frames, where each can hang but once. */
	mutex_lock(&ctx->pc.lock);
	for (unsigned i = 0; i < ctx->nr_rings; i++) {
		paddr_t pa = pc_remove(&ctx->pc, IORING_OFF_CQ_RING / PAGE_SIZE + i);

		if (pa)
			frame_put(pa);
	}
	mutex_unlock(&ctx->pc.lock);
	for (unsigned i = 0; i < ctx->nr_pages; i++)
		frame_put(ptr_to_paddr(ctx->pages[i]));
	kfree(ctx->pages);
	pagecache_destroy(&ctx->pc);
}

/* ---- submission ---- */

bool uring_sq_pending(struct uring_ctx *ctx)
{
	return atomic_load(word(ctx, SQ_TAIL)) != ctx->sq_head;
}

bool uring_sq_full(struct uring_ctx *ctx)
{
	return atomic_load(word(ctx, SQ_TAIL)) - READ_ONCE(ctx->sq_head) >= ctx->sq_entries;
}

bool uring_sq_next(struct uring_ctx *ctx, struct io_uring_sqe *sqe, bool *dropped)
{
	u32 mask = ctx->sq_entries - 1, i;
	u64 off;

	*dropped = false;
	if (!uring_sq_pending(ctx))
		return false;
	i = READ_ONCE(*word(ctx, ctx->array_off + 4ULL * (ctx->sq_head & mask)));
	ctx->sq_head++;
	if (i >= ctx->sq_entries) {
		*dropped = true;
		(*word(ctx, SQ_DROPPED))++;
		return true;
	}
	off = ctx->rings_size + (u64)i * sqe_size(ctx);
	memcpy(sqe, word(ctx, off), sizeof(*sqe));
	return true;
}

void uring_sq_commit(struct uring_ctx *ctx)
{
	atomic_store(word(ctx, SQ_HEAD), ctx->sq_head);
}

void uring_sq_flag(struct uring_ctx *ctx, u32 flag, bool on)
{
	if (on)
		atomic_or(word(ctx, SQ_FLAGS), flag);
	else if (READ_ONCE(*word(ctx, SQ_FLAGS)) & flag)
		atomic_and(word(ctx, SQ_FLAGS), ~flag);
}

/* ---- completion ---- */

u32 uring_cq_ready(struct uring_ctx *ctx)
{
	return READ_ONCE(ctx->cq_tail) - atomic_load(word(ctx, CQ_HEAD));
}

bool uring_overflowed(struct uring_ctx *ctx)
{
	return !list_empty(&ctx->overflow);
}

/* ctx->lock held. false: no room. */
static bool put_cqe(struct uring_ctx *ctx, const struct io_uring_cqe *c, const u64 big[2])
{
	struct io_uring_cqe *to;

	if (uring_cq_ready(ctx) >= ctx->cq_entries)
		return false;
	to = (void *)word(ctx, CQES + (u64)(ctx->cq_tail & (ctx->cq_entries - 1)) * cqe_size(ctx));
	memcpy(to, c, sizeof(*c));
	if (ctx->flags & IORING_SETUP_CQE32)
		memcpy(to + 1, big, 16);
	WRITE_ONCE(ctx->cq_tail, ctx->cq_tail + 1);
	atomic_store(word(ctx, CQ_TAIL), ctx->cq_tail);
	return true;
}

static void flush_locked(struct uring_ctx *ctx)
{
	while (!list_empty(&ctx->overflow)) {
		struct uring_overflow *o = list_first(&ctx->overflow, struct uring_overflow, node);

		if (!put_cqe(ctx, &o->cqe, o->big))
			return;
		list_del(&o->node);
		ctx->nr_overflow--;
		kfree(o);
	}
	uring_sq_flag(ctx, IORING_SQ_CQ_OVERFLOW, false);
}

void uring_flush_overflow(struct uring_ctx *ctx)
{
	spin_lock(&ctx->lock);
	if (uring_overflowed(ctx))
		flush_locked(ctx);
	spin_unlock(&ctx->lock);
}

static void keep(struct uring_ctx *ctx, const struct io_uring_cqe *c, const u64 big[2])
{
	struct uring_overflow *o;

	o = ctx->nr_overflow < URING_MAX_OVERFLOW ? kmalloc(sizeof(*o)) : NULL;
	if (!o) {
		atomic_add(word(ctx, CQ_OVERFLOW), 1);
		return;
	}
	memcpy(&o->cqe, c, sizeof(*c));
	memcpy(o->big, big, sizeof(o->big));
	list_add_tail(&ctx->overflow, &o->node);
	ctx->nr_overflow++;
	uring_sq_flag(ctx, IORING_SQ_CQ_OVERFLOW, true);
}

static void notify_eventfd(struct uring_ctx *ctx)
{
	struct file *f = NULL;

	if (likely(!READ_ONCE(ctx->eventfd)) ||
	    (READ_ONCE(*word(ctx, CQ_FLAGS)) & IORING_CQ_EVENTFD_DISABLED))
		return;
	if (ctx->eventfd_async && !task_current()->kthread)
		return;
	spin_lock(&ctx->lock);
	f = ctx->eventfd;
	if (f)
		file_get(f);
	spin_unlock(&ctx->lock);
	if (!f)
		return;
	eventfd_signal(f);
	file_put(f);
}

void uring_post_locked(struct uring_ctx *ctx, u64 user_data, s32 res, u32 cflags, u64 a, u64 b)
{
	struct io_uring_cqe c = { .user_data = user_data, .res = res, .flags = cflags };
	u64 big[2] = { a, b };

	if (uring_overflowed(ctx) || !put_cqe(ctx, &c, big))
		keep(ctx, &c, big);
	ctx->completions++;
	if (!list_empty(&ctx->timeouts))
		uring_timeouts_check(ctx);
}

void uring_notify(struct uring_ctx *ctx)
{
	atomic_fence(); /* the completion is seen before we look who waits for it */
	if (waitq_active(&ctx->work_q))
		waitq_wake_all(&ctx->work_q, 0);
	if (waitq_active(&ctx->cq_q))
		waitq_wake_all(&ctx->cq_q, POLL_READABLE);
	notify_eventfd(ctx);
	if (!list_empty(&ctx->ready))
		uring_kick(ctx);
}

void uring_post(struct uring_ctx *ctx, u64 user_data, s32 res, u32 cflags)
{
	spin_lock(&ctx->lock);
	uring_post_locked(ctx, user_data, res, cflags, 0, 0);
	spin_unlock(&ctx->lock);
	uring_notify(ctx);
}
