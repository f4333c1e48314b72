/*
 * stack_dir.c - directories of an overlay with its writable layer in another file system: look-up and listing (stack.h).
 * Changes of names are in stack_change.c.
 *
 * Differs from Linux: the inode number that readdir gives for a directory that was copied up is the upper layer's, stat's
 * is the lower one's; O_TMPFILE is EOPNOTSUPP.
 */
#include <string.h>

#include "fs/overlay/stack.h"
#include "fs/overlay/stack_dir.h"
#include "mm/slab.h"

struct inode *stack_look(struct inode *dir, const char *name, unsigned len, unsigned want)
{
	struct stack_inode *t = stack_i(dir);
	struct inode *up = layers_lookup(t->upper, name, len, want), *low;

	if (IS_ERR(up)) {
		if (PTR_ERR(up) != -ENOENT)
			return up;
		up = NULL;
	} else if (S_ISCHR(up->mode)) {
		inode_put(up);
		return ERR_PTR(-ENOENT);
	} else if (!S_ISDIR(up->mode)) {
		return stack_wrap(dir, name, len, up, NULL);
	}
	low = layers_lookup(stack_lower_dir(dir), name, len, want & MAY_READ);
	if (IS_ERR(low) && (!up || PTR_ERR(low) != -ENOENT)) {
		inode_put(up);
		return low;
	}
	if (IS_ERR(low)) {
		low = NULL;
	} else if (up && !S_ISDIR(low->mode)) {
		inode_put(low);
		low = NULL;
	}
	return stack_wrap(dir, name, len, up, low);
}

/* While a tree is copied, a name may get to the other layer between the two look-ups. */
static struct inode *stack_lookup_open(struct inode *dir, const char *name, unsigned len,
				       unsigned want)
{
	struct stack_sb *s = stack_s(dir);
	u32 trees = atomic_load(&s->trees);
	struct inode *i = stack_look(dir, name, len, want);

	if (!(trees & 1) && atomic_load(&s->trees) == trees)
		return i;
	if (!IS_ERR(i))
		inode_put(i);
	mutex_lock(&s->change);
	i = stack_look(dir, name, len, want);
	mutex_unlock(&s->change);
	return i;
}

static struct inode *stack_lookup(struct inode *dir, const char *name, unsigned len)
{
	return stack_lookup_open(dir, name, len, 0);
}

/* ---- listing ---- */

struct collect {
	struct dir_context ctx;
	struct dirtable *names;
	bool any, no_memory;
};

static bool is_dots(const char *name, unsigned len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool collect_emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
			 unsigned type)
{
	struct collect *c = container_of(ctx, struct collect, ctx);

	if (is_dots(name, len) || dirtable_find(c->names, name, len))
		return true;
	if (type != DT_OF_MODE(S_IFCHR))
		c->any = true;
	c->no_memory = !dirtable_add(c->names, name, len, NULL);
	return !c->no_memory;
}

int stack_layer_names(struct inode *layer_dir, struct dirtable *names, bool *any)
{
	struct collect c = { .ctx = { .emit = collect_emit }, .names = names };
	struct file *f = layers_open(layer_dir, O_RDONLY | O_DIRECTORY);
	u64 before;
	int err;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	do {
		before = c.ctx.pos;
		err = f->ops->readdir(f, &c.ctx);
	} while (!err && !c.no_memory && c.ctx.pos != before);
	file_put(f);
	*any = c.any;
	return c.no_memory ? -ENOMEM : err;
}

bool stack_is_empty(struct inode *dir)
{
	struct stack_inode *t = stack_i(dir);
	struct dirtable names;
	bool any = false, empty;
	int err = 0;

	dirtable_init(&names);
	if (t->upper)
		err = stack_layer_names(t->upper, &names, &any);
	empty = !err && !any && layers_empty(stack_lower_dir(dir), &names);
	dirtable_free(&names);
	return empty;
}

/* An open directory: what dir_state is. Opened anew when it is rewound. */
struct open_dir {
	struct file *upper, *lower; /* or NULL */
	struct dirtable names;	    /* of upper, once the lower names' turn has come */
	bool collected;
};

static void close_layers(struct open_dir *d)
{
	if (d->upper)
		file_put(d->upper);
	if (d->lower)
		file_put(d->lower);
	dirtable_free(&d->names);
	d->upper = d->lower = NULL;
	d->collected = false;
}

static int open_layer(struct inode *dir, struct file **out)
{
	struct file *f = dir ? layers_open(dir, O_RDONLY | O_DIRECTORY) : NULL;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	*out = f;
	return 0;
}

static int open_layers(struct file *f)
{
	struct stack_inode *t = stack_i(f->inode);
	struct open_dir *d = f->dir_state;
	int err;

	if (!d) {
		d = kzalloc(sizeof(*d));
		if (!d)
			return -ENOMEM;
		dirtable_init(&d->names);
		f->dir_state = d;
	}
	close_layers(d);
	err = open_layer(t->upper, &d->upper);
	return err ? err : open_layer(stack_lower_dir(f->inode), &d->lower);
}

struct filter {
	struct dir_context ctx;
	struct dir_context *to;
	bool full;
};

static bool emit_upper(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
		       unsigned type)
{
	struct filter *m = container_of(ctx, struct filter, ctx);

	if (is_dots(name, len) || type == DT_OF_MODE(S_IFCHR))
		return true;
	m->full = !dir_emit(m->to, name, len, next, ino, type);
	return !m->full;
}

/* True in *all: they are all out. */
static int readdir_upper(struct file *f, struct dir_context *ctx, bool *all)
{
	struct filter m = { .ctx = { .emit = emit_upper, .pos = ctx->pos }, .to = ctx };
	u64 before;
	int err;

	do {
		before = m.ctx.pos;
		err = f->ops->readdir(f, &m.ctx);
	} while (!err && !m.full && m.ctx.pos != before);
	*all = !m.full;
	return err;
}

static int stack_readdir(struct file *f, struct dir_context *ctx)
{
	struct open_dir *d = f->dir_state;
	bool all = true, any;
	int err = 0;

	if (ctx->pos == 0 || !d)
		err = open_layers(f);
	if (err || !dir_emit_dots(f, ctx))
		return err;
	d = f->dir_state;
	if (d->upper && ctx->pos < LAYERS_POS)
		err = readdir_upper(d->upper, ctx, &all);
	if (err || !all || !d->lower)
		return err;
	if (d->upper && !d->collected) {
		err = stack_layer_names(d->upper->inode, &d->names, &any);
		if (err)
			return err;
		d->collected = true;
	}
	return layers_emit(d->lower, &d->names, ctx);
}

static void stack_dir_release(struct file *f)
{
	if (f->dir_state)
		close_layers(f->dir_state);
	kfree(f->dir_state);
}

static int stack_dir_fsync(struct file *f, u64 off, u64 len, bool datasync)
{
	struct inode *upper = stack_i(f->inode)->upper;
	struct file *uf;
	int err = 0;

	if (!upper)
		return 0;
	uf = layers_open(upper, O_RDONLY | O_DIRECTORY);
	if (IS_ERR(uf))
		return (int)PTR_ERR(uf);
	if (uf->ops->fsync)
		err = uf->ops->fsync(uf, off, len, datasync);
	file_put(uf);
	return err;
}

static const struct file_ops stack_dir_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = stack_readdir,
	.fsync = stack_dir_fsync,
	.release = stack_dir_release,
};
const struct inode_ops stack_dir_ops = {
	.lookup = stack_lookup,
	.lookup_open = stack_lookup_open,
	.make = stack_make,
	.link = stack_link,
	.unlink = stack_unlink,
	.rmdir = stack_rmdir,
	.rename = stack_rename,
	.getattr = stack_getattr,
	.setattr = stack_setattr,
	.getxattr = stack_getxattr,
	.setxattr = stack_setxattr,
	.listxattr = stack_listxattr,
	.evict = stack_evict,
	.fops = &stack_dir_fops,
};
