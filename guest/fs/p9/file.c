/*
 * file.c - regular files over 9P: pages are read straight into arena frames, and written straight from them (write.c).
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

/* For reading any fid that can read will do. */
static int read_fid(struct p9_inode *pi, enum p9_fid_kind *kind, u32 *fid)
{
	*kind = p9_fid_has(pi, P9_FID_READ) || !p9_fid_has(pi, P9_FID_WRITE) ? P9_FID_READ
									     : P9_FID_WRITE;
	return p9_fid_get(pi, *kind, fid);
}

/*
 * Short of the end that the server once gave: the file was cut on the host, and what is behind its new end is not there
 * (SIGBUS, EIO). Behind that end lie only pages of a write of ours that has not reached the server yet: zeroes.
 */
static int p9_read_pages(struct pagecache *pc, u64 index, paddr_t *frames, unsigned n)
{
	struct inode *i = pc->owner;
	u64 off = index << PAGE_SHIFT, want = (u64)n << PAGE_SHIFT, done = 0, eof;
	enum p9_fid_kind kind;
	s64 r = 0;
	u32 fid;
	int err;

	err = read_fid(p9_i(i), &kind, &fid);
	if (err)
		return err;
	while (done < want) {
		unsigned first = (unsigned)(done >> PAGE_SHIFT);
		unsigned count = MIN(n - first, (unsigned)P9_PAGES);

		r = p9_read_frames(p9_s(i)->c, fid, off + done, frames + first, count);
		if (r <= 0)
			break;
		done += (u64)r;
		if (done & (PAGE_SIZE - 1)) /* short inside a page: the end of the file */
			break;
	}
	p9_fid_put(p9_i(i), kind);
	if (r < 0)
		return (int)r;
	eof = off + done;
	if (done < want &&
	    eof < READ_ONCE(p9_pages(i)->srv_size)) { /* somebody outside has cut it short */
		unsigned there = (unsigned)((done + PAGE_SIZE - 1) >> PAGE_SHIFT);

		klog_once(0, "9p: a file was truncated by somebody else while it was in use");
		if (!there)
			return -EIO;
		n = MIN(n, there);
		want = (u64)n << PAGE_SHIFT;
	}
	while (done < want) {
		u64 in = done & (PAGE_SIZE - 1);

		memset((char *)paddr_to_ptr(frames[done >> PAGE_SHIFT]) + in, 0, PAGE_SIZE - in);
		done += PAGE_SIZE - in;
	}
	return (int)n;
}

static const struct pagecache_ops page_ops = {
	.read = p9_read_pages,
	.write = p9_write_pages,
	.window = p9_open_window,
	.arena = true,
	.readahead = 32,
};

static int p9_need_pc(struct inode *i)
{
	struct p9_pages *p;

	if (atomic_load(&i->pc))
		return 0;
	p = kzalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	mutex_lock(&i->mutex); /* the size is one and the same until both have it */
	if (!i->pc) {
		pagecache_init(&p->pc, &page_ops, i, i->size);
		p->srv_size = i->size;
		atomic_store(&i->pc, &p->pc);
		p = NULL;
	}
	mutex_unlock(&i->mutex);
	kfree(p);
	return 0;
}

static int p9_file_fsync(struct file *f, u64 off, u64 len, bool datasync)
{
	struct inode *i = f->inode;
	enum p9_fid_kind kind;
	int err, late;
	u32 fid;

	err = pagecache_sync(i->pc, 0, ~0ULL);
	if (err || p9_s(i)->readonly)
		return err;
	err = p9_fid_any(p9_i(i), &kind, &fid);
	if (err)
		return err;
	if (kind != P9_FID_WALK)
		err = p9_fsync(p9_s(i)->c, fid, datasync);
	p9_fid_put(p9_i(i), kind);
	late = p9_settle(p9_s(i)->c);
	return err ? err : late;
}

static int p9_file_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	u32 fid;
	int err;

	mutex_lock(&i->mutex);
	err = pagecache_sync(i->pc, 0, ~0ULL);
	if (!err)
		err = p9_fid_get(p9_i(i), P9_FID_WRITE, &fid);
	if (!err) {
		err = p9_allocate(p9_s(i)->c, fid, (u32)mode, off, len);
		if (!err)
			p9_keep_setid(i, fid);
		p9_fid_put(p9_i(i), P9_FID_WRITE);
	}
	if (!err && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		pagecache_punch(i->pc, off, len);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && off + len > i->size) {
		pagecache_truncate(i->pc, off + len);
		i->size = off + len;
		p9_grown(i, off + len);
	}
	p9_changed(p9_i(i));
	mutex_unlock(&i->mutex);
	return err;
}

static void p9_file_release(struct file *f)
{
	if (f->priv)
		p9_fid_put(p9_i(f->inode), (enum p9_fid_kind)((uintptr_t)f->priv - 1));
}

static const struct file_ops p9_file_fops = {
	.read = pagefile_read,
	.write = pagefile_write,
	.seek = generic_seek,
	.mmap = pagefile_mmap,
	.fsync = p9_file_fsync,
	.fallocate = p9_file_fallocate,
	.release = p9_file_release,
};
const struct inode_ops p9_file_ops = {
	.getattr = p9_op_getattr,
	.setattr = p9_op_setattr,
	.getxattr = p9_op_getxattr,
	.setxattr = p9_op_setxattr,
	.listxattr = p9_op_listxattr,
	.open = p9_op_open,
	.need_pc = p9_need_pc,
	.write_part = p9_op_write_part,
	.write_end = p9_op_write_end,
	.evict = p9_op_evict,
	.fops = &p9_file_fops,
};
