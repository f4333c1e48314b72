/*
 * tree.c - names that exist: link, rename, unlink, remove, readlink.
 *
 * After each change the nodes of this connection follow (node_moved, node_forget); other
 * connections find out when they next look, by the identity check.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/gofer/conn.h"

int op_readlink(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	char target[4096];
	ssize_t len;
	int fd;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	if (f->node->type != S_IFLNK)
		return -EINVAL;
	fd = node_fd(r->c, f->node);
	if (fd < 0)
		return fd;
	len = readlinkat(fd, "", target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	wire_put_str(&r->w, target);
	return 0;
}

/*
 * linkat of a descriptor needs a capability before Linux 6.10; without it: by name, then see what
 * we have linked.
 */
static int link_by_name(struct conn *c, struct node *n, struct node *dir, const char *name)
{
	int from = node_locate(c, n), to;
	struct statx st;

	if (from < 0)
		return from;
	to = node_fd(c, dir);
	if (to < 0)
		return to;
	if (linkat(from, n->name, to, name, 0) < 0)
		return -errno;
	if (!attr_stat(to, name, &st) && (st.stx_ino != n->ino || attr_dev(&st) != n->dev)) {
		unlinkat(to, name, 0);
		return -ESTALE;
	}
	return 0;
}

int op_link(struct req *r)
{
	struct fid *d = fid_find(r->c, wire_get32(&r->t)), *f = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1];
	int ret = wire_get_name(&r->t, name), fd, dirfd;

	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!d || !f)
		return -EBADF;
	if (f->node->type == S_IFDIR)
		return -EPERM;
	if (d->node->type != S_IFDIR)
		return -ENOTDIR;
	if (f->node->export != d->node->export)
		return -EXDEV;
	if (node_hidden(r->c, d->node, name))
		return -EPERM;
	fd = fid_fd(r->c, f);
	if (fd < 0)
		return fd;
	dirfd = node_fd(r->c, d->node);
	if (dirfd < 0)
		return dirfd;
	if (!linkat(fd, "", dirfd, name, AT_EMPTY_PATH))
		return 0;
	return errno == ENOENT ? link_by_name(r->c, f->node, d->node, name) : -errno;
}

static int do_rename(struct conn *c, struct node *from, const char *old, struct node *to,
		     const char *name, unsigned flags)
{
	int fromfd, tofd, ret;

	if (from->type != S_IFDIR || to->type != S_IFDIR)
		return -ENOTDIR;
	if (from->export != to->export)
		return -EXDEV;
	if (node_hidden(c, from, old))
		return -ENOENT;
	if (node_hidden(c, to, name))
		return -EPERM;
	node_pin(c, to, name);
	ret = node_fd2(c, from, to, &fromfd, &tofd);
	if (ret < 0)
		return ret;
	/* not by the library, which makes it renameat where flags is 0 */
	if (syscall(SYS_renameat2, fromfd, old, tofd, name, flags) < 0)
		return -errno;
	if (flags & RENAME_EXCHANGE)
		node_exchanged(c, from, old, to, name);
	else
		node_moved(c, from, old, to, name);
	return 0;
}

int op_rename(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t)), *d = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1], old[P9_NAME_MAX + 1];
	int ret = wire_get_name(&r->t, name);

	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f || !d)
		return -EBADF;
	ret = node_locate(r->c, f->node);
	if (ret < 0)
		return ret;
	strcpy(old, f->node->name); /* the node's own goes away as it moves */
	return do_rename(r->c, f->node->parent, old, d->node, name, 0);
}

static int rename_names(struct req *r, bool with_flags)
{
	struct fid *from = fid_find(r->c, wire_get32(&r->t)), *to;
	char old[P9_NAME_MAX + 1], name[P9_NAME_MAX + 1];
	uint32_t flags, known = RENAME_NOREPLACE | RENAME_EXCHANGE;
	int ret = wire_get_name(&r->t, old);

	if (ret < 0)
		return ret;
	to = fid_find(r->c, wire_get32(&r->t));
	ret = wire_get_name(&r->t, name);
	flags = with_flags ? wire_get32(&r->t) : 0;
	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!from || !to)
		return -EBADF;
	if (from->node->export->whiteouts)
		known |= RENAME_WHITEOUT;
	if (flags & ~known)
		return -EINVAL;
	return do_rename(r->c, from->node, old, to->node, name, flags);
}

int op_renameat(struct req *r)
{
	return rename_names(r, false);
}

int op_renameat2(struct req *r)
{
	return rename_names(r, true);
}

static int do_unlink(struct conn *c, struct node *dir, const char *name, int flags)
{
	int dirfd;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (node_hidden(c, dir, name))
		return -ENOENT;
	node_pin(c, dir, name);
	dirfd = node_fd(c, dir);
	if (dirfd < 0)
		return dirfd;
	if (unlinkat(dirfd, name, flags) < 0)
		return -errno;
	node_forget(c, dir, name);
	return 0;
}

int op_unlinkat(struct req *r)
{
	struct fid *d = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1];
	int ret = wire_get_name(&r->t, name);
	uint32_t flags = wire_get32(&r->t);

	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!d)
		return -EBADF;
	if (flags & ~(uint32_t)P9_AT_REMOVEDIR)
		return -EINVAL;
	return do_unlink(r->c, d->node, name, flags ? AT_REMOVEDIR : 0);
}

int op_remove(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	struct node *n;
	char name[P9_NAME_MAX + 1];
	int ret;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	n = f->node;
	ret = n->export->read_only ? -EROFS : node_locate(r->c, n);
	if (ret >= 0) {
		strcpy(name, n->name);
		ret = do_unlink(r->c, n->parent, name, n->type == S_IFDIR ? AT_REMOVEDIR : 0);
	}
	fid_drop(r->c, f);
	return ret;
}
