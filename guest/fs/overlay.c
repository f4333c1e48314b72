/*
 * overlay.c - a writable layer in memory over a lower file system that nobody changes.
 *
 * An overlay is a tmpfs whose inodes may have a `lower` (tmpfs.h). Differs from Linux's overlayfs, for the better where
 * programs can see it: no EXDEV at renames of directories, hard links stay links, st_ino is stable, a descriptor opened
 * before the first write sees it. When the lower layer's server has died, what was not cached of it is EIO, and new names
 * can be made everywhere. Like Linux's, a mapping made before the first write keeps showing the old bytes.
 *
 * An overlay inode without changes is only a cache and goes with its last dentry; one with changes is pinned until its
 * last name is gone. Lower directories are locked inside the overlay's.
 */
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/layers.h"
#include "fs/mount.h"
#include "fs/mount_table.h"
#include "fs/stack.h"
#include "fs/tmpfs.h"
#include "mm/slab.h"

#define NEW_INODES (1ULL << 48) /* numbers of inodes that are not the lower layer's */

/* The overlay's inode for a lower one; takes over the reference. ERR_PTR. */
static struct inode *wrap(struct super_block *sb, struct inode *lower)
{
	struct make_args a = {
		.mode = lower->mode, .uid = lower->uid, .gid = lower->gid, .rdev = lower->rdev
	};
	struct tmpfs_sb *s = sb->priv;
	struct tmpfs_inode *t;
	struct inode *i, *have;
	char *link = NULL;

	i = itable_get(&s->by_lower, (u64)(uintptr_t)lower);
	if (i) {
		inode_put(lower);
		return i;
	}
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
	layers_take_attr(i, lower);
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

struct inode *overlay_lookup(struct inode *dir, const char *name, unsigned len, bool open)
{
	struct inode *i = layers_lookup(lower_dir(dir), name, len, open ? MAY_READ : 0);

	return IS_ERR(i) ? i : wrap(dir->sb, i);
}

bool overlay_has(struct inode *dir, const char *name, unsigned len)
{
	return layers_has(lower_dir(dir), name, len);
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

static int keep_xattr(void *arg, const char *name, const void *v, size_t n)
{
	return xattrs_set(arg, name, v, n, 0);
}

int overlay_xattrs(struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	int err;

	overlay_pin(i);
	if (t->xattrs_own)
		return 0;
	err = layers_each_xattr(t->lower, keep_xattr, &t->xattrs);
	if (err)
		xattrs_free(&t->xattrs);
	else
		t->xattrs_own = true;
	return err;
}

/* ---- merged directories ---- */

int overlay_open_dir(struct inode *i, struct file *f)
{
	struct inode *lower = lower_dir(i);
	struct file *lf;

	if (!lower)
		return 0;
	lf = layers_open(lower, O_RDONLY | O_DIRECTORY);
	if (IS_ERR(lf))
		return (int)PTR_ERR(lf);
	f->dir_state = lf;
	return 0;
}

int overlay_emit(struct file *f, struct dir_context *ctx)
{
	if (!f->dir_state)
		return 0;
	return layers_emit(f->dir_state, &tmpfs_i(f->inode)->dir, ctx);
}

bool overlay_dir_empty(struct inode *dir)
{
	return layers_empty(lower_dir(dir), &tmpfs_i(dir)->dir);
}

/* ---- mounting: args->boot is a struct overlay_boot; stack.c has those whose upper layer is not in memory ---- */

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
	if (b->upper)
		return stack_mount(fs, b, a->flags & ~(u32)MS_RDONLY);
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
