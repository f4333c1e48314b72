/* The main stack grows on demand up to RLIMIT_STACK; below it SIGSEGV, on the alternate stack. */
#include "abi_fault.h"
#include <alloca.h>
#include <pthread.h>

static __attribute__((noinline)) size_t recurse(int depth)
{
	volatile char frame[4000];

	memset((void *)frame, depth, sizeof(frame));
	if (depth == 0)
		return 1;
	return recurse(depth - 1) + (frame[17] == (char)depth);
}

TEST_FORK(deep_recursion)
{
	CHECK_EQ(recurse(1500), 1501); /* 6 MB of 8 */
}

TEST_FORK(jump_far_down)
{
	/* one large frame, touched at its bottom first */
	volatile char *p = alloca(4 << 20);

	p[0] = 1;
	CHECK_EQ(p[0], 1);
	p[2 << 20] = 2;
	CHECK_EQ(p[2 << 20], 2);
}

TEST_FORK(syscall_grows_stack)
{
	/* the first touch of fresh stack is the kernel's own copy */
	volatile char *p = alloca(1 << 20);
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(read(fds[0], (void *)p, 3), 3);
	CHECK_EQ(p[2], 'c');
}

static __attribute__((noinline)) int forever(int n)
{
	volatile char frame[1024];

	if (n < 0)
		return 0;
	frame[0] = n;
	frame[1023] = n;
	return forever(n + 1) + frame[0] + frame[1023];
}

TEST_FORK(overflow_kills)
{
	struct rlimit r = { 1 << 20, 1 << 20 };

	CHECK_OK(setrlimit(RLIMIT_STACK, &r));
	CHILD_DIES(SIGSEGV)
	{
		forever(0);
	}
}

static void on_segv(int sig, siginfo_t *si, void *uc ABI_UNUSED)
{
	char here;
	stack_t ss;

	sigaltstack(NULL, &ss);
	_exit(sig == SIGSEGV && ss.ss_flags == SS_ONSTACK && &here > (char *)ss.ss_sp &&
			      &here < (char *)ss.ss_sp + ss.ss_size && si->si_addr
		      ? 0
		      : 1);
}

TEST_FORK(overflow_on_alternate_stack)
{
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };
	struct rlimit r = { 1 << 20, 1 << 20 };

	CHECK_OK(setrlimit(RLIMIT_STACK, &r));
	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	CHECK_EQ(forever(0), 0);
}

static void *thread_overflow(void *arg)
{
	return (void *)(uintptr_t)forever((int)(uintptr_t)arg);
}

TEST_FORK(thread_guard_page)
{
	CHILD_DIES(SIGSEGV)
	{
		pthread_attr_t at;
		pthread_t t;

		pthread_attr_init(&at);
		pthread_attr_setstacksize(&at, 65536);
		pthread_create(&t, &at, thread_overflow, NULL);
		pthread_join(t, NULL);
	}
}

TEST(growsdown_area)
{
	/* an area of our own that grows: room below it, one page at first */
	char *base = mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	REQUIRE(base != MAP_FAILED);
	CHECK_OK(munmap(base, 1024 * PAGE));
	p = mmap(base + 1000 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	REQUIRE(p == base + 1000 * PAGE);
	p[0] = 1;
	CHECK_EQ(FAULT_WRITE(p - 8), 0);
	CHECK_EQ(FAULT_WRITE(p - 2 * PAGE), 0);
	CHECK_OK(munmap(base, 1024 * PAGE));
}

TEST(stack_is_not_executable)
{
	volatile unsigned char code[16] = { 0xc3 };

	CHECK_EQ(FAULT_EXEC(code), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_ACCERR);
}
