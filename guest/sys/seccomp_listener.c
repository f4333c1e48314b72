/*
 * seccomp_listener.c - the descriptor of a filter with SECCOMP_FILTER_FLAG_NEW_LISTENER: poll(2) and the ioctls
 * (seccomp_unotify(2)). SET_FLAGS is accepted: every wake-up here is as synchronous as the scheduler finds best.
 */
#include <string.h>

#include "fs/abi.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "sys/seccomp.h"
#include "sys/sys.h"
#include "task/seccomp/seccomp.h"
#include "task/task.h"

#define IOC_RECV      0xc0502100u
#define IOC_SEND      0xc0182101u
#define IOC_ID_VALID  0x40082102u
#define IOC_ID_VALID0 0x80082102u /* as it was declared at first */
#define IOC_ADDFD     0x40182103u
#define IOC_SET_FLAGS 0x40082104u

#define ADDFD_SETFD 1u
#define ADDFD_SEND  2u

struct addfd { /* struct seccomp_notif_addfd */
	u64 id;
	u32 flags, srcfd, newfd, newfd_flags;
};
_Static_assert(sizeof(struct addfd) == 24, "seccomp_notif_addfd");

static bool all_zero(const void *p, size_t n)
{
	const u8 *b = p;

	while (n--)
		if (*b++)
			return false;
	return true;
}

static s64 receive(struct seccomp_listener *l, uaddr_t arg)
{
	struct seccomp_notif n;
	int err, ret = 0;

	if (user_read(&n, arg, sizeof(n)))
		return -EFAULT;
	if (!all_zero(&n, sizeof(n)))
		return -EINVAL;
	err = wait_event(seccomp_listener_waitq(l), SLEEP_INTERRUPTIBLE, NO_DEADLINE,
			 (ret = seccomp_listener_take(l, &n)) != -EAGAIN);
	if (err || ret)
		return err ? err : ret;
	if (user_write(arg, &n, sizeof(n))) {
		seccomp_listener_untake(l, n.id);
		return -EFAULT;
	}
	return 0;
}

static s64 answer(struct seccomp_listener *l, uaddr_t arg)
{
	struct seccomp_answer a;

	if (user_read(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE ||
	    (a.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE && (a.error || a.val)))
		return -EINVAL;
	return seccomp_listener_answer(l, &a);
}

struct install {
	struct file *file;
	struct addfd a;
};

static int install_file(void *arg)
{
	struct install *i = arg;
	bool cloexec = i->a.newfd_flags & O_CLOEXEC;
	int fd;

	file_get(i->file);
	if (!(i->a.flags & ADDFD_SETFD))
		return fd_install_new(i->file, cloexec);
	fd = fd_install_at(i->file, (int)i->a.newfd, cloexec);
	if (fd < 0)
		file_put(i->file);
	return fd;
}

static s64 add_fd(struct seccomp_listener *l, uaddr_t arg)
{
	struct seccomp_errand e = { .fn = install_file };
	struct install i;
	s64 ret;

	if (user_read(&i.a, arg, sizeof(i.a)))
		return -EFAULT;
	if (i.a.newfd_flags & ~(u32)O_CLOEXEC || i.a.flags & ~(ADDFD_SETFD | ADDFD_SEND) ||
	    (i.a.newfd && !(i.a.flags & ADDFD_SETFD)))
		return -EINVAL;
	i.file = fd_get((int)i.a.srcfd);
	if (IS_ERR(i.file))
		return -EBADF;
	e.arg = &i;
	e.send = i.a.flags & ADDFD_SEND;
	ret = seccomp_listener_errand(l, i.a.id, &e);
	file_put(i.file);
	return ret;
}

static s64 listener_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct seccomp_listener *l = f->priv;
	u64 id;

	switch (cmd) {
	case IOC_RECV: return receive(l, arg);
	case IOC_SEND: return answer(l, arg);
	case IOC_ID_VALID:
	case IOC_ID_VALID0:
		if (user_read(&id, arg, sizeof(id)))
			return -EFAULT;
		return seccomp_listener_valid(l, id);
	case IOC_ADDFD: return add_fd(l, arg);
	case IOC_SET_FLAGS: return arg & ~1ULL ? -EINVAL : 0;
	default: return -EINVAL;
	}
}

static u32 listener_poll(struct file *f, struct poll_table *pt)
{
	struct seccomp_listener *l = f->priv;

	poll_wait(f, seccomp_listener_waitq(l), pt);
	return seccomp_listener_poll(l);
}

static void listener_release(struct file *f)
{
	seccomp_listener_close(f->priv);
}

static const struct file_ops listener_fops = {
	.name = "seccomp notify",
	.poll = listener_poll,
	.ioctl = listener_ioctl,
	.seek = stream_seek,
	.release = listener_release,
};

struct file *seccomp_listener_file(struct seccomp_filter *f)
{
	struct seccomp_listener *l = seccomp_listener_create(f);
	struct file *file;

	if (!l)
		return ERR_PTR(-ENOMEM);
	file = file_alloc_anon(&listener_fops, O_RDWR, l);
	if (IS_ERR(file))
		seccomp_listener_close(l);
	else
		file->mode |= FMODE_STREAM;
	return file;
}
