/*
 * ptrace.h - tracing: the tie between a tracer (a process) and its tracees (threads), and the tracee's stops.
 *
 * A task that was ever traced has a struct tracee until it is freed; tracer says whether it is traced now. Everything of
 * it is under task_lock; what touches the registers of a stopped tracee is under tracee->lock, inside task_lock, which the
 * tracee takes before it goes on: so nobody, SIGKILL included, can take the registers away meanwhile.
 *
 * Tasks that are not traced pay one comparison per system call (task->syscall_work) and one per signal (task->ptrace).
 *
 * Differences from Linux: any thread of the tracer may give requests, not only the one that attached, and tracees are
 * let go when the tracer's last thread ends. There is no Yama. Debug registers are emulated by single steps (they work
 * on every platform, at the speed of single steps); they cannot tell reads: such watchpoints are refused.
 */
#ifndef MOAT_TASK_PTRACE_H
#define MOAT_TASK_PTRACE_H

#include "task/reap.h"
#include "task/task.h"

/* PTRACE_O_* */
#define PT_O_SYSGOOD	     0x1u
#define PT_O_FORK	     0x2u
#define PT_O_VFORK	     0x4u
#define PT_O_CLONE	     0x8u
#define PT_O_EXEC	     0x10u
#define PT_O_VFORKDONE	     0x20u
#define PT_O_EXIT	     0x40u
#define PT_O_SECCOMP	     0x80u
#define PT_O_EXITKILL	     0x100000u
#define PT_O_SUSPEND_SECCOMP 0x200000u
#define PT_O_ALL	     0x3000ffu

/* PTRACE_EVENT_*; below 8 the option is 1 << event */
enum {
	PT_EVENT_FORK = 1,
	PT_EVENT_VFORK,
	PT_EVENT_CLONE,
	PT_EVENT_EXEC,
	PT_EVENT_VFORK_DONE,
	PT_EVENT_EXIT,
	PT_EVENT_SECCOMP,
	PT_EVENT_STOP = 128,
};

/* Message of a syscall stop */
#define PT_MSG_ENTRY 1
#define PT_MSG_EXIT  2

enum pt_resume { PT_CONT, PT_SYSCALL, PT_STEP, PT_EMU, PT_EMU_STEP };

#define PT_DEBUG_REGS 8

/* of task->syscall_work */
#define WORK_OF_TRACER \
	(SYSCALL_WORK_TRACE | SYSCALL_WORK_EMU | SYSCALL_WORK_STEP | SYSCALL_WORK_WATCH)

struct tracee {
	struct spinlock lock;
	struct task *task;
	struct process *tracer; /* NULL: not traced */
	struct list node;	/* tracer->tracees */
	struct cred *cred;	/* the tracer's when it attached */
	u32 options;
	bool seized;
	bool dead; /* a zombie that the tracer has not waited for */

	/* the stop */
	bool stopped;	/* also under lock */
	bool listening; /* PTRACE_LISTEN: not reported, SIGCONT ends it */
	bool report;	/* not yet waited for */
	bool info_valid;
	int code; /* the wait status's upper part: signal | event << 8 */
	u64 message;
	struct siginfo info;

	/* how to go on */
	enum pt_resume resume;
	int signo;

	bool stepping; /* the utask single-steps; the tracee's own */
	/* emulated debug registers; the tracee's own while it runs */
	u64 dr[PT_DEBUG_REGS];
	u64 watched[4]; /* contents of the watched words */
};

/* task->syscall_work */
#define SYSCALL_WORK_TRACE   0x1u
#define SYSCALL_WORK_EMU     0x2u
#define SYSCALL_WORK_STEP    0x4u
#define SYSCALL_WORK_SECCOMP 0x8u
#define SYSCALL_WORK_WATCH   0x10u /* debug registers */
#define SYSCALL_WORK_LOG     0x20u /* sys/trace.h */

/* task->trace_trap, under sig_lock */
#define TRACE_TRAP_STOP	  1u /* PTRACE_INTERRUPT, a seized child's birth, attach to a stopped task */
#define TRACE_TRAP_NOTIFY 2u /* a listening tracee is to look at its group's state again */

static inline struct tracee *ptrace_of(const struct task *t)
{
	struct tracee *tr = READ_ONCE(t->ptrace);

	return unlikely(tr != NULL) && tr->tracer ? tr : NULL;
}

static inline bool ptraced(const struct task *t)
{
	return ptrace_of(t) != NULL;
}

/* ---- rights (ptrace/access.c) ---- */

/* May the current task look into t (/proc, kcmp) or control it (ptrace, process_vm_*)? fs: judge by the fs ids. */
#define PTRACE_READ   1u
#define PTRACE_ATTACH 2u
#define PTRACE_FSIDS  4u
bool ptrace_may_access(struct task *t, unsigned mode);
/* Does a tracer without CAP_SYS_PTRACE watch the current task? execve then honours no setuid bit. */
bool ptrace_unsafe_exec(void);

/* ---- the tie (ptrace.c) ---- */

int ptrace_traceme(void);
int ptrace_attach(struct task *t, bool seize, u32 options);
int ptrace_detach(struct task *t, int signo);
int ptrace_set_options(struct task *t, u32 options);
/* PID of t's tracer, 0: none. */
int ptrace_tracer_pid(struct task *t);
/* The current process ends: let its tracees go. */
void ptrace_release_all(struct process *p);
/* The last reference to a task is gone. */
void ptrace_free(struct task *t);

/*
 * Lock a tracee of the current process that is stopped and off its CPU: 0, or -ESRCH. Its registers may be read and
 * written until ptrace_unlock. No sleep between.
 */
int ptrace_lock(struct task *t);
void ptrace_unlock(struct task *t);
/* Is it a tracee of ours, stopped? As ptrace_lock, without holding it. */
int ptrace_check(struct task *t);

/* ---- requests (ptrace/ctl.c) ---- */
int ptrace_resume(struct task *t, enum pt_resume how, u64 signo);
int ptrace_interrupt(struct task *t);
int ptrace_listen(struct task *t);
int ptrace_kill(struct task *t);
int ptrace_message(struct task *t, u64 *out);
int ptrace_get_siginfo(struct task *t, struct siginfo *out);
int ptrace_set_siginfo(struct task *t, const struct siginfo *in);
int ptrace_get_sigmask(struct task *t, u64 *out);
int ptrace_set_sigmask(struct task *t, u64 mask);
/* Entry i of a pending queue: 1 and *out, 0: there are fewer. */
int ptrace_peek_queue(struct task *t, bool shared, u64 i, struct siginfo *out);

struct pt_syscall_info { /* struct ptrace_syscall_info */
	u8 op, pad[3];
	u32 arch;
	u64 ip, sp;
	union {
		struct {
			u64 nr, args[6];
			u32 ret_data; /* seccomp only */
		} entry;
		struct {
			s64 rval;
			u8 is_error;
		} exit;
	};
};
/* Fills *out; the size that is valid, or -ESRCH. */
int ptrace_syscall_info(struct task *t, struct pt_syscall_info *out);

/* ---- registers (ptrace/regs.c); the tracee is stopped ---- */
#define PT_REGS_WORDS 27
#define PT_USER_SIZE  928 /* struct user */
/* Words [first, first + n) of struct user_regs_struct. 0, -ESRCH, -EIO (a value that no user code may have). */
int ptrace_get_regs(struct task *t, u64 *words, unsigned first, unsigned n);
int ptrace_set_regs(struct task *t, const u64 *words, unsigned first, unsigned n);
/* buf: fpu_size() bytes, with XCR0 at byte 464 as the regset has it. */
int ptrace_get_fpu(struct task *t, void *buf);
int ptrace_set_fpu(struct task *t, const void *buf);
int ptrace_peek_user(struct task *t, u64 off, u64 *out);
int ptrace_poke_user(struct task *t, u64 off, u64 value);

/* ---- the tracee's side (ptrace/stop.c, ptrace/watch.c) ---- */

/*
 * Before and after a system call of a task with syscall_work. Enter: false: do not do it, rax is its result. Neither is
 * called for others.
 */
bool ptrace_syscall_enter(struct task *t, struct user_regs *regs);
void ptrace_syscall_leave(struct task *t, struct user_regs *regs);
/* A signal was taken from the queue: what to deliver instead; 0: nothing. */
int ptrace_signal(struct task *t, int signo, struct siginfo *info);
/* SIGCONT has come to t's group. sig_lock held. */
void ptrace_continued(struct task *t);
/* Stop for the group's stop or for TRACE_TRAP_*. */
void ptrace_trap(struct task *t);
/* Stop if the option is set; EXEC without it: the SIGTRAP of old. */
void ptrace_event(struct task *t, int event, u64 message);
bool ptrace_event_enabled(struct task *t, int event);
/* A handler's frame was built while single-stepping. */
void ptrace_handler_entered(struct task *t);
/* A seccomp filter said TRACE: false if the call must not be done. */
bool ptrace_seccomp(struct task *t, u32 data);
/* Before c is visible: make the record that ptrace_child needs. -ENOMEM. */
int ptrace_clone_prepare(struct task *c, const struct task *t);
/* The new task c of t, not yet visible to anyone: attach it to t's tracer if that asks so. task_lock held. */
void ptrace_child(struct task *c, struct task *t, bool trace);
/* The current thread is gone: true if its tracer must wait for it (its number and task stay). task_lock held. */
bool ptrace_thread_ended(struct task *t);
/* A thread took the number of the leader in execve: forget the leader's tracer. task_lock held. */
void ptrace_leader_replaced(struct task *old);
/* The registers of a new program: no watchpoints; the step flag again. */
void ptrace_execed(struct task *t);

/* A debug exception of a task that was ever traced. True: nothing to tell. *code may get another si_code. */
bool ptrace_debug_trap(struct task *t, int *code);
/* The same with SYSCALL_WORK_WATCH. */
bool ptrace_watch_step(struct task *t, int *code);
/* Read the watched words anew. */
void ptrace_watch_refresh(struct task *t);
int ptrace_watch_set(struct tracee *tr, unsigned reg, u64 value); /* -EINVAL */
static inline bool ptrace_watching(const struct tracee *tr)
{
	return tr->dr[7] & 0xff;
}

/* ---- waiting (ptrace/wait.c); task_lock held ---- */
/* A tracee of p that w asks for. 1: *r is filled; 0: there are some; -ECHILD: none. */
int ptrace_wait(struct process *p, const struct wait_request *w, struct wait_result *r);
/* Who traces the leader of c; NULL: nobody. */
static inline struct process *ptrace_tracer(const struct process *c)
{
	struct tracee *tr = ptrace_of(c->leader);

	return tr ? tr->tracer : NULL;
}
/* A dead tracee was waited for: end the tie and what only the tracer kept. */
void ptrace_bury(struct tracee *tr);
/* c has ended: tell its tracer. False: it has none. */
bool ptrace_process_ended(struct process *c);
/* Tell the tracer of t by SIGCHLD. */
void ptrace_notify_tracer(struct tracee *tr, int cld, int status);

#endif
