/*
 * inotify_file.c - the descriptor of an inotify instance: reading events, polling, FIONREAD, fdinfo.
 */
#include <string.h>

#include "fs/inotify.h"
#include "fs/seq.h"
#include "mm/slab.h"
#include "task/task.h"

static s64 put_event(struct iov *to, const struct inotify_queued *q)
{
	size_t size = inotify_size(q);
	struct {
		s32 wd;
		u32 mask, cookie, len;
		char name[NAME_MAX + 1 + INOTIFY_HEADER];
	} e;

	memset(&e, 0, sizeof(e));
	e.wd = q->wd;
	e.mask = q->mask;
	e.cookie = q->cookie;
	e.len = (u32)size - INOTIFY_HEADER;
	memcpy(e.name, q->name, q->len);
	return iov_to(to, &e, size) == size ? (s64)size : -EFAULT;
}

static s64 inotify_read(struct file *f, struct iov *to, u64 *pos)
{
	struct inotify *n = f->priv;
	struct inotify_queued *q;
	bool too_small;
	s64 done = 0, r = 0;

	while (r >= 0 && (q = inotify_take(n, to->left, &too_small))) {
		r = put_event(to, q);
		inotify_free_event(n, q);
		done += MAX(r, (s64)0);
	}
	if (done)
		return done;
	return r < 0 ? r : too_small ? -EINVAL : -EAGAIN;
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *n = f->priv;

	poll_wait(f, &n->q, pt);
	return READ_ONCE(n->nr_events) ? POLL_READABLE : 0;
}

static s64 inotify_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct inotify *n = f->priv;
	s32 bytes = (s32)READ_ONCE(n->bytes);

	if (cmd != FIONREAD)
		return -ENOTTY;
	return user_write(arg, &bytes, sizeof(bytes)) ? -EFAULT : 0;
}

static void inotify_fdinfo(struct file *f, struct seq *s)
{
	struct inotify_watch_info w;

	for (unsigned k = 0; inotify_watch_at(f->priv, k, &w); k++)
		seq_printf(s, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", w.wd,
			   (unsigned long long)w.ino, w.dev, w.mask);
}

static void inotify_release(struct file *f)
{
	inotify_destroy(f->priv);
}

static const struct file_ops inotify_fops = {
	.name = "inotify",
	.read = inotify_read,
	.seek = stream_seek,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_fdinfo,
};

struct file *inotify_create(u32 flags)
{
	struct inotify *n = inotify_new(task_current()->cred->uid);
	struct file *f;

	if (IS_ERR(n))
		return (void *)n;
	f = file_alloc_anon(&inotify_fops, O_RDONLY | (flags & O_NONBLOCK), n);
	if (IS_ERR(f)) {
		inotify_destroy(n);
		return f;
	}
	f->mode |= FMODE_STREAM;
	f->waitq = &n->q;
	return f;
}

bool inotify_is(const struct file *f)
{
	return f->ops == &inotify_fops;
}

int inotify_add(struct file *f, struct inode *i, u32 mask)
{
	return inotify_watch_add(f->priv, i, mask);
}

int inotify_remove(struct file *f, int wd)
{
	return inotify_watch_remove(f->priv, wd);
}
