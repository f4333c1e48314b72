/*
 * Every system call number with hostile arguments, as an ordinary user: it must come back, with
 * whatever answer, and the process must live to make the next. What each call answers to bad
 * arguments is the business of the other tests. Also: numbers beyond the table, calls from code
 * and data pages, and pointers at each edge of the address space.
 */
#include "abi.h"

enum { LAST = 470, USER = 64996 };

static int skipped(long nr)
{
	static const short no[] = {
		SYS_rt_sigreturn, SYS_pause,	  SYS_fork,	      SYS_vfork, SYS_clone,
		SYS_exit,	  SYS_exit_group, SYS_ptrace,	      SYS_sync,	 SYS_syncfs,
		SYS_fsync,	  SYS_fdatasync,  SYS_close,	      SYS_dup2,	 SYS_dup3,
		SYS_close_range,  SYS_seccomp,	  SYS_sched_setparam,
	};

	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (no[i] == nr)
			return 1;
	return nr == 462 || (nr >= 335 && nr < 424); /* mseal(0, 0); no calls are there */
}

static void on_alarm(int sig ABI_UNUSED)
{
}

/* All patterns for the numbers of one slice; a timer breaks what would wait. */
static void slice(long from, long to)
{
	static const unsigned long patterns[] = {
		0, -1UL, 0x40, 0x8000000000000000, 0x7ffffffff000, 0xffff800000000000
	};
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 2); /* descriptor 1 stays for complaints */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (long nr = from; nr < to; nr++) {
		if (skipped(nr))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(patterns); k++) {
			unsigned long p = patterns[k];
			pid_t pid = getpid();
			long r;

			sigaction(SIGALRM, &sa, NULL);
			setitimer(ITIMER_REAL, &it, NULL);
			r = syscall(nr, p, p, p, p, p, p);
			if (getpid() != pid)
				_exit(0); /* the number forked after all */
			if (r < -1 && r >= -4095)
				ABI_FAIL("call %ld with %#lx: raw error %ld", nr, p, r);
		}
	}
}

TEST(all_numbers)
{
	NEED_ROOT(); /* to become a user who owns nothing that could be harmed */
	abi_tmpdir();
	for (long nr = 0; nr < LAST; nr += 10) {
		pid_t pid;
		int st;

		pid = abi_fork();
		if (pid == 0) {
			gid_t none = USER;

			if (syscall(SYS_setgroups, 1, &none) || setresgid(USER, USER, USER) ||
			    setresuid(USER, USER, USER) || setsid() < 0)
				_exit(1);
			slice(nr, nr + 10);
			abi_exit();
		}
		st = abi_wait(pid);
		if (st)
			ABI_FAIL("numbers %ld to %ld: wait status %#x", nr, nr + 9, st);
	}
}

TEST(beyond_the_table)
{
	static const long nrs[] = { 1000, 4096, 65536, 0x7fffffff, 0x80000000, 0xffffffff, -4095 };

	for (size_t i = 0; i < ARRAY_LEN(nrs); i++)
		CHECK_ERRNO(syscall(nrs[i], 0, 0, 0), ENOSYS);
	/* the x32 table, present or not, never answers with success to a bad call */
	CHECK(syscall(0x40000000 | SYS_write, -1, NULL, 0) == -1);
}

TEST(pointers_at_the_edges)
{
	static const unsigned long edges[] = {
		0x7fffffffeff8,	    0x7fffffffefff,	0x7ffffffff000,
		0x7fffffffffff,	    0x800000000000,	0xffff7fffffffffff,
		0xffff800000000000, 0xfffffffffffff000, -1UL
	};
	int fds[2];

	REQUIRE(pipe2(fds, O_NONBLOCK) == 0);
	CHECK_EQ(write(fds[1], "0123456789abcdef", 16), 16);
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		if (edges[i] < 0x7ffffffff000)
			continue; /* the stack may be there */
		CHECK_ERRNO(syscall(SYS_write, fds[1], edges[i], 16), EFAULT);
		CHECK_ERRNO(syscall(SYS_read, fds[0], edges[i], 16), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, edges[i]), EFAULT);
		CHECK_ERRNO(syscall(SYS_open, edges[i], O_RDONLY), EFAULT);
		CHECK_ERRNO(syscall(SYS_futex, edges[i] & ~3UL, 0, 0, NULL, NULL, 0), EFAULT);
	}
	close(fds[0]), close(fds[1]);
}

TEST(string_at_the_end_of_a_page)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_OK(munmap(p + PAGE, PAGE));
	strcpy(p + PAGE - 10, "/dev/null"); /* its NUL is the page's last byte */
	CHECK_OK(close(CHECK_OK(open(p + PAGE - 10, O_RDONLY))));
	p[PAGE - 1] = 'x'; /* now it runs into the hole */
	CHECK_ERRNO(open(p + PAGE - 10, O_RDONLY), EFAULT);
	CHECK_OK(munmap(p, PAGE));
}

TEST(structure_across_a_hole)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ));
	CHECK_ERRNO(syscall(SYS_uname, p + PAGE - 100), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_REALTIME, p + PAGE - 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_pipe2, p + PAGE - 4, 0), EFAULT);
	CHECK_OK(syscall(SYS_clock_gettime, CLOCK_REALTIME, p + PAGE - 16));
	CHECK_OK(munmap(p, 2 * PAGE));
}
