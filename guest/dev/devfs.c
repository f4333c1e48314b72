/*
 * devfs.c - the file systems of /dev and /dev/pts.
 *
 * /dev is a tmpfs (programs make sockets and directories in it) that boot fills with the devices there are; devpts is a
 * pseudo file system whose nodes come and go with the pseudo terminals.
 */
#include <string.h>

#include "dev/devfs.h"
#include "dev/tty/tty.h"
#include "fs/mount/mount.h"
#include "fs/procfs.h"
#include "fs/pseudo.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

#define DEVPTS_MAGIC 0x1cd1
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

/* ---- devpts: an instance for each mount ---- */

/*
 * A pseudo terminal is shown in the instance that its maker finds at /dev/pts, and only nodes of an instance open one
 * (chrdev.c): so containers see and reach their own alone. Differs from Linux: the numbers are the whole sandbox's.
 */
struct instance {
	struct list node; /* instances_lock */
	struct super_block *sb;
	struct inode *root; /* with a reference */
};

static struct mutex instances_lock = MUTEX_INIT(instances_lock);
static struct list instances = LIST_INIT(instances);

/* instances_lock held. NULL: this is none. */
static struct instance *instance_of(const struct super_block *sb)
{
	struct instance *in;

	list_for_each(in, &instances, node)
		if (in->sb == sb)
			return in;
	return NULL;
}

static void pts_added(int index, u32 uid, u32 gid)
{
	struct instance *in;
	struct path_ref p;
	struct inode *i;
	char name[16];

	if (path_lookup(AT_FDCWD, "/dev/pts", LOOKUP_FOLLOW, &p))
		return;
	ksnprintf(name, sizeof(name), "%d", index);
	mutex_lock(&instances_lock);
	in = instance_of(p.mnt->sb);
	i = in ? pseudo_node(in->root, name, S_IFCHR | 0620, DEV(PTS_MAJOR, (u32)index)) : NULL;
	if (i) {
		i->uid = uid;
		i->gid = TTY_GID;
	}
	mutex_unlock(&instances_lock);
	path_put(&p); /* maybe the last one to hold it: devpts_shutdown takes the lock */
}

static void pts_removed(int index)
{
	struct instance *in;
	char name[16];

	ksnprintf(name, sizeof(name), "%d", index);
	mutex_lock(&instances_lock);
	list_for_each(in, &instances, node)
		pseudo_remove(in->root, name);
	mutex_unlock(&instances_lock);
}

static void devpts_shutdown(struct super_block *sb)
{
	struct instance *gone;

	mutex_lock(&instances_lock);
	gone = instance_of(sb);
	if (gone)
		list_del(&gone->node);
	mutex_unlock(&instances_lock);
	if (gone)
		inode_put(gone->root);
	kfree(gone);
}

static const struct super_ops devpts_ops = { .shutdown = devpts_shutdown };

static struct super_block *devpts_mount(const struct file_system *fs, const struct mount_args *a)
{
	struct super_block *sb = pseudo_super(fs, DEVPTS_MAGIC, a->flags);
	struct instance *in = kzalloc(sizeof(*in));

	if (IS_ERR(sb) || !in || !pseudo_node(sb->root, "ptmx", S_IFCHR | 0666, DEV(5, 2))) {
		if (!IS_ERR(sb)) {
			inode_put(sb->root);
			super_put(sb);
			sb = ERR_PTR(-ENOMEM);
		}
		kfree(in);
		return sb;
	}
	sb->ops = &devpts_ops;
	in->sb = sb;
	in->root = sb->root;
	inode_get(in->root);
	mutex_lock(&instances_lock);
	list_add_tail(&instances, &in->node);
	mutex_unlock(&instances_lock);
	return sb;
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
	.handles = HANDLES_NUMBER,
	.user_mount = true,
	.nodev = true,
	.mount = devtmpfs_mount,
};

void devfs_register(void)
{
	fs_register(&devtmpfs_fs);
	fs_register(&devpts_fs);
	pty_set_devpts(pts_added, pts_removed);
	proc_tty = tty_proc_info;
}
