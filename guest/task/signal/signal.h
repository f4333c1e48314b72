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

#define NSIG	  64
#define SIGSET(n) (1ULL << ((n)-1))

#ifndef SIGHUP /* the unit tests on the host have them from libc */
enum {
	SIGHUP = 1,
	SIGINT,
	SIGQUIT,
	SIGILL,
	SIGTRAP,
	SIGABRT,
	SIGBUS,
	SIGFPE,
	SIGKILL,
	SIGUSR1,
	SIGSEGV,
	SIGUSR2,
	SIGPIPE,
	SIGALRM,
	SIGTERM,
	SIGSTKFLT,
	SIGCHLD,
	SIGCONT,
	SIGSTOP,
	SIGTSTP,
	SIGTTIN,
	SIGTTOU,
	SIGURG,
	SIGXCPU,
	SIGXFSZ,
	SIGVTALRM,
	SIGPROF,
	SIGWINCH,
	SIGIO,
	SIGPWR,
	SIGSYS,
	SIGRTMIN,
};

/* si_code of SIGCHLD */
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };
#endif

/* si_code of signals from processes and the kernel */
#define SI_USER	   0
#define SI_KERNEL  128
#define SI_QUEUE   (-1)
#define SI_TIMER   (-2)
#define SI_MESGQ   (-3)
#define SI_ASYNCIO (-4)
#define SI_SIGIO   (-5)
#define SI_TKILL   (-6)

/* sigaction flags */
#define SA_NOCLDSTOP 0x1
#define SA_NOCLDWAIT 0x2
#define SA_SIGINFO   0x4
#define SA_RESTORER  0x04000000
#define SA_ONSTACK   0x08000000
#define SA_RESTART   0x10000000
#define SA_NODEFER   0x40000000
#define SA_RESETHAND 0x80000000

#define SIG_DFL 0
#define SIG_IGN 1

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM 0x80000000u
#define MINSIGSTKSZ   2048

/* Linux's siginfo_t, 128 bytes. */
struct siginfo {
	s32 signo, err, code, pad;
	union {
		struct {
			s32 pid;
			u32 uid;
		} kill;
		struct {
			s32 tid, overrun;
			u64 value;
		} timer;
		struct {
			s32 pid;
			u32 uid;
			u64 value;
		} rt;
		struct {
			s32 pid;
			u32 uid;
			s32 status;
			s64 utime, stime;
		} chld;
		struct {
			u64 addr;
			s16 addr_lsb;
			u64 lower, upper;
		} fault;
		struct {
			s64 band;
			s32 fd;
		} poll;
		struct {
			u64 addr;
			s32 syscall;
			u32 arch;
		} sys;
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
/* 1 if the group is orphaned: background tty reads give EIO then */
int signal_pgrp_orphaned(int pgid);

/* Take a pending signal of mask from the current task or its process; 0: none. signalfd, sigtimedwait. */
int signal_dequeue(u64 mask, struct siginfo *info);
/* Signals of mask pending for the current task or its process. A reader polls process->sig_wait. */
u64 signal_pending_set(void);
bool signal_ignored(struct task *t, int signo); /* by the action, or blocked: the tty asks */

/* The system calls' work; masks never hold SIGKILL or SIGSTOP. */
void signal_set_mask(u64 mask);
/* Sleep with another mask: put back by the handler's frame or at the return to user mode. */
void signal_suspend_mask(u64 mask);
int signal_action(int signo, const struct sigaction *act, struct sigaction *old);
bool signal_may_send(struct process *to, int signo); /* the permission rule of kill(2) */
s64 signal_return(void);			     /* rt_sigreturn(2): the new rax */

/* Wait for a signal of set until clock_mono() >= deadline (0: only look). Its number, -EAGAIN, -EINTR. */
int signal_wait(u64 set, struct siginfo *info, u64 deadline);

/* sigaltstack(2) of the current task; flags as there. -EPERM on the stack itself, -EINVAL, -ENOMEM too small. */
int sigaltstack_set(struct task *t, u64 sp, u32 flags, u64 size);
void sigaltstack_get(struct task *t, u64 *sp, u32 *flags, u64 *size);
u64 signal_frame_max(void); /* AT_MINSIGSTKSZ: what a frame takes at most */

/* A timer's signal, at most one queued at a time; see ptimer.c. */
struct sigqueue;
struct sigqueue *sigqueue_create(const struct siginfo *info);
void sigqueue_destroy(struct sigqueue *q);
/* true if it was queued now, false if it was still pending (an overrun) or is ignored. */
bool signal_send_timer(struct process *p, struct task *t, int signo, struct sigqueue *q);
void sigqueue_set_overrun(struct sigqueue *q, s32 n);

/* Is a signal waiting that would interrupt an interruptible sleep? */
bool signal_pending(struct task *t);
bool signal_fatal_pending(struct task *t);

#endif
