/*
 * name.c - names of AF_UNIX sockets: file names (an inode of type S_IFSOCK, whose `special` is the socket), abstract ones
 * (a hash table), and none.
 *
 * Abstract names are told apart by type, as on Linux, and by network namespace.
 */
#include <string.h>

#include "fs/landlock/landlock.h"
#include "lib/log.h"
#include "lib/random.h"
#include "mm/slab.h"
#include "net/unix/unix.h"
#include "task/task.h"

#define BUCKETS 64

static struct list buckets[BUCKETS]; /* under unix_lock */

static struct list *bucket(const struct sock_addr *a, int type)
{
	u32 h = 2166136261u ^ (u32)type;
	struct list *b;

	for (u32 k = SUN_PATH_OFFSET; k < a->len; k++)
		h = (h ^ a->raw[k]) * 16777619u;
	b = &buckets[(h ^ h >> 16) % BUCKETS];
	if (!b->next)
		list_init(b);
	return b;
}

int unix_check_name(const struct sock_addr *a)
{
	return a->len <= SUN_PATH_OFFSET || a->len > SUN_PATH_OFFSET + UNIX_PATH_MAX ||
			       a->family != AF_UNIX
		       ? -EINVAL
		       : 0;
}

static struct unix_sock *find_abstract(const struct net_ns *net, const struct sock_addr *a,
				       int type)
{
	struct unix_sock *u;

	list_for_each(u, bucket(a, type), name_node)
		if (u->s.net == net && u->s.type == type && u->addr->a.len == a->len &&
		    !memcmp(u->addr->a.raw, a->raw, a->len))
			return u;
	return NULL;
}

static struct unix_addr *addr_new(const struct sock_addr *a)
{
	struct unix_addr *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->ref);
	n->a = *a;
	return n;
}

/* The path as a string; at most UNIX_PATH_MAX bytes and a NUL. */
static void path_of(const struct sock_addr *a, char path[UNIX_PATH_MAX + 1])
{
	memset(path, 0, UNIX_PATH_MAX + 1);
	memcpy(path, a->raw + SUN_PATH_OFFSET, a->len - SUN_PATH_OFFSET);
}

static bool exists(const char *path)
{
	struct path_ref p;

	if (path_lookup(AT_FDCWD, path, 0, &p))
		return false;
	path_put(&p);
	return true;
}

static int bind_file(struct unix_sock *u, const struct sock_addr *a)
{
	char path[UNIX_PATH_MAX + 1];
	struct unix_addr *addr;
	struct inode *i;
	int err;

	path_of(a, path);
	addr = addr_new(a);
	if (!addr)
		return -ENOMEM;
	/* As Linux: the length that getsockname(2) shows has the NUL, whatever the caller gave. */
	addr->a.len = (u32)(SUN_PATH_OFFSET + strlen(path) + 1);
	memset(addr->a.raw + SUN_PATH_OFFSET, 0, sizeof(addr->a.raw) - SUN_PATH_OFFSET);
	memcpy(addr->a.raw + SUN_PATH_OFFSET, path, strlen(path));
	mutex_lock(&u->bind_lock);
	if (!u->addr)
		err = vfs_make_socket(path, u->s.file->inode->mode & 0777, &u->path);
	else
		err = exists(path) ? -EEXIST : -EINVAL;
	if (err) {
		mutex_unlock(&u->bind_lock);
		kfree(addr);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	i = path_inode(&u->path);
	spin_lock(&unix_lock);
	u->addr = addr;
	spin_unlock(&unix_lock);
	spin_lock(&i->lock);
	i->special = u;
	spin_unlock(&i->lock);
	mutex_unlock(&u->bind_lock);
	return 0;
}

/* Takes over addr on success. -EADDRINUSE, -EINVAL: bound already. bind_lock held. */
static int bind_abstract(struct unix_sock *u, struct unix_addr *addr)
{
	int err = 0;

	spin_lock(&unix_lock);
	if (u->addr) {
		err = -EINVAL;
	} else if (find_abstract(u->s.net, &addr->a, u->s.type)) {
		err = -EADDRINUSE;
	} else {
		u->addr = addr;
		list_add(bucket(&addr->a, u->s.type), &u->name_node);
	}
	spin_unlock(&unix_lock);
	return err;
}

int unix_autobind(struct unix_sock *u)
{
	struct sock_addr a = { .len = SUN_PATH_OFFSET + 6, { .family = AF_UNIX } };
	struct unix_addr *addr;
	int err = -EADDRINUSE;

	if (READ_ONCE(u->addr))
		return 0;
	addr = addr_new(&a);
	if (!addr)
		return -ENOMEM;
	mutex_lock(&u->bind_lock);
	if (u->addr)
		err = 0;
	for (unsigned k = 0; err == -EADDRINUSE && k < 1u << 20; k++) {
		char digits[6];

		ksnprintf(digits, sizeof(digits), "%05x", (unsigned)(random_u64() & 0xfffff));
		memcpy(addr->a.raw + SUN_PATH_OFFSET + 1, digits, 5);
		err = bind_abstract(u, addr);
	}
	mutex_unlock(&u->bind_lock);
	if (u->addr != addr)
		kfree(addr);
	return err == -EADDRINUSE ? -ENOSPC : err;
}

int unix_bind(struct socket *s, const struct sock_addr *a)
{
	struct unix_sock *u = unix_sk(s);
	struct unix_addr *addr;
	int err;

	if (a->len == SUN_PATH_OFFSET && a->family == AF_UNIX)
		return unix_autobind(u);
	err = unix_check_name(a);
	if (err)
		return err;
	if (a->raw[SUN_PATH_OFFSET])
		return bind_file(u, a);
	addr = addr_new(a);
	if (!addr)
		return -ENOMEM;
	mutex_lock(&u->bind_lock);
	err = bind_abstract(u, addr);
	mutex_unlock(&u->bind_lock);
	if (err)
		kfree(addr);
	return err;
}

static struct unix_sock *find_file(const struct sock_addr *a, int type)
{
	struct unix_sock *u = NULL;
	char name[UNIX_PATH_MAX + 1];
	struct path_ref path;
	struct inode *i;
	int err;

	path_of(a, name);
	err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (err)
		return ERR_PTR(err);
	i = path_inode(&path);
	err = vfs_permission(&path, MAY_WRITE);
	if (!err && S_ISSOCK(i->mode)) {
		spin_lock(&i->lock);
		u = i->special;
		if (u && !ref_tryget(&u->s.ref))
			u = NULL;
		spin_unlock(&i->lock);
	}
	if (!err && !u)
		err = -ECONNREFUSED;
	path_put(&path);
	if (!err && u->s.type != type) {
		sock_put(&u->s);
		err = -EPROTOTYPE;
	}
	return err ? ERR_PTR(err) : u;
}

struct unix_sock *unix_find(const struct net_ns *net, const struct sock_addr *a, int type,
			    const struct unix_sock *known)
{
	struct unix_sock *u;

	if (a->raw[SUN_PATH_OFFSET])
		return find_file(a, type);
	spin_lock(&unix_lock);
	u = find_abstract(net, a, type);
	if (u)
		sock_get(&u->s);
	spin_unlock(&unix_lock);
	if (u && unlikely(landlock_current()) && known != u &&
	    landlock_scoped(landlock_current(), u->landlock, LANDLOCK_SCOPE_UNIX)) {
		sock_put(&u->s);
		return ERR_PTR(-EPERM);
	}
	return u ? u : ERR_PTR(-ECONNREFUSED);
}

void unix_copy_name(struct unix_sock *u, struct sock_addr *a)
{
	const struct unix_addr *addr = atomic_load(&u->addr);

	a->len = 0;
	if (addr)
		*a = addr->a;
}

int unix_getname(struct socket *s, struct sock_addr *a, bool peer)
{
	struct unix_sock *u = unix_sk(s), *p = NULL;

	if (peer) {
		p = unix_peer_get(u);
		if (!p)
			return -ENOTCONN;
		u = p;
	}
	unix_copy_name(u, a);
	if (!a->len) {
		a->family = AF_UNIX;
		a->len = SUN_PATH_OFFSET;
	}
	if (p)
		sock_put(&p->s);
	return 0;
}

void unix_unbind(struct unix_sock *u)
{
	struct inode *i = u->path.dentry ? path_inode(&u->path) : NULL;

	if (i) {
		spin_lock(&i->lock);
		if (i->special == u)
			i->special = NULL;
		spin_unlock(&i->lock);
		path_put(&u->path);
	}
	spin_lock(&unix_lock);
	list_del(&u->name_node);
	spin_unlock(&unix_lock);
}
