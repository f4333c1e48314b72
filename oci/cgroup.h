/*
 * cgroup.h - the host cgroups of a container: where they are, their limits, their processes. v1 (a directory per hierarchy),
 * v2 (one), and hybrids of both; cgroups(7).
 *
 * A container's group holds its stand-in and its gofer, that of a sandbox's first container the launcher and all vCPUs too:
 * what an engine limits and measures is what runs. Devices are no business of the host's groups: the only ones a container
 * can reach are the Sentry's.
 */
#ifndef MOAT_OCI_CGROUP_H
#define MOAT_OCI_CGROUP_H

#include <sys/types.h>

#include "oci/config.h"

struct cgroup_dir {
	char *path;	      /* absolute */
	char *mount;	      /* of its hierarchy */
	unsigned controllers; /* bits, cgroup.c */
	bool v2;
};

struct cgroup {
	struct cgroup_dir *dirs;
	size_t n; /* 0: this host has no cgroups, or none that we may write */
};

/*
 * Where the container's groups are to be. path is linux.cgroupsPath: absolute, from the top of each hierarchy; relative, from
 * the caller's own group; with systemd "slice:prefix:name"; NULL: ID below the caller's own. Makes nothing.
 */
int cgroup_plan(const char *path, const char *id, bool systemd, struct pool *pool,
		struct cgroup *out, struct error *err);
/* The same from the paths that a state file kept. */
int cgroup_find(char *const *paths, struct pool *pool, struct cgroup *out, struct error *err);
/* The paths, NULL-ended, for the state file. */
char **cgroup_paths(const struct cgroup *g, struct pool *pool);

/* A group that is there and has processes is somebody else's: `delete` would kill them. -1 with EBUSY then. */
int cgroup_check_empty(const struct cgroup *g, struct error *err);
/* Make the directories, parents too. May be repeated. */
int cgroup_make(const struct cgroup *g, struct error *err);
/*
 * Write the limits. What the host has no controller for is left out with one line by warn(): an engine that must have it
 * looks itself. extra_pids: processes of ours beside the container's, added to its pids.limit.
 */
int cgroup_limit(const struct cgroup *g, const struct oci_resources *r, int64_t extra_pids,
		 void (*warn)(const char *line), struct error *err);
/* Put another process there. On v1 each hierarchy may wait for a grace period of RCU: prefer the two that follow. */
int cgroup_attach(const struct cgroup *g, pid_t pid, struct error *err);
/* Put the caller there, which has one thread. in_v2: it was born in the group of v2 (CLONE_INTO_CGROUP). */
int cgroup_enter(const struct cgroup *g, bool in_v2, struct error *err);
/* The directory of v2, for CLONE_INTO_CGROUP; -1: there is none. The caller closes it. */
int cgroup_v2_fd(const struct cgroup *g);
/* Freeze or thaw all of it; -1 with ENOTSUP without a freezer. */
int cgroup_freeze(const struct cgroup *g, bool frozen, struct error *err);
/* SIGKILL to each process in it, until none is left; waits up to ms. */
int cgroup_kill(const struct cgroup *g, int ms, struct error *err);
/* Remove the container's own directories; those that are gone already do not count. */
int cgroup_remove(const struct cgroup *g, struct error *err);

/* A value as the controller's file has it, without the newline; NULL if there is none. */
char *cgroup_read(const struct cgroup *g, const char *v1_controller, const char *v1_file,
		  const char *v2_file, struct pool *pool);

#endif
