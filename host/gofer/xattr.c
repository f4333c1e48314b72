/*
 * xattr.c - extended attributes: Txattrwalk, Txattrcreate.
 *
 * The calls that take a descriptor want one that is open for data, which not every file can have.
 * So an unopened file is reached as a name in the working directory, which every serving thread has
 * for itself and no other code uses: a directory as "." of itself, anything else as its name in its
 * parent, after the node's identity was checked. Between check and call the name can be replaced,
 * but only by another file of the same directory, never by what a link names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "host/gofer/conn.h"

#define XATTR_MAX 65536 /* the kernel's limit for a value and for a list */
#define XATTR_TOTAL \
	(4u         \
	 << 20) /* what the fids of a connection may hold together; more is refused with ENOMEM */

/* Make the node reachable by *name in the working directory. */
static int enter(struct conn *c, struct node *n, const char **name)
{
	int fd = n->type == S_IFDIR ? node_fd(c, n) : node_locate(c, n);

	if (fd < 0)
		return fd;
	*name = n->type == S_IFDIR ? "." : n->name;
	return fchdir(fd) < 0 ? -errno : 0;
}

/* An export that is one file: its descriptor is open for data. */
static bool is_file_root(const struct node *n)
{
	return !n->parent && n->type == S_IFREG;
}

/* Into buf, XATTR_MAX bytes: the value, or with an empty name the list. Its length or -errno. */
static ssize_t get(struct conn *c, struct fid *f, const char *attr, char *buf)
{
	const char *name;
	ssize_t n;
	int ret;

	if (f->fd >= 0 || is_file_root(f->node)) {
		int fd = f->fd >= 0 ? f->fd : f->node->fd;

		n = attr[0] ? fgetxattr(fd, attr, buf, XATTR_MAX) : flistxattr(fd, buf, XATTR_MAX);
	} else {
		ret = enter(c, f->node, &name);
		if (ret < 0)
			return ret;
		n = attr[0] ? lgetxattr(name, attr, buf, XATTR_MAX)
			    : llistxattr(name, buf, XATTR_MAX);
	}
	return n < 0 ? -errno : n;
}

static struct fid_xattr *xattr_new(struct conn *c, size_t size)
{
	struct fid_xattr *x = NULL;

	if (size <= XATTR_TOTAL - c->xattr_bytes)
		x = malloc(sizeof(*x) + size);
	if (!x)
		return NULL;
	x->size = size;
	c->xattr_bytes += size;
	return x;
}

void xattr_free(struct conn *c, struct fid *f)
{
	if (f->xattr)
		c->xattr_bytes -= f->xattr->size;
	free(f->xattr);
	f->xattr = NULL;
}

_Static_assert(CONN_R_MAX >= XATTR_MAX, "dbuf takes an extended attribute");

int op_xattrwalk(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t)), *made;
	uint32_t to = wire_get32(&r->t);
	char attr[256];
	struct fid_xattr *x;
	ssize_t n;
	int ret;

	ret = wire_get_str(&r->t, attr, sizeof(attr));
	if (ret < 0)
		return ret == -ENAMETOOLONG ? -ERANGE : ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	ret = fid_check_new(r->c, to);
	if (ret < 0)
		return ret;
	n = get(r->c, f, attr, (char *)r->c->dbuf);
	if (n < 0)
		return n;
	ret = fid_new(r->c, to, f->uid, node_ref(f->node), &made);
	if (ret < 0)
		return ret;
	x = xattr_new(r->c, n);
	if (!x) {
		fid_drop(r->c, made);
		return -ENOMEM;
	}
	memcpy(x->data, r->c->dbuf, n);
	x->filled = n;
	made->kind = FID_XATTR_READ;
	made->xattr = x;
	wire_put64(&r->w, n);
	return 0;
}

int op_xattrcreate(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	struct fid_xattr *x;
	char attr[256];
	uint64_t size;
	uint32_t flags;
	int ret;

	ret = wire_get_str(&r->t, attr, sizeof(attr));
	size = wire_get64(&r->t);
	flags = wire_get32(&r->t);
	if (ret < 0)
		return ret == -ENAMETOOLONG ? -ERANGE : ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	if (f->kind != FID_PATH || !attr[0] || flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (size > XATTR_MAX)
		return -E2BIG;
	x = xattr_new(r->c, size);
	if (!x)
		return -ENOMEM;
	x->filled = 0;
	x->flags = flags;
	strcpy(x->name, attr);
	f->kind = FID_XATTR_WRITE;
	f->xattr = x;
	return 0;
}

int xattr_commit(struct conn *c, struct fid *f)
{
	struct fid_xattr *x = f->xattr;
	const char *name;
	int ret;

	if (x->filled != x->size)
		return -EINVAL;
	/* v9fs removes an attribute by replacing it with nothing. */
	if (is_file_root(f->node)) {
		if (!x->size && x->flags & XATTR_REPLACE)
			ret = fremovexattr(f->node->fd, x->name);
		else
			ret = fsetxattr(f->node->fd, x->name, x->data, x->size, x->flags);
		return ret < 0 ? -errno : 0;
	}
	ret = enter(c, f->node, &name);
	if (ret < 0)
		return ret;
	if (!x->size && x->flags & XATTR_REPLACE)
		ret = lremovexattr(name, x->name);
	else
		ret = lsetxattr(name, x->name, x->data, x->size, x->flags);
	return ret < 0 ? -errno : 0;
}
