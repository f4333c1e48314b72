/*
 * console.c - see console.h.
 *
 * Output is copied once into one of four 16 KiB buffers of the arena and is on its way when write(2) returns; a slow
 * reader fills them and then holds the writer. An error on the host (EPIPE, ENOSPC) shows at the next write. Input is asked for only when someone reads or polls, so that the host's stream keeps what nobody read.
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
#define OUT_MAX	    (BUF_SIZE - 8) /* behind the data stands the host's answer: 0 or an errno */
#define SIGPIPE	    13
#define FIONREAD    0x541b

struct out_buf {
	struct ring_request req;
	struct stream *stream;
	u8 *data;
	bool busy;
};

struct stream {
	struct spinlock lock;
	struct ring *ring;
	struct waitq q;
	/* output */
	struct out_buf bufs[OUT_BUFFERS];
	bool broken; /* the host did not take everything: EPIPE */
	void (*room)(void *);
	void *room_arg;
	/* input */
	struct ring_request in_req;
	u8 *in;
	u32 in_len, in_pos;
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
	u32 answer = written == sizeof(answer) ? *(volatile u32 *)(b->data + OUT_MAX) : EIO;

	spin_lock(&s->lock);
	b->busy = false;
	if (answer)
		s->broken = true;
	spin_unlock(&s->lock);
	poll_wake(&s->q, POLL_WRITABLE);
	if (s->room)
		s->room(s->room_arg);
}

static struct out_buf *claim(struct stream *s)
{
	struct out_buf *b = NULL;

	spin_lock(&s->lock);
	for (unsigned i = 0; i < OUT_BUFFERS && !b; i++)
		if (!s->bufs[i].busy)
			b = &s->bufs[i];
	if (b)
		b->busy = true;
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

static void submit(struct out_buf *b, size_t len)
{
	struct stream *s = b->stream;
	struct ring_buf rb[2] = { { b->data, (u32)len }, { b->data + OUT_MAX, sizeof(u32) } };

	if (ring_add(s->ring, &b->req, rb, 1, 1) <
	    0) { /* not out_done: the terminal calls us under its lock */
		s->broken = true;
		b->busy = false;
		return;
	}
	ring_kick(s->ring);
}

static s64 stream_write(struct file *f, struct iov *from, u64 *pos)
{
	struct stream *s = f->priv;
	struct out_buf *b;
	size_t n;

	if (!from->left)
		return 0;
	if (s->broken) {
		signal_task(task_current(), SIGPIPE, NULL);
		return -EPIPE;
	}
	b = claim(s);
	if (!b)
		return -EAGAIN;
	n = iov_from(from, b->data, MIN(from->left, OUT_MAX));
	if (!n) {
		b->busy = false;
		return -EFAULT;
	}
	submit(b, n);
	return (s64)n;
}

size_t console_output(const u8 *data, size_t len)
{
	struct out_buf *b = claim(&streams[1]);

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

void console_drain(void)
{
	for (unsigned i = 1; i < 3; i++)
		wait_event(&streams[i].q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE,
			   ring_idle(streams[i].ring));
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

	spin_lock(&s->lock);
	s->asked = false;
	s->in_pos = 0;
	s->in_len = written > 0 ? (u32)written : 0;
	s->eof = written <= 0;
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
		ret = 0;
	}
	spin_unlock(&s->lock);
	if (n) {
		size_t got = iov_to(to, s->in + at, n);

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
		spin_lock(&s->lock);
		eof = s->eof;
		s->eof = false;
		spin_unlock(&s->lock);
		if (eof)
			s->input(s->input_arg, NULL, 0);
		if (s->in_pos < s->in_len)
			s->in_pos += (u32)s->input(s->input_arg, s->in + s->in_pos,
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
	return ev | (s->broken ? POLLERR : 0);
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
