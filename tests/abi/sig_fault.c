/* What siginfo and ucontext say for each kind of fault, and that handlers can mend and return. */
#include "abi_fault.h"
#include <ucontext.h>

#define RW (PROT_READ | PROT_WRITE)

static volatile int got;
static siginfo_t info;
static ucontext_t context;

static void on_fault(int sig ABI_UNUSED, siginfo_t *si, void *uc)
{
	info = *si;
	context = *(ucontext_t *)uc;
	got++;
}

/* Skips the faulting instruction, whose length the test left in skip. */
static int skip;

static void on_fault_skip(int sig, siginfo_t *si, void *uc)
{
	on_fault(sig, si, uc);
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += skip;
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	got = 0;
	CHECK_OK(sigaction(sig, &sa, NULL));
}

static char *mended;

static void on_fault_mend(int sig, siginfo_t *si, void *uc)
{
	on_fault(sig, si, uc);
	if (mprotect(mended, PAGE, RW))
		_exit(1);
}

TEST_FORK(segv_maperr_and_accerr)
{
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(FAULT_READ(bad_ptr()), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_MAPERR);
	CHECK_EQ((uintptr_t)abi_fault_info.si_addr, (uintptr_t)bad_ptr());
	CHECK_EQ(FAULT_WRITE(p + 123), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_ACCERR);
	CHECK(abi_fault_info.si_addr == p + 123);
	CHECK_EQ(FAULT_READ(0xffffffff80000000),
		 SIGSEGV); /* kernel half: exists or not, who knows */
	CHECK_EQ(FAULT_READ(0x8000000000000000), SIGSEGV); /* not canonical: a #GP */
	CHECK_EQ(abi_fault_info.si_code, SI_KERNEL);
	CHECK(abi_fault_info.si_addr == NULL);
	CHECK_EQ(FAULT_EXEC(p), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_ACCERR);
}

TEST_FORK(handler_mends_and_instruction_repeats)
{
	mended = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	handle(SIGSEGV, on_fault_mend);
	mended[5] = 42;
	CHECK_EQ(got, 1);
	CHECK_EQ(mended[5], 42);
	CHECK(info.si_addr == mended + 5);
	CHECK_EQ(context.uc_mcontext.gregs[REG_TRAPNO], 14);
	CHECK_EQ(context.uc_mcontext.gregs[REG_ERR] & 7, 6); /* user write, no page there */
	CHECK_EQ(context.uc_mcontext.gregs[REG_CR2], (uintptr_t)mended + 5);
}

TEST_FORK(fpe)
{
	volatile int zero = 0;

	handle(SIGFPE, on_fault_skip);
	skip = 2; /* idiv %ecx: f7 f9 */
	__asm__ volatile("xor %%edx, %%edx\n\tmov $1, %%eax\n\t.byte 0xf7, 0xf9"
			 :
			 : "c"(zero)
			 : "eax", "edx");
	CHECK_EQ(got, 1);
	CHECK_EQ(info.si_signo, SIGFPE);
	CHECK_EQ(info.si_code, FPE_INTDIV);
	CHECK_EQ((uintptr_t)info.si_addr, context.uc_mcontext.gregs[REG_RIP]);
	CHECK_EQ(context.uc_mcontext.gregs[REG_TRAPNO], 0);
}

TEST_FORK(sse_fpe)
{
	uint32_t mxcsr = 0x1f80 & ~0x200; /* division by zero unmasked */
	float one = 1, zero = 0;

	if (abi_cpu_emulated())
		SKIP("this emulated CPU raises no SSE exceptions");
	handle(SIGFPE, on_fault_skip);
	skip = 4; /* divss %xmm1, %xmm0: f3 0f 5e c1 */
	__asm__ volatile("ldmxcsr %0\n\tmovss %1, %%xmm0\n\tmovss %2, %%xmm1\n\t"
			 ".byte 0xf3, 0x0f, 0x5e, 0xc1"
			 :
			 : "m"(mxcsr), "m"(one), "m"(zero)
			 : "xmm0", "xmm1");
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	CHECK_EQ(got, 1);
	CHECK_EQ(info.si_code, FPE_FLTDIV);
}

TEST_FORK(illegal_instruction)
{
	handle(SIGILL, on_fault_skip);
	skip = 2;
	__asm__ volatile("ud2");
	CHECK_EQ(got, 1);
	CHECK_EQ(info.si_code, ILL_ILLOPN);
	CHECK_EQ((uintptr_t)info.si_addr, context.uc_mcontext.gregs[REG_RIP]);
}

TEST_FORK(privileged_instructions)
{
	handle(SIGSEGV, on_fault_skip);
	skip = 1;
	__asm__ volatile("hlt");
	CHECK_EQ(got, 1);
	CHECK_EQ(info.si_code, SI_KERNEL);
	__asm__ volatile("cli");
	CHECK_EQ(got, 2);
}

TEST_FORK(breakpoint)
{
	handle(SIGTRAP, on_fault);
	__asm__ volatile("int3");
	CHECK_EQ(got, 1);
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(context.uc_mcontext.gregs[REG_TRAPNO], 3);
}

static void on_trap_once(int sig, siginfo_t *si, void *uc)
{
	on_fault(sig, si, uc);
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
}

TEST_FORK(single_step)
{
	handle(SIGTRAP, on_trap_once);
	__asm__ volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tnop\n\tnop" : : : "memory", "cc");
	CHECK_EQ(got, 1);
	CHECK_EQ(info.si_code, TRAP_TRACE);
	CHECK_EQ(context.uc_mcontext.gregs[REG_TRAPNO], 1);
}

TEST_FORK(sigbus)
{
	char *p;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(FAULT_READ(p + 7), SIGBUS);
	CHECK_EQ(abi_fault_info.si_code, BUS_ADRERR);
	CHECK(abi_fault_info.si_addr == p + 7);
}

TEST_FORK(blocked_fault_kills)
{
	CHILD_DIES(SIGSEGV)
	{
		sigset_t set;

		handle(SIGSEGV, on_fault);
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, NULL);
		*(volatile char *)bad_ptr() = 1;
	}
	CHILD_DIES(SIGSEGV)
	{
		signal(SIGSEGV, SIG_IGN); /* a fault cannot be ignored */
		*(volatile char *)bad_ptr() = 1;
	}
	CHILD_DIES(SIGILL)
	{
		signal(SIGILL, SIG_IGN);
		__asm__ volatile("ud2");
	}
}

TEST_FORK(no_room_for_the_frame)
{
	CHILD_DIES(SIGSEGV)
	{
		handle(SIGUSR1, on_fault);
		__asm__ volatile("mov $0x1000, %%rsp\n\tmov %0, %%eax\n\tmov %1, %%edi\n\t"
				 "mov %2, %%esi\n\tsyscall"
				 :
				 : "i"(SYS_kill), "r"(getpid()), "i"(SIGUSR1)
				 : "memory");
		_exit(1);
	}
}

static void *alt_used;

static void on_alt(int sig ABI_UNUSED)
{
	stack_t ss;
	char here;

	alt_used = &here;
	sigaltstack(NULL, &ss);
	got = ss.ss_flags;
}

TEST_FORK(alternate_stack)
{
	stack_t ss = { .ss_sp = malloc(32768), .ss_size = 32768 }, old;
	struct sigaction sa = { .sa_handler = on_alt, .sa_flags = SA_ONSTACK };

	CHECK_OK(sigaltstack(NULL, &old));
	CHECK_EQ(old.ss_flags, SS_DISABLE);
	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	raise(SIGUSR1);
	CHECK((char *)alt_used > (char *)ss.ss_sp && (char *)alt_used < (char *)ss.ss_sp + 32768);
	CHECK_EQ(got, SS_ONSTACK);
	CHECK_OK(sigaltstack(NULL, &old));
	CHECK_EQ(old.ss_flags, 0);
	CHECK(old.ss_sp == ss.ss_sp && old.ss_size == 32768);
	ss.ss_size = 1000;
	CHECK_ERRNO(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = 0x40;
	CHECK_ERRNO(sigaltstack(&ss, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sigaltstack, bad_ptr(), NULL), EFAULT);
	ss.ss_flags = SS_DISABLE;
	CHECK_OK(sigaltstack(&ss, NULL));
	raise(SIGUSR1);
	CHECK_EQ(got, SS_DISABLE);
}

static void on_change_stack(int sig ABI_UNUSED)
{
	stack_t ss = { .ss_flags = SS_DISABLE };

	errno = 0;
	got = sigaltstack(&ss, NULL) == -1 ? errno : 0;
}

TEST_FORK(alternate_stack_in_use)
{
	stack_t ss = { .ss_sp = malloc(32768), .ss_size = 32768 };
	struct sigaction sa = { .sa_handler = on_change_stack, .sa_flags = SA_ONSTACK };

	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	raise(SIGUSR1);
	CHECK_EQ(got, EPERM);
}

TEST_FORK(int80_and_sysenter)
{
	/* moat answers SIGSEGV to both; Linux runs them as 32-bit calls */
	if (!abi_sandboxed())
		SKIP("the sandbox differs from Linux here on purpose");
	CHILD_DIES(SIGSEGV)
	{
		__asm__ volatile("mov $20, %%eax\n\tint $0x80" : : : "eax", "memory");
	}
	pid_t p = abi_fork();
	if (p == 0) {
		__asm__ volatile("mov %%rsp, %%rbp\n\tmov $20, %%eax\n\tsysenter"
				 :
				 :
				 : "eax", "memory");
		_exit(0);
	}
	int st = abi_wait(p); /* AMD's CPUs do not know SYSENTER in 64-bit mode */
	CHECK(WIFSIGNALED(st) && (WTERMSIG(st) == SIGSEGV || WTERMSIG(st) == SIGILL));
}
