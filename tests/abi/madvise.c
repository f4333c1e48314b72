/* madvise: which advice drops pages and which is only a hint; errors; fork-related advice. */
#include "abi_fault.h"

#define RW (PROT_READ | PROT_WRITE)
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static char *area(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, RW, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		ABI_FAIL("mmap: %s", abi_errname(errno));
	return p;
}

TEST(errors)
{
	char *p = area(4, MAP_PRIVATE);

	CHECK_ERRNO(madvise(p, PAGE, 12345), EINVAL);
	CHECK_ERRNO(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_ERRNO(madvise(p + 1, PAGE, 12345), EINVAL);
	CHECK_OK(madvise(p, 0, MADV_DONTNEED));
	CHECK_ERRNO(madvise(p, -1UL, MADV_NORMAL), EINVAL);
	CHECK_OK(munmap(p + PAGE, PAGE));
	memset(p + 2 * PAGE, 1, PAGE);
	/* a hole: ENOMEM, but the rest is done */
	CHECK_ERRNO(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_EQ(p[2 * PAGE], 0);
	CHECK_ERRNO(madvise(p + PAGE, PAGE, MADV_WILLNEED), ENOMEM);
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(dontneed_zeroes_private)
{
	char *p = area(8, MAP_PRIVATE);

	memset(p, 1, 8 * PAGE);
	CHECK_OK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[3 * PAGE - 1], 0);
	CHECK_EQ(p[3 * PAGE], 1);
	p[PAGE] = 2;
	CHECK_EQ(p[PAGE], 2);
	CHECK_OK(munmap(p, 8 * PAGE));
}

TEST(dontneed_keeps_shared)
{
	char *p = area(2, MAP_SHARED);

	p[0] = 7;
	CHECK_OK(madvise(p, 2 * PAGE, MADV_DONTNEED));
	CHECK_EQ(p[0], 7);
	CHECK_OK(madvise(p, 2 * PAGE, MADV_REMOVE)); /* this one punches the object */
	CHECK_EQ(p[0], 0);
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST(dontneed_rereads_private_file)
{
	char *p;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "abc", 0644);
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	p[0] = 'X';
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_STR(p, "abc");
	CHECK_ERRNO(madvise(p, PAGE, MADV_FREE), EINVAL); /* anonymous memory only */
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(close(fd));
}

TEST(free_is_zero_or_old)
{
	char *p = area(4, MAP_PRIVATE);

	memset(p, 5, 4 * PAGE);
	CHECK_OK(madvise(p, 4 * PAGE, MADV_FREE));
	CHECK(p[0] == 0 || p[0] == 5);
	p[0] = 9; /* a write cancels the freeing of that page */
	CHECK_EQ(p[0], 9);
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(hints)
{
	static const int advice[] = { MADV_NORMAL,     MADV_RANDOM,   MADV_SEQUENTIAL,
				      MADV_WILLNEED,   MADV_DONTDUMP, MADV_DODUMP,
				      MADV_DONTFORK,   MADV_DOFORK,   MADV_WIPEONFORK,
				      MADV_KEEPONFORK, MADV_COLD,     MADV_PAGEOUT };
	char *p = area(4, MAP_PRIVATE);

	memset(p, 3, 4 * PAGE);
	for (size_t i = 0; i < ARRAY_LEN(advice); i++) {
		CHECK_OK(madvise(p, 4 * PAGE, advice[i]));
		CHECK_EQ(p[PAGE], 3);
	}
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(wipeonfork)
{
	char *p = area(3, MAP_PRIVATE), *s = area(1, MAP_SHARED);

	memset(p, 3, 3 * PAGE);
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_WIPEONFORK));
	CHECK_ERRNO(madvise(s, PAGE, MADV_WIPEONFORK), EINVAL);
	IN_CHILD
	{
		CHECK_EQ(p[0], 3);
		CHECK_EQ(p[PAGE], 0);
		CHECK_EQ(p[2 * PAGE], 3);
	}
	CHECK_EQ(p[PAGE], 3);
	CHECK_OK(munmap(p, 3 * PAGE));
	CHECK_OK(munmap(s, PAGE));
}

TEST(dontfork)
{
	char *p = area(3, MAP_PRIVATE);

	memset(p, 3, 3 * PAGE);
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_DONTFORK));
	IN_CHILD
	{
		CHECK_EQ(FAULT_READ(p), 0);
		CHECK_EQ(FAULT_READ(p + PAGE), SIGSEGV);
		CHECK_EQ(FAULT_READ(p + 2 * PAGE), 0);
	}
	CHECK_OK(munmap(p, 3 * PAGE));
}

TEST(populate)
{
	char *p = area(8, MAP_PRIVATE);
	unsigned char vec[8];

	CHECK_OK(madvise(p, 8 * PAGE, MADV_POPULATE_WRITE));
	CHECK_OK(mincore(p, 8 * PAGE, vec));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(vec[i] & 1, 1);
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	CHECK_ERRNO(madvise(p, PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK_OK(madvise(p, PAGE, MADV_POPULATE_READ));
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	CHECK_ERRNO(madvise(p, PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK_OK(munmap(p, PAGE));
	CHECK_ERRNO(madvise(p, PAGE, MADV_POPULATE_READ), ENOMEM);
	CHECK_OK(munmap(p, 8 * PAGE));
}

TEST(dontneed_returns_memory)
{
	/* Far more than a small sandbox has, one piece at a time. */
	size_t n = 4096 * PAGE;
	char *p = area(4096, MAP_PRIVATE);

	for (int round = 0; round < 8; round++) {
		for (size_t i = 0; i < n; i += 16 * PAGE)
			p[i] = 1;
		CHECK_OK(madvise(p, n, MADV_DONTNEED));
		CHECK_EQ(p[16 * PAGE * 3], 0);
	}
	CHECK_OK(munmap(p, n));
}
