/*
 * tmpfs_file.c - regular files, symbolic links, special files and attributes of tmpfs, and file seals.
 *
 * A file's bytes are pages of its own page cache. In an overlay the pages that it lacks come from the lower file, up to
 * lower_size, so "copy-up" costs nothing until a page is touched. Holes of lower-backed files cannot be told from data:
 * punching first brings all of it in.
 */
#include <linux/falloc.h>
#include <string.h>

#include "fs/tmpfs.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

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

int tmpfs_own_data(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct pagecache *pc;
	int err;

	if (t->file.own)
		return 0;
	err = t->lower ? inode_need_pc(t->lower) : 0; /* what is read through */
	if (err)
		return err;
	pc = kzalloc(sizeof(*pc));
	if (!pc)
		return -ENOMEM;
	pagecache_init(pc, t->lower ? &stacked_ops : &memory_ops, i, i->size);
	t->file.lower_size = t->lower ? i->size : 0;
	t->file.own = pc;
	i->pc = pc;
	return 0;
}

/* Adjust the count of used pages to what the page cache holds. */
static void tmpfs_account(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct tmpfs_sb *s = tmpfs_s(i);
	u64 now = t->file.own ? t->file.own->nr_pages : 0;

	spin_lock(&s->lock);
	s->used_pages += now - t->file.charged;
	spin_unlock(&s->lock);
	t->file.charged = now;
	if (t->file.own && !t->file.lower_size)
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
		if (pagecache_resident(tmpfs_i(i)->file.own, k))
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
	struct tmpfs_inode *t = tmpfs_i(i);
	int err;

	if (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((t->seals & F_SEAL_GROW) && pos + *n > i->size) {
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

static int tmpfs_write_end(struct inode *i, u64 pos, u64 n)
{
	tmpfs_account(i);
	return 0;
}

#define MODE_EXEC 0111

static int set_size(struct inode *i, u64 size)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	int err;

	if (((t->seals & F_SEAL_SHRINK) && size < i->size) ||
	    ((t->seals & F_SEAL_GROW) && size > i->size))
		return -EPERM;
	err = tmpfs_own_data(i);
	if (err)
		return err;
	if (size < t->file.lower_size)
		t->file.lower_size = size;
	pagecache_truncate(t->file.own, size);
	i->size = size;
	tmpfs_account(i);
	return 0;
}

int tmpfs_setattr(struct inode *i, const struct setattr *a)
{
	int err;

	if (a->valid & ATTR_MODE && tmpfs_i(i)->seals & F_SEAL_EXEC &&
	    (i->mode ^ a->mode) & MODE_EXEC)
		return -EPERM;
	if (a->valid & ATTR_SIZE) {
		err = set_size(i, a->size);
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
	struct tmpfs_inode *t = tmpfs_i(i);
	u64 pages = (t->file.lower_size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	for (u64 k = 0; k < pages; k++) {
		paddr_t pa;
		int err = pagecache_get(t->file.own, k, true, &pa);

		if (err)
			return err;
		frame_put(pa);
	}
	t->file.lower_size = 0;
	return 0;
}

static int allocate(struct inode *i, u64 off, u64 len)
{
	u64 first = off >> PAGE_SHIFT, last = (off + len - 1) >> PAGE_SHIFT, n = len;
	int err = reserve(i, off, &n);

	if (err || n < len)
		return -ENOSPC;
	for (u64 k = first; k <= last; k++) {
		paddr_t pa;

		if (k >= (tmpfs_i(i)->file.own->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
			break; /* FALLOC_FL_KEEP_SIZE beyond the end: room is not kept */
		err = pagecache_get(tmpfs_i(i)->file.own, k, true, &pa);
		if (err)
			return err;
		frame_put(pa);
		if (!(k & 63))
			platform_poll();
	}
	return 0;
}

static int tmpfs_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	struct tmpfs_inode *t = tmpfs_i(i);
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	mutex_lock(&i->mutex);
	err = tmpfs_own_data(i);
	overlay_pin(i);
	if (!err && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))) {
		if (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			err = -EPERM;
		if (!err && t->file.lower_size)
			err = materialize(i);
		if (!err)
			pagecache_punch(t->file.own, off, len);
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
	struct tmpfs_inode *t = tmpfs_i(f->inode);

	if (!t->file.own || t->file.lower_size)
		return generic_seek(f, off, whence);
	return pagefile_seek(f, off, whence);
}

static int tmpfs_mmap(struct file *f, struct mmap_request *req)
{
	struct tmpfs_inode *t = tmpfs_i(f->inode);

	if ((t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) && (req->flags & 1) &&
	    (req->prot & 2)) /* MAP_SHARED, PROT_WRITE */
		return -EPERM;
	req->never_write = (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) && (req->flags & 1);
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
	mutex_lock(&i->mutex);
	if (write)
		err = tmpfs_own_data(i);
	else
		err = inode_need_pc(tmpfs_i(i)->lower);
	if (!err && !i->pc)
		atomic_store(&i->pc, tmpfs_i(i)->lower->pc);
	mutex_unlock(&i->mutex);
	if (!err && write)
		overlay_pin(i);
	return err;
}

static int tmpfs_get_seals(struct inode *i)
{
	return (int)tmpfs_i(i)->seals;
}

static int tmpfs_add_seals(struct inode *i, unsigned seals)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	int err = 0;

	if (seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		      F_SEAL_FUTURE_WRITE | F_SEAL_EXEC))
		return -EINVAL;
	mutex_lock(&i->mutex);
	/* What may be executed for ever is not to change. */
	if (seals & F_SEAL_EXEC && i->mode & MODE_EXEC && !(t->seals & F_SEAL_SEAL))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (t->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & F_SEAL_WRITE) && i->pc && pagecache_mapped_writable(i->pc))
		err = -EBUSY;
	else
		t->seals |= seals;
	mutex_unlock(&i->mutex);
	return err;
}

s64 tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct tmpfs_inode *t = tmpfs_i(i);

	if (t->xattrs_own)
		return xattrs_get(&t->xattrs, name, buf, size);
	if (!t->lower->ops->getxattr)
		return -ENODATA;
	return t->lower->ops->getxattr(t->lower, name, buf, size);
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	int err = overlay_xattrs(i);

	if (!err)
		err = xattrs_set(&tmpfs_i(i)->xattrs, name, v, n, flags);
	if (!err)
		inode_touch(i, ATTR_CTIME);
	return err;
}

s64 tmpfs_listxattr(struct inode *i, char *buf, size_t size)
{
	struct tmpfs_inode *t = tmpfs_i(i);

	if (t->xattrs_own)
		return xattrs_list(&t->xattrs, buf, size);
	if (!t->lower->ops->listxattr)
		return 0;
	return t->lower->ops->listxattr(t->lower, buf, size);
}

const struct inode_ops tmpfs_file_ops = {
	.setattr = tmpfs_setattr,
	.open = tmpfs_open,
	.write_begin = tmpfs_write_begin,
	.write_end = tmpfs_write_end,
	.get_seals = tmpfs_get_seals,
	.add_seals = tmpfs_add_seals,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.evict = tmpfs_evict,
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
	.evict = tmpfs_evict,
};
const struct file_ops tmpfs_file_fops = {
	.read = pagefile_read,
	.write = pagefile_write,
	.seek = tmpfs_seek,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};
