/*
 * cgroupfs.c - /sys/fs/cgroup: the control group of the reader's container, in the layout of cgroup v2, as language runtimes
 * and process managers read it for limits and usage.
 *
 * One directory, read-only: a view, not a hierarchy. Linux would let a container with a writable mount make groups below it;
 * here mkdir is EPERM. The type "cgroup" (v1) shows the same v2 directory, as runc does on a v2 host.
 */
#include <linux/magic.h>

#include "fs/cgroupfs.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "platform/platform.h"
#include "task/container.h"
#include "task/info.h"
#include "task/ns/pidns.h"
#include "task/unsupported.h"

typedef unsigned long long ull;

/* The reader's container: every process that reads has one. */
static const struct container *here(void)
{
	static const struct container none;
	const struct container *c = container_current();

	return c ? c : &none;
}

static int show_string(struct seq *s, void *arg)
{
	seq_printf(s, "%s\n", (const char *)arg);
	return 0;
}

static void put_limit(struct seq *s, u64 v)
{
	if (v)
		seq_printf(s, "%llu\n", (ull)v);
	else
		seq_puts(s, "max\n");
}

/* ---- memory ---- */

static int show_memory_max(struct seq *s, void *arg)
{
	struct frame_stats st;

	frame_stats(&st);
	put_limit(s, st.limit * PAGE_SIZE);
	return 0;
}

static int show_memory_current(struct seq *s, void *arg)
{
	struct frame_stats st;

	frame_stats(&st);
	seq_printf(s, "%llu\n", (ull)st.charged * PAGE_SIZE);
	return 0;
}

static int show_memory_events(struct seq *s, void *arg)
{
	ull kills = here()->oom_kills;

	seq_printf(s, "low 0\nhigh 0\nmax 0\noom %llu\noom_kill %llu\noom_group_kill 0\n", kills,
		   kills);
	return 0;
}

/* ---- CPU ---- */

static int show_cpu_max(struct seq *s, void *arg)
{
	const struct container *c = here();
	u64 period = c->cpu_period ? c->cpu_period : 100000;

	if (c->cpu_quota)
		seq_printf(s, "%llu %llu\n", (ull)c->cpu_quota, (ull)period);
	else
		seq_printf(s, "max %llu\n", (ull)period);
	return 0;
}

static int show_cpu_stat(struct seq *s, void *arg)
{
	u64 user = 0, system = 0;

	/* A process that was waited for lives on in its parent's sum. */
	for (int pid = process_next(1); pid; pid = process_next(pid + 1)) {
		struct task *t = task_find(pid);
		struct task_info i;

		if (!t)
			continue;
		if (t->process->container != here()) {
			task_put(t);
			continue;
		}
		task_info_get(t, &i);
		task_put(t);
		user += i.process_utime + i.cutime;
		system += i.process_stime + i.cstime;
	}
	seq_printf(s, "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n",
		   (ull)(user + system) / 1000, (ull)user / 1000, (ull)system / 1000);
	seq_puts(s, "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
	return 0;
}

static int show_cpus(struct seq *s, void *arg)
{
	unsigned n = cpu_count();

	if (n > 1)
		seq_printf(s, "0-%u\n", n - 1);
	else
		seq_puts(s, "0\n");
	return 0;
}

/* ---- processes ---- */

static int show_pids_max(struct seq *s, void *arg)
{
	put_limit(s, here()->pids_max);
	return 0;
}

static int show_pids_current(struct seq *s, void *arg)
{
	seq_printf(s, "%u\n", here()->tasks);
	return 0;
}

static int show_pids_events(struct seq *s, void *arg)
{
	seq_printf(s, "max %llu\n", (ull)here()->pids_failed);
	return 0;
}

static bool is_here(int pid)
{
	struct task *t = task_find(pid);
	bool found = t && t->process->container == here();

	if (t)
		task_put(t);
	return found;
}

static int show_procs(struct seq *s, void *arg)
{
	for (int pid = process_next(1); pid; pid = process_next(pid + 1))
		if (pid_vnr(pid) && is_here(pid))
			seq_printf(s, "%d\n", pid_vnr(pid));
	return 0;
}

/* ---- the directory ---- */

static const struct {
	const char *name;
	struct text_ops ops;
	const char *text; /* of show_string */
} files[] = {
	{ "cgroup.controllers", { .show = show_string }, "cpuset cpu memory pids" },
	{ "cgroup.events", { .show = show_string }, "populated 1\nfrozen 0" },
	{ "cgroup.freeze", { .show = show_string }, "0" },
	{ "cgroup.max.depth", { .show = show_string }, "max" },
	{ "cgroup.max.descendants", { .show = show_string }, "max" },
	{ "cgroup.procs", { .show = show_procs }, NULL },
	{ "cgroup.stat", { .show = show_string }, "nr_descendants 0\nnr_dying_descendants 0" },
	{ "cgroup.subtree_control", { .show = show_string }, "" },
	{ "cgroup.threads", { .show = show_procs }, NULL },
	{ "cgroup.type", { .show = show_string }, "domain" },
	{ "cpu.max", { .show = show_cpu_max }, NULL },
	{ "cpu.stat", { .show = show_cpu_stat }, NULL },
	{ "cpu.weight", { .show = show_string }, "100" },
	{ "cpu.weight.nice", { .show = show_string }, "0" },
	{ "cpuset.cpus", { .show = show_string }, "" },
	{ "cpuset.cpus.effective", { .show = show_cpus }, NULL },
	{ "cpuset.mems.effective", { .show = show_string }, "0" },
	{ "memory.current", { .show = show_memory_current }, NULL },
	{ "memory.events", { .show = show_memory_events }, NULL },
	{ "memory.high", { .show = show_string }, "max" },
	{ "memory.low", { .show = show_string }, "0" },
	{ "memory.max", { .show = show_memory_max }, NULL },
	{ "memory.min", { .show = show_string }, "0" },
	{ "memory.swap.current", { .show = show_string }, "0" },
	{ "memory.swap.max", { .show = show_string }, "0" },
	{ "pids.current", { .show = show_pids_current }, NULL },
	{ "pids.events", { .show = show_pids_events }, NULL },
	{ "pids.max", { .show = show_pids_max }, NULL },
};

/* What programs that need groups of their own (systemd, engines) end with has to be said. */
static struct inode *refuse_group(struct inode *dir, const char *name, unsigned len,
				  const struct make_args *a)
{
	unsupported("making a control group", 0);
	return ERR_PTR(-EPERM);
}

static struct inode_ops group_ops; /* pseudo_dir_ops with that */
static struct super_block *cgroup_sb;

static struct super_block *cgroup_mount(const struct file_system *fs, const struct mount_args *a)
{
	if (!cgroup_sb) {
		struct super_block *sb = pseudo_super(fs, CGROUP2_SUPER_MAGIC, 0);

		if (IS_ERR(sb))
			return sb;
		sb->root->mode = S_IFDIR | 0555;
		group_ops = pseudo_dir_ops;
		group_ops.make = refuse_group;
		sb->root->ops = &group_ops;
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			if (!pseudo_text(sb->root, files[i].name, 0444, &files[i].ops,
					 (void *)files[i].text))
				return ERR_PTR(-ENOMEM);
		cgroup_sb = sb;
		sb->kept = true;
	}
	super_get(cgroup_sb);
	return cgroup_sb;
}

static const struct file_system cgroup2_fs = {
	.name = "cgroup2",
	.handles = HANDLES_KERNFS,
	.nodev = true,
	.user_mount = true,
	.userns_mount = true,
	.mount = cgroup_mount,
};

/* There is one group, the root of every namespace: a new one is like the old. */
static void *ns_create(struct ns_common *n)
{
	return NULL;
}

static void ns_free(void *object)
{
}

void cgroupfs_register(void)
{
	ns_register(NS_CGROUP, ns_create, ns_free);
	fs_register(&cgroup2_fs);
}
