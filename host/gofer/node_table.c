/*
 * node_table.c - the nodes of a connection as a data structure: found by (parent, name), counted
 * references, the list of cached descriptors by their last use, and what a rename or an unlink
 * through us does to them. The host is asked for nothing here, except to close.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/gofer/conn.h"
#include "host/gofer/node_table.h"

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

void node_cache_fd(struct conn *c, struct node *n, int fd)
{
	n->fd = fd;
	c->nodes.fds++;
	if (n->hashed)
		lru_add(&c->nodes, n);
}

void node_touch(struct conn *c, struct node *n)
{
	if (!n->hashed || n->fd < 0 || c->nodes.lru_head == n)
		return;
	lru_del(&c->nodes, n);
	lru_add(&c->nodes, n);
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

bool node_evict(struct conn *c)
{
	if (c->nodes.lru_len <= NODE_KEEP)
		return false;
	node_close(c, c->nodes.lru_tail);
	return true;
}

int node_make_room(struct conn *c)
{
	while (c->nodes.fds >= c->nodes.max_fds)
		if (!node_evict(c))
			return -EMFILE;
	return 0;
}

int node_fd_reserve(struct conn *c)
{
	int ret = node_make_room(c);

	if (!ret)
		c->nodes.fds++;
	return ret;
}

void node_fd_release(struct conn *c)
{
	c->nodes.fds--;
}

struct node *node_find(struct conn *c, const struct node *dir, const char *name)
{
	struct node *n = c->nodes.bucket[hash(dir, name)];

	while (n && (n->parent != dir || strcmp(n->name, name)))
		n = n->hash_next;
	return n;
}

void node_unhash(struct conn *c, struct node *n)
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

void node_insert(struct conn *c, struct node *n)
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

		node_unhash(c, n);
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

bool node_same(const struct node *n, const struct statx *st)
{
	return n->ino == st->stx_ino && n->dev == attr_dev(st) &&
	       (n->btime == btime(st) || n->export->copies_up) &&
	       n->type == (st->stx_mode & S_IFMT);
}

struct node *node_new(struct conn *c, struct node *parent, const char *name, int fd,
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
	n->export = parent ? parent->export : NULL;
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

void node_pin(struct conn *c, struct node *dir, const char *name)
{
	struct node *n = node_find(c, dir, name);

	if (n)
		node_fd(c, n); /* if that fails, its fids are stale: what they would be anyway */
}

void node_forget(struct conn *c, struct node *dir, const char *name)
{
	struct node *n = node_find(c, dir, name);

	if (n)
		node_unhash(c, n);
}

/*
 * Is n to, or above it? Possible only if the tree was changed behind our back; then n may not go
 * below to.
 */
static bool above(const struct node *n, const struct node *to)
{
	while (to && to != n)
		to = to->parent;
	return to != NULL;
}

/*
 * Put n, not hashed, where the host has put it. If that fails it stays unhashed, as if it were
 * unlinked.
 */
static void place(struct conn *c, struct node *n, struct node *to, const char *name)
{
	struct node *old = n->parent;
	char *copy;

	if (above(n, to) || !(copy = strdup(name)))
		return;
	free(n->name);
	n->name = copy;
	n->parent = node_ref(to);
	node_insert(c, n);
	node_unref(c, old);
}

void node_moved(struct conn *c, struct node *from, const char *old, struct node *to,
		const char *name)
{
	struct node *n = node_find(c, from, old);

	if (from == to && !strcmp(old, name))
		return;
	node_forget(c, to, name);
	if (!n)
		return;
	node_unhash(c, n);
	place(c, n, to, name);
}

void node_exchanged(struct conn *c, struct node *from, const char *old, struct node *to,
		    const char *name)
{
	struct node *a = node_find(c, from, old), *b = node_find(c, to, name);

	if (a == b)
		return;
	if (a)
		node_unhash(c, a);
	if (b)
		node_unhash(c, b);
	if (a)
		place(c, a, to, name);
	if (b)
		place(c, b, from, old);
}
