/*
 * spec.h - from config.json to what the Sentry is told (host/spec.h).
 */
#ifndef MOAT_OCI_SPEC_H
#define MOAT_OCI_SPEC_H

#include "host/spec.h"
#include "oci/launch.h"

/* A process alone, for exec, under the container's filter. Strings stay the configuration's, lists come from the pool. */
int spec_of_process(const struct oci_process *p, const struct seccomp_program *filter,
		    struct container_spec *out, struct pool *pool, struct error *err);
/* The container with its mounts, hooks, limits and filters. */
int spec_of_config(const struct launch_plan *p, struct container_spec *out, struct pool *pool,
		   struct error *err);

#endif
