/*
 * ops.c - mount(2): new file systems, binds, moves, remounts, propagation types. umount2(2) is in umount.c.
 */
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/landlock/landlock.h"
#include "fs/mount/peer_group.h"
#include "fs/procfs.h"
#include "mm/slab.h"
#include "task/task.h"

#define TIMES	       (MNT_ATIMES | MNT_NODIRATIME)
#define MS_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* Files that are open for writing keep a mount, or a file system, from becoming read-only. */
static int check_writers(const u32 *writers, u64 flags)
{
	return flags & MS_RDONLY && atomic_load(writers) ? -EBUSY : 0;
}

int super_reconfigure(struct super_block *sb, u32 flags, const char *data)
{
	int err;

	if (!ns_capable(sb->owner ? sb->owner : &first_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	err = check_writers(&sb->writers, flags);
	if (!err && sb->ops && sb->ops->remount)
		err = sb->ops->remount(sb, flags, data);
	if (!err)
		sb->flags = (sb->flags & ~(u32)MS_RDONLY) | (flags & MS_RDONLY);
	return err;
}

static int do_remount(const struct path_ref *at, u64 flags, const char *data)
{
	struct super_block *sb = at->mnt->sb;
	u32 becomes = mount_flags_of_ms(flags);
	int err;

	if (at->dentry != at->mnt->root || !mount_in_own_ns(at->mnt))
		return -EINVAL;
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		becomes = (becomes & ~(u32)TIMES) | (at->mnt->flags & TIMES);
	if (at->mnt->locked_flags & ~becomes)
		return -EPERM;
	if (flags & MS_BIND)
		err = check_writers(&at->mnt->writers, flags);
	else
		err = super_reconfigure(sb, (u32)flags, data);
	if (err)
		return err;
	at->mnt->flags = flags & MS_BIND ? becomes : becomes & ~(u32)MNT_RDONLY;
	return 0;
}

/*
 * The source of a bind is in the caller's namespace, or the file of a namespace: a mount namespace's only in an older one, as
 * it would else keep itself.
 */
static bool may_bind(const struct path_ref *from)
{
	struct ns_common *n = proc_ns_of_inode(path_inode(from));

	if (!n)
		return mount_in_own_ns(from->mnt);
	return n->kind != NS_MNT || n->inum > task_current()->fs->ns->c.inum;
}

/* Where a mount goes: what was mounted there meanwhile is below it. */
static int attach_over(struct mount *m, struct path_ref *at)
{
	path_follow_mounts(at);
	return mount_in_own_ns(at->mnt) ? mount_attach(m, at) : -EINVAL;
}

/* What is to be bound or moved. */
static int find_source(const char *source, struct path_ref *from)
{
	if (!source || !*source)
		return -EINVAL;
	return path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, from);
}

static int do_bind(const char *source, struct path_ref *at, bool recursive)
{
	struct path_ref from;
	struct mount *m;
	int err = find_source(source, &from);

	if (err)
		return err;
	mutex_lock(&vfs_mounts_mutex);
	m = may_bind(&from) && mount_in_own_ns(at->mnt) ? mount_clone_tree(&from, recursive)
							: ERR_PTR(-EINVAL);
	err = IS_ERR(m) ? (int)PTR_ERR(m) : attach_over(m, at);
	if (err && !IS_ERR(m))
		mount_free_tree(m);
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&from);
	return err;
}

static bool any_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top))
		if (m->unbindable)
			return true;
	return false;
}

/* Would what is mounted on d in parent come to lie on m's root as well, by propagation? */
static bool overmounts(const struct mount *parent, const struct dentry *d, const struct mount *m)
{
	const struct peer_group *g = m->group ? m->group : m->master;

	if (!parent->group || m->root != d)
		return false;
	while (g && g != parent->group)
		g = g->master;
	return g;
}

/* Is what is mounted at `to` a place to mount m beneath? *at: the place. */
static int place_beneath(const struct mount *m, const struct path_ref *to, struct path_ref *at)
{
	struct mount *over = to->mnt, *parent = over->parent;

	if (!parent || to->dentry != over->root || over->locked || mount_find(m, m->root))
		return -EINVAL;
	if (over == READ_ONCE(task_current()->fs->root.mnt))
		return -EINVAL;
	for (const struct mount *p = m; p; p = p->parent)
		if (p == over)
			return -EINVAL;
	*at = (struct path_ref){ parent, over->mountpoint };
	return overmounts(parent, at->dentry, over) || overmounts(parent, at->dentry, m) ? -EINVAL
											 : 0;
}

int mount_move(const struct path_ref *from, struct path_ref *to, bool beneath)
{
	struct mount *m = from->mnt;
	struct path_ref at;
	int err;

	path_follow_mounts(to);
	at = *to;
	if (from->dentry != m->root || m->locked || !mount_in_own_ns(to->mnt))
		return -EINVAL;
	if (m->parent ? !mount_in_own_ns(m) || m->parent->group : !mount_is_floating(m))
		return -EINVAL;
	if (S_ISDIR(path_inode(from)->mode) != S_ISDIR(path_inode(to)->mode))
		return -EINVAL;
	err = beneath ? place_beneath(m, to, &at) : 0;
	if (err)
		return err;
	if (at.mnt->group && any_unbindable(m))
		return -EINVAL;
	for (struct mount *p = at.mnt; p; p = p->parent)
		if (p == m)
			return -ELOOP;
	return mount_attach(m, &at);
}

static int do_move(const char *source, struct path_ref *at)
{
	struct path_ref from;
	int err = find_source(source, &from);

	if (err)
		return err;
	mutex_lock(&vfs_mounts_mutex);
	err = from.mnt->parent ? mount_move(&from, at, false) : -EINVAL;
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&from);
	return err;
}

static int do_propagation(const struct path_ref *at, u64 flags)
{
	u64 type = flags & ~(u64)(MS_REC | MS_SILENT);
	int err = -EINVAL;

	if (type & ~(u64)MS_PROPAGATION || type & (type - 1) || at->dentry != at->mnt->root)
		return -EINVAL;
	mutex_lock(&vfs_mounts_mutex);
	if (mount_in_own_ns(at->mnt))
		err = mount_change_propagation(at->mnt, type, flags & MS_REC);
	mutex_unlock(&vfs_mounts_mutex);
	return err;
}

/* The user namespace that administers the current mounts; NULL: the first one. */
static struct user_ns *admin(void)
{
	struct mount_ns *ns = task_current()->fs ? task_current()->fs->ns : NULL;

	return ns ? ns->c.owner : NULL;
}

/*
 * Does some mount of the caller's tree show all of such a file system, at most as freely as flags say? *locked: the flags of
 * it that protect something.
 */
static bool shown_already(const struct file_system *fs, u32 flags, u32 *locked)
{
	struct mount *m, *c;
	bool found = false;

	mutex_lock(&vfs_mounts_mutex);
	list_for_each(m, &task_current()->fs->ns->mounts, in_ns) {
		bool whole = m->sb->fs == fs && m->root == m->sb->root_dentry;

		if (!whole || m->locked_flags & ~mount_flags_of_ms(flags))
			continue;
		list_for_each(c, &m->children, sibling)
			whole = whole && !c->locked;
		if (whole)
			*locked = m->locked_flags;
		found = found || whole;
	}
	mutex_unlock(&vfs_mounts_mutex);
	return found;
}

/*
 * Whoever administers his own namespace only may mount what gives him nothing new: an instance of his own, or of proc and
 * sysfs what he sees anyway.
 */
static int may_make(const struct file_system *fs, const struct mount_args *a, u32 *locked)
{
	if (!admin())
		return 0;
	if (!fs->userns_mount)
		return -EPERM;
	if (strcmp(fs->name, "proc") && strcmp(fs->name, "sysfs"))
		return 0;
	return shown_already(fs, a->flags, locked) ? 0 : -EPERM;
}

/* Who may change a new file system's own options. */
static void own_super(struct super_block *sb)
{
	struct user_ns *ns = admin();

	if (!ns || sb->owner || atomic_load(&sb->mounts) > 1)
		return;
	user_ns_get(ns);
	sb->owner = ns;
}

struct mount *mount_make(const struct file_system *fs, const struct mount_args *a)
{
	u32 locked = 0;
	int err = may_make(fs, a, &locked);
	struct mount *m;

	if (err)
		return ERR_PTR(err);
	m = mount_create(fs, a);
	if (IS_ERR(m))
		return m;
	own_super(m->sb);
	m->locked_flags = locked;
	return m;
}

static int do_new(const char *source, struct path_ref *at, const char *type, u64 flags,
		  const char *data)
{
	struct mount_args a = { .flags = (u32)flags, .source = source, .data = data };
	const struct file_system *fs;
	struct mount *m;
	int err;

	if (!type)
		return -EINVAL;
	fs = fs_find(type);
	if (!fs || !fs->user_mount)
		return -ENODEV;
	m = mount_make(fs, &a);
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	mutex_lock(&vfs_mounts_mutex);
	err = attach_over(m, at);
	mutex_unlock(&vfs_mounts_mutex);
	if (err)
		mount_put(m);
	return err;
}

int vfs_mount(const char *source, const char *target, const char *type, u64 flags, const char *data)
{
	struct path_ref at;
	int err;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	if (!mount_may_admin() || landlock_may_mount())
		err = -EPERM;
	else if (flags & MS_REMOUNT)
		err = do_remount(&at, flags, data);
	else if (flags & MS_BIND)
		err = do_bind(source, &at, flags & MS_REC);
	else if (flags & MS_PROPAGATION)
		err = do_propagation(&at, flags);
	else if (flags & MS_MOVE)
		err = do_move(source, &at);
	else
		err = do_new(source, &at, type, flags, data);
	path_put(&at);
	return err;
}
