/*
 * stream.c - moving bytes over stream sockets, with urgent data (MSG_OOB) and MSG_PEEK.
 *
 * A sender copies into a buffer of its own with no lock held and then hangs it into the peer's queue; a reader owns the
 * head of the queue while it holds read_lock. One byte each way costs: one allocation, two copies, two short spinlocks,
 * one wake-up.
 */
#include "fs/poll_bits.h"
#include "net/unix/unix.h"
#include "task/task.h"

/* Bytes of one piece: as Linux, so that two fit into the buffer. */
static size_t piece_max(const struct unix_sock *u)
{
	return MIN(UNIX_CHUNK, (size_t)u->s.sndbuf / 2 - 64);
}

/* May something go out? -EAGAIN: the buffer is full. */
static int may_send(struct unix_sock *u)
{
	int err = sock_error(&u->s);

	if (err)
		return err;
	if (u->s.shutdown & SHUTDOWN_SEND)
		return -EPIPE;
	return atomic_load(&u->wmem) >= u->s.sndbuf ? -EAGAIN : 0;
}

/* Hang b into the queue of `to`. -EPIPE: it reads no more. */
static int queue(struct unix_sock *to, struct unix_buf *b, bool oob)
{
	spin_lock(&to->rx_lock);
	if (to->rx_closed || (READ_ONCE(to->s.shutdown) & SHUTDOWN_RCV)) {
		spin_unlock(&to->rx_lock);
		return -EPIPE;
	}
	list_add_tail(&to->rx, &b->node);
	to->rx_count++;
	to->rx_bytes += b->len;
	if (oob)
		to->oob = b;
	spin_unlock(&to->rx_lock);
	return 0;
}

static int send_piece(struct unix_sock *u, struct unix_sock *to, struct sock_msg *m, size_t n,
		      bool oob)
{
	struct unix_buf *b = unix_buf_alloc(u, n);
	int err;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = unix_buf_fill(b, m, u, to);
	if (!err)
		err = queue(to, b, oob);
	if (err)
		unix_buf_free(b);
	else
		m->done += n;
	return err;
}

/* SIGURG for who owns the descriptor, and POLLPRI. */
static void tell_urgent(struct unix_sock *to)
{
	struct file *f;

	spin_lock(&unix_lock);
	f = to->s.file;
	if (f && !ref_tryget(&f->ref))
		f = NULL;
	spin_unlock(&unix_lock);
	if (f) {
		sock_signal_urgent(f);
		file_put(f);
	}
	waitq_wake_all(&to->s.q, POLLPRI);
}

s64 unix_stream_send(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_sk(s), *to = atomic_load(&u->peer);
	size_t keep = m->flags & MSG_OOB ? 1 : 0, before = m->done;
	int err = 0;

	if (m->name && m->name->len)
		return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!to)
		return -ENOTCONN;
	if (keep && !m->iov->left)
		return -EOPNOTSUPP;
	if (u->s.shutdown & SHUTDOWN_SEND)
		err = -EPIPE;
	while (!err && m->iov->left) {
		err = may_send(u);
		if (err)
			break;
		if (m->iov->left > keep)
			err = send_piece(u, to, m, MIN(m->iov->left - keep, piece_max(u)), false);
		else
			err = send_piece(u, to, m, 1, true);
	}
	if (m->done > before) {
		sock_wake_readable(&to->s);
		if (keep && !m->iov->left)
			tell_urgent(to);
	}
	if (err == -EPIPE && !m->done && !(m->flags & MSG_NOSIGNAL))
		signal_task(task_current(), SIGPIPE, NULL);
	return err ? err : (s64)m->done;
}

/* ---- receiving ---- */

struct reading {
	struct unix_sock *u;
	struct sock_msg *m;
	bool peek, have_creds, last; /* last: nothing more in this call */
	size_t skip;		     /* bytes to look past (SO_PEEK_OFF) */
};

static struct unix_buf *first(struct unix_sock *u)
{
	struct unix_buf *b = NULL;

	spin_lock(&u->rx_lock);
	if (!list_empty(&u->rx))
		b = list_first(&u->rx, struct unix_buf, node);
	spin_unlock(&u->rx_lock);
	return b;
}

static struct unix_buf *next(struct unix_sock *u, struct unix_buf *b)
{
	struct unix_buf *n = NULL;

	spin_lock(&u->rx_lock);
	if (b->node.next != &u->rx)
		n = list_entry(b->node.next, struct unix_buf, node);
	spin_unlock(&u->rx_lock);
	return n;
}

/* Take b out of the queue, and it is ours. */
static void unlink(struct unix_sock *u, struct unix_buf *b)
{
	spin_lock(&u->rx_lock);
	list_del(&b->node);
	u->rx_count--;
	u->rx_bytes -= b->len - b->off;
	if (u->oob == b)
		u->oob = NULL;
	spin_unlock(&u->rx_lock);
	unix_buf_free(b);
}

static bool same_creds(const struct unix_buf *b, const struct scm *scm)
{
	return b->has_creds == scm->has_creds &&
	       (!b->has_creds ||
		(b->creds.pid == scm->creds.pid && b->creds.uid == scm->creds.uid &&
		 b->creds.gid == scm->creds.gid));
}

/*
 * An urgent byte stands at b. Reading stops before it; at it, it is skipped, unless SO_OOBINLINE makes it one of the
 * others. Returns the buffer to go on with, or NULL.
 */
static struct unix_buf *at_urgent(struct reading *r, struct unix_buf *b)
{
	struct unix_sock *u = r->u;
	struct unix_buf *n;

	if (b->len == b->off) { /* taken by MSG_OOB: an empty place */
		if (r->m->done && !r->peek)
			return NULL;
		n = next(u, b);
		if (!r->peek)
			unlink(u, b);
		return n;
	}
	if (b != READ_ONCE(u->oob))
		return b;
	if (r->m->done)
		return NULL;
	if (sock_opt(&u->s, SOPT_OOBINLINE)) {
		if (!r->peek)
			u->oob = NULL;
		return b;
	}
	n = next(u, b);
	if (!r->peek)
		unlink(u, b);
	return n;
}

/* Read of one buffer: 0, or -errno. Sets r->last where the call ends with it. */
static int read_buf(struct reading *r, struct unix_buf *b)
{
	struct unix_sock *u = r->u;
	struct sock_msg *m = r->m;
	size_t n, k;

	if (r->have_creds) {
		if (!same_creds(b, m->scm)) {
			r->last = true;
			return 0;
		}
	} else if (sock_opt(&u->s, SOPT_PASSCRED | SOPT_PASSPIDFD)) {
		unix_buf_creds(b, m->scm);
		r->have_creds = true;
	}
	if (m->name && !m->done && !m->name->len)
		unix_copy_name(b->from, m->name);
	n = MIN((size_t)(b->len - b->off) - r->skip, m->iov->left);
	k = iov_to(m->iov, b->data + b->off + r->skip, n);
	if (k < n) {
		if (!m->done)
			return -EFAULT;
		r->last = true;
		return 0;
	}
	m->done += n;
	r->skip = 0;
	if (b->fds) {
		int err = unix_buf_detach(b, m->scm, r->peek);

		if (err)
			return err;
		r->last = true;
	}
	if (r->peek) {
		if (READ_ONCE(u->s.peek_off) >= 0)
			u->s.peek_off += (s32)n;
		return 0;
	}
	if (READ_ONCE(u->s.peek_off) >= 0)
		u->s.peek_off = MAX(u->s.peek_off - (s32)n, 0);
	spin_lock(&u->rx_lock);
	b->off += (u32)n;
	u->rx_bytes -= n;
	spin_unlock(&u->rx_lock);
	if (b->off == b->len)
		unlink(u, b);
	return 0;
}

/* What there is, up to the end of the iov, a change of credentials, descriptors. */
static int read_queue(struct reading *r)
{
	struct unix_buf *b = first(r->u), *n;
	int err = 0;

	while (b && !err && !r->last) {
		size_t len;

		if (READ_ONCE(r->u->oob) || b->len == b->off) {
			n = at_urgent(r, b);
			if (n != b) {
				r->last = !n && r->m->done;
				b = n;
				continue;
			}
		}
		len = b->len - b->off;
		n = r->peek ? next(r->u, b) : NULL;
		if (r->skip >= len && len) {
			r->skip -= len;
			b = next(r->u, b);
			continue;
		}
		err = read_buf(r, b);
		if (!r->m->iov->left)
			r->last = true;
		b = r->peek ? n : first(r->u);
	}
	return err;
}

static s64 recv_urgent(struct unix_sock *u, struct sock_msg *m)
{
	struct unix_buf *b;
	s64 ret = -EINVAL;

	mutex_lock(&u->read_lock);
	b = READ_ONCE(u->oob);
	if (!b || b->len == b->off || sock_opt(&u->s, SOPT_OOBINLINE))
		goto out;
	m->out |= MSG_OOB;
	ret = 1;
	if (!m->iov->left)
		m->out |= MSG_TRUNC;
	else if (iov_to(m->iov, b->data, 1) != 1)
		ret = -EFAULT;
	if (ret == 1 && !(m->flags & MSG_PEEK)) {
		spin_lock(&u->rx_lock);
		b->off = b->len; /* an empty place is left for SIOCATMARK */
		u->rx_bytes--;
		u->oob = NULL;
		spin_unlock(&u->rx_lock);
	}
	if (ret == 1 && (m->out & MSG_TRUNC))
		ret = 0;
out:
	mutex_unlock(&u->read_lock);
	return ret;
}

s64 unix_stream_recv(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_sk(s);
	struct reading r = { .u = u, .m = m, .peek = m->flags & MSG_PEEK };
	size_t target, size = m->done + m->iov->left;
	bool failed, closed;
	s64 err;

	if (u->state != UNIX_CONNECTED)
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return recv_urgent(u, m);
	target = m->flags & MSG_WAITALL ? size : MIN((size_t)s->rcvlowat, size);
	target = MAX(target, (size_t)1); /* also who asks for nothing waits for something */
	/* An earlier attempt of this call brought something: its credentials hold. */
	r.have_creds = m->done && sock_opt(s, SOPT_PASSCRED | SOPT_PASSPIDFD);
	/* The end is asked for before the queue, for what came in between still counts. */
	failed = READ_ONCE(s->err);
	closed = READ_ONCE(s->shutdown) & SHUTDOWN_RCV;
	mutex_lock(&u->read_lock);
	if (r.peek && READ_ONCE(s->peek_off) > 0)
		r.skip = (size_t)s->peek_off;
	err = read_queue(&r);
	mutex_unlock(&u->read_lock);
	if (m->done && (err || r.last || r.peek || closed || failed || m->done >= target))
		return (s64)m->done;
	if (err || r.last)
		return err;
	if (m->done)
		return -EAGAIN;
	if (failed)
		return sock_error(s);
	return closed ? 0 : -EAGAIN;
}
