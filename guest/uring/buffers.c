/*
 * buffers.c - registered buffers, and buffers that requests choose from: lists and rings in user memory.
 *
 * Registered buffers are address ranges that were readable when they were registered; an access later goes through the
 * page tables like any other. Locks: submit_lock to change the registered ones, ctx->lock to see them without it, buf_lock
 * for the groups (a ring is read with user copies under it).
 */
#include "mm/mm.h"
#include "mm/slab.h"
#include "uring/uring.h"

#define GROUP_MAX 65536u

struct uring_group {
	struct list node;
	u16 id;
	uaddr_t ring; /* 0: a list */
	u16 entries, head;
	struct list bufs;
	u32 count;
};

struct provided {
	struct list node;
	u64 addr;
	u32 len;
	u16 bid;
};

/* ---- registered ---- */

static int check_range(const struct iov_seg *s)
{
	u8 byte;

	if (!s->base && !s->len)
		return 0; /* an empty slot */
	if (!s->base || !s->len || s->len > 1ULL << 30)
		return -EFAULT;
	if (s->base > USER_END || s->len > USER_END - s->base)
		return -EFAULT;
	for (u64 at = s->base; at < s->base + s->len; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
		if (user_read(&byte, at, 1))
			return -EFAULT;
	return 0;
}

static struct uring_buffer *exchange(struct uring_ctx *ctx, struct uring_buffer *b, u32 n)
{
	struct uring_buffer *old;

	spin_lock(&ctx->lock);
	old = ctx->buffers;
	ctx->buffers = b;
	ctx->nr_buffers = n;
	spin_unlock(&ctx->lock);
	return old;
}

int uring_buffers_unregister(struct uring_ctx *ctx)
{
	if (!ctx->nr_buffers)
		return -ENXIO;
	kfree(exchange(ctx, NULL, 0));
	return 0;
}

s64 uring_buffers_update(struct uring_ctx *ctx, u32 off, uaddr_t iovs, u32 n)
{
	u32 done;
	int err = 0;

	if (!ctx->nr_buffers)
		return -ENXIO;
	if (off + n < off || off + n > ctx->nr_buffers)
		return -EINVAL;
	for (done = 0; done < n; done++) {
		struct iov_seg s;

		err = user_read(&s, iovs + done * sizeof(s), sizeof(s)) ? -EFAULT : check_range(&s);
		if (err)
			break;
		spin_lock(&ctx->lock);
		ctx->buffers[off + done] =
			(struct uring_buffer){ s.base, s.len, mm_id(task_current()->mm) };
		spin_unlock(&ctx->lock);
	}
	return done ? (s64)done : err;
}

int uring_buffers_register(struct uring_ctx *ctx, uaddr_t iovs, u32 n, bool sparse)
{
	struct uring_buffer *b;
	s64 r = 0;

	if (ctx->nr_buffers)
		return -EBUSY;
	if (!n || n > URING_MAX_BUFFERS)
		return -EINVAL;
	b = kzalloc(n * sizeof(*b));
	if (!b)
		return -ENOMEM;
	exchange(ctx, b, n);
	if (!sparse)
		r = uring_buffers_update(ctx, 0, iovs, n);
	if (r >= 0 && (sparse || r == n))
		return 0;
	uring_buffers_unregister(ctx);
	return r < 0 ? (int)r : -EFAULT;
}

int uring_buffer_check(struct uring_ctx *ctx, u32 i, u64 addr, u64 len)
{
	struct uring_buffer b = { 0 };

	spin_lock(&ctx->lock);
	if (i < ctx->nr_buffers)
		b = ctx->buffers[i];
	spin_unlock(&ctx->lock);
	if (!b.addr || b.mm_id != mm_id(task_current()->mm))
		return -EFAULT;
	return addr < b.addr || len > b.len || addr - b.addr > b.len - len ? -EFAULT : 0;
}

/* ---- groups; buf_lock held ---- */

static struct uring_group *find(struct uring_ctx *ctx, u16 id)
{
	struct uring_group *g;

	list_for_each(g, &ctx->groups, node)
		if (g->id == id)
			return g;
	return NULL;
}

static struct uring_group *create(struct uring_ctx *ctx, u16 id)
{
	struct uring_group *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->id = id;
	list_init(&g->bufs);
	list_add_tail(&ctx->groups, &g->node);
	return g;
}

static u32 empty(struct uring_group *g, u32 n)
{
	u32 done = 0;

	while (done < n && !list_empty(&g->bufs)) {
		struct provided *p = list_first(&g->bufs, struct provided, node);

		list_del(&p->node);
		kfree(p);
		g->count--;
		done++;
	}
	return done;
}

static void destroy(struct uring_group *g)
{
	empty(g, ~0u);
	list_del(&g->node);
	kfree(g);
}

void uring_groups_destroy(struct uring_ctx *ctx)
{
	mutex_lock(&ctx->buf_lock);
	while (!list_empty(&ctx->groups))
		destroy(list_first(&ctx->groups, struct uring_group, node));
	mutex_unlock(&ctx->buf_lock);
}

int uring_provide(struct uring_ctx *ctx, u16 bgid, u16 bid, u64 addr, u32 len, u32 n)
{
	struct uring_group *g;
	int err = 0;
	u32 i;

	mutex_lock(&ctx->buf_lock);
	g = find(ctx, bgid);
	if (!g)
		g = create(ctx, bgid);
	if (!g)
		err = -ENOMEM;
	else if (g->ring)
		err = -EINVAL;
	for (i = 0; !err && i < n; i++) {
		struct provided *p = g->count < GROUP_MAX ? kmalloc(sizeof(*p)) : NULL;

		if (!p) {
			err = i ? 0 : -ENOMEM;
			break;
		}
		p->addr = addr + (u64)i * len;
		p->len = len;
		p->bid = (u16)(bid + i);
		list_add_tail(&g->bufs, &p->node);
		g->count++;
	}
	mutex_unlock(&ctx->buf_lock);
	return err;
}

s64 uring_remove(struct uring_ctx *ctx, u16 bgid, u32 n)
{
	struct uring_group *g;
	s64 r = -ENOENT;

	mutex_lock(&ctx->buf_lock);
	g = find(ctx, bgid);
	if (g)
		r = g->ring ? -EINVAL : (s64)empty(g, n);
	mutex_unlock(&ctx->buf_lock);
	return r;
}

static int read_registration(struct io_uring_buf_reg *r, uaddr_t arg)
{
	if (user_read(r, arg, sizeof(*r)))
		return -EFAULT;
	return r->pad || r->resv[0] || r->resv[1] || r->resv[2] ? -EINVAL : 0;
}

int uring_pbuf_register(struct uring_ctx *ctx, uaddr_t arg)
{
	struct io_uring_buf_reg r;
	struct uring_group *g;
	int err = read_registration(&r, arg);

	if (err)
		return err;
	if (!r.ring_addr)
		return -EFAULT;
	if (r.ring_addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!r.ring_entries || (r.ring_entries & (r.ring_entries - 1)) || r.ring_entries >= 65536)
		return -EINVAL;
	mutex_lock(&ctx->buf_lock);
	g = find(ctx, r.bgid);
	if (g && (g->ring || g->count))
		err = -EEXIST;
	else if (!g)
		g = create(ctx, r.bgid);
	if (!g)
		err = -ENOMEM;
	if (!err) {
		g->ring = r.ring_addr;
		g->entries = (u16)r.ring_entries;
		g->head = 0;
	}
	mutex_unlock(&ctx->buf_lock);
	return err;
}

int uring_pbuf_unregister(struct uring_ctx *ctx, uaddr_t arg)
{
	struct io_uring_buf_reg r;
	struct uring_group *g;
	int err = read_registration(&r, arg);

	if (err)
		return err;
	mutex_lock(&ctx->buf_lock);
	g = find(ctx, r.bgid);
	if (!g)
		err = -ENOENT;
	else if (!g->ring)
		err = -EINVAL;
	else
		destroy(g);
	mutex_unlock(&ctx->buf_lock);
	return err;
}

/* ---- choosing ---- */

static int from_ring(struct uring_group *g, struct uring_req *req)
{
	struct io_uring_buf b;
	u16 tail;

	if (user_read(&tail, g->ring + offsetof(struct io_uring_buf_ring, tail), sizeof(tail)))
		return -EFAULT;
	if (tail == g->head)
		return -ENOBUFS;
	if (user_read(&b, g->ring + (u64)(g->head & (g->entries - 1)) * sizeof(b), sizeof(b)))
		return -EFAULT;
	g->head++;
	req->selected_addr = b.addr;
	req->selected_len = b.len;
	req->bid = b.bid;
	return 0;
}

static int from_list(struct uring_group *g, struct uring_req *req)
{
	struct provided *p;

	if (list_empty(&g->bufs))
		return -ENOBUFS;
	p = list_first(&g->bufs, struct provided, node);
	list_del(&p->node);
	g->count--;
	req->selected_addr = p->addr;
	req->selected_len = p->len;
	req->bid = p->bid;
	kfree(p);
	return 0;
}

int uring_select(struct uring_req *req, u64 *addr, u32 *len)
{
	struct uring_ctx *ctx = req->ctx;
	struct uring_group *g;
	int err = 0;

	if (!req->selected) {
		mutex_lock(&ctx->buf_lock);
		g = find(ctx, req->sqe.buf_group);
		err = !g ? -ENOBUFS : g->ring ? from_ring(g, req) : from_list(g, req);
		mutex_unlock(&ctx->buf_lock);
	}
	if (err)
		return err;
	req->selected = true;
	*addr = req->selected_addr;
	if (!*len || *len > req->selected_len)
		*len = req->selected_len;
	return 0;
}

void uring_unselect(struct uring_req *req)
{
	struct uring_ctx *ctx = req->ctx;
	struct uring_group *g;
	struct provided *p;

	if (!req->selected)
		return;
	req->selected = false;
	mutex_lock(&ctx->buf_lock);
	g = find(ctx, req->sqe.buf_group);
	if (g && g->ring) {
		g->head--;
	} else if (g && (p = kmalloc(sizeof(*p)))) {
		p->addr = req->selected_addr;
		p->len = req->selected_len;
		p->bid = req->bid;
		list_add(&g->bufs, &p->node);
		g->count++;
	}
	mutex_unlock(&ctx->buf_lock);
}
