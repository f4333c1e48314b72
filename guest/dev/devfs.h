/*
 * devfs.h - what /dev holds.
 */
#ifndef MOAT_DEV_DEVFS_H
#define MOAT_DEV_DEVFS_H

#include "fs/vfs.h"

/* Make the device nodes and links in the tmpfs that is mounted on /dev. 0 or -errno. */
int devfs_populate(void);

/* Make devtmpfs and devpts known; before the first mount. */
void devfs_register(void);

#endif
