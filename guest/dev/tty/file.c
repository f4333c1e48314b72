/*
 * file.c - open terminals: life, read, write, poll. Bytes pass through a small buffer on the stack, so that no user copy
 * happens under the spinlock.
 */
#include <linux/capability.h>

#include "dev/tty/tty.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/vfs.h"
#include "task/task.h"

#define BOUNCE 512

void tty_init(struct tty *t, const struct tty_driver *d, u32 rdev, int index)
{
	static const u8 cc[NCCS] = {
		[VINTR] = 3,	 [VQUIT] = 28,	 [VERASE] = 127, [VKILL] = 21, [VEOF] = 4,
		[VMIN] = 1,	 [VSTART] = 17,	 [VSTOP] = 19,	 [VSUSP] = 26, [VREPRINT] = 18,
		[VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22
	};

	ref_init(&t->ref);
	spin_init(&t->lock);
	waitq_init(&t->q);
	t->driver = d;
	t->rdev = rdev;
	t->index = index;
	t->termios = (struct termios2){
		.iflag = ICRNL | IXON,
		.oflag = OPOST | ONLCR,
		.cflag = B38400 | CS8 | CREAD,
		.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.ispeed = 38400,
		.ospeed = 38400,
	};
	for (int i = 0; i < NCCS; i++)
		t->termios.cc[i] = cc[i];
}

int tty_open(struct tty *t, struct file *f)
{
	if (t->hung_up || t->locked)
		return -EIO;
	if (t->exclusive && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	ref_get(&t->ref);
	spin_lock(&t->lock);
	t->opens++;
	spin_unlock(&t->lock);
	f->ops = &tty_fops;
	f->priv = t;
	f->waitq = &t->q;
	f->mode |= FMODE_STREAM;
	if (!(f->flags & O_NOCTTY) && (f->mode & FMODE_READ))
		tty_open_ctty(t);
	return 0;
}

static void tty_file_release(struct file *f)
{
	struct tty *t = f->priv;

	spin_lock(&t->lock);
	if (--t->opens == 0)
		t->exclusive = false;
	spin_unlock(&t->lock);
	if (t->driver->unthrottle)
		t->driver->unthrottle(t); /* the master notices that nobody is left */
	tty_put(t);
}

static bool at_end(const struct tty *t)
{
	return t->hung_up || t->ended;
}

/*
 * VMIN and VTIME of raw mode (termios(3)): sleep until enough is there or the timer ends. 0: go on and take what there
 * is; else what to return.
 */
static s64 wait_raw(struct tty *t, struct file *f, struct iov *to)
{
	u32 min = t->termios.cc[VMIN], time = t->termios.cc[VTIME];
	u64 deadline = NO_DEADLINE;
	int err;

	if ((t->termios.lflag & ICANON) || !time || to->nonblock || (f->flags & O_NONBLOCK))
		return 0;
	if (!min)
		deadline = clock_mono() + time * 100000000ULL;
	err = wait_event(&t->q, SLEEP_INTERRUPTIBLE, deadline, tty_input_count(t) || at_end(t));
	if (err == -ETIMEDOUT)
		return 0;
	if (err)
		return err;
	min = (u32)MIN((size_t)min, to->left);
	while (tty_input_count(t) < min && !at_end(t)) {
		size_t had = tty_input_count(t);

		err = wait_event(&t->q, SLEEP_INTERRUPTIBLE, clock_mono() + time * 100000000ULL,
				 tty_input_count(t) > had || at_end(t));
		if (err)
			break; /* time is up, or a signal: what is there is the result */
	}
	return 0;
}

/* Is there enough to return now? lock held. */
static bool enough(struct tty *t, size_t want)
{
	u32 min = t->termios.cc[VMIN];

	if ((t->termios.lflag & ICANON) || t->termios.cc[VTIME])
		return tty_input_count(t) > 0;
	return min == 0 || tty_input_count(t) >= MIN((size_t)min, want);
}

static s64 tty_read(struct file *f, struct iov *to, u64 *pos)
{
	struct tty *t = f->priv;
	bool end = false, first = true, nonblock = to->nonblock || (f->flags & O_NONBLOCK);
	u8 buf[BOUNCE];
	s64 done = tty_job_control(t, SIGTTIN);

	if (done)
		return done;
	done = wait_raw(t, f, to);
	while (!done && to->left && !end) {
		size_t n, got;

		spin_lock(&t->lock);
		if (first && !enough(t, to->left) &&
		    !((nonblock || at_end(t)) && tty_input_count(t))) {
			bool none = at_end(t) ||
				    (!(t->termios.lflag & ICANON) && !t->termios.cc[VMIN]);

			spin_unlock(&t->lock);
			return none ? 0 : -EAGAIN;
		}
		n = tty_take(t, buf, MIN(to->left, sizeof(buf)), &end);
		spin_unlock(&t->lock);
		first = false;
		if (!n)
			break;
		got = iov_to(to, buf, n);
		if (got < n)
			return -EFAULT;
		while (n == sizeof(buf) && to->left && !end) { /* the rest of a long piece */
			spin_lock(&t->lock);
			n = tty_take(t, buf, MIN(to->left, sizeof(buf)), &end);
			spin_unlock(&t->lock);
			got += n;
			if (iov_to(to, buf, n) < n)
				return -EFAULT;
		}
		done = (s64)got;
	}
	if (t->driver->unthrottle)
		t->driver->unthrottle(t);
	return done;
}

static s64 tty_write(struct file *f, struct iov *from, u64 *pos)
{
	struct tty *t = f->priv;
	u8 buf[BOUNCE];
	s64 done = 0;

	if (t->termios.lflag & TOSTOP) {
		done = tty_job_control(t, SIGTTOU);
		if (done)
			return done;
	}
	while (from->left) {
		size_t n, took;

		if (t->hung_up)
			return done ? done : -EIO;
		n = iov_from(from, buf, MIN(from->left, sizeof(buf)));
		if (!n)
			return done ? done : -EFAULT;
		spin_lock(&t->lock);
		took = tty_output(t, buf, n);
		spin_unlock(&t->lock);
		done += (s64)took;
		if (took < n) {
			iov_rewind(from, n - took);
			return done ? done : -EAGAIN;
		}
	}
	return done;
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->priv;
	u32 ev = 0;

	poll_wait(f, &t->q, pt);
	spin_lock(&t->lock);
	if (tty_readable(t) || at_end(t))
		ev |= POLL_READABLE;
	if (t->hung_up)
		ev |= POLLHUP;
	if (!t->stopped && t->driver->room(t) > 256)
		ev |= POLL_WRITABLE;
	spin_unlock(&t->lock);
	/* The console reads ahead only when it is asked to. */
	if (!(ev & POLL_READABLE) && t->driver->unthrottle)
		t->driver->unthrottle(t);
	return ev;
}

const struct file_ops tty_fops = {
	.name = "tty",
	.read = tty_read,
	.write = tty_write,
	.seek = stream_seek,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.release = tty_file_release,
};
