/* clone3: argument size handling, field checks, pidfd, set_tid, and a thread made with it. */
#include "abi.h"
#include <linux/sched.h>

static long clone3(struct clone_args *a, size_t n)
{
	return syscall(SYS_clone3, a, n);
}

TEST(like_fork)
{
	struct clone_args a = { .exit_signal = SIGCHLD };
	long p = clone3(&a, sizeof(a));
	int st;

	if (p == 0)
		_exit(5);
	REQUIRE(p > 0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(WEXITSTATUS(st), 5);
}

TEST(sizes)
{
	struct {
		struct clone_args a;
		uint64_t extra[4];
	} x = { .a = { .exit_signal = SIGCHLD } };
	int st;
	long p;

	CHECK_ERRNO(clone3(&x.a, 0), EINVAL);
	CHECK_ERRNO(clone3(&x.a, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
	CHECK_ERRNO(clone3(&x.a, PAGE + 1), E2BIG);
	x.extra[3] = 1;
	CHECK_ERRNO(clone3(&x.a, sizeof(x)), E2BIG); /* unknown fields must be zero */
	x.extra[3] = 0;
	p = clone3(&x.a, sizeof(x));
	if (p == 0)
		_exit(0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	p = clone3(&x.a, CLONE_ARGS_SIZE_VER0);
	if (p == 0)
		_exit(0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_ERRNO(clone3(bad_ptr(), sizeof(x.a)), EFAULT);
}

#define BAD(err, ...)                                      \
	do {                                               \
		struct clone_args a_ = { __VA_ARGS__ };    \
		CHECK_ERRNO(clone3(&a_, sizeof(a_)), err); \
	} while (0)

TEST(field_checks)
{
	static char stack[4096];

	BAD(EINVAL, .exit_signal = 65);
	BAD(EINVAL, .exit_signal = 1UL << 32);
	BAD(EINVAL, .exit_signal = SIGCHLD, .flags = 1); /* the old CSIGNAL byte */
	BAD(EINVAL, .exit_signal = SIGCHLD, .flags = CLONE_DETACHED);
	BAD(EINVAL, .exit_signal = SIGCHLD, .flags = 1UL << 50);
	BAD(EINVAL, .exit_signal = SIGCHLD, .flags = CLONE_SIGHAND);
	BAD(EINVAL, .exit_signal = SIGCHLD, .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM);
	BAD(EINVAL, .exit_signal = SIGCHLD, .flags = CLONE_PARENT);
	BAD(EINVAL, .exit_signal = SIGCHLD,
	    .flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM);
	BAD(EINVAL, .exit_signal = SIGCHLD, .stack = (uintptr_t)stack); /* size without */
	BAD(EINVAL, .exit_signal = SIGCHLD, .stack_size = sizeof(stack));
	BAD(EINVAL, .exit_signal = SIGCHLD, .stack = 1UL << 62, .stack_size = 4096);
	BAD(EINVAL, .exit_signal = SIGCHLD, .set_tid_size = 1);
	BAD(EINVAL, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)stack);
	BAD(EINVAL, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)stack, .set_tid_size = 100);
}

TEST(pidfd)
{
	int fd = -1, st;
	struct clone_args a = { .exit_signal = SIGCHLD,
				.flags = CLONE_PIDFD,
				.pidfd = (uintptr_t)&fd };
	long p = clone3(&a, sizeof(a));

	if (p == 0)
		_exit(0);
	REQUIRE(p > 0);
	CHECK(fd >= 0);
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_OK(close(fd));
}

TEST_FORK(clear_sighand)
{
	struct clone_args a = { .exit_signal = SIGCHLD, .flags = CLONE_CLEAR_SIGHAND };
	struct sigaction sa;
	long p;
	int st;

	signal(SIGUSR1, abi_on_alarm);
	signal(SIGUSR2, SIG_IGN);
	p = clone3(&a, sizeof(a));
	if (p == 0) {
		int ok = sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL;

		ok &= sigaction(SIGUSR2, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
		_exit(!ok);
	}
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(st, 0);
}

static volatile int ran, cleared = 1;

TEST(thread)
{
	static char stack[65536] __attribute__((aligned(16)));
	static int tid;
	struct clone_args a = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
		.parent_tid = (uintptr_t)&tid,
		.child_tid = (uintptr_t)&cleared,
	};
	long r = SYS_clone3;

	/* the child must not return through our frame: it stores and exits in assembly */
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "movl $1, %[ran]\n\t"
			 "xor %%edi, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n"
			 "1:"
			 : "+a"(r), [ran] "+m"(ran)
			 : "D"(&a), "S"(sizeof(a)), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	REQUIRE(r > 0);
	CHECK_EQ(tid, r);
	WAIT_UNTIL(cleared == 0);
	CHECK_EQ(ran, 1);
}

TEST(set_tid)
{
	/* only with CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE over the pid namespace */
	pid_t want = 12000 + getpid() % 10000;
	struct clone_args a = { .exit_signal = SIGCHLD,
				.set_tid = (uintptr_t)&want,
				.set_tid_size = 1 };
	int st;
	long p;

	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(clone3(&a, sizeof(a)), EPERM);
	}
	if (!abi_cap(21))
		return;
	while (kill(want, 0) == 0 || errno == EPERM)
		want++;
	p = clone3(&a, sizeof(a));
	if (p == 0)
		_exit(0);
	CHECK_EQ(p, want);
	CHECK_EQ(waitpid(p, &st, 0), p);
	want = getpid();
	CHECK_ERRNO(clone3(&a, sizeof(a)), EEXIST);
	want = 0;
	CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
}
