/*
 * console.c - see console.h.
 *
 * A write(2) is copied once into one of four 16 KiB buffers of the arena and returns what the host's own write said, so
 * that errors and the order of the two outputs are as on the host itself. Two kinds of write return before: those with
 * O_NONBLOCK, and one that a signal ends while a slow reader holds it (the host has it already; Linux would return a
 * part). Their error shows at the next write. Input is asked for only when someone reads or polls, so that the host's
 * stream keeps what nobody read.
 *
 * Lock: stream->lock (spinlock); the copy into a claimed buffer is outside of it.
 */
#include <string.h>

#include "dev/console.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "ring/ring.h"
#include "task/task.h"

#define OUT_BUFFERS 4
#define BUF_ORDER   2
#define BUF_SIZE    (PAGE_SIZE << BUF_ORDER)
#define OUT_MAX	    (BUF_SIZE - sizeof(struct stream_reply)) /* the reply stands behind the data */
#define SIGPIPE	    13
#define FIONREAD    0x541b

struct out_buf {
	struct ring_request req;
	struct stream *stream;
	u8 *data;
	bool busy;
	bool awaited; /* a writer sleeps until `replied` and frees the buffer; else the reply does */
	bool replied;
	bool severed;		   /* a signal ended the writer's sleep */
	struct stream_reply reply; /* once replied */
};

struct stream {
	struct spinlock lock;
	struct ring *ring;
	struct waitq q;
	/* output */
	struct out_buf bufs[OUT_BUFFERS];
	u32 in_flight;	/* requests whose completion has not ended */
	u32 error;	/* of a write that nobody awaited: for the next one */
	bool no_reader; /* the last reply was EPIPE */
	void (*room)(void *);
	void *room_arg;
	/* input */
	struct ring_request in_req;
	u8 *in; /* a reply, then data */
	u32 in_len, in_pos;
	u32 in_error; /* the host's read ended with it: eof, told once */
	bool asked, eof;
	size_t (*input)(void *, const u8 *, size_t);
	void *input_arg;
};

static struct stream streams[3];

/* ---- output ---- */

static void out_done(struct ring_request *r, s32 written)
{
	struct out_buf *b = container_of(r, struct out_buf, req);
	struct stream *s = b->stream;
	struct stream_reply reply = { .error = EIO };

	if (written == sizeof(reply))
		memcpy(&reply, b->data + OUT_MAX, sizeof(reply));
	spin_lock(&s->lock);
	s->no_reader = reply.error == EPIPE;
	b->reply = reply;
	b->replied = true;
	if (!b->awaited) {
		b->busy = false;
		if (reply.error)
			s->error = reply.error;
	}
	spin_unlock(&s->lock);
	if (s->room)
		s->room(s->room_arg);
	atomic_sub(&s->in_flight, 1);
	poll_wake(&s->q, POLL_WRITABLE);
}

static struct out_buf *claim(struct stream *s, bool awaited)
{
	struct out_buf *b = NULL;

	spin_lock(&s->lock);
	for (unsigned i = 0; i < OUT_BUFFERS && !b; i++)
		if (!s->bufs[i].busy)
			b = &s->bufs[i];
	if (b) {
		b->busy = true;
		b->awaited = awaited;
		b->replied = b->severed = false;
	}
	spin_unlock(&s->lock);
	if (b && !b->data) {
		paddr_t pa = frame_alloc(ZONE_ARENA, BUF_ORDER, 0);

		if (pa) {
			b->data = paddr_to_ptr(pa);
		} else {
			b->busy = false;
			b = NULL;
		}
	}
	return b;
}

/* 0 or -EIO; then the buffer is free again. Not by out_done, since the terminal calls us under its lock. */
static int submit(struct out_buf *b, size_t len)
{
	struct stream *s = b->stream;
	struct ring_buf rb[2] = { { b->data, (u32)len },
				  { b->data + OUT_MAX, sizeof(struct stream_reply) } };

	atomic_add(&s->in_flight, 1);
	if (ring_add(s->ring, &b->req, rb, 1, 1) < 0) {
		atomic_sub(&s->in_flight, 1);
		b->busy = false;
		return -EIO;
	}
	ring_kick(s->ring);
	return 0;
}

/* Sleep until the host has answered and free the buffer. False: a signal came first, and the reply will free it. */
static bool await_reply(struct out_buf *b, struct stream_reply *reply)
{
	struct stream *s = b->stream;
	bool replied;

	wait_event(&s->q, SLEEP_INTERRUPTIBLE, NO_DEADLINE, READ_ONCE(b->replied));
	spin_lock(&s->lock);
	replied = b->replied;
	if (replied) {
		*reply = b->reply;
		b->busy = false;
	} else {
		b->awaited = false;
		b->severed = true;
	}
	spin_unlock(&s->lock);
	if (replied)
		poll_wake(&s->q, POLL_WRITABLE);
	return replied;
}

static s64 output_error(u32 error)
{
	if (error == EPIPE)
		signal_task(task_current(), SIGPIPE, NULL);
	return -(s64)MIN(error, 4095u);
}

static u32 take_error(struct stream *s)
{
	u32 error;

	spin_lock(&s->lock);
	error = s->error;
	s->error = 0;
	spin_unlock(&s->lock);
	return error;
}

static s64 stream_write(struct file *f, struct iov *from, u64 *pos)
{
	struct stream *s = f->priv;
	bool wait = !from->nonblock && !(f->flags & O_NONBLOCK);
	struct stream_reply reply;
	struct out_buf *b;
	u32 error;
	size_t n;

	if (!from->left)
		return 0;
	error = take_error(s);
	if (error)
		return output_error(error);
	b = claim(s, wait);
	if (!b)
		return -EAGAIN;
	n = iov_from(from, b->data, MIN(from->left, OUT_MAX));
	if (!n) {
		b->busy = false;
		return -EFAULT;
	}
	if (submit(b, n))
		return -EIO;
	if (!wait || !await_reply(b, &reply))
		return (s64)n;
	if (!reply.error)
		return (s64)n;
	if (!reply.taken)
		return output_error(reply.error);
	/* Some of it went out: that is the result, and the rest meets the error. */
	reply.taken = (u32)MIN(reply.taken, n);
	iov_rewind(from, n - reply.taken);
	return reply.taken;
}

size_t console_output(const u8 *data, size_t len)
{
	struct out_buf *b = claim(&streams[1], false);

	if (!b)
		return 0;
	len = MIN(len, OUT_MAX);
	memcpy(b->data, data, len);
	submit(b, len);
	return len;
}

void console_set_room(void (*room)(void *arg), void *arg)
{
	streams[1].room_arg = arg;
	streams[1].room = room;
}

/* Is something on its way that has to arrive? */
static bool undelivered(const struct stream *s, bool severed)
{
	if (severed || s->room) /* the terminal submits more in a completion */
		return atomic_load(&s->in_flight);
	for (unsigned i = 0; i < OUT_BUFFERS; i++)
		if (READ_ONCE(s->bufs[i].busy) && !READ_ONCE(s->bufs[i].severed))
			return true;
	return false;
}

void console_drain(bool severed)
{
	for (unsigned i = 1; i < 3; i++)
		wait_event(&streams[i].q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE,
			   !undelivered(&streams[i], severed));
}

/* ---- input ---- */

static void ask(struct stream *s)
{
	struct ring_buf b;
	bool post;

	spin_lock(&s->lock);
	post = !s->asked && !s->eof && s->in_pos == s->in_len;
	if (post && !s->in) {
		paddr_t pa = frame_alloc(ZONE_ARENA, BUF_ORDER, 0);

		s->in = pa ? paddr_to_ptr(pa) : NULL;
		post = pa;
	}
	if (post)
		s->asked = true;
	spin_unlock(&s->lock);
	if (!post)
		return;
	b = (struct ring_buf){ s->in, BUF_SIZE };
	if (ring_add(s->ring, &s->in_req, &b, 0, 1) < 0)
		s->in_req.done(&s->in_req, 0);
	ring_kick(s->ring);
}

static void in_done(struct ring_request *r, s32 written)
{
	struct stream *s = container_of(r, struct stream, in_req);
	struct stream_reply reply = { .error = EIO };
	u32 n = 0;

	if (written >= (s32)sizeof(reply)) {
		memcpy(&reply, s->in, sizeof(reply));
		n = (u32)written - sizeof(reply);
	}
	spin_lock(&s->lock);
	s->asked = false;
	s->in_pos = 0;
	s->in_len = n;
	s->eof = !n;
	s->in_error = MIN(reply.error, 4095u);
	spin_unlock(&s->lock);
	if (s->input)
		console_want_input();
	else
		poll_wake(&s->q, POLL_READABLE);
}

static s64 stream_read(struct file *f, struct iov *to, u64 *pos)
{
	struct stream *s = f->priv;
	s64 ret = -EAGAIN;
	u32 at, n = 0;

	if (!to->left)
		return 0;
	spin_lock(&s->lock);
	if (s->in_pos < s->in_len) {
		at = s->in_pos;
		n = (u32)MIN(to->left, (size_t)(s->in_len - at));
		s->in_pos += n; /* ours now: a second reader goes on behind it */
	} else if (s->eof) {
		/* A terminal may give more after its end of file: the next read asks again. */
		s->eof = false;
		ret = -(s64)s->in_error;
	}
	spin_unlock(&s->lock);
	if (n) {
		size_t got = iov_to(to, s->in + sizeof(struct stream_reply) + at, n);

		return got ? (s64)got : -EFAULT;
	}
	if (ret == -EAGAIN)
		ask(s);
	return ret;
}

void console_set_input(size_t (*fn)(void *arg, const u8 *data, size_t len), void *arg)
{
	streams[0].input_arg = arg;
	streams[0].input = fn;
}

/* One caller at a time hands bytes on: `feeding` keeps their order. A call in between makes it look again. */
void console_want_input(void)
{
	static u32 feeding;
	struct stream *s = &streams[0];

	if (atomic_add(&feeding, 1) != 1)
		return;
	do {
		bool eof;

		atomic_store(&feeding, 1);
		eof = READ_ONCE(s->eof); /* for good: a terminal gives no end of file in raw mode */
		if (eof)
			s->input(s->input_arg, NULL, 0);
		if (s->in_pos < s->in_len)
			s->in_pos += (u32)s->input(s->input_arg,
						   s->in + sizeof(struct stream_reply) + s->in_pos,
						   s->in_len - s->in_pos);
		if (!eof)
			ask(s);
	} while (atomic_sub(&feeding, 1));
}

/* ---- files ---- */

static u32 stream_poll(struct file *f, struct poll_table *pt)
{
	struct stream *s = f->priv;
	u32 ev = 0;

	poll_wait(f, &s->q, pt);
	if (s == &streams[0]) {
		if (s->in_pos < s->in_len || s->eof)
			return POLL_READABLE;
		ask(s);
		return 0;
	}
	for (unsigned i = 0; i < OUT_BUFFERS; i++)
		if (!READ_ONCE(s->bufs[i].busy))
			ev = POLL_WRITABLE;
	return ev | (s->no_reader ? POLLERR : 0);
}

static s64 stream_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct stream *s = f->priv;
	s32 n = (s32)(s->in_len - s->in_pos);

	if (cmd != FIONREAD)
		return -ENOTTY;
	return user_write(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static const struct file_ops stream_fops = {
	.name = "pipe",
	.read = stream_read,
	.write = stream_write,
	.seek = stream_seek,
	.poll = stream_poll,
	.ioctl = stream_ioctl,
};

bool console_reopen(struct inode *i, struct file *f)
{
	struct stream *s = i->special;

	if (s < streams || s >= streams + ARRAY_SIZE(streams))
		return false;
	f->ops = &stream_fops;
	f->priv = s;
	f->waitq = &s->q;
	return true;
}

struct file *console_file(int stream)
{
	struct inode *i = inode_anon(S_IFIFO | 0600);
	struct file *f;

	if (!i)
		return ERR_PTR(-ENOMEM);
	f = file_alloc(&stream_fops, stream ? O_WRONLY : O_RDONLY, &streams[stream]);
	if (IS_ERR(f)) {
		inode_put(i);
		return f;
	}
	i->special = &streams[stream];
	f->inode = i;
	f->waitq = &streams[stream].q;
	return f;
}

void console_start(void)
{
	for (unsigned i = 0; i < 3; i++) {
		struct stream *s = &streams[i];

		spin_init(&s->lock);
		waitq_init(&s->q);
		s->ring = ring_open(RING_Q_STDIN + i);
		s->in_req.done = in_done;
		for (unsigned k = 0; k < OUT_BUFFERS; k++) {
			s->bufs[k].req.done = out_done;
			s->bufs[k].stream = s;
		}
	}
}
