/*
 * uring_rw.c - reading, writing and what else io_uring does with an open file's bytes.
 *
 * A vector is copied when the request is submitted and each attempt begins from that copy. A regular file is read or
 * written where it is submitted (or by a worker with IOSQE_ASYNC); anything else is tried without waiting.
 */
#include <linux/fs.h>
#include <string.h>

#include "fs/poll_bits.h"
#include "sys/fs_sys.h"
#include "sys/uring_ops.h"

#define RW_MAX 0x7ffff000UL

struct rw_vector {
	struct iov v;
	struct iov_seg small[8];
};

static void free_vector(struct uring_req *req)
{
	struct rw_vector *x = req->data;

	if (x->v.seg != x->small)
		kfree(x->v.seg);
	kfree(x);
}

static int import(struct uring_req *req, uaddr_t vec, u64 n)
{
	struct rw_vector *x = kmalloc(sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	err = iov_import(&x->v, x->small, vec, n);
	if (err) {
		kfree(x);
		return err;
	}
	req->data = x;
	req->free_data = free_vector;
	return 0;
}

int uring_rw_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	u8 op = s->opcode;

	if (op == IORING_OP_READ_FIXED || op == IORING_OP_WRITE_FIXED)
		return s->buf_index >= req->ctx->nr_buffers ? -EFAULT : 0;
	return 0;
}

int uring_rwv_prep(struct uring_req *req)
{
	if (req->sqe.flags & IOSQE_BUFFER_SELECT)
		return req->sqe.len == 1 ? 0 : -EINVAL;
	return import(req, req->sqe.addr, req->sqe.len);
}

/* A fresh cursor over the request's memory. */
static int cursor(struct uring_req *req, struct iov *v)
{
	const struct io_uring_sqe *s = &req->sqe;
	u64 addr = s->addr;
	u32 len = s->len;
	int err;

	if (req->data) {
		*v = ((struct rw_vector *)req->data)->v;
		return 0;
	}
	if (s->flags & IOSQE_BUFFER_SELECT) {
		if (s->opcode == IORING_OP_READV) {
			struct iov_seg one;

			if (user_read(&one, s->addr, sizeof(one)))
				return -EFAULT;
			len = (u32)MIN(one.len, RW_MAX);
		}
		err = uring_select(req, &addr, &len);
		if (err)
			return err;
	}
	if (s->opcode == IORING_OP_READ_FIXED || s->opcode == IORING_OP_WRITE_FIXED) {
		err = uring_buffer_check(req->ctx, s->buf_index, addr, len);
		if (err)
			return err;
	}
	if (addr > USER_END || len > USER_END - addr)
		return -EFAULT;
	iov_user(v, &req->one, addr, MIN((u64)len, RW_MAX));
	return 0;
}

static s64 rw(struct uring_req *req, bool write)
{
	u32 flags = (u32)req->sqe.rw_flags;
	struct file *f = req->file;
	u64 pos = req->sqe.off;
	bool here = pos == ~0ULL || (f->mode & FMODE_STREAM);
	struct iov v;
	s64 r;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (flags & ~(u32)RWF_KNOWN)
		return -EOPNOTSUPP;
	if (flags & RWF_HIPRI)
		return -EINVAL; /* the ring does not poll for completions */
	if (!here && (s64)pos < 0)
		return -EINVAL;
	r = cursor(req, &v);
	if (r)
		return r;
	req->nowait = flags & RWF_NOWAIT;
	v.nonblock = true;
	v.append = flags & RWF_APPEND;
	r = write ? file_write(f, &v, here ? NULL : &pos) : file_read(f, &v, here ? NULL : &pos);
	if (r > 0 && write && (flags & (RWF_DSYNC | RWF_SYNC)) && f->ops->fsync) {
		int err = f->ops->fsync(f, 0, ~0ULL, !(flags & RWF_SYNC));

		r = err ? err : r;
	}
	if (r < 0)
		uring_unselect(req);
	/* A link goes on after a complete transfer only. */
	req->fail_link = r >= 0 && v.left;
	return r;
}

s64 uring_rw_read(struct uring_req *req)
{
	return rw(req, false);
}

s64 uring_rw_write(struct uring_req *req)
{
	return rw(req, true);
}

int uring_fsync_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->addr || s->buf_index || s->splice_fd_in)
		return -EINVAL;
	return s->opcode == IORING_OP_FSYNC && (s->fsync_flags & ~IORING_FSYNC_DATASYNC) ? -EINVAL
											 : 0;
}

s64 uring_fsync(struct uring_req *req)
{
	u64 len = req->sqe.len ? req->sqe.len : ~0ULL;
	struct file *f = req->file;

	if (!f->ops || !f->ops->fsync)
		return -EINVAL;
	return f->ops->fsync(f, req->sqe.off, len, req->sqe.fsync_flags & IORING_FSYNC_DATASYNC);
}

s64 uring_sync_range(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	struct file *f = req->file;

	if ((s->sync_range_flags & ~7u) || (s64)s->off < 0)
		return -EINVAL;
	if (!f->ops || !f->ops->fsync)
		return -EINVAL;
	return f->ops->fsync(f, s->off, s->len ? s->len : ~0ULL, true);
}

s64 uring_fallocate(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->buf_index || s->rw_flags || s->splice_fd_in)
		return -EINVAL;
	return file_allocate(req->file, (int)s->len, (s64)s->off, (s64)s->addr);
}

s64 uring_fadvise(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->buf_index || s->splice_fd_in)
		return -EINVAL;
	return file_advise(req->file, (s64)s->off, s->addr ? s->addr : s->len,
			   (int)s->fadvise_advice);
}

/* ---- splice, tee: req->file is whichever end has to be waited for ---- */

struct ends {
	struct file *in, *out;
};

static void free_ends(struct uring_req *req)
{
	struct ends *e = req->data;

	if (e->in)
		file_put(e->in);
	if (e->out)
		file_put(e->out);
	kfree(e);
}

int uring_splice_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->splice_flags & ~(0xfu | SPLICE_F_FD_IN_FIXED))
		return -EINVAL;
	if (s->opcode == IORING_OP_TEE && (s->splice_off_in || s->off))
		return -EINVAL;
	req->data = kzalloc(sizeof(struct ends));
	if (!req->data)
		return -ENOMEM;
	req->free_data = free_ends;
	return 0;
}

static int find_ends(struct uring_req *req, struct ends *e)
{
	const struct io_uring_sqe *s = &req->sqe;
	struct file *f;

	if (e->in)
		return 0;
	f = s->splice_flags & SPLICE_F_FD_IN_FIXED
		    ? uring_fixed_file(req->ctx, (u32)s->splice_fd_in)
		    : fd_get(s->splice_fd_in);
	if (IS_ERR(f))
		return -EBADF;
	e->in = f;
	f = s->flags & IOSQE_FIXED_FILE ? uring_fixed_file(req->ctx, (u32)s->fd) : fd_get(s->fd);
	if (IS_ERR(f))
		return -EBADF;
	e->out = f;
	return 0;
}

static void wait_for(struct uring_req *req, struct file *f)
{
	file_get(f);
	if (req->file)
		file_put(req->file);
	req->file = f;
}

static s64 splice(struct uring_req *req, bool tee)
{
	const struct io_uring_sqe *s = &req->sqe;
	u32 flags = (s->splice_flags & ~SPLICE_F_FD_IN_FIXED) | 2; /* SPLICE_F_NONBLOCK */
	u64 pi = s->splice_off_in, po = s->off;
	struct ends *e = req->data;
	s64 r = find_ends(req, e);

	if (r || !s->len)
		return r;
	if ((pi != ~0ULL && !tee && (e->in->mode & FMODE_STREAM)) ||
	    (po != ~0ULL && !tee && (e->out->mode & FMODE_STREAM)))
		return -ESPIPE;
	if (tee)
		r = tee_files(e->in, e->out, s->len, flags);
	else
		r = splice_files(e->in, pi == ~0ULL ? NULL : &pi, e->out, po == ~0ULL ? NULL : &po,
				 s->len, flags);
	req->nowait = s->splice_flags & 2;
	if (r == -EAGAIN)
		wait_for(req, file_poll(e->in, NULL) & POLLIN ? e->out : e->in);
	req->fail_link = r >= 0 && (u64)r != s->len;
	return r;
}

s64 uring_splice(struct uring_req *req)
{
	return splice(req, false);
}

s64 uring_tee(struct uring_req *req)
{
	return splice(req, true);
}
