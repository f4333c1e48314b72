/*
 * overlay.c - a writable layer in memory over a lower file system that nobody changes.
 *
 * An overlay is a tmpfs whose inodes may have a `lower` (tmpfs.h). Differs from Linux's overlayfs, for the better where
 * programs can see it: no EXDEV at renames of directories, hard links stay links, st_ino is stable, a descriptor opened
 * before the first write sees it. When the lower layer's server has died, what was not cached of it is EIO, and new names
 * can be made everywhere. Like Linux's, a mapping made before the first write keeps showing the old bytes.
 *
 * An overlay inode without changes is only a cache and goes with its last dentry; one with changes is pinned until its
 * last name is gone. Lower directories are locked (LOCK_INODE_LOWER) inside the overlay's.
 */
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/mount.h"
#include "fs/mount_table.h"
#include "fs/tmpfs.h"
#include "mm/slab.h"

#define LOWER_POS  (1ULL << 62) /* readdir positions of lower entries: this and the lower one's */
#define NEW_INODES (1ULL << 48) /* numbers of inodes that are not the lower layer's */

/* The overlay's inode for a lower one; takes over the reference. ERR_PTR. */
static struct inode *wrap(struct super_block *sb, struct inode *lower)
{
	struct make_args a = {
		.mode = lower->mode, .uid = lower->uid, .gid = lower->gid, .rdev = lower->rdev
	};
	struct tmpfs_sb *s = sb->priv;
	struct stat_info st;
	struct tmpfs_inode *t;
	struct inode *i, *have;
	char *link = NULL;

	i = itable_get(&s->by_lower, (u64)(uintptr_t)lower);
	if (i) {
		inode_put(lower);
		return i;
	}
	if (lower->ops->getattr)
		lower->ops->getattr(lower, &st);
	else
		inode_getattr(lower, &st);
	a.target = "";
	if (S_ISLNK(lower->mode)) {
		a.target = lower->link;
		if (!a.target) {
			s64 n = -EIO;

			link = kmalloc(PATH_MAX);
			if (link && lower->ops->readlink)
				n = lower->ops->readlink(lower, link, PATH_MAX);
			if (n < 0) {
				kfree(link);
				inode_put(lower);
				return ERR_PTR(n);
			}
			a.target = link;
		}
	}
	i = tmpfs_new(sb, &a);
	kfree(link);
	if (IS_ERR(i)) {
		inode_put(lower);
		return i;
	}
	t = tmpfs_i(i);
	t->lower = lower;
	t->xattrs_own = false;
	i->ino = st.ino;
	i->nlink = st.nlink;
	i->size = st.size;
	i->blocks = st.blocks;
	i->atime = st.atime;
	i->mtime = st.mtime;
	i->ctime = st.ctime;
	i->btime = st.btime;
	if (S_ISREG(i->mode))
		i->pc = lower->pc;
	have = itable_insert(&s->by_lower, i, (u64)(uintptr_t)lower);
	if (!have)
		return i;
	inode_put(i);
	return have;
}

static struct inode *lower_dir(struct inode *dir)
{
	struct tmpfs_inode *t = tmpfs_i(dir);

	return t->opaque ? NULL : t->lower;
}

static struct inode *lower_lookup(struct inode *dir, const char *name, unsigned len, bool open)
{
	struct inode *lower = lower_dir(dir), *i;

	if (!lower || !lower->ops->lookup)
		return ERR_PTR(-ENOENT);
	mutex_lock(&lower->mutex);
	if (open && lower->ops->lookup_open)
		i = lower->ops->lookup_open(lower, name, len, MAY_READ);
	else
		i = lower->ops->lookup(lower, name, len);
	mutex_unlock(&lower->mutex);
	return i;
}

struct inode *overlay_lookup(struct inode *dir, const char *name, unsigned len, bool open)
{
	struct inode *i = lower_lookup(dir, name, len, open);

	return IS_ERR(i) ? i : wrap(dir->sb, i);
}

bool overlay_has(struct inode *dir, const char *name, unsigned len)
{
	struct inode *i = lower_lookup(dir, name, len, false);

	if (IS_ERR(i))
		return PTR_ERR(i) != -ENOENT; /* in doubt it is covered */
	inode_put(i);
	return true;
}

void overlay_pin(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct tmpfs_sb *s = tmpfs_s(i);
	bool get = false;

	if (!t->lower || t->is_pinned)
		return;
	spin_lock(&s->lock);
	if (!t->is_pinned && i->nlink) {
		t->is_pinned = get = true;
		list_add_tail(&s->pinned, &t->pin);
	}
	spin_unlock(&s->lock);
	if (get)
		inode_get(i);
}

void overlay_unpin(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct tmpfs_sb *s = tmpfs_s(i);
	bool put;

	spin_lock(&s->lock);
	put = t->is_pinned;
	t->is_pinned = false;
	list_del(&t->pin);
	spin_unlock(&s->lock);
	if (put)
		inode_put(i);
}

void overlay_evict(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);

	itable_remove(&tmpfs_s(i)->by_lower, i);
	inode_put(t->lower);
}

void overlay_shutdown(struct tmpfs_sb *s)
{
	while (!list_empty(&s->pinned))
		overlay_unpin(&list_first(&s->pinned, struct tmpfs_inode, pin)->i);
	itable_destroy(&s->by_lower);
	mount_put(s->lower_mnt);
}

int overlay_read_page(struct inode *i, u64 index, void *page)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	u64 off = index << PAGE_SHIFT;
	u64 n = off < t->file.lower_size ? MIN(t->file.lower_size - off, PAGE_SIZE) : 0;
	s64 r = 0;

	if (n)
		r = pagecache_read(t->lower->pc, off, page, n);
	if (r < 0)
		return (int)r;
	memset((char *)page + r, 0, PAGE_SIZE - (size_t)r);
	return 0;
}

int overlay_xattrs(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct inode *lower = t->lower;
	char *names = NULL, *value = NULL;
	s64 n, len = 0;
	int err = 0;

	overlay_pin(i);
	if (t->xattrs_own)
		return 0;
	if (lower->ops->listxattr && lower->ops->getxattr)
		len = lower->ops->listxattr(lower, NULL, 0);
	if (len > 0) {
		names = kmalloc((size_t)len);
		value = kmalloc(XATTR_SIZE_MAX);
		err = names && value ? 0 : -ENOMEM;
		if (!err)
			len = lower->ops->listxattr(lower, names, (size_t)len);
	}
	for (s64 p = 0; !err && p < len; p += (s64)strlen(names + p) + 1) {
		n = lower->ops->getxattr(lower, names + p, value, XATTR_SIZE_MAX);
		if (n >= 0)
			err = xattrs_set(&t->xattrs, names + p, value, (size_t)n, 0);
	}
	kfree(names);
	kfree(value);
	if (err)
		xattrs_free(&t->xattrs);
	else
		t->xattrs_own = true;
	return err;
}

/* ---- merged directories ---- */

static struct file *open_lower(struct inode *lower)
{
	struct file *f = file_alloc(lower->fops, O_RDONLY | O_DIRECTORY, NULL);
	int err;

	if (IS_ERR(f))
		return f;
	inode_get(lower);
	f->inode = lower;
	err = lower->ops->open ? lower->ops->open(lower, f) : 0;
	if (!err)
		return f;
	f->ops = NULL;
	file_put(f);
	return ERR_PTR(err);
}

int overlay_open_dir(struct inode *i, struct file *f)
{
	struct inode *lower = lower_dir(i);
	struct file *lf;

	if (!lower)
		return 0;
	lf = open_lower(lower);
	if (IS_ERR(lf))
		return (int)PTR_ERR(lf);
	f->dir_state = lf;
	return 0;
}

struct merge {
	struct dir_context ctx; /* what the lower readdir fills */
	struct dirtable *upper;
	struct dir_context *to; /* NULL: only look whether there is any entry */
	bool found, full;
};

static bool merge_emit(struct dir_context *ctx, const char *name, unsigned len, u64 next, u64 ino,
		       unsigned type)
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
	if (!dir_emit(m->to, name, len, LOWER_POS | next, ino, type)) {
		m->full = true;
		return false;
	}
	return true;
}

static int lower_readdir(struct file *lf, struct merge *m)
{
	u64 before;
	int err;

	m->ctx.emit = merge_emit;
	do {
		before = m->ctx.pos;
		err = lf->ops->readdir(lf, &m->ctx);
	} while (!err && !m->full && !m->found && m->ctx.pos != before);
	return err;
}

int overlay_emit(struct file *f, struct dir_context *ctx)
{
	struct merge m = { .upper = &tmpfs_i(f->inode)->dir, .to = ctx };

	if (!f->dir_state)
		return 0;
	if (ctx->pos < LOWER_POS)
		ctx->pos = LOWER_POS;
	m.ctx.pos = ctx->pos & ~LOWER_POS;
	return lower_readdir(f->dir_state, &m);
}

bool overlay_dir_empty(struct inode *dir)
{
	struct merge m = { .upper = &tmpfs_i(dir)->dir };
	struct inode *lower = lower_dir(dir);
	struct file *lf;
	int err;

	if (!lower)
		return true;
	lf = open_lower(lower);
	if (IS_ERR(lf))
		return false;
	err = lower_readdir(lf, &m);
	file_put(lf);
	return !err && !m.found;
}

/* ---- mounting: args->boot is a struct overlay_boot ---- */

static void overlay_show(struct super_block *sb, struct seq *s)
{
	seq_puts(s, ",lowerdir=/,upperdir=memory");
}

static bool overlay_lower_dead(struct super_block *sb)
{
	struct super_block *lower = ((struct tmpfs_sb *)sb->priv)->lower_mnt->sb;

	return lower->ops->dead && lower->ops->dead(lower);
}

static struct super_ops overlay_super_ops;

static struct super_block *overlay_mount(const struct file_system *fs, const struct mount_args *a)
{
	const struct overlay_boot *b = a->boot;
	struct super_block *sb;
	struct tmpfs_sb *s;
	struct inode *i;

	if (!b)
		return ERR_PTR(-EINVAL);
	overlay_super_ops = tmpfs_super_ops;
	overlay_super_ops.show_options = overlay_show;
	overlay_super_ops.lower_dead = overlay_lower_dead;
	sb = super_alloc(fs, &overlay_super_ops, OVERLAYFS_SUPER_MAGIC, a->flags & ~(u32)MS_RDONLY);
	s = kzalloc(sizeof(*s));
	if (!sb || !s || itable_init(&s->by_lower)) {
		super_put(sb);
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	s->sb = sb;
	list_init(&s->pinned);
	sb->priv = s;
	sb->next_ino = NEW_INODES;
	s->lower_mnt = b->lower;
	s->max_pages = (b->max_bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	inode_get(b->lower->root->inode);
	i = wrap(sb, b->lower->root->inode);
	if (IS_ERR(i)) {
		itable_destroy(&s->by_lower);
		kfree(s);
		super_put(sb);
		return (void *)i;
	}
	sb->root = i;
	overlay_pin(i);
	return sb;
}

const struct file_system overlay_fs = {
	.name = "overlay",
	.handles = HANDLES_NUMBER,
	.nodev = true,
	.mount = overlay_mount,
};
