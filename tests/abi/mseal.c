// mseal(2): what sealed areas refuse. Skipped before Linux 6.10.
#include "abi.h"

#define SYS_MSEAL 462

static long seal(void *p, size_t n, unsigned long flags)
{
	return syscall(SYS_MSEAL, p, n, flags);
}

static char *area(int prot)
{
	return mmap(NULL, 4 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST_FORK(refuses_changes)
{
	char *p = area(PROT_READ | PROT_WRITE);

	strcpy(p + PAGE, "kept");
	if (seal(p + PAGE, 2 * PAGE, 0) && errno == ENOSYS)
		SKIP("no mseal");
	CHECK_ERRNO(munmap(p + PAGE, PAGE), EPERM);
	CHECK_ERRNO(munmap(p, 4 * PAGE), EPERM);
	CHECK_ERRNO(mprotect(p, 2 * PAGE, PROT_READ), EPERM);
	CHECK_ERRNO(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		    EPERM);
	CHECK_ERRNO(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EPERM);
	CHECK_ERRNO(mremap(p + PAGE, 2 * PAGE, PAGE, 0), EPERM);
	CHECK_ERRNO(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE), EPERM);
	CHECK_STR(p + PAGE, "kept");
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_DONTNEED)); /* writable: zeroing is no news */
	CHECK_EQ(p[PAGE], 0);
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(munmap(p + 3 * PAGE, PAGE));
	CHECK_OK(seal(p + PAGE, PAGE, 0));
	p[PAGE] = 'w';
	IN_CHILD
	{
		CHECK_ERRNO(munmap(p + PAGE, PAGE), EPERM);
	}
}

TEST_FORK(read_only_content_stays)
{
	char *p = area(PROT_READ);

	if (seal(p, PAGE, 0) && errno == ENOSYS)
		SKIP("no mseal");
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EPERM);
	CHECK_OK(madvise(p, PAGE, MADV_WILLNEED));
}

TEST_FORK(errors)
{
	char *p = area(PROT_READ);

	if (seal(p, 0, 0) && errno == ENOSYS)
		SKIP("no mseal");
	CHECK_OK(seal(p, 0, 0));
	CHECK_ERRNO(seal(p, PAGE, 1), EINVAL);
	CHECK_ERRNO(seal(p + 1, PAGE, 0), EINVAL);
	CHECK_ERRNO(seal(p, -1UL, 0), EINVAL);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERRNO(seal(p, 3 * PAGE, 0), ENOMEM);
	CHECK_OK(munmap(p, PAGE)); /* a refused call sealed nothing */
}
