/*
 * forward.c - port-forward: a connection from the Sentry to a port of a container's loopback, relayed with two streams of the
 * host (SESSION_FORWARD).
 *
 * Each direction has a kernel thread, which sleeps until there is something to move. A byte is copied once: between the
 * stream's buffer in the arena and the connection's. One side's end of data becomes the other's (a half-close). CTL_EXIT tells
 * the host that both have ended, or that the connection broke; a client that goes away before resets it. A program that does not
 * read, or does not take the connection, keeps its own connection waiting and no other.
 *
 * Locks: f->lock (spinlock): the socket's place and `closed`. The threads hold the session.
 */
#include "container/session.h"
#include "dev/control.h"
#include "dev/stream.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "net/families.h"
#include "net/net_ns.h"
#include "net/socket.h"
#include "platform/platform.h"

struct forward {
	struct session *s; /* borrowed: it holds us */
	struct ns_common *net;
	u16 port;
	struct stream *in, *out;
	struct spinlock lock;
	struct socket *sock; /* with a reference; NULL: not connecting yet */
	bool closed;	     /* the client is gone */
	bool broken;	     /* what the client sent did not go */
	bool told;	     /* CTL_EXIT was said */
	u32 going;	     /* directions */
};

void forward_free(struct forward *f)
{
	if (!f)
		return;
	if (f->sock) {
		f->sock->ops->release(f->sock);
		sock_put(f->sock);
	}
	if (f->in)
		stream_put(f->in);
	if (f->out)
		stream_put(f->out);
	ns_put(f->net);
	kfree(f);
}

/* The other side shall see that this was no end of data. */
static void reset(struct socket *sock)
{
	sock->linger = (struct linger){ .onoff = 1 };
	sock->ops->shutdown(sock, SHUT_RDWR);
}

void forward_closed(struct forward *f)
{
	struct socket *sock;

	if (!f)
		return;
	spin_lock(&f->lock);
	f->closed = true;
	sock = f->sock;
	if (sock)
		sock_get(sock);
	spin_unlock(&f->lock);
	if (!sock)
		return;
	reset(sock); /* wakes who connects, too */
	sock_put(sock);
}

/* ---- connecting ---- */

/* The loopback address of a family. */
static void loopback(struct sock_addr *a, int family, u16 port)
{
	*a = (struct sock_addr){ .family = (u16)family };
	a->raw[2] = (u8)(port >> 8);
	a->raw[3] = (u8)port;
	if (family == AF_INET) {
		a->len = 16;
		a->raw[4] = 127;
		a->raw[7] = 1;
	} else {
		a->len = 28;
		a->raw[23] = 1;
	}
}

static int connect_with(struct forward *f, struct socket *sock)
{
	struct sock_addr a;
	int err;

	loopback(&a, sock->family, f->port);
	err = sock->ops->connect(sock, &a);
	if (err == -EINPROGRESS)
		wait_event(&sock->q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE,
			   READ_ONCE(f->closed) ||
				   (err = sock->ops->connect(sock, &a)) != -EALREADY);
	return READ_ONCE(f->closed) ? -ECONNABORTED : err;
}

static int connect_family(struct forward *f, int family)
{
	struct net_ns *net = f->net->object;
	struct socket *sock = inet_tcp_socket(net ? net : &net_first, family);
	int err;

	if (IS_ERR(sock))
		return (int)PTR_ERR(sock);
	spin_lock(&f->lock);
	f->sock = sock;
	spin_unlock(&f->lock);
	err = connect_with(f, sock);
	if (!err)
		return 0;
	spin_lock(&f->lock);
	f->sock = NULL;
	spin_unlock(&f->lock);
	sock->ops->release(sock);
	sock_put(sock);
	return err;
}

static int connect(struct forward *f)
{
	int err = connect_family(f, AF_INET);

	/* A program may listen at one of the two alone. */
	return err == -ECONNREFUSED && !connect_family(f, AF_INET6) ? 0 : err;
}

/* ---- relaying ---- */

static s64 send_all(struct socket *sock, const u8 *data, size_t len)
{
	struct iov_seg seg;
	struct iov v;
	struct sock_msg m = { .iov = &v, .flags = MSG_NOSIGNAL };
	s64 n;

	iov_kernel(&v, &seg, (void *)data, len);
	n = sock_sendmsg(sock, &m);
	return n < 0 ? n : (size_t)n < len ? -EPIPE : 0;
}

static s64 receive(struct socket *sock, u8 *buf, size_t size)
{
	struct iov_seg seg;
	struct iov v;
	struct sock_msg m = { .iov = &v };

	iov_kernel(&v, &seg, buf, size);
	return sock_recvmsg(sock, &m);
}

static void tell_end(struct forward *f, int err)
{
	f->told = true;
	control_send_wait(CTL_EXIT, f->s->handle, (u64)err, 0, "", 0);
}

/* A thread is over; the last one ends the connection. */
static void direction_over(struct forward *f)
{
	struct session *s = f->s;
	struct socket *sock = f->sock;

	if (atomic_sub(&f->going, 1) == 0) {
		spin_lock(&f->lock);
		f->sock = NULL;
		spin_unlock(&f->lock);
		sock->ops->release(sock);
		sock_put(sock);
		if (!f->told)
			tell_end(f, 0);
	}
	session_put(s);
}

/* From the client to the port. */
static void send_thread(void *arg)
{
	struct forward *f = arg;
	const u8 *data;
	s64 n;

	while ((n = stream_next(f->in, &data)) > 0) {
		n = send_all(f->sock, data, (size_t)n);
		if (n < 0)
			break;
		stream_taken(f->in);
	}
	if (n < 0)
		WRITE_ONCE(f->broken, true);
	else
		f->sock->ops->shutdown(f->sock, SHUT_WR);
	stream_put(f->in); /* the client's next write fails */
	f->in = NULL;
	direction_over(f);
}

/* From the port to the client. */
static void receive_all(struct forward *f)
{
	size_t size;
	u8 *buf = stream_room(f->out, &size);
	s64 n = buf ? 1 : -ENOMEM;
	int err = 0;

	while (n > 0 && !err) {
		n = receive(f->sock, buf, size);
		if (n > 0)
			err = stream_put_out(f->out, (size_t)n);
	}
	if (n < 0 || err || READ_ONCE(f->broken)) {
		reset(f->sock);
		tell_end(f, n < 0 ? (int)-n : ECONNRESET);
	}
	stream_put(f->out);
	f->out = NULL;
}

/* Connects first. */
static void thread(void *arg)
{
	struct forward *f = arg;
	int err = connect(f);

	if (!err) {
		f->going = 2;
		session_get(f->s);
		if (IS_ERR(kthread_start("forward-in", send_thread, f))) {
			session_put(f->s);
			err = -ENOMEM;
		}
	}
	if (err) {
		session_fail(f->s, 0, err, "", 0);
		session_put(f->s);
		return;
	}
	control_send_wait(CTL_DONE, f->s->handle, 0, 0, "", 0);
	receive_all(f);
	direction_over(f);
}

/* The network namespace of a container's first process, with a reference; NULL: it has none any more. */
static struct ns_common *net_of(struct session *owner)
{
	struct process *p = session_process(owner);
	struct task *t = p ? task_find(p->pid) : NULL;
	struct ns_common *net = t ? task_ns(t, NS_NET) : NULL;

	if (t)
		task_put(t);
	process_put(p);
	return net;
}

static struct stream *take_stream(u32 id)
{
	struct stream *st = stream_open(id);

	if (!IS_ERR(st))
		return st;
	stream_discard(id);
	return NULL;
}

int forward_start(struct session *s, struct session *owner, const struct ctl_forward *what)
{
	struct ns_common *net = net_of(owner);
	struct forward *f = net ? kzalloc(sizeof(*f)) : NULL;

	if (!f) {
		stream_discard(what->in);
		stream_discard(what->out);
		if (net)
			ns_put(net);
		return net ? -ENOMEM : -ESRCH;
	}
	f->s = s;
	f->net = net;
	f->port = (u16)what->port;
	spin_init(&f->lock);
	f->in = take_stream(what->in);
	f->out = take_stream(what->out);
	s->forward = f;
	session_get(s); /* the thread's */
	if (f->in && f->out && !IS_ERR(kthread_start("forward", thread, f)))
		return 0;
	session_put(s);
	return -ENOMEM;
}
