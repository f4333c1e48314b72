/*
 * namespaces.h - the host namespaces of a container's stand-in, as linux.namespaces asks: new ones, or those of a path.
 *
 * Engines look at them through /proc/PID/ns (CRI joins a pod's by that path, docker moves its interface there), and the
 * network one is where the sandbox's packets come from. The application is in none of them: it is in the Sentry.
 */
#ifndef MOAT_OCI_NAMESPACES_H
#define MOAT_OCI_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "oci/cgroup.h"
#include "oci/config.h"

struct namespace_plan {
	unsigned long make;	/* CLONE_NEW* that get a new one */
	int join[OCI_NS_TYPES]; /* descriptors of those to join, or -1 */
};

/* Open the paths. 0, or -1 with everything closed. ENOTSUP names a type that this host does not know. */
int namespaces_plan(const struct oci_config *c, struct namespace_plan *p, struct error *err);
void namespaces_close(struct namespace_plan *p);

/*
 * Fork a child in these namespaces. In the child: 0, in all of them, pid 1 of its pid namespace if that is new; a user
 * namespace's maps are written, and in the cgroups g. In the parent: the child's pid as the parent sees it. -1 on failure. g may
 * be NULL, and must be with a new user namespace, whose root may not write to the host's groups.
 */
pid_t namespaces_fork(const struct oci_config *c, struct namespace_plan *p, const struct cgroup *g,
		      struct error *err);

/* Is our root that of a user namespace alone, without the host's rights? */
bool in_user_namespace(void);

#endif
