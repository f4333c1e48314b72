/*
 * dax.h - how a file comes from the gofer to whoever maps it into a DAX window (boot.h): one datagram of a SOCK_SEQPACKET
 * pair, with a read-only descriptor of the file beside it (SCM_RIGHTS).
 *
 * The Sentry asks by P9_TMAP (p9.h) and picks the window and a cookie; the gofer alone says which file that is. On systrap
 * the Sentry's own process has the pair's other end and takes the datagram once the gofer has answered.
 */
#ifndef MOAT_ABI_DAX_H
#define MOAT_ABI_DAX_H

#include <stdint.h>

/* Windows begin at multiples of this, and so does the file's first byte in them. */
#define DAX_ALIGN (2ULL << 20)
/* Longer files are never mapped: the region is for text, not for data sets. */
#define DAX_FILE_MAX (1ULL << 30)

struct dax_message {
	uint64_t cookie; /* of the request, unguessable: several gofers share one pair */
	uint64_t window; /* guest-physical address */
	uint64_t len;	 /* bytes, multiple of 4 KiB; the file may be shorter by less than a page */
};

#endif
