/*
 * task.h - tasks: threads of applications, and what they share.
 *
 * A task is one thread. Thread groups (processes) share struct process; the rest is shared piecewise as clone(2) says:
 * mm, files, fs_struct, sighand. Lifetime: refcounted; the pid table holds one reference until the task is reaped.
 *
 * Locks, outermost first: task_lock (the tree: parents, children, groups, sessions, pid table; a spinlock),
 * process->sig_lock (signal state of all its threads), run-queue locks.
 */
#ifndef MOAT_TASK_TASK_H
#define MOAT_TASK_TASK_H

#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/payer.h"
#include "platform/platform.h"
#include "task/time/pheap.h"
#include "task/signal/signal.h"
#include "task/time/timer.h"
#include "task/wait.h"

struct mm;
struct fdtable;
struct file;
struct fs_context; /* root, cwd, umask: fs/ */
struct nsproxy;
struct ns_common;
struct pid_ns;
struct tty;
struct itimers;
struct container;     /* task/container.h */
struct cgroup;	      /* task/cgroup/cgroup.h */
struct session;	      /* container/ */
struct sem_undo_list; /* ipc/ */
struct key;
struct user_ns;

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
	struct user_ns *user_ns; /* a reference; NULL: the first one (task/ns/userns.h) */
	struct ucounts *ucounts; /* of (user_ns, uid), a reference; NULL: the kernel's own */
	struct landlock_domain *landlock; /* a reference; NULL: none (fs/landlock/landlock.h) */
};

/* What is counted for a user (task/ucounts.h). */
#define RLIMIT_NPROC	  6
#define RLIMIT_MEMLOCK	  8
#define RLIMIT_SIGPENDING 11
#define RLIMIT_MSGQUEUE	  12

struct rlimit {
	u64 cur, max;
};
#define RLIM_NLIMITS 16

enum task_state {
	TASK_RUNNING,  /* on a CPU or a run queue */
	TASK_SLEEPING, /* in sched_sleep; mode says what wakes it */
	TASK_STOPPED,  /* job control */
	TASK_TRACED,
	TASK_ZOMBIE, /* a leader that was not yet reaped */
	TASK_DEAD,
};

enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5 };

/* The scheduler's part of a task; under its run queue's lock, except where noted. */
struct sched_entity {
	struct pheap_node heap; /* in rq->fair; its key is the virtual run time */
	struct list rt_node;	/* in rq->rt */
	u64 exec_start;		/* clock_mono of the last accounting */
	u64 slice_used;		/* ns since it was picked */
	u64 sum_exec;		/* ns on a CPU in all */
	u64 affinity;		/* CPU mask */
	u64 last_wake;		/* when it last woke another task onto its own CPU */
	u32 on_cpu; /* its context is in use: set by the CPU that runs it, cleared when it has left */
	u32 weight;
	u32 share;		 /* that weight has in it: of its control groups */
	struct cpu_limit *limit; /* that its time counts for; borrowed, NULL: none (bandwidth.h) */
	s8 nice;
	u8 policy;
	u8 rt_prio; /* 1..99 for FIFO and RR */
	u8 sync;    /* 0..3: how surely it sleeps soon after it woke another */
	bool queued, reset_on_fork;
};

/* What read(2) and write(2) and their kin moved, for /proc/PID/io. */
struct io_counts {
	u64 rchar, wchar, syscr, syscw;
};

/* A process: a thread group. */
struct process {
	struct ref ref;
	int pid;	       /* = tgid; in the first pid namespace, as all numbers below but nr */
	int nr;		       /* in its own pid namespace */
	struct pid_ns *pid_ns; /* with a reference; NULL: the first one (task/ns/pidns.h) */
	struct task *leader;
	struct list threads;	       /* task->thread_node */
	unsigned nr_threads;	       /* alive: not past the start of exit */
	unsigned nr_started, nr_ended; /* in all; equal when no context is left */
	struct process *parent;	       /* real parent */
	struct list children;	       /* process->sibling */
	struct list sibling;
	struct list tracees;  /* struct tracee node */
	struct list all_node; /* in the list that process_for_each walks */
	int pgid, sid;
	struct tty *ctty;
	int tty_old_pgrp; /* of a leader whose terminal hung up: its foreground group, told when the leader ends */
	struct waitq child_wait; /* wait4(2) of this process's threads */
	int exit_signal;	 /* to the parent when the group dies; 0: none */
	bool exiting;		 /* exit_group or fatal signal */
	bool zombie;		 /* all threads are gone; waits for the parent */
	int exit_code;		 /* wait status of the group */
	bool child_subreaper, dumpable, did_exec;
	u8 killed_as; /* how SIGKILL reads in the wait status, if not as itself: an init that reboot(2) ends */
	bool unkillable; /* the init of a pid namespace: signals from inside do nothing unless it handles them */
	struct task *execing; /* thread that is killing the others for execve */
	/* de_thread waits here for the others' end, frozen tasks for the thaw */
	struct waitq thread_wait;
	struct waitq exit_wait; /* pidfds: woken when the process becomes a zombie */

	struct spinlock sig_lock;
	struct sighand *sighand; /* actions; shared by CLONE_SIGHAND */
	struct sigpending shared_pending;
	int stop_signo;		       /* group stop in progress or done; 0: none */
	unsigned stop_count;	       /* threads that have not stopped yet */
	bool stopped;		       /* the stop is complete */
	bool stop_report, cont_report; /* not yet waited for */
	bool notify_cont;	       /* continued: whoever runs first tells the parent */
	struct waitq sig_wait;	       /* signalfds */

	struct rlimit rlim[RLIM_NLIMITS];
	struct itimers *timers;
	u64 utime, stime, sum_exec; /* of dead threads, ns */
	u64 cutime, cstime;	    /* of waited-for children */
	u64 minflt, majflt, cminflt, cmajflt, nvcsw, nivcsw, maxrss, cmaxrss;
	struct io_counts io; /* of dead threads */
	u64 start_time;	     /* clock_mono */
	int oom_score_adj;
	struct container *container; /* with a reference; NULL: the Sentry's own */
	struct cgroup *cgroup; /* with a reference; NULL: the same. To change under task_lock */
	unsigned nr_counted;   /* its tasks that count there */
	/* CPU time that it had used when it came there: in all, in the kernel */
	u64 cgroup_used, cgroup_stime;
	bool freeze;		 /* task/cgroup/freeze.c */
	u32 mem_group;		 /* what its tasks are to charge (task->payer); under task_lock */
	struct session *session; /* of the first process of a container or an exec: told of its end */
	u32 personality;
	bool thp_disable;
	u32 membarrier; /* registered commands */
	u16 unsupported; /* what it asked for last that is not there: task/unsupported.c; 0: nothing */
	struct key *session_keyring, *process_keyring; /* under key_mutex; NULL: none */
};

struct task {
	struct ref ref;
	int tid;	       /* in the first pid namespace */
	int nr;		       /* in its own pid namespace */
	struct pid_ns *pid_ns; /* with a reference; NULL: the first one (task/ns/pidns.h) */
	char comm[TASK_COMM_LEN];
	struct process *process;
	struct list thread_node;

	/* execution */
	struct utask *utask;
	struct kctx kctx;
	void *kstack;
	u32 state;	 /* enum task_state, written under the run-queue lock */
	u32 sleep_mode;	 /* enum sleep_mode */
	struct cpu *cpu; /* last CPU */
	struct sched_entity se;
	u64 utime, stime; /* ns, up to the last change of mode */
	u64 mode_start;	  /* clock_mono of that change */
	u64 start_time;
	int syscall_nr; /* the one it is in, or -1; for crash reports */
	/* What it is counted for, a reference; NULL: nothing. To change under task_lock and the process's sig_lock. */
	struct ucounts *ucounts;
	bool nproc_exceeded;	 /* it became a user who has too many: execve(2) fails */
	bool kthread, mm_shared; /* mm_shared: CLONE_VM made or was made by it */
	bool no_faults;		 /* user_* must not wait now: what is not mapped is -EFAULT */
	void (*kfn)(void *);	 /* entry of a kernel thread */
	void *karg;

	/* shared or private as clone(2) said */
	struct mm *mm;
	struct fdtable *files;
	struct fs_context *fs;
	struct inode **evict_later; /* in an eviction: the list of what dies in it; fs/inode.c */
	struct nsproxy *ns;
	struct ns_common *
		time_ns; /* that its address space was made in, with a reference; NULL: the first one */
	struct cgroup *
		cgroup_root; /* borrowed; of a kernel thread that mounts for a container: its group */
	struct sem_undo_list *sysvsem; /* NULL: nothing to undo */
	struct key *thread_keyring;    /* under key_mutex; NULL: none */
	struct frame_payer payer; /* of its memory; used by the task alone, its group is held */
	struct cred *cred; /* replaced only by the task itself; readers take a ref under task_lock */

	/* signals */
	u64 sigmask, saved_sigmask;
	bool restore_sigmask; /* put saved_sigmask back after the handler frame is built */
	bool restart_pending; /* rax holds -ERESTART*: signal_deliver decides */
	bool exiting;	      /* takes no more signals */
	bool frozen;	      /* sleeps as long as process->freeze, or waits as vfork(2) does */
	struct sigpending pending;
	u32 signal_wake;   /* some signal needs a look: set by senders */
	u64 sigwait;	   /* set that sigtimedwait is waiting for */
	bool stop_pending; /* takes part in a group stop, has not stopped yet */
	struct siginfo *last_siginfo;
	uaddr_t altstack;
	u64 altstack_size;
	u32 altstack_flags;
	struct restart_block {
		s64 (*fn)(struct restart_block *);
		u64 arg[6];
	} restart;
	int pdeath_signal;
	int exit_code;
	u32 fault_vector; /* of the last fault, for signal frames */
	u64 fault_code;
	uaddr_t fault_addr;

	/* thread-library interfaces */
	uaddr_t clear_child_tid, robust_list;
	uaddr_t rseq;
	u32 rseq_len, rseq_sig;
	u32 rseq_cpu;	 /* value last stored in the area, plus 1 */
	bool rseq_event; /* switched, migrated or signalled since it was last in user mode */
	struct completion *vfork_done;

	u64 timer_slack;
	u32 loginuid, sessionid; /* NO_ID: not set; fs/proc/loginuid.c */
	u16 ioprio;
	u8 mempolicy;	  /* sys/numa.c */
	u32 syscall_work; /* SYSCALL_WORK_*: what a system call does besides; 0 for nearly all */
	u8 trace_trap;	  /* TRACE_TRAP_*, under sig_lock */
	u8 seccomp_mode;  /* SECCOMP_*, under sig_lock */
	void *ptrace;	  /* struct tracee, once it was traced */
	void *seccomp;	  /* struct seccomp_filter, the newest, or NULL; under sig_lock */
	u64 nvcsw, nivcsw, minflt, majflt;
	struct io_counts io;
#ifdef MOAT_DEBUG
	struct locks_held mutexes;
#endif
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
/* The letter that /proc shows: R S D T t Z X. */
char task_state_char(const struct task *t);
/* CPU time of a live task or a process (dead threads included), ns. task_times: any task. */
void task_times(struct task *t, u64 *utime, u64 *stime);
void process_times(struct process *p, u64 *utime, u64 *stime);
/* Tasks in all; runnable now; made since boot; last pid (for /proc/loadavg, stat, sysinfo). */
struct task_counts {
	unsigned tasks, processes, running, last_pid;
	u64 forks, switches;
};
void task_counts(struct task_counts *out);

/* ---- life ---- */

/* What tasks hold of the layers above; registered once at boot (sys/). Each get takes a reference, each put drops one. */
struct task_resources {
	struct fdtable *(*files_clone)(struct fdtable *t);
	void (*files_get)(struct fdtable *t);
	void (*files_put)(struct fdtable *t);
	bool (*files_shared)(struct fdtable *t); /* more than one reference */
	void (*files_exec)(struct fdtable *t);	 /* close what is close-on-exec */
	struct fs_context *(*fs_clone)(struct fs_context *fs);
	void (*fs_get)(struct fs_context *fs);
	void (*fs_put)(struct fs_context *fs);
	/* CLONE_NEWNS, of one that is not shared; owner may administer it. */
	int (*fs_new_ns)(struct fs_context *fs, struct user_ns *owner);
	/* its mount namespace, borrowed; NULL: none */
	struct ns_common *(*fs_ns)(struct fs_context *fs);
	/* Another one, like fs but at the root of a mount namespace. ERR_PTR(-EINVAL): fs is shared. */
	struct fs_context *(*fs_enter_ns)(struct fs_context *fs, struct ns_common *n);
	struct nsproxy *(*ns_get)(struct nsproxy *ns);
	void (*ns_put)(struct nsproxy *ns);
	/* CLONE_SYSVSEM: a reference to the list at *own, which is made if there is none; NULL: no memory. */
	struct sem_undo_list *(*sysvsem_share)(struct sem_undo_list **own);
	void (*sysvsem_put)(struct sem_undo_list *l); /* the last one undoes */
	/* Keyrings: a new process inherits the session's; execve drops the thread's and the process's; exit all. */
	void (*keys_fork)(struct process *child, struct process *parent);
	void (*keys_exec)(void);
	void (*keys_exit)(struct task *t, bool last);
	/* A session leader dies or leaves: hang up its terminal and forget it for the session. */
	void (*tty_disassociate)(struct process *p);
	int (*pidfd_pid)(int fd); /* the process that a pidfd names; -EBADF */
	/* For CLONE_PIDFD: reserve a number and make the file, then commit, or cancel and put the file. */
	int (*pidfd_prepare)(struct process *p, struct file **f);
	void (*fd_commit)(int fd, struct file *f);
	void (*fd_cancel)(int fd);
	void (*file_put)(struct file *f);
};
void task_set_resources(const struct task_resources *res);
/* The syscall_work that every task is born with; set at boot. */
extern u32 task_syscall_work;
extern struct task_resources task_res;
/* Boot: tables, mm hooks, the kernel's own process. Before sched_init; no task exists yet. */
void task_init(void);
/* The upcalls for platform_set_upcalls. */
int task_user_fault(uaddr_t addr, unsigned access);
void sched_timer_upcall(void);

struct clone_request { /* clone(2), clone3(2), fork, vfork */
	u64 flags;
	uaddr_t stack, stack_size, tls, parent_tid, child_tid, pidfd;
	int exit_signal;
	struct cgroup *cgroup; /* where the child is to be, borrowed; NULL: where its parent is */
	const int *set_tid;    /* numbers to have, the innermost pid namespace's first */
	unsigned nr_set_tid;
};
s64 task_clone(const struct clone_request *req);
/* unshare(2) of the current task; the descriptor table alone (close_range, exec). -ENOMEM, -EINVAL, -EPERM. */
int task_unshare(u64 flags);
int task_unshare_files(void);
void task_exit(int code) __attribute__((noreturn));	    /* this thread */
void task_exit_group(int status) __attribute__((noreturn)); /* wait status */
/*
 * A process without a parent: the first one of a container, or one that is put into it. setup runs in it, with all rights
 * and without files, directories or a program; 0 means that it has loaded one, anything else ends it with exit status 127
 * (setup has said why to whom it concerns). Returns it with a reference, or ERR_PTR.
 */
struct process *task_spawn(struct container *c, struct session *s, bool first, int (*setup)(void *),
			   void *arg);
/* Replace the program of the current task; registered by sys/exec.c. Kernel strings. 0 or -errno. */
extern int (*task_exec)(const char *file, char *const *argv, char *const *envp);
/* The system-call entry: sys/ registers itself here at boot. Fills rax. */
extern void (*task_syscall)(struct task *t, struct user_regs *regs);
/* A process with a session has ended, in its last thread's context: its files are closed, nothing else of it is gone. */
extern void (*task_session_ended)(struct process *p, int status);

/* ---- scheduler ---- */
void sched_init(void);
void sched_cpu_main(void) __attribute__((noreturn)); /* every CPU's idle loop */
/* Make a sleeping task runnable; false if it was not asleep. From any context; no run-queue lock held. */
bool sched_wake(struct task *t);
void sched_yield(void);
/* Where a long kernel path calls: lets interrupts in, gives the CPU away if another task should run. */
void task_poll(void);
/* A kernel thread of the Sentry (writeback, reclaim). */
struct task *kthread_start(const char *name, void (*fn)(void *), void *arg);
void mm_reaper_start(void); /* mm_reaper.c; once, at boot */

/* ---- credentials ---- */
struct cred *cred_dup(const struct cred *from);
void cred_get(struct cred *c);
void cred_put(struct cred *c);
/* of the current task, over the first user namespace: everything that is not a namespace's */
bool capable(int cap);
/* Find the counters anew after a change of uid; c is not published. 0, -ENOMEM. */
int cred_set_ucounts(struct cred *c);
/* Make c the credentials of the current task; takes over the reference. */
void cred_commit(struct cred *c);
/* The same for a while. The former, with its reference: for the cred_swap that ends it. */
struct cred *cred_swap(struct cred *c);

u64 task_rlimit(int resource); /* of the current process */

#endif
