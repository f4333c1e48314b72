/*
 * pseudo.c - building blocks of pseudo file systems: static trees of directories, generated text files and links.
 *
 * A directory's entries are a dirtable, guarded by its mutex; arg pointers belong to whoever made the file.
 */
#include <string.h>

#include "fs/dirtable.h"
#include "fs/poll_bits.h"
#include "fs/pseudo.h"
#include "lib/log.h"
#include "mm/slab.h"

enum { DIR_NODE = 1, TEXT_NODE, LINK_NODE, OTHER_NODE };

struct pseudo_inode {
	struct inode i;
	int kind;
	struct dirtable dir;
	const struct text_ops *text;
	char *link;
	int (*fill)(struct inode *dir); /* makes the entries when they are first looked at */
	bool filling;			/* it runs, with the directory locked */
};

static struct pseudo_inode *pseudo_i(struct inode *i)
{
	return container_of(i, struct pseudo_inode, i);
}

static void pseudo_evict(struct inode *i)
{
	struct pseudo_inode *p = pseudo_i(i);

	if (p->kind == DIR_NODE)
		dirtable_free(&p->dir);
	if (p->kind == TEXT_NODE && p->text->evict)
		p->text->evict(i->priv);
	kfree(p->link);
}

int pseudo_setattr(struct inode *i, const struct setattr *a)
{
	if (!(a->valid & ATTR_SIZE)) /* truncation: open(O_TRUNC) before a write, as shells do */
		inode_setattr(i, a);
	return 0;
}

/* ---- text ---- */

static int text_open(struct inode *i, struct file *f)
{
	const struct text_ops *t = pseudo_i(i)->text;

	if ((f->mode & FMODE_WRITE) && !t->store && !t->store_by)
		return -EACCES;
	return t->open ? t->open(i->priv, f) : 0;
}

/* What counts the news of f; NULL: nothing does. */
static struct text_event *event_of(const struct file *f)
{
	const struct text_ops *t = pseudo_i(f->inode)->text;

	return t->event ? t->event(f->inode->priv) : NULL;
}

/* Make the part of the content in which pos lies. 0 or -errno. */
static int text_fill(struct seq *s, const struct text_ops *t, void *arg, u64 pos)
{
	bool again = pos == 0 || !s->buf || pos < s->start;
	int err = 0;

	if (again)
		s->start = s->next = s->len = 0;
	while (!err && (again || (s->next && pos >= s->start + s->len))) {
		again = false;
		s->start += s->len;
		s->len = 0;
		s->failed = false;
		err = t->show ? t->show(s, arg) : -EINVAL;
		err = err ? err : s->failed ? -ENOMEM : 0;
	}
	if (err)
		seq_free(s); /* the next read begins anew */
	return err;
}

/* The content as an open file reads it. Its lock is no inode's, as what is shown needs locks that come before those. */
struct text {
	struct mutex lock;
	struct seq seq;
	u32 seen; /* what its text_event counted when it was last read */
};

/* f's, made at its first read. NULL: out of memory. */
static struct text *text_of(struct file *f)
{
	struct text *t = atomic_load(&f->dir_state), *made;

	if (t)
		return t;
	made = kzalloc(sizeof(*made));
	if (!made)
		return NULL;
	mutex_init(&made->lock);
	if (atomic_cas(&f->dir_state, NULL, made))
		return made;
	kfree(made);
	return atomic_load(&f->dir_state);
}

static s64 text_read(struct file *f, struct iov *to, u64 *pos)
{
	struct text_event *e = event_of(f);
	struct text *t = text_of(f);
	struct seq *s;
	size_t n;
	s64 ret;

	if (!t)
		return -ENOMEM;
	s = &t->seq;
	mutex_lock(&t->lock);
	if (e && !*pos)
		t->seen = READ_ONCE(e->count);
	ret = text_fill(s, pseudo_i(f->inode)->text, f->inode->priv, *pos);
	if (!ret && *pos >= s->start && *pos < s->start + s->len) {
		n = MIN(to->left, s->len - (size_t)(*pos - s->start));
		ret = (s64)iov_to(to, s->buf + (*pos - s->start), n);
		*pos += (u64)ret;
		if (!ret && n)
			ret = -EFAULT;
	}
	mutex_unlock(&t->lock);
	return ret;
}

static s64 text_write(struct file *f, struct iov *from, u64 *pos)
{
	const struct text_ops *t = pseudo_i(f->inode)->text;
	size_t n = MIN(from->left, PAGE_SIZE - 1);
	char *buf;
	s64 r;

	if (!t->store && !t->store_by)
		return -EINVAL;
	buf = kmalloc(PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	if (iov_from(from, buf, n) != n) {
		r = -EFAULT;
	} else {
		buf[n] = 0;
		r = t->store_by ? t->store_by(f, buf, n) : t->store(f->inode->priv, buf, n);
	}
	if (r > 0)
		*pos += (u64)r;
	kfree(buf);
	return r;
}

static u32 text_poll(struct file *f, struct poll_table *pt)
{
	struct text *t = atomic_load(&f->dir_state);
	struct text_event *e = event_of(f);
	u32 ready = POLL_READABLE | POLL_WRITABLE;

	if (!e)
		return ready;
	poll_wait(f, &e->q, pt);
	if (READ_ONCE(e->count) != (t ? READ_ONCE(t->seen) : 0))
		ready |= POLLERR | POLLPRI;
	return ready;
}

static void text_release(struct file *f)
{
	struct text *t = f->dir_state;

	if (t)
		seq_free(&t->seq);
	kfree(t);
}

const struct file_ops pseudo_text_fops = {
	.read = text_read,
	.write = text_write,
	.poll = text_poll,
	.seek = generic_seek,
	.release = text_release,
};

static const struct inode_ops text_iops = {
	.open = text_open,
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
	.fops = &pseudo_text_fops,
};
static const struct inode_ops other_iops = {
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
};

/* ---- directories ---- */

/* dir locked */
static void fill_once(struct inode *dir)
{
	struct pseudo_inode *p = pseudo_i(dir);
	int (*fill)(struct inode * dir) = p->fill;

	if (!fill)
		return;
	p->fill = NULL;
	p->filling = true;
	dir->nlink = 2;
	if (fill(dir))
		klog("out of memory: a directory of /proc or /sys is incomplete");
	p->filling = false;
}

struct inode *pseudo_lookup(struct inode *dir, const char *name, unsigned len)
{
	struct dirnode *n;

	fill_once(dir);
	n = dirtable_find(&pseudo_i(dir)->dir, name, len);
	if (!n)
		return ERR_PTR(-ENOENT);
	inode_get(n->inode);
	return n->inode;
}

bool pseudo_readdir_static(struct inode *dir, struct dir_context *ctx)
{
	fill_once(dir);
	return dirtable_emit(&pseudo_i(dir)->dir, ctx);
}

static int pseudo_readdir(struct file *f, struct dir_context *ctx)
{
	if (dir_emit_dots(f, ctx))
		pseudo_readdir_static(f->inode, ctx);
	return 0;
}

const struct file_ops pseudo_dir_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = pseudo_readdir,
};
const struct inode_ops pseudo_dir_ops = {
	.lookup = pseudo_lookup,
	.setattr = pseudo_setattr,
	.evict = pseudo_evict,
	.fops = &pseudo_dir_fops,
};

/* ---- inodes ---- */

static struct inode *new_inode(struct super_block *sb, u32 mode, int kind, void *arg)
{
	struct inode *i = inode_alloc_size(sb, mode, sizeof(struct pseudo_inode));

	if (!i)
		return NULL;
	pseudo_i(i)->kind = kind;
	i->ops = &other_iops;
	i->priv = arg;
	i->flags |= INODE_NOATIME;
	return i;
}

struct inode *pseudo_text_inode(struct super_block *sb, u32 mode, const struct text_ops *ops,
				void *arg)
{
	struct inode *i = new_inode(sb, S_IFREG | (mode & 07777), TEXT_NODE, arg);

	if (i) {
		pseudo_i(i)->text = ops;
		i->ops = &text_iops;
	}
	return i;
}

struct inode *pseudo_link_inode(struct super_block *sb, const char *target)
{
	struct inode *i = new_inode(sb, S_IFLNK | 0777, LINK_NODE, NULL);

	if (!i)
		return NULL;
	pseudo_i(i)->link = kstrdup(target);
	if (!pseudo_i(i)->link) {
		inode_put(i);
		return NULL;
	}
	i->link = pseudo_i(i)->link;
	i->size = strlen(target);
	return i;
}

struct inode *pseudo_dir_inode(struct super_block *sb, u32 mode, const struct inode_ops *ops,
			       void *arg)
{
	struct inode *i = new_inode(sb, S_IFDIR | (mode & 07777), DIR_NODE, arg);

	if (i) {
		dirtable_init(&pseudo_i(i)->dir);
		i->ops = ops ? ops : &pseudo_dir_ops;
		i->nlink = 2;
	}
	return i;
}

/* ---- trees ---- */

int pseudo_add_locked(struct inode *parent, const char *name, struct inode *i)
{
	struct dirtable *t = &pseudo_i(parent)->dir;
	unsigned len = (unsigned)strlen(name);

	if (dirtable_find(t, name, len))
		return -EEXIST;
	if (!dirtable_add(t, name, len, i))
		return -ENOMEM;
	if (S_ISDIR(i->mode))
		parent->nlink++;
	return 0;
}

int pseudo_add(struct inode *parent, const char *name, struct inode *i)
{
	bool filling =
		pseudo_i(parent)->filling; /* then it is locked, and no name of it is cached */
	int err;

	if (!filling)
		mutex_lock(&parent->mutex);
	err = pseudo_add_locked(parent, name, i);
	if (!filling)
		mutex_unlock(&parent->mutex);
	if (!err && !filling)
		dcache_drop(parent, name, (unsigned)strlen(name)); /* it may be cached as missing */
	return err;
}

struct inode *pseudo_remove_locked(struct inode *parent, const char *name, unsigned len)
{
	struct dirtable *t = &pseudo_i(parent)->dir;
	struct dirnode *n = dirtable_find(t, name, len);
	struct inode *i = n ? dirtable_remove(t, n) : NULL;

	if (i && S_ISDIR(i->mode))
		parent->nlink--;
	if (i)
		i->nlink = 0;
	return i;
}

int pseudo_remove(struct inode *parent, const char *name)
{
	unsigned len = (unsigned)strlen(name);
	struct inode *i;

	mutex_lock(&parent->mutex);
	i = pseudo_remove_locked(parent, name, len);
	mutex_unlock(&parent->mutex);
	if (!i)
		return -ENOENT;
	dcache_drop(parent, name, len);
	inode_put(i);
	return 0;
}

/* Enter a new inode, or drop it. */
static struct inode *enter(struct inode *parent, const char *name, struct inode *i)
{
	if (i && pseudo_add(parent, name, i)) {
		inode_put(i);
		i = NULL;
	}
	return i;
}

struct inode *pseudo_dir(struct inode *parent, const char *name, u32 mode)
{
	return enter(parent, name, pseudo_dir_inode(parent->sb, mode, NULL, NULL));
}

struct inode *pseudo_dir_inode_lazy(struct super_block *sb, u32 mode,
				    int (*fill)(struct inode *dir), void *arg)
{
	struct inode *i = pseudo_dir_inode(sb, mode, NULL, arg);

	if (i) {
		pseudo_i(i)->fill = fill;
		i->nlink = 1; /* "not known": find(1) would believe a 2 */
	}
	return i;
}

struct inode *pseudo_dir_lazy(struct inode *parent, const char *name, u32 mode,
			      int (*fill)(struct inode *dir))
{
	return enter(parent, name, pseudo_dir_inode_lazy(parent->sb, mode, fill, NULL));
}

struct inode *pseudo_text(struct inode *parent, const char *name, u32 mode,
			  const struct text_ops *ops, void *arg)
{
	return enter(parent, name, pseudo_text_inode(parent->sb, mode, ops, arg));
}

struct inode *pseudo_link(struct inode *parent, const char *name, const char *target)
{
	return enter(parent, name, pseudo_link_inode(parent->sb, target));
}

struct inode *pseudo_node(struct inode *parent, const char *name, u32 mode, u32 rdev)
{
	struct inode *i = new_inode(parent->sb, mode, OTHER_NODE, NULL);

	if (i)
		i->rdev = rdev;
	return enter(parent, name, i);
}

struct super_block *pseudo_super(const struct file_system *fs, u32 magic, u32 flags)
{
	struct super_block *sb = super_alloc(fs, NULL, magic, flags);

	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->root = pseudo_dir_inode(sb, 0755, NULL, NULL);
	if (!sb->root) {
		super_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	return sb;
}
