/*
 * private.h - what the files of task/ share and nobody else needs.
 */
#ifndef MOAT_TASK_PRIVATE_H
#define MOAT_TASK_PRIVATE_H

#include "task/sched/sched.h"

/* clone(2) flags */
#define CLONE_VM	     0x00000100ULL
#define CLONE_FS	     0x00000200ULL
#define CLONE_FILES	     0x00000400ULL
#define CLONE_SIGHAND	     0x00000800ULL
#define CLONE_PIDFD	     0x00001000ULL
#define CLONE_PTRACE	     0x00002000ULL
#define CLONE_VFORK	     0x00004000ULL
#define CLONE_PARENT	     0x00008000ULL
#define CLONE_THREAD	     0x00010000ULL
#define CLONE_NEWNS	     0x00020000ULL
#define CLONE_SYSVSEM	     0x00040000ULL
#define CLONE_SETTLS	     0x00080000ULL
#define CLONE_PARENT_SETTID  0x00100000ULL
#define CLONE_CHILD_CLEARTID 0x00200000ULL
#define CLONE_DETACHED	     0x00400000ULL
#define CLONE_UNTRACED	     0x00800000ULL
#define CLONE_CHILD_SETTID   0x01000000ULL
#define CLONE_NEWCGROUP	     0x02000000ULL
#define CLONE_NEWUTS	     0x04000000ULL
#define CLONE_NEWIPC	     0x08000000ULL
#define CLONE_NEWUSER	     0x10000000ULL
#define CLONE_NEWPID	     0x20000000ULL
#define CLONE_NEWNET	     0x40000000ULL
#define CLONE_IO	     0x80000000ULL
#define CLONE_CLEAR_SIGHAND  0x100000000ULL
#define CLONE_INTO_CGROUP    0x200000000ULL
#define CLONE_NEWTIME	     0x00000080ULL

/* ---- pids (pid.c); task_lock held ---- */
struct pid_ns;
/*
 * A number in ns and one in each above it; wanted: n of them to have, that of ns first. The first namespace's, -EEXIST,
 * -EAGAIN; -ENOMEM: ns has ended.
 */
int pid_alloc(struct pid_ns *ns, const int *wanted, unsigned n);
void pid_free(int pid); /* the task is gone */
void pid_set(int pid, struct task *t);
struct task *pid_task(int pid); /* no reference */
/* The task with the smallest number >= *pid, which is put there; NULL: there is none. */
struct task *pid_next_task(int *pid);
/* Groups and sessions keep a number in use. */
void pid_hold(int pid);
void pid_drop(int pid);
int pid_last(void);
void task_count_fork(void);

/* ---- objects (task.c) ---- */
extern struct process kernel_process;
extern struct list all_processes;
struct task *task_alloc(void); /* one reference; kernel stack, no utask */
struct process *process_alloc(void);
/* RLIMIT_NPROC: count a task that is not published for its user; no more, once it is reaped (task_lock held). */
void task_count(struct task *t);
void task_uncount(struct task *t);
void oom_kill(u64 frames_wanted); /* mm's hook */
/* Kill somebody who charges to that group of mm/frame.h or below, 0: anybody, and wait a moment; false: nobody is left. */
bool oom_kill_in(unsigned account);
/* The context of a task with user code: what kctx_init calls. */
void task_main(void *arg) __attribute__((noreturn));

/* ---- run.c ---- */
void task_user_loop(struct task *t) __attribute__((noreturn));
/* Charge the time since the last change of mode to user or system time. */
void task_account(struct task *t, bool user);

/* ---- signals ---- */
struct sighand *sighand_create(void);
struct sighand *sighand_clone(const struct sighand *from, bool clear);
void sighand_get(struct sighand *s);
void sighand_put(struct sighand *s);
void sighand_exec(struct process *p); /* handlers to default; a table of its own */
void signal_flush(struct sigpending *q);
void signal_init_pending(struct sigpending *q);
/* All other threads must die: exit_group and execve. sig_lock held. */
void signal_kill_others(struct process *p, struct task *except);
/* The run loop's slow path: stops, fatal signals, handlers, restarts. */
void signal_deliver(struct task *t);
void signal_recalc(struct task *t); /* of the current task */
/* Tell the parent about p: SIGCHLD with CLD_* code. task_lock held. */
void signal_notify_parent(struct process *p, int code, int status);
/* Would p's parent rather not wait for it? task_lock held. */
bool signal_child_ignored(struct process *parent);
/* An exiting thread leaves: shared signals that it was to take go to another one. sig_lock held. */
void signal_retarget(struct task *t);
/* task_lock held. */
void signal_orphaned_check(struct process *p, struct process *old_parent);
/* Build the handler's frame (signal/frame.c). 0 or -EFAULT. */
int signal_frame_push(struct task *t, int signo, const struct siginfo *info,
		      const struct sigaction *sa, u64 mask);

/* setns(2): root and working directory of the current task become the root of n, a mount namespace. -EINVAL, -ENOMEM */
struct ns_common;
int task_enter_mnt_ns(struct ns_common *n);
/* unshare(2) and setns(2): the current task ends its part of what SEM_UNDO has noted, which belongs to one IPC namespace. */
void task_leave_sem_undo(void);

/* ---- exit.c ---- */
/* Tell the parent that p has ended; if nobody wants to know, p vanishes. task_lock held. */
void process_report(struct process *p);
/* Zombie to nothing. task_lock held; the caller drops its reference by process_put afterwards. */
void process_reap(struct process *p);

/* ---- futex ---- */
void futex_exit(struct task *t); /* robust and PI lists of the current task, mm still there */
void futex_exec_release(struct task *t);
void futex_clear_tid(struct task *t); /* clear_child_tid */

/* ---- timers of processes ---- */
void itimers_exit(struct process *p); /* the last thread ends */
void itimers_free(struct process *p); /* the process itself goes */
void itimers_exec(struct process *p);
void itimers_resume(struct process *p); /* a thread of it runs again: CPU-time timers count on */

/* ---- rseq ---- */
void rseq_fixup(struct task *t, struct user_regs *regs); /* before user mode or a signal frame */

#endif
