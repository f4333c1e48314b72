/*
 * Numbers of new descriptors: a call that cannot write one to user memory, or that fails later, leaves none; and between
 * the choice of a number and the end of the call, nobody else can use it.
 */
#include "unix.h"
#include <linux/sched.h>
#include <pthread.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/* The number that the next descriptor gets. */
static int next_fd(void)
{
	int fd = CHECK_OK(dup(0));

	close(fd);
	return fd;
}

/* The last `room` bytes before an address that is not mapped. */
static char *edge(size_t room)
{
	static char *page;

	if (!page) {
		page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		munmap(page + PAGE, PAGE);
	}
	return page + PAGE - room;
}

TEST(pairs)
{
	int next = next_fd();

	CHECK_ERRNO(syscall(SYS_pipe2, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_pipe2, edge(4), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, edge(4)), EFAULT);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, edge(8)), EOPNOTSUPP);
	CHECK_EQ(next_fd(), next);
}

TEST(pidfd_of_clone)
{
	struct clone_args a = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int next = next_fd();

	a.pidfd = (uintptr_t)bad_ptr();
	CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EFAULT);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, bad_ptr(), 0, 0), EFAULT);
	CHECK_EQ(next_fd(), next);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
}

TEST(pidfd_of_peer)
{
	socklen_t len = sizeof(int);
	int s[2], next;

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	next = next_fd();
	if (getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, bad_ptr(), &len) && errno == ENOPROTOOPT)
		SKIP("no SO_PEERPIDFD here");
	CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, bad_ptr(), &len), EFAULT);
	CHECK_EQ(next_fd(), next);
	close(s[0]), close(s[1]);
}

TEST(accepted)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), next;

	CHECK_OK(bind(l, (struct sockaddr *)&a, sizeof(sa_family_t)));
	CHECK_OK(listen(l, 2));
	CHECK_OK(getsockname(l, (struct sockaddr *)&a, &len));
	CHECK_OK(connect(c, (struct sockaddr *)&a, len));
	next = next_fd();
	CHECK_ERRNO(accept4(l, bad_ptr(), &len, 0), EFAULT);
	CHECK_EQ(next_fd(), next);
	CHECK_ERRNO(accept4(l, NULL, NULL, SOCK_NONBLOCK | 1), EINVAL);
	CHECK_OK(fcntl(l, F_SETFL, O_NONBLOCK));
	CHECK_ERRNO(accept4(l, NULL, NULL, 0), EAGAIN);
	CHECK_EQ(next_fd(), next);
	close(l), close(c);
}

static void send_two(int sock, int fd)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr h;
	} c = { .h = { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec v = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};

	memcpy(CMSG_DATA(&c.h), (int[2]){ fd, fd }, 2 * sizeof(int));
	CHECK_EQ(sendmsg(sock, &m, 0), 1);
}

/* What is given out one by one stops at the first number that cannot be written. */
TEST(control_messages)
{
	char b;
	struct iovec v = { &b, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int s[2], next, on = 1;

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	next = next_fd();
	for (unsigned room = 0; room <= 1; room++) {
		send_two(s[0], s[0]);
		m.msg_control = edge(CMSG_LEN(room * sizeof(int)));
		m.msg_controllen = CMSG_SPACE(2 * sizeof(int));
		CHECK_EQ(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC), 1);
		CHECK(m.msg_flags & MSG_CTRUNC);
		CHECK_EQ(next_fd(), next + (int)room);
		if (room)
			CHECK_EQ(*(int *)edge(sizeof(int)), next);
	}
	close(next);
	if (setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0) {
		CHECK_EQ(write(s[0], "x", 1), 1);
		m.msg_control = edge(CMSG_LEN(0));
		m.msg_controllen = CMSG_SPACE(sizeof(int));
		recvmsg(s[1], &m, 0);
		CHECK_EQ(next_fd(), next);
	}
	close(s[0]), close(s[1]);
}

TEST(no_number_no_effect)
{
	struct rlimit old, none;
	struct stat st;

	abi_tmpdir();
	REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
	none = old;
	none.rlim_cur = (rlim_t)next_fd();
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_ERRNO(open("made", O_CREAT | O_WRONLY, 0600), EMFILE);
	CHECK_ERRNO(stat("made", &st), ENOENT);
	CHECK_ERRNO(open(bad_ptr(), O_RDONLY), EFAULT); /* the name comes first */
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
}

static volatile pid_t opener;
static volatile int go;

static void *open_fifo(void *arg)
{
	opener = (pid_t)syscall(SYS_gettid);
	while (!go)
		sched_yield();
	*(int *)arg = open("fifo", O_RDONLY);
	return NULL;
}

/* stat: of a thread, as in /proc */
static int sleeps(int stat)
{
	char text[256] = "", *at;

	CHECK(pread(stat, text, sizeof(text) - 1, 0) > 0);
	at = strrchr(text, ')');
	return at && at[1] && at[2] == 'S';
}

/* An open that waits holds its number: it is not open, but not free either. */
TEST(held_while_waiting)
{
	pthread_t thread;
	int got = -1, next, fd, st, stat;
	char path[64];
	pid_t pid;

	abi_tmpdir();
	REQUIRE(mkfifo("fifo", 0600) == 0);
	REQUIRE(pthread_create(&thread, NULL, open_fifo, &got) == 0);
	WAIT_UNTIL(opener);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", opener);
	stat = CHECK_OK(open(path, O_RDONLY));
	next = next_fd();
	go = 1;
	/* Until then no number may be taken here, not even for a moment. */
	WAIT_UNTIL(sleeps(stat));
	CHECK_EQ(next_fd(), next + 1);
	CHECK_ERRNO(close(next), EBADF);
	CHECK_ERRNO(fcntl(next, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(next, F_SETFD, 0), EBADF);
	CHECK_ERRNO(dup(next), EBADF);
	CHECK_ERRNO(dup2(0, next), EBUSY);
	CHECK_ERRNO(dup3(0, next, O_CLOEXEC), EBUSY);
	CHECK_OK(syscall(SYS_close_range, next, next, 0));
	CHECK_EQ(next_fd(), next + 1);
	pid = fork(); /* its copy of the table has nobody who waits */
	if (pid == 0)
		_exit(dup(0) == next ? 0 : 1);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK_EQ(st, 0);
	fd = CHECK_OK(open("fifo", O_WRONLY));
	CHECK_OK(pthread_join(thread, NULL));
	CHECK_EQ(got, next);
	CHECK_EQ(fd, next + 1);
	CHECK_EQ(fcntl(next, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd), close(got), close(stat), unlink("fifo");
}
