/*
 * api.h - the object side of fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2), move_mount(2), mount_setattr(2),
 * statmount(2), listmount(2). Kernel pointers only.
 *
 * A tree that is in no namespace yet hangs on the descriptor that it was made with, and goes with it unless it was moved
 * (FMODE_MOUNT_TREE). Differs from Linux: a file system looks at its options when it is made, so fsconfig(2) tells of an
 * unknown one only then; there are no ID-mapped mounts.
 */
#ifndef MOAT_FS_MOUNT_API_H
#define MOAT_FS_MOUNT_API_H

#include <linux/mount.h>

#include "fs/file.h"
#include "fs/vfs.h"

/* ---- contexts (mount/context.c): a file system that is being configured. Each returns 0, a file, or -errno. ---- */
struct file *mount_context_open(const char *fsname, u32 flags);
/* To reconfigure what is mounted at p, the root of a mount. */
struct file *mount_context_pick(const struct path_ref *p, u32 flags);
bool is_mount_context(const struct file *f);
/* key, or key=value. */
int mount_context_set(struct file *f, const char *key, const char *value);
int mount_context_create(struct file *f);
int mount_context_reconfigure(struct file *f);
/* A descriptor's file (O_PATH) with a tree of one mount. attr: MOUNT_ATTR_*. ERR_PTR. */
struct file *mount_context_mount(struct file *f, u32 attr);

/* ---- trees (mount/tree.c) ---- */
struct mount_attr_change {
	u32 set, clear;	 /* MOUNT_ATTR_* */
	u64 propagation; /* MS_SHARED ..., or 0 */
};
#define MOUNT_ATTR_KNOWN                                                                \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
	 MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)
int mount_attr_flags(u32 attr, u32 *flags); /* flags.c: to MNT_*; -EINVAL */
/* m, a tree of its own whose reference it takes over, as an O_PATH file. ERR_PTR. */
struct file *mount_tree_file(struct mount *m);
struct file *mount_tree_clone(const struct path_ref *from, bool recursive);
/* MOVE_MOUNT_BENEATH: below of what is mounted at `to`. `to` may move on to what is mounted there. */
int mount_tree_move(const struct path_ref *from, struct path_ref *to, bool beneath);
/* MOVE_MOUNT_SET_GROUP: the private mount `to` propagates as `from` does. */
int mount_tree_set_group(const struct path_ref *from, const struct path_ref *to);
int mount_tree_setattr(const struct path_ref *at, const struct mount_attr_change *c,
		       bool recursive);

/* ---- mount/status.c ---- */

/* The ids of what is mounted on the mounts below id (0: below the root), greater than after; at most n. -ENOENT. */
s64 mount_list(u64 id, u64 after, u64 *ids, size_t n);

struct mount_status {
	u32 dev, magic, sb_flags; /* MS_* */
	u64 id, parent, attr;
	u64 propagation;	      /* MS_* */
	u32 peer_group, master, from; /* numbers of groups; 0: none */
	char type[32];
	char *root, *point; /* in buf; "" not reachable: NULL */
	char buf[2][4096];
};
int mount_status(u64 id, struct mount_status *s); /* -ENOENT */

#endif
