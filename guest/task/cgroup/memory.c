/*
 * memory.c - the controller of memory: limits, what happens above them, events (cgroup.h).
 *
 * What is charged to whom is mm's (mm/frame.h: a group with the controller has an account there). Above memory.max clean
 * pages of files are given up, then a process of the group is killed; above memory.high the same pages, then whoever
 * allocates is slowed down before he is in user mode again.
 *
 * Differs from Linux: there is no swap, and memory.low and memory.min are kept without effect, as pages are reclaimed for
 * want of memory only. What counts as `max` is told to watchers of memory.events with the next other event.
 */
#include "lib/err.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "task/cgroup/cgroup.h"
#include "task/private.h"

/* ---- events ---- */

/* task_lock held. */
static void count(struct cgroup *g, enum cgroup_memory_event e)
{
	g->memory.events_local[e]++;
	cgroup_has_news(g, CGROUP_NEWS_MEMORY_LOCAL);
	for (; g; g = g->parent) {
		g->memory.events[e]++;
		cgroup_has_news(g, CGROUP_NEWS_MEMORY);
	}
}

/* The group of the account that g or one above it has; NULL: none has it. */
static struct cgroup *owner(struct cgroup *g, unsigned account)
{
	for (; g; g = g->parent)
		if (g->memory.account == account && (g->memory.own || !g->parent))
			return g;
	return NULL;
}

struct cgroup *cgroup_memory_oom(unsigned full, struct process *victim)
{
	struct cgroup *g = victim->cgroup, *domain = full ? owner(g, full) : NULL, *together = NULL;

	if (domain)
		count(domain, MEMORY_OOM);
	for (; g && g->parent; g = g->parent) {
		if (g->memory.own && g->memory.oom_group)
			together = g;
		if (g == domain)
			break;
	}
	if (together)
		count(together, MEMORY_OOM_GROUP_KILL);
	return together;
}

void cgroup_memory_oom_kill(struct process *p)
{
	if (p->cgroup)
		count(owner(p->cgroup, p->cgroup->memory.account), MEMORY_OOM_KILL);
}

/* ---- memory.max ---- */

#define TRIES 64 /* to make it fit: what nobody can kill or free stays */

/* Note a limit; the account that it is for, 0: g has no more. */
static unsigned set(struct cgroup *g, u64 *limit, u64 bytes, void (*tell)(unsigned, u64))
{
	unsigned account = 0;

	spin_lock(&task_lock);
	if (g->memory.own) {
		account = g->memory.account;
		*limit = bytes;
		tell(account, bytes); /* CGROUP_MAX is more than there can be */
	}
	spin_unlock(&task_lock);
	return account;
}

int cgroup_memory_set_max(struct cgroup *g, u64 bytes)
{
	unsigned account = set(g, &g->memory.max, bytes, frame_group_set_limit);

	for (unsigned n = 0; n < TRIES && frame_group_full(account, 0); n++) {
		if (signal_fatal_pending(task_current()))
			break;
		if (!pagecache_reclaim_group(account, 64) && !oom_kill_in(account))
			break;
	}
	return account ? 0 : -ENODEV;
}

/* ---- memory.high ---- */

#define SLOWEST 2000000000ULL /* ns */

static u64 excess(unsigned account, u64 *high)
{
	struct frame_group_usage u;

	frame_group_usage(account, &u);
	*high = u.high;
	return u.charged > u.high ? u.charged - u.high : 0;
}

int cgroup_memory_set_high(struct cgroup *g, u64 bytes)
{
	unsigned account = set(g, &g->memory.high, bytes, frame_group_set_high);
	u64 high, n;

	for (unsigned tries = 0; account && tries < TRIES && (n = excess(account, &high)); tries++)
		if (signal_fatal_pending(task_current()) || !pagecache_reclaim_group(account, n))
			break;
	return account ? 0 : -ENODEV;
}

#define WORTH 10000000ULL /* below that it goes on, and pays with what comes next */

/* As Linux: for each frame a second, times the square of the part that the group is too large by. */
static u64 penalty(u64 over, u64 high, u64 frames)
{
	u64 part = MIN((over << 10) / MAX(high, 1ULL), 1ULL << 10);

	return MIN(part * part * 1000 * frames, SLOWEST);
}

void cgroup_memory_throttle(void)
{
	struct task *t = task_current();
	unsigned account = t->payer.over;
	u64 high, over = excess(account, &high), ns;
	struct cgroup *g;

	t->payer.over = 0;
	spin_lock(&task_lock);
	g = over ? owner(t->process->cgroup, account) : NULL;
	if (g)
		count(g, MEMORY_HIGH);
	spin_unlock(&task_lock);
	cgroup_tell();
	if (over)
		pagecache_reclaim_group(account, over);
	over = excess(account, &high);
	ns = penalty(over, high, t->payer.over_frames);
	if (over && ns < WORTH)
		return;
	t->payer.over_frames = 0;
	if (!ns || signal_fatal_pending(t))
		return;
	sched_prepare(SLEEP_KILLABLE);
	sched_sleep(clock_mono() + ns);
	sched_awake();
}
