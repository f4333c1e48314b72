/*
 * unsupported.h - the one way to say that a program asked for something the Sentry does not have.
 *
 * Each says it in dmesg, once for each program and value, and remembers it for the process: sys/hints.c tells the user if
 * the program then fails.
 */
#ifndef MOAT_TASK_UNSUPPORTED_H
#define MOAT_TASK_UNSUPPORTED_H

#include "lib/types.h"

struct process;

/* "name: what (0xvalue) is not supported". what is a literal. */
void unsupported(const char *what, u64 value);
/* A system call that has no handler. name is a literal. */
void unsupported_call(const char *name, u64 nr);
/* A file that was not found: remembered if every Linux has it. Says nothing in dmesg. */
void unsupported_path(const char *path);
/* The current program opened a file since: it does without the one that was not found. */
void unsupported_got_on(void);

/*
 * The last one of p that its present program asked for, as words in buf: "fcntl(F_NOTIFY) (0x1) is not supported". False: there is none, or
 * the same was given out before.
 */
bool unsupported_last(const struct process *p, char *buf, size_t size);

#endif
