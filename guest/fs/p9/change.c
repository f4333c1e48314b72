/*
 * change.c - the messages that change names: make, link, unlink, rename, allocate.
 */
#include <string.h>

#include "fs/p9/p9.h"

/* Servers from before Tunlinkat and Trenameat (diod) have the older messages, by fid. */
static int remove_by_fid(struct p9_client *c, u32 dfid, const struct p9_name *name)
{
	u32 fid = p9_fid_new(c);
	struct p9_qid qid;
	struct p9_req *r;
	int err;

	err = p9_walk(c, dfid, fid, name, 1, &qid);
	if (!err) {
		r = p9_begin(c, P9_TREMOVE); /* clunks the fid in any case */
		if (IS_ERR(r))
			return (int)PTR_ERR(r);
		p9_put32(&r->out, fid);
		err = p9_call(r);
		p9_end(r);
	}
	p9_fid_free(c, fid);
	return err;
}

static int rename_by_fid(struct p9_client *c, u32 odfid, const struct p9_name *old, u32 ndfid,
			 const struct p9_name *new)
{
	u32 fid = p9_fid_new(c);
	struct p9_qid qid;
	struct p9_req *r;
	int err;

	err = p9_walk(c, odfid, fid, old, 1, &qid);
	if (err) {
		p9_fid_free(c, fid);
		return err;
	}
	r = p9_begin(c, P9_TRENAME);
	err = (int)PTR_ERR(r);
	if (!IS_ERR(r)) {
		p9_put32(&r->out, fid);
		p9_put32(&r->out, ndfid);
		p9_putstr(&r->out, new->s, new->len);
		err = p9_call(r);
	}
	p9_end(r);
	p9_clunk(c, fid);
	return err;
}

static struct p9_req *begin_unlinkat(struct p9_client *c, u32 dfid, const struct p9_name *name,
				     u32 flags)
{
	struct p9_req *r = p9_begin(c, P9_TUNLINKAT);

	if (!IS_ERR(r)) {
		p9_put32(&r->out, dfid);
		p9_putstr(&r->out, name->s, name->len);
		p9_put32(&r->out, flags);
	}
	return r;
}

int p9_unlinkat_post(struct p9_client *c, u32 dfid, const struct p9_name *name)
{
	struct p9_req *r = begin_unlinkat(c, dfid, name, 0);

	return IS_ERR(r) ? (int)PTR_ERR(r) : p9_post(r);
}

int p9_unlinkat(struct p9_client *c, u32 dfid, const struct p9_name *name, u32 flags)
{
	struct p9_req *r = begin_unlinkat(c, dfid, name, flags);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	err = p9_call(r);
	p9_end(r);
	return err == -EOPNOTSUPP && !c->moat ? remove_by_fid(c, dfid, name) : err;
}

int p9_link(struct p9_client *c, u32 dfid, u32 fid, const struct p9_name *name)
{
	struct p9_req *r = p9_begin(c, P9_TLINK);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, dfid);
	p9_put32(&r->out, fid);
	p9_putstr(&r->out, name->s, name->len);
	err = p9_call(r);
	p9_end(r);
	return err;
}

int p9_renameat(struct p9_client *c, u32 odfid, const struct p9_name *old, u32 ndfid,
		const struct p9_name *new, u32 flags)
{
	struct p9_req *r;
	int err;

	if (flags && !c->moat)
		return -EINVAL;
	r = p9_begin(c, c->moat ? P9_TRENAMEAT2 : P9_TRENAMEAT);
	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, odfid);
	p9_putstr(&r->out, old->s, old->len);
	p9_put32(&r->out, ndfid);
	p9_putstr(&r->out, new->s, new->len);
	if (c->moat)
		p9_put32(&r->out, flags);
	err = p9_call(r);
	p9_end(r);
	return err == -EOPNOTSUPP && !c->moat ? rename_by_fid(c, odfid, old, ndfid, new) : err;
}

int p9_allocate(struct p9_client *c, u32 fid, u32 mode, u64 off, u64 len)
{
	struct p9_req *r;
	int err;

	if (!c->moat)
		return -EOPNOTSUPP;
	r = p9_begin(c, P9_TALLOCATE);
	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put32(&r->out, mode);
	p9_put64(&r->out, off);
	p9_put64(&r->out, len);
	err = p9_call(r);
	p9_end(r);
	return err;
}

int p9_make(struct p9_client *c, u32 dfid, const struct p9_name *name, const struct make_args *a,
	    struct p9_attr *attr, u32 *fid)
{
	const char *target = a->target ? a->target : "";
	struct p9_req *r = p9_begin(c, P9_TMAKE);
	bool open = S_ISREG(a->mode);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	*fid = open ? p9_fid_new(c) : P9_NOFID;
	p9_put32(&r->out, dfid);
	p9_put32(&r->out, *fid);
	p9_putstr(&r->out, name->s, name->len);
	p9_put32(&r->out, a->mode);
	p9_put64(&r->out, 0);
	p9_put32(&r->out, a->uid);
	p9_put32(&r->out, a->gid);
	p9_put32(&r->out, open ? O_RDWR : P9_WGA_NOOPEN);
	p9_putstr(&r->out, target, strlen(target));
	err = p9_call(r);
	if (err) {
		if (open)
			p9_fid_free(c, *fid);
	} else {
		p9_get32(&r->in); /* iounit */
		err = p9_get_attr(&r->in, attr);
		if (err && open)
			p9_clunk(c, *fid);
	}
	p9_end(r);
	return err;
}

/* Tlcreate turns its fid into the open file: give it a copy of dfid and clunk that. */
static int create_plain(struct p9_client *c, u32 dfid, const struct p9_name *name,
			const struct make_args *a)
{
	struct p9_qid qid;
	struct p9_req *r;
	u32 fid = p9_fid_new(c);
	int err;

	err = p9_walk(c, dfid, fid, NULL, 0, &qid);
	if (err) {
		p9_fid_free(c, fid);
		return err;
	}
	r = p9_begin(c, P9_TLCREATE);
	err = (int)PTR_ERR(r);
	if (!IS_ERR(r)) {
		p9_put32(&r->out, fid);
		p9_putstr(&r->out, name->s, name->len);
		p9_put32(&r->out, O_WRONLY | O_CREAT | O_EXCL);
		p9_put32(&r->out, a->mode & 07777);
		p9_put32(&r->out, a->gid);
		err = p9_call(r);
	}
	p9_end(r);
	p9_clunk(c, fid);
	return err;
}

int p9_make_plain(struct p9_client *c, u32 dfid, const struct p9_name *name,
		  const struct make_args *a)
{
	u8 type = S_ISDIR(a->mode) ? P9_TMKDIR : S_ISLNK(a->mode) ? P9_TSYMLINK : P9_TMKNOD;
	struct p9_req *r;
	int err;

	if (S_ISREG(a->mode))
		return create_plain(c, dfid, name, a);
	r = p9_begin(c, type);
	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, dfid);
	p9_putstr(&r->out, name->s, name->len);
	if (type == P9_TSYMLINK) {
		p9_putstr(&r->out, a->target, strlen(a->target));
	} else {
		p9_put32(&r->out, type == P9_TMKDIR ? a->mode & 07777 : a->mode);
		if (type == P9_TMKNOD) {
			p9_put32(&r->out, DEV_MAJOR(a->rdev));
			p9_put32(&r->out, DEV_MINOR(a->rdev));
		}
	}
	p9_put32(&r->out, a->gid);
	err = p9_call(r);
	p9_end(r);
	return err;
}
