/*
 * crash.c - the end of the Sentry's process, asked for or not, and faults in its own code.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#include "abi/boot.h"

#define EXIT_HALT  0
#define EXIT_CRASH 1
#define EXIT_EARLY 3 /* before there was an arena to write a crash record to */

#define SIGSTACK_SIZE 16384

void sentry_sigreturn(void);

struct host_sigaction {
	void *handler;
	u64 flags;
	void *restorer;
	u64 mask;
};

struct host_stack {
	void *sp;
	u32 flags;
	u64 size;
};

/* gregs of the host's ucontext in its order */
enum {
	G_R8,
	G_R9,
	G_R10,
	G_R11,
	G_R12,
	G_R13,
	G_R14,
	G_R15,
	G_RDI,
	G_RSI,
	G_RBP,
	G_RBX,
	G_RDX,
	G_RAX,
	G_RCX,
	G_RSP,
	G_RIP,
	G_EFL,
	G_CS,
	G_ERR,
	G_TRAPNO,
	G_OLDMASK,
	G_CR2,
	G_COUNT
};

struct host_ucontext {
	u64 flags, link, stack[3];
	u64 gregs[G_COUNT];
};

void platform_halt(void)
{
	for (;;)
		hc1(HC_exit_group, EXIT_HALT);
}

void platform_crash(void)
{
	for (;;)
		hc1(HC_exit_group, EXIT_CRASH);
}

/* For errors before the log and the arena are there. */
void die(const char *why)
{
	hc3(HC_write, 2, "moat: systrap: ", 15);
	hc3(HC_write, 2, why, strlen(why));
	hc3(HC_write, 2, "\n", 1);
	for (;;)
		hc1(HC_exit_group, EXIT_EARLY);
}

static bool copy_fixup(u64 *rip)
{
	static const struct {
		const char *insn, *fixup;
	} table[] = {
		{ copy_safe_insn, copy_safe_fixup },
		{ zero_safe_insn, zero_safe_fixup },
		{ cmpxchg_safe_insn, cmpxchg_safe_fixup },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (*rip == (u64)table[i].insn) {
			*rip = (u64)table[i].fixup;
			return true;
		}
	}
	return false;
}

static void handler(int signo, void *si, void *ucp)
{
	static const u8 order[18] = {
		G_RAX, G_RBX, G_RCX, G_RDX, G_RSI, G_RDI, G_RBP, G_RSP, G_R8,
		G_R9,  G_R10, G_R11, G_R12, G_R13, G_R14, G_R15, G_RIP, G_EFL
	};
	struct crash_record *r = paddr_to_ptr(ARENA_PADDR + ARENA_CRASH);
	struct host_ucontext *uc = ucp;
	u64 *fp;
	unsigned i;

	if (signo == HC_SIGBUS && copy_fixup(&uc->gregs[G_RIP]))
		return;
	for (i = 0; i < ARRAY_SIZE(order); i++)
		r->regs[i] = uc->gregs[order[i]];
	r->regs[18] = uc->gregs[G_CR2];
	r->regs[19] = uc->gregs[G_ERR];
	/* The interrupted code's frames; panic's own walk starts on this signal stack. */
	r->backtrace[0] = uc->gregs[G_RIP];
	fp = (u64 *)uc->gregs[G_RBP];
	for (i = 1; i < ARRAY_SIZE(r->backtrace) && (u64)fp - uc->gregs[G_RSP] < KSTACK_SIZE &&
		    !((u64)fp & 7);
	     i++) {
		r->backtrace[i] = fp[1];
		fp = (u64 *)fp[0];
	}
	r->depth = i;
	panic("signal %d in the Sentry: rip %#lx, address %#lx, error %#lx", signo,
	      uc->gregs[G_RIP], uc->gregs[G_CR2], uc->gregs[G_ERR]);
}

void signals_init(struct sys_cpu *c)
{
	static const u8 signals[] = { HC_SIGILL, HC_SIGBUS, HC_SIGFPE, HC_SIGSEGV, HC_SIGTRAP };
	/* SA_SIGINFO | SA_ONSTACK | SA_RESTORER */
	struct host_sigaction sa = { handler, 0x4 | 0x08000000 | 0x04000000, sentry_sigreturn, 0 };
	struct host_sigaction ignore = { (void *)1, 0, NULL, 0 };
	struct host_stack ss = { .size = SIGSTACK_SIZE };
	unsigned i;

	ss.sp = hc_mmap(NULL, SIGSTACK_SIZE, HC_PROT_READ | HC_PROT_WRITE,
			HC_MAP_PRIVATE | HC_MAP_ANON, -1, 0);
	if (hc_failed(ss.sp) || hc2(HC_sigaltstack, &ss, NULL) < 0)
		die("no signal stack");
	for (i = 0; i < sizeof(signals); i++)
		hc4(HC_rt_sigaction, signals[i], &sa, NULL, 8);
	/* Stubs are reaped by the host; a kick that comes late may reach whoever has the id now. */
	hc4(HC_rt_sigaction, HC_SIGCHLD, &ignore, NULL, 8);
	hc4(HC_rt_sigaction, HC_SIGUSR1, &ignore, NULL, 8);
}
