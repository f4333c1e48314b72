/*
 * fs_splice.c - sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2).
 *
 * Data goes through a kernel buffer; pages are not moved. What was taken from a source that cannot be read again is
 * never more than the sink took: pipes are peeked first, other streams are read only as far as the pipe has room.
 */
#include "fs/mount/mount.h"
#include "fs/anon/pipe.h"
#include "sys/fs_sys.h"

#define BOUNCE	 65536UL
#define MOVE_MAX 0x7ffff000UL
#define ROOM	 4096UL /* free in a pipe that polls writable */

#define SPLICE_F_MOVE	  1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE	  4
#define SPLICE_F_GIFT	  8
#define SPLICE_F_ALL	  15

#define IN  1u
#define OUT 4u

static s64 transfer(s64 (*rw)(struct file *f, struct iov *v, u64 *pos), struct file *f, void *buf,
		    size_t n, u64 *pos, bool nonblock)
{
	struct iov_seg one;
	struct iov v;

	iov_kernel(&v, &one, buf, n);
	v.nonblock = nonblock;
	return rw(f, &v, pos);
}

static s64 kread(struct file *f, void *buf, size_t n, u64 *pos, bool nonblock)
{
	return transfer(file_read, f, buf, n, pos, nonblock);
}

static s64 kwrite(struct file *f, void *buf, size_t n, u64 *pos, bool nonblock)
{
	return transfer(file_write, f, buf, n, pos, nonblock);
}

/* From a file with positions to anything. *pos moves by what was written. */
static s64 pump(struct file *in, u64 *pos, struct file *out, u64 *out_pos, size_t len,
		bool nonblock)
{
	void *buf = kmalloc(BOUNCE);
	s64 done = 0, r = -ENOMEM, w;

	while (buf && (size_t)done < len) {
		u64 at = *pos;

		r = kread(in, buf, MIN(len - (size_t)done, BOUNCE), &at, false);
		if (r <= 0)
			break;
		w = kwrite(out, buf, (size_t)r, out_pos, nonblock);
		if (w > 0) {
			*pos += (u64)w;
			done += w;
		}
		if (w != r) {
			r = w;
			break;
		}
		if (signal_pending(task_current()))
			break;
	}
	kfree(buf);
	return done ? done : r;
}

/* Two files with a reference each. 0, or -EBADF and none. */
static int get_both(fd_a in, fd_a out, struct file **fi, struct file **fo)
{
	*fi = fd_get(in);
	if (IS_ERR(*fi))
		return -EBADF;
	*fo = fd_get(out);
	if (!IS_ERR(*fo))
		return 0;
	file_put(*fi);
	return -EBADF;
}

static void put_both(struct file *fi, struct file *fo)
{
	file_put(fi);
	file_put(fo);
}

static int get_off(uaddr_t addr, u64 *off)
{
	if (user_read(off, addr, sizeof(*off)))
		return -EFAULT;
	return (s64)*off < 0 ? -EINVAL : 0;
}

s64 sys_sendfile(fd_a out, fd_a in, uptr_a offset, size_a count)
{
	struct file *fi, *fo;
	u64 pos = 0;
	s64 r = 0;

	if (offset && get_off(offset, &pos))
		return user_read(&pos, offset, 8) ? -EFAULT : -EINVAL;
	if (get_both(in, out, &fi, &fo))
		return -EBADF;
	if (!(fi->mode & FMODE_READ) || !(fo->mode & FMODE_WRITE))
		r = -EBADF;
	else if (offset && (fi->mode & FMODE_STREAM))
		r = -ESPIPE;
	else if (fi->mode & FMODE_STREAM || !fi->ops->read || (fo->flags & O_APPEND) ||
		 (fi->inode && S_ISDIR(fi->inode->mode)))
		r = -EINVAL;
	if (!r) {
		if (!offset)
			pos = fi->pos;
		r = pump(fi, &pos, fo, NULL, MIN(count, MOVE_MAX), false);
		if (!offset)
			fi->pos = pos;
		else if (user_write(offset, &pos, sizeof(pos)))
			r = -EFAULT;
	}
	put_both(fi, fo);
	return r;
}

/* From a pipe: look, give, then take what was taken. */
static s64 from_pipe(struct file *in, struct file *out, u64 *out_pos, size_t len, bool nonblock)
{
	struct pipe *p = pipe_of(in);
	void *buf = kmalloc(BOUNCE);
	s64 done = 0, r = -ENOMEM;
	size_t n;

	while (buf && (size_t)done < len) {
		n = pipe_peek(p, buf, MIN(len - (size_t)done, BOUNCE));
		if (!n) {
			r = kread(in, buf, 1, NULL, true) == 0 ? 0
							       : -EAGAIN; /* no writer: the end */
			if (r == 0 || done || nonblock)
				break;
			r = file_wait(in, IN);
			if (r)
				break;
			continue;
		}
		r = kwrite(out, buf, n, out_pos, nonblock || done);
		if (r <= 0)
			break;
		kread(in, buf, (size_t)r, NULL, true);
		done += r;
		if ((size_t)r < n)
			break;
	}
	kfree(buf);
	return done ? done : r;
}

static s64 to_pipe(struct file *in, u64 *in_pos, struct file *out, size_t len, bool nonblock)
{
	bool stream = in->mode & FMODE_STREAM;
	void *buf;
	s64 r = 0;

	if (!nonblock && !(out->flags & O_NONBLOCK)) {
		r = file_wait(out, OUT);
		if (r)
			return r;
	}
	if (!stream) {
		u64 *pos = in_pos ? in_pos : &in->pos;

		return pump(in, pos, out, NULL, len, true);
	}
	if (!(file_poll(out, NULL) & OUT))
		return -EAGAIN;
	buf = kmalloc(ROOM);
	if (!buf)
		return -ENOMEM;
	r = kread(in, buf, MIN(len, ROOM), NULL, nonblock);
	if (r > 0)
		r = kwrite(out, buf, (size_t)r, NULL, false);
	kfree(buf);
	return r;
}

s64 splice_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t len,
		 u32 flags)
{
	struct pipe *pi = pipe_of(in), *po = pipe_of(out);
	bool nonblock = flags & SPLICE_F_NONBLOCK;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if ((pi && in_pos) || (po && out_pos))
		return -ESPIPE;
	if (!pi && !po)
		return -EINVAL;
	if (pi && pi == po)
		return -EINVAL;
	if ((in_pos && (in->mode & FMODE_STREAM)) || (out_pos && (out->mode & FMODE_STREAM)))
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	if (!in->ops->read || !out->ops->write)
		return -EINVAL;
	if (pi)
		return from_pipe(in, out, out_pos, len, nonblock || (in->flags & O_NONBLOCK));
	return to_pipe(in, in_pos, out, len, nonblock);
}

s64 sys_splice(fd_a in, uptr_a off_in, fd_a out, uptr_a off_out, size_a len, flags_a flags)
{
	u64 pi = 0, po = 0;
	struct file *fi, *fo;
	s64 r = 0;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	if (get_both(in, out, &fi, &fo))
		return -EBADF;
	if ((off_in && pipe_of(fi)) || (off_out && pipe_of(fo)))
		r = -ESPIPE;
	if (!r && off_in)
		r = get_off(off_in, &pi);
	if (!r && off_out)
		r = get_off(off_out, &po);
	if (!r)
		r = splice_files(fi, off_in ? &pi : NULL, fo, off_out ? &po : NULL,
				 MIN(len, MOVE_MAX), flags);
	if (r > 0 && ((off_in && user_write(off_in, &pi, sizeof(pi))) ||
		      (off_out && user_write(off_out, &po, sizeof(po)))))
		r = -EFAULT;
	put_both(fi, fo);
	return r;
}

s64 tee_files(struct file *in, struct file *out, size_t len, u32 flags)
{
	struct pipe *pi = pipe_of(in), *po = pipe_of(out);
	bool nonblock = flags & SPLICE_F_NONBLOCK;
	void *buf;
	size_t n;
	s64 r;

	if (!pi || !po || pi == po)
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!nonblock) {
		r = file_wait(in, IN);
		if (!r)
			r = file_wait(out, OUT);
		if (r)
			return r;
	}
	buf = kmalloc(BOUNCE);
	if (!buf)
		return -ENOMEM;
	n = pipe_peek(pi, buf, MIN(len, BOUNCE));
	if (n)
		r = kwrite(out, buf, n, NULL, true);
	else
		r = file_poll(in, NULL) & 0x10 /* POLLHUP */ ? 0 : -EAGAIN;
	kfree(buf);
	return r;
}

s64 sys_tee(fd_a in, fd_a out, size_a len, flags_a flags)
{
	struct file *fi, *fo;
	s64 r;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	if (get_both(in, out, &fi, &fo))
		return -EBADF;
	r = tee_files(fi, fo, len, flags);
	put_both(fi, fo);
	return r;
}

s64 sys_vmsplice(fd_a fd, uptr_a iov, ulong_a nr, flags_a flags)
{
	struct iov_seg small[8];
	struct file *f;
	struct iov v;
	s64 r;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	r = pipe_of(f) ? iov_import(&v, small, iov, nr) : -EBADF;
	if (!r) {
		v.nonblock = flags & SPLICE_F_NONBLOCK;
		r = f->mode & FMODE_WRITE ? file_write(f, &v, NULL) : file_read(f, &v, NULL);
		if (v.seg != small)
			kfree(v.seg);
	}
	file_put(f);
	return r;
}

static s64 copy_range(struct file *in, u64 *pi, struct file *out, u64 *po, u64 len)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	if (in->path && out->path && in->inode->sb != out->inode->sb)
		return -EXDEV;
	if (*pi + len < *pi || *po + len < *po)
		return -EOVERFLOW;
	if (*pi >= in->inode->size)
		return 0;
	len = MIN(MIN(len, MOVE_MAX), in->inode->size - *pi);
	if (in->inode == out->inode && *po + len > *pi && *po < *pi + len)
		return -EINVAL;
	return pump(in, pi, out, po, len, false);
}

s64 sys_copy_file_range(fd_a in, uptr_a off_in, fd_a out, uptr_a off_out, size_a len, flags_a flags)
{
	struct file *fi, *fo;
	u64 pi, po;
	s64 r = 0;

	if (get_both(in, out, &fi, &fo))
		return -EBADF;
	pi = fi->pos;
	po = fo->pos;
	if (off_in)
		r = user_read(&pi, off_in, sizeof(pi)) ? -EFAULT : 0;
	if (!r && off_out)
		r = user_read(&po, off_out, sizeof(po)) ? -EFAULT : 0;
	if (!r && (flags || (s64)pi < 0 || (s64)po < 0))
		r = -EINVAL;
	if (!r && (!fi->inode || !fo->inode))
		r = -EINVAL;
	if (!r)
		r = copy_range(fi, &pi, fo, &po, len);
	if (r > 0) {
		if (!off_in)
			fi->pos = pi;
		else if (user_write(off_in, &pi, sizeof(pi)))
			r = -EFAULT;
		if (!off_out)
			fo->pos = po;
		else if (user_write(off_out, &po, sizeof(po)))
			r = -EFAULT;
	}
	put_both(fi, fo);
	return r;
}
