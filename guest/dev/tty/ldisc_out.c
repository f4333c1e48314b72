/*
 * ldisc_out.c - output processing: newline and tab expansion, the column that erasing needs.
 */
#include "dev/tty/tty.h"

static void put1(struct tty *t, u8 c)
{
	t->driver->put(t, &c, 1);
}

/* One byte through OPOST; false: no room. */
static bool post(struct tty *t, u8 c)
{
	u32 o = t->termios.oflag;
	size_t room = t->driver->room(t);

	if (!room)
		return false;
	switch (c) {
	case '\n':
		if (o & ONLRET)
			t->column = 0;
		if (o & ONLCR) {
			if (room < 2)
				return false;
			t->driver->put(t, (const u8 *)"\r\n", 2);
			t->column = t->canon_column = 0;
			return true;
		}
		t->canon_column = t->column;
		break;
	case '\r':
		if ((o & ONOCR) && !t->column)
			return true;
		if (o & OCRNL) {
			put1(t, '\n');
			return true;
		}
		t->column = t->canon_column = 0;
		break;
	case '\t': {
		unsigned n = 8 - (t->column & 7);

		if ((o & XTABS) == XTABS) {
			if (room < n)
				return false;
			t->driver->put(t, (const u8 *)"        ", n);
			t->column += n;
			return true;
		}
		t->column += n;
		break;
	}
	case '\b':
		if (t->column)
			t->column--;
		break;
	default:
		/* Bytes that continue a UTF-8 character do not move the cursor. */
		if (c >= 32 && c != 127 && !((t->termios.iflag & IUTF8) && (c & 0xc0) == 0x80))
			t->column++;
	}
	put1(t, c);
	return true;
}

size_t tty_output(struct tty *t, const u8 *data, size_t n)
{
	size_t done = 0;

	if (t->stopped)
		return 0;
	if (!(t->termios.oflag & OPOST)) {
		n = MIN(n, t->driver->room(t));
		t->driver->put(t, data, n);
		return n;
	}
	while (done < n) {
		size_t run = 0, room = t->driver->room(t);

		/* Plain printable bytes go out in one piece. */
		while (done + run < n && run < room && data[done + run] >= 32 &&
		       data[done + run] < 127)
			run++;
		if (run) {
			t->driver->put(t, data + done, run);
			t->column += (unsigned)run;
			done += run;
		} else if (post(t, data[done])) {
			done++;
		} else {
			break;
		}
	}
	return done;
}

void tty_echo(struct tty *t, u8 c)
{
	if (t->termios.oflag & OPOST)
		post(t, c);
	else if (t->driver->room(t))
		put1(t, c);
}
