/*
 * cpu.c - the files of the controller of CPU time, cpu.*.
 *
 * Differs from Linux: cpu.pressure is not there, and what weights mean is sched.c's. cpu.stat, which every group has, is in
 * common.c; a container's own limit is shown by limits.c and enforced by the host.
 */
#include <string.h>

#include "fs/cgroup/priv.h"
#include "task/sched/sched.h"

typedef unsigned long long ull;

#define USEC	      1000ULL
#define QUOTA_MIN     (1000 * USEC)
#define PERIOD_MAX    (1000000 * USEC)
#define TIME_MAX      (((1ULL << 44) - 1) * USEC)
#define WEIGHT_MAX    10000
#define WEIGHT_NORMAL 100

/* ---- cpu.max, cpu.max.burst ---- */

static int show_max(struct seq *s, struct cgroup *g)
{
	const struct cpu_limit *l = &g->cpu.limit;

	if (READ_ONCE(l->quota) == CPU_NO_QUOTA)
		seq_printf(s, "max %llu\n", (ull)(l->period / USEC));
	else
		seq_printf(s, "%llu %llu\n", (ull)(l->quota / USEC), (ull)(l->period / USEC));
	return 0;
}

static int show_burst(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "%llu\n", (ull)(g->cpu.limit.burst / USEC));
	return 0;
}

/* ns; -EINVAL as Linux says. */
static int set_limit(struct cgroup *g, u64 quota, u64 period, u64 burst)
{
	bool limited = quota != CPU_NO_QUOTA;

	if (quota < QUOTA_MIN || period < QUOTA_MIN || period > PERIOD_MAX)
		return -EINVAL;
	if (limited && (quota > TIME_MAX || burst > quota || burst + quota > TIME_MAX))
		return -EINVAL;
	spin_lock(&task_lock);
	cpu_limit_set(&g->cpu.limit, quota, period, burst);
	cgroup_controllers_apply(g);
	spin_unlock(&task_lock);
	return 0;
}

/* Microseconds, of n digits. */
static int parse_time(const char *text, size_t n, u64 *ns)
{
	u64 v = 0;

	if (!n)
		return -EINVAL;
	for (; n; n--, text++) {
		if (*text < '0' || *text > '9' || v > TIME_MAX)
			return -EINVAL;
		v = v * 10 + (u64)(*text - '0');
	}
	*ns = MIN(v, TIME_MAX) * USEC;
	return 0;
}

static int store_max(struct cgroup *g, const char *text, struct file *f)
{
	size_t n = strcspn(text, " \t\n");
	const char *second = text + n + strspn(text + n, " \t\n");
	u64 quota = CPU_NO_QUOTA, period = g->cpu.limit.period;
	int err = n == 3 && !memcmp(text, "max", 3) ? 0 : parse_time(text, n, &quota);

	if (!err && *second)
		err = parse_time(second, strcspn(second, " \t\n"), &period);
	return err ? err : set_limit(g, quota, period, g->cpu.limit.burst);
}

static int store_burst(struct cgroup *g, const char *text, struct file *f)
{
	const struct cpu_limit *l = &g->cpu.limit;
	u64 burst;
	int err = parse_time(text, strlen(text), &burst);

	return err ? err : set_limit(g, l->quota, l->period, burst);
}

/* ---- cpu.weight, cpu.weight.nice, cpu.idle ---- */

static int set_share(struct cgroup *g, u32 share)
{
	int err = 0;

	spin_lock(&task_lock);
	if (g->cpu.idle) {
		err = -EINVAL;
	} else {
		g->cpu.share = share;
		cgroup_controllers_apply(g);
	}
	spin_unlock(&task_lock);
	return err;
}

static int show_weight(struct seq *s, struct cgroup *g)
{
	u32 share = g->cpu.idle ? 0 : g->cpu.share;

	seq_printf(s, "%u\n", (share * WEIGHT_NORMAL + SCHED_SHARE / 2) / SCHED_SHARE);
	return 0;
}

static int store_weight(struct cgroup *g, const char *text, struct file *f)
{
	s64 v;
	int err = cgroup_parse(text, &v);

	if (err || v < 1 || v > WEIGHT_MAX)
		return err ? err : -ERANGE;
	return set_share(g, (u32)((u64)v * SCHED_SHARE + WEIGHT_NORMAL / 2) / WEIGHT_NORMAL);
}

/* The nice level whose weight is nearest. */
static int show_nice(struct seq *s, struct cgroup *g)
{
	s64 share = g->cpu.idle ? 3 : g->cpu.share, least = 1LL << 40;
	int nice;

	for (nice = -20; nice < 20; nice++) {
		s64 d = (s64)sched_weight(nice) - share;

		d = d < 0 ? -d : d;
		if (d >= least)
			break;
		least = d;
	}
	seq_printf(s, "%d\n", nice - 1);
	return 0;
}

static int store_nice(struct cgroup *g, const char *text, struct file *f)
{
	s64 v;
	int err = cgroup_parse(text, &v);

	if (err || v < -20 || v > 19)
		return err ? err : -ERANGE;
	return set_share(g, sched_weight((int)v));
}

static int show_idle(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "%d\n", g->cpu.idle);
	return 0;
}

static int store_idle(struct cgroup *g, const char *text, struct file *f)
{
	bool v;
	int err = cgroup_parse_switch(text, &v);

	if (err)
		return err;
	spin_lock(&task_lock);
	if (g->cpu.idle != v)
		g->cpu.share = SCHED_SHARE;
	g->cpu.idle = v;
	cgroup_controllers_apply(g);
	spin_unlock(&task_lock);
	return 0;
}

/* ---- cpu.stat ---- */

void cgroup_show_throttling(struct seq *s, struct cgroup *g)
{
	const struct cpu_limit *l = &g->cpu.limit;

	seq_printf(s,
		   "nr_periods %llu\nnr_throttled %llu\nthrottled_usec %llu\n"
		   "nr_bursts %llu\nburst_usec %llu\n",
		   (ull)READ_ONCE(l->nr_periods), (ull)READ_ONCE(l->nr_throttled),
		   (ull)READ_ONCE(l->throttled_ns) / USEC, (ull)READ_ONCE(l->nr_bursts),
		   (ull)READ_ONCE(l->burst_ns) / USEC);
}

#define CPU .controller = CGROUP_CPU, .below = true
static const struct cgroup_row rows[] = {
	{ "cpu.idle", .show = show_idle, .store = store_idle, CPU },
	{ "cpu.max", .show = show_max, .store = store_max, CPU },
	{ "cpu.max.burst", .show = show_burst, .store = store_burst, CPU },
	{ "cpu.weight", .show = show_weight, .store = store_weight, CPU },
	{ "cpu.weight.nice", .show = show_nice, .store = store_nice, CPU },
};
const struct cgroup_rows cgroup_cpu_rows = CGROUP_ROWS(rows);
