/*
 * procfs.h - /proc and /sys, for boot; and what the layers above tell them.
 */
#ifndef MOAT_FS_PROCFS_H
#define MOAT_FS_PROCFS_H

#include "lib/types.h"

struct process;

/* Make the file systems known; boot mounts them. Before fs_boot. */
void proc_register(void);
void sysfs_register(void);

/* The controlling terminal of a process, registered by dev/: device number (0: none) and foreground group (-1: none). */
extern void (*proc_tty)(struct process *p, u32 *rdev, int *pgid);

#endif
