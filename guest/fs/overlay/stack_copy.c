/*
 * stack_copy.c - how a file of the lower layer gets its place in the upper one (stack.h), and the steps that this and
 * changes of names are made of.
 *
 * A copy is made in the work directory and moved to its place when it is complete, so that nobody ever finds half of one.
 * What cannot be kept as it is because the server may not (owners, where it runs without privilege) is left as it was made.
 */
#include <string.h>

#include "fs/overlay/stack.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "platform/platform.h"

#define PIECE (256UL << 10) /* of a copy: what one message carries */

void stack_work_name(struct stack_sb *s, struct stack_name *n)
{
	n->len =
		(unsigned)ksnprintf(n->s, sizeof(n->s), "%llu", (unsigned long long)s->next_work++);
}

struct inode *stack_make_layer(struct inode *dir, const char *name, unsigned len,
			       const struct make_args *a)
{
	struct inode *i;

	mutex_lock(&dir->mutex);
	i = dir->ops->make ? dir->ops->make(dir, name, len, a) : ERR_PTR(-EPERM);
	mutex_unlock(&dir->mutex);
	return i;
}

int stack_rename_layer(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		       struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
		       unsigned flags)
{
	int err;

	mutex_lock(&odir->mutex);
	if (ndir != odir)
		mutex_lock(&ndir->mutex);
	err = odir->ops->rename(odir, oname, olen, src, ndir, nname, nlen, victim, flags);
	if (ndir != odir)
		mutex_unlock(&ndir->mutex);
	mutex_unlock(&odir->mutex);
	return err;
}

static bool all_zero(const char *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (p[k])
			return false;
	return true;
}

/* Holes stay holes as far as whole pieces of zeroes show them. */
static int copy_data(struct inode *from, struct inode *to)
{
	struct setattr end = { .valid = ATTR_SIZE, .size = from->size };
	char *piece = kmalloc(PIECE);
	s64 n, err = piece ? inode_need_pc(from) : -ENOMEM;
	u64 at = 0;

	if (!err)
		err = inode_need_pc(to);
	mutex_lock(&to->mutex);
	while (!err && (n = pagecache_read(from->pc, at, piece, PIECE)) != 0) {
		if (n > 0 && !all_zero(piece, (size_t)n)) {
			err = pagecache_write(to->pc, at, piece, (size_t)n);
			if (err > 0 && to->ops->write_end)
				err = to->ops->write_end(to, at, (u64)err);
			err = err < 0 ? err : err < n ? -ENOSPC : 0;
			to->size = to->pc->size;
		}
		err = n < 0 ? n : err;
		at += (u64)n;
		platform_poll();
	}
	if (!err && to->size != end.size)
		err = to->ops->setattr(to, &end);
	mutex_unlock(&to->mutex);
	kfree(piece);
	return (int)err;
}

static int set_xattr(void *arg, const char *name, const void *v, size_t n)
{
	struct inode *to = arg;
	int err = to->ops->setxattr ? to->ops->setxattr(to, name, v, n, 0) : 0;

	/* What only the host's administrator may set, and the empty one that 9P cannot make, stay behind. */
	return err == -EPERM || err == -EOPNOTSUPP || err == -ENODATA ? 0 : err;
}

static int copy_attr(struct inode *i, struct inode *from, struct inode *to)
{
	struct setattr a = { .valid = ATTR_ATIME | ATTR_MTIME,
			     .atime = fs_time_unpack(i->atime),
			     .mtime = fs_time_unpack(i->mtime) };
	int err = layers_each_xattr(from, set_xattr, to);

	if (!err && !S_ISLNK(i->mode) && (to->mode & 07777) != (i->mode & 07777)) {
		a.valid |= ATTR_MODE;
		a.mode = i->mode & 07777;
	}
	return err ? err : to->ops->setattr(to, &a);
}

/* The copy in work. ERR_PTR. */
static struct inode *copy(struct inode *i, const struct stack_name *n)
{
	struct inode *from = stack_i(i)->lower, *to;
	struct make_args a = { .mode = i->mode, .uid = i->uid, .gid = i->gid };
	struct stack_sb *s = stack_s(i);
	char *link = NULL;
	int err = 0;

	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		return ERR_PTR(-EPERM);
	if (S_ISLNK(i->mode) && !i->link) {
		link = kmalloc(PATH_MAX);
		if (!link)
			return ERR_PTR(-ENOMEM);
		err = (int)from->ops->readlink(from, link, PATH_MAX);
	}
	a.target = S_ISLNK(i->mode) ? i->link ? i->link : link : NULL;
	to = err < 0 ? ERR_PTR(err) : stack_make_layer(s->work, n->s, n->len, &a);
	kfree(link);
	if (IS_ERR(to))
		return to;
	err = S_ISREG(i->mode) ? copy_data(from, to) : 0;
	if (!err)
		err = copy_attr(i, from, to);
	if (!err)
		return to;
	mutex_lock(&s->work->mutex);
	if (S_ISDIR(i->mode))
		s->work->ops->rmdir(s->work, n->s, n->len, to);
	else
		s->work->ops->unlink(s->work, n->s, n->len, to);
	mutex_unlock(&s->work->mutex);
	inode_put(to);
	return ERR_PTR(err);
}

/* From here on all that i shows is the copy's. Takes over the reference. */
static void show(struct inode *i, struct inode *to)
{
	struct stack_inode *t = stack_i(i);
	struct inode *parent = t->parent;

	if (!S_ISDIR(i->mode)) {
		itable_remove(&stack_s(i)->inodes, i);
		t->key = (u64)(uintptr_t)to;
		itable_insert(&stack_s(i)->inodes, i);
	} else {
		i->nlink = 1;
	}
	if (S_ISREG(i->mode)) {
		i->pc = to->pc;
		i->nlink = to->nlink;
	}
	__atomic_store_n(&t->upper, to, __ATOMIC_RELEASE);
	t->parent = NULL;
	inode_put(parent);
}

/* Nothing has changed in the overlay's directory: its times are those from before. */
static void restore_times(struct inode *dir, const struct stat_info *before)
{
	struct setattr a = { .valid = ATTR_ATIME | ATTR_MTIME,
			     .atime = before->atime,
			     .mtime = before->mtime };

	mutex_lock(&dir->mutex);
	dir->ops->setattr(dir, &a);
	mutex_unlock(&dir->mutex);
}

static int copy_up_one(struct inode *i)
{
	struct stack_inode *t = stack_i(i);
	struct stack_sb *s = stack_s(i);
	u64 pages = S_ISREG(i->mode) ? (i->size + PAGE_SIZE - 1) >> PAGE_SHIFT : 0;
	struct inode *to, *parent;
	struct stat_info before;
	struct stack_name n;
	int err;

	if (!i->nlink)
		return -ESTALE; /* no name leads there any more */
	err = stack_charge(s, (s64)pages + 1);
	if (err)
		return err;
	stack_work_name(s, &n);
	to = copy(i, &n);
	if (IS_ERR(to)) {
		err = (int)PTR_ERR(to);
	} else {
		parent = stack_i(t->parent)->upper;
		err = parent->ops->getattr(parent, &before);
		if (!err)
			err = stack_rename_layer(s->work, n.s, n.len, to, parent, t->name,
						 (unsigned)strlen(t->name), NULL, 0);
		if (err)
			inode_put(to);
		else
			restore_times(parent, &before);
	}
	if (err) {
		stack_charge(s, -(s64)(pages + 1));
		return err;
	}
	t->charged = pages;
	show(i, to);
	return 0;
}

int stack_copy_up(struct inode *i)
{
	int err = 0;

	while (!err && !stack_i(i)->upper) {
		struct inode *top = i;

		while (stack_i(top)->parent && !stack_i(stack_i(top)->parent)->upper)
			top = stack_i(top)->parent;
		err = copy_up_one(top);
	}
	return err;
}
