/*
 * link.c - the magic links of /proc/PID: exe, cwd, root, ns/ and what descriptors lead to.
 *
 * A link jumps to the object itself, whatever its name is by now. Objects without a path (pipes, sockets, eventfds,
 * namespaces) get a dentry of their own in a mount that is in no tree.
 */
#include <string.h>

#include "fs/mount.h"
#include "fs/proc/link.h"

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

/* ---- ns/ ---- */

/* The numbers that Linux gives the first namespace of each kind. */
static const struct {
	const char *name, *kind;
	u32 inum;
} spaces[] = {
	{ "cgroup", "cgroup", 0xeffffffb }, { "ipc", "ipc", 0xefffffff },
	{ "mnt", "mnt", 0xf0000001 },	    { "net", "net", 0xf0000000 },
	{ "pid", "pid", 0xeffffffc },	    { "pid_for_children", "pid", 0xeffffffc },
	{ "time", "time", 0xeffffffa },	    { "time_for_children", "time", 0xeffffffa },
	{ "user", "user", 0xeffffffd },	    { "uts", "uts", 0xeffffffe },
};

static int check_access(const struct inode *i)
{
	struct task *t = proc_task(proc_id(i));
	bool may;

	if (!t)
		return -ENOENT;
	may = proc_may_access(t);
	task_put(t);
	return may ? 0 : -EACCES;
}

static int ns_name(const struct proc_id *id, char *buf, size_t size)
{
	return ksnprintf(buf, size, "%s:[%u]", spaces[id->nr].kind, spaces[id->nr].inum);
}

static int ns_readlink(struct inode *i, char *buf, size_t size)
{
	return check_access(i) ?: ns_name(proc_id(i), buf, size);
}

static int ns_setattr(struct inode *i, const struct setattr *a)
{
	return -EPERM;
}

static const struct inode_ops ns_file_iops = { .setattr = ns_setattr };
static const struct file_ops ns_file_fops = { .name = "nsfs", .seek = stream_seek };

static int ns_path(struct inode *i, struct path_ref *out)
{
	struct inode *ns;
	char name[40];
	int err = check_access(i);

	if (err)
		return err;
	ns_name(proc_id(i), name, sizeof(name));
	ns = inode_alloc(anon_mount->root->inode->sb, S_IFREG | 0444);
	if (!ns)
		return -ENOMEM;
	ns->ino = spaces[proc_id(i)->nr].inum;
	ns->ops = &ns_file_iops;
	ns->fops = &ns_file_fops;
	err = proc_anon_path(ns, name, out);
	inode_put(ns);
	return err;
}

static const struct inode_ops ns_link_iops = {
	.readlink = ns_readlink,
	.get_link_path = ns_path,
	.getattr = proc_pid_getattr,
	.evict = proc_pid_evict,
};

static struct inode *ns_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct proc_id id = *proc_id(dir);

	for (unsigned k = 0; k < ARRAY_SIZE(spaces); k++) {
		if (strlen(spaces[k].name) != len || memcmp(spaces[k].name, name, len))
			continue;
		id.nr = (int)k;
		return proc_pid_inode(dir->sb, S_IFLNK | 0777, &id, (u64)(k + 1) << 8 | 0xfd,
				      &ns_link_iops, NULL);
	}
	return ERR_PTR(-ENOENT);
}

static bool ns_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	return i ? proc_pid_valid(i) : true;
}

static int ns_readdir(struct file *f, struct dir_context *ctx)
{
	const struct proc_id *id = proc_id(f->inode);

	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos - 2 < ARRAY_SIZE(spaces)) {
		u64 k = ctx->pos - 2;

		if (!dir_emit(ctx, spaces[k].name, (unsigned)strlen(spaces[k].name), ctx->pos + 1,
			      proc_pid_ino(id->tid, id->thread, (k + 1) << 8 | 0xfd), DT_LNK))
			break;
	}
	return 0;
}

const struct inode_ops proc_ns_iops = {
	.lookup = ns_lookup,
	.make = proc_no_make,
	.revalidate = ns_revalidate,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
};
const struct file_ops proc_ns_fops = { .read = dir_read, .seek = dir_seek, .readdir = ns_readdir };
