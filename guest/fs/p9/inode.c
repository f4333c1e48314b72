/*
 * inode.c - 9P's inodes: one per qid, their attributes and opening.
 *
 * Caching `exclusive`: only this sandbox changes the tree, so attributes hold until we change something that the server
 * computes (times, link counts); then they are stale and the next getattr asks. `shared`: each look-up of a name and each
 * getattr asks, and content that has changed on the host is read anew from the next open or stat on. Two writers that
 * append to one file from both sides need O_APPEND locks of their own: where the file ended is what we saw last. Times are
 * shown within the range of fs_time_pack.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "lib/log.h"
#include "mm/slab.h"

/* As an inode keeps it. */
static u64 time_of(u64 sec, u64 nsec)
{
	return fs_time_pack((struct fs_time){ (s64)sec, (u32)(nsec % 1000000000) });
}

static void p9_attr_apply(struct inode *i, const struct p9_attr *a)
{
	spin_lock(&i->lock);
	i->mode = (u16)((i->mode & S_IFMT) | (a->mode & 07777));
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = (u32)a->nlink;
	if (inode_is_device(i))
		i->rdev = dev_decode(a->rdev);
	else
		i->blocks = a->blocks;
	i->atime = time_of(a->atime_sec, a->atime_nsec);
	i->mtime = time_of(a->mtime_sec, a->mtime_nsec);
	i->ctime = time_of(a->ctime_sec, a->ctime_nsec);
	i->btime = i->ctime;
	if (a->valid & P9_STATS_BTIME)
		i->btime = time_of(a->btime_sec, a->btime_nsec);
	/* The size of a file with a page cache is changed by our own writes only. */
	if (!S_ISREG(i->mode))
		i->size = a->size;
	spin_unlock(&i->lock);
}

static bool known_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: return true;
	default: return false;
	}
}

static const struct inode_ops link_ops, special_ops; /* at the end, behind what they name */

static void set_ops(struct inode *i)
{
	switch (i->mode & S_IFMT) {
	case S_IFDIR: i->ops = p9_s(i)->shared ? &p9_shared_dir_ops : &p9_dir_ops; break;
	case S_IFREG: i->ops = &p9_file_ops; break;
	case S_IFLNK: i->ops = &link_ops; break;
	default: i->ops = &special_ops;
	}
}

/* The same number, and not of something that was made later? */
static bool same_file(const struct inode *i, const struct p9_attr *a)
{
	if ((i->mode & S_IFMT) != (a->mode & S_IFMT))
		return false;
	if (!(a->valid & P9_STATS_BTIME))
		return true;
	return i->btime == time_of(a->btime_sec, a->btime_nsec);
}

/* The server's view at this moment. */
static int ask(struct inode *i, struct p9_attr *a)
{
	enum p9_fid_kind kind;
	u32 fid;
	int err = p9_fid_any(p9_i(i), &kind, &fid);

	if (err)
		return err;
	err = p9_getattr(p9_s(i)->c, fid, a);
	p9_fid_put(p9_i(i), kind);
	return err;
}

/*
 * Seen again: if somebody outside changed the content, ours is thrown away; in a shared tree also under writers of ours,
 * whose data the server has, but for pages that a mapping changed. A time that our own write changed proves nothing.
 */
static void seen_again(struct inode *i, const struct p9_attr *a)
{
	bool shared = p9_s(i)->shared;
	struct p9_attr now;
	bool same = i->size == a->size &&
		    (inode_marked(i, P9_STALE) || i->mtime == time_of(a->mtime_sec, a->mtime_nsec));

	if (shared && (same || !S_ISREG(i->mode))) {
		inode_unmark(i, P9_STALE);
		p9_attr_apply(i, a);
		return;
	}
	if (!S_ISREG(i->mode) || same || (!shared && atomic_load(&i->writecount) > 0))
		return;
	mutex_lock(&i->mutex);
	if (shared && i->pc) {
		pagecache_sync(i->pc, 0, ~0ULL);
		/* Without the mutex a was perhaps older than a write of ours. */
		if (!ask(i, &now))
			a = &now;
	}
	if (i->pc) {
		p9_close_window(i);
		pagecache_invalidate(i->pc, 0, ~0ULL);
		p9_set_end(i, a->size);
	}
	i->size = a->size;
	p9_attr_apply(i, a);
	mutex_unlock(&i->mutex);
}

bool p9_still(struct inode *i, const struct p9_attr *a)
{
	if (i->ino != a->qid.path || !same_file(i, a))
		return false;
	seen_again(i, a);
	return true;
}

struct inode *p9_inode_get(struct super_block *sb, struct p9_inode *parent,
			   const struct p9_name *name, const struct p9_attr *a, const char *target)
{
	struct p9_sb *s = sb->priv;
	struct inode *i = itable_get(&s->inodes, a->qid.path), *have;
	struct p9_inode *pi;

	if (i && same_file(i, a)) {
		/* Any of its names will do, but this one is right now. */
		if (parent && !p9_fid_moved(p9_i(i), parent, name->s, name->len))
			inode_unmark(i, P9_GONE);
		seen_again(i, a);
		return i;
	}
	if (i) { /* the host reused the number of something that went away behind our back */
		itable_remove(&s->inodes, i);
		inode_mark(i, P9_GONE);
		inode_put(i);
	}
	if (!known_type(a->mode))
		return ERR_PTR(-EIO);
	i = inode_alloc_size(sb, a->mode, p9_inode_bytes(name ? name->len : 0));
	if (!i)
		return ERR_PTR(-ENOMEM);
	pi = p9_i(i);
	i->ino = a->qid.path;
	i->size = a->size;
	p9_attr_apply(i, a);
	set_ops(i);
	if (parent) {
		inode_get(&parent->i);
		pi->parent = parent;
		memcpy(pi->name, name->s, name->len);
	}
	if (S_ISLNK(i->mode) && target && *target) {
		i->link = kstrdup(target);
		i->size = strlen(target);
	}
	have = itable_insert(&s->inodes, i);
	if (!have)
		return i;
	inode_put(i);
	return have;
}

void p9_op_evict(struct inode *i)
{
	struct p9_inode *pi = p9_i(i);

	struct pagecache *pc = inode_pc(i);

	if (pc && i->nlink)
		pagecache_sync(pc, 0, ~0ULL); /* what a mapping changed */
	itable_remove(&p9_s(i)->inodes, i);
	if (pc) {
		pagecache_destroy(pc);
		kfree(p9_pages(i));
	}
	if (S_ISDIR(i->mode))
		p9_listing_forget(p9_s(i), pi);
	p9_fid_drop(pi);
	if (pi->parent)
		inode_put(&pi->parent->i);
	if (inode_marked(i, P9_LONG_NAME))
		kfree(pi->far.s);
	if (S_ISLNK(i->mode))
		kfree((void *)i->link);
}

void p9_changed(struct p9_inode *pi)
{
	inode_mark(&pi->i, P9_STALE);
	if (!p9_s(&pi->i)->shared)
		p9_listing_drop(pi);
}

static int p9_refresh(struct inode *i)
{
	struct p9_attr a;
	int err;

	if (p9_s(i)->shared) {
		err = ask(i, &a);
		if (!err)
			seen_again(i, &a);
		return err;
	}
	if (!inode_marked(i, P9_STALE))
		return 0;
	inode_unmark(i, P9_STALE);
	err = ask(i, &a);
	if (err)
		inode_mark(i, P9_STALE);
	else
		p9_attr_apply(i, &a);
	return err;
}

int p9_op_getattr(struct inode *i, struct stat_info *st)
{
	int err = p9_refresh(i);

	inode_getattr(i, st);
	return err;
}

/* Keep the fid for as long as the file is open: it may be unlinked meanwhile. */
int p9_op_open(struct inode *i, struct file *f)
{
	struct p9_inode *pi = p9_i(i);
	/* Made a moment ago it is open for both. */
	bool both = p9_fid_has(pi, P9_FID_WRITE) && !p9_fid_has(pi, P9_FID_READ);
	enum p9_fid_kind kind = f->mode & FMODE_WRITE || both ? P9_FID_WRITE : P9_FID_READ;
	u32 fid;
	int err = inode_need_pc(i);

	if (err)
		return err;
	if (f->mode & FMODE_WRITE)
		p9_close_window(i);
	/* A name was just looked up; an export that is a file has none. */
	if (p9_s(i)->shared && !p9_i(i)->parent)
		p9_refresh(i);
	err = p9_fid_get(pi, kind, &fid);
	if (!err)
		f->priv = (void *)(uintptr_t)(kind + 1);
	return err;
}

static const struct inode_ops link_ops = {
	.getattr = p9_op_getattr,
	.setattr = p9_op_setattr,
	.getxattr = p9_op_getxattr,
	.setxattr = p9_op_setxattr,
	.listxattr = p9_op_listxattr,
	.evict = p9_op_evict,
};
static const struct inode_ops special_ops = {
	.getattr = p9_op_getattr,
	.setattr = p9_op_setattr,
	.getxattr = p9_op_getxattr,
	.setxattr = p9_op_setxattr,
	.listxattr = p9_op_listxattr,
	.evict = p9_op_evict,
};
