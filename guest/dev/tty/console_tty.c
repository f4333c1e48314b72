/*
 * console_tty.c - the terminal of `moat do --tty`: a tty whose wire is the console streams. The user's terminal is raw;
 * everything it would have done is done here.
 */
#include "dev/console.h"
#include "dev/tty/tty.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "task/task.h"

#define PENDING 16384 /* output that the host has not taken; also room for echo */

static struct tty tty;
static bool present;
static u8 pending[PENDING]; /* under tty.lock */
static u32 head, tail;

/* Hand over what is pending. tty.lock held. */
static void push(void)
{
	while (head != tail) {
		u32 at = tail % PENDING, n = MIN(head - tail, PENDING - at);
		size_t took = console_output(pending + at, n);

		tail += (u32)took;
		if (!took)
			break;
	}
}

static size_t room(struct tty *t)
{
	return PENDING - (head - tail);
}

static void put(struct tty *t, const u8 *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pending[head++ % PENDING] = data[i];
	push();
}

static void unthrottle(struct tty *t)
{
	console_want_input();
}

static const struct tty_driver driver = { room, put, unthrottle };

static void on_room(void *arg)
{
	spin_lock(&tty.lock);
	push();
	spin_unlock(&tty.lock);
	poll_wake(&tty.q, POLL_WRITABLE);
}

static size_t on_input(void *arg, const u8 *data, size_t n)
{
	if (!n) {
		tty_end_input(&tty);
		return 0;
	}
	return tty_receive(&tty, data, n);
}

void console_tty_start(u16 rows, u16 cols)
{
	tty_init(&tty, &driver, DEV(5, 1), -1);
	tty.winsize = (struct winsize){ .rows = rows, .cols = cols };
	present = true;
	console_set_input(on_input, NULL);
	console_set_room(on_room, NULL);
	console_want_input();
}

struct file *console_tty_file(void)
{
	struct inode *i = inode_anon(S_IFCHR | 0620);
	struct file *f = ERR_PTR(-ENOMEM);
	int err;

	if (!i)
		return f;
	i->rdev = tty.rdev;
	f = file_alloc(NULL, O_RDWR, NULL);
	if (IS_ERR(f)) {
		inode_put(i);
		return f;
	}
	f->inode = i;
	/* init makes it its controlling terminal; this is the boot thread */
	f->flags |= O_NOCTTY;
	err = tty_open(&tty, f);
	f->flags &= ~(u32)O_NOCTTY;
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	return f;
}

static void hang_up(void)
{
	spin_lock(&tty.lock);
	tty.hung_up = true;
	spin_unlock(&tty.lock);
	tty_hangup(&tty);
	poll_wake(&tty.q, POLLHUP | POLL_READABLE | POLL_WRITABLE);
}

void console_signal_foreground(int signo)
{
	if (!present)
		signal_pgrp(1, signo, NULL);
	else if (signo == SIGHUP)
		hang_up();
	else
		tty_signal_foreground(&tty, signo);
}

struct tty *console_tty(void)
{
	return present ? &tty : NULL;
}

void console_tty_winsize(u16 rows, u16 cols)
{
	if (!present || (tty.winsize.rows == rows && tty.winsize.cols == cols))
		return;
	spin_lock(&tty.lock);
	tty.winsize.rows = rows;
	tty.winsize.cols = cols;
	spin_unlock(&tty.lock);
	tty_signal_foreground(&tty, SIGWINCH);
}
