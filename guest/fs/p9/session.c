/*
 * session.c - one function per message that the file system needs, and fid numbers.
 */
#include <string.h>

#include "fs/p9/p9.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "platform/platform.h"

static int agree(struct p9_client *c, const char *ask)
{
	struct p9_req *r = p9_begin(c, P9_TVERSION);
	const char *s;
	u16 len;
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, P9_MSIZE_MAX);
	p9_putstr(&r->out, ask, strlen(ask));
	err = p9_call(r);
	if (!err) {
		c->msize = p9_get32(&r->in);
		s = p9_getstr(&r->in, &len);
		if (!s || c->msize < P9_MSIZE_MIN || c->msize > P9_MSIZE_MAX)
			err = -EPROTO;
		else if (len == strlen(P9_VERSION_MOAT) && !memcmp(s, P9_VERSION_MOAT, len))
			c->moat = true;
		else if (len != strlen(P9_VERSION_L) || memcmp(s, P9_VERSION_L, len))
			err = -EPROTONOSUPPORT;
	}
	p9_end(r);
	return err;
}

int p9_version(struct p9_client *c)
{
	int err;

	c->msize = P9_MSIZE_MIN;
	err = agree(c, P9_VERSION_MOAT);
	if (err && !c->dead) /* diod refuses what it does not know, others say "unknown" */
		err = agree(c, P9_VERSION_L);
	return err;
}

int p9_attach(struct p9_client *c, const char *aname, u32 fid, struct p9_qid *root)
{
	struct p9_req *r = p9_begin(c, P9_TATTACH);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put32(&r->out, P9_NOFID);
	p9_putstr(&r->out, "", 0);
	p9_putstr(&r->out, aname, strlen(aname));
	p9_put32(&r->out, 0);
	err = p9_call(r);
	if (!err) {
		p9_getmem(&r->in, root, sizeof(*root));
		err = r->in.bad ? -EPROTO : 0;
	}
	p9_end(r);
	return err;
}

u32 p9_fid_new(struct p9_client *c)
{
	u32 fid;

	spin_lock(&c->lock);
	fid = c->nfree ? c->free_fids[--c->nfree] : c->next_fid++;
	spin_unlock(&c->lock);
	return fid;
}

void p9_fid_free(struct p9_client *c, u32 fid)
{
	spin_lock(&c->lock);
	if (c->nfree == c->free_cap) {
		u32 cap = c->free_cap ? c->free_cap * 2 : 64;
		u32 *p = krealloc(c->free_fids, cap * sizeof(*p)); /* never sleeps */

		if (!p) { /* the number is lost: there are four thousand million */
			spin_unlock(&c->lock);
			return;
		}
		c->free_fids = p;
		c->free_cap = cap;
	}
	c->free_fids[c->nfree++] = fid;
	spin_unlock(&c->lock);
}

void p9_clunk(struct p9_client *c, u32 fid)
{
	struct p9_req *r = p9_begin(c, P9_TCLUNK);

	if (IS_ERR(r)) {
		p9_fid_free(c, fid);
		return;
	}
	p9_put32(&r->out, fid);
	r->clunked = fid;
	p9_post(r);
}

int p9_walk(struct p9_client *c, u32 fid, u32 newfid, const struct p9_name *names, unsigned n,
	    struct p9_qid *last)
{
	struct p9_req *r = p9_begin(c, P9_TWALK);
	u16 got;
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put32(&r->out, newfid);
	p9_put16(&r->out, (u16)n);
	for (unsigned k = 0; k < n; k++)
		p9_putstr(&r->out, names[k].s, names[k].len);
	err = p9_call(r);
	if (!err) {
		got = p9_get16(&r->in);
		for (u16 k = 0; k < got; k++)
			p9_getmem(&r->in, last, sizeof(*last));
		err = r->in.bad || got > n ? -EPROTO : got < n ? -ENOENT : 0;
	}
	p9_end(r);
	return err;
}

int p9_walk_open(struct p9_client *c, u32 fid, u32 newfid, const struct p9_name *names, unsigned n,
		 u32 flags, struct p9_qid *last)
{
	struct p9_req *r = p9_begin(c, P9_TWALKGETATTR);
	struct p9_attr a = { 0 };
	u32 error;
	u16 got, len;
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put32(&r->out, newfid);
	p9_put32(&r->out, flags);
	p9_put16(&r->out, (u16)n);
	for (unsigned k = 0; k < n; k++)
		p9_putstr(&r->out, names[k].s, names[k].len);
	err = p9_call(r);
	if (!err) {
		error = p9_get32(&r->in);
		p9_get32(&r->in);
		got = p9_get16(&r->in);
		for (u16 k = 0; k < got && !r->in.bad; k++) {
			p9_getmem(&r->in, &a, sizeof(a));
			p9_getstr(&r->in, &len);
		}
		if (r->in.bad || error > 511 || (!error && got != MAX(n, 1u)))
			err = -EPROTO;
		else
			err = -(int)error;
		*last = a.qid;
	}
	p9_end(r);
	return err;
}

int p9_get_attr(struct p9_buf *b, struct p9_attr *a)
{
	p9_getmem(b, a, sizeof(*a));
	if (b->bad || (a->valid & P9_STATS_BASIC) != P9_STATS_BASIC || a->size > 1ULL << 62)
		return -EPROTO;
	return 0;
}

int p9_getattr(struct p9_client *c, u32 fid, struct p9_attr *a)
{
	struct p9_req *r = p9_begin(c, P9_TGETATTR);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put64(&r->out, P9_STATS_BASIC | P9_STATS_BTIME);
	err = p9_call(r);
	if (!err)
		err = p9_get_attr(&r->in, a);
	p9_end(r);
	return err;
}

static struct p9_req *begin_setattr(struct p9_client *c, u32 fid, const struct p9_setattr *a)
{
	struct p9_req *r = p9_begin(c, P9_TSETATTR);

	if (!IS_ERR(r)) {
		p9_put32(&r->out, fid);
		p9_putmem(&r->out, a, sizeof(*a));
	}
	return r;
}

int p9_setattr(struct p9_client *c, u32 fid, const struct p9_setattr *a)
{
	struct p9_req *r = begin_setattr(c, fid, a);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	err = p9_call(r);
	p9_end(r);
	return err;
}

int p9_setattr_post(struct p9_client *c, u32 fid, const struct p9_setattr *a)
{
	struct p9_req *r = begin_setattr(c, fid, a);

	return IS_ERR(r) ? (int)PTR_ERR(r) : p9_post(r);
}

int p9_lopen(struct p9_client *c, u32 fid, u32 flags)
{
	struct p9_req *r = p9_begin(c, P9_TLOPEN);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put32(&r->out, flags);
	err = p9_call(r);
	p9_end(r);
	return err;
}

static s64 p9_readlink(struct p9_client *c, u32 fid, char *buf, size_t size)
{
	struct p9_req *r = p9_begin(c, P9_TREADLINK);
	const char *s;
	u16 len = 0;
	s64 err;

	if (IS_ERR(r))
		return PTR_ERR(r);
	p9_put32(&r->out, fid);
	err = p9_call(r);
	if (!err) {
		s = p9_getstr(&r->in, &len);
		if (!s || len >= size || memchr(s, 0, len)) {
			err = -EPROTO;
		} else {
			memcpy(buf, s, len);
			buf[len] = 0;
			err = len;
		}
	}
	p9_end(r);
	return err;
}

/* newfid P9_NOFID: attributes only. Else *open says whether newfid is made, open as flags say. */
static int lookup_moat(struct p9_client *c, u32 dfid, const struct p9_name *name, struct p9_attr *a,
		       char *target, size_t size, u32 newfid, u32 flags, bool *open)
{
	struct p9_req *r = p9_begin(c, P9_TWALKGETATTR);
	const char *s;
	u32 error;
	u16 n, len;
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, dfid);
	p9_put32(&r->out, newfid);
	p9_put32(&r->out, flags);
	p9_put16(&r->out, 1);
	p9_putstr(&r->out, name->s, name->len);
	err = p9_call(r);
	if (err)
		goto out;
	error = p9_get32(&r->in);
	p9_get32(&r->in);
	n = p9_get16(&r->in);
	*open = newfid != P9_NOFID && !error && !r->in.bad;
	if (r->in.bad || error > 511 || n > 1 || (!error && n != 1))
		err = -EPROTO;
	else if (!n)
		err = -(int)error;
	else /* with an error: it is there, but cannot be opened */
		err = p9_get_attr(&r->in, a);
	if (err)
		goto out;
	s = p9_getstr(&r->in, &len);
	if (!s || (target && len >= size) || memchr(s, 0, len)) {
		err = -EPROTO;
	} else if (target) {
		memcpy(target, s, len);
		target[len] = 0;
	}
out:
	p9_end(r);
	return err;
}

int p9_lookup(struct p9_client *c, u32 dfid, const struct p9_name *name, struct p9_attr *a,
	      char *target, size_t size)
{
	struct p9_qid qid;
	bool open;
	s64 err;
	u32 fid;

	if (c->moat)
		return lookup_moat(c, dfid, name, a, target, size, P9_NOFID, P9_WGA_NOOPEN, &open);
	fid = p9_fid_new(c);
	err = p9_walk(c, dfid, fid, name, 1, &qid);
	if (err) {
		p9_fid_free(c, fid);
		return (int)err;
	}
	err = p9_getattr(c, fid, a);
	if (!err && target && S_ISLNK(a->mode))
		err = p9_readlink(c, fid, target, size);
	p9_clunk(c, fid);
	return err < 0 ? (int)err : 0;
}

int p9_lookup_open(struct p9_client *c, u32 dfid, const struct p9_name *name, struct p9_attr *a,
		   char *target, size_t size, u32 flags, u32 *fid)
{
	bool open = false;
	u32 n = p9_fid_new(c);
	int err = lookup_moat(c, dfid, name, a, target, size, n, flags, &open);

	*fid = n;
	if (!err && open)
		return 0;
	*fid = P9_NOFID;
	if (open)
		p9_clunk(c, n);
	else
		p9_fid_free(c, n);
	return err;
}

static u32 limit_of(const struct p9_client *c, size_t n)
{
	return (u32)MIN(n, (size_t)(c->msize - P9_IOHDRSZ));
}

/* The answer to Tread: how many bytes came, checked against what the message brought. */
static s64 read_result(struct p9_req *r, u32 asked)
{
	u32 n = p9_get32(&r->in);

	if (r->in.bad || n > asked || (u32)r->got != P9_READ_HDR + n)
		return -EPROTO;
	return n;
}

static struct p9_req *begin_io(struct p9_client *c, u8 type, u32 fid, u64 off, u32 n)
{
	struct p9_req *r = p9_begin(c, type);

	if (!IS_ERR(r)) {
		p9_put32(&r->out, fid);
		p9_put64(&r->out, off);
		p9_put32(&r->out, n);
	}
	return r;
}

s64 p9_read_frames(struct p9_client *c, u32 fid, u64 off, const paddr_t *frames, unsigned n)
{
	u32 want = limit_of(c, n * PAGE_SIZE), left = want;
	struct p9_req *r = begin_io(c, P9_TREAD, fid, off, want);
	s64 ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	for (unsigned k = 0; left; k++) {
		u32 part = MIN(left, (u32)PAGE_SIZE);

		p9_data_in(r, paddr_to_ptr(frames[k]), part);
		left -= part;
	}
	ret = p9_call(r);
	if (!ret)
		ret = read_result(r, want);
	p9_end(r);
	return ret;
}

static void put_frames(struct p9_req *r, const paddr_t *frames, u32 left)
{
	for (unsigned k = 0; left; k++) {
		u32 part = MIN(left, (u32)PAGE_SIZE);

		p9_data_out(r, paddr_to_ptr(frames[k]), part);
		left -= part;
	}
}

s64 p9_write_result(struct p9_req *r, size_t len)
{
	s64 ret = p9_await(r);
	u32 done;

	if (!ret) {
		done = p9_get32(&r->in);
		ret = r->in.bad || done > len ? -EPROTO : (s64)done;
	}
	p9_end(r);
	return ret;
}

s64 p9_write_frames(struct p9_client *c, u32 fid, u64 off, const paddr_t *frames, size_t len)
{
	u32 n = limit_of(c, len);
	struct p9_req *r = begin_io(c, P9_TWRITE, fid, off, n);
	int err;

	if (IS_ERR(r))
		return PTR_ERR(r);
	put_frames(r, frames, n);
	err = p9_send(r, true);
	if (err)
		p9_end(r);
	return err ? err : p9_write_result(r, n);
}

struct p9_req *p9_write_part(struct p9_client *c, u32 fid, u64 off, const paddr_t *frames,
			     size_t len, u32 series, bool last)
{
	struct p9_req *r = p9_begin(c, P9_TWRITEPART);
	int err;

	if (IS_ERR(r))
		return r;
	p9_put32(&r->out, fid);
	p9_put64(&r->out, off);
	p9_put32(&r->out, series);
	p9_put32(&r->out, (u32)len);
	put_frames(r, frames, (u32)len);
	err = p9_send(r, last);
	if (!err)
		return r;
	p9_end(r);
	return ERR_PTR(err);
}

static s64 bounce(struct p9_client *c, u32 fid, u64 off, void *buf, size_t n, bool write)
{
	paddr_t page = frame_alloc(ZONE_ARENA, 0, 0);
	size_t done = 0;
	s64 r = 0;

	if (!page)
		return -ENOMEM;
	while (done < n) {
		size_t k = MIN(n - done, PAGE_SIZE);

		if (write) {
			memcpy(paddr_to_ptr(page), (char *)buf + done, k);
			r = p9_write_frames(c, fid, off + done, &page, k);
		} else {
			r = p9_read_frames(c, fid, off + done, &page, 1);
			k = r > 0 ? MIN(k, (size_t)r) : (size_t)0;
			memcpy((char *)buf + done, paddr_to_ptr(page), k);
		}
		if (r <= 0)
			break;
		done += write ? (size_t)r : k;
	}
	frame_put(page);
	return r < 0 ? r : (s64)done;
}

s64 p9_read_small(struct p9_client *c, u32 fid, u64 off, void *buf, size_t n)
{
	return bounce(c, fid, off, buf, n, false);
}

s64 p9_write_small(struct p9_client *c, u32 fid, u64 off, const void *buf, size_t n)
{
	return bounce(c, fid, off, (void *)buf, n, true);
}

int p9_fsync(struct p9_client *c, u32 fid, bool datasync)
{
	struct p9_req *r = p9_begin(c, P9_TFSYNC);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put32(&r->out, datasync);
	err = p9_call(r);
	p9_end(r);
	return err;
}

int p9_statfs(struct p9_client *c, u32 fid, struct statfs_info *st)
{
	struct p9_req *r = p9_begin(c, P9_TSTATFS);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	err = p9_call(r);
	if (!err) {
		st->type = p9_get32(&r->in);
		st->bsize = st->frsize = p9_get32(&r->in);
		st->blocks = p9_get64(&r->in);
		st->bfree = p9_get64(&r->in);
		st->bavail = p9_get64(&r->in);
		st->files = p9_get64(&r->in);
		st->ffree = p9_get64(&r->in);
		st->fsid = p9_get64(&r->in);
		st->namelen = p9_get32(&r->in);
		err = r->in.bad ? -EPROTO : 0;
	}
	p9_end(r);
	return err;
}
