/*
 * pids.c - the files of the controller of tasks, pids.*.
 */
#include "fs/cgroup/priv.h"

typedef unsigned long long ull;

#define PIDS_MAX 4194305 /* as Linux: what has more digits than a pid is a mistake */

static int show_current(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "%llu\n", (ull)READ_ONCE(g->pids));
	return 0;
}

static int show_peak(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "%llu\n", (ull)READ_ONCE(g->pids_peak));
	return 0;
}

static int show_max(struct seq *s, struct cgroup *g)
{
	cgroup_put_limit(s, READ_ONCE(g->pids_max));
	return 0;
}

static int store_max(struct cgroup *g, const char *text, struct file *f)
{
	u64 max;
	int err = cgroup_parse_limit(text, &max);

	if (err || (max >= PIDS_MAX && max != CGROUP_MAX))
		return -EINVAL;
	WRITE_ONCE(g->pids_max, max);
	return 0;
}

static int show_events(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "max %llu\n", (ull)READ_ONCE(g->pids_failed));
	return 0;
}

static const struct cgroup_row rows[] = {
	{ "pids.current", .show = show_current, .controller = CGROUP_PIDS },
	{ "pids.events", .show = show_events, .controller = CGROUP_PIDS, .news = CGROUP_NEWS_PIDS },
	{ "pids.max", .show = show_max, .store = store_max, .controller = CGROUP_PIDS },
	{ "pids.peak", .show = show_peak, .controller = CGROUP_PIDS },
};
const struct cgroup_rows cgroup_pids = CGROUP_ROWS(rows);
