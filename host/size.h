/*
 * size.h - sizes as users write them.
 */
#ifndef MOAT_HOST_SIZE_H
#define MOAT_HOST_SIZE_H

#include <stdint.h>

/* "512M": bytes, or with suffix K, M or G. 0: it is no size, or one that is too large. */
uint64_t size_parse(const char *s);

#endif
