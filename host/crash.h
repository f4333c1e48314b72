/*
 * crash.h - the report of a Sentry that stopped for good.
 */
#ifndef MOAT_HOST_CRASH_H
#define MOAT_HOST_CRASH_H

#include "host/sandbox.h"

/*
 * Print the crash record in the arena to stderr: reason, registers, backtrace with the names of the Sentry's functions,
 * program and system call, last lines of its log. The record is the guest's word: every text is filtered. False if the
 * Sentry left none.
 */
bool crash_report(struct sandbox *sb);

#endif
