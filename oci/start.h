/*
 * start.h - running a created container's program, the work of `start` and of the second half of `run`.
 */
#ifndef MOAT_OCI_START_H
#define MOAT_OCI_START_H

#include "oci/state.h"

/* Network, CHAN_START, poststart hooks. c is open and locked. EINVAL: it is not in the state created. */
int container_start(struct container *c, struct error *err);

#endif
