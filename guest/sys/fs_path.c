/*
 * fs_path.c - a task's place in the tree: chdir(2), chroot(2), getcwd(2), umask(2); mount(2), umount2(2), pivot_root(2).
 */
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/landlock/landlock.h"
#include "fs/mount/mount.h"
#include "sys/fs_sys.h"
#include "task/ns/userns.h"

static int enter(const struct path_ref *p, bool root)
{
	struct fs_context *c = task_current()->fs;
	int err = inode_permission(path_inode(p), MAY_EXEC);

	if (err)
		return err;
	if (root && !capable_here(CAP_SYS_CHROOT))
		return -EPERM;
	if (root)
		fs_context_set_root(c, p);
	else
		fs_context_set_cwd(c, p);
	return 0;
}

static s64 enter_name(uaddr_t path, bool root)
{
	struct path_ref p;
	int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = enter(&p, root);
	path_put(&p);
	return err;
}

s64 sys_chdir(path_a path)
{
	return enter_name(path, false);
}

s64 sys_chroot(path_a path)
{
	return enter_name(path, true);
}

s64 sys_fchdir(fd_a fd)
{
	struct file *f = fd_get_path(fd);
	s64 r = -ENOTDIR;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->path && S_ISDIR(path_inode(f->path)->mode))
		r = enter(f->path, false);
	file_put(f);
	return r;
}

s64 sys_getcwd(ubuf_a buf, size_a size)
{
	struct path_ref cwd, root;
	char *page = kmalloc(PATH_MAX), *p;
	bool reachable;
	size_t n;
	s64 r;

	if (!page)
		return -ENOMEM;
	fs_context_cwd(&cwd);
	fs_context_root(&root);
	p = path_name_from(&cwd, &root, page + 16, PATH_MAX - 16, &reachable);
	if (cwd.dentry->flags & DENTRY_DELETED) {
		r = -ENOENT;
	} else if (IS_ERR(p)) {
		r = PTR_ERR(p);
	} else {
		if (!reachable) {
			p -= 13;
			memcpy(p, "(unreachable)", 13);
		}
		n = strlen(p) + 1;
		r = n > size ? -ERANGE : user_write(buf, p, n) ? -EFAULT : (s64)n;
	}
	path_put(&cwd);
	path_put(&root);
	kfree(page);
	return r;
}

s64 sys_umask(mode_a mask)
{
	return atomic_xchg(&task_current()->fs->umask, mask & 0777);
}

/* A string argument of mount(2) that may be NULL. */
static int opt_string(uaddr_t addr, char **out)
{
	*out = NULL;
	if (!addr)
		return 0;
	*out = name_from_user(addr, true);
	if (!IS_ERR(*out))
		return 0;
	return (int)PTR_ERR(*out);
}

s64 sys_mount(path_a source, path_a target, uptr_a type, flags_a flags, uptr_a data)
{
	char *src, *typ = NULL, *opt = NULL, *at = NULL;
	s64 r;

	r = opt_string(type, &typ);
	if (r)
		return r;
	r = opt_string(source, &src);
	if (!r)
		r = opt_string(data, &opt);
	if (!r) {
		at = name_from_user(target, false);
		r = IS_ERR(at) ? PTR_ERR(at) : vfs_mount(src, at, typ, flags, opt);
	}
	name_free(at);
	name_free(opt);
	name_free(src);
	name_free(typ);
	return r;
}

s64 sys_umount2(path_a target, flags_a flags)
{
	s64 r;
	USER_NAME(name, target);

	r = vfs_umount(name, (int)flags);
	name_free(name);
	return r;
}

s64 sys_pivot_root(path_a new_root, path_a put_old)
{
	struct path_ref n, o;
	int err;

	if (!mount_may_admin())
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &n);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &o);
	if (!err)
		err = landlock_may_mount();
	if (!err) {
		err = mount_pivot(&n, &o);
		path_put(&o);
	}
	if (!err)
		fs_context_set_root(task_current()->fs, &n);
	path_put(&n);
	return err;
}
