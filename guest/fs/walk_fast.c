/*
 * walk_fast.c - the path walk for names that are all in the dentry cache.
 *
 * Cost: no lock, no allocation, two reference counts (the result's dentry and mount) however long the path is. It reads
 * dcache_seq, follows plain pointers, and believes a pointer only if dcache_seq has not changed since (dentry.h says
 * why reading stale memory is harmless). Whatever is unusual - a symbolic link without its target at hand, a missing
 * name, an access that mode bits alone do not grant, a special lookup flag - is left to namei.c by -EAGAIN.
 */
#include "fs/namei.h"
#include "task/task.h"

#define FAST_FLAGS                                                                            \
	(LOOKUP_FOLLOW | LOOKUP_DIRECTORY | LOOKUP_EMPTY | LOOKUP_CACHED | LOOKUP_OPEN_READ | \
	 LOOKUP_OPEN_WRITE)
#define FAST_LINKS 4

struct fast {
	struct mount *mnt;
	struct dentry *d;
	const struct path_ref *root;
	const struct cred *cred;
	u32 seq;
};

static bool valid(const struct fast *f)
{
	return atomic_load(&dcache_seq) == f->seq;
}

/* Search permission by the mode bits alone: refused only means "ask the slow way". */
static bool may_search(const struct fast *f, const struct inode *i)
{
	u32 mode = READ_ONCE(i->mode);

	if ((mode & S_IXUGO) == S_IXUGO && !(READ_ONCE(i->flags) & INODE_ACL))
		return true;
	if (READ_ONCE(i->uid) == f->cred->fsuid)
		return mode & S_IXUSR;
	return false;
}

static bool cross_mounts(struct fast *f)
{
	while (f->d->flags & DENTRY_MOUNTED) {
		struct mount *m = mount_find_lockless(f->mnt, f->d, f->seq);

		if (!m)
			return valid(f);
		f->mnt = m;
		f->d = READ_ONCE(m->root);
		if (!valid(f))
			return false;
	}
	return true;
}

static bool go_up(struct fast *f)
{
	for (;;) {
		struct dentry *d = f->d;

		if (d == f->root->dentry && f->mnt == f->root->mnt)
			return true;
		if (d != f->mnt->root)
			break;
		if (!f->mnt->parent)
			return true;
		f->d = READ_ONCE(f->mnt->mountpoint);
		f->mnt = READ_ONCE(f->mnt->parent);
		if (!valid(f) || !f->d || !f->mnt)
			return false;
	}
	f->d = READ_ONCE(f->d->parent);
	return valid(f) && cross_mounts(f);
}

static int grab(struct fast *f, struct path_ref *out)
{
	if (!ref_tryget(&f->d->ref))
		return -EAGAIN;
	if (!ref_tryget(&f->mnt->ref)) {
		dentry_put(f->d);
		return -EAGAIN;
	}
	out->dentry = f->d;
	out->mnt = f->mnt;
	if (!valid(f)) {
		path_put(out);
		return -EAGAIN;
	}
	if (!(f->d->flags & DENTRY_REFERENCED))
		atomic_or(&f->d->flags, DENTRY_REFERENCED);
	return 0;
}

int walk_fast(int dirfd, const char *name, unsigned flags, struct path_ref *out)
{
	struct fs_context *c = task_current()->fs;
	const char *rest[FAST_LINKS];
	struct fast f = { .cred = task_current()->cred, .root = &c->root };
	unsigned depth = 0, links = 0;

	if ((flags & ~FAST_FLAGS) || !*name || (*name != '/' && dirfd != AT_FDCWD))
		return -EAGAIN;
	f.seq = atomic_load(&dcache_seq);
	if (f.seq & 1)
		return -EAGAIN;
	f.mnt = *name == '/' ? READ_ONCE(c->root.mnt) : READ_ONCE(c->cwd.mnt);
	f.d = *name == '/' ? READ_ONCE(c->root.dentry) : READ_ONCE(c->cwd.dentry);
	if (!valid(&f))
		return -EAGAIN;
	for (;;) {
		const char *p;
		struct dentry *d;
		struct inode *i;
		bool last, slash;

		while (*name == '/')
			name++;
		if (!*name) {
			if (!depth)
				break;
			name = rest[--depth];
			continue;
		}
		i = READ_ONCE(f.d->inode);
		if (!(f.d->flags & DENTRY_PLAIN) || !i || !valid(&f) || !may_search(&f, i))
			return -EAGAIN;
		for (p = name; *p && *p != '/' && p - name <= NAME_MAX; p++)
			;
		if (p - name > NAME_MAX)
			return -EAGAIN;
		if (name[0] == '.' && p - name == 1) {
			name = p;
			continue;
		}
		if (name[0] == '.' && name[1] == '.' && p - name == 2) {
			if (!go_up(&f))
				return -EAGAIN;
			name = p;
			continue;
		}
		d = dcache_find_lockless(f.d, name, (unsigned)(p - name), f.seq);
		if (!d || !(i = READ_ONCE(d->inode)) || !valid(&f))
			return -EAGAIN;
		slash = *p == '/';
		while (*p == '/')
			p++;
		last = !*p && !depth;
		if (d->flags & DENTRY_LINK) {
			const char *target = READ_ONCE(i->link);

			if (!last || slash || (flags & LOOKUP_FOLLOW)) {
				if (!target || !*target || links++ == FAST_LINKS ||
				    (slash && last) || f.mnt->flags & MNT_NOSYMFOLLOW || !valid(&f))
					return -EAGAIN;
				if (*p || depth)
					rest[depth++] = p;
				if (depth == FAST_LINKS)
					return -EAGAIN;
				name = target;
				if (*name == '/') {
					f.mnt = READ_ONCE(c->root.mnt);
					f.d = READ_ONCE(c->root.dentry);
				}
				continue;
			}
		}
		f.d = d;
		if (!cross_mounts(&f))
			return -EAGAIN;
		if (last && (slash || (flags & LOOKUP_DIRECTORY)) && !(f.d->flags & DENTRY_DIR))
			return -EAGAIN;
		if (slash && !last && !(f.d->flags & DENTRY_DIR))
			return -EAGAIN;
		name = p;
	}
	if ((flags & LOOKUP_DIRECTORY) && !(f.d->flags & DENTRY_DIR))
		return -EAGAIN;
	return grab(&f, out);
}
