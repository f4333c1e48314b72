/*
 * eventfd.c - eventfd(2): a counter that can be waited for. Lock: the object's spinlock; one word is copied outside it.
 */
#include "fs/abi.h"
#include "fs/anon/eventfd.h"
#include "fs/poll_bits.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"

#define EVENTFD_MAX (~0ULL - 1)

struct eventfd {
	struct spinlock lock;
	u64 count;
	bool semaphore;
	struct waitq q;
};

static s64 eventfd_read(struct file *f, struct iov *to, u64 *pos)
{
	struct eventfd *e = f->priv;
	u64 v;

	if (to->left < sizeof(v))
		return -EINVAL;
	spin_lock(&e->lock);
	v = e->semaphore && e->count ? 1 : e->count;
	e->count -= v;
	spin_unlock(&e->lock);
	if (!v)
		return -EAGAIN;
	poll_wake(&e->q, POLL_WRITABLE);
	return iov_to(to, &v, sizeof(v)) == sizeof(v) ? (s64)sizeof(v) : -EFAULT;
}

static s64 eventfd_write(struct file *f, struct iov *from, u64 *pos)
{
	struct eventfd *e = f->priv;
	bool room;
	u64 v;

	if (from->left < sizeof(v))
		return -EINVAL;
	if (iov_from(from, &v, sizeof(v)) != sizeof(v))
		return -EFAULT;
	if (v == ~0ULL)
		return -EINVAL;
	spin_lock(&e->lock);
	room = EVENTFD_MAX - e->count >= v;
	if (room)
		e->count += v;
	spin_unlock(&e->lock);
	if (!room) {
		/* The wait loop calls again with the same iov: give the bytes back. */
		iov_rewind(from, sizeof(v));
		return -EAGAIN;
	}
	if (v)
		poll_wake(&e->q, POLL_READABLE);
	return sizeof(v);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	u64 n;

	poll_wait(f, &e->q, pt);
	n = READ_ONCE(e->count);
	return (n ? POLL_READABLE : 0) | (n < EVENTFD_MAX ? POLL_WRITABLE : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static void eventfd_fdinfo(struct file *f, struct seq *s)
{
	struct eventfd *e = f->priv;

	seq_printf(s, "eventfd-count: %16llx\n", (unsigned long long)READ_ONCE(e->count));
}

static const struct file_ops eventfd_fops = {
	.name = "[eventfd]",
	.read = eventfd_read,
	.write = eventfd_write,
	.seek = stream_seek,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_fdinfo,
};

void eventfd_signal(struct file *f)
{
	struct iov_seg one;
	struct iov v;
	u64 n = 1;

	iov_kernel(&v, &one, &n, sizeof(n));
	eventfd_write(f, &v, NULL);
}

bool is_eventfd(const struct file *f)
{
	return f->ops == &eventfd_fops;
}

struct file *eventfd_create(u32 count, u32 flags)
{
	struct eventfd *e = kzalloc(sizeof(*e));
	struct file *f;

	if (!e)
		return ERR_PTR(-ENOMEM);
	spin_init(&e->lock);
	waitq_init(&e->q);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	f = file_alloc_anon(&eventfd_fops, O_RDWR | (flags & O_NONBLOCK), e);
	if (IS_ERR(f)) {
		kfree(e);
		return f;
	}
	f->mode |= FMODE_READ | FMODE_WRITE | FMODE_STREAM;
	f->waitq = &e->q;
	return f;
}
