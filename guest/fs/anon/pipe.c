/*
 * pipe.c - pipes and FIFOs: one ring of bytes in pages that exist only while they hold data.
 *
 * A write of up to PIPE_BUF bytes is atomic. In packet mode (O_DIRECT) each write is a record with its length in front.
 * Capacity counts bytes, not buffers as in Linux: many small writes fill Linux's pipe earlier, never ours.
 *
 * Lock: pipe->lock, a mutex that is held around user copies (a fault never needs it). Hot path, one byte each way: 1
 * mutex, 1 copy, 1 wake-up, no allocation once a page is cached.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/anon/pipe.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/task.h"

#define PIPE_BUF     4096
#define PIPE_DEFAULT 65536
#define PIPE_MAX     (1UL << 20) /* /proc/sys/fs/pipe-max-size */
#define PACKET_HEAD  sizeof(u32)
#define SIGPIPE	     13

struct pipe {
	struct ref ref; /* files, and the FIFO's inode while it has any */
	struct mutex lock;
	u8 **pages;	/* capacity / PAGE_SIZE slots; NULL: no data there */
	u8 *spare;	/* one page kept, so that ping-pong does not allocate */
	u64 capacity;	/* bytes, a power of two of pages */
	u64 head, tail; /* bytes ever read, written */
	bool framed;	/* what is in it are packets, as who wrote first had O_DIRECT */
	unsigned readers, writers;
	u32 reader_gen, writer_gen; /* opens so far: a FIFO's open waits for a change */
	struct waitq q;
	struct inode *inode; /* borrowed: open files hold it */
};

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->capacity = PIPE_DEFAULT;
	p->pages = kzalloc(p->capacity / PAGE_SIZE * sizeof(*p->pages));
	if (!p->pages) {
		kfree(p);
		return NULL;
	}
	ref_init(&p->ref);
	mutex_init(&p->lock);
	waitq_init(&p->q);
	return p;
}

static void pipe_put(struct pipe *p)
{
	if (!ref_put(&p->ref))
		return;
	for (u64 i = 0; i < p->capacity / PAGE_SIZE; i++)
		if (p->pages[i])
			page_free(p->pages[i]);
	if (p->spare)
		page_free(p->spare);
	kfree(p->pages);
	kfree(p);
}

static u64 used(const struct pipe *p)
{
	return p->tail - p->head;
}

/* The page that is being read is given to writers only when it is empty: no page holds the oldest and the newest bytes. */
static u64 room(const struct pipe *p)
{
	return p->capacity - (p->tail - ALIGN_DOWN(p->head, PAGE_SIZE));
}

static u8 **slot(const struct pipe *p, u64 at)
{
	return &p->pages[(at & (p->capacity - 1)) / PAGE_SIZE];
}

/* A page for the byte at p->tail. */
static u8 *page_for_write(struct pipe *p)
{
	u8 **s = slot(p, p->tail);

	if (!*s) {
		*s = p->spare ? p->spare : page_alloc();
		p->spare = NULL;
	}
	return *s;
}

/* head moved past the page of `at`: free it. */
static void page_done(struct pipe *p, u64 at)
{
	u8 **s = slot(p, at);

	if (!*s)
		return;
	if (p->spare)
		page_free(*s);
	else
		p->spare = *s;
	*s = NULL;
}

/* Append up to n bytes; the caller checked the room. Short on a fault or without memory. */
static size_t put_bytes(struct pipe *p, struct iov *from, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t off = p->tail % PAGE_SIZE, k = MIN(n - done, (size_t)(PAGE_SIZE - off)), got;
		u8 *page = page_for_write(p);

		if (!page)
			break;
		got = iov_from(from, page + off, k);
		p->tail += got;
		done += got;
		if (got < k)
			break;
	}
	return done;
}

/* Move up to n bytes out (to NULL: drop them). */
static size_t take_bytes(struct pipe *p, struct iov *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t off = p->head % PAGE_SIZE, k = MIN(n - done, (size_t)(PAGE_SIZE - off)),
		       got = k;

		if (to)
			got = iov_to(to, *slot(p, p->head) + off, k);
		p->head += got;
		done += got;
		if (got && (p->head % PAGE_SIZE == 0 || p->head == p->tail))
			page_done(p, p->head - 1);
		if (got < k)
			break;
	}
	if (p->head == p->tail)
		p->head = p->tail = 0;
	return done;
}

static s64 read_packet(struct pipe *p, struct iov *to)
{
	struct iov_seg seg;
	struct iov k;
	u32 len;
	size_t done;

	iov_kernel(&k, &seg, &len, sizeof(len));
	take_bytes(p, &k, sizeof(len));
	done = take_bytes(p, to, MIN((size_t)len, to->left));
	take_bytes(p, NULL, len - done);
	return (s64)done;
}

static s64 pipe_read(struct file *f, struct iov *to, u64 *pos)
{
	struct pipe *p = f->priv;
	size_t want = to->left;
	s64 ret;

	if (!want)
		return 0;
	mutex_lock(&p->lock);
	if (!used(p)) {
		ret = p->writers ? -EAGAIN : 0;
	} else if (p->framed) {
		ret = read_packet(p, to);
	} else {
		ret = (s64)take_bytes(p, to, MIN(want, (size_t)used(p)));
		if (!ret)
			ret = -EFAULT;
	}
	mutex_unlock(&p->lock);
	if (ret > 0)
		poll_wake(&p->q, POLL_WRITABLE);
	return ret;
}

static s64 write_one_packet(struct pipe *p, struct iov *from)
{
	u32 len = (u32)MIN(from->left, (size_t)PIPE_BUF);
	u64 start = p->tail;
	struct iov_seg seg;
	struct iov k;

	if (room(p) < len + PACKET_HEAD)
		return -EAGAIN;
	iov_kernel(&k, &seg, &len, sizeof(len));
	if (put_bytes(p, &k, PACKET_HEAD) < PACKET_HEAD || put_bytes(p, from, len) < len) {
		p->tail = start;
		return -EFAULT;
	}
	return len;
}

/* A write of more than PIPE_BUF is several packets. */
static s64 write_packets(struct pipe *p, struct iov *from)
{
	s64 done = 0, n = 0;

	while (from->left && (n = write_one_packet(p, from)) > 0)
		done += n;
	return done ? done : n;
}

static s64 pipe_write(struct file *f, struct iov *from, u64 *pos)
{
	struct pipe *p = f->priv;
	size_t want = from->left, space;
	s64 ret;

	if (!want)
		return 0;
	mutex_lock(&p->lock);
	space = room(p);
	if (!used(p))
		p->framed = f->flags & O_DIRECT;
	if (!p->readers) {
		ret = -EPIPE;
	} else if (p->framed) {
		ret = write_packets(p, from);
	} else if (!space || (want <= PIPE_BUF && space < want)) {
		ret = -EAGAIN;
	} else {
		ret = (s64)put_bytes(p, from, MIN(want, space));
		if (!ret)
			ret = -EFAULT;
	}
	mutex_unlock(&p->lock);
	if (ret > 0)
		poll_wake(&p->q, POLL_READABLE);
	if (ret == -EPIPE)
		signal_task(task_current(), SIGPIPE, NULL);
	return ret;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->priv;
	u32 ev = 0;

	poll_wait(f, &p->q, pt);
	if (f->mode & FMODE_READ) {
		if (used(p))
			ev |= POLL_READABLE;
		/* A FIFO that had no writer since this open is not hung up. */
		if (!p->writers && p->writer_gen != f->dir_cookie)
			ev |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (room(p) >= PIPE_BUF)
			ev |= POLL_WRITABLE;
		if (!p->readers)
			ev |= POLLERR;
	}
	return ev;
}

static s64 pipe_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct pipe *p = f->priv;
	s32 n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = (s32)used(p);
	return user_write(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

/* Nobody has it open any more: the next opener makes a new one. p->lock held. */
static void fifo_detach(struct pipe *p)
{
	struct inode *i = p->inode;

	if (!i)
		return;
	spin_lock(&i->lock);
	i->special = NULL;
	spin_unlock(&i->lock);
	p->inode = NULL;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->priv;
	bool last;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	last = !p->readers && !p->writers;
	if (last)
		fifo_detach(p);
	mutex_unlock(&p->lock);
	poll_wake(&p->q, POLL_READABLE | POLL_WRITABLE | POLLHUP | POLLERR);
	pipe_put(p);
}

static const struct file_ops pipe_fops = {
	.name = "pipe",
	.read = pipe_read,
	.write = pipe_write,
	.seek = stream_seek,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

static bool is_pipe(const struct pipe *p)
{
	return !p->inode || (p->inode->flags & INODE_ANON);
}

static void set_end(struct pipe *p, struct file *f, u32 mode)
{
	f->ops = &pipe_fops;
	f->priv = p;
	f->mode |= mode | FMODE_STREAM;
	f->waitq = &p->q;
	ref_get(&p->ref);
	if (f->mode & FMODE_READ) {
		p->readers++;
		p->reader_gen++;
		/* What a poll must not take for a hang-up: a FIFO opened before its first writer. */
		f->dir_cookie = p->writers || is_pipe(p) ? ~0ULL : p->writer_gen;
	}
	if (f->mode & FMODE_WRITE) {
		p->writers++;
		p->writer_gen++;
	}
}

int pipe_create(u32 flags, struct file **rd, struct file **wr)
{
	struct inode *ino = inode_anon(S_IFIFO | 0600);
	struct pipe *p = pipe_alloc();
	struct file *r = ERR_PTR(-ENOMEM), *w = ERR_PTR(-ENOMEM);
	int ret = -ENOMEM;

	if (!ino || !p)
		goto out;
	r = file_alloc(&pipe_fops, O_RDONLY | (flags & (O_NONBLOCK | O_DIRECT)), NULL);
	w = file_alloc(&pipe_fops, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), NULL);
	if (IS_ERR(r) || IS_ERR(w)) {
		ret = (int)PTR_ERR(IS_ERR(r) ? r : w);
		goto out;
	}
	inode_get(ino);
	inode_get(ino);
	r->inode = w->inode = ino;
	ino->special = p; /* for opening it again through /proc/PID/fd */
	p->inode = ino;
	set_end(p, r, FMODE_READ);
	set_end(p, w, FMODE_WRITE);
	*rd = r;
	*wr = w;
	r = w = NULL;
	ret = 0;
out:
	if (r && !IS_ERR(r)) {
		r->ops = NULL;
		file_put(r);
	}
	if (p)
		pipe_put(p);
	if (ino)
		inode_put(ino);
	return ret;
}

/* The FIFO's pipe, made at its first open. inode->lock guards inode->special. */
static struct pipe *fifo_pipe(struct inode *i)
{
	struct pipe *fresh = pipe_alloc(), *p;

	if (!fresh)
		return NULL;
	spin_lock(&i->lock);
	p = i->special;
	if (p && ref_tryget(&p->ref)) {
		spin_unlock(&i->lock);
		pipe_put(fresh);
		return p;
	}
	i->special = fresh;
	fresh->inode = i;
	spin_unlock(&i->lock);
	return fresh;
}

int pipe_open_fifo(struct inode *i, struct file *f)
{
	u32 mode = f->mode & (FMODE_READ | FMODE_WRITE), gen;
	struct pipe *p;
	int err = 0;

	do {
		p = fifo_pipe(i);
		if (!p)
			return -ENOMEM;
		mutex_lock(&p->lock);
		if (p->inode)
			break;
		/* Its last user just left: it belongs to no inode any more. */
		mutex_unlock(&p->lock);
		pipe_put(p);
	} while (1);
	if (mode == FMODE_WRITE && (f->flags & O_NONBLOCK) && !p->readers && !is_pipe(p)) {
		if (!p->writers)
			fifo_detach(p);
		mutex_unlock(&p->lock);
		pipe_put(p);
		return -ENXIO;
	}
	set_end(p, f, mode);
	mutex_unlock(&p->lock);
	waitq_wake_all(&p->q, POLL_READABLE | POLL_WRITABLE);
	if (is_pipe(p)) {
		err = 0; /* opened again through /proc: nobody waits */
	} else if (mode == FMODE_READ && !p->writers && !(f->flags & O_NONBLOCK)) {
		gen = p->writer_gen;
		err = wait_event(&p->q, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
				 READ_ONCE(p->writers) || READ_ONCE(p->writer_gen) != gen);
	} else if (mode == FMODE_WRITE && !p->readers) {
		gen = p->reader_gen;
		err = wait_event(&p->q, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
				 READ_ONCE(p->readers) || READ_ONCE(p->reader_gen) != gen);
	}
	pipe_put(p); /* fifo_pipe's; the file has its own */
	if (err) {
		pipe_release(f);
		f->ops = NULL;
		f->priv = NULL;
		f->waitq = NULL;
	}
	return err;
}

struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_fops ? f->priv : NULL;
}

s64 pipe_size(struct pipe *p)
{
	return (s64)p->capacity;
}

s64 pipe_set_size(struct pipe *p, u64 size)
{
	u64 cap = PAGE_SIZE, n;
	u8 **pages;
	s64 ret;

	if (size > 1UL << 31)
		return -EINVAL;
	while (cap < size)
		cap <<= 1;
	if (cap > PIPE_MAX && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	pages = kzalloc(cap / PAGE_SIZE * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	mutex_lock(&p->lock);
	ret = -EBUSY;
	if (used(p) > cap)
		goto out;
	/* Keep each byte's place in its page: positions stay, only the slots move. */
	if (used(p) && (p->tail - 1) / PAGE_SIZE - p->head / PAGE_SIZE >= cap / PAGE_SIZE)
		goto out;
	for (n = p->head / PAGE_SIZE; used(p) && n <= (p->tail - 1) / PAGE_SIZE; n++) {
		pages[n & (cap / PAGE_SIZE - 1)] = *slot(p, n * PAGE_SIZE);
		*slot(p, n * PAGE_SIZE) = NULL;
	}
	for (n = 0; n < p->capacity / PAGE_SIZE; n++)
		if (p->pages[n]) /* of a write that faulted at its first byte */
			page_free(p->pages[n]);
	kfree(p->pages);
	p->pages = pages;
	p->capacity = cap;
	pages = NULL;
	ret = (s64)cap;
out:
	mutex_unlock(&p->lock);
	kfree(pages);
	if (ret > 0)
		poll_wake(&p->q, POLL_WRITABLE);
	return ret;
}

size_t pipe_peek(struct pipe *p, void *buf, size_t n)
{
	size_t done = 0;

	mutex_lock(&p->lock);
	n = MIN(n, (size_t)used(p));
	while (done < n) {
		u64 at = p->head + done;
		size_t off = at % PAGE_SIZE, k = MIN(n - done, (size_t)(PAGE_SIZE - off));

		memcpy((u8 *)buf + done, *slot(p, at) + off, k);
		done += k;
	}
	mutex_unlock(&p->lock);
	return done;
}
