/* fork: copies of memory diverge, in both directions and over generations; what a child inherits. */
#include "anon.h"

static int data_word = 1;
static int bss_word;

TEST(segments_diverge)
{
	int stack_word = 3, *heap = malloc(sizeof(int));

	*heap = 4;
	bss_word = 2;
	IN_CHILD
	{
		CHECK_EQ(data_word + bss_word + stack_word + *heap, 10);
		data_word = bss_word = stack_word = *heap = 100;
		CHECK_EQ(data_word + bss_word + stack_word + *heap, 400);
	}
	CHECK_EQ(data_word + bss_word + stack_word + *heap, 10);
	free(heap);
}

TEST(parent_writes_first)
{
	char *p = anon(32);
	int go[2];
	pid_t kid;
	char c;

	memset(p, 1, 32 * PAGE);
	REQUIRE(pipe(go) == 0);
	kid = abi_fork();
	if (kid == 0) {
		CHECK_EQ(read(go[0], &c, 1), 1);
		for (int i = 0; i < 32; i++)
			CHECK_EQ(p[i * PAGE], 1);
		abi_exit();
	}
	memset(p, 2, 32 * PAGE);
	CHECK_EQ(write(go[1], "x", 1), 1);
	abi_reap(kid);
	CHECK_EQ(p[31 * PAGE], 2);
	close(go[0]), close(go[1]);
	CHECK_OK(munmap(p, 32 * PAGE));
}

TEST(single_pages_of_a_large_area)
{
	enum { N = 1024 };
	char *p = anon(N);

	for (int i = 0; i < N; i++)
		p[i * PAGE] = i;
	IN_CHILD
	{
		for (int i = 0; i < N; i += 7)
			p[i * PAGE] = i + 1;
		for (int i = 0; i < N; i++)
			if (!CHECK_EQ(p[i * PAGE], (char)(i % 7 ? i : i + 1)))
				break;
	}
	for (int i = 0; i < N; i++)
		if (!CHECK_EQ(p[i * PAGE], (char)i))
			break;
	CHECK_OK(munmap(p, N * PAGE));
}

TEST(generations)
{
	int *p = (int *)anon(16);
	int depth;

	for (depth = 0; depth < 8; depth++) {
		pid_t kid;

		p[depth * 1024] = depth + 1;
		kid = abi_fork();
		if (kid) {
			abi_reap(kid);
			for (int i = 0; i < 8; i++)
				CHECK_EQ(p[i * 1024], i <= depth ? i + 1 : 0);
			if (depth)
				abi_exit();
			break;
		}
	}
	if (depth == 8)
		abi_exit();
	CHECK_OK(munmap(p, 16 * PAGE));
}

TEST(syscall_writes_break_cow)
{
	char *p = anon(2);
	int fds[2];

	memset(p, 1, 2 * PAGE);
	REQUIRE(pipe(fds) == 0);
	CHECK_EQ(write(fds[1], "zzzz", 4), 4);
	IN_CHILD
	{
		CHECK_EQ(read(fds[0], p + PAGE - 2, 4), 4); /* across two shared pages */
		CHECK_EQ(p[PAGE], 'z');
	}
	CHECK_EQ(p[PAGE - 1], 1);
	CHECK_EQ(p[PAGE], 1);
	close(fds[0]), close(fds[1]);
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST(read_only_fault_after_fork)
{
	char *p = anon(1);

	IN_CHILD
	{
		CHECK_EQ(p[0], 0); /* zero page first, then a write */
		p[0] = 1;
		CHECK_EQ(p[0], 1);
	}
	CHECK_EQ(p[0], 0);
	p[0] = 2;
	CHECK_EQ(p[0], 2);
	CHECK_OK(munmap(p, PAGE));
}

TEST(two_hundred_children)
{
	char *p = anon(16);
	int bad = 0;

	memset(p, 1, 16 * PAGE);
	for (int i = 0; i < 200 && !bad; i++) {
		pid_t kid = abi_fork();

		if (kid == 0) {
			p[(i % 16) * PAGE] = i;
			_exit(p[(i % 16) * PAGE] == (char)i && p[((i + 1) % 16) * PAGE] == 1 ? 0
											     : 1);
		}
		bad = abi_wait(kid) != 0;
	}
	CHECK_EQ(bad, 0);
	CHECK_OK(munmap(p, 16 * PAGE));
}

TEST(child_identity)
{
	pid_t parent = getpid();
	int fds[2];
	pid_t kid, seen;

	REQUIRE(pipe(fds) == 0);
	kid = abi_fork();
	if (kid == 0) {
		pid_t me = getpid();

		CHECK_EQ(getppid(), parent);
		CHECK_EQ(syscall(SYS_gettid), me);
		CHECK_EQ(getpgrp(), getpgid(parent));
		CHECK_EQ(getsid(0), getsid(parent));
		CHECK_EQ(write(fds[1], &me, sizeof(me)), (ssize_t)sizeof(me));
		abi_exit();
	}
	CHECK_EQ(read(fds[0], &seen, sizeof(seen)), (ssize_t)sizeof(seen));
	CHECK_EQ(seen, kid);
	CHECK(kid != parent);
	abi_reap(kid);
	close(fds[0]), close(fds[1]);
}

TEST_FORK(inherited_and_not)
{
	struct itimerval it = { { 0, 0 }, { 1000, 0 } }, got;
	sigset_t set, now;
	int fd = open("/dev/null", O_RDWR);
	char c[2] = "";
	int f;

	abi_tmpdir();
	f = abi_file("pos", "abcdef", 0600);
	umask(031);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(raise(SIGUSR1)); /* pending here alone */
	signal(SIGUSR2, SIG_IGN);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_OK(nice(1));
	IN_CHILD
	{
		struct sigaction sa;

		CHECK_OK(sigpending(&now));
		CHECK_EQ(sigismember(&now, SIGUSR1), 0);
		CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
		CHECK_EQ(sigismember(&now, SIGUSR1), 1);
		CHECK_OK(sigaction(SIGUSR2, NULL, &sa));
		CHECK_EQ(sa.sa_handler == SIG_IGN, 1);
		CHECK_OK(getitimer(ITIMER_REAL, &got));
		CHECK_EQ(got.it_value.tv_sec, 0);
		CHECK_EQ(umask(0), 031);
		CHECK_OK(fcntl(fd, F_GETFD));
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), getpriority(PRIO_PROCESS, getppid()));
		CHECK_EQ(read(f, c, 1), 1); /* file positions are shared */
	}
	CHECK_EQ(read(f, c, 1), 1);
	CHECK_STR(c, "b");
	CHECK_EQ(umask(0), 031);
	CHECK_OK(close(fd));
}

TEST(rlimit_nproc)
{
	NEED_ROOT();
	IN_CHILD_AS(64999) /* one process of this user exists: ours */
	{
		struct rlimit r = { 1, 1 };

		CHECK_OK(setrlimit(RLIMIT_NPROC, &r));
		CHECK_ERRNO(fork(), EAGAIN);
	}
}
