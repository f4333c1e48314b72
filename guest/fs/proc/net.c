/*
 * net.c - /proc/PID/net, where /proc/net leads: text files that the network layer registers at boot. They show the task's
 * network namespace, as of each reading.
 */
#include <string.h>

#include "fs/proc/proc.h"
#include "fs/procfs.h"

#define FILES_MAX 48

/* Filled at boot, before anybody looks. */
static struct net_file {
	const char *name;
	int (*show)(struct seq *s, void *net);
} files[FILES_MAX];
static unsigned nr_files;

void proc_net_add(const char *name, int (*show)(struct seq *s, void *arg))
{
	BUG_ON(nr_files == FILES_MAX);
	files[nr_files].name = name;
	files[nr_files++].show = show;
}

/* ---- a file: its priv is the task's id, with the number of the file in `nr` ---- */

static int net_show(struct seq *s, void *arg)
{
	const struct proc_id *id = arg;
	struct task *t = proc_task(id);
	struct ns_common *n;
	int err;

	if (!t)
		return -ESRCH;
	n = task_ns(t, NS_NET);
	task_put(t);
	if (!n)
		return -ESRCH;
	err = files[id->nr].show(s, n->object);
	ns_put(n);
	return err;
}

static void net_evict(struct inode *i)
{
	kfree(i->priv);
	pseudo_dir_ops.evict(i);
}

static const struct text_ops net_text = { .show = net_show };
static const struct inode_ops net_file_iops = { .setattr = proc_pid_setattr,
						.evict = net_evict,
						.fops = &pseudo_text_fops };

static struct inode *file_inode(struct inode *dir, unsigned nr)
{
	struct proc_id *id = kmalloc(sizeof(*id));
	struct inode *i;

	if (!id)
		return ERR_PTR(-ENOMEM);
	*id = *proc_id(dir);
	id->nr = (int)nr;
	i = pseudo_text_inode(dir->sb, 0444, &net_text, id);
	if (!i) {
		kfree(id);
		return ERR_PTR(-ENOMEM);
	}
	i->ops = &net_file_iops;
	i->flags |= INODE_NOCACHE;
	i->ino = proc_pid_ino(id->tid, id->thread, 0x10000 + nr);
	return i;
}

/* ---- the directory ---- */

static struct inode *net_lookup(struct inode *dir, const char *name, unsigned len)
{
	for (unsigned k = 0; k < nr_files; k++)
		if (strlen(files[k].name) == len && !memcmp(files[k].name, name, len))
			return file_inode(dir, k);
	return ERR_PTR(-ENOENT);
}

static int net_readdir(struct file *f, struct dir_context *ctx)
{
	const struct proc_id *id = proc_id(f->inode);

	if (!proc_pid_valid(f->inode))
		return -ENOENT;
	if (!dir_emit_dots(f, ctx))
		return 0;
	for (u64 k = ctx->pos - 2; k < nr_files; k++) {
		const char *name = files[k].name;

		if (!dir_emit(ctx, name, (unsigned)strlen(name), k + 3,
			      proc_pid_ino(id->tid, id->thread, 0x10000 + k), DT_REG))
			break;
	}
	return 0;
}

static const struct file_ops proc_net_fops = { .read = dir_read,
					       .seek = dir_seek,
					       .readdir = net_readdir };
const struct inode_ops proc_net_iops = {
	.lookup = net_lookup,
	.make = proc_no_make,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
	.fops = &proc_net_fops,
};
