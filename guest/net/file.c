/*
 * file.c - sockets as open files: read, write, poll, ioctl.
 *
 * The operations themselves do not wait; file_read and file_write come through wait_rw for descriptors that may block,
 * since a socket's wait has its own rules (block.c).
 */
#include "fs/abi.h"
#include "fs/owner.h"
#include "fs/vfs.h"
#include "net/scm.h"
#include "net/socket.h"
#include "task/task.h"

static s64 rw(struct file *f, struct iov *v, bool write, u32 flags)
{
	struct socket *s = f->priv;
	struct scm scm = { 0 };
	struct sock_msg m = { .iov = v, .scm = &scm, .flags = flags };
	s64 r;

	/* Nothing to read is nothing; nothing to write may be an empty message. */
	if (!write && !v->left)
		return 0;
	r = write ? sock_sendmsg(s, &m) : sock_recvmsg(s, &m);
	scm_drop(&scm);
	return r;
}

static s64 sock_read(struct file *f, struct iov *to, u64 *pos)
{
	return rw(f, to, false, MSG_DONTWAIT);
}

static s64 sock_write(struct file *f, struct iov *from, u64 *pos)
{
	return rw(f, from, true, MSG_DONTWAIT);
}

static s64 sock_wait_rw(struct file *f, struct iov *v, bool write)
{
	return rw(f, v, write, 0);
}

static u32 sock_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->priv;

	poll_wait(f, &s->q, pt);
	return s->ops->poll(s);
}

static s64 sock_file_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct socket *s = f->priv;
	s64 r = s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;

	return r == -ENOTTY ? sock_ioctl(s, cmd, arg) : r;
}

static int sock_mmap(struct file *f, struct mmap_request *req)
{
	struct socket *s = f->priv;

	return s->ops->mmap ? s->ops->mmap(s, req) : -ENODEV;
}

static int sock_flush(struct file *f)
{
	struct socket *s = f->priv;

	if (s->ops->closing)
		s->ops->closing(s);
	return 0;
}

static void sock_release(struct file *f)
{
	struct socket *s = f->priv;

	s->ops->release(s);
	sock_put(s);
}

void sock_signal_urgent(struct file *f)
{
	file_owner_signal(&f->owner, f->cred, SIGURG, NULL);
}

static const struct file_ops sock_fops = {
	.name = "socket",
	.read = sock_read,
	.write = sock_write,
	.wait_rw = sock_wait_rw,
	.seek = stream_seek,
	.poll = sock_poll,
	.ioctl = sock_file_ioctl,
	.mmap = sock_mmap,
	.flush = sock_flush,
	.release = sock_release,
};

u64 sock_ino(const struct socket *s)
{
	const struct file *f = READ_ONCE(s->file);

	return f && f->inode ? f->inode->ino : 0;
}

struct socket *sock_of_file(struct file *f)
{
	return f->ops == &sock_fops ? f->priv : NULL;
}

struct file *sock_file(struct socket *s, u32 flags)
{
	struct inode *i = inode_anon(S_IFSOCK | 0777);
	struct file *f;

	if (!i)
		return ERR_PTR(-ENFILE);
	f = file_alloc(&sock_fops, O_RDWR | (flags & O_NONBLOCK), s);
	if (IS_ERR(f)) {
		inode_put(i);
		return f;
	}
	f->inode = i;
	f->mode |= FMODE_STREAM;
	f->waitq = &s->q;
	s->file = f;
	return f;
}
