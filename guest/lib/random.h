/*
 * random.h - the Sentry's random numbers: ChaCha20 in fast-key-erasure mode, seeded from the host's boot seed.
 *
 * Every call takes fresh key stream and overwrites the key, so that an earlier output cannot be computed from a later
 * state. Any context; a spinlock inside.
 */
#ifndef MOAT_LIB_RANDOM_H
#define MOAT_LIB_RANDOM_H

#include "lib/types.h"

/* Mix n bytes of entropy in; the first call (boot) makes the generator ready. */
void random_seed(const void *data, size_t n);
bool random_ready(void);
void random_bytes(void *buf, size_t n);
u64 random_u64(void);

#endif
