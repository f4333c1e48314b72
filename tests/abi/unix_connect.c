/* AF_UNIX streams: making sockets, connect, accept, the backlog, ends of connections. Data: unix_stream.c. */
#include "unix.h"

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
