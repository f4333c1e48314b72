/*
 * layers.c - see layers.h.
 */
#include <string.h>

#include "fs/overlay/layers.h"
#include "mm/slab.h"

struct inode *layers_lookup(struct inode *dir, const char *name, unsigned len, unsigned want)
{
	struct inode *i;

	if (!dir || !dir->ops->lookup)
		return ERR_PTR(-ENOENT);
	mutex_lock(&dir->mutex);
	if (want && dir->ops->lookup_open)
		i = dir->ops->lookup_open(dir, name, len, want);
	else
		i = dir->ops->lookup(dir, name, len);
	mutex_unlock(&dir->mutex);
	return i;
}

bool layers_has(struct inode *dir, const char *name, unsigned len)
{
	struct inode *i = layers_lookup(dir, name, len, 0);

	if (IS_ERR(i))
		return PTR_ERR(i) != -ENOENT;
	inode_put(i);
	return true;
}

struct file *layers_open(struct inode *i, u32 flags)
{
	struct file *f = file_alloc(i->ops->fops, flags, NULL);
	int err;

	if (IS_ERR(f))
		return f;
	inode_get(i);
	f->inode = i;
	err = i->ops->open ? i->ops->open(i, f) : 0;
	if (!err)
		return f;
	f->ops = NULL;
	file_put(f);
	return ERR_PTR(err);
}

/* ---- listing ---- */

struct merge {
	struct dir_context ctx; /* what the lower readdir fills */
	const struct dirtable *upper;
	struct dir_context *to; /* NULL: only look whether there is any entry */
	bool found, full;
};

static bool emit_uncovered(struct dir_context *ctx, const char *name, unsigned len, u64 next,
			   u64 ino, unsigned type)
{
	struct merge *m = container_of(ctx, struct merge, ctx);

	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	if (dirtable_find(m->upper, name, len))
		return true; /* covered, or already out */
	if (!m->to) {
		m->found = true;
		return false;
	}
	if (!dir_emit(m->to, name, len, LAYERS_POS | next, ino, type)) {
		m->full = true;
		return false;
	}
	return true;
}

static int readdir_all(struct file *f, struct merge *m)
{
	u64 before;
	int err;

	m->ctx.emit = emit_uncovered;
	do {
		before = m->ctx.pos;
		err = f->ops->readdir(f, &m->ctx);
	} while (!err && !m->full && !m->found && m->ctx.pos != before);
	return err;
}

int layers_emit(struct file *lower, const struct dirtable *upper, struct dir_context *ctx)
{
	struct merge m = { .upper = upper, .to = ctx };

	if (ctx->pos < LAYERS_POS)
		ctx->pos = LAYERS_POS;
	m.ctx.pos = ctx->pos & ~LAYERS_POS;
	return readdir_all(lower, &m);
}

bool layers_empty(struct inode *dir, const struct dirtable *upper)
{
	struct merge m = { .upper = upper };
	struct file *f;
	int err;

	if (!dir)
		return true;
	f = layers_open(dir, O_RDONLY | O_DIRECTORY);
	if (IS_ERR(f))
		return false;
	err = readdir_all(f, &m);
	file_put(f);
	return !err && !m.found;
}

/* ---- attributes ---- */

void layers_take_attr(struct inode *to, struct inode *from)
{
	struct stat_info st;

	if (from->ops->getattr)
		from->ops->getattr(from, &st);
	else
		inode_getattr(from, &st);
	to->ino = st.ino;
	to->nlink = st.nlink;
	to->size = st.size;
	if (!inode_is_device(to))
		to->blocks = st.blocks;
	to->atime = fs_time_pack(st.atime);
	to->mtime = fs_time_pack(st.mtime);
	to->ctime = fs_time_pack(st.ctime);
	to->btime = fs_time_pack(st.btime);
}

int layers_each_xattr(struct inode *from,
		      int (*set)(void *arg, const char *name, const void *v, size_t n), void *arg)
{
	char *names, *value;
	s64 n, len = 0;
	int err = 0;

	if (from->ops->listxattr && from->ops->getxattr)
		len = from->ops->listxattr(from, NULL, 0);
	if (len <= 0)
		return 0;
	names = kmalloc((size_t)len);
	value = kmalloc(XATTR_SIZE_MAX);
	if (names && value)
		len = from->ops->listxattr(from, names, (size_t)len);
	else
		err = -ENOMEM;
	for (s64 p = 0; !err && p < len; p += (s64)strlen(names + p) + 1) {
		n = from->ops->getxattr(from, names + p, value, XATTR_SIZE_MAX);
		if (n >= 0)
			err = set(arg, names + p, value, (size_t)n);
	}
	kfree(names);
	kfree(value);
	return err;
}
