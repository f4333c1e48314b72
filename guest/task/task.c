/*
 * task.c - the objects: tasks, processes, their references and tables; kernel threads.
 *
 * task_lock guards the process tree, the pid table and the lists of threads (those also under sig_lock, so either lock
 * is enough to walk them). A task has one reference of the pid table (until it is reaped, or for threads until they
 * end) and one of its own context, which sched/sched.c drops after the last switch.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/container.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/ucounts.h"
#include "task/ns/userns.h"

struct spinlock task_lock = SPINLOCK_INIT;
struct list all_processes = LIST_INIT(all_processes);
struct process kernel_process;
struct task_resources task_res;
static struct cred kernel_cred;
static unsigned nr_tasks, nr_processes;
u32 task_syscall_work;

void (*task_syscall)(struct task *t, struct user_regs *regs);
void (*task_session_ended)(struct process *p, int status);
int (*task_exec)(const char *file, char *const *argv, char *const *envp);

static void process_setup(struct process *p)
{
	ref_init(&p->ref);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->tracees);
	list_init(&p->all_node);
	waitq_init(&p->child_wait);
	waitq_init(&p->thread_wait);
	waitq_init(&p->exit_wait);
	waitq_init(&p->sig_wait);
	spin_init(&p->sig_lock);
	signal_init_pending(&p->shared_pending);
}

static u64 hook_rlimit(int resource)
{
	return task_rlimit(resource);
}

static struct mm *hook_mm(void)
{
	struct task *t = task_current();

	return t ? t->mm : NULL;
}

static bool hook_killed(void)
{
	struct task *t = task_current();

	return t && signal_fatal_pending(t);
}

static bool hook_may_lock(void)
{
	return capable(CAP_IPC_LOCK);
}

static struct frame_payer *payer_current(void)
{
	struct task *t = task_current();

	return t ? &t->payer : NULL;
}

static int hook_tid(void)
{
	struct task *t = task_current();

	return t->exiting ? 0 : t->nr;
}

void task_init(void)
{
	static const struct mm_hooks hooks = {
		.rlimit = hook_rlimit,
		.current_mm = hook_mm,
		.oom = oom_kill,
		.killed = hook_killed,
		.may_lock = hook_may_lock,
		.tid = hook_tid,
	};
	int i;

	frame_payer_current = payer_current;
	process_setup(&kernel_process);
	for (i = 0; i < RLIM_NLIMITS; i++)
		kernel_process.rlim[i].cur = kernel_process.rlim[i].max = ~0ULL;
	kernel_process.sighand = sighand_create();
	BUG_ON(!kernel_process.sighand);
	ref_init(&kernel_cred.ref);
	kernel_cred.cap_permitted = kernel_cred.cap_effective = kernel_cred.cap_bounding = ~0ULL;
	mm_set_hooks(&hooks);
}

void task_set_resources(const struct task_resources *res)
{
	task_res = *res;
}

struct process *process_alloc(void)
{
	struct process *p = kzalloc(sizeof(*p));

	if (!p)
		return ERR_PTR(-ENOMEM);
	process_setup(p);
	p->start_time = clock_mono();
	atomic_add(&nr_processes, 1);
	return p;
}

void process_put(struct process *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	signal_flush(&p->shared_pending);
	sighand_put(p->sighand);
	itimers_free(p);
	container_put(p->container);
	cgroup_put(p->cgroup);
	pid_ns_put(p->pid_ns);
	kfree(p);
	atomic_sub(&nr_processes, 1);
}

struct task *task_alloc(void)
{
	struct task *t = kzalloc(sizeof(*t));

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->kstack = kstack_alloc();
	if (!t->kstack) {
		kfree(t);
		return ERR_PTR(-ENOMEM);
	}
	ref_init(&t->ref);
	list_init(&t->thread_node);
	signal_init_pending(&t->pending);
	t->syscall_nr = -1;
	t->syscall_work = task_syscall_work;
	t->timer_slack = 50000;
	t->loginuid = t->sessionid = NO_ID;
	t->altstack_flags = 2; /* SS_DISABLE */
	t->mode_start = t->start_time = clock_mono();
	atomic_add(&nr_tasks, 1);
	return t;
}

void task_count(struct task *t)
{
	t->ucounts = ucounts_get(t->cred->ucounts);
	ucounts_add(t->ucounts, UCOUNT_NPROC, 1);
}

void task_uncount(struct task *t)
{
	struct ucounts *u;

	spin_lock(&t->process->sig_lock);
	u = t->ucounts;
	t->ucounts = NULL;
	spin_unlock(&t->process->sig_lock);
	ucounts_sub(u, UCOUNT_NPROC, 1);
	ucounts_put(u);
}

void task_get(struct task *t)
{
	ref_get(&t->ref);
}

void task_put(struct task *t)
{
	if (!t || !ref_put(&t->ref))
		return;
	BUG_ON(t->utask || t->mm);
	signal_flush(&t->pending);
	if (t->ucounts) /* it was never published */
		task_uncount(t);
	ptrace_free(t);
	kstack_free(t->kstack);
	if (t->process != &kernel_process)
		process_put(t->process);
	cred_put(t->cred);
	pid_ns_put(t->pid_ns);
	ns_put(t->time_ns);
	frame_group_release(t->payer.group);
	kfree(t);
	atomic_sub(&nr_tasks, 1);
}

struct task *task_find(int tid)
{
	struct task *t;

	spin_lock(&task_lock);
	t = pid_task(tid);
	if (t)
		task_get(t);
	spin_unlock(&task_lock);
	return t;
}

struct process *process_find(int pid)
{
	struct process *p = NULL;
	struct task *t;

	spin_lock(&task_lock);
	t = pid_task(pid);
	if (t && t->process->pid == pid) {
		p = t->process;
		ref_get(&p->ref);
	}
	spin_unlock(&task_lock);
	return p;
}

void process_for_each(void (*fn)(struct process *, void *), void *arg)
{
	struct process *p, *next;

	spin_lock(&task_lock);
	list_for_each_safe(p, next, &all_processes, all_node)
		fn(p, arg);
	spin_unlock(&task_lock);
}

char task_state_char(const struct task *t)
{
	switch (READ_ONCE(t->state)) {
	case TASK_RUNNING: return 'R';
	case TASK_SLEEPING:
		return t->sleep_mode == SLEEP_INTERRUPTIBLE || (t->frozen && t->process->freeze)
			       ? 'S'
			       : 'D';
	case TASK_STOPPED: return 'T';
	case TASK_TRACED: return 't';
	case TASK_ZOMBIE: return 'Z';
	default: return 'X';
	}
}

void task_times(struct task *t, u64 *utime, u64 *stime)
{
	*utime = READ_ONCE(t->utime);
	*stime = READ_ONCE(t->stime);
}

void process_times(struct process *p, u64 *utime, u64 *stime)
{
	struct task *t;
	u64 u, s;

	spin_lock(&p->sig_lock);
	*utime = p->utime;
	*stime = p->stime;
	list_for_each(t, &p->threads, thread_node) {
		task_times(t, &u, &s);
		*utime += u;
		*stime += s;
	}
	spin_unlock(&p->sig_lock);
}

static u64 nr_forks;

void task_count_fork(void)
{
	atomic_add(&nr_forks, 1);
}

void task_counts(struct task_counts *out)
{
	out->tasks = nr_tasks;
	out->processes = nr_processes;
	out->running = sched_nr_running();
	out->last_pid = (unsigned)pid_last();
	out->forks = nr_forks;
	out->switches = sched_nr_switches();
}

u64 task_rlimit(int resource)
{
	struct task *t = task_current();

	return t ? READ_ONCE(t->process->rlim[resource].cur) : ~0ULL;
}

/* ---- kernel threads ---- */

static void kthread_main(void *arg)
{
	struct task *t = arg;

	sched_first();
	t->kfn(t->karg);
	t->state = TASK_DEAD;
	sched_exit();
}

struct task *kthread_start(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = task_alloc();

	if (IS_ERR(t))
		return t;
	t->kthread = true;
	t->process = &kernel_process;
	cred_get(&kernel_cred);
	t->cred = &kernel_cred;
	strncpy(t->comm, name, TASK_COMM_LEN - 1);
	t->kfn = fn;
	t->karg = arg;
	kctx_init(&t->kctx, t->kstack, kthread_main, t);
	sched_init_task(t, NULL);
	sched_start(t);
	return t;
}
