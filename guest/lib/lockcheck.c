/*
 * lockcheck.c - the lock order checker of lockcheck.h: a graph of classes, an edge for "taken while held".
 *
 * The graph is guarded by one raw lock, taken only when an edge is new; known edges are looked up without it, since bits
 * are only ever set. Held spinlocks are kept per CPU (nothing that holds one changes its CPU; the run-queue lock crosses a
 * context switch, on the same CPU), held mutexes per task.
 */
#include "lib/lockcheck.h"

#ifdef MOAT_DEBUG

#include "lib/atomic.h"
#include "lib/log.h"
#include "platform/platform.h"

#define CLASSES 256
#define WORDS	(CLASSES / 64)

struct locks_held *(*lockcheck_task)(void);

static struct {
	u32 lock;
	u32 n; /* published after the entry */
	struct {
		const void *key;
		const char *name;
	} class[CLASSES];
	u64 after[CLASSES][WORDS];	    /* bit b of a: b was taken while a was held */
	const void *site[CLASSES][CLASSES]; /* where, the first time */
} graph;

static struct locks_held cpu_held[MAX_CPUS + 1];

static void graph_lock(void)
{
	while (!atomic_cas(&graph.lock, 0, 1))
		cpu_relax();
}

static void graph_unlock(void)
{
	atomic_store(&graph.lock, 0);
}

/* The class's number, or CLASSES when the table is full: such a lock goes unchecked. */
static unsigned class_number(const void *key, const char *name)
{
	unsigned i, n = atomic_load(&graph.n);

	for (i = 0; i < n; i++)
		if (graph.class[i].key == key)
			return i;
	graph_lock();
	for (i = n; i < graph.n; i++)
		if (graph.class[i].key == key)
			break;
	if (i == graph.n && i < CLASSES) {
		graph.class[i].key = key;
		graph.class[i].name = name;
		atomic_store(&graph.n, i + 1);
	}
	graph_unlock();
	return i;
}

static bool edge(unsigned a, unsigned b)
{
	return READ_ONCE(graph.after[a][b / 64]) >> (b % 64) & 1;
}

/* Is there a path from a to b? from[] gets the way back. */
static bool path(unsigned a, unsigned b, u16 *from)
{
	u16 queue[CLASSES];
	u64 seen[WORDS] = { 0 };
	unsigned head = 0, tail = 0, i;

	queue[tail++] = a;
	seen[a / 64] |= 1UL << (a % 64);
	while (head < tail) {
		unsigned x = queue[head++];

		if (x == b)
			return true;
		for (i = 0; i < graph.n; i++) {
			if (!edge(x, i) || seen[i / 64] >> (i % 64) & 1)
				continue;
			seen[i / 64] |= 1UL << (i % 64);
			from[i] = x;
			queue[tail++] = i;
		}
	}
	return false;
}

static void report_circle(unsigned held, unsigned wanted, const void *ip, const u16 *from)
{
	unsigned x;

	klog("lock order: %s (%p) is taken while %s is held, but was taken before it:\n",
	     graph.class[wanted].name, ip, graph.class[held].name);
	for (x = held; x != wanted; x = from[x])
		klog("lock order:   %s at %p while %s was held\n", graph.class[x].name,
		     graph.site[from[x]][x], graph.class[from[x]].name);
	panic("locks are taken in both orders: %s, %s", graph.class[held].name,
	      graph.class[wanted].name);
}

static void add_edges(const struct locks_held *h, unsigned wanted, const void *ip)
{
	u16 from[CLASSES];
	u32 i;

	for (i = 0; i < h->n; i++) {
		unsigned held = class_number(h->held[i].class, h->held[i].name);

		if (held == wanted || held == CLASSES || edge(held, wanted))
			continue;
		if (path(wanted, held, from))
			report_circle(held, wanted, ip, from);
		graph_lock();
		graph.site[held][wanted] = ip;
		graph.after[held][wanted / 64] |= 1UL << (wanted % 64);
		graph_unlock();
	}
}

static struct locks_held *spins_of_this_cpu(void)
{
	return &cpu_held[cpu_this()->id];
}

static const char *name_of(const struct lock_class *class)
{
	return class ? class->name : "a static lock";
}

void lockcheck_order(const void *lock, const struct lock_class *class, bool sleeps, const void *ip)
{
	struct locks_held *task, *cpu;
	unsigned wanted;

	if (!lockcheck_task)
		return;
	task = lockcheck_task();
	cpu = spins_of_this_cpu();
	if (!cpu->n && !(task && task->n))
		return;
	if (sleeps && cpu->n)
		panic("mutex %s (%p) is taken under spinlock %s (taken at %p)", name_of(class), ip,
		      cpu->held[cpu->n - 1].name, cpu->held[cpu->n - 1].ip);
	wanted = class_number(class ? (const void *)class : lock, name_of(class));
	if (wanted == CLASSES)
		return;
	if (task)
		add_edges(task, wanted, ip);
	add_edges(cpu, wanted, ip);
}

static struct locks_held *holder(bool sleeps)
{
	if (!lockcheck_task)
		return NULL;
	return sleeps ? lockcheck_task() : spins_of_this_cpu();
}

void lockcheck_taken(const void *lock, const struct lock_class *class, bool sleeps, const void *ip)
{
	struct locks_held *h = holder(sleeps);

	if (!h)
		return;
	if (h->n == LOCKS_HELD_MAX)
		panic("more than %u locks are held, the last is %s", LOCKS_HELD_MAX,
		      name_of(class));
	h->held[h->n++] = (struct held_lock){
		.lock = lock,
		.class = class ? (const void *)class : lock,
		.name = name_of(class),
		.ip = ip,
	};
}

/* What is not there was taken before the platform or the task was ready. */
void lockcheck_released(const void *lock, bool sleeps)
{
	struct locks_held *h = holder(sleeps);
	u32 i;

	if (!h)
		return;
	for (i = h->n; i-- > 0;) {
		if (h->held[i].lock != lock)
			continue;
		for (h->n--; i < h->n; i++)
			h->held[i] = h->held[i + 1];
		return;
	}
}

void lockcheck_sleep(const char *what)
{
	struct locks_held *h = holder(false);

	if (h && h->n)
		panic("%s under spinlock %s (taken at %p)", what, h->held[h->n - 1].name,
		      h->held[h->n - 1].ip);
}

#endif
