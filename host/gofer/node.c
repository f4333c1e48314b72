/*
 * node.c - nodes of a connection: table, walking, descriptors (node.h).
 *
 * Every host call here names one component relative to a descriptor, with RESOLVE_BENEATH and no symbolic or magic
 * links; nothing is remembered about a path but names, and identities are compared after the fact, on the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/gofer/conn.h"

/* The most recently used descriptors are never closed behind the back of the request that got them. */
#define NODE_KEEP 8

static unsigned hash(const struct node *dir, const char *name)
{
	uint64_t h = (uintptr_t)dir >> 4;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 0x100000001b3ULL;
	return (h ^ h >> 29) % NODE_BUCKETS;
}

static void lru_del(struct node_table *t, struct node *n)
{
	if (n->lru_prev)
		n->lru_prev->lru_next = n->lru_next;
	else if (t->lru_head == n)
		t->lru_head = n->lru_next;
	else
		return; /* not in the list */
	if (n->lru_next)
		n->lru_next->lru_prev = n->lru_prev;
	else
		t->lru_tail = n->lru_prev;
	n->lru_prev = n->lru_next = NULL;
	t->lru_len--;
}

static void lru_add(struct node_table *t, struct node *n)
{
	n->lru_prev = NULL;
	n->lru_next = t->lru_head;
	if (t->lru_head)
		t->lru_head->lru_prev = n;
	else
		t->lru_tail = n;
	t->lru_head = n;
	t->lru_len++;
}

static void node_close(struct conn *c, struct node *n)
{
	lru_del(&c->nodes, n);
	if (n->fd < 0)
		return;
	close(n->fd);
	n->fd = -1;
	c->nodes.fds--;
}

/* Close the least recently used descriptor. False: none can go. */
static bool evict(struct conn *c)
{
	if (c->nodes.lru_len <= NODE_KEEP)
		return false;
	node_close(c, c->nodes.lru_tail);
	return true;
}

static int make_room(struct conn *c)
{
	while (c->nodes.fds >= c->nodes.max_fds)
		if (!evict(c))
			return -EMFILE;
	return 0;
}

int node_fd_reserve(struct conn *c)
{
	int ret = make_room(c);

	if (!ret)
		c->nodes.fds++;
	return ret;
}

void node_fd_release(struct conn *c)
{
	c->nodes.fds--;
}

static struct node *find(struct conn *c, const struct node *dir, const char *name)
{
	struct node *n = c->nodes.bucket[hash(dir, name)];

	while (n && (n->parent != dir || strcmp(n->name, name)))
		n = n->hash_next;
	return n;
}

/* Out of the table; the descriptor, if there is one, then stays until the node dies. */
static void unhash(struct conn *c, struct node *n)
{
	struct node **p;

	if (!n->hashed)
		return;
	lru_del(&c->nodes, n);
	for (p = &c->nodes.bucket[hash(n->parent, n->name)]; *p != n; p = &(*p)->hash_next)
		;
	*p = n->hash_next;
	n->hashed = false;
}

static void insert(struct conn *c, struct node *n)
{
	struct node **p = &c->nodes.bucket[hash(n->parent, n->name)];

	n->hash_next = *p;
	*p = n;
	n->hashed = true;
	if (n->fd >= 0)
		lru_add(&c->nodes, n);
}

struct node *node_ref(struct node *n)
{
	n->refs++;
	return n;
}

void node_unref(struct conn *c, struct node *n)
{
	while (n && --n->refs == 0) {
		struct node *parent = n->parent;

		unhash(c, n);
		node_close(c, n);
		free(n->name);
		free(n);
		c->nodes.count--;
		n = parent;
	}
}

static uint64_t btime(const struct statx *st)
{
	return st->stx_mask & STATX_BTIME
		       ? st->stx_btime.tv_sec * 1000000000ULL + st->stx_btime.tv_nsec
		       : 0;
}

static bool same(const struct node *n, const struct statx *st)
{
	return n->ino == st->stx_ino && n->dev == attr_dev(st) && n->btime == btime(st) &&
	       n->type == (st->stx_mode & S_IFMT);
}

/* Takes fd (which may be -1), also on failure. The node has one reference and is not hashed. */
static struct node *new_node(struct conn *c, struct node *parent, const char *name, int fd,
			     const struct statx *st)
{
	struct node *n = c->nodes.count < NODE_MAX ? calloc(1, sizeof(*n)) : NULL;
	char *copy = n ? strdup(name) : NULL;

	if (!copy) {
		free(n);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	n->parent = parent ? node_ref(parent) : NULL;
	n->name = copy;
	n->refs = 1;
	n->fd = fd;
	n->type = st->stx_mode & S_IFMT;
	n->dev = attr_dev(st);
	n->ino = st->stx_ino;
	n->btime = btime(st);
	c->nodes.count++;
	c->nodes.fds += fd >= 0;
	return n;
}

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
	c->nodes.root = new_node(c, NULL, "", fd, &st);
	return c->nodes.root ? 0 : -ENOMEM;
}

void node_table_destroy(struct conn *c)
{
	node_unref(c, c->nodes.root);
	c->nodes.root = NULL;
}

/* openat2 of one component, below dirfd, never through a link; closes cached descriptors if we run out of them. */
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
		if ((errno == EMFILE || errno == ENFILE) && evict(c))
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
	ret = make_room(c);
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

	n = find(c, dir, name);
	if (n && same(n, st)) {
		if (n->fd < 0) {
			n->fd = fd;
			c->nodes.fds++;
			lru_add(&c->nodes, n);
		} else {
			close(fd);
		}
		*out = node_ref(n);
		return 0;
	}
	if (n)
		unhash(c, n); /* replaced behind our back */
	n = new_node(c, dir, name, fd, st);
	if (!n)
		return -ENFILE;
	insert(c, n);
	*out = n;
	return 0;
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
	ret = make_room(c);
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
	if (!ret && !same(n, &st))
		ret = -ESTALE;
	if (ret) {
		if (cur >= 0 && cur != a->fd)
			close(cur);
		return ret;
	}
	n->fd = cur;
	c->nodes.fds++;
	lru_add(&c->nodes, n);
	return cur;
}

int node_fd(struct conn *c, struct node *n)
{
	if (n->fd < 0)
		return reopen(c, n);
	if (n->hashed && c->nodes.lru_head != n) {
		lru_del(&c->nodes, n);
		lru_add(&c->nodes, n);
	}
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
	/* O_TRUNC waits until we know what we opened. O_NONBLOCK: it may have become a FIFO by now. */
	fd = open_child(c, dirfd, n->type == S_IFDIR ? "." : n->name,
			(flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	ret = attr_stat(fd, "", &st);
	if (!ret && !same(n, &st))
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
	n = new_node(c, dir, name, -1, st);
	if (!n)
		return -ENFILE;
	insert(c, n);
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
	return same(n, &st) ? dirfd : -ESTALE;
}

void node_pin(struct conn *c, struct node *dir, const char *name)
{
	struct node *n = find(c, dir, name);

	if (n)
		node_fd(c, n); /* if that fails, its fids are stale: what they would be anyway */
}

void node_forget(struct conn *c, struct node *dir, const char *name)
{
	struct node *n = find(c, dir, name);

	if (n)
		unhash(c, n);
}

/* Is n to, or above it? Possible only if the tree was changed behind our back; then n may not go below to. */
static bool above(const struct node *n, const struct node *to)
{
	while (to && to != n)
		to = to->parent;
	return to != NULL;
}

/* Put n, not hashed, where the host has put it. If that fails it stays unhashed, as if it were unlinked. */
static void place(struct conn *c, struct node *n, struct node *to, const char *name)
{
	struct node *old = n->parent;
	char *copy;

	if (above(n, to) || !(copy = strdup(name)))
		return;
	free(n->name);
	n->name = copy;
	n->parent = node_ref(to);
	insert(c, n);
	node_unref(c, old);
}

void node_moved(struct conn *c, struct node *from, const char *old, struct node *to,
		const char *name)
{
	struct node *n = find(c, from, old);

	if (from == to && !strcmp(old, name))
		return;
	node_forget(c, to, name);
	if (!n)
		return;
	unhash(c, n);
	place(c, n, to, name);
}

void node_exchanged(struct conn *c, struct node *from, const char *old, struct node *to,
		    const char *name)
{
	struct node *a = find(c, from, old), *b = find(c, to, name);

	if (a == b)
		return;
	if (a)
		unhash(c, a);
	if (b)
		unhash(c, b);
	if (a)
		place(c, a, to, name);
	if (b)
		place(c, b, from, old);
}
