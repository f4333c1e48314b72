/*
 * common.c - the files that every control group has: cgroup.* and cpu.stat.
 */
#include <string.h>

#include "fs/cgroup/priv.h"
#include "task/info.h"
#include "task/ns/pidns.h"

typedef unsigned long long ull;

/* ---- members ---- */

static bool is_in(struct task *t, const struct cgroup *g)
{
	return t && READ_ONCE(t->process->cgroup) == g && !t->process->zombie;
}

static int show_members(struct seq *s, struct cgroup *g, int (*next)(int))
{
	for (int id = next(1); id; id = next(id + 1)) {
		struct task *t = task_find(id);

		if (is_in(t, g) && pid_vnr(id))
			seq_printf(s, "%d\n", pid_vnr(id));
		if (t)
			task_put(t);
	}
	return 0;
}

static int show_procs(struct seq *s, struct cgroup *g)
{
	return show_members(s, g, process_next);
}

static int show_threads(struct seq *s, struct cgroup *g)
{
	return show_members(s, g, task_next);
}

/* cgroup.procs of the nearest group that both are below, with a reference; NULL: there is none. */
static struct inode *common_procs(struct cgroup *from, struct cgroup *to)
{
	struct inode *i = NULL;
	struct cgroup_dir *d;

	while (from && !cgroup_is_below(to, from))
		from = from->parent;
	spin_lock(&task_lock);
	d = from ? from->dir : NULL;
	if (d)
		inode_get(i = d->procs);
	spin_unlock(&task_lock);
	return i;
}

int cgroup_may_move(const struct cred *cred, struct cgroup *from, struct cgroup *to)
{
	struct cgroup *root = cgroup_ns_root();
	struct inode *procs;
	int err;

	if (!cgroup_is_below(from, root) || !cgroup_is_below(to, root))
		return -ENOENT;
	procs = common_procs(from, to);
	if (!procs)
		return -ENOENT;
	err = inode_permission_cred(cred, procs, MAY_WRITE);
	inode_put(procs);
	return err;
}

static struct cgroup *group_of(struct process *p)
{
	struct cgroup *g;

	spin_lock(&task_lock);
	g = p->cgroup;
	if (g)
		cgroup_get(g);
	spin_unlock(&task_lock);
	return g;
}

/* threads: the whole of it must be in g already, as no process is split. */
static int move(struct process *p, struct cgroup *g, const struct cred *cred, bool threads)
{
	struct cgroup *from;
	bool same;
	int err;

	do {
		from = group_of(p);
		if (!from)
			return -EINVAL; /* the Sentry's own */
		err = cgroup_may_move(cred, from, g);
		if (!err && threads && from != g)
			err = -EOPNOTSUPP;
		spin_lock(&task_lock);
		same = p->cgroup == from;
		if (!err && same)
			err = cgroup_move(g, p);
		spin_unlock(&task_lock);
		cgroup_put(from);
	} while (!same); /* somebody else moved it: the rights to that are other ones */
	return err;
}

static int store_members(struct cgroup *g, const char *text, struct file *f, bool threads)
{
	struct task *t;
	s64 id;
	int err = cgroup_parse(text, &id);

	if (err || id < 0 || id > 0x7fffffff)
		return -EINVAL;
	if (!id) {
		t = task_current();
		task_get(t);
	} else {
		t = task_find_vpid((int)id);
	}
	if (!t)
		return -ESRCH;
	err = move(t->process, g, f->cred, threads);
	task_put(t);
	return err;
}

static int store_procs(struct cgroup *g, const char *text, struct file *f)
{
	return store_members(g, text, f, false);
}

static int store_threads(struct cgroup *g, const char *text, struct file *f)
{
	return store_members(g, text, f, true);
}

/* ---- controllers ---- */

static const struct {
	const char *name;
	u32 bit; /* 0: Linux has it, here it cannot be given to groups */
} controllers[] = {
	{ "cpuset", 0 },	 { "cpu", CGROUP_CPU }, { "memory", CGROUP_MEMORY },
	{ "pids", CGROUP_PIDS }, { "io", 0 },		{ "hugetlb", 0 },
	{ "rdma", 0 },		 { "misc", 0 },
};

static int show_set(struct seq *s, u32 set)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		if (!(set & controllers[i].bit))
			continue;
		seq_printf(s, first ? "%s" : " %s", controllers[i].name);
		first = false;
	}
	if (!first)
		seq_putc(s, '\n');
	return 0;
}

/* The root lists the host's limits that it has files of, too: runtimes look here before they read them. */
static int show_controllers(struct seq *s, struct cgroup *g)
{
	if (!g->parent) {
		seq_puts(s, "cpuset cpu memory pids\n");
		return 0;
	}
	return show_set(s, cgroup_available(g));
}

static int show_control(struct seq *s, struct cgroup *g)
{
	return show_set(s, READ_ONCE(g->control));
}

/* One word "+pids" or "-pids" of n characters; the last one for a controller counts. */
static int parse_control(const char *word, size_t n, u32 *enable, u32 *disable)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		u32 bit = controllers[i].bit;

		if (n != strlen(controllers[i].name) + 1 ||
		    memcmp(word + 1, controllers[i].name, n - 1))
			continue;
		if (*word == '+' && !bit)
			return -ENOENT;
		*enable = *word == '+' ? *enable | bit : *enable & ~bit;
		*disable = *word == '-' ? *disable | bit : *disable & ~bit;
		return *word == '+' || *word == '-' ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int store_control(struct cgroup *g, const char *text, struct file *f)
{
	u32 enable = 0, disable = 0;
	int err = 0;
	size_t n;

	for (; !err && *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		err = parse_control(text, n, &enable, &disable);
	}
	if (err)
		return err;
	spin_lock(&task_lock);
	err = cgroup_set_control(g, enable, disable);
	spin_unlock(&task_lock);
	return err;
}

/* ---- the tree ---- */

static int show_type(struct seq *s, struct cgroup *g)
{
	const char *type;

	spin_lock(&task_lock);
	type = cgroup_type(g);
	spin_unlock(&task_lock);
	seq_printf(s, "%s\n", type);
	return 0;
}

static int store_type(struct cgroup *g, const char *text, struct file *f)
{
	return strcmp(text, "threaded") ? -EINVAL : -EOPNOTSUPP;
}

static int show_stat(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "nr_descendants %u\nnr_dying_descendants %u\n", READ_ONCE(g->nr_descendants),
		   READ_ONCE(g->nr_dying));
	return 0;
}

static int show_max_depth(struct seq *s, struct cgroup *g)
{
	cgroup_put_limit(s, READ_ONCE(g->max_depth));
	return 0;
}

static int show_max_descendants(struct seq *s, struct cgroup *g)
{
	cgroup_put_limit(s, READ_ONCE(g->max_descendants));
	return 0;
}

static int store_limit(u64 *limit, const char *text)
{
	u64 v;
	int err = cgroup_parse_limit(text, &v);

	if (!err)
		WRITE_ONCE(*limit, v);
	return err;
}

static int store_max_depth(struct cgroup *g, const char *text, struct file *f)
{
	return store_limit(&g->max_depth, text);
}

static int store_max_descendants(struct cgroup *g, const char *text, struct file *f)
{
	return store_limit(&g->max_descendants, text);
}

/* ---- life ---- */

static int show_events(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "populated %d\nfrozen %d\n", !!READ_ONCE(g->populated), READ_ONCE(g->frozen));
	return 0;
}

static int show_freeze(struct seq *s, struct cgroup *g)
{
	seq_printf(s, "%d\n", READ_ONCE(g->freeze));
	return 0;
}

static int store_freeze(struct cgroup *g, const char *text, struct file *f)
{
	s64 v;
	int err = cgroup_parse(text, &v);

	if (err || v < 0 || v > 1)
		return err ? err : -ERANGE;
	spin_lock(&task_lock);
	if (g->dead)
		err = -ENODEV;
	else
		cgroup_set_freeze(g, v);
	spin_unlock(&task_lock);
	return err;
}

static int store_kill(struct cgroup *g, const char *text, struct file *f)
{
	s64 v;
	int err = cgroup_parse(text, &v);

	if (err || v != 1)
		return err ? err : -ERANGE;
	spin_lock(&task_lock);
	cgroup_kill(g);
	spin_unlock(&task_lock);
	return 0;
}

static int show_cpu_stat(struct seq *s, struct cgroup *g)
{
	u64 used, user;

	spin_lock(&task_lock);
	cgroup_cpu_time(g, &used, &user);
	spin_unlock(&task_lock);
	seq_printf(s, "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n", (ull)used / 1000,
		   (ull)user / 1000, (ull)(used - user) / 1000);
	if (cgroup_has(g, CGROUP_CPU))
		cgroup_show_throttling(s, g);
	return 0;
}

static const struct cgroup_row rows[] = {
	{ "cgroup.controllers", .show = show_controllers },
	{ "cgroup.events", .show = show_events, .news = CGROUP_NEWS_EVENTS },
	{ "cgroup.freeze", .show = show_freeze, .store = store_freeze },
	{ "cgroup.kill", .store = store_kill },
	{ "cgroup.max.depth", .show = show_max_depth, .store = store_max_depth },
	{ "cgroup.max.descendants", .show = show_max_descendants, .store = store_max_descendants },
	{ "cgroup.procs", .show = show_procs, .store = store_procs, .delegated = true },
	{ "cgroup.stat", .show = show_stat },
	{ "cgroup.subtree_control", .show = show_control, .store = store_control,
	  .delegated = true },
	{ "cgroup.threads", .show = show_threads, .store = store_threads, .delegated = true },
	{ "cgroup.type", .show = show_type, .store = store_type },
	{ "cpu.stat", .show = show_cpu_stat },
};
const struct cgroup_rows cgroup_common = CGROUP_ROWS(rows);
