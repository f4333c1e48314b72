/*
 * tcp_io.c - sending and receiving on TCP sockets, and their readiness.
 *
 * A byte is copied twice on its way through the loopback: from user memory into a chunk that the segments refer to, and
 * from there to user memory; neither with net_lock held.
 */
#include <linux/in.h>
#include <linux/tcp.h>
#include <string.h>

#include "fs/poll_bits.h"
#include "net/inet/inet.h"
#include "net/scm.h"
#include "task/task.h"

#define SMALL 1024u /* writes up to this are copied into segments, so that they share them */

u32 inet_sndbuf(const struct inet_sock *k)
{
	u32 n = k->sndbuf_set ? k->s.sndbuf : (u32)net_sysctl(k->s.net, SYSCTL_TCP_WMEM_MAX);

	/* beyond it lwIP takes nothing: there would be room that cannot be used */
	return MIN(n, (u32)TCP_SND_BUF);
}

u32 inet_window(const struct inet_sock *k)
{
	return k->rcvbuf_set ? MAX(k->s.rcvbuf / 2, 2048u)
			     : (u32)net_sysctl(k->s.net, SYSCTL_TCP_RMEM_MAX);
}

u32 tcp_queued(const struct inet_sock *k)
{
	const struct tcp_pcb *p = READ_ONCE(k->pcb);

	return p && p->state != LISTEN ? TCP_SND_BUF - p->snd_buf : 0;
}

u32 tcp_unsent(const struct inet_sock *k)
{
	const struct tcp_pcb *p = READ_ONCE(k->pcb);

	return p && p->state != LISTEN ? p->snd_lbb - p->snd_nxt : 0;
}

/* TCP_NOTSENT_LOWAT: is little enough still waiting to be sent? Half of that, for who polls. */
static bool little_unsent(const struct inet_sock *k, bool poll)
{
	return likely(!k->notsent_lowat) || (u64)tcp_unsent(k) << poll < k->notsent_lowat;
}

void tcp_rx_purge(struct inet_sock *k)
{
	struct pbuf *p = k->rx_first;

	k->rx_first = k->rx_last = NULL;
	k->rx_bytes = 0;
	while (p) {
		struct pbuf *next = p->next;

		p->next = NULL;
		p->tot_len = p->len;
		pbuf_free(p);
		p = next;
	}
}

/* ---- sending ---- */

/* May something go out? How many bytes, or -errno. net_lock held. */
static s64 room(struct inet_sock *k)
{
	u32 limit = inet_sndbuf(k), used;
	int err;

	if (k->s.err) {
		err = sock_error(&k->s);
		if (err)
			return err;
	}
	if (k->s.shutdown & SHUTDOWN_SEND)
		return -EPIPE;
	if (k->state == INET_CONNECTING)
		return -EAGAIN;
	if (k->state != INET_CONNECTED || !k->pcb)
		return -EPIPE;
	used = tcp_queued(k);
	if (used >= limit || !little_unsent(k, false) ||
	    k->pcb->snd_queuelen >= TCP_SND_QUEUELEN - 64)
		return -EAGAIN;
	return limit - used;
}

#define WRITE_MORE   1u /* wait for more before a segment goes out that is not full */
#define WRITE_URGENT 2u /* the last byte is urgent */

/* Urgent data do not wait for what is on its way (Nagle). */
static void push_urgent(struct tcp_pcb *p)
{
	bool nagle = !tcp_nagle_disabled(p);

	tcp_urgent_written(p);
	tcp_nagle_disable(p);
	tcp_output(p);
	if (nagle)
		tcp_nagle_enable(p);
}

/* Hang n bytes at data (in c, or to be copied) into the connection. */
static int write_out(struct inet_sock *k, struct net_chunk *c, const void *data, u32 n,
		     unsigned how)
{
	s64 r;
	err_t e;

	net_enter(k->s.net);
	r = room(k);
	if (r < 0) {
		net_leave();
		return (int)r;
	}
	tcp_mss_check(k->pcb);
	chunk_writing = c;
	e = tcp_write(k->pcb, data, (u16)n,
		      (c ? 0 : TCP_WRITE_FLAG_COPY) | (how & WRITE_MORE ? TCP_WRITE_FLAG_MORE : 0));
	chunk_writing = NULL;
	if (e == ERR_OK && (how & WRITE_URGENT))
		push_urgent(k->pcb);
	else if (e == ERR_OK && !((how & WRITE_MORE) && tcp_queued(k) < (u32)tcp_mss(k->pcb)))
		tcp_output(k->pcb);
	net_leave();
	return e == ERR_OK ? 0 : e == ERR_MEM ? -EAGAIN : inet_errno(e);
}

static int send_small(struct inet_sock *k, struct sock_msg *m, u32 n, unsigned how)
{
	u8 buf[SMALL];

	if (iov_from(m->iov, buf, n) != n)
		return -EFAULT;
	return write_out(k, NULL, buf, n, how);
}

static int send_chunk(struct inet_sock *k, struct sock_msg *m, u32 n, unsigned how)
{
	struct net_chunk *c = chunk_alloc(n);
	int err;

	if (!c)
		return -ENOBUFS;
	err = iov_from(m->iov, c->data, n) == n ? write_out(k, c, c->data, n, how) : -EFAULT;
	chunk_put(c);
	return err;
}

static int send_some(struct inet_sock *k, struct sock_msg *m)
{
	size_t left = m->iov->left;
	unsigned how = 0;
	s64 r;
	u32 n;
	int err;

	spin_lock(&net_lock);
	r = room(k);
	spin_unlock(&net_lock);
	if (r < 0)
		return (int)r;
	n = (u32)MIN(left, (size_t)CHUNK_MAX);
	if (n > (u64)r && n > SMALL)
		n = MAX((u32)r, SMALL);
	if (n == left && (m->flags & MSG_OOB))
		how = WRITE_URGENT;
	else if (n == left && (k->cork || (m->flags & MSG_MORE)))
		how = WRITE_MORE;
	err = n <= SMALL ? send_small(k, m, n, how) : send_chunk(k, m, n, how);
	if (err == -EAGAIN || err == -EPIPE)
		iov_rewind(m->iov, left - m->iov->left);
	if (!err)
		m->done += n;
	return err;
}

s64 tcp_sk_send(struct socket *s, struct sock_msg *m)
{
	struct inet_sock *k = inet_sk(s);
	int err = 0;

	if (!m->iov->left && !m->done) {
		spin_lock(&net_lock);
		err = (int)MIN(room(k), 0LL);
		spin_unlock(&net_lock);
		if (err == -EAGAIN && k->state == INET_CONNECTED)
			err = 0;
	}
	while (!err && m->iov->left)
		err = send_some(k, m);
	if (err == -EPIPE && !m->done && !(m->flags & MSG_NOSIGNAL))
		signal_task(task_current(), SIGPIPE, NULL);
	if (err && err != -EAGAIN && m->done)
		return (s64)m->done;
	return err ? err : (s64)m->done;
}

/* ---- receiving ---- */

/* Copy out up to n bytes from `skip` bytes behind the head. read_lock held, so the head stays. */
static size_t copy_out(struct inet_sock *k, struct sock_msg *m, size_t skip, size_t n)
{
	struct pbuf *p = k->rx_first;
	size_t done = 0;

	while (done < n) {
		size_t len = p->len;

		if (skip >= len) {
			skip -= len;
		} else {
			size_t want = MIN(len - skip, n - done), got;

			got = m->flags & MSG_TRUNC ? (iov_advance(m->iov, want), want)
						   : iov_to(m->iov, (u8 *)p->payload + skip, want);
			done += got;
			skip = 0;
			if (got < want)
				break;
		}
		p = p->next;
	}
	return done;
}

/* Take n bytes from the head and open the window. read_lock held. */
static void consume(struct inet_sock *k, size_t n)
{
	size_t left = n;

	net_enter(k->s.net);
	k->rx_bytes -= n;
	tcp_urgent_read(k);
	while (left) {
		struct pbuf *p = k->rx_first;

		if (p->len > left) {
			p->payload = (u8 *)p->payload + left;
			p->len = (u16)(p->len - left);
			break;
		}
		left -= p->len;
		k->rx_first = p->next;
		if (!k->rx_first)
			k->rx_last = NULL;
		p->next = NULL;
		p->tot_len = p->len;
		pbuf_free(p);
	}
	for (left = n; k->pcb && left;) {
		u16 part = (u16)MIN(left, (size_t)0xffff);

		tcp_recved(k->pcb, part);
		left -= part;
	}
	net_leave();
}

/* How many bytes lie `skip` bytes behind the head, up to the urgent mark if it is ahead of there. *mark: where it is. */
static size_t look(struct inet_sock *k, size_t skip, u64 *mark)
{
	u64 have;

	spin_lock(&net_lock);
	have = k->rx_bytes;
	*mark = tcp_urgent_offset(k);
	spin_unlock(&net_lock);
	if (*mark != NO_MARK && *mark > skip)
		have = *mark;
	return have > skip ? (size_t)have - skip : 0;
}

/* What there is. 0 or -EFAULT; *stop: no more of it in this call, for the urgent mark is next. */
static int take(struct inet_sock *k, struct sock_msg *m, bool *stop)
{
	bool peek = m->flags & MSG_PEEK;
	size_t skip = peek && k->s.peek_off > 0 ? (size_t)k->s.peek_off : 0, n, got = 0, hole = 0;
	u64 mark;
	int err = 0;

	mutex_lock(&k->read_lock);
	n = look(k, skip, &mark);
	if (mark == skip && m->done)
		n = 0;
	else if (mark == skip && !sock_opt(&k->s, SOPT_OOBINLINE))
		hole = 1;
	n = MIN(m->iov->left, n - MIN(n, hole));
	if (n || hole) {
		got = copy_out(k, m, skip + hole, n);
		if (got < n && !got && !m->done)
			err = -EFAULT;
		m->done += got;
		if (peek && k->s.peek_off >= 0)
			k->s.peek_off += (s32)got;
		if (!peek && got + hole) {
			if (k->s.peek_off > 0)
				k->s.peek_off = MAX(k->s.peek_off - (s32)got, 0);
			consume(k, got + hole);
		}
	}
	*stop = mark == skip + got && !hole;
	mutex_unlock(&k->read_lock);
	return err;
}

/* TCP_INQ: what is left to read, and one for the peer's end. */
static void tell_queue(struct inet_sock *k, struct scm *scm)
{
	s32 left;

	spin_lock(&net_lock);
	left = (s32)MIN(k->rx_bytes + k->peer_closed, (u64)0x7fffffff);
	spin_unlock(&net_lock);
	scm_extra_add(scm, IPPROTO_TCP, TCP_INQ, &left, sizeof(left));
}

static s64 receive(struct inet_sock *k, struct sock_msg *m)
{
	struct socket *s = &k->s;
	size_t size = m->done + m->iov->left, target;
	bool failed, closed, mark;
	int err;

	if (k->state == INET_LISTENING)
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return tcp_urgent_recv(k, m);
	target = m->flags & MSG_WAITALL ? size : MIN((size_t)s->rcvlowat, size);
	target = MAX(target, (size_t)1);
	/* The end is asked for before the queue, for what came in between still counts. */
	failed = READ_ONCE(s->err);
	closed = READ_ONCE(s->shutdown) & SHUTDOWN_RCV;
	err = take(k, m, &mark);
	if (m->done &&
	    (err || mark || (m->flags & MSG_PEEK) || closed || failed || m->done >= target))
		return (s64)m->done;
	if (err)
		return err;
	if (m->done)
		return -EAGAIN;
	if (!size && READ_ONCE(k->rx_bytes))
		return 0;
	/* After the peer's end a reset is for who sends. */
	if (failed && !k->peer_closed)
		return sock_error(s);
	if (closed)
		return 0;
	return k->state == INET_CLOSED ? -ENOTCONN : -EAGAIN;
}

s64 tcp_sk_recv(struct socket *s, struct sock_msg *m)
{
	struct inet_sock *k = inet_sk(s);
	s64 r;

	if (m->flags & MSG_ERRQUEUE)
		return errqueue_recv(k, m);
	r = receive(k, m);
	if (r >= 0 && unlikely(k->inq))
		tell_queue(k, m->scm);
	return r;
}

u32 tcp_sk_poll(struct socket *s)
{
	struct inet_sock *k = inet_sk(s);
	u8 shut = READ_ONCE(s->shutdown);
	u32 ev = 0, limit = inet_sndbuf(k);

	if (READ_ONCE(k->state) == INET_LISTENING)
		return list_empty(&k->acceptq) ? 0 : POLL_READABLE;
	if (shut == SHUTDOWN_BOTH || k->state == INET_CLOSED)
		ev |= POLLHUP;
	if (shut & SHUTDOWN_RCV)
		ev |= POLL_READABLE | POLLRDHUP;
	if (k->state != INET_CONNECTING) {
		if (tcp_readable(k) >= MIN(s->rcvlowat, limit))
			ev |= POLL_READABLE;
		if ((shut & SHUTDOWN_SEND) ||
		    (limit - MIN(limit, tcp_queued(k)) >= limit / 3 && little_unsent(k, true)))
			ev |= POLL_WRITABLE;
	}
	if (READ_ONCE(k->urgent) == URGENT_VALID)
		ev |= POLLPRI;
	return ev | (READ_ONCE(s->err) || !list_empty(&k->errq) ? POLLERR : 0);
}
