/* brk: growth, shrinking, zeroing of returned pages, refusal, RLIMIT_DATA. */
#include "abi_fault.h"

static uintptr_t raw_brk(uintptr_t to)
{
	return syscall(SYS_brk, to);
}

TEST_FORK(grow_and_shrink)
{
	uintptr_t start = raw_brk(0), base = (start + PAGE - 1) & -PAGE;

	REQUIRE(start);
	CHECK_EQ(raw_brk(base + 4 * PAGE), base + 4 * PAGE);
	CHECK_EQ(*(char *)(base + 3 * PAGE), 0);
	memset((void *)base, 1, 4 * PAGE);
	CHECK_EQ(raw_brk(base + PAGE), base + PAGE);
	CHECK_EQ(FAULT_READ(base), 0);
	CHECK_EQ(FAULT_READ(base + PAGE), SIGSEGV);
	CHECK_EQ(raw_brk(base + 2 * PAGE), base + 2 * PAGE);
	CHECK_EQ(*(char *)(base + PAGE), 0); /* came back zeroed */
	CHECK_EQ(*(char *)base, 1);
	CHECK_EQ(raw_brk(base + 2 * PAGE + 123), base + 2 * PAGE + 123); /* any byte */
	CHECK_EQ(FAULT_WRITE(base + 3 * PAGE - 1), 0);
	CHECK_EQ(FAULT_WRITE(base + 3 * PAGE), SIGSEGV);
	CHECK_EQ(raw_brk(start), start);
}

TEST_FORK(refusal_returns_old_break)
{
	uintptr_t now = raw_brk(0), base = (now + PAGE - 1) & -PAGE;

	CHECK_EQ(raw_brk(1), now);
	CHECK_EQ(raw_brk(1UL << 47), now);
	CHECK_EQ(raw_brk(-1UL), now);
	CHECK_EQ(raw_brk(0), now);
	/* another area stands in the way */
	void *p = mmap((void *)(base + 16 * PAGE), PAGE, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(raw_brk(base + 32 * PAGE), now);
	CHECK_EQ(raw_brk(base + 8 * PAGE), base + 8 * PAGE);
}

TEST_FORK(rlimit_data)
{
	uintptr_t now = raw_brk(0);
	struct rlimit r = { 1 << 20, 1 << 20 };

	CHECK_OK(setrlimit(RLIMIT_DATA, &r));
	CHECK_EQ(raw_brk(now + (4 << 20)), now);
	CHECK_EQ(raw_brk(now + PAGE), now + PAGE);
}

TEST_FORK(child_has_its_own)
{
	uintptr_t now = raw_brk(0), base = (now + PAGE - 1) & -PAGE;

	CHECK_EQ(raw_brk(base + PAGE), base + PAGE);
	*(char *)base = 1;
	IN_CHILD
	{
		CHECK_EQ(raw_brk(0), base + PAGE);
		CHECK_EQ(raw_brk(base + 8 * PAGE), base + 8 * PAGE);
		*(char *)base = 2;
	}
	CHECK_EQ(raw_brk(0), base + PAGE);
	CHECK_EQ(*(char *)base, 1);
}

TEST_FORK(many_steps)
{
	uintptr_t now = (raw_brk(0) + PAGE - 1) & -PAGE;

	for (int i = 1; i <= 512; i++) {
		CHECK_EQ(raw_brk(now + i * PAGE), now + i * PAGE);
		*(int *)(now + (i - 1) * PAGE) = i;
	}
	for (int i = 1; i <= 512; i++)
		CHECK_EQ(*(int *)(now + (i - 1) * PAGE), i);
	CHECK_EQ(raw_brk(now), now);
}
