/*
 * fid.c - fids of inodes: made by a walk when needed, kept in an LRU of at most P9_FIDS_MAX, dropped in between.
 *
 * A cached dentry costs no fid. sb->fid_lock (mutex) guards an inode's parent, name and fids and is held over the
 * messages that make them; a fid in use (users > 0) is not dropped. Walks start at the nearest ancestor that has a fid
 * and are checked by qid: a name that leads elsewhere by now is -ESTALE.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "mm/slab.h"

static void release_fid(struct p9_sb *s, struct p9_fids *f, unsigned kind)
{
	u32 fid = f->fid[kind] - 1;

	f->fid[kind] = 0;
	s->nfids--;
	p9_clunk(s->c, fid);
}

bool p9_fid_has(const struct p9_inode *pi, enum p9_fid_kind kind)
{
	const struct p9_fids *f = atomic_load(&pi->i.priv);

	return f && READ_ONCE(f->fid[kind]);
}

/* fid_lock held. 0 or -ENOMEM. */
static int need_fids(struct p9_inode *pi)
{
	struct p9_fids *f;

	if (p9_fids(pi))
		return 0;
	f = kzalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->pi = pi;
	list_init(&f->lru);
	atomic_store(&pi->i.priv, (void *)f);
	return 0;
}

/* Give idle fids back. fid_lock held. */
static void trim(struct p9_sb *s)
{
	struct p9_fids *f, *tmp;

	list_for_each_safe(f, tmp, &s->fids, lru) {
		bool left = false;

		if (s->nfids <= s->max_fids)
			return;
		if (!f->pi->parent || inode_marked(&f->pi->i, P9_GONE))
			continue;
		for (unsigned k = 0; k < P9_FID_KINDS; k++) {
			if (f->fid[k] && !f->users[k])
				release_fid(s, f, k);
			left |= f->fid[k];
		}
		if (!left)
			list_del(&f->lru);
	}
}

void p9_fid_flush(struct p9_sb *s)
{
	unsigned max = s->max_fids;

	mutex_lock(&s->fid_lock);
	s->max_fids = 0;
	trim(s);
	s->max_fids = max;
	mutex_unlock(&s->fid_lock);
}

/* need_fids was called. */
static void keep(struct p9_sb *s, struct p9_inode *pi, unsigned kind, u32 fid)
{
	p9_fids(pi)->fid[kind] = fid + 1;
	s->nfids++;
	list_del(&p9_fids(pi)->lru);
	list_add_tail(&s->fids, &p9_fids(pi)->lru);
}

static struct p9_name name_of(const struct p9_inode *pi)
{
	const char *s = p9_inode_name(pi);

	return (struct p9_name){ s, (unsigned)strlen(s) };
}

/* A new, unopened fid of pi. fid_lock held. */
static int walk_to(struct p9_sb *s, struct p9_inode *pi, u32 *out)
{
	struct p9_name names[P9_MAXWELEM];
	struct p9_qid qid = { .path = pi->i.ino };
	struct p9_inode *a;
	u32 fid = p9_fid_new(s->c), from, depth = 0, left;
	int err;

	if (p9_fid_has(pi, P9_FID_WALK)) {
		err = p9_walk(s->c, p9_fids(pi)->fid[P9_FID_WALK] - 1, fid, NULL, 0, &qid);
		goto done;
	}
	err = -ESTALE;
	if (inode_marked(&pi->i, P9_GONE))
		goto done;
	for (a = pi; !p9_fid_has(a, P9_FID_WALK); a = a->parent)
		depth++;
	from = p9_fids(a)->fid[P9_FID_WALK] - 1;
	for (left = depth; left;) {
		u32 n = MIN(left, (u32)P9_MAXWELEM);

		/* The next n names from the top: those left - n .. left - 1 steps above pi. */
		a = pi;
		for (u32 k = 0; k < left - n; k++)
			a = a->parent;
		for (u32 k = n; k-- > 0; a = a->parent)
			names[k] = name_of(a);
		err = p9_walk(s->c, from, fid, names, n, &qid);
		if (err) {
			if (left != depth) { /* fid exists already */
				p9_clunk(s->c, fid);
				return err;
			}
			goto done;
		}
		from = fid;
		left -= n;
	}
	if (qid.path != pi->i.ino) {
		p9_clunk(s->c, fid);
		return -ESTALE;
	}
done:
	if (err)
		p9_fid_free(s->c, fid);
	else
		*out = fid;
	return err;
}

static u32 open_flags(const struct p9_inode *pi, enum p9_fid_kind kind)
{
	if (S_ISDIR(pi->i.mode))
		return O_RDONLY | O_DIRECTORY;
	return kind == P9_FID_WRITE ? O_RDWR : O_RDONLY;
}

/* Walk and open by one message, where the way is short enough. -EAGAIN: use two. */
static int open_at_once(struct p9_sb *s, struct p9_inode *pi, u32 flags, u32 *out)
{
	struct p9_name names[P9_MAXWELEM];
	struct p9_qid qid = { 0 };
	struct p9_inode *a;
	unsigned n = 0;
	u32 fid;
	int err;

	if (!s->c->moat || inode_marked(&pi->i, P9_GONE))
		return -EAGAIN;
	for (a = pi; !p9_fid_has(a, P9_FID_WALK); a = a->parent) {
		if (++n > P9_MAXWELEM)
			return -EAGAIN;
		names[P9_MAXWELEM - n] = name_of(a);
	}
	fid = p9_fid_new(s->c);
	err = p9_walk_open(s->c, p9_fids(a)->fid[P9_FID_WALK] - 1, fid, names + P9_MAXWELEM - n, n,
			   flags, &qid);
	if (!err && qid.path != pi->i.ino) {
		p9_clunk(s->c, fid);
		return -ESTALE;
	}
	if (err)
		p9_fid_free(s->c, fid);
	else
		*out = fid;
	return err;
}

static int make_fid(struct p9_sb *s, struct p9_inode *pi, enum p9_fid_kind kind, u32 *n)
{
	int err;

	if (kind != P9_FID_WALK) {
		err = open_at_once(s, pi, open_flags(pi, kind), n);
		if (err != -EAGAIN && !(err == -EACCES && kind == P9_FID_WRITE))
			return err;
	}
	err = walk_to(s, pi, n);
	if (err || kind == P9_FID_WALK)
		return err;
	err = p9_lopen(s->c, *n, open_flags(pi, kind));
	if (err == -EACCES && kind == P9_FID_WRITE)
		err = p9_lopen(s->c, *n, O_WRONLY);
	if (err)
		p9_clunk(s->c, *n);
	return err;
}

int p9_fid_get(struct p9_inode *pi, enum p9_fid_kind kind, u32 *fid)
{
	struct p9_sb *s = p9_s(&pi->i);
	int err;
	u32 n;

	mutex_lock(&s->fid_lock);
	err = need_fids(pi);
	if (!err && !p9_fids(pi)->fid[kind]) {
		err = make_fid(s, pi, kind, &n);
		if ((err == -EMFILE || err == -ENFILE) && s->nfids > 16) {
			/* The server has fewer descriptors than we thought. */
			s->max_fids = s->nfids / 2;
			trim(s);
			err = make_fid(s, pi, kind, &n);
		}
		if (!err)
			keep(s, pi, kind, n);
	} else if (!err && pi->parent) {
		list_del(&p9_fids(pi)->lru);
		list_add_tail(&s->fids, &p9_fids(pi)->lru);
	}
	if (!err) {
		p9_fids(pi)->users[kind]++;
		*fid = p9_fids(pi)->fid[kind] - 1;
		trim(s);
	}
	mutex_unlock(&s->fid_lock);
	return err;
}

void p9_fid_adopt(struct p9_inode *pi, enum p9_fid_kind kind, u32 fid)
{
	struct p9_sb *s = p9_s(&pi->i);

	mutex_lock(&s->fid_lock);
	if (need_fids(pi) || p9_fids(pi)->fid[kind]) {
		p9_clunk(s->c, fid);
	} else {
		keep(s, pi, kind, fid);
		trim(s);
	}
	mutex_unlock(&s->fid_lock);
}

int p9_fid_any(struct p9_inode *pi, enum p9_fid_kind *kind, u32 *fid)
{
	*kind = P9_FID_WALK;
	for (unsigned k = 0; k < P9_FID_KINDS; k++)
		if (p9_fid_has(pi, k))
			*kind = k;
	return p9_fid_get(pi, *kind, fid);
}

void p9_fid_put(struct p9_inode *pi, enum p9_fid_kind kind)
{
	struct p9_sb *s = p9_s(&pi->i);

	mutex_lock(&s->fid_lock);
	p9_fids(pi)->users[kind]--;
	mutex_unlock(&s->fid_lock);
}

void p9_fid_drop(struct p9_inode *pi)
{
	struct p9_sb *s = p9_s(&pi->i);
	struct p9_fids *f = p9_fids(pi);

	if (!f)
		return;
	mutex_lock(&s->fid_lock);
	for (unsigned k = 0; k < P9_FID_KINDS; k++)
		if (f->fid[k])
			release_fid(s, f, k);
	list_del(&f->lru);
	mutex_unlock(&s->fid_lock);
	kfree(f);
	pi->i.priv = NULL;
}

int p9_fid_root(struct p9_inode *pi, u32 fid)
{
	struct p9_sb *s = p9_s(&pi->i);

	if (need_fids(pi))
		return -ENOMEM;
	p9_fids(pi)->fid[P9_FID_WALK] = fid + 1;
	p9_fids(pi)->users[P9_FID_WALK] = 1;
	s->nfids++;
	return 0;
}

static bool is_name(const struct p9_inode *pi, const struct p9_inode *parent, const char *name,
		    unsigned len)
{
	const char *s = p9_inode_name(pi);

	return pi->parent == parent && strlen(s) == len && !memcmp(s, name, len);
}

void p9_fid_name_gone(struct p9_inode *pi, struct p9_inode *parent, const char *name, unsigned len)
{
	struct p9_sb *s = p9_s(&pi->i);

	mutex_lock(&s->fid_lock);
	if (is_name(pi, parent, name, len))
		inode_mark(&pi->i, P9_GONE);
	mutex_unlock(&s->fid_lock);
}

/* fid_lock held. 0 or -ENOMEM. */
static int set_name(struct p9_inode *pi, const char *name, unsigned len)
{
	bool apart = inode_marked(&pi->i, P9_LONG_NAME);
	char *to = pi->name;

	if (apart || p9_inode_bytes(len) > p9_inode_bytes(strlen(pi->name))) {
		to = kmalloc(len + 1);
		if (!to)
			return -ENOMEM;
		if (apart)
			kfree(pi->far.s);
		pi->far.s = to;
		inode_mark(&pi->i, P9_LONG_NAME);
	}
	memcpy(to, name, len);
	to[len] = 0;
	return 0;
}

int p9_fid_moved(struct p9_inode *pi, struct p9_inode *parent, const char *name, unsigned len)
{
	struct p9_sb *s = p9_s(&pi->i);
	struct p9_inode *old = NULL;
	int err = 0;

	mutex_lock(&s->fid_lock);
	if (!is_name(pi, parent, name, len)) {
		err = set_name(pi, name, len);
		if (!err && pi->parent != parent) {
			old = pi->parent;
			inode_get(&parent->i);
			pi->parent = parent;
		}
	}
	mutex_unlock(&s->fid_lock);
	if (old)
		inode_put(&old->i);
	return err;
}
