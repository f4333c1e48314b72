/*
 * table.c - see table.h: one function per kind of line in a container's mount table (abi/boot.h).
 *
 * Destinations are resolved with the container's root as "/", so neither symbolic links nor ".." leave it. Like runc, a
 * missing mount point is made.
 */
#include <linux/mount.h>
#include <string.h>

#include "abi/boot.h"
#include "fs/mount/mount.h"
#include "fs/mount/table.h"
#include "fs/p9/p9.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

/* Where to mount it, made if it is missing; references in *at. */
static int find_mountpoint(const struct fs_mount *m, bool dir, struct path_ref *at)
{
	int err = path_lookup(AT_FDCWD, m->destination, LOOKUP_FOLLOW, at);

	if (err != -ENOENT)
		return err;
	err = fs_make_mountpoint(m->destination, dir);
	return err ? err : path_lookup(AT_FDCWD, m->destination, LOOKUP_FOLLOW, at);
}

/* An export of the container's gofer. */
static int mount_export(const struct fs_container *c, const struct fs_mount *m)
{
	struct p9_boot boot = {
		.queue = c->queue,
		.aname = m->attach,
		.shared = !(m->options & BOOT_MOUNT_EXCLUSIVE),
	};
	struct mount_args a = { .source = m->source, .boot = &boot, .flags = (u32)m->flags };
	struct path_ref at;
	struct mount *mnt;
	int err;

	err = find_mountpoint(m, !(m->options & BOOT_MOUNT_FILE), &at);
	if (err)
		return err;
	mnt = mount_create(fs_find("9p"), &a);
	err = IS_ERR(mnt) ? (int)PTR_ERR(mnt) : mount_attach_locked(mnt, &at);
	path_put(&at);
	return err;
}

static bool has_mode(const char *data)
{
	while (data && *data) {
		if (!strncmp(data, "mode=", 5))
			return true;
		data += strcspn(data, ",");
		data += *data == ',';
	}
	return false;
}

/* Like runc: over a directory that was there, a tmpfs without a mode of its own has that directory's. 0: as the mount says. */
static u32 inherited_mode(const struct fs_mount *m)
{
	struct path_ref p;
	u32 mode = 0;

	if (strcmp(m->type, "tmpfs") || has_mode(m->data) || m->flags & MS_REMOUNT ||
	    path_lookup(AT_FDCWD, m->destination, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p))
		return 0;
	mode = path_inode(&p)->mode & 07777;
	path_put(&p);
	return mode;
}

static void set_mode(const struct fs_mount *m, u32 mode)
{
	struct setattr a = { .valid = ATTR_MODE, .mode = mode };
	struct path_ref p;

	if (!mode || path_lookup(AT_FDCWD, m->destination, LOOKUP_FOLLOW, &p))
		return;
	inode_set(path_inode(&p), &a);
	path_put(&p);
}

/* mount(2)'s kinds: a new file system, a bind of what is in the container, a remount. */
static int mount_inside(const struct fs_mount *m)
{
	bool bind = !strcmp(m->type, "bind");
	const char *type = strcmp(m->type, "cgroup") ? m->type : "cgroup2";
	u64 flags = m->flags | (bind ? MS_BIND : 0);
	u32 mode = inherited_mode(m);
	struct path_ref at;
	int err;

	err = find_mountpoint(m, !(m->options & BOOT_MOUNT_FILE), &at);
	if (err)
		return err;
	path_put(&at);
	err = vfs_mount(m->source, m->destination, type, flags & ~(u64)MS_REMOUNT, m->data);
	if (!err)
		set_mode(m, mode);
	/* The flags of a bind are those of its source until they are set. */
	if (!err && bind && (flags & ~(u64)(MS_BIND | MS_REC)))
		err = vfs_mount(NULL, m->destination, NULL, (flags & ~(u64)MS_REC) | MS_REMOUNT,
				NULL);
	return err;
}

/* A memory file system that begins with a copy of what it hides. */
static int mount_copy(const struct fs_mount *m)
{
	struct mount_args a = { .source = m->source, .data = m->data };
	u32 mode = inherited_mode(m);
	struct path_ref at;
	struct mount *mnt;
	int err;

	if (strcmp(m->type, "tmpfs"))
		return -EINVAL;
	err = find_mountpoint(m, true, &at);
	if (err)
		return err;
	mnt = mount_create(fs_find("tmpfs"), &a);
	if (IS_ERR(mnt)) {
		path_put(&at);
		return (int)PTR_ERR(mnt);
	}
	err = tree_copy(&at, mnt);
	if (err)
		mount_put(mnt);
	else
		err = mount_attach_locked(mnt, &at);
	path_put(&at);
	if (!err)
		set_mode(m, mode);
	if (!err && m->flags)
		err = vfs_mount(NULL, m->destination, NULL, m->flags | MS_REMOUNT | MS_BIND, NULL);
	return err;
}

/* A file that is there and empty, as runc has it: /dev/null, on a file system of ours. ERR_PTR. */
static struct mount *null_file(void)
{
	struct make_args n = { .mode = S_IFCHR | 0666, .rdev = DEV(1, 3) };
	struct mount_args a = { .source = "tmpfs", .data = "mode=755" };
	struct mount *m = mount_create(fs_find("tmpfs"), &a), *file;
	struct inode *dir, *i;
	struct dentry *d;

	if (IS_ERR(m))
		return m;
	dir = m->root->inode;
	mutex_lock(&dir->mutex);
	i = dir->ops->make(dir, "null", 4, &n);
	d = IS_ERR(i) ? (void *)i : dcache_add(m->root, "null", 4, i);
	mutex_unlock(&dir->mutex);
	file = IS_ERR(d) ? (void *)d : mount_clone(m, d);
	if (!IS_ERR(d))
		dentry_put(d);
	mount_put(m);
	return file;
}

static int mask(const struct fs_mount *m)
{
	struct mount_args a = { .source = "tmpfs", .data = "size=0k", .flags = MS_RDONLY };
	struct path_ref at;
	struct mount *over;
	int err;

	err = path_lookup(AT_FDCWD, m->destination, LOOKUP_FOLLOW, &at);
	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	over = S_ISDIR(path_inode(&at)->mode) ? mount_create(fs_find("tmpfs"), &a) : null_file();
	err = IS_ERR(over) ? (int)PTR_ERR(over) : mount_attach_locked(over, &at);
	path_put(&at);
	return err;
}

static int readonly(const struct fs_mount *m)
{
	u64 keep = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME;
	struct path_ref at;
	int err;

	err = path_lookup(AT_FDCWD, m->destination, LOOKUP_FOLLOW, &at);
	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	keep &= mount_ms_of_flags(at.mnt->flags);
	path_put(&at);
	err = vfs_mount(m->destination, m->destination, NULL, MS_BIND | MS_REC, NULL);
	if (!err)
		err = vfs_mount(NULL, m->destination, NULL, keep | MS_BIND | MS_REMOUNT | MS_RDONLY,
				NULL);
	return err;
}

static int mount_one(const struct fs_container *c, const struct fs_mount *m)
{
	int err;

	if (!strcmp(m->type, "mask"))
		return mask(m);
	if (!strcmp(m->type, "readonly"))
		return readonly(m);
	if (!strcmp(m->type, "propagation"))
		return vfs_mount(NULL, m->destination, NULL, m->propagation, NULL);
	err = m->attach			       ? mount_export(c, m)
	      : m->options & BOOT_MOUNT_COPYUP ? mount_copy(m)
					       : mount_inside(m);
	if (!err && m->propagation)
		err = vfs_mount(NULL, m->destination, NULL, m->propagation, NULL);
	return err;
}

/* A /dev in memory is ours to fill; one that came from the host has what it has. */
static void fill_dev(const struct fs_container *c)
{
	struct path_ref dev;
	const char *fs;
	int err;

	if (!c->populate_dev || path_lookup(AT_FDCWD, "/dev", LOOKUP_FOLLOW, &dev))
		return;
	fs = dev.mnt->sb->fs->name;
	if (!strcmp(fs, "tmpfs") || !strcmp(fs, "devtmpfs") || !strcmp(fs, "overlay")) {
		err = c->populate_dev();
		if (err)
			klog("boot: /dev is incomplete: error %d", -err);
	}
	path_put(&dev);
}

int mount_table(const struct fs_container *c, char *why, size_t size)
{
	bool filled = false;

	for (unsigned i = 0; i < c->nmounts; i++) {
		const struct fs_mount *m = &c->mounts[i];
		int err;

		if (!filled && (!strcmp(m->type, "mask") || !strcmp(m->type, "readonly"))) {
			fill_dev(c);
			filled = true;
		}
		err = mount_one(c, m);
		if (!err)
			continue;
		if (m->options & BOOT_MOUNT_OPTIONAL) {
			klog("boot: %s is not mounted on %s: %s", m->type, m->destination,
			     errno_text(err));
			continue;
		}
		ksnprintf(why, size, "cannot mount %s (%s) on %s", m->source, m->type,
			  m->destination);
		return err;
	}
	if (!filled)
		fill_dev(c);
	return 0;
}
