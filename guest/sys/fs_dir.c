/*
 * fs_dir.c - getdents64(2), getdents(2), and the calls that make, remove and rename names.
 *
 * Entries are collected in a kernel buffer with the directory locked and copied out afterwards.
 */
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/notify.h"
#include "sys/fs_sys.h"

#define DENTS_MAX 32768

struct dents {
	struct dir_context ctx;
	u8 *buf;
	size_t len, cap;
	size_t last; /* offset of the last entry */
	bool any, old, too_small;
};

/* struct linux_dirent64: ino, off, reclen, type, name. struct linux_dirent: ino, off, reclen, name, NUL, type at the end. */
static bool emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
		 unsigned type)
{
	struct dents *d = container_of(ctx, struct dents, ctx);
	size_t head = d->old ? 18 : 19;
	u16 rec = (u16)ALIGN_UP(head + len + (d->old ? 2 : 1), (size_t)8);
	u8 *p = d->buf + d->len;

	if (d->len + rec > d->cap) {
		d->too_small = !d->any;
		return false;
	}
	memset(p, 0, rec);
	memcpy(p, &ino, 8);
	memcpy(p + 8, &next, 8);
	memcpy(p + 16, &rec, 2);
	memcpy(p + head, name, len);
	if (d->old)
		p[rec - 1] = (u8)type;
	else
		p[18] = (u8)type;
	d->last = d->len;
	d->len += rec;
	d->any = true;
	return true;
}

static s64 read_entries(struct file *f, struct dents *d)
{
	struct inode *dir = f->inode;
	int err;

	mutex_lock(&f->pos_lock);
	mutex_lock(&dir->mutex);
	d->ctx.pos = f->pos;
	err = dir->flags & INODE_DEAD ? -ENOENT : f->ops->readdir(f, &d->ctx);
	f->pos = d->ctx.pos;
	mutex_unlock(&dir->mutex);
	mutex_unlock(&f->pos_lock);
	file_accessed(f);
	if (err >= 0)
		notify_file(f, IN_ACCESS);
	if (d->len)
		return (s64)d->len;
	return err ? err : d->too_small ? -EINVAL : 0;
}

static s64 getdents(fd_a fd, uaddr_t out, u32 count, bool old)
{
	struct dents d = { .ctx.emit = emit, .cap = MIN(count, (u32)DENTS_MAX), .old = old };
	struct file *f = fd_get(fd);
	s64 r;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!f->inode || !S_ISDIR(f->inode->mode) || !f->ops || !f->ops->readdir) {
		r = -ENOTDIR;
	} else if (!(d.buf = kmalloc(d.cap + 1))) {
		r = -ENOMEM;
	} else {
		u64 before = f->pos;

		r = read_entries(f, &d);
		if (r > 0 && user_write(out, d.buf, (size_t)r)) {
			f->pos = before;
			r = -EFAULT;
		}
		kfree(d.buf);
	}
	file_put(f);
	return r;
}

s64 sys_getdents64(fd_a fd, ubuf_a dirent, uint_a count)
{
	return getdents(fd, dirent, count, false);
}

s64 sys_getdents(fd_a fd, ubuf_a dirent, uint_a count)
{
	return getdents(fd, dirent, count, true);
}

s64 sys_mkdirat(fd_a dfd, path_a path, mode_a mode)
{
	s64 r;
	USER_NAME(name, path);

	r = vfs_mkdir(dfd, name, mode & 01777);
	name_free(name);
	return r;
}

s64 sys_mkdir(path_a path, mode_a mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

s64 sys_mknodat(fd_a dfd, path_a path, mode_a mode, ulong_a dev)
{
	s64 r;
	USER_NAME(name, path);

	r = vfs_mknod(dfd, name, mode & (S_IFMT | 07777), dev_decode((u32)dev));
	name_free(name);
	return r;
}

s64 sys_mknod(path_a path, mode_a mode, ulong_a dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

s64 sys_unlinkat(fd_a dfd, path_a path, flags_a flags)
{
	s64 r;

	if (flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	USER_NAME(name, path);
	r = flags & AT_REMOVEDIR ? vfs_rmdir(dfd, name) : vfs_unlink(dfd, name);
	name_free(name);
	return r;
}

s64 sys_unlink(path_a path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

s64 sys_rmdir(path_a path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

s64 sys_symlinkat(path_a target, fd_a dfd, path_a path)
{
	s64 r;
	USER_NAME(to, target);
	char *name = name_from_user(path, false);

	r = IS_ERR(name) ? PTR_ERR(name) : vfs_symlink(to, dfd, name);
	name_free(name);
	name_free(to);
	return r;
}

s64 sys_symlink(path_a target, path_a path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

s64 sys_linkat(fd_a olddfd, path_a old, fd_a newdfd, path_a new, flags_a flags)
{
	char *from, *to;
	s64 r;

	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	from = name_from_user(old, flags & AT_EMPTY_PATH);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = name_from_user(new, false);
	r = IS_ERR(to) ? PTR_ERR(to) : vfs_link(olddfd, from, newdfd, to, (int)flags);
	name_free(to);
	name_free(from);
	return r;
}

s64 sys_link(path_a old, path_a new)
{
	return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

s64 sys_renameat2(fd_a olddfd, path_a old, fd_a newdfd, path_a new, flags_a flags)
{
	char *to;
	s64 r;
	USER_NAME(from, old);

	to = name_from_user(new, false);
	r = IS_ERR(to) ? PTR_ERR(to) : vfs_rename(olddfd, from, newdfd, to, flags);
	name_free(to);
	name_free(from);
	return r;
}

s64 sys_renameat(fd_a olddfd, path_a old, fd_a newdfd, path_a new)
{
	return sys_renameat2(olddfd, old, newdfd, new, 0);
}

s64 sys_rename(path_a old, path_a new)
{
	return sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

s64 sys_readlinkat(fd_a dfd, path_a path, ubuf_a buf, int_a size)
{
	struct path_ref p;
	char *to;
	s64 r;

	if (size <= 0)
		return -EINVAL;
	r = path_lookup_user(dfd, path, LOOKUP_EMPTY, &p);
	if (r)
		return r;
	to = kmalloc(PATH_MAX);
	if (!to) {
		r = -ENOMEM;
	} else if (!S_ISLNK(path_inode(&p)->mode)) {
		u8 first;

		/* readlinkat(fd, "") of something else is -ENOENT, as if the empty name were looked up. */
		r = !user_read(&first, path, 1) && !first ? -ENOENT : -EINVAL;
	} else {
		r = vfs_readlink(&p, to, PATH_MAX);
		if (r > 0) {
			r = MIN(r, (s64)size);
			if (user_write(buf, to, (size_t)r))
				r = -EFAULT;
		}
	}
	kfree(to);
	path_put(&p);
	return r;
}

s64 sys_readlink(path_a path, ubuf_a buf, int_a size)
{
	char c;

	if (size > 0 && !user_read(&c, path, 1) && !c)
		return -ENOENT;
	return sys_readlinkat(AT_FDCWD, path, buf, size);
}
