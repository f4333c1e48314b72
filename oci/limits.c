/*
 * limits.c - see limits.h.
 */
#include <stdlib.h>

#include "host/start.h"
#include "oci/limits.h"

#define OURS  ((uint64_t)MEMORY_OF_OURS)
#define LEAST (16ULL << 20)

uint64_t memory_inside(const struct oci_resources *r)
{
	uint64_t limit = r->memory.limit.set && r->memory.limit.value > 0
				 ? (uint64_t)r->memory.limit.value
				 : 0;

	if (!limit)
		return 0;
	return limit < OURS + LEAST ? LEAST : (limit - OURS) & ~4095ULL;
}

/* "0-3,7" has 5. 0 if it is no list. */
static unsigned count_list(const char *s)
{
	unsigned n = 0;

	while (*s) {
		char *end;
		long from = strtol(s, &end, 10), to = from;

		if (end == s)
			return 0;
		if (*end == '-')
			to = strtol(s = end + 1, &end, 10);
		if (end == s || to < from || to - from > 4096)
			return 0;
		n += (unsigned)(to - from + 1);
		s = *end == ',' ? end + 1 : end;
		if (*end && *end != ',')
			return 0;
	}
	return n;
}

unsigned cpus_inside(const struct oci_resources *r)
{
	const struct oci_cpu *c = &r->cpu;
	int64_t period = c->period.set && c->period.value > 0 ? c->period.value : 100000;
	unsigned n = sandbox_cpus(), m;

	if (c->quota.set && c->quota.value > 0) {
		int64_t by_quota = (c->quota.value + period - 1) / period;

		if (by_quota < n)
			n = (unsigned)by_quota;
	}
	m = c->cpus && *c->cpus ? count_list(c->cpus) : 0;
	if (m && m < n)
		n = m;
	return n ? n : 1;
}
