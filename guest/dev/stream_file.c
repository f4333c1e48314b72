/*
 * stream_file.c - streams as open files, and read whole by the Sentry.
 *
 * A write(2) is copied once into the stream's buffer in the arena and returns what the host's own write said, so that
 * errors and the order of two outputs are as on the host itself, and what was written before an exit is outside. One write
 * at a time is with the host; it is answered at once. Where the host cannot go on, the caller waits in file_write as for a
 * pipe of ours. Input is asked for only when someone reads or polls, 16 KiB at a time: what nobody asked for stays outside.
 */
#include <string.h>

#include "dev/stream_priv.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "task/task.h"

#define SIGPIPE 13

static s64 output_error(u32 error)
{
	if (error == EPIPE)
		signal_task(task_current(), SIGPIPE, NULL);
	return -(s64)MIN(error, 4095u);
}

/* The output buffer is the caller's: 0, -EAGAIN, -ENOMEM. */
static int claim(struct stream *s)
{
	int err = -EAGAIN;

	spin_lock(&s->lock);
	if (!s->claimed && !s->out.waits) {
		err = stream_buffer(&s->out);
		s->claimed = !err;
		s->async = false;
	}
	spin_unlock(&s->lock);
	return err;
}

static void release(struct stream *s)
{
	spin_lock(&s->lock);
	s->claimed = false;
	spin_unlock(&s->lock);
	poll_wake(&s->q, POLL_WRITABLE);
}

/* One write of the first n bytes in the buffer, which is the caller's. */
static struct stream_reply write_once(struct stream *s, size_t n)
{
	s->out.len = (u32)n;
	s->answered = false;
	s->out.busy = true;
	stream_submit(&s->out);
	wait_event(&s->q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, READ_ONCE(s->answered));
	return s->answer;
}

static s64 stream_write(struct file *f, struct iov *from, u64 *pos)
{
	struct stream *s = f->priv;
	struct stream_reply r;
	size_t n;
	int err;

	if (!from->left)
		return 0;
	err = claim(s);
	if (err)
		return err;
	n = iov_from(from, s->out.buf->data, MIN(from->left, STREAM_DATA));
	if (!n) {
		release(s);
		return -EFAULT;
	}
	r = write_once(s, n);
	release(s);
	/* Some of it went out: that is the result, and the rest meets the error. */
	iov_rewind(from, n - r.taken);
	if (r.taken)
		return r.taken;
	return r.error ? output_error(r.error) : -EIO;
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
		size_t got = iov_to(to, s->in.buf->data + at, n);

		return got ? (s64)got : -EFAULT;
	}
	if (ret == -EAGAIN)
		stream_ask(s);
	return ret;
}

static u32 stream_poll(struct file *f, struct poll_table *pt)
{
	struct stream *s = f->priv;
	u32 ev = 0;

	poll_wait(f, &s->q, pt);
	if ((f->flags & O_ACCMODE) == O_RDONLY) {
		if (s->in_pos < s->in_len || s->eof)
			return POLL_READABLE;
		stream_ask(s);
		return 0;
	}
	if (!READ_ONCE(s->claimed) && !READ_ONCE(s->out.waits))
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

static void stream_release(struct file *f)
{
	stream_put(f->priv);
}

static const struct file_ops stream_fops = {
	.name = "pipe",
	.read = stream_read,
	.write = stream_write,
	.seek = stream_seek,
	.poll = stream_poll,
	.ioctl = stream_ioctl,
	.release = stream_release,
};
static const struct inode_ops stream_iops = { .fops = &stream_fops };

/* The inode names the stream by i->special without a reference: it lives as long as a file on it, and so does the stream. */
bool stream_reopen(struct inode *i, struct file *f)
{
	struct stream *s = i->special;

	if (i->ops != &stream_iops)
		return false;
	stream_get(s);
	f->ops = &stream_fops;
	f->priv = s;
	f->waitq = &s->q;
	return true;
}

struct file *stream_file(struct stream *s, bool write)
{
	struct inode *i = inode_anon(S_IFIFO | 0600);
	struct file *f;

	if (!i)
		return ERR_PTR(-ENOMEM);
	f = file_alloc(&stream_fops, write ? O_WRONLY : O_RDONLY, s);
	if (IS_ERR(f)) {
		inode_put(i);
		return f;
	}
	stream_get(s);
	i->special = s;
	i->ops = &stream_iops;
	f->inode = i;
	f->waitq = &s->q;
	return f;
}

s64 stream_next(struct stream *s, const u8 **data)
{
	do {
		stream_ask(s);
		if (!s->in.buf)
			return -ENOMEM;
		wait_event(&s->q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, !READ_ONCE(s->in.busy));
	} while (s->in_len == s->in_pos &&
		 !READ_ONCE(s->eof)); /* else only now is there something */
	if (s->in_len == s->in_pos)
		return -(s64)s->in_error;
	*data = s->in.buf->data + s->in_pos;
	return s->in_len - s->in_pos;
}

void stream_taken(struct stream *s)
{
	s->in_pos = s->in_len;
}

u8 *stream_room(struct stream *s, size_t *size)
{
	*size = STREAM_DATA;
	return claim(s) ? NULL : s->out.buf->data;
}

int stream_put_out(struct stream *s, size_t n)
{
	while (n) {
		struct stream_reply r = write_once(s, n);

		n -= r.taken;
		if (n && r.error != EAGAIN)
			return r.error ? -(int)MIN(r.error, 4095u) : -EIO;
		memmove(s->out.buf->data, s->out.buf->data + r.taken, n);
		wait_event(&s->q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, !READ_ONCE(s->out.waits));
	}
	return 0;
}

u8 *stream_read_all(struct stream *s, size_t max, size_t *len)
{
	size_t cap = STREAM_DATA, n = 0;
	u8 *buf = kmalloc(cap);

	while (buf) {
		const u8 *data;
		s64 got = stream_next(s, &data);

		if (!got) {
			*len = n;
			return buf;
		}
		if (got < 0 || n + (size_t)got > max) {
			kfree(buf);
			return ERR_PTR(got < 0 ? got : -E2BIG);
		}
		if (n + (size_t)got > cap) {
			u8 *more = kmalloc(cap * 2);

			if (more)
				memcpy(more, buf, n);
			kfree(buf);
			buf = more;
			cap *= 2;
		}
		if (buf)
			memcpy(buf + n, data, (size_t)got);
		n += (size_t)got;
		stream_taken(s);
	}
	return ERR_PTR(-ENOMEM);
}
