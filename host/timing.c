/*
 * timing.c - see timing.h.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "host/timing.h"

void timing_mark(const struct sandbox *sb, const char *what)
{
	struct timespec ts;
	char line[128];
	int n;

	if (!sb->debug)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	n = snprintf(line, sizeof(line), "moat: time %lld.%06ld %s\n", (long long)ts.tv_sec,
		     ts.tv_nsec / 1000, what);
	if (n < (int)sizeof(line) && write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody listens */
}
