/*
 * timerfd.c - timerfd_create(2)'s descriptor; the timer itself is task/time/timer.h's.
 */
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/anon/timerfd.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"

static s64 timerfd_read_op(struct file *f, struct iov *to, u64 *pos)
{
	u64 ticks;

	if (to->left < sizeof(ticks))
		return -EINVAL;
	ticks = timerfd_read(f->priv);
	if (!ticks)
		return -EAGAIN;
	return iov_to(to, &ticks, sizeof(ticks)) == sizeof(ticks) ? (s64)sizeof(ticks) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->priv;

	poll_wait(f, &t->q, pt);
	return READ_ONCE(t->ticks) ? POLL_READABLE : 0;
}

static void timerfd_release(struct file *f)
{
	timerfd_destroy(f->priv);
	kfree(f->priv);
}

static void timerfd_fdinfo(struct file *f, struct seq *s)
{
	struct timerfd *t = f->priv;
	u64 value, interval;

	timerfd_gettime(t, &value, &interval);
	seq_printf(s, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", t->clock,
		   (unsigned long long)READ_ONCE(t->ticks), t->realtime_abs);
	seq_printf(s, "it_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		   (unsigned long long)(value / 1000000000),
		   (unsigned long long)(value % 1000000000),
		   (unsigned long long)(interval / 1000000000),
		   (unsigned long long)(interval % 1000000000));
}

static const struct file_ops timerfd_fops = {
	.name = "[timerfd]",
	.read = timerfd_read_op,
	.seek = stream_seek,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.show_fdinfo = timerfd_fdinfo,
};

struct file *timerfd_create_file(int clock, u32 flags)
{
	struct timerfd *t = kzalloc(sizeof(*t));
	struct file *f;

	if (!t)
		return ERR_PTR(-ENOMEM);
	timerfd_init(t, clock);
	f = file_alloc_anon(&timerfd_fops, O_RDWR | (flags & O_NONBLOCK), t);
	if (IS_ERR(f)) {
		timerfd_destroy(t);
		kfree(t);
		return f;
	}
	f->waitq = &t->q;
	return f;
}

struct timerfd *timerfd_of(struct file *f)
{
	return f->ops == &timerfd_fops ? f->priv : NULL;
}
