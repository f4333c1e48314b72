/*
 * watch.c - debug registers, emulated: a task with a watchpoint is single-stepped by the Sentry, which compares
 * the watched words after each instruction. The tracer sees a SIGTRAP with DR6 as the processor would set it.
 *
 * It needs nothing of the platform but single steps, and costs one exception per instruction. A write that does not
 * change the word is not seen; watching for reads (R/W 3) is refused, so that a debugger knows. What the kernel writes
 * during a system call is no hit, as on Linux.
 */
#include <string.h>

#include "lib/err.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"

enum { DR_EXEC = 0, DR_WRITE = 1 };

#define DR6_STEP 0x4000ULL

static bool enabled(const struct tracee *tr, unsigned n)
{
	return tr->dr[7] >> (2 * n) & 3;
}

static unsigned kind(u64 dr7, unsigned n)
{
	return (unsigned)(dr7 >> (16 + 4 * n)) & 3;
}

static unsigned length(u64 dr7, unsigned n)
{
	static const u8 len[4] = { 1, 2, 8, 4 };

	return len[dr7 >> (18 + 4 * n) & 3];
}

int ptrace_watch_set(struct tracee *tr, unsigned reg, u64 value)
{
	if (reg < 4) {
		if (value >= USER_END)
			return -EINVAL;
	} else if (reg == 7) {
		for (unsigned n = 0; n < 4; n++)
			if (value >> (2 * n) & 3 && kind(value, n) > DR_WRITE)
				return -EINVAL;
	} else if (reg != 6) {
		return -EIO;
	}
	tr->dr[reg] = value;
	return 0;
}

static u64 word(const struct tracee *tr, unsigned n)
{
	unsigned len = length(tr->dr[7], n);
	u64 v = 0;

	if (user_read(&v, ALIGN_DOWN(tr->dr[n], len), len))
		return 0;
	return v;
}

void ptrace_watch_refresh(struct task *t)
{
	struct tracee *tr = t->ptrace;

	for (unsigned n = 0; n < 4; n++)
		if (enabled(tr, n) && kind(tr->dr[7], n) == DR_WRITE)
			tr->watched[n] = word(tr, n);
}

bool ptrace_watch_step(struct task *t, int *code)
{
	struct tracee *tr = t->ptrace;
	u64 hit = 0, rip = utask_regs(t->utask)->rip;

	for (unsigned n = 0; n < 4; n++) {
		u64 now;

		if (!enabled(tr, n))
			continue;
		if (kind(tr->dr[7], n) == DR_EXEC) {
			if (rip == tr->dr[n])
				hit |= 1u << n;
			continue;
		}
		now = word(tr, n);
		if (now != tr->watched[n])
			hit |= 1u << n;
		tr->watched[n] = now;
	}
	if (!hit && !(t->syscall_work & SYSCALL_WORK_STEP))
		return true;
	tr->dr[6] = 0xffff0ff0 | hit | (t->syscall_work & SYSCALL_WORK_STEP ? DR6_STEP : 0);
	*code = hit ? 4 /* TRAP_HWBKPT */ : 2 /* TRAP_TRACE */;
	return false;
}
