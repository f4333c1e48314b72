/*
 * link.c - the magic links of /proc/PID: exe, cwd, root, and what descriptors lead to.
 *
 * A link jumps to the object itself, whatever its name is by now. Objects without a path (pipes, sockets, eventfds,
 * namespaces) get a dentry of their own in a mount that is in no tree.
 */
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/proc/link.h"
#include "fs/pseudo.h"

/* ---- exe, cwd, root ---- */

int proc_path_exe(struct task *t, struct path_ref *out)
{
	struct mm *mm = task_mm_get(t);
	struct file *exe;
	int err = -ENOENT;

	if (!mm)
		return -ENOENT;
	exe = mm_layout(mm)->exe;
	if (exe && exe->path) {
		*out = *exe->path;
		path_get(out);
		err = 0;
	}
	mm_put(mm);
	return err;
}

static int context_path(struct task *t, struct path_ref *out, bool root)
{
	struct fs_context *c;

	spin_lock(&task_lock);
	c = t->fs;
	if (c) {
		spin_lock(&c->lock);
		*out = root ? c->root : c->cwd;
		path_get(out);
		spin_unlock(&c->lock);
	}
	spin_unlock(&task_lock);
	return c ? 0 : -ENOENT;
}

int proc_path_cwd(struct task *t, struct path_ref *out)
{
	return context_path(t, out, false);
}

int proc_path_root(struct task *t, struct path_ref *out)
{
	return context_path(t, out, true);
}

static int link_path(struct inode *i, struct path_ref *out)
{
	const struct proc_id *id = proc_id(i);
	struct task *t = proc_task(id);
	int err;

	if (!t)
		return -ENOENT;
	err = proc_may_access(t) ? id->entry->path(t, out) : -EACCES;
	task_put(t);
	return err;
}

const struct inode_ops proc_link_iops = {
	.get_link_path = link_path,
	.getattr = proc_pid_getattr,
	.evict = proc_pid_evict,
};

/* ---- objects without a path ---- */

static struct super_block *anon_mount_super(const struct file_system *fs,
					    const struct mount_args *a)
{
	return pseudo_super(fs, 0x09041934, 0);
}

static const struct file_system anon_fs = { .name = "anon_inodefs",
					    .nodev = true,
					    .mount = anon_mount_super };
static struct mount *anon_mount;

int proc_anon_init(void)
{
	struct mount_args a = { .source = "none" };
	struct mount *m;

	if (anon_mount)
		return 0;
	m = mount_create(&anon_fs, &a);
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	m->flags |= MNT_INTERNAL;
	anon_mount = m;
	return 0;
}

int proc_anon_path(struct inode *i, const char *name, struct path_ref *out)
{
	struct dentry *d;

	inode_get(i);
	d = dentry_detached(anon_mount->root, name, i);
	if (!d) {
		inode_put(i);
		return -ENOMEM;
	}
	mount_get(anon_mount);
	*out = (struct path_ref){ anon_mount, d };
	return 0;
}

struct super_block *proc_anon_sb(void)
{
	return anon_mount->root->inode->sb;
}
