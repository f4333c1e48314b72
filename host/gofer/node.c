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

int node_table_init(struct conn *c, unsigned max_fds)
{
	struct statx st;
	int fd, ret;

	memset(&c->nodes, 0, sizeof(c->nodes));
	c->nodes.max_fds = max_fds < 4 * NODE_KEEP ? 4 * NODE_KEEP : max_fds;
	fd = openat(c->g->cfg->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = attr_stat(fd, "", &st);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	c->nodes.root = node_new(c, NULL, "", fd, &st);
	return c->nodes.root ? 0 : -ENOMEM;
}

void node_table_destroy(struct conn *c)
{
	node_unref(c, c->nodes.root);
	c->nodes.root = NULL;
}

/*
 * openat2 of one component, below dirfd, never through a link; closes cached descriptors if we run
 * out of them.
 */
static int open_child(struct conn *c, int dirfd, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	if (!c->g->cfg->cross_mounts)
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

	if (dir->parent || !h)
		return false;
	while (*h && strcmp(*h, name))
		h++;
	return *h != NULL;
}

int node_walk(struct conn *c, struct node *dir, const char *name, struct node **out,
	      struct statx *st)
{
	struct node *n;
	int dirfd, fd, ret;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (node_hidden(c, dir, name))
		return -ENOENT;
	dirfd = node_fd(c, dir);
	if (dirfd < 0)
		return dirfd;
	ret = node_make_room(c);
	if (ret < 0)
		return ret;
	fd = open_child(c, dirfd, name, O_PATH | O_NOFOLLOW, 0);
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

	if (!c->g->cfg->cross_mounts)
		return -EAGAIN;
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (node_hidden(c, dir, name))
		return -ENOENT;
	dirfd = node_fd(c, dir);
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
		int fd = open_child(c, cur, path[i]->name, O_PATH | O_NOFOLLOW, 0);

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
	if (n->type == S_IFREG && !n->hashed)
		return -ESTALE;
	if (c->g->cfg->read_only)
		flags |= O_NOATIME;
	dirfd = node_fd(c, n->type == S_IFDIR ? n : n->parent);
	if (dirfd < 0)
		return dirfd;
	/*
	 * O_TRUNC waits until we know what we opened. O_NONBLOCK: it may have become a FIFO by now.
	 */
	fd = open_child(c, dirfd, n->type == S_IFDIR ? "." : n->name,
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
	return open_child(c, dirfd, name,
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
