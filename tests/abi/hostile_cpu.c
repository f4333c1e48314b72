/*
 * What ring 3 can throw at a kernel without asking: privileged instructions, software interrupts,
 * odd flags and segment bases across system calls and faults, a SYSCALL at the end of the address
 * space, single steps into the kernel. The program gets a signal or goes on; the kernel goes on.
 */
#include "abi_fault.h"
#include <asm/prctl.h>
#include <sys/auxv.h>

/* Runs fn in a child: 0 if it came back, the signal it died of, 1000 + status else. */
static int outcome(void (*fn)(void))
{
	pid_t p = abi_fork();
	int st;

	if (p == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(5);
		fn();
		_exit(0);
	}
	st = abi_wait(p);
	return WIFSIGNALED(st) ? WTERMSIG(st) : st ? 1000 + WEXITSTATUS(st) : 0;
}

#define INSN(id, text)                                                             \
	static void insn_##id(void)                                                \
	{                                                                          \
		__asm__ volatile(text : : : "rax", "rcx", "rdx", "rbx", "memory"); \
	}
INSN(hlt, "hlt")
INSN(cli, "cli")
INSN(sti, "sti")
INSN(in, "in $0x80, %%al")
INSN(out, "out %%al, $0x80")
INSN(outs, "mov $0x80, %%dx; mov %%rsp, %%rsi; outsb")
INSN(rdmsr, "mov $0xc0000080, %%ecx; rdmsr")
INSN(wrmsr, "mov $0xc0000082, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")
INSN(read_cr0, "mov %%cr0, %%rax")
INSN(read_cr3, "mov %%cr3, %%rax")
INSN(write_cr3, "xor %%eax, %%eax; mov %%rax, %%cr3")
INSN(write_cr4, "xor %%eax, %%eax; mov %%rax, %%cr4")
INSN(write_cr8, "xor %%eax, %%eax; mov %%rax, %%cr8")
INSN(read_dr7, "mov %%dr7, %%rax")
INSN(lgdt, "lgdt (%%rsp)")
INSN(lidt, "lidt (%%rsp)")
INSN(lldt, "xor %%eax, %%eax; lldt %%ax")
INSN(ltr, "mov $0x28, %%ax; ltr %%ax")
INSN(lmsw, "xor %%eax, %%eax; lmsw %%ax")
INSN(clts, "clts")
INSN(invlpg, "invlpg (%%rsp)")
INSN(wbinvd, "wbinvd")
INSN(swapgs, "swapgs")
INSN(sysret, "mov $0x1000, %%ecx; sysretq")
INSN(vmcall, ".byte 0x0f, 0x01, 0xc1")
INSN(vmmcall, ".byte 0x0f, 0x01, 0xd9")
INSN(vmrun, "xor %%eax, %%eax; .byte 0x0f, 0x01, 0xd8")
INSN(stac, ".byte 0x0f, 0x01, 0xcb")
INSN(xsetbv, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; .byte 0x0f, 0x01, 0xd1")
INSN(monitor, "mov %%rsp, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; .byte 0x0f, 0x01, 0xc8")
INSN(bad_ds, "mov $0x1230, %%eax; mov %%eax, %%ds")
INSN(bad_ss, "mov $0x10, %%eax; mov %%eax, %%ss")
INSN(bad_iret,
     "push $0; push %%rsp; pushf; push $0x10; lea 1f(%%rip), %%rax; push %%rax; iretq; 1:")
INSN(far_ret, "push $0x10; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:")
INSN(ud1, ".byte 0x0f, 0xb9, 0xc0")

TEST(privileged_instructions)
{
#define E(id)                  \
	{                      \
#id, insn_##id \
	}
	static const struct {
		const char *name;
		void (*fn)(void);
	} all[] = {
		E(hlt),	      E(cli),	   E(sti),	E(in),	     E(out),	   E(outs),
		E(rdmsr),     E(wrmsr),	   E(read_cr0), E(read_cr3), E(write_cr3), E(write_cr4),
		E(write_cr8), E(read_dr7), E(lgdt),	E(lidt),     E(lldt),	   E(ltr),
		E(lmsw),      E(clts),	   E(invlpg),	E(wbinvd),   E(swapgs),	   E(sysret),
		E(vmrun),     E(stac),	   E(xsetbv),	E(monitor),  E(bad_ds),	   E(bad_ss),
		E(bad_iret),  E(far_ret),  E(ud1),
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		int got;

		/* QEMU's TCG cannot do the first two in ring 3, and its version 10 checks no ring for WBINVD. */
		if (abi_cpu_emulated() && (all[i].fn == insn_bad_iret ||
					   all[i].fn == insn_far_ret || all[i].fn == insn_wbinvd))
			continue;
		got = outcome(all[i].fn);
		if (got != SIGSEGV && got != SIGILL && got != SIGBUS)
			ABI_FAIL("%s: expected a deadly signal, got %d", all[i].name, got);
	}
	/* a hypervisor may answer these two; nothing worse than a signal may come of them */
	CHECK(outcome(insn_vmcall) <= SIGSEGV);
	CHECK(outcome(insn_vmmcall) <= SIGSEGV);
}

/* int $n for any n, made at run time. */
static unsigned char *code;
static int vector;

static void soft_interrupt(void)
{
	code[0] = 0xcd;
	code[1] = vector;
	code[2] = 0xc3;
	((void (*)(void))code)();
}

TEST(software_interrupts)
{
	code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	REQUIRE(code != MAP_FAILED);
	for (vector = 0; vector < 256; vector++) {
		int got;

		if (vector == 0x80) /* Linux has its 32-bit calls there */
			continue;
		got = outcome(soft_interrupt);
		if (vector == 3) {
			CHECK_EQ(got, SIGTRAP);
		} else if (vector == 4) { /* overflow: open to ring 3 on Linux */
			CHECK_EQ(got, SIGSEGV);
		} else if (got != SIGSEGV) {
			ABI_FAIL("int %#x: expected SIGSEGV, got %d", vector, got);
		}
	}
	CHECK_OK(munmap(code, PAGE));
}

/* getpid with these flag bits set; the flags come back as they were. */
static long with_flags(unsigned long bits)
{
	unsigned long after;
	long pid;

	__asm__ volatile("pushfq\n\t"
			 "or %[bits], (%%rsp)\n\t"
			 "popfq\n\t"
			 "syscall\n\t"
			 "pushfq\n\t"
			 "pop %[after]\n\t"
			 "pushfq\n\t"
			 "andq $~0x44400, (%%rsp)\n\t"
			 "popfq"
			 : "=a"(pid), [after] "=&r"(after)
			 : "a"(SYS_getpid), [bits] "r"(bits)
			 : "rcx", "r11", "memory", "cc");
	return (after & bits) == bits ? pid : -1;
}

TEST_FORK(direction_flag_across_calls)
{
	CHECK_EQ(with_flags(0x400), getpid());
}

TEST_FORK(nested_task_flag_across_calls)
{
	CHECK_EQ(with_flags(0x4000), getpid()); /* a careless IRET would fault */
}

TEST_FORK(alignment_flag_across_calls)
{
	CHECK_EQ(with_flags(0x40000), getpid());
	CHECK_EQ(with_flags(0x44400), getpid());
}

static volatile int traps;

static void on_trap(int sig ABI_UNUSED)
{
	traps++;
}

TEST_FORK(single_step_into_the_kernel)
{
	struct sigaction sa = { .sa_handler = on_trap };
	long pid;

	CHECK_OK(sigaction(SIGTRAP, &sa, NULL));
	/* the flag stays set over the handler, so each instruction traps until it is cleared */
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tsyscall\n\t"
			 "pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq"
			 : "=a"(pid)
			 : "a"(SYS_getpid)
			 : "rcx", "r11", "memory", "cc");
	CHECK_EQ(pid, getpid());
	CHECK(traps >= 3);
	/* a load of SS puts the trap off past the next instruction: into the kernel's first */
	traps = 0;
	__asm__ volatile("mov %%ss, %%edx\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
			 "mov %%edx, %%ss\n\tsyscall\n\t"
			 "pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq"
			 : "=a"(pid)
			 : "a"(SYS_getpid)
			 : "rcx", "rdx", "r11", "memory", "cc");
	CHECK_EQ(pid, getpid());
	CHECK(traps >= 1);
}

static unsigned char *last_page;

static void syscall_at_the_end(void)
{
	/* returns to 0x7ffffffff000, where nothing can be mapped */
	__asm__ volatile("mov %0, %%eax\n\tjmp *%1"
			 :
			 : "i"(SYS_getpid), "r"(last_page + PAGE - 2)
			 : "rax", "rcx", "r11", "memory");
}

static void run_off_the_end(void)
{
	memset(last_page + PAGE - 16, 0x90, 16);
	__asm__ volatile("jmp *%0" : : "r"(last_page + PAGE - 16) : "memory");
}

TEST_FORK(code_in_the_last_page)
{
	last_page = mmap((void *)0x7fffffffe000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (last_page == MAP_FAILED)
		SKIP("the last page is taken: %s", abi_errname(errno));
	last_page[PAGE - 2] = 0x0f;
	last_page[PAGE - 1] = 0x05;
	CHECK_EQ(outcome(syscall_at_the_end), SIGSEGV);
	CHECK_EQ(outcome(run_off_the_end), SIGSEGV);
}

static void bad_gs_then_everything(void)
{
	__asm__ volatile("wrgsbase %0" : : "r"(0xffff800000000000));
	if (getppid() <= 0)
		_exit(3);
	if (FAULT_READ(bad_ptr()) != SIGSEGV)
		_exit(4);
	for (int i = 0; i < 3; i++)
		abi_sleep_ms(1);
	unsigned long gs;
	__asm__ volatile("rdgsbase %0" : "=r"(gs));
	if (gs != 0xffff800000000000)
		_exit(5);
	__asm__ volatile("wrgsbase %0" : : "r"(0UL));
	if (getppid() <= 0)
		_exit(6);
}

static void bad_stack_then_fault(void)
{
	__asm__ volatile("mov $0xffff800000001000, %%rsp\n\tmov 0x40, %%rax" : : : "rax");
}

static void noncanonical_stack_push(void)
{
	__asm__ volatile("mov $0x8000000000001000, %%rsp\n\tpush %%rax" : : : "memory");
}

static void kernel_stack_syscalls(void)
{
	/* the stack pointer is any number to a kernel that does not use it */
	long pid;

	__asm__ volatile(
		"mov %%rsp, %%rbx\n\tmov $0xffffffff81000000, %%rsp\n\tsyscall\n\tmov %%rbx, %%rsp"
		: "=a"(pid)
		: "a"(SYS_getpid)
		: "rbx", "rcx", "r11", "memory");
	if (pid != getpid())
		_exit(3);
}

TEST(wild_bases_and_stacks)
{
	if (getauxval(AT_HWCAP2) & 2) /* the kernel allows wrgsbase */
		CHECK_EQ(outcome(bad_gs_then_everything), 0);
	CHECK_EQ(outcome(bad_stack_then_fault), SIGSEGV);
	CHECK(outcome(noncanonical_stack_push) == SIGBUS ||
	      outcome(noncanonical_stack_push) == SIGSEGV);
	CHECK_EQ(outcome(kernel_stack_syscalls), 0);
}

static void jump_noncanonical(void)
{
	__asm__ volatile("mov $0x800000000000, %%rax\n\tjmp *%%rax" : : : "rax");
}

static void jump_kernel(void)
{
	__asm__ volatile("mov $0xffffffff81000000, %%rax\n\tjmp *%%rax" : : : "rax");
}

TEST(wild_jumps)
{
	CHECK_EQ(outcome(jump_noncanonical), SIGSEGV);
	CHECK_EQ(outcome(jump_kernel), SIGSEGV);
}

static void good_iret(void)
{
	unsigned long cs, ss;

	__asm__ volatile("mov %%cs, %0\n\tmov %%ss, %1" : "=r"(cs), "=r"(ss));
	__asm__ volatile("mov %%rsp, %%rax\n\tpush %1\n\tpush %%rax\n\tpushfq\n\tpush %0\n\t"
			 "lea 1f(%%rip), %%rax\n\tpush %%rax\n\tiretq\n1:"
			 :
			 : "r"(cs), "r"(ss)
			 : "rax", "memory");
}

TEST(iret_within_ring_3)
{
	if (abi_cpu_emulated())
		SKIP("this emulated CPU cannot do it");
	CHECK_EQ(outcome(good_iret), 0);
}
