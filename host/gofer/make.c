/*
 * make.c - new names: regular files, directories, symbolic links, FIFOs, sockets. Devices are
 * refused (EPERM): the client's kernel has its own. The whiteouts of overlays (character device
 * 0:0) are made where the export is an overlay's layer.
 *
 * What was made belongs to us first and is given to the request's owner afterwards, by descriptor;
 * a failure there takes the name away again.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/gofer/conn.h"

/* 1: changed, 0: nothing to change, or -errno. */
static int give(struct conn *c, int fd, const struct make *m)
{
	uint32_t uid = m->uid == P9_NONUID ? (uint32_t)-1 : m->uid;
	uint32_t gid = m->gid == P9_NONUID ? (uint32_t)-1 : m->gid;

	if (!c->g->cfg->set_owner || (uid == (uint32_t)-1 && gid == (uint32_t)-1))
		return 0;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 1;
}

int make_file(struct conn *c, struct node *dir, const struct make *m, int oflags,
	      struct node **node, struct statx *st)
{
	int fd = node_create(c, dir, m->name, oflags, m->mode & 07777), ret, dirfd;

	if (fd < 0)
		return fd;
	ret = give(c, fd, m);
	if (ret > 0 && m->mode & (S_ISUID | S_ISGID) && fchmod(fd, m->mode & 07777) < 0)
		ret = -errno; /* the change of owner had taken these bits */
	if (ret >= 0)
		ret = attr_stat(fd, "", st);
	if (!ret)
		ret = node_adopt(c, dir, m->name, st, node);
	if (!ret)
		return fd;
	close(fd);
	dirfd = node_fd(c, dir);
	if (dirfd >= 0)
		unlinkat(dirfd, m->name, 0);
	return ret;
}

static int make_name(const struct gofer_export *e, int dirfd, const struct make *m)
{
	int ret;

	switch (m->mode & S_IFMT) {
	case S_IFDIR: ret = mkdirat(dirfd, m->name, m->mode & 07777); break;
	case S_IFLNK: ret = symlinkat(m->target ? m->target : "", dirfd, m->name); break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK: ret = mknodat(dirfd, m->name, m->mode & (S_IFMT | 07777), 0); break;
	case S_IFCHR:
		if (!e->whiteouts || m->rdev)
			return -EPERM;
		ret = mknodat(dirfd, m->name, S_IFCHR, 0);
		break;
	default: return -EPERM;
	}
	return ret < 0 ? -errno : 0;
}

/* Make anything, unopened. 0 or -errno; *node gets a reference. */
static int make_any(struct conn *c, struct node *dir, const struct make *m, struct node **node,
		    struct statx *st)
{
	int dirfd, ret;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (node_hidden(c, dir, m->name))
		return -EPERM;
	dirfd = node_fd(c, dir);
	if (dirfd < 0)
		return dirfd;
	ret = make_name(dir->export, dirfd, m);
	if (ret < 0)
		return ret;
	ret = node_walk(c, dir, m->name, node, st);
	if (ret < 0)
		goto undo;
	/*
	 * Somebody on the host may have put another file there: that one is not ours to give away.
	 */
	if ((st->stx_mode & S_IFMT) != (m->mode & S_IFMT) ||
	    (!S_ISDIR(st->stx_mode) && st->stx_nlink != 1)) {
		node_unref(c, *node);
		return -ESTALE;
	}
	ret = give(c, (*node)->fd, m);
	if (ret > 0)
		ret = attr_stat((*node)->fd, "", st);
	if (!ret)
		return 0;
	node_unref(c, *node);
undo:
	node_forget(c, dir, m->name);
	dirfd = node_fd(c, dir);
	if (dirfd >= 0)
		unlinkat(dirfd, m->name, S_ISDIR(m->mode) ? AT_REMOVEDIR : 0);
	return ret;
}

/* The common end of Tmkdir, Tsymlink and Tmknod. */
static int make_reply(struct req *r, struct fid *f, struct make *m)
{
	struct node *node;
	struct p9_qid qid;
	struct statx st;
	int ret;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	m->uid = f->uid;
	ret = make_any(r->c, f->node, m, &node, &st);
	if (ret < 0)
		return ret;
	node_unref(r->c, node);
	attr_qid(r->c->g, &st, &qid);
	wire_put(&r->w, &qid, sizeof(qid));
	return 0;
}

int op_mkdir(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1];
	struct make m = { .name = name };
	int ret = wire_get_name(&r->t, name);

	if (ret < 0)
		return ret;
	m.mode = S_IFDIR | (wire_get32(&r->t) & 07777);
	m.gid = wire_get32(&r->t);
	return make_reply(r, f, &m);
}

int op_symlink(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1], target[4096];
	struct make m = { .name = name, .target = target, .mode = S_IFLNK | 0777 };
	int ret = wire_get_name(&r->t, name);

	if (!ret)
		ret = wire_get_str(&r->t, target, sizeof(target));
	if (ret < 0)
		return ret;
	m.gid = wire_get32(&r->t);
	return make_reply(r, f, &m);
}

int op_mknod(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	char name[P9_NAME_MAX + 1];
	struct make m = { .name = name };
	int ret = wire_get_name(&r->t, name);

	if (ret < 0)
		return ret;
	m.mode = wire_get32(&r->t);
	m.rdev = wire_get64(&r->t); /* major, minor */
	m.gid = wire_get32(&r->t);
	if (!S_ISREG(m.mode) && !S_ISFIFO(m.mode) && !S_ISSOCK(m.mode) && !S_ISCHR(m.mode))
		m.mode = S_IFBLK;
	return make_reply(r, f, &m);
}

/* A regular file of dir's, made and opened: its descriptor, of those that node_fd_reserve counts. */
static int make_opened(struct conn *c, struct node *dir, const struct make *m, uint32_t flags,
		       struct node **node, struct statx *st)
{
	int oflags = open_flags(dir, flags), fd, ret;

	if (oflags < 0)
		return oflags;
	ret = node_fd_reserve(c);
	if (ret < 0)
		return ret;
	fd = make_file(c, dir, m, oflags, node, st);
	if (fd < 0)
		node_fd_release(c);
	return fd;
}

int op_make(struct req *r)
{
	struct conn *c = r->c;
	struct fid *f = fid_find(c, wire_get32(&r->t)), *made;
	uint32_t to = wire_get32(&r->t), flags;
	char name[P9_NAME_MAX + 1], target[4096];
	struct make m = { .name = name, .target = target };
	struct p9_attr attr;
	struct node *node;
	struct statx st;
	int ret, fd = -1;
	bool open;

	ret = wire_get_name(&r->t, name);
	if (ret < 0)
		return ret;
	m.mode = wire_get32(&r->t);
	m.rdev = wire_get64(&r->t);
	m.uid = wire_get32(&r->t);
	m.gid = wire_get32(&r->t);
	flags = wire_get32(&r->t);
	ret = wire_get_str(&r->t, target, sizeof(target));
	if (ret < 0)
		return ret;
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	open = flags != P9_WGA_NOOPEN;
	if (open && (!S_ISREG(m.mode) || to == P9_NOFID))
		return -EINVAL;
	if (to != P9_NOFID && (ret = fid_check_new(c, to)) < 0)
		return ret;
	if (r->w.cap < P9_HDR + 4 + sizeof(attr))
		return -EMSGSIZE;

	if (open)
		ret = fd = make_opened(c, f->node, &m, flags, &node, &st);
	else
		ret = make_any(c, f->node, &m, &node, &st);
	if (ret < 0)
		return ret;
	if (to != P9_NOFID) {
		ret = fid_new(c, to, f->uid, node, &made);
		if (ret < 0 && open)
			open_drop(c, fd);
		if (ret < 0)
			return ret;
		if (open)
			open_attach(made, fd);
	} else {
		node_unref(c, node);
	}
	wire_put32(&r->w, 0); /* iounit */
	attr_fill(c->g, &st, &attr);
	wire_put(&r->w, &attr, sizeof(attr));
	return 0;
}
