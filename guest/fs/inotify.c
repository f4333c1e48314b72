/*
 * inotify.c - watches and the queues of their events.
 *
 * Lock: one spinlock, notify_lock, guards all watches and queues; inside it only wait queues and the slab. A watch holds
 * a reference to its inode, which is dropped outside of the lock. A queue that is full, or for whose event there is no
 * memory, gets one IN_Q_OVERFLOW.
 */
#include <string.h>

#include "fs/inotify.h"
#include "mm/slab.h"
#include "task/task.h"

static struct spinlock notify_lock = SPINLOCK_INIT;
static struct list instances = LIST_INIT(instances);

#define HASH_BITS 10
static struct inotify_watch *buckets[1 << HASH_BITS]; /* by inode */

u32 inotify_max_events = 16384, inotify_max_instances = 128, inotify_max_watches = 65536;

struct inotify_watch {
	struct inotify_watch *next; /* in its bucket; or the list of those to free */
	struct list node;	    /* inotify->watches */
	struct inotify *owner;
	struct inode *inode;
	int wd;
	u32 mask;
};

/* ---- queues; notify_lock held ---- */

static void append(struct inotify *n, struct inotify_queued *q)
{
	list_add_tail(&n->events, &q->node);
	n->nr_events++;
	n->bytes += inotify_size(q);
	waitq_wake_all(&n->q, POLL_READABLE);
}

static void overflow(struct inotify *n)
{
	if (n->overflowed)
		return;
	n->overflowed = true;
	n->full = (struct inotify_queued){ .wd = -1, .mask = IN_Q_OVERFLOW };
	append(n, &n->full);
}

static void queue(struct inotify *n, int wd, u32 mask, u32 cookie, const char *name, unsigned len)
{
	struct inotify_queued *q;

	if (!list_empty(&n->events)) {
		q = list_entry(n->events.prev, struct inotify_queued, node);
		if (q->wd == wd && q->mask == mask && q->cookie == cookie && q->len == len &&
		    !memcmp(q->name, name, len))
			return; /* nothing new */
	}
	if (n->nr_events >= n->max_events) {
		overflow(n);
		return;
	}
	q = kmalloc(sizeof(*q) + len);
	if (!q) {
		overflow(n);
		return;
	}
	*q = (struct inotify_queued){ .wd = wd, .mask = mask, .cookie = cookie, .len = len };
	memcpy(q->name, name, len);
	append(n, q);
}

struct inotify_queued *inotify_take(struct inotify *n, size_t room, bool *too_small)
{
	struct inotify_queued *q = NULL;

	*too_small = false;
	spin_lock(&notify_lock);
	if (!list_empty(&n->events)) {
		q = list_first(&n->events, struct inotify_queued, node);
		if (inotify_size(q) > room) {
			*too_small = true;
			q = NULL;
		} else {
			list_del(&q->node);
			n->nr_events--;
			n->bytes -= inotify_size(q);
		}
	}
	spin_unlock(&notify_lock);
	return q;
}

void inotify_free_event(struct inotify *n, struct inotify_queued *q)
{
	if (q == &n->full)
		atomic_store(&n->overflowed, false);
	else
		kfree(q);
}

/* ---- watches; notify_lock held ---- */

static struct inotify_watch **bucket(const struct inode *i)
{
	return &buckets[(u64)(uintptr_t)i * 0x9e3779b97f4a7c15ULL >> (64 - HASH_BITS)];
}

static struct inotify_watch *find_wd(struct inotify *n, int wd)
{
	struct inotify_watch *w;

	list_for_each(w, &n->watches, node)
		if (w->wd == wd)
			return w;
	return NULL;
}

static struct inotify_watch *find_inode(struct inotify *n, struct inode *i)
{
	struct inotify_watch *w;

	for (w = *bucket(i); w; w = w->next)
		if (w->inode == i && w->owner == n)
			return w;
	return NULL;
}

/* Take it off its inode and its instance, and put it on *dead. */
static void detach(struct inotify_watch *w, struct inotify_watch **dead)
{
	struct inotify_watch **p = bucket(w->inode), *o;
	bool others = false;

	for (o = *p; o; o = o->next)
		others |= o != w && o->inode == w->inode;
	if (!others)
		inode_unmark(w->inode, INODE_WATCHED);
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	list_del(&w->node);
	atomic_sub(&notify_watches, 1);
	w->next = *dead;
	*dead = w;
}

static void free_watches(struct inotify_watch *dead)
{
	while (dead) {
		struct inotify_watch *w = dead;

		dead = w->next;
		inode_put(w->inode);
		kfree(w);
	}
}

void inotify_send(struct inode *i, u32 mask, u32 cookie, const char *name, unsigned len,
		  bool unlinked)
{
	struct inotify_watch *w, *next, *dead = NULL;
	u32 shown = mask;

	if (mask & (IN_DELETE_SELF | IN_MOVE_SELF))
		shown &= ~IN_ISDIR;
	spin_lock(&notify_lock);
	for (w = *bucket(i); w; w = next) {
		next = w->next;
		if (w->inode != i || !(w->mask & mask & IN_ALL_EVENTS) ||
		    (unlinked && w->mask & IN_EXCL_UNLINK))
			continue;
		queue(w->owner, w->wd, shown, cookie, name, len);
		if (w->mask & IN_ONESHOT) {
			queue(w->owner, w->wd, IN_IGNORED, 0, NULL, 0);
			detach(w, &dead);
		}
	}
	spin_unlock(&notify_lock);
	free_watches(dead);
}

static void end_watch(struct inotify_watch *w, u32 mask, struct inotify_watch **dead)
{
	if (mask == IN_UNMOUNT || w->mask & mask)
		queue(w->owner, w->wd, mask, 0, NULL, 0);
	queue(w->owner, w->wd, IN_IGNORED, 0, NULL, 0);
	detach(w, dead);
}

void inotify_end(struct inode *i, u32 mask)
{
	struct inotify_watch *w, *next, *dead = NULL;

	spin_lock(&notify_lock);
	for (w = *bucket(i); w; w = next) {
		next = w->next;
		if (w->inode == i)
			end_watch(w, mask, &dead);
	}
	spin_unlock(&notify_lock);
	free_watches(dead);
}

void inotify_end_all(struct super_block *sb, u32 mask)
{
	struct inotify_watch *w, *next, *dead = NULL;
	struct inotify *n;

	spin_lock(&notify_lock);
	list_for_each(n, &instances, node)
		list_for_each_safe(w, next, &n->watches, node)
			if (w->inode->sb == sb)
				end_watch(w, mask, &dead);
	spin_unlock(&notify_lock);
	free_watches(dead);
}

int inotify_watch_add(struct inotify *n, struct inode *i, u32 mask)
{
	u32 keep = IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT;
	struct inotify_watch *w, *fresh = kzalloc(sizeof(*fresh));
	int ret;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&notify_lock);
	w = find_inode(n, i);
	if (w) {
		ret = mask & IN_MASK_CREATE ? -EEXIST : w->wd;
		if (ret >= 0)
			w->mask = (mask & IN_MASK_ADD ? w->mask : 0) | (mask & keep);
	} else if (notify_watches >= inotify_max_watches) {
		ret = -ENOSPC;
	} else {
		fresh->owner = n;
		fresh->inode = i;
		inode_get(i);
		fresh->mask = mask & keep;
		fresh->wd = ret = n->next_wd;
		n->next_wd = n->next_wd == 0x7fffffff ? 1 : n->next_wd + 1;
		list_add_tail(&n->watches, &fresh->node);
		fresh->next = *bucket(i);
		*bucket(i) = fresh;
		inode_mark(i, INODE_WATCHED);
		atomic_add(&notify_watches, 1);
		fresh = NULL;
	}
	spin_unlock(&notify_lock);
	kfree(fresh);
	return ret;
}

int inotify_watch_remove(struct inotify *n, int wd)
{
	struct inotify_watch *w, *dead = NULL;

	spin_lock(&notify_lock);
	w = find_wd(n, wd);
	if (w) {
		queue(n, wd, IN_IGNORED, 0, NULL, 0);
		detach(w, &dead);
	}
	spin_unlock(&notify_lock);
	free_watches(dead);
	return w ? 0 : -EINVAL;
}

bool inotify_watch_at(struct inotify *n, unsigned k, struct inotify_watch_info *out)
{
	struct inotify_watch *w;
	bool found = false;

	spin_lock(&notify_lock);
	list_for_each(w, &n->watches, node) {
		if (k--)
			continue;
		*out = (struct inotify_watch_info){ w->wd, w->mask, w->inode->ino,
						    w->inode->sb ? w->inode->sb->dev : 0 };
		found = true;
		break;
	}
	spin_unlock(&notify_lock);
	return found;
}

/* ---- instances ---- */

struct inotify *inotify_new(u32 uid)
{
	struct inotify *n = kzalloc(sizeof(*n)), *o;
	unsigned have = 0;

	if (!n)
		return ERR_PTR(-ENOMEM);
	list_init(&n->watches);
	list_init(&n->events);
	waitq_init(&n->q);
	n->next_wd = 1;
	n->uid = uid;
	n->max_events = inotify_max_events;
	spin_lock(&notify_lock);
	list_for_each(o, &instances, node)
		have += o->uid == uid;
	if (have < inotify_max_instances)
		list_add_tail(&instances, &n->node);
	spin_unlock(&notify_lock);
	if (have < inotify_max_instances)
		return n;
	kfree(n);
	return ERR_PTR(-EMFILE);
}

void inotify_destroy(struct inotify *n)
{
	struct inotify_watch *dead = NULL;
	struct inotify_queued *q, *next;

	spin_lock(&notify_lock);
	list_del(&n->node);
	while (!list_empty(&n->watches))
		detach(list_first(&n->watches, struct inotify_watch, node), &dead);
	spin_unlock(&notify_lock);
	free_watches(dead);
	list_for_each_safe(q, next, &n->events, node)
		if (q != &n->full)
			kfree(q);
	kfree(n);
}
