/*
 * peer_group.h - which mounts see each other's changes (mount_namespaces(7)). Private to the VFS core.
 *
 * Shared mounts are members of a group: what is mounted on one is mounted on all. A group may receive from another one, its
 * master, and so may single mounts, its slaves. All under vfs_mounts_mutex. Linux links mounts to mounts and derives the
 * groups; here a group is an object that lives while it has members.
 */
#ifndef MOAT_FS_PEER_GROUP_H
#define MOAT_FS_PEER_GROUP_H

#include "fs/mount/mount.h"

struct peer_group {
	u32 id;
	struct list members;	  /* struct mount.peer */
	struct list slaves;	  /* struct mount.peer: mounts that receive and are not shared */
	struct list slave_groups; /* struct peer_group.sibling */
	struct list sibling;
	struct peer_group *master; /* NULL: receives from nobody */
	struct mount *copy;	   /* while a mount is propagated: this group's copy */
};

/* What m receives from; NULL. */
static inline struct peer_group *mount_master(const struct mount *m)
{
	return m->group ? m->group->master : m->master;
}

/* Shared, in a group of its own unless it is in one. 0 or -ENOMEM. */
int mount_share(struct mount *m);
/* All mounts from m on down; all or none. Those that were not shared are in *made, by `pick`. */
int mount_share_tree(struct mount *m, struct list *made);
/* As they were. */
void mount_unshare_tree(struct list *made);
/* MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE. */
void mount_set_propagation(struct mount *m, u64 type);
/* Those and MS_SHARED, for m or all of its tree: 0, or -ENOMEM and nothing done. */
int mount_change_propagation(struct mount *m, u64 type, bool recursive);
/* The private m becomes what its original is. */
void mount_join_peers(struct mount *m, const struct mount *of);
/* The private m receives from the shared mount. */
void mount_join_slaves(struct mount *m, const struct mount *of);
u64 mount_propagation(const struct mount *m); /* MS_*, for statmount(2) */
/* The nearest group of those that m receives from with a member in ns below root; 0: none. */
u32 mount_dominating_id(const struct mount *m, const struct mount_ns *ns,
			const struct path_ref *root);

/* The group after g in the tree of those that receive from top, masters first; NULL at the end. */
struct peer_group *peer_group_next(struct peer_group *g, const struct peer_group *top);

#endif
