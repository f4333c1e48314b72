/*
 * dir.c - directories over 9P: look-up and changes of names. Listings are in p9/listing.c.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

/* Names that the server is asked for one by one before the directory is read, and between reading parts of it. */
#define LOOKUPS_FIRST 4
#define LOOKUPS_NEXT  2

/* The inode of what was found, which becomes the owner of fid, open for `want`; P9_NOFID: there is none. */
static struct inode *found(struct p9_inode *pd, const struct p9_name *n, const struct p9_attr *a,
			   const char *target, unsigned want, u32 fid)
{
	struct inode *i = p9_inode_get(pd->i.sb, pd, n, a, target);

	if (fid == P9_NOFID)
		return i;
	if (IS_ERR(i))
		p9_clunk(p9_s(&pd->i)->c, fid);
	else
		p9_fid_adopt(p9_i(i), want & MAY_WRITE ? P9_FID_WRITE : P9_FID_READ, fid);
	return i;
}

/* Whoever asks for some names of a directory may ask for all of them (git status): one message brings many. */
static bool find_ahead(struct p9_inode *pd, const struct p9_name *n, struct p9_attr *a)
{
	struct p9_sb *s = p9_s(&pd->i);

	if (s->shared || !s->c->moat || pd->lookups < LOOKUPS_FIRST || pd->lookups % LOOKUPS_NEXT)
		return false;
	p9_listing_ahead(pd);
	return p9_listing_find(pd, n, a);
}

static struct inode *p9_op_lookup_open(struct inode *dir, const char *name, unsigned len,
				       unsigned want)
{
	struct p9_inode *pd = p9_i(dir);
	struct p9_client *c = p9_s(dir)->c;
	struct p9_name n = { name, len };
	u32 dfid, fid = P9_NOFID;
	struct p9_attr a;
	struct inode *i;
	char *target;
	int err;

	if (p9_listing_find(pd, &n, &a) || (!want && find_ahead(pd, &n, &a)))
		return p9_inode_get(dir->sb, pd, &n, &a, NULL);
	err = p9_fid_get(pd, P9_FID_WALK, &dfid);
	if (err)
		return ERR_PTR(err);
	target = kmalloc(PATH_MAX);
	if (!target) {
		p9_fid_put(pd, P9_FID_WALK);
		return ERR_PTR(-ENOMEM);
	}
	*target = 0;
	if (want && c->moat)
		err = p9_lookup_open(c, dfid, &n, &a, target, PATH_MAX,
				     want & MAY_WRITE ? O_RDWR : O_RDONLY, &fid);
	else
		err = p9_lookup(c, dfid, &n, &a, target, PATH_MAX);
	p9_fid_put(pd, P9_FID_WALK);
	if (!err && !want && pd->lookups < 255)
		pd->lookups++;
	i = err ? ERR_PTR(err) : found(pd, &n, &a, target, want, fid);
	kfree(target);
	return i;
}

static struct inode *p9_op_lookup(struct inode *dir, const char *name, unsigned len)
{
	return p9_op_lookup_open(dir, name, len, 0);
}

static int p9_dir_fsync(struct file *f, u64 off, u64 len, bool datasync)
{
	int err, late;
	u32 fid;

	if (p9_s(f->inode)->readonly)
		return 0;
	err = p9_fid_get(p9_i(f->inode), P9_FID_READ, &fid);
	if (!err) {
		err = p9_fsync(p9_s(f->inode)->c, fid, datasync);
		p9_fid_put(p9_i(f->inode), P9_FID_READ);
	}
	late = p9_settle(p9_s(f->inode)->c);
	return err ? err : late;
}

/* ---- changes ---- */

/* One message makes and opens it: whoever makes a file mostly writes to it. */
static struct inode *make_moat(struct inode *dir, u32 dfid, const struct p9_name *n,
			       const struct make_args *a)
{
	struct p9_attr attr;
	struct inode *i;
	u32 fid;
	int err = p9_make(p9_s(dir)->c, dfid, n, a, &attr, &fid);

	if (err)
		return ERR_PTR(err);
	i = found(p9_i(dir), n, &attr, a->target, MAY_WRITE, fid);
	if (!IS_ERR(i))
		p9_i(i)->made = true;
	if (!IS_ERR(i) && inode_need_pc(i)) { /* it is written next */
		inode_put(i);
		i = ERR_PTR(-ENOMEM);
	}
	if (!IS_ERR(i) && S_ISDIR(a->mode) && S_ISDIR(i->mode) && !p9_s(dir)->shared)
		inode_mark(i, INODE_COMPLETE); /* and empty */
	return i;
}

static struct inode *p9_op_make(struct inode *dir, const char *name, unsigned len,
				const struct make_args *a)
{
	struct p9_name n = { name, len };
	struct inode *i = NULL;
	u32 fid;
	int err;

	err = p9_fid_get(p9_i(dir), P9_FID_WALK, &fid);
	if (err)
		return ERR_PTR(err);
	if (p9_s(dir)->c->moat)
		i = make_moat(dir, fid, &n, a);
	else
		err = p9_make_plain(p9_s(dir)->c, fid, &n, a);
	p9_fid_put(p9_i(dir), P9_FID_WALK);
	p9_listing_names_changed(p9_i(dir));
	p9_changed(p9_i(dir));
	if (err)
		return ERR_PTR(err);
	if (i)
		return i;
	i = p9_op_lookup(dir, name, len);
	if (!IS_ERR(i) && i->uid != a->uid) {
		struct setattr sa = { .valid = ATTR_UID, .uid = a->uid };

		p9_op_setattr(i, &sa); /* a server that may not leaves the owner as it is */
	}
	return i;
}

static int p9_op_link(struct inode *dir, const char *name, unsigned len, struct inode *target)
{
	struct p9_name n = { name, len };
	u32 dfid, fid;
	enum p9_fid_kind kind;
	int err;

	err = p9_fid_get(p9_i(dir), P9_FID_WALK, &dfid);
	if (err)
		return err;
	err = p9_fid_any(p9_i(target), &kind, &fid);
	if (!err) {
		err = p9_link(p9_s(dir)->c, dfid, fid, &n);
		p9_fid_put(p9_i(target), kind);
	}
	p9_fid_put(p9_i(dir), P9_FID_WALK);
	if (err)
		return err;
	spin_lock(&target->lock);
	target->nlink++; /* until the server is asked */
	spin_unlock(&target->lock);
	p9_listing_names_changed(p9_i(dir));
	p9_changed(p9_i(target));
	p9_changed(p9_i(dir));
	return err;
}

/* An inode whose remembered name went away: found again by another name if it has one, else by its fids alone. */
static void name_lost(struct p9_inode *dir, const char *name, unsigned len, struct p9_inode *victim)
{
	struct p9_sb *s = p9_s(&dir->i);

	p9_listing_names_changed(dir);
	p9_changed(victim);
	p9_changed(dir);
	p9_fid_name_gone(victim, dir, name, len);
	spin_lock(&victim->i.lock);
	if (victim->i.nlink)
		victim->i.nlink = S_ISDIR(victim->i.mode) ? 0 : victim->i.nlink - 1;
	spin_unlock(&victim->i.lock);
	if (!victim->i.nlink) /* its number is free for something new */
		itable_remove(&s->inodes, &victim->i);
}

static int remove(struct inode *dir, const char *name, unsigned len, struct inode *victim,
		  u32 flags)
{
	struct p9_name n = { name, len };
	enum p9_fid_kind kind = P9_FID_WALK;
	u32 fid, vfid;
	int err;

	/* A fid of the victim keeps it reachable while it has other users. */
	bool held = atomic_load(&victim->ref.n) > 2 && !p9_fid_any(p9_i(victim), &kind, &vfid);

	err = p9_fid_get(p9_i(dir), P9_FID_WALK, &fid);
	if (!err) {
		if (!flags && p9_removal_is_certain(p9_i(dir), p9_i(victim)))
			err = p9_unlinkat_post(p9_s(dir)->c, fid, &n);
		else
			err = p9_unlinkat(p9_s(dir)->c, fid, &n, flags);
		if (!err && !flags)
			p9_i(dir)->removes = true;
		p9_fid_put(p9_i(dir), P9_FID_WALK);
	}
	if (!err)
		name_lost(p9_i(dir), name, len, p9_i(victim));
	if (held)
		p9_fid_put(p9_i(victim), kind);
	return err;
}

static int p9_op_unlink(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	return remove(dir, name, len, victim, 0);
}

static int p9_op_rmdir(struct inode *dir, const char *name, unsigned len, struct inode *victim)
{
	return remove(dir, name, len, victim, P9_AT_REMOVEDIR);
}

static int p9_op_rename(struct inode *odir, const char *oname, unsigned olen, struct inode *src,
			struct inode *ndir, const char *nname, unsigned nlen, struct inode *victim,
			unsigned flags)
{
	struct p9_name on = { oname, olen }, nn = { nname, nlen };
	u32 ofid, nfid;
	int err;

	err = p9_fid_get(p9_i(odir), P9_FID_WALK, &ofid);
	if (err)
		return err;
	err = p9_fid_get(p9_i(ndir), P9_FID_WALK, &nfid);
	if (!err) {
		/*
		 * NOREPLACE was checked under the locks; nobody else changes the tree. A whiteout is for the
		 * server to refuse, but in the writable layer of an overlay.
		 */
		err = p9_renameat(p9_s(odir)->c, ofid, &on, nfid, &nn,
				  flags & (RENAME_EXCHANGE | RENAME_WHITEOUT));
		p9_fid_put(p9_i(ndir), P9_FID_WALK);
	}
	p9_fid_put(p9_i(odir), P9_FID_WALK);
	if (err)
		return err;
	p9_listing_forget(p9_s(odir), p9_i(odir));
	p9_listing_forget(p9_s(odir), p9_i(ndir));
	if (victim && !(flags & RENAME_EXCHANGE))
		name_lost(p9_i(ndir), nname, nlen, p9_i(victim));
	err = p9_fid_moved(p9_i(src), p9_i(ndir), nname, nlen);
	if (!err && (flags & RENAME_EXCHANGE))
		err = p9_fid_moved(p9_i(victim), p9_i(odir), oname, olen);
	/* A server that remembers path strings (diod) has lost all that lay below. */
	if (!p9_s(odir)->c->moat && S_ISDIR(src->mode))
		p9_fid_flush(p9_s(odir));
	p9_changed(p9_i(src));
	p9_changed(p9_i(odir));
	p9_changed(p9_i(ndir));
	return err;
}

/* Of a shared tree: does the name still mean this inode (NULL: nothing)? Its attributes and content are renewed. */
static bool revalidate(struct inode *dir, const char *name, unsigned len, struct inode *i)
{
	struct p9_inode *pd = p9_i(dir);
	struct p9_name n = { name, len };
	struct p9_attr a;
	u32 fid;
	int err;

	err = p9_fid_get(pd, P9_FID_WALK, &fid);
	if (err)
		return false;
	err = p9_lookup(p9_s(dir)->c, fid, &n, &a, NULL, 0);
	p9_fid_put(pd, P9_FID_WALK);
	return i ? !err && p9_still(i, &a) : err == -ENOENT;
}

static const struct file_ops p9_dir_fops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = p9_readdir,
	.fsync = p9_dir_fsync,
	.release = p9_dir_release,
};

#define DIR_OPS                                                                                   \
	.lookup = p9_op_lookup, .lookup_open = p9_op_lookup_open, .make = p9_op_make,             \
	.link = p9_op_link, .unlink = p9_op_unlink, .rmdir = p9_op_rmdir, .rename = p9_op_rename, \
	.getattr = p9_op_getattr, .setattr = p9_op_setattr, .getxattr = p9_op_getxattr,           \
	.setxattr = p9_op_setxattr, .listxattr = p9_op_listxattr, .open = p9_op_open,             \
	.evict = p9_op_evict, .fops = &p9_dir_fops

const struct inode_ops p9_dir_ops = { DIR_OPS };
const struct inode_ops p9_shared_dir_ops = { DIR_OPS, .revalidate = revalidate };
