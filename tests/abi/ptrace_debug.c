/* ptrace as debuggers use it: breakpoints, single steps, register sets, the user area, debug registers. */
#include "ptrace.h"
#include <elf.h>
#include <sys/uio.h>

__attribute__((noinline)) static int target(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

static void call_target(void)
{
	/* Often enough for whatever makes hot code fast. */
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	_exit(target(41));
}

TEST(breakpoint)
{
	pid_t pid = traced(call_target);
	unsigned long text = 0, now = 0;
	struct user_regs_struct r;
	siginfo_t si;
	int st;

	CHECK_OK(pt(PTRACE_PEEKTEXT, pid, target, &text));
	CHECK_EQ(text, *(unsigned long *)target);
	CHECK_OK(pt(PTRACE_POKETEXT, pid, target, (text & ~0xffUL) | 0xcc));
	CHECK_OK(pt(PTRACE_PEEKTEXT, pid, target, &now));
	CHECK_EQ(now & 0xff, 0xcc);
	st = next_stop(pid, PTRACE_CONT, 0);
	REQUIRE(WIFSTOPPED(st));
	CHECK_EQ(WSTOPSIG(st), SIGTRAP);
	CHECK_OK(pt(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_code, SI_KERNEL);
	CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
	CHECK_EQ(r.rip, (unsigned long)target + 1);
	CHECK_EQ(r.rdi, 41);
	CHECK_OK(pt(PTRACE_POKETEXT, pid, target, text));
	r.rip--;
	r.rdi = 50;
	CHECK_OK(pt(PTRACE_SETREGS, pid, 0, &r));
	st = next_stop(pid, PTRACE_SINGLESTEP, 0);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
	CHECK_OK(pt(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_code, 2); /* TRAP_TRACE */
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 51);
}

/* In the libc's own text, at a system call that was made often. */
static void many_calls(void)
{
	for (int i = 0; i < 50; i++)
		getppid();
	raise(SIGSTOP);
	for (int i = 0; i < 5; i++)
		getppid();
}

TEST(breakpoint_at_a_hot_call)
{
	pid_t pid = traced(many_calls);
	struct user_regs_struct r;
	unsigned long text = 0, site = 0;
	int st, i;

	st = next_stop(pid, PTRACE_CONT, 0);
	REQUIRE(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	for (i = 0; i < 200 && !site; i++) {
		st = next_stop(pid, PTRACE_SYSCALL, 0);
		REQUIRE(WIFSTOPPED(st));
		CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
		if (r.orig_rax == SYS_getppid)
			site = r.rip - 2;
	}
	REQUIRE(site);
	CHECK_OK(pt(PTRACE_PEEKTEXT, pid, site, &text));
	CHECK_EQ(text & 0xffff, 0x050f);
	CHECK_OK(pt(PTRACE_POKETEXT, pid, site, (text & ~0xffUL) | 0xcc));
	st = next_stop(pid, PTRACE_CONT, 0);
	REQUIRE(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
	CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
	CHECK_EQ(r.rip, site + 1);
	CHECK_OK(pt(PTRACE_POKETEXT, pid, site, text));
	r.rip = site;
	CHECK_OK(pt(PTRACE_SETREGS, pid, 0, &r));
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void two_calls(void)
{
	syscall(SYS_getpgid, 0);
	syscall(SYS_getppid);
}

TEST(steps)
{
	pid_t pid = traced(two_calls);
	unsigned long text = 0, last = 0;
	struct user_regs_struct r;
	int st, n, calls = 0, on_call = 0;

	for (n = 0; n < 3000; n++) {
		st = next_stop(pid, PTRACE_SINGLESTEP, 0);
		if (!WIFSTOPPED(st))
			break;
		if (WSTOPSIG(st) != SIGTRAP) {
			ABI_FAIL("signal %d while stepping", WSTOPSIG(st));
			break;
		}
		CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
		if (on_call) { /* the stop after SYSCALL is at the very next instruction */
			calls++;
			CHECK_EQ(r.rip, last + 2);
		}
		CHECK_EQ(r.eflags & 0x100, 0);
		last = r.rip;
		CHECK_OK(pt(PTRACE_PEEKTEXT, pid, last, &text));
		on_call = (text & 0xffff) == 0x050f && r.rax != SYS_exit_group;
	}
	CHECK(WIFEXITED(st));
	CHECK(calls >= 2);
}

static void fpu_child(void)
{
	double d = 1.5;

	__asm__ volatile("movsd %0, %%xmm7" : : "m"(d) : "xmm7");
	__asm__ volatile("movl $39, %%eax; syscall" : : : "rax", "rcx", "r11", "memory");
	__asm__ volatile("movsd %%xmm7, %0" : "=m"(d));
	_exit(d == 2.5 ? 0 : 1);
}

TEST(register_sets)
{
	pid_t pid = traced(fpu_child);
	struct user_fpregs_struct fp;
	struct user_regs_struct r, r2;
	static unsigned char xs[16384];
	struct iovec iov = { &r2, sizeof(r2) };
	double d = 2.5, got;
	int st;

	CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
	CHECK_OK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	CHECK_EQ(iov.iov_len, sizeof(r));
	CHECK_EQ(memcmp(&r, &r2, sizeof(r)), 0);
	iov.iov_len = 16;
	CHECK_OK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	CHECK_EQ(iov.iov_len, 16);
	iov.iov_len = 13;
	CHECK_ERRNO(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), EINVAL);
	iov.iov_len = 16;
	CHECK_ERRNO(pt(PTRACE_GETREGSET, pid, 0x7777, &iov), EINVAL);
	CHECK_ERRNO(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, bad_ptr()), EFAULT);
	st = next_stop(pid, PTRACE_SYSCALL, 0);
	REQUIRE(WIFSTOPPED(st));
	CHECK_OK(pt(PTRACE_GETFPREGS, pid, 0, &fp));
	memcpy(&got, (char *)fp.xmm_space + 7 * 16, 8);
	CHECK(got == 1.5);
	CHECK_EQ(fp.mxcsr, 0x1f80);
	memcpy((char *)fp.xmm_space + 7 * 16, &d, 8);
	CHECK_OK(pt(PTRACE_SETFPREGS, pid, 0, &fp));
	iov = (struct iovec){ xs, sizeof(xs) };
	CHECK_OK(pt(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov));
	CHECK(iov.iov_len >= 576 && iov.iov_len < sizeof(xs));
	CHECK(*(unsigned long *)(xs + 464) & 3); /* XCR0 */
	memcpy(&got, xs + 160 + 7 * 16, 8);
	CHECK(got == 2.5);
	CHECK_OK(pt(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov));
	fp.mxcsr = 0x80000000;
	CHECK_ERRNO(pt(PTRACE_SETFPREGS, pid, 0, &fp), EINVAL);
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 0);
}

static void nothing(void)
{
}

TEST(user_area)
{
	pid_t pid = traced(nothing);
	struct user_regs_struct r;
	unsigned long v = 0;

	CHECK_OK(pt(PTRACE_GETREGS, pid, 0, &r));
	CHECK_OK(pt(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), &v));
	CHECK_EQ(v, r.rip);
	CHECK_OK(pt(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.fs_base), &v));
	CHECK_EQ(v, r.fs_base);
	CHECK_EQ(r.cs, 0x33);
	CHECK_EQ(r.ss, 0x2b);
	CHECK_ERRNO(pt(PTRACE_PEEKUSER, pid, 3, &v), EIO);
	CHECK_ERRNO(pt(PTRACE_PEEKUSER, pid, sizeof(struct user) + 16, &v), EIO);
	CHECK_ERRNO(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0), EIO);
	CHECK_ERRNO(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), 1UL << 60), EIO);
	CHECK_ERRNO(pt(PTRACE_POKEUSER, pid, offsetof(struct user, start_code), 1), EIO);
	CHECK_OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.eflags), ~0UL));
	CHECK_OK(pt(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.eflags), &v));
	CHECK_EQ(v & 0x3000, r.eflags & 0x3000); /* IOPL is not ours */
	CHECK(v & 0x200);
	kill_it(pid);
}

static volatile long word;
static volatile int flag;

static void write_word(void)
{
	flag = 1;
	word = 5;
	flag = 2;
	_exit(0);
}

TEST(watchpoint)
{
	pid_t pid = traced(write_word);
	unsigned long dr6 = 0, v = 0;
	siginfo_t si;
	int st;

	if (pt(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), &word) ||
	    pt(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0x90001)) {
		kill_it(pid);
		SKIP("no debug registers here");
	}
	st = next_stop(pid, PTRACE_CONT, 0);
	REQUIRE(WIFSTOPPED(st));
	CHECK_EQ(WSTOPSIG(st), SIGTRAP);
	CHECK_OK(pt(PTRACE_GETSIGINFO, pid, 0, &si));
	CHECK_EQ(si.si_code, 4); /* TRAP_HWBKPT */
	CHECK_OK(pt(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]), &dr6));
	CHECK_EQ(dr6 & 0xf, 1);
	CHECK_OK(pt(PTRACE_PEEKDATA, pid, &word, &v));
	CHECK_EQ(v, 5);
	CHECK_OK(pt(PTRACE_PEEKDATA, pid, &flag, &v));
	CHECK_EQ((int)v, 1);
	CHECK_OK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0));
	st = next_stop(pid, PTRACE_CONT, 0);
	CHECK(WIFEXITED(st));
}
