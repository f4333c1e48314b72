/*
 * kmsg.c - /proc/kmsg: the kernel log for one reader, as syslog(2)'s READ gives it.
 */
#include <linux/capability.h>

#include "fs/poll_bits.h"
#include "fs/proc/global.h"
#include "fs/pseudo.h"
#include "lib/logread.h"
#include "task/log_wait.h"

static int kmsg_open(struct inode *i, struct file *f)
{
	if (f->mode & FMODE_WRITE)
		return -EACCES;
	return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static s64 kmsg_read(struct file *f, struct iov *to, u64 *pos)
{
	char *page = kmalloc(PAGE_SIZE);
	size_t n;
	s64 r;

	if (!page)
		return -ENOMEM;
	n = logread_next(page, MIN(to->left, PAGE_SIZE));
	r = (s64)iov_to(to, page, n);
	kfree(page);
	if (!n)
		return to->left ? -EAGAIN : 0;
	return r ? r : -EFAULT;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, &log_waitq, pt);
	return logread_unread() ? POLL_READABLE : 0;
}

static const struct file_ops kmsg_fops = { .read = kmsg_read,
					   .seek = stream_seek,
					   .poll = kmsg_poll };
static const struct inode_ops kmsg_iops = { .open = kmsg_open, .fops = &kmsg_fops };

int proc_add_kmsg(struct inode *root)
{
	struct inode *i = inode_alloc(root->sb, S_IFREG | 0400);
	int err;

	if (!i)
		return -ENOMEM;
	i->ops = &kmsg_iops;
	i->flags |= INODE_NOATIME;
	err = pseudo_add(root, "kmsg", i);
	if (err)
		inode_put(i);
	return err;
}
