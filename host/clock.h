/*
 * clock.h - a clock of the host as one number. Allowed after every seal.
 */
#ifndef MOAT_HOST_CLOCK_H
#define MOAT_HOST_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#endif
