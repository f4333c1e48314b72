/*
 * open.c - Tlopen, Tlcreate.
 *
 * Only regular files and directories are opened; FIFOs, sockets and devices are objects of the
 * client's own kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/gofer/conn.h"

/*
 * What we honour. The rest (O_CREAT, O_EXCL, O_DIRECT, O_NONBLOCK ...) has a meaning on the
 * client's side only.
 */
#define OPEN_FLAGS (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_DIRECTORY | O_NOATIME)

int open_flags(const struct node *n, uint32_t flags)
{
	int f = flags & OPEN_FLAGS;

	if ((f & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (n->export->read_only && ((f & O_ACCMODE) != O_RDONLY || f & O_TRUNC))
		return -EROFS;
	if (f & O_TRUNC && (f & O_ACCMODE) == O_RDONLY)
		f |= O_RDWR; /* we truncate by the descriptor */
	return f;
}

void open_attach(struct fid *f, int fd)
{
	f->kind = FID_OPEN;
	f->fd = fd;
	f->dir_pos = 0;
}

void open_drop(struct conn *c, int fd)
{
	close(fd);
	node_fd_release(c);
}

static int put_opened(struct req *r, const struct statx *st)
{
	struct p9_qid qid;

	attr_qid(r->c->g, st, &qid);
	wire_put(&r->w, &qid, sizeof(qid));
	wire_put32(&r->w, 0); /* iounit: whatever msize allows */
	return 0;
}

int op_lopen(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	uint32_t want = wire_get32(&r->t);
	struct statx st;
	int flags, fd, ret;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	if (f->kind != FID_PATH)
		return -EINVAL;
	flags = open_flags(f->node, want);
	if (flags < 0)
		return flags;
	ret = node_fd_reserve(r->c);
	if (ret < 0)
		return ret;
	fd = node_open(r->c, f->node, flags);
	ret = fd < 0 ? fd : attr_stat(fd, "", &st);
	if (ret < 0) {
		if (fd >= 0)
			close(fd);
		node_fd_release(r->c);
		return ret;
	}
	open_attach(f, fd);
	return put_opened(r, &st);
}

/* A file that is there already, and the client did not insist on making it. */
static int open_existing(struct conn *c, struct node *dir, const char *name, int flags,
			 struct node **node, struct statx *st)
{
	int ret = node_walk(c, dir, name, node, st), fd;

	if (ret < 0)
		return ret;
	fd = (*node)->type == S_IFDIR ? -EISDIR : node_open(c, *node, flags);
	if (fd < 0)
		node_unref(c, *node);
	return fd;
}

int op_lcreate(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1];
	struct make m = { .name = name };
	struct node *node;
	struct statx st;
	uint32_t flags;
	int oflags, fd, ret;

	ret = wire_get_name(&r->t, name);
	flags = wire_get32(&r->t);
	m.mode = S_IFREG | (wire_get32(&r->t) & 07777);
	m.gid = wire_get32(&r->t);
	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	if (f->kind != FID_PATH)
		return -EINVAL;
	oflags = open_flags(f->node, flags);
	if (oflags < 0)
		return oflags;
	m.uid = f->uid;
	ret = node_fd_reserve(r->c);
	if (ret < 0)
		return ret;
	fd = make_file(r->c, f->node, &m, oflags, &node, &st);
	if (fd == -EEXIST && !(flags & O_EXCL))
		fd = open_existing(r->c, f->node, name, oflags, &node, &st);
	if (fd < 0) {
		node_fd_release(r->c);
		return fd;
	}
	node_unref(r->c, f->node);
	f->node = node;
	open_attach(f, fd);
	return put_opened(r, &st);
}
