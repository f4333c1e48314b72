/*
 * write_all.h - the write(2) loop for blocking descriptors: short writes go on, interrupted ones again.
 */
#ifndef MOAT_HOST_WRITE_ALL_H
#define MOAT_HOST_WRITE_ALL_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* 0, or -1 with errno; how much was written by then is not told. */
static inline int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

#endif
