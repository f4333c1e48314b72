/*
 * stack.c - the super block of an overlay with its writable layer in another file system (stack.h), and its inodes.
 *
 * Hard links of the lower layer are separate files from the first change on, so each of their names has an inode of its
 * own here. A directory that is in both layers says one link, which tells find(1) and its like not to count on it.
 */
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/mount/table.h"
#include "fs/overlay/stack.h"
#include "fs/seq.h"
#include "mm/slab.h"

int stack_charge(struct stack_sb *s, s64 pages)
{
	int err = 0;

	spin_lock(&s->lock);
	if (pages > 0 && s->max_pages && s->used_pages + (u64)pages > s->max_pages)
		err = -ENOSPC;
	else
		s->used_pages += (u64)pages;
	spin_unlock(&s->lock);
	return err;
}

static void set_ops(struct inode *i)
{
	i->ops = S_ISDIR(i->mode)   ? &stack_dir_ops
		 : S_ISREG(i->mode) ? &stack_file_ops
				    : &stack_other_ops;
}

static struct inode *make(struct super_block *sb, struct inode *real)
{
	struct inode *i;

	i = inode_alloc_size(sb, real->mode, sizeof(struct stack_inode));
	if (!i)
		return NULL;
	/* a class of its own: a layer's are taken inside, with change in between */
	mutex_init(&i->mutex);
	i->uid = real->uid;
	i->gid = real->gid;
	if (inode_is_device(i))
		i->rdev = real->rdev;
	layers_take_attr(i, real);
	/* Both live as long as real, which is ours. The pages, if there are none yet: stack_open. */
	if (S_ISREG(i->mode))
		i->pc = real->pc;
	else if (S_ISLNK(i->mode))
		i->link = real->link;
	set_ops(i);
	return i;
}

/* Which of a layer's inodes stands for it: one that nothing else leads to. 0: none. */
static u64 key_of(const struct inode *upper, const struct inode *lower)
{
	if (upper && !(lower && S_ISDIR(lower->mode)))
		return (u64)(uintptr_t)upper;
	return lower->nlink == 1 || S_ISDIR(lower->mode) ? (u64)(uintptr_t)lower : 0;
}

static struct inode *wrap(struct super_block *sb, struct inode *parent, const char *name,
			  unsigned len, struct inode *upper, struct inode *lower)
{
	struct stack_sb *s = sb->priv;
	u64 key = key_of(upper, lower);
	struct inode *i = key ? itable_get(&s->inodes, key) : NULL, *have = NULL;
	struct stack_inode *t;

	if (i)
		goto drop;
	i = make(sb, upper ? upper : lower);
	if (!i) {
		i = ERR_PTR(-ENOMEM);
		goto drop;
	}
	t = stack_i(i);
	t->upper = upper;
	t->lower = lower;
	t->key = key;
	if (upper && lower) { /* a directory */
		i->ino = lower->ino;
		i->nlink = 1;
	}
	if (upper && S_ISREG(i->mode))
		t->charged = (i->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (parent && !upper) {
		inode_get(parent);
		t->parent = parent;
		t->name = kmalloc(len + 1);
		if (!t->name) {
			inode_put(i);
			return ERR_PTR(-ENOMEM);
		}
		memcpy(t->name, name, len);
		t->name[len] = 0;
	}
	if (key)
		have = itable_insert(&s->inodes, i);
	if (!have)
		return i;
	inode_put(i);
	return have;
drop:
	inode_put(upper);
	inode_put(lower);
	return i;
}

struct inode *stack_wrap(struct inode *parent, const char *name, unsigned len, struct inode *upper,
			 struct inode *lower)
{
	return wrap(parent->sb, parent, name, len, upper, lower);
}

void stack_evict(struct inode *i)
{
	struct stack_inode *t = stack_i(i);

	itable_remove(&stack_s(i)->inodes, i);
	if (t->upper && !i->nlink)
		stack_charge(stack_s(i), -(s64)(t->charged + 1));
	inode_put(t->upper);
	inode_put(t->lower);
	inode_put(t->parent);
	kfree(t->name);
}

/* ---- super block ---- */

static int stack_statfs(struct super_block *sb, struct statfs_info *st)
{
	struct stack_sb *s = sb->priv;
	struct super_block *upper = s->upper_mnt->sb;
	int err = upper->ops->statfs ? upper->ops->statfs(upper, st) : 0;

	st->type = sb->magic;
	if (err || !s->max_pages)
		return err;
	spin_lock(&s->lock);
	st->bsize = st->frsize = PAGE_SIZE;
	st->blocks = st->files = s->max_pages;
	st->bfree = s->max_pages > s->used_pages ? s->max_pages - s->used_pages : 0;
	st->bavail = st->ffree = st->bfree;
	spin_unlock(&s->lock);
	return 0;
}

static u64 key_now(const struct inode *i)
{
	return container_of(i, const struct stack_inode, i)->key;
}

static void stack_free_inode(struct inode *i)
{
	kfree(stack_i(i));
}

static void stack_shutdown(struct super_block *sb)
{
	struct stack_sb *s = sb->priv;

	inode_put(s->work);
	itable_destroy(&s->inodes);
	mount_put(s->lower_mnt);
	mount_put(s->upper_mnt);
	kfree(s);
	sb->priv = NULL;
}

static void stack_show(struct super_block *sb, struct seq *out)
{
	struct stack_sb *s = sb->priv;

	seq_puts(out, ",lowerdir=/,upperdir=upper,workdir=work");
	if (s->max_pages)
		seq_printf(out, ",size=%lluk", (unsigned long long)s->max_pages * 4);
}

static bool stack_lower_dead(struct super_block *sb)
{
	struct super_block *lower = ((struct stack_sb *)sb->priv)->lower_mnt->sb;

	return lower->ops->dead && lower->ops->dead(lower);
}

static const struct super_ops stack_super_ops = {
	.statfs = stack_statfs,
	.free_inode = stack_free_inode,
	.shutdown = stack_shutdown,
	.show_options = stack_show,
	.lower_dead = stack_lower_dead,
};

static struct inode *root_of(struct stack_sb *s)
{
	struct inode *layer = s->upper_mnt->root->inode, *lower = s->lower_mnt->root->inode;
	struct inode *upper = layers_lookup(layer, "upper", 5, 0);

	if (IS_ERR(upper))
		return upper;
	s->work = layers_lookup(layer, "work", 4, 0);
	if (IS_ERR(s->work) || !S_ISDIR(s->work->mode) || !S_ISDIR(upper->mode)) {
		inode_put(upper);
		if (!IS_ERR(s->work))
			inode_put(s->work);
		return ERR_PTR(-ENOTDIR);
	}
	inode_get(lower);
	return wrap(s->sb, NULL, NULL, 0, upper, lower);
}

struct super_block *stack_mount(const struct file_system *fs, const struct overlay_boot *b,
				u32 flags)
{
	struct stack_sb *s = kzalloc(sizeof(*s));
	struct super_block *sb = super_alloc(fs, &stack_super_ops, OVERLAYFS_SUPER_MAGIC, flags);
	struct inode *i;

	if (!s || !sb || itable_init(&s->inodes, key_now)) {
		super_put(sb);
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	s->sb = sb;
	s->lower_mnt = b->lower;
	s->upper_mnt = b->upper;
	s->max_pages = (b->max_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	s->used_pages = (b->used_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	mutex_init(&s->change);
	sb->priv = s;
	sb->max_bytes = b->upper->sb->max_bytes;
	i = root_of(s);
	if (IS_ERR(i)) {
		itable_destroy(&s->inodes);
		kfree(s);
		sb->priv = NULL;
		super_put(sb);
		return (void *)i;
	}
	sb->root = i;
	return sb;
}
