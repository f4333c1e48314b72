/* mremap: shrink, grow in place, move, MREMAP_FIXED, MREMAP_DONTUNMAP, and its errors. */
#include "anon.h"

/* Fills each page with its number plus base. */
static void fill(char *p, int pages, int base)
{
	for (int i = 0; i < pages; i++)
		memset(p + i * PAGE, base + i, PAGE);
}

static int holds(char *p, int pages, int base)
{
	for (int i = 0; i < pages; i++)
		if (p[i * PAGE] != base + i || p[i * PAGE + 4095] != base + i)
			return 0;
	return 1;
}

TEST(errors)
{
	char *p = anon(8);
	void *q = p + 4 * PAGE;

	CHECK_ERRNO(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, 0, 0), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, PAGE, 0x80), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, PAGE, MREMAP_FIXED, q), EINVAL); /* needs MAYMOVE */
	CHECK_ERRNO(mremap(p, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, q + 1), EINVAL);
	CHECK_ERRNO(mremap(p, 2 * PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, PAGE, MREMAP_DONTUNMAP), EINVAL);
	CHECK_ERRNO(mremap(p, 0, PAGE, MREMAP_MAYMOVE), EINVAL); /* private: no duplicates */
	CHECK_OK(munmap(q, PAGE));
	CHECK_ERRNO(mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERRNO(mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE), EFAULT); /* hole inside */
	CHECK_OK(munmap(p, 8 * PAGE));
}

TEST(shrink)
{
	char *p = anon(4);

	fill(p, 4, 10);
	CHECK_EQ(mremap(p, 4 * PAGE, 2 * PAGE, 0), p);
	CHECK(holds(p, 2, 10));
	CHECK_EQ(FAULT_READ(p + 2 * PAGE), SIGSEGV);
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST(grow_in_place)
{
	char *p = anon(8);

	CHECK_OK(munmap(p + 2 * PAGE, 6 * PAGE));
	fill(p, 2, 10);
	CHECK_EQ(mremap(p, 2 * PAGE, 6 * PAGE, 0), p);
	CHECK(holds(p, 2, 10));
	CHECK_EQ(p[5 * PAGE], 0);
	p[5 * PAGE] = 1;
	CHECK_OK(munmap(p, 6 * PAGE));
}

TEST(grow_needs_move)
{
	char *p = anon(4), *q;

	fill(p, 4, 10);
	CHECK_OK(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ)); /* a neighbour in the way */
	CHECK_ERRNO(mremap(p, 2 * PAGE, 3 * PAGE, 0), ENOMEM);
	CHECK(holds(p, 4, 10));
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	CHECK(q != p);
	CHECK(holds(q, 2, 10));
	CHECK_EQ(q[63 * PAGE], 0);
	CHECK_EQ(FAULT_READ(p), SIGSEGV);
	CHECK_EQ(p[2 * PAGE], 12);
	CHECK_OK(munmap(q, 64 * PAGE));
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(fixed_target)
{
	char *p = anon(4), *q = anon(4);

	fill(p, 4, 10);
	fill(q, 4, 50);
	CHECK_EQ(mremap(p + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q), q);
	CHECK(holds(q, 2, 11));
	CHECK_EQ(q[2 * PAGE], 52);
	CHECK_EQ(FAULT_READ(p + PAGE), SIGSEGV);
	CHECK_EQ(p[3 * PAGE], 13);
	CHECK_OK(munmap(p, 4 * PAGE));
	CHECK_OK(munmap(q, 4 * PAGE));
}

TEST(dontunmap)
{
	char *p = anon(2), *q;

	fill(p, 2, 10);
	q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	REQUIRE(q != MAP_FAILED);
	CHECK(holds(q, 2, 10));
	CHECK_EQ(p[0], 0); /* still mapped, empty */
	p[0] = 1;
	CHECK_EQ(q[0], 10);
	CHECK_OK(munmap(p, 2 * PAGE));
	CHECK_OK(munmap(q, 2 * PAGE));
}

TEST(shared_duplicate)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;

	REQUIRE(p != MAP_FAILED);
	p[0] = 42;
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE); /* old length 0: a second view */
	REQUIRE(q != MAP_FAILED);
	CHECK_EQ(q[0], 42);
	q[PAGE] = 43;
	CHECK_EQ(p[PAGE], 43);
	CHECK_OK(munmap(p, 2 * PAGE));
	CHECK_EQ(q[PAGE], 43);
	CHECK_OK(munmap(q, 2 * PAGE));
}

TEST(file_mapping_moves_with_offset)
{
	char *p, *q;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_OK(ftruncate(fd, 4 * PAGE));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pwrite(fd, (char[]){ 'a' + i }, 1, i * PAGE), 1);
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	q = mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE); /* neighbour in the way */
	REQUIRE(q != MAP_FAILED);
	CHECK_EQ(q[0], 'c');
	CHECK_EQ(q[PAGE], 'd');
	CHECK_EQ(p[3 * PAGE], 'd');
	CHECK_OK(munmap(q, 2 * PAGE));
	CHECK_OK(munmap(p, 4 * PAGE));
	CHECK_OK(close(fd));
}

TEST(realloc_pattern)
{
	size_t n = 16 * PAGE;
	char *p = anon(16);

	p[0] = 1;
	for (int i = 0; i < 9; i++) {
		p[n - 1] = i + 1;
		char *q = mremap(p, n, n * 2, MREMAP_MAYMOVE);
		REQUIRE(q != MAP_FAILED);
		CHECK_EQ(q[0], 1);
		CHECK_EQ(q[n - 1], i + 1);
		CHECK_EQ(q[n], 0);
		p = q;
		n *= 2;
	}
	CHECK_OK(munmap(p, n));
}
