/*
 * fs_stat.c - stat(2) and its forms, statx(2), statfs(2), access(2).
 */
#include <linux/capability.h>
#include <asm/statfs.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/mount/mount.h"
#include "sys/fs_sys.h"
#include "task/ns/userns.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000u
#endif

static s64 put_stat(const struct stat_info *in, uaddr_t out)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	st.st_dev = dev_encode(in->dev);
	st.st_ino = in->ino;
	st.st_nlink = in->nlink;
	st.st_mode = in->mode;
	st.st_uid = show_uid(in->uid);
	st.st_gid = show_gid(in->gid);
	st.st_rdev = dev_encode(in->rdev);
	st.st_size = (s64)in->size;
	st.st_blksize = in->blksize;
	st.st_blocks = (s64)in->blocks;
	st.st_atime = (u64)in->atime.sec;
	st.st_atime_nsec = in->atime.nsec;
	st.st_mtime = (u64)in->mtime.sec;
	st.st_mtime_nsec = in->mtime.nsec;
	st.st_ctime = (u64)in->ctime.sec;
	st.st_ctime_nsec = in->ctime.nsec;
	return user_write(out, &st, sizeof(st)) ? -EFAULT : 0;
}

static int stat_fd(fd_a fd, struct stat_info *st)
{
	struct file *f = fd_get_path(fd);
	int err;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	err = vfs_stat_file(f, st);
	file_put(f);
	return err;
}

/* By name, or by descriptor with an empty name and AT_EMPTY_PATH. */
static int stat_at(fd_a dfd, uaddr_t path, u32 flags, struct stat_info *st)
{
	char *name = name_from_user(path, flags & AT_EMPTY_PATH);
	struct path_ref p;
	int err;

	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	if (!*name && dfd >= 0) {
		err = stat_fd(dfd, st);
	} else {
		err = path_lookup(dfd, name, lookup_of_at(flags), &p);
		if (!err) {
			err = vfs_stat(&p, st);
			path_put(&p);
		}
	}
	name_free(name);
	return err;
}

s64 sys_stat(path_a path, uptr_a st)
{
	struct stat_info s;
	int err = stat_at(AT_FDCWD, path, 0, &s);

	return err ? err : put_stat(&s, st);
}

s64 sys_lstat(path_a path, uptr_a st)
{
	struct stat_info s;
	int err = stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &s);

	return err ? err : put_stat(&s, st);
}

s64 sys_fstat(fd_a fd, uptr_a st)
{
	struct stat_info s;
	int err = stat_fd(fd, &s);

	return err ? err : put_stat(&s, st);
}

s64 sys_newfstatat(fd_a dfd, path_a path, uptr_a st, flags_a flags)
{
	struct stat_info s;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	err = stat_at(dfd, path, flags, &s);
	return err ? err : put_stat(&s, st);
}

static struct statx_timestamp xtime(struct fs_time t)
{
	return (struct statx_timestamp){ .tv_sec = t.sec, .tv_nsec = t.nsec };
}

s64 sys_statx(fd_a dfd, path_a path, flags_a flags, uint_a mask, uptr_a buf)
{
	struct stat_info s;
	struct statx x;
	int err;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags &
	    ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	err = stat_at(dfd, path, flags, &s);
	if (err)
		return err;
	memset(&x, 0, sizeof(x));
	x.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID;
	if (s.has_btime) {
		x.stx_mask |= STATX_BTIME;
		x.stx_btime = xtime(s.btime);
	}
	x.stx_blksize = s.blksize;
	x.stx_attributes = s.attributes;
	x.stx_attributes_mask = s.attributes_mask;
	x.stx_nlink = s.nlink;
	x.stx_uid = show_uid(s.uid);
	x.stx_gid = show_gid(s.gid);
	x.stx_mode = (u16)s.mode;
	x.stx_ino = s.ino;
	x.stx_size = s.size;
	x.stx_blocks = s.blocks;
	x.stx_atime = xtime(s.atime);
	x.stx_ctime = xtime(s.ctime);
	x.stx_mtime = xtime(s.mtime);
	x.stx_rdev_major = DEV_MAJOR(s.rdev);
	x.stx_rdev_minor = DEV_MINOR(s.rdev);
	x.stx_dev_major = DEV_MAJOR(s.dev);
	x.stx_dev_minor = DEV_MINOR(s.dev);
	x.stx_mnt_id = s.mnt_id;
	if (mask & STATX_MNT_ID_UNIQUE) {
		x.stx_mask = (x.stx_mask & ~(u32)STATX_MNT_ID) | STATX_MNT_ID_UNIQUE;
		x.stx_mnt_id += MOUNT_UNIQUE_BASE;
	}
	return user_write(buf, &x, sizeof(x)) ? -EFAULT : 0;
}

static int put_statfs(struct super_block *sb, u32 mnt_flags, uaddr_t buf)
{
	struct statfs_info in = {
		.type = sb->magic, .bsize = 4096, .frsize = 4096, .namelen = NAME_MAX
	};
	struct statfs out;
	int err = 0;

	if (sb->ops && sb->ops->statfs)
		err = sb->ops->statfs(sb, &in);
	if (err)
		return err;
	memset(&out, 0, sizeof(out));
	out.f_type = (__statfs_word)in.type;
	out.f_bsize = (__statfs_word)in.bsize;
	out.f_blocks = (__statfs_word)in.blocks;
	out.f_bfree = (__statfs_word)in.bfree;
	out.f_bavail = (__statfs_word)in.bavail;
	out.f_files = (__statfs_word)in.files;
	out.f_ffree = (__statfs_word)in.ffree;
	if (!in.fsid)
		in.fsid = sb->dev;
	memcpy(&out.f_fsid, &in.fsid, sizeof(out.f_fsid));
	out.f_namelen = (__statfs_word)in.namelen;
	out.f_frsize = (__statfs_word)in.frsize;
	out.f_flags = 0x20 /* ST_VALID */ | (sb->flags & MS_RDONLY) |
		      (__statfs_word)mount_st_of_flags(mnt_flags);
	return user_write(buf, &out, sizeof(out)) ? -EFAULT : 0;
}

s64 sys_statfs(path_a path, uptr_a buf)
{
	struct path_ref p;
	int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = put_statfs(p.mnt->sb, p.mnt->flags, buf);
	path_put(&p);
	return err;
}

s64 sys_fstatfs(fd_a fd, uptr_a buf)
{
	struct super_block none = { .magic = 0x50495045 /* PIPEFS_MAGIC */ };
	struct file *f = fd_get_path(fd);
	int err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->path)
		err = put_statfs(f->path->mnt->sb, f->path->mnt->flags, buf);
	else
		err = put_statfs(&none, 0, buf);
	file_put(f);
	return err;
}

/* The credentials that access(2) asks about: real ids, and no capabilities that a set-id program gained. */
static int with_real_ids(struct cred **saved)
{
	struct task *t = task_current();
	bool root = t->cred->uid == kuid_here(0);
	struct cred *c;

	*saved = NULL;
	if (t->cred->fsuid == t->cred->uid && t->cred->fsgid == t->cred->gid &&
	    t->cred->cap_effective == (root ? t->cred->cap_permitted : 0))
		return 0;
	c = cred_dup(t->cred);
	if (!c)
		return -ENOMEM;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = root ? c->cap_permitted : 0;
	*saved = cred_swap(c);
	return 0;
}

s64 sys_faccessat2(fd_a dfd, path_a path, int_a amode, flags_a flags)
{
	struct cred *saved = NULL;
	struct path_ref p;
	int err;

	if (amode & ~(MAY_EXEC | MAY_WRITE | MAY_READ))
		return -EINVAL;
	if (flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		err = with_real_ids(&saved);
		if (err)
			return err;
	}
	err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (!err) {
		u32 type = path_inode(&p)->mode & S_IFMT;

		err = amode ? inode_permission(path_inode(&p), amode) : 0;
		if (!err && (amode & MAY_EXEC) && type == S_IFREG && (p.mnt->flags & MNT_NOEXEC))
			err = -EACCES;
		if (!err && (amode & MAY_WRITE) &&
		    (type == S_IFREG || type == S_IFDIR || type == S_IFLNK))
			err = mount_may_write(p.mnt);
		path_put(&p);
	}
	if (saved)
		cred_put(cred_swap(saved));
	return err;
}

s64 sys_faccessat(fd_a dfd, path_a path, int_a amode)
{
	return sys_faccessat2(dfd, path, amode, 0);
}

s64 sys_access(path_a path, int_a amode)
{
	return sys_faccessat2(AT_FDCWD, path, amode, 0);
}
