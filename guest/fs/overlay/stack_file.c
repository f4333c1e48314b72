/*
 * stack_file.c - regular files and attributes of an overlay with its writable layer in another file system (stack.h).
 *
 * A file is copied up when it is opened for writing. From then on its pages are those of the upper layer's inode, whose
 * length is kept equal to ours. Each open file holds one of the layer, so that an unlinked file stays reachable. As with
 * Linux's overlayfs, a mapping made before the first write keeps showing the old bytes.
 */
#include <string.h>

#include "fs/overlay/stack.h"

/* Change something about i: it is in the upper layer afterwards. 0 or -errno. */
static int raise(struct inode *i)
{
	struct stack_sb *s = stack_s(i);
	int err;

	if (__atomic_load_n(&stack_i(i)->upper, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&s->change);
	err = stack_copy_up(i);
	mutex_unlock(&s->change);
	return err;
}

static u64 pages_of(u64 size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Count what the file has or will have. */
static int charge_size(struct inode *i, u64 size)
{
	struct stack_inode *t = stack_i(i);
	int err = stack_charge(stack_s(i), (s64)(pages_of(size) - t->charged));

	if (!err)
		t->charged = pages_of(size);
	return err;
}

int stack_getattr(struct inode *i, struct stat_info *st)
{
	struct inode *real = stack_real(i);
	int err = real->ops->getattr ? real->ops->getattr(real, st) : 0;

	if (!real->ops->getattr)
		inode_getattr(real, st);
	spin_lock(&i->lock);
	st->ino = i->ino;
	st->dev = i->sb->dev;
	if (S_ISDIR(i->mode) && stack_lower_dir(i) && stack_i(i)->upper)
		st->nlink = 1;
	/* An unlinked one of the lower layer still has its name there; what was changed of it since is here alone. */
	if (!i->nlink || !stack_i(i)->upper) {
		st->nlink = i->nlink;
		st->mode = i->mode;
		st->uid = i->uid;
		st->gid = i->gid;
		st->mtime = fs_time_unpack(i->mtime);
		st->ctime = fs_time_unpack(i->ctime);
	} else {
		i->nlink = st->nlink;
		i->mtime = fs_time_pack(st->mtime);
		i->ctime = fs_time_pack(st->ctime);
	}
	if (!inode_is_device(i))
		i->blocks = st->blocks;
	if (i->atime > fs_time_pack(st->atime)) /* reading changes ours alone */
		st->atime = fs_time_unpack(i->atime);
	spin_unlock(&i->lock);
	return err;
}

int stack_setattr(struct inode *i, const struct setattr *a)
{
	struct inode *up;
	int err = raise(i);

	if (err == -ESTALE && !(a->valid & ATTR_SIZE)) {
		inode_setattr(i, a); /* for as long as somebody has it open */
		return 0;
	}
	if (!err && a->valid & ATTR_SIZE && a->size > i->size)
		err = charge_size(i, a->size);
	if (err)
		return err;
	up = stack_i(i)->upper;
	mutex_lock(&up->mutex);
	err = up->ops->setattr ? up->ops->setattr(up, a) : -EPERM;
	mutex_unlock(&up->mutex);
	if (!err)
		inode_setattr(i, a);
	if (a->valid & ATTR_SIZE)
		charge_size(i, i->size);
	return err;
}

s64 stack_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct inode *real = stack_real(i);

	return real->ops->getxattr ? real->ops->getxattr(real, name, buf, size) : -EOPNOTSUPP;
}

s64 stack_listxattr(struct inode *i, char *buf, size_t size)
{
	struct inode *real = stack_real(i);

	return real->ops->listxattr ? real->ops->listxattr(real, buf, size) : 0;
}

int stack_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	struct inode *up;
	int err = raise(i);

	if (err)
		return err;
	up = stack_i(i)->upper;
	if (!up->ops->setxattr)
		return -EOPNOTSUPP;
	mutex_lock(&up->mutex);
	err = up->ops->setxattr(up, name, v, n, flags);
	mutex_unlock(&up->mutex);
	return err;
}

static int stack_readlink(struct inode *i, char *buf, size_t size)
{
	struct inode *real = stack_real(i);

	return real->ops->readlink ? real->ops->readlink(real, buf, size) : -EIO;
}

/* ---- open files ---- */

static int stack_open(struct inode *i, struct file *f)
{
	int err = f->mode & FMODE_WRITE ? raise(i) : 0;
	struct pagecache *none = NULL;
	struct inode *real;
	struct file *rf;

	if (err)
		return err;
	real = stack_real(i);
	err = inode_need_pc(real);
	if (err)
		return err;
	/* A copy-up that comes now puts its own there. */
	__atomic_compare_exchange_n(&i->pc, &none, real->pc, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	rf = layers_open(real, f->flags & (O_ACCMODE | O_LARGEFILE));
	if (IS_ERR(rf))
		return (int)PTR_ERR(rf);
	if (f->mode & FMODE_WRITE)
		atomic_add(&real->writecount, 1);
	f->priv = rf;
	return 0;
}

static void stack_release(struct file *f)
{
	struct file *rf = f->priv;

	if (!rf)
		return;
	if (f->mode & FMODE_WRITE)
		atomic_add(&rf->inode->writecount, -1);
	file_put(rf);
}

/* The layer's open file; after a copy-up that came later, one of the copy. */
static struct file *real_file(struct file *f)
{
	struct inode *real = stack_real(f->inode);
	struct file *rf = f->priv;

	if (rf->inode != real)
		return layers_open(real, O_RDONLY);
	file_get(rf);
	return rf;
}

static int stack_fsync(struct file *f, u64 off, u64 len, bool datasync)
{
	struct file *rf = real_file(f);
	int err = 0;

	if (IS_ERR(rf))
		return (int)PTR_ERR(rf);
	if (rf->ops->fsync)
		err = rf->ops->fsync(rf, off, len, datasync);
	file_put(rf);
	return err;
}

static int stack_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode, *up = stack_i(i)->upper;
	struct file *rf = f->priv;
	int err = 0;

	if (!rf->ops->fallocate)
		return -EOPNOTSUPP;
	mutex_lock(&i->mutex);
	if (off + len > i->size)
		err = charge_size(i, off + len);
	if (!err)
		err = rf->ops->fallocate(rf, mode, off, len);
	i->size = up->size;
	charge_size(i, i->size);
	mutex_unlock(&i->mutex);
	return err;
}

static int stack_write_begin(struct inode *i, u64 pos, u64 *n)
{
	struct stack_sb *s = stack_s(i);
	struct stack_inode *t = stack_i(i);
	u64 room;

	if (pos + *n <= i->size || !charge_size(i, MAX(pos + *n, i->size)))
		return 0;
	spin_lock(&s->lock); /* as much as there is room for */
	room = s->max_pages > s->used_pages ? s->max_pages - s->used_pages : 0;
	spin_unlock(&s->lock);
	room = (t->charged + room) << PAGE_SHIFT;
	if (pos >= room)
		return -ENOSPC;
	*n = MIN(*n, room - pos);
	return charge_size(i, MAX(pos + *n, i->size));
}

static s64 stack_write_end(struct inode *i, u64 pos, u64 n)
{
	struct inode *up = stack_i(i)->upper;
	s64 done = (s64)n;

	mutex_lock(&up->mutex);
	if (up->ops->write_end)
		done = up->ops->write_end(up, pos, n);
	up->size = up->pc->size;
	mutex_unlock(&up->mutex);
	charge_size(i, up->size);
	return done;
}

static int stack_get_flags(struct inode *i, u32 *flags)
{
	struct inode *real = stack_real(i);

	return real->ops->get_flags ? real->ops->get_flags(real, flags) : -ENOTTY;
}

#define ATTR_OPS                                                                        \
	.getattr = stack_getattr, .setattr = stack_setattr, .getxattr = stack_getxattr, \
	.setxattr = stack_setxattr, .listxattr = stack_listxattr, .evict = stack_evict

static const struct file_ops stack_file_fops = {
	.read = pagefile_read,
	.write = pagefile_write,
	.seek = generic_seek,
	.mmap = pagefile_mmap,
	.fsync = stack_fsync,
	.fallocate = stack_fallocate,
	.release = stack_release,
};
const struct inode_ops stack_file_ops = {
	ATTR_OPS,
	.open = stack_open,
	.write_begin = stack_write_begin,
	.write_end = stack_write_end,
	.get_flags = stack_get_flags,
	.fops = &stack_file_fops,
};
const struct inode_ops stack_other_ops = {
	ATTR_OPS,
	.readlink = stack_readlink,
};
