/*
 * dir.c - directories of tmpfs and of the overlay's upper layer.
 *
 * The directory's mutex is held by the VFS. In an overlay a name that the lower directory has is hidden by a whiteout;
 * names that are not in the table are the lower directory's.
 */
#include <string.h>

#include "fs/tmpfs/tmpfs.h"
#include "mm/slab.h"

static struct inode *tmpfs_lookup_open(struct inode *dir, const char *name, unsigned len,
				       unsigned want)
{
	struct dirnode *n = dirtable_find(&tmpfs_i(dir)->dir, name, len);

	if (!n)
		return overlay_lookup(dir, name, len, want);
	if (!n->inode)
		return ERR_PTR(-ENOENT);
	inode_get(n->inode);
	return n->inode;
}

static struct inode *tmpfs_lookup(struct inode *dir, const char *name, unsigned len)
{
	return tmpfs_lookup_open(dir, name, len, 0);
}

static void changed(struct inode *dir)
{
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	overlay_pin(dir);
}

static void add_links(struct inode *i, int n)
{
	spin_lock(&i->lock);
	i->nlink += (u32)n;
	spin_unlock(&i->lock);
}

/*
 * The name stands for i from now on (takes over its reference on success). A whiteout may be there. covers: unless the
 * name is in the table, the lower layer has it (else it was looked up there just now, in vain).
 */
static int put_name(struct inode *dir, const char *name, unsigned len, struct inode *i, bool covers)
{
	struct dirtable *t = &tmpfs_i(dir)->dir;
	struct dirnode *n = dirtable_find(t, name, len);
	struct inode *old;

	if (n) {
		old = dirtable_set(t, n, i);
		if (old)
			inode_put(old);
	} else {
		n = dirtable_add(t, name, len, i);
		if (!n)
			return -ENOMEM;
		n->covers = covers;
	}
	dir->size = (u64)t->count * 20;
	return 0;
}

/* The name is gone: removed, or covered where the lower layer has it. */
static int drop_name(struct inode *dir, const char *name, unsigned len)
{
	struct dirtable *t = &tmpfs_i(dir)->dir;
	struct dirnode *n = dirtable_find(t, name, len);
	struct inode *old = NULL;

	if ((!n || n->covers) && overlay_has(dir, name, len)) {
		if (n)
			old = dirtable_set(t, n, NULL);
		else if (!dirtable_add(t, name, len, NULL))
			return -ENOMEM;
	} else if (n) {
		old = dirtable_remove(t, n);
	}
	if (old)
		inode_put(old);
	dir->size = (u64)t->count * 20;
	return 0;
}

static struct inode *tmpfs_make(struct inode *dir, const char *name, unsigned len,
				const struct make_args *a)
{
	struct inode *i = tmpfs_new(dir->sb, a);
	int err;

	if (IS_ERR(i))
		return i;
	err = tmpfs_inherit(dir, i);
	if (!err)
		err = put_name(dir, name, len, i, false);
	if (err) {
		inode_put(i);
		return ERR_PTR(err);
	}
	inode_get(i);
	if (S_ISDIR(a->mode))
		add_links(dir, 1);
	changed(dir);
	return i;
}

static struct inode *tmpfs_tmpfile(struct inode *dir, const struct make_args *a)
{
	struct inode *i = tmpfs_new(dir->sb, a);
	int err;

	if (IS_ERR(i))
		return i;
	err = tmpfs_inherit(dir, i);
	if (err) {
		inode_put(i);
		return ERR_PTR(err);
	}
	i->nlink = 0;
	return i;
}

static int tmpfs_link(struct inode *dir, const char *name, unsigned len, struct inode *target)
{
	int err;

	inode_get(target);
	err = put_name(dir, name, len, target, false);
	if (err) {
		inode_put(target);
		return err;
	}
	add_links(target, 1);
	overlay_pin(target);
	inode_touch(target, ATTR_CTIME);
	changed(dir);
	return 0;
}

/* A name of victim went away (it is not a directory, or it is and this was its only name). */
static void lost_name(struct inode *dir, struct inode *victim)
{
	if (S_ISDIR(victim->mode)) {
		add_links(victim, -(int)victim->nlink);
		add_links(dir, -1);
	} else {
		add_links(victim, -1);
	}
	inode_touch(victim, ATTR_CTIME);
	if (victim->nlink)
		overlay_pin(victim);
	else
		overlay_unpin(victim);
}

static int tmpfs_unlink(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	int err = drop_name(dir, name, len);

	if (err)
		return err;
	lost_name(dir, victim);
	changed(dir);
	return 0;
}

static bool is_empty(struct inode *dir)
{
	struct dirtable *t = &tmpfs_i(dir)->dir;

	return t->count == t->whiteouts && overlay_dir_empty(dir);
}

static int tmpfs_rmdir(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	if (!is_empty(victim))
		return -ENOTEMPTY;
	return tmpfs_unlink(dir, name, len, victim);
}

static int exchange(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
		    struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim)
{
	int err;

	inode_get(src);
	err = put_name(ndir, nname, nlen, src, true);
	if (err) {
		inode_put(src);
		return err;
	}
	inode_get(victim);
	err = put_name(odir, oname, olen, victim, true);
	if (err) { /* put the first name back: it is in the table, so that cannot fail */
		put_name(ndir, nname, nlen, victim, true);
		return err;
	}
	if (odir != ndir && S_ISDIR(src->mode) != S_ISDIR(victim->mode)) {
		add_links(ndir, S_ISDIR(src->mode) ? 1 : -1);
		add_links(odir, S_ISDIR(src->mode) ? -1 : 1);
	}
	inode_touch(victim, ATTR_CTIME);
	overlay_pin(victim);
	return 0;
}

static int tmpfs_rename(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
			struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
			unsigned flags)
{
	int err;

	if (flags & RENAME_EXCHANGE) {
		err = exchange(odir, oname, olen, src, ndir, nname, nlen, victim);
		if (err)
			return err;
		goto done;
	}
	if (victim && S_ISDIR(victim->mode) && !is_empty(victim))
		return -ENOTEMPTY;
	/* Two references: one for the new entry, one that outlives the old entry's. */
	inode_get(src);
	inode_get(src);
	err = put_name(ndir, nname, nlen, src, victim);
	if (err) {
		inode_put(src);
		inode_put(src);
		return err;
	}
	if (flags & RENAME_WHITEOUT) {
		struct make_args a = { .mode = S_IFCHR, .uid = src->uid, .gid = src->gid };
		struct inode *w = tmpfs_new(odir->sb, &a);

		err = IS_ERR(w) ? (int)PTR_ERR(w) : put_name(odir, oname, olen, w, true);
	} else {
		err = drop_name(odir, oname, olen);
	}
	inode_put(src);
	if (err)
		return err;
	if (victim)
		lost_name(ndir, victim);
	if (S_ISDIR(src->mode) && odir != ndir) {
		add_links(odir, -1);
		add_links(ndir, 1);
	}
done:
	overlay_pin(src);
	inode_touch(src, ATTR_CTIME);
	changed(odir);
	changed(ndir);
	return 0;
}

static int tmpfs_readdir(struct file *f, struct dir_context *ctx)
{
	struct inode *dir = f->inode;
	bool all = true;

	if (!dir_emit_dots(f, ctx))
		return 0;
	if (ctx->pos < 1ULL << 62)
		all = dirtable_emit(&tmpfs_i(dir)->dir, ctx);
	return all ? overlay_emit(f, ctx) : 0;
}

static void tmpfs_release_dir(struct file *f)
{
	if (f->dir_state)
		file_put(f->dir_state);
}

static int tmpfs_dir_fsync(struct file *f, u64 off, u64 len, bool datasync)
{
	return 0;
}

static const struct file_ops tmpfs_dir_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = tmpfs_readdir,
	.fsync = tmpfs_dir_fsync,
	.release = tmpfs_release_dir,
};
const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup,
	.lookup_open = tmpfs_lookup_open,
	.make = tmpfs_make,
	.tmpfile = tmpfs_tmpfile,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.get_acl = tmpfs_get_acl,
	.set_acl = tmpfs_set_acl,
	.get_flags = tmpfs_get_flags,
	.set_flags = tmpfs_set_flags,
	.open = overlay_open_dir,
	.evict = tmpfs_evict,
	.fops = &tmpfs_dir_fops,
};
