/*
 * mount_ops.c - mount(2), umount2(2), pivot_root(2) and what /proc prints about mounts.
 *
 * Differs from Linux: propagation types are accepted and every mount is private; a lazy umount
 * and a plain one differ only in the check for users.
 */
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/landlock.h"
#include "fs/mount.h"
#include "fs/procfs.h"
#include "mm/slab.h"
#include "task/task.h"

#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8
#define MS_PROPAGATION	(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* Is a file of the mount, or of any mount of sb, open for writing? */
static bool has_writers(const struct mount *only, const struct super_block *sb)
{
	struct mount *m;
	bool any = false;

	if (only)
		return atomic_load(&only->writers);
	mutex_lock(&vfs_mounts_mutex);
	list_for_each(m, &vfs_mounts, all)
		if (m->sb == sb && atomic_load(&m->writers))
			any = true;
	mutex_unlock(&vfs_mounts_mutex);
	return any;
}

static int check_writers(const struct mount *only, const struct super_block *sb, u64 flags)
{
	return flags & MS_RDONLY && has_writers(only, sb) ? -EBUSY : 0;
}

int super_reconfigure(struct super_block *sb, u32 flags, const char *data)
{
	int err;

	if (!ns_capable(sb->owner ? sb->owner : &first_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	err = check_writers(NULL, sb, flags);
	if (!err && sb->ops && sb->ops->remount)
		err = sb->ops->remount(sb, flags, data);
	if (!err)
		sb->flags = (sb->flags & ~(u32)MS_RDONLY) | (flags & MS_RDONLY);
	return err;
}

static bool in_own_ns(const struct mount *m)
{
	bool own;

	mutex_lock(&vfs_mounts_mutex);
	own = mount_in_own_ns(m);
	mutex_unlock(&vfs_mounts_mutex);
	return own;
}

static int do_remount(const struct path_ref *at, u64 flags, const char *data)
{
	struct super_block *sb = at->mnt->sb;
	u32 keep = at->mnt->flags & MNT_RELATIME;
	int err;

	if (at->dentry != at->mnt->root || !in_own_ns(at->mnt))
		return -EINVAL;
	if (at->mnt->locked_flags & ~mount_flags_of_ms(flags))
		return -EPERM;
	if (flags & MS_BIND)
		err = check_writers(at->mnt, sb, flags);
	else
		err = super_reconfigure(sb, (u32)flags, data);
	if (err)
		return err;
	at->mnt->flags = mount_flags_of_ms(flags & MS_BIND ? flags : flags & ~(u64)MS_RDONLY);
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		at->mnt->flags |= keep;
	return 0;
}

/* Copies of the mounts below (from, root), onto the copy m, and so on. The tree is still while vfs_mounts_mutex is held. */
static int clone_below(struct mount *from, const struct dentry *root, struct mount *m)
{
	struct mount *c, *copy;
	int err;

	list_for_each(c, &from->children, sibling) {
		struct path_ref at = { m, c->mountpoint };

		if (!dentry_is_below(c->mountpoint, root))
			continue;
		copy = mount_clone(c, c->root);
		if (IS_ERR(copy))
			return (int)PTR_ERR(copy);
		err = mount_attach(copy, &at);
		if (err) {
			mount_put(copy);
			return err;
		}
		err = clone_below(c, c->root, copy);
		if (err)
			return err;
	}
	return 0;
}

/* Are mounts below d that must not come off it, so that a bind without them would show what they hide? */
static bool has_locked_below(struct mount *m, const struct dentry *d)
{
	struct mount *c;

	list_for_each(c, &m->children, sibling)
		if (c->locked && dentry_is_below(c->mountpoint, d))
			return true;
	return false;
}

struct mount *mount_clone_tree(const struct path_ref *from, bool recursive)
{
	struct mount *m;
	int err;

	if (!recursive && has_locked_below(from->mnt, from->dentry))
		return ERR_PTR(-EINVAL);
	m = mount_clone(from->mnt, from->dentry);
	if (IS_ERR(m))
		return m;
	m->locked = false;
	err = recursive ? clone_below(from->mnt, from->dentry, m) : 0;
	if (!err)
		return m;
	mount_detach_all(m);
	return ERR_PTR(err);
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

static int do_bind(const char *source, const struct path_ref *at, bool recursive)
{
	struct path_ref from;
	struct mount *m;
	int err;

	if (!source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&vfs_mounts_mutex);
	m = may_bind(&from) && mount_in_own_ns(at->mnt) ? mount_clone_tree(&from, recursive)
							: ERR_PTR(-EINVAL);
	err = IS_ERR(m) ? (int)PTR_ERR(m) : mount_attach(m, at);
	if (err && !IS_ERR(m))
		mount_detach_all(m);
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&from);
	return err;
}

static int do_move(const char *source, const struct path_ref *at)
{
	struct path_ref from;
	struct mount *m;
	int err;

	if (!source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&vfs_mounts_mutex);
	m = from.mnt;
	err = -EINVAL;
	if (from.dentry != m->root || !m->parent || m->locked)
		goto out;
	if (!mount_in_own_ns(m) || !mount_in_own_ns(at->mnt))
		goto out;
	err = -ENOENT;
	if (at->dentry->flags & DENTRY_DELETED)
		goto out;
	for (struct mount *p = at->mnt; p; p = p->parent) {
		if (p == m) {
			err = -ELOOP;
			goto out;
		}
	}
	mount_detach(m);
	err = mount_attach(m, at);
	if (err)
		mount_detach_all(m);
out:
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&from);
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
	struct mount *top = task_current()->fs->ns->root, *m, *up, *c;
	bool found = false;

	mutex_lock(&vfs_mounts_mutex);
	list_for_each(m, &vfs_mounts, all) {
		bool whole = m->sb->fs == fs && m->root == m->sb->root_dentry;

		for (up = m; up->parent; up = up->parent)
			;
		if (!whole || up != top || m->locked_flags & ~mount_flags_of_ms(flags))
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

static int do_new(const char *source, const struct path_ref *at, const char *type, u64 flags,
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
	err = mount_in_own_ns(at->mnt) ? mount_attach(m, at) : -EINVAL;
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
		err = at.dentry == at.mnt->root && in_own_ns(at.mnt) ? 0 : -EINVAL;
	else if (flags & MS_MOVE)
		err = do_move(source, &at);
	else
		err = do_new(source, &at, type, flags, data);
	path_put(&at);
	return err;
}

void mount_detach_all(struct mount *m)
{
	while (!list_empty(&m->children)) {
		struct mount *c = list_first(&m->children, struct mount, sibling);

		while (!list_empty(&c->children))
			c = list_first(&c->children, struct mount, sibling);
		mount_detach(c);
		mount_put(c);
	}
	mount_detach(m);
	mount_put(m);
}

void mount_drop_tree(struct mount *m)
{
	mutex_lock(&vfs_mounts_mutex);
	mount_detach_all(m);
	mutex_unlock(&vfs_mounts_mutex);
}

void mount_tree_close(struct mount *m)
{
	mutex_lock(&vfs_mounts_mutex);
	if (m->floating) {
		/* Another descriptor may still lead to it, with nothing left to give. */
		m->floating = false;
		mount_detach_all(m);
	}
	mutex_unlock(&vfs_mounts_mutex);
}

int vfs_umount(const char *target, int flags)
{
	struct path_ref at;
	struct mount *m;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	path_follow_mounts(&at); /* "." may have been covered */
	m = at.mnt;
	if (!mount_may_admin() || landlock_may_mount()) {
		err = -EPERM;
	} else if (at.dentry != m->root || !m->attached || !m->parent || m->locked) {
		err = -EINVAL;
	} else if (flags & MNT_EXPIRE) {
		err = flags & (MNT_FORCE | MNT_DETACH) ? -EINVAL : -EAGAIN;
	}
	if (err) {
		path_put(&at);
		return err;
	}
	dentry_put(at.dentry);
	mutex_lock(&vfs_mounts_mutex);
	if (!m->parent || !mount_in_own_ns(m))
		err = -EINVAL;
	/* The tree's reference and ours; children add theirs. */
	else if (!(flags & MNT_DETACH) && atomic_load(&m->ref.n) > 2)
		err = -EBUSY;
	else
		mount_detach_all(m);
	mutex_unlock(&vfs_mounts_mutex);
	mount_put(m);
	return err;
}

int mount_pivot(const struct path_ref *new_root, const struct path_ref *put_old)
{
	struct mount *new = new_root->mnt, *old;
	struct path_ref cur, at;
	int err = -EINVAL;

	fs_context_root(&cur);
	old = cur.mnt;
	mutex_lock(&vfs_mounts_mutex);
	if (new == old || put_old->mnt == old) {
		err = -EBUSY;
		goto out;
	}
	if (cur.dentry != old->root || new_root->dentry != new->root || !new->parent || new->locked)
		goto out;
	if (!mount_in_own_ns(old) || !mount_in_own_ns(new))
		goto out;
	if (put_old->dentry->flags & DENTRY_DELETED) {
		err = -ENOENT;
		goto out;
	}
	if (put_old->mnt != new && put_old->mnt->parent != new)
		goto out;
	at = (struct path_ref){ old->parent, old->mountpoint };
	if (at.mnt)
		path_get(&at);
	if (old->parent)
		mount_detach(old);
	else
		list_del(&old->all);
	mount_detach(new);
	err = 0;
	if (at.mnt) {
		err = mount_attach(new, &at);
		path_put(&at);
	} else {
		mount_set_root(new);
	}
	if (task_current()->fs->ns && task_current()->fs->ns->root == old)
		task_current()->fs->ns->root = new;
	if (!err)
		err = mount_attach(old, put_old);
out:
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&cur);
	return err;
}

static void show_flags(struct seq *s, u32 f)
{
	static const struct {
		u32 flag;
		const char *name;
	} names[] = {
		{ MNT_NOSUID, ",nosuid" },	   { MNT_NODEV, ",nodev" },
		{ MNT_NOEXEC, ",noexec" },	   { MNT_NOATIME, ",noatime" },
		{ MNT_NODIRATIME, ",nodiratime" }, { MNT_RELATIME, ",relatime" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (f & names[i].flag)
			seq_puts(s, names[i].name);
}

static void show_one(struct seq *s, struct mount *m, const char *where, int style)
{
	static const char blanks[] = " \t\n\\#";
	const char *rw = m->flags & MNT_RDONLY ? "ro" : "rw";
	const char *sbrw = m->sb->flags & MS_RDONLY ? "ro" : "rw";

	switch (style) {
	case MOUNTS_MOUNTS:
		seq_escape(s, m->source, blanks);
		seq_putc(s, ' ');
		seq_escape(s, where, blanks);
		seq_printf(s, " %s %s", m->sb->fs->name, mount_may_write(m) ? "ro" : "rw");
		show_flags(s, m->flags);
		if (m->sb->ops && m->sb->ops->show_options)
			m->sb->ops->show_options(m->sb, s);
		seq_puts(s, " 0 0\n");
		break;
	case MOUNTS_MOUNTINFO:
		seq_printf(s, "%u %u %u:%u / ", m->id, m->parent ? m->parent->id : 1,
			   DEV_MAJOR(m->sb->dev), DEV_MINOR(m->sb->dev));
		seq_escape(s, where, blanks);
		seq_printf(s, " %s", rw);
		show_flags(s, m->flags);
		seq_printf(s, " - %s ", m->sb->fs->name);
		seq_escape(s, m->source, blanks);
		seq_printf(s, " %s", sbrw);
		if (m->sb->ops && m->sb->ops->show_options)
			m->sb->ops->show_options(m->sb, s);
		seq_putc(s, '\n');
		break;
	default:
		seq_puts(s, "device ");
		seq_escape(s, m->source, blanks);
		seq_puts(s, " mounted on ");
		seq_escape(s, where, blanks);
		seq_printf(s, " with fstype %s\n", m->sb->fs->name);
	}
}

void mounts_show(struct seq *s, int style)
{
	char *buf = kmalloc(PATH_MAX);
	struct path_ref root;
	struct mount *m;

	if (!buf) {
		s->failed = true;
		return;
	}
	fs_context_root(&root);
	mutex_lock(&vfs_mounts_mutex);
	list_for_each(m, &vfs_mounts, all) {
		struct path_ref p = { m, m->root };
		bool reachable;
		char *where = path_name_from(&p, &root, buf, PATH_MAX, &reachable);

		if (!IS_ERR(where) && reachable)
			show_one(s, m, where, style);
	}
	mutex_unlock(&vfs_mounts_mutex);
	path_put(&root);
	name_free(buf);
}
