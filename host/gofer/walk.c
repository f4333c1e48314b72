/*
 * walk.c - how fids come and go: attach, walk, the compound walk of moat1, clunk.
 *
 * Twalk takes "." and "..", which diod's tools send (v9fs and the Sentry resolve them in their
 * dentry caches). They never reach the host: "." is the node itself and ".." its parent node; the
 * root has none and stays. Everywhere else they are refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/gofer/conn.h"

/* The root of the export that aname says, which is all that a name of the client ever selects. */
static struct node *export_root(struct conn *c, const char *aname)
{
	bool root = !strcmp(aname, "/"); /* as other clients name it */

	for (unsigned i = 0; i < c->g->nexports; i++)
		if (!strcmp(c->g->exports[i].name, root ? "" : aname))
			return c->nodes.roots[i];
	return NULL;
}

int op_attach(struct req *r)
{
	uint32_t num = wire_get32(&r->t), afid = wire_get32(&r->t), uid;
	char name[P9_NAME_MAX + 1]; /* of the user, then of the export */
	struct p9_qid qid;
	struct node *root;
	struct statx st;
	struct fid *f;
	int fd, ret;

	ret = wire_get_str(&r->t, name, sizeof(name));
	if (!ret)
		ret = wire_get_str(&r->t, name, sizeof(name));
	uid = wire_get32(&r->t);
	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (afid != P9_NOFID)
		return -EBADF;
	root = export_root(r->c, name);
	if (!root)
		return -ENOENT;
	fd = node_fd(r->c, root);
	ret = fd < 0 ? fd : attr_stat(fd, "", &st);
	if (ret < 0)
		return ret;
	ret = fid_new(r->c, num, uid, node_ref(root), &f);
	if (ret < 0)
		return ret;
	attr_qid(r->c->g, &st, &qid);
	wire_put(&r->w, &qid, sizeof(qid));
	return 0;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

struct walk_names {
	uint16_t n;
	char name[P9_MAXWELEM][P9_NAME_MAX + 1];
};

/* The end of both walk messages: nwname and the names. 0 or -errno. */
static int get_names(struct req *r, bool dots, struct walk_names *names)
{
	int ret;

	names->n = wire_get16(&r->t);
	if (names->n > P9_MAXWELEM)
		return -EINVAL;
	for (uint16_t i = 0; i < names->n; i++) {
		ret = wire_get_name(&r->t, names->name[i]);
		if (ret < 0 && !(dots && is_dot(names->name[i])))
			return ret;
	}
	return wire_end(&r->t);
}

/* Bind num to node (reference taken over); num may be f itself, which is then moved there. */
static int bind(struct conn *c, struct fid *f, uint32_t num, struct node *node)
{
	struct fid *made;

	if (num != f->num)
		return fid_new(c, num, f->uid, node, &made);
	node_unref(c, f->node);
	f->node = node;
	return 0;
}

static int walk_one(struct conn *c, struct node *dir, const char *name, struct node **out,
		    struct statx *st)
{
	struct node *n = name[1] && dir->parent ? dir->parent : dir;
	int fd;

	if (!is_dot(name))
		return node_walk(c, dir, name, out, st);
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	fd = node_fd(c, n);
	if (fd < 0)
		return fd;
	*out = node_ref(n);
	return attr_stat(fd, "", st);
}

int op_walk(struct req *r)
{
	uint32_t from = wire_get32(&r->t), to = wire_get32(&r->t);
	struct fid *f = fid_find(r->c, from);
	struct p9_qid qid[P9_MAXWELEM];
	struct walk_names names;
	struct node *node;
	uint16_t i;
	int ret;

	ret = get_names(r, true, &names);
	if (ret < 0)
		return ret;
	if (!f)
		return -EBADF;
	/*
	 * The protocol forbids to walk from an open fid, but diod's tools do, and v9fs clones those
	 * of unlinked files.
	 */
	if (f->kind != FID_PATH && to == from)
		return -EBADF;
	if (to != from && (ret = fid_check_new(r->c, to)) < 0)
		return ret;

	node = node_ref(f->node);
	for (i = 0; i < names.n; i++) {
		struct node *next;
		struct statx st;

		ret = walk_one(r->c, node, names.name[i], &next, &st);
		if (ret < 0)
			break;
		attr_qid(r->c->g, &st, &qid[i]);
		node_unref(r->c, node);
		node = next;
	}
	if (i == names.n) {
		ret = bind(r->c, f, to, node);
		if (ret < 0)
			return ret;
	} else {
		node_unref(r->c, node);
		if (!i)
			return ret;
	}
	wire_put16(&r->w, i);
	wire_put(&r->w, qid, i * sizeof(qid[0]));
	return 0;
}

/*
 * One record of Rwalkgetattr: attributes, and the target of a link: of fd itself, or of that name
 * in it.
 */
static int put_record(struct req *r, int fd, const char *name, const struct statx *st)
{
	char target[4096] = "";
	struct p9_attr attr;

	if (S_ISLNK(st->stx_mode)) {
		ssize_t len = readlinkat(fd, name, target, sizeof(target) - 1);

		if (len < 0)
			return -errno;
		target[len] = '\0';
	}
	attr_fill(r->c->g, st, &attr);
	wire_put(&r->w, &attr, sizeof(attr));
	wire_put_str(&r->w, target);
	return r->w.bad ? -EMSGSIZE : 0;
}

/*
 * Open the node and examine it again: an open can change size and times. The old record, at off, is
 * replaced.
 */
static int open_last(struct req *r, struct node *node, uint32_t flags, size_t off, int *fd)
{
	struct statx st;
	int ret = open_flags(node, flags), oflags = ret;

	if (ret < 0)
		return ret;
	ret = node_fd_reserve(r->c);
	if (ret < 0)
		return ret;
	*fd = node_open(r->c, node, oflags);
	if (*fd < 0) {
		node_fd_release(r->c);
		return *fd;
	}
	ret = attr_stat(*fd, "", &st);
	if (!ret) {
		r->w.len = off;
		ret = put_record(r, *fd, "", &st);
	}
	if (ret < 0)
		open_drop(r->c, *fd);
	return ret;
}

/*
 * The records of all names below *node, which is moved along (to the last one only if keep is set);
 * without names, that of f itself. *last is where the last record starts. Returns the number of
 * records, *error says why it is less than the number of names; or -errno: no answer at all.
 */
static int walk_records(struct req *r, struct fid *f, const struct walk_names *names, bool keep,
			struct node **node, size_t *last, int *error)
{
	struct node *next;
	struct statx st;
	int ret, i;

	if (!names->n) {
		int fd = fid_fd(r->c, f);

		ret = fd < 0 ? fd : attr_stat(fd, "", &st);
		return ret < 0 || (ret = put_record(r, fd, "", &st)) < 0 ? ret : 1;
	}
	for (i = 0; i < names->n; i++) {
		*last = r->w.len;
		ret = -EAGAIN;
		if (!keep && i == names->n - 1)
			ret = node_peek(r->c, *node, names->name[i], &st);
		if (ret >= 0) {
			ret = put_record(r, ret, names->name[i], &st);
			return ret < 0 ? ret : i + 1;
		}
		if (ret == -EAGAIN)
			ret = node_walk(r->c, *node, names->name[i], &next, &st);
		if (ret < 0) {
			*error = ret;
			break;
		}
		node_unref(r->c, *node);
		*node = next;
		ret = put_record(r, next->fd, "", &st);
		if (ret < 0)
			return ret;
	}
	return i;
}

int op_walkgetattr(struct req *r)
{
	uint32_t from = wire_get32(&r->t), to = wire_get32(&r->t), flags = wire_get32(&r->t), e;
	struct fid *f = fid_find(r->c, from), *made;
	size_t head = r->w.len, last;
	struct walk_names names;
	int ret, error = 0, fd = -1;
	struct node *node;
	uint16_t nattr;

	ret = get_names(r, false, &names);
	if (ret < 0)
		return ret;
	if (!f)
		return -EBADF;
	if (to == P9_NOFID && flags != P9_WGA_NOOPEN)
		return -EINVAL;
	if (to != P9_NOFID && (ret = fid_check_new(r->c, to)) < 0)
		return ret;

	wire_put32(&r->w, 0); /* error, iounit, nattr: known at the end */
	wire_put32(&r->w, 0);
	wire_put16(&r->w, 0);
	last = r->w.len;
	node = node_ref(f->node);
	ret = walk_records(r, f, &names, to != P9_NOFID, &node, &last, &error);
	nattr = ret;
	if (ret >= 0 && !error && flags != P9_WGA_NOOPEN)
		error = open_last(r, node, flags, last, &fd);
	if (ret < 0 || error || to == P9_NOFID)
		node_unref(r->c, node);
	else if ((ret = fid_new(r->c, to, f->uid, node, &made)) < 0 && fd >= 0)
		open_drop(r->c, fd);
	else if (!ret && fd >= 0)
		open_attach(made, fd);
	if (ret < 0)
		return ret;
	e = -error;
	memcpy(r->w.buf + head, &e, sizeof(e));
	memcpy(r->w.buf + head + 8, &nattr, sizeof(nattr));
	return r->w.bad ? -EMSGSIZE : 0;
}
