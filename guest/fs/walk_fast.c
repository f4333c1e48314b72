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
	const char *name;	      /* what is left of the path, or of a link's target */
	const char *rest[FAST_LINKS]; /* and then of what led to that link */
	unsigned depth, links;
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

static void start_at(struct fast *f, const struct path_ref *p)
{
	f->mnt = READ_ONCE(p->mnt);
	f->d = READ_ONCE(p->dentry);
}

/* Go on with the target of a link in f->d's directory, then with what is behind its name. */
static bool follow(struct fast *f, const char *target, const char *behind)
{
	if (!target || !*target || f->links++ == FAST_LINKS || f->mnt->flags & MNT_NOSYMFOLLOW ||
	    !valid(f))
		return false;
	if (*behind || f->depth)
		f->rest[f->depth++] = behind;
	if (f->depth == FAST_LINKS)
		return false;
	f->name = target;
	if (*target == '/')
		start_at(f, f->root);
	return true;
}

/* From f->d to its child, whose name ends at `end`. */
static bool go_down(struct fast *f, const char *end, unsigned flags)
{
	struct dentry *d = dcache_find_lockless(f->d, f->name, (unsigned)(end - f->name), f->seq);
	bool slash = *end == '/', last;
	struct inode *i;

	if (!d || !(i = READ_ONCE(d->inode)) || !valid(f))
		return false;
	while (*end == '/')
		end++;
	last = !*end && !f->depth;
	if (d->flags & DENTRY_LINK && (!last || slash || (flags & LOOKUP_FOLLOW)))
		return !(last && slash) && follow(f, READ_ONCE(i->link), end);
	f->d = d;
	f->name = end;
	if (!cross_mounts(f))
		return false;
	return !slash || f->d->flags & DENTRY_DIR;
}

/* One component; f->name is not empty. */
static bool step(struct fast *f, unsigned flags)
{
	struct inode *i = READ_ONCE(f->d->inode);
	const char *end = f->name;
	size_t len;

	if (!(f->d->flags & DENTRY_PLAIN) || !i || !valid(f) || !may_search(f, i))
		return false;
	while (*end && *end != '/' && end - f->name <= NAME_MAX)
		end++;
	len = (size_t)(end - f->name);
	if (len > NAME_MAX)
		return false;
	if (f->name[0] == '.' && (len == 1 || (len == 2 && f->name[1] == '.'))) {
		f->name = end;
		return len == 1 || go_up(f);
	}
	return go_down(f, end, flags);
}

int walk_fast(int dirfd, const char *name, unsigned flags, struct path_ref *out)
{
	struct fs_context *c = task_current()->fs;
	struct fast f = { .cred = task_current()->cred, .root = &c->root, .name = name };

	if ((flags & ~FAST_FLAGS) || !*name || (*name != '/' && dirfd != AT_FDCWD))
		return -EAGAIN;
	f.seq = atomic_load(&dcache_seq);
	if (f.seq & 1)
		return -EAGAIN;
	start_at(&f, *name == '/' ? &c->root : &c->cwd);
	if (!valid(&f))
		return -EAGAIN;
	for (;;) {
		while (*f.name == '/')
			f.name++;
		if (*f.name) {
			if (!step(&f, flags))
				return -EAGAIN;
		} else if (f.depth) {
			f.name = f.rest[--f.depth];
		} else {
			break;
		}
	}
	if ((flags & LOOKUP_DIRECTORY) && !(f.d->flags & DENTRY_DIR))
		return -EAGAIN;
	return grab(&f, out);
}
