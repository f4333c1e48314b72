/*
 * lock.c - advisory locks (lock.h): flock(2), fcntl(2) F_SETLK and F_OFD_SETLK with deadlock detection for POSIX locks, and the
 * table of what is held, leases too.
 *
 * An inode's locks are a list sorted by start within one owner. Blocked requests sleep on the inode's queue and try
 * again when any of its locks goes. Deadlock: a waiting owner notes whom it waits for; a request that would close a
 * circle of owners is refused. Cost of close(2) for files without locks: one load.
 */
#include <string.h>

#include "fs/lock_table.h"
#include "mm/slab.h"
#include "task/task.h"

#define HASH_BITS 10
/* Of one inode: every look goes through its list with locks_lock held. Differs from Linux, which stops at no number. */
#define LOCKS_MAX 16384

struct spinlock locks_lock = SPINLOCK_INIT;
static struct file_locks *buckets[1 << HASH_BITS];
static struct list waits = LIST_INIT(waits);

/* Where i's locks hang, or would at the end. Lock held. */
static struct file_locks **link_of(const struct inode *i)
{
	u64 h = (u64)(uintptr_t)i * 0x9e3779b97f4a7c15ULL >> (64 - HASH_BITS);
	struct file_locks **p = &buckets[h];

	while (*p && (*p)->inode != i)
		p = &(*p)->next;
	return p;
}

struct file_locks *locks_find(const struct inode *i)
{
	struct file_locks *l;

	if (!inode_marked(i, INODE_LOCKS))
		return NULL;
	spin_lock(&locks_lock);
	l = *link_of(i);
	spin_unlock(&locks_lock);
	return l;
}

struct file_locks *locks_of(struct inode *i)
{
	struct file_locks *l = locks_find(i), *n, **p;

	if (l)
		return l;
	n = kzalloc(sizeof(*n));
	if (!n)
		return NULL;
	n->inode = i;
	list_init(&n->held);
	waitq_init(&n->q);
	spin_lock(&locks_lock);
	p = link_of(i);
	if (!*p) {
		*p = n;
		inode_mark(i, INODE_LOCKS);
	}
	l = *p;
	spin_unlock(&locks_lock);
	if (l != n)
		kfree(n);
	return l;
}

/* Kinds that meet: whole files, ranges, leases. */
static enum lock_kind family(enum lock_kind k)
{
	return k == KIND_OFD ? KIND_POSIX : k;
}

struct held *locks_conflict(const struct file_locks *l, enum lock_kind kind, const void *owner,
			    const struct lock_range *r)
{
	struct held *h;

	list_for_each(h, &l->held, node) {
		if (family(h->kind) != family(kind) || (h->owner == owner && h->kind == kind))
			continue;
		if (h->type == F_RDLCK && r->type == F_RDLCK)
			continue;
		if (h->start <= r->end && r->start <= h->end)
			return h;
	}
	return NULL;
}

void locks_wait_begin(struct waiting *w, const struct file_locks *l, enum lock_kind kind,
		      void *owner, const struct lock_range *want, const struct held *h)
{
	w->on = l;
	w->kind = kind;
	w->owner = owner;
	w->want = *want;
	w->for_owner = h->owner;
	w->behind = h;
	list_add_tail(&waits, &w->node);
}

void locks_wait_end(struct waiting *w)
{
	list_del(&w->node);
}

/* Among owners of POSIX locks. */
static bool deadlock(void *owner, void *for_owner)
{
	for (int steps = 0; steps < 64; steps++) {
		struct waiting *w;
		void *next = NULL;

		if (for_owner == owner)
			return true;
		list_for_each(w, &waits, node)
			if (w->kind == KIND_POSIX && w->owner == for_owner)
				next = w->for_owner;
		if (!next)
			return false;
		for_owner = next;
	}
	return false;
}

static struct held *held_new(void)
{
	return kzalloc(sizeof(struct held));
}

void locks_add(struct file_locks *l, struct held *h)
{
	list_add_tail(&l->held, &h->node);
	l->n++;
}

void locks_remove(struct file_locks *l, struct held *h)
{
	list_del(&h->node);
	l->n--;
	kfree(h);
}

static void place(struct file_locks *l, struct held *h, enum lock_kind kind, void *owner, int type,
		  int pid, u64 start, u64 end)
{
	h->kind = kind;
	h->owner = owner;
	h->type = type;
	h->pid = pid;
	h->start = start;
	h->end = end;
	locks_add(l, h);
}

/*
 * Give the owner `type` on the range: cut what it has there, then add and merge. spare: three objects for the pieces;
 * those not used stay. locks_lock held.
 */
static void apply(struct file_locks *l, enum lock_kind kind, void *owner, int type, int pid,
		  u64 start, u64 end, struct held **spare)
{
	struct held *h, *tmp;
	u64 s = start, e = end;

	list_for_each_safe(h, tmp, &l->held, node) {
		bool touches;

		if (h->owner != owner || h->kind != kind)
			continue;
		touches = h->type == type &&
			  ((e != ~0ULL && h->start == e + 1) || (s && h->end == s - 1));
		if (!touches && (h->start > e || s > h->end))
			continue;
		if (h->type == type) { /* swallow it */
			s = MIN(s, h->start);
			e = MAX(e, h->end);
			locks_remove(l, h);
			continue;
		}
		if (h->start < start && h->end > end) { /* two pieces are left */
			place(l, spare[1], kind, owner, h->type, h->pid, end + 1, h->end);
			spare[1] = NULL;
			h->end = start - 1;
		} else if (h->start < start) {
			h->end = start - 1;
		} else if (h->end > end) {
			h->start = end + 1;
		} else {
			locks_remove(l, h);
		}
	}
	if (type != F_UNLCK) {
		place(l, spare[0], kind, owner, type, pid, s, e);
		spare[0] = NULL;
	}
}

/* Would r leave more of them than there are? */
static bool adds(const struct file_locks *l, enum lock_kind kind, const void *owner,
		 const struct lock_range *r)
{
	struct held *h;

	if (r->type != F_UNLCK)
		return true;
	list_for_each(h, &l->held, node)
		if (h->owner == owner && h->kind == kind && h->start < r->start && h->end > r->end)
			return true;
	return false;
}

/* One attempt: 0, -EAGAIN (and, waiting, it noted for whom), -EDEADLK, -ENOLCK. */
static int attempt(struct file_locks *l, enum lock_kind kind, void *owner,
		   const struct lock_range *r, struct held **spare, struct waiting *w)
{
	struct held *h = NULL;
	int err = 0;

	spin_lock(&locks_lock);
	if (w)
		locks_wait_end(w);
	if (r->type != F_UNLCK)
		h = locks_conflict(l, kind, owner, r);
	if (!h && l->n >= LOCKS_MAX && adds(l, kind, owner, r)) {
		err = -ENOLCK;
	} else if (!h) {
		apply(l, kind, owner, r->type, r->pid, r->start, r->end, spare);
	} else {
		err = -EAGAIN;
		if (w && kind == KIND_POSIX && h->kind == KIND_POSIX && deadlock(owner, h->owner))
			err = -EDEADLK;
		else if (w)
			locks_wait_begin(w, l, kind, owner, r, h);
	}
	spin_unlock(&locks_lock);
	return err;
}

static int set_lock(struct file *f, enum lock_kind kind, void *owner, const struct lock_range *r,
		    bool wait)
{
	struct file_locks *l = locks_of(f->inode);
	struct held *spare[2] = { held_new(), held_new() };
	struct waiting w;
	int err = -ENOLCK, ret;

	list_init(&w.node);
	if (!l || !spare[0] || !spare[1])
		goto out;
	err = attempt(l, kind, owner, r, spare, wait ? &w : NULL);
	if (err == -EAGAIN && wait) {
		ret = wait_event(&l->q, SLEEP_INTERRUPTIBLE, NO_DEADLINE,
				 (err = attempt(l, kind, owner, r, spare, &w)) != -EAGAIN);
		if (ret)
			err = ret;
		spin_lock(&locks_lock);
		locks_wait_end(&w);
		spin_unlock(&locks_lock);
	}
	/* What others wait for may have gone or shrunk. */
	if (!err && waitq_active(&l->q))
		waitq_wake_all(&l->q, 0);
out:
	kfree(spare[0]);
	kfree(spare[1]);
	return err;
}

int file_flock(struct file *f, int type, bool wait)
{
	struct lock_range r = { .end = ~0ULL, .pid = task_current()->process->pid };
	struct lock_range un = { .type = F_UNLCK, .end = ~0ULL };
	struct file_locks *l;

	if (!f->inode)
		return -EBADF;
	r.type = type == FLOCK_UN ? F_UNLCK : type == FLOCK_EX ? F_WRLCK : F_RDLCK;
	/* A conversion is not atomic: the old lock goes first (flock(2)). */
	l = r.type != F_UNLCK ? locks_find(f->inode) : NULL;
	if (l) {
		struct held *h;
		bool convert = false;

		spin_lock(&locks_lock);
		list_for_each(h, &l->held, node)
			if (h->kind == KIND_FLOCK && h->owner == f && h->type != r.type)
				convert = true;
		spin_unlock(&locks_lock);
		if (convert)
			set_lock(f, KIND_FLOCK, f, &un, false);
	}
	return set_lock(f, KIND_FLOCK, f, &r, wait);
}

int file_lock_range(struct file *f, void *owner, const struct lock_range *r, bool wait, bool ofd)
{
	return set_lock(f, ofd ? KIND_OFD : KIND_POSIX, owner, r, wait);
}

void file_lock_test(struct file *f, void *owner, struct lock_range *r, bool ofd)
{
	struct file_locks *l = locks_of(f->inode);
	struct held *h = NULL;

	spin_lock(&locks_lock);
	if (l)
		h = locks_conflict(l, ofd ? KIND_OFD : KIND_POSIX, owner, r);
	if (!h) {
		r->type = F_UNLCK;
	} else {
		r->type = h->type;
		r->start = h->start;
		r->end = h->end;
		r->pid = h->kind == KIND_OFD ? -1 : h->pid;
	}
	spin_unlock(&locks_lock);
}

static void drop(struct inode *i, void *owner, bool posix)
{
	struct file_locks *l = locks_find(i);
	struct held *h, *tmp;
	bool any = false;

	if (!l)
		return;
	spin_lock(&locks_lock);
	list_for_each_safe(h, tmp, &l->held, node) {
		if (h->owner == owner && (h->kind == KIND_POSIX) == posix) {
			locks_remove(l, h);
			any = true;
		}
	}
	spin_unlock(&locks_lock);
	if (any)
		waitq_wake_all(&l->q, 0);
}

void file_locks_close(struct file *f, void *owner)
{
	drop(f->inode, owner, true);
}

void file_locks_release(struct file *f)
{
	drop(f->inode, f, false);
}

void file_locks_free(struct inode *i)
{
	struct file_locks **p, *l;
	struct held *h, *tmp;

	spin_lock(&locks_lock);
	p = link_of(i);
	l = *p;
	*p = l->next;
	spin_unlock(&locks_lock);
	list_for_each_safe(h, tmp, &l->held, node)
		kfree(h);
	kfree(l);
}

/* ---- /proc/locks ---- */

struct listing {
	struct lock_line *out;
	unsigned n, max;
};

static void put_line(struct listing *to, const struct inode *i, enum lock_kind kind,
		     const struct lock_range *r, bool waits_for, bool breaking)
{
	if (to->n < to->max)
		to->out[to->n] = (struct lock_line){ .kind = kind,
						     .range = *r,
						     .waits = waits_for,
						     .breaking = breaking,
						     .dev = i->sb ? i->sb->dev : 0,
						     .ino = i->ino };
	to->n++;
}

static void put_locks(struct listing *to, struct file_locks *l)
{
	struct waiting *w;
	struct held *h;

	list_for_each(h, &l->held, node) {
		const struct lock_range r = { h->break_at ? h->break_to : h->type, h->start, h->end,
					      h->pid };

		put_line(to, l->inode, h->kind, &r, false, h->break_at);
		if (!waitq_active(&l->q))
			continue;
		list_for_each(w, &waits, node)
			if (w->on == l && w->behind == h)
				put_line(to, l->inode, w->kind, &w->want, true, false);
	}
}

unsigned file_locks_list(struct lock_line *out, unsigned max)
{
	struct listing to = { .out = out, .max = max };

	for (unsigned k = 0; k < ARRAY_SIZE(buckets); k++) {
		spin_lock(&locks_lock);
		for (struct file_locks *l = buckets[k]; l; l = l->next)
			put_locks(&to, l);
		spin_unlock(&locks_lock);
		task_poll();
	}
	return to.n;
}
