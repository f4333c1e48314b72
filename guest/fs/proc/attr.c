/*
 * attr.c - the small files of /proc/PID: names, limits, OOM adjustment, what a container's programs probe for.
 */
#include <linux/capability.h>
#include <string.h>

#include "fs/proc/attr.h"
#include "fs/seq.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/cgroup/cgroup.h"
#include "task/sched/sched.h"

int proc_show_comm(struct seq *s, struct task *t, bool thread)
{
	struct task_info i;

	task_info_get(t, &i);
	seq_printf(s, "%s\n", i.comm);
	return 0;
}

s64 proc_store_comm(struct task *t, char *buf, size_t n)
{
	char comm[TASK_COMM_LEN] = { 0 };

	if (t->process != task_current()->process)
		return -EINVAL;
	memcpy(comm, buf, MIN(n, sizeof(comm) - 1));
	comm[strlen(comm)] = 0;
	spin_lock(&task_lock);
	strncpy(t->comm, comm, sizeof(t->comm));
	spin_unlock(&task_lock);
	return (s64)n;
}

int proc_show_limits(struct seq *s, struct task *t, bool thread)
{
	static const struct {
		const char *name, *unit;
	} rows[RLIM_NLIMITS] = {
		{ "Max cpu time", "seconds" },	   { "Max file size", "bytes" },
		{ "Max data size", "bytes" },	   { "Max stack size", "bytes" },
		{ "Max core file size", "bytes" }, { "Max resident set", "bytes" },
		{ "Max processes", "processes" },  { "Max open files", "files" },
		{ "Max locked memory", "bytes" },  { "Max address space", "bytes" },
		{ "Max file locks", "locks" },	   { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" },  { "Max nice priority", NULL },
		{ "Max realtime priority", NULL }, { "Max realtime timeout", "us" },
	};

	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int k = 0; k < RLIM_NLIMITS; k++) {
		const struct rlimit *r = &t->process->rlim[k];

		seq_printf(s, "%-25s ", rows[k].name);
		if (r->cur == ~0ULL)
			seq_printf(s, "%-20s ", "unlimited");
		else
			seq_printf(s, "%-20llu ", (ull)r->cur);
		if (r->max == ~0ULL)
			seq_printf(s, "%-20s ", "unlimited");
		else
			seq_printf(s, "%-20llu ", (ull)r->max);
		if (rows[k].unit)
			seq_printf(s, "%-10s", rows[k].unit);
		seq_putc(s, '\n');
	}
	return 0;
}

/* ---- out of memory ---- */

static u64 ram_pages(void)
{
	struct frame_stats f;

	frame_stats(&f);
	return MAX(f.limit && f.limit < f.total ? f.limit : f.total, 1UL);
}

/* As Linux: the share of memory, moved by the adjustment, two thirds of it above the middle. */
int proc_show_oom_score(struct seq *s, struct task *t, bool thread)
{
	struct mm *mm = task_mm_get(t);
	s64 total = (s64)ram_pages(), points = 0;
	struct mm_counters c;

	if (mm) {
		mm_counters(mm, &c);
		mm_put(mm);
		points = (s64)((c.rss_anon + c.rss_file + c.rss_shmem + c.page_tables) >>
			       PAGE_SHIFT);
		if (t->process->oom_score_adj == -1000)
			points = -1000 * total / 1000;
		else
			points += (s64)t->process->oom_score_adj * total / 1000;
	}
	points = (1000 + points * 1000 / total) * 2 / 3;
	seq_printf(s, "%lld\n", (long long)MAX(points, (s64)0));
	return 0;
}

static int parse_int(const char *buf, int *out)
{
	bool neg;
	int n = 0, digits = 0;

	while (*buf == ' ' || *buf == '\t' || *buf == '\n')
		buf++;
	neg = *buf == '-';
	if (*buf == '-' || *buf == '+')
		buf++;
	for (; *buf >= '0' && *buf <= '9' && digits < 9; buf++, digits++)
		n = n * 10 + (*buf - '0');
	while (*buf == ' ' || *buf == '\t' || *buf == '\n')
		buf++;
	if (!digits || *buf)
		return -EINVAL;
	*out = neg ? -n : n;
	return 0;
}

static s64 set_oom_adj(struct task *t, int adj, size_t n)
{
	if (adj < t->process->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	WRITE_ONCE(t->process->oom_score_adj, adj);
	return (s64)n;
}

int proc_show_oom_score_adj(struct seq *s, struct task *t, bool thread)
{
	seq_printf(s, "%d\n", t->process->oom_score_adj);
	return 0;
}

s64 proc_store_oom_score_adj(struct task *t, char *buf, size_t n)
{
	int adj, err = parse_int(buf, &adj);

	if (err)
		return err;
	if (adj < -1000 || adj > 1000)
		return -EINVAL;
	return set_oom_adj(t, adj, n);
}

int proc_show_oom_adj(struct seq *s, struct task *t, bool thread)
{
	int a = t->process->oom_score_adj;

	seq_printf(s, "%d\n", a == 1000 ? 15 : a * 17 / 1000);
	return 0;
}

s64 proc_store_oom_adj(struct task *t, char *buf, size_t n)
{
	int adj, err = parse_int(buf, &adj);

	if (err)
		return err;
	if ((adj < -16 || adj > 15) && adj != -17)
		return -EINVAL;
	return set_oom_adj(t, adj == 15 ? 1000 : adj * 1000 / 17, n);
}

/* ---- one-liners ---- */

int proc_show_personality(struct seq *s, struct task *t, bool thread)
{
	seq_printf(s, "%08x\n", t->process->personality);
	return 0;
}

int proc_show_cgroup(struct seq *s, struct task *t, bool thread)
{
	struct cgroup *g, *root = cgroup_ns_root();
	char *path = kmalloc(PATH_MAX);

	if (!path)
		return -ENOMEM;
	spin_lock(&task_lock);
	g = t->process->cgroup;
	if (g)
		cgroup_get(g);
	spin_unlock(&task_lock);
	if (!g || !root)
		seq_puts(s, "0::/\n");
	else if (cgroup_path(g, root, path, PATH_MAX))
		seq_printf(s, "0::%s%s\n", path, g->dead ? " (deleted)" : "");
	cgroup_put(g);
	kfree(path);
	return 0;
}

/* Symbols of the Sentry are not shown: "0" is what Linux prints then, and for a running task. */
int proc_show_wchan(struct seq *s, struct task *t, bool thread)
{
	seq_putc(s, '0');
	return 0;
}

/* Time on a CPU, time waiting for one (not measured), number of times it was switched in. */
int proc_show_schedstat(struct seq *s, struct task *t, bool thread)
{
	seq_printf(s, "%llu 0 %llu\n", (ull)sched_runtime(t), (ull)(t->nvcsw + t->nivcsw));
	return 0;
}

int proc_show_timerslack(struct seq *s, struct task *t, bool thread)
{
	if (t != task_current() && !capable(CAP_SYS_NICE))
		return -EPERM;
	seq_printf(s, "%llu\n", (ull)t->timer_slack);
	return 0;
}

s64 proc_store_timerslack(struct task *t, char *buf, size_t n)
{
	int v, err = parse_int(buf, &v);

	if (err)
		return err;
	if (v < 0)
		return -EINVAL;
	if (t != task_current() && !capable(CAP_SYS_NICE))
		return -EPERM;
	t->timer_slack = v ? (u64)v : 50000;
	return (s64)n;
}

/* Children belong to the process here, not to the thread that made them: the leader's file has them all. */
int proc_show_children(struct seq *s, struct task *t, bool thread)
{
	int pid = 0;

	if (t->process->leader != t)
		return 0;
	while ((pid = process_next_child(t->process, pid + 1)))
		if (proc_nr(s, pid))
			seq_printf(s, "%d ", proc_nr(s, pid));
	return 0;
}

int proc_show_coredump_filter(struct seq *s, struct task *t, bool thread)
{
	struct mm *mm = task_mm_get(t);

	if (mm) {
		seq_printf(s, "%08x\n", 0x33);
		mm_put(mm);
	}
	return 0;
}

/* Bytes that went to and from storage are the host's matter: 0. */
int proc_show_io(struct seq *s, struct task *t, bool thread)
{
	struct io_counts *c;
	struct task_info i;

	task_info_get(t, &i);
	c = thread ? &i.io : &i.process_io;
	seq_printf(s, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n", (ull)c->rchar,
		   (ull)c->wchar, (ull)c->syscr, (ull)c->syscw);
	seq_puts(s, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
	return 0;
}

/* The system call that a task sleeps in. */
int proc_show_syscall(struct seq *s, struct task *t, bool thread)
{
	struct user_regs r;

	if (!sched_blocked_regs(t, &r))
		seq_puts(s, "running\n");
	else if (t->syscall_nr < 0)
		seq_printf(s, "-1 0x%llx 0x%llx\n", (ull)r.rsp, (ull)r.rip);
	else
		seq_printf(s, "%d 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n",
			   t->syscall_nr, (ull)r.rdi, (ull)r.rsi, (ull)r.rdx, (ull)r.r10, (ull)r.r8,
			   (ull)r.r9, (ull)r.rsp, (ull)r.rip);
	return 0;
}

/* ---- the mount table, as the task's root shows it ---- */

static int show_mounts(struct seq *s, struct task *t, int style)
{
	struct fs_context *fs;

	spin_lock(&task_lock);
	fs = t->fs;
	if (fs)
		fs_context_get(fs);
	spin_unlock(&task_lock);
	if (!fs)
		return -EINVAL;
	mounts_show(s, fs, style);
	fs_context_put(fs);
	return 0;
}

int proc_show_mounts(struct seq *s, struct task *t, bool thread)
{
	return show_mounts(s, t, MOUNTS_MOUNTS);
}

int proc_show_mountinfo(struct seq *s, struct task *t, bool thread)
{
	return show_mounts(s, t, MOUNTS_MOUNTINFO);
}

int proc_show_mountstats(struct seq *s, struct task *t, bool thread)
{
	return show_mounts(s, t, MOUNTS_STATS);
}
