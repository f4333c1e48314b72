/*
 * pty.c - pseudo terminals: pty(7). The slave is a struct tty; the master reads what the slave's driver was given and
 * writes what the slave's line discipline receives.
 *
 * Lifetime: master file and slave files each hold a reference of the slave tty, which is part of struct pty; the last
 * one frees both. Slots: a table under slots_lock, which holds no reference.
 */
#include "dev/tty/tty.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/ns/pidns.h"
#include "task/unsupported.h"
#include "task/task.h"

#define PTY_MAX 1024
#define MASK	(TTY_OUTPUT - 1)
#define BOUNCE	512

struct pty {
	struct tty tty;
	u8 out[TTY_OUTPUT]; /* under tty.lock */
	u32 head, tail;
	bool opened; /* the slave was open at some time */
	bool master_open;
	bool packet;	 /* TIOCPKT: reads begin with a status byte */
	u8 status;	 /* TIOCPKT_* that the master has not read */
	struct waitq mq; /* the master's readers, writers, pollers */
};

static struct tty *slots[PTY_MAX];
static struct spinlock slots_lock = SPINLOCK_INIT;
static void (*devpts_added)(int index, u32 uid, u32 gid);
static void (*devpts_removed)(int index);

void pty_set_devpts(void (*added)(int index, u32 uid, u32 gid), void (*removed)(int index))
{
	devpts_added = added;
	devpts_removed = removed;
}

static size_t slave_room(struct tty *t)
{
	return t->pty->master_open ? TTY_OUTPUT - (t->pty->head - t->pty->tail) : TTY_OUTPUT;
}

static void slave_put(struct tty *t, const u8 *data, size_t n)
{
	struct pty *p = t->pty;

	if (!p->master_open)
		return;
	for (size_t i = 0; i < n; i++)
		p->out[p->head++ & MASK] = data[i];
	poll_wake(&p->mq, POLL_READABLE);
}

static void slave_unthrottle(struct tty *t)
{
	if (t->opens)
		t->pty->opened = true;
	poll_wake(&t->pty->mq, POLL_WRITABLE | (t->opens ? 0 : POLLHUP | POLL_READABLE));
}

static const struct tty_driver pty_driver = { slave_room, slave_put, slave_unthrottle, NULL };

void tty_put(struct tty *t)
{
	if (!ref_put(&t->ref))
		return;
	tty_forget(t);
	spin_lock(&slots_lock);
	if (t->index >= 0)
		slots[t->index] = NULL;
	spin_unlock(&slots_lock);
	if (t->driver->free)
		t->driver->free(t);
	else
		kfree(t->pty);
}

int pts_register(struct tty *t)
{
	int index;

	spin_lock(&slots_lock);
	for (index = 0; index < PTY_MAX && slots[index]; index++)
		;
	if (index < PTY_MAX)
		slots[index] = t;
	spin_unlock(&slots_lock);
	if (index == PTY_MAX)
		return -ENOSPC;
	t->index = index;
	t->rdev = DEV(PTS_MAJOR, index);
	return 0;
}

void pts_show(struct tty *t, u32 uid, u32 gid)
{
	if (devpts_added)
		devpts_added(t->index, uid, gid);
}

void pts_hide(struct tty *t)
{
	if (devpts_removed)
		devpts_removed(t->index);
}

struct tty *pts_find(int index)
{
	struct tty *t = NULL;

	spin_lock(&slots_lock);
	if (index >= 0 && index < PTY_MAX)
		t = slots[index];
	if (t && ((t->pty ? !t->pty->master_open : t->hung_up) || !ref_tryget(&t->ref)))
		t = NULL;
	spin_unlock(&slots_lock);
	if (t && t->pty)
		t->pty->opened = true;
	return t;
}

/* The status byte of packet mode. 0: a status alone was read; 1: data follows; -errno. */
static s64 packet_head(struct pty *p, struct iov *to)
{
	bool data;
	u8 st;

	spin_lock(&p->tty.lock);
	st = p->status;
	p->status = 0;
	data = p->head != p->tail;
	spin_unlock(&p->tty.lock);
	if (!st && !data)
		return p->opened && !p->tty.opens ? -EIO : -EAGAIN;
	if (iov_to(to, &st, 1) < 1)
		return -EFAULT;
	return st ? 0 : 1;
}

void pty_status(struct tty *t, u8 status)
{
	if (!t->pty || !t->pty->packet)
		return;
	t->pty->status |= status;
	poll_wake(&t->pty->mq, POLL_READABLE | POLLPRI);
}

static s64 master_read(struct file *f, struct iov *to, u64 *pos)
{
	struct pty *p = f->priv;
	u8 buf[BOUNCE];
	s64 done = 0;

	if (p->packet && to->left) {
		s64 n = packet_head(p, to);

		if (n <= 0)
			return n ? n : 1;
	}
	while (to->left) {
		size_t n = 0, max = MIN(to->left, sizeof(buf));
		bool gone;

		spin_lock(&p->tty.lock);
		while (n < max && p->tail != p->head)
			buf[n++] = p->out[p->tail++ & MASK];
		gone = p->opened && !p->tty.opens;
		spin_unlock(&p->tty.lock);
		if (!n) {
			if (done)
				break;
			return gone ? -EIO : -EAGAIN;
		}
		if (iov_to(to, buf, n) < n)
			return -EFAULT;
		done += (s64)n;
	}
	poll_wake(&p->tty.q, POLL_WRITABLE);
	return done + p->packet;
}

static s64 master_write(struct file *f, struct iov *from, u64 *pos)
{
	struct pty *p = f->priv;
	u8 buf[BOUNCE];
	s64 done = 0;

	while (from->left) {
		size_t n = iov_from(from, buf, MIN(from->left, sizeof(buf))), took;

		if (!n)
			return done ? done : -EFAULT;
		took = tty_receive(&p->tty, buf, n);
		done += (s64)took;
		if (took < n) {
			iov_rewind(from, n - took);
			return done ? done : -EAGAIN;
		}
	}
	return done;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
	struct pty *p = f->priv;
	u32 ev = 0;

	poll_wait(f, &p->mq, pt);
	spin_lock(&p->tty.lock);
	if (p->head != p->tail)
		ev |= POLL_READABLE;
	if (p->packet && p->status)
		ev |= POLL_READABLE | POLLPRI;
	if (p->opened && !p->tty.opens)
		ev |= POLLHUP;
	if (tty_takes_input(&p->tty))
		ev |= POLL_WRITABLE;
	spin_unlock(&p->tty.lock);
	return ev;
}

/* The terminal by the name that it has in the caller's tree, so that it can be found and looked at; NULL: it has none. */
static struct file *open_named(struct pty *p, u32 flags)
{
	char name[32];
	struct file *f;

	ksnprintf(name, sizeof(name), "/dev/pts/%d", p->tty.index);
	f = vfs_open(AT_FDCWD, name, flags, 0);
	if (IS_ERR(f))
		return NULL;
	if (f->ops == &tty_fops && f->priv == &p->tty)
		return f;
	file_put(f);
	return NULL;
}

static s64 open_peer(struct pty *p, u32 flags)
{
	struct file *f;
	int err;

	if (flags & ~(u32)(O_ACCMODE | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	f = open_named(p, flags & ~(u32)O_CLOEXEC);
	err = 0;
	if (!f) {
		f = file_alloc_anon(&tty_fops, flags & ~(u32)O_CLOEXEC, NULL);
		if (IS_ERR(f))
			return PTR_ERR(f);
		f->ops = NULL;
		err = tty_open(&p->tty, f);
	}
	p->opened = true;
	if (!err)
		err = fd_install(f, 0, flags & O_CLOEXEC);
	if (err < 0)
		file_put(f);
	return err;
}

static s64 put_int(uaddr_t arg, s32 v)
{
	return user_write(arg, &v, sizeof(v)) ? -EFAULT : 0;
}

static s64 master_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct pty *p = f->priv;
	s64 ret = tty_common_ioctl(&p->tty, cmd, arg, true);
	s32 v;

	if (ret != -ENOIOCTLCMD)
		return ret;
	switch (cmd) {
	case TIOCGPTN: return put_int(arg, p->tty.index);
	case TIOCSPTLCK:
		if (user_read(&v, arg, sizeof(v)))
			return -EFAULT;
		p->tty.locked = v;
		return 0;
	case TIOCGPTLCK: return put_int(arg, p->tty.locked);
	case TIOCPKT:
		if (user_read(&v, arg, sizeof(v)))
			return -EFAULT;
		p->status = 0;
		p->packet = v;
		return 0;
	case TIOCGPKT: return put_int(arg, p->packet);
	case TIOCGPTPEER: return open_peer(p, (u32)arg);
	case TIOCGPGRP: return put_int(arg, pid_vnr(p->tty.pgid));
	case TIOCGSID: return p->tty.sid ? put_int(arg, p->tty.sid) : -ENOTTY;
	case TIOCSPGRP:
	case TIOCSCTTY:
	case TIOCNOTTY: return -ENOTTY;
	case FIONREAD: return put_int(arg, (s32)(p->head - p->tail));
	case TIOCOUTQ: return put_int(arg, 0);
	case TCFLSH:
	case TCSBRK:
	case TCXONC: return 0; /* nothing is queued between the two sides */
	default: unsupported("pty master ioctl", cmd); return -ENOTTY;
	}
}

static void master_release(struct file *f)
{
	struct pty *p = f->priv;

	pts_hide(&p->tty);
	spin_lock(&p->tty.lock);
	p->master_open = false;
	p->tty.hung_up = true;
	spin_unlock(&p->tty.lock);
	tty_hangup(&p->tty);
	poll_wake(&p->tty.q, POLLHUP | POLL_READABLE | POLL_WRITABLE);
	tty_put(&p->tty);
}

static const struct file_ops master_fops = {
	.name = "ptmx",
	.read = master_read,
	.write = master_write,
	.seek = stream_seek,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
};

int ptmx_open(struct inode *i, struct file *f)
{
	struct pty *p = kzalloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	tty_init(&p->tty, &pty_driver, 0, -1);
	p->tty.pty = p;
	p->tty.locked = true;
	waitq_init(&p->mq);
	p->master_open = true;
	err = pts_register(&p->tty);
	if (err) {
		kfree(p);
		return err;
	}
	f->ops = &master_fops;
	f->priv = p;
	f->waitq = &p->mq;
	f->mode |= FMODE_STREAM;
	pts_show(&p->tty, task_current()->cred->fsuid, task_current()->cred->fsgid);
	return 0;
}
