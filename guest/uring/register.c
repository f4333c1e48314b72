/*
 * register.c - io_uring_register(2). submit_lock held throughout.
 */
#include "fs/anon/eventfd.h"
#include "mm/slab.h"
#include "task/unsupported.h"
#include "uring/uring.h"

#define MAX_PERSONALITIES 256u
#define MAX_RESTRICTIONS  64u

static int eventfd_set(struct uring_ctx *ctx, uaddr_t arg, bool async)
{
	struct file *f;
	s32 fd;

	if (ctx->eventfd)
		return -EBUSY;
	if (user_read(&fd, arg, sizeof(fd)))
		return -EFAULT;
	f = fd_get(fd);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	if (!is_eventfd(f)) {
		file_put(f);
		return -EINVAL;
	}
	spin_lock(&ctx->lock);
	ctx->eventfd = f;
	ctx->eventfd_async = async;
	spin_unlock(&ctx->lock);
	return 0;
}

static int eventfd_clear(struct uring_ctx *ctx)
{
	struct file *f;

	spin_lock(&ctx->lock);
	f = ctx->eventfd;
	ctx->eventfd = NULL;
	spin_unlock(&ctx->lock);
	if (!f)
		return -ENXIO;
	file_put(f);
	return 0;
}

static int probe(uaddr_t arg, u32 n)
{
	struct io_uring_probe p;
	struct io_uring_probe_op op;
	u8 byte;

	if (n > 256)
		return -EINVAL;
	for (u64 i = 0; i < sizeof(p) + n * sizeof(op); i++) {
		if (user_read(&byte, arg + i, 1))
			return -EFAULT;
		if (byte)
			return -EINVAL;
	}
	n = MIN(n, uring_nr_ops);
	p = (struct io_uring_probe){ .last_op = (u8)(uring_nr_ops - 1), .ops_len = (u8)n };
	if (user_write(arg, &p, sizeof(p)))
		return -EFAULT;
	for (u32 i = 0; i < n; i++) {
		op = (struct io_uring_probe_op){ .op = (u8)i };
		if (uring_ops[i].issue)
			op.flags = IO_URING_OP_SUPPORTED;
		if (user_write(arg + sizeof(p) + i * sizeof(op), &op, sizeof(op)))
			return -EFAULT;
	}
	return 0;
}

static int personality_add(struct uring_ctx *ctx)
{
	struct cred **p;
	unsigned i;

	for (i = 0; i < ctx->nr_personalities && ctx->personalities[i]; i++)
		;
	if (i == MAX_PERSONALITIES)
		return -ENOSPC;
	if (i == ctx->nr_personalities) {
		p = krealloc(ctx->personalities, (i + 1) * sizeof(*p));
		if (!p)
			return -ENOMEM;
		ctx->personalities = p;
		ctx->nr_personalities++;
	}
	ctx->personalities[i] = task_current()->cred;
	cred_get(ctx->personalities[i]);
	return (int)i + 1;
}

static int personality_remove(struct uring_ctx *ctx, u32 id)
{
	if (!id || id > ctx->nr_personalities || !ctx->personalities[id - 1])
		return -EINVAL;
	cred_put(ctx->personalities[id - 1]);
	ctx->personalities[id - 1] = NULL;
	return 0;
}

static int restrict_ring(struct uring_ctx *ctx, uaddr_t arg, u32 n)
{
	struct io_uring_restriction r[MAX_RESTRICTIONS];

	if (!ctx->disabled)
		return -EBADFD;
	if (ctx->restricted)
		return -EBUSY;
	if (!arg || n > MAX_RESTRICTIONS)
		return -EINVAL;
	if (user_read(r, arg, n * sizeof(r[0])))
		return -EFAULT;
	for (u32 i = 0; i < n; i++) {
		u8 v = r[i].sqe_op;

		switch (r[i].opcode) {
		case IORING_RESTRICTION_REGISTER_OP:
			if (v >= IORING_REGISTER_LAST)
				return -EINVAL;
			ctx->allow_reg |= 1ULL << v;
			break;
		case IORING_RESTRICTION_SQE_OP:
			if (v >= IORING_OP_LAST)
				return -EINVAL;
			ctx->allow_ops[v / 64] |= 1ULL << (v % 64);
			break;
		case IORING_RESTRICTION_SQE_FLAGS_ALLOWED: ctx->allow_flags = v; break;
		case IORING_RESTRICTION_SQE_FLAGS_REQUIRED: ctx->need_flags = v; break;
		default: return -EINVAL;
		}
	}
	ctx->restricted = true;
	return 0;
}

static int enable(struct uring_ctx *ctx)
{
	if (!ctx->disabled)
		return -EBADFD;
	ctx->disabled = false;
	ctx->submitter = task_current();
	waitq_wake_all(&ctx->sq_q, 0);
	return 0;
}

static s64 rsrc_register(struct uring_ctx *ctx, uaddr_t arg, u32 size, bool files)
{
	struct io_uring_rsrc_register r;
	bool sparse;

	if (size != sizeof(r))
		return -EINVAL;
	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!r.nr || r.resv2 || (r.flags & ~IORING_RSRC_REGISTER_SPARSE))
		return -EINVAL;
	if (r.tags) {
		unsupported("io_uring resource tags", r.tags);
		return -EINVAL;
	}
	sparse = r.flags & IORING_RSRC_REGISTER_SPARSE;
	if (sparse && r.data)
		return -EINVAL;
	return files ? uring_files_register(ctx, r.data, r.nr, sparse)
		     : uring_buffers_register(ctx, r.data, r.nr, sparse);
}

static s64 rsrc_update(struct uring_ctx *ctx, uaddr_t arg, u32 size, bool files)
{
	struct io_uring_rsrc_update2 u;

	if (size != sizeof(u))
		return -EINVAL;
	if (user_read(&u, arg, sizeof(u)))
		return -EFAULT;
	if (u.resv || u.resv2 || !u.nr || u.tags)
		return -EINVAL;
	return files ? uring_files_update(ctx, u.offset, u.data, u.nr)
		     : uring_buffers_update(ctx, u.offset, u.data, u.nr);
}

static s64 files_update(struct uring_ctx *ctx, uaddr_t arg, u32 n)
{
	struct io_uring_files_update u;

	if (!n)
		return -EINVAL;
	if (user_read(&u, arg, sizeof(u)))
		return -EFAULT;
	return u.resv ? -EINVAL : uring_files_update(ctx, u.offset, u.fds, n);
}

static int workers_limit(uaddr_t arg, u32 n)
{
	u32 v[2];

	if (n != 2)
		return -EINVAL;
	if (user_read(v, arg, sizeof(v)))
		return -EFAULT;
	/* The pool is small already: what it was is told, a limit is not kept. */
	v[0] = v[1] = URING_WORKERS;
	return user_write(arg, v, sizeof(v)) ? -EFAULT : 0;
}

static int files_range(struct uring_ctx *ctx, uaddr_t arg)
{
	struct io_uring_file_index_range r;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	return r.resv ? -EINVAL : uring_files_range(ctx, r.off, r.len);
}

static s64 sync_cancel(struct uring_ctx *ctx, uaddr_t arg)
{
	struct io_uring_sync_cancel_reg r;
	s64 n;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.pad[0] || r.pad[1] || r.pad[2] || r.pad[3] || (r.flags & ~0x3fu))
		return -EINVAL;
	/* Nothing is ever in a place where it could not be cancelled and yet wait: no wait for that here. */
	n = uring_cancel_user(ctx, r.addr, r.fd, r.flags, 0, r.flags & IORING_ASYNC_CANCEL_FD_FIXED,
			      NULL);
	return n > 0 ? 0 : n;
}

/* Operations without an argument want none. */
static bool no_arg(uaddr_t arg, u32 n)
{
	return !arg && !n;
}

s64 uring_register(struct uring_ctx *ctx, u32 op, uaddr_t arg, u32 n)
{
	if (op >= IORING_REGISTER_LAST) {
		unsupported("io_uring_register", op);
		return -EINVAL;
	}
	if (ctx->restricted && !ctx->disabled && !(ctx->allow_reg >> op & 1))
		return -EACCES;
	if ((ctx->flags & IORING_SETUP_SINGLE_ISSUER) && !ctx->disabled &&
	    ctx->submitter != task_current())
		return -EEXIST;
	switch (op) {
	case IORING_REGISTER_BUFFERS:
		return arg ? uring_buffers_register(ctx, arg, n, false) : -EFAULT;
	case IORING_UNREGISTER_BUFFERS:
		return no_arg(arg, n) ? uring_buffers_unregister(ctx) : -EINVAL;
	case IORING_REGISTER_FILES: return arg ? uring_files_register(ctx, arg, n, false) : -EFAULT;
	case IORING_UNREGISTER_FILES: return no_arg(arg, n) ? uring_files_unregister(ctx) : -EINVAL;
	case IORING_REGISTER_FILES_UPDATE: return files_update(ctx, arg, n);
	case IORING_REGISTER_EVENTFD:
	case IORING_REGISTER_EVENTFD_ASYNC:
		return n == 1 ? eventfd_set(ctx, arg, op == IORING_REGISTER_EVENTFD_ASYNC)
			      : -EINVAL;
	case IORING_UNREGISTER_EVENTFD: return no_arg(arg, n) ? eventfd_clear(ctx) : -EINVAL;
	case IORING_REGISTER_PROBE: return arg ? probe(arg, n) : -EINVAL;
	case IORING_REGISTER_PERSONALITY: return no_arg(arg, n) ? personality_add(ctx) : -EINVAL;
	case IORING_UNREGISTER_PERSONALITY: return arg ? -EINVAL : personality_remove(ctx, n);
	case IORING_REGISTER_RESTRICTIONS: return restrict_ring(ctx, arg, n);
	case IORING_REGISTER_ENABLE_RINGS: return no_arg(arg, n) ? enable(ctx) : -EINVAL;
	case IORING_REGISTER_FILES2:
	case IORING_REGISTER_BUFFERS2:
		return rsrc_register(ctx, arg, n, op == IORING_REGISTER_FILES2);
	case IORING_REGISTER_FILES_UPDATE2:
	case IORING_REGISTER_BUFFERS_UPDATE:
		return rsrc_update(ctx, arg, n, op == IORING_REGISTER_FILES_UPDATE2);
	case IORING_REGISTER_IOWQ_MAX_WORKERS: return arg ? workers_limit(arg, n) : -EINVAL;
	case IORING_REGISTER_PBUF_RING:
		return arg && n == 1 ? uring_pbuf_register(ctx, arg) : -EINVAL;
	case IORING_UNREGISTER_PBUF_RING:
		return arg && n == 1 ? uring_pbuf_unregister(ctx, arg) : -EINVAL;
	case IORING_REGISTER_SYNC_CANCEL: return arg && n == 1 ? sync_cancel(ctx, arg) : -EINVAL;
	case IORING_REGISTER_FILE_ALLOC_RANGE: return arg && !n ? files_range(ctx, arg) : -EINVAL;
	default: unsupported("io_uring_register", op); return -EINVAL;
	}
}
