/* MAP_SHARED|MAP_ANONYMOUS memory and memfd: seen by parent, child and grandchild alike. */
#include "abi_fault.h"

#define RW (PROT_READ | PROT_WRITE)

static volatile int *shared(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		ABI_FAIL("mmap: %s", abi_errname(errno));
	return p;
}

TEST(parent_and_child)
{
	volatile int *p = shared(4);

	CHECK_EQ(p[3 * 1024], 0);
	p[0] = 1;
	IN_CHILD
	{
		CHECK_EQ(p[0], 1);
		p[0] = 2;
		p[2 * 1024] = 3; /* a page that nobody had touched before the fork */
		IN_CHILD
		{
			CHECK_EQ(p[0], 2);
			p[3 * 1024] = 4;
		}
	}
	CHECK_EQ(p[0], 2);
	CHECK_EQ(p[2 * 1024], 3);
	CHECK_EQ(p[3 * 1024], 4);
	CHECK_OK(munmap((void *)p, 4 * PAGE));
}

TEST(survives_unmap_in_one)
{
	volatile int *p = shared(1);

	p[0] = 5;
	IN_CHILD
	{
		CHECK_OK(munmap((void *)p, PAGE));
		CHECK_EQ(FAULT_READ(p), SIGSEGV);
	}
	CHECK_EQ(p[0], 5);
	CHECK_OK(munmap((void *)p, PAGE));
}

TEST(concurrent_increments)
{
	volatile int *p = shared(1);
	pid_t kid[4];

	for (int i = 0; i < 4; i++) {
		kid[i] = abi_fork();
		if (kid[i] == 0) {
			for (int k = 0; k < 20000; k++)
				__atomic_add_fetch(&p[0], 1, __ATOMIC_RELAXED);
			abi_exit();
		}
	}
	for (int i = 0; i < 4; i++)
		abi_reap(kid[i]);
	CHECK_EQ(p[0], 80000);
	CHECK_OK(munmap((void *)p, PAGE));
}

TEST(beyond_the_end_after_mremap)
{
	volatile int *p = shared(1);
	volatile char *q = mremap((void *)p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);

	REQUIRE(q != MAP_FAILED);
	CHECK_EQ(FAULT_READ(q), 0);
	CHECK_EQ(FAULT_READ(q + PAGE), SIGBUS); /* the object did not grow */
	CHECK_OK(munmap((void *)q, 2 * PAGE));
}

TEST(memfd)
{
	int fd = memfd_create("abi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	char *p, *q;

	REQUIRE(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
	CHECK_OK(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	p[0] = 'x';
	CHECK_EQ(q[0], 'x');
	q[0] = 'y';
	CHECK_EQ(p[0], 'x');
	CHECK_EQ(pwrite(fd, "z", 1, PAGE), 1);
	CHECK_EQ(p[PAGE], 'z');
	CHECK_OK(munmap(p, 2 * PAGE));
	CHECK_OK(munmap(q, 2 * PAGE));
	CHECK_OK(close(fd));
}

TEST(memfd_errors)
{
	char name[300];

	memset(name, 'a', sizeof(name));
	name[250] = 0;
	CHECK_ERRNO(memfd_create(name, 0), EINVAL);
	name[249] = 0;
	CHECK_OK(close(CHECK_OK(memfd_create(name, 0))));
	CHECK_ERRNO(memfd_create("x", 0x4000), EINVAL);
	CHECK_ERRNO(syscall(SYS_memfd_create, bad_ptr(), 0), EFAULT);
}

TEST(seals)
{
	int fd = memfd_create("abi", MFD_ALLOW_SEALING), plain = memfd_create("abi", 0);
	char *p;

	REQUIRE(fd >= 0 && plain >= 0);
	CHECK_EQ(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERRNO(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_OK(ftruncate(fd, PAGE));
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x4000), EINVAL);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	CHECK_ERRNO(ftruncate(fd, 2 * PAGE), EPERM);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	CHECK_ERRNO(pwrite(fd, "a", 1, PAGE), EPERM);
	CHECK_EQ(pwrite(fd, "a", 1, 0), 1);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK_ERRNO(pwrite(fd, "a", 1, 0), EPERM);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	CHECK_OK(close(fd));
	CHECK_OK(close(plain));
	abi_tmpdir();
	fd = open("/dev/null", O_RDWR);
	CHECK_ERRNO(fcntl(fd, F_GET_SEALS), EINVAL);
	CHECK_OK(close(fd));
}
