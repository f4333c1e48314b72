/*
 * super.c - super blocks: one per file system instance, alive while inodes or mounts are.
 */
#include <linux/mount.h>

#include "fs/mount/mount.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "task/ns/userns.h"
#include "task/task.h"

static u32 next_minor;

struct super_block *super_alloc(const struct file_system *fs, const struct super_ops *ops,
				u32 magic, u32 flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	ref_init(&sb->ref);
	sb->fs = fs;
	sb->ops = ops;
	sb->magic = magic;
	sb->flags = flags;
	sb->dev = DEV(0, atomic_add(&next_minor, 1) + 16);
	sb->blksize = 4096;
	sb->max_bytes = 0x7fffffffffffffffULL;
	return sb;
}

void super_get(struct super_block *sb)
{
	ref_get(&sb->ref);
}

void super_put(struct super_block *sb)
{
	if (!sb || !ref_put(&sb->ref))
		return;
	if (sb->ops && sb->ops->free)
		sb->ops->free(sb);
	if (sb->owner)
		user_ns_put(sb->owner);
	kfree(sb);
}

void super_use(struct super_block *sb)
{
	super_get(sb);
	atomic_add(&sb->mounts, 1);
}

void super_unuse(struct super_block *sb)
{
	if (!atomic_sub(&sb->mounts, 1))
		super_shutdown(sb);
	super_put(sb);
}

/* The last mount is gone: cached names, then what the file system pins, then the caller's reference. */
void super_shutdown(struct super_block *sb)
{
	struct task *t = task_current();
	struct inode **later = t ? t->evict_later : NULL;

	notify_unmount(sb);
	if (sb->kept)
		return;
	if (t)
		t->evict_later = NULL; /* here they go at once: ops->shutdown relies on it */
	if (sb->root_dentry) {
		dcache_shrink(sb->root_dentry);
		dentry_put(sb->root_dentry);
		sb->root_dentry = NULL;
		sb->root = NULL;
	}
	if (sb->ops && sb->ops->shutdown)
		sb->ops->shutdown(sb);
	if (t)
		t->evict_later = later;
}
