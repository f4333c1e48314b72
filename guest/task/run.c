/*
 * run.c - the life of a task: enter user mode, handle why it stopped, deliver signals, again.
 *
 * Cost of a system call in here: one comparison of two flags before user mode, two clock readings for the times, no
 * lock, no allocation, one indirect call to the dispatcher.
 *
 * Faults of the application become signals with Linux's si_code for each vector. A fault inside a user copy comes by
 * task_user_fault and becomes the copy's -EFAULT.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/cgroup/cgroup.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"

void task_account(struct task *t, bool user)
{
	u64 now = clock_mono(), d = now - t->mode_start;

	t->mode_start = now;
	if (user)
		t->utime += d;
	else
		t->stime += d;
}

int task_user_fault(uaddr_t addr, unsigned access)
{
	struct task *t = task_current();
	struct fault_error e;

	if (!t || !t->mm || t->no_faults)
		return -EFAULT;
	t->minflt++;
	return mm_fault(t->mm, addr, access | ACCESS_KERNEL, &e);
}

static void handle_fault(struct task *t, const struct stop *stop)
{
	struct siginfo info = { 0 };
	struct fault_error e = { SIGSEGV, 1 };
	int err;

	t->minflt++;
	err = mm_fault(t->mm, stop->addr, stop->access, &e);
	if (!err || err == -ENOMEM) /* out of memory: tried again, unless SIGKILL is on its way */
		return;
	info.signo = e.signo;
	info.code = e.code;
	info.fault.addr = stop->addr;
	t->fault_vector = 14;
	t->fault_code = stop->code;
	t->fault_addr = stop->addr;
	signal_force(e.signo, &info);
}

/* The unmasked exceptions that are flagged in the FPU image: x87 (status and control word) or SSE (MXCSR). */
static u64 fpu_exceptions(struct task *t, bool sse)
{
	u8 *buf = kzalloc(fpu_size());
	u64 flags;
	u32 mxcsr;
	u16 fcw, fsw;

	if (!buf)
		return 0;
	utask_fpu_save(t->utask, buf);
	memcpy(&fcw, buf, 2);
	memcpy(&fsw, buf + 2, 2);
	memcpy(&mxcsr, buf + 24, 4);
	kfree(buf);
	flags = sse ? mxcsr & ~(mxcsr >> 7) : fsw & ~fcw;
	return flags & 0x3f;
}

/* Vectors as in the processor's manual; codes as Linux's traps.c gives them. */
static void handle_exception(struct task *t, const struct stop *stop)
{
	struct user_regs *regs = utask_regs(t->utask);
	struct siginfo info = { 0 };
	u64 code;

	info.signo = SIGSEGV;
	info.code = SI_KERNEL;
	switch (stop->vector) {
	case 0: /* #DE */
		info.signo = SIGFPE;
		info.code = 1; /* FPE_INTDIV */
		info.fault.addr = regs->rip;
		break;
	case 1: /* #DB */
		info.signo = SIGTRAP;
		info.code = stop->code & 0x4000 || !(stop->code & 0xf)
				    ? 2
				    : 4; /* TRAP_TRACE, TRAP_HWBKPT */
		if (t->ptrace && ptrace_debug_trap(t, &info.code))
			return;
		info.fault.addr = regs->rip;
		break;
	case 3: /* #BP */ info.signo = SIGTRAP; break;
	case 4: /* #OF */
	case 5: /* #BR */ break;
	case 6: /* #UD */
		info.signo = SIGILL;
		info.code = 2; /* ILL_ILLOPN */
		info.fault.addr = regs->rip;
		break;
	case 11: /* #NP */
	case 12: /* #SS */ info.signo = SIGBUS; break;
	case 16: /* #MF */
	case 19: /* #XM */
		info.signo = SIGFPE;
		info.fault.addr = regs->rip;
		code = stop->code & 0x3f ? stop->code : fpu_exceptions(t, stop->vector == 19);
		info.code = code & 1	  ? 7 /* FPE_FLTINV */
			    : code & 4	  ? 3 /* FPE_FLTDIV */
			    : code & 8	  ? 4 /* FPE_FLTOVF */
			    : code & 0x12 ? 5 /* FPE_FLTUND */
			    : code & 0x20 ? 6 /* FPE_FLTRES */
					  : 0;
		break;
	case 17: /* #AC */
		info.signo = SIGBUS;
		info.code = 1; /* BUS_ADRALN */
		info.fault.addr = stop->addr;
		break;
	case 18: /* #MC: a file page went away on the host */
		info.signo = SIGBUS;
		info.code = 2; /* BUS_ADRERR */
		info.fault.addr = stop->addr;
		break;
	default: /* #GP and the rest */ break;
	}
	t->fault_vector = stop->vector;
	t->fault_code = stop->code;
	signal_force(info.signo, &info);
}

/* Once for each switch and each slice. */
static void before_user(struct task *t)
{
	sched_resched();
	if (unlikely(cgroup_must_settle(t)))
		cgroup_settle_here();
}

/* Everything that is rare before user mode. */
static void slow_path(struct task *t)
{
	do {
		if (READ_ONCE(cpu_this()->need_resched))
			before_user(t);
		if (READ_ONCE(t->signal_wake) || t->restart_pending || t->restore_sigmask)
			signal_deliver(t);
		if (t->rseq_event) {
			if (t->process->timers)
				itimers_resume(t->process);
			if (t->rseq)
				rseq_fixup(t, utask_regs(t->utask));
			else
				t->rseq_event = false;
		}
	} while (READ_ONCE(cpu_this()->need_resched) || READ_ONCE(t->signal_wake));
}

void task_user_loop(struct task *t)
{
	struct user_regs *regs = utask_regs(t->utask);
	struct stop stop;

	for (;;) {
		if (unlikely(READ_ONCE(cpu_this()->need_resched) | READ_ONCE(t->signal_wake) |
			     t->restart_pending | t->restore_sigmask | t->rseq_event))
			slow_path(t);
		task_account(t, false);
		enter_user(t->utask, &stop);
		task_account(t, true);
		if (likely(stop.kind == STOP_SYSCALL)) {
			regs->rax = (u64)-ENOSYS;
			task_syscall(t, regs);
			/* The dispatcher's result is one of -ERESTART*: the signal code decides. */
			if (unlikely((s64)regs->rax <= -ERESTARTSYS &&
				     (s64)regs->rax >= -ERESTART_RESTARTBLOCK) &&
			    regs->orig_rax != ~0ULL)
				t->restart_pending = true;
		} else if (stop.kind == STOP_FAULT) {
			regs->orig_rax = ~0ULL;
			handle_fault(t, &stop);
		} else if (stop.kind == STOP_EXCEPTION) {
			regs->orig_rax = ~0ULL;
			handle_exception(t, &stop);
		} else {
			regs->orig_rax = ~0ULL;
		}
	}
}

void task_main(void *arg)
{
	struct task *t = arg;

	sched_first();
	t->mode_start = clock_mono();
	task_user_loop(t);
}
