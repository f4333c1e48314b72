/*
 * hooks.h - the lifecycle hooks of config.json: programs of the host that get the container's state on stdin.
 * startContainer hooks name a path in the container and run inside the Sentry, never here.
 */
#ifndef MOAT_OCI_HOOKS_H
#define MOAT_OCI_HOOKS_H

#include "oci/config.h"
#include "oci/state.h"

/*
 * Run all hooks of one kind in order, each with the state (as `moat state` prints it, with this status) on stdin; ns_pid: in
 * the namespaces of that process (createContainer), or 0: the caller's. The first that fails, or takes longer than its
 * timeout, ends it: -1, and the line has the end of what it wrote to stderr. A poststop or poststart hook's failure is only
 * logged by the caller.
 */
int hooks_run(const struct oci_config *config, enum oci_hook_kind kind,
	      const struct container_state *state, const char *status, pid_t ns_pid,
	      struct error *err);

/* The state as JSON text (runtime.md, "State"); free it. NULL without memory. */
char *state_json(const struct container_state *s, const char *status);

#endif
