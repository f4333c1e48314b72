/*
 * mount.h - the mount tree. Private to the VFS core.
 *
 * Mounts of a less privileged owner's namespace are copies that he cannot take apart to see below them: `locked`.
 *
 * Every mount namespace is a tree of its own (mount_ns.c); no propagation between mounts (all are private). A tree changes under
 * vfs_mounts_mutex and dcache_lock, inside dcache_write_begin/end, and is read under either.
 */
#ifndef MOAT_FS_MOUNT_H
#define MOAT_FS_MOUNT_H

#include "fs/dentry.h"
#include "task/userns.h"

#define MNT_RDONLY	1
#define MNT_NOSUID	2
#define MNT_NODEV	4
#define MNT_NOEXEC	8
#define MNT_NOATIME	16
#define MNT_NODIRATIME	32
#define MNT_RELATIME	64
#define MNT_STRICTATIME 128
#define MNT_INTERNAL	256 /* no path leads to it: memfd, the links of /proc to objects without a name */

struct mount {
	struct ref ref; /* one of them is the tree's */
	u32 id;
	u32 flags;   /* MNT_* */
	u32 writers; /* files open for writing; atomic */
	bool attached;
	bool floating;	  /* the root of a tree that hangs on an open descriptor (mount_tree.c) */
	bool locked;	  /* may be unmounted and moved only with the mount that it is on */
	u32 locked_flags; /* MNT_* that stay */
	struct super_block *sb;
	struct dentry *root;
	struct mount *parent;	   /* NULL: in no tree, or the tree's root */
	struct dentry *mountpoint; /* in parent, with a reference */
	struct list children, sibling;
	struct list all; /* in order of mounting, for /proc/mounts */
	char *source;
	struct mount *next_free;
	struct mount *copy; /* while a tree is copied; under vfs_mounts_mutex */
};

extern struct mutex vfs_mounts_mutex;
extern struct mount *vfs_root_mount;

/* What is mounted on (m, d)? Borrowed; under dcache_lock, or without it by the fast walk. */
struct mount *mount_find(struct mount *m, struct dentry *d);
/* Attach a mount (takes over its reference) on a path. */
int mount_attach(struct mount *m, const struct path_ref *at);
/* The same with vfs_mounts_mutex taken inside, and the reference put also on failure. */
int mount_attach_locked(struct mount *m, const struct path_ref *at);
/* The root of a tree of its own; takes over the reference. The first one is vfs_root_mount. */
void mount_set_root(struct mount *m);
/* A root and all below it go. */
void mount_drop_tree(struct mount *m);
/* A second view of part of a file system. */
struct mount *mount_clone(struct mount *from, struct dentry *root);
static inline void mount_get(struct mount *m)
{
	ref_get(&m->ref);
}
/* May the caller write here? 0 or -EROFS. */
int mount_may_write(const struct mount *m);
/* Move *p to what is mounted on it, as often as needed (references exchanged). */
void path_follow_mounts(struct path_ref *p);
u32 mount_flags_of_ms(u64 ms);
u64 mount_ms_of_flags(u32 flags); /* the way back */
/* Take m out of the tree; its tree reference passes to the caller. vfs_mounts_mutex held. */
void mount_detach(struct mount *m);
extern struct list vfs_mounts; /* all attached, by age; under dcache_lock */
/* super.c: the last mount is gone: cached names, then what the file system pins, then the caller's reference. */
void super_shutdown(struct super_block *sb);

/*
 * mount_ops.c: a tree of its own, not attached, one reference: the file system at `from`, with all that is mounted below or
 * without. vfs_mounts_mutex held. ERR_PTR(-EINVAL): without them it would show what they hide; -ENOMEM.
 */
struct mount *mount_clone_tree(const struct path_ref *from, bool recursive);
/* mount_ops.c: m and all below it, innermost first; the tree's references go. vfs_mounts_mutex held. */
void mount_detach_all(struct mount *m);

struct mount_ns {
	struct ns_common c;
	struct mount *root; /* with the tree's reference; under vfs_mounts_mutex */
};
/* mount_ns.c: the mount after m in the tree below top, parents first; NULL at the end. */
struct mount *mount_next(struct mount *m, const struct mount *top);
/* mount_ops.c: a new mount, in no tree, as the caller's rights over his namespace allow it. ERR_PTR. */
struct mount *mount_make(const struct file_system *fs, const struct mount_args *a);
/* mount_ops.c: MS_RDONLY and options of a file system anew. -EPERM, -EBUSY, its own. */
int super_reconfigure(struct super_block *sb, u32 flags, const char *data);
/* mount_ops.c: the descriptor of a tree is closed. */
void mount_tree_close(struct mount *m);
/* mount_ns.c: takes over the tree; its last reference takes it down. NULL: no memory. owner NULL: the first one. */
struct mount_ns *mount_ns_create(struct mount *root, struct user_ns *owner);
/* May the current task mount and unmount in its namespace? */
bool mount_may_admin(void);
/*
 * Is m in that namespace? A descriptor leads to mounts of others, over which he may have no rights. vfs_mounts_mutex held.
 */
bool mount_in_own_ns(const struct mount *m);
void mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);

/* mount_ops.c */
int mount_pivot(const struct path_ref *new_root, const struct path_ref *put_old);

#endif
