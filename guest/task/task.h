/*
 * task.h - tasks: threads of applications, and what they share.
 *
 * A task is one thread. Thread groups (processes) share struct process; the rest is shared piecewise as clone(2) says:
 * mm, files, fs_struct, sighand. Lifetime: refcounted; the pid table holds one reference until the task is reaped.
 *
 * Locks, outermost first: task_lock (the tree: parents, children, groups, sessions, pid table; a spinlock, LOCK_TASKS),
 * process->sig_lock (signal state of all its threads; LOCK_SIGHAND), run-queue locks (LOCK_RUNQ).
 */
#ifndef MOAT_TASK_TASK_H
#define MOAT_TASK_TASK_H

#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "platform/platform.h"
#include "task/signal.h"
#include "task/wait.h"

struct mm;
struct fdtable;
struct fs_context; /* root, cwd, umask: fs/ */
struct nsproxy;
struct tty;
struct itimers;

#define TASK_COMM_LEN 16
#define NGROUPS_MAX   65536

/* Immutable once published; copy on change. */
struct cred {
	struct ref ref;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	u32 securebits;
	bool no_new_privs;
	u32 ngroups;
	u32 *groups;
};

struct rlimit {
	u64 cur, max;
};
#define RLIM_NLIMITS 16

enum task_state {
	TASK_RUNNING,	/* on a CPU or a run queue */
	TASK_SLEEPING,	/* in sched_sleep; mode says what wakes it */
	TASK_STOPPED,	/* job control */
	TASK_TRACED,
	TASK_ZOMBIE,
	TASK_DEAD,
};

/* A process: a thread group. */
struct process {
	struct ref ref;
	int pid;		/* = tgid */
	struct task *leader;
	struct list threads;	/* task->thread_node */
	unsigned nr_threads;
	struct process *parent; /* real parent */
	struct list children;	/* process->sibling */
	struct list sibling;
	struct process *pgrp_leader; /* unused field for readers: groups are by number */
	int pgid, sid;
	struct tty *ctty;
	struct waitq child_wait; /* wait4(2) of this process's threads */
	int exit_signal;	/* to the parent when the group dies; 0: none */
	bool exiting;		/* exit_group or fatal signal */
	int exit_code;		/* wait status of the group */
	bool child_subreaper, dumpable, did_exec;

	struct spinlock sig_lock;
	struct sighand *sighand; /* actions; shared by CLONE_SIGHAND */
	struct sigpending shared_pending;
	int stop_signo;		 /* group stop in progress or done */
	unsigned stop_count;
	bool stopped, continued; /* not yet waited for */

	struct rlimit rlim[RLIM_NLIMITS];
	struct itimers *timers;
	u64 utime, stime;	/* of dead threads, ns */
	u64 cutime, cstime;	/* of waited-for children */
	u64 minflt, majflt, cminflt, cmajflt, nvcsw, nivcsw, maxrss, cmaxrss;
	u64 start_time;		/* clock_mono */
	int oom_score_adj;
};

struct task {
	struct ref ref;
	int tid;
	char comm[TASK_COMM_LEN];
	struct process *process;
	struct list thread_node;

	/* execution */
	struct utask *utask;
	struct kctx kctx;
	void *kstack;
	u32 state;		/* enum task_state, written under the run-queue lock */
	u32 sleep_mode;		/* enum sleep_mode */
	struct cpu *cpu;	/* last CPU */
	struct list run_node;
	void *sched;		/* scheduler's part: nice, vruntime, affinity, policy */
	u64 utime, stime;	/* ns */
	u64 last_switch;
	int syscall_nr;		/* the one it is in, or -1; for crash reports */

	/* shared or private as clone(2) said */
	struct mm *mm;
	struct fdtable *files;
	struct fs_context *fs;
	struct nsproxy *ns;
	struct cred *cred;	/* replaced only by the task itself; readers take a ref under task_lock */

	/* signals */
	u64 sigmask, saved_sigmask;
	bool restore_sigmask;	/* put saved_sigmask back after the handler frame is built */
	struct sigpending pending;
	u32 signal_wake;	/* some signal needs a look: set by senders */
	uaddr_t altstack;
	u64 altstack_size;
	u32 altstack_flags;
	struct restart_block {
		s64 (*fn)(struct restart_block *);
		u64 arg[6];
	} restart;
	int pdeath_signal;
	int exit_code;

	/* thread-library interfaces */
	uaddr_t clear_child_tid, robust_list;
	struct list pi_owned;
	uaddr_t rseq;
	u32 rseq_len, rseq_sig;
	struct completion *vfork_done;

	u64 timer_slack;
	void *ptrace;		/* tracer's bookkeeping */
	void *seccomp;
	u64 nvcsw, nivcsw, minflt, majflt;
};

static inline struct task *task_current(void)
{
	return cpu_this()->task;
}

void task_get(struct task *t);
void task_put(struct task *t);
extern struct spinlock task_lock;
/* With a reference, or NULL. */
struct task *task_find(int tid);
struct process *process_find(int pid);
void process_put(struct process *p);
/* Calls fn for every process under task_lock. */
void process_for_each(void (*fn)(struct process *, void *), void *arg);

/* ---- life ---- */
struct clone_request { /* clone(2), clone3(2), fork, vfork */
	u64 flags;
	uaddr_t stack, stack_size, tls, parent_tid, child_tid, pidfd;
	int exit_signal;
	int set_tid;
};
s64 task_clone(const struct clone_request *req);
void task_exit(int code) __attribute__((noreturn));	  /* this thread */
void task_exit_group(int status) __attribute__((noreturn)); /* wait status */
/* The first process. argv, envp: NULL-terminated kernel arrays. Returns -errno or starts it. */
int task_start_init(const char *file, char *const *argv, char *const *envp, const struct cred *cred);
/* The system-call entry: sys/ registers itself here at boot. Fills rax. */
extern void (*task_syscall)(struct task *t, struct user_regs *regs);
/* The sandbox ends when init is gone: boot registers what to do with its wait status. */
extern void (*task_init_exited)(int status);

/* ---- scheduler ---- */
void sched_init(void);
void sched_cpu_main(void) __attribute__((noreturn)); /* every CPU's idle loop */
void sched_wake(struct task *t);		     /* from any context */
void sched_yield(void);
/* A kernel thread of the Sentry (writeback, reclaim). */
struct task *kthread_start(const char *name, void (*fn)(void *), void *arg);

/* ---- credentials ---- */
struct cred *cred_dup(const struct cred *from);
void cred_get(struct cred *c);
void cred_put(struct cred *c);
bool capable(int cap); /* of the current task */

u64 task_rlimit(int resource); /* of the current process */

#endif
