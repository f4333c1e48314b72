/*
 * boottree.h - the device tree that the Sentry boots from (names in abi/boot.h), built by libfdt.
 */
#ifndef MOAT_HOST_BOOTTREE_H
#define MOAT_HOST_BOOTTREE_H

#include "host/sandbox.h"
#include "host/spec.h"

/* Two readings of the TSC and CLOCK_MONOTONIC, far enough apart, give the frequency. */
struct clock_sample {
	uint64_t tsc, mono;
};
void clock_sample(struct clock_sample *s);

/*
 * Write the tree into sb->ram. E2BIG names the arguments when they do not fit. start: a sample taken at least a
 * millisecond ago (waits until it is).
 */
int boottree_build(struct sandbox *sb, const struct container_spec *spec,
		   const struct clock_sample *start, struct error *err);

/* A sealed memfd for CHAN_CREATE and CHAN_EXEC: a tree with spec's /container node alone. A descriptor, or -1. */
int boottree_memfd(const struct container_spec *spec, struct error *err);

#endif
