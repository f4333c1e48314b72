// userfaultfd(2): missing pages, write protection, messages, who waits and what ends it.
#include "abi.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#define USER_MODE_ONLY 1
#define PAGES	       8

static char *area(void)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Without CAP_SYS_PTRACE the faults of system calls are not to be waited for. */
static int open_one(int flags)
{
	return syscall(SYS_userfaultfd, flags | (abi_cap(19) ? 0 : USER_MODE_ONLY));
}

static int make(uint64_t features)
{
	struct uffdio_api a = { .api = UFFD_API, .features = features };
	int fd = CHECK_OK(open_one(O_CLOEXEC | O_NONBLOCK));

	CHECK_OK(ioctl(fd, UFFDIO_API, &a));
	return fd;
}

static int reg(int fd, void *p, size_t len, uint64_t mode)
{
	struct uffdio_register r = { .range = { (uintptr_t)p, len }, .mode = mode };

	return ioctl(fd, UFFDIO_REGISTER, &r);
}

static int range(int fd, unsigned long cmd, void *p, size_t len)
{
	struct uffdio_range r = { (uintptr_t)p, len };

	return ioctl(fd, cmd, &r);
}

static int copy(int fd, void *to, const void *from, size_t len, uint64_t mode, int64_t *done)
{
	struct uffdio_copy c = { (uintptr_t)to, (uintptr_t)from, len, mode, 0 };
	int r = ioctl(fd, UFFDIO_COPY, &c);

	if (done)
		*done = c.copy;
	return r;
}

static int zero(int fd, void *to, size_t len, uint64_t mode)
{
	struct uffdio_zeropage z = { { (uintptr_t)to, len }, mode, 0 };

	return ioctl(fd, UFFDIO_ZEROPAGE, &z);
}

static int protect(int fd, void *p, size_t len, uint64_t mode)
{
	struct uffdio_writeprotect w = { { (uintptr_t)p, len }, mode };

	return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

/* The next message; waits. */
static struct uffd_msg message(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	struct uffd_msg m = { 0 };

	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(read(fd, &m, sizeof(m)), sizeof(m));
	return m;
}

static char page[PAGE] __attribute__((aligned(4096)));

TEST(create)
{
	int fd;

	CHECK_ERRNO(syscall(SYS_userfaultfd, 0x10000000 | USER_MODE_ONLY), EINVAL);
	fd = CHECK_OK(open_one(O_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
	close(fd);
	NEED_ROOT();
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(syscall(SYS_userfaultfd, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_userfaultfd, 0x10000000), EPERM);
		CHECK_OK(syscall(SYS_userfaultfd, USER_MODE_ONLY));
	}
}

TEST(api)
{
	struct uffdio_api a = { .api = 1 };
	int fd = CHECK_OK(open_one(O_NONBLOCK));
	struct pollfd p = { fd, POLLIN, 0 };
	struct uffd_msg m;

	CHECK_ERRNO(read(fd, &m, sizeof(m)), EINVAL);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLERR);
	CHECK_ERRNO(reg(fd, page, PAGE, 1), EINVAL);
	CHECK_ERRNO(ioctl(fd, UFFDIO_API, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, UFFDIO_API, &a), EINVAL);
	CHECK_EQ(a.api, 0);
	a = (struct uffdio_api){ .api = UFFD_API, .features = 1ULL << 60 };
	CHECK_ERRNO(ioctl(fd, UFFDIO_API, &a), EINVAL);
	a = (struct uffdio_api){ .api = UFFD_API };
	CHECK_OK(ioctl(fd, UFFDIO_API, &a));
	CHECK(a.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	CHECK(a.features & UFFD_FEATURE_THREAD_ID);
	CHECK_EQ(a.ioctls & 3, 3);
	a = (struct uffdio_api){ .api = UFFD_API };
	CHECK_ERRNO(ioctl(fd, UFFDIO_API, &a), EINVAL);
	CHECK_ERRNO(read(fd, &m, sizeof(m)), EAGAIN);
	CHECK_ERRNO(read(fd, &m, sizeof(m) - 1), EINVAL);
	CHECK_ERRNO(write(fd, &m, sizeof(m)), EBADF);
	CHECK_EQ(poll(&p, 1, 0), 0);
	fcntl(fd, F_SETFL, 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLERR);
	CHECK_ERRNO(ioctl(fd, 0x1234, 0), EINVAL);
	close(fd);
}

TEST(registering)
{
	int fd = make(0), other = make(0), file;
	char *p = area(), *ro;

	CHECK_ERRNO(reg(fd, p, PAGE, 0), EINVAL);
	CHECK_ERRNO(reg(fd, p, PAGE, 1 << 10), EINVAL);
	CHECK_ERRNO(reg(fd, p + 1, PAGE, 1), EINVAL);
	CHECK_ERRNO(reg(fd, p, PAGE + 1, 1), EINVAL);
	CHECK_ERRNO(reg(fd, p, 0, 1), EINVAL);
	CHECK_ERRNO(reg(fd, (void *)(1UL << 63), PAGE, 1), EINVAL);
	CHECK_ERRNO(ioctl(fd, UFFDIO_REGISTER, bad_ptr()), EFAULT);
	CHECK_OK(reg(fd, p, 2 * PAGE, 1));
	CHECK_OK(reg(fd, p, 4 * PAGE, 1)); /* more of it */
	CHECK_ERRNO(reg(other, p, PAGE, 1), EBUSY);
	CHECK_ERRNO(range(fd, UFFDIO_UNREGISTER, p + 1, PAGE), EINVAL);
	CHECK_OK(range(other, UFFDIO_UNREGISTER, p + 5 * PAGE, PAGE)); /* there is nothing to end */
	CHECK_OK(range(fd, UFFDIO_UNREGISTER, p, PAGE));
	p[0] = 1;
	CHECK_OK(reg(other, p, PAGE, 1));
	munmap(p + 6 * PAGE, 2 * PAGE);
	CHECK_ERRNO(reg(fd, p + 6 * PAGE, PAGE, 1), EINVAL);
	CHECK_ERRNO(range(fd, UFFDIO_UNREGISTER, p + 6 * PAGE, PAGE), EINVAL);
	CHECK_OK(reg(fd, p + 5 * PAGE, 2 * PAGE, 1)); /* a hole behind is passed over */
	abi_tmpdir();
	file = abi_file("f", "x", 0644);
	ro = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	CHECK_ERRNO(reg(fd, ro, PAGE, 1), EINVAL);
	munmap(ro, PAGE);
	close(file);
	close(fd);
	close(other);
	munmap(p, 6 * PAGE);
}

TEST(giving_pages)
{
	int fd = make(0);
	char *p = area(), *q = area();
	int64_t done;

	memset(page, 'c', PAGE);
	CHECK_OK(reg(fd, p, 4 * PAGE, 1));
	CHECK_OK(copy(fd, p, page, PAGE, 0, &done));
	CHECK_EQ(done, PAGE);
	CHECK_EQ(p[PAGE - 1], 'c');
	CHECK_ERRNO(copy(fd, p, page, PAGE, 0, &done), EEXIST);
	CHECK_EQ(done, -EEXIST);
	CHECK_OK(zero(fd, p + PAGE, PAGE, 0));
	CHECK_EQ(p[PAGE], 0);
	CHECK_ERRNO(zero(fd, p + PAGE, PAGE, 0), EEXIST);
	CHECK_OK(copy(fd, p + 3 * PAGE, page, PAGE, 1, NULL));
	memset(q, 'q', 2 * PAGE);
	CHECK_ERRNO(copy(fd, p + 2 * PAGE, q, 2 * PAGE, 0, &done), EAGAIN); /* half of it */
	CHECK_EQ(done, PAGE);
	CHECK_EQ(p[2 * PAGE], 'q');
	CHECK_ERRNO(copy(fd, p + 1, page, PAGE, 0, NULL), EINVAL);
	CHECK_ERRNO(copy(fd, p, page, PAGE - 1, 0, NULL), EINVAL);
	CHECK_ERRNO(copy(fd, p, page, PAGE, 1 << 10, NULL), EINVAL);
	CHECK_ERRNO(copy(fd, p, (void *)-PAGE, PAGE, 0, NULL), EINVAL);
	CHECK_ERRNO(copy(fd, p + 5 * PAGE, page, PAGE, 0, &done), ENOENT);
	CHECK_ERRNO(zero(fd, p, PAGE, 1 << 10), EINVAL);
	CHECK_ERRNO(ioctl(fd, UFFDIO_COPY, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, UFFDIO_ZEROPAGE, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, UFFDIO_WAKE, bad_ptr()), EFAULT);
	CHECK_ERRNO(range(fd, UFFDIO_WAKE, p + 1, PAGE), EINVAL);
	CHECK_OK(range(fd, UFFDIO_WAKE, p, PAGE));
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_ERRNO(copy(fd, p, bad_ptr(), PAGE, 0, NULL), EFAULT);
	CHECK_OK(copy(fd, p, page, PAGE, 0, NULL)); /* it is missing again */
	close(fd);
	munmap(p, PAGES * PAGE);
	munmap(q, PAGES * PAGE);
}

static char *shared_area;
static volatile int reached;

static void *toucher(void *arg)
{
	char *p = arg;

	p[10] += 1;
	reached = 1;
	return NULL;
}

TEST(missing)
{
	int fd = make(UFFD_FEATURE_THREAD_ID);
	char *p = area();
	struct uffd_msg m;
	pthread_t t;

	reached = 0;
	memset(page, 'm', PAGE);
	CHECK_OK(reg(fd, p, PAGES * PAGE, 1));
	pthread_create(&t, NULL, toucher, p + 2 * PAGE);
	m = message(fd);
	CHECK_EQ(m.event, UFFD_EVENT_PAGEFAULT);
	CHECK_EQ(m.arg.pagefault.address, (uintptr_t)p + 2 * PAGE);
	CHECK_EQ(m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP, 0);
	CHECK(m.arg.pagefault.feat.ptid && (int)m.arg.pagefault.feat.ptid != getpid());
	CHECK_EQ(reached, 0);
	CHECK_ERRNO(read(fd, &m, sizeof(m)), EAGAIN); /* told once */
	CHECK_OK(range(fd, UFFDIO_WAKE, p, PAGES * PAGE));
	m = message(fd); /* woken without a page it faults again */
	CHECK_OK(copy(fd, p + 2 * PAGE, page, PAGE, 1, NULL));
	abi_sleep_ms(10);
	CHECK_EQ(reached, 0); /* nobody woke it */
	CHECK_OK(range(fd, UFFDIO_WAKE, p + 2 * PAGE, PAGE));
	pthread_join(t, NULL);
	CHECK_EQ(p[2 * PAGE + 10], 'n');
	close(fd);
	CHECK_EQ(p[0], 0);
	munmap(p, PAGES * PAGE);
}

TEST(close_lets_them_go)
{
	int fd = make(0);
	char *p = area();
	pthread_t t;

	CHECK_OK(reg(fd, p, PAGE, 1));
	pthread_create(&t, NULL, toucher, p);
	message(fd);
	close(fd);
	pthread_join(t, NULL);
	CHECK_EQ(p[10], 1);
	fd = make(0);
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_OK(reg(fd, p, PAGE, 1));
	pthread_create(&t, NULL, toucher, p);
	message(fd);
	CHECK_OK(range(fd, UFFDIO_UNREGISTER, p, PAGE));
	pthread_join(t, NULL);
	CHECK_EQ(p[10], 1);
	close(fd);
	munmap(p, PAGES * PAGE);
}

static void *reader(void *arg)
{
	int *fds = arg;

	reached = 10 + read(fds[0], shared_area, 1);
	return NULL;
}

/* A system call's own access waits as the program's does. */
TEST(in_a_system_call)
{
	int fd = make(0), fds[2];
	struct uffd_msg m;
	pthread_t t;

	NEED_CAP(19);
	reached = 0;
	shared_area = area();
	CHECK_OK(reg(fd, shared_area, PAGE, 1));
	CHECK_OK(pipe(fds));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	pthread_create(&t, NULL, reader, fds);
	m = message(fd);
	CHECK_EQ(m.arg.pagefault.address, (uintptr_t)shared_area);
	CHECK_EQ(reached, 0);
	CHECK_OK(zero(fd, shared_area, PAGE, 0));
	pthread_join(t, NULL);
	CHECK_EQ(reached, 11);
	CHECK_EQ(shared_area[0], 'x');
	close(fd);
	close(fds[0]);
	close(fds[1]);
	munmap(shared_area, PAGES * PAGE);
}

TEST(user_mode_only)
{
	struct uffdio_api a = { .api = UFFD_API };
	int fd = CHECK_OK(syscall(SYS_userfaultfd, USER_MODE_ONLY | O_NONBLOCK)), fds[2];
	char *p = area();

	CHECK_OK(ioctl(fd, UFFDIO_API, &a));
	CHECK_OK(reg(fd, p, PAGE, 1));
	CHECK_OK(pipe(fds));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_ERRNO(read(fds[0], p, 1), EFAULT);
	close(fds[0]);
	close(fds[1]);
	close(fd);
	munmap(p, PAGES * PAGE);
}

static void on_sigbus(int sig ABI_UNUSED, siginfo_t *si, void *ctx ABI_UNUSED)
{
	_exit(si->si_code == BUS_ADRERR && si->si_addr == shared_area ? 0 : 1);
}

TEST(sigbus_feature)
{
	shared_area = area();
	IN_CHILD
	{
		struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

		int fd = make(UFFD_FEATURE_SIGBUS); /* of the child's own memory */

		CHECK_OK(reg(fd, shared_area, PAGE, 1));
		sigaction(SIGBUS, &sa, NULL);
		*(volatile char *)shared_area = 1;
		CHECK(!"reached");
	}
	munmap(shared_area, PAGES * PAGE);
}

TEST(write_protection)
{
	int fd = make(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	char *p = area();
	struct uffd_msg m;
	pthread_t t;

	reached = 0;
	memset(p, 'a', PAGES * PAGE);
	CHECK_ERRNO(protect(fd, p, PAGE, 1), ENOENT);
	CHECK_OK(reg(fd, p, 4 * PAGE, 2));
	CHECK_OK(protect(fd, p, 2 * PAGE, 1));
	CHECK_ERRNO(protect(fd, p, PAGE, 3), EINVAL);
	CHECK_ERRNO(protect(fd, p, PAGE, 8), EINVAL);
	CHECK_ERRNO(protect(fd, p + 1, PAGE, 1), EINVAL);
	CHECK_ERRNO(ioctl(fd, UFFDIO_WRITEPROTECT, bad_ptr()), EFAULT);
	CHECK_EQ(p[5], 'a'); /* reading is free */
	p[3 * PAGE] = 'b';
	pthread_create(&t, NULL, toucher, p + PAGE);
	m = message(fd);
	CHECK_EQ(m.arg.pagefault.flags, UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE);
	CHECK_EQ(m.arg.pagefault.address, (uintptr_t)p + PAGE);
	CHECK_EQ(reached, 0);
	CHECK_OK(protect(fd, p + PAGE, PAGE, 0));
	pthread_join(t, NULL);
	CHECK_EQ(p[PAGE + 10], 'b');
	/* A page that is given protected. */
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_OK(copy(fd, p, page, PAGE, 2, NULL));
	reached = 0;
	pthread_create(&t, NULL, toucher, p);
	m = message(fd);
	CHECK(m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
	close(fd);
	pthread_join(t, NULL);
	munmap(p, PAGES * PAGE);
}

TEST(fork_and_mremap)
{
	int fd = make(0);
	char *p = area(), *q;

	CHECK_OK(reg(fd, p, PAGES * PAGE, 1));
	IN_CHILD
	CHECK_EQ(*(volatile char *)p, 0); /* the child's is not registered */
	q = mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area());
	CHECK(q != MAP_FAILED);
	CHECK_EQ(*(volatile char *)q, 0);
	CHECK_ERRNO(copy(fd, q + PAGE, page, PAGE, 0, NULL), ENOENT);
	close(fd);
	munmap(q, PAGES * PAGE);
}

static void on_usr1(int sig ABI_UNUSED)
{
	reached = 5;
}

TEST(signals_while_waiting)
{
	int fd = make(0), st;
	char *p = area();
	pthread_t t;
	pid_t kid;

	signal(SIGUSR1, on_usr1);
	reached = 0;
	CHECK_OK(reg(fd, p, PAGE, 1));
	pthread_create(&t, NULL, toucher, p);
	message(fd);
	pthread_kill(t, SIGUSR1);
	WAIT_UNTIL(reached == 5); /* the handler runs, the access is made again */
	message(fd);
	CHECK_OK(zero(fd, p, PAGE, 0));
	pthread_join(t, NULL);
	CHECK_EQ(reached, 1);
	close(fd);
	signal(SIGUSR1, SIG_DFL);
	/* SIGKILL ends a wait, in the program and in a system call, and so does the exit of another thread. */
	for (int how = 0; how < 3; how++) {
		if (how == 1 && !abi_cap(19))
			continue;
		kid = abi_fork();
		if (!kid) {
			char *a = area();
			int fds[2];

			fd = make(0);
			reg(fd, a, PAGE, 1);
			if (how == 2) {
				pthread_create(&t, NULL, toucher, a);
				message(fd);
				_exit(9);
			}
			if (how && (pipe(fds) || write(fds[1], "x", 1) != 1 || read(fds[0], a, 1)))
				_exit(1);
			*(volatile char *)a = 1;
			_exit(1);
		}
		if (how < 2) {
			abi_sleep_ms(50);
			kill(kid, SIGKILL);
		}
		st = abi_wait(kid);
		if (how < 2)
			CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
		else
			CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 9);
	}
	munmap(p, PAGES * PAGE);
}

/* A parent's instance, in a child: it is the parent's memory that it is about. */
TEST(instance_of_another)
{
	int fd = make(0);
	char *p = area();

	CHECK_OK(reg(fd, p, PAGE, 1));
	memset(page, 'k', PAGE);
	IN_CHILD
	{
		memset(page, 'l', PAGE);
		CHECK_OK(copy(fd, p, page, PAGE, 0, NULL));
	}
	CHECK_EQ(p[0], 'l');
	close(fd);
	munmap(p, PAGES * PAGE);
}

HELPER(after_exec)
{
	int fd = atoi(argv[0]);

	if (reg(fd, area(), PAGE, 1) == 0 || errno != ENOMEM)
		return 1;
	return copy(fd, area(), page, PAGE, 0, NULL) == -1 && errno == ESRCH ? 7 : 2;
}

TEST(memory_is_gone)
{
	pid_t kid = abi_fork();
	int st;

	if (!kid) {
		char number[12], *argv[] = { abi_self, "@after_exec", number, NULL };
		int fd = make(0);

		fcntl(fd, F_SETFD, 0);
		snprintf(number, sizeof(number), "%d", fd);
		execv(abi_self, argv);
		_exit(1);
	}
	st = abi_wait(kid);
	CHECK_EQ(WEXITSTATUS(st), 7);
}
