/*
 * uring_net.c - io_uring on sockets. What a message header points at is copied when the request is submitted, and one
 * struct sock_msg serves all attempts, so that MSG_WAITALL goes on where it was.
 */
#include <string.h>

#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "mm/slab.h"
#include "net/scm.h"
#include "sys/fs_sys.h"
#include "sys/socket.h"
#include "sys/uring_ops.h"

#define RW_MAX 0x7ffff000UL

struct message {
	struct user_msghdr h;
	struct sock_addr name;
	struct scm scm;
	struct iov v;
	struct iov_seg small[8];
	struct sock_msg m;
	size_t total;
	bool started;
};

static void free_message(struct uring_req *req)
{
	struct message *x = req->data;

	scm_drop(&x->scm);
	if (x->v.seg != x->small)
		kfree(x->v.seg);
	kfree(x);
}

static struct message *message_new(struct uring_req *req)
{
	struct message *x = kzalloc(sizeof(*x));

	if (!x)
		return NULL;
	x->v.seg = x->small;
	x->m.iov = &x->v;
	x->m.scm = &x->scm;
	x->m.flags = req->sqe.msg_flags | MSG_DONTWAIT;
	req->nowait = req->sqe.msg_flags & MSG_DONTWAIT;
	req->data = x;
	req->free_data = free_message;
	return x;
}

static int plain_flags(struct uring_req *req, u32 known)
{
	u16 f = req->sqe.ioprio;

	if (f & IORING_RECVSEND_FIXED_BUF) {
		unsupported("io_uring send or receive of fixed buffers", f);
		return -EINVAL;
	}
	return f & ~known ? -EINVAL : 0;
}

/* For sendmsg and recvmsg: a message with the header that the entry points at. What it made goes with the request. */
static struct message *message_with_header(struct uring_req *req)
{
	int err = plain_flags(req, IORING_RECVSEND_POLL_FIRST);
	struct message *x;

	if (err)
		return ERR_PTR(err);
	x = message_new(req);
	if (!x)
		return ERR_PTR(-ENOMEM);
	err = sockmsg_header(&x->h, req->sqe.addr);
	return err ? ERR_PTR(err) : x;
}

/* The memory that the header of x names. */
static int message_vector(struct message *x)
{
	int err = sockmsg_vector(&x->v, x->small, &x->h);

	if (err)
		x->v.seg = x->small;
	x->total = x->v.left;
	return err;
}

static struct socket *sock_of(struct uring_req *req)
{
	struct socket *s = sock_of_file(req->file);

	return s ? s : ERR_PTR(-ENOTSOCK);
}

/* IORING_RECVSEND_POLL_FIRST: the first attempt is not made if it would have to wait. */
static bool poll_first(struct uring_req *req, u32 events)
{
	struct message *x = req->data;
	bool first = (req->sqe.ioprio & IORING_RECVSEND_POLL_FIRST) && !x->started;

	x->started = true;
	return first && !(file_poll(req->file, NULL) & (events | POLL_ALWAYS));
}

/* MSG_WAITALL: less than all is not yet a result. */
static s64 all_or_again(struct uring_req *req, s64 r)
{
	struct message *x = req->data;
	bool all = req->sqe.msg_flags & MSG_WAITALL;

	if (r > 0 && all && x->m.done && (size_t)r < x->total && x->v.left && !req->nowait &&
	    !x->m.out)
		r = -EAGAIN;
	if (r != -EAGAIN)
		req->fail_link = r >= 0 && all && (size_t)r < x->total;
	return r;
}

/* ---- send ---- */

int uring_send_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	int err = plain_flags(req, IORING_RECVSEND_POLL_FIRST);
	struct message *x;

	if (err)
		return err;
	if (s->addr > USER_END || s->len > USER_END - s->addr)
		return -EFAULT;
	x = message_new(req);
	if (!x)
		return -ENOMEM;
	x->small[0] = (struct iov_seg){ s->addr, s->len };
	x->v.n = 1;
	x->v.left = x->total = s->len;
	x->v.user = true;
	if (s->addr2) {
		err = sock_addr_read(&x->name, s->addr2, s->addr_len);
		x->m.name = &x->name;
	} else if (s->addr_len) {
		err = -EINVAL;
	}
	x->m.flags |= MSG_NOSIGNAL;
	return err;
}

s64 uring_send(struct uring_req *req)
{
	struct socket *s = sock_of(req);
	struct message *x = req->data;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (poll_first(req, POLLOUT))
		return -EAGAIN;
	return all_or_again(req, sock_sendmsg(s, &x->m));
}

int uring_sendmsg_prep(struct uring_req *req)
{
	struct message *x = message_with_header(req);
	int err = 0;

	if (IS_ERR(x))
		return (int)PTR_ERR(x);
	if (x->h.name && x->h.namelen) {
		err = sock_addr_read(&x->name, x->h.name, x->h.namelen);
		x->m.name = &x->name;
	}
	x->m.flags |= MSG_NOSIGNAL;
	return err ? err : message_vector(x);
}

s64 uring_sendmsg(struct uring_req *req)
{
	struct socket *s = sock_of(req);
	struct message *x = req->data;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (x->h.controllen) { /* once: descriptors are looked up when the message starts */
		int err = sockmsg_control(s, &x->h, &x->scm);

		if (err)
			return err;
		x->h.controllen = 0;
	}
	return uring_send(req);
}

/* ---- receive ---- */

int uring_recv_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	bool multi = s->ioprio & IORING_RECV_MULTISHOT;
	int err = plain_flags(req, IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT);
	struct message *x;

	if (err)
		return err;
	if (s->off || s->splice_fd_in)
		return -EINVAL;
	if (multi && (!(s->flags & IOSQE_BUFFER_SELECT) || s->len || (s->msg_flags & MSG_WAITALL)))
		return -EINVAL;
	x = message_new(req);
	return x ? 0 : -ENOMEM;
}

/* One attempt into the buffer of the entry, or one that is chosen now. */
static s64 recv_once(struct uring_req *req, struct socket *s)
{
	u64 addr = req->sqe.addr;
	struct message *x = req->data;
	u32 len = req->sqe.len;
	s64 r;

	if (!x->m.done) {
		if (req->sqe.flags & IOSQE_BUFFER_SELECT) {
			r = uring_select(req, &addr, &len);
			if (r)
				return r;
		}
		if (addr > USER_END || len > USER_END - addr)
			return -EFAULT;
		iov_user(&x->v, x->small, addr, MIN((u64)len, RW_MAX));
		x->total = x->v.left;
	}
	if (!x->v.left)
		return 0;
	r = sock_recvmsg(s, &x->m);
	scm_drop(&x->scm);
	if (r < 0)
		uring_unselect(req);
	return r;
}

s64 uring_recv(struct uring_req *req)
{
	struct socket *s = sock_of(req);
	struct message *x = req->data;
	s64 r;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (poll_first(req, POLLIN))
		return -EAGAIN;
	if (!(req->sqe.ioprio & IORING_RECV_MULTISHOT))
		return all_or_again(req, recv_once(req, s));
	for (;;) {
		if (req->cancelled || req->ctx->dying)
			return -ECANCELED;
		r = recv_once(req, s);
		if (r <= 0)
			return r;
		uring_post(req->ctx, req->sqe.user_data, (s32)r,
			   IORING_CQE_F_MORE | IORING_CQE_F_BUFFER |
				   (u32)req->bid << IORING_CQE_BUFFER_SHIFT);
		req->selected = false;
		x->m.done = 0;
		x->m.out = 0;
	}
}

int uring_recvmsg_prep(struct uring_req *req)
{
	struct message *x = message_with_header(req);

	if (IS_ERR(x))
		return (int)PTR_ERR(x);
	if (req->sqe.flags & IOSQE_BUFFER_SELECT) {
		if (x->h.iovlen > 1)
			return -EINVAL;
		/* The length comes from the vector, the memory from the group. */
		if (x->h.iovlen && user_read(&x->small[0], x->h.iov, sizeof(x->small[0])))
			return -EFAULT;
		x->total = x->h.iovlen ? x->small[0].len : 0;
		return 0;
	}
	return message_vector(x);
}

s64 uring_recvmsg(struct uring_req *req)
{
	struct socket *s = sock_of(req);
	struct message *x = req->data;
	s64 r;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (poll_first(req, POLLIN))
		return -EAGAIN;
	if ((req->sqe.flags & IOSQE_BUFFER_SELECT) && !x->m.done) {
		u32 len = (u32)MIN(x->total, RW_MAX);
		u64 addr;

		err = uring_select(req, &addr, &len);
		if (err)
			return err;
		if (addr > USER_END || len > USER_END - addr)
			return -EFAULT;
		iov_user(&x->v, x->small, addr, len);
	}
	x->m.name = x->h.name ? &x->name : NULL;
	r = all_or_again(req, sock_recvmsg(s, &x->m));
	if (r < 0) {
		uring_unselect(req);
		return r;
	}
	err = sockmsg_result(s, &x->h, req->sqe.addr, &x->m);
	return err ? err : r;
}

/* ---- connections ---- */

int uring_accept_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	bool multi = s->ioprio & IORING_ACCEPT_MULTISHOT;

	if (s->len || s->buf_index || (s->ioprio & ~IORING_ACCEPT_MULTISHOT))
		return -EINVAL;
	if (s->accept_flags & ~(u32)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	if (s->file_index && (s->accept_flags & SOCK_CLOEXEC))
		return -EINVAL;
	return multi && s->file_index && s->file_index != IORING_FILE_INDEX_ALLOC ? -EINVAL : 0;
}

static s64 accept_once(struct uring_req *req, struct socket *s)
{
	const struct io_uring_sqe *e = &req->sqe;
	struct socket *conn = NULL;
	struct file *f;
	int fd, err;

	if (!s->ops->accept)
		return -EOPNOTSUPP;
	fd = uring_fd_reserve(req, e->accept_flags & SOCK_CLOEXEC);
	if (fd < 0)
		return fd;
	err = sock_accept(s, true, &conn);
	f = err ? ERR_PTR(err) : socket_accepted(conn, e->accept_flags, e->addr, e->addr2);
	return uring_fd_finish(req, fd, f);
}

s64 uring_accept(struct uring_req *req)
{
	struct socket *s = sock_of(req);
	s64 r;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (!(req->sqe.ioprio & IORING_ACCEPT_MULTISHOT)) {
		req->nowait = req->file->flags & O_NONBLOCK;
		return accept_once(req, s);
	}
	for (;;) {
		if (req->cancelled || req->ctx->dying)
			return -ECANCELED;
		r = accept_once(req, s);
		if (r < 0)
			return r;
		uring_post(req->ctx, req->sqe.user_data, (s32)r, IORING_CQE_F_MORE);
	}
}

static void free_address(struct uring_req *req)
{
	kfree(req->data);
}

int uring_connect_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	struct sock_addr *a;

	if (s->len || s->buf_index || s->rw_flags || s->splice_fd_in)
		return -EINVAL;
	a = kmalloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	req->data = a;
	req->free_data = free_address;
	return sock_addr_read(a, s->addr, (s32)s->addr2);
}

s64 uring_connect(struct uring_req *req)
{
	struct socket *s = sock_of(req);
	int r;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (!s->ops->connect)
		return -EOPNOTSUPP;
	r = sock_connect(s, req->data, true);
	return r == -EINPROGRESS || r == -EALREADY ? -EAGAIN : r;
}

int uring_socket_prep(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	u32 type = (u32)s->off;

	if (s->addr || s->rw_flags || s->buf_index)
		return -EINVAL;
	if (type & ~(u32)(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	return s->file_index && (type & SOCK_CLOEXEC) ? -EINVAL : 0;
}

s64 uring_socket(struct uring_req *req)
{
	const struct io_uring_sqe *s = &req->sqe;
	int fd = uring_fd_reserve(req, s->off & SOCK_CLOEXEC);

	return fd < 0 ? fd : uring_fd_finish(req, fd, socket_new(s->fd, (int)s->off, (int)s->len));
}

s64 uring_shutdown(struct uring_req *req)
{
	const struct io_uring_sqe *e = &req->sqe;
	struct socket *s = sock_of(req);

	if (e->off || e->addr || e->rw_flags || e->buf_index || e->splice_fd_in)
		return -EINVAL;
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (e->len > SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown ? s->ops->shutdown(s, (int)e->len) : -EOPNOTSUPP;
}
