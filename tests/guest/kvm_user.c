/*
 * kvm_user.c - ring 3 under the KVM platform: every way in, with registers, flags and segment bases checked on both
 * sides; user copies; single step; FPU state.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/platform.h"
#include "tests/guest/kvm_test.h"

#define CODE  0x400000UL
#define STACK 0x500000UL

static struct pmap *pm;
static struct utask *u;
static paddr_t code_pa, stack_pa;
static u64
	fault_grant; /* test_fault maps a zeroed page here, with write access only when asked for */
static unsigned faults;

int test_fault(uaddr_t addr, unsigned access)
{
	faults++;
	if (ALIGN_DOWN(addr, PAGE_SIZE) != fault_grant)
		return -EFAULT;
	CHECK(pmap_map(pm, fault_grant, PAGE_SIZE, frame_alloc(ZONE_SMALL, 0, FRAME_ZERO),
		       PMAP_R | PMAP_W) == 0);
	return 0;
}

/* Load a blob and start it afresh. */
static struct user_regs *start(const char *from, const char *end)
{
	struct user_regs *r;

	memset(paddr_to_ptr(code_pa), 0x90, PAGE_SIZE);
	memcpy(paddr_to_ptr(code_pa), from, end - from);
	CHECK(utask_exec(u, pm) == 0);
	r = utask_regs(u);
	r->rip = CODE;
	r->rsp = STACK + PAGE_SIZE;
	return r;
}

#define START(name) start(blob_##name, blob_##name##_end)

static struct stop run(void)
{
	struct stop s;

	memset(&s, 0xaa, sizeof(s));
	do
		enter_user(u, &s);
	while (s.kind == STOP_INTERRUPT);
	return s;
}

static void expect_exception(const char *name, unsigned vector, u64 code, u64 rip)
{
	struct stop s = run();

	if (s.kind != STOP_EXCEPTION || s.vector != vector || s.code != code ||
	    utask_regs(u)->rip != rip)
		say("%s: kind %d vector %u code %lx rip %lx", name, s.kind, s.vector,
		    (unsigned long)s.code, (unsigned long)utask_regs(u)->rip);
	CHECK(s.kind == STOP_EXCEPTION && s.vector == vector && s.code == code);
	CHECK(utask_regs(u)->rip == rip && utask_regs(u)->orig_rax == (u64)-1);
	say("ok %s", name);
}

static void expect_syscall(u64 nr)
{
	CHECK(run().kind == STOP_SYSCALL);
	CHECK(utask_regs(u)->orig_rax == nr);
}

static void test_registers(void)
{
	struct user_regs *r = START(getpid);

	expect_syscall(39);
	CHECK(r->rdi == 0x1111 && r->rsi == 0x2222 && r->rdx == 0x3333 && r->r10 == 0x4444 &&
	      r->r8 == 0x5555 && r->r9 == 0x6666);
	CHECK(r->rbx == 0x7777 && r->r15 == 0x8888 && r->rsp == STACK + PAGE_SIZE &&
	      r->rip == r->rcx && r->rflags == r->r11);
	utask_restart(u);
	expect_syscall(39);
	r->rax = 4711;
	expect_syscall(60);
	CHECK(r->rdi == 4711 && r->rbx == 0x7777 && r->r15 == 0x8888);
	/* A register set that SYSRET could not restore. */
	START(getpid);
	expect_syscall(39);
	r->rcx = 1;
	r->r11 = 2;
	r->rax = 5;
	expect_syscall(60);
	CHECK(r->rdi == 5);
	say("ok registers, restart, SYSRET and IRETQ");
}

static void test_faults(void)
{
	struct user_regs *r = START(fault);
	struct stop s = run();

	CHECK(s.kind == STOP_FAULT && s.addr == 0x700000 && s.access == ACCESS_READ &&
	      !(s.code & 1));
	fault_grant = 0x700000;
	CHECK(test_fault(s.addr, s.access) == 0);
	pmap_protect(pm, 0x700000, PAGE_SIZE, PMAP_R);
	pmap_commit(pm);
	s = run();
	CHECK(s.kind == STOP_FAULT && s.addr == 0x700008 && s.access == ACCESS_WRITE &&
	      (s.code & 1));
	pmap_protect(pm, 0x700000, PAGE_SIZE, PMAP_R | PMAP_W);
	pmap_commit(pm);
	s = run();
	CHECK(s.kind == STOP_FAULT && s.addr == 0x700000 && s.access == ACCESS_EXEC &&
	      r->rip == 0x700000);
	pmap_unmap(pm, 0x700000, PAGE_SIZE);
	pmap_commit(pm);
	START(kernel_read);
	s = run();
	CHECK(s.kind == STOP_FAULT && s.addr == 0xffffffff80200000 && s.access == ACCESS_READ);
	say("ok page faults");
}

static void test_exceptions(void)
{
	struct user_regs *r = START(ud2);

	expect_exception("#UD", 6, 0, CODE);
	START(int3);
	expect_exception("int3", 3, 0, CODE + 1);
	START(div0);
	expect_exception("divide error", 0, 0, CODE + 9);
	START(hlt);
	expect_exception("hlt", VEC_GP, 0, CODE);
	START(int80);
	{
		/* The error code is 8 times the vector plus 2; QEMU says 16 times. */
		struct stop s = run();

		CHECK(s.kind == STOP_EXCEPTION && s.vector == VEC_GP && r->rip == CODE);
		say("ok int 0x80");
	}
	START(sysenter);
	{
		struct stop s = run();

		CHECK(s.kind == STOP_EXCEPTION && (s.vector == VEC_GP || s.vector == 6) &&
		      r->rip == CODE);
		say("ok sysenter");
	}
	START(noncanonical);
	CHECK(run().vector == VEC_GP);
	r->rip = 1ULL << 47; /* as a debugger might set it */
	expect_exception("RIP not canonical", VEC_GP, 0, 1ULL << 47);
	START(farjmp32);
	CHECK(run().vector == VEC_GP && r->rip < CODE + 32);
	say("ok no 32-bit code segment");
	START(movss);
	{
		struct stop s = run();

		/* Processors differ in whether the single step of SYSCALL is seen; what counts is that ring 0 survives. */
		while (s.kind == STOP_EXCEPTION && s.vector == VEC_DB)
			s = run();
		CHECK(s.kind == STOP_SYSCALL);
		say("ok MOV SS; SYSCALL under TF");
	}
	START(movss_int3);
	expect_exception("MOV SS; INT3", 3, 0, CODE + 5);
	START(trapflag);
	CHECK(run().vector == VEC_DB && r->rip >= CODE + 10);
	say("ok TF");
	START(align);
	{
		/* QEMU has no alignment check and runs on to the end of the page. */
		struct stop s = run();

		CHECK(s.vector == 17 || (s.kind == STOP_FAULT && s.addr == CODE + PAGE_SIZE));
		say("ok alignment check%s", s.vector == 17 ? "" : " (this machine has none)");
	}
	START(popf);
	expect_syscall(1);
	CHECK((r->rflags & 0x244400) == 0x244400);
	run();
	CHECK((r->rdi & 0x244400) == 0x244400);
	say("ok NT, AC, DF, ID");
}

static void test_step(void)
{
	struct user_regs *r = START(getpid);

	utask_single_step(u, true);
	CHECK(run().vector == VEC_DB && r->rip == CODE + 5 && r->rax == 39 &&
	      !(r->rflags & RFLAGS_TF));
	CHECK(run().vector == VEC_DB && r->rip == CODE + 10);
	utask_single_step(u, false);
	expect_syscall(39);
	say("ok single step");
}

static void test_bases(void)
{
	struct user_regs *r = START(badgs);

	expect_exception("GS base of the Sentry's half", 3, 0, CODE + 21);
	CHECK(utask_regs(u)->gs_base == 0xffffffff80200000 && r->fs_base == 0xffffffff80200000);
	expect_syscall(2);
	run();
	CHECK(r->rdi == 0xffffffff80200000 && r->rsi == 0xffffffff80200000);
	START(clearfs);
	run();
	CHECK(r->rdi == 0x2b);
	utask_switch_out(u);
	utask_switch_in(u);
	START(bases);
	r->fs_base = 0xabc000;
	r->gs_base = 0xdef000;
	expect_syscall(3);
	CHECK(r->rdi == 0xabc000 && r->rsi == 0xdef000);
	run();
	CHECK(utask_regs(u)->fs_base == 0x1000 && r->gs_base == 0x2000);
	r->fs_base = 0xabc000; /* what it was when the Sentry last set it */
	utask_switch_out(u);
	utask_switch_in(u);
	run();
	CHECK(r->rdi == 0xabc000 && r->rsi == 0x2000);
	say("ok segment bases");
}

static void test_fpu(void)
{
	struct user_regs *r = START(fpu);
	static u8 image[8192] __attribute__((aligned(64)));
	struct utask *v;
	u64 other = 0x1122334455667788;
	int i;

	r->rdi = 0xfeedfacecafebeef;
	expect_syscall(5);
	v = utask_clone(pm, u);
	CHECK(!IS_ERR(v));
	for (i = 0; i < 4; i++) {
		utask_switch_out(u);
		utask_switch_in(v);
		utask_fpu_reset(v);
		utask_switch_out(v);
		utask_switch_in(u);
		expect_syscall(5);
		CHECK(r->rsi == r->rdi && r->rdx == r->rdi && r->r10 == r->rdi);
	}
	utask_destroy(v);
	utask_fpu_save(u, image);
	CHECK(*(u64 *)(image + 160) == r->rdi);
	memcpy(image + 160 + 15 * 16, &other, 8);
	CHECK(utask_fpu_load(u, image) == 0);
	expect_syscall(5);
	CHECK(r->rsi == r->rdi && r->rdx == other);
	image[512 + 7] = 0x80;
	CHECK(utask_fpu_load(u, image) == -EINVAL);
	image[512 + 7] = 0;
	image[512 + 20] = 1;
	CHECK(utask_fpu_load(u, image) == -EINVAL);
	image[512 + 20] = 0;
	image[27] = 0x80;
	CHECK(utask_fpu_load(u, image) == -EINVAL);
	say("ok FPU state");
}

static void test_copies(void)
{
	static char buf[3 * PAGE_SIZE];
	u32 prev;

	START(ud2);
	fault_grant = 0x701000;
	faults = 0;
	memset(buf, 'x', sizeof(buf));
	CHECK(user_write(0x701ff0, buf, 32) == 16 &&
	      faults == 2); /* the second page stays missing */
	CHECK(user_read(buf, 0x701fe0, 32) == 0 && buf[15] == 0 && buf[16] == 'x');
	CHECK(user_read(buf, USER_END - 4, 8) == 8);
	CHECK(user_read(buf, 0xffffffff80200000, 8) == 8);
	CHECK(user_zero(0x701ff0, 16) == 0 && user_string(buf, 0x701ff0, 64) == 0);
	CHECK(user_write(0x701ffc, "abcd", 4) == 0 && user_string(buf, 0x701ffc, 64) == -EFAULT);
	CHECK(user_string(buf, 0x701ffc, 4) == -ENAMETOOLONG);
	CHECK(user_write(0x701800, "hello", 6) == 0 && user_string(buf, 0x701800, 4096) == 5 &&
	      !strcmp(buf, "hello"));
	CHECK(user_cmpxchg32(0x701800, 1, 2, &prev) == 0 && prev == 0x6c6c6568);
	CHECK(user_cmpxchg32(0x701800, prev, 2, &prev) == 0 &&
	      user_cmpxchg32(0x701800, 2, 3, &prev) == 0 && prev == 2);
	CHECK(user_cmpxchg32(0x703000, 1, 2, &prev) == -EFAULT);
	say("ok user copies");
}

/* The timer ends a loop in ring 3, again and again, and also where an earlier deadline was overtaken by a later one. */
static void test_preemption(void)
{
	u32 before = timer_count[0];
	struct stop s;
	u64 t0;
	int i;

	START(spin);
	for (i = 0; i < 5; i++) {
		t0 = clock_mono();
		cpu_timer_set(t0 + 1000000);
		cpu_timer_set(0);
		cpu_timer_set(t0 + 3000000);
		do {
			enter_user(u, &s);
			CHECK(s.kind == STOP_INTERRUPT);
		} while (timer_count[0] == before + i);
		CHECK(timer_count[0] == before + i + 1 && clock_mono() - t0 >= 3000000);
	}
	say("ok preemption, the last after %lu us", (unsigned long)((clock_mono() - t0) / 1000));
}

static void test_speed(void)
{
	struct user_regs *r = START(loop);
	u64 n = 200000, t0;

	r->rbx = n;
	t0 = clock_mono();
	do
		run();
	while (r->orig_rax == 39 && (r->rax = 39));
	say("ok %lu ns per system call", (unsigned long)((clock_mono() - t0) / n));
}

void test_user(void)
{
	pm = pmap_create();
	CHECK(!IS_ERR(pm));
	u = utask_create(pm);
	CHECK(!IS_ERR(u));
	code_pa = frame_alloc(ZONE_SMALL, 0, 0);
	stack_pa = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO);
	CHECK(pmap_map(pm, CODE, PAGE_SIZE, code_pa, PMAP_R | PMAP_X) == 0);
	CHECK(pmap_map(pm, STACK, PAGE_SIZE, stack_pa, PMAP_R | PMAP_W) == 0);
	utask_switch_in(u);
	test_registers();
	test_faults();
	test_exceptions();
	test_step();
	test_bases();
	test_fpu();
	test_copies();
	test_preemption();
	test_speed();
	utask_switch_out(u);
	utask_destroy(u);
	pmap_destroy(pm);
}
