/*
 * root.c - the file system "proc": its one super block, the root directory, self and thread-self.
 *
 * One instance for the first pid namespace, which every mount made there shows; a mount made in another one is an instance
 * of its own. The root mixes a static pseudo directory with the processes, which
 * are listed at positions above 1 << 32 in the order of their numbers. hidepid and the other options are not there.
 */
#include <string.h>

#include "fs/proc/proc.h"
#include "fs/procfs.h"

#define PROC_MAGIC 0x9fa0
#define PID_POS	   (1ULL << 32)

void (*proc_tty)(struct process *p, u32 *rdev, int *pgid);

static struct super_block *proc_sb;

static struct inode *root_lookup(struct inode *dir, const char *name, unsigned len)
{
	int pid = proc_name_to_int(name, len);

	if (pid < 0)
		return pseudo_lookup(dir, name, len);
	pid = pid_from_nr(proc_ns(dir->sb), pid);
	return pid ? proc_pid_lookup(dir->sb, pid, false) : ERR_PTR(-ENOENT);
}

static bool root_revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	if (proc_name_to_int(name, len) < 0)
		return true;
	return i && proc_pid_valid(i);
}

static int root_readdir(struct file *f, struct dir_context *ctx)
{
	char name[16];
	int pid, n;

	if (!dir_emit_dots(f, ctx))
		return 0;
	if (ctx->pos < PID_POS) {
		if (!pseudo_readdir_static(f->inode, ctx))
			return 0;
		ctx->pos = PID_POS;
	}
	while ((pid = process_next((int)(ctx->pos - PID_POS)))) {
		int nr = pid_nr_in(proc_ns(f->inode->sb), pid);

		n = ksnprintf(name, sizeof(name), "%d", nr);
		if (!nr)
			ctx->pos = PID_POS + (u64)pid + 1;
		else if (!dir_emit(ctx, name, (unsigned)n, PID_POS + (u64)pid + 1,
				   proc_pid_ino(pid, false, 0), DT_DIR))
			break;
	}
	return 0;
}

/* ---- self, thread-self ---- */

static int self_readlink(struct inode *i, char *buf, size_t size)
{
	int nr = pid_nr_in(proc_ns(i->sb), task_current()->process->pid);

	return nr ? ksnprintf(buf, size, "%d", nr) : -ENOENT;
}

static int thread_self_readlink(struct inode *i, char *buf, size_t size)
{
	const struct pid_ns *ns = proc_ns(i->sb);
	int nr = pid_nr_in(ns, task_current()->process->pid);

	if (!nr)
		return -ENOENT;
	return ksnprintf(buf, size, "%d/task/%d", nr, pid_nr_in(ns, task_current()->tid));
}

static const struct inode_ops self_iops = { .readlink = self_readlink };
static const struct inode_ops thread_self_iops = { .readlink = thread_self_readlink };

static int add_self(struct inode *root, const char *name, const struct inode_ops *ops)
{
	struct inode *i = inode_alloc(root->sb, S_IFLNK | 0777);
	int err;

	if (!i)
		return -ENOMEM;
	i->ops = ops;
	i->flags |= INODE_NOATIME;
	err = pseudo_add(root, name, i);
	if (err)
		inode_put(i);
	return err;
}

/* ---- the file system ---- */

static struct inode_ops root_iops;
static struct file_ops root_fops;

static void free_super(struct super_block *sb)
{
	pid_ns_put(sb->priv);
}

static const struct super_ops super_ops = { .free = free_super };

static struct super_block *make_super(const struct file_system *fs)
{
	struct super_block *sb = pseudo_super(fs, PROC_MAGIC, 0);
	struct inode *root;
	int err;

	if (IS_ERR(sb))
		return sb;
	root = sb->root;
	root_iops = pseudo_dir_ops;
	root_iops.fops = &root_fops;
	root_iops.lookup = root_lookup;
	root_iops.revalidate = root_revalidate;
	root_iops.setattr = NULL;
	root_iops.make = proc_no_make;
	root_fops = pseudo_dir_fops;
	root_fops.readdir = root_readdir;
	root->ops = &root_iops;
	root->mode = S_IFDIR | 0555;
	err = add_self(root, "self", &self_iops) ?: add_self(root, "thread-self", &thread_self_iops) ?:
	      proc_add_global(root);
	return err ? ERR_PTR(err) : sb;
}

static struct super_block *proc_mount(const struct file_system *fs, const struct mount_args *a)
{
	/* At boot and for a container: the namespace that its processes will be in. */
	struct pid_ns *ns = a->boot ? a->boot : pid_ns_current();
	struct super_block *sb;

	if (!proc_sb || ns->level) {
		sb = make_super(fs);
		if (IS_ERR(sb))
			return sb;
		if (ns->level) {
			pid_ns_get(ns);
			sb->priv = ns;
			sb->ops = &super_ops;
			return sb;
		}
		proc_sb = sb;
		sb->kept = true;
	}
	super_get(proc_sb);
	return proc_sb;
}

static const struct file_system proc_fs = {
	.name = "proc",
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = proc_mount,
};

void proc_register(void)
{
	fs_register(&proc_fs);
}
