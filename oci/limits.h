/*
 * limits.h - what linux.resources means for the sandbox itself: its memory and its CPUs.
 */
#ifndef MOAT_OCI_LIMITS_H
#define MOAT_OCI_LIMITS_H

#include "oci/config.h"

/* Processes and threads of ours that a container's pids.limit on the host must leave room for, beside its own. */
#define PIDS_OF_OURS 128

/* Bytes for launcher, gofer, stand-in and an idle Sentry, measured, and some air. */
#define MEMORY_OF_OURS (12LL << 20)

/* Bytes that the container may use inside: memory.limit less what launcher, gofer and the Sentry themselves take. 0: no limit. */
uint64_t memory_inside(const struct oci_resources *r);
/* CPUs of the sandbox: the quota rounded up, the cpuset's, the host's: the least of them, at least 1. */
unsigned cpus_inside(const struct oci_resources *r);

#endif
