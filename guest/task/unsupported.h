/*
 * unsupported.h - the one way to say that a program asked for something the Sentry does not have.
 */
#ifndef MOAT_TASK_UNSUPPORTED_H
#define MOAT_TASK_UNSUPPORTED_H

#include "lib/types.h"

/* One line in dmesg, once for each program and value: "name: what (0xvalue) is not supported". what is a literal. */
void unsupported(const char *what, u64 value);

#endif
