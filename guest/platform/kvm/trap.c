/*
 * trap.c - exceptions and interrupts that arrive in ring 0.
 *
 * Legitimate are: interrupts in the windows of cpu_idle and platform_poll, and page faults on user memory at the
 * instructions that the exception table names. Everything else ends the sandbox with a crash report.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/log.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

struct extable_entry {
	u64 at, fixup;
};

extern const struct extable_entry __extable_start[], __extable_end[];

static const char *const trap_name[] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound",
	"invalid opcode",
	"no FPU",
	"double fault",
	"coprocessor segment",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualization",
	"control protection",
};

static bool fixup(struct trap_frame *f)
{
	const struct extable_entry *e;

	for (e = __extable_start; e < __extable_end; e++)
		if (e->at == f->rip) {
			f->rip = e->fixup;
			return true;
		}
	return false;
}

/* The registers go into the crash record; panic adds the rest, and its backtrace continues through entry.S's frame. */
void trap_fatal(struct trap_frame *f, u32 vector)
{
	static u32 fatal;
	struct crash_record *c = paddr_to_ptr(ARENA_PADDR + ARENA_CRASH);
	u64 cr2 = read_cr2();

	/* A fault while we report, perhaps for lack of a valid GS: without a stop it would eat memory below the stack. */
	if (atomic_xchg(&fatal, 1))
		platform_crash();
	c->image_slide = kvm_boot.image_slide;
	memcpy(c->regs, (u64[]){ f->rax, f->rbx, f->rcx, f->rdx,    f->rsi, f->rdi,  f->rbp,
				 f->rsp, f->r8,	 f->r9,	 f->r10,    f->r11, f->r12,  f->r13,
				 f->r14, f->r15, f->rip, f->rflags, cr2,    f->error },
	       sizeof(c->regs));
	/* In case panic itself dies: the registers are worth a report. */
	strcpy(c->reason, "exception in the Sentry, then another");
	c->syscall_nr = -1;
	atomic_store(&c->magic, CRASH_MAGIC);
	panic("%s in the Sentry (vector %u, error 0x%lx, address 0x%lx)",
	      vector < ARRAY_SIZE(trap_name) ? trap_name[vector] : "interrupt", vector,
	      (unsigned long)f->error, (unsigned long)cr2);
}

/*
 * #MC in ring 0: an access to memory that may go away, which the exception table names, or the end. On the IST stack; GS is
 * ours if the instruction is one of those, and is not looked at before that is known.
 */
bool trap_machine_check(struct trap_frame *f)
{
	if (!fixup(f))
		return false;
	kvm_cpu_this()->machine_check = true;
	return true;
}

bool trap_machine_check_seen(void)
{
	bool seen = kvm_cpu_this()->machine_check;

	kvm_cpu_this()->machine_check = false;
	return seen;
}

void trap_kernel(struct trap_frame *f, u32 vector)
{
	if (vector >= 32) {
		irq_note(vector);
		if (f->rip == (u64)cpu_halt_hlt)
			f->rip += 1;
		return;
	}
	if ((vector == VEC_PF || vector == VEC_GP) && fixup(f))
		return;
	trap_fatal(f, vector);
}
