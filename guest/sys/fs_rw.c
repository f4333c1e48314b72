/*
 * fs_rw.c - read(2), write(2) and their vector and positional forms, lseek(2), fsync(2) and kin.
 *
 * Handlers look the file up, build an iov over user memory and call file_read or file_write, where waiting is done.
 */
#include <linux/fs.h>

#include "fs/notify.h"
#include "fs/p9/clients.h"
#include "mm/pagecache.h"
#include "sys/fs_sys.h"

#define IOV_MAX	  1024
#define IOV_STACK 8
#define RW_MAX	  0x7ffff000UL

/* pos: NULL for the file's own. Takes over f's reference. */
static s64 rw(struct file *f, struct iov *v, u64 *pos, bool write)
{
	s64 r;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (pos && (f->mode & FMODE_STREAM))
		r = -ESPIPE;
	else
		r = write ? file_write(f, v, pos) : file_read(f, v, pos);
	file_put(f);
	return r;
}

/* A buffer that leaves user space is refused as a whole, before any byte moves, but after the descriptor's checks. */
static s64 rw_buf(fd_a fd, uaddr_t buf, u64 count, u64 *pos, bool write)
{
	struct file *f = fd_get(fd);
	struct iov_seg one;
	struct iov v;

	if (!IS_ERR(f) && (count > USER_END || buf > USER_END - count)) {
		s64 r = f->mode & (write ? FMODE_WRITE : FMODE_READ) ? -EFAULT : -EBADF;

		file_put(f);
		return r;
	}
	iov_user(&v, &one, buf, MIN(count, RW_MAX));
	return rw(f, &v, pos, write);
}

s64 sys_read(fd_a fd, ubuf_a buf, size_a count)
{
	return rw_buf(fd, buf, count, NULL, false);
}

s64 sys_write(fd_a fd, ubuf_a buf, size_a count)
{
	return rw_buf(fd, buf, count, NULL, true);
}

s64 sys_pread64(fd_a fd, ubuf_a buf, size_a count, off_a pos)
{
	u64 p = (u64)pos;

	return pos < 0 ? -EINVAL : rw_buf(fd, buf, count, &p, false);
}

s64 sys_pwrite64(fd_a fd, ubuf_a buf, size_a count, off_a pos)
{
	u64 p = (u64)pos;

	return pos < 0 ? -EINVAL : rw_buf(fd, buf, count, &p, true);
}

/* Copy in a vector: v->seg is `small` or from the heap (freed by the caller if it differs). */
int iov_import(struct iov *v, struct iov_seg *small, uaddr_t vec, u64 n)
{
	struct iov_seg *seg = small;
	u64 left = RW_MAX;

	if (n > IOV_MAX)
		return -EINVAL;
	if (n > IOV_STACK)
		seg = kmalloc(n * sizeof(*seg));
	if (!seg)
		return -ENOMEM;
	*v = (struct iov){ .seg = seg, .n = (unsigned)n, .user = true };
	if (user_read(seg, vec, n * sizeof(*seg))) {
		if (seg != small)
			kfree(seg);
		return -EFAULT;
	}
	for (u64 k = 0; k < n; k++) {
		if ((s64)seg[k].len < 0) {
			if (seg != small)
				kfree(seg);
			return -EINVAL;
		}
		if (seg[k].len > USER_END || seg[k].base > USER_END - seg[k].len) {
			if (seg != small)
				kfree(seg);
			return -EFAULT;
		}
		seg[k].len = MIN(seg[k].len, left);
		left -= seg[k].len;
		v->left += seg[k].len;
	}
	return 0;
}

static s64 rwv(fd_a fd, uptr_a vec, u64 n, u64 *pos, u32 flags, bool write)
{
	struct iov_seg small[IOV_STACK];
	struct file *f;
	struct iov v;
	s64 r;

	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = iov_import(&v, small, vec, n);
	if (r) {
		file_put(f);
		return r;
	}
	if (flags & ~(u32)RWF_KNOWN) {
		r = -EOPNOTSUPP;
		file_put(f);
	} else {
		v.nonblock = flags & RWF_NOWAIT;
		v.append = flags & RWF_APPEND;
		file_get(f);
		r = rw(f, &v, pos, write);
		if (r > 0 && write && (flags & (RWF_DSYNC | RWF_SYNC)) && f->ops->fsync) {
			int err = f->ops->fsync(f, 0, ~0ULL, !(flags & RWF_SYNC));

			r = err ? err : r;
		}
		file_put(f);
	}
	if (v.seg != small)
		kfree(v.seg);
	return r;
}

s64 sys_readv(fd_a fd, uptr_a iov, ulong_a iovcnt)
{
	return rwv(fd, iov, iovcnt, NULL, 0, false);
}

s64 sys_writev(fd_a fd, uptr_a iov, ulong_a iovcnt)
{
	return rwv(fd, iov, iovcnt, NULL, 0, true);
}

static s64 prwv(fd_a fd, uptr_a vec, u64 n, u64 pos, u32 flags, bool write)
{
	if ((s64)pos < 0)
		return -EINVAL;
	return rwv(fd, vec, n, &pos, flags, write);
}

s64 sys_preadv(fd_a fd, uptr_a iov, ulong_a iovcnt, ulong_a pos_l, ulong_a pos_h)
{
	return prwv(fd, iov, iovcnt, pos_l, 0, false);
}

s64 sys_pwritev(fd_a fd, uptr_a iov, ulong_a iovcnt, ulong_a pos_l, ulong_a pos_h)
{
	return prwv(fd, iov, iovcnt, pos_l, 0, true);
}

s64 sys_preadv2(fd_a fd, uptr_a iov, ulong_a iovcnt, ulong_a pos_l, ulong_a pos_h, flags_a flags)
{
	if (pos_l == ~0ULL)
		return rwv(fd, iov, iovcnt, NULL, flags, false);
	return prwv(fd, iov, iovcnt, pos_l, flags, false);
}

s64 sys_pwritev2(fd_a fd, uptr_a iov, ulong_a iovcnt, ulong_a pos_l, ulong_a pos_h, flags_a flags)
{
	if (pos_l == ~0ULL)
		return rwv(fd, iov, iovcnt, NULL, flags, true);
	return prwv(fd, iov, iovcnt, pos_l, flags, true);
}

s64 sys_lseek(fd_a fd, off_a offset, int_a whence)
{
	struct file *f = fd_get(fd);
	s64 r = -ESPIPE;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if ((unsigned)whence > SEEK_HOLE) {
		r = -EINVAL;
	} else if (f->ops && f->ops->seek) {
		mutex_lock(&f->pos_lock);
		r = f->ops->seek(f, offset, whence);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return r;
}

static s64 sync_file(fd_a fd, u64 off, u64 len, bool datasync)
{
	struct file *f = fd_get(fd);
	s64 r = -EINVAL;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->ops && f->ops->fsync)
		r = f->ops->fsync(f, off, len, datasync);
	file_put(f);
	return r;
}

s64 sys_fsync(fd_a fd)
{
	return sync_file(fd, 0, ~0ULL, false);
}

s64 sys_fdatasync(fd_a fd)
{
	return sync_file(fd, 0, ~0ULL, true);
}

s64 sys_sync_file_range(fd_a fd, off_a offset, off_a nbytes, flags_a flags)
{
	struct file *f;
	bool file;

	if (offset < 0 || nbytes < 0 || (s64)((u64)offset + (u64)nbytes) < 0 || (flags & ~7u))
		return -EINVAL;
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	file = f->inode &&
	       (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode) || S_ISBLK(f->inode->mode));
	file_put(f);
	if (!file)
		return -ESPIPE;
	return sync_file(fd, (u64)offset, nbytes ? (u64)nbytes : ~0ULL, true);
}

/* write(2) goes through to the server, and tmpfs has nothing behind it: left are shared mappings, and what nobody waited for. */
s64 sys_sync(void)
{
	pagecache_sync_all();
	p9_settle_all();
	return 0;
}

s64 sys_syncfs(fd_a fd)
{
	struct file *f = fd_get(fd);
	s64 r = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->inode && f->inode->sb && f->inode->sb->ops && f->inode->sb->ops->sync)
		r = f->inode->sb->ops->sync(f->inode->sb);
	file_put(f);
	return r;
}

s64 file_allocate(struct file *f, int mode, s64 offset, s64 len)
{
	u32 type = f->inode ? f->inode->mode & S_IFMT : 0;
	s64 r;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
		     FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (f->inode &&
	    (f->inode->flags &
	     (mode & ~FALLOC_FL_KEEP_SIZE ? INODE_IMMUTABLE | INODE_APPEND : INODE_IMMUTABLE)))
		return -EPERM;
	if (type == S_IFIFO)
		return -ESPIPE;
	if (type == S_IFDIR)
		return -EISDIR;
	if (type != S_IFREG)
		return -ENODEV;
	if ((u64)offset + (u64)len > f->inode->sb->max_bytes)
		return -EFBIG;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	r = mode & FALLOC_FL_KEEP_SIZE ? 0 : inode_may_grow(f->inode, (u64)offset + (u64)len);
	if (r)
		return r;
	r = f->ops->fallocate(f, mode, (u64)offset, (u64)len);
	if (!r)
		notify_file(f, IN_MODIFY);
	return r;
}

s64 sys_fallocate(fd_a fd, int_a mode, off_a offset, off_a len)
{
	struct file *f = fd_get(fd);
	s64 r;

	if (IS_ERR(f))
		return PTR_ERR(f);
	r = file_allocate(f, mode, offset, len);
	file_put(f);
	return r;
}

s64 file_advise(struct file *f, s64 offset, u64 len, int advice)
{
	if (f->inode && S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if ((s64)len < 0 || (unsigned)advice > 5)
		return -EINVAL;
	if (advice == 4 && f->inode && inode_pc(f->inode)) /* POSIX_FADV_DONTNEED */
		pagecache_invalidate(f->inode->pc, (u64)offset, len ? len : ~0ULL - (u64)offset);
	return 0;
}

s64 sys_fadvise64(fd_a fd, off_a offset, size_a len, int_a advice)
{
	struct file *f = fd_get(fd);
	s64 r;

	if (IS_ERR(f))
		return PTR_ERR(f);
	r = file_advise(f, offset, len, advice);
	file_put(f);
	return r;
}

s64 sys_readahead(fd_a fd, off_a offset, size_a count)
{
	struct file *f = fd_get(fd);
	s64 r = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!(f->mode & FMODE_READ))
		r = -EBADF;
	else if (!f->inode || !inode_pc(f->inode))
		r = -EINVAL;
	file_put(f);
	return r;
}
