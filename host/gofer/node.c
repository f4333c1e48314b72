/*
 * node.c - what nodes stand for on the host: walking to them, their descriptors, opening and making
 * files (node.h).
 *
 * Every host call here names one component relative to a descriptor, with RESOLVE_BENEATH and no
 * symbolic or magic links; nothing is remembered about a path but names, and identities are
 * compared after the fact, on the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/gofer/conn.h"
#include "host/gofer/node_table.h"

/* The root of an export, with a descriptor of this connection's own. */
static int make_root(struct conn *c, const struct gofer_export *e, struct node **out)
{
	struct statx st;
	int ret = attr_stat(e->fd, "", &st), fd;

	if (ret < 0)
		return ret;
	fd = S_ISDIR(st.stx_mode) ? openat(e->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)
				  : fcntl(e->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*out = node_new(c, NULL, "", fd, &st);
	if (!*out)
		return -ENOMEM;
	(*out)->export = e;
	return 0;
}

int node_table_init(struct conn *c, unsigned max_fds)
{
	int ret = 0;

	memset(&c->nodes, 0, sizeof(c->nodes));
	c->nodes.max_fds = max_fds < 4 * NODE_KEEP ? 4 * NODE_KEEP : max_fds;
	c->nodes.max_fds += c->g->nexports;
	c->nodes.roots = calloc(c->g->nexports, sizeof(*c->nodes.roots));
	if (!c->nodes.roots)
		return -ENOMEM;
	for (unsigned i = 0; !ret && i < c->g->nexports; i++)
		ret = make_root(c, &c->g->exports[i], &c->nodes.roots[i]);
	if (ret < 0)
		node_table_destroy(c);
	return ret;
}

void node_table_destroy(struct conn *c)
{
	for (unsigned i = 0; i < c->g->nexports; i++)
		node_unref(c, c->nodes.roots[i]);
	free(c->nodes.roots);
	c->nodes.roots = NULL;
}

/*
 * openat2 of one component, below dirfd of dir, never through a link; closes cached descriptors if
 * we run out of them.
 */
static int open_child(struct conn *c, const struct node *dir, int dirfd, const char *name,
		      int flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	if (!dir->export->cross_mounts)
		how.resolve |= RESOLVE_NO_XDEV;
	for (;;) {
		long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

		if (fd >= 0)
			return fd;
		if ((errno == EMFILE || errno == ENFILE) && node_evict(c))
			continue;
		if (errno == EPERM && how.flags & O_NOATIME) {
			how.flags &= ~(uint64_t)O_NOATIME;
			continue;
		}
		if (errno != EINTR)
			return -errno;
	}
}

bool node_hidden(struct conn *c, const struct node *dir, const char *name)
{
	const char *const *h = c->g->cfg->hidden;

	if (dir->parent || dir->export != c->g->exports || !h)
		return false;
	while (*h && strcmp(*h, name))
		h++;
	return *h != NULL;
}

/* The descriptor of a directory in which a client may look for name, or -errno. */
static int lookup_fd(struct conn *c, struct node *dir, const char *name)
{
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	return node_hidden(c, dir, name) ? -ENOENT : node_fd(c, dir);
}

int node_walk(struct conn *c, struct node *dir, const char *name, struct node **out,
	      struct statx *st)
{
	struct node *n;
	int dirfd = lookup_fd(c, dir, name), fd, ret;

	if (dirfd < 0)
		return dirfd;
	ret = node_make_room(c);
	if (ret < 0)
		return ret;
	fd = open_child(c, dir, dirfd, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	ret = attr_stat(fd, "", st);
	if (ret < 0) {
		close(fd);
		return ret;
	}

	n = node_find(c, dir, name);
	if (n && node_same(n, st)) {
		if (n->fd < 0) {
			node_cache_fd(c, n, fd);
		} else {
			close(fd);
		}
		*out = node_ref(n);
		return 0;
	}
	if (n)
		node_unhash(c, n); /* replaced behind our back */
	n = node_new(c, dir, name, fd, st);
	if (!n)
		return -ENFILE;
	node_insert(c, n);
	*out = n;
	return 0;
}

int node_peek(struct conn *c, struct node *dir, const char *name, struct statx *st)
{
	int dirfd, ret;

	if (!dir->export->cross_mounts)
		return -EAGAIN;
	dirfd = lookup_fd(c, dir, name);
	if (dirfd < 0)
		return dirfd;
	ret = attr_stat(dirfd, name, st);
	return ret < 0 ? ret : dirfd;
}

/* Walk down to n from the nearest ancestor that has a descriptor. */
static int reopen(struct conn *c, struct node *n)
{
	struct node *a, **path;
	struct statx st;
	size_t depth = 0, i;
	int cur, ret;

	for (a = n; a->fd < 0; a = a->parent, depth++)
		if (!a->hashed)
			return -ESTALE;
	path = malloc(depth * sizeof(*path));
	if (!path)
		return -ENOMEM;
	for (a = n, i = 0; i < depth; a = a->parent)
		path[i++] = a;
	cur = node_fd(c, a); /* has one; now it is the last to be evicted */
	ret = node_make_room(c);
	while (!ret && i-- > 0) {
		int fd = open_child(c, n, cur, path[i]->name, O_PATH | O_NOFOLLOW, 0);

		if (cur != a->fd)
			close(cur);
		cur = fd;
		if (fd < 0)
			ret = fd == -ENOENT || fd == -ENOTDIR ? -ESTALE : fd;
	}
	free(path);
	if (!ret)
		ret = attr_stat(cur, "", &st);
	if (!ret && !node_same(n, &st))
		ret = -ESTALE;
	if (ret) {
		if (cur >= 0 && cur != a->fd)
			close(cur);
		return ret;
	}
	node_cache_fd(c, n, cur);
	return cur;
}

int node_fd(struct conn *c, struct node *n)
{
	if (n->fd < 0)
		return reopen(c, n);
	node_touch(c, n);
	return n->fd;
}

int node_fd2(struct conn *c, struct node *a, struct node *b, int *fda, int *fdb)
{
	*fda = node_fd(c, a);
	if (*fda < 0)
		return *fda;
	*fdb = node_fd(c, b);
	return *fdb < 0 ? *fdb : 0;
}

/* The root of an export that is one file: nothing but its descriptor leads to it. */
static int open_file_root(const struct node *n, int flags)
{
	int have = fcntl(n->fd, F_GETFL), fd;

	if (have < 0)
		return -errno;
	if ((have & O_ACCMODE) != O_RDWR && (have & O_ACCMODE) != (flags & O_ACCMODE))
		return -EACCES;
	fd = fcntl(n->fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && flags & O_TRUNC && ftruncate(fd, 0) < 0) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

int node_open(struct conn *c, struct node *n, int flags)
{
	struct statx st;
	int dirfd, fd, ret;

	if (n->type == S_IFLNK)
		return -ELOOP;
	if (n->type != S_IFREG && n->type != S_IFDIR)
		return -ENXIO;
	if (n->type == S_IFREG && flags & O_DIRECTORY)
		return -ENOTDIR;
	if (n->type == S_IFREG && !n->parent)
		return open_file_root(n, flags);
	if (n->type == S_IFREG && !n->hashed)
		return -ESTALE;
	if (n->export->read_only)
		flags |= O_NOATIME;
	dirfd = node_fd(c, n->type == S_IFDIR ? n : n->parent);
	if (dirfd < 0)
		return dirfd;
	/*
	 * O_TRUNC waits until we know what we opened. O_NONBLOCK: it may have become a FIFO by now.
	 */
	fd = open_child(c, n, dirfd, n->type == S_IFDIR ? "." : n->name,
			(flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	ret = attr_stat(fd, "", &st);
	if (!ret && !node_same(n, &st))
		ret = -ESTALE;
	if (!ret && flags & O_TRUNC && n->type == S_IFREG && ftruncate(fd, 0) < 0)
		ret = -errno;
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

int node_create(struct conn *c, struct node *dir, const char *name, int flags, mode_t mode)
{
	int dirfd;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (node_hidden(c, dir, name))
		return -EPERM;
	dirfd = node_fd(c, dir);
	if (dirfd < 0)
		return dirfd;
	flags &= ~(O_TRUNC | O_DIRECTORY);
	return open_child(c, dir, dirfd, name,
			  flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
}

int node_adopt(struct conn *c, struct node *dir, const char *name, const struct statx *st,
	       struct node **out)
{
	struct node *n;

	node_forget(c, dir, name);
	n = node_new(c, dir, name, -1, st);
	if (!n)
		return -ENFILE;
	node_insert(c, n);
	*out = n;
	return 0;
}

int node_locate(struct conn *c, struct node *n)
{
	struct statx st;
	int dirfd, ret;

	if (!n->parent)
		return -EBUSY;
	if (!n->hashed)
		return -ENOENT;
	dirfd = node_fd(c, n->parent);
	if (dirfd < 0)
		return dirfd;
	ret = attr_stat(dirfd, n->name, &st);
	if (ret < 0)
		return ret;
	return node_same(n, &st) ? dirfd : -ESTALE;
}
