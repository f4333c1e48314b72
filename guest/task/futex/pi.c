/*
 * pi.c - PI futexes: FUTEX_LOCK_PI, UNLOCK_PI and requeueing to them.
 *
 * The word holds the owner's number and FUTEX_WAITERS; the kernel keeps, for every word that someone waits for, its owner
 * and its waiters in the order of their priority, and hands the lock over at unlock or when the owner dies. The owner is
 * not boosted: that would need priorities that propagate through the run queues.
 *
 * One mutex serializes all of it: contended PI locks are rare. While it is held no page is waited for, as a page may be a
 * monitor's (userfaultfd) or a slow server's to give: a word that is not there makes the call bring it in and begin anew.
 * Bucket locks are taken inside the mutex.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "task/futex/priv.h"
#include "task/ns/pidns.h"

struct pi_state {
	struct list node; /* in all_states */
	struct futex_key key;
	struct task *
		owner; /* with a reference; NULL after an owner's death until the heir has seen it */
	struct list waiters;
};

static struct mutex pi_mutex = MUTEX_INIT(pi_mutex);
static struct list all_states = LIST_INIT(all_states);

static void pi_lock(void)
{
	mutex_lock(&pi_mutex);
	task_current()->no_faults = true;
}

static void pi_unlock(void)
{
	task_current()->no_faults = false;
	mutex_unlock(&pi_mutex);
}

/* Bring in the page of a word that could not be changed under pi_mutex. -EFAULT: there is none; -ERESTARTNOINTR: a signal. */
static int bring_in(uaddr_t addr)
{
	u32 val;

	if (user_read(&val, addr, sizeof(val)) || user_cmpxchg32(addr, val, val, &val))
		return -EFAULT;
	return signal_pending(task_current()) ? -ERESTARTNOINTR : 0;
}

static struct pi_state *state_find(const struct futex_key *key)
{
	struct pi_state *s;

	list_for_each(s, &all_states, node)
		if (futex_key_equal(&s->key, key))
			return s;
	return NULL;
}

static struct pi_state *state_get(const struct futex_key *key, struct task *owner)
{
	struct pi_state *s = state_find(key);

	if (s)
		return s;
	s = kzalloc(sizeof(*s));
	if (!s)
		return NULL;
	s->key = *key;
	task_get(owner);
	s->owner = owner;
	list_init(&s->waiters);
	list_add(&all_states, &s->node);
	return s;
}

static void state_drop_if_idle(struct pi_state *s)
{
	if (!list_empty(&s->waiters))
		return;
	list_del(&s->node);
	task_put(s->owner);
	kfree(s);
}

static u32 priority(const struct task *t)
{
	return t->se.rt_prio ? 100u - t->se.rt_prio : 120u + (u32)t->se.nice;
}

static void state_add(struct pi_state *s, struct futex_waiter *w)
{
	struct list *pos;

	w->prio = priority(w->task);
	w->pi = s;
	for (pos = s->waiters.next; pos != &s->waiters; pos = pos->next)
		if (list_entry(pos, struct futex_waiter, pi_node)->prio > w->prio)
			break;
	list_add_tail(pos, &w->pi_node);
}

/* Make the first waiter the owner. It is still asleep; it writes the word itself if the old owner could not. */
static void grant(struct pi_state *s, bool died)
{
	struct futex_waiter *w = list_first(&s->waiters, struct futex_waiter, pi_node);
	struct task *t = w->task;

	list_del(&w->pi_node);
	w->pi = NULL;
	w->died = died;
	task_put(s->owner);
	task_get(t);
	s->owner = t;
	atomic_store(&w->granted, 1); /* from here on w may vanish */
	sched_wake(t);
	state_drop_if_idle(s);
}

/* What a fresh look at the word means. 0: it is ours; 1: wait for *owner (a reference); -errno. */
static int try_lock(uaddr_t addr, const struct futex_key *key, struct task *self, bool try,
		    struct task **owner)
{
	u32 val, new, prev;

	if (user_read(&val, addr, sizeof(val)))
		return -EFAULT;
	for (;;) {
		struct pi_state *s = state_find(key);

		if ((val & FUTEX_TID_MASK) == (u32)self->nr)
			return -EDEADLK;
		if (!(val & FUTEX_TID_MASK) && !s) {
			new = (u32)self->nr | (val & FUTEX_OWNER_DIED);
			if (user_cmpxchg32(addr, val, new, &prev))
				return -EFAULT;
			if (prev == val)
				return 0;
			val = prev;
			continue;
		}
		if (try)
			return -EAGAIN;
		if (!(val & FUTEX_WAITERS)) {
			if (user_cmpxchg32(addr, val, val | FUTEX_WAITERS, &prev))
				return -EFAULT;
			if (prev != val) {
				val = prev;
				continue;
			}
		}
		if (s && s->owner) {
			task_get(s->owner);
			*owner = s->owner;
			return 1;
		}
		*owner = task_find_vpid((int)(val & FUTEX_TID_MASK));
		if (!*owner)
			return -ESRCH;
		if ((*owner)->exiting) { /* its exit will mark the word: look again then */
			task_put(*owner);
			return -EBUSY;
		}
		return 1;
	}
}

/* The heir of a dead owner puts itself into the word. */
static int inherit(uaddr_t addr, struct task *self)
{
	u32 val, prev;

	if (user_read(&val, addr, sizeof(val)))
		return -EFAULT;
	for (;;) {
		if (user_cmpxchg32(addr, val,
				   (u32)self->nr | FUTEX_OWNER_DIED | (val & FUTEX_WAITERS), &prev))
			return -EFAULT;
		if (prev == val)
			return 0;
		val = prev;
	}
}

/* Sleep until granted, or off the bucket without a PI futex (a plain wake-up). */
static int sleep_pi(struct futex_waiter *w, u64 deadline)
{
	int err = 0;

	for (;;) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		if (atomic_load(&w->granted) || err)
			break;
		err = sched_sleep(deadline);
	}
	sched_awake();
	if (!err)
		return 0;
	pi_lock();
	if (w->granted) {
		err = 0;
	} else if (w->pi) {
		list_del(&w->pi_node);
		state_drop_if_idle(w->pi);
		w->pi = NULL;
	} else {
		futex_unqueue(w);
	}
	pi_unlock();
	return err;
}

static void setup(struct futex_waiter *w, u32 bitset)
{
	*w = (struct futex_waiter){ .task = task_current(), .bitset = bitset };
	list_init(&w->node);
	list_init(&w->pi_node);
}

s64 futex_lock_pi(uaddr_t addr, bool shared, u64 deadline, bool try)
{
	struct task *self = task_current(), *owner;
	struct futex_waiter w;
	struct pi_state *s;
	int ret;

	setup(&w, FUTEX_BITSET_ANY);
	ret = futex_key_of(addr, shared, &w.key);
	if (ret)
		return ret;
	for (;;) {
		pi_lock();
		ret = try_lock(addr, &w.key, self, try, &owner);
		if (ret != -EBUSY && ret != -EFAULT)
			break;
		pi_unlock();
		if (ret == -EBUSY)
			sched_yield();
		ret = bring_in(addr);
		if (ret)
			return ret;
	}
	if (ret == 1) {
		s = state_get(&w.key, owner);
		task_put(owner);
		if (s)
			state_add(s, &w);
		else
			ret = -ENOMEM;
	}
	pi_unlock();
	if (ret <= 0)
		return ret;
	ret = sleep_pi(&w, deadline);
	if (ret == -ERESTARTSYS)
		return -ERESTARTNOINTR;
	if (!ret && w.died)
		ret = inherit(addr, self);
	return ret;
}

/* One attempt under pi_mutex. */
static int try_unlock(uaddr_t addr, const struct futex_key *key, struct task *self)
{
	u32 val, new, prev;

	if (user_read(&val, addr, sizeof(val)))
		return -EFAULT;
	for (;;) {
		struct pi_state *s = state_find(key);

		if ((val & FUTEX_TID_MASK) != (u32)self->nr)
			return -EPERM;
		if (s && s->owner != self)
			return -EINVAL;
		new = 0;
		if (s) {
			struct futex_waiter *w =
				list_first(&s->waiters, struct futex_waiter, pi_node);

			new = (u32)w->task->nr;
			if (w->pi_node.next != &s->waiters)
				new |= FUTEX_WAITERS;
		}
		if (user_cmpxchg32(addr, val, new, &prev))
			return -EFAULT;
		if (prev == val) {
			if (s)
				grant(s, false);
			return 0;
		}
		val = prev;
	}
}

s64 futex_unlock_pi(uaddr_t addr, bool shared)
{
	struct futex_key key;
	int err;

	err = futex_key_of(addr, shared, &key);
	if (err)
		return err;
	do {
		pi_lock();
		err = try_unlock(addr, &key, task_current());
		pi_unlock();
	} while (err == -EFAULT && !(err = bring_in(addr)));
	return err;
}

s64 futex_wait_requeue_pi(uaddr_t addr, bool shared, u32 val, u64 deadline, u32 bitset,
			  uaddr_t addr2)
{
	struct futex_waiter w;
	int err;

	if (!bitset || addr == addr2)
		return -EINVAL;
	setup(&w, bitset);
	w.requeue_pi = true;
	err = futex_key_of(addr, shared, &w.key);
	if (!err)
		err = futex_key_of(addr2, shared, &w.pi_key);
	if (err)
		return err;
	err = futex_queue(&w, addr, val);
	if (err && futex_unqueue(&w))
		return err;
	err = sleep_pi(&w, deadline);
	if (err == -ERESTARTSYS)
		return -EINTR; /* glibc looks at its condition again */
	if (!err && w.died)
		err = inherit(addr2, task_current());
	return err;
}

/* Give w the PI futex addr2 at once if it is free, else make it wait for it. pi_mutex held; w is off its bucket. */
static int move_waiter(struct futex_waiter *w, uaddr_t addr2, const struct futex_key *k2)
{
	struct task *owner, *t = w->task;
	struct pi_state *s;
	int ret;

	ret = try_lock(addr2, k2, t, false, &owner);
	if (ret == 0) {
		task_get(t);
		atomic_store(&w->granted, 1);
		sched_wake(t);
		task_put(t);
		return 0;
	}
	if (ret < 0)
		return ret;
	s = state_get(k2, owner);
	task_put(owner);
	if (!s)
		return -ENOMEM;
	w->key = *k2;
	state_add(s, w);
	return 1;
}

/* Up to `move` waiters of k1, and one more, counted in *done. Under pi_mutex. */
static int move_waiters(const struct futex_key *k1, uaddr_t addr2, const struct futex_key *k2,
			u32 move, s64 *done)
{
	struct futex_bucket *b = futex_bucket(k1);
	int err = 0;

	while (*done <= move) {
		struct futex_waiter *found = NULL, *w;

		spin_lock(&b->lock);
		list_for_each(w, &b->list, node) {
			if (!futex_key_equal(&w->key, k1))
				continue;
			found = w;
			break;
		}
		if (found && (!found->requeue_pi || !futex_key_equal(&found->pi_key, k2))) {
			err = -EINVAL;
			found = NULL;
		}
		/* Off its bucket it cannot leave: sleep_pi waits for pi_mutex. */
		if (found)
			futex_dequeue(found);
		spin_unlock(&b->lock);
		if (!found)
			break;
		err = move_waiter(found, addr2, k2);
		if (err < 0) { /* back to where it was */
			spin_lock(&b->lock);
			futex_enqueue(b, found);
			spin_unlock(&b->lock);
			break;
		}
		err = 0;
		++*done;
	}
	return err;
}

s64 futex_cmp_requeue_pi(uaddr_t addr, uaddr_t addr2, bool shared, u32 wake, u32 move, u32 cmp)
{
	struct futex_key k1, k2;
	s64 done = 0;
	u32 seen;
	int err;

	if (wake != 1 || addr == addr2)
		return -EINVAL;
	err = futex_key_of(addr, shared, &k1);
	if (!err)
		err = futex_key_of(addr2, shared, &k2);
	if (err)
		return err;
	do {
		if (user_read(&seen, addr, sizeof(seen)))
			return -EFAULT;
		if (seen != cmp)
			return done ? done : -EAGAIN;
		pi_lock();
		err = move_waiters(&k1, addr2, &k2, move, &done);
		pi_unlock();
	} while (err == -EFAULT && !(err = bring_in(addr2)));
	return err && !done ? err : done;
}

void futex_pi_exit(struct task *t)
{
	struct pi_state *s, *next;

	if (list_empty(&all_states)) /* a state of ours is there before we can be its owner */
		return;
	pi_lock();
	list_for_each_safe(s, next, &all_states, node)
		if (s->owner == t)
			grant(s, true);
	pi_unlock();
}
