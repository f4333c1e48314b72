/*
 * ldisc_in.c - the input side of the line discipline (N_TTY): canonical editing, echo, signal characters, flow control.
 *
 * Input is one ring of bytes. In canonical mode a bit beside a byte says that a line ends there; the byte of an EOF
 * character is kept as a marked NUL that reading swallows. Differs from Linux: no parity marking.
 */
#include <string.h>

#include "dev/tty/tty.h"
#include "fs/poll_bits.h"

#define MASK	 (TTY_INPUT - 1)
#define DISABLED 0 /* _POSIX_VDISABLE */

/* What a batch of bytes asks for once the lock is dropped. */
struct effects {
	u32 signals; /* bit per signo */
	bool wake, resume;
};

static bool tty_bit(const u8 *map, u32 i)
{
	return map[(i & MASK) / 8] >> (i & 7) & 1;
}

static void set_mark(struct tty *t, u32 i, bool on)
{
	u8 bit = (u8)(1 << (i & 7));

	if (on)
		t->mark[(i & MASK) / 8] |= bit;
	else
		t->mark[(i & MASK) / 8] &= (u8)~bit;
}

static bool is(const struct tty *t, u8 c, unsigned which)
{
	return c == t->termios.cc[which] && c != DISABLED;
}

size_t tty_input_count(const struct tty *t)
{
	return t->termios.lflag & ICANON ? t->ready - t->tail : t->head - t->tail;
}

bool tty_readable(const struct tty *t)
{
	u32 min;

	if (t->termios.lflag & ICANON)
		return t->ready != t->tail;
	min = t->termios.cc[VTIME] ? 1 : t->termios.cc[VMIN];
	return t->head - t->tail >= MAX(min, 1u);
}

/* Full input waits for its reader; but one line without an end is taken, and dropped byte by byte. */
bool tty_takes_input(const struct tty *t)
{
	return t->head - t->tail < TTY_INPUT - 1 || t->ready == t->tail;
}

void tty_flush_input(struct tty *t)
{
	t->tail = t->ready = t->head = 0;
	t->literal = false;
	pty_status(t, TIOCPKT_FLUSHREAD);
}

/* Entering canonical mode makes what is there one line; leaving it needs nothing: marks are ignored then. */
void tty_mode_changed(struct tty *t, u32 old_lflag)
{
	if ((t->termios.lflag & ICANON) && !(old_lflag & ICANON)) {
		for (u32 i = t->tail; i != t->head; i++)
			set_mark(t, i, false);
		if (t->head != t->tail)
			set_mark(t, t->head - 1, true);
		t->ready = t->head;
	} else if (!(t->termios.lflag & ICANON)) {
		t->ready = t->head;
	}
}

static void push(struct tty *t, u8 c, bool line_end)
{
	t->in[t->head & MASK] = c;
	set_mark(t, t->head, line_end);
	t->head++;
	if (line_end)
		t->ready = t->head;
}

/* A byte as echo shows it: ^X for control characters. */
static void echo_char(struct tty *t, u8 c)
{
	if ((t->termios.lflag & ECHOCTL) && (c < 32 || c == 127) && c != '\t' && c != '\n') {
		tty_echo(t, '^');
		tty_echo(t, c ^ 64);
	} else {
		tty_echo(t, c);
	}
}

static bool continuation(const struct tty *t, u8 c)
{
	return (t->termios.iflag & IUTF8) && (c & 0xc0) == 0x80;
}

static unsigned echo_width(const struct tty *t, u8 c)
{
	if (c < 32 || c == 127)
		return t->termios.lflag & ECHOCTL ? 2 : 0;
	return continuation(t, c) ? 0 : 1;
}

static void rub_out(struct tty *t, unsigned n)
{
	while (n--) {
		tty_echo(t, '\b');
		tty_echo(t, ' ');
		tty_echo(t, '\b');
	}
}

/* The column at byte `end` of the line being edited, for erasing a tab. */
static unsigned column_at(struct tty *t, u32 end)
{
	unsigned col = t->canon_column;

	for (u32 i = t->ready; i != end; i++) {
		u8 c = t->in[i & MASK];

		col = c == '\t' ? (col | 7) + 1 : col + echo_width(t, c);
	}
	return col;
}

/* Remove the last character of the line being edited. */
static void erase_one(struct tty *t)
{
	u8 c;

	do {
		c = t->in[--t->head & MASK];
	} while (continuation(t, c) && t->head != t->ready);
	if (!(t->termios.lflag & ECHO))
		return;
	if (!(t->termios.lflag & ECHOE)) {
		echo_char(t, t->termios.cc[VERASE]);
	} else if (c == '\t') {
		unsigned to = column_at(t, t->head);

		/* Counted before: echo that finds no room, or is not processed, leaves the column as it is. */
		for (unsigned n = t->column > to ? MIN(t->column - to, 8u) : 0; n; n--)
			tty_echo(t, '\b');
	} else {
		rub_out(t, (c & 0xc0) == 0xc0 && (t->termios.iflag & IUTF8) ? 1 : echo_width(t, c));
	}
}

static bool word_char(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || c >= 128;
}

static void erase_word(struct tty *t)
{
	bool seen = false;

	while (t->head != t->ready) {
		bool w = word_char(t->in[(t->head - 1) & MASK]);

		if (!w && seen)
			break;
		seen |= w;
		erase_one(t);
	}
}

static void kill_line(struct tty *t)
{
	u32 l = t->termios.lflag;

	if ((l & ECHO) && !((l & ECHOK) && (l & ECHOKE) && (l & ECHOE))) {
		t->head = t->ready;
		echo_char(t, t->termios.cc[VKILL]);
		if (l & ECHOK)
			tty_echo(t, '\n');
		return;
	}
	while (t->head != t->ready)
		erase_one(t);
}

static void reprint(struct tty *t)
{
	echo_char(t, t->termios.cc[VREPRINT]);
	tty_echo(t, '\n');
	for (u32 i = t->ready; i != t->head; i++)
		echo_char(t, t->in[i & MASK]);
}

static void signal_char(struct tty *t, u8 c, int signo, struct effects *fx)
{
	if (!(t->termios.lflag & NOFLSH))
		tty_flush_input(t);
	if (t->termios.iflag & IXON)
		t->stopped = false;
	if (t->termios.lflag & ECHO)
		echo_char(t, c);
	fx->signals |= 1u << signo;
	fx->resume = true;
}

/* Flow control and signals, in both modes. True: the byte was used up. */
static bool special(struct tty *t, u8 c, struct effects *fx)
{
	u32 i = t->termios.iflag, l = t->termios.lflag;

	if (i & IXON) {
		if (is(t, c, VSTART)) {
			t->stopped = false;
			fx->resume = true;
			return true;
		}
		if (is(t, c, VSTOP)) {
			t->stopped = true;
			return true;
		}
	}
	if (l & ISIG) {
		int signo = is(t, c, VINTR)   ? SIGINT
			    : is(t, c, VQUIT) ? SIGQUIT
			    : is(t, c, VSUSP) ? SIGTSTP
					      : 0;

		if (signo) {
			signal_char(t, c, signo, fx);
			return true;
		}
	}
	if (t->stopped && (i & IXON) && (i & IXANY)) {
		t->stopped = false;
		fx->resume = true;
	}
	return false;
}

/* Editing characters of canonical mode. True: the byte was used up. */
static bool edit(struct tty *t, u8 c)
{
	u32 l = t->termios.lflag;

	if (is(t, c, VERASE)) {
		if (t->head != t->ready)
			erase_one(t);
		return true;
	}
	if ((l & IEXTEN) && is(t, c, VWERASE)) {
		erase_word(t);
		return true;
	}
	if (is(t, c, VKILL)) {
		kill_line(t);
		return true;
	}
	if ((l & IEXTEN) && is(t, c, VLNEXT)) {
		t->literal = true;
		if ((l & ECHO) && (l & ECHOCTL)) {
			tty_echo(t, '^');
			tty_echo(t, '\b');
		}
		return true;
	}
	if ((l & (ECHO | IEXTEN)) == (ECHO | IEXTEN) && is(t, c, VREPRINT)) {
		reprint(t);
		return true;
	}
	return false;
}

static void canonical(struct tty *t, u8 c, bool quoted, struct effects *fx)
{
	u32 l = t->termios.lflag;
	bool full = t->head - t->tail >= TTY_INPUT - 1;

	if (!quoted && edit(t, c))
		return;
	if (!quoted && c == '\n') {
		if (l & (ECHO | ECHONL))
			tty_echo(t, '\n');
		if (t->head - t->tail < TTY_INPUT)
			push(t, c, true);
		t->canon_column = t->column;
		fx->wake = true;
		return;
	}
	if (!quoted && is(t, c, VEOF)) {
		if (t->head - t->tail < TTY_INPUT)
			push(t, DISABLED, true);
		fx->wake = true;
		return;
	}
	if (full) { /* the rest of an overlong line is lost, but its newline fits */
		if (t->termios.iflag & IMAXBEL)
			tty_echo(t, '\a');
		return;
	}
	if (!quoted && (is(t, c, VEOL) || ((l & IEXTEN) && is(t, c, VEOL2)))) {
		if (l & ECHO)
			echo_char(t, c);
		push(t, c, true);
		fx->wake = true;
		return;
	}
	if (l & ECHO) {
		if (t->head == t->ready)
			t->canon_column = t->column;
		echo_char(t, c);
	}
	push(t, c, false);
}

static void receive_one(struct tty *t, u8 c, struct effects *fx)
{
	u32 i = t->termios.iflag, l = t->termios.lflag;
	bool quoted = t->literal;

	if (i & ISTRIP)
		c &= 0x7f;
	if ((i & IUCLC) && (l & IEXTEN) && c >= 'A' && c <= 'Z')
		c |= 0x20;
	t->literal = false;
	if (!quoted) {
		if (special(t, c, fx))
			return;
		if (c == '\r') {
			if (i & IGNCR)
				return;
			if (i & ICRNL)
				c = '\n';
		} else if (c == '\n' && (i & INLCR)) {
			c = '\r';
		}
	}
	if (l & ICANON) {
		canonical(t, c, quoted, fx);
		return;
	}
	if (l & ECHO)
		echo_char(t, c);
	push(t, c, false);
	t->ready = t->head;
	fx->wake = true;
}

size_t tty_receive(struct tty *t, const u8 *data, size_t n)
{
	struct effects fx = { 0 };
	size_t done;

	spin_lock(&t->lock);
	for (done = 0; done < n; done++) {
		if (!tty_takes_input(t))
			break;
		receive_one(t, data[done], &fx);
	}
	spin_unlock(&t->lock);
	for (int signo = 1; signo < 32; signo++)
		if (fx.signals >> signo & 1)
			tty_signal_foreground(t, signo);
	if (fx.wake || fx.resume)
		poll_wake(&t->q, (fx.wake ? POLL_READABLE : 0) | (fx.resume ? POLL_WRITABLE : 0));
	return done;
}

void tty_end_input(struct tty *t)
{
	bool news;

	spin_lock(&t->lock);
	news = !t->ended;
	if (news && t->ready != t->head && t->head - t->tail < TTY_INPUT)
		push(t, DISABLED, true);
	t->ended = true;
	spin_unlock(&t->lock);
	if (news)
		poll_wake(&t->q, POLL_READABLE);
}

static size_t take_line(struct tty *t, u8 *buf, size_t n, bool *end)
{
	size_t done = 0;

	while (t->tail != t->ready) {
		u8 c = t->in[t->tail & MASK];
		bool last = tty_bit(t->mark, t->tail);

		if (last && c == DISABLED) { /* an EOF character: takes no place in the buffer */
			t->tail++;
			*end = true;
			break;
		}
		if (done == n)
			break;
		t->tail++;
		buf[done++] = c;
		if (last) {
			*end = true;
			break;
		}
	}
	return done;
}

size_t tty_take(struct tty *t, u8 *buf, size_t n, bool *end)
{
	size_t done = 0;

	*end = false;
	if (t->termios.lflag & ICANON)
		return take_line(t, buf, n, end);
	while (done < n && t->tail != t->head)
		buf[done++] = t->in[t->tail++ & MASK];
	t->ready = t->head;
	return done;
}
