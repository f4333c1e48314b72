/*
 * dir.c - Treaddir and Treaddirplus.
 *
 * Offsets are the host's directory cookies. The host's entries are read into a private buffer and
 * encoded from there; those that no longer fit are read again next time. ".." of the root is the
 * root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/gofer/conn.h"

#define DENTS_MIN 512 /* room for at least one entry of the longest name */

/* The node behind "." or "..", else NULL. */
static struct node *dot(struct node *dir, const char *name)
{
	if (!strcmp(name, "."))
		return dir;
	if (!strcmp(name, ".."))
		return dir->parent ? dir->parent : dir;
	return NULL;
}

static int stat_entry(struct req *r, struct fid *f, const char *name, struct statx *st)
{
	struct node *d = dot(f->node, name);
	int ret;

	if (d) {
		int fd = node_fd(r->c, d);

		return fd < 0 ? fd : attr_stat(fd, "", st);
	}
	ret = attr_stat(f->fd, name, st);
	if (!ret && !f->node->export->cross_mounts && attr_dev(st) != f->node->dev)
		return -EXDEV;
	return ret;
}

static uint8_t qid_type(uint8_t d_type)
{
	return d_type == DT_DIR ? P9_QTDIR : d_type == DT_LNK ? P9_QTSYMLINK : P9_QTFILE;
}

static void put_entry(struct req *r, struct fid *f, const struct dirent64 *e, bool plus)
{
	struct gofer *g = r->c->g;
	struct node *d = dot(f->node, e->d_name);
	struct p9_attr attr = { 0 };
	struct statx st;
	uint8_t type = e->d_type;

	attr.qid.path = d ? attr_qid_path(g, d->dev, d->ino)
			  : attr_qid_path(g, f->node->dev, e->d_ino);
	if ((plus || type == DT_UNKNOWN) && !stat_entry(r, f, e->d_name, &st)) {
		type = IFTODT(st.stx_mode);
		attr_fill(g, &st, &attr);
	}
	attr.qid.type = qid_type(type);
	if (plus) {
		wire_put64(&r->w, e->d_off);
		wire_put8(&r->w, type);
		wire_put(&r->w, &attr, sizeof(attr));
	} else {
		wire_put(&r->w, &attr.qid, sizeof(attr.qid));
		wire_put64(&r->w, e->d_off);
		wire_put8(&r->w, type);
	}
	wire_put_str(&r->w, e->d_name);
}

/* Encode the n bytes of entries in dbuf. True: all fitted. */
static bool put_entries(struct req *r, struct fid *f, ssize_t n, bool plus)
{
	for (ssize_t at = 0; at < n;) {
		const struct dirent64 *e = (const struct dirent64 *)(r->c->dbuf + at);
		size_t before = r->w.len;

		at += e->d_reclen;
		if (node_hidden(r->c, f->node, e->d_name)) {
			f->dir_pos = e->d_off;
			continue;
		}
		put_entry(r, f, e, plus);
		if (r->w.bad) {
			r->w.len = before;
			r->w.bad = false;
			return false;
		}
		f->dir_pos = e->d_off;
	}
	return true;
}

static int read_entries(struct req *r, bool plus)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint64_t off = wire_get64(&r->t);
	uint32_t count = wire_get32(&r->t), len;
	size_t entry = plus ? 8 + 1 + sizeof(struct p9_attr) + 2 : 24;
	size_t start, head = r->w.len;
	bool all = true;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f || f->kind != FID_OPEN)
		return -EBADF;
	if (f->node->type != S_IFDIR)
		return -ENOTDIR;
	if (f->dir_pos != off) {
		f->dir_pos = FID_POS_UNKNOWN;
		if (off > INT64_MAX || lseek(f->fd, off, SEEK_SET) < 0)
			return -EINVAL;
		f->dir_pos = off;
	}
	wire_put32(&r->w, 0);
	start = r->w.len;
	if (count < r->w.cap - start)
		r->w.cap = start + count;

	_Static_assert(P9_PLUS_LEFT > DENTS_MIN * (8 + 1 + sizeof(struct p9_attr) + 2 + 8) / 24,
		       "an answer that is not the last is fuller");
	while (all) {
		/*
		 * About as much as will fit once encoded; 24 bytes are the host's for a short name.
		 */
		size_t want = (r->w.cap - r->w.len) * 24 / (entry + 8);
		ssize_t n;

		if (r->w.len > start && want < DENTS_MIN)
			break;
		want = want < DENTS_MIN ? DENTS_MIN : want;
		n = getdents64(f->fd, r->c->dbuf, want < CONN_R_MAX ? want : CONN_R_MAX);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		all = put_entries(r, f, n, plus);
	}
	if (!all) {
		if (r->w.len == start) {
			f->dir_pos = FID_POS_UNKNOWN;
			return -EINVAL; /* not even one fitted */
		}
		/* The host's cursor stands behind entries that were not delivered. */
		f->dir_pos = FID_POS_UNKNOWN;
	}
	len = r->w.len - start;
	memcpy(r->w.buf + head, &len, 4);
	return 0;
}

int op_readdir(struct req *r)
{
	return read_entries(r, false);
}

int op_readdirplus(struct req *r)
{
	return read_entries(r, true);
}
