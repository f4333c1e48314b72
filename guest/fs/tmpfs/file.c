/*
 * file.c - regular files, symbolic links and special files of tmpfs, and file seals.
 *
 * A file's bytes are pages of its own page cache. In an overlay the pages that it lacks come from the lower file, up to
 * lower_size, so "copy-up" costs nothing until a page is touched. Holes of lower-backed files cannot be told from data:
 * punching first brings all of it in.
 */
#include <linux/falloc.h>
#include <string.h>

#include "fs/acl.h"
#include "fs/tmpfs/tmpfs.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/signal/signal.h"
#include "task/task.h"

static int fill(struct pagecache *pc, u64 index, paddr_t *frames, unsigned n)
{
	struct inode *i = pc->owner;

	for (unsigned k = 0; k < n; k++) {
		int err = overlay_read_page(i, index + k, paddr_to_ptr(frames[k]));

		if (err)
			return err;
	}
	return 0;
}

static const struct pagecache_ops
	memory_ops; /* all zero: new pages are zero, nothing is written back */
static const struct pagecache_ops stacked_ops = { .read = fill };

static u32 seals_of(struct inode *i)
{
	const struct tmpfs_own *own = tmpfs_own(i);

	return own ? own->seals : F_SEAL_SEAL;
}

int tmpfs_own_data(struct inode *i)
{
	struct tmpfs_own *own = tmpfs_own(i);
	bool backed = tmpfs_backed(i);
	struct pagecache *pc;
	int err;

	if (own && own->pages)
		return 0;
	err = tmpfs_need_own(i);
	if (!err && backed) /* what is read through */
		err = inode_need_pc(tmpfs_lower(i));
	if (err)
		return err;
	own = tmpfs_own(i);
	pc = kzalloc(sizeof(*pc));
	if (!pc)
		return -ENOMEM;
	pagecache_init(pc, backed ? &stacked_ops : &memory_ops, i, i->size);
	own->lower_size = backed ? i->size : 0;
	own->pages = pc;
	i->pc = pc;
	return 0;
}

/* Adjust the count of used pages to what the page cache holds. */
static void tmpfs_account(struct inode *i)
{
	struct tmpfs_own *own = tmpfs_own(i);
	struct tmpfs_sb *s = tmpfs_s(i);
	u64 now;

	if (!own || !own->pages)
		return;
	now = own->pages->nr_pages;
	spin_lock(&s->lock);
	s->used_pages += now - own->charged;
	spin_unlock(&s->lock);
	own->charged = now;
	if (!own->lower_size)
		i->blocks = now * (PAGE_SIZE / 512);
}

/* Room for the pages of [pos, pos + *n)? Cheap unless the file system is nearly full. */
static int reserve(struct inode *i, u64 pos, u64 *n)
{
	struct tmpfs_sb *s = tmpfs_s(i);
	u64 first = pos >> PAGE_SHIFT, last, free;

	if (!s->max_pages || !*n)
		return 0;
	last = (pos + *n - 1) >> PAGE_SHIFT;
	spin_lock(&s->lock);
	free = s->max_pages > s->used_pages ? s->max_pages - s->used_pages : 0;
	spin_unlock(&s->lock);
	if (last - first + 1 <= free)
		return 0;
	for (u64 k = first; k <= last; k++) {
		if (pagecache_resident(tmpfs_own(i)->pages, k))
			continue;
		if (!free) {
			*n = k == first ? 0 : (k << PAGE_SHIFT) - pos;
			return *n ? 0 : -ENOSPC;
		}
		free--;
	}
	return 0;
}

static int tmpfs_write_begin(struct inode *i, u64 pos, u64 *n)
{
	u32 seals = seals_of(i);
	int err;

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((seals & F_SEAL_GROW) && pos + *n > i->size) {
		if (pos >= i->size)
			return -EPERM;
		*n = i->size - pos;
	}
	err = tmpfs_own_data(i);
	if (!err) {
		overlay_pin(i);
		err = reserve(i, pos, n);
	}
	return err;
}

static s64 tmpfs_write_end(struct inode *i, u64 pos, u64 n)
{
	tmpfs_account(i);
	return (s64)n;
}

#define MODE_EXEC 0111

static int set_size(struct inode *i, u64 size)
{
	u32 seals = seals_of(i);
	struct tmpfs_own *own;
	int err;

	if (((seals & F_SEAL_SHRINK) && size < i->size) ||
	    ((seals & F_SEAL_GROW) && size > i->size))
		return -EPERM;
	err = tmpfs_own_data(i);
	if (err)
		return err;
	own = tmpfs_own(i);
	if (size < own->lower_size)
		own->lower_size = size;
	pagecache_truncate(own->pages, size);
	i->size = size;
	tmpfs_account(i);
	return 0;
}

int tmpfs_setattr(struct inode *i, const struct setattr *a)
{
	int err;

	if (a->valid & ATTR_MODE && seals_of(i) & F_SEAL_EXEC && (i->mode ^ a->mode) & MODE_EXEC)
		return -EPERM;
	if (a->valid & ATTR_SIZE) {
		err = set_size(i, a->size);
		if (err)
			return err;
	}
	if (a->valid & ATTR_MODE) {
		err = acl_chmod(i, a->mode);
		if (err)
			return err;
	}
	inode_setattr(i, a);
	overlay_pin(i);
	return 0;
}

/* Make the lower bytes our own, all of them. */
static int materialize(struct inode *i)
{
	struct tmpfs_own *own = tmpfs_own(i);
	u64 pages = (own->lower_size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	for (u64 k = 0; k < pages; k++) {
		paddr_t pa;
		int err = pagecache_get(own->pages, k, true, &pa);

		if (err)
			return err;
		frame_put(pa);
	}
	own->lower_size = 0;
	return 0;
}

static int allocate(struct inode *i, u64 off, u64 len)
{
	struct pagecache *pages = tmpfs_own(i)->pages;
	u64 first = off >> PAGE_SHIFT, last = (off + len - 1) >> PAGE_SHIFT, n = len;
	int err = reserve(i, off, &n);

	if (err || n < len || !mm_may_commit(last - first + 1))
		return -ENOSPC;
	for (u64 k = first; k <= last; k++) {
		paddr_t pa;

		if (k >= (pages->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
			break; /* FALLOC_FL_KEEP_SIZE beyond the end: room is not kept */
		err = pagecache_get(pages, k, true, &pa);
		if (err)
			return err;
		frame_put(pa);
		if (!(k & 63)) {
			platform_poll();
			if (signal_pending(task_current()))
				return -EINTR;
		}
	}
	return 0;
}

static int tmpfs_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	mutex_lock(&i->mutex);
	err = tmpfs_own_data(i);
	overlay_pin(i);
	if (!err && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))) {
		if (seals_of(i) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			err = -EPERM;
		if (!err && tmpfs_own(i)->lower_size)
			err = materialize(i);
		if (!err)
			pagecache_punch(tmpfs_own(i)->pages, off, len);
	}
	if (!err && !(mode & FALLOC_FL_PUNCH_HOLE)) {
		u64 old = i->size;

		if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > old)
			err = set_size(i, off + len);
		if (!err)
			err = allocate(i, off, len);
		if (err && i->size != old)
			set_size(i, old);
	}
	tmpfs_account(i);
	inode_touch(i, ATTR_CTIME | (mode & FALLOC_FL_PUNCH_HOLE ? ATTR_MTIME : 0));
	mutex_unlock(&i->mutex);
	return err;
}

static s64 tmpfs_seek(struct file *f, s64 off, int whence)
{
	struct tmpfs_own *own = tmpfs_own(f->inode);

	if (!own || !own->pages || own->lower_size)
		return generic_seek(f, off, whence);
	return pagefile_seek(f, off, whence);
}

static int tmpfs_mmap(struct file *f, struct mmap_request *req)
{
	u32 sealed = seals_of(f->inode) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);

	if (sealed && (req->flags & 1) && (req->prot & 2)) /* MAP_SHARED, PROT_WRITE */
		return -EPERM;
	req->never_write = sealed && (req->flags & 1);
	return pagefile_mmap(f, req);
}

static int tmpfs_fsync(struct file *f, u64 off, u64 len, bool datasync)
{
	return 0;
}

static int tmpfs_open(struct inode *i, struct file *f)
{
	bool write = f->mode & FMODE_WRITE;
	int err = 0;

	if (!write && atomic_load(&i->pc))
		return 0;
	if (tmpfs_backed(i))
		err = overlay_hold_lower(i);
	if (err)
		return err;
	mutex_lock(&i->mutex);
	if (write)
		err = tmpfs_own_data(i);
	else if (!i->pc)
		err = inode_need_pc(tmpfs_lower(i));
	if (!err && !i->pc)
		atomic_store(&i->pc, tmpfs_lower(i)->pc);
	mutex_unlock(&i->mutex);
	if (!err && write)
		overlay_pin(i);
	return err;
}

static int tmpfs_get_seals(struct inode *i)
{
	return (int)seals_of(i);
}

static int tmpfs_add_seals(struct inode *i, unsigned seals)
{
	u32 have;
	int err = 0;

	if (seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		      F_SEAL_FUTURE_WRITE | F_SEAL_EXEC))
		return -EINVAL;
	mutex_lock(&i->mutex);
	have = seals_of(i);
	/* What may be executed for ever is not to change. */
	if (seals & F_SEAL_EXEC && i->mode & MODE_EXEC && !(have & F_SEAL_SEAL))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (have & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & F_SEAL_WRITE) && i->pc && pagecache_mapped_writable(i->pc))
		err = -EBUSY;
	else
		tmpfs_own(i)->seals |= seals;
	mutex_unlock(&i->mutex);
	return err;
}

static const struct file_ops tmpfs_file_fops = {
	.read = pagefile_read,
	.write = pagefile_write,
	.seek = tmpfs_seek,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};
const struct inode_ops tmpfs_file_ops = {
	.get_flags = tmpfs_get_flags,
	.set_flags = tmpfs_set_flags,
	.setattr = tmpfs_setattr,
	.open = tmpfs_open,
	.write_begin = tmpfs_write_begin,
	.write_end = tmpfs_write_end,
	.get_seals = tmpfs_get_seals,
	.add_seals = tmpfs_add_seals,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.get_acl = tmpfs_get_acl,
	.set_acl = tmpfs_set_acl,
	.evict = tmpfs_evict,
	.fops = &tmpfs_file_fops,
};
const struct inode_ops tmpfs_link_ops = {
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.evict = tmpfs_evict,
};
const struct inode_ops tmpfs_special_ops = {
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.get_acl = tmpfs_get_acl,
	.set_acl = tmpfs_set_acl,
	.evict = tmpfs_evict,
};
