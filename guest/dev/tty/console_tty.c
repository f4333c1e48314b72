/*
 * console_tty.c - terminals whose wire is two streams of the host. The user's terminal is raw; everything it would have
 * done is done here.
 */
#include "dev/stream.h"
#include "dev/tty/tty.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "task/task.h"

#define PENDING 16384 /* output that the host has not taken; also room for echo */

struct console {
	struct tty tty;
	struct stream *in, *out;
	u32 head, tail; /* of pending, under tty.lock */
	u8 pending[PENDING];
};

static struct console *console_of(struct tty *t)
{
	return container_of(t, struct console, tty);
}

/* Hand over what is pending; to a host that takes no more it is lost. tty.lock held. */
static void push(struct console *c)
{
	if (stream_dead(c->out))
		c->tail = c->head;
	while (c->head != c->tail) {
		u32 at = c->tail % PENDING, n = MIN(c->head - c->tail, PENDING - at);
		size_t took = stream_output(c->out, c->pending + at, n);

		c->tail += (u32)took;
		if (!took)
			break;
	}
}

static size_t room(struct tty *t)
{
	return PENDING - (console_of(t)->head - console_of(t)->tail);
}

static void put(struct tty *t, const u8 *data, size_t n)
{
	struct console *c = console_of(t);

	for (size_t i = 0; i < n; i++)
		c->pending[c->head++ % PENDING] = data[i];
	push(c);
}

static void unthrottle(struct tty *t)
{
	stream_want_input(console_of(t)->in);
}

static void console_free(struct tty *t)
{
	struct console *c = console_of(t);

	stream_put(c->in);
	stream_put(c->out);
	kfree(c);
}

static const struct tty_driver driver = { room, put, unthrottle, console_free };

static void on_room(void *arg)
{
	struct console *c = arg;

	spin_lock(&c->tty.lock);
	push(c);
	spin_unlock(&c->tty.lock);
	poll_wake(&c->tty.q, POLL_WRITABLE);
}

static size_t on_input(void *arg, const u8 *data, size_t n)
{
	struct console *c = arg;

	if (!n) {
		tty_end_input(&c->tty);
		return 0;
	}
	return tty_receive(&c->tty, data, n);
}

struct tty *console_create(struct stream *in, struct stream *out, struct console_size size)
{
	struct console *c = kzalloc(sizeof(*c));
	int err;

	if (!c)
		return ERR_PTR(-ENOMEM);
	tty_init(&c->tty, &driver, DEV(5, 1), -1);
	c->tty.winsize = (struct winsize){ .rows = size.rows, .cols = size.cols };
	err = pts_register(&c->tty);
	if (err) {
		kfree(c);
		return ERR_PTR(err);
	}
	stream_get(in);
	stream_get(out);
	c->in = in;
	c->out = out;
	stream_set_user(out, &(struct stream_user){ .room = on_room, .arg = c });
	stream_set_user(in, &(struct stream_user){ .input = on_input, .arg = c });
	return &c->tty;
}

struct file *console_file(struct tty *t)
{
	struct inode *i = inode_anon(S_IFCHR | 0620);
	struct file *f = ERR_PTR(-ENOMEM);
	int err;

	if (!i)
		return f;
	i->rdev = t->rdev;
	f = file_alloc(NULL, O_RDWR, NULL);
	if (IS_ERR(f)) {
		inode_put(i);
		return f;
	}
	f->inode = i;
	f->flags |= O_NOCTTY;
	err = tty_open(t, f);
	f->flags &= ~(u32)O_NOCTTY;
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	return f;
}

static void hang_up(struct tty *t)
{
	spin_lock(&t->lock);
	t->hung_up = true;
	spin_unlock(&t->lock);
	tty_hangup(t);
	poll_wake(&t->q, POLLHUP | POLL_READABLE | POLL_WRITABLE);
}

void console_signal(struct tty *t, int signo)
{
	if (signo == SIGHUP)
		hang_up(t);
	else
		tty_signal_foreground(t, signo);
}

void console_close(struct tty *t)
{
	static const struct stream_user nobody;
	struct console *c = console_of(t);

	pts_hide(t);
	if (!t->hung_up)
		hang_up(t);
	stream_set_user(c->out, &nobody);
	stream_set_user(c->in, &nobody);
}

void console_winsize(struct tty *t, struct console_size size)
{
	if (t->winsize.rows == size.rows && t->winsize.cols == size.cols)
		return;
	spin_lock(&t->lock);
	t->winsize.rows = size.rows;
	t->winsize.cols = size.cols;
	spin_unlock(&t->lock);
	tty_signal_foreground(t, SIGWINCH);
}

static bool drained(struct console *c)
{
	return READ_ONCE(c->head) == READ_ONCE(c->tail) && !stream_busy(c->out);
}

void console_drain(struct tty *t, u64 deadline)
{
	struct console *c = console_of(t);

	wait_event(&t->q, SLEEP_UNINTERRUPTIBLE, deadline, drained(c) || stream_dead(c->out));
}
