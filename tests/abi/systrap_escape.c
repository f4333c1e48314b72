/*
 * What an application may not reach on the systrap platform: its stub's code is mapped into its address space and its
 * host task shares it. Whatever a thread does with them must end in that thread's death or in an ordinary system call
 * of the Sentry's. On KVM the same addresses are simply not mapped. Skipped on a plain Linux.
 */
#include "abi.h"
#include "abi_fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/utsname.h>

#define __ASSEMBLY__ /* the numbers alone */
#include "../../guest/platform/systrap/layout.h"

#define STUB_SIZE 0x800UL /* of the text that is there */
#define SLOT	  ((unsigned long)SLOT_SIZE)
#define CTX(name) (SLOT_CTX + CTX_##name)

static int in_sandbox(void)
{
	struct utsname u;

	return uname(&u) == 0 && strstr(u.release, "-moat");
}

#define NEED_SANDBOX()                                       \
	do {                                                 \
		if (!in_sandbox())                           \
			SKIP("only for the sandbox itself"); \
	} while (0)

/* Wait for pid, at most ms; then it must die of SIGKILL. */
static int reap_within(pid_t pid, int ms)
{
	int status = -1;

	for (int i = 0; i < ms; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

/* On systrap its code can be read where it is mapped; on KVM the place is the application's like any other. */
static void read_stub_text(void *arg)
{
	(void)*(volatile unsigned char *)arg;
}

static int stub_is_there(void)
{
	return abi_fault(read_stub_text, (void *)STUB_TEXT) == 0;
}

static int readable(unsigned long addr)
{
	int p[2], ok;

	if (pipe(p) < 0)
		return 0;
	ok = write(p[1], (void *)addr, 1) == 1;
	close(p[0]);
	close(p[1]);
	return ok;
}

TEST(int80)
{
	pid_t pid;
	int status;

	NEED_SANDBOX();
	pid = fork();
	if (pid == 0) {
		long ret;

		__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory");
		_exit(0);
	}
	status = reap_within(pid, 5000);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST(mappings_refused)
{
	NEED_SANDBOX();
	if (!stub_is_there())
		SKIP("no stub here: the application may map these addresses");
	CHECK(mmap((void *)STUB_TEXT, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == MAP_FAILED);
	CHECK(munmap((void *)STUB_TEXT, 4096) < 0 || !readable(STUB_TEXT));
	CHECK(mprotect((void *)STUB_CMD, 4096, PROT_READ | PROT_WRITE) < 0);
	CHECK(mremap((void *)STUB_TEXT, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(!readable(STUB_TEXT));
	CHECK(!readable(STUB_CMD));
	CHECK(syscall(SYS_futex, STUB_BASE + CTX(STATE), 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0) <=
	      0);
}

TEST(command_page_is_read_only)
{
	pid_t pid;
	int status;

	NEED_SANDBOX();
	pid = fork();
	if (pid == 0) {
		*(volatile int *)STUB_CMD = 1;
		_exit(0);
	}
	status = reap_within(pid, 5000);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* With registers that make the most of it: pointers into the stub's data, small numbers, the command page. */
static void jump(unsigned long to, unsigned long seed)
{
	unsigned long v[4] = { STUB_CMD, STUB_BASE + SLOT_CTX, seed & 0xff,
			       seed * 0x9e3779b97f4a7c15UL };

	__asm__ volatile(
		"mov %1, %%rax; mov %2, %%rbx; mov %3, %%rcx; mov %4, %%rdi; mov %2, %%rsi; mov %3, %%rdx;"
		"mov %2, %%r12; mov %1, %%r15; xor %%r14d, %%r14d; mov $3, %%r13d; jmp *%0"
		:
		: "r"(to), "m"(v[seed % 4]), "m"(v[(seed >> 2) % 4]), "m"(v[(seed >> 4) % 4]),
		  "m"(v[(seed >> 6) % 4])
		: "rax", "rbx", "rcx", "rdi", "rsi", "rdx", "r12", "r13", "r14", "r15", "memory");
}

TEST(jump_into_stub)
{
	unsigned long off, step = getenv("TEST_FULL") ? 3 : 19;

	NEED_SANDBOX();
	for (off = 0; off < STUB_SIZE; off += step) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			jump(STUB_TEXT + off, off);
			_exit(0);
		}
		status = reap_within(pid, 15);
		CHECK(status != -1);
	}
}

/* A host mmap made by the stub's own SYSCALL instruction would be a mapping that the Sentry does not know. */
static void *jumper(void *arg)
{
	register long r10 __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	register long r8 __asm__("r8") = -1;
	register long r9 __asm__("r9") = 0;

	__asm__ volatile("jmp *%0"
			 :
			 : "b"(arg), "a"(SYS_mmap), "D"(0x30000000UL), "S"(4096UL),
			   "d"(PROT_READ | PROT_WRITE), "r"(r10), "r"(r8), "r"(r9)
			 : "memory", "rcx", "r11");
	return NULL;
}

static int known_to_sentry(unsigned long addr)
{
	unsigned char vec;

	return mincore((void *)addr, 4096, &vec) == 0;
}

static sigjmp_buf escape;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(escape, 1);
}

TEST(stub_syscall_instructions)
{
	const unsigned char *text = (const unsigned char *)STUB_TEXT;
	volatile unsigned tried = 0;
	unsigned i;

	NEED_SANDBOX();
	signal(SIGSEGV, on_segv);
	if (sigsetjmp(escape, 1)) {
		signal(SIGSEGV, SIG_DFL);
		return; /* not mapped: KVM */
	}
	for (i = 0; i + 1 < STUB_SIZE; i++) {
		pid_t pid;
		int status;

		if (text[i] != 0x0f || text[i + 1] != 0x05)
			continue;
		tried++;
		pid = fork();
		if (pid == 0) {
			pthread_t t;

			signal(SIGSEGV, SIG_DFL);
			pthread_create(&t, NULL, jumper, (void *)(text + i));
			usleep(20000);
			if (known_to_sentry(0x30000000UL))
				_exit(0); /* the Sentry made it */
			signal(SIGSEGV, on_segv);
			if (sigsetjmp(escape, 1))
				_exit(0); /* nobody did */
			*(volatile int *)0x30000000UL = 1;
			_exit(66); /* the host did, behind the Sentry's back */
		}
		status = reap_within(pid, 1000);
		CHECK(!(WIFEXITED(status) && WEXITSTATUS(status) == 66));
	}
	signal(SIGSEGV, SIG_DFL);
	CHECK(tried > 3);
}

static unsigned long slot_base(void)
{
	unsigned long gs = 0;

	__asm__ volatile("rdgsbase %0" : "=r"(gs));
	return gs >= STUB_BASE && gs < STUB_CMD ? gs & ~(SLOT - 1) : 0;
}

/* Overwrite the context with noise while running, from the thread itself: whatever the Sentry reads there is nonsense. */
TEST(scribble_own_context)
{
	NEED_SANDBOX();
	for (unsigned seed = 1; seed < 20; seed++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			unsigned long base = slot_base(), x = seed * 88172645463325252UL;
			volatile unsigned long *p = (void *)base;

			if (!base)
				_exit(0);
			for (int round = 0; round < 100; round++) {
				for (unsigned i = 0; i < SLOT / 8; i++) {
					x ^= x << 13;
					x ^= x >> 7;
					x ^= x << 17;
					if (seed % 4 == 0)
						p[i] = x;
					else if (x % 16 < seed % 16)
						p[i] = seed & 1 ? x : x & 0xffff;
				}
				getppid();
			}
			_exit(0);
		}
		status = reap_within(pid, 200);
		CHECK(status != -1);
	}
}

static volatile int stop_forging;

static void *forger(void *arg)
{
	volatile unsigned *state = (void *)((unsigned long)arg + CTX(STATE)),
			  *event = (void *)((unsigned long)arg + CTX(EVENT));
	unsigned n = 0;

	while (!stop_forging) {
		*event = n++ % 7;
		*state = n % 5;
	}
	return NULL;
}

/* Another thread of the process forges events of this one. */
TEST(forge_events)
{
	NEED_SANDBOX();
	for (unsigned seed = 1; seed < 10; seed++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			unsigned long base = slot_base();
			pthread_t t;

			if (!base)
				_exit(0);
			pthread_create(&t, NULL, forger, (void *)base);
			for (int i = 0; i < 20000; i++)
				getppid();
			_exit(0);
		}
		status = reap_within(pid, 300);
		CHECK(status != -1);
	}
}

/* Loops in the stub's text must be preempted and killable like any other loop. */
TEST(spin_in_stub)
{
	const unsigned char *text = (const unsigned char *)STUB_TEXT;

	NEED_SANDBOX();
	signal(SIGSEGV, on_segv);
	if (sigsetjmp(escape, 1)) {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	for (unsigned i = 0; i + 1 < STUB_SIZE; i++) {
		struct timespec a, b;
		pid_t pid;

		if (text[i] != 0xf3 || text[i + 1] != 0x90) /* pause: the spin loop */
			continue;
		pid = fork();
		if (pid == 0) {
			unsigned long base = slot_base();
			static unsigned ctx[0x1000];

			signal(SIGSEGV, SIG_DFL);
			if (!base)
				_exit(0);
			/* rbx at our own memory: state EVENT for ever, spin not called off, the counter far from 0 */
			for (unsigned k = 0; k < 0x1000; k++)
				ctx[k] = 1;
			__asm__ volatile("jmp *%0"
					 :
					 : "a"(text + i), "b"(ctx), "c"(0x7fffffff)
					 : "memory");
		}
		usleep(20000);
		kill(pid, SIGKILL);
		clock_gettime(CLOCK_MONOTONIC, &a);
		waitpid(pid, NULL, 0);
		clock_gettime(CLOCK_MONOTONIC, &b);
		CHECK((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 10000);
	}
	signal(SIGSEGV, SIG_DFL);
}

/* The loop that no kick leads out of: the stub's way back from a kick, with a forged frame that returns to itself. */
static void loop_by_forged_frame(unsigned char *nested)
{
	static unsigned long uc[40] __attribute__((aligned(64)));
	static char fpu[16384] __attribute__((aligned(64)));
	static unsigned long ctx[0x200], stack[64];

	__asm__ volatile("xsave64 (%0)" : : "r"(fpu), "a"(3), "d"(0) : "memory");
	ctx[CTX_XMASK / 8] = 3;
	uc[40 / 8 + 8] = 10;				      /* rdi: the kick's number */
	uc[40 / 8 + 9] = uc[40 / 8 + 12] = (unsigned long)uc; /* rsi, rdx */
	uc[40 / 8 + 11] = (unsigned long)ctx;		      /* rbx */
	uc[40 / 8 + 13] = 0x1000;			      /* rax: neither waits nor resumes */
	uc[160 / 8] = (unsigned long)(stack + 60);
	uc[168 / 8] = (unsigned long)nested;
	uc[176 / 8] = 0x202;
	uc[224 / 8] = (unsigned long)fpu;
	__asm__ volatile("jmp *%0"
			 :
			 : "r"(nested), "a"(0x1000), "b"(ctx), "d"(uc), "S"(uc), "D"(10)
			 : "memory");
}

TEST(loop_in_kick_path)
{
	const unsigned char *text = (const unsigned char *)STUB_TEXT;
	unsigned tried = 0;

	NEED_SANDBOX();
	if (!stub_is_there())
		SKIP("no stub here");
	/* cmp $10, %edi */
	for (unsigned i = 0; i + 2 < STUB_SIZE; i++) {
		int64_t start;
		pid_t pid;

		if (text[i] != 0x83 || text[i + 1] != 0xff || text[i + 2] != 0x0a)
			continue;
		tried++;
		pid = fork();
		if (pid == 0) {
			loop_by_forged_frame((unsigned char *)text + i);
			_exit(0);
		}
		usleep(20000);
		start = abi_now_ns();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		CHECK(abi_now_ns() - start < 10000000000LL);
	}
	CHECK(tried == 1);
}

/* Sleep where the Sentry never wakes: the stub's own futex call, waiting for the state of a running thread to change. */
TEST(sleep_in_stub)
{
	const unsigned char *text = (const unsigned char *)STUB_TEXT;

	NEED_SANDBOX();
	if (!stub_is_there())
		SKIP("no stub here");
	for (unsigned i = 0; i + 1 < STUB_SIZE; i++) {
		int64_t start;
		pid_t pid;

		if (text[i] != 0x0f || text[i + 1] != 0x05)
			continue;
		pid = fork();
		if (pid == 0) {
			unsigned long base = slot_base();
			register long r10 __asm__("r10") = 0;

			if (!base)
				_exit(0);
			__asm__ volatile("jmp *%0"
					 :
					 : "r"(text + i), "a"(SYS_futex), "D"(base + CTX(STATE)),
					   "S"(0L), "d"(2L), "b"(base + SLOT_CTX), "r"(r10)
					 : "memory");
		}
		usleep(5000);
		start = abi_now_ns();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		CHECK(abi_now_ns() - start < 10000000000LL);
	}
}

static unsigned long shared_slot;

/* A thread of another process in the same address space, which ends itself by an event that is none. */
static int die_of_nonsense(void *arg)
{
	unsigned long base = slot_base();

	(void)arg;
	*(volatile unsigned long *)&shared_slot = base;
	if (!base)
		return 0;
	for (;;) {
		*(volatile unsigned *)(base + CTX(EVENT)) = 99; /* event */
		*(volatile unsigned *)(base + CTX(STATE)) = 1;	/* state: EVENT */
	}
}

static void write_slot(void *arg)
{
	*(volatile unsigned char *)arg = 0x55;
}

/* The slot of a thread that is gone serves the next, perhaps of another process: this one must not reach it any more. */
TEST(slot_of_the_dead)
{
	static char stack[65536] __attribute__((aligned(16)));
	unsigned seen = 0;

	NEED_SANDBOX();
	if (!stub_is_there())
		SKIP("no stub here");
	for (int round = 0; round < 5; round++) {
		pid_t dead, next;
		int status, p[2];
		char c;

		shared_slot = 0;
		dead = clone(die_of_nonsense, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
		REQUIRE(dead > 0);
		status = reap_within(dead, 5000);
		if (!shared_slot)
			SKIP("the thread has a GS base of its own");
		CHECK(WIFSIGNALED(status));
		REQUIRE(pipe(p) == 0);
		next = fork(); /* a new process takes the free slot */
		if (next == 0) {
			read(p[0], &c, 1);
			_exit(0);
		}
		usleep(2000);
		if (abi_fault(write_slot, (void *)(shared_slot + 0x100)) == 0)
			seen++;
		close(p[1]);
		close(p[0]);
		kill(next, SIGKILL);
		waitpid(next, NULL, 0);
	}
	CHECK_EQ(seen, 0);
}

static volatile int stop_meddling;

/* Writes to the state words of slots that the process gets next, while its threads are being made. */
static void *meddler(void *arg)
{
	unsigned long base = (unsigned long)arg;
	unsigned n = 0;

	signal(SIGSEGV, on_segv);
	while (!stop_meddling) {
		for (unsigned i = 1; i < 8; i++) {
			if (sigsetjmp(escape, 1))
				continue;
			*(volatile unsigned *)(base + i * SLOT + CTX(STATE)) = n++ % 5;
		}
	}
	return NULL;
}

static void *short_thread(void *arg)
{
	return arg;
}

TEST(meddle_with_birth)
{
	NEED_SANDBOX();
	if (!stub_is_there())
		SKIP("no stub here");
	for (unsigned round = 0; round < 3; round++) {
		int64_t start;
		pid_t pid = fork();

		if (pid == 0) {
			unsigned long base = slot_base();
			pthread_t m, t;

			if (!base || pthread_create(&m, NULL, meddler, (void *)base))
				_exit(0);
			for (int i = 0; i < 50; i++)
				if (pthread_create(&t, NULL, short_thread, NULL) == 0)
					pthread_detach(t);
			_exit(0);
		}
		usleep(50000);
		start = abi_now_ns();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		CHECK(abi_now_ns() - start < 10000000000LL);
	}
}
