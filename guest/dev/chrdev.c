/*
 * chrdev.c - see chrdev.h; device numbers are those of Linux's devices.txt.
 */
#include <string.h>

#include "dev/chrdev.h"
#include "dev/mem.h"
#include "dev/stream.h"
#include "dev/tty/tty.h"
#include "fs/anon/pipe.h"
#include "task/container.h"

#define MEM_MAJOR 1
#define TTY_MAJOR 5

/* A terminal that was looked up, or NULL; takes over the reference. */
static int open_found(struct tty *t, struct file *f)
{
	int err;

	if (!t)
		return -ENXIO;
	err = tty_open(t, f);
	tty_put(t);
	return err;
}

/* The terminal of the caller's container. */
static int open_console(struct file *f)
{
	struct container *c = container_current();

	return c && c->console ? tty_open(c->console, f) : -ENODEV;
}

int fifo_open(struct inode *i, struct file *f)
{
	return stream_reopen(i, f) ? 0 : pipe_open_fifo(i, f);
}

int chrdev_open(struct inode *i, struct file *f)
{
	unsigned major = DEV_MAJOR(i->rdev), minor = DEV_MINOR(i->rdev);

	if (major == MEM_MAJOR) {
		const struct file_ops *ops = mem_ops(minor);

		if (!ops)
			return -ENXIO;
		f->ops = ops;
		return 0;
	}
	/* As on Linux only by the nodes of devpts: a number alone says nothing about whose it is. */
	if (major >= PTS_MAJOR && major < PTS_MAJOR + 8 && strcmp(i->sb->fs->name, "devpts"))
		return -EIO;
	if (major >= PTS_MAJOR && major < PTS_MAJOR + 8)
		return open_found(pts_find((int)((major - PTS_MAJOR) << 20 | minor)), f);
	if (major != TTY_MAJOR)
		return -ENXIO;
	switch (minor) {
	case 0: return open_found(tty_controlling(), f);
	case 1: return open_console(f);
	case 2: return ptmx_open(i, f);
	default: return -ENXIO;
	}
}
