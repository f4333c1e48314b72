/* mmap and munmap: placement, protection, flags, file mappings and the errors of both. */
#include "abi_fault.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void *map(void *at, size_t n, int prot, int flags)
{
	return mmap(at, n, prot, flags, -1, 0);
}

TEST(anonymous_is_zero)
{
	unsigned char *p = map(NULL, 64 * PAGE, RW, ANON);
	size_t sum = 0;

	REQUIRE(p != MAP_FAILED);
	CHECK_EQ((uintptr_t)p % PAGE, 0);
	for (size_t i = 0; i < 64 * PAGE; i++)
		sum += p[i];
	CHECK_EQ(sum, 0);
	memset(p, 0x5a, 64 * PAGE);
	CHECK_EQ(p[63 * PAGE + 4095], 0x5a);
	CHECK_OK(munmap(p, 64 * PAGE));
	CHECK_EQ(FAULT_READ(p), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_MAPERR);
	CHECK_EQ((uintptr_t)abi_fault_info.si_addr, (uintptr_t)p);
}

TEST(errors)
{
	char *p = map(NULL, PAGE, RW, ANON);

	CHECK_ERRNO(map(NULL, 0, RW, ANON), EINVAL);
	CHECK_ERRNO(map(NULL, PAGE, RW, MAP_ANONYMOUS), EINVAL); /* neither shared nor private */
	CHECK_ERRNO(map(NULL, -1UL, RW, ANON), ENOMEM);
	CHECK_ERRNO(map(NULL, 1UL << 47, RW, ANON), ENOMEM);
	CHECK_ERRNO(map(p + 1, PAGE, RW, ANON | MAP_FIXED), EINVAL);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, RW, ANON, -1, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, -1, 0x800), EINVAL);
	CHECK_ERRNO(map((void *)0x7ffffffff000, PAGE, RW, ANON | MAP_FIXED), ENOMEM);
	CHECK_ERRNO(map((void *)-4096L, PAGE, RW, ANON | MAP_FIXED), ENOMEM);
	CHECK_OK(munmap(p, PAGE));
}

TEST(munmap_errors)
{
	char *p = map(NULL, 3 * PAGE, RW, ANON);

	CHECK_ERRNO(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERRNO(munmap(p, 0), EINVAL);
	CHECK_ERRNO(munmap((void *)-4096L, PAGE), EINVAL);
	CHECK_ERRNO(munmap(p, -1UL), EINVAL);
	CHECK_OK(munmap(p + PAGE, PAGE)); /* a hole in the middle */
	CHECK_OK(munmap(p + PAGE, PAGE)); /* nothing there: no error */
	CHECK_EQ(FAULT_WRITE(p), 0);
	CHECK_EQ(FAULT_WRITE(p + PAGE), SIGSEGV);
	CHECK_EQ(FAULT_WRITE(p + 2 * PAGE), 0);
	CHECK_OK(munmap(p, 1)); /* rounded up */
	CHECK_EQ(FAULT_WRITE(p), SIGSEGV);
	CHECK_OK(munmap(p, 3 * PAGE)); /* across a hole */
	CHECK_EQ(FAULT_WRITE(p + 2 * PAGE), SIGSEGV);
}

TEST(fixed_replaces)
{
	char *p = map(NULL, 3 * PAGE, RW, ANON);

	REQUIRE(p != MAP_FAILED);
	memset(p, 1, 3 * PAGE);
	CHECK_EQ(map(p + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED), p + PAGE);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 1);
	CHECK_EQ(FAULT_WRITE(p + PAGE), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_ACCERR);
	CHECK_OK(munmap(p, 3 * PAGE));
}

TEST(fixed_noreplace)
{
	char *p = map(NULL, 2 * PAGE, RW, ANON);

	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERRNO(map(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE), EEXIST);
	CHECK_ERRNO(map(p, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE), EEXIST);
	CHECK_EQ(map(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE), p + PAGE);
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST(hint_is_used_when_free)
{
	char *p = map(NULL, 4 * PAGE, RW, ANON), *q;

	CHECK_OK(munmap(p, 4 * PAGE));
	CHECK_EQ(map(p + PAGE, PAGE, RW, ANON), p + PAGE);
	q = map(p + PAGE, PAGE, RW, ANON); /* taken: somewhere else */
	CHECK(q != MAP_FAILED && q != p + PAGE);
	CHECK_EQ(p[PAGE], 0);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_OK(munmap(q, PAGE));
	q = map((void *)((uintptr_t)p + 123), PAGE, RW, ANON); /* a hint need not be aligned */
	CHECK((uintptr_t)q % PAGE == 0);
	CHECK_OK(munmap(q, PAGE));
}

TEST(map_32bit)
{
	char *p = map(NULL, PAGE, RW, ANON | MAP_32BIT);

	REQUIRE(p != MAP_FAILED);
	CHECK((uintptr_t)p < 1UL << 31);
	p[0] = 1;
	CHECK_OK(munmap(p, PAGE));
}

TEST(low_addresses)
{
	IN_CHILD_AS(NOBODY) /* below mmap_min_addr: CAP_SYS_RAWIO alone */
	{
		CHECK_ERRNO(map(NULL, PAGE, PROT_NONE, ANON | MAP_FIXED), EPERM);
	}
}

TEST(protections)
{
	char *p = map(NULL, PAGE, PROT_NONE, ANON);
	unsigned char *x;

	CHECK_EQ(FAULT_READ(p), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_ACCERR);
	CHECK_OK(munmap(p, PAGE));
	p = map(NULL, PAGE, PROT_WRITE, ANON); /* x86: write implies read */
	CHECK_EQ(FAULT_WRITE(p), 0);
	CHECK_EQ(FAULT_READ(p), 0);
	CHECK_EQ(FAULT_EXEC(p), SIGSEGV);
	CHECK_EQ(abi_fault_info.si_code, SEGV_ACCERR);
	CHECK_OK(munmap(p, PAGE));
	x = map(NULL, PAGE, RW | PROT_EXEC, ANON);
	REQUIRE(x != MAP_FAILED);
	x[0] = 0xc3;
	CHECK_EQ(FAULT_EXEC(x), 0);
	CHECK_OK(munmap(x, PAGE));
}

TEST(syscalls_honour_protection)
{
	char *p = map(NULL, 3 * PAGE, PROT_READ, ANON);
	int fd = open("/dev/zero", O_RDONLY);

	REQUIRE(fd >= 0);
	CHECK_ERRNO(read(fd, p, 1), EFAULT);
	CHECK_OK(mprotect(p, PAGE, RW));
	CHECK_EQ(read(fd, p, PAGE), PAGE);
	ssize_t n = read(fd, p + PAGE - 10, 20); /* stops at the bad page, a word before at worst */
	CHECK(n > 0 && n <= 10);
	CHECK_OK(close(fd));
	CHECK_OK(munmap(p, 3 * PAGE));
}

TEST(file_private)
{
	int fd;
	char *p;

	abi_tmpdir();
	fd = abi_file("priv", "hello", 0644);
	p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_STR(p, "hello");
	CHECK_EQ(p[PAGE - 1], 0); /* the rest of the last page reads as zero */
	CHECK_EQ(FAULT_READ(p + PAGE), SIGBUS);
	CHECK_EQ(abi_fault_info.si_code, BUS_ADRERR);
	int fds[2];
	REQUIRE(pipe(fds) == 0);
	CHECK_ERRNO(write(fds[1], p + PAGE, 1), EFAULT); /* no signal within a system call */
	close(fds[0]), close(fds[1]);
	p[0] = 'J';
	char b[6] = "";
	CHECK_EQ(pread(fd, b, 5, 0), 5);
	CHECK_STR(b, "hello");
	CHECK_EQ(pwrite(fd, "HELLO", 5, 0), 5);
	CHECK_EQ(p[0], 'J'); /* our copy stays */
	CHECK_OK(close(fd)); /* the mapping lives on */
	CHECK_EQ(p[0], 'J');
	CHECK_OK(munmap(p, 2 * PAGE));
}

TEST(file_shared)
{
	char b[6] = "", *p, *q;
	int fd;

	abi_tmpdir();
	fd = abi_file("shared", "hello", 0644);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	p[0] = 'J';
	CHECK_EQ(q[0], 'J');
	CHECK_EQ(pread(fd, b, 5, 0), 5);
	CHECK_STR(b, "Jello");
	CHECK_EQ(pwrite(fd, "Mello", 5, 0), 5);
	CHECK_STR(p, "Mello");
	IN_CHILD
	{
		p[1] = 'a';
	}
	CHECK_STR(q, "Mallo");
	CHECK_OK(msync(p, PAGE, MS_SYNC));
	CHECK_OK(ftruncate(fd, 2 * PAGE));
	CHECK_OK(ftruncate(fd, 0));
	CHECK_EQ(FAULT_READ(p), SIGBUS);
	CHECK_OK(ftruncate(fd, PAGE));
	CHECK_EQ(FAULT_READ(p), 0);
	CHECK_EQ(p[0], 0);
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(munmap(q, PAGE));
	CHECK_OK(close(fd));
}

TEST(file_offset)
{
	char *p;
	int fd;

	abi_tmpdir();
	fd = abi_file("off", "", 0644);
	CHECK_EQ(pwrite(fd, "second", 6, PAGE), 6);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	REQUIRE(p != MAP_FAILED);
	CHECK_STR(p, "second");
	CHECK_OK(munmap(p, PAGE));
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100), EINVAL);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, -4096L),
		    EOVERFLOW);
	CHECK_OK(close(fd));
}

TEST(file_access_mode)
{
	int rd, wr, dir, pipefd[2];

	abi_tmpdir();
	close(abi_file("mode", "x", 0644));
	rd = open("mode", O_RDONLY);
	wr = open("mode", O_WRONLY);
	dir = open(".", O_RDONLY);
	REQUIRE(rd >= 0 && wr >= 0 && dir >= 0 && pipe(pipefd) == 0);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, rd, 0), EACCES);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wr, 0), EACCES);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wr, 0), EACCES);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipefd[0], 0), ENODEV);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, 0, rd, 0), EINVAL);
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_ERRNO(mprotect(p, PAGE, RW), EACCES); /* the file was not open for writing */
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(mprotect((p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, rd, 0)), PAGE, RW));
	CHECK_OK(munmap(p, PAGE));
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, rd, 0), EOPNOTSUPP);
	close(rd), close(wr), close(dir), close(pipefd[0]), close(pipefd[1]);
}

TEST(populate_and_locked)
{
	char *p = map(NULL, 16 * PAGE, RW, ANON | MAP_POPULATE);
	unsigned char vec[16];

	REQUIRE(p != MAP_FAILED);
	CHECK_OK(mincore(p, 16 * PAGE, vec));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(vec[i] & 1, 1);
	CHECK_OK(munmap(p, 16 * PAGE));
	p = map(NULL, PAGE, RW, ANON | MAP_NORESERVE);
	CHECK_EQ(FAULT_WRITE(p), 0);
	CHECK_OK(munmap(p, PAGE));
}

TEST(many_areas)
{
	enum { N = 2000 };
	static char *area[N];

	for (int i = 0; i < N; i++) {
		area[i] = map(NULL, PAGE, i & 1 ? RW : RW | PROT_EXEC, ANON);
		REQUIRE(area[i] != MAP_FAILED);
		*(int *)area[i] = i;
	}
	for (int i = 0; i < N; i += 2)
		CHECK_OK(munmap(area[i], PAGE));
	for (int i = 1; i < N; i += 2) {
		CHECK_EQ(*(int *)area[i], i);
		CHECK_OK(munmap(area[i], PAGE));
	}
}

TEST(huge_sparse_reservation)
{
	size_t n = 1UL << 40; /* what Go and sanitizers do */
	char *p = map(NULL, n, PROT_NONE, ANON | MAP_NORESERVE);

	REQUIRE(p != MAP_FAILED);
	for (size_t off = 0; off < n; off += n / 16) {
		CHECK_OK(mprotect(p + off, PAGE, RW));
		p[off] = 1;
	}
	CHECK_OK(munmap(p, n));
}
