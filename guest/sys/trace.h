/*
 * trace.h - `moat do --trace` and `moat trace`: a line like strace's on the user's stderr for each system call, signal and end of a
 * process.
 *
 * Off: no task has SYSCALL_WORK_LOG, so the hot path stays at the one look at task->syscall_work that tracers and filters
 * need anyway. On: a line is made on the caller's kernel stack and sent over the control queue; while the host does not
 * take lines, a task waits at most a second for each, then lines are dropped and counted.
 *
 * Differences from strace: a call is printed when it has returned (a blocked one shows nothing until then).
 */
#ifndef MOAT_SYS_TRACE_H
#define MOAT_SYS_TRACE_H

#include "lib/types.h"

struct container;
struct task;
struct user_regs;

#define TRACE_CALLS 512 /* bits of the filter */
#define TRACE_LINE  460 /* bytes of a line */

struct trace_line {
	unsigned len;
	char text[TRACE_LINE];
};

/* Append; what does not fit is cut. */
void trace_printf(struct trace_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Boot, before the first task: the calls to show, as a bitmap of TRACE_CALLS bits; all zero: off. */
void trace_init(const u8 *calls);
/* From now on the calls of c's tasks, as lines for the session `handle`. -EBUSY: there is a trace already. */
int trace_attach(struct container *c, u32 handle, const u8 *calls);
/* That session ends; nothing if it had no trace. */
void trace_detach(u32 handle);

/* ---- for the dispatcher; a task with SYSCALL_WORK_LOG ---- */

struct trace_call {
	u64 nr, arg[6];
	bool shown;
	unsigned next; /* argument that is not in the line yet */
	struct trace_line line;
};

/* Before the call: what its arguments point to is read now. */
void trace_enter(struct trace_call *c, const struct user_regs *r);
/* After it: results, and the line goes out. */
void trace_leave(struct trace_call *c, u64 result);

/* ---- trace_args.c, trace_names.c ---- */

/* Argument kinds of sys.h. */
enum trace_kind {
	K_none,
	K_fd_a,
	K_path_a,
	K_ubuf_a,
	K_uptr_a,
	K_addr_a,
	K_size_a,
	K_off_a,
	K_long_a,
	K_ulong_a,
	K_int_a,
	K_uint_a,
	K_flags_a,
	K_oflags_a,
	K_mode_a,
	K_pid_a,
	K_sig_a,
	K_id_a,
	K_prot_a,
	K_mflags_a,
};

struct trace_arg {
	u8 kind;
	const char *name; /* as in syscalls.def */
};

struct trace_row {
	const char *name;
	struct trace_arg arg[6];
};

/*
 * Append argument i of c. result NULL: the call has not run yet. False: this one is filled by the call, and waits for the
 * result.
 */
bool trace_arg(struct trace_line *l, const struct trace_row *row, const struct trace_call *c,
	       unsigned i, const s64 *result);

/* Names; NULL: there is none. */
const char *trace_errno(int err);
const char *trace_signal_name(int signo);
/* Append "A|B|0x10" from the flags that argument `arg` of call `call` takes; false: they have no names. */
bool trace_flags(struct trace_line *l, const char *call, const char *arg, u8 kind, u64 value);
/* The same for an argument that is one of a list (whence, how, option). */
bool trace_choice(struct trace_line *l, const char *call, const char *arg, u64 value);

#endif
