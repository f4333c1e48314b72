/*
 * global.c - the static tree of /proc: which files there are, and those of a few lines.
 */
#include "fs/proc/global.h"
#include "fs/proc/link.h"
#include "fs/pseudo.h"
#include "task/ns/uts.h"

static int show_version(struct seq *s, void *arg)
{
	seq_printf(s, "%s version %s (moat@moat) (%s) %s\n", UTS_SYSNAME, UTS_RELEASE,
		   "gcc " __VERSION__, UTS_VERSION);
	return 0;
}

static int show_filesystems(struct seq *s, void *arg)
{
	fs_show_filesystems(s);
	return 0;
}

/* The Sentry takes no command line. */
static int show_cmdline(struct seq *s, void *arg)
{
	seq_putc(s, '\n');
	return 0;
}

static int show_devices(struct seq *s, void *arg)
{
	seq_puts(
		s,
		"Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
	return 0;
}

/* Completions of rings are not counted by number: only the head, so that readers find the columns. */
static int show_interrupts(struct seq *s, void *arg)
{
	seq_puts(s, "           ");
	for (unsigned k = 0; k < cpu_count(); k++)
		seq_printf(s, "CPU%-8u", k);
	seq_putc(s, '\n');
	return 0;
}

static int show_swaps(struct seq *s, void *arg)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static int show_partitions(struct seq *s, void *arg)
{
	seq_puts(s, "major minor  #blocks  name\n\n");
	return 0;
}

static int show_nothing(struct seq *s, void *arg)
{
	return 0;
}

static int show_cgroups(struct seq *s, void *arg)
{
	seq_puts(s, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	return 0;
}

/* procps finds the names of terminals here. */
static int show_tty_drivers(struct seq *s, void *arg)
{
	static const struct {
		const char *driver, *node, *minors, *type;
		int major;
	} rows[] = {
		{ "/dev/tty", "/dev/tty", "0", "system:/dev/tty", 5 },
		{ "/dev/console", "/dev/console", "1", "system:console", 5 },
		{ "/dev/ptmx", "/dev/ptmx", "2", "system", 5 },
		{ "pty_slave", "/dev/pts", "0-1048575", "pty:slave", 136 },
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		seq_printf(s, "%-20s %-12s %3d %7s %s\n", rows[k].driver, rows[k].node,
			   rows[k].major, rows[k].minors, rows[k].type);
	return 0;
}

static const struct text_ops tty_drivers_ops = { .show = show_tty_drivers };

static const struct {
	const char *name;
	u32 mode;
	struct text_ops ops;
} files[] = {
	{ "cgroups", 0444, { .show = show_cgroups } },
	{ "cmdline", 0444, { .show = show_cmdline } },
	{ "cpuinfo", 0444, { .show = proc_show_cpuinfo } },
	{ "devices", 0444, { .show = show_devices } },
	{ "diskstats", 0444, { .show = show_nothing } },
	{ "filesystems", 0444, { .show = show_filesystems } },
	{ "interrupts", 0444, { .show = show_interrupts } },
	{ "locks", 0444, { .show = proc_show_locks } },
	{ "loadavg", 0444, { .show = proc_show_loadavg } },
	{ "meminfo", 0444, { .show = proc_show_meminfo } },
	{ "modules", 0444, { .show = show_nothing } },
	{ "partitions", 0444, { .show = show_partitions } },
	{ "stat", 0444, { .show = proc_show_global_stat } },
	{ "swaps", 0444, { .show = show_swaps } },
	{ "uptime", 0444, { .show = proc_show_uptime } },
	{ "version", 0444, { .show = show_version } },
	{ "vmstat", 0444, { .show = proc_show_vmstat } },
};

int proc_add_global(struct inode *root)
{
	int err = proc_anon_init();
	struct inode *dir;

	if (err)
		return err;
	proc_cpuinfo_init();
	for (size_t k = 0; k < ARRAY_SIZE(files); k++)
		if (!pseudo_text(root, files[k].name, files[k].mode, &files[k].ops, NULL))
			return -ENOMEM;
	if (!pseudo_link(root, "mounts", "self/mounts") || !pseudo_link(root, "net", "self/net"))
		return -ENOMEM;
	dir = pseudo_dir(root, "tty", 0555);
	if (!dir || !pseudo_text(dir, "drivers", 0444, &tty_drivers_ops, NULL))
		return -ENOMEM;
	return proc_add_kmsg(root) ?: proc_add_sys(root) ?: proc_add_registered(root, false);
}
