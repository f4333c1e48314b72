/*
 * load.c - /proc/stat, uptime and loadavg.
 */
#include "fs/proc/global.h"
#include "fs/seq.h"
#include "task/sched/sched.h"
#include "task/time/clock.h"
#include "task/ns/timens.h"

int proc_show_uptime(struct seq *s, void *arg)
{
	u64 up = (clock_mono() + (u64)time_ns_offset(CLOCK_BOOTTIME)) / 10000000, idle = 0;

	for (unsigned c = 0; c < cpu_count(); c++) {
		struct sched_cpu_times t;

		sched_cpu_times(c, &t);
		idle += t.idle;
	}
	idle /= 10000000;
	seq_printf(s, "%llu.%02llu %llu.%02llu\n", (ull)up / 100, (ull)up % 100, (ull)idle / 100,
		   (ull)idle % 100);
	return 0;
}

int proc_show_loadavg(struct seq *s, void *arg)
{
	struct task_counts c;
	u32 load[3];

	task_counts(&c);
	sched_load(load);
	for (int k = 0; k < 3; k++) {
		u32 v = load[k] + (1 << 11) / 200; /* rounded, as Linux */

		seq_printf(s, "%u.%02u ", v >> 11, ((v & 2047) * 100) >> 11);
	}
	seq_printf(s, "%u/%u %u\n", c.running, c.tasks, MAX(c.last_pid, 1u));
	return 0;
}

static void cpu_line(struct seq *s, const struct sched_cpu_times *t)
{
	seq_printf(s, " %llu %llu %llu %llu 0 0 0 0 0 0\n", (ull)NS_TO_TICKS(t->user),
		   (ull)NS_TO_TICKS(t->nice), (ull)NS_TO_TICKS(t->system),
		   (ull)NS_TO_TICKS(t->idle));
}

int proc_show_global_stat(struct seq *s, void *arg)
{
	struct sched_cpu_times sum = { 0 }, t;
	struct task_counts c;
	struct fs_time now = fs_now();

	for (unsigned k = 0; k < cpu_count(); k++) {
		sched_cpu_times(k, &t);
		sum.user += t.user;
		sum.nice += t.nice;
		sum.system += t.system;
		sum.idle += t.idle;
	}
	seq_puts(s, "cpu ");
	cpu_line(s, &sum);
	for (unsigned k = 0; k < cpu_count(); k++) {
		sched_cpu_times(k, &t);
		seq_printf(s, "cpu%u", k);
		cpu_line(s, &t);
	}
	task_counts(&c);
	seq_printf(
		s,
		"intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n",
		(ull)c.switches, (ull)now.sec - clock_mono() / 1000000000, (ull)c.forks + 1,
		c.running);
	seq_puts(s, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
	return 0;
}
