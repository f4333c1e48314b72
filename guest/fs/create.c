/*
 * create.c - making and removing names: mkdir, mknod, symlink, link, unlink, rmdir.
 *
 * The parent's mutex is held from the look-up of the last component to the change; a directory that is removed is
 * locked too, so that nothing can be made in it meanwhile. Order of errors as Linux's (filename_create, do_unlinkat).
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/landlock/landlock.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "task/cgroup/device.h"
#include "task/task.h"

/* Walk to the parent, lock it, find the last name: negative, or -EEXIST. The caller ends with create_end. */
static struct dentry *create_begin(struct walk *w, int dirfd, const char *name, bool isdir)
{
	struct dentry *d;
	int err;

	err = walk_init(w, dirfd, name, 0);
	if (!err)
		err = walk_parent(w);
	if (!err && w->last_type != LAST_NORM)
		err = -EEXIST;
	if (err) {
		walk_end(w);
		return ERR_PTR(err);
	}
	mutex_lock(&path_inode(&w->path)->mutex);
	d = walk_child_new(w->path.dentry, w->last, w->last_len);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else if (d->inode) {
		err = -EEXIST;
	} else if (w->slash && !isdir) {
		err = -ENOENT;
	} else {
		err = mount_may_write(w->path.mnt);
	}
	if (!err)
		return d;
	if (!IS_ERR(d))
		dentry_put(d);
	mutex_unlock(&path_inode(&w->path)->mutex);
	walk_end(w);
	return ERR_PTR(err);
}

static void create_end(struct walk *w, struct dentry *d)
{
	mutex_unlock(&path_inode(&w->path)->mutex);
	dentry_put(d);
	walk_end(w);
}

/* out: where the new node is, with references; or NULL. */
static int make(int dirfd, const char *name, u32 mode, u32 rdev, const char *target,
		struct path_ref *out)
{
	struct make_args a;
	struct inode *dir, *i;
	struct dentry *d;
	struct walk w;
	int err;

	d = create_begin(&w, dirfd, name, S_ISDIR(mode));
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = path_inode(&w.path);
	err = landlock_may(&w.path, landlock_make_access(mode));
	if (!err)
		err = may_create(dir);
	if (!err && (S_ISCHR(mode) || S_ISBLK(mode)) && !capable(CAP_MKNOD))
		err = -EPERM;
	if (!err && !dir->ops->make)
		err = -EPERM;
	if (!err && (S_ISCHR(mode) || S_ISBLK(mode)))
		err = cgroup_device_may(mode, rdev, DEVICE_MKNOD);
	if (!err) {
		make_args_init(&a, dir, mode);
		a.rdev = rdev;
		a.target = target;
		i = dir->ops->make(dir, w.last, w.last_len, &a);
		if (IS_ERR(i)) {
			err = (int)PTR_ERR(i);
		} else {
			dcache_instantiate(d, i);
			notify_name(dir, w.last, w.last_len, IN_CREATE, i);
		}
	}
	if (!err && out) {
		*out = (struct path_ref){ w.path.mnt, d };
		path_get(out);
	}
	create_end(&w, d);
	return err;
}

int vfs_make_socket(const char *name, u32 mode, struct path_ref *out)
{
	return make(AT_FDCWD, name, S_IFSOCK | (mode & 0777), 0, NULL, out);
}

int vfs_mkdir(int dirfd, const char *name, u32 mode)
{
	return make(dirfd, name, S_IFDIR | (mode & 01777), 0, NULL, NULL);
}

int vfs_mknod(int dirfd, const char *name, u32 mode, u32 rdev)
{
	switch (mode & S_IFMT) {
	case 0: mode |= S_IFREG; break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: break;
	case S_IFDIR: return -EPERM;
	default: return -EINVAL;
	}
	return make(dirfd, name, mode, S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0, NULL, NULL);
}

int vfs_symlink(const char *target, int dirfd, const char *name)
{
	return *target ? make(dirfd, name, S_IFLNK | 0777, 0, target, NULL) : -ENOENT;
}

/* As landlock has it: the name comes from another directory. */
static int may_link(const struct path_ref *from, const struct path_ref *dir)
{
	struct dentry *d = from->dentry;
	struct path_ref parent = { from->mnt, d };
	int err;

	spin_lock(&dcache_lock);
	if (d != from->mnt->root)
		parent.dentry = d->parent;
	dentry_get(parent.dentry);
	spin_unlock(&dcache_lock);
	err = landlock_check_refer(&parent, d, dir, NULL, false, false);
	dentry_put(parent.dentry);
	return err;
}

int vfs_link(int olddir, const char *old, int newdir, const char *new, int flags)
{
	unsigned lookup = 0;
	struct path_ref from;
	struct inode *dir, *i;
	struct dentry *d;
	struct walk w;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!*old && !capable(CAP_DAC_READ_SEARCH))
			return -ENOENT;
		lookup |= LOOKUP_EMPTY;
	}
	if (flags & AT_SYMLINK_FOLLOW)
		lookup |= LOOKUP_FOLLOW;
	err = path_lookup(olddir, old, lookup, &from);
	if (err)
		return err;
	d = create_begin(&w, newdir, new, false);
	if (IS_ERR(d)) {
		path_put(&from);
		return (int)PTR_ERR(d);
	}
	dir = path_inode(&w.path);
	i = path_inode(&from);
	err = from.mnt != w.path.mnt ? -EXDEV : 0;
	if (!err && unlikely(landlock_current()))
		err = may_link(&from, &w.path);
	if (!err)
		err = may_create(dir);
	if (!err && (i->flags & (INODE_IMMUTABLE | INODE_APPEND)))
		err = -EPERM;
	if (!err && (!dir->ops->link || S_ISDIR(i->mode)))
		err = -EPERM;
	if (!err && !i->nlink && (i->flags & INODE_UNLINKABLE))
		err = -ENOENT;
	if (!err && !i->nlink && !(dentry_name(from.dentry)[0] == '#'))
		err = -ENOENT;
	if (!err)
		err = dir->ops->link(dir, w.last, w.last_len, i);
	if (!err) {
		inode_get(i);
		dcache_instantiate(d, i);
		notify_inode(i, IN_ATTRIB);
		notify_name(dir, w.last, w.last_len, IN_CREATE, i);
	}
	create_end(&w, d);
	path_put(&from);
	return err;
}

/* May d, of the locked directory that w has walked to, be removed? -EAGAIN: ask with the mounts locked, if they are not. */
static int may_remove(const struct walk *w, const struct dentry *d, bool isdir, bool mounts_locked)
{
	int err;

	if (!d->inode)
		return -ENOENT;
	if (w->slash && !isdir)
		return S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
	err = landlock_may(&w->path, isdir ? LANDLOCK_REMOVE_DIR : LANDLOCK_REMOVE_FILE);
	if (!err)
		err = may_delete(path_inode(&w->path), d->inode, isdir);
	if (err || !(d->flags & DENTRY_MOUNTED))
		return err;
	return !mounts_locked ? -EAGAIN : mount_is_on(d) ? -EBUSY : 0;
}

/* The victim of unlink or rmdir with the parent locked, and the mounts if *mounts; ends with remove_end. */
static struct dentry *remove_begin(struct walk *w, int dirfd, const char *name, bool isdir,
				   bool *mounts)
{
	struct dentry *d;
	int err;

	*mounts = false;

	err = walk_init(w, dirfd, name, 0);
	if (!err)
		err = walk_parent(w);
	if (!err && w->last_type != LAST_NORM) {
		err = -EISDIR;
		if (isdir)
			err = w->last_type == LAST_DOTDOT ? -ENOTEMPTY
			      : w->last_type == LAST_DOT  ? -EINVAL
							  : -EBUSY;
	}
	if (!err)
		err = mount_may_write(w->path.mnt);
	if (err) {
		walk_end(w);
		return ERR_PTR(err);
	}
again:
	mutex_lock(&path_inode(&w->path)->mutex);
	d = walk_child_locked(w->path.dentry, w->last, w->last_len);
	err = IS_ERR(d) ? (int)PTR_ERR(d) : may_remove(w, d, isdir, *mounts);
	if (!err)
		return d;
	if (!IS_ERR(d))
		dentry_put(d);
	mutex_unlock(&path_inode(&w->path)->mutex);
	if (err == -EAGAIN && !*mounts) { /* their lock is the outer one */
		mutex_lock(&vfs_mounts_mutex);
		*mounts = true;
		goto again;
	}
	if (*mounts)
		mutex_unlock(&vfs_mounts_mutex);
	walk_end(w);
	return ERR_PTR(err);
}

static void remove_end(struct walk *w, struct dentry *d, bool mounts, bool removed)
{
	if (mounts) {
		mutex_unlock(&path_inode(&w->path)->mutex);
		if (removed)
			mount_detach_from(d);
		mutex_unlock(&vfs_mounts_mutex);
		dentry_put(d);
		walk_end(w);
	} else {
		create_end(w, d);
	}
}

static int remove_dir(struct inode *dir, const struct walk *w, struct inode *victim)
{
	int err;

	mutex_lock(&victim->mutex);
	err = dir->ops->rmdir ? dir->ops->rmdir(dir, w->last, w->last_len, victim) : -EPERM;
	if (!err)
		victim->flags |= INODE_DEAD;
	mutex_unlock(&victim->mutex);
	return err;
}

static int remove_file(struct inode *dir, const struct walk *w, struct inode *victim)
{
	int err = dir->ops->unlink ? dir->ops->unlink(dir, w->last, w->last_len, victim) : -EPERM;

	if (!err)
		notify_inode(victim, IN_ATTRIB);
	return err;
}

static int remove_name(int dirfd, const char *name, bool isdir)
{
	struct inode *dir, *victim;
	struct dentry *d;
	struct walk w;
	bool mounts;
	int err;

	d = remove_begin(&w, dirfd, name, isdir, &mounts);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = path_inode(&w.path);
	victim = d->inode;
	inode_get(victim);
	err = isdir ? remove_dir(dir, &w, victim) : remove_file(dir, &w, victim);
	if (!err) {
		if (isdir)
			dcache_shrink(d);
		dcache_delete(d);
		notify_name(dir, w.last, w.last_len, IN_DELETE, victim);
	}
	remove_end(&w, d, mounts, !err);
	inode_put(victim); /* here, outside of the lock, a large file's pages go */
	return err;
}

int vfs_unlink(int dirfd, const char *name)
{
	return remove_name(dirfd, name, false);
}

int vfs_rmdir(int dirfd, const char *name)
{
	return remove_name(dirfd, name, true);
}
