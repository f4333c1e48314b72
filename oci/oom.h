/*
 * oom.h - how an engine hears that a container ran out of memory. Engines watch the container's memory cgroup on the host, but
 * the Sentry's own killer acts before the host's limit is reached.
 */
#ifndef MOAT_OCI_OOM_H
#define MOAT_OCI_OOM_H

#include "oci/cgroup.h"

struct oom {
	int dir; /* O_PATH of the memory cgroup, or -1: none */
	bool v2;
};

void oom_open(struct oom *o, const struct cgroup *g);
/*
 * Make the host's kernel count an out-of-memory kill in that group, for whoever watches it: of a child made for it, under a
 * limit lowered for it. For the end of a container, when no other process of it is left. Takes milliseconds, 2 s at most.
 */
void oom_tell(const struct oom *o);

#endif
