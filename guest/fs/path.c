/*
 * path.c - from dentries back to names (getcwd, /proc), and a task's root, working directory and umask.
 *
 * Names are built under dcache_lock; the buffer's size bounds the work. fs_context: its lock guards the three fields,
 * changes of root and cwd are also dcache writes because the fast walk reads them without a lock.
 */
#include <string.h>

#include "fs/mount/mount.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/task.h"

static char *prepend(char *start, char *p, const char *s, size_t n)
{
	if (IS_ERR(p) || (size_t)(p - start) < n)
		return ERR_PTR(-ENAMETOOLONG);
	p -= n;
	memcpy(p, s, n);
	return p;
}

char *path_name_from(const struct path_ref *path, const struct path_ref *root, char *buf,
		     size_t size, bool *reachable)
{
	const struct dentry *d = path->dentry;
	const struct mount *m = path->mnt;
	char *p = buf + size - 1, *end = p;

	*p = 0;
	spin_lock(&dcache_lock);
	*reachable = true;
	while (!(d == root->dentry && m == root->mnt)) {
		if (d == m->root || d->parent == d) {
			if (!m->parent) {
				*reachable = m == vfs_root_mount && root->mnt == m &&
					     d == root->dentry;
				break;
			}
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		p = prepend(buf, p, dentry_name(d), d->len);
		p = prepend(buf, p, "/", 1);
		if (IS_ERR(p))
			break;
		d = d->parent;
	}
	spin_unlock(&dcache_lock);
	if (p == end)
		p = prepend(buf, p, "/", 1);
	return p;
}

char *path_name(const struct path_ref *path, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)", unreachable[] = "(unreachable)";
	size_t tail = path->dentry->flags & DENTRY_DELETED ? sizeof(deleted) - 1 : 0;
	struct path_ref root;
	bool reachable;
	char *p;

	if (size < tail + 2)
		return ERR_PTR(-ENAMETOOLONG);
	fs_context_root(&root);
	p = path_name_from(path, &root, buf, size - tail, &reachable);
	path_put(&root);
	if (IS_ERR(p))
		return p;
	memcpy(buf + size - tail - 1, deleted, tail);
	buf[size - 1] = 0;
	if (!reachable && path->mnt->ns && !path->mnt->ns->anon)
		p = prepend(buf, p, unreachable, sizeof(unreachable) - 1);
	return p;
}

char *file_name(struct file *f, char *buf, size_t size)
{
	struct inode *i = f->inode;
	const char *name = f->ops && f->ops->name ? f->ops->name : "file";

	if (f->path && !(i && (i->flags & INODE_ANON)))
		return path_name(f->path, buf, size);
	if (i && (S_ISFIFO(i->mode) || S_ISSOCK(i->mode)))
		ksnprintf(buf, size, "%s:[%llu]", S_ISFIFO(i->mode) ? "pipe" : "socket",
			  (unsigned long long)i->ino);
	else
		ksnprintf(buf, size, "anon_inode:%s", name);
	return buf;
}

/* ---- fs_context ---- */

struct fs_context *fs_context_clone(struct fs_context *from)
{
	struct fs_context *c = kzalloc(sizeof(*c));

	if (!c)
		return ERR_PTR(-ENOMEM);
	ref_init(&c->ref);
	spin_init(&c->lock);
	if (!from) {
		c->umask = 022;
		return c;
	}
	spin_lock(&from->lock);
	c->umask = from->umask;
	c->root = from->root;
	c->cwd = from->cwd;
	path_get(&c->root);
	path_get(&c->cwd);
	c->ns = from->ns;
	spin_unlock(&from->lock);
	if (c->ns)
		mount_ns_get(c->ns);
	return c;
}

void fs_context_get(struct fs_context *c)
{
	ref_get(&c->ref);
}

void fs_context_put(struct fs_context *c)
{
	if (!c || !ref_put(&c->ref))
		return;
	path_put(&c->root);
	path_put(&c->cwd);
	mount_ns_put(c->ns);
	kfree(c);
}

static void read_path(struct fs_context *c, const struct path_ref *from, struct path_ref *out)
{
	spin_lock(&c->lock);
	*out = *from;
	path_get(out);
	spin_unlock(&c->lock);
}

void fs_context_root(struct path_ref *out)
{
	struct fs_context *c = task_current()->fs;

	read_path(c, &c->root, out);
}

void fs_context_cwd(struct path_ref *out)
{
	struct fs_context *c = task_current()->fs;

	read_path(c, &c->cwd, out);
}

static void set_path(struct fs_context *c, struct path_ref *field, const struct path_ref *p)
{
	struct path_ref old;

	path_get(p);
	spin_lock(&c->lock);
	spin_lock(&dcache_lock);
	dcache_write_begin();
	old = *field;
	*field = *p;
	dcache_write_end();
	spin_unlock(&dcache_lock);
	spin_unlock(&c->lock);
	path_put(&old);
}

void fs_context_set_cwd(struct fs_context *c, const struct path_ref *p)
{
	set_path(c, &c->cwd, p);
}

void fs_context_set_root(struct fs_context *c, const struct path_ref *p)
{
	set_path(c, &c->root, p);
}
