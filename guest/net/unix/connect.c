/*
 * connect.c - how AF_UNIX sockets find together and part: listen, connect, accept, socketpair, shutdown, close.
 *
 * connect(2) of a stream makes the accepting end at once and puts it on the listener's backlog; both may be written to
 * before accept(2). A backlog takes one connection more than listen(2) said, as on Linux.
 */
#include "fs/poll_bits.h"
#include "net/unix/unix.h"
#include "task/task.h"

static bool has_connections(const struct unix_sock *u)
{
	return u->s.type != SOCK_DGRAM;
}

struct unix_sock *unix_peer_get(struct unix_sock *u)
{
	struct unix_sock *p;

	spin_lock(&unix_lock);
	p = u->peer;
	if (p)
		sock_get(&p->s);
	spin_unlock(&unix_lock);
	return p;
}

int unix_listen(struct socket *s, int backlog)
{
	struct unix_sock *u = unix_sk(s);
	struct unix_identity self, old = { 0 };
	int err = 0;

	if (!READ_ONCE(u->addr))
		return -EINVAL;
	unix_identity_self(&self);
	spin_lock(&unix_lock);
	if (u->state == UNIX_CONNECTED) {
		err = -EINVAL;
		old = self;
	} else {
		u->state = UNIX_LISTENING;
		u->max_backlog = (unsigned)backlog;
		old = u->own;
		u->own = self;
		sock_set_opt(s, SOPT_LISTENING, true);
	}
	spin_unlock(&unix_lock);
	unix_identity_drop(&old);
	waitq_wake_all(&unix_room, POLL_WRITABLE);
	return err;
}

/* Both sides know each other from now on. unix_lock held. */
static void join(struct unix_sock *a, struct unix_sock *b)
{
	sock_get(&a->s);
	sock_get(&b->s);
	a->state = b->state = UNIX_CONNECTED;
	atomic_store(&a->peer, b);
	atomic_store(&b->peer, a);
}

/* unix_lock held. The order of the checks is Linux's. */
static int may_connect(const struct unix_sock *u, const struct unix_sock *to)
{
	if (to->dead || to->state != UNIX_LISTENING || (to->s.shutdown & SHUTDOWN_RCV))
		return -ECONNREFUSED;
	if (to->nr_backlog > to->max_backlog)
		return -EAGAIN;
	switch (u->state) {
	case UNIX_CLOSED: return 0;
	case UNIX_CONNECTED: return -EISCONN;
	default: return -EINVAL;
	}
}

/* Whom a names, with a reference; u gets a name of its own if its peer is to see its credentials. */
static struct unix_sock *named(struct unix_sock *u, const struct sock_addr *a)
{
	int err = unix_check_name(a);

	if (!err && sock_opt(&u->s, SOPT_PASSCRED | SOPT_PASSPIDFD))
		err = unix_autobind(u);
	return err ? ERR_PTR(err) : unix_find(u->s.net, a, u->s.type, NULL);
}

int unix_connect_stream(struct socket *s, const struct sock_addr *a)
{
	struct unix_sock *u = unix_sk(s), *to = named(u, a), *conn;
	int err;

	if (IS_ERR(to))
		return (int)PTR_ERR(to);
	conn = unix_alloc(s->net, s->type);
	if (!conn) {
		sock_put(&to->s);
		return -ENOMEM;
	}
	spin_lock(&unix_lock);
	err = may_connect(u, to);
	if (!err) {
		join(u, conn);
		conn->addr = to->addr;
		ref_get(&conn->addr->ref);
		unix_identity_self(&conn->remote);
		unix_identity_copy(&u->remote, &to->own);
		list_add_tail(&to->backlog, &conn->backlog);
		to->nr_backlog++;
	} else {
		list_del(&conn->all_node);
	}
	spin_unlock(&unix_lock);
	if (err)
		sock_put(&conn->s);
	else
		sock_wake_readable(&to->s);
	sock_put(&to->s);
	return err;
}

int unix_accept(struct socket *s, struct socket **out)
{
	struct unix_sock *u = unix_sk(s), *conn = NULL;
	bool full = false;
	int err = 0;

	spin_lock(&unix_lock);
	if (u->state != UNIX_LISTENING) {
		err = -EINVAL;
	} else if (!list_empty(&u->backlog)) {
		conn = list_first(&u->backlog, struct unix_sock, backlog);
		list_del(&conn->backlog);
		full = u->nr_backlog-- > u->max_backlog;
	} else {
		err = s->shutdown & SHUTDOWN_RCV ? -EINVAL : -EAGAIN;
	}
	spin_unlock(&unix_lock);
	if (!conn)
		return err;
	if (full)
		waitq_wake_all(&unix_room, POLL_WRITABLE);
	sock_set_opt(&conn->s, READ_ONCE(s->options) & (SOPT_PASSCRED | SOPT_PASSPIDFD), true);
	*out = &conn->s;
	return 0;
}

int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = unix_sk(sa), *b = unix_sk(sb);

	unix_identity_self(&a->remote);
	unix_identity_self(&b->remote);
	spin_lock(&unix_lock);
	join(a, b);
	spin_unlock(&unix_lock);
	return 0;
}

/* ---- datagrams ---- */

/* Datagrams on their way to u are lost when it turns to another peer; the old one learns of it. */
static void lose_queue(struct unix_sock *u, struct unix_sock *old)
{
	bool tell;

	if (!READ_ONCE(u->rx_count))
		return;
	unix_rx_purge(u);
	spin_lock(&unix_lock);
	tell = !old->dead && old->peer == u;
	if (tell)
		atomic_store(&old->s.err, ECONNRESET);
	spin_unlock(&unix_lock);
	if (tell)
		sock_wake_error(&old->s);
}

/* Make `to` (its reference is taken over; or NULL) the peer. bind_lock held. */
static int set_peer(struct unix_sock *u, struct unix_sock *to)
{
	struct unix_sock *old;

	spin_lock(&unix_lock);
	if (to && to->peer && to->peer != u) {
		spin_unlock(&unix_lock);
		return -EPERM;
	}
	old = u->peer;
	u->peer = to;
	u->state = to ? UNIX_CONNECTED : UNIX_CLOSED;
	spin_unlock(&unix_lock);
	waitq_del(&u->room_hook);
	if (to) {
		atomic_store(&u->wants_room, 0);
		waitq_add(&to->room_q, &u->room_hook);
	}
	if (old && old != to)
		lose_queue(u, old);
	if (old)
		sock_put(&old->s);
	return 0;
}

void unix_disconnect(struct unix_sock *u, struct unix_sock *peer)
{
	mutex_lock(&u->bind_lock);
	if (READ_ONCE(u->peer) == peer)
		set_peer(u, NULL);
	mutex_unlock(&u->bind_lock);
}

int unix_connect_dgram(struct socket *s, const struct sock_addr *a)
{
	struct unix_sock *u = unix_sk(s), *to = NULL;
	int err;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		to = named(u, a);
		if (IS_ERR(to))
			return (int)PTR_ERR(to);
	}
	mutex_lock(&u->bind_lock);
	err = set_peer(u, to);
	mutex_unlock(&u->bind_lock);
	if (err)
		sock_put(&to->s);
	return err;
}

/* ---- the end ---- */

static void shut(struct unix_sock *u, u8 bits)
{
	spin_lock(&unix_lock);
	u->s.shutdown |= bits;
	spin_unlock(&unix_lock);
	sock_wake_state(&u->s);
}

int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *u = unix_sk(s), *p;
	u8 bits = (u8)(how + 1);

	p = has_connections(u) ? unix_peer_get(u) : NULL;
	shut(u, bits);
	if (p) {
		shut(p, (u8)((bits & SHUTDOWN_RCV ? SHUTDOWN_SEND : 0) |
			     (bits & SHUTDOWN_SEND ? SHUTDOWN_RCV : 0)));
		sock_put(&p->s);
	}
	if (bits & SHUTDOWN_RCV)
		waitq_wake_all(&unix_room, POLL_WRITABLE);
	return 0;
}

/* The other side of a connection sees the end: an error if something of it was never read. */
static void hang_up(struct unix_sock *p, bool reset)
{
	spin_lock(&unix_lock);
	p->s.shutdown = SHUTDOWN_BOTH;
	if (reset)
		atomic_store(&p->s.err, ECONNRESET);
	spin_unlock(&unix_lock);
	sock_wake_state(&p->s);
}

static void release(struct unix_sock *u, bool embryo)
{
	struct unix_sock *peer;
	bool unread;

	unix_unbind(u);
	spin_lock(&unix_lock);
	u->dead = true;
	u->s.shutdown = SHUTDOWN_BOTH;
	u->state = UNIX_CLOSED;
	u->s.file = NULL;
	list_del(&u->all_node);
	peer = u->peer;
	u->peer = NULL;
	spin_unlock(&unix_lock);
	unread = unix_rx_close(u);
	waitq_del(&u->room_hook);
	if (peer && has_connections(u))
		hang_up(peer, unread || embryo);
	if (peer)
		sock_put(&peer->s);
	waitq_wake_all(&u->room_q, POLL_WRITABLE);
	waitq_wake_all(&unix_room, POLL_WRITABLE);
}

void unix_release(struct socket *s)
{
	struct unix_sock *u = unix_sk(s), *conn;

	release(u, false);
	/* Nobody adds to a backlog of one that does not listen. */
	while (!list_empty(&u->backlog)) {
		conn = list_first(&u->backlog, struct unix_sock, backlog);
		list_del(&conn->backlog);
		release(conn, true);
		sock_put(&conn->s);
	}
	unix_collect();
}
