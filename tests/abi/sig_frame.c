/*
 * Signal frames in hostile hands: a handler changes what sigreturn will restore, or calls it with no
 * frame at all. Registers that only a kernel may hold never come into force; the process dies by
 * SIGSEGV, or goes on with what was harmless.
 */
#include "abi.h"
#include <ucontext.h>

static void (*spoil)(ucontext_t *);

static void on_signal(int sig ABI_UNUSED, siginfo_t *si ABI_UNUSED, void *uc)
{
	spoil(uc);
}

/* Takes a signal whose frame is spoiled: 0 if the program went on, else the signal it died of. */
static int outcome(void (*fn)(ucontext_t *))
{
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

		signal(SIGALRM, SIG_DFL);
		alarm(5);
		spoil = fn;
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	st = abi_wait(p);
	return WIFSIGNALED(st) ? WTERMSIG(st) : st ? 1000 + WEXITSTATUS(st) : 0;
}

#define REG(uc, r) ((uc)->uc_mcontext.gregs[r])

static void harmless(ucontext_t *uc)
{
	REG(uc, REG_R8) = 1;
}

static void rip_in_kernel(ucontext_t *uc)
{
	REG(uc, REG_RIP) = 0xffffffff81000000;
}

static void rip_noncanonical(ucontext_t *uc)
{
	REG(uc, REG_RIP) = 0x800000000000;
}

static void rip_zero(ucontext_t *uc)
{
	REG(uc, REG_RIP) = 0;
}

static void rsp_noncanonical(ucontext_t *uc)
{
	REG(uc, REG_RSP) = 0x8000000000000000;
}

static void cs_of_the_kernel(ucontext_t *uc)
{
	REG(uc, REG_CSGSFS) = (REG(uc, REG_CSGSFS) & ~0xffffL) | 0x10;
}

static void cs_zero(ucontext_t *uc)
{
	REG(uc, REG_CSGSFS) &= ~0xffffL;
}

static void cs_garbage(ucontext_t *uc)
{
	REG(uc, REG_CSGSFS) = 0x5a5a5a5a5a5a5a5a;
}

static void ss_garbage(ucontext_t *uc)
{
	REG(uc, REG_CSGSFS) = (REG(uc, REG_CSGSFS) & 0xffffffffffff) | 0x5a58UL << 48;
}

static void flags_of_the_kernel(ucontext_t *uc)
{
	REG(uc, REG_EFL) |= 0x3000 | 0x20000 | 0x4000; /* IOPL 3, VM, NT */
	REG(uc, REG_EFL) &= ~0x200;		       /* and no interrupts */
}

static void fpstate_unmapped(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = bad_ptr();
}

static void fpstate_in_kernel(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)0xffffffff81000000;
}

static void fpstate_misaligned(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)((char *)uc->uc_mcontext.fpregs + 1);
}

static void fpstate_none(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = NULL; /* the state is reset */
}

static void mxcsr_reserved(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}

/* The extended header, behind the 512 bytes of FXSAVE: XSTATE_BV, XCOMP_BV, reserved. */
static uint64_t *xheader(ucontext_t *uc)
{
	return (uint64_t *)((char *)uc->uc_mcontext.fpregs + 512);
}

static void xstate_unknown_bits(ucontext_t *uc)
{
	xheader(uc)[0] = -1UL;
}

static void xstate_compacted(ucontext_t *uc)
{
	xheader(uc)[1] = 1UL << 63 | 7;
}

static void xstate_reserved(ucontext_t *uc)
{
	for (int i = 2; i < 8; i++)
		xheader(uc)[i] = -1UL;
}

static void xstate_size_lies(ucontext_t *uc)
{
	uint32_t *sw = (uint32_t *)((char *)uc->uc_mcontext.fpregs + 464);

	sw[1] = 0xffffffff; /* extended_size */
	sw[4] = 0xffffffff; /* xstate_size */
}

static void mask_full(ucontext_t *uc)
{
	memset(&uc->uc_sigmask, 0xff, 8); /* SIGKILL and SIGSTOP cannot be in it */
}

static void altstack_garbage(ucontext_t *uc)
{
	uc->uc_stack.ss_flags = 0x1234;
	uc->uc_stack.ss_size = 1;
	uc->uc_link = bad_ptr();
}

TEST(registers)
{
	CHECK_EQ(outcome(harmless), 0);
	CHECK_EQ(outcome(rip_in_kernel), SIGSEGV);
	CHECK_EQ(outcome(rip_noncanonical), SIGSEGV);
	CHECK_EQ(outcome(rip_zero), SIGSEGV);
	int got = outcome(rsp_noncanonical); /* the next push or return decides */
	CHECK(got == SIGSEGV || got == SIGBUS);
}

TEST(segments)
{
	int got = outcome(cs_of_the_kernel);

	/* the privilege level is forced to 3, whatever descriptor that leads to */
	CHECK(got == SIGSEGV || got == 0);
	got = outcome(cs_zero);
	CHECK(got == SIGSEGV || got == 0);
	got = outcome(cs_garbage);
	CHECK(got == SIGSEGV || got == 0);
	got = outcome(ss_garbage);
	CHECK(got == SIGSEGV || got == 0);
}

static volatile unsigned long flags_after;

TEST(flags)
{
	IN_CHILD
	{
		struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
		unsigned long fl;

		spoil = flags_of_the_kernel;
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		__asm__ volatile("pushfq\n\tpop %0" : "=r"(fl));
		flags_after = fl;
		CHECK_EQ(fl & 0x3000, 0);
		CHECK_EQ(fl & 0x20000, 0);
		CHECK_EQ(fl & 0x200, 0x200);
	}
}

TEST(fpu_image)
{
	int got;

	CHECK_EQ(outcome(fpstate_unmapped), SIGSEGV);
	CHECK_EQ(outcome(fpstate_in_kernel), SIGSEGV);
	CHECK_EQ(outcome(fpstate_none), 0);
	CHECK_EQ(outcome(xstate_size_lies), 0); /* then only the FXSAVE part counts */
	got = outcome(fpstate_misaligned);
	CHECK(got == 0 || got == SIGSEGV);
	got = outcome(mxcsr_reserved);
	CHECK(got == 0 || got == SIGSEGV);
	got = outcome(xstate_unknown_bits);
	CHECK(got == 0 || got == SIGSEGV);
	got = outcome(xstate_compacted);
	CHECK(got == 0 || got == SIGSEGV);
	got = outcome(xstate_reserved);
	CHECK(got == 0 || got == SIGSEGV);
}

TEST(mask_and_stack)
{
	CHECK_EQ(outcome(mask_full), 0);
	CHECK_EQ(outcome(altstack_garbage), 0);
	IN_CHILD
	{
		struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
		sigset_t now;

		spoil = mask_full;
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
		CHECK_EQ(sigismember(&now, SIGKILL), 0);
		CHECK_EQ(sigismember(&now, SIGSTOP), 0);
		CHECK_EQ(sigismember(&now, SIGTERM), 1);
	}
}

TEST(no_frame_at_all)
{
	CHILD_DIES(SIGSEGV)
	{
		/* zeros, as far as a frame reaches */
		__asm__ volatile("sub $4096, %%rsp\n\tmov %%rsp, %%rdi\n\tmov $512, %%ecx\n\t"
				 "xor %%eax, %%eax\n\trep stosq\n\tmov %0, %%eax\n\tsyscall"
				 :
				 : "i"(SYS_rt_sigreturn)
				 : "rax", "rcx", "rdi", "r11", "memory");
	}
	CHILD_DIES(SIGSEGV)
	{
		__asm__ volatile("mov $0x1000, %%rsp\n\tmov %0, %%eax\n\tsyscall"
				 :
				 : "i"(SYS_rt_sigreturn)
				 : "rax", "memory");
	}
	CHILD_DIES(SIGSEGV)
	{
		__asm__ volatile("mov $0xffffffff81000000, %%rsp\n\tmov %0, %%eax\n\tsyscall"
				 :
				 : "i"(SYS_rt_sigreturn)
				 : "rax", "memory");
	}
}

TEST(random_frames)
{
	/* any end will do, as long as it is only this process's */
	uint32_t x = 99;

	for (int i = 0; i < 60; i++) {
		pid_t p = abi_fork();

		x = x * 1664525 + 1013904223;
		if (p == 0) {
			uint64_t frame[256], y = x;

			signal(SIGALRM, SIG_DFL);
			alarm(2);
			for (size_t k = 0; k < ARRAY_LEN(frame); k++)
				frame[k] = y = y * 6364136223846793005 + 1442695040888963407;
			__asm__ volatile("mov %0, %%rsp\n\tmov %1, %%eax\n\tsyscall\n\tud2"
					 :
					 : "r"(frame), "i"(SYS_rt_sigreturn)
					 : "memory");
		}
		int st = abi_wait(p);
		if (!CHECK(WIFSIGNALED(st)))
			break;
	}
}
