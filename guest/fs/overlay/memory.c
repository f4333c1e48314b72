/*
 * memory.c - a writable layer in memory over a lower file system that nobody changes.
 *
 * An overlay is a tmpfs whose inodes may have a `lower` (tmpfs.h). Differs from Linux's overlayfs, for the better where
 * programs can see it: no EXDEV at renames of directories, hard links stay links, st_ino is stable, a descriptor opened
 * before the first write sees it. When the lower layer's server has died, what was not cached of it is EIO, and new names
 * can be made everywhere. Like Linux's, a mapping made before the first write keeps showing the old bytes.
 *
 * An overlay inode without changes is only a cache and goes with its last dentry; one with changes is pinned until its
 * last name is gone. Lower directories are locked inside the overlay's, and inside its files.
 */
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/overlay/layers.h"
#include "fs/mount/mount.h"
#include "fs/mount/table.h"
#include "fs/overlay/stack.h"
#include "fs/seq.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/log.h"
#include "mm/slab.h"

#define NEW_INODES (1ULL << 48) /* numbers of inodes that are not the lower layer's */

/* Is lower what i was made for, and not something that got its number later? */
static bool made_for(struct inode *i, const struct inode *lower)
{
	const struct inode *held = tmpfs_lower(i);

	return held ? held == lower
		    : i->ino == lower->ino && i->btime == lower->btime &&
			       (i->mode & S_IFMT) == (lower->mode & S_IFMT);
}

/* Takes over the reference. */
static void hold(struct inode *i, struct inode *lower)
{
	void *none = NULL;

	if (!__atomic_compare_exchange_n(&i->priv, &none, (void *)lower, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		inode_put(lower);
}

/* The inode that there is for lower, with a reference; NULL: none; -EIO: it was changed here, and replaced below meanwhile. */
static struct inode *have_for(struct tmpfs_sb *s, const struct inode *lower)
{
	struct inode *i = itable_get(&s->by_lower, lower->ino);

	if (!i || made_for(i, lower))
		return i;
	klog_once(0, "overlay: a file of the lower layer was replaced while it was in use");
	if (inode_marked(i, TMPFS_PINNED)) {
		inode_put(i);
		return ERR_PTR(-EIO);
	}
	itable_remove(&s->by_lower, i);
	inode_put(i);
	return NULL;
}

/* What make_args wants of a link's target: a string of its own, or NULL for anything else. ERR_PTR. */
static char *target_of(struct inode *lower)
{
	char *link;
	s64 n = -EIO;

	if (!S_ISLNK(lower->mode))
		return NULL;
	if (lower->link) {
		link = kstrdup(lower->link);
		return link ? link : ERR_PTR(-ENOMEM);
	}
	link = kmalloc(PATH_MAX);
	if (link && lower->ops->readlink)
		n = lower->ops->readlink(lower, link, PATH_MAX);
	if (n >= 0)
		return link;
	kfree(link);
	return ERR_PTR(n);
}

static struct inode *make(struct super_block *sb, struct inode *lower_dir, const char *name,
			  unsigned len, struct inode *lower)
{
	struct make_args a = {
		.mode = lower->mode, .uid = lower->uid, .gid = lower->gid, .rdev = inode_rdev(lower)
	};
	char *link = target_of(lower);
	struct inode *i;

	if (IS_ERR(link))
		return (void *)link;
	a.target = link;
	i = tmpfs_new_backed(sb, &a, name, len);
	kfree(link);
	if (IS_ERR(i))
		return i;
	if (lower_dir)
		inode_get(lower_dir);
	tmpfs_i(i)->lower_dir = lower_dir;
	layers_take_attr(i, lower);
	return i;
}

/*
 * The overlay's inode for what lower_dir has by that name; takes over lower's reference. keep: it will be needed; a
 * directory's is in any case. lower_dir NULL: the root. ERR_PTR.
 */
static struct inode *wrap(struct super_block *sb, struct inode *lower_dir, const char *name,
			  unsigned len, struct inode *lower, bool keep)
{
	struct tmpfs_sb *s = sb->priv;
	struct inode *i = have_for(s, lower), *have;

	if (!i) {
		i = make(sb, lower_dir, name, len, lower);
		have = IS_ERR(i) ? NULL : itable_insert(&s->by_lower, i);
		if (have) {
			inode_put(i);
			i = have;
		}
	}
	if (!IS_ERR(i) && (keep || S_ISDIR(lower->mode)))
		hold(i, lower);
	else
		inode_put(lower);
	return i;
}

/* The layer's directory that shows through. */
static struct inode *lower_dir(struct inode *dir)
{
	return tmpfs_lower(dir);
}

struct inode *overlay_lookup(struct inode *dir, const char *name, unsigned len, bool open)
{
	struct inode *i = layers_lookup(lower_dir(dir), name, len, open ? MAY_READ : 0);

	return IS_ERR(i) ? i : wrap(dir->sb, lower_dir(dir), name, len, i, open);
}

struct inode *overlay_lower(struct inode *i, unsigned want)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	struct inode *lower, *dir = NULL;

	spin_lock(&i->lock); /* lower_dir is there unless lower is */
	lower = tmpfs_lower(i);
	if (!lower)
		dir = t->lower_dir;
	inode_get(lower ? lower : dir);
	spin_unlock(&i->lock);
	if (lower)
		return lower;
	lower = layers_lookup(dir, t->lower_name, (unsigned)strlen(t->lower_name), want);
	inode_put(dir);
	if (!IS_ERR(lower) && !made_for(i, lower)) {
		inode_put(lower);
		return ERR_PTR(-ESTALE);
	}
	return lower;
}

int overlay_hold_lower(struct inode *i)
{
	struct inode *lower;

	if (tmpfs_lower(i))
		return 0;
	lower = overlay_lower(i, MAY_READ);
	if (IS_ERR(lower))
		return (int)PTR_ERR(lower);
	hold(i, lower);
	return 0;
}

bool overlay_has(struct inode *dir, const char *name, unsigned len)
{
	return layers_has(lower_dir(dir), name, len);
}

void overlay_pin(struct inode *i)
{
	struct tmpfs_sb *s = tmpfs_s(i);
	bool get = false;

	if (!tmpfs_backed(i) || inode_marked(i, TMPFS_PINNED))
		return;
	spin_lock(&s->lock);
	if (!inode_marked(i, TMPFS_PINNED) && i->nlink) {
		inode_mark(i, TMPFS_PINNED);
		get = true;
	}
	spin_unlock(&s->lock);
	if (get)
		inode_get(i);
}

void overlay_unpin(struct inode *i)
{
	struct tmpfs_sb *s = tmpfs_s(i);
	bool put;

	spin_lock(&s->lock);
	put = inode_marked(i, TMPFS_PINNED);
	inode_unmark(i, TMPFS_PINNED);
	spin_unlock(&s->lock);
	if (put)
		inode_put(i);
}

void overlay_evict(struct inode *i)
{
	itable_remove(&tmpfs_s(i)->by_lower, i);
	inode_put(tmpfs_lower(i));
	if (!inode_marked(i, TMPFS_OWN))
		inode_put(tmpfs_i(i)->lower_dir);
}

void overlay_shutdown(struct tmpfs_sb *s)
{
	struct inode *i;
	u32 from = 0;

	while ((i = itable_next_marked(&s->by_lower, TMPFS_PINNED, &from)))
		overlay_unpin(i);
	itable_destroy(&s->by_lower);
	mount_put(s->lower_mnt);
}

int overlay_read_page(struct inode *i, u64 index, void *page)
{
	u64 off = index << PAGE_SHIFT, size = tmpfs_own(i)->lower_size;
	u64 n = off < size ? MIN(size - off, PAGE_SIZE) : 0;
	s64 r = 0;

	if (n)
		r = pagecache_read(tmpfs_lower(i)->pc, off, page, n);
	if (r < 0)
		return (int)r;
	memset((char *)page + r, 0, PAGE_SIZE - (size_t)r);
	return 0;
}

static int keep_xattr(void *arg, const char *name, const void *v, size_t n)
{
	return xattrs_set(arg, name, v, n, 0);
}

bool overlay_xattrs_below(struct inode *i)
{
	return tmpfs_backed(i) && !inode_marked(i, TMPFS_XATTRS);
}

int overlay_xattrs(struct inode *i)
{
	struct inode *lower;
	struct xattrs *own;
	int err = tmpfs_need_own(i);

	if (err)
		return err;
	overlay_pin(i);
	if (!overlay_xattrs_below(i))
		return 0;
	lower = overlay_lower(i, 0);
	if (IS_ERR(lower))
		return (int)PTR_ERR(lower);
	own = &tmpfs_own(i)->xattrs;
	err = layers_each_xattr(lower, keep_xattr, own);
	inode_put(lower);
	if (err)
		xattrs_free(own);
	else
		inode_mark(i, TMPFS_XATTRS);
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
	if (!sb || !s || itable_init(&s->by_lower, NULL)) {
		super_put(sb);
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	s->sb = sb;
	sb->priv = s;
	sb->next_ino = NEW_INODES;
	s->lower_mnt = b->lower;
	s->max_pages = (b->max_bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	inode_get(b->lower->root->inode);
	i = wrap(sb, NULL, "", 0, b->lower->root->inode, true);
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
