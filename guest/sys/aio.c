/*
 * aio.c - io_setup(2), io_submit(2), io_getevents(2) and kin; the contexts are fs/anon/aio.c.
 *
 * A request is served where it is submitted and has completed when io_submit returns, as Linux does for cached files;
 * only those of IOCB_CMD_POLL wait, and can be cancelled (fs/anon/aio_poll.c).
 */
#include <linux/fs.h>

#include "fs/abi.h"
#include "fs/anon/aio.h"
#include "fs/anon/eventfd.h"
#include "sys/fs_sys.h"
#include "sys/poll.h"
#include "sys/timespec.h"

#define RW_MAX 0x7ffff000UL
#define CHUNK  16u

s64 sys_io_setup(uint_a nr, uptr_a ctx)
{
	struct file *f;
	u64 id;
	int err;

	if (user_read(&id, ctx, sizeof(id)))
		return -EFAULT;
	if (id || !nr)
		return -EINVAL;
	err = aio_create(nr, &id);
	if (err)
		return err;
	if (!user_write(ctx, &id, sizeof(id)))
		return 0;
	aio_destroy(aio_find(id, &f));
	file_put(f);
	return -EFAULT;
}

s64 sys_io_destroy(ulong_a id)
{
	struct file *f;
	struct aio_ctx *ctx = aio_find(id, &f);
	int err;

	if (!ctx)
		return -EINVAL;
	err = aio_destroy(ctx);
	file_put(f);
	return err;
}

/* ---- submission ---- */

static s64 move(struct file *f, const struct iocb *cb, struct iov *v, bool write)
{
	u64 pos = (u64)cb->aio_offset, *at = f->mode & FMODE_STREAM ? NULL : &pos;
	s64 r;

	v->nonblock = cb->aio_rw_flags & RWF_NOWAIT;
	v->append = cb->aio_rw_flags & RWF_APPEND;
	if (at && cb->aio_offset < 0)
		return -EINVAL;
	r = write ? file_write(f, v, at) : file_read(f, v, at);
	if (r > 0 && write && (cb->aio_rw_flags & (RWF_DSYNC | RWF_SYNC)) && f->ops->fsync) {
		int err = f->ops->fsync(f, 0, ~0ULL, !(cb->aio_rw_flags & RWF_SYNC));

		r = err ? err : r;
	}
	return r <= -ERESTARTSYS && r >= -ERESTART_RESTARTBLOCK ? -EINTR : r;
}

/* 0 with the result in *res, or what io_submit itself says. */
static int rw(struct file *f, const struct iocb *cb, bool write, bool vector, s64 *res)
{
	struct iov_seg small[8];
	struct iov v;
	int err;

	if (cb->aio_rw_flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!f->ops || !(write ? (void *)f->ops->write : (void *)f->ops->read))
		return -EINVAL;
	if (!vector) {
		if (cb->aio_buf > USER_END || cb->aio_nbytes > USER_END - cb->aio_buf)
			return -EFAULT;
		iov_user(&v, small, cb->aio_buf, MIN(cb->aio_nbytes, RW_MAX));
		*res = move(f, cb, &v, write);
		return 0;
	}
	err = iov_import(&v, small, cb->aio_buf, cb->aio_nbytes);
	if (err)
		return err;
	*res = move(f, cb, &v, write);
	if (v.seg != small)
		kfree(v.seg);
	return 0;
}

static int sync_file(struct file *f, const struct iocb *cb, bool datasync, s64 *res)
{
	if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
		return -EINVAL;
	if (!f->ops || !f->ops->fsync)
		return -EINVAL;
	*res = f->ops->fsync(f, 0, ~0ULL, datasync);
	return 0;
}

static int perform(struct file *f, const struct iocb *cb, s64 *res)
{
	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD: return rw(f, cb, false, false, res);
	case IOCB_CMD_PWRITE: return rw(f, cb, true, false, res);
	case IOCB_CMD_PREADV: return rw(f, cb, false, true, res);
	case IOCB_CMD_PWRITEV: return rw(f, cb, true, true, res);
	case IOCB_CMD_FSYNC: return sync_file(f, cb, false, res);
	case IOCB_CMD_FDSYNC: return sync_file(f, cb, true, res);
	default: return -EINVAL;
	}
}

static int submit_one(struct aio_ctx *ctx, uaddr_t at)
{
	struct io_event ev = { .obj = at };
	struct file *f, *e = NULL;
	struct iocb cb;
	u32 key = 0;
	s64 res = 0;
	int err;

	if (user_read(&cb, at, sizeof(cb)))
		return -EFAULT;
	if (cb.aio_reserved2 || (s64)cb.aio_nbytes < 0)
		return -EINVAL;
	if (!aio_reserve(ctx))
		return -EAGAIN;
	err = -EBADF;
	f = fd_get((int)cb.aio_fildes);
	if (IS_ERR(f))
		goto unreserve;
	if (cb.aio_flags & IOCB_FLAG_RESFD) {
		e = fd_get((int)cb.aio_resfd);
		err = IS_ERR(e) ? -EBADF : is_eventfd(e) ? 0 : -EINVAL;
		e = IS_ERR(e) ? NULL : e;
		if (err)
			goto put;
	}
	err = user_write(at + offsetof(struct iocb, aio_key), &key, sizeof(key)) ? -EFAULT : 0;
	if (err)
		goto put;
	if (cb.aio_lio_opcode == IOCB_CMD_POLL) {
		err = aio_poll_start(ctx, f, e, &cb, at);
		goto put;
	}
	err = perform(f, &cb, &res);
	if (!err) {
		ev.data = cb.aio_data;
		ev.res = res;
		aio_post(ctx, &ev);
		if (e)
			eventfd_signal(e);
	}
put:
	if (e)
		file_put(e);
	file_put(f);
unreserve:
	if (err)
		aio_unreserve(ctx);
	return err;
}

s64 sys_io_submit(ulong_a id, long_a nr, uptr_a iocbs)
{
	struct aio_ctx *ctx;
	struct file *f;
	long n = 0;
	s64 err = 0;

	if (nr < 0)
		return -EINVAL;
	ctx = aio_find(id, &f);
	if (!ctx)
		return -EINVAL;
	for (; n < nr; n++) {
		u64 at;

		err = user_read(&at, iocbs + 8ULL * (u64)n, sizeof(at)) ? -EFAULT
									: submit_one(ctx, at);
		if (err)
			break;
	}
	file_put(f);
	return n ? n : err;
}

s64 sys_io_cancel(ulong_a id, uptr_a iocb, uptr_a result)
{
	struct aio_ctx *ctx;
	struct file *f;
	bool found;
	u32 key;

	if (user_read(&key, iocb + offsetof(struct iocb, aio_key), sizeof(key)))
		return -EFAULT;
	ctx = aio_find(id, &f);
	if (!ctx)
		return -EINVAL;
	found = !key && aio_poll_cancel(ctx, iocb);
	file_put(f);
	return found ? -EINPROGRESS : -EINVAL; /* not under way any more, or never was */
}

/* ---- events ---- */

static s64 get_events(u64 id, long min, long nr, uaddr_t events, u64 deadline)
{
	struct io_event ev[CHUNK];
	struct aio_ctx *ctx;
	struct file *f;
	long got = 0;
	s64 err = 0;

	ctx = aio_find(id, &f);
	if (!ctx)
		return -EINVAL;
	if (min < 0 || min > nr) {
		file_put(f);
		return -EINVAL;
	}
	while (got < nr && !err) {
		u32 n = aio_take(ctx, ev, (u32)MIN(nr - got, (long)CHUNK));

		if (n && user_write(events + (u64)got * sizeof(*ev), ev, n * sizeof(*ev))) {
			err = -EFAULT;
			break;
		}
		got += n;
		if (!n && got >= min)
			break;
		if (!n)
			err = aio_wait(ctx, deadline);
		if (!n && !err && !aio_alive(ctx))
			err = -EINVAL;
	}
	file_put(f);
	if (got)
		return got;
	return err == -ETIMEDOUT ? 0 : err == -ERESTARTSYS ? -EINTR : err;
}

s64 sys_io_getevents(ulong_a id, long_a min, long_a nr, uptr_a events, uptr_a timeout)
{
	u64 deadline;
	int err = timeout_read(timeout, &deadline);

	return err ? err : get_events(id, min, nr, events, deadline);
}

s64 sys_io_pgetevents(ulong_a id, long_a min, long_a nr, uptr_a events, uptr_a timeout, uptr_a sig)
{
	struct {
		u64 mask, size;
	} arg = { 0, 0 };
	u64 deadline;
	int err = timeout_read(timeout, &deadline);

	if (!err && sig && user_read(&arg, sig, sizeof(arg)))
		err = -EFAULT;
	if (!err)
		err = sigmask_user(arg.mask, arg.size);
	return err ? err : get_events(id, min, nr, events, deadline);
}
