/*
 * block.c - the wait loop of sockets: blocking, SO_RCVTIMEO and SO_SNDTIMEO, MSG_DONTWAIT, signals.
 *
 * An operation of a family is tried; while it says -EAGAIN the task sleeps on the socket's queue for the events of its
 * direction (a reader is not woken by room to write). A call that a signal ends is restarted, unless it has a timeout:
 * then it is EINTR (signal(7)). What was moved before counts more than how the wait ended.
 */
#include "fs/poll_bits.h"
#include "net/landlock.h"
#include "net/socket.h"
#include "platform/platform.h"
#include "task/task.h"

struct attempt {
	struct socket *s;
	s64 (*try)(struct attempt *a);
	u32 events;
	u64 timeout;	/* ns; 0: do not wait */
	bool exclusive; /* what comes is for one of those who wait */
	struct sock_msg *m;
	const struct sock_addr *addr;
	struct socket *conn;
};

static void queue_up(struct waiter *w, struct waitq *q, const struct attempt *a)
{
	waiter_init(w);
	w->events = a->events | POLL_ALWAYS;
	w->exclusive = a->exclusive;
	waitq_add(q, w);
}

static s64 attempt(struct attempt *a)
{
	bool room = (a->events & POLLOUT) && a->s->ops->room;
	struct waiter w, w2;
	s64 r = a->try(a);
	u64 deadline;
	int err;

	if (r != -EAGAIN || !a->timeout)
		return r;
	deadline = a->timeout == NO_DEADLINE ? NO_DEADLINE : clock_mono() + a->timeout;
	queue_up(&w, &a->s->q, a);
	if (room)
		queue_up(&w2, a->s->ops->room, a);
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
	waitq_del(&w);
	if (room)
		waitq_del(&w2);
	/* A wake-up that was for us alone may have been for more than we took. */
	if (a->exclusive && (a->s->ops->poll(a->s) & a->events))
		sock_wake_readable(a->s);
	return r;
}

static s64 try_send(struct attempt *a)
{
	return a->s->ops->sendmsg(a->s, a->m);
}

s64 sock_sendmsg(struct socket *s, struct sock_msg *m)
{
	bool nonblock = m->flags & MSG_DONTWAIT;
	struct attempt a = {
		.s = s,
		.try = try_send,
		.events = POLL_WRITABLE,
		.timeout = nonblock ? 0 : s->sndtimeo,
		.m = m,
	};
	s64 r = attempt(&a);

	if (r < 0 && m->done)
		r = (s64)m->done;
	if (r > 0 && unlikely(m->flags & MSG_ZEROCOPY) && sock_opt(s, SOPT_ZEROCOPY))
		s->ops->copied(s);
	return r;
}

static s64 try_recv(struct attempt *a)
{
	return a->s->ops->recvmsg(a->s, a->m);
}

s64 sock_recvmsg(struct socket *s, struct sock_msg *m)
{
	bool nonblock = m->flags & (MSG_DONTWAIT | MSG_ERRQUEUE); /* nobody waits for errors */
	struct attempt a = {
		.s = s,
		.try = try_recv,
		.events = POLL_READABLE | POLLRDHUP,
		.timeout = nonblock ? 0 : s->rcvtimeo,
		.exclusive = s->type != SOCK_STREAM,
		.m = m,
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
	struct attempt a = {
		.s = s,
		.try = try_connect,
		.events = POLL_WRITABLE,
		.timeout = nonblock ? 0 : s->sndtimeo,
		.addr = addr,
	};
	int err = landlock_may_connect(s, addr);

	return err ? err : (int)attempt(&a);
}

static s64 try_accept(struct attempt *a)
{
	return a->s->ops->accept(a->s, &a->conn);
}

int sock_accept(struct socket *s, bool nonblock, struct socket **conn)
{
	struct attempt a = {
		.s = s,
		.try = try_accept,
		.events = POLL_READABLE,
		.timeout = nonblock ? 0 : s->rcvtimeo,
		.exclusive = true,
	};
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
