// process_vm_readv(2), process_vm_writev(2), process_madvise(2).
#include "abi.h"
#include <sys/uio.h>

static char *area; /* three pages: read-write, none, read-only */
static pid_t kid;
static int go[2];

/* A child with an area of its own at the same address. */
static void start(void)
{
	area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(area, "parent");
	strcpy(area + 2 * PAGE, "third");
	mprotect(area + PAGE, PAGE, PROT_NONE);
	mprotect(area + 2 * PAGE, PAGE, PROT_READ);
	CHECK_OK(pipe(go));
	kid = abi_fork();
	if (!kid) {
		char c;

		close(go[1]);
		strcpy(area, "child");
		(void)!read(go[0], &c, 1);
		_exit(strcmp(area, "written") ? 1 : 0);
	}
	close(go[0]);
}

static int finish(void)
{
	close(go[1]);
	munmap(area, 3 * PAGE);
	return abi_wait(kid);
}

static ssize_t vm_read(pid_t pid, void *local, size_t n, void *remote, size_t m)
{
	struct iovec l = { local, n }, r = { remote, m };

	return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static ssize_t vm_write(pid_t pid, const void *local, size_t n, void *remote, size_t m)
{
	struct iovec l = { (void *)local, n }, r = { remote, m };

	return process_vm_writev(pid, &l, 1, &r, 1, 0);
}

TEST(read_and_write)
{
	char buf[64] = "", part[3];
	struct iovec l[2] = { { part, 2 }, { buf, 10 } };
	struct iovec r[2] = { { NULL, 3 }, { NULL, 3 } };

	start();
	WAIT_UNTIL(vm_read(kid, buf, 6, area, 6) == 6 && !strcmp(buf, "child"));
	CHECK_STR(area, "parent");
	r[0].iov_base = area;
	r[1].iov_base = area + 2 * PAGE;
	CHECK_EQ(process_vm_readv(kid, l, 2, r, 2, 0), 6);
	CHECK(!memcmp(part, "ch", 2));
	CHECK(!memcmp(buf, "ithi", 4));
	CHECK_EQ(vm_write(kid, "written", 8, area, 8), 8);
	CHECK_EQ(finish(), 0);
}

TEST(ends_early)
{
	char buf[2 * PAGE];

	start();
	CHECK_EQ(vm_read(kid, buf, 2 * PAGE, area, 2 * PAGE), PAGE);
	CHECK_ERRNO(vm_read(kid, buf, 1, area + PAGE, 1), EFAULT);
	CHECK_ERRNO(vm_write(kid, buf, 1, area + 2 * PAGE, 1), EFAULT);
	CHECK_EQ(vm_read(kid, buf, 5, area, 3), 3);
	CHECK_EQ(vm_read(kid, buf, 2, area, 3), 2);
	CHECK_EQ(vm_read(kid, buf, 0, area, 3), 0);
	CHECK_EQ(vm_read(kid, buf, 3, area, 0), 0);
	finish();
}

TEST(errors)
{
	char buf[8];
	struct iovec l = { buf, 8 }, r = { buf, 8 }, neg = { buf, -1 };

	start();
	r.iov_base = area;
	CHECK_ERRNO(process_vm_readv(kid, &l, 1, &r, 1, 1), EINVAL);
	CHECK_ERRNO(process_vm_readv(kid, &l, 1025, &r, 1, 0), EINVAL);
	CHECK_ERRNO(process_vm_readv(kid, &l, 1, &r, 1025, 0), EINVAL);
	CHECK_ERRNO(process_vm_readv(kid, &neg, 1, &r, 1, 0), EINVAL);
	CHECK_ERRNO(process_vm_readv(kid, bad_ptr(), 1, &r, 1, 0), EFAULT);
	CHECK_ERRNO(process_vm_readv(kid, &l, 1, bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(process_vm_readv(4000000, &l, 1, &r, 1, 0), ESRCH);
	CHECK_ERRNO(vm_read(kid, buf, 8, bad_ptr(), 8), EFAULT);
	if (geteuid() == 0)
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(process_vm_readv(kid, &l, 1, &r, 1, 0), EPERM);
			CHECK_ERRNO(process_vm_writev(kid, &l, 1, &r, 1, 0), EPERM);
		}
	finish();
}

TEST(madvise)
{
	struct iovec v = { NULL, PAGE }, neg = { NULL, -1 };
	int fd;

	start();
	v.iov_base = area;
	fd = CHECK_OK(syscall(SYS_pidfd_open, kid, 0));
	if (abi_cap(23)) /* CAP_SYS_NICE */
		CHECK_EQ(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0), PAGE);
	else
		CHECK_ERRNO(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_process_madvise, fd, &v, 1, MADV_DONTNEED, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_madvise, -1, &v, 1, MADV_COLD, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_process_madvise, fd, bad_ptr(), 1, MADV_COLD, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_process_madvise, fd, &neg, 1, MADV_COLD, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_madvise, fd, &v, 1025, MADV_COLD, 0), EINVAL);
	finish();
	CHECK_ERRNO(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0), ESRCH);
	close(fd);
}
