/*
 * timing.h - where the time of a start goes: lines of --debug that bench/start.py reads.
 */
#ifndef MOAT_HOST_TIMING_H
#define MOAT_HOST_TIMING_H

#include "host/sandbox.h"

/*
 * With --debug, say on stderr that `what` is done, with the time (CLOCK_MONOTONIC, so that lines of all processes and of
 * whoever started them can be compared). Allowed after the seal.
 */
void timing_mark(const struct sandbox *sb, const char *what);

#endif
