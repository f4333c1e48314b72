/*
 * signal.h - signals: state, sending, delivery.
 *
 * Standard signals 1..31 and real-time 32..64. A set is a u64 with bit signo-1. State is guarded by process->sig_lock.
 */
#ifndef MOAT_TASK_SIGNAL_H
#define MOAT_TASK_SIGNAL_H

#include "lib/list.h"
#include "lib/types.h"

struct task;
struct process;

#define NSIG 64
#define SIGSET(n) (1ULL << ((n)-1))

/* Linux's siginfo_t, 128 bytes. */
struct siginfo {
	s32 signo, err, code, pad;
	union {
		struct { s32 pid; u32 uid; } kill;
		struct { s32 tid, overrun; u64 value; } timer;
		struct { s32 pid; u32 uid; u64 value; } rt;
		struct { s32 pid; u32 uid; s32 status; s64 utime, stime; } chld;
		struct { u64 addr; s16 addr_lsb; u64 lower, upper; } fault;
		struct { s64 band; s32 fd; } poll;
		struct { u64 addr; s32 syscall; u32 arch; } sys;
		u8 raw[112];
	};
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t");

struct sigaction { /* the kernel's layout on x86-64 */
	u64 handler, flags, restorer, mask;
};

struct sighand;

struct sigpending {
	u64 set;
	struct list queue; /* struct sigqueue */
};

/* Send to a thread or to a process; info NULL: SI_KERNEL. Permission was checked. 0 or -EAGAIN (queue full). Any context. */
int signal_task(struct task *t, int signo, const struct siginfo *info);
int signal_process(struct process *p, int signo, const struct siginfo *info);
/* Every process of the group; 0 if there was one, else -ESRCH. Any context. */
int signal_pgrp(int pgid, int signo, const struct siginfo *info);
/* A synchronous fault of the current task: forced, unblocked and default if blocked or ignored. */
void signal_force(int signo, const struct siginfo *info);
/* Is a signal waiting that would interrupt an interruptible sleep? */
bool signal_pending(struct task *t);
bool signal_fatal_pending(struct task *t);

#endif
