/*
 * io.c - data of open files: read, write, fsync, allocate, locks; and clunk.
 *
 * File data goes straight between the file and the client's buffers. Locks belong to the fid's open
 * file description, so that two fids exclude each other and other processes of the host; we never
 * wait for one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/gofer/conn.h"

/* The fid's descriptor; it must be open, and a regular file where regular is set. */
static int open_fd(const struct fid *f, bool regular)
{
	if (!f || f->kind != FID_OPEN)
		return -EBADF;
	if (regular && f->node->type == S_IFDIR)
		return -EISDIR;
	return f->fd;
}

/* To or from the file, at off, what the chain holds behind its first hdr bytes; at most count. -> bytes, -errno */
static ssize_t transfer(struct fid *f, bool write, const struct iovec *chain, unsigned n,
			size_t hdr, uint32_t count, uint64_t off)
{
	struct iovec iov[RING_ENTRIES];
	int fd = open_fd(f, true);
	ssize_t moved;

	if (fd < 0)
		return fd;
	n = wire_slice(iov, chain, n, hdr, count);
	do {
		moved = write ? pwritev(fd, iov, n, off) : preadv(fd, iov, n, off);
	} while (moved < 0 && errno == EINTR);
	return moved < 0 ? -errno : moved;
}

int op_read(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint64_t off = wire_get64(&r->t);
	uint32_t count = wire_get32(&r->t);
	ssize_t got;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (count > r->in_room - P9_READ_HDR)
		count = r->in_room - P9_READ_HDR;
	if (f && f->kind == FID_XATTR_READ) {
		size_t left = off < f->xattr->size ? f->xattr->size - off : 0;

		r->data_len = count < left ? count : left;
		wire_put32(&r->w, r->data_len);
		wire_scatter(r->in, r->nin, P9_READ_HDR, f->xattr->data + (left ? off : 0),
			     r->data_len);
		return 0;
	}
	got = transfer(f, false, r->in, r->nin, P9_READ_HDR, count, off);
	if (got < 0)
		return got;
	wire_put32(&r->w, got);
	r->data_len = got;
	return 0;
}

int op_write(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint64_t off = wire_get64(&r->t);
	uint32_t count = wire_get32(&r->t);
	ssize_t put;

	if (wire_end(&r->t) < 0 || count != r->msg_len - P9_WRITE_HDR)
		return -EPROTO;
	if (f && f->kind == FID_XATTR_WRITE) {
		struct fid_xattr *x = f->xattr;

		if (off != x->filled || count > x->size - x->filled)
			return -EINVAL;
		x->filled += wire_gather(x->data + x->filled, count, r->out, r->nout, P9_WRITE_HDR);
		wire_put32(&r->w, count);
		return 0;
	}
	put = transfer(f, true, r->out, r->nout, P9_WRITE_HDR, count, off);
	if (put < 0)
		return put;
	wire_put32(&r->w, put);
	return 0;
}

int op_writepart(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint64_t off = wire_get64(&r->t);
	uint32_t series = wire_get32(&r->t), count = wire_get32(&r->t);
	ssize_t put;

	if (wire_end(&r->t) < 0 || count != r->msg_len - P9_PART_HDR || !series)
		return -EPROTO;
	if (f && f->ended == series)
		return -ECANCELED;
	put = transfer(f, true, r->out, r->nout, P9_PART_HDR, count, off);
	if (f && put != (ssize_t)count)
		f->ended = series;
	if (put < 0)
		return put;
	wire_put32(&r->w, put);
	return 0;
}

int op_fsync(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint32_t datasync = r->t.left ? wire_get32(&r->t) : 0;
	int fd = open_fd(f, false);

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (fd < 0)
		return fd;
	if (f->node->export->read_only)
		return 0; /* nothing of ours to sync, and the calls are sealed off */
	return (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

int op_allocate(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint32_t mode = wire_get32(&r->t);
	uint64_t off = wire_get64(&r->t), len = wire_get64(&r->t);
	int fd = open_fd(f, true);

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (fd < 0)
		return fd;
	return fallocate(fd, mode, off, len) < 0 ? -errno : 0;
}

/* start, length, proc_id, client_id: common to both lock messages. */
static int get_lock(struct req *r, uint8_t type, struct flock *fl, uint32_t *proc, char client[256])
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	uint64_t start = wire_get64(&r->t), len = wire_get64(&r->t);
	int ret;

	*proc = wire_get32(&r->t);
	ret = wire_get_str(&r->t, client, 256);
	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (type > P9_LOCK_TYPE_UNLCK || start > INT64_MAX || len > INT64_MAX)
		return -EINVAL;
	memset(fl, 0, sizeof(*fl));
	fl->l_type = types[type];
	fl->l_whence = SEEK_SET;
	fl->l_start = start;
	fl->l_len = len;
	return 0;
}

int op_lock(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint8_t type = wire_get8(&r->t), status = P9_LOCK_SUCCESS;
	char client[256];
	struct flock fl;
	uint32_t proc;
	int fd, ret;

	wire_get32(&r->t); /* flags: we never wait, and have no grace period to reclaim in */
	ret = get_lock(r, type, &fl, &proc, client);
	if (ret < 0)
		return ret;
	fd = open_fd(f, true);
	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLK, &fl) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		status = P9_LOCK_BLOCKED;
	}
	wire_put8(&r->w, status);
	return 0;
}

int op_getlock(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint8_t type = wire_get8(&r->t);
	char client[256];
	struct flock fl;
	uint32_t proc;
	int fd, ret;

	ret = get_lock(r, type, &fl, &proc, client);
	if (ret < 0)
		return ret;
	fd = open_fd(f, true);
	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
		return -errno;
	wire_put8(&r->w, fl.l_type == F_RDLCK	? P9_LOCK_TYPE_RDLCK
			 : fl.l_type == F_WRLCK ? P9_LOCK_TYPE_WRLCK
						: P9_LOCK_TYPE_UNLCK);
	wire_put64(&r->w, fl.l_start);
	wire_put64(&r->w, fl.l_len);
	wire_put32(&r->w, fl.l_type == F_UNLCK || fl.l_pid < 0 ? proc : (uint32_t)fl.l_pid);
	wire_put_str(&r->w, client);
	return 0;
}

int op_clunk(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	int ret = 0;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	if (f->kind == FID_XATTR_WRITE)
		ret = xattr_commit(r->c, f);
	fid_drop(r->c, f);
	return ret;
}
