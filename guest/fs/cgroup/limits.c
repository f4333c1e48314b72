/*
 * limits.c - the files of controllers of a container's root group: what the host limits it to, as language runtimes and
 * process managers read it. Nothing of it can be written; the groups inside have cpu.c's and memory.c's instead.
 */
#include "fs/cgroup/priv.h"
#include "mm/frame.h"
#include "platform/platform.h"
#include "task/container.h"

typedef unsigned long long ull;

/* The reader's container: every process that reads has one. */
static const struct container *here(void)
{
	static const struct container none;
	const struct container *c = container_current();

	return c ? c : &none;
}

static void put_limit(struct seq *s, u64 v)
{
	cgroup_put_limit(s, v ? v : CGROUP_MAX);
}

/* ---- memory ---- */

static int show_memory_max(struct seq *s, struct cgroup *g)
{
	struct frame_stats st;

	frame_stats(&st);
	put_limit(s, st.limit * PAGE_SIZE);
	return 0;
}

static int show_memory_current(struct seq *s, struct cgroup *g)
{
	struct frame_stats st;

	frame_stats(&st);
	seq_printf(s, "%llu\n", (ull)st.charged * PAGE_SIZE);
	return 0;
}

static int show_memory_events(struct seq *s, struct cgroup *g)
{
	ull kills = here()->oom_kills;

	seq_printf(s, "low 0\nhigh 0\nmax 0\noom %llu\noom_kill %llu\noom_group_kill 0\n", kills,
		   kills);
	return 0;
}

/* ---- CPU ---- */

static int show_cpu_max(struct seq *s, struct cgroup *g)
{
	const struct container *c = here();
	u64 period = c->cpu_period ? c->cpu_period : 100000;

	if (c->cpu_quota)
		seq_printf(s, "%llu %llu\n", (ull)c->cpu_quota, (ull)period);
	else
		seq_printf(s, "max %llu\n", (ull)period);
	return 0;
}

static int show_cpus(struct seq *s, struct cgroup *g)
{
	unsigned n = cpu_count();

	if (n > 1)
		seq_printf(s, "0-%u\n", n - 1);
	else
		seq_puts(s, "0\n");
	return 0;
}

static const struct cgroup_row rows[] = {
	{ "cpu.max", .show = show_cpu_max, .root = true },
	{ "cpu.weight", .text = "100", .root = true },
	{ "cpu.weight.nice", .text = "0", .root = true },
	{ "cpuset.cpus", .text = "", .root = true },
	{ "cpuset.cpus.effective", .show = show_cpus, .root = true },
	{ "cpuset.mems.effective", .text = "0", .root = true },
	{ "memory.current", .show = show_memory_current, .root = true },
	{ "memory.events", .show = show_memory_events, .news = CGROUP_NEWS_MEMORY, .root = true },
	{ "memory.high", .text = "max", .root = true },
	{ "memory.low", .text = "0", .root = true },
	{ "memory.max", .show = show_memory_max, .root = true },
	{ "memory.min", .text = "0", .root = true },
	{ "memory.swap.current", .text = "0", .root = true },
	{ "memory.swap.max", .text = "0", .root = true },
};
const struct cgroup_rows cgroup_limits = CGROUP_ROWS(rows);
