/*
 * inotify.c - inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2).
 */
#include "fs/notify.h"
#include "sys/sys.h"

#define ALL_BITS                                                                                 \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
	 IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

s64 sys_inotify_init1(flags_a flags)
{
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return fd_install_new(inotify_create(flags), flags & O_CLOEXEC);
}

s64 sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

s64 sys_inotify_add_watch(fd_a fd, path_a path, uint_a mask)
{
	unsigned lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct path_ref p;
	struct file *f;
	int ret;

	if (mask & ~ALL_BITS || !(mask & ALL_BITS))
		return -EINVAL;
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	ret = -EINVAL;
	if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE) ||
	    !inotify_is(f))
		goto out;
	ret = path_lookup_user(AT_FDCWD, path, lookup, &p);
	if (ret)
		goto out;
	ret = vfs_permission(&p, MAY_READ);
	if (!ret)
		ret = inotify_add(f, path_inode(&p), mask);
	path_put(&p);
out:
	file_put(f);
	return ret;
}

s64 sys_inotify_rm_watch(fd_a fd, int_a wd)
{
	struct file *f = fd_get(fd);
	int ret;

	if (IS_ERR(f))
		return PTR_ERR(f);
	ret = inotify_is(f) ? inotify_remove(f, wd) : -EINVAL;
	file_put(f);
	return ret;
}
