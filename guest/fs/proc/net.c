/*
 * net.c - /proc/PID/net, where /proc/net leads: text files that the network layer registers at boot.
 *
 * There is one network namespace, so every process shows the same.
 */
#include <string.h>

#include "fs/proc/proc.h"
#include "fs/procfs.h"

#define FILES_MAX 48

/* Filled at boot, before anybody looks. */
static struct net_file {
	const char *name;
	struct text_ops ops;
} files[FILES_MAX];
static unsigned nr_files;

void proc_net_add(const char *name, int (*show)(struct seq *s, void *arg))
{
	BUG_ON(nr_files == FILES_MAX);
	files[nr_files].name = name;
	files[nr_files++].ops.show = show;
}

static struct inode *net_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct inode *i;

	for (unsigned k = 0; k < nr_files; k++) {
		if (strlen(files[k].name) != len || memcmp(files[k].name, name, len))
			continue;
		i = pseudo_text_inode(dir->sb, 0444, &files[k].ops, NULL);
		return i ? i : ERR_PTR(-ENOMEM);
	}
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

const struct inode_ops proc_net_iops = {
	.lookup = net_lookup,
	.make = proc_no_make,
	.getattr = proc_pid_getattr,
	.permission = proc_pid_permission,
	.evict = proc_pid_evict,
};
const struct file_ops proc_net_fops = { .read = dir_read,
					.seek = dir_seek,
					.readdir = net_readdir };
