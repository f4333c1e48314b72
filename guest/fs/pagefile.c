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

s64 pagefile_write(struct file *f, struct iov *from, u64 *pos)
{
	struct inode *i = f->inode;
	s64 done = 0, r;
	u64 room, start;
	int err = 0;

	mutex_lock(&i->mutex);
	r = write_prepare(f, from, pos);
	if (r <= 0)
		goto out;
	room = (u64)r;
	if (i->ops->write_begin)
		err = i->ops->write_begin(i, *pos, &room);
	r = err;
	if (err)
		goto out;
	start = *pos;
	while ((u64)done < room) {
		u64 a;
		size_t n = iov_piece(from, &a, room - (u64)done);

		if (!n)
			break;
		if (from->user)
			r = pagecache_write_user(i->pc, *pos, a, n);
		else
			r = pagecache_write(i->pc, *pos, (void *)(uintptr_t)a, n);
		if (r <= 0)
			break;
		iov_advance(from, (size_t)r);
		*pos += (u64)r;
		done += r;
		if (r < (s64)n)
			break;
	}
	if (i->pc->size != i->size)
		i->size = i->pc->size;
	if (i->ops->write_end) {
		err = i->ops->write_end(i, start, (u64)done);
		if (err && done) {
			r = err;
			done = 0;
		}
	}
	if (done && !err && (f->flags & (O_DSYNC | O_SYNC)) && f->ops->fsync)
		err = f->ops->fsync(f, start, (u64)done, !(f->flags & (O_SYNC & ~O_DSYNC)));
out:
	mutex_unlock(&i->mutex);
	return done ? done : r;
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
