/*
 * oom.h - how an engine hears that a container ran out of memory. Engines watch the container's memory cgroup on the host, but
 * the Sentry's own killer acts before the host's limit is reached.
 */
#ifndef MOAT_OCI_OOM_H
#define MOAT_OCI_OOM_H

#include "oci/cgroup.h"

enum { OOM_USED, OOM_LIMIT, OOM_SWAP, OOM_GROUP, OOM_FILES };

/* Files of the memory cgroup and not its directory: a tool that enters the stand-in's tree could climb from that. */
struct oom {
	int fd[OOM_FILES]; /* -1: there is no such file */
	bool v2;
};

#define OOM_NONE ((struct oom){ .fd = { -1, -1, -1, -1 } })

void oom_open(struct oom *o, const struct cgroup *g);
/*
 * Make the host's kernel count an out-of-memory kill in that group, for whoever watches it: of a child made for it, under a
 * limit lowered for it. For the end of a container, when no other process of it is left. Takes milliseconds, 2 s at most.
 */
void oom_tell(const struct oom *o);

#endif
