/*
 * attr.c - attributes of tmpfs's inodes beyond those of stat(2): extended ones, access control lists, and the flags of chattr(1).
 *
 * In an overlay the lower layer's extended attributes show until the first change; its lists and flags do not.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <string.h>

#include "fs/acl.h"
#include "fs/tmpfs/tmpfs.h"
#include "task/task.h"

#define FLAGS_SETTABLE	(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL)
#define FLAGS_INHERITED (FS_NODUMP_FL | FS_NOATIME_FL)

s64 tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct tmpfs_own *own = tmpfs_own(i);
	struct inode *lower;
	s64 n;

	if (!overlay_xattrs_below(i))
		return own ? xattrs_get(&own->xattrs, name, buf, size) : -ENODATA;
	lower = overlay_lower(i, 0);
	if (IS_ERR(lower))
		return PTR_ERR(lower);
	n = lower->ops->getxattr ? lower->ops->getxattr(lower, name, buf, size) : -ENODATA;
	inode_put(lower);
	return n;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	int err = overlay_xattrs(i);

	if (!err)
		err = xattrs_set(&tmpfs_own(i)->xattrs, name, v, n, flags);
	if (!err)
		inode_touch(i, ATTR_CTIME);
	return err;
}

s64 tmpfs_listxattr(struct inode *i, char *buf, size_t size)
{
	struct tmpfs_own *own = tmpfs_own(i);
	struct inode *lower;
	s64 n;

	if (!overlay_xattrs_below(i))
		return own ? xattrs_list(&own->xattrs, buf, size) : 0;
	lower = overlay_lower(i, 0);
	if (IS_ERR(lower))
		return PTR_ERR(lower);
	n = lower->ops->listxattr ? lower->ops->listxattr(lower, buf, size) : 0;
	inode_put(lower);
	return n;
}

/* ---- flags ---- */

int tmpfs_get_flags(struct inode *i, u32 *flags)
{
	const struct tmpfs_own *own = tmpfs_own(i);

	*flags = own ? own->fsflags : 0;
	return 0;
}

static int put_flags(struct inode *i, u32 flags)
{
	int err = tmpfs_need_own(i);

	if (err)
		return err;
	tmpfs_own(i)->fsflags = flags;
	i->flags &= ~(INODE_IMMUTABLE | INODE_APPEND | INODE_NOATIME);
	i->flags |= (flags & FS_IMMUTABLE_FL ? INODE_IMMUTABLE : 0) |
		    (flags & FS_APPEND_FL ? INODE_APPEND : 0) |
		    (flags & FS_NOATIME_FL ? INODE_NOATIME : 0);
	return 0;
}

int tmpfs_set_flags(struct inode *i, u32 flags)
{
	u32 old;
	int err;

	tmpfs_get_flags(i, &old);
	if (((flags ^ old) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) && !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	if (flags & ~(u32)FLAGS_SETTABLE)
		return -EOPNOTSUPP;
	err = put_flags(i, flags);
	if (err)
		return err;
	overlay_pin(i);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

/* ---- access control lists ---- */

struct acl *tmpfs_get_acl(struct inode *i, bool def)
{
	const struct tmpfs_own *own = tmpfs_own(i);
	struct acl *a;

	if (!own)
		return NULL;
	spin_lock(&i->lock);
	a = own->acl[def];
	if (a)
		acl_get(a);
	spin_unlock(&i->lock);
	return a;
}

int tmpfs_set_acl(struct inode *i, bool def, struct acl *a, u32 mode)
{
	int err = tmpfs_need_own(i);
	struct tmpfs_own *own;
	struct acl *old;

	if (err)
		return err;
	own = tmpfs_own(i);
	if (a)
		acl_get(a);
	spin_lock(&i->lock);
	old = own->acl[def];
	own->acl[def] = a;
	i->mode = (u16)mode;
	if (own->acl[0] || own->acl[1])
		i->flags |= INODE_ACL;
	else
		i->flags &= ~INODE_ACL;
	spin_unlock(&i->lock);
	acl_put(old);
	overlay_pin(i);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

int tmpfs_inherit(struct inode *dir, struct inode *i)
{
	const struct tmpfs_own *own = tmpfs_own(dir);
	u32 flags = own ? own->fsflags & FLAGS_INHERITED : 0;
	int err = flags && !S_ISLNK(i->mode) ? put_flags(i, flags) : 0;

	return err ?: acl_inherit(dir, i);
}
