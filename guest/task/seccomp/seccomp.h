/*
 * seccomp.h - system-call filters of applications: strict mode, classic BPF programs, user notification.
 *
 * A task's filters are a chain of immutable programs, newest first, shared with the threads and children that inherited
 * it. task->seccomp and seccomp_mode are written under sig_lock, by the task itself or by another thread's TSYNC. A task
 * without filters pays nothing beyond the look at task->syscall_work; one whose whole chain allows a call whatever its
 * arguments pays one bit test.
 */
#ifndef MOAT_TASK_SECCOMP_H
#define MOAT_TASK_SECCOMP_H

#include "lib/atomic.h"
#include "lib/bpf.h"
#include "task/task.h"

enum { SECCOMP_DISABLED, SECCOMP_STRICT, SECCOMP_FILTER };

#define SECCOMP_F_TSYNC		0x1u
#define SECCOMP_F_LOG		0x2u
#define SECCOMP_F_SPEC_ALLOW	0x4u
#define SECCOMP_F_NEW_LISTENER	0x8u
#define SECCOMP_F_TSYNC_ESRCH	0x10u
#define SECCOMP_F_WAIT_KILLABLE 0x20u
#define SECCOMP_F_ALL		0x3fu

#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#define SECCOMP_RET_KILL_THREAD	 0x00000000u
#define SECCOMP_RET_TRAP	 0x00030000u
#define SECCOMP_RET_ERRNO	 0x00050000u
#define SECCOMP_RET_USER_NOTIF	 0x7fc00000u
#define SECCOMP_RET_TRACE	 0x7ff00000u
#define SECCOMP_RET_LOG		 0x7ffc0000u
#define SECCOMP_RET_ALLOW	 0x7fff0000u
#define SECCOMP_RET_ACTION_FULL	 0xffff0000u
#define SECCOMP_RET_DATA	 0x0000ffffu

struct seccomp_data {
	s32 nr;
	u32 arch;
	u64 ip, args[6];
};
_Static_assert(sizeof(struct seccomp_data) == 64, "seccomp_data");

#define SECCOMP_INSNS_MAX 4096u
#define SECCOMP_CALLS	  512u /* numbers that the bitmap of constant answers covers */

struct seccomp_listener;

struct seccomp_filter {
	struct ref ref;	  /* one of all users together, one of the listener's file */
	struct ref users; /* tasks, and filters whose prev this is */
	struct seccomp_filter *prev;
	struct seccomp_listener *listener;
	bool log, wait_killable, no_new_privs;
	u64 allow[SECCOMP_CALLS /
		  64]; /* calls that this and all filters below allow whatever their arguments */
	unsigned len;
	struct bpf_insn insn[];
};

/* ---- seccomp/bpf.c ---- */

/* 0 or -EINVAL. */
int seccomp_bpf_check(const struct bpf_insn *insn, unsigned len);
u32 seccomp_bpf_run(const struct bpf_insn *insn, const struct seccomp_data *d);
/* Does the program say ALLOW to call nr whatever the arguments and the address are? */
bool seccomp_bpf_allows(const struct bpf_insn *insn, u32 nr);

/* ---- seccomp.c ---- */

/* A checked filter that is not installed, from insns in kernel memory; ERR_PTR. Dropped by seccomp_put. */
struct seccomp_filter *seccomp_create(const struct bpf_insn *insn, unsigned len, u32 flags);
/*
 * Put f on top of the current task's filters (with TSYNC, of all its threads). 0 or -errno; with TSYNC the number of a
 * thread that has other filters.
 */
int seccomp_install(struct seccomp_filter *f, u32 flags);
int seccomp_set_strict(void);
bool seccomp_action_known(u32 action);
/* Was its newest filter installed by a thread without new privileges (perhaps another one, by TSYNC)? */
static inline bool seccomp_no_new_privs(const struct task *t)
{
	const struct seccomp_filter *f = t->seccomp;

	return unlikely(f != NULL) && f->no_new_privs;
}
unsigned seccomp_filter_count(const struct task *t);
/* A reference to filter n of t, oldest first; ERR_PTR(-ENOENT, -EINVAL: it has none). */
struct seccomp_filter *seccomp_nth(struct task *t, u64 n);
void seccomp_put(struct seccomp_filter *f);
/* Actions that are logged, a bit each in the order of the names; for /proc/sys/kernel/seccomp. */
extern const char *const seccomp_action_names[8];
extern u32 seccomp_logged;

/* Before a system call of a task with SYSCALL_WORK_SECCOMP. False: do not do it, rax is its result. */
bool seccomp_check(struct task *t, struct user_regs *regs);
/* c is made by t; sig_lock of t's process held. */
void seccomp_inherit(struct task *c, struct task *t);
void seccomp_exit(struct task *t);

/* ---- notify.c: calls that a supervisor answers ---- */

struct seccomp_notif { /* Linux's */
	u64 id;
	u32 pid, flags;
	struct seccomp_data data;
};
_Static_assert(sizeof(struct seccomp_notif) == 80, "seccomp_notif");

#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1u

struct seccomp_answer { /* struct seccomp_notif_resp */
	u64 id;
	s64 val;
	s32 error;
	u32 flags;
};
_Static_assert(sizeof(struct seccomp_answer) == 24, "seccomp_notif_resp");

/* The waiting task does fn(arg) in its own name; *result is what it gave. */
struct seccomp_errand {
	struct list node;
	int (*fn)(void *arg);
	void *arg;
	bool send; /* the result is also the answer */
	bool running, done;
	int result;
};

/* With a reference to f; it lives as long as f. NULL: no memory. */
struct seccomp_listener *seccomp_listener_create(struct seccomp_filter *f);
/* The listener's file is closed: waiting calls get ENOSYS. Drops the filter. */
void seccomp_listener_close(struct seccomp_listener *l);
struct waitq *seccomp_listener_waitq(struct seccomp_listener *l);
u32 seccomp_listener_poll(struct seccomp_listener *l); /* POLLIN 1, POLLOUT 4, POLLHUP 16 */
/* The next call that waits. 0, -EAGAIN: none; -ENOENT: none any more. */
int seccomp_listener_take(struct seccomp_listener *l, struct seccomp_notif *out);
void seccomp_listener_untake(struct seccomp_listener *l, u64 id);
/* 0, -ENOENT, -EINPROGRESS. */
int seccomp_listener_answer(struct seccomp_listener *l, const struct seccomp_answer *a);
int seccomp_listener_valid(struct seccomp_listener *l, u64 id);
int seccomp_listener_errand(struct seccomp_listener *l, u64 id, struct seccomp_errand *e);
/* The current task's call waits for its answer. True: it is to be done; else rax is set. */
bool seccomp_notify(struct seccomp_filter *f, const struct seccomp_data *d, struct user_regs *regs);
void seccomp_listener_hangup(struct seccomp_listener *l);

#endif
