/*
 * block.c - the wait loop of sockets: blocking, SO_RCVTIMEO and SO_SNDTIMEO, MSG_DONTWAIT, signals.
 *
 * An operation of a family is tried; while it says -EAGAIN the task sleeps on the socket's queue for the events of its
 * direction (a reader is not woken by room to write). A call that a signal ends is restarted, unless it has a timeout:
 * then it is EINTR (signal(7)). What was moved before counts more than how the wait ended.
 */
#include "fs/poll_bits.h"
#include "net/socket.h"
#include "platform/platform.h"
#include "task/task.h"

struct attempt {
	struct socket *s;
	s64 (*try)(struct attempt *a);
	u32 events;
	u64 timeout; /* ns; 0: do not wait */
	struct sock_msg *m;
	const struct sock_addr *addr;
	struct socket *conn;
};

struct sock_waiter {
	struct waiter w;
	u32 events;
};

static void on_wake(struct waiter *w, u32 key)
{
	u32 events = container_of(w, struct sock_waiter, w)->events;

	if (!key || (key & events))
		sched_wake(w->task);
}

static void waiter_queue(struct sock_waiter *w, struct waitq *q, u32 events)
{
	waiter_init(&w->w);
	w->w.fn = on_wake;
	w->events = events | POLL_ALWAYS;
	waitq_add(q, &w->w);
}

static s64 attempt(struct attempt *a)
{
	bool room = (a->events & POLLOUT) && a->s->ops->room;
	struct sock_waiter w, w2;
	s64 r = a->try(a);
	u64 deadline;
	int err;

	if (r != -EAGAIN || !a->timeout)
		return r;
	deadline = a->timeout == NO_DEADLINE ? NO_DEADLINE : clock_mono() + a->timeout;
	waiter_queue(&w, &a->s->q, a->events);
	if (room)
		waiter_queue(&w2, a->s->ops->room, a->events);
	for (;;) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		r = a->try(a);
		if (r != -EAGAIN)
			break;
		err = sched_sleep(deadline);
		if (err) {
			if (err != -ETIMEDOUT)
				r = a->timeout == NO_DEADLINE ? err : -EINTR;
			break;
		}
	}
	sched_awake();
	waitq_del(&w.w);
	if (room)
		waitq_del(&w2.w);
	return r;
}

static s64 try_send(struct attempt *a)
{
	return a->s->ops->sendmsg(a->s, a->m);
}

s64 sock_sendmsg(struct socket *s, struct sock_msg *m)
{
	bool nonblock = m->flags & MSG_DONTWAIT;
	struct attempt a = { s, try_send, POLL_WRITABLE, nonblock ? 0 : s->sndtimeo, m, NULL, NULL };
	s64 r = attempt(&a);

	return r < 0 && m->done ? (s64)m->done : r;
}

static s64 try_recv(struct attempt *a)
{
	return a->s->ops->recvmsg(a->s, a->m);
}

s64 sock_recvmsg(struct socket *s, struct sock_msg *m)
{
	bool nonblock = m->flags & MSG_DONTWAIT;
	struct attempt a = {
		s, try_recv, POLL_READABLE | POLLRDHUP, nonblock ? 0 : s->rcvtimeo, m, NULL, NULL
	};
	s64 r = attempt(&a);

	return r < 0 && m->done ? (s64)m->done : r;
}

static s64 try_connect(struct attempt *a)
{
	int r = a->s->ops->connect(a->s, a->addr);

	/* Under way is as good as not yet, for who waits. */
	return a->timeout && (r == -EINPROGRESS || r == -EALREADY) ? -EAGAIN : r;
}

int sock_connect(struct socket *s, const struct sock_addr *addr, bool nonblock)
{
	struct attempt a = { s,	   try_connect, POLL_WRITABLE, nonblock ? 0 : s->sndtimeo,
			     NULL, addr,	NULL };

	return (int)attempt(&a);
}

static s64 try_accept(struct attempt *a)
{
	return a->s->ops->accept(a->s, &a->conn);
}

int sock_accept(struct socket *s, bool nonblock, struct socket **conn)
{
	struct attempt a = { s,	   try_accept, POLL_READABLE, nonblock ? 0 : s->rcvtimeo,
			     NULL, NULL,       NULL };
	s64 r = attempt(&a);

	*conn = a.conn;
	return (int)r;
}

void sock_wake_readable(struct socket *s)
{
	waitq_wake(&s->q, 1, POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND);
}

void sock_wake_writable(struct socket *s)
{
	waitq_wake(&s->q, 1, POLLOUT | POLLWRNORM | POLLWRBAND);
}

void sock_wake_state(struct socket *s)
{
	waitq_wake_all(&s->q, 0);
}

void sock_wake_error(struct socket *s)
{
	waitq_wake_all(&s->q, POLLERR);
}
