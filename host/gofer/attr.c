/*
 * attr.c - statx to qids and attributes; Tgetattr, Tsetattr, Tstatfs.
 *
 * A qid's path is the inode number on the root's device; for other devices (mounts below the root)
 * the place of the device in a table fills the upper byte. Where inode numbers use that byte
 * themselves, the path is a hash.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/gofer/conn.h"

#define SYS_FCHMODAT2 452 /* Linux 6.6; the build host's headers may be older */

int attr_stat(int fd, const char *name, struct statx *st)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT;

	if (!name[0])
		flags |= AT_EMPTY_PATH;
	return statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, st) < 0 ? -errno : 0;
}

uint64_t attr_dev(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

uint64_t attr_qid_path(struct gofer *g, uint64_t dev, uint64_t ino)
{
	unsigned i;

	for (i = 0; i < GOFER_DEVS; i++) {
		uint64_t have = __atomic_load_n(&g->devs[i], __ATOMIC_RELAXED);

		/* Connections race for a free place; device 0 does not exist. */
		if (!have && __atomic_compare_exchange_n(&g->devs[i], &have, dev, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			have = dev;
		if (have == dev)
			break;
	}
	if (i < GOFER_DEVS && (ino >> 56 == 0 || i == 0))
		return ino ^ (uint64_t)i << 56;
	ino ^= dev * 0x9e3779b97f4a7c15ULL;
	ino = (ino ^ ino >> 31) * 0xbf58476d1ce4e5b9ULL;
	return ino ^ ino >> 29;
}

void attr_qid(struct gofer *g, const struct statx *st, struct p9_qid *qid)
{
	uint64_t ctime = st->stx_ctime.tv_sec * 1000000000ULL + st->stx_ctime.tv_nsec;

	qid->type = S_ISDIR(st->stx_mode)   ? P9_QTDIR
		    : S_ISLNK(st->stx_mode) ? P9_QTSYMLINK
					    : P9_QTFILE;
	qid->version = ctime ^ ctime >> 32 ^ st->stx_size * 0x9e3779b1U;
	qid->path = attr_qid_path(g, attr_dev(st), st->stx_ino);
}

void attr_fill(struct gofer *g, const struct statx *st, struct p9_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->valid = P9_STATS_BASIC;
	attr_qid(g, st, &attr->qid);
	attr->mode = st->stx_mode;
	attr->uid = st->stx_uid;
	attr->gid = st->stx_gid;
	attr->nlink = st->stx_nlink;
	attr->rdev = makedev(st->stx_rdev_major, st->stx_rdev_minor);
	attr->size = st->stx_size;
	attr->blksize = st->stx_blksize;
	attr->blocks = st->stx_blocks;
	attr->atime_sec = st->stx_atime.tv_sec;
	attr->atime_nsec = st->stx_atime.tv_nsec;
	attr->mtime_sec = st->stx_mtime.tv_sec;
	attr->mtime_nsec = st->stx_mtime.tv_nsec;
	attr->ctime_sec = st->stx_ctime.tv_sec;
	attr->ctime_nsec = st->stx_ctime.tv_nsec;
	if (st->stx_mask & STATX_BTIME) {
		attr->valid |= P9_STATS_BTIME;
		attr->btime_sec = st->stx_btime.tv_sec;
		attr->btime_nsec = st->stx_btime.tv_nsec;
	}
}

int op_getattr(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	struct p9_attr attr;
	struct statx st;
	int fd, ret;

	wire_get64(&r->t); /* the mask: everything comes with one statx anyway */
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	fd = fid_fd(r->c, f);
	ret = fd < 0 ? fd : attr_stat(fd, "", &st);
	if (ret < 0)
		return ret;
	attr_fill(r->c->g, &st, &attr);
	wire_put(&r->w, &attr, sizeof(attr));
	return 0;
}

/*
 * A descriptor that is open for data, for calls that take no O_PATH one; *close_it if it is only
 * ours.
 */
static int data_fd(struct conn *c, struct fid *f, int flags, bool *close_it)
{
	*close_it = false;
	if (f->fd >= 0) {
		int have = fcntl(f->fd, F_GETFL);

		if (flags == O_RDONLY || (have >= 0 && (have & O_ACCMODE) != O_RDONLY))
			return f->fd;
	}
	*close_it = true;
	return node_open(c, f->node, flags);
}

static int set_mode(struct conn *c, struct fid *f, uint32_t mode)
{
	bool close_it;
	int fd = fid_fd(c, f), ret;

	if (fd < 0)
		return fd;
	if (f->node->type == S_IFLNK)
		return -EOPNOTSUPP;
	if (f->fd >= 0)
		return fchmod(fd, mode) < 0 ? -errno : 0;
	if (!syscall(SYS_FCHMODAT2, fd, "", mode, AT_EMPTY_PATH))
		return 0;
	if (errno != ENOSYS)
		return -errno;
	/*
	 * Before Linux 6.6 only a descriptor that is open for data will do; a FIFO or a socket has
	 * none.
	 */
	fd = data_fd(c, f, O_RDONLY, &close_it);
	if (fd < 0)
		return fd == -ENXIO ? -EOPNOTSUPP : fd;
	ret = fchmod(fd, mode) < 0 ? -errno : 0;
	if (close_it)
		close(fd);
	return ret;
}

static int set_size(struct conn *c, struct fid *f, uint64_t size)
{
	bool close_it;
	int fd, ret;

	if (f->node->type == S_IFDIR)
		return -EISDIR;
	if (f->node->type != S_IFREG || size > INT64_MAX)
		return -EINVAL;
	fd = data_fd(c, f, O_WRONLY, &close_it);
	if (fd < 0)
		return fd;
	ret = ftruncate(fd, size) < 0 ? -errno : 0;
	if (close_it)
		close(fd);
	return ret;
}

static int set_times(struct conn *c, struct fid *f, const struct p9_setattr *a)
{
	struct timespec ts[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	int fd = fid_fd(c, f);

	if (fd < 0)
		return fd;
	if (a->valid & P9_SETATTR_ATIME) {
		bool set = a->valid & P9_SETATTR_ATIME_SET;

		if (set && a->atime_nsec > 999999999)
			return -EINVAL;
		ts[0].tv_sec = set ? a->atime_sec : 0;
		ts[0].tv_nsec = set ? (long)a->atime_nsec : UTIME_NOW;
	}
	if (a->valid & P9_SETATTR_MTIME) {
		bool set = a->valid & P9_SETATTR_MTIME_SET;

		if (set && a->mtime_nsec > 999999999)
			return -EINVAL;
		ts[1].tv_sec = set ? a->mtime_sec : 0;
		ts[1].tv_nsec = set ? (long)a->mtime_nsec : UTIME_NOW;
	}
	return utimensat(fd, "", ts, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/*
 * Owner first, for a change of owner takes mode bits away; times last, for a change of size sets
 * them.
 */
int op_setattr(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	struct p9_setattr a;
	int ret = 0;

	wire_get(&r->t, &a, sizeof(a));
	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	if (a.valid & (P9_SETATTR_UID | P9_SETATTR_GID)) {
		uid_t uid = a.valid & P9_SETATTR_UID ? a.uid : (uid_t)-1;
		gid_t gid = a.valid & P9_SETATTR_GID ? a.gid : (gid_t)-1;
		int fd = fid_fd(r->c, f);

		if (fd < 0)
			return fd;
		if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	}
	if (a.valid & P9_SETATTR_SIZE)
		ret = set_size(r->c, f, a.size);
	if (!ret && a.valid & P9_SETATTR_MODE)
		ret = set_mode(r->c, f, a.mode & 07777);
	if (!ret && a.valid & (P9_SETATTR_ATIME | P9_SETATTR_MTIME))
		ret = set_times(r->c, f, &a);
	return ret;
}

int op_statfs(struct req *r)
{
	struct fid *f = fid_find(r->c, wire_get32(&r->t));
	struct statfs s;
	uint64_t fsid;
	int fd;

	if (wire_end(&r->t) < 0)
		return -EPROTO;
	if (!f)
		return -EBADF;
	fd = fid_fd(r->c, f);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &s) < 0)
		return -errno;
	memcpy(&fsid, &s.f_fsid, sizeof(fsid));
	wire_put32(&r->w, s.f_type);
	wire_put32(&r->w, s.f_bsize);
	wire_put64(&r->w, s.f_blocks);
	wire_put64(&r->w, s.f_bfree);
	wire_put64(&r->w, s.f_bavail);
	wire_put64(&r->w, s.f_files);
	wire_put64(&r->w, s.f_ffree);
	wire_put64(&r->w, fsid);
	wire_put32(&r->w, s.f_namelen);
	return 0;
}
