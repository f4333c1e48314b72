/*
 * Memory beyond the limit: the largest task dies by SIGKILL, nobody else notices, and memory comes
 * back. Only in the sandbox (MOAT_SANDBOX=1), whose limit is small: on a host this would hurt.
 * The sandbox overcommits, as Linux does by default, so mapping succeeds and touching is what kills.
 */
#include "abi.h"
#include <sys/sysinfo.h>

static size_t total_memory(void)
{
	struct sysinfo s;

	return sysinfo(&s) ? 0 : s.totalram * s.mem_unit;
}

#define NEED_SMALL_SANDBOX()                                                  \
	do {                                                                  \
		if (!abi_sandboxed())                                         \
			SKIP("runs in the sandbox alone");                    \
		if (!total_memory() || total_memory() > 512UL << 20)          \
			SKIP("too much memory to fill: wants --memory 256M"); \
	} while (0)

/* One quarter of all memory: a mapping larger than the whole may be refused at once. */
static char *quarter(int flags, size_t *n)
{
	void *p;

	*n = total_memory() / 4 & -PAGE;
	p = mmap(NULL, *n, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		_exit(3);
	return p;
}

/* Touches twice of what there is, page by page. */
static void eat_all(int flags)
{
	for (int k = 0; k < 8; k++) {
		size_t n;
		volatile char *p = quarter(flags, &n);

		for (size_t i = 0; i < n; i += PAGE)
			p[i] = 1;
	}
	_exit(4);
}

TEST(private_memory)
{
	NEED_SMALL_SANDBOX();
	for (int i = 0; i < 2; i++) { /* twice: all of it came back */
		CHILD_DIES(SIGKILL)
		{
			eat_all(MAP_PRIVATE);
		}
	}
}

TEST(shared_memory)
{
	NEED_SMALL_SANDBOX();
	CHILD_DIES(SIGKILL)
	{
		eat_all(MAP_SHARED);
	}
}

TEST(heap_by_brk)
{
	NEED_SMALL_SANDBOX();
	CHILD_DIES(SIGKILL)
	{
		for (;;) {
			char *p = sbrk(1 << 20);

			if (p == (char *)-1)
				eat_all(MAP_PRIVATE);
			memset(p, 1, 1 << 20);
		}
	}
}

TEST(the_kernels_own_copy_finds_none)
{
	/* read(2) into fresh memory: the same death, not EFAULT to the program */
	NEED_SMALL_SANDBOX();
	CHILD_DIES(SIGKILL)
	{
		int fd = open("/dev/zero", O_RDONLY);

		for (int k = 0; k < 8; k++) {
			size_t n;
			char *p = quarter(MAP_PRIVATE, &n);

			for (size_t at = 0; at + (1 << 20) <= n; at += 1 << 20)
				if (read(fd, p + at, 1 << 20) < 0)
					_exit(5);
		}
		_exit(4);
	}
}

TEST(copy_on_write)
{
	/* a fork doubles nothing until both sides write */
	NEED_SMALL_SANDBOX();
	IN_CHILD
	{
		size_t n = total_memory() / 100 * 40 & -PAGE;
		volatile char *p =
			mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pid_t kid;

		REQUIRE(p != MAP_FAILED);
		for (size_t i = 0; i < n; i += PAGE)
			p[i] = 1;
		kid = abi_fork();
		if (kid == 0) {
			size_t sum = 0;

			for (size_t i = 0; i < n; i += PAGE)
				sum += p[i];
			_exit(sum == n / PAGE ? 0 : 1);
		}
		CHECK_EQ(abi_wait(kid), 0);
		CHECK_EQ(p[n / 2 & -PAGE], 1);
	}
}

TEST(bystanders_live)
{
	int fds[2];
	char c = 0;
	pid_t bystander;

	NEED_SMALL_SANDBOX();
	REQUIRE(pipe(fds) == 0);
	bystander = abi_fork();
	if (bystander == 0) {
		close(fds[1]);
		_exit(read(fds[0], &c, 1) == 1 && c == 'g' ? 0 : 1);
	}
	CHILD_DIES(SIGKILL)
	{
		eat_all(MAP_PRIVATE);
	}
	CHECK_EQ(write(fds[1], "g", 1), 1);
	CHECK_EQ(abi_wait(bystander), 0);
	close(fds[0]), close(fds[1]);
}

TEST(memory_comes_back)
{
	struct sysinfo before, after;

	NEED_SMALL_SANDBOX();
	CHECK_OK(sysinfo(&before));
	CHILD_DIES(SIGKILL)
	{
		eat_all(MAP_PRIVATE);
	}
	CHECK_OK(sysinfo(&after));
	CHECK(after.freeram * after.mem_unit + (8 << 20) >= before.freeram * before.mem_unit);
}
