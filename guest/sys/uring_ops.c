/*
 * uring_ops.c - the table of io_uring's operations, and those that are about rings alone.
 */
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "sys/sys.h"
#include "sys/uring_ops.h"

static s64 nop(struct uring_req *req)
{
	return 0;
}

static s64 files_update(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return s->off == IORING_FILE_INDEX_ALLOC
		       ? -EINVAL
		       : uring_files_update(req->ctx, (u32)s->off, s->addr, s->len);
}

static int files_update_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if ((s->flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT)) || s->rw_flags ||
	    s->splice_fd_in || !s->len)
		return -EINVAL;
	return 0;
}

static int provide_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	u64 size;

	if (s->rw_flags || s->splice_fd_in)
		return -EINVAL;
	if (!s->fd || s->fd < 0 || s->fd > 65536)
		return -E2BIG;
	size = (u64)s->len * (u32)s->fd;
	if (s->addr > USER_END || size > USER_END - s->addr)
		return -EFAULT;
	if (s->off > 65535)
		return -E2BIG;
	return s->off + (u64)s->fd > 65536 ? -EINVAL : 0;
}

static s64 provide(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	return uring_provide(req->ctx, s->buf_group, (u16)s->off, s->addr, s->len, (u32)s->fd);
}

static int remove_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->rw_flags || s->addr || s->len || s->off || s->splice_fd_in)
		return -EINVAL;
	return s->fd <= 0 || s->fd > 65536 ? -EINVAL : 0;
}

static s64 remove_buffers(struct uring_req *req)
{
	return uring_remove(req->ctx, req->sqe.buf_group, (u32)req->sqe.fd);
}

static int msg_ring_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;

	if (s->buf_index || s->personality || (s->msg_ring_flags & ~IORING_MSG_RING_CQE_SKIP))
		return -EINVAL;
	if (s->addr > IORING_MSG_SEND_FD)
		return -EINVAL;
	return s->addr == IORING_MSG_DATA && s->splice_fd_in ? -EINVAL : 0;
}

static s64 msg_ring(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	struct uring_ctx *to = uring_of_file(req->file);
	struct file *f;
	u32 want = s->file_index;
	int r;

	if (!to)
		return -EBADFD;
	if (to->disabled)
		return -EBADFD;
	if (s->addr == IORING_MSG_DATA) {
		if (s->msg_ring_flags)
			return -EINVAL;
		uring_post(to, s->off, (s32)s->len, 0);
		return 0;
	}
	if (to == req->ctx)
		return -EINVAL;
	f = uring_fixed_file(req->ctx, (u32)s->addr3);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = uring_fixed_install(to, f, want == IORING_FILE_INDEX_ALLOC ? want : want - 1);
	if (r < 0) {
		file_put(f);
		return r;
	}
	if (!(s->msg_ring_flags & IORING_MSG_RING_CQE_SKIP))
		uring_post(to, s->off, r, 0);
	return r;
}

#define IN_EVENTS  (POLL_READABLE | POLLRDHUP)
#define OUT_EVENTS POLL_WRITABLE

/* clang-format off */
const struct uring_op uring_op_table[] = {
	[IORING_OP_NOP] = { "nop", NULL, nop },
	[IORING_OP_READV] = { "readv", uring_rwv_prep, uring_rw_read, IN_EVENTS, true, true, true },
	[IORING_OP_WRITEV] = { "writev", uring_rwv_prep, uring_rw_write, OUT_EVENTS, true, true },
	[IORING_OP_FSYNC] = { "fsync", uring_fsync_prep, uring_fsync, 0, true },
	[IORING_OP_READ_FIXED] = { "read_fixed", uring_rw_prep, uring_rw_read, IN_EVENTS, true, true },
	[IORING_OP_WRITE_FIXED] = { "write_fixed", uring_rw_prep, uring_rw_write, OUT_EVENTS, true, true },
	[IORING_OP_POLL_ADD] = { "poll_add", uring_poll_add_prep, uring_poll_add, 0, true },
	[IORING_OP_POLL_REMOVE] = { "poll_remove", uring_poll_remove_prep, uring_poll_remove },
	[IORING_OP_SYNC_FILE_RANGE] = { "sync_file_range", uring_fsync_prep, uring_sync_range, 0, true },
	[IORING_OP_SENDMSG] = { "sendmsg", uring_sendmsg_prep, uring_sendmsg, OUT_EVENTS, true, true },
	[IORING_OP_RECVMSG] = { "recvmsg", uring_recvmsg_prep, uring_recvmsg, IN_EVENTS, true, true, true },
	[IORING_OP_TIMEOUT] = { "timeout", uring_timeout_prep, uring_timeout },
	[IORING_OP_TIMEOUT_REMOVE] = { "timeout_remove", uring_timeout_remove_prep, uring_timeout_remove },
	[IORING_OP_ACCEPT] = { "accept", uring_accept_prep, uring_accept, IN_EVENTS, true, true },
	[IORING_OP_ASYNC_CANCEL] = { "async_cancel", uring_async_cancel_prep, uring_async_cancel },
	[IORING_OP_LINK_TIMEOUT] = { "link_timeout", uring_link_timeout_prep, uring_link_timeout },
	[IORING_OP_CONNECT] = { "connect", uring_connect_prep, uring_connect, OUT_EVENTS, true },
	[IORING_OP_FALLOCATE] = { "fallocate", NULL, uring_fallocate, 0, true },
	[IORING_OP_OPENAT] = { "openat", uring_open_prep, uring_openat },
	[IORING_OP_CLOSE] = { "close", uring_close_prep, uring_close },
	[IORING_OP_FILES_UPDATE] = { "files_update", files_update_prep, files_update },
	[IORING_OP_STATX] = { "statx", uring_path_prep, uring_statx },
	[IORING_OP_READ] = { "read", uring_rw_prep, uring_rw_read, IN_EVENTS, true, true, true },
	[IORING_OP_WRITE] = { "write", uring_rw_prep, uring_rw_write, OUT_EVENTS, true, true },
	[IORING_OP_FADVISE] = { "fadvise", NULL, uring_fadvise, 0, true },
	[IORING_OP_MADVISE] = { "madvise", NULL, uring_madvise },
	[IORING_OP_SEND] = { "send", uring_send_prep, uring_send, OUT_EVENTS, true, true },
	[IORING_OP_RECV] = { "recv", uring_recv_prep, uring_recv, IN_EVENTS, true, true, true },
	[IORING_OP_OPENAT2] = { "openat2", uring_open_prep, uring_openat2 },
	[IORING_OP_EPOLL_CTL] = { "epoll_ctl", NULL, uring_epoll_ctl },
	[IORING_OP_SPLICE] = { "splice", uring_splice_prep, uring_splice, IN_EVENTS | OUT_EVENTS },
	[IORING_OP_PROVIDE_BUFFERS] = { "provide_buffers", provide_prep, provide },
	[IORING_OP_REMOVE_BUFFERS] = { "remove_buffers", remove_prep, remove_buffers },
	[IORING_OP_TEE] = { "tee", uring_splice_prep, uring_tee, IN_EVENTS | OUT_EVENTS },
	[IORING_OP_SHUTDOWN] = { "shutdown", NULL, uring_shutdown, 0, true },
	[IORING_OP_RENAMEAT] = { "renameat", uring_path_prep, uring_renameat },
	[IORING_OP_UNLINKAT] = { "unlinkat", uring_path_prep, uring_unlinkat },
	[IORING_OP_MKDIRAT] = { "mkdirat", uring_path_prep, uring_mkdirat },
	[IORING_OP_SYMLINKAT] = { "symlinkat", uring_path_prep, uring_symlinkat },
	[IORING_OP_LINKAT] = { "linkat", uring_path_prep, uring_linkat },
	[IORING_OP_MSG_RING] = { "msg_ring", msg_ring_prep, msg_ring, 0, true },
	[IORING_OP_FSETXATTR] = { "fsetxattr", uring_path_prep, uring_fsetxattr },
	[IORING_OP_SETXATTR] = { "setxattr", uring_path_prep, uring_setxattr },
	[IORING_OP_FGETXATTR] = { "fgetxattr", uring_path_prep, uring_fgetxattr },
	[IORING_OP_GETXATTR] = { "getxattr", uring_path_prep, uring_getxattr },
	[IORING_OP_SOCKET] = { "socket", uring_socket_prep, uring_socket },
};
/* clang-format on */

const unsigned uring_op_count = ARRAY_SIZE(uring_op_table);
