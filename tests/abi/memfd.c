// memfd_create(2), file seals (fcntl(2)), memfd_secret(2), cachestat(2), remap_file_pages(2).
#include "abi.h"
#include <linux/memfd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC	16
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#define SYS_CACHESTAT 451

static int sealable(size_t size)
{
	int fd = CHECK_OK(memfd_create("seals", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	CHECK_OK(ftruncate(fd, size));
	return fd;
}

TEST(create)
{
	char link[64], path[64], lng[260];
	int fd = CHECK_OK(memfd_create("a name", MFD_CLOEXEC));
	ssize_t n;

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = CHECK_OK(readlink(path, link, sizeof(link) - 1));
	link[n < 0 ? 0 : n] = 0;
	CHECK_STR(link, "/memfd:a name (deleted)");
	close(fd);
	CHECK_ERRNO(memfd_create("x", 0x100), EINVAL);
	CHECK_ERRNO(syscall(SYS_memfd_create, bad_ptr(), 0), EFAULT);
	memset(lng, 'l', sizeof(lng));
	lng[250] = 0;
	CHECK_ERRNO(memfd_create(lng, 0), EINVAL);
	lng[249] = 0;
	close(CHECK_OK(memfd_create(lng, 0)));
}

TEST(size_seals)
{
	int fd = sealable(2 * PAGE);

	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CHECK_ERRNO(ftruncate(fd, PAGE), EPERM);
	CHECK_OK(ftruncate(fd, 3 * PAGE));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CHECK_ERRNO(ftruncate(fd, 4 * PAGE), EPERM);
	CHECK_EQ(pwrite(fd, "abcd", 4, 3 * PAGE - 2), 2);
	CHECK_ERRNO(pwrite(fd, "x", 1, 3 * PAGE), EPERM);
	CHECK_ERRNO(fallocate(fd, 0, 0, 4 * PAGE), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	close(fd);
}

TEST(write_seal)
{
	int fd = sealable(PAGE);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), c;

	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	p[0] = 'a';
	munmap(p, PAGE);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK_ERRNO(pwrite(fd, "b", 1, 0), EPERM);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_EQ(c, 'a');
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	p[0] = 'c';
	munmap(p, PAGE);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	close(fd);
}

TEST(future_write_seal)
{
	int fd = sealable(PAGE);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *q;

	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'x';
	CHECK_ERRNO(pwrite(fd, "b", 1, 0), EPERM);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	REQUIRE(q != MAP_FAILED);
	CHECK_EQ(q[0], 'x');
	CHECK_ERRNO(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	munmap(p, PAGE);
	munmap(q, PAGE);
	close(fd);
}

TEST(exec_seal)
{
	int fd = memfd_create("x", MFD_NOEXEC_SEAL);
	struct stat st;

	if (fd < 0) {
		CHECK_EQ(errno, EINVAL);
		SKIP("before Linux 6.3");
	}
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 0777, 0666);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
	CHECK_ERRNO(fchmod(fd, 0777), EPERM);
	CHECK_OK(fchmod(fd, 0644));
	close(fd);
	CHECK_ERRNO(memfd_create("x", MFD_NOEXEC_SEAL | MFD_EXEC), EINVAL);
	fd = CHECK_OK(memfd_create("x", MFD_EXEC | MFD_ALLOW_SEALING));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	CHECK_EQ(fcntl(fd, F_GET_SEALS),
		 F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	close(fd);
}

TEST(seal_errors)
{
	int fd = sealable(PAGE), null = open("/dev/null", O_RDWR);
	char path[64];
	int ro;

	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	CHECK_ERRNO(fcntl(null, F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
	CHECK_ERRNO(fcntl(null, F_GET_SEALS), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = CHECK_OK(open(path, O_RDONLY));
	CHECK_ERRNO(fcntl(ro, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	CHECK_EQ(fcntl(ro, F_GET_SEALS), 0);
	close(ro);
	close(fd);
	close(null);
}

/* Refused where the kernel has none; where it has, a file that only mmap reads. */
TEST(secret)
{
	int fd = syscall(SYS_memfd_secret, 0);

	if (fd < 0)
		CHECK_EQ(errno, ENOSYS);
	else
		close(fd);
}

TEST(cached_pages)
{
	struct {
		uint64_t off, len;
	} range = { 0, 3 * PAGE };
	struct {
		uint64_t cache, dirty, writeback, evicted, recent;
	} cs;
	int fd = sealable(4 * PAGE);

	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK_EQ(pwrite(fd, "x", 1, 2 * PAGE), 1);
	CHECK_EQ(pwrite(fd, "x", 1, 3 * PAGE), 1);
	if (syscall(SYS_CACHESTAT, fd, &range, &cs, 0) && errno == ENOSYS) {
		close(fd);
		SKIP("before Linux 6.5");
	}
	CHECK_EQ(cs.cache, 2);
	CHECK_EQ(cs.writeback, 0);
	range.len = 0;
	CHECK_OK(syscall(SYS_CACHESTAT, fd, &range, &cs, 0));
	CHECK_EQ(cs.cache, 3);
	range.off = PAGE;
	range.len = PAGE;
	CHECK_OK(syscall(SYS_CACHESTAT, fd, &range, &cs, 0));
	CHECK_EQ(cs.cache, 0);
	CHECK_ERRNO(syscall(SYS_CACHESTAT, fd, &range, &cs, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_CACHESTAT, -1, &range, &cs, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_CACHESTAT, fd, bad_ptr(), &cs, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_CACHESTAT, fd, &range, bad_ptr(), 0), EFAULT);
	close(fd);
}

TEST(remap_pages)
{
	int fd = sealable(4 * PAGE);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *q;

	for (int i = 0; i < 4; i++)
		p[i * PAGE] = 'a' + i;
	CHECK_OK(remap_file_pages(p, PAGE, 0, 3, 0));
	CHECK_EQ(p[0], 'd');
	CHECK_EQ(p[PAGE], 'b');
	p[0] = 'D';
	CHECK_EQ(p[3 * PAGE], 'D');
	CHECK_ERRNO(remap_file_pages(p, PAGE, PROT_READ, 1, 0), EINVAL);
	CHECK_ERRNO(remap_file_pages(p, 0, 0, 1, 0), EINVAL);
	q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERRNO(remap_file_pages(q, PAGE, 0, 0, 0), EINVAL);
	munmap(q, PAGE);
	CHECK_ERRNO(remap_file_pages(q, PAGE, 0, 0, 0), EINVAL);
	munmap(p, 4 * PAGE);
	close(fd);
}
