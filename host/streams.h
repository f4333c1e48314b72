/*
 * streams.h - the byte streams that the Sentry's programs read and write: the standard streams of every container and of
 * every process put into one, and the files that hold their specs.
 *
 * The Sentry asks for one read or write at a time and has its answer at once, EAGAIN if the stream cannot go on; then the
 * stream waits in the launcher's epoll set, and the Sentry is told once when it is ready. So one thread serves any number
 * of streams, and a slow reader of one holds up no other. Input is read only when a program asks for it.
 *
 * What must never happen is that a call here blocks, or that the flags of a description that others share change. Pipes
 * and terminals therefore should come as descriptions of their own, opened O_NONBLOCK (stream_fd.h does that); others are
 * polled first and written in pieces of PIPE_BUF. Sockets take MSG_DONTWAIT. Files of a disk do not count as blocking.
 *
 * Per write of the Sentry's: 1 epoll_wait, 1 write, 1 eventfd write; the same for a read; no copy. One thread; no locks.
 */
#ifndef MOAT_HOST_STREAMS_H
#define MOAT_HOST_STREAMS_H

#include <stdbool.h>

#include "host/ring_dev.h"
#include "host/sandbox.h"

struct stream;

struct streams {
	struct sandbox *sb;
	struct ring_dev ring, events;
	int epoll;
	uint32_t tag;
	struct stream *table; /* STREAMS_MAX */
	unsigned top;	      /* places below it were used at some time */
	unsigned free;	      /* first of those that are free again, by index */
	unsigned told;	      /* first of those whose readiness waits for a buffer */
};

/* sb's arena is mapped. Streams wait in epoll with `tag` in the upper half of their data, their id in the lower. 0 or -1. */
int streams_init(struct streams *s, struct sandbox *sb, int epoll, uint32_t tag, struct error *err);
/* A new stream over fd, which it takes over (closed on failure too). Its id, or STREAM_NONE: there are too many. */
uint32_t streams_add(struct streams *s, int fd);
void streams_close(struct streams *s, uint32_t id); /* any id */

/* Serve what the Sentry asks for, a ring's worth at most. True: there is more, do not sleep. */
bool streams_drain(struct streams *s);
/* epoll returned a stream's id with these events. */
void streams_ready(struct streams *s, uint32_t id, uint32_t events);
/* The Sentry broke a queue's protocol; nothing is served any more. */
bool streams_broken(const struct streams *s);

#endif
