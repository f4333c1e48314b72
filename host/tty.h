/*
 * tty.h - the caller's terminal while a sandbox with a terminal of its own runs: raw, since the line discipline is the
 * Sentry's.
 */
#ifndef MOAT_HOST_TTY_H
#define MOAT_HOST_TTY_H

struct error;

/* Put descriptor 0 into raw mode; no effect if it is no terminal. */
int tty_raw(struct error *err);
/* Undo tty_raw, if it was done. Safe to call at any time, more than once. */
void tty_restore(void);

#endif
