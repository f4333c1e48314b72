/*
 * cgroupfs.h - the cgroup v2 directory of the container (cgroupfs.c).
 */
#ifndef MOAT_FS_CGROUPFS_H
#define MOAT_FS_CGROUPFS_H

/* Make the file system known, at boot. */
void cgroupfs_register(void);

#endif
