/*
 * cgroupfs.h - the cgroup v2 directory of the container (cgroupfs.c).
 */
#ifndef MOAT_FS_CGROUPFS_H
#define MOAT_FS_CGROUPFS_H

#include "lib/types.h"

/* Limits that others enforce and this directory shows; 0: none. The memory limit is mm's. */
struct cgroup_limits {
	u64 cpu_quota, cpu_period; /* microseconds */
	u64 pids_max;
};

/* Make the file system known, at boot. */
void cgroupfs_register(const struct cgroup_limits *l);

#endif
