/*
 * streams.c - see streams.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/ctl.h"
#include "host/error.h"
#include "host/streams.h"

#define INDEX(id) ((id) & (STREAMS_MAX - 1))
#define NEXT_LIFE STREAMS_MAX /* what is added to an id when its place is used again */
#define NONE	  STREAMS_MAX
#define MEM_MAJOR 1 /* /dev/null and its like */
#define CLOSE_MAX 1024

enum kind { FREE, DIRECT, NONBLOCK, SOCKET, POLLED };

struct stream {
	uint32_t id;
	int fd;
	uint8_t kind;
	uint8_t waits; /* STREAM_CAN_*: said EAGAIN to */
	uint8_t ready; /* STREAM_CAN_*: to be told */
	bool in_epoll;
	unsigned next; /* free list, or told list */
};

int streams_init(struct streams *s, struct sandbox *sb, int epoll, uint32_t tag, struct error *err)
{
	_Static_assert((STREAMS_MAX & (STREAMS_MAX - 1)) == 0, "an id's low bits are the index");
	s->sb = sb;
	s->epoll = epoll;
	s->tag = tag;
	s->table = calloc(STREAMS_MAX, sizeof(*s->table));
	if (!s->table)
		return error_set(err, ENOMEM, "out of memory");
	s->free = s->told = NONE;
	s->top = 0;
	ring_dev_init(&s->ring, sb->arena, sb->arena_size, RING_Q_STREAM);
	ring_dev_init(&s->events, sb->arena, sb->arena_size, RING_Q_STREAM_EVENT);
	return 0;
}

static enum kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return POLLED;
	if (S_ISSOCK(st.st_mode))
		return SOCKET;
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return DIRECT;
	if (S_ISCHR(st.st_mode) && major(st.st_rdev) == MEM_MAJOR)
		return DIRECT;
	return fcntl(fd, F_GETFL) & O_NONBLOCK ? NONBLOCK : POLLED;
}

uint32_t streams_add(struct streams *s, int fd)
{
	struct stream *st;

	if (s->free != NONE) {
		st = &s->table[s->free];
		s->free = st->next;
	} else if (s->top < STREAMS_MAX) {
		st = &s->table[s->top];
		st->id = s->top++;
	} else {
		close(fd);
		return STREAM_NONE;
	}
	st->fd = fd;
	st->kind = (uint8_t)kind_of(fd);
	st->waits = st->ready = 0;
	st->in_epoll = false;
	st->next = NONE;
	return st->id;
}

static struct stream *find(struct streams *s, uint32_t id)
{
	struct stream *st = &s->table[INDEX(id)];

	return st->kind != FREE && st->id == id ? st : NULL;
}

void streams_close(struct streams *s, uint32_t id)
{
	struct stream *st = find(s, id);

	if (!st)
		return;
	if (st->in_epoll) /* it would stay in the set while someone else holds the description */
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, st->fd, NULL);
	close(st->fd);
	for (unsigned *p = &s->told; *p != NONE; p = &s->table[*p].next)
		if (*p == INDEX(id)) {
			*p = st->next;
			break;
		}
	st->kind = FREE;
	st->fd = -1;
	st->id += NEXT_LIFE;
	if (st->id == STREAM_NONE)
		st->id = INDEX(id);
	st->next = s->free;
	s->free = INDEX(id);
}

/* Would it go on now? For descriptions that others share: those cannot be made non-blocking. */
static bool polled(const struct stream *st, short events)
{
	struct pollfd p = { st->fd, events, 0 };

	return st->kind != POLLED || poll(&p, 1, 0) != 0;
}

static ssize_t write_once(const struct stream *st, struct iovec *iov, unsigned n)
{
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = n };

	switch (st->kind) {
	case SOCKET: return sendmsg(st->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	case POLLED:
		if (!polled(st, POLLOUT)) {
			errno = EAGAIN;
			return -1;
		}
		return write(st->fd, iov->iov_base,
			     iov->iov_len < PIPE_BUF ? iov->iov_len : PIPE_BUF);
	default: return writev(st->fd, iov, (int)n);
	}
}

/* All of it, as far as it goes without waiting. */
static void write_all(const struct stream *st, struct iovec *iov, unsigned n,
		      struct stream_reply *reply)
{
	for (unsigned i = 0; i < n;) {
		ssize_t done = write_once(st, iov + i, n - i);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			reply->error = (uint32_t)errno;
			return;
		}
		reply->taken += (uint32_t)done;
		for (; i < n && (size_t)done >= iov[i].iov_len; i++)
			done -= (ssize_t)iov[i].iov_len;
		if (i < n) {
			iov[i].iov_base = (char *)iov[i].iov_base + done;
			iov[i].iov_len -= (size_t)done;
		}
	}
}

static void read_some(const struct stream *st, void *buf, size_t len, struct stream_reply *reply)
{
	ssize_t n;

	do {
		errno = EAGAIN;
		if (st->kind == SOCKET)
			n = recv(st->fd, buf, len, MSG_DONTWAIT);
		else
			n = polled(st, POLLIN) ? read(st->fd, buf, len) : -1;
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		reply->error = (uint32_t)errno;
	else
		reply->taken = (uint32_t)n;
}

static void tell(struct streams *s, struct stream *st, unsigned ready)
{
	if (!st->ready) {
		st->next = s->told;
		s->told = INDEX(st->id);
	}
	st->ready |= (uint8_t)ready;
}

/* An EAGAIN was said: an event is owed. */
static void await(struct streams *s, struct stream *st, unsigned what)
{
	struct epoll_event ev = { .events = EPOLLONESHOT };

	st->waits |= (uint8_t)what;
	if (st->waits & STREAM_CAN_READ)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if (st->waits & STREAM_CAN_WRITE)
		ev.events |= EPOLLOUT;
	ev.data.u64 = (uint64_t)s->tag << 32 | st->id;
	if (epoll_ctl(s->epoll, st->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, st->fd, &ev) == 0) {
		st->in_epoll = true;
		return;
	}
	/* It cannot be waited for: let the Sentry try again. */
	tell(s, st, st->waits);
	st->waits = 0;
}

void streams_ready(struct streams *s, uint32_t id, uint32_t events)
{
	struct stream *st = find(s, id);
	unsigned ready = 0;

	if (!st)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP))
		ready |= STREAM_CAN_READ;
	if (events & EPOLLOUT)
		ready |= STREAM_CAN_WRITE;
	if (events & (EPOLLHUP | EPOLLERR))
		ready = STREAM_CAN_READ | STREAM_CAN_WRITE;
	ready &= st->waits;
	st->waits &= (uint8_t)~ready;
	if (ready)
		tell(s, st, ready);
	if (st->waits)
		await(s, st, 0);
}

/* ---- the queues ---- */

/* Take n bytes off the front of the chain's readable part; false if it is shorter, and then it is spoilt. */
static bool take(struct ring_chain *c, unsigned *first, void *buf, size_t n)
{
	for (; n && *first < c->nout;) {
		struct iovec *v = &c->iov[*first];
		size_t part = v->iov_len < n ? v->iov_len : n;

		memcpy(buf, v->iov_base, part);
		buf = (char *)buf + part;
		n -= part;
		v->iov_base = (char *)v->iov_base + part;
		v->iov_len -= part;
		if (!v->iov_len)
			++*first;
	}
	return !n;
}

static void close_many(struct streams *s, struct ring_chain *c, unsigned first)
{
	uint32_t id;

	for (unsigned n = 0; n < CLOSE_MAX && take(c, &first, &id, sizeof(id)); n++)
		streams_close(s, id);
}

/* One request; how many bytes of the chain were written. */
static uint32_t serve(struct streams *s, struct ring_chain *c)
{
	struct iovec *in = &c->iov[c->nout];
	struct stream_reply reply = { 0 };
	struct stream_req req;
	struct stream *st;
	unsigned first = 0;
	uint32_t used = sizeof(reply);

	if (!take(c, &first, &req, sizeof(req)))
		return 0;
	if (req.op == STREAM_CLOSE) {
		close_many(s, c, first);
		return 0;
	}
	if (!c->nin || in->iov_len < sizeof(reply))
		return 0;
	st = find(s, req.id);
	if (!st) {
		reply.error = EBADF;
	} else if (req.op == STREAM_WRITE) {
		write_all(st, c->iov + first, c->nout - first, &reply);
	} else if (req.op == STREAM_READ && in->iov_len > sizeof(reply)) {
		read_some(st, (char *)in->iov_base + sizeof(reply), in->iov_len - sizeof(reply),
			  &reply);
		used += reply.taken;
	} else {
		reply.error = EINVAL;
	}
	memcpy(in->iov_base, &reply, sizeof(reply));
	if (st && reply.error == EAGAIN)
		await(s, st, req.op == STREAM_READ ? STREAM_CAN_READ : STREAM_CAN_WRITE);
	return used;
}

/* Tell as much as the Sentry has buffers for. */
static void tell_events(struct streams *s)
{
	struct ring_chain c;

	/* As in streams_drain: a Sentry that never stops must not keep us from the other queues. */
	for (unsigned n = 0; n < RING_ENTRIES && s->told != NONE; n++) {
		struct stream *st = &s->table[s->told];
		struct stream_event ev = { st->id, st->ready };
		int got = ring_dev_pop(&s->events, &c);

		if (got == -EINVAL)
			continue;
		if (got != 1)
			break;
		if (!c.nin || c.iov[c.nout].iov_len < sizeof(ev)) {
			ring_dev_push(&s->events, c.head, 0);
			continue;
		}
		memcpy(c.iov[c.nout].iov_base, &ev, sizeof(ev));
		ring_dev_push(&s->events, c.head, sizeof(ev));
		s->told = st->next;
		st->ready = 0;
	}
	if (ring_dev_publish(&s->events))
		queue_notify(s->sb, RING_Q_STREAM_EVENT);
}

bool streams_drain(struct streams *s)
{
	struct ring_chain chain;

	for (unsigned n = 0; n < RING_ENTRIES; n++) {
		int got = ring_dev_pop(&s->ring, &chain);

		if (got == 1) {
			ring_dev_push(&s->ring, chain.head, serve(s, &chain));
			/* The next one may be a slow file's: nobody waits for his answer longer than for his own. */
			if (ring_dev_publish(&s->ring))
				queue_notify(s->sb, RING_Q_STREAM);
		} else if (got != -EINVAL) {
			break;
		}
	}
	if (ring_dev_publish(&s->ring)) /* malformed ones went back */
		queue_notify(s->sb, RING_Q_STREAM);
	tell_events(s);
	return ring_dev_arm(&s->ring) || (s->told != NONE && ring_dev_arm(&s->events));
}

bool streams_broken(const struct streams *s)
{
	return s->ring.broken || s->events.broken;
}
