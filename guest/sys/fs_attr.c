/*
 * fs_attr.c - chmod(2), chown(2), utimensat(2), truncate(2) and their forms.
 */
#include "fs/landlock/landlock.h"
#include "fs/notify.h"
#include "fs/mount/mount.h"
#include "sys/fs_sys.h"
#include "sys/timespec.h"
#include "task/ns/userns.h"

/* On an open file; it may lack a path (pipes, sockets). */
static s64 set_file(fd_a fd, struct setattr *a)
{
	struct file *f = fd_get(fd);
	s64 r = -EBADF;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->path)
		r = vfs_setattr(f->path, a);
	else if (f->inode)
		r = inode_set(f->inode, a);
	file_put(f);
	return r;
}

static s64 set_at(fd_a dfd, uaddr_t path, u32 flags, struct setattr *a)
{
	struct path_ref p;
	s64 r = path_lookup_user(dfd, path, lookup_of_at(flags), &p);

	if (r)
		return r;
	if ((a->valid & ATTR_MODE) && S_ISLNK(path_inode(&p)->mode))
		r = -EOPNOTSUPP;
	else
		r = vfs_setattr(&p, a);
	path_put(&p);
	return r;
}

s64 sys_fchmodat2(fd_a dfd, path_a path, mode_a mode, flags_a flags)
{
	struct setattr a = { .valid = ATTR_MODE, .mode = mode & 07777 };

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_at(dfd, path, flags, &a);
}

s64 sys_fchmodat(fd_a dfd, path_a path, mode_a mode)
{
	return sys_fchmodat2(dfd, path, mode, 0);
}

s64 sys_chmod(path_a path, mode_a mode)
{
	return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

s64 sys_fchmod(fd_a fd, mode_a mode)
{
	struct setattr a = { .valid = ATTR_MODE, .mode = mode & 07777 };

	return set_file(fd, &a);
}

/* -EINVAL: an id that has no meaning in the caller's user namespace. */
static int owner(struct setattr *a, u32 uid, u32 gid)
{
	*a = (struct setattr){ .uid = kuid_here(uid), .gid = kgid_here(gid) };
	if (uid != NO_ID)
		a->valid |= ATTR_UID;
	if (gid != NO_ID)
		a->valid |= ATTR_GID;
	return (uid != NO_ID && a->uid == NO_ID) || (gid != NO_ID && a->gid == NO_ID) ? -EINVAL : 0;
}

s64 sys_fchownat(fd_a dfd, path_a path, id_a uid, id_a gid, flags_a flags)
{
	struct setattr a;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) || owner(&a, uid, gid))
		return -EINVAL;
	return set_at(dfd, path, flags, &a);
}

s64 sys_chown(path_a path, id_a uid, id_a gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

s64 sys_lchown(path_a path, id_a uid, id_a gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

s64 sys_fchown(fd_a fd, id_a uid, id_a gid)
{
	struct setattr a;

	return owner(&a, uid, gid) ?: set_file(fd, &a);
}

/* ---- times ---- */

#define UTIME_NOW  ((1L << 30) - 1)
#define UTIME_OMIT ((1L << 30) - 2)

static int fill_times(struct setattr *a, const struct timespec64 *ts)
{
	struct fs_time now = fs_now();

	if (!ts) {
		a->valid = ATTR_ATIME | ATTR_MTIME | ATTR_ATIME_NOW | ATTR_MTIME_NOW;
		a->atime = a->mtime = now;
		return 0;
	}
	for (int k = 0; k < 2; k++)
		if ((ts[k].nsec < 0 || ts[k].nsec > 999999999) && ts[k].nsec != UTIME_NOW &&
		    ts[k].nsec != UTIME_OMIT)
			return -EINVAL;
	if (ts[0].nsec != UTIME_OMIT) {
		bool n = ts[0].nsec == UTIME_NOW;

		a->valid |= ATTR_ATIME | (n ? ATTR_ATIME_NOW : 0);
		a->atime = n ? now : (struct fs_time){ ts[0].sec, (u32)ts[0].nsec };
	}
	if (ts[1].nsec != UTIME_OMIT) {
		bool n = ts[1].nsec == UTIME_NOW;

		a->valid |= ATTR_MTIME | (n ? ATTR_MTIME_NOW : 0);
		a->mtime = n ? now : (struct fs_time){ ts[1].sec, (u32)ts[1].nsec };
	}
	return 0;
}

static s64 utimens(fd_a dfd, uaddr_t path, const struct timespec64 *ts, u32 flags)
{
	struct setattr a = { 0 };
	int err = fill_times(&a, ts);

	if (err)
		return err;
	if (!path) {
		if (dfd == AT_FDCWD)
			return -EFAULT;
		return flags ? -EINVAL : set_file(dfd, &a);
	}
	return set_at(dfd, path, flags, &a);
}

s64 sys_utimensat(fd_a dfd, path_a path, uptr_a times, flags_a flags)
{
	struct timespec64 ts[2];

	if (times && user_read(ts, times, sizeof(ts)))
		return -EFAULT;
	if (times && ts[0].nsec == UTIME_OMIT && ts[1].nsec == UTIME_OMIT)
		return 0;
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return utimens(dfd, path, times ? ts : NULL, flags);
}

s64 sys_futimesat(fd_a dfd, path_a path, uptr_a times)
{
	struct timeval64 tv[2];
	struct timespec64 ts[2];

	if (times) {
		if (user_read(tv, times, sizeof(tv)))
			return -EFAULT;
		for (int k = 0; k < 2; k++) {
			if (tv[k].usec < 0 || tv[k].usec >= 1000000)
				return -EINVAL;
			ts[k] = (struct timespec64){ tv[k].sec, tv[k].usec * (s64)NSEC_PER_USEC };
		}
	}
	return utimens(dfd, path, times ? ts : NULL, 0);
}

s64 sys_utimes(path_a path, uptr_a times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

s64 sys_utime(path_a path, uptr_a times)
{
	struct timespec64 ts[2] = { { 0 } };
	s64 t[2];

	if (times) {
		if (user_read(t, times, sizeof(t)))
			return -EFAULT;
		ts[0].sec = t[0];
		ts[1].sec = t[1];
	}
	return utimens(AT_FDCWD, path, times ? ts : NULL, 0);
}

s64 sys_truncate(path_a path, off_a length)
{
	struct path_ref p;
	struct inode *i;
	s64 r;

	if (length < 0)
		return -EINVAL;
	r = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (r)
		return r;
	i = path_inode(&p);
	r = S_ISDIR(i->mode) ? -EISDIR : !S_ISREG(i->mode) ? -EINVAL : mount_may_write(p.mnt);
	if (!r)
		r = inode_permission(i, MAY_WRITE);
	if (!r && atomic_load(&i->writecount) < 0)
		r = -ETXTBSY;
	if (!r)
		r = landlock_may(&p, LANDLOCK_TRUNCATE);
	if (!r)
		r = vfs_truncate_unopened(i, (u64)length, NULL);
	if (!r)
		notify_dentry(p.dentry, IN_MODIFY);
	path_put(&p);
	return r;
}

s64 sys_ftruncate(fd_a fd, off_a length)
{
	struct file *f;
	s64 r;

	if (length < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!f->inode || !S_ISREG(f->inode->mode) || !(f->mode & FMODE_WRITE))
		r = -EINVAL;
	else
		r = vfs_truncate(f->inode, (u64)length, f);
	if (!r)
		notify_file(f, IN_MODIFY);
	file_put(f);
	return r;
}
