/*
 * size.c - see size.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "host/size.h"

uint64_t size_parse(const char *s)
{
	unsigned long long v;
	char *end;
	int shift = 0;

	if (*s < '0' || *s > '9')
		return 0;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno)
		return 0;
	switch (*end) {
	case 'K':
	case 'k': shift = 10; break;
	case 'M':
	case 'm': shift = 20; break;
	case 'G':
	case 'g': shift = 30; break;
	}
	if (shift)
		end++;
	return *end || v > ~0ULL >> shift ? 0 : v << shift;
}
