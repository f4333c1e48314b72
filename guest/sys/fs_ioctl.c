/*
 * fs_ioctl.c - ioctl(2) of regular files and directories: sizes, the flags of chattr(1) in both their forms, and the answers of
 * file systems that keep no extents and share none (FIEMAP, FIBMAP, FICLONE).
 */
#include <linux/capability.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "fs/mount/mount.h"
#include "sys/fs_sys.h"

static const struct {
	u32 flag, xflag;
} xflags[] = {
	{ FS_SYNC_FL, FS_XFLAG_SYNC },	     { FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE },
	{ FS_APPEND_FL, FS_XFLAG_APPEND },   { FS_NODUMP_FL, FS_XFLAG_NODUMP },
	{ FS_NOATIME_FL, FS_XFLAG_NOATIME },
};

static s64 put_int(uaddr_t arg, s32 n)
{
	return user_write(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static s64 get_flags(struct inode *i, u32 cmd, uaddr_t arg)
{
	struct fsxattr x = {};
	u32 flags;
	int err;

	if (!i->ops->get_flags)
		return -ENOTTY;
	err = i->ops->get_flags(i, &flags);
	if (err)
		return err;
	if (cmd == FS_IOC_GETFLAGS)
		return put_int(arg, (s32)flags);
	for (size_t k = 0; k < ARRAY_SIZE(xflags); k++)
		if (flags & xflags[k].flag)
			x.fsx_xflags |= xflags[k].xflag;
	return user_write(arg, &x, sizeof(x)) ? -EFAULT : 0;
}

/* -EOPNOTSUPP: it asks for extent sizes, projects or flags that are none of chattr's. */
static int flags_of(const struct fsxattr *x, u32 *flags)
{
	/* Those of sizes say nothing where there are none. */
	u32 rest = x->fsx_xflags & ~(u32)(FS_XFLAG_HASATTR | FS_XFLAG_EXTSIZE |
					  FS_XFLAG_EXTSZINHERIT | FS_XFLAG_COWEXTSIZE);

	*flags = 0;
	for (size_t k = 0; k < ARRAY_SIZE(xflags); k++) {
		if (!(rest & xflags[k].xflag))
			continue;
		*flags |= xflags[k].flag;
		rest &= ~xflags[k].xflag;
	}
	return rest || x->fsx_extsize || x->fsx_projid || x->fsx_cowextsize ? -EOPNOTSUPP : 0;
}

static s64 set_flags(struct file *f, u32 cmd, uaddr_t arg)
{
	struct inode *i = f->inode;
	struct fsxattr x;
	bool plain = cmd == FS_IOC_SETFLAGS;
	u32 flags;
	s64 err;

	if (!i->ops->set_flags)
		return -ENOTTY;
	if (plain ? user_read(&flags, arg, sizeof(flags)) : user_read(&x, arg, sizeof(x)))
		return -EFAULT;
	err = f->path ? mount_may_write(f->path->mnt) : 0;
	if (err)
		return err;
	if (!inode_owner_or_capable(i))
		return -EPERM;
	err = plain ? 0 : flags_of(&x, &flags);
	if (err)
		return err;
	mutex_lock(&i->mutex);
	err = i->ops->set_flags(i, flags);
	mutex_unlock(&i->mutex);
	return err;
}

s64 inode_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct inode *i = f->inode;

	switch (cmd) {
	case FIGETBSZ: return put_int(arg, (s32)i->sb->blksize);
	case FS_IOC_GETFLAGS:
	case FS_IOC_FSGETXATTR: return get_flags(i, cmd, arg);
	case FS_IOC_SETFLAGS:
	case FS_IOC_FSSETXATTR: return set_flags(f, cmd, arg);
	case FS_IOC_FIEMAP:
	case FICLONE:
	case FICLONERANGE: return -EOPNOTSUPP;
	}
	if (!S_ISREG(i->mode))
		return -ENOTTY;
	switch (cmd) {
	case FIONREAD:
		return put_int(arg,
			       (s32)MIN(i->size > f->pos ? i->size - f->pos : 0, (u64)0x7fffffff));
	case FIBMAP: return capable(CAP_SYS_RAWIO) ? -EINVAL : -EPERM;
	default: return -ENOTTY;
	}
}
