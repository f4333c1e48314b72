/* mincore, mlock, mlock2, munlock, mlockall, munlockall, msync and RLIMIT_MEMLOCK. */
#include "anon.h"
#include <sys/mman.h>

TEST(mincore_residency)
{
	char *p = anon(8);
	unsigned char v[8];

	/* a kernel may bring in neighbours with a touched page, but none before any touch */
	CHECK_OK(mincore(p, 8 * PAGE, v));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(v[i] & 1, 0);
	p[3 * PAGE] = 1;
	CHECK_OK(mincore(p, 8 * PAGE, v));
	CHECK_EQ(v[3] & 1, 1);
	CHECK_OK(madvise(p, 8 * PAGE, MADV_DONTNEED));
	CHECK_OK(mincore(p, 8 * PAGE, v));
	CHECK_EQ(v[3] & 1, 0);
	CHECK_OK(munmap(p, 8 * PAGE));
}

TEST(mincore_errors)
{
	char *p = anon(4);
	unsigned char v[4];

	CHECK_ERRNO(mincore(p + 1, PAGE, v), EINVAL);
	CHECK_OK(mincore(p, 0, v));
	CHECK_ERRNO(mincore(p, -1UL, v), ENOMEM);
	CHECK_ERRNO(mincore(p, PAGE, bad_ptr()), EFAULT);
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	CHECK_ERRNO(mincore(p, 4 * PAGE, v), ENOMEM);
	CHECK_ERRNO(mincore(p + 2 * PAGE, PAGE, v), ENOMEM);
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(mlock_makes_resident)
{
	char *p = anon(4);
	unsigned char v[4];

	CHECK_OK(mlock(p + 100, PAGE)); /* address rounded down, end up: two pages */
	CHECK_OK(mincore(p, 4 * PAGE, v));
	CHECK_EQ(v[0] & 1, 1);
	CHECK_EQ(v[1] & 1, 1);
	CHECK_OK(munlock(p, 2 * PAGE));
	CHECK_OK(munlock(p, 2 * PAGE));
	CHECK_OK(mlock2(p, 4 * PAGE, MLOCK_ONFAULT));
	CHECK_OK(munlock(p, 4 * PAGE));
	CHECK_OK(mlock(p, 0));
	CHECK_ERRNO(mlock2(p, PAGE, 2), EINVAL);
	/* the limit is looked at before the range */
	CHECK_ERRNO(mlock(p, -PAGE * 2), abi_cap(14) ? EINVAL : ENOMEM);
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	CHECK_ERRNO(mlock(p, 4 * PAGE), ENOMEM);
	CHECK_ERRNO(munlock(p, 4 * PAGE), ENOMEM);
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(madvise_on_locked)
{
	char *p = anon(2);

	CHECK_OK(mlock(p, 2 * PAGE));
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_OK(munlock(p, 2 * PAGE));
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST_FORK(memlock_limit)
{
	struct rlimit r = { 2 * PAGE, 2 * PAGE }, none = { 0, 0 };
	char *p = anon(4);

	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &r));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(mlock(p, 2 * PAGE));
		CHECK_ERRNO(mlock(p, 3 * PAGE), ENOMEM);
		CHECK_OK(munlock(p, 2 * PAGE));
		CHECK_ERRNO(mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1,
				 0),
			    EAGAIN);
		CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
		CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &none));
		CHECK_ERRNO(mlock(p, PAGE), EPERM);
		CHECK_ERRNO(mlockall(MCL_FUTURE), EPERM);
	}
}

TEST_FORK(mlockall_flags)
{
	CHECK_ERRNO(mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
	CHECK_ERRNO(mlockall(0x100), EINVAL);
	if (abi_cap(14)) {
		unsigned char v[2];
		char *p;

		CHECK_OK(mlockall(MCL_FUTURE));
		p = anon(2);
		CHECK_OK(mincore(p, 2 * PAGE, v));
		CHECK_EQ(v[1] & 1, 1);
	}
	CHECK_OK(munlockall());
}

TEST(msync_errors)
{
	char *p = anon(3);

	CHECK_OK(msync(p, PAGE, MS_SYNC));
	CHECK_OK(msync(p, PAGE, MS_ASYNC));
	CHECK_OK(msync(p, 0, MS_SYNC));
	CHECK_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync(p, PAGE, 0x100), EINVAL);
	CHECK_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERRNO(msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
	CHECK_OK(mlock(p, PAGE));
	CHECK_ERRNO(msync(p, PAGE, MS_INVALIDATE), EBUSY);
	CHECK_OK(munmap(p, 3 * PAGE));
}
