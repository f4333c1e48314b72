/*
 * mount.h - the mount tree. Private to the VFS core.
 *
 * A mount is in no tree, or in the tree of one namespace (ns.c), or, while it hangs on a descriptor, in an anonymous one.
 * Mounts of a less privileged owner's namespace are copies that he cannot take apart to see below them: `locked`.
 *
 * Trees change under vfs_mounts_mutex and dcache_lock, inside dcache_write_begin/end, and are read under either. Which mounts
 * are in a namespace and what propagates to where (peer_group.h) is under vfs_mounts_mutex alone.
 */
#ifndef MOAT_FS_MOUNT_H
#define MOAT_FS_MOUNT_H

#include "fs/dentry.h"
#include "task/ns/userns.h"

#define MNT_RDONLY	1
#define MNT_NOSUID	2
#define MNT_NODEV	4
#define MNT_NOEXEC	8
#define MNT_NOATIME	16
#define MNT_NODIRATIME	32
#define MNT_RELATIME	64
#define MNT_STRICTATIME 128
#define MNT_NOSYMFOLLOW 512
#define MNT_ATIMES	(MNT_NOATIME | MNT_RELATIME | MNT_STRICTATIME)
/* no path leads to it: memfd, the links of /proc to objects without a name */
#define MNT_INTERNAL 256

/* A place in the chain of a hash. */
struct mount_link {
	struct mount_link *next, **pprev;
};

struct mount {
	struct ref ref; /* one of them is the tree's */
	u32 id;
	u32 flags;	  /* MNT_* */
	u32 writers;	  /* files open for writing; atomic */
	u32 locked_flags; /* MNT_* that stay */
	bool locked;	  /* may be unmounted and moved only with the mount that it is on */
	bool tied; /* was locked when its parent was unmounted: goes with it, holds no reference to it */
	bool unbindable;
	u8 fate; /* while something is unmounted: umount.c */
	struct super_block *sb;
	struct dentry *root;
	struct mount *parent;	   /* NULL: in no tree, or the tree's root */
	struct dentry *mountpoint; /* in parent, with a reference */
	struct list children, sibling;
	struct mount_link by_place,
		by_point;	   /* hashes: of parent and mount point; of mount point */
	struct mount_ns *ns;	   /* NULL: in none, or in a tree that is not attached yet */
	struct list in_ns;	   /* by id */
	struct peer_group *group;  /* shared with these */
	struct peer_group *master; /* not shared, and receives from these */
	struct list peer;	   /* in group->members or master->slaves */
	struct list pick;	   /* while it is attached, unmounted, freed */
	char *source;
	struct mount *next_free;
	struct mount *copy; /* while a tree is copied */
};

extern struct mutex vfs_mounts_mutex;
extern struct mount *vfs_root_mount;
extern u32 mount_max; /* mounts of a namespace: fs.mount-max */

/* ---- mount.c ---- */

/* What is mounted on (m, d)? Borrowed; under dcache_lock or vfs_mounts_mutex. */
struct mount *mount_find(const struct mount *m, const struct dentry *d);
/* The same without a lock, as long as dcache_seq is seq; also NULL if it is not any more. */
struct mount *mount_find_lockless(const struct mount *m, const struct dentry *d, u32 seq);
/* A second view of part of a file system, in no tree and private. ERR_PTR: -ENOMEM, -ENOSPC. */
struct mount *mount_clone(struct mount *from, struct dentry *root);
static inline void mount_get(struct mount *m)
{
	ref_get(&m->ref);
}
/* Put m into parent's tree and take it out. The tree's reference is the caller's business. vfs_mounts_mutex held. */
void mount_hang(struct mount *m, struct mount *parent, struct dentry *mountpoint);
void mount_unhang(struct mount *m);
/* m is out of the tree by name, but stays on its parent until that is gone; the tree's reference with it. */
void mount_tie(struct mount *m);
/* May the caller write here? 0 or -EROFS. */
int mount_may_write(const struct mount *m);
/* Does a path lead from root to p? */
bool path_is_below(const struct path_ref *p, const struct path_ref *root);
/* Is something mounted on d in the caller's namespace? vfs_mounts_mutex held. */
bool mount_is_on(const struct dentry *d);
/* d is gone: what is mounted on it in other namespaces goes too. vfs_mounts_mutex held. */
void mount_detach_from(struct dentry *d);
/* Move *p to what is mounted on it, as often as needed (references exchanged). */
void path_follow_mounts(struct path_ref *p);
/* flags.c: MNT_* from and to mount(2)'s MS_*, to MOUNT_ATTR_*, to statfs(2)'s ST_*, as words with a comma before each. */
u32 mount_flags_of_ms(u64 ms);
u64 mount_ms_of_flags(u32 flags);
u64 mount_attr_of_flags(u32 flags);
u64 mount_st_of_flags(u32 flags);
void mount_show_flags(struct seq *s, u32 flags);
/* The mount after m in the tree below top, parents first; NULL at the end. The second one leaves out what is below m. */
struct mount *mount_next(struct mount *m, const struct mount *top);
struct mount *mount_next_over(struct mount *m, const struct mount *top);
/* super.c: the last mount is gone: cached names, then what the file system pins, then the caller's reference. */
void super_shutdown(struct super_block *sb);
/* As a mount does: sb stays whole, and not only allocated, until super_unuse. */
void super_use(struct super_block *sb);
void super_unuse(struct super_block *sb);

/* ---- mount/copy.c: copies of trees; vfs_mounts_mutex held ---- */

#define COPY_BELOW	1 /* also what is mounted below */
#define COPY_UNBINDABLE 2 /* also what is unbindable */
/* each copy receives from its original, which is shared; else it is a peer of it */
#define COPY_SLAVE 4
#define COPY_SHARE 8 /* and is shared itself */
/* copies of shared mounts receive from them; other ones do as their originals do */
#define COPY_SHARED_TO_SLAVE 16
/*
 * A tree in no namespace, one reference: m's file system from root on. ERR_PTR: -EINVAL: m is unbindable; -EPERM: what would
 * be left out is locked; -ENOMEM, -ENOSPC.
 */
struct mount *mount_copy_tree(struct mount *m, struct dentry *root, unsigned how);
/* For bind mounts. ERR_PTR(-EINVAL) also if the copy would show what is hidden by mounts that it leaves out. */
struct mount *mount_clone_tree(const struct path_ref *from, bool recursive);
/* A less privileged owner must keep what it hides, and the flags that protect something. */
void mount_lock_tree(struct mount *top);

/* ---- mount/attach.c, umount.c; vfs_mounts_mutex held ---- */

/*
 * Mount the tree m on exactly `at`, below of what is mounted there, and in all mounts that `at` propagates to. m is a tree that is
 * in no namespace or an anonymous one (its reference is taken over), or part of a namespace, and moves. On failure nothing
 * has changed: -ENOTDIR, -ENOENT, -ENOSPC, -ENOMEM.
 */
int mount_attach(struct mount *m, const struct path_ref *at);
/* The same with vfs_mounts_mutex taken inside, and the reference put also on failure. */
int mount_attach_locked(struct mount *m, const struct path_ref *at);
/* m and all below it go, and in what m's parent propagates to; the tree's references with them. */
void mount_unmount(struct mount *m, bool propagate);
/* A tree that is in no namespace: free it. */
static inline void mount_free_tree(struct mount *m)
{
	mount_unmount(m, false);
}
/* umount.c: pivot_root(2). */
int mount_pivot(const struct path_ref *new_root, const struct path_ref *put_old);

/* ---- ns.c ---- */

struct mount_ns {
	struct ns_common c;
	bool anon;	    /* no namespace: a tree that hangs on a descriptor */
	struct mount *root; /* with the tree's reference; under vfs_mounts_mutex, as all below */
	struct list mounts; /* struct mount, by id */
	u32 nr, pending;    /* mounts; such that are just being attached */
};
/*
 * Takes over the tree (NULL: it comes later), also on failure; its last reference takes it down. NULL: no memory. owner NULL:
 * the first one.
 */
struct mount_ns *mount_ns_create(struct mount *root, struct user_ns *owner);
/* An anonymous one: gone as soon as its tree has a place, or with mount_ns_put. */
struct mount_ns *mount_ns_anon(struct mount *root);
/* The tree becomes part of ns, comes from an anonymous one or from none. vfs_mounts_mutex held. */
void mount_ns_add(struct mount_ns *ns, struct mount *top);
void mount_ns_remove(struct mount *m);
/* Is there room for n more? 0 (and they are pending) or -ENOSPC. */
int mount_ns_reserve(struct mount_ns *ns, u32 n);
/* May the current task mount and unmount in its namespace? */
bool mount_may_admin(void);
/* Is m in that namespace? A descriptor leads to mounts of others, over which he may have no rights. */
bool mount_in_own_ns(const struct mount *m);
/* Is m the root of a tree that hangs on a descriptor? */
static inline bool mount_is_floating(const struct mount *m)
{
	return m->ns && m->ns->anon && m->ns->root == m;
}
void mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);
/* The descriptor of a tree is closed: it goes, unless it has found a place. */
void mount_tree_close(struct mount *m);

/* ---- mount/ops.c ---- */

/* A new mount, in no tree, as the caller's rights over his namespace allow it. ERR_PTR. */
struct mount *mount_make(const struct file_system *fs, const struct mount_args *a);
/* MS_RDONLY and options of a file system anew. -EPERM, -EBUSY, its own. */
int super_reconfigure(struct super_block *sb, u32 flags, const char *data);
/* Move the mount at `from`, or the floating tree, to `to`, or beneath what is mounted there. vfs_mounts_mutex held. */
int mount_move(const struct path_ref *from, struct path_ref *to, bool beneath);

#endif
