/*
 * open.c - open(2) and its kin: finding or making the object, rights, and the open file.
 *
 * The order of checks is Linux's (open_last_lookups, may_open). The directory's mutex is held from the look-up of the
 * last component to the creation.
 */
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/acl.h"
#include "fs/landlock/landlock.h"
#include "fs/lock.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "lib/log.h"
#include "task/task.h"

static struct special_open special;

void vfs_set_special(const struct special_open *s)
{
	special = *s;
}

/* Count a writer, or keep writers away (sign -1). -ETXTBSY. */
static int writecount_get(struct inode *i, int sign)
{
	s32 n = atomic_load(&i->writecount);

	do {
		if (sign > 0 ? n < 0 : n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writecount, &n, n + sign, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	return 0;
}

int vfs_truncate_unopened(struct inode *i, u64 size, struct file *f)
{
	int err = writecount_get(i, 1);

	if (err)
		return err;
	err = vfs_truncate(i, size, f);
	atomic_sub(&i->writecount, 1);
	return err;
}

static int acc_to_may(u32 flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY: return MAY_READ;
	case O_WRONLY: return MAY_WRITE;
	default: return MAY_READ | MAY_WRITE;
	}
}

int vfs_permission(const struct path_ref *p, int mask)
{
	struct inode *i = path_inode(p);

	if ((mask & MAY_WRITE) && (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)) &&
	    mount_may_write(p->mnt))
		return -EROFS;
	if ((mask & MAY_EXEC) && S_ISREG(i->mode) && (p->mnt->flags & MNT_NOEXEC))
		return -EACCES;
	return inode_permission(i, mask);
}

static int may_open(const struct path_ref *p, u32 flags, int may)
{
	struct inode *i = path_inode(p);
	int err;

	switch (i->mode & S_IFMT) {
	case S_IFLNK: return -ELOOP;
	case S_IFDIR:
		if (may & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mnt->flags & MNT_NODEV)
			return -EACCES;
		flags &= ~(u32)O_TRUNC;
		break;
	case S_IFIFO:
	case S_IFSOCK: flags &= ~(u32)O_TRUNC; break;
	}
	if (may) {
		err = vfs_permission(p, may | (flags & O_TRUNC ? MAY_WRITE : 0));
		if (err)
			return err;
	}
	if ((i->flags & INODE_APPEND) &&
	    ((flags & O_TRUNC) || ((may & MAY_WRITE) && !(flags & O_APPEND))))
		return -EPERM;
	if ((flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

/* The open file of p: no rights are checked any more. */
static struct file *open_object(const struct path_ref *p, u32 flags, bool exec)
{
	struct inode *i = path_inode(p);
	struct file *f;
	int err = 0;

	/* O_NOCTTY stays until the terminal was asked. */
	f = file_alloc(NULL, flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC), NULL);
	if (IS_ERR(f))
		return f;
	file_set_path(f, p);
	inode_get(i);
	f->inode = i;
	if (flags & O_PATH)
		goto done;
	if ((f->mode & FMODE_WRITE) && S_ISREG(i->mode)) {
		err = writecount_get(i, 1);
		if (err)
			goto fail;
		f->mode |= FMODE_WRITER;
		atomic_add(&p->mnt->writers, 1);
		atomic_add(&p->mnt->sb->writers, 1);
	}
	err = landlock_may_open(f, exec);
	if (err)
		goto fail;
	if (inode_marked(i, INODE_LOCKS)) {
		err = lease_break(i, flags);
		if (err)
			goto fail;
	}
	f->ops = i->ops->fops;
	switch (i->mode & S_IFMT) {
	case S_IFSOCK: err = -ENXIO; break;
	case S_IFIFO: err = special.fifo ? special.fifo(i, f) : -ENXIO; break;
	case S_IFCHR:
		if (!i->ops->open || !i->ops->fops)
			err = special.chr ? special.chr(i, f) : -ENXIO;
		else
			err = i->ops->open(i, f);
		break;
	case S_IFBLK: err = special.blk ? special.blk(i, f) : -ENXIO; break;
	default:
		if (i->ops->open)
			err = i->ops->open(i, f);
	}
	if (err)
		goto fail;
	if (f->ops && (!f->ops->seek || f->ops->seek == stream_seek))
		f->mode |= FMODE_STREAM;
done:
	f->flags &= ~(u32)O_NOCTTY;
	return f;
fail:
	f->ops = NULL;
	file_put(f);
	return ERR_PTR(err);
}

static struct file *finish_open(const struct path_ref *p, u32 flags, bool created)
{
	struct inode *i = path_inode(p);
	int may = created ? 0 : acc_to_may(flags), err;
	struct file *f;

	if (flags & O_PATH)
		return open_object(p, flags, false);
	if (!created && S_ISDIR(i->mode) && (flags & O_CREAT))
		return ERR_PTR(-EISDIR);
	err = may_open(p, created ? flags & ~(u32)O_TRUNC : flags, may);
	if (err)
		return ERR_PTR(err);
	f = open_object(p, flags, false);
	if (!IS_ERR(f))
		notify_dentry(p->dentry, IN_OPEN);
	if (IS_ERR(f) || created || !(flags & O_TRUNC) || !S_ISREG(i->mode))
		return f;
	err = vfs_truncate_unopened(i, 0, f); /* it may be open for reading alone */
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	notify_dentry(p->dentry, IN_MODIFY);
	return f;
}

void make_args_init(struct make_args *a, struct inode *dir, u32 mode)
{
	const struct cred *c = task_current()->cred;

	memset(a, 0, sizeof(*a));
	a->mode = mode;
	if (!S_ISLNK(mode) && !acl_inherits(dir))
		a->mode &= ~(task_current()->fs->umask & 0777);
	a->uid = c->fsuid;
	a->gid = c->fsgid;
	if (dir->mode & S_ISGID) {
		a->gid = dir->gid;
		if (S_ISDIR(mode))
			a->mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(c, dir->gid) && !capable_wrt(dir, CAP_FSETID))
			a->mode &= ~S_ISGID;
	}
}

/* The last component of an O_CREAT open. 0: w->path is it; 1: a link is in progress. */
static int open_create(struct walk *w, u32 flags, u32 mode, bool *created)
{
	struct dentry *parent = w->path.dentry, *d;
	struct inode *dir = parent->inode, *i;
	struct make_args a;
	int err;

	if (w->last_type != LAST_NORM || w->slash)
		return -EISDIR;
	mutex_lock(&dir->mutex);
	d = walk_child_new(parent, w->last, w->last_len);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
		goto unlock;
	}
	err = 0;
	if (d->inode) {
		mutex_unlock(&dir->mutex);
		if (flags & O_EXCL)
			err = -EEXIST;
		else if ((d->flags & DENTRY_LINK) && (w->flags & LOOKUP_FOLLOW)) {
			bool magic = d->inode->ops->get_link_path;

			err = walk_follow(w, d);
			if (!err && magic) { /* w->path is the object itself: nothing to walk on */
				dentry_put(d);
				return 0;
			}
			err = err ? err : 1;
		}
		if (err) {
			dentry_put(d);
			return err;
		}
		dentry_put(parent);
		w->path.dentry = d;
		path_follow_mounts(&w->path);
		return 0;
	}
	err = mount_may_write(w->path.mnt);
	if (!err)
		err = landlock_may(&w->path, LANDLOCK_MAKE_REG);
	if (!err)
		err = may_create(dir);
	if (!err && !dir->ops->make)
		err = -EACCES;
	if (err)
		goto put;
	make_args_init(&a, dir, S_IFREG | (mode & 07777));
	i = dir->ops->make(dir, w->last, w->last_len, &a);
	err = IS_ERR(i) ? (int)PTR_ERR(i) : 0;
	if (err)
		goto put;
	dcache_instantiate(d, i);
	notify_name(dir, w->last, w->last_len, IN_CREATE, i);
	mutex_unlock(&dir->mutex);
	dentry_put(parent);
	w->path.dentry = d;
	*created = true;
	return 0;
put:
	dentry_put(d);
unlock:
	mutex_unlock(&dir->mutex);
	return err;
}

static struct file *open_tmpfile(struct walk *w, u32 flags, u32 mode)
{
	struct inode *dir = path_inode(&w->path), *i;
	struct path_ref p = { .mnt = w->path.mnt };
	struct make_args a;
	struct file *f;
	char name[24];
	int err;

	if (!S_ISDIR(dir->mode))
		return ERR_PTR(-ENOTDIR);
	err = mount_may_write(w->path.mnt);
	if (!err)
		err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (!err && !dir->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (err)
		return ERR_PTR(err);
	make_args_init(&a, dir, S_IFREG | (mode & 07777));
	mutex_lock(&dir->mutex);
	i = dir->ops->tmpfile(dir, &a);
	mutex_unlock(&dir->mutex);
	if (IS_ERR(i))
		return (void *)i;
	if (flags & O_EXCL)
		i->flags |= INODE_UNLINKABLE;
	ksnprintf(name, sizeof(name), "#%llu", (unsigned long long)i->ino);
	p.dentry = dentry_detached(w->path.dentry, name, i);
	if (!p.dentry)
		return ERR_PTR(-ENOMEM);
	f = finish_open(&p, flags & ~(u32)(O_TMPFILE | O_TRUNC), true);
	dentry_put(p.dentry);
	return f;
}

static int check_flags(u32 *flags, u32 mode)
{
	if (*flags & __O_TMPFILE) {
		if ((*flags & O_TMPFILE) != O_TMPFILE || !(acc_to_may(*flags) & MAY_WRITE) ||
		    (*flags & O_CREAT))
			return -EINVAL;
	} else if ((*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
		return -EINVAL;
	}
	if (*flags & O_PATH)
		*flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	return 0;
}

struct file *vfs_open_resolve(int dirfd, const char *name, u32 flags, u32 mode, unsigned lookup)
{
	bool created = false;
	struct file *f;
	struct walk w;
	int err;

	err = check_flags(&flags, mode);
	if (err)
		return ERR_PTR(err);
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		lookup |= LOOKUP_FOLLOW;
	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_CREAT) && !(flags & __O_TMPFILE)) {
		struct path_ref p;

		if (!(flags & O_PATH))
			lookup |= acc_to_may(flags) & MAY_WRITE ? LOOKUP_OPEN_WRITE
								: LOOKUP_OPEN_READ;

		err = path_lookup(dirfd, name, lookup, &p);
		if (err)
			return ERR_PTR(err);
		f = finish_open(&p, flags, false);
		path_put(&p);
		return f;
	}
	err = walk_init(&w, dirfd, name, lookup);
	while (!err) {
		err = walk_parent(&w);
		if (err)
			break;
		err = flags & __O_TMPFILE ? walk_last(&w) : open_create(&w, flags, mode, &created);
		if (!err)
			break;
		if (err == 1)
			err = 0;
	}
	if (err)
		f = ERR_PTR(err);
	else if (flags & __O_TMPFILE)
		f = open_tmpfile(&w, flags, mode);
	else
		f = finish_open(&w.path, flags, created);
	walk_end(&w);
	return f;
}

struct file *vfs_open(int dirfd, const char *name, u32 flags, u32 mode)
{
	return vfs_open_resolve(dirfd, name, flags, mode, 0);
}

struct file *vfs_open_path(const struct path_ref *p, u32 flags)
{
	return finish_open(p, flags, false);
}

struct file *vfs_open_exec(int dirfd, const char *name, int at_flags)
{
	unsigned lookup = LOOKUP_OPEN_READ | (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
	struct path_ref p;
	struct file *f;
	int err;

	if (at_flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup(dirfd, name, lookup, &p);
	if (err)
		return ERR_PTR(err);
	if (S_ISLNK(path_inode(&p)->mode))
		err = -ELOOP;
	else if (!S_ISREG(path_inode(&p)->mode))
		err = -EACCES;
	else
		err = vfs_permission(&p, MAY_EXEC);
	f = err ? ERR_PTR(err) : open_object(&p, O_RDONLY | O_LARGEFILE, true);
	if (!IS_ERR(f)) {
		err = writecount_get(f->inode, -1);
		if (err) {
			file_put(f);
			f = ERR_PTR(err);
		} else {
			f->mode |= FMODE_EXEC_DENY;
			notify_dentry(p.dentry, IN_OPEN);
		}
	}
	path_put(&p);
	return f;
}
