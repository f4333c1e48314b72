/*
 * epoll.c - epoll(7): level and edge triggered, one-shot, exclusive, nested.
 *
 * An item hooks one waiter per wait queue of its target. A wake-up marks the item ready (spinlock ep->ready_lock,
 * called under the target's queue lock); collecting polls each ready item again, so a stale mark costs one poll. Marks
 * are per item: collecting k events out of n watched costs O(k).
 *
 * Locks: epoll_tree (mutex; who watches whom: control operations and forgetting), ep->lock (mutex: items, collecting),
 * ep->ready_lock (spinlock, inside a wait queue's lock). Nested epolls: ep->lock of the outer one is taken first; loops
 * and depths above 5 are refused with ELOOP.
 */
#include "fs/abi.h"
#include "fs/anon/epoll.h"
#include "fs/poll_bits.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "lib/avl.h"
#include "mm/slab.h"
#include "task/task.h"

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET	       (1u << 31)
#define EPOLL_PRIVATE  (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EXCLUSIVE_OK   (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define DEPTH_MAX      5
#define ITEM_QUEUES    2 /* a tty or socket may have one for each direction */

struct epoll {
	struct file *file;
	struct mutex lock;
	struct list items;
	unsigned nr_items;
	struct spinlock ready_lock;
	struct list ready;
	struct waitq q; /* tasks in epoll_wait, and pollers of the epoll file */
};

struct hook {
	struct waiter w;
	struct item *item;
};

struct item {
	struct list node;	/* ep->items */
	struct list ready_node; /* ep->ready; self-linked when not ready */
	struct list file_node;	/* the target's list of watchers */
	struct epoll *ep;
	struct file *file; /* no reference: epoll_forget runs before it dies */
	int fd;
	struct epoll_event ev;
	bool disabled; /* one-shot, fired */
	unsigned nhooks;
	struct hook hooks[ITEM_QUEUES];
};

/* What hangs on struct file.epoll: the items that watch this file. */
struct watchers {
	struct list items;
};

static struct mutex epoll_tree = MUTEX_INIT(epoll_tree);
static const struct file_ops epoll_fops;

bool is_epoll(const struct file *f)
{
	return f->ops == &epoll_fops;
}

static void mark_ready(struct item *it)
{
	struct epoll *ep = it->ep;

	spin_lock(&ep->ready_lock);
	if (list_empty(&it->ready_node))
		list_add_tail(&ep->ready, &it->ready_node);
	spin_unlock(&ep->ready_lock);
	waitq_wake(&ep->q, 1, POLL_READABLE);
}

static void on_wake(struct waiter *w, u32 key)
{
	struct item *it = container_of(w, struct hook, w)->item;

	if (key && !(key & (it->ev.events | POLL_ALWAYS)))
		return;
	mark_ready(it);
}

struct hook_table {
	struct poll_table pt;
	struct item *item;
};

static void add_hook(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct item *it = container_of(pt, struct hook_table, pt)->item;
	struct hook *h;

	if (it->nhooks == ITEM_QUEUES)
		return;
	h = &it->hooks[it->nhooks++];
	waiter_init(&h->w);
	h->item = it;
	h->w.fn = on_wake;
	h->w.exclusive = it->ev.events & EPOLLEXCLUSIVE;
	waitq_add(q, &h->w);
}

static u32 item_poll(struct item *it)
{
	return file_poll(it->file, NULL) & (it->ev.events | POLL_ALWAYS);
}

static void hook_item(struct item *it)
{
	struct hook_table t = { { add_hook, it->ev.events }, it };

	if (file_poll(it->file, &t.pt) & (it->ev.events | POLL_ALWAYS))
		mark_ready(it);
}

static void free_item(struct item *it)
{
	struct watchers *w = it->file->epoll;

	for (unsigned i = 0; i < it->nhooks; i++)
		waitq_del(&it->hooks[i].w);
	spin_lock(&it->ep->ready_lock);
	list_del(&it->ready_node);
	spin_unlock(&it->ep->ready_lock);
	list_del(&it->node);
	atomic_sub(&it->ep->nr_items, 1);
	list_del(&it->file_node);
	if (list_empty(&w->items)) {
		it->file->epoll = NULL;
		kfree(w);
	}
	kfree(it);
}

static struct item *find_item(struct epoll *ep, int fd, struct file *f)
{
	struct watchers *w = f->epoll;
	struct item *it;

	if (!w)
		return NULL;
	list_for_each(it, &w->items, file_node)
		if (it->ep == ep && it->fd == fd)
			return it;
	return NULL;
}

/* Depth of epolls below f; above DEPTH_MAX, or when `target` is found there: -ELOOP. epoll_tree held. */
static int depth_below(struct file *f, struct file *target, int depth)
{
	struct epoll *ep;
	struct item *it;
	int deepest = depth;

	if (f == target || depth > DEPTH_MAX)
		return -ELOOP;
	if (!is_epoll(f))
		return depth;
	ep = f->priv;
	list_for_each(it, &ep->items, node) {
		int d = is_epoll(it->file) ? depth_below(it->file, target, depth + 1) : depth;

		if (d < 0)
			return d;
		deepest = MAX(deepest, d);
	}
	return deepest;
}

/* How many epolls are stacked above ep. */
static int depth_above(struct epoll *ep, int depth)
{
	struct watchers *w = ep->file->epoll;
	struct item *it;
	int deepest = depth;

	if (!w || depth > DEPTH_MAX)
		return depth;
	list_for_each(it, &w->items, file_node)
		deepest = MAX(deepest, depth_above(it->ep, depth + 1));
	return deepest;
}

static int check_loop(struct epoll *ep, struct file *f)
{
	int below;

	if (!is_epoll(f))
		return 0;
	below = depth_below(f, ep->file, 1);
	if (below < 0)
		return below;
	return below + depth_above(ep, 0) >= DEPTH_MAX ? -ELOOP : 0;
}

static int add_item(struct epoll *ep, int fd, struct file *f, const struct epoll_event *ev)
{
	struct watchers *w = f->epoll;
	struct item *it = kzalloc(sizeof(*it));

	if (!w) {
		w = kmalloc(sizeof(*w));
		if (w)
			list_init(&w->items);
	}
	if (!it || !w) {
		kfree(it);
		if (!f->epoll)
			kfree(w);
		return -ENOMEM;
	}
	f->epoll = w;
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->ev = *ev;
	list_init(&it->ready_node);
	list_add_tail(&w->items, &it->file_node);
	list_add_tail(&ep->items, &it->node);
	atomic_add(&ep->nr_items, 1);
	hook_item(it);
	return 0;
}

int epoll_control(struct file *epf, int op, int fd, struct file *f, const struct epoll_event *ev)
{
	struct epoll *ep = epf->priv;
	struct item *it;
	int ret;

	if (!f->ops->poll)
		return -EPERM;
	if (!is_epoll(epf) || f == epf)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) &&
	    (op == EPOLL_CTL_MOD || is_epoll(f) || (ev->events & ~EXCLUSIVE_OK)))
		return -EINVAL;
	mutex_lock(&epoll_tree);
	mutex_lock(&ep->lock);
	it = find_item(ep, fd, f);
	switch (op) {
	case EPOLL_CTL_ADD:
		ret = it ? -EEXIST : check_loop(ep, f);
		if (!ret)
			ret = add_item(ep, fd, f, ev);
		break;
	case EPOLL_CTL_DEL:
		ret = it ? 0 : -ENOENT;
		if (it)
			free_item(it);
		break;
	case EPOLL_CTL_MOD:
		ret = !it ? -ENOENT : it->ev.events & EPOLLEXCLUSIVE ? -EINVAL : 0;
		if (!ret) {
			it->ev = *ev;
			it->disabled = false;
			atomic_fence();
			if (item_poll(it))
				mark_ready(it);
		}
		break;
	default: ret = -EINVAL;
	}
	mutex_unlock(&ep->lock);
	mutex_unlock(&epoll_tree);
	return ret;
}

/* One pass over what is marked ready. Level-triggered items stay marked. ep->lock held. */
static int collect(struct epoll *ep, struct epoll_event *out, int max)
{
	struct list again;
	int n = 0;

	list_init(&again);
	while (n < max) {
		struct item *it = NULL;
		u32 ev;

		spin_lock(&ep->ready_lock);
		if (!list_empty(&ep->ready)) {
			it = list_first(&ep->ready, struct item, ready_node);
			list_del(&it->ready_node);
		}
		spin_unlock(&ep->ready_lock);
		if (!it)
			break;
		ev = it->disabled ? 0 : item_poll(it);
		if (!ev)
			continue;
		out[n].events = ev;
		out[n++].data = it->ev.data;
		if (it->ev.events & EPOLLONESHOT) {
			it->disabled = true;
		} else if (!(it->ev.events & EPOLLET)) {
			spin_lock(&ep->ready_lock);
			if (list_empty(&it->ready_node))
				list_add_tail(&again, &it->ready_node);
			spin_unlock(&ep->ready_lock);
		}
	}
	spin_lock(&ep->ready_lock);
	while (!list_empty(&again)) {
		struct item *it = list_first(&again, struct item, ready_node);

		list_del(&it->ready_node);
		list_add_tail(&ep->ready, &it->ready_node);
	}
	spin_unlock(&ep->ready_lock);
	return n;
}

struct file *epoll_target(struct file *epf, int fd, u32 skip)
{
	struct epoll *ep = epf->priv;
	struct file *f = ERR_PTR(-ENOENT);
	struct item *it;

	mutex_lock(&ep->lock);
	list_for_each(it, &ep->items, node) {
		if (it->fd != fd || skip--)
			continue;
		/* Perhaps it dies just now, and waits for the lock to be forgotten here. */
		if (ref_tryget(&it->file->ref))
			f = it->file;
		break;
	}
	mutex_unlock(&ep->lock);
	return f;
}

unsigned epoll_items(struct file *epf)
{
	return READ_ONCE(((struct epoll *)epf->priv)->nr_items);
}

int epoll_sleep(struct file *epf, u64 deadline)
{
	struct epoll *ep = epf->priv;
	int err;

	if (!list_empty(&ep->ready))
		return 1;
	err = deadline ? wait_event(&ep->q, SLEEP_INTERRUPTIBLE, deadline, !list_empty(&ep->ready))
		       : -ETIMEDOUT;
	return !err ? 1 : err == -ETIMEDOUT ? 0 : -EINTR;
}

int epoll_collect(struct file *epf, struct epoll_event *out, int max, u64 deadline)
{
	struct epoll *ep = epf->priv;
	int n;

	do {
		mutex_lock(&ep->lock);
		n = collect(ep, out, max);
		mutex_unlock(&ep->lock);
	} while (!n && deadline && (n = epoll_sleep(epf, deadline)) > 0);
	return n;
}

static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->priv;
	struct item *it, *tmp;
	u32 ev = 0;

	poll_wait(f, &ep->q, pt);
	/* A mark may be stale: ask the items. Nested epolls recurse at most DEPTH_MAX times. */
	mutex_lock(&ep->lock);
	spin_lock(&ep->ready_lock);
	list_for_each_safe(it, tmp, &ep->ready, ready_node) {
		spin_unlock(&ep->ready_lock);
		if (!it->disabled && item_poll(it))
			ev = POLL_READABLE;
		spin_lock(&ep->ready_lock);
		if (ev)
			break;
	}
	spin_unlock(&ep->ready_lock);
	mutex_unlock(&ep->lock);
	return ev;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;
	struct item *it, *tmp;

	mutex_lock(&epoll_tree);
	mutex_lock(&ep->lock);
	list_for_each_safe(it, tmp, &ep->items, node)
		free_item(it);
	mutex_unlock(&ep->lock);
	mutex_unlock(&epoll_tree);
	kfree(ep);
}

void epoll_forget(struct file *f)
{
	mutex_lock(&epoll_tree);
	while (f->epoll) {
		struct watchers *w = f->epoll;
		struct item *it = list_first(&w->items, struct item, file_node);
		struct epoll *ep = it->ep;

		mutex_lock(&ep->lock);
		free_item(it);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&epoll_tree);
}

static void epoll_fdinfo(struct file *f, struct seq *s)
{
	struct epoll *ep = f->priv;
	struct item *it;

	mutex_lock(&ep->lock);
	list_for_each(it, &ep->items, node)
		seq_printf(s, "tfd: %8d events: %8x data: %16llx\n", it->fd, it->ev.events,
			   (unsigned long long)it->ev.data);
	mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_fops = {
	.name = "[eventpoll]",
	.poll = epoll_poll,
	.seek = stream_seek,
	.release = epoll_release,
	.show_fdinfo = epoll_fdinfo,
};

struct file *epoll_create(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep));
	struct file *f;

	if (!ep)
		return ERR_PTR(-ENOMEM);
	mutex_init(&ep->lock);
	list_init(&ep->items);
	spin_init(&ep->ready_lock);
	list_init(&ep->ready);
	waitq_init(&ep->q);
	f = file_alloc_anon(&epoll_fops, O_RDWR, ep);
	if (IS_ERR(f)) {
		kfree(ep);
		return f;
	}
	f->mode |= FMODE_STREAM;
	ep->file = f;
	return f;
}
