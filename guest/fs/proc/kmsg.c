/*
 * kmsg.c - /proc/kmsg: the kernel log for one reader, as syslog(2)'s READ gives it.
 *
 * A blocked read looks for new lines five times a second: the log is written from contexts that cannot wake anyone.
 */
#include <linux/capability.h>

#include "fs/proc/global.h"
#include "lib/logread.h"

#define NAP_NS 200000000ULL

static int kmsg_open(struct inode *i, struct file *f)
{
	if (f->mode & FMODE_WRITE)
		return -EACCES;
	return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static s64 kmsg_read(struct file *f, struct iov *to, u64 *pos)
{
	struct waitq nobody;
	char *page;
	size_t n;
	s64 r;

	waitq_init(&nobody);
	while (!logread_unread()) {
		int err = -EAGAIN;

		if (!to->nonblock && !(f->flags & O_NONBLOCK))
			err = wait_event(&nobody, SLEEP_INTERRUPTIBLE, clock_mono() + NAP_NS,
					 logread_unread() != 0);
		if (err && err != -ETIMEDOUT)
			return err;
	}
	page = kmalloc(PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	n = logread_next(page, MIN(to->left, PAGE_SIZE));
	r = (s64)iov_to(to, page, n);
	kfree(page);
	return n && !r ? -EFAULT : r;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	return logread_unread() ? 0x41 /* POLLIN | POLLRDNORM */ : 0;
}

static const struct inode_ops kmsg_iops = { .open = kmsg_open };
static const struct file_ops kmsg_fops = { .read = kmsg_read,
					   .seek = stream_seek,
					   .poll = kmsg_poll };

int proc_add_kmsg(struct inode *root)
{
	struct inode *i = inode_alloc(root->sb, S_IFREG | 0400);
	int err;

	if (!i)
		return -ENOMEM;
	i->ops = &kmsg_iops;
	i->fops = &kmsg_fops;
	i->flags |= INODE_NOATIME;
	err = pseudo_add(root, "kmsg", i);
	if (err)
		inode_put(i);
	return err;
}
