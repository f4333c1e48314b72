/* rseq registration and its CPU numbers, restart of a critical section, membarrier commands. */
#include "abi.h"
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <pthread.h>

/* glibc registers an area for each thread; these symbols say where. */
extern const ptrdiff_t __rseq_offset;
extern const unsigned int __rseq_size;
#define SIG 0x53053053

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

TEST(libc_registration_works)
{
	struct rseq *r = area();

	if (!__rseq_size)
		SKIP("libc could not register rseq");
	CHECK(r->cpu_id < 1024);
	for (int i = 0; i < 50; i++) {
		unsigned a = *(volatile uint32_t *)&r->cpu_id, cpu;

		syscall(SYS_getcpu, &cpu, NULL, NULL);
		if (a == *(volatile uint32_t *)&r->cpu_id)
			if (!CHECK_EQ(cpu, a))
				break;
	}
	CHECK_EQ(r->cpu_id_start, r->cpu_id);
}

TEST_FORK(register_rules)
{
	struct rseq *r = area();
	static struct rseq other __attribute__((aligned(32)));

	if (!__rseq_size)
		SKIP("libc could not register rseq");
	CHECK_ERRNO(syscall(SYS_rseq, &other, 32, 0, SIG), EINVAL); /* another area is registered */
	CHECK_ERRNO(syscall(SYS_rseq, r, 32, 0, SIG), EBUSY);	    /* this very one */
	CHECK_ERRNO(syscall(SYS_rseq, r, 32, 0, SIG + 1), EPERM);   /* with another signature */
	CHECK_ERRNO(syscall(SYS_rseq, r, 32, 0x100, SIG), EINVAL);
	CHECK_ERRNO(syscall(SYS_rseq, r, 32, RSEQ_FLAG_UNREGISTER, SIG + 1), EPERM);
	CHECK_ERRNO(syscall(SYS_rseq, &other, 32, RSEQ_FLAG_UNREGISTER, SIG), EINVAL);
	CHECK_OK(syscall(SYS_rseq, r, 32, RSEQ_FLAG_UNREGISTER, SIG));
	CHECK_EQ((int)r->cpu_id, RSEQ_CPU_ID_UNINITIALIZED);
	CHECK_ERRNO(syscall(SYS_rseq, r, 32, RSEQ_FLAG_UNREGISTER, SIG), EINVAL);
	CHECK_ERRNO(syscall(SYS_rseq, (char *)&other + 4, 32, 0, SIG), EINVAL); /* not aligned */
	CHECK_ERRNO(syscall(SYS_rseq, &other, 16, 0, SIG), EINVAL);
	CHECK_ERRNO(syscall(SYS_rseq, (void *)0x7ffffffffff000, 32, 0, SIG), EFAULT);
	CHECK_OK(syscall(SYS_rseq, &other, 32, 0, SIG));
	CHECK(other.cpu_id < 1024);
	IN_CHILD
	{
		unsigned cpu = other.cpu_id; /* inherited by fork, at the same address */

		CHECK(cpu < 1024);
		CHECK_ERRNO(syscall(SYS_rseq, &other, 32, 0, SIG), EBUSY);
	}
}

static volatile unsigned long long commits, aborts;
static volatile int stop;

/*
 * A critical section that counts in a loop and must be aborted when a signal or a switch comes in
 * its midst. The abort handler is preceded by the signature.
 */
static void critical(struct rseq *r)
{
	static struct rseq_cs cs __attribute__((aligned(32)));
	unsigned long spin = 20000;

	__asm__ volatile goto("lea 1f(%%rip), %%rax\n\t"
			      "mov %%rax, 8(%[cs])\n\t" /* start_ip */
			      "lea 2f(%%rip), %%rcx\n\t"
			      "sub %%rax, %%rcx\n\t"
			      "mov %%rcx, 16(%[cs])\n\t" /* post_commit_offset */
			      "lea 4f(%%rip), %%rax\n\t"
			      "mov %%rax, 24(%[cs])\n\t" /* abort_ip */
			      "mov %[cs], 8(%[r])\n"	 /* rseq_cs: from here on it counts */
			      "1:\n\t"
			      "mov %[spin], %%rax\n"
			      "5:\tdec %%rax\n\t"
			      "jnz 5b\n\t"
			      "2:\n\t"
			      "jmp 3f\n\t"
			      ".byte 0x0f, 0xb9, 0x3d\n\t"
			      ".long 0x53053053\n"
			      "4:\n\t"
			      "jmp %l[aborted]\n"
			      "3:\n\t"
			      :
			      : [cs] "r"(&cs), [r] "r"(r), [spin] "r"(spin)
			      : "rax", "rcx", "memory", "cc"
			      : aborted);
	commits++;
	return;
aborted:
	aborts++;
}

static void on_tick(int sig ABI_UNUSED)
{
}

TEST_FORK(critical_section_is_aborted)
{
	struct sigaction sa = { .sa_handler = on_tick };
	struct itimerval it = { { 0, 500 }, { 0, 500 } };
	int64_t end = abi_now_ns() + 8000000000LL;

	if (!__rseq_size)
		SKIP("libc could not register rseq");
	CHECK_OK(sigaction(SIGALRM, &sa, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	while ((aborts < 3 || commits < 3) && abi_now_ns() < end)
		critical(area());
	CHECK(aborts >= 3);
	CHECK(commits >= 3);
	CHECK_EQ(area()->rseq_cs, 0); /* the kernel clears it at abort */
}

TEST_FORK(bad_section_is_deadly)
{
	if (!__rseq_size)
		SKIP("libc could not register rseq");
	CHILD_DIES(SIGSEGV)
	{
		area()->rseq_cs = (uintptr_t)bad_ptr();
		raise(SIGCHLD); /* any return by way of signal delivery or a switch */
		for (int i = 0; i < 1000; i++)
			sched_yield(), abi_sleep_ms(1);
	}
}

TEST(membarrier)
{
	long cmds = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	REQUIRE(cmds >= 0);
	CHECK(cmds & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
	if (cmds & MEMBARRIER_CMD_GLOBAL)
		CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	IN_CHILD
	{
		CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
		CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
		CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
		CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
	}
}

static volatile int x, y;

static void *reader(void *arg)
{
	while (!stop) {
		int a = y;

		__asm__ volatile("" : : : "memory");
		if (a > x)
			__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST_FORK(membarrier_orders)
{
	pthread_t t;
	int bad = 0;

	CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	REQUIRE(pthread_create(&t, NULL, reader, &bad) == 0);
	for (int i = 1; i < 2000; i++) {
		x = i;
		CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
		y = i;
	}
	stop = 1;
	pthread_join(t, NULL);
	CHECK_EQ(bad, 0);
}
