/* epoll: level and edge triggering, ONESHOT, EXCLUSIVE, nesting and loops, closing, errors. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, op, fd, &ev);
}

static int wait0(int ep, struct epoll_event *ev)
{
	return epoll_wait(ep, ev, 8, 0);
}

static void put(int fd)
{
	CHECK_EQ(write(fd, &(uint64_t){ 1 }, 8), 8);
}

static void take(int fd)
{
	uint64_t v;

	CHECK_EQ(read(fd, &v, 8), 8);
}

TEST(level)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_NONBLOCK);
	struct epoll_event ev[8];

	REQUIRE(ep >= 0);
	CHECK_EQ(fcntl(ep, F_GETFD), FD_CLOEXEC);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0x1122334455667788));
	CHECK_EQ(wait0(ep, ev), 0);
	put(fd);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(wait0(ep, ev), 1);
		CHECK_EQ(ev[0].events, EPOLLIN);
		CHECK_EQ(ev[0].data.u64, 0x1122334455667788);
	}
	take(fd);
	CHECK_EQ(wait0(ep, ev), 0);
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLOUT, 5));
	CHECK_EQ(wait0(ep, ev), 1);
	CHECK_EQ(ev[0].events, EPOLLOUT);
	CHECK_EQ(ev[0].data.u64, 5);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	CHECK_EQ(wait0(ep, ev), 0);
	close(ep), close(fd);
}

TEST(edge)
{
	int ep = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);
	struct epoll_event ev[8];

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1));
	put(fd);
	CHECK_EQ(wait0(ep, ev), 1);
	CHECK_EQ(wait0(ep, ev), 0); /* told once */
	put(fd);
	CHECK_EQ(wait0(ep, ev), 1);				    /* each write is a new edge */
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 1)); /* so is a change */
	CHECK_EQ(wait0(ep, ev), 1);
	CHECK_EQ(wait0(ep, ev), 0);
	close(ep), close(fd);
	/* already ready when added */
	ep = epoll_create1(0), fd = eventfd(1, EFD_NONBLOCK);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1));
	CHECK_EQ(wait0(ep, ev), 1);
	close(ep), close(fd);
}

TEST(oneshot)
{
	int ep = epoll_create1(0), fd = eventfd(1, EFD_NONBLOCK);
	struct epoll_event ev[8];

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, 1));
	CHECK_EQ(wait0(ep, ev), 1);
	put(fd);
	CHECK_EQ(wait0(ep, ev), 0); /* until it is armed again */
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), EEXIST);
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 2));
	CHECK_EQ(wait0(ep, ev), 1);
	CHECK_EQ(ev[0].data.u64, 2);
	close(ep), close(fd);
}

TEST(errors)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0), file, null = open("/dev/null", O_RDONLY);
	struct epoll_event ev;

	CHECK_ERRNO(epoll_create1(0x123), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_create, -1), EINVAL);
	CHECK_OK(close(CHECK_OK(epoll_create(1))));
	CHECK_ERRNO(ctl(-1, EPOLL_CTL_ADD, fd, EPOLLIN, 0), EBADF);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, -1, EPOLLIN, 0), EBADF);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0), EINVAL);
	CHECK_ERRNO(ctl(fd, EPOLL_CTL_ADD, ep, EPOLLIN, 0), EINVAL); /* not an epoll descriptor */
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0), ENOENT);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), ENOENT);
	CHECK_ERRNO(ctl(ep, 99, fd, EPOLLIN, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, bad_ptr()), EFAULT);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0));
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), EEXIST);
	abi_tmpdir();
	file = abi_file("f", "", 0644);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 0), EPERM); /* regular files: never */
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, null, EPOLLIN, 0), EPERM);
	CHECK_ERRNO(epoll_wait(ep, &ev, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, &ev, -1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(fd, &ev, 1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(-1, &ev, 1, 0), EBADF);
	CHECK_ERRNO(epoll_wait(file, &ev, 1, 0), EINVAL);
	put(fd);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(read(ep, &ev, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, &ev, 4), EINVAL);
	close(ep), close(fd), close(file), close(null);
}

TEST(timeouts)
{
	int ep = epoll_create1(0);
	struct epoll_event ev;
	int64_t t0 = abi_now_ns();
	struct timespec ts = { 0, 2500000 };

	CHECK_EQ(epoll_wait(ep, &ev, 1, 3), 0);
	CHECK(abi_now_ns() - t0 >= 3000000);
	errno = 0;
	t0 = abi_now_ns();
	if (syscall(SYS_epoll_pwait2, ep, &ev, 1, &ts, NULL, 8) == 0)
		CHECK(abi_now_ns() - t0 >= 2500000);
	else
		CHECK_EQ(errno, ENOSYS);
	close(ep);
}

TEST(hangup_is_always_told)
{
	int ep = epoll_create1(0), fds[2];
	struct epoll_event ev[8];

	REQUIRE(pipe(fds) == 0);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], 0, 1));
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fds[1], 0, 2));
	CHECK_EQ(wait0(ep, ev), 0);
	close(fds[1]);
	CHECK_EQ(wait0(ep, ev), 1);
	CHECK_EQ(ev[0].events, EPOLLHUP);
	CHECK_EQ(ev[0].data.u64, 1);
	close(ep), close(fds[0]);
}

TEST(closing_removes)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0), two = dup(fd);
	struct epoll_event ev[8];

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1));
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, two, EPOLLIN, 2)); /* the key is descriptor and file */
	CHECK_EQ(wait0(ep, ev), 2);
	CHECK_OK(close(fd));
	CHECK_EQ(wait0(ep, ev), 2); /* the open file lives on through the other number */
	CHECK_OK(close(two));
	CHECK_EQ(wait0(ep, ev), 0);
	close(ep);
}

TEST(maxevents_rotates)
{
	int ep = epoll_create1(0), fd[4], seen[4] = { 0 };
	struct epoll_event ev;

	for (int i = 0; i < 4; i++) {
		fd[i] = eventfd(1, 0);
		CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN, i));
	}
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
		seen[ev.data.u64 & 3]++;
	}
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(seen[i], 1); /* no descriptor starves */
		close(fd[i]);
	}
	close(ep);
}

TEST(nested)
{
	int a = epoll_create1(0), b = epoll_create1(0), fd = eventfd(0, 0);
	struct epoll_event ev[8];
	struct pollfd p = { a, POLLIN, 0 };

	CHECK_OK(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN, 1));
	CHECK_OK(ctl(b, EPOLL_CTL_ADD, fd, EPOLLIN, 2));
	CHECK_EQ(wait0(a, ev), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	put(fd);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(wait0(a, ev), 1);
	CHECK_EQ(ev[0].data.u64, 1);
	CHECK_EQ(wait0(b, ev), 1);
	CHECK_ERRNO(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN, 3), ELOOP); /* a circle */
	close(a), close(b), close(fd);
}

TEST(nesting_depth)
{
	int ep[8], e = 0, i;

	/* at most five one within another */
	for (i = 0; i < 8; i++)
		ep[i] = epoll_create1(0);
	for (i = 0; i < 7; i++)
		if (ctl(ep[i], EPOLL_CTL_ADD, ep[i + 1], EPOLLIN, 0)) {
			e = errno;
			break;
		}
	CHECK_EQ(e, ELOOP);
	CHECK(i == 4 || i == 5);
	for (i = 0; i < 8; i++)
		close(ep[i]);
}

TEST(exclusive)
{
	int ep = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(1, 0);
	struct epoll_event ev[8];

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE, 1));
	CHECK_EQ(wait0(ep, ev), 1);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 1), EINVAL);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL);
	close(ep), close(inner), close(fd);
}

static int wake_ep;

static void *waits(void *arg)
{
	struct epoll_event ev;

	CHECK_EQ(epoll_wait(wake_ep, &ev, 1, 10000), 1);
	return arg;
}

TEST(wakes_a_sleeper)
{
	int fd = eventfd(0, 0);
	pthread_t t;

	wake_ep = epoll_create1(0);
	REQUIRE(pthread_create(&t, NULL, waits, NULL) == 0);
	abi_sleep_ms(2);
	CHECK_OK(ctl(wake_ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0)); /* while another waits */
	abi_sleep_ms(2);
	put(fd);
	pthread_join(t, NULL);
	close(wake_ep), close(fd);
}

TEST_FORK(pwait_mask)
{
	int ep = epoll_create1(0);
	struct epoll_event ev;
	sigset_t set, none;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHILD_DIES(SIGTERM)
	{
		raise(SIGTERM);
		epoll_pwait(ep, &ev, 1, 5000, &none);
	}
	CHECK_EQ(epoll_pwait(ep, &ev, 1, 0, &none), 0);
	close(ep);
}

/* One call gives all that is ready, and each once. */
TEST(many_events_at_once)
{
	enum { N = 900 };
	static struct epoll_event ev[N + 50];
	static char seen[N];
	struct rlimit lim;
	int ep = epoll_create1(0), fd[N], n = 0, got;

	getrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_cur < N + 50)
		SKIP("too few descriptors");
	for (int i = 0; i < N; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = (unsigned)i };

		fd[i] = eventfd(1, 0);
		n += !epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &e);
	}
	CHECK_EQ(n, N);
	got = epoll_wait(ep, ev, N + 50, 1000);
	CHECK_EQ(got, N);
	for (int i = 0; i < got; i++)
		seen[ev[i].data.u32]++;
	n = 0;
	for (int i = 0; i < N; i++) {
		n += seen[i] == 1;
		close(fd[i]);
	}
	CHECK_EQ(n, N);
	CHECK_EQ(epoll_wait(ep, ev, N, 0), 0);
	close(ep);
}

TEST(many_descriptors)
{
	enum { N = 300 };
	int ep = epoll_create1(0), fd[N], total = 0;
	struct epoll_event ev[64];

	for (int i = 0; i < N; i++) {
		fd[i] = eventfd(i & 1, EFD_NONBLOCK);
		REQUIRE(fd[i] >= 0);
		CHECK_OK(ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN | EPOLLET, i));
	}
	for (int n; (n = epoll_wait(ep, ev, 64, 0)) > 0; total += n)
		for (int k = 0; k < n; k++)
			CHECK_EQ(ev[k].data.u64 & 1, 1);
	CHECK_EQ(total, N / 2);
	for (int i = 0; i < N; i++)
		close(fd[i]);
	close(ep);
}
