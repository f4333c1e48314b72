// Errnos of the socket calls: addresses, states, peers that go away, waits that
// a signal ends.
#include "interrupted.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buf[70000];
static struct iovec vec = { buf, 1 };

static struct sockaddr_in loop_port(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static struct sockaddr_un path(const char *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, p, sizeof(a.sun_path) - 1);
	return a;
}

/* A listener on the loopback interface; *a is where. */
static int listener(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	*a = loop_port(0);
	CHECK_OK(bind(s, (void *)a, sizeof(*a)));
	CHECK_OK(listen(s, 1));
	CHECK_OK(getsockname(s, (void *)a, &len));
	return s;
}

TEST(no_socket)
{
	struct msghdr m = { .msg_iov = &vec, .msg_iovlen = 1 };
	struct mmsghdr mm = { .msg_hdr = m };
	struct sockaddr_in a = loop_port(1);
	socklen_t len = sizeof(a);
	int file = open("/", O_RDONLY);

#define NOT_A_SOCKET(call)                   \
	do {                                 \
		int fd = 999;                \
		CHECK_ERRNO(call, EBADF);    \
		fd = file;                   \
		CHECK_ERRNO(call, ENOTSOCK); \
	} while (0)
	NOT_A_SOCKET(syscall(SYS_bind, fd, &a, len));
	NOT_A_SOCKET(syscall(SYS_connect, fd, &a, len));
	NOT_A_SOCKET(syscall(SYS_listen, fd, 1));
	NOT_A_SOCKET(syscall(SYS_accept, fd, NULL, NULL));
	NOT_A_SOCKET(syscall(SYS_accept4, fd, NULL, NULL, 0));
	NOT_A_SOCKET(syscall(SYS_getsockname, fd, &a, &len));
	NOT_A_SOCKET(syscall(SYS_getpeername, fd, &a, &len));
	NOT_A_SOCKET(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_DEBUG, &len, 4));
	NOT_A_SOCKET(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DEBUG, &a, &len));
	NOT_A_SOCKET(syscall(SYS_shutdown, fd, SHUT_RD));
	NOT_A_SOCKET(syscall(SYS_sendto, fd, buf, 1, 0, NULL, 0));
	NOT_A_SOCKET(syscall(SYS_recvfrom, fd, buf, 1, 0, NULL, NULL));
	NOT_A_SOCKET(syscall(SYS_sendmsg, fd, &m, 0));
	NOT_A_SOCKET(syscall(SYS_recvmsg, fd, &m, 0));
	NOT_A_SOCKET(syscall(SYS_sendmmsg, fd, &mm, 1, 0));
	NOT_A_SOCKET(syscall(SYS_recvmmsg, fd, &mm, 1, 0, NULL));
	close(file);
}

TEST(bad_pointers)
{
	struct sockaddr_in a;
	int s = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0), fds[2];
	socklen_t len = -1;

	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_ERRNO(syscall(SYS_getpeername, c, bad_ptr(), bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_getpeername, c, &a, &len), EINVAL);
	CHECK_ERRNO(syscall(SYS_getsockname, c, &a, &len), EINVAL);
	len = sizeof(a);
	CHECK_ERRNO(syscall(SYS_getpeername, c, bad_ptr(), &len), EFAULT);
	CHECK_ERRNO(syscall(SYS_getsockname, c, bad_ptr(), &len), EFAULT);
	CHECK_ERRNO(syscall(SYS_accept, s, bad_ptr(), &len), EFAULT);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_ERRNO(syscall(SYS_accept4, s, bad_ptr(), &len, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_accept4, s, NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sendmsg, c, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_recvmsg, c, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_socketpair, 99, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
	CHECK_ERRNO(syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
	close(c);
	close(s);
}

TEST(accepting)
{
	struct sockaddr_in a;
	int s = listener(&a), udp = socket(AF_INET, SOCK_DGRAM, 0);

	fcntl(s, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(syscall(SYS_accept, s, NULL, NULL), EAGAIN);
	CHECK_ERRNO(syscall(SYS_accept4, s, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(syscall(SYS_accept, udp, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_accept4, udp, NULL, NULL, 0), EOPNOTSUPP);
	IN_CHILD
	{
		struct rlimit none = { 0, 0 };
		int c = socket(AF_INET, SOCK_STREAM, 0);

		CHECK_OK(connect(c, (void *)&a, sizeof(a)));
		CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
		CHECK_ERRNO(syscall(SYS_accept, s, NULL, NULL), EMFILE);
		CHECK_ERRNO(syscall(SYS_accept4, s, NULL, NULL, 0), EMFILE);
	}
	close(udp);
	close(s);
}

TEST(connecting)
{
	struct sockaddr_in a, far = loop_port(9999);
	int s = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0), d;

	a.sin_family = AF_INET6;
	CHECK_ERRNO(syscall(SYS_connect, c, &a, sizeof(a)), EAFNOSUPPORT);
	a.sin_family = AF_INET;
	CHECK_ERRNO(syscall(SYS_connect, c, &a, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_connect, c, bad_ptr(), sizeof(a)), EFAULT);
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	CHECK_ERRNO(syscall(SYS_connect, c, &a, sizeof(a)), EISCONN);
	CHECK_ERRNO(syscall(SYS_bind, c, &far, sizeof(far)), EINVAL);
	CHECK_ERRNO(syscall(SYS_listen, c, 1), EINVAL);
	d = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(syscall(SYS_bind, d, &a, sizeof(a)), EADDRINUSE);
	far.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 is nobody's */
	CHECK_ERRNO(syscall(SYS_bind, d, &far, sizeof(far)), EADDRNOTAVAIL);
	close(d);
	/* One that is taken at both ends is not made a second time. */
	d = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in mine;
	socklen_t len = sizeof(mine);
	int on = 1, e;

	getsockname(c, (void *)&mine, &len);
	setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(d, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(d, (void *)&mine, len))
		CHECK_ERRNO(syscall(SYS_connect, d, &a, sizeof(a)), EADDRNOTAVAIL);
	close(d);
	close(c);
	/* A listener's port refuses once nobody listens. */
	close(s);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(syscall(SYS_connect, c, &a, sizeof(a)), ECONNREFUSED);
	len = sizeof(e);
	close(c);
}

TEST(unix_names)
{
	struct sockaddr_un a = path("none/s");
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	abi_tmpdir();
	close(abi_file("plain", "", 0644));
	CHECK_OK(symlink("loop", "loop"));
	CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a)), ENOENT);
	CHECK_ERRNO(syscall(SYS_connect, s, &a, sizeof(a)), ENOENT);
	a = path("plain/s");
	CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a)), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_connect, s, &a, sizeof(a)), ENOTDIR);
	a = path("loop/s");
	CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a)), ELOOP);
	CHECK_ERRNO(syscall(SYS_connect, s, &a, sizeof(a)), ELOOP);
	a = path("plain");
	CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a)), EADDRINUSE);
	CHECK_ERRNO(syscall(SYS_connect, s, &a, sizeof(a)), ECONNREFUSED);
	CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a) + 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_bind, s, bad_ptr(), sizeof(a)), EFAULT);
	if (!geteuid()) {
		mkdir("locked", 0700);
		IN_CHILD_AS(NOBODY)
		{
			a = path("locked/s");
			CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a)), EACCES);
			CHECK_ERRNO(syscall(SYS_connect, s, &a, sizeof(a)), EACCES);
		}
	}
	close(s);
}

TEST_FORK(read_only_mount)
{
	struct sockaddr_un a = path("ro/s");
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	NEED_CAP(21);
	abi_tmpdir();
	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK_OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("ro", 0755);
	CHECK_OK(mount("none", "ro", "tmpfs", MS_RDONLY, NULL));
	CHECK_ERRNO(syscall(SYS_bind, s, &a, sizeof(a)), EROFS);
	CHECK_OK(umount("ro"));
}

TEST(not_connected)
{
	struct msghdr m = { .msg_iov = &vec, .msg_iovlen = 1 };
	struct sockaddr_in a = loop_port(9);
	socklen_t len = sizeof(a);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0),
	    dgram = socket(AF_UNIX, SOCK_DGRAM, 0);

	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(syscall(SYS_recvfrom, tcp, buf, 1, 0, NULL, NULL), ENOTCONN);
	CHECK_ERRNO(syscall(SYS_recvmsg, tcp, &m, 0), ENOTCONN);
	CHECK_ERRNO(syscall(SYS_getpeername, tcp, &a, &len), ENOTCONN);
	CHECK_ERRNO(syscall(SYS_shutdown, tcp, SHUT_RD), ENOTCONN);
	CHECK_ERRNO(syscall(SYS_sendto, tcp, buf, 1, 0, NULL, 0), EPIPE);
	CHECK_ERRNO(syscall(SYS_sendmsg, tcp, &m, 0), EPIPE);
	CHECK_ERRNO(syscall(SYS_sendto, udp, buf, 1, 0, NULL, 0), EDESTADDRREQ);
	CHECK_ERRNO(syscall(SYS_sendmsg, udp, &m, 0), EDESTADDRREQ);
	CHECK_ERRNO(syscall(SYS_write, udp, buf, 1), EDESTADDRREQ);
	CHECK_ERRNO(syscall(SYS_sendmsg, dgram, &m, 0), ENOTCONN);
	CHECK_ERRNO(syscall(SYS_recvmsg, udp, &m, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(syscall(SYS_recvfrom, udp, buf, 1, MSG_DONTWAIT, NULL, NULL), EAGAIN);
	CHECK_ERRNO(syscall(SYS_sendto, udp, buf, 66000, 0, &a, sizeof(a)), EMSGSIZE);
	CHECK_ERRNO(syscall(SYS_sendmsg, tcp, &m, MSG_OOB | MSG_DONTWAIT), EPIPE);
	m.msg_iovlen = 2000;
	CHECK_ERRNO(syscall(SYS_sendmsg, udp, &m, 0), EMSGSIZE);
	CHECK_ERRNO(syscall(SYS_recvmsg, udp, &m, 0), EMSGSIZE);
	m.msg_iovlen = 1;
	m.msg_namelen = -1;
	m.msg_name = &a;
	CHECK_ERRNO(syscall(SYS_recvmsg, udp, &m, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sendmsg, udp, &m, 0), EINVAL);
	m.msg_name = NULL;
	m.msg_namelen = 0;
	a.sin_addr.s_addr = htonl(0x7fffffff);
	CHECK_ERRNO(syscall(SYS_sendto, udp, buf, 1, 0, &a, sizeof(a)), EACCES);
	m.msg_name = &a;
	m.msg_namelen = sizeof(a);
	CHECK_ERRNO(syscall(SYS_sendmsg, udp, &m, 0), EACCES);
	close(tcp);
	close(udp);
	close(dgram);
}

/* Messages to a port where nobody is; a peer that closed with bytes unread. */
TEST(peers_that_are_gone)
{
	struct msghdr m = { .msg_iov = &vec, .msg_iovlen = 1 };
	struct sockaddr_in a;
	int s = listener(&a), udp = socket(AF_INET, SOCK_DGRAM, 0), fds[2], p;

	signal(SIGPIPE, SIG_IGN);
	CHECK_OK(connect(udp, (void *)&a, sizeof(a))); /* the same number, of UDP: nobody's */
	CHECK_EQ(send(udp, "x", 1, 0), 1);
	CHECK_ERRNO(syscall(SYS_recvfrom, udp, buf, 1, 0, NULL, NULL), ECONNREFUSED);
	CHECK_EQ(send(udp, "x", 1, 0), 1);
	CHECK_ERRNO(syscall(SYS_recvmsg, udp, &m, 0), ECONNREFUSED);
	close(udp);
	for (int k = 0; k < 4; k++) {
		int c = socket(AF_INET, SOCK_STREAM, 0);
		struct linger hard = { 1, 0 };

		CHECK_OK(connect(c, (void *)&a, sizeof(a)));
		p = CHECK_OK(accept(s, NULL, NULL));
		setsockopt(p, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(p);
		CHECK_EQ(poll(&(struct pollfd){ c, 0, 0 }, 1, 5000), 1);
		switch (k) {
		case 0: CHECK_ERRNO(syscall(SYS_sendto, c, buf, 1, 0, NULL, 0), ECONNRESET); break;
		case 1: CHECK_ERRNO(syscall(SYS_sendmsg, c, &m, 0), ECONNRESET); break;
		case 2:
			CHECK_ERRNO(syscall(SYS_recvfrom, c, buf, 1, 0, NULL, NULL), ECONNRESET);
			break;
		default: CHECK_ERRNO(syscall(SYS_recvmsg, c, &m, 0), ECONNRESET);
		}
		close(c);
	}
	close(s);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	close(fds[1]);
	CHECK_ERRNO(syscall(SYS_sendto, fds[0], buf, 1, 0, NULL, 0), EPIPE);
	CHECK_ERRNO(syscall(SYS_sendmsg, fds[0], &m, 0), EPIPE);
	CHECK_ERRNO(syscall(SYS_sendto, fds[0], buf, 1, 0, &a, sizeof(a)), EISCONN);
	m.msg_name = &a;
	m.msg_namelen = sizeof(a);
	CHECK_ERRNO(syscall(SYS_sendmsg, fds[0], &m, 0), EISCONN);
	m.msg_name = NULL;
	CHECK_ERRNO(syscall(SYS_sendmsg, fds[0], &m, MSG_OOB | MSG_EOR | MSG_DONTWAIT), EPIPE);
	close(fds[0]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	CHECK_ERRNO(syscall(SYS_sendmsg, fds[0], &m, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_sendto, fds[0], buf, 1, MSG_OOB, NULL, 0), EOPNOTSUPP);
	while (send(fds[0], buf, 1, MSG_DONTWAIT) == 1)
		;
	CHECK_ERRNO(syscall(SYS_sendto, fds[0], buf, 1, MSG_DONTWAIT, NULL, 0), EAGAIN);
	CHECK_ERRNO(syscall(SYS_sendmsg, fds[0], &m, MSG_DONTWAIT), EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

/* A connection that is under way: the listener's queue has no room for it. */
TEST(connecting_twice)
{
	struct sockaddr_in a;
	int s = listener(&a), c[4], under_way = -1;

	listen(s, 0);
	for (unsigned int k = 0; k < ARRAY_LEN(c); k++) {
		c[k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(c[k], (void *)&a, sizeof(a));
		abi_sleep_ms(5);
		if (connect(c[k], (void *)&a, sizeof(a)) && errno == EALREADY)
			under_way = c[k];
	}
	REQUIRE(under_way >= 0);
	CHECK_ERRNO(syscall(SYS_connect, under_way, &a, sizeof(a)), EALREADY);
	for (unsigned int k = 0; k < ARRAY_LEN(c); k++)
		close(c[k]);
	close(s);
}

TEST_FORK(ended_by_a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct msghdr m = { .msg_iov = &vec, .msg_iovlen = 1 };
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 12;
	struct sockaddr_in a;
	int s = listener(&a), fds[2], us = socket(AF_UNIX, SOCK_STREAM, 0), c;

	sigaction(SIGALRM, &sa, NULL);
	INTERRUPTED(syscall(SYS_accept, s, NULL, NULL));
	INTERRUPTED(syscall(SYS_accept4, s, NULL, NULL, 0));
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	INTERRUPTED(syscall(SYS_recvfrom, fds[0], buf, 1, 0, NULL, NULL));
	INTERRUPTED(syscall(SYS_recvmsg, fds[0], &m, 0));
	while (send(fds[0], buf, 1, MSG_DONTWAIT) == 1)
		;
	INTERRUPTED(syscall(SYS_sendto, fds[0], buf, 1, 0, NULL, 0));
	INTERRUPTED(syscall(SYS_sendmsg, fds[0], &m, 0));
	/* A listener whose queue is full makes connect wait. */
	snprintf(u.sun_path + 1, 12, "er%09d", getpid());
	CHECK_OK(bind(us, (void *)&u, len));
	CHECK_OK(listen(us, 0));
	CHECK_OK(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, len));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	INTERRUPTED(syscall(SYS_connect, c, &u, len));
	fcntl(c, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(syscall(SYS_connect, c, &u, len), EAGAIN);
}
