/* AF_UNIX streams: connect, accept, data, ends of connections, peeking, urgent data, buffers, wait and time limits. */
#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <linux/sockios.h>

static char big[1 << 20];

static void pair(int fd[2])
{
	fd[0] = fd[1] = -1;
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
}

static void drop(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

/* An abstract name that no other process uses. */
static socklen_t name(struct sockaddr_un *a, const char *what)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   sprintf(a->sun_path + 1, "moat-%d-%s", (int)getpid(), what));
}

static int listener(struct sockaddr_un *a, socklen_t *len, const char *what, int backlog)
{
	int l = socket(AF_UNIX, SOCK_STREAM, 0);

	*len = name(a, what);
	CHECK_OK(bind(l, (void *)a, *len));
	CHECK_OK(listen(l, backlog));
	return l;
}

static short events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

TEST(creation)
{
	int fd[2];
	struct stat st;
	char link[64], want[64];

	fd[0] = CHECK_OK(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	CHECK_EQ(fcntl(fd[0], F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
	CHECK_OK(fstat(fd[0], &st));
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_EQ(st.st_mode & 0777, 0777);
	CHECK_EQ(events(fd[0]), POLLOUT | POLLHUP);
	sprintf(link, "/proc/self/fd/%d", fd[0]);
	memset(want, 0, sizeof(want));
	CHECK_OK(readlink(link, want, sizeof(want) - 1));
	sprintf(link, "socket:[%lu]", (unsigned long)st.st_ino);
	CHECK_STR(want, link);
	CHECK_ERRNO(lseek(fd[0], 0, SEEK_SET), ESPIPE);
	close(fd[0]);
	fd[0] = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, AF_UNIX));
	CHECK_EQ(fcntl(fd[0], F_GETFL), O_RDWR);
	close(fd[0]);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, 11, 0), EINVAL);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	CHECK_ERRNO(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, fd), EINVAL);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 5, fd), EPROTONOSUPPORT);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad_ptr()), EFAULT);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd));
	CHECK_EQ(fcntl(fd[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd[1], F_GETFL), O_RDWR | O_NONBLOCK);
	drop(fd);
}

TEST(not_a_socket)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, "x");
	struct msghdr m = { 0 };
	int fd = open("/dev/null", O_RDWR), v = 0;

	CHECK_ERRNO(bind(fd, (void *)&a, len), ENOTSOCK);
	CHECK_ERRNO(connect(fd, (void *)&a, len), ENOTSOCK);
	CHECK_ERRNO(listen(fd, 1), ENOTSOCK);
	CHECK_ERRNO(accept(fd, NULL, NULL), ENOTSOCK);
	CHECK_ERRNO(getsockname(fd, (void *)&a, &len), ENOTSOCK);
	CHECK_ERRNO(getpeername(fd, (void *)&a, &len), ENOTSOCK);
	CHECK_ERRNO(send(fd, "x", 1, 0), ENOTSOCK);
	CHECK_ERRNO(recv(fd, &v, 1, 0), ENOTSOCK);
	CHECK_ERRNO(sendmsg(fd, &m, 0), ENOTSOCK);
	CHECK_ERRNO(recvmsg(fd, &m, 0), ENOTSOCK);
	CHECK_ERRNO(shutdown(fd, SHUT_RD), ENOTSOCK);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 4), ENOTSOCK);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len), ENOTSOCK);
	close(fd);
	CHECK_ERRNO(bind(fd, (void *)&a, len), EBADF);
	CHECK_ERRNO(connect(fd, (void *)&a, len), EBADF);
	CHECK_ERRNO(listen(-1, 1), EBADF);
	CHECK_ERRNO(accept(-1, NULL, NULL), EBADF);
	CHECK_ERRNO(send(-1, "x", 1, 0), EBADF);
	CHECK_ERRNO(recv(-1, &v, 1, 0), EBADF);
	CHECK_ERRNO(shutdown(-1, 9), EBADF);
	CHECK_ERRNO(getsockopt(-1, SOL_SOCKET, SO_TYPE, &v, &len), EBADF);
}

TEST(pair_data)
{
	int fd[2], n = -1;
	char b[16] = "";

	pair(fd);
	CHECK_EQ(events(fd[0]), POLLOUT);
	CHECK_EQ(write(fd[0], "hello", 5), 5);
	CHECK_EQ(send(fd[0], "world", 5, 0), 5);
	CHECK_EQ(events(fd[1]), POLLIN | POLLOUT);
	CHECK_OK(ioctl(fd[1], FIONREAD, &n));
	CHECK_EQ(n, 10);
	CHECK_EQ(recv(fd[1], b, 3, MSG_PEEK), 3);
	CHECK_STR(b, "hel");
	CHECK_EQ(recv(fd[1], b, 7, 0), 7);
	CHECK_STR(b, "hellowo");
	CHECK_EQ(read(fd[1], b, 16), 3);
	CHECK_ERRNO(recv(fd[1], b, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(recv(fd[1], b, 0, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(read(fd[1], b, 0), 0);
	CHECK_EQ(send(fd[0], "", 0, 0), 0);
	CHECK_EQ(write(fd[0], "", 0), 0);
	CHECK_ERRNO(recv(fd[1], b, 1, MSG_DONTWAIT), EAGAIN); /* nothing of nothing arrives */
	CHECK_ERRNO(syscall(SYS_sendto, fd[0], bad_ptr(), 4, 0, NULL, 0), EFAULT);
	CHECK_EQ(send(fd[0], "abc", 3, 0), 3);
	CHECK_ERRNO(syscall(SYS_recvfrom, fd[1], bad_ptr(), 4, 0, NULL, NULL), EFAULT);
	CHECK_EQ(recv(fd[1], b, 16, 0), 3);
	CHECK_ERRNO(pread(fd[0], b, 1, 0), ESPIPE);
	CHECK_ERRNO(pwrite(fd[0], b, 1, 0), ESPIPE);
	drop(fd);
}

TEST(vectors)
{
	int fd[2];
	char a[4] = "", b[8] = "";
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdefg", 5 } };
	struct iovec in[2] = { { a, 3 }, { b, 7 } };

	pair(fd);
	CHECK_EQ(writev(fd[0], out, 3), 7);
	CHECK_EQ(readv(fd[1], in, 2), 7);
	CHECK_STR(a, "abc");
	CHECK_STR(b, "defg");
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 3 };
	CHECK_EQ(sendmsg(fd[0], &m, 0), 7);
	m.msg_iov = in;
	m.msg_iovlen = 2;
	m.msg_flags = -1;
	CHECK_EQ(recvmsg(fd[1], &m, 0), 7);
	CHECK_EQ(m.msg_flags, 0);
	m.msg_iovlen = 1025;
	CHECK_ERRNO(sendmsg(fd[0], &m, 0), EMSGSIZE);
	CHECK_ERRNO(recvmsg(fd[0], &m, 0), EMSGSIZE);
	CHECK_ERRNO(syscall(SYS_sendmsg, fd[0], bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_recvmsg, fd[0], bad_ptr(), 0), EFAULT);
	drop(fd);
}

TEST(connect_accept)
{
	struct sockaddr_un a, got;
	socklen_t len, n = sizeof(got);
	int l = listener(&a, &len, "ca", 5), c, s, v = 0;
	char b[8] = "";

	CHECK_EQ(events(l), 0);
	CHECK_OK(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &(socklen_t){ 4 }));
	CHECK_EQ(v, 1);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_OK(connect(c, (void *)&a, len));
	CHECK_EQ(events(l), POLLIN);
	CHECK_EQ(write(c, "early", 5), 5);
	s = CHECK_OK(accept4(l, (void *)&got, &n, SOCK_CLOEXEC | SOCK_NONBLOCK));
	CHECK_EQ(n, 2); /* the client has no name */
	CHECK_EQ(got.sun_family, AF_UNIX);
	CHECK_EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(s, b, 8), 5);
	CHECK_STR(b, "early");
	n = sizeof(got);
	CHECK_OK(getpeername(c, (void *)&got, &n));
	CHECK_EQ(n, len);
	CHECK_EQ(memcmp(&got, &a, len), 0);
	n = sizeof(got);
	CHECK_OK(getsockname(s, (void *)&got, &n));
	CHECK_EQ(n, len);
	n = 4;
	CHECK_OK(getsockname(s, (void *)&got, &n));
	CHECK_EQ(n, len); /* the true length */
	n = -1;
	CHECK_ERRNO(getsockname(s, (void *)&got, &n), EINVAL);
	CHECK_ERRNO(syscall(SYS_getsockname, s, &got, bad_ptr()), EFAULT);
	CHECK_ERRNO(connect(c, (void *)&a, len), EISCONN);
	CHECK_ERRNO(connect(l, (void *)&a, len), EINVAL);
	CHECK_ERRNO(listen(c, 1), EINVAL);
	CHECK_ERRNO(accept(c, NULL, NULL), EINVAL);
	CHECK_ERRNO(accept4(l, NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&a, len), EISCONN);
	close(s);
	close(c);
	fcntl(l, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(accept(l, NULL, NULL), EAGAIN);
	close(l);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(connect(c, (void *)&a, len), ECONNREFUSED);
	CHECK_ERRNO(connect(c, (void *)&a, 1), EINVAL);
	CHECK_ERRNO(connect(c, (void *)&a, 2), EINVAL);
	CHECK_ERRNO(connect(c, (void *)&a, 200), EINVAL);
	CHECK_ERRNO(connect(c, (void *)&a, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_connect, c, bad_ptr(), len), EFAULT);
	a.sun_family = AF_INET;
	CHECK_ERRNO(connect(c, (void *)&a, len), EINVAL);
	CHECK_ERRNO(getpeername(c, (void *)&got, &n), ENOTCONN);
	CHECK_ERRNO(send(c, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(recv(c, b, 1, 0), EINVAL);
	CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&a, len), EOPNOTSUPP);
	CHECK_ERRNO(listen(c, 1), EINVAL); /* it has no name */
	CHECK_ERRNO(accept(c, NULL, NULL), EINVAL);
	close(c);
}

TEST(backlog)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(&a, &len, "bl", 1), c[3], s;

	for (int i = 0; i < 3; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (i < 2)
			CHECK_OK(connect(c[i], (void *)&a, len));
		else
			CHECK_ERRNO(connect(c[i], (void *)&a, len), EAGAIN);
	}
	struct timeval tv = { 0, 30000 };
	CHECK_OK(setsockopt(c[2], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	fcntl(c[2], F_SETFL, 0);
	int64_t t = abi_now_ns();
	CHECK_ERRNO(connect(c[2], (void *)&a, len), EAGAIN);
	CHECK(abi_now_ns() - t >= 30000000);
	tv.tv_usec = 0;
	CHECK_OK(setsockopt(c[2], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	pid_t p = abi_fork();
	if (p == 0) {
		CHECK_OK(connect(c[2], (void *)&a, len)); /* waits for room */
		abi_exit();
	}
	abi_sleep_ms(20);
	s = CHECK_OK(accept(l, NULL, NULL));
	abi_reap(p);
	close(s);
	/* The listener goes with two connections not accepted: their other ends see a reset. */
	CHECK_EQ(write(c[1], "x", 1), 1);
	close(l);
	char b;
	CHECK_EQ(events(c[1]), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_ERRNO(read(c[1], &b, 1), ECONNRESET);
	CHECK_EQ(read(c[1], &b, 1), 0);
	for (int i = 0; i < 3; i++)
		close(c[i]);
}

/* Without a free descriptor the connection stays on the backlog. */
TEST(accept_without_room)
{
	struct sockaddr_un a;
	socklen_t len;
	struct rlimit old, none;
	int l = listener(&a, &len, "room", 2), c = socket(AF_UNIX, SOCK_STREAM, 0), s;

	CHECK_OK(connect(c, (void *)&a, len));
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = (rlim_t)c + 1;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_ERRNO(accept(l, NULL, NULL), EMFILE);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
	CHECK_EQ(events(c), POLLOUT);
	s = CHECK_OK(accept4(l, NULL, NULL, SOCK_NONBLOCK));
	close(s);
	close(c);
	close(l);
}

/* Each connection wakes one of those who wait, and none is forgotten. */
TEST(many_accept)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(&a, &len, "many", 8);
	pid_t p[4];

	for (int i = 0; i < 4; i++) {
		p[i] = abi_fork();
		if (p[i] == 0) {
			for (int k = 0; k < 25; k++) {
				int s = CHECK_OK(accept(l, NULL, NULL));

				CHECK_EQ(write(s, "x", 1), 1);
				close(s);
			}
			abi_exit();
		}
	}
	for (int k = 0; k < 100; k++) {
		int c = socket(AF_UNIX, SOCK_STREAM, 0);
		char b;

		CHECK_OK(connect(c, (void *)&a, len));
		CHECK_EQ(read(c, &b, 1), 1);
		close(c);
	}
	for (int i = 0; i < 4; i++)
		abi_reap(p[i]);
	close(l);
}

TEST(ends)
{
	int fd[2];
	char b[8];

	signal(SIGPIPE, SIG_IGN);
	pair(fd);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	close(fd[0]);
	CHECK_EQ(events(fd[1]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(read(fd[1], b, 8), 3);
	CHECK_EQ(read(fd[1], b, 8), 0);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
	CHECK_ERRNO(send(fd[1], "", 0, MSG_NOSIGNAL), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	CHILD_DIES(SIGPIPE)
	{
		if (write(fd[1], "x", 1) == -1)
			_exit(1);
	}
	IN_CHILD
	{
		CHECK_ERRNO(send(fd[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	}
	close(fd[1]);

	/* Data that the other side never read: a reset, once. */
	pair(fd);
	CHECK_EQ(write(fd[1], "abc", 3), 3);
	close(fd[0]);
	CHECK_EQ(events(fd[1]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP | POLLERR);
	CHECK_ERRNO(send(fd[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(read(fd[1], b, 8), ECONNRESET);
	CHECK_EQ(read(fd[1], b, 8), 0);
	close(fd[1]);
}

TEST(shutdown_halves)
{
	int fd[2];
	char b[8];

	signal(SIGPIPE, SIG_IGN);
	pair(fd);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_ERRNO(write(fd[0], "x", 1), EPIPE);
	CHECK_EQ(events(fd[0]), POLLOUT);
	CHECK_EQ(events(fd[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(fd[1], b, 8), 3);
	CHECK_EQ(read(fd[1], b, 8), 0);
	CHECK_EQ(write(fd[1], "back", 4), 4);
	CHECK_EQ(read(fd[0], b, 8), 4);
	CHECK_OK(shutdown(fd[0], SHUT_RD));
	CHECK_EQ(read(fd[0], b, 8), 0);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
	CHECK_EQ(events(fd[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_ERRNO(shutdown(fd[0], 3), EINVAL);
	CHECK_ERRNO(shutdown(fd[0], -1), EINVAL);
	drop(fd);
	fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_OK(shutdown(fd[0], SHUT_RDWR));
	close(fd[0]);
	/* Data written before the shutdown of reading is still there. */
	pair(fd);
	CHECK_EQ(write(fd[0], "abc", 3), 3);
	CHECK_OK(shutdown(fd[1], SHUT_RD));
	CHECK_EQ(read(fd[1], b, 8), 3);
	CHECK_EQ(read(fd[1], b, 8), 0);
	drop(fd);
	signal(SIGPIPE, SIG_DFL);
}

TEST(buffer_limits)
{
	int fd[2], n, small = 0;
	socklen_t len = sizeof(n);
	ssize_t k, total = 0;

	pair(fd);
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &n, &len));
	CHECK_EQ(n, 212992);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	while ((k = write(fd[0], big, 1)) == 1)
		small++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(small, 278); /* each counts 768 */
	CHECK_EQ(events(fd[0]), 0);
	CHECK_OK(ioctl(fd[0], SIOCOUTQ, &n));
	CHECK_EQ(n, 278 * 768);
	/* Writable again when a quarter is used. */
	for (int i = 0; i < 207; i++)
		CHECK_EQ(read(fd[1], big, 1), 1);
	CHECK_EQ(events(fd[0]), 0);
	CHECK_EQ(read(fd[1], big, 2), 2);
	CHECK_EQ(events(fd[0]), POLLOUT);
	while (recv(fd[1], big, sizeof(big), MSG_DONTWAIT) > 0)
		;
	while ((k = write(fd[0], big, 4096)) > 0)
		total += k;
	CHECK(total == 44 * 4096 ||
	      total == 26 * 4096); /* each counts 4864, before Linux 6.13 8448 */
	drop(fd);
	pair(fd);
	n = 0;
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &n, 4));
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &n, &len));
	CHECK_EQ(n, 4608);
	n = 10000;
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &n, 4));
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &n, &len));
	CHECK_EQ(n, 20000);
	drop(fd);
}

/* A write that is larger than every buffer, and a reader that wants all of it at once. */
TEST(large_and_waitall)
{
	int fd[2];
	char *in = malloc(sizeof(big));

	pair(fd);
	pid_t p = abi_fork();
	if (p == 0) {
		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = (char)(i % 251);
		CHECK_EQ(write(fd[0], big, sizeof(big)), sizeof(big));
		CHECK_EQ(send(fd[0], big, 10, 0), 10);
		abi_sleep_ms(20);
		CHECK_EQ(send(fd[0], big, 10, 0), 10);
		abi_exit();
	}
	close(fd[0]);
	CHECK_EQ(recv(fd[1], in, sizeof(big), MSG_WAITALL), sizeof(big));
	int bad = 0;
	for (size_t i = 0; i < sizeof(big); i++)
		bad += in[i] != (char)(i % 251);
	CHECK_EQ(bad, 0);
	CHECK_EQ(recv(fd[1], in, 15, MSG_WAITALL), 15);
	CHECK_EQ(recv(fd[1], in, 15, MSG_WAITALL), 5); /* the end comes first */
	abi_reap(p);
	close(fd[1]);
	free(in);
}

TEST(peek_offset)
{
	int fd[2], off = -1;
	socklen_t len = 4;
	char b[16] = "";

	pair(fd);
	CHECK_OK(getsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, &len));
	CHECK_EQ(off, -1);
	write(fd[0], "aaaa", 4);
	write(fd[0], "bbbb", 4);
	CHECK_EQ(recv(fd[1], b, 6, MSG_PEEK), 6);
	CHECK_STR(b, "aaaabb");
	off = 2;
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, 4));
	memset(b, 0, sizeof(b));
	CHECK_EQ(recv(fd[1], b, 3, MSG_PEEK), 3);
	CHECK_STR(b, "aab");
	memset(b, 0, sizeof(b));
	CHECK_EQ(recv(fd[1], b, 8, MSG_PEEK), 3);
	CHECK_STR(b, "bbb");
	CHECK_ERRNO(recv(fd[1], b, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(recv(fd[1], b, 3, 0), 3);
	CHECK_OK(getsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, &len));
	CHECK_EQ(off, 5);
	drop(fd);
}

static void on_urgent(int sig ABI_UNUSED)
{
}

TEST(urgent)
{
	int fd[2], n, at;
	char b[16] = "";

	pair(fd);
	if (send(fd[0], "abX", 3, MSG_OOB) < 0 && errno == EOPNOTSUPP)
		SKIP("no MSG_OOB on AF_UNIX here");
	CHECK_EQ(send(fd[0], "cd", 2, 0), 2);
	CHECK_EQ(events(fd[1]) & (POLLIN | POLLPRI), POLLIN | POLLPRI);
	CHECK_EQ(read(fd[1], b, 16), 2); /* up to the mark */
	CHECK_OK(ioctl(fd[1], SIOCATMARK, &at));
	CHECK_EQ(at, 1);
	CHECK_EQ(recv(fd[1], b, 4, MSG_OOB | MSG_PEEK), 1);
	CHECK_EQ(recv(fd[1], b, 4, MSG_OOB), 1);
	CHECK_EQ(b[0], 'X');
	CHECK_ERRNO(recv(fd[1], b, 4, MSG_OOB), EINVAL);
	CHECK_OK(ioctl(fd[1], FIONREAD, &n));
	CHECK_EQ(n, 2);
	CHECK_EQ(read(fd[1], b, 16), 2);
	/* Not taken by MSG_OOB: skipped. */
	CHECK_EQ(send(fd[0], "Y", 1, MSG_OOB), 1);
	CHECK_EQ(send(fd[0], "ef", 2, 0), 2);
	memset(b, 0, sizeof(b));
	CHECK_EQ(read(fd[1], b, 16), 2);
	CHECK_STR(b, "ef");
	n = 1;
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_OOBINLINE, &n, 4));
	CHECK_EQ(send(fd[0], "gZ", 2, MSG_OOB), 2);
	CHECK_ERRNO(recv(fd[1], b, 4, MSG_OOB), EINVAL);
	CHECK_EQ(read(fd[1], b, 16), 1);
	CHECK_EQ(read(fd[1], b, 16), 1);
	CHECK_EQ(b[0], 'Z');
	CHECK_ERRNO(send(fd[0], "", 0, MSG_OOB), EOPNOTSUPP);
	/* SIGURG for the owner. */
	struct timespec none = { 0, 0 };
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	signal(SIGURG, on_urgent); /* by default it is ignored */
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, &old));
	CHECK_OK(fcntl(fd[1], F_SETOWN, getpid()));
	CHECK_EQ(send(fd[0], "U", 1, MSG_OOB), 1);
	CHECK_EQ(sigtimedwait(&set, NULL, &none), SIGURG);
	CHECK_ERRNO(sigtimedwait(&set, NULL, &none), EAGAIN);
	CHECK_OK(sigprocmask(SIG_SETMASK, &old, NULL));
	signal(SIGURG, SIG_DFL);
	drop(fd);
}

static volatile int handled;

static void on_alarm(int sig ABI_UNUSED)
{
	handled++;
}

/* In 30 ms, and again every 30 ms. */
static void arm(int flags)
{
	struct itimerval it = { { 0, 30000 }, { 0, 30000 } };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };

	handled = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void disarm(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &it, NULL);
}

TEST_FORK(time_limits)
{
	struct timeval tv = { 0, 40000 };
	socklen_t len = sizeof(tv);
	int fd[2];
	char b;

	pair(fd);
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	CHECK_OK(getsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	CHECK_EQ(len, 16);
	CHECK(tv.tv_usec >= 40000 && tv.tv_usec <= 50000);
	int64_t t = abi_now_ns();
	CHECK_ERRNO(read(fd[0], &b, 1), EAGAIN);
	CHECK(abi_now_ns() - t >= 40000000);
	CHECK_ERRNO(recv(fd[0], &b, 1, 0), EAGAIN);
	t = abi_now_ns();
	ssize_t n = write(fd[0], big, sizeof(big)); /* as much as goes in, then the limit */
	CHECK(n > 0 && n < (ssize_t)sizeof(big));
	CHECK(abi_now_ns() - t >= 40000000);
	CHECK_ERRNO(write(fd[0], big, 1), EAGAIN);
	/* A limit makes a signal end the call for good, SA_RESTART or not. */
	tv.tv_sec = 10;
	CHECK_OK(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	arm(SA_RESTART);
	CHECK_ERRNO(read(fd[0], &b, 1), EINTR);
	disarm();
	tv.tv_usec = 1000000;
	CHECK_ERRNO(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
	CHECK_ERRNO(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 8), EINVAL);
	drop(fd);
}

TEST_FORK(signals)
{
	int fd[2];
	char b;

	pair(fd);
	arm(0);
	CHECK_ERRNO(read(fd[0], &b, 1), EINTR);
	CHECK_ERRNO(recv(fd[0], &b, 1, 0), EINTR);
	disarm();
	pid_t p = abi_fork();
	if (p == 0) {
		abi_sleep_ms(120);
		write(fd[1], "x", 1);
		abi_exit();
	}
	arm(SA_RESTART);
	CHECK_EQ(recv(fd[0], &b, 1, 0), 1);
	CHECK(handled > 0);
	disarm();
	abi_reap(p);
	/* What went before the signal counts. */
	arm(0);
	ssize_t n = write(fd[0], big, sizeof(big));
	CHECK(n > 0 && n < (ssize_t)sizeof(big));
	disarm();
	drop(fd);
}

TEST(epoll_edges)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET }, got;
	int fd[2], ep = epoll_create1(0);
	char b[8];

	pair(fd);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLOUT);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	write(fd[1], "ab", 2);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLIN | EPOLLOUT);
	CHECK_EQ(read(fd[0], b, 1), 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0); /* still readable, no new edge */
	write(fd[1], "c", 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1); /* each arrival is one */
	CHECK_EQ(read(fd[0], b, 8), 2);
	write(fd[0], "x", 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_EQ(read(fd[1], b, 8), 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1); /* room */
	CHECK_EQ(got.events, EPOLLOUT);
	CHECK_OK(shutdown(fd[1], SHUT_WR));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLIN | EPOLLOUT);
	close(fd[1]);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLIN | EPOLLOUT | EPOLLHUP);
	close(fd[0]);
	/* Level: as long as it lasts. */
	pair(fd);
	ev.events = EPOLLIN | EPOLLRDHUP;
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	write(fd[1], "ab", 2);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(read(fd[0], b, 8), 2);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_OK(shutdown(fd[1], SHUT_WR));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.events, EPOLLIN | EPOLLRDHUP);
	drop(fd);
	close(ep);
}

TEST(transfers)
{
	int fd[2], p[2], file;
	char b[64];
	off_t off = 1;

	abi_tmpdir();
	file = abi_file("data", "0123456789", 0644);
	pair(fd);
	CHECK_OK(pipe(p));
	CHECK_EQ(sendfile(fd[0], file, &off, 5), 5);
	CHECK_EQ(off, 6);
	CHECK_EQ(read(fd[1], b, 64), 5);
	CHECK_EQ(memcmp(b, "12345", 5), 0);
	CHECK_EQ(write(p[1], "pipe", 4), 4);
	CHECK_EQ(splice(p[0], NULL, fd[0], NULL, 64, 0), 4);
	CHECK_EQ(splice(fd[1], NULL, p[1], NULL, 64, 0), 4);
	CHECK_EQ(read(p[0], b, 64), 4);
	CHECK_EQ(memcmp(b, "pipe", 4), 0);
	CHECK_ERRNO(splice(fd[1], NULL, p[1], NULL, 64, SPLICE_F_NONBLOCK), EAGAIN);
	drop(p);
	drop(fd);
	close(file);
}
