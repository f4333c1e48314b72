/*
 * cgroup_priv.h - what cgroup.c and cgroup_limit.c share.
 */
#ifndef MOAT_OCI_CGROUP_PRIV_H
#define MOAT_OCI_CGROUP_PRIV_H

#include "oci/cgroup.h"

enum {
	CG_CPU,
	CG_CPUSET,
	CG_MEMORY,
	CG_PIDS,
	CG_FREEZER,
	CG_BLKIO,
	CG_HUGETLB,
	CGROUP_CONTROLLERS
};

extern const char *const cgroup_controllers[CGROUP_CONTROLLERS]; /* their names */

/* Write a value to DIR/FILE. 0, or -1 with errno. */
int cgroup_write(const char *dir, const char *file, const char *value);

#endif
