/*
 * inode.c - the life of inodes and their default attribute operations.
 *
 * An inode lives as long as someone holds a reference: dentries, open files, file systems that keep it. Attributes are
 * changed under inode->lock.
 */
#include <string.h>

#include "fs/handle.h"
#include "fs/lock.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/task.h"

struct fs_time fs_now(void)
{
	u64 ns = clock_mono() + (u64)clock_real_offset();

	return (struct fs_time){ .sec = (s64)(ns / 1000000000), .nsec = (u32)(ns % 1000000000) };
}

u64 dev_encode(u32 dev)
{
	u64 ma = DEV_MAJOR(dev), mi = DEV_MINOR(dev);

	return (mi & 0xff) | ma << 8 | (mi & ~0xffULL) << 12;
}

u32 dev_decode(u64 enc)
{
	return DEV(enc >> 8 & 0xfff, (enc & 0xff) | (enc >> 12 & 0xfff00));
}

struct inode *inode_alloc_size(struct super_block *sb, u32 mode, size_t size)
{
	struct inode *i = kzalloc(size);

	if (!i)
		return NULL;
	ref_init(&i->ref);
	i->mode = (u16)mode;
	i->nlink = 1;
	i->sb = sb;
	mutex_init(&i->mutex);
	spin_init(&i->lock);
	i->atime = i->mtime = i->ctime = i->btime = fs_time_pack(fs_now());
	if (sb) {
		i->ino = atomic_add(&sb->next_ino, 1);
		super_get(sb);
	}
	return i;
}

struct inode *inode_alloc(struct super_block *sb, u32 mode)
{
	return inode_alloc_size(sb, mode, sizeof(struct inode));
}

void inode_get(struct inode *i)
{
	ref_get(&i->ref);
}

static void evict(struct inode *i)
{
	if (unlikely(inode_marked(i, INODE_LOCKS)))
		file_locks_free(i);
	if (unlikely(inode_marked(i, INODE_HANDLES)))
		handle_forget(i);
	if (i->ops && i->ops->evict)
		i->ops->evict(i);
}

/*
 * An eviction puts the inodes that it held, a directory those in it or the one above: the guest says how deep that goes, the
 * kernel's stack does not. So what dies in an eviction waits in a list until that is done.
 */
void inode_put(struct inode *i)
{
	struct task *t = task_current();
	struct inode *later = NULL;
	struct super_block *sb;

	if (!i || !ref_put(&i->ref))
		return;
	if (t && t->evict_later) {
		i->evict_next = *t->evict_later;
		*t->evict_later = i;
		return;
	}
	do {
		sb = i->sb;
		if (t)
			t->evict_later = &later;
		evict(i);
		if (t)
			t->evict_later = NULL;
		if (sb && sb->ops && sb->ops->free_inode)
			sb->ops->free_inode(i);
		else
			kfree(i);
		if (sb)
			super_put(sb);
		i = later;
		if (i)
			later = i->evict_next;
	} while (i);
}

void inode_getattr(struct inode *i, struct stat_info *st)
{
	memset(st, 0, sizeof(*st));
	spin_lock(&i->lock);
	st->ino = i->ino;
	st->size = i->size;
	st->blocks = inode_is_device(i) ? 0 : i->blocks;
	st->dev = i->sb ? i->sb->dev : 0;
	st->rdev = inode_rdev(i);
	st->mode = i->mode;
	st->nlink = i->nlink;
	st->uid = i->uid;
	st->gid = i->gid;
	st->blksize = i->sb && i->sb->blksize ? i->sb->blksize : 4096;
	st->atime = fs_time_unpack(i->atime);
	st->mtime = fs_time_unpack(i->mtime);
	st->ctime = fs_time_unpack(i->ctime);
	st->btime = fs_time_unpack(i->btime);
	st->has_btime = st->btime.sec != 0;
	if (i->flags & INODE_IMMUTABLE)
		st->attributes |= STATX_ATTR_IMMUTABLE;
	if (i->flags & INODE_APPEND)
		st->attributes |= STATX_ATTR_APPEND;
	st->attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT;
	spin_unlock(&i->lock);
}

void inode_setattr(struct inode *i, const struct setattr *a)
{
	spin_lock(&i->lock);
	if (a->valid & ATTR_MODE)
		i->mode = (u16)((i->mode & S_IFMT) | (a->mode & 07777));
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_SIZE)
		i->size = a->size;
	if (a->valid & ATTR_ATIME)
		i->atime = fs_time_pack(a->atime);
	if (a->valid & ATTR_MTIME)
		i->mtime = fs_time_pack(a->mtime);
	if (a->valid & ATTR_CTIME)
		i->ctime = fs_time_pack(a->ctime);
	spin_unlock(&i->lock);
}

void inode_touch(struct inode *i, unsigned attr)
{
	u64 now = fs_time_pack(fs_now());

	spin_lock(&i->lock);
	if (attr & ATTR_ATIME)
		i->atime = now;
	if (attr & ATTR_MTIME)
		i->mtime = now;
	if (attr & ATTR_CTIME)
		i->ctime = now;
	spin_unlock(&i->lock);
}

/* Pipes, sockets and anonymous files: each kind is a file system of its own on Linux; here they share one device. */
static int anon_open(struct inode *i, struct file *f)
{
	return -ENXIO;
}

static const struct inode_ops anon_inode_ops = { .open = anon_open };
static u64 anon_ino;

struct inode *inode_anon(u32 mode)
{
	struct inode *i = inode_alloc(NULL, mode);
	struct task *t = task_current();

	if (!i)
		return NULL;
	i->ops = &anon_inode_ops;
	i->flags = INODE_ANON | INODE_NOATIME;
	i->ino = atomic_add(&anon_ino, 1);
	/* Pipes and sockets belong to who made them; the rest is root's. */
	if ((S_ISFIFO(mode) || S_ISSOCK(mode)) && t && t->cred) {
		i->uid = t->cred->fsuid;
		i->gid = t->cred->fsgid;
	}
	return i;
}
