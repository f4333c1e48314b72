/*
 * stream_priv.h - what stream.c and stream_file.c share.
 *
 * A direction has one request at a time, which the host answers at once. `held` is a copy buffer in the arena, made at first
 * use: request, reply, data. An answer of EAGAIN is followed by one event when the stream can go on; event and answer come
 * through different queues and in any order, so each notes that it came.
 */
#ifndef MOAT_DEV_STREAM_PRIV_H
#define MOAT_DEV_STREAM_PRIV_H

#include "dev/stream.h"
#include "lib/list.h"
#include "ring/ring.h"

#define STREAM_ORDER 2
#define STREAM_BUF   (PAGE_SIZE << STREAM_ORDER)

/* As it lies in the arena. */
struct stream_buf {
	struct stream_req req;
	struct stream_reply reply;
	u8 data[STREAM_BUF - 16];
};
#define STREAM_DATA sizeof(((struct stream_buf *)0)->data)

struct stream_half {
	struct ring_request rr;
	struct stream *stream;
	struct stream_buf *buf;
	bool busy;    /* a request is with the host; input: or waits for its event */
	bool waits;   /* the answer was EAGAIN, its event is to come */
	bool event;   /* the event is here, the EAGAIN is to come */
	bool starved; /* waits in `starving` for room in the ring */
	u32 len;      /* output: bytes of data to go */
	struct list node;
};

struct stream {
	struct ref ref;
	struct spinlock lock;
	u32 id;
	struct waitq q;
	struct list node; /* to be closed */

	struct stream_half out;
	bool claimed;  /* a writer has the output buffer */
	bool answered; /* ... and its answer */
	bool async;    /* nobody awaits the answer: the terminal's output */
	struct stream_reply answer;
	u32 error;	/* of an asynchronous write: for the next one */
	bool no_reader; /* the last answer was EPIPE */

	struct stream_half in;
	u32 in_len, in_pos;
	u32 in_error; /* the host's read ended with it: eof, told once */
	bool eof;
	u32 feeding;

	struct stream_user user;
	u32 calls; /* in functions of the user */
};

/* lock held: make the buffer's frames, or -ENOMEM. */
int stream_buffer(struct stream_half *h);
/* Send h's request, len bytes of data behind it; it completes in any case. h->busy is set, no lock held. */
void stream_submit(struct stream_half *h);
/* Read ahead, if nothing is left and nobody has asked. */
void stream_ask(struct stream *s);

#endif
