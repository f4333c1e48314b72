/*
 * devfs.c - the file systems of /dev and /dev/pts.
 *
 * /dev is a tmpfs (programs make sockets and directories in it) that boot fills with the devices there are; devpts is a
 * pseudo file system whose nodes come and go with the pseudo terminals.
 */
#include <string.h>

#include "dev/devfs.h"
#include "dev/tty/tty.h"
#include "fs/procfs.h"
#include "fs/vfs.h"
#include "lib/log.h"
#include "task/task.h"

#define DEVPTS_MAGIC 0x1cd1
#define PTS_MAJOR    136
#define TTY_GID	     5

static const struct {
	const char *name;
	u32 mode, rdev;
} nodes[] = {
	{ "/dev/null", S_IFCHR | 0666, DEV(1, 3) },
	{ "/dev/zero", S_IFCHR | 0666, DEV(1, 5) },
	{ "/dev/full", S_IFCHR | 0666, DEV(1, 7) },
	{ "/dev/random", S_IFCHR | 0666, DEV(1, 8) },
	{ "/dev/urandom", S_IFCHR | 0666, DEV(1, 9) },
	{ "/dev/kmsg", S_IFCHR | 0644, DEV(1, 11) },
	{ "/dev/tty", S_IFCHR | 0666, DEV(5, 0) },
	{ "/dev/console", S_IFCHR | 0600, DEV(5, 1) },
	{ "/dev/ptmx", S_IFCHR | 0666, DEV(5, 2) },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },	      { "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
	{ "/dev/core", "/proc/kcore" },
};

int devfs_populate(void)
{
	struct fs_context *fs = task_current()->fs;
	u32 umask = fs->umask;
	int err = 0;

	fs->umask = 0;
	for (size_t i = 0; !err && i < ARRAY_SIZE(nodes); i++)
		err = vfs_mknod(AT_FDCWD, nodes[i].name, nodes[i].mode, nodes[i].rdev);
	for (size_t i = 0; !err && i < ARRAY_SIZE(links); i++)
		err = vfs_symlink(links[i].target, AT_FDCWD, links[i].name);
	fs->umask = umask;
	return err;
}

/* ---- devpts: one instance for the sandbox ---- */

static struct super_block *devpts;

static void pts_added(int index, u32 uid, u32 gid)
{
	char name[16];
	struct inode *i;

	if (!devpts)
		return;
	ksnprintf(name, sizeof(name), "%d", index);
	i = pseudo_node(devpts->root, name, S_IFCHR | 0620, DEV(PTS_MAJOR, (u32)index));
	if (i) {
		i->uid = uid;
		i->gid = TTY_GID;
	}
}

static void pts_removed(int index)
{
	char name[16];

	if (!devpts)
		return;
	ksnprintf(name, sizeof(name), "%d", index);
	pseudo_remove(devpts->root, name);
}

static struct super_block *devpts_mount(const struct file_system *fs, const struct mount_args *a)
{
	if (!devpts) {
		struct super_block *sb = pseudo_super(fs, DEVPTS_MAGIC, a->flags);

		if (IS_ERR(sb))
			return sb;
		if (!pseudo_node(sb->root, "ptmx", S_IFCHR | 0666, DEV(5, 2)))
			return ERR_PTR(-ENOMEM);
		devpts = sb;
		sb->kept = true;
		pty_set_devpts(pts_added, pts_removed);
	}
	super_get(devpts);
	return devpts;
}

static const struct file_system devpts_fs = {
	.name = "devpts",
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = devpts_mount,
};

/* ---- devtmpfs: a tmpfs under its own name ---- */

static struct super_block *devtmpfs_mount(const struct file_system *fs, const struct mount_args *a)
{
	return fs_find("tmpfs")->mount(fs, a);
}

static const struct file_system devtmpfs_fs = {
	.name = "devtmpfs",
	.user_mount = true,
	.nodev = true,
	.mount = devtmpfs_mount,
};

void devfs_register(void)
{
	fs_register(&devtmpfs_fs);
	fs_register(&devpts_fs);
	proc_tty = tty_proc_info;
}
