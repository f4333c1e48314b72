/*
 * ioctl.c - terminal settings and queues: tty_ioctl(4).
 */
#include <linux/capability.h>
#include <string.h>

#include "dev/tty/tty.h"
#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "platform/platform.h"
#include "task/unsupported.h"
#include "task/task.h"

static s64 get(uaddr_t arg, const void *v, size_t n)
{
	return user_write(arg, v, n) ? -EFAULT : 0;
}

static s64 get_termios(struct tty *t, const struct termios2 *from, uaddr_t arg, size_t n)
{
	struct termios2 v;

	spin_lock(&t->lock);
	v = *from;
	spin_unlock(&t->lock);
	return get(arg, &v, n);
}

static s64 get_termio(struct tty *t, uaddr_t arg)
{
	struct termio a = { 0 };

	spin_lock(&t->lock);
	a.iflag = (u16)t->termios.iflag;
	a.oflag = (u16)t->termios.oflag;
	a.cflag = (u16)t->termios.cflag;
	a.lflag = (u16)t->termios.lflag;
	a.line = t->termios.line;
	memcpy(a.cc, t->termios.cc, sizeof(a.cc));
	spin_unlock(&t->lock);
	return get(arg, &a, sizeof(a));
}

/* Change in v what the struct at arg, of size n, has. */
static int read_termios(struct termios2 *v, uaddr_t arg, size_t n)
{
	struct termio a;

	if (n != sizeof(a))
		return user_read(v, arg, n);
	if (user_read(&a, arg, n))
		return -EFAULT;
	v->iflag = (v->iflag & 0xffff0000) | a.iflag;
	v->oflag = (v->oflag & 0xffff0000) | a.oflag;
	v->cflag = (v->cflag & 0xffff0000) | a.cflag;
	v->lflag = (v->lflag & 0xffff0000) | a.lflag;
	v->line = a.line;
	memcpy(v->cc, a.cc, sizeof(a.cc));
	return 0;
}

/* Until everything written has left (tcdrain); the driver's queue empties through its reader. */
static int drain(struct tty *t)
{
	return wait_event(&t->q, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
			  t->hung_up || t->driver->room(t) >= TTY_OUTPUT / 2);
}

/* TIOCSLCKTRMIOS: the bits of v, and its characters that are not 0, are to stay as they are. */
static s64 set_locks(struct tty *t, uaddr_t arg)
{
	struct termios2 v = { 0 };

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (user_read(&v, arg, sizeof(struct termios)))
		return -EFAULT;
	spin_lock(&t->lock);
	t->locks = v;
	spin_unlock(&t->lock);
	return 0;
}

static u32 locked_bits(u32 to, u32 from, u32 locks)
{
	return (to & ~locks) | (from & locks);
}

/* What is locked keeps its value. t->lock held. */
static void keep_locked(struct termios2 *v, const struct tty *t)
{
	const struct termios2 *old = &t->termios, *locks = &t->locks;

	v->iflag = locked_bits(v->iflag, old->iflag, locks->iflag);
	v->oflag = locked_bits(v->oflag, old->oflag, locks->oflag);
	v->cflag = locked_bits(v->cflag, old->cflag, locks->cflag);
	v->lflag = locked_bits(v->lflag, old->lflag, locks->lflag);
	if (locks->line)
		v->line = old->line;
	for (size_t k = 0; k < sizeof(v->cc); k++)
		if (locks->cc[k])
			v->cc[k] = old->cc[k];
}

static s64 set_termios(struct tty *t, uaddr_t arg, size_t n, bool wait, bool flush)
{
	struct termios2 v;
	u32 old, oldi;
	int err = tty_job_control(t, SIGTTOU);

	if (err)
		return err;
	spin_lock(&t->lock);
	v = t->termios;
	spin_unlock(&t->lock);
	if (read_termios(&v, arg, n))
		return -EFAULT;
	if (wait) {
		err = drain(t);
		if (err)
			return err;
	}
	spin_lock(&t->lock);
	if (flush)
		tty_flush_input(t);
	keep_locked(&v, t);
	old = t->termios.lflag;
	oldi = t->termios.iflag;
	t->termios = v;
	if ((old ^ v.lflag) & ICANON)
		tty_mode_changed(t, old);
	if (!(v.iflag & IXON))
		t->stopped = false;
	if ((oldi ^ v.iflag) & IXON)
		pty_status(t, v.iflag & IXON ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	spin_unlock(&t->lock);
	poll_wake(&t->q, POLL_READABLE | POLL_WRITABLE);
	return 0;
}

static s64 set_winsize(struct tty *t, uaddr_t arg)
{
	struct winsize w;
	bool changed;

	if (user_read(&w, arg, sizeof(w)))
		return -EFAULT;
	spin_lock(&t->lock);
	changed = memcmp(&w, &t->winsize, sizeof(w)) != 0;
	t->winsize = w;
	spin_unlock(&t->lock);
	if (changed)
		tty_signal_foreground(t, SIGWINCH);
	return 0;
}

s64 tty_common_ioctl(struct tty *t, unsigned cmd, u64 arg, bool master)
{
	switch (cmd) {
	case TCGETS: return get_termios(t, &t->termios, arg, sizeof(struct termios));
	case TCGETS2: return get_termios(t, &t->termios, arg, sizeof(struct termios2));
	case TIOCGLCKTRMIOS: return get_termios(t, &t->locks, arg, sizeof(struct termios));
	case TIOCSLCKTRMIOS: return set_locks(t, arg);
	case TCGETA: return get_termio(t, arg);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termios(t, arg, sizeof(struct termio), cmd != TCSETA && !master,
				   cmd == TCSETAF);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(t, arg, sizeof(struct termios), cmd != TCSETS && !master,
				   cmd == TCSETSF);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(t, arg, sizeof(struct termios2), cmd != TCSETS2 && !master,
				   cmd == TCSETSF2);
	case TIOCGWINSZ: return get(arg, &t->winsize, sizeof(t->winsize));
	case TIOCSWINSZ: return set_winsize(t, arg);
	case TIOCGETD: {
		s32 v = 0;

		return get(arg, &v, sizeof(v));
	}
	case TIOCEXCL:
	case TIOCNXCL: t->exclusive = cmd == TIOCEXCL; return 0;
	case TIOCGEXCL: {
		s32 v = t->exclusive;

		return get(arg, &v, sizeof(v));
	}
	default: return -ENOIOCTLCMD;
	}
}

static s64 flow(struct tty *t, u64 how)
{
	u8 c;
	int err = tty_job_control(t, SIGTTOU);

	if (err)
		return err;
	switch (how) {
	case 0: /* TCOOFF */
	case 1: /* TCOON */
		spin_lock(&t->lock);
		t->stopped = how == 0;
		pty_status(t, how ? TIOCPKT_START : TIOCPKT_STOP);
		spin_unlock(&t->lock);
		if (how)
			poll_wake(&t->q, POLL_WRITABLE);
		return 0;
	case 2: /* TCIOFF */
	case 3: /* TCION */
		c = t->termios.cc[how == 2 ? VSTOP : VSTART];
		spin_lock(&t->lock);
		if (c && t->driver->room(t))
			t->driver->put(t, &c, 1);
		spin_unlock(&t->lock);
		return 0;
	default: return -EINVAL;
	}
}

static s64 flush(struct tty *t, u64 which)
{
	int err = tty_job_control(t, SIGTTOU);

	if (err)
		return err;
	if (which > 2)
		return -EINVAL;
	if (which != 1) { /* input, or both; output is the reader's already */
		spin_lock(&t->lock);
		tty_flush_input(t);
		spin_unlock(&t->lock);
	}
	poll_wake(&t->q, POLL_WRITABLE);
	return 0;
}

static s64 insert_byte(struct tty *t, uaddr_t arg)
{
	u8 c;

	if (task_current()->process->ctty != t && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (user_read(&c, arg, 1))
		return -EFAULT;
	tty_receive(t, &c, 1);
	return 0;
}

s64 tty_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct tty *t = f->priv;
	s64 ret;
	s32 n;

	if (t->hung_up)
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	ret = tty_common_ioctl(t, cmd, arg, false);
	if (ret == -ENOIOCTLCMD)
		ret = tty_job_ioctl(t, cmd, arg, f->mode & FMODE_READ);
	if (ret != -ENOIOCTLCMD)
		return ret;
	switch (cmd) {
	case FIONREAD:
		spin_lock(&t->lock);
		n = (s32)tty_input_count(t);
		spin_unlock(&t->lock);
		return get(arg, &n, sizeof(n));
	case TIOCOUTQ: n = 0; return get(arg, &n, sizeof(n));
	case TCSBRK:
	case TCSBRKP: ret = tty_job_control(t, SIGTTOU); return ret ? ret : drain(t);
	case TCXONC: return flow(t, arg);
	case TCFLSH: return flush(t, arg);
	case TIOCSTI: return insert_byte(t, arg);
	case TIOCSETD: return -EINVAL; /* only N_TTY */
	default: unsupported("tty ioctl", cmd); return -ENOTTY;
	}
}
