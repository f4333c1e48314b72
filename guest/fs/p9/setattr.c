/*
 * setattr.c - changes of attributes over 9P, and which changes need no answer.
 *
 * Nobody waits for a change whose success is certain: the server handles the messages of a connection in order, so whatever
 * is asked later sees it. Certain is, in a tree that nobody else changes: the mode, the times, or the owner that a file has
 * anyway, of what this sandbox made itself, once the server has done the same to such a file; and the removal of such a
 * file from a directory from which one was removed since its attributes changed. What fails all the same (a disk that
 * breaks, a full copy-on-write file system) is what the next fsync or syncfs answers, as for data that Linux writes late;
 * from then on each change is waited for.
 *
 * inode->mutex is held.
 */
#include <string.h>

#include "fs/p9/p9.h"

/* The server's file ends at size now, and so do our pages, if there are any. */
void p9_set_end(struct inode *i, u64 size)
{
	if (!i->pc)
		return;
	spin_lock(&i->lock);
	p9_pages(i)->srv_size = size;
	spin_unlock(&i->lock);
	pagecache_truncate(i->pc, size);
}

/* Does the server do what it is told to what was made here? */
static bool obeys(struct p9_inode *pi)
{
	struct p9_sb *s = p9_s(&pi->i);

	return pi->made && !s->shared && s->c->moat && !READ_ONCE(s->c->careful);
}

bool p9_removal_is_certain(struct p9_inode *dir, struct p9_inode *victim)
{
	return dir->removes && obeys(victim) && !S_ISDIR(victim->i.mode);
}

static bool is_certain(struct p9_inode *pi, const struct p9_setattr *w)
{
	const struct inode *i = &pi->i;

	if (!obeys(pi) || !(S_ISREG(i->mode) || S_ISDIR(i->mode)))
		return false;
	/* A size needs room, and another owner may have no quota for it. */
	if ((w->valid & P9_SETATTR_SIZE) || (w->valid & P9_SETATTR_UID && w->uid != i->uid) ||
	    (w->valid & P9_SETATTR_GID && w->gid != i->gid))
		return false;
	return !(w->valid & ~READ_ONCE(p9_s(&pi->i)->obeyed));
}

static int send(struct p9_inode *pi, u32 fid, const struct p9_setattr *w)
{
	struct p9_sb *s = p9_s(&pi->i);
	int err;

	if (is_certain(pi, w))
		return p9_setattr_post(s->c, fid, w);
	err = p9_setattr(s->c, fid, w);
	if (!err && pi->made)
		atomic_or(&s->obeyed, w->valid);
	return err;
}

void p9_keep_setid(struct inode *i, u32 fid)
{
	struct p9_setattr mode = { .valid = P9_SETATTR_MODE, .mode = i->mode & 07777 };

	if (i->mode & (S_ISUID | S_ISGID))
		p9_setattr(p9_s(i)->c, fid, &mode);
}

int p9_op_setattr(struct inode *i, const struct setattr *a)
{
	struct p9_inode *pi = p9_i(i);
	struct p9_setattr w = { .mode = a->mode, .uid = a->uid, .gid = a->gid, .size = a->size };
	enum p9_fid_kind kind;
	u32 fid;
	int err;

	if (a->valid & ATTR_MODE)
		w.valid |= P9_SETATTR_MODE;
	if (a->valid & ATTR_UID)
		w.valid |= P9_SETATTR_UID;
	if (a->valid & ATTR_GID)
		w.valid |= P9_SETATTR_GID;
	if (a->valid & ATTR_SIZE)
		w.valid |= P9_SETATTR_SIZE;
	if (a->valid & ATTR_ATIME)
		w.valid |= P9_SETATTR_ATIME |
			   (a->valid & ATTR_ATIME_NOW ? 0 : P9_SETATTR_ATIME_SET);
	/* What a mapping changed before must not be written, and set the time, after this. */
	if ((a->valid & ATTR_MTIME) && inode_pc(i))
		pagecache_sync(i->pc, 0, ~0ULL);
	/* A truncation changes mtime by itself. */
	if ((a->valid & ATTR_MTIME) && !(a->valid & ATTR_SIZE))
		w.valid |= P9_SETATTR_MTIME |
			   (a->valid & ATTR_MTIME_NOW ? 0 : P9_SETATTR_MTIME_SET);
	w.atime_sec = (u64)a->atime.sec;
	w.atime_nsec = a->atime.nsec;
	w.mtime_sec = (u64)a->mtime.sec;
	w.mtime_nsec = a->mtime.nsec;
	/* By a fid that is not open, a truncation would need the right to write once more. */
	if (a->valid & ATTR_SIZE) {
		p9_close_window(i);
		kind = P9_FID_WRITE;
		err = p9_fid_get(pi, kind, &fid);
	} else {
		err = p9_fid_any(pi, &kind, &fid);
	}
	if (err)
		return err;
	if (w.valid)
		err = send(pi, fid, &w);
	if (!err && (a->valid & (ATTR_SIZE | ATTR_MODE)) == ATTR_SIZE)
		p9_keep_setid(i, fid);
	p9_fid_put(pi, kind);
	if (err)
		return err;
	pi->removes = false;
	inode_setattr(i, a);
	if (a->valid & ATTR_SIZE)
		p9_set_end(i, a->size);
	p9_changed(pi);
	return 0;
}
