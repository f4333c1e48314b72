/*
 * status.c - /proc/PID/stat, statm and status (proc_pid_stat(5), proc_pid_status(5)).
 *
 * Differs from Linux: VmPeak is the present size, VmLib and VmSwap are 0 (there is no swap); the fields of stat that
 * Linux itself fills with 0 are 0.
 */
#include <string.h>

#include "fs/proc/proc.h"
#include "fs/procfs.h"
#include "task/ptrace/ptrace.h"
#include "task/sched/sched.h"
#include "task/seccomp/seccomp.h"
#include "task/ns/userns.h"

#define RLIMIT_RSS 5

struct view {
	struct task_info i;
	struct mm *mm; /* with a reference, or NULL */
	struct mm_counters c;
	struct mm_layout l;
};

static void view_get(struct view *v, struct task *t)
{
	memset(v, 0, sizeof(*v));
	task_info_get(t, &v->i);
	v->mm = task_mm_get(t);
	if (v->mm) {
		mm_counters(v->mm, &v->c);
		v->l = *mm_layout(v->mm);
	}
}

static void view_put(struct view *v)
{
	if (v->mm)
		mm_put(v->mm);
}

static u64 rss_of(const struct mm_counters *c)
{
	return c->rss_anon + c->rss_file + c->rss_shmem;
}

static u64 pages(u64 bytes)
{
	return bytes >> PAGE_SHIFT;
}

/* ---- stat ---- */

static u32 task_flags(const struct task *t, const struct task_info *i)
{
	u32 f = 0x400000; /* PF_RANDOMIZE */

	if (i->exiting)
		f |= 0x4; /* PF_EXITING */
	if (!t->process->did_exec)
		f |= 0x40; /* PF_FORKNOEXEC */
	return f;
}

static void stat_times(struct seq *s, const struct task *t, const struct task_info *i, bool thread)
{
	struct sched_params p;

	sched_get((struct task *)t, &p);
	seq_printf(s, " %llu %llu %llu %llu", (ull)(thread ? i->minflt : i->process_minflt),
		   (ull)i->cminflt, (ull)(thread ? i->majflt : i->process_majflt), (ull)i->cmajflt);
	seq_printf(s, " %llu %llu %llu %llu",
		   (ull)NS_TO_TICKS(thread ? i->utime : i->process_utime),
		   (ull)NS_TO_TICKS(thread ? i->stime : i->process_stime),
		   (ull)NS_TO_TICKS(i->cutime), (ull)NS_TO_TICKS(i->cstime));
	seq_printf(s, " %d %d %u 0 %llu", p.prio ? -1 - p.prio : 20 + p.nice, p.nice, i->nr_threads,
		   (ull)NS_TO_TICKS(i->start_time));
}

int proc_show_stat(struct seq *s, struct task *t, bool thread)
{
	bool may = proc_may_access(t);
	struct process *p = t->process;
	struct sched_params sp;
	int tpgid = -1;
	u32 tty = 0;
	struct view v;

	view_get(&v, t);
	sched_get(t, &sp);
	if (proc_tty)
		proc_tty(p, &tty, &tpgid);
	tpgid = tpgid > 0 ? proc_nr(s, tpgid) : tpgid;
	seq_printf(s, "%d (%s) %c %d %d %d %d %d %u", proc_nr(s, v.i.tid), v.i.comm, v.i.state,
		   proc_nr(s, v.i.ppid), proc_nr(s, v.i.pgid), proc_nr(s, v.i.sid),
		   (int)dev_encode(tty), tpgid, task_flags(t, &v.i));
	stat_times(s, t, &v.i, thread);
	seq_printf(s, " %llu %llu %llu", (ull)v.c.total_vm, (ull)pages(rss_of(&v.c)),
		   (ull)p->rlim[RLIMIT_RSS].cur);
	if (!v.mm)
		seq_puts(s, " 0 0 0");
	else if (!may)
		seq_puts(s, " 1 1 0");
	else
		seq_printf(s, " %llu %llu %llu", (ull)v.l.start_code, (ull)v.l.end_code,
			   (ull)v.l.start_stack);
	seq_printf(s, " 0 0 %llu %llu %llu %llu %d 0 0", (ull)(v.i.pending & 0x7fffffff),
		   (ull)(v.i.blocked & 0x7fffffff), (ull)(v.i.ignored & 0x7fffffff),
		   (ull)(v.i.caught & 0x7fffffff), may && v.i.state != 'R');
	seq_printf(s, " %d %u %d %d 0 0 0", thread && !v.i.leader ? -1 : v.i.exit_signal,
		   t->cpu->id, sp.prio, sp.policy);
	if (v.mm && may)
		seq_printf(s, " %llu %llu %llu %llu %llu %llu %llu %d\n", (ull)v.l.start_data,
			   (ull)v.l.end_data, (ull)v.l.start_brk, (ull)v.l.arg_start,
			   (ull)v.l.arg_end, (ull)v.l.env_start, (ull)v.l.env_end, v.i.exit_code);
	else
		seq_printf(s, " 0 0 0 0 0 0 0 %d\n", may ? v.i.exit_code : 0);
	view_put(&v);
	return 0;
}

int proc_show_statm(struct seq *s, struct task *t, bool thread)
{
	struct view v;

	view_get(&v, t);
	seq_printf(s, "%llu %llu %llu %llu 0 %llu 0\n", (ull)pages(v.c.total_vm),
		   (ull)pages(rss_of(&v.c)), (ull)pages(v.c.rss_file + v.c.rss_shmem),
		   (ull)pages(v.c.text), (ull)pages(v.c.data + v.c.stack));
	view_put(&v);
	return 0;
}

/* ---- status ---- */

static const char *state_name(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	default: return "X (dead)";
	}
}

/* Size and umask of what t has of the file system layer, or -1. */
static int fd_slots(struct task *t)
{
	struct fdtable *files = fdtable_of(t);
	int top = 0, n = 64;

	if (!files)
		return 0;
	for (int fd = 0; (fd = fdtable_next(files, fd)) >= 0; fd++)
		top = fd;
	fdtable_put(files);
	while (n <= top)
		n *= 2;
	return n;
}

static int umask_of(struct task *t)
{
	int m;

	spin_lock(&task_lock);
	m = t->fs ? (int)t->fs->umask : -1;
	spin_unlock(&task_lock);
	return m;
}

/* A number in every pid namespace from the mount's down to the task's own. */
static void status_nr(struct seq *s, const char *name, struct task *t, int pid)
{
	const struct pid_ns *ns[PID_NS_DEEP + 1], *n = task_pid_ns(t);
	unsigned top = s->pid_ns ? s->pid_ns->level : 0, k = 0;

	for (; n && n->level >= top; n = n->parent)
		ns[k++] = n;
	seq_puts(s, name);
	while (k--)
		seq_printf(s, "\t%d", pid_nr_in(ns[k], pid));
}

static void status_ids(struct seq *s, struct task *t, const struct task_info *i)
{
	struct cred *c = task_cred_get(t);

	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", show_uid(c->uid), show_uid(c->euid),
		   show_uid(c->suid), show_uid(c->fsuid));
	seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", show_gid(c->gid), show_gid(c->egid),
		   show_gid(c->sgid), show_gid(c->fsgid));
	seq_printf(s, "FDSize:\t%d\nGroups:\t", fd_slots(t));
	for (u32 k = 0; k < c->ngroups; k++)
		seq_printf(s, k ? " %u" : "%u", show_gid(c->groups[k]));
	seq_putc(s, ' ');
	status_nr(s, "\nNStgid:", t, i->tgid);
	status_nr(s, "\nNSpid:", t, i->tid);
	status_nr(s, "\nNSpgid:", t, i->pgid);
	status_nr(s, "\nNSsid:", t, i->sid);
	seq_puts(s, "\nKthread:\t0\n");
	cred_put(c);
}

static void status_mm(struct seq *s, const struct mm_counters *c)
{
	u64 exe = c->text;

	seq_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8llu kB\n",
		   KIB(c->total_vm), KIB(c->total_vm), KIB(c->locked), 0ULL);
	seq_printf(s, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n", KIB(MAX(c->hiwater_rss, rss_of(c))),
		   KIB(rss_of(c)));
	seq_printf(s, "RssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t%8llu kB\n",
		   KIB(c->rss_anon), KIB(c->rss_file), KIB(c->rss_shmem));
	seq_printf(s, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n",
		   KIB(c->data), KIB(c->stack), KIB(exe), 0ULL);
	seq_printf(s, "VmPTE:\t%8llu kB\nVmSwap:\t%8llu kB\nHugetlbPages:\t%8llu kB\n",
		   KIB(c->page_tables), 0ULL, 0ULL);
	seq_puts(s, "CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n");
}

static void status_signals(struct seq *s, struct task *t, const struct task_info *i)
{
	seq_printf(s, "Threads:\t%u\nSigQ:\t%u/%llu\n", i->nr_threads, i->nr_sigqueue,
		   (ull)t->process->rlim[RLIMIT_SIGPENDING].cur);
	seq_printf(s, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n", (ull)i->pending,
		   (ull)i->shared_pending, (ull)i->blocked);
	seq_printf(s, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", (ull)i->ignored, (ull)i->caught);
}

static void status_security(struct seq *s, struct task *t)
{
	struct cred *c = task_cred_get(t);

	seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n",
		   (ull)c->cap_inheritable, (ull)c->cap_permitted, (ull)c->cap_effective);
	seq_printf(s, "CapBnd:\t%016llx\nCapAmb:\t%016llx\n", (ull)c->cap_bounding,
		   (ull)c->cap_ambient);
	seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%u\n", c->no_new_privs,
		   t->seccomp_mode, seccomp_filter_count(t));
	seq_puts(s, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
	cred_put(c);
}

/* A CPU mask as Linux prints cpumasks: groups of 32 bits, as many as there are CPUs for; and as a list of ranges. */
static void show_cpus(struct seq *s, u64 mask)
{
	if (cpu_count() > 32)
		seq_printf(s, "Cpus_allowed:\t%08x,%08x\n", (u32)(mask >> 32), (u32)mask);
	else
		seq_printf(s, "Cpus_allowed:\t%0*x\n", (int)(cpu_count() + 3) / 4, (u32)mask);
	seq_puts(s, "Cpus_allowed_list:\t");
	for (unsigned i = 0, first = 1; i < 64; i++) {
		unsigned from = i;

		if (!(mask >> i & 1))
			continue;
		while (i < 63 && mask >> (i + 1) & 1)
			i++;
		seq_printf(s, from == i ? "%s%u" : "%s%u-%u", first ? "" : ",", from, i);
		first = 0;
	}
	seq_putc(s, '\n');
}

int proc_show_status(struct seq *s, struct task *t, bool thread)
{
	struct view v;
	int mask;

	view_get(&v, t);
	mask = umask_of(t);
	seq_puts(s, "Name:\t");
	seq_escape(s, v.i.comm, "\n\\");
	seq_putc(s, '\n');
	if (mask >= 0)
		seq_printf(s, "Umask:\t%04o\n", (unsigned)mask);
	seq_printf(s, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		   state_name(v.i.state), proc_nr(s, v.i.tgid), proc_nr(s, v.i.tid),
		   proc_nr(s, v.i.ppid), proc_nr(s, ptrace_tracer_pid(t)));
	status_ids(s, t, &v.i);
	if (v.mm)
		status_mm(s, &v.c);
	status_signals(s, t, &v.i);
	status_security(s, t);
	show_cpus(s, sched_affinity(t));
	seq_puts(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	seq_printf(s, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (ull)v.i.nvcsw, (ull)v.i.nivcsw);
	seq_puts(s, "x86_Thread_features:\t\nx86_Thread_features_locked:\t\n");
	view_put(&v);
	return 0;
}
