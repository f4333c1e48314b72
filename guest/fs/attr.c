/*
 * attr.c - the object layer of stat, chmod, chown, utimensat and truncate.
 *
 * Rights and the rules about set-id bits are here; the file system's setattr only stores. inode->mutex is held.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/lock.h"
#include "fs/mount/mount.h"
#include "fs/notify.h"
#include "mm/pagecache.h"
#include "task/task.h"

static int getattr(struct inode *i, struct stat_info *st)
{
	int err = 0;

	memset(st, 0, sizeof(*st));
	if (i->ops && i->ops->getattr)
		err = i->ops->getattr(i, st);
	else
		inode_getattr(i, st);
	return err;
}

int vfs_stat(const struct path_ref *p, struct stat_info *st)
{
	int err = getattr(path_inode(p), st);

	st->mnt_id = p->mnt->id;
	st->attributes_mask |= STATX_ATTR_MOUNT_ROOT;
	if (p->dentry == p->mnt->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	return err;
}

int vfs_stat_file(struct file *f, struct stat_info *st)
{
	if (f->path)
		return vfs_stat(f->path, st);
	if (!f->inode)
		return -EBADF;
	return getattr(f->inode, st);
}

/* setattr_prepare(9): may the caller? Adjusts a->mode. */
static int may_setattr(struct inode *i, struct setattr *a)
{
	const struct cred *c = task_current()->cred;

	if (i->flags & INODE_IMMUTABLE)
		return -EPERM;
	if ((i->flags & INODE_APPEND) && (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID)))
		return -EPERM;
	if ((a->valid & ATTR_UID) &&
	    !((c->fsuid == i->uid && a->uid == i->uid) || capable_wrt(i, CAP_CHOWN)))
		return -EPERM;
	if ((a->valid & ATTR_GID) &&
	    !((c->fsuid == i->uid && (cred_in_group(c, a->gid) || a->gid == i->gid)) ||
	      capable_wrt(i, CAP_CHOWN)))
		return -EPERM;
	if ((a->valid & ATTR_MODE) && !(a->valid & (ATTR_UID | ATTR_GID))) {
		if (!inode_owner_or_capable(i))
			return -EPERM;
		if (!cred_in_group(c, i->gid) && !capable_wrt(i, CAP_FSETID))
			a->mode &= ~(u32)S_ISGID;
	}
	return 0;
}

static int set_locked(struct inode *i, struct setattr *a)
{
	int err;

	err = may_setattr(i, a);
	if (err)
		return err;
	/* chown takes the set-id bits of files away. */
	if ((a->valid & (ATTR_UID | ATTR_GID)) && !S_ISDIR(i->mode) &&
	    (i->mode & (S_ISUID | S_ISGID))) {
		u32 mode = i->mode & 07777 & ~(u32)S_ISUID;

		if (mode & S_IXGRP)
			mode &= ~(u32)S_ISGID;
		a->valid |= ATTR_MODE;
		a->mode = mode;
	}
	a->valid |= ATTR_CTIME;
	a->ctime = fs_now();
	return i->ops && i->ops->setattr ? i->ops->setattr(i, a) : -EPERM;
}

static void tell(struct dentry *d, u32 valid)
{
	u32 times = valid & (ATTR_ATIME | ATTR_MTIME);

	if (valid & (ATTR_MODE | ATTR_UID | ATTR_GID) || times == (ATTR_ATIME | ATTR_MTIME))
		notify_dentry_slow(d, IN_ATTRIB);
	else if (times)
		notify_dentry_slow(d, times == ATTR_ATIME ? IN_ACCESS : IN_MODIFY);
}

int vfs_setattr(const struct path_ref *p, struct setattr *a)
{
	struct inode *i = path_inode(p);
	int err;

	err = mount_may_write(p->mnt);
	if (err)
		return err;
	if (a->valid & (ATTR_ATIME | ATTR_MTIME)) {
		bool now = (a->valid & ATTR_ATIME_NOW) && (a->valid & ATTR_MTIME_NOW);

		if (i->flags & (INODE_IMMUTABLE | (now ? 0 : INODE_APPEND)))
			return -EPERM;
		if (!inode_owner_or_capable(i)) {
			err = now ? inode_permission(i, MAY_WRITE) : -EPERM;
			if (err)
				return err;
		}
	}
	mutex_lock(&i->mutex);
	err = set_locked(i, a);
	mutex_unlock(&i->mutex);
	if (!err && notify_on())
		tell(p->dentry, a->valid);
	return err;
}

int inode_set(struct inode *i, struct setattr *a)
{
	int err;

	mutex_lock(&i->mutex);
	err = may_setattr(i, a);
	if (!err)
		inode_setattr(i, a);
	mutex_unlock(&i->mutex);
	return err;
}

int inode_may_grow(const struct inode *i, u64 size)
{
	if (size > i->sb->max_bytes)
		return -EFBIG;
	if (size > task_rlimit(RLIMIT_FSIZE) && size > i->size) {
		signal_task(task_current(), 25 /* SIGXFSZ */, NULL);
		return -EFBIG;
	}
	return 0;
}

int vfs_truncate(struct inode *i, u64 size, struct file *f)
{
	struct setattr a = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size };
	int err;

	if (!S_ISREG(i->mode))
		return S_ISDIR(i->mode) ? -EISDIR : -EINVAL;
	if (i->flags & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (f && (f->mode & FMODE_NO_TRUNCATE))
		return -EACCES;
	err = inode_may_grow(i, size);
	if (!err && !f && inode_marked(i, INODE_LOCKS))
		err = lease_break(i, O_WRONLY);
	if (err)
		return err;
	mutex_lock(&i->mutex);
	a.mtime = a.ctime = fs_now();
	if ((i->mode & (S_ISUID | S_ISGID)) && !capable_wrt(i, CAP_FSETID)) {
		a.valid |= ATTR_MODE;
		a.mode = i->mode & 07777 & ~(u32)S_ISUID;
		if (a.mode & S_IXGRP)
			a.mode &= ~(u32)S_ISGID;
	}
	err = i->ops->setattr ? i->ops->setattr(i, &a) : -EINVAL;
	mutex_unlock(&i->mutex);
	return err;
}

s64 vfs_readlink(const struct path_ref *p, char *buf, size_t size)
{
	struct inode *i = path_inode(p);
	struct path_ref to;
	size_t n;
	char *s;
	int err;

	if (!S_ISLNK(i->mode))
		return -EINVAL;
	if (i->link) {
		n = MIN(strlen(i->link), size - 1);
		memcpy(buf, i->link, n);
		buf[n] = 0;
		return (s64)n;
	}
	if (i->ops->readlink)
		return i->ops->readlink(i, buf, size);
	if (!i->ops->get_link_path)
		return -EINVAL;
	err = i->ops->get_link_path(i, &to);
	if (err)
		return err;
	s = path_name(&to, buf, size);
	path_put(&to);
	if (IS_ERR(s))
		return PTR_ERR(s);
	n = strlen(s);
	memmove(buf, s, n + 1);
	return (s64)n;
}
