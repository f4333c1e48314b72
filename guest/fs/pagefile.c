/*
 * pagefile.c - reading, writing and mapping of regular files whose bytes are in a page cache.
 *
 * Writers hold inode->mutex for the whole call, user copies included: the fault path takes only mm's and the page
 * cache's locks. Readers hold nothing. Cost of a cached 4 KiB read: the page cache's mutex and one frame reference.
 */
#include <linux/capability.h>

#include "fs/mount/mount.h"
#include "mm/pagecache.h"
#include "task/task.h"

#define SIGXFSZ	 25
#define ONE_CALL 0x7ffff000UL /* most bytes that one call moves */

void file_accessed(struct file *f)
{
	struct inode *i = f->inode;
	struct setattr a = { .valid = ATTR_ATIME };
	u32 mf;

	if (!f->path || (f->flags & O_NOATIME) || (i->flags & INODE_NOATIME))
		return;
	mf = f->path->mnt->flags;
	if ((mf & MNT_NOATIME) || mount_may_write(f->path->mnt) ||
	    ((mf & MNT_NODIRATIME) && S_ISDIR(i->mode)))
		return;
	a.atime = fs_now();
	if (!(mf & MNT_STRICTATIME)) { /* relatime */
		u64 at = i->atime;

		if (at > i->mtime && at > i->ctime &&
		    a.atime.sec - fs_time_unpack(at).sec < 24 * 3600)
			return;
	}
	inode_setattr(i, &a);
	if (i->ops->update_atime)
		i->ops->update_atime(i);
}

s64 pagefile_read(struct file *f, struct iov *to, u64 *pos)
{
	struct pagecache *pc = f->inode->pc;
	s64 done = 0;

	while (to->left && done < (s64)ONE_CALL) {
		u64 a;
		size_t n = iov_piece(to, &a, ONE_CALL - (size_t)done);
		s64 r;

		if (!n)
			break;
		if (to->user)
			r = pagecache_read_user(pc, *pos, a, n);
		else
			r = pagecache_read(pc, *pos, (void *)(uintptr_t)a, n);
		if (r < 0)
			return done ? done : r;
		iov_advance(to, (size_t)r);
		*pos += (u64)r;
		done += r;
		if (r < (s64)n)
			break;
	}
	file_accessed(f);
	return done;
}

/* A write takes set-user-ID and set-group-ID away. inode locked. */
static int strip_setid(struct inode *i)
{
	struct setattr a = { .valid = ATTR_MODE };

	if (!(i->mode & (S_ISUID | S_ISGID)) || !S_ISREG(i->mode) || capable_wrt(i, CAP_FSETID))
		return 0;
	a.mode = i->mode & ~S_ISUID;
	if (a.mode & S_IXGRP)
		a.mode &= ~S_ISGID;
	if (a.mode == i->mode)
		return 0;
	a.mode &= 07777;
	return i->ops->setattr ? i->ops->setattr(i, &a) : 0;
}

/* Limits, O_APPEND, set-id bits, times: before the data of a write moves. Bytes allowed or -errno. inode locked. */
static s64 write_prepare(struct file *f, struct iov *from, u64 *pos)
{
	struct inode *i = f->inode;
	u64 n = MIN(from->left, ONE_CALL), limit;
	int err;

	if (!n)
		return 0;
	if ((f->flags & O_APPEND) || from->append)
		*pos = i->size;
	limit = task_rlimit(RLIMIT_FSIZE);
	if (limit != ~0ULL) {
		if (*pos >= limit) {
			signal_task(task_current(), SIGXFSZ, NULL);
			return -EFBIG;
		}
		n = MIN(n, limit - *pos);
	}
	if (*pos >= i->sb->max_bytes)
		return -EFBIG;
	n = MIN(n, i->sb->max_bytes - *pos);
	err = strip_setid(i);
	if (err)
		return err;
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	return (s64)n;
}

/* [start, end) into the page cache: bytes, or -errno if there are none. inode locked. */
static s64 fill_pages(struct inode *i, struct iov *from, u64 start, u64 end)
{
	u64 at = start, part = start;
	s64 r = 0;

	while (at < end) {
		u64 a;
		size_t n;

		if (at == part)
			part = i->ops->write_part ? i->ops->write_part(i, start, at, end) : end;
		n = iov_piece(from, &a, part - at);
		if (!n)
			break;
		if (from->user)
			r = pagecache_write_user(i->pc, at, a, n);
		else
			r = pagecache_write(i->pc, at, (void *)(uintptr_t)a, n);
		if (r <= 0)
			break;
		iov_advance(from, (size_t)r);
		at += (u64)r;
		if (r < (s64)n)
			break;
	}
	return at > start ? (s64)(at - start) : r;
}

s64 pagefile_write(struct file *f, struct iov *from, u64 *pos)
{
	struct inode *i = f->inode;
	u64 room, start;
	s64 done;
	int err = 0;

	mutex_lock(&i->mutex);
	done = write_prepare(f, from, pos);
	if (done <= 0)
		goto out;
	room = (u64)done;
	start = *pos;
	if (i->ops->write_begin)
		err = i->ops->write_begin(i, start, &room);
	done = err ? err : fill_pages(i, from, start, start + room);
	if (err)
		goto out;
	i->size = i->pc->size;
	if (i->ops->write_end) {
		s64 r = i->ops->write_end(i, start, (u64)MAX(done, (s64)0));

		done = done > 0 ? r : done;
		i->size = i->pc->size;
	}
	if (done <= 0)
		goto out;
	*pos = start + (u64)done;
	if ((f->flags & (O_DSYNC | O_SYNC)) && f->ops->fsync)
		err = f->ops->fsync(f, start, (u64)done, !(f->flags & (O_SYNC & ~O_DSYNC)));
	done = err ? err : done;
out:
	mutex_unlock(&i->mutex);
	return done;
}

int pagefile_mmap(struct file *f, struct mmap_request *req)
{
	req->pc = inode_pc(f->inode);
	if (!req->pc)
		return -ENODEV;
	if (req->pc->ops->window && !READ_ONCE(req->pc->dax))
		req->pc->ops->window(req->pc);
	return 0;
}

s64 pagefile_seek(struct file *f, s64 off, int whence)
{
	s64 r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_seek(f, off, whence);
	if (off < 0 || (u64)off >= f->inode->size)
		return -ENXIO;
	r = pagecache_seek(f->inode->pc, (u64)off, whence == SEEK_DATA);
	if (r >= 0)
		f->pos = (u64)r;
	return r;
}
