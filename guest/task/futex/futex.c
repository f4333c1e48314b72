/*
 * futex.c - futex words: keys, hash buckets, wait and wake.
 *
 * A waiter goes onto its bucket's list under the bucket's lock and reads the word after that, with the lock dropped (the
 * read may fault and sleep): if the word has changed meanwhile it takes itself off again. A waker changes the word first
 * and looks at the list afterwards. So either the waiter sees the new word or the waker sees the waiter; a wake-up that
 * hits a waiter which is just leaving because of a changed word is a legal spurious wake-up of that waiter.
 *
 * Cost of a wake-up without waiters: one hash, one load. A wait and its wake-up: one bucket lock each, two with the
 * dequeue, no allocation.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "task/futex/priv.h"

#define BUCKETS 256

static struct futex_bucket buckets[BUCKETS];
static bool ready;

struct futex_bucket *futex_bucket(const struct futex_key *k)
{
	u64 h = (u64)(uintptr_t)k->object * 0x9e3779b97f4a7c15ULL ^
		k->offset * 0xc2b2ae3d27d4eb4fULL;
	unsigned i;

	/* The first user: lists that nobody has touched yet. */
	if (unlikely(!atomic_load(&ready))) {
		spin_lock(&task_lock);
		for (i = 0; !ready && i < BUCKETS; i++)
			list_init(&buckets[i].list);
		atomic_store(&ready, true);
		spin_unlock(&task_lock);
	}
	return &buckets[(h ^ h >> 29) % BUCKETS];
}

int futex_key_of(uaddr_t addr, bool shared, struct futex_key *key)
{
	if (addr & 3)
		return -EINVAL;
	if (addr >= USER_END)
		return -EFAULT;
	return mm_futex_key(task_current()->mm, addr, shared, key);
}

void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w)
{
	w->bucket = b;
	atomic_add(&b->waiters, 1);
	list_add_tail(&b->list, &w->node);
}

void futex_dequeue(struct futex_waiter *w)
{
	list_del(&w->node);
	atomic_sub(&w->bucket->waiters, 1);
	atomic_store(&w->bucket, NULL);
}

void futex_lock2(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a == b) {
		spin_lock(&a->lock);
		return;
	}
	spin_lock(a < b ? &a->lock : &b->lock);
	spin_lock(a < b ? &b->lock : &a->lock);
}

void futex_unlock2(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* The waiter may return and its stack vanish as soon as bucket is NULL: the task is kept by a reference. */
void futex_wake_waiter(struct futex_waiter *w)
{
	struct task *t = w->task;

	task_get(t);
	futex_dequeue(w);
	sched_wake(t);
	task_put(t);
}

/* Lock the bucket that w is on; NULL if it was woken. */
static struct futex_bucket *lock_bucket_of(struct futex_waiter *w)
{
	struct futex_bucket *b;

	for (;;) {
		b = atomic_load(&w->bucket);
		if (!b)
			return NULL;
		spin_lock(&b->lock);
		if (w->bucket == b)
			return b;
		spin_unlock(&b->lock);
	}
}

int futex_queue(struct futex_waiter *w, uaddr_t addr, u32 val)
{
	struct futex_bucket *b = futex_bucket(&w->key);
	u32 seen;

	spin_lock(&b->lock);
	futex_enqueue(b, w);
	spin_unlock(&b->lock);
	if (user_read(&seen, addr, sizeof(seen)))
		return -EFAULT;
	return seen == val ? 0 : -EAGAIN;
}

bool futex_unqueue(struct futex_waiter *w)
{
	struct futex_bucket *b = lock_bucket_of(w);

	if (!b)
		return false;
	futex_dequeue(w);
	spin_unlock(&b->lock);
	return true;
}

/* Sleep until w is woken, by then off its list. 0, -ETIMEDOUT, -ERESTARTSYS. */
static int futex_sleep(struct futex_waiter *w, u64 deadline)
{
	int err = 0;

	for (;;) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		if (!atomic_load(&w->bucket)) {
			err = 0;
			break;
		}
		if (err)
			break;
		err = sched_sleep(deadline);
	}
	sched_awake();
	if (err && !futex_unqueue(w))
		err = 0; /* woken at the last moment: that counts */
	return err;
}

static void waiter_setup(struct futex_waiter *w, u32 bitset)
{
	*w = (struct futex_waiter){ .task = task_current(), .bitset = bitset };
	list_init(&w->node);
}

s64 futex_wait(uaddr_t addr, bool shared, u32 val, u64 deadline, u32 bitset)
{
	struct futex_waiter w;
	int err;

	if (!bitset)
		return -EINVAL;
	waiter_setup(&w, bitset);
	err = futex_key_of(addr, shared, &w.key);
	if (err)
		return err;
	err = futex_queue(&w, addr, val);
	if (err)
		return futex_unqueue(&w) ? err : 0;
	return futex_sleep(&w, deadline);
}

s64 futex_wake(uaddr_t addr, bool shared, u32 nr, u32 bitset)
{
	struct futex_waiter *w, *next;
	struct futex_bucket *b;
	struct futex_key key;
	s64 woken = 0;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_of(addr, shared, &key);
	if (err)
		return err;
	b = futex_bucket(&key);
	atomic_fence();
	if (!atomic_load(&b->waiters))
		return 0;
	spin_lock(&b->lock);
	list_for_each_safe(w, next, &b->list, node) {
		if (!futex_key_equal(&w->key, &key))
			continue;
		if (w->requeue_pi) {
			woken = -EINVAL;
			break;
		}
		if (!(w->bitset & bitset))
			continue;
		if (woken >= nr && nr)
			break;
		futex_wake_waiter(w);
		if (++woken >= nr)
			break;
	}
	spin_unlock(&b->lock);
	return woken;
}

s64 futex_wait_multiple(const struct futex_vector *v, unsigned n, u64 deadline)
{
	struct futex_waiter w[8], *many = w;
	unsigned i, queued = 0;
	s64 ret = 0;
	int err = 0;

	if (n > ARRAY_SIZE(w)) {
		many = kmalloc(n * sizeof(*many));
		if (!many)
			return -ENOMEM;
	}
	for (i = 0; i < n && !err; i++) {
		waiter_setup(&many[i], FUTEX_BITSET_ANY);
		err = futex_key_of(v[i].addr, v[i].shared, &many[i].key);
		if (err)
			break;
		err = futex_queue(&many[i], v[i].addr, v[i].val);
		queued++;
	}
	for (;;) {
		bool woken = false;

		sched_prepare(SLEEP_INTERRUPTIBLE);
		for (i = 0; i < queued; i++)
			woken |= !atomic_load(&many[i].bucket);
		if (woken || err)
			break;
		err = sched_sleep(deadline);
	}
	sched_awake();
	ret = err;
	for (i = 0; i < queued; i++)
		if (!futex_unqueue(&many[i]))
			ret = (s64)i;
	if (many != w)
		kfree(many);
	return ret;
}
