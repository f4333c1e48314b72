/*
 * timer.c - per-CPU heaps of kernel timers (timer.h).
 *
 * A base's lock guards its heap and the queued flags of its timers; fn is called without it. `running` names the timer
 * whose fn runs now, so that ktimer_cancel can wait for it. Rank: inside every lock of task/ but the run queues'.
 */
#include "lib/spinlock.h"
#include "task/sched/sched.h"
#include "task/time/timer.h"

struct timer_base {
	struct spinlock lock;
	struct pheap heap;
	struct ktimer *running;
	u32 next_set; /* heap.root is not NULL: looked at without the lock */
};

static struct timer_base bases[MAX_CPUS];

void timer_init_cpu(unsigned cpu)
{
	spin_init(&bases[cpu].lock);
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *))
{
	t->base = NULL;
	t->queued = false;
	t->fn = fn;
}

void ktimer_start(struct ktimer *t, u64 deadline)
{
	struct cpu *here = cpu_this();
	unsigned id = here->io ? 0 : here->id;
	struct timer_base *b = &bases[id];
	bool first;

	ktimer_try_cancel(t);
	spin_lock(&b->lock);
	t->base = b;
	t->node.key = deadline;
	t->queued = true;
	pheap_insert(&b->heap, &t->node);
	first = b->heap.root == &t->node;
	WRITE_ONCE(b->next_set, 1);
	spin_unlock(&b->lock);
	if (first) {
		WRITE_ONCE(cpu_get(id)->need_resched, 1);
		if (here->io)
			cpu_kick(cpu_get(id));
	}
}

/* The base is locked if it returns one. */
static struct timer_base *lock_base(struct ktimer *t)
{
	struct timer_base *b;

	for (;;) {
		b = atomic_load(&t->base);
		if (!b)
			return NULL;
		spin_lock(&b->lock);
		if (t->base == b)
			return b;
		spin_unlock(&b->lock);
	}
}

static bool unqueue(struct timer_base *b, struct ktimer *t)
{
	if (!t->queued)
		return false;
	pheap_remove(&b->heap, &t->node);
	t->queued = false;
	WRITE_ONCE(b->next_set, b->heap.root != NULL);
	return true;
}

bool ktimer_try_cancel(struct ktimer *t)
{
	struct timer_base *b = lock_base(t);
	bool was;

	if (!b)
		return false;
	was = unqueue(b, t);
	spin_unlock(&b->lock);
	return was;
}

bool ktimer_cancel(struct ktimer *t)
{
	struct timer_base *b;
	bool was = false;

	for (;;) {
		b = lock_base(t);
		if (!b)
			return was;
		was |= unqueue(b, t);
		if (b->running != t) {
			spin_unlock(&b->lock);
			return was;
		}
		spin_unlock(&b->lock);
		cpu_relax();
	}
}

u64 timer_next(unsigned cpu)
{
	struct timer_base *b = &bases[cpu];
	u64 next = 0;

	if (!READ_ONCE(b->next_set))
		return 0;
	spin_lock(&b->lock);
	if (b->heap.root)
		next = MAX(b->heap.root->key, 1ULL);
	spin_unlock(&b->lock);
	return next;
}

void timer_run(unsigned cpu)
{
	struct timer_base *b = &bases[cpu];
	struct ktimer *t;
	u64 now;

	if (!READ_ONCE(b->next_set))
		return;
	now = clock_mono(); /* once: timers that set themselves again must not keep the CPU here */
	spin_lock(&b->lock);
	while (b->heap.root && b->heap.root->key <= now) {
		t = container_of(b->heap.root, struct ktimer, node);
		unqueue(b, t);
		b->running = t;
		spin_unlock(&b->lock);
		t->fn(t);
		spin_lock(&b->lock);
		b->running = NULL;
	}
	spin_unlock(&b->lock);
}
