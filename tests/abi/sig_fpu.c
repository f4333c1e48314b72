/* FPU, SSE, AVX and MXCSR state survives signal handlers, task switches, fork and system calls. */
#include "abi.h"
#include <cpuid.h>
#include <pthread.h>
#include <ucontext.h>

static int have_avx(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX);
}

/* The sixteen vector registers, whole: 32 bytes each with AVX, 16 without. */
struct vectors {
	uint64_t v[16][4];
} __attribute__((aligned(32)));

#define EACH(op)                                                                                \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15)
#define LOAD_Y(n) "vmovups " #n "*32(%0), %%ymm" #n "\n\t"
#define SAVE_Y(n) "vmovups %%ymm" #n ", " #n "*32(%1)\n\t"
#define LOAD_X(n) "movups " #n "*32(%0), %%xmm" #n "\n\t"
#define SAVE_X(n) "movups %%xmm" #n ", " #n "*32(%1)\n\t"
#define XMMS                                                                                     \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
		"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* Loads all, makes one system call (or spins while nr is -1), saves all. */
static void across(const struct vectors *in, struct vectors *out, long nr, long a, long b, long c)
{
	int avx = have_avx(); /* no calls once the registers are bound */
	register long rdi __asm__("rdi") = a, rsi __asm__("rsi") = b, rdx __asm__("rdx") = c;

	if (avx)
		__asm__ volatile(
			EACH(LOAD_Y) "mov %2, %%rax\n\ttest %%rax, %%rax\n\tjs 1f\n\tsyscall\n"
				     "\tjmp 2f\n1:\tmov $3000000, %%ecx\n3:\tdec %%ecx\n\tjnz 3b\n2:\n\t" EACH(
					     SAVE_Y) "vzeroupper"
			:
			: "r"(in), "r"(out), "r"(nr), "r"(rdi), "r"(rsi), "r"(rdx)
			: "rax", "rcx", "r11", "memory", XMMS);
	else
		__asm__ volatile(
			EACH(LOAD_X) "mov %2, %%rax\n\ttest %%rax, %%rax\n\tjs 1f\n\tsyscall\n"
				     "\tjmp 2f\n1:\tmov $3000000, %%ecx\n3:\tdec %%ecx\n\tjnz 3b\n2:\n\t" EACH(
					     SAVE_X)
			:
			: "r"(in), "r"(out), "r"(nr), "r"(rdi), "r"(rsi), "r"(rdx)
			: "rax", "rcx", "r11", "memory", XMMS);
}

static void fill(struct vectors *v, uint64_t seed)
{
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 4; k++)
			v->v[i][k] = seed * 0x9e3779b97f4a7c15 + i * 4 + k;
}

static int same(const struct vectors *a, const struct vectors *b)
{
	int words = have_avx() ? 4 : 2;

	for (int i = 0; i < 16; i++)
		if (memcmp(a->v[i], b->v[i], words * 8))
			return 0;
	return 1;
}

static volatile int ticks;

/* Ruins every vector register and the rounding mode, as a handler is free to. */
static void on_tick(int sig ABI_UNUSED)
{
	struct vectors v, out;
	uint32_t mxcsr = 0x7f80;

	fill(&v, 0xdead + ticks);
	across(&v, &out, SYS_getppid, 0, 0, 0);
	__asm__ volatile("ldmxcsr %0\n\tfninit\n\tfldpi" : : "m"(mxcsr));
	ticks++;
}

static void tick(long usec)
{
	struct sigaction sa = { .sa_handler = on_tick };
	struct itimerval it = { { 0, usec }, { 0, usec } };

	ticks = 0;
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
}

TEST(across_system_calls)
{
	struct vectors in, out;
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	fill(&in, 1);
	across(&in, &out, SYS_getpid, 0, 0, 0);
	CHECK(same(&in, &out));
	across(&in, &out, SYS_sched_yield, 0, 0, 0);
	CHECK(same(&in, &out));
	across(&in, &out, SYS_write, fds[1], (long)"hello", 5);
	CHECK(same(&in, &out));
	across(&in, &out, SYS_read, fds[0], (long)&fds, 1); /* a bad size on purpose: one byte */
	CHECK(same(&in, &out));
	across(&in, &out, SYS_nanosleep, (long)&(struct timespec){ 0, 1000000 }, 0, 0);
	CHECK(same(&in, &out));
	across(&in, &out, 100000, 0, 0, 0);
	CHECK(same(&in, &out));
}

TEST_FORK(across_signals_in_user_code)
{
	struct vectors in, out;

	tick(1000);
	for (int i = 0; i < 20 || ticks < 3; i++) {
		fill(&in, i);
		across(&in, &out, -1, 0, 0, 0);
		if (!CHECK(same(&in, &out)))
			break;
	}
	CHECK(ticks > 0);
}

TEST_FORK(mxcsr_and_x87_survive_a_handler)
{
	uint32_t mxcsr = 0x3f80, now = 0; /* round down */
	uint16_t cw = 0x0f7f, cw_now = 0;
	double top = 0;
	struct sigaction sa = { .sa_handler = on_tick };

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	__asm__ volatile("ldmxcsr %2\n\tfninit\n\tfldcw %3\n\tfld1\n\t"
			 "mov %[nr], %%eax\n\tsyscall\n\t"
			 "fstpl %0\n\tstmxcsr %1\n\tfnstcw %4"
			 : "=m"(top), "=m"(now), "+m"(mxcsr), "+m"(cw), "=m"(cw_now)
			 : [nr] "i"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rax", "rcx", "r11", "memory");
	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"((uint32_t){ 0x1f80 }));
	CHECK_EQ(ticks, 1);
	CHECK_EQ(now & 0xffc0, 0x3f80);
	CHECK_EQ(cw_now, 0x0f7f);
	CHECK(top == 1.0);
}

static volatile int mismatches;

static void *keeps_its_own(void *arg)
{
	struct vectors in, out;

	for (int i = 0; i < 40; i++) {
		fill(&in, (uintptr_t)arg * 1000 + i);
		across(&in, &out, i % 4 ? -1 : SYS_sched_yield, 0, 0, 0);
		if (!same(&in, &out))
			__atomic_add_fetch(&mismatches, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(across_thread_switches)
{
	pthread_t t[6];

	for (uintptr_t i = 0; i < 6; i++)
		REQUIRE(pthread_create(&t[i], NULL, keeps_its_own, (void *)i) == 0);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(mismatches, 0);
}

TEST_FORK(inherited_by_fork)
{
	struct vectors in, out;
	pid_t me = getpid();
	int st;

	fill(&in, 77);
	across(&in, &out, SYS_fork, 0, 0, 0); /* both sides come out of it */
	if (getpid() != me)
		_exit(!same(&in, &out));
	CHECK(same(&in, &out));
	CHECK(waitpid(-1, &st, 0) > 0);
	CHECK_EQ(st, 0);
}

static volatile int frame_ok;

static void on_frame(int sig ABI_UNUSED, siginfo_t *si ABI_UNUSED, void *ucp)
{
	ucontext_t *uc = ucp;
	uint32_t *sw = (uint32_t *)((char *)uc->uc_mcontext.fpregs + 464);

	frame_ok = uc->uc_mcontext.fpregs != NULL && ((uintptr_t)uc->uc_mcontext.fpregs & 63) == 0;
	if (have_avx())
		frame_ok &= sw[0] == 0x46505853;		 /* FP_XSTATE_MAGIC1 */
	uc->uc_mcontext.fpregs->_xmm[3].element[0] = 0x12345678; /* seen after sigreturn */
}

TEST_FORK(frame_layout_and_changes)
{
	struct sigaction sa = { .sa_sigaction = on_frame, .sa_flags = SA_SIGINFO };
	struct vectors in, out;

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	fill(&in, 3);
	across(&in, &out, SYS_kill, getpid(), SIGUSR1, 0);
	CHECK_EQ(frame_ok, 1);
	CHECK_EQ((uint32_t)out.v[3][0], 0x12345678);
	CHECK_EQ(out.v[4][0], in.v[4][0]);
}

static void on_regs(int sig ABI_UNUSED, siginfo_t *si ABI_UNUSED, void *ucp)
{
	ucontext_t *uc = ucp;

	frame_ok = uc->uc_mcontext.gregs[REG_RBX] == 0xb1 &&
		   uc->uc_mcontext.gregs[REG_R12] == 0x12 && uc->uc_mcontext.gregs[REG_R15] == 0x15;
	uc->uc_mcontext.gregs[REG_R12] = 0x1212;
}

TEST_FORK(general_registers)
{
	register long rbx __asm__("rbx") = 0xb1, r12 __asm__("r12") = 0x12,
			  r15 __asm__("r15") = 0x15;
	struct sigaction sa = { .sa_sigaction = on_regs, .sa_flags = SA_SIGINFO };
	long pid = getpid(), rax;

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	frame_ok = 0;
	rbx = 0xb1, r12 = 0x12, r15 = 0x15;
	__asm__ volatile("syscall"
			 : "=a"(rax), "+r"(rbx), "+r"(r12), "+r"(r15)
			 : "a"(SYS_kill), "D"(pid), "S"(SIGUSR1)
			 : "rcx", "r11", "memory");
	long a = rbx, b = r12, c = r15;
	CHECK_EQ(rax, 0);
	CHECK_EQ(frame_ok, 1);
	CHECK_EQ(a, 0xb1);
	CHECK_EQ(b, 0x1212);
	CHECK_EQ(c, 0x15);
}

TEST(flags_are_clean_in_handlers_and_kept)
{
	/* DF set by a program must not reach a handler: string code there would run backwards */
	struct sigaction sa = { .sa_handler = on_tick };
	unsigned long fl;
	long rax;

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	__asm__ volatile("std\n\tsyscall\n\tpushf\n\tpop %1\n\tcld"
			 : "=a"(rax), "=r"(fl)
			 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "memory", "cc");
	CHECK_EQ(fl & 0x400, 0x400);
	signal(SIGUSR1, SIG_DFL);
}
