/* poll, ppoll, select, pselect6: events of each kind of file, timeouts, limits, errors. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/select.h>

TEST(kinds_of_files)
{
	struct pollfd p = { -1, POLLIN | POLLOUT, 77 };
	int fd;

	CHECK_EQ(poll(&p, 1, 0), 0); /* negative descriptors are skipped */
	CHECK_EQ(p.revents, 0);
	p.fd = 12345;
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLNVAL);
	abi_tmpdir();
	p.fd = fd = abi_file("f", "", 0644);
	CHECK_EQ(poll(&p, 1, -1), 1); /* regular files are always ready */
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	close(fd);
	p.fd = fd = open("/dev/null", O_RDWR);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	close(fd);
	p.fd = fd = open("/dev/zero", O_RDONLY);
	CHECK_EQ(poll(&p, 1, -1), 1);
	close(fd);
}

TEST(timeouts)
{
	int64_t t0 = abi_now_ns();
	struct timespec ts = { 0, 2500000 }, bad = { 0, -1 };
	struct timeval tv = { 0, 2000 };

	CHECK_EQ(poll(NULL, 0, 3), 0);
	CHECK(abi_now_ns() - t0 >= 3000000);
	t0 = abi_now_ns();
	CHECK_EQ(ppoll(NULL, 0, &ts, NULL), 0);
	CHECK(abi_now_ns() - t0 >= 2500000);
	CHECK_EQ(ts.tv_nsec, 2500000); /* libc hides the change ... */
	CHECK_EQ(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8), 0);
	CHECK_EQ(ts.tv_nsec, 0); /* ... that the system call makes */
	t0 = abi_now_ns();
	CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0);
	CHECK(abi_now_ns() - t0 >= 2000000);
	CHECK_EQ(tv.tv_sec + tv.tv_usec, 0);
	CHECK_ERRNO(ppoll(NULL, 0, &bad, NULL), EINVAL);
	tv.tv_usec = -1;
	CHECK_ERRNO(select(0, NULL, NULL, NULL, &tv), EINVAL);
	tv = (struct timeval){ 0, 2000000 }; /* select takes more than a second of microseconds */
	int fd = open("/dev/null", O_RDONLY);
	fd_set r;
	FD_ZERO(&r);
	FD_SET(fd, &r);
	CHECK_EQ(select(fd + 1, &r, NULL, NULL, &tv), 1);
	CHECK(tv.tv_sec <= 2);
	close(fd);
}

TEST(poll_errors)
{
	struct pollfd p = { 0, POLLIN, 0 };

	CHECK_ERRNO(syscall(SYS_poll, bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_poll, &p, 1 << 30, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, &p, 1, bad_ptr(), NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_ppoll, &p, 1, NULL, &p, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, &p, 1, NULL, bad_ptr(), 8), EFAULT);
	CHECK_EQ(syscall(SYS_poll, NULL, 0, 0), 0);
}

TEST(select_sets)
{
	fd_set r, w, e;
	int fds[2], max;

	REQUIRE(pipe(fds) == 0);
	max = fds[1] + 1;
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(fds[0], &r);
	FD_SET(fds[1], &w);
	FD_SET(fds[0], &e);
	CHECK_EQ(select(max, &r, &w, &e, NULL), 1);
	CHECK(!FD_ISSET(fds[0], &r) && FD_ISSET(fds[1], &w) && !FD_ISSET(fds[0], &e));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	FD_SET(fds[0], &r);
	CHECK_EQ(select(max, &r, &w, NULL, NULL), 2);
	CHECK(FD_ISSET(fds[0], &r) && FD_ISSET(fds[1], &w));
	FD_ZERO(&r);
	FD_SET(fds[1], &r);
	CHECK_EQ(select(fds[1], &r, NULL, NULL, &(struct timeval){ 0, 0 }), 0); /* n excludes it */
	close(fds[0]);
	FD_ZERO(&w);
	FD_SET(fds[1], &w);
	CHECK_EQ(select(max, NULL, &w, NULL, NULL), 1); /* broken is writable */
	close(fds[1]);
	FD_ZERO(&r);
	FD_SET(fds[0], &r);
	CHECK_ERRNO(select(max, &r, NULL, NULL, NULL), EBADF);
	CHECK_ERRNO(select(-1, NULL, NULL, NULL, &(struct timeval){ 0, 0 }), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, 5, bad_ptr(), NULL, NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, bad_ptr()), EFAULT);
	/* a count far above the table is cut down to it */
	FD_ZERO(&r);
	CHECK_EQ(syscall(SYS_select, FD_SETSIZE, &r, NULL, NULL, &(struct timeval){ 0, 0 }), 0);
}

TEST(pselect_argument_pack)
{
	struct {
		const sigset_t *s;
		size_t n;
	} pack = { NULL, 8 };
	struct timespec zero = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, NULL), 0);
	CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &pack), 0);
	pack.s = &set;
	CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &pack), 0);
	pack.n = 4;
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &pack), EINVAL);
	CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, bad_ptr()), EFAULT);
}

static int wake_fd;

static void *wakes(void *arg)
{
	abi_sleep_ms(3);
	CHECK_EQ(write(wake_fd, &(uint64_t){ 1 }, 8), 8);
	return arg;
}

TEST(sleepers_are_woken)
{
	struct pollfd p[2];
	pthread_t t;
	uint64_t v;
	fd_set r;

	wake_fd = eventfd(0, 0);
	p[0] = (struct pollfd){ eventfd(0, 0), POLLIN, 0 };
	p[1] = (struct pollfd){ wake_fd, POLLIN, 0 };
	REQUIRE(pthread_create(&t, NULL, wakes, NULL) == 0);
	CHECK_EQ(poll(p, 2, 10000), 1);
	CHECK_EQ(p[1].revents, POLLIN);
	pthread_join(t, NULL);
	CHECK_EQ(read(wake_fd, &v, 8), 8);
	REQUIRE(pthread_create(&t, NULL, wakes, NULL) == 0);
	FD_ZERO(&r);
	FD_SET(wake_fd, &r);
	CHECK_EQ(select(wake_fd + 1, &r, NULL, NULL, NULL), 1);
	pthread_join(t, NULL);
	close(wake_fd), close(p[0].fd);
}

TEST(same_descriptor_twice)
{
	int fd = eventfd(1, 0);
	struct pollfd p[3] = { { fd, POLLIN, 0 }, { fd, POLLOUT, 0 }, { fd, POLLPRI, 0 } };

	CHECK_EQ(poll(p, 3, 0), 2);
	CHECK_EQ(p[0].revents, POLLIN);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(p[2].revents, 0);
	close(fd);
}

TEST(many)
{
	enum { N = 500 };
	static struct pollfd p[N];

	for (int i = 0; i < N; i++) {
		p[i] = (struct pollfd){ eventfd(i % 10 == 0, 0), POLLIN, 0 };
		REQUIRE(p[i].fd >= 0);
	}
	CHECK_EQ(poll(p, N, -1), N / 10);
	for (int i = 0; i < N; i++) {
		CHECK_EQ(p[i].revents, i % 10 ? 0 : POLLIN);
		close(p[i].fd);
	}
}
