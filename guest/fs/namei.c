/*
 * namei.c - path lookup (path_resolution(7), openat2(2)), the general case.
 *
 * Iterative: a symbolic link pushes a frame, so stack use is bounded. Per component that is cached: one spinlock, two
 * reference counts, no allocation; walk_fast.c is tried first and needs none of them. A component that is not cached
 * takes the directory's mutex and asks the file system.
 */
#include <string.h>

#include "fs/namei.h"
#include "mm/slab.h"
#include "platform/platform.h"
#include "task/task.h"

static int walk_init_from(struct walk *w, const struct path_ref *start, const char *name,
			  unsigned flags)
{
	memset(w, 0, offsetof(struct walk, frame));
	w->flags = flags;
	w->name = name;
	fs_context_root(&w->root);
	w->path = *start;
	path_get(&w->path);
	return 0;
}

int walk_init(struct walk *w, int dirfd, const char *name, unsigned flags)
{
	struct file *f;

	memset(w, 0, offsetof(struct walk, frame));
	w->flags = flags;
	w->name = name;
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	if (*name == '/' && (flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (*name == '/' && !(flags & LOOKUP_IN_ROOT)) {
		fs_context_root(&w->root);
		w->path = w->root;
		path_get(&w->path);
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		fs_context_cwd(&w->path);
	} else {
		f = fd_get_path(dirfd);
		if (IS_ERR(f))
			return PTR_ERR(f);
		if (!f->path) {
			/* An anonymous object has no path to walk from. */
			file_put(f);
			return *name ? -ENOTDIR : -ENOENT;
		}
		w->path = *f->path;
		path_get(&w->path);
		file_put(f);
		if (*name && !(w->path.dentry->flags & DENTRY_DIR)) {
			path_put(&w->path);
			return -ENOTDIR;
		}
	}
	if (flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) {
		w->root = w->path;
		path_get(&w->root);
	} else {
		fs_context_root(&w->root);
	}
	return 0;
}

void walk_end(struct walk *w)
{
	path_put(&w->path);
	path_put(&w->root);
	while (w->depth) {
		struct walk_frame *f = &w->frame[--w->depth];

		if (f->link)
			inode_put(f->link);
		name_free(f->page);
	}
}

/* want: MAY_READ, MAY_WRITE of an open that follows. */
static struct dentry *child_locked(struct dentry *parent, const char *name, unsigned len,
				   unsigned want)
{
	struct inode *dir = parent->inode, *i;
	struct dentry *d = dcache_lookup(parent, name, len);

	if (d) {
		if (!dir->ops->revalidate || dir->ops->revalidate(dir, name, len, d->inode))
			return d;
		dcache_shrink(d);
		dcache_unhash(d);
		dentry_put(d);
	}
	if (dir->flags & INODE_DEAD)
		return ERR_PTR(-ENOENT);
	if (!dir->ops->lookup)
		return ERR_PTR(-ENOTDIR);
	if (inode_marked(dir, INODE_COMPLETE))
		i = ERR_PTR(-ENOENT);
	else if (want && dir->ops->lookup_open)
		i = dir->ops->lookup_open(dir, name, len, want);
	else
		i = dir->ops->lookup(dir, name, len);
	if (IS_ERR(i)) {
		if (PTR_ERR(i) != -ENOENT)
			return (void *)i;
		i = NULL;
	}
	d = dcache_add(parent, name, len, i);
	return d;
}

struct dentry *walk_child_locked(struct dentry *parent, const char *name, unsigned len)
{
	return child_locked(parent, name, len, 0);
}

struct dentry *walk_child_new(struct dentry *parent, const char *name, unsigned len)
{
	struct super_block *sb = parent->inode->sb;
	struct dentry *d = walk_child_locked(parent, name, len);

	if (!IS_ERR(d) || PTR_ERR(d) != -EIO || !sb || !sb->ops->lower_dead ||
	    !sb->ops->lower_dead(sb))
		return d;
	return dcache_add(parent, name, len, NULL);
}

/* The last name's dentry, with a reference; mounts not crossed. The directory is not locked. */
static struct dentry *walk_child(const struct walk *w, unsigned want)
{
	struct dentry *parent = w->path.dentry, *d = dcache_lookup(parent, w->last, w->last_len);
	struct inode *dir = parent->inode;

	if (d && dir->ops->revalidate &&
	    !dir->ops->revalidate(dir, w->last, w->last_len, d->inode)) {
		dentry_put(d);
		d = NULL;
	}
	if (!d) {
		mutex_lock(&dir->mutex);
		d = child_locked(parent, w->last, w->last_len, want);
		mutex_unlock(&dir->mutex);
	}
	if (IS_ERR(d) || d->inode)
		return d;
	dentry_put(d);
	return ERR_PTR(-ENOENT);
}

static bool at_root(const struct walk *w)
{
	return w->path.dentry == w->root.dentry && w->path.mnt == w->root.mnt;
}

static int walk_dotdot(struct walk *w)
{
	struct dentry *d;

	for (;;) {
		struct path_ref up;

		if (at_root(w))
			return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
		if (w->path.dentry != w->path.mnt->root)
			break;
		spin_lock(&dcache_lock);
		up.mnt = w->path.mnt->parent;
		up.dentry = w->path.mnt->mountpoint;
		if (up.mnt)
			path_get(&up);
		spin_unlock(&dcache_lock);
		if (!up.mnt)
			return 0;
		if (w->flags & LOOKUP_NO_XDEV) {
			path_put(&up);
			return -EXDEV;
		}
		path_put(&w->path);
		w->path = up;
	}
	spin_lock(&dcache_lock);
	d = w->path.dentry->parent;
	dentry_get(d);
	spin_unlock(&dcache_lock);
	dentry_put(w->path.dentry);
	w->path.dentry = d;
	path_follow_mounts(&w->path);
	return 0;
}

/* Step into d (reference taken over), which is not a link to follow. */
static int walk_step(struct walk *w, struct dentry *d)
{
	struct mount *m = w->path.mnt;

	dentry_put(w->path.dentry);
	w->path.dentry = d;
	if (d->flags & DENTRY_MOUNTED) {
		path_follow_mounts(&w->path);
		if (w->path.mnt != m && (w->flags & LOOKUP_NO_XDEV))
			return -EXDEV;
	}
	return 0;
}

static int walk_jump(struct walk *w, struct inode *i)
{
	struct path_ref to;
	int err;

	if (w->flags & LOOKUP_NO_MAGICLINKS)
		return -ELOOP;
	err = i->ops->get_link_path(i, &to);
	if (err)
		return err;
	if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		err = -EXDEV;
	if ((w->flags & LOOKUP_NO_XDEV) && to.mnt != w->path.mnt)
		err = -EXDEV;
	if (err) {
		path_put(&to);
		return err;
	}
	path_put(&w->path);
	w->path = to;
	return 0;
}

int walk_follow(struct walk *w, struct dentry *d)
{
	struct inode *i = d->inode;
	struct walk_frame *f;
	int err;

	if (w->links >= LINK_FOLLOW_MAX || (w->flags & LOOKUP_NO_SYMLINKS) ||
	    (w->path.mnt->flags & MNT_NOSYMFOLLOW))
		return -ELOOP;
	w->links++;
	if (i->ops->get_link_path) {
		static const char nothing[] = "";

		err = walk_jump(w, i);
		if (err)
			return err;
		f = &w->frame[w->depth++];
		*f = (struct walk_frame){ .rest = w->name };
		w->name = nothing;
		return 0;
	}
	f = &w->frame[w->depth];
	*f = (struct walk_frame){ .rest = w->name };
	if (i->link) {
		f->link = i;
		inode_get(i);
		w->name = i->link;
	} else {
		if (!i->ops->readlink)
			return -EINVAL;
		f->page = kmalloc(PATH_MAX);
		if (!f->page)
			return -ENOMEM;
		err = i->ops->readlink(i, f->page, PATH_MAX);
		if (err < 0) {
			kfree(f->page);
			return err;
		}
		w->name = f->page;
	}
	w->depth++;
	if (!*w->name)
		return -ENOENT;
	if (*w->name == '/') {
		if (w->flags & LOOKUP_BENEATH)
			return -EXDEV;
		if ((w->flags & LOOKUP_NO_XDEV) && w->root.mnt != w->path.mnt)
			return -EXDEV;
		path_get(&w->root);
		path_put(&w->path);
		w->path = w->root;
	}
	return 0;
}

/* Is there a component behind p, here or in an outer frame? Notes slashes at the end. */
static bool walk_more(struct walk *w, const char *p)
{
	unsigned depth = w->depth;

	for (;;) {
		if (*p == '/')
			w->slash = true;
		while (*p == '/')
			p++;
		if (*p)
			return true;
		if (!depth)
			return false;
		p = w->frame[--depth].rest;
	}
}

int walk_parent(struct walk *w)
{
	for (;;) {
		struct dentry *d;
		const char *p;
		int err;

		while (*w->name == '/')
			w->name++;
		if (!*w->name) {
			if (w->depth && walk_more(w, w->name)) {
				struct walk_frame *f = &w->frame[--w->depth];

				w->name = f->rest;
				if (f->link)
					inode_put(f->link);
				name_free(f->page);
				continue;
			}
			w->last_type = LAST_ROOT;
			return 0;
		}
		if (!w->path.dentry->inode || !S_ISDIR(w->path.dentry->inode->mode))
			return -ENOTDIR;
		err = inode_permission(w->path.dentry->inode, MAY_EXEC);
		if (err)
			return err;
		for (p = w->name; *p && *p != '/'; p++)
			;
		w->last = w->name;
		w->last_len = (unsigned)(p - w->name);
		w->name = p;
		if (w->last_len > NAME_MAX)
			return -ENAMETOOLONG;
		w->last_type = LAST_NORM;
		if (w->last[0] == '.' && w->last_len == 1)
			w->last_type = LAST_DOT;
		else if (w->last[0] == '.' && w->last[1] == '.' && w->last_len == 2)
			w->last_type = LAST_DOTDOT;
		w->slash = false;
		if (!walk_more(w, p))
			return 0;
		w->slash = false;
		if (w->last_type == LAST_DOT)
			continue;
		if (w->last_type == LAST_DOTDOT) {
			err = walk_dotdot(w);
			if (err)
				return err;
			continue;
		}
		d = walk_child(w, 0);
		if (IS_ERR(d))
			return PTR_ERR(d);
		if (d->flags & DENTRY_LINK) {
			err = walk_follow(w, d);
			dentry_put(d);
		} else {
			err = walk_step(w, d);
		}
		if (err)
			return err;
	}
}

static unsigned open_wants(unsigned flags)
{
	return (flags & LOOKUP_OPEN_READ ? MAY_READ : 0) |
	       (flags & LOOKUP_OPEN_WRITE ? MAY_WRITE : 0);
}

int walk_last(struct walk *w)
{
	bool dir = w->slash || (w->flags & LOOKUP_DIRECTORY);
	struct dentry *d;
	int err;

	if (w->last_type == LAST_DOTDOT) {
		err = walk_dotdot(w);
		if (err)
			return err;
	} else if (w->last_type == LAST_NORM) {
		d = walk_child(w, open_wants(w->flags));
		if (IS_ERR(d))
			return PTR_ERR(d);
		if ((d->flags & DENTRY_LINK) && (w->slash || (w->flags & LOOKUP_FOLLOW))) {
			if (w->slash)
				w->flags |= LOOKUP_DIRECTORY;
			err = walk_follow(w, d);
			dentry_put(d);
			return err ? err : 1;
		}
		err = walk_step(w, d);
		if (err)
			return err;
	}
	if (dir && !(w->path.dentry->flags & DENTRY_DIR))
		return -ENOTDIR;
	return 0;
}

static int walk_all(struct walk *w, struct path_ref *out)
{
	int err;

	do {
		err = walk_parent(w);
		if (!err)
			err = walk_last(w);
	} while (err == 1);
	if (!err) {
		*out = w->path;
		w->path = (struct path_ref){};
	}
	return err;
}

int path_lookup(int dirfd, const char *name, unsigned flags, struct path_ref *out)
{
	struct walk w;
	int err;

	err = walk_fast(dirfd, name, flags, out);
	if (err != -EAGAIN)
		return err;
	if (flags & LOOKUP_CACHED)
		return -EAGAIN;
	err = walk_init(&w, dirfd, name, flags);
	if (!err)
		err = walk_all(&w, out);
	walk_end(&w);
	return err;
}

int path_lookup_from(const struct path_ref *start, const char *name, unsigned flags,
		     struct path_ref *out)
{
	struct walk w;
	int err;

	err = walk_init_from(&w, start, name, flags);
	if (!err)
		err = walk_all(&w, out);
	walk_end(&w);
	return err;
}

char *name_from_user(uaddr_t name, bool empty_ok)
{
	char *page = kmalloc(PATH_MAX);
	long n;

	if (!page)
		return ERR_PTR(-ENOMEM);
	n = user_string(page, name, PATH_MAX);
	if (n == 0 && !empty_ok)
		n = -ENOENT;
	if (n < 0) {
		kfree(page);
		return ERR_PTR(n);
	}
	return page;
}

void name_free(char *name)
{
	if (!IS_ERR(name))
		kfree(name);
}

int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path_ref *out)
{
	char *s = name_from_user(name, flags & LOOKUP_EMPTY);
	int err;

	if (IS_ERR(s))
		return (int)PTR_ERR(s);
	err = path_lookup(dirfd, s, flags, out);
	name_free(s);
	return err;
}
