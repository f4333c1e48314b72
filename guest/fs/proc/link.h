/*
 * link.h - jumping to objects without a path (link.c).
 */
#ifndef MOAT_FS_PROC_LINK_H
#define MOAT_FS_PROC_LINK_H

#include "fs/proc/proc.h"

/* At the mount of /proc. 0 or -errno. */
int proc_anon_init(void);
/* A path_ref with references that leads to i; the name is for show. 0 or -ENOMEM. */
int proc_anon_path(struct inode *i, const char *name, struct path_ref *out);
/* Where such inodes live. */
struct super_block *proc_anon_sb(void);

#endif
