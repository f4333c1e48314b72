/*
 * rename.c - rename(2), renameat2(2).
 *
 * Two directories are locked in tree order under vfs_rename_lock, which keeps ancestry still: the ancestor first, else
 * by address. A directory that is replaced is locked as rmdir would. One directory may be here by two dentries, where
 * somebody on the host moves it about: what counts for locks is the inode.
 */
#include <string.h>

#include "fs/landlock/landlock.h"
#include "fs/namei.h"
#include "fs/notify.h"

static struct mutex vfs_rename_lock = MUTEX_INIT(vfs_rename_lock);

static void lock_pair(struct dentry *a, struct dentry *b)
{
	struct inode *first = a->inode, *second = b->inode;

	if (first == second) {
		mutex_lock(&first->mutex);
		return;
	}
	mutex_lock(&vfs_rename_lock);
	if (dentry_is_below(a, b) || (!dentry_is_below(b, a) && b->inode < a->inode)) {
		first = b->inode;
		second = a->inode;
	}
	mutex_lock(&first->mutex);
	mutex_lock(&second->mutex);
}

static void unlock_pair(struct dentry *a, struct dentry *b)
{
	mutex_unlock(&a->inode->mutex);
	if (a->inode == b->inode)
		return;
	mutex_unlock(&b->inode->mutex);
	mutex_unlock(&vfs_rename_lock);
}

/* 0; 1: there is nothing to do; -EAGAIN: ask with the mounts locked, if they are not. */
static int check(struct walk *ow, struct walk *nw, struct dentry *od, struct dentry *nd,
		 unsigned flags, bool mounts_locked)
{
	struct inode *odir = path_inode(&ow->path), *ndir = path_inode(&nw->path);
	bool isdir, newdir = false;
	int err;

	if (!od->inode)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && nd->inode)
		return -EEXIST;
	isdir = S_ISDIR(od->inode->mode);
	if (flags & RENAME_EXCHANGE) {
		if (!nd->inode)
			return -ENOENT;
		newdir = S_ISDIR(nd->inode->mode);
		if (nw->slash && !newdir)
			return -ENOTDIR;
	}
	if (!isdir && (ow->slash || (!(flags & RENAME_EXCHANGE) && nw->slash)))
		return -ENOTDIR;
	if (dentry_is_below(nw->path.dentry, od) || od->inode == ndir)
		return -EINVAL;
	if (dentry_is_below(ow->path.dentry, nd) || nd->inode == odir)
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (unlikely(landlock_current())) {
		err = landlock_check_refer(&ow->path, od, &nw->path, nd->inode ? nd : NULL, true,
					   flags & RENAME_EXCHANGE);
		if (err)
			return err;
	}
	if (od->inode == nd->inode)
		return 1;
	err = may_delete(odir, od->inode, isdir);
	if (!err && !nd->inode)
		err = may_create(ndir);
	else if (!err)
		err = may_delete(ndir, nd->inode, flags & RENAME_EXCHANGE ? newdir : isdir);
	if (!err && odir != ndir && isdir)
		err = inode_permission(od->inode, MAY_WRITE);
	if (!err && odir != ndir && newdir)
		err = inode_permission(nd->inode, MAY_WRITE);
	if (!err && !odir->ops->rename)
		err = -EPERM;
	if (!err && ((od->flags | nd->flags) & DENTRY_MOUNTED))
		err = !mounts_locked ? -EAGAIN : mount_is_on(od) || mount_is_on(nd) ? -EBUSY : 0;
	return err;
}

/* One object went from name to name; dentries are where they were. */
static void tell(struct walk *ow, struct walk *nw, struct inode *i)
{
	u32 cookie = notify_cookie();

	notify_name_slow(path_inode(&ow->path), ow->last, ow->last_len, IN_MOVED_FROM, cookie, i);
	notify_name_slow(path_inode(&nw->path), nw->last, nw->last_len, IN_MOVED_TO, cookie, i);
}

/* *gone: the dentry, with a reference, of a mount point of other namespaces that was replaced; the mounts are locked then. */
static int rename_locked(struct walk *ow, struct walk *nw, unsigned flags, bool mounts_locked,
			 struct dentry **gone)
{
	struct inode *odir = path_inode(&ow->path), *ndir = path_inode(&nw->path), *victim;
	struct dentry *od, *nd;
	bool vdir;
	int err;

	od = walk_child_locked(ow->path.dentry, ow->last, ow->last_len);
	if (IS_ERR(od))
		return (int)PTR_ERR(od);
	nd = walk_child_new(nw->path.dentry, nw->last, nw->last_len);
	if (IS_ERR(nd)) {
		dentry_put(od);
		return (int)PTR_ERR(nd);
	}
	err = check(ow, nw, od, nd, flags, mounts_locked);
	if (err) {
		err = err == 1 ? 0 : err;
		goto out;
	}
	victim = nd->inode;
	if (victim)
		inode_get(victim);
	vdir = victim && S_ISDIR(victim->mode) && !(flags & RENAME_EXCHANGE);
	if (vdir)
		mutex_lock(&victim->mutex);
	err = odir->ops->rename(odir, ow->last, ow->last_len, od->inode, ndir, nw->last,
				nw->last_len, victim, flags);
	if (vdir) {
		if (!err)
			victim->flags |= INODE_DEAD;
		mutex_unlock(&victim->mutex);
	}
	if (!err && (flags & RENAME_EXCHANGE))
		err = dcache_exchange(od, nd);
	else if (!err) {
		if (vdir)
			dcache_shrink(nd);
		err = dcache_move(od, nd);
	}
	if (!err && notify_on()) {
		tell(ow, nw, od->inode);
		if (flags & RENAME_EXCHANGE)
			tell(nw, ow, victim);
		else if (victim)
			notify_inode(victim, IN_ATTRIB);
		notify_inode(od->inode, IN_MOVE_SELF);
		if (flags & RENAME_EXCHANGE)
			notify_inode(victim, IN_MOVE_SELF);
	}
	if (victim)
		inode_put(victim);
	if (!err && mounts_locked && !(flags & RENAME_EXCHANGE)) {
		dentry_get(nd);
		*gone = nd;
	}
out:
	dentry_put(od);
	dentry_put(nd);
	return err;
}

static int rename_between(struct walk *ow, struct walk *nw, unsigned flags)
{
	struct dentry *gone = NULL;
	int err;

	lock_pair(ow->path.dentry, nw->path.dentry);
	err = rename_locked(ow, nw, flags, false, &gone);
	unlock_pair(ow->path.dentry, nw->path.dentry);
	if (err != -EAGAIN)
		return err;
	/* A mount point: the mounts' lock is the outer one. */
	mutex_lock(&vfs_mounts_mutex);
	lock_pair(ow->path.dentry, nw->path.dentry);
	err = rename_locked(ow, nw, flags, true, &gone);
	unlock_pair(ow->path.dentry, nw->path.dentry);
	if (gone)
		mount_detach_from(gone);
	mutex_unlock(&vfs_mounts_mutex);
	dentry_put(gone);
	return err;
}

int vfs_rename(int olddir, const char *old, int newdir, const char *new, unsigned flags)
{
	struct walk ow, nw;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = walk_init(&ow, olddir, old, 0);
	if (!err)
		err = walk_parent(&ow);
	if (err) {
		walk_end(&ow);
		return err;
	}
	err = walk_init(&nw, newdir, new, 0);
	if (!err)
		err = walk_parent(&nw);
	if (err)
		goto out;
	err = -EXDEV;
	if (ow.path.mnt != nw.path.mnt)
		goto out;
	err = -EBUSY;
	if (ow.last_type != LAST_NORM)
		goto out;
	if (flags & RENAME_NOREPLACE)
		err = -EEXIST;
	if (nw.last_type != LAST_NORM)
		goto out;
	err = mount_may_write(ow.path.mnt);
	if (err)
		goto out;
	err = rename_between(&ow, &nw, flags);
out:
	walk_end(&ow);
	walk_end(&nw);
	return err;
}
