/*
 * table.h - mounting what a container's specification lists. Private to boot.c, table.c.
 */
#ifndef MOAT_FS_MOUNT_TABLE_H
#define MOAT_FS_MOUNT_TABLE_H

#include "fs/boot.h"
#include "fs/vfs.h"

/*
 * Mount c's table in order below the calling task's root, and fill its /dev. 0, or -errno with a line in why; a line that
 * is marked optional is left out with a word in the log.
 */
int mount_table(const struct fs_container *c, char *why, size_t size);

/* boot.c: make a missing mount point and the directories above it. */
int fs_make_mountpoint(const char *path, bool dir);

/* tree_copy.c: fill the empty file system of `to` with what the directory `from` holds. 0 or -errno. */
int tree_copy(const struct path_ref *from, struct mount *to);

/* What the overlay's mount takes as args->boot. */
struct overlay_boot {
	struct mount *lower; /* its reference is taken over */
	struct mount *upper; /* NULL: the changes are kept in memory; else likewise, and exclusive */
	u64 max_bytes;	     /* 0: no limit */
	u64 used_bytes;	     /* of upper, at the beginning */
};

#endif
