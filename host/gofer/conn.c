/*
 * conn.c - one connection: takes a T-message apart, calls its handler, puts the R-message together;
 * the messages about the connection itself (version, auth, flush).
 *
 * Requests are served in order, one at a time, so there is never anything to flush.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/gofer/conn.h"

#define OP_RW	 1 /* changes files */
#define OP_EXT	 2 /* moat1 */
#define OP_FIRST 4 /* allowed before Tversion */

static const struct {
	int (*handle)(struct req *r);
	unsigned flags;
} ops[256] = {
#define OP(number, name, fl) [number] = { .handle = op_##name, .flags = fl },
#include "host/gofer/ops.def"
#undef OP
};

int conn_init(struct conn *c, struct gofer *g, unsigned max_fds)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->g = g;
	c->msize = P9_MSIZE_MIN;
	c->tbuf = malloc(CONN_T_MAX);
	c->rbuf = malloc(CONN_R_MAX);
	c->dbuf = malloc(CONN_R_MAX);
	ret = c->tbuf && c->rbuf && c->dbuf ? node_table_init(c, max_fds) : -ENOMEM;
	if (ret < 0) {
		free(c->tbuf);
		free(c->rbuf);
		free(c->dbuf);
	}
	return ret;
}

void conn_destroy(struct conn *c)
{
	fid_drop_all(c);
	node_table_destroy(c);
	free(c->tbuf);
	free(c->rbuf);
	free(c->dbuf);
}

/* Every message that changes files begins with the fid of a file that it changes. */
static bool on_read_only(struct req *r)
{
	struct wire_rd t = r->t;
	struct fid *f = fid_find(r->c, wire_get32(&t));

	return r->c->g->read_only || (f && f->node->export->read_only);
}

static int dispatch(struct req *r, uint8_t type)
{
	struct conn *c = r->c;

	if (!ops[type].handle || (ops[type].flags & OP_EXT && !c->moat))
		return -EOPNOTSUPP;
	if (!c->versioned && !(ops[type].flags & OP_FIRST))
		return -EPROTO;
	if (ops[type].flags & OP_RW && on_read_only(r))
		return -EROFS;
	return ops[type].handle(r);
}

/* How much of a message is looked at here: all but the data of a write. */
static size_t fixed_part(uint8_t type, size_t len)
{
	size_t hdr = type == P9_TWRITE ? P9_WRITE_HDR : type == P9_TWRITEPART ? P9_PART_HDR : len;

	return hdr < len ? hdr : len;
}

static size_t finish(struct req *r, uint8_t type, uint16_t tag, size_t size)
{
	uint32_t size32 = size;

	memcpy(r->c->rbuf, &size32, 4);
	r->c->rbuf[4] = type;
	memcpy(r->c->rbuf + 5, &tag, 2);
	wire_scatter(r->in, r->nin, 0, r->c->rbuf, r->w.len);
	return size;
}

size_t conn_handle(struct conn *c, const struct iovec *out, unsigned nout, size_t out_len,
		   const struct iovec *in, unsigned nin, size_t in_len)
{
	struct req r = { .c = c, .out = out, .in = in, .nout = nout, .nin = nin };
	uint16_t tag = P9_NOTAG;
	uint8_t type = 0;
	size_t want;
	int ret;

	r.in_room = in_len < c->msize ? in_len : c->msize;
	r.w.buf = c->rbuf;
	r.w.len = P9_HDR;
	r.w.cap = r.in_room < CONN_R_MAX ? r.in_room : CONN_R_MAX;
	if (r.in_room < P9_HDR + 4)
		return 0;
	if (wire_gather(c->tbuf, P9_HDR, out, nout, 0) == P9_HDR) {
		uint32_t size;

		memcpy(&size, c->tbuf, 4);
		memcpy(&tag, c->tbuf + 5, 2);
		type = c->tbuf[4];
		r.msg_len = size;
	}
	if (r.msg_len < P9_HDR || r.msg_len > out_len || r.msg_len > c->msize) {
		ret = -EPROTO;
		goto error;
	}
	want = fixed_part(type, r.msg_len);
	if (want > CONN_T_MAX) {
		ret = -EMSGSIZE;
		goto error;
	}
	r.t.p = c->tbuf + P9_HDR;
	r.t.left = want - P9_HDR;
	wire_gather(c->tbuf + P9_HDR, r.t.left, out, nout, P9_HDR);

	ret = dispatch(&r, type);
	if (!ret && r.w.bad)
		ret = -EMSGSIZE;
	if (!ret)
		return finish(&r, type + 1, tag, r.w.len + r.data_len);
error:
	r.w.bad = false;
	r.w.len = P9_HDR;
	wire_put32(&r.w, -ret);
	return finish(&r, P9_RLERROR, tag, r.w.len);
}

/* A new session: every fid of the old one is gone. */
int op_version(struct req *r)
{
	struct conn *c = r->c;
	uint32_t msize = wire_get32(&r->t);
	char version[64];
	int ret = wire_get_str(&r->t, version, sizeof(version));

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (msize < P9_MSIZE_MIN)
		return -EINVAL;
	fid_drop_all(c);
	c->moat = !ret && !strcmp(version, P9_VERSION_MOAT);
	c->versioned = c->moat || (!ret && !strcmp(version, P9_VERSION_L));
	c->msize = msize < P9_MSIZE_MAX ? msize : P9_MSIZE_MAX;
	wire_put32(&r->w, c->msize);
	wire_put_str(&r->w, c->moat ? P9_VERSION_MOAT : c->versioned ? P9_VERSION_L : "unknown");
	return 0;
}

/*
 * Who may connect was decided by whoever gave the client its ring. To diod's clients ENOENT means:
 * not needed here.
 */
int op_auth(struct req *r)
{
	(void)r;
	return -ENOENT;
}

int op_flush(struct req *r)
{
	wire_get16(&r->t);
	return wire_end(&r->t);
}
