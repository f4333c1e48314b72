/*
 * memory.c - the files of the controller of memory, memory.*, of groups below a container's (that one's are in limits.c).
 *
 * Differs from Linux: memory.stat has the lines that are counted, memory.peak cannot be reset, memory.pressure and zswap are
 * not there. What the limits do is in task/cgroup/memory.c.
 */
#include <string.h>

#include "fs/cgroup/priv.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

typedef unsigned long long ull;

static void put_frames(struct seq *s, const char *name, u64 frames)
{
	seq_printf(s, "%s%llu\n", name, (ull)frames * PAGE_SIZE);
}

static struct frame_group_usage usage(struct cgroup *g)
{
	struct frame_group_usage u;

	frame_group_usage(READ_ONCE(g->memory.account), &u);
	return u;
}

static int show_current(struct seq *s, struct cgroup *g)
{
	put_frames(s, "", usage(g).charged);
	return 0;
}

static int show_peak(struct seq *s, struct cgroup *g)
{
	put_frames(s, "", usage(g).peak);
	return 0;
}

static int show_stat(struct seq *s, struct cgroup *g)
{
	struct frame_group_usage u = usage(g);

	put_frames(s, "anon ", u.charged - MIN(u.charged, u.file));
	put_frames(s, "file ", u.file);
	put_frames(s, "shmem ", u.shmem);
	return 0;
}

static int show_events(struct seq *s, const u64 *e, u64 refused)
{
	seq_printf(s, "low 0\nhigh %llu\nmax %llu\noom %llu\noom_kill %llu\noom_group_kill %llu\n",
		   (ull)e[MEMORY_HIGH], (ull)refused, (ull)e[MEMORY_OOM], (ull)e[MEMORY_OOM_KILL],
		   (ull)e[MEMORY_OOM_GROUP_KILL]);
	return 0;
}

static int show_events_all(struct seq *s, struct cgroup *g)
{
	return show_events(s, g->memory.events, usage(g).refused);
}

static int show_events_local(struct seq *s, struct cgroup *g)
{
	return show_events(s, g->memory.events_local, usage(g).refused_here);
}

/* ---- limits ---- */

/* Bytes in whole pages, with a suffix of K, M, G, T, P or E for powers of 1024, or "max". -EINVAL. */
static int parse_bytes(const char *text, u64 *out)
{
	static const char units[] = "kmgtpe";
	unsigned shift = 0;
	const char *unit;
	u64 v = 0;

	if (!strcmp(text, "max")) {
		*out = CGROUP_MAX;
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		v = v > ~0ULL / 16 ? ~0ULL / 16 : v * 10 + (u64)(*text - '0');
	unit = *text ? strchr(units, *text | 0x20) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		text++;
	}
	if (*text)
		return -EINVAL;
	*out = v > (1ULL << 62) >> shift ? CGROUP_MAX : (v << shift) & PAGE_MASK;
	return 0;
}

static int store_bytes(u64 *to, const char *text)
{
	u64 v;
	int err = parse_bytes(text, &v);

	if (!err)
		WRITE_ONCE(*to, v);
	return err;
}

#define LIMIT_FILE(name)                                        \
	static int show_##name(struct seq *s, struct cgroup *g) \
	{                                                       \
		cgroup_put_limit(s, READ_ONCE(g->memory.name)); \
		return 0;                                       \
	}
#define KEPT_FILE(name)                                                             \
	LIMIT_FILE(name)                                                            \
	static int store_##name(struct cgroup *g, const char *text, struct file *f) \
	{                                                                           \
		return store_bytes(&g->memory.name, text);                          \
	}

LIMIT_FILE(max)
LIMIT_FILE(high)
KEPT_FILE(low)
KEPT_FILE(min)
KEPT_FILE(swap_max)

static int store_max(struct cgroup *g, const char *text, struct file *f)
{
	u64 v;
	int err = parse_bytes(text, &v);

	return err ? err : cgroup_memory_set_max(g, v);
}

static int store_high(struct cgroup *g, const char *text, struct file *f)
{
	u64 v;
	int err = parse_bytes(text, &v);

	return err ? err : cgroup_memory_set_high(g, v);
}

static int show_oom_group(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "%d\n", READ_ONCE(g->memory.oom_group));
	return 0;
}

static int store_oom_group(struct cgroup *g, const char *text, struct file *f)
{
	bool v;
	int err = cgroup_parse_switch(text, &v);

	if (!err)
		WRITE_ONCE(g->memory.oom_group, v);
	return err;
}

/* Give that much up now; -EAGAIN: there is not so much of it. */
static int store_reclaim(struct cgroup *g, const char *text, struct file *f)
{
	u64 v, left;
	int err = parse_bytes(text, &v);

	if (err)
		return err;
	for (left = v >> PAGE_SHIFT; left;) {
		u64 got = pagecache_reclaim_group(READ_ONCE(g->memory.account), left);

		if (!got)
			return -EAGAIN;
		left -= MIN(got, left);
	}
	return 0;
}

#define MEMORY .controller = CGROUP_MEMORY, .below = true
static const struct cgroup_row rows[] = {
	{ "memory.current", .show = show_current, MEMORY },
	{ "memory.events", .show = show_events_all, .news = CGROUP_NEWS_MEMORY, MEMORY },
	{ "memory.events.local", .show = show_events_local, .news = CGROUP_NEWS_MEMORY_LOCAL,
	  MEMORY },
	{ "memory.high", .show = show_high, .store = store_high, MEMORY },
	{ "memory.low", .show = show_low, .store = store_low, MEMORY },
	{ "memory.max", .show = show_max, .store = store_max, MEMORY },
	{ "memory.min", .show = show_min, .store = store_min, MEMORY },
	{ "memory.oom.group", .show = show_oom_group, .store = store_oom_group, MEMORY },
	{ "memory.peak", .show = show_peak, MEMORY },
	{ "memory.reclaim", .store = store_reclaim, MEMORY },
	{ "memory.stat", .show = show_stat, MEMORY },
	{ "memory.swap.current", .text = "0", MEMORY },
	{ "memory.swap.events", .text = "high 0\nmax 0\nfail 0", MEMORY },
	{ "memory.swap.max", .show = show_swap_max, .store = store_swap_max, MEMORY },
};
const struct cgroup_rows cgroup_memory_rows = CGROUP_ROWS(rows);
