/*
 * dispatch.c - from registers to handlers, by one switch made from syscalls.def.
 *
 * Cost per call: one look at task->syscall_work (tracer, seccomp, --trace), one bounds check and one indirect jump; no lock, no
 * allocation. Registers are truncated to each
 * argument's type by the cast, as Linux's SYSCALL_DEFINE does.
 */
#include "sys/sys.h"
#include "sys/trace.h"
#include "task/ptrace/ptrace.h"
#include "task/task.h"

static s64 sys_none(u64 nr, const char *name)
{
	unsupported_call(name, nr);
	return -ENOSYS;
}

#define CALL_none(nr, name, args)    sys_none(nr, #name)
#define CALL_refused(nr, name, args) sys_##name args
#define CALL_partial(nr, name, args) sys_##name args
#define CALL_full(nr, name, args)    sys_##name args

/* clang-format off */
#define SYSCALL0(nr, name, level, note) \
	case nr:                        \
		return CALL_##level(nr, name, ());
#define SYSCALL1(nr, name, level, note, t1, a1) \
	case nr:                                \
		return CALL_##level(nr, name, ((t1)r->rdi));
#define SYSCALL2(nr, name, level, note, t1, a1, t2, a2) \
	case nr:                                        \
		return CALL_##level(nr, name, ((t1)r->rdi, (t2)r->rsi));
#define SYSCALL3(nr, name, level, note, t1, a1, t2, a2, t3, a3) \
	case nr:                                                \
		return CALL_##level(nr, name, ((t1)r->rdi, (t2)r->rsi, (t3)r->rdx));
#define SYSCALL4(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4) \
	case nr:                                                        \
		return CALL_##level(nr, name, ((t1)r->rdi, (t2)r->rsi, (t3)r->rdx, (t4)r->r10));
#define SYSCALL5(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                 \
	case nr:                                                                                \
		return CALL_##level(nr, name,                                                   \
				    ((t1)r->rdi, (t2)r->rsi, (t3)r->rdx, (t4)r->r10, (t5)r->r8));
#define SYSCALL6(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)         \
	case nr:                                                                                \
		return CALL_##level(                                                            \
			nr, name,                                                               \
			((t1)r->rdi, (t2)r->rsi, (t3)r->rdx, (t4)r->r10, (t5)r->r8, (t6)r->r9));
/* clang-format on */

static s64 call(const struct user_regs *r, u64 nr)
{
	switch (nr) {
#include "sys/syscalls.def"
	default: return sys_none(nr, "?");
	}
}

/* The same with a tracer or a filter that has a say. */
static void watched_call(struct task *t, struct user_regs *regs)
{
	if (ptrace_syscall_enter(t, regs)) {
		t->syscall_nr = (int)regs->orig_rax;
		regs->rax = (u64)call(regs, regs->orig_rax);
	}
	ptrace_syscall_leave(t, regs);
}

/* The same with --trace. */
static __attribute__((noinline)) void logged_call(struct task *t, struct user_regs *regs)
{
	struct trace_call c;

	trace_enter(&c, regs);
	watched_call(t, regs);
	trace_leave(&c, regs->rax);
}

void syscall_dispatch(struct task *t, struct user_regs *regs)
{
	u64 nr = regs->orig_rax;

	t->syscall_nr = (int)nr;
	if (unlikely(READ_ONCE(t->syscall_work)))
		(t->syscall_work & SYSCALL_WORK_LOG ? logged_call : watched_call)(t, regs);
	else
		regs->rax = (u64)call(regs, nr);
	t->syscall_nr = -1;
}
