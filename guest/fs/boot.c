/*
 * boot.c - the file tree of a new sandbox: root, the fixed mounts of the table below, init's fs_context and descriptors.
 *
 * Runs once, in the task that becomes init, before any other task. A mount whose file system is not there is left out;
 * a missing mount point is made where the root is writable.
 */
#include <linux/mount.h>
#include <string.h>

#include "fs/mount.h"
#include "fs/p9.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

static const struct boot_mount {
	const char *fs, *source, *target, *data;
	u64 flags;
	u32 mode;
} mounts[] = {
	{ "proc", "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "sysfs", "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "devtmpfs", "devtmpfs", "/dev", NULL, MS_NOSUID | MS_NOEXEC, 0755 },
	{ "devpts", "devpts", "/dev/pts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC, 0755 },
	{ "tmpfs", "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
	{ "mqueue", "mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 01777 },
	{ "tmpfs", "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV, 0755 },
};

static struct mount *mount_root(const struct fs_boot_config *c)
{
	struct p9_boot boot = { .queue = c->queue, .aname = "" };
	struct mount_args a = { .source = "gofer", .boot = &boot };
	struct mount *root;

	if (!c->root_p9) {
		a = (struct mount_args){ .source = "tmpfs", .data = "mode=755" };
		return mount_create(fs_find("tmpfs"), &a);
	}
	if (c->overlay || c->readonly)
		a.flags = MS_RDONLY;
	root = mount_create(fs_find("9p"), &a);
	if (IS_ERR(root) || !c->overlay)
		return root;
	a = (struct mount_args){ .source = "overlay", .boot = root };
	return mount_create(fs_find("overlay"), &a);
}

static void mount_table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		const struct boot_mount *m = &mounts[i];
		int err;

		if (!fs_find(m->fs))
			continue;
		err = vfs_mount(m->source, m->target, m->fs, m->flags, m->data);
		if (err == -ENOENT && !vfs_mkdir(AT_FDCWD, m->target, m->mode))
			err = vfs_mount(m->source, m->target, m->fs, m->flags, m->data);
		if (err)
			klog("boot: %s is not mounted on %s: error %d", m->fs, m->target, -err);
	}
}

/* mkdir -p: the missing directories of an absolute path, each for the user. */
static int make_path(const char *path, u32 uid, u32 gid)
{
	struct setattr owner = { .valid = ATTR_UID | ATTR_GID, .uid = uid, .gid = gid };
	char *part = kstrdup(path);
	int err = part ? 0 : -ENOMEM;

	for (char *end = part; !err && *end;) {
		struct path_ref p;
		char sep;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		sep = *end;
		*end = 0;
		err = vfs_mkdir(AT_FDCWD, part, 0777);
		if (!err && !path_lookup(AT_FDCWD, part, 0, &p)) {
			vfs_setattr(&p, &owner);
			path_put(&p);
		} else if (err == -EEXIST) {
			err = 0;
		}
		*end = sep;
	}
	kfree(part);
	return err;
}

int fs_enter_cwd(const char *cwd, u32 uid, u32 gid)
{
	struct path_ref p;
	int err;

	err = path_lookup(AT_FDCWD, cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (err == -ENOENT) {
		err = make_path(cwd, uid, gid);
		if (!err)
			err = path_lookup(AT_FDCWD, cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	}
	if (err)
		return err;
	fs_context_set_cwd(task_current()->fs, &p);
	path_put(&p);
	return 0;
}

int fs_boot(const struct fs_boot_config *c)
{
	struct fs_context *ctx;
	struct path_ref root;
	struct mount *m;
	int err;

	m = mount_root(c);
	if (IS_ERR(m)) {
		klog("boot: cannot mount the root: error %d", -(int)PTR_ERR(m));
		return (int)PTR_ERR(m);
	}
	mount_set_root(m);
	ctx = fs_context_clone(NULL);
	if (IS_ERR(ctx))
		return (int)PTR_ERR(ctx);
	root = (struct path_ref){ m, m->root };
	fs_context_set_root(ctx, &root);
	fs_context_set_cwd(ctx, &root);
	ctx->umask = 022;
	c->init->fs = ctx;
	c->init->files = fdtable_create();
	if (IS_ERR(c->init->files))
		return (int)PTR_ERR(c->init->files);
	mount_table();
	ctx->umask = c->umask;
	if (c->populate_dev) {
		err = c->populate_dev();
		if (err)
			klog("boot: /dev is incomplete: error %d", -err);
	}
	for (int fd = 0; fd < 3; fd++)
		if (c->stdio[fd] && !IS_ERR(c->stdio[fd])) {
			/* init may open them again by /dev/stdout and its like */
			c->stdio[fd]->inode->uid = c->uid;
			c->stdio[fd]->inode->gid = c->gid;
			fd_install_at(c->stdio[fd], fd, false);
		}
	return 0;
}
