/*
 * fs_mount.c - the mount calls that work on descriptors: fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2),
 * move_mount(2), mount_setattr(2); statmount(2) and listmount(2). mount(2) itself: fs_path.c.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/landlock/landlock.h"
#include "fs/mount/mount.h"
#include "fs/mount/api.h"
#include "mm/slab.h"
#include "sys/fs_sys.h"

/* Newer than the headers. */
#define MOVE_MOUNT_BENEATH	 0x200u
#define FSCONFIG_CMD_CREATE_EXCL 8

static s64 install(struct file *f, bool cloexec)
{
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_new(f, cloexec);
}

/* A struct that may be longer than ours if the rest is zero. `least`: the size of its first version. */
static int read_struct(void *to, size_t known, size_t least, uaddr_t from, size_t size)
{
	memset(to, 0, known);
	return size < least ? -EINVAL : user_read_struct(to, known, from, size);
}

/* ---- contexts ---- */

s64 sys_fsopen(uptr_a fsname, flags_a flags)
{
	char *name;
	s64 fd;

	if (!mount_may_admin())
		return -EPERM;
	if (flags & ~FSOPEN_CLOEXEC)
		return -EINVAL;
	name = name_from_user(fsname, true);
	if (IS_ERR(name))
		return PTR_ERR(name);
	fd = install(mount_context_open(name, 0), flags & FSOPEN_CLOEXEC);
	name_free(name);
	return fd;
}

s64 sys_fspick(fd_a dfd, path_a path, flags_a flags)
{
	u32 at = (flags & FSPICK_SYMLINK_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) |
		 (flags & FSPICK_EMPTY_PATH ? AT_EMPTY_PATH : 0);
	struct path_ref p;
	s64 fd;

	if (!mount_may_admin())
		return -EPERM;
	if (flags &
	    ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH))
		return -EINVAL;
	fd = path_lookup_user(dfd, path, lookup_of_at(at), &p);
	if (fd)
		return fd;
	fd = install(mount_context_pick(&p, 0), flags & FSPICK_CLOEXEC);
	path_put(&p);
	return fd;
}

static int config_check(u32 cmd, uaddr_t key, uaddr_t value, int aux)
{
	bool ok;

	switch (cmd) {
	case FSCONFIG_SET_FLAG: ok = key && !value && !aux; break;
	case FSCONFIG_SET_STRING: ok = key && value && !aux; break;
	case FSCONFIG_SET_BINARY: ok = key && value && aux > 0 && aux <= 1024 * 1024; break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY: ok = key && value && (aux == AT_FDCWD || aux >= 0); break;
	case FSCONFIG_SET_FD: ok = key && !value && aux >= 0; break;
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_CREATE_EXCL:
	case FSCONFIG_CMD_RECONFIGURE: ok = !key && !value && !aux; break;
	default: return -EOPNOTSUPP;
	}
	return ok ? 0 : -EINVAL;
}

/* A string of at most 255 bytes. */
static char *parameter(uaddr_t from)
{
	char *s = name_from_user(from, true);

	if (IS_ERR(s) || strlen(s) < 256)
		return s;
	name_free(s);
	return ERR_PTR(-EINVAL);
}

static s64 config_set(struct file *f, u32 cmd, uaddr_t ukey, uaddr_t uvalue)
{
	char *key = parameter(ukey), *value = NULL;
	s64 err;

	if (IS_ERR(key))
		return PTR_ERR(key);
	if (cmd == FSCONFIG_SET_STRING)
		value = parameter(uvalue);
	if (IS_ERR(value))
		err = PTR_ERR(value);
	else
		err = cmd > FSCONFIG_SET_STRING ? -EINVAL : mount_context_set(f, key, value);
	name_free(value);
	name_free(key);
	return err;
}

s64 sys_fsconfig(fd_a fd, uint_a cmd, uptr_a key, uptr_a value, int_a aux)
{
	struct file *f;
	s64 err;

	if (fd < 0)
		return -EINVAL;
	err = config_check(cmd, key, value, aux);
	if (err)
		return err;
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!is_mount_context(f))
		err = -EINVAL;
	else if (cmd < FSCONFIG_CMD_CREATE)
		err = config_set(f, cmd, key, value);
	else if (!mount_may_admin())
		err = -EPERM;
	else
		err = cmd == FSCONFIG_CMD_RECONFIGURE ? mount_context_reconfigure(f)
						      : mount_context_create(f);
	file_put(f);
	return err;
}

s64 sys_fsmount(fd_a fd, flags_a flags, flags_a attr)
{
	struct file *f;
	u32 unused;
	s64 ret;

	if (!mount_may_admin())
		return -EPERM;
	if (flags & ~1u) /* FSMOUNT_CLOEXEC */
		return -EINVAL;
	ret = mount_attr_flags(attr, &unused);
	if (ret)
		return ret;
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	ret = is_mount_context(f) ? install(mount_context_mount(f, attr), flags) : -EINVAL;
	file_put(f);
	return ret;
}

/* ---- trees ---- */

s64 sys_open_tree(fd_a dfd, path_a path, flags_a flags)
{
	struct path_ref p;
	struct file *f;
	s64 err;

	if (flags & ~(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
		      AT_RECURSIVE | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
		return -EINVAL;
	if (flags & OPEN_TREE_CLONE && !mount_may_admin())
		return -EPERM;
	err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (err)
		return err;
	f = flags & OPEN_TREE_CLONE ? mount_tree_clone(&p, flags & AT_RECURSIVE)
				    : vfs_open_path(&p, O_PATH);
	path_put(&p);
	return install(f, flags & OPEN_TREE_CLOEXEC);
}

static unsigned move_lookup(u32 flags, u32 symlinks, u32 empty)
{
	return (flags & symlinks ? LOOKUP_FOLLOW : 0) | (flags & empty ? LOOKUP_EMPTY : 0);
}

s64 sys_move_mount(fd_a from_dfd, path_a from, fd_a to_dfd, path_a to, flags_a flags)
{
	struct path_ref a, b;
	s64 err;

	if (!mount_may_admin())
		return -EPERM;
	if (flags & ~(u32)(MOVE_MOUNT__MASK | MOVE_MOUNT_BENEATH) ||
	    (flags & (MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH)) ==
		    (MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH))
		return -EINVAL;
	err = path_lookup_user(from_dfd, from,
			       move_lookup(flags, MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_EMPTY_PATH),
			       &a);
	if (err)
		return err;
	err = path_lookup_user(
		to_dfd, to, move_lookup(flags, MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_EMPTY_PATH), &b);
	if (!err) {
		err = landlock_may_mount();
		if (!err)
			err = flags & MOVE_MOUNT_SET_GROUP
				      ? mount_tree_set_group(&a, &b)
				      : mount_tree_move(&a, &b, flags & MOVE_MOUNT_BENEATH);
		path_put(&b);
	}
	path_put(&a);
	return err;
}

struct mount_attr_abi {
	u64 set, clear, propagation, userns_fd;
};

static int attr_change(const struct mount_attr_abi *a, struct mount_attr_change *c)
{
	u64 p = a->propagation;

	if (p & ~(u64)(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) || p & (p - 1))
		return -EINVAL;
	if ((a->set | a->clear) & ~(u64)MOUNT_ATTR_KNOWN)
		return -EINVAL;
	/* The three ways to keep access times are one field. */
	if (a->clear & MOUNT_ATTR__ATIME) {
		if ((a->clear & MOUNT_ATTR__ATIME) != MOUNT_ATTR__ATIME ||
		    (a->set & MOUNT_ATTR__ATIME) > MOUNT_ATTR_STRICTATIME ||
		    (a->set & MOUNT_ATTR__ATIME) == (MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME))
			return -EINVAL;
	} else if (a->set & MOUNT_ATTR__ATIME) {
		return -EINVAL;
	}
	*c = (struct mount_attr_change){ (u32)a->set, (u32)a->clear, p };
	return 0;
}

s64 sys_mount_setattr(fd_a dfd, path_a path, flags_a flags, uptr_a attr, size_a size)
{
	struct mount_attr_abi a;
	struct mount_attr_change c;
	struct path_ref p;
	s64 err;

	if (flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < sizeof(a))
		return -EINVAL;
	if (!mount_may_admin())
		return -EPERM;
	err = read_struct(&a, sizeof(a), sizeof(a), attr, size);
	if (err)
		return err;
	if (!a.set && !a.clear && !a.propagation)
		return 0;
	err = attr_change(&a, &c);
	if (err)
		return err;
	err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (err)
		return err;
	err = mount_tree_setattr(&p, &c, flags & AT_RECURSIVE);
	path_put(&p);
	return err;
}
