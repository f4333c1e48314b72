/*
 * report.c - see report.h. A message is shorter than PIPE_BUF, so it comes whole or not at all.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "oci/report.h"

struct report {
	int ok;
	struct error err;
};

_Static_assert(sizeof(struct report) <= PIPE_BUF, "one write");

int report_send(int fd, const struct error *err)
{
	struct report r = { .ok = !err };

	if (err)
		r.err = *err;
	return write(fd, &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : -1;
}

int report_hear(int fd, const char *died, struct error *err)
{
	struct report r;
	ssize_t n;

	do
		n = read(fd, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(r))
		return error_set(err, ECHILD, "%s", died);
	if (!r.ok && err)
		*err = r.err;
	return r.ok ? 0 : -1;
}
