/*
 * mqueue.c - mq_open(2) and its kin: decoding; the work is ipc/mqueue's.
 */
#include "ipc/mqueue.h"
#include "mm/slab.h"
#include "sys/fs_sys.h"
#include "sys/timespec.h"
#include "task/time/clock.h"

/* struct sigevent of x86-64 */
struct abi_sigevent {
	u64 value;
	s32 signo, notify;
	u8 rest[48];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "sigevent");

s64 sys_mq_open(path_a uname, oflags_a flags, mode_a mode, uptr_a uattr)
{
	struct mq_attr attr;
	char *name;
	s64 fd;

	if (uattr && user_read(&attr, uattr, sizeof(attr)))
		return -EFAULT;
	name = name_from_user(uname, false);
	if (IS_ERR(name))
		return PTR_ERR(name);
	fd = fd_install_new(
		mq_open_file(ipc_ns_current(), name, (u32)flags, mode, uattr ? &attr : NULL), true);
	name_free(name);
	return fd;
}

s64 sys_mq_unlink(path_a uname)
{
	s64 ret;
	USER_NAME(name, uname);

	ret = mq_unlink_name(ipc_ns_current(), name);
	name_free(name);
	return ret;
}

/* With a reference, open for `mode`. -EBADF. */
static struct file *get_queue(int fd, u32 mode)
{
	struct file *f = fd_get(fd);

	if (IS_ERR(f) || (mqueue_of(f) && (!mode || f->mode & mode)))
		return f;
	file_put(f);
	return ERR_PTR(-EBADF);
}

s64 sys_mq_timedsend(fd_a mqdes, ubuf_a msg, size_a len, uint_a prio, uptr_a timeout)
{
	struct mq_msg *m = NULL;
	struct mqueue *q;
	struct file *f;
	u64 deadline;
	s64 ret = timeout_read_absolute(timeout, CLOCK_REALTIME, &deadline);

	if (ret)
		return ret;
	if (prio >= MQ_PRIO_MAX)
		return -EINVAL;
	f = get_queue(mqdes, FMODE_WRITE);
	if (IS_ERR(f))
		return PTR_ERR(f);
	q = mqueue_of(f);
	ret = -EMSGSIZE;
	if (len <= q->msgsize) {
		m = kmalloc(sizeof(*m) + len);
		ret = !m ? -ENOMEM : len && user_read(m->data, msg, len) ? -EFAULT : 0;
	}
	if (!ret) {
		m->prio = prio;
		m->size = len;
		ret = mqueue_send(q, m, f->flags & O_NONBLOCK, deadline);
	}
	if (ret)
		kfree(m);
	file_put(f);
	return ret;
}

s64 sys_mq_timedreceive(fd_a mqdes, ubuf_a buf, size_a len, uptr_a uprio, uptr_a timeout)
{
	struct mqueue *q;
	struct mq_msg *m;
	struct file *f;
	u64 deadline;
	s64 ret = timeout_read_absolute(timeout, CLOCK_REALTIME, &deadline);

	if (ret)
		return ret;
	f = get_queue(mqdes, FMODE_READ);
	if (IS_ERR(f))
		return PTR_ERR(f);
	q = mqueue_of(f);
	m = len < q->msgsize ? ERR_PTR(-EMSGSIZE)
			     : mqueue_receive(q, f->flags & O_NONBLOCK, deadline);
	file_put(f);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = (s64)m->size;
	if ((uprio && user_write(uprio, &m->prio, sizeof(m->prio))) ||
	    (m->size && user_write(buf, m->data, m->size)))
		ret = -EFAULT;
	kfree(m);
	return ret;
}

s64 sys_mq_getsetattr(fd_a mqdes, uptr_a attr, uptr_a oattr)
{
	struct mq_attr new, old;
	struct file *f;

	if (attr && user_read(&new, attr, sizeof(new)))
		return -EFAULT;
	if (attr && new.flags & ~(s64)O_NONBLOCK)
		return -EINVAL;
	f = get_queue(mqdes, 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	mqueue_get_attr(mqueue_of(f), f, &old);
	if (attr) {
		spin_lock(&f->inode->lock);
		f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32) new.flags;
		spin_unlock(&f->inode->lock);
		inode_touch(f->inode, ATTR_ATIME | ATTR_CTIME);
	}
	file_put(f);
	return oattr && user_write(oattr, &old, sizeof(old)) ? -EFAULT : 0;
}

/* What a sigevent asks for; the references in *n are the caller's. */
static int decode_event(const struct abi_sigevent *ev, struct mq_notify *n)
{
	if (ev->notify != SIGEV_NONE && ev->notify != SIGEV_SIGNAL && ev->notify != SIGEV_THREAD)
		return -EINVAL;
	if (ev->notify == SIGEV_SIGNAL && (ev->signo < 0 || ev->signo > NSIG))
		return -EINVAL;
	n->kind = (enum mq_notify_kind)ev->notify;
	n->signo = ev->signo;
	n->value = ev->value;
	if (n->kind == SIGEV_THREAD) {
		if (user_read(n->cookie, ev->value, sizeof(n->cookie)))
			return -EFAULT;
		if (mq_cookie) {
			n->sock = mq_cookie->get(ev->signo);
		} else { /* no socket is a netlink socket */
			struct file *f = fd_get(ev->signo);

			n->sock = IS_ERR(f) ? f : ERR_PTR(-ENOTSOCK);
			if (!IS_ERR(f))
				file_put(f);
		}
		if (IS_ERR(n->sock))
			return (int)PTR_ERR(n->sock);
	}
	return 0;
}

s64 sys_mq_notify(fd_a mqdes, uptr_a event)
{
	struct mq_notify n = { 0 };
	struct abi_sigevent ev;
	struct file *f;
	s64 ret;

	if (event) {
		if (user_read(&ev, event, sizeof(ev)))
			return -EFAULT;
		ret = decode_event(&ev, &n);
		if (ret)
			return ret;
	}
	f = get_queue(mqdes, 0);
	if (IS_ERR(f)) {
		ret = PTR_ERR(f);
	} else {
		if (event) {
			n.owner = task_current()->process;
			ref_get(&n.owner->ref);
		}
		ret = mqueue_notify(mqueue_of(f), event ? &n : NULL);
		if (ret)
			process_put(n.owner);
		file_put(f);
	}
	if (ret && n.sock)
		file_put(n.sock);
	return ret;
}
