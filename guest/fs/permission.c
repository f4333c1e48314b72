/*
 * permission.c - who may do what to an inode (path_resolution(7), capabilities(7)).
 *
 * All checks are of the current task's fsuid, fsgid, groups and effective capabilities. No locks.
 */
#include <linux/capability.h>

#include "fs/acl.h"
#include "task/cgroup/device.h"
#include "task/task.h"
#include "task/ns/userns.h"

bool cred_in_group(const struct cred *c, u32 gid)
{
	unsigned lo = 0, hi = c->ngroups;

	if (c->fsgid == gid)
		return true;
	/* Sorted by setgroups, but small lists are not worth the assumption. */
	for (; lo < hi; lo++)
		if (c->groups[lo] == gid)
			return true;
	return false;
}

bool capable_wrt(const struct inode *i, int cap)
{
	return capable_over_ids(i->uid, i->gid, cap);
}

bool inode_owner_or_capable(const struct inode *i)
{
	return task_current()->cred->fsuid == i->uid || capable_wrt(i, CAP_FOWNER);
}

int inode_permission_generic(struct inode *i, int mask)
{
	return inode_permission_cred(task_current()->cred, i, mask);
}

int inode_permission_cred(const struct cred *c, struct inode *i, int mask)
{
	u32 mode = READ_ONCE(i->mode);
	int bits = mode & 7, by_acl = -EAGAIN;

	if ((i->flags & INODE_ACL) && c->fsuid != i->uid && (mode & 070))
		by_acl = acl_permission(i, mask);
	if (by_acl != -EAGAIN)
		bits = by_acl ? 0 : 7;
	else if (c->fsuid == i->uid)
		bits = mode >> 6 & 7;
	else if ((mode >> 3 & 7) != (mode & 7) && cred_in_group(c, i->gid))
		bits = mode >> 3 & 7;
	if (!(mask & 7 & ~bits))
		return 0;
	if (S_ISDIR(mode)) {
		if (!(mask & MAY_WRITE) &&
		    cred_capable_over_ids(c, i->uid, i->gid, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable_over_ids(c, i->uid, i->gid, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if ((mask & 7) == MAY_READ && cred_capable_over_ids(c, i->uid, i->gid, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (mode & S_IXUGO)) &&
	    cred_capable_over_ids(c, i->uid, i->gid, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, int mask)
{
	int err;

	if ((mask & MAY_WRITE) && (i->flags & INODE_IMMUTABLE))
		return -EPERM;
	if (i->ops && i->ops->permission)
		err = i->ops->permission(i, mask);
	else
		err = inode_permission_generic(i, mask);
	if (!err && unlikely(inode_is_device(i)) && (mask & (MAY_READ | MAY_WRITE)))
		err = cgroup_device_may(i->mode, i->rdev,
					(mask & MAY_READ ? DEVICE_READ : 0) |
						(mask & MAY_WRITE ? DEVICE_WRITE : 0));
	return err;
}

int may_create(struct inode *dir)
{
	if (dir->flags & INODE_DEAD)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct inode *dir, struct inode *victim, bool isdir)
{
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (dir->flags & INODE_APPEND)
		return -EPERM;
	if ((dir->mode & S_ISVTX) && task_current()->cred->fsuid != victim->uid &&
	    task_current()->cred->fsuid != dir->uid && !capable_wrt(victim, CAP_FOWNER))
		return -EPERM;
	if (victim->flags & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (isdir && !S_ISDIR(victim->mode))
		return -ENOTDIR;
	if (!isdir && S_ISDIR(victim->mode))
		return -EISDIR;
	if (dir->flags & INODE_DEAD)
		return -ENOENT;
	return 0;
}
