/*
 * uring_fs.c - io_uring's operations on names and descriptors: the system calls under another entrance.
 *
 * Paths are read when the operation starts. What opens a file can put it into a slot of the fixed files instead of a
 * descriptor: sqe.file_index is the slot plus 1, or IORING_FILE_INDEX_ALLOC.
 */
#include "fs/abi.h"
#include "fs/anon/epoll.h"
#include "sys/fs_sys.h"
#include "sys/uring_ops.h"

/* Only plain descriptors, no fixed files: those have no directory. */
int uring_path_prep(struct uring_req *req)
{
	if (req->sqe.buf_index)
		return -EINVAL;
	return req->sqe.flags & IOSQE_FIXED_FILE ? -EBADF : 0;
}

int uring_open_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	int err = uring_path_prep(req);

	if (err)
		return err;
	/* A slot has no close-on-exec mark. */
	if (s->file_index && s->opcode == IORING_OP_OPENAT && (s->open_flags & O_CLOEXEC))
		return -EINVAL;
	return 0;
}

int uring_fd_reserve(struct uring_req *req, bool cloexec)
{
	return req->sqe.file_index ? 0 : fd_reserve(cloexec);
}

s64 uring_fd_finish(struct uring_req *req, int fd, struct file *f)
{
	u32 want = req->sqe.file_index;
	int r;

	if (!want)
		return fd_finish(fd, f);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = uring_fixed_install(req->ctx, f, want == IORING_FILE_INDEX_ALLOC ? want : want - 1);
	if (r < 0)
		file_put(f);
	return r < 0 || want == IORING_FILE_INDEX_ALLOC ? r : 0;
}

static s64 open_file(struct uring_req *req, const struct open_how *how)
{
	int fd;
	s64 ret;
	USER_NAME(name, req->sqe.addr);

	fd = uring_fd_reserve(req, how->flags & O_CLOEXEC);
	ret = fd < 0 ? fd : uring_fd_finish(req, fd, open_how(req->sqe.fd, name, how));
	name_free(name);
	return ret;
}

s64 uring_openat(struct uring_req *req)
{
	struct open_how how = open_how_of(req->sqe.open_flags, req->sqe.len);

	return open_file(req, &how);
}

s64 uring_openat2(struct uring_req *req)
{
	struct open_how how;
	int err = open_how_read(&how, req->sqe.addr2, req->sqe.len);

	return err ? err : open_file(req, &how);
}

int uring_close_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->off || s->addr || s->len || s->rw_flags || s->buf_index)
		return -EINVAL;
	if (s->flags & IOSQE_FIXED_FILE)
		return -EBADF;
	return s->file_index && s->fd ? -EINVAL : 0;
}

s64 uring_close(struct uring_req *req)
{
	struct file *f;
	bool ring;

	if (req->sqe.file_index)
		return uring_fixed_close(req->ctx, req->sqe.file_index - 1);
	f = fd_get_path(req->sqe.fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	ring = uring_of_file(f);
	file_put(f);
	return ring ? -EBADF : fd_close(req->sqe.fd);
}

s64 uring_statx(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return sys_statx(s->fd, s->addr, s->statx_flags, s->len, s->addr2);
}

s64 uring_renameat(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return sys_renameat2(s->fd, s->addr, (int)s->len, s->addr2, s->rename_flags);
}

s64 uring_unlinkat(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->off || s->len || s->splice_fd_in)
		return -EINVAL;
	return sys_unlinkat(s->fd, s->addr, s->unlink_flags);
}

s64 uring_mkdirat(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->off || s->rw_flags || s->splice_fd_in)
		return -EINVAL;
	return sys_mkdirat(s->fd, s->addr, s->len);
}

s64 uring_symlinkat(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->len || s->rw_flags || s->splice_fd_in)
		return -EINVAL;
	return sys_symlinkat(s->addr, s->fd, s->addr2);
}

s64 uring_linkat(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return sys_linkat(s->fd, s->addr, (int)s->len, s->addr2, s->hardlink_flags);
}

s64 uring_madvise(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->buf_index || s->splice_fd_in)
		return -EINVAL;
	return sys_madvise(s->addr, s->off ? s->off : s->len, (int)s->fadvise_advice);
}

s64 uring_epoll_ctl(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return s->buf_index || s->splice_fd_in
		       ? -EINVAL
		       : sys_epoll_ctl(s->fd, (int)s->len, (int)s->off, s->addr);
}

s64 uring_getxattr(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return s->xattr_flags ? -EINVAL : sys_getxattr(s->addr3, s->addr, s->addr2, s->len);
}

s64 uring_setxattr(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return sys_setxattr(s->addr3, s->addr, s->addr2, s->len, (int)s->xattr_flags);
}

s64 uring_fgetxattr(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return s->xattr_flags ? -EINVAL : sys_fgetxattr(s->fd, s->addr, s->addr2, s->len);
}

s64 uring_fsetxattr(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return sys_fsetxattr(s->fd, s->addr, s->addr2, s->len, (int)s->xattr_flags);
}
