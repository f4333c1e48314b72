/*
 * stream.h - byte streams of the host (RING_Q_STREAM): the standard streams of containers and of processes put into them,
 * as files, as the wire of a terminal, or read by the Sentry itself.
 *
 * A stream belongs to whoever holds references: every file on it has one. When the last is gone, the host closes its
 * side, so that a reader out there sees the end.
 */
#ifndef MOAT_DEV_STREAM_H
#define MOAT_DEV_STREAM_H

#include "fs/file.h"

struct stream;

/* At boot, before the first stream. */
void stream_init(void);
/* The stream that the host calls id, with one reference; ERR_PTR(-ENOMEM), -EEXIST, -EINVAL (STREAM_NONE). */
struct stream *stream_open(u32 id);
void stream_get(struct stream *s);
void stream_put(struct stream *s);
/* Close a stream that was never opened here. */
void stream_discard(u32 id);

/* ---- files (stream_file.c) ---- */

/* A file to read or to write; one reference, ERR_PTR. The stream's reference stays the caller's. */
struct file *stream_file(struct stream *s, bool write);
/* f opens inode i again (/proc/self/fd/1): true if i is one of ours, and f is set up. */
bool stream_reopen(struct inode *i, struct file *f);

/* ---- for the terminal ---- */

struct stream_user {
	/*
	 * Gets bytes as they arrive (an upcall; len 0: end of file) and returns how many it took; the rest is offered again
	 * by stream_want_input. While nothing is left the stream reads ahead one buffer.
	 */
	size_t (*input)(void *arg, const u8 *data, size_t len);
	void (*room)(void *arg); /* stream_output would take more (an upcall) */
	void *arg;
};
/* From a task. When it returns, nobody is in a function of the user before, nor will be. */
void stream_set_user(struct stream *s, const struct stream_user *u);
void stream_want_input(struct stream *s);
/* Queue bytes: how many were taken; 0 when it is full, and then room will be called. */
size_t stream_output(struct stream *s, const u8 *data, size_t len);
/* Will the host take no more: nobody reads, or an error? What is queued then will not go. */
bool stream_dead(const struct stream *s);
/* Is output on its way? */
bool stream_busy(const struct stream *s);

/* ---- for the Sentry ---- */

/* The next bytes of a stream, which lie there until stream_taken; how many, 0: its end, or what the host's read said. From a task. */
s64 stream_next(struct stream *s, const u8 **data);
void stream_taken(struct stream *s);
/* Where the next write's bytes are to be put, and how many at most; for the only writer. NULL: no memory. */
u8 *stream_room(struct stream *s, size_t *size);
/* Write n bytes that were put there, however long it takes, from a task. 0, or what the host's write said. */
int stream_put_out(struct stream *s, size_t n);
/* All of a file, from a task; *len bytes in the heap. ERR_PTR(-E2BIG) above max, or what the host's read said. */
u8 *stream_read_all(struct stream *s, size_t max, size_t *len);

#endif
