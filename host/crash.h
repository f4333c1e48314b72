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

/* For a platform's part of the report (platform_ops.describe): text, and an address with the name of its function. */
void crash_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void crash_print_address(const struct sandbox *sb, uint64_t slide, uint64_t addr);

struct crash_symbol {
	const char *name; /* NULL: there is none */
	uint64_t offset;
};

/* The function that holds a link-time address of sb's image. */
struct crash_symbol crash_symbol(const struct sandbox *sb, uint64_t addr);
/* The link-time address of a function; 0: there is none of that name. */
uint64_t crash_address(const struct sandbox *sb, const char *name);

#endif
