/*
 * dgram.c - datagrams and sequenced packets: whole messages, each with its sender.
 *
 * A queue takes at most net.unix.max_dgram_qlen + 1 messages from those that its owner is not connected to; between two
 * that are connected to each other the sender's buffer alone is the limit.
 */
#include "fs/poll_bits.h"
#include "net/unix/unix.h"
#include "task/task.h"

bool unix_rx_full(const struct unix_sock *to, const struct unix_sock *u)
{
	return to != u && READ_ONCE(to->peer) != u && READ_ONCE(to->rx_count) > to->max_backlog;
}

/* Where m goes, with a reference. */
static struct unix_sock *destination(struct unix_sock *u, struct sock_msg *m)
{
	struct unix_sock *to;
	int err;

	if (m->name && m->name->len) {
		err = unix_check_name(m->name);
		return err ? ERR_PTR(err)
			   : unix_find(u->s.net, m->name, u->s.type, READ_ONCE(u->peer));
	}
	to = unix_peer_get(u);
	return to ? to : ERR_PTR(-ENOTCONN);
}

static int may_send(struct unix_sock *u, struct unix_sock *to)
{
	int err = 0;

	spin_lock(&unix_lock);
	if (to->dead)
		err = u->peer == to && u->s.type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
	else if (u->s.type == SOCK_DGRAM && to->peer && to->peer != u)
		err = -EPERM;
	else if (to->s.shutdown & SHUTDOWN_RCV)
		err = -EPIPE;
	spin_unlock(&unix_lock);
	if (err || !unix_rx_full(to, u))
		return err;
	/* Say so first, then look again: on_room() may have come in between. */
	atomic_store(&u->wants_room, 1);
	atomic_fence();
	return unix_rx_full(to, u) ? -EAGAIN : 0;
}

/* Does the filter of `to` take b? It may be shorter then. rx_lock held. */
static bool filter(const struct unix_sock *to, struct unix_buf *b)
{
	struct filter_frame f = { .data = b->data, .len = b->len };
	u32 take;

	if (!filter_value(to->filter.f, &f, &take) || !take)
		return false;
	b->len = MIN(b->len, take);
	return true;
}

/* Hang b into the queue of `to`. 1: its filter wants none of it. */
static int queue(struct unix_sock *to, struct unix_buf *b)
{
	spin_lock(&to->rx_lock);
	if (to->rx_closed) {
		spin_unlock(&to->rx_lock);
		return -ECONNREFUSED;
	}
	if (unlikely(to->filter.f) && !filter(to, b)) {
		spin_unlock(&to->rx_lock);
		return 1;
	}
	list_add_tail(&to->rx, &b->node);
	to->rx_count++;
	to->rx_bytes += b->len;
	spin_unlock(&to->rx_lock);
	return 0;
}

static int send_to(struct unix_sock *u, struct unix_sock *to, struct sock_msg *m)
{
	size_t n = m->iov->left;
	struct unix_buf *b;
	int err = may_send(u, to);

	if (err)
		return err;
	b = unix_buf_alloc(u, n);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	sock_get(&u->s);
	b->owns_from = true;
	err = unix_buf_fill(b, m, u, to);
	if (!err)
		err = queue(to, b);
	if (err) {
		unix_buf_free(b);
		m->done = err > 0 ? n : 0;
		return MIN(err, 0);
	}
	m->done = n;
	sock_wake_readable(&to->s);
	return 0;
}

s64 unix_dgram_send(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_sk(s), *to;
	int err = 0;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	to = destination(u, m);
	if (IS_ERR(to))
		return PTR_ERR(to);
	if (sock_opt(s, SOPT_PASSCRED | SOPT_PASSPIDFD))
		err = unix_autobind(u);
	if (!err && m->iov->left > s->sndbuf - 32)
		err = -EMSGSIZE;
	if (!err)
		err = sock_error(s);
	if (!err && (s->shutdown & SHUTDOWN_SEND))
		err = -EPIPE;
	if (!err && atomic_load(&u->wmem) >= s->sndbuf)
		err = -EAGAIN;
	if (!err)
		err = send_to(u, to, m);
	if (err == -ECONNREFUSED && READ_ONCE(u->peer) == to)
		unix_disconnect(u, to);
	sock_put(&to->s);
	return err ? err : (s64)m->done;
}

/* ---- receiving ---- */

/* The message to look at: the first, or where SO_PEEK_OFF is; *skip: bytes of it to look past. read_lock held. */
static struct unix_buf *pick(struct unix_sock *u, bool peek, size_t *skip)
{
	s32 off = peek ? READ_ONCE(u->s.peek_off) : -1;
	struct unix_buf *b, *found = NULL;

	*skip = off > 0 ? (size_t)off : 0;
	spin_lock(&u->rx_lock);
	list_for_each(b, &u->rx, node) {
		if (off >= 0 && *skip >= b->len && (b->len || *skip || b->peeked)) {
			*skip -= b->len;
			continue;
		}
		found = b;
		break;
	}
	spin_unlock(&u->rx_lock);
	return found;
}

static s64 read_message(struct unix_sock *u, struct unix_buf *b, struct sock_msg *m, size_t skip)
{
	size_t len = b->len - skip, n = MIN(len, m->iov->left);
	bool peek = m->flags & MSG_PEEK;

	if (m->name)
		unix_copy_name(b->from, m->name);
	if (n < len)
		m->out |= MSG_TRUNC;
	if (iov_to(m->iov, b->data + skip, n) != n)
		return -EFAULT;
	unix_buf_creds(b, m->scm);
	if (unix_buf_detach(b, m->scm, peek))
		return -ENOMEM;
	if (READ_ONCE(u->s.peek_off) >= 0)
		u->s.peek_off = peek ? u->s.peek_off + (s32)n : MAX(u->s.peek_off - (s32)b->len, 0);
	b->peeked |= peek;
	return m->flags & MSG_TRUNC ? (s64)len : (s64)n;
}

/* b is out of the queue: who waited for room is told when the queue was full for the last time. */
static void tell_room(struct unix_sock *u)
{
	waitq_wake_all(&u->room_q, POLL_WRITABLE);
	waitq_wake_all(&unix_room, POLL_WRITABLE);
}

s64 unix_dgram_recv(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_sk(s);
	bool peek = m->flags & MSG_PEEK, closed = READ_ONCE(s->shutdown) & SHUTDOWN_RCV;
	struct unix_buf *b;
	size_t skip;
	s64 ret;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	ret = sock_error(s);
	if (ret)
		return ret;
	mutex_lock(&u->read_lock);
	b = pick(u, peek, &skip);
	if (!b) {
		mutex_unlock(&u->read_lock);
		/* A datagram socket that is asked not to wait does not tell its end. */
		return closed && (s->type == SOCK_SEQPACKET || !(m->flags & MSG_DONTWAIT))
			       ? 0
			       : -EAGAIN;
	}
	ret = read_message(u, b, m, skip);
	if (!peek) {
		spin_lock(&u->rx_lock);
		list_del(&b->node);
		u->rx_count--;
		u->rx_bytes -= b->len;
		spin_unlock(&u->rx_lock);
	}
	mutex_unlock(&u->read_lock);
	if (!peek) {
		unix_buf_free(b);
		tell_room(u);
	}
	return ret;
}

/* ---- sequenced packets ---- */

s64 unix_seqpacket_send(struct socket *s, struct sock_msg *m)
{
	int err = sock_error(s);

	if (err)
		return err;
	if (unix_sk(s)->state != UNIX_CONNECTED)
		return -ENOTCONN;
	m->name = NULL;
	return unix_dgram_send(s, m);
}

s64 unix_seqpacket_recv(struct socket *s, struct sock_msg *m)
{
	if (unix_sk(s)->state != UNIX_CONNECTED)
		return -ENOTCONN;
	return unix_dgram_recv(s, m);
}
