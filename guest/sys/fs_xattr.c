/*
 * fs_xattr.c - extended attributes (xattr(7)): name spaces, rights, and the twelve calls.
 *
 * user.: regular files and directories, by read and write permission. trusted.: CAP_SYS_ADMIN. security.: readable,
 * CAP_SYS_ADMIN to write (CAP_SETFCAP for capabilities). system.: POSIX ACLs (fs/acl.h).
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/acl.h"
#include "fs/notify.h"
#include "fs/mount/mount.h"
#include "sys/fs_sys.h"

struct target {
	struct path_ref p; /* or */
	struct file *f;
	struct inode *i;
	struct mount *mnt;
};

static int by_path(struct target *t, uaddr_t path, bool follow)
{
	int err = path_lookup_user(AT_FDCWD, path, follow ? LOOKUP_FOLLOW : 0, &t->p);

	t->f = NULL;
	if (!err) {
		t->i = path_inode(&t->p);
		t->mnt = t->p.mnt;
	}
	return err;
}

static int by_fd(struct target *t, fd_a fd)
{
	t->p = (struct path_ref){};
	t->f = fd_get(fd);
	if (IS_ERR(t->f))
		return (int)PTR_ERR(t->f);
	t->i = t->f->inode;
	t->mnt = t->f->path ? t->f->path->mnt : NULL;
	return 0;
}

static void done(struct target *t)
{
	path_put(&t->p);
	file_put(t->f);
}

static int name_in(char *name, uaddr_t addr)
{
	long n = user_string(name, addr, XATTR_NAME_MAX + 1);

	if (n == 0 || n == -ENAMETOOLONG)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* ---- access control lists ---- */

static const char *const acl_names[] = { "system.posix_acl_access", "system.posix_acl_default" };

/* 0 the access list, 1 the default one, -1: the name is of something else. */
static int acl_type(const char *name)
{
	return !strcmp(name, acl_names[0]) ? 0 : !strcmp(name, acl_names[1]) ? 1 : -1;
}

static int set_acl(struct inode *i, bool def, const void *value, size_t size)
{
	struct acl *a = NULL;
	int err = value ? acl_parse(value, size, &a) : 0;

	if (err)
		return err;
	mutex_lock(&i->mutex);
	err = acl_set(i, def, a);
	mutex_unlock(&i->mutex);
	acl_put(a);
	return err;
}

static s64 get_acl(struct inode *i, bool def, void *value, size_t size)
{
	struct acl *a;
	s64 r;

	if (!i->ops || !i->ops->get_acl)
		return -EOPNOTSUPP;
	a = i->ops->get_acl(i, def);
	r = a ? acl_format(a, value, size) : -ENODATA;
	acl_put(a);
	return r;
}

/* The names of those that i has, to buf, which has room. */
static s64 list_acls(struct inode *i, char *buf)
{
	s64 n = 0;

	for (int def = 0; def < 2; def++) {
		if (get_acl(i, def, NULL, 0) <= 0)
			continue;
		strcpy(buf + n, acl_names[def]);
		n += (s64)strlen(acl_names[def]) + 1;
	}
	return n;
}

/* ---- the others ---- */

static int may(struct inode *i, const char *name, int mask)
{
	bool admin = capable(CAP_SYS_ADMIN);

	if (mask & MAY_WRITE) {
		if (i->flags & (INODE_IMMUTABLE | INODE_APPEND))
			return -EPERM;
	}
	if (starts(name, "security.")) {
		if (!(mask & MAY_WRITE))
			return 0;
		return capable(!strcmp(name, "security.capability") ? CAP_SETFCAP : CAP_SYS_ADMIN)
			       ? 0
			       : -EPERM;
	}
	if (starts(name, "trusted."))
		return admin ? 0 : mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (!starts(name, "user.") || !name[5])
		return starts(name, "user.") ? -EINVAL : -EOPNOTSUPP;
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && (mask & MAY_WRITE) &&
	    !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, mask);
}

static int set_other(struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	int err = may(i, name, MAY_WRITE);

	if (err)
		return err;
	if (!i->ops || !i->ops->setxattr)
		return -EOPNOTSUPP;
	mutex_lock(&i->mutex);
	err = i->ops->setxattr(i, name, value, size, flags);
	mutex_unlock(&i->mutex);
	return err;
}

static s64 get_other(struct inode *i, const char *name, void *value, size_t size)
{
	s64 r = may(i, name, MAY_READ);

	if (r)
		return r;
	if (!i->ops || !i->ops->getxattr)
		return -EOPNOTSUPP;
	mutex_lock(&i->mutex);
	r = i->ops->getxattr(i, name, value, size);
	mutex_unlock(&i->mutex);
	return r;
}

static s64 set(struct target *t, uaddr_t uname, uaddr_t uvalue, u64 size, u32 flags, bool remove)
{
	char name[XATTR_NAME_MAX + 1];
	void *value = NULL;
	s64 r;

	if (flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	r = name_in(name, uname);
	if (!r && size > XATTR_SIZE_MAX)
		r = -E2BIG;
	if (!r && !remove) {
		value = kmalloc(size + 1);
		r = !value ? -ENOMEM : user_read(value, uvalue, size) ? -EFAULT : 0;
	}
	if (!r && t->mnt)
		r = mount_may_write(t->mnt);
	if (!r)
		r = acl_type(name) < 0 ? set_other(t->i, name, value, size, (int)flags)
				       : set_acl(t->i, acl_type(name), value, size);
	if (!r && t->f)
		notify_file(t->f, IN_ATTRIB);
	else if (!r)
		notify_dentry(t->p.dentry, IN_ATTRIB);
	kfree(value);
	return r;
}

static s64 get(struct target *t, uaddr_t uname, uaddr_t uvalue, u64 size)
{
	char name[XATTR_NAME_MAX + 1];
	void *value = NULL;
	s64 r;

	r = name_in(name, uname);
	size = MIN(size, (u64)XATTR_SIZE_MAX);
	if (!r && size && !(value = kmalloc(size)))
		r = -ENOMEM;
	if (r)
		return r;
	r = acl_type(name) < 0 ? get_other(t->i, name, value, size)
			       : get_acl(t->i, acl_type(name), value, size);
	if (r > 0 && size && user_write(uvalue, value, (size_t)r))
		r = -EFAULT;
	kfree(value);
	return r;
}

/* Names that the caller may not know of are left out. */
static s64 filter(char *buf, s64 n)
{
	s64 out = 0;

	if (capable(CAP_SYS_ADMIN))
		return n;
	for (s64 p = 0; p < n;) {
		s64 k = (s64)strlen(buf + p) + 1;

		if (!starts(buf + p, "trusted.")) {
			memmove(buf + out, buf + p, (size_t)k);
			out += k;
		}
		p += k;
	}
	return out;
}

static s64 list(struct target *t, uaddr_t ulist, u64 size)
{
	s64 r, acls;
	char *buf;

	if (!t->i->ops || !t->i->ops->listxattr)
		return 0;
	buf = kmalloc(XATTR_LIST_MAX);
	if (!buf)
		return -ENOMEM;
	acls = list_acls(t->i, buf);
	mutex_lock(&t->i->mutex);
	r = t->i->ops->listxattr(t->i, buf + acls, XATTR_LIST_MAX - acls);
	mutex_unlock(&t->i->mutex);
	if (r >= 0)
		r = acls + filter(buf + acls, r);
	if (r > 0 && size) {
		if ((u64)r > size)
			r = -ERANGE;
		else if (user_write(ulist, buf, (size_t)r))
			r = -EFAULT;
	}
	kfree(buf);
	return r;
}

#define BY_PATH(follow, call)              \
	struct target t;                   \
	s64 r = by_path(&t, path, follow); \
	if (r)                             \
		return r;                  \
	r = call;                          \
	done(&t);                          \
	return r
#define BY_FD(call)            \
	struct target t;       \
	s64 r = by_fd(&t, fd); \
	if (r)                 \
		return r;      \
	r = call;              \
	done(&t);              \
	return r

s64 sys_setxattr(path_a path, uptr_a name, ubuf_a value, size_a size, flags_a flags)
{
	BY_PATH(true, set(&t, name, value, size, flags, false));
}

s64 sys_lsetxattr(path_a path, uptr_a name, ubuf_a value, size_a size, flags_a flags)
{
	BY_PATH(false, set(&t, name, value, size, flags, false));
}

s64 sys_fsetxattr(fd_a fd, uptr_a name, ubuf_a value, size_a size, flags_a flags)
{
	BY_FD(set(&t, name, value, size, flags, false));
}

s64 sys_getxattr(path_a path, uptr_a name, ubuf_a value, size_a size)
{
	BY_PATH(true, get(&t, name, value, size));
}

s64 sys_lgetxattr(path_a path, uptr_a name, ubuf_a value, size_a size)
{
	BY_PATH(false, get(&t, name, value, size));
}

s64 sys_fgetxattr(fd_a fd, uptr_a name, ubuf_a value, size_a size)
{
	BY_FD(get(&t, name, value, size));
}

s64 sys_listxattr(path_a path, ubuf_a buf, size_a size)
{
	BY_PATH(true, list(&t, buf, size));
}

s64 sys_llistxattr(path_a path, ubuf_a buf, size_a size)
{
	BY_PATH(false, list(&t, buf, size));
}

s64 sys_flistxattr(fd_a fd, ubuf_a buf, size_a size)
{
	BY_FD(list(&t, buf, size));
}

s64 sys_removexattr(path_a path, uptr_a name)
{
	BY_PATH(true, set(&t, name, 0, 0, 0, true));
}

s64 sys_lremovexattr(path_a path, uptr_a name)
{
	BY_PATH(false, set(&t, name, 0, 0, 0, true));
}

s64 sys_fremovexattr(fd_a fd, uptr_a name)
{
	BY_FD(set(&t, name, 0, 0, 0, true));
}
