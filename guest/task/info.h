/*
 * info.h - looking at other tasks: consistent snapshots and references, for /proc.
 *
 * Every function takes task_lock or sig_lock itself: the caller holds no spinlock. All accept a task that is exiting or
 * already a zombie; what it has given back then reads as nothing.
 */
#ifndef MOAT_TASK_INFO_H
#define MOAT_TASK_INFO_H

#include "task/task.h"

#define PID_LIMIT 32768 /* numbers are below it */

struct task_info {
	int tid, tgid, ppid, pgid, sid;
	char comm[TASK_COMM_LEN];
	char state; /* task_state_char */
	bool leader, exiting;
	unsigned nr_alive; /* threads that have not begun to exit; 0: the process is (nearly) a zombie */
	unsigned nr_threads; /* as Linux counts: with a leader that waits as a zombie */
	int exit_signal, exit_code;
	u64 pending, shared_pending, blocked, ignored, caught;
	u32 nr_sigqueue;
	/* of the thread, and of the process with its dead threads; ns */
	u64 utime, stime, process_utime, process_stime, cutime, cstime;
	u64 minflt, majflt, process_minflt, process_majflt, cminflt, cmajflt;
	u64 nvcsw, nivcsw;
	struct io_counts io, process_io;
	u64 start_time; /* clock_mono: of the thread, or with `leader` of the process */
};

void task_info_get(struct task *t, struct task_info *out);

/* References; NULL: it has none (any more), except for credentials. */
struct cred *task_cred_get(struct task *t);
struct mm *task_mm_get(struct task *t);
/* The leader of p; NULL: p was reaped. */
struct task *process_leader(struct process *p);

/* Children of p that are in the tree, zombies too, ascending: the first with a pid >= `pid`, or 0. */
int process_next_child(struct process *p, int pid);
/* The smallest number >= pid that a process has, or 0. */
int process_next(int pid);
/* The smallest number >= tid that any thread has, or 0. */
int task_next(int tid);
/* The smallest number >= tid that a thread of p has, or 0. */
int thread_next(struct process *p, int tid);

#endif
