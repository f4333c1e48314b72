/*
 * file.c - open file descriptions, and the only place where reads and writes wait.
 *
 * The wait loop: register on every queue that the file's poll names (or f->waitq), mark the task sleeping, try the
 * operation again, sleep only if it still says -EAGAIN. A waker makes its change first and wakes then, so either the
 * retry sees the change or the sleep returns at once. A write to a stream goes on until all is written.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/async.h"
#include "fs/anon/epoll.h"
#include "fs/lock.h"
#include "fs/mount/mount.h"
#include "fs/notify.h"
#include "mm/slab.h"
#include "task/task.h"

struct file_full { /* path lives with its file: one allocation */
	struct file f;
	struct path_ref path;
};

static unsigned nr_files;
u64 file_max = FILE_MAX;

unsigned file_count(void)
{
	return atomic_load(&nr_files);
}

struct file *file_alloc(const struct file_ops *ops, u32 flags, void *priv)
{
	struct file_full *ff;
	struct file *f;

	if (unlikely(file_count() >= file_max) && !capable(CAP_SYS_ADMIN))
		return ERR_PTR(-ENFILE);
	ff = kzalloc(sizeof(*ff));
	if (!ff)
		return ERR_PTR(-ENFILE);
	atomic_add(&nr_files, 1);
	f = &ff->f;
	ref_init(&f->ref);
	f->flags = flags & ~(u32)O_CLOEXEC;
	f->ops = ops;
	f->priv = priv;
	mutex_init(&f->pos_lock);
	switch (flags & O_ACCMODE) {
	case O_RDONLY: f->mode = FMODE_READ; break;
	case O_WRONLY: f->mode = FMODE_WRITE; break;
	case O_RDWR: f->mode = FMODE_READ | FMODE_WRITE; break;
	}
	if (flags & O_PATH)
		f->mode = FMODE_PATH;
	if (ops && (!ops->seek || ops->seek == stream_seek))
		f->mode |= FMODE_STREAM;
	f->cred = task_current() ? task_current()->cred : NULL;
	if (f->cred)
		cred_get(f->cred);
	return f;
}

void file_set_path(struct file *f, const struct path_ref *p)
{
	struct file_full *ff = container_of(f, struct file_full, f);

	ff->path = *p;
	path_get(p);
	f->path = &ff->path;
}

struct file *file_alloc_anon(const struct file_ops *ops, u32 flags, void *priv)
{
	struct file *f = file_alloc(ops, flags, priv);

	if (IS_ERR(f))
		return f;
	f->inode = inode_anon(0600);
	if (!f->inode) {
		f->ops = NULL;
		file_put(f);
		return ERR_PTR(-ENFILE);
	}
	return f;
}

void file_get(struct file *f)
{
	ref_get(&f->ref);
}

void file_end_writing(struct file *f)
{
	if (!(f->mode & FMODE_WRITER))
		return;
	f->mode &= ~FMODE_WRITER;
	atomic_sub(&f->inode->writecount, 1);
	atomic_sub(&f->path->mnt->writers, 1);
	atomic_sub(&f->path->mnt->sb->writers, 1);
}

void file_put(struct file *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	if (f->ops)
		notify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (f->epoll)
		epoll_forget(f);
	if (f->async)
		async_forget(f);
	if (f->inode && inode_marked(f->inode, INODE_LOCKS))
		file_locks_release(f);
	if (f->ops && f->ops->release && !(f->mode & FMODE_PATH))
		f->ops->release(f);
	file_end_writing(f);
	if (f->mode & FMODE_EXEC_DENY)
		atomic_add(&f->inode->writecount, 1);
	if (f->inode)
		inode_put(f->inode);
	if (f->mode & FMODE_MOUNT_TREE)
		mount_tree_close(f->path->mnt);
	if (f->path)
		path_put(f->path);
	if (f->cred)
		cred_put(f->cred);
	kfree(container_of(f, struct file_full, f));
	atomic_sub(&nr_files, 1);
}

u32 file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops || !f->ops->poll)
		return 0x145; /* POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM: regular files are always ready */
	return f->ops->poll(f, pt);
}

/* ---- the wait loop ---- */

struct wait_table {
	struct poll_table pt;
	struct waiter w[3];
	unsigned n;
};

static void wait_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct wait_table *t = container_of(pt, struct wait_table, pt);

	if (t->n == ARRAY_SIZE(t->w))
		return;
	waiter_init(&t->w[t->n]);
	waitq_add(q, &t->w[t->n++]);
}

static s64 rw_once(struct file *f, struct iov *v, u64 *pos, bool write)
{
	if (write)
		return f->ops->write ? f->ops->write(f, v, pos) : -EINVAL;
	return f->ops->read ? f->ops->read(f, v, pos) : -EINVAL;
}

static s64 rw_wait(struct file *f, struct iov *v, u64 *pos, bool write)
{
	struct wait_table t = { .pt = { .queue = wait_queue, .events = write ? 4 : 1 } };
	s64 r;

	if (f->ops->poll)
		f->ops->poll(f, &t.pt);
	if (!t.n && f->waitq)
		wait_queue(&t.pt, f, f->waitq);
	if (!t.n)
		return -EAGAIN;
	for (;;) {
		int err;

		sched_prepare(SLEEP_INTERRUPTIBLE);
		r = rw_once(f, v, pos, write);
		if (r != -EAGAIN)
			break;
		err = sched_sleep(NO_DEADLINE);
		if (err) {
			r = err;
			break;
		}
	}
	sched_awake();
	for (unsigned i = 0; i < t.n; i++)
		waitq_del(&t.w[i]);
	return r;
}

int file_wait(struct file *f, u32 events)
{
	struct wait_table t = { .pt = { .queue = wait_queue, .events = events } };
	u32 wanted = events | 0x18; /* POLLERR | POLLHUP */
	int err = 0;

	if (!f->ops || !f->ops->poll || (f->ops->poll(f, &t.pt) & wanted) || !t.n)
		goto out;
	for (;;) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		if (f->ops->poll(f, NULL) & wanted)
			break;
		err = sched_sleep(NO_DEADLINE);
		if (err)
			break;
	}
	sched_awake();
out:
	for (unsigned i = 0; i < t.n; i++)
		waitq_del(&t.w[i]);
	return err;
}

static s64 rw(struct file *f, struct iov *v, u64 *pos, bool write)
{
	s64 done = 0, r;

	if (f->flags & O_NONBLOCK)
		v->nonblock = true;
	if (f->ops->wait_rw && !v->nonblock)
		return f->ops->wait_rw(f, v, write);
	for (;;) {
		r = rw_once(f, v, pos, write);
		if (r == -EAGAIN && !v->nonblock)
			r = rw_wait(f, v, pos, write);
		if (r <= 0)
			break;
		done += r;
		if (!write || !(f->mode & FMODE_STREAM) || !v->left || v->nonblock)
			break;
	}
	return done ? done : r;
}

static s64 rw_at(struct file *f, struct iov *v, u64 *pos, bool write)
{
	bool lock = false;
	s64 r;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!f->ops)
		return -EINVAL;
	if (pos || (f->mode & FMODE_STREAM))
		return rw(f, v, pos, write);
	/* A position that nobody else can see needs no lock. */
	lock = atomic_load(&f->ref.n) > 2 || atomic_load(&task_current()->process->nr_threads) > 1;
	if (lock)
		mutex_lock(&f->pos_lock);
	r = rw(f, v, &f->pos, write);
	if (lock)
		mutex_unlock(&f->pos_lock);
	return r;
}

s64 file_read(struct file *f, struct iov *to, u64 *pos)
{
	s64 r = rw_at(f, to, pos, false);
	struct task *t = task_current();

	t->io.syscr++;
	t->io.rchar += r > 0 ? (u64)r : 0;
	if (r > 0)
		notify_file(f, IN_ACCESS);
	return r;
}

s64 file_write(struct file *f, struct iov *from, u64 *pos)
{
	s64 r = rw_at(f, from, pos, true);
	struct task *t = task_current();

	t->io.syscw++;
	t->io.wchar += r > 0 ? (u64)r : 0;
	if (r > 0)
		notify_file(f, IN_MODIFY);
	return r;
}

s64 file_read_kernel(struct file *f, void *buf, size_t n, u64 pos)
{
	size_t done = 0;

	while (done < n) {
		struct iov_seg one;
		struct iov v;
		s64 r;

		iov_kernel(&v, &one, (char *)buf + done, n - done);
		r = f->ops && f->ops->read ? f->ops->read(f, &v, &pos) : -EINVAL;
		if (r < 0)
			return done ? (s64)done : r;
		if (!r)
			break;
		done += (size_t)r;
	}
	return (s64)done;
}

/* ---- positions ---- */

s64 stream_seek(struct file *f, s64 off, int whence)
{
	return -ESPIPE;
}

static s64 seek_to(struct file *f, s64 off, int whence, u64 size, u64 max)
{
	s64 base = 0;

	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR: base = (s64)f->pos; break;
	case SEEK_END: base = (s64)size; break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &off))
		return -EOVERFLOW;
	if (off < 0 || (u64)off > max)
		return -EINVAL;
	f->pos = (u64)off;
	return off;
}

s64 generic_seek(struct file *f, s64 off, int whence)
{
	u64 size = f->inode ? f->inode->size : 0;
	u64 max = f->inode && f->inode->sb ? f->inode->sb->max_bytes : 0x7fffffffffffffffULL;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (off < 0 || (u64)off >= size)
			return -ENXIO;
		f->pos = whence == SEEK_DATA ? (u64)off : size;
		return (s64)f->pos;
	}
	return seek_to(f, off, whence, size, max);
}

s64 dir_seek(struct file *f, s64 off, int whence)
{
	if (whence == SEEK_END)
		return -EINVAL;
	return seek_to(f, off, whence, 0, 0x7fffffffffffffffULL);
}

s64 dir_read(struct file *f, struct iov *to, u64 *pos)
{
	return -EISDIR;
}
