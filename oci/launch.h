/*
 * launch.h - from a configuration to a running sandbox: what the stand-in does in its own process, before it serves.
 */
#ifndef MOAT_OCI_LAUNCH_H
#define MOAT_OCI_LAUNCH_H

#include "host/boottree.h"
#include "host/mount_table.h"
#include "oci/config.h"
#include "oci/seccomp.h"
#include "oci/state.h"

/* What a stand-in holds once its container is there. */
struct launched {
	int chan;	       /* to the launcher; closing it kills the container */
	pid_t launcher, gofer; /* children; launcher is 0 in another one's sandbox */
};

/* What it needs from the outside, opened by `create` with the caller's rights. */
struct launch_plan {
	const struct container *c;
	const struct oci_config *config;
	const char *sandbox; /* NULL: one of its own; else the id of the one whose sandbox to join */
	int socket; /* where commands will find this sandbox (chan_listen), or a connection to the one it joins */
	const struct platform_ops *platform;
	int root_fd;			  /* O_PATH directory */
	int console;			  /* slave of its terminal, or -1 */
	const struct mount_table *mounts; /* and what the gofer serves for them */
	char **sysctl;			  /* "name=value", NULL-ended */
	struct seccomp_program seccomp;	  /* for the container's processes */
	struct clock_sample clock_start;
};

/* Boot a sandbox of its own around the container, or make it in the sandbox it joins. 0, or -1 with nothing left. */
int launch(const struct launch_plan *p, struct launched *out, struct error *err);

#endif
