/*
 * tty.c - see tty.h.
 */
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include "host/error.h"
#include "host/tty.h"

static struct termios saved;
static bool raw;

int tty_raw(struct error *err)
{
	struct termios t;

	if (!isatty(0))
		return 0;
	if (tcgetattr(0, &saved) < 0)
		return error_errno(err, "read the terminal's mode");
	t = saved;
	cfmakeraw(&t);
	if (tcsetattr(0, TCSANOW, &t) < 0)
		return error_errno(err, "make the terminal raw");
	raw = true;
	return 0;
}

void tty_restore(void)
{
	if (raw)
		tcsetattr(0, TCSANOW, &saved);
	raw = false;
}
