/*
 * landlock.c - what a domain says about paths: a walk from the object up to the root, through mounts, that takes off what
 * each directory's rules allow. Linux's semantics (Documentation/userspace-api/landlock.rst, security/landlock/fs.c).
 *
 * The walk takes no lock: it reads as the fast path walk does (fs/dentry.h), and is made anew under dcache_lock, which keeps
 * names and mounts where they are, if one of them changed meanwhile. `left` is what of the request each layer has not yet
 * allowed.
 */
#include <string.h>

#include "fs/landlock/landlock.h"
#include "fs/mount/mount.h"

u32 landlock_place(const struct landlock_rules *r, u64 key)
{
	u32 lo = 0, hi = r->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (r->rule[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

u32 landlock_find(const struct landlock_rules *r, u64 key)
{
	u32 k = landlock_place(r, key);

	return k < r->n && r->rule[k].key == key ? r->rule[k].allowed : 0;
}

struct request {
	const struct landlock_domain *domain;
	u16 left[LANDLOCK_LAYERS_MAX]; /* by depth - 1 */
};

/* Every layer handles LANDLOCK_REFER, also those that have never heard of it. */
static u32 handled(const struct landlock_domain *d)
{
	return d->fs | LANDLOCK_REFER;
}

static void request_init(struct request *r, const struct landlock_domain *domain, u32 access)
{
	r->domain = domain;
	for (const struct landlock_domain *d = domain; d; d = d->parent)
		r->left[d->depth - 1] = (u16)(access & handled(d));
}

/* What is left in some layer. */
static u32 left(const struct request *r)
{
	u32 any = 0;

	for (u32 k = 0; k < r->domain->depth; k++)
		any |= r->left[k];
	return any;
}

/* Only these accesses matter from now on. */
static void narrow(struct request *r, u32 access)
{
	for (u32 k = 0; k < r->domain->depth; k++)
		r->left[k] &= (u16)access;
}

static void take_off(struct request *r, const struct inode *i)
{
	for (const struct landlock_domain *d = r->domain; d; d = d->parent)
		if (r->left[d->depth - 1])
			r->left[d->depth - 1] &= (u16)~landlock_find(&d->paths, (u64)(uintptr_t)i);
}

static bool changed(u32 seq)
{
	return atomic_load(&dcache_seq) != seq;
}

/*
 * To the directory above, over mounts; what a mount covers does not count. 1; 0: there is none; -EAGAIN: dcache_seq is not
 * seq any more. With dcache_lock held it stays what it is.
 */
static int step_up(struct path_ref *p, u32 seq)
{
	struct dentry *up;

	while (p->dentry == READ_ONCE(p->mnt->root)) {
		struct mount *parent = READ_ONCE(p->mnt->parent);
		struct dentry *place = READ_ONCE(p->mnt->mountpoint);

		if (changed(seq))
			return -EAGAIN;
		if (!parent)
			return 0;
		*p = (struct path_ref){ parent, place };
	}
	up = READ_ONCE(p->dentry->parent);
	if (changed(seq))
		return -EAGAIN;
	if (up == p->dentry)
		return 0;
	p->dentry = up;
	return 1;
}

bool landlock_exempt(const struct path_ref *p)
{
	return !p->mnt || (p->mnt->flags & MNT_INTERNAL);
}

/* Walk up from `at` until nothing is left. False: dcache_seq is not seq any more, and the request says nothing. */
static bool try_walk_up(struct request *r, struct path_ref at, u32 seq)
{
	int more;

	do {
		take_off(r, READ_ONCE(at.dentry->inode));
		more = left(r) ? step_up(&at, seq) : 0;
	} while (more > 0);
	return !more && !changed(seq);
}

static void walk_up(struct request *r, const struct path_ref *p)
{
	struct request fresh = *r;
	u32 seq = atomic_load(&dcache_seq);

	if (!(seq & 1) && try_walk_up(&fresh, *p, seq)) {
		*r = fresh;
		return;
	}
	spin_lock(&dcache_lock);
	try_walk_up(r, *p, dcache_seq);
	spin_unlock(&dcache_lock);
}

int landlock_check(const struct path_ref *p, u32 access)
{
	struct request r;

	if (landlock_exempt(p))
		return 0;
	request_init(&r, landlock_current(), access);
	if (left(&r))
		walk_up(&r, p);
	return left(&r) ? -EACCES : 0;
}

static u32 open_access(const struct file *f, bool exec)
{
	u32 access = exec ? LANDLOCK_EXECUTE : 0;

	if (f->mode & FMODE_READ) {
		if (S_ISDIR(f->inode->mode))
			return LANDLOCK_READ_DIR;
		access |= LANDLOCK_READ_FILE;
	}
	if (f->mode & FMODE_WRITE)
		access |= LANDLOCK_WRITE_FILE;
	return access;
}

int landlock_check_open(struct file *f, bool exec)
{
	u32 need = open_access(f, exec), later = LANDLOCK_TRUNCATE, denied;
	struct request r;

	if (landlock_exempt(f->path))
		return 0;
	if (S_ISCHR(f->inode->mode) || S_ISBLK(f->inode->mode))
		later |= LANDLOCK_IOCTL_DEV;
	request_init(&r, landlock_current(), need | later);
	if (left(&r))
		walk_up(&r, f->path);
	denied = left(&r);
	if (denied & need)
		return -EACCES;
	/* The open file keeps what may be done with it, whoever gets it. */
	if (denied & LANDLOCK_TRUNCATE)
		f->mode |= FMODE_NO_TRUNCATE;
	if (denied & LANDLOCK_IOCTL_DEV)
		f->mode |= FMODE_NO_IOCTL;
	return 0;
}

int landlock_may_mount(void)
{
	for (const struct landlock_domain *d = landlock_current(); unlikely(d); d = d->parent)
		if (d->fs)
			return -EPERM;
	return 0;
}

u32 landlock_make_access(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK: return LANDLOCK_MAKE_SYM;
	case S_IFDIR: return LANDLOCK_MAKE_DIR;
	case S_IFCHR: return LANDLOCK_MAKE_CHAR;
	case S_IFBLK: return LANDLOCK_MAKE_BLOCK;
	case S_IFIFO: return LANDLOCK_MAKE_FIFO;
	case S_IFSOCK: return LANDLOCK_MAKE_SOCK;
	default: return LANDLOCK_MAKE_REG;
	}
}

/* ---- names that change their directory ---- */

static u32 remove_access(const struct dentry *d)
{
	if (!d || !d->inode)
		return 0;
	return S_ISDIR(d->inode->mode) ? LANDLOCK_REMOVE_DIR : LANDLOCK_REMOVE_FILE;
}

/* Take off what dir and the directories above it, up to the mount's root, allow. dcache_lock held. */
static void collect(struct request *r, const struct mount *mnt, const struct dentry *dir)
{
	for (;; dir = dir->parent) {
		take_off(r, dir->inode);
		if (!left(r) || dir == mnt->root || dir->parent == dir)
			return;
	}
}

/*
 * Would the object `child`, below `from` now, be restricted below `to` at least as much? Its own rules, which it takes along,
 * do not count.
 */
static bool no_more_access(const struct request *from, const struct dentry *child,
			   const struct request *to)
{
	u32 sensible = S_ISDIR(child->inode->mode) ? LANDLOCK_FS_ALL : LANDLOCK_FS_FILE;
	struct request own;

	request_init(&own, from->domain, LANDLOCK_FS_ALL);
	take_off(&own, child->inode);
	for (u32 k = 0; k < own.domain->depth; k++)
		if (from->left[k] & own.left[k] & ~to->left[k] & sensible)
			return false;
	return true;
}

int landlock_check_refer(const struct path_ref *from_dir, const struct dentry *from,
			 const struct path_ref *to, const struct dentry *victim, bool remove,
			 bool exchange)
{
	const struct landlock_domain *domain = landlock_current();
	u32 at_from = exchange ? landlock_make_access(victim->inode->mode) : 0;
	u32 at_to = landlock_make_access(from->inode->mode);
	struct path_ref at = { to->mnt, to->mnt->root };
	struct request rf, rt;
	bool compared = false;

	if (landlock_exempt(to))
		return 0;
	if (remove) {
		at_from |= remove_access(from);
		at_to |= remove_access(victim);
	}
	if (from_dir->dentry == to->dentry)
		return landlock_check(to, at_from | at_to);
	at_from |= LANDLOCK_REFER;
	at_to |= LANDLOCK_REFER;
	request_init(&rf, domain, LANDLOCK_FS_ALL);
	request_init(&rt, domain, LANDLOCK_FS_ALL);
	spin_lock(&dcache_lock);
	collect(&rf, to->mnt, from_dir->dentry);
	collect(&rt, to->mnt, to->dentry);
	/* From the mount's root on both have the same directories above them. */
	do {
		if (!compared && no_more_access(&rf, from, &rt) &&
		    (!exchange || no_more_access(&rt, victim, &rf))) {
			compared = true;
			narrow(&rf, at_from);
			narrow(&rt, at_to);
		}
		take_off(&rf, at.dentry->inode);
		take_off(&rt, at.dentry->inode);
	} while ((left(&rf) || left(&rt)) && step_up(&at, dcache_seq) > 0);
	spin_unlock(&dcache_lock);
	if (!left(&rf) && !left(&rt))
		return 0;
	if ((left(&rf) & at_from & ~LANDLOCK_REFER) || (left(&rt) & at_to & ~LANDLOCK_REFER))
		return -EACCES;
	return -EXDEV;
}
