/*
 * hints.h - one closing line on the user's stderr when a program fails that asked for something the Sentry does not have.
 */
#ifndef MOAT_SYS_HINTS_H
#define MOAT_SYS_HINTS_H

#include "lib/types.h"

/* Boot, before the first task. on false: never a line. */
void hints_init(bool on);

#endif
