/* AF_UNIX datagrams and sequenced packets: boundaries, truncation, peers, full queues, ends. */
#include "unix.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>

static char big[300000];

static int bound(int type, const char *what)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, what);
	int fd = socket(AF_UNIX, type, 0);

	CHECK_OK(bind(fd, (void *)&a, len));
	return fd;
}

TEST(boundaries)
{
	for (int type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
		int fd[2], n;
		char b[16] = "";
		struct iovec v = { b, 3 };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

		CHECK_OK(socketpair(AF_UNIX, type, 0, fd));
		CHECK_EQ(events(fd[0]), POLLOUT);
		CHECK_EQ(send(fd[0], "abcdef", 6, 0), 6);
		CHECK_EQ(send(fd[0], "gh", 2, 0), 2);
		CHECK_EQ(send(fd[0], "", 0, 0), 0);
		CHECK_EQ(write(fd[0], "ij", 2), 2);
		CHECK_OK(ioctl(fd[1], FIONREAD, &n));
		CHECK_EQ(n, type == SOCK_DGRAM ? 6 : 10);
		CHECK_EQ(recv(fd[1], b, 2, MSG_PEEK | MSG_TRUNC), 6);
		CHECK_EQ(recvmsg(fd[1], &m, 0), 3);
		CHECK_EQ(m.msg_flags, MSG_TRUNC);
		CHECK_EQ(recv(fd[1], b, 16, 0), 2); /* the rest of the first is gone */
		CHECK_EQ(recv(fd[1], b, 16, 0), 0);
		CHECK_EQ(recv(fd[1], b, 1, MSG_TRUNC), 2);
		CHECK_ERRNO(recv(fd[1], b, 16, MSG_DONTWAIT), EAGAIN);
		CHECK_ERRNO(recv(fd[1], b, 16, MSG_OOB), EOPNOTSUPP);
		CHECK_ERRNO(send(fd[1], b, 1, MSG_OOB), EOPNOTSUPP);
		CHECK_ERRNO(send(fd[0], big, sizeof(big), 0), EMSGSIZE);
		CHECK_EQ(send(fd[0], big, 200000, 0), 200000);
		CHECK_EQ(recv(fd[1], big, sizeof(big), 0), 200000);
		CHECK_ERRNO(syscall(SYS_sendto, fd[0], bad_ptr(), 4, 0, NULL, 0), EFAULT);
		close(fd[0]);
		close(fd[1]);
	}
}

TEST(raw_is_dgram)
{
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_RAW, 0)), v;

	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &(socklen_t){ 4 }));
	CHECK_EQ(v, SOCK_DGRAM);
	close(fd);
}

TEST(unconnected)
{
	struct sockaddr_un a, got;
	socklen_t len = name(&a, "srv"), n = sizeof(got);
	int s = bound(SOCK_DGRAM, "srv"), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	int named = bound(SOCK_DGRAM, "cli");
	char b[16];

	CHECK_ERRNO(send(c, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(bind(named, (void *)&a, len), EINVAL);
	CHECK_EQ(sendto(c, "one", 3, 0, (void *)&a, len), 3);
	CHECK_EQ(sendto(named, "two", 3, 0, (void *)&a, len), 3);
	CHECK_EQ(recvfrom(s, b, 16, 0, (void *)&got, &n), 3);
	CHECK_EQ(n, 0); /* the sender has no name */
	n = sizeof(got);
	CHECK_EQ(recvfrom(s, b, 16, 0, (void *)&got, &n), 3);
	len = name(&a, "cli");
	CHECK_EQ(n, len);
	CHECK_EQ(memcmp(&a, &got, len), 0);
	CHECK_EQ(sendto(s, "re", 2, 0, (void *)&got, n), 2);
	CHECK_EQ(recv(named, b, 16, 0), 2);
	len = name(&a, "nobody");
	CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&a, len), ECONNREFUSED);
	CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&a, 2), EINVAL);
	CHECK_ERRNO(connect(c, (void *)&a, len), ECONNREFUSED);
	CHECK_ERRNO(listen(s, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(s, NULL, NULL), EOPNOTSUPP);
	n = sizeof(got);
	CHECK_ERRNO(getpeername(c, (void *)&got, &n), ENOTCONN);
	close(s);
	close(c);
	close(named);
}

TEST(connected_filters)
{
	struct sockaddr_un a, b;
	socklen_t alen = name(&a, "a"), blen = name(&b, "b");
	int sa = bound(SOCK_DGRAM, "a"), sb = bound(SOCK_DGRAM, "b"),
	    c = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	char buf[8];

	CHECK_OK(connect(sa, (void *)&b, blen));
	/* a hears b alone now. */
	CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&a, alen), EPERM);
	CHECK_ERRNO(connect(c, (void *)&a, alen), EPERM);
	CHECK_EQ(sendto(sb, "x", 1, 0, (void *)&a, alen), 1);
	CHECK_EQ(recv(sa, buf, 8, 0), 1);
	CHECK_EQ(send(sa, "yy", 2, 0), 2);
	CHECK_EQ(recv(sb, buf, 8, 0), 2);
	CHECK_OK(connect(sa, &none, sizeof(none)));
	CHECK_ERRNO(send(sa, "x", 1, 0), ENOTCONN);
	CHECK_EQ(sendto(c, "x", 1, 0, (void *)&a, alen), 1);
	CHECK_OK(connect(sa, (void *)&a, alen)); /* to itself */
	CHECK_EQ(send(sa, "self", 4, 0), 4);
	CHECK_ERRNO(connect(sa, &none, 1), EINVAL);
	close(sa);
	close(sb);
	close(c);
}

TEST(peer_gone)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, "gone");
	int s = bound(SOCK_DGRAM, "gone"), c = socket(AF_UNIX, SOCK_DGRAM, 0), fd[2];
	char b;

	CHECK_OK(connect(c, (void *)&a, len));
	CHECK_EQ(send(c, "x", 1, 0), 1);
	close(s);
	CHECK_EQ(events(c), POLLOUT);
	CHECK_ERRNO(send(c, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(send(c, "x", 1, 0), ENOTCONN);
	close(c);
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	close(fd[1]);
	CHECK_ERRNO(send(fd[0], "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(recv(fd[0], &b, 1, MSG_DONTWAIT), EAGAIN);
	close(fd[0]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	close(fd[1]);
	CHECK_EQ(events(fd[0]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(recv(fd[0], &b, 1, 0), 1);
	CHECK_EQ(recv(fd[0], &b, 1, 0), 0);
	CHECK_EQ(recv(fd[0], &b, 1, MSG_DONTWAIT), 0);
	CHECK_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	close(fd[0]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	close(fd[1]);
	CHECK_ERRNO(recv(fd[0], &b, 1, 0), ECONNRESET);
	CHECK_EQ(recv(fd[0], &b, 1, 0), 0);
	close(fd[0]);
}

TEST(shutdown_reading)
{
	int fd[2];
	char b;

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	CHECK_OK(shutdown(fd[0], SHUT_RD));
	CHECK_EQ(events(fd[0]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(recv(fd[0], &b, 1, 0), 0);
	CHECK_ERRNO(recv(fd[0], &b, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(send(fd[1], "x", 1, 0), EPIPE);
	CHECK_OK(shutdown(fd[0], SHUT_WR));
	CHECK_ERRNO(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	close(fd[0]);
	close(fd[1]);
}

/* Senders that the owner is not connected to share a short queue. */
TEST(full_queue)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, "full");
	int s = bound(SOCK_DGRAM, "full"), c = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0),
	    n = 0;
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET }, got;
	int ep = epoll_create1(0), qlen = 10;
	char b, text[16] = "";
	FILE *f = fopen("/proc/sys/net/unix/max_dgram_qlen", "r");

	if (f) {
		if (fgets(text, sizeof(text), f))
			qlen = atoi(text);
		fclose(f);
	}
	CHECK_OK(connect(c, (void *)&a, len));
	while (send(c, "x", 1, 0) == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, qlen + 1);
	CHECK_EQ(events(c), 0);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_EQ(recv(s, &b, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(events(c), POLLOUT);
	CHECK_EQ(send(c, "x", 1, 0), 1);
	/* One that waits gets in when there is room, connected or not. */
	for (int connected = 0; connected < 2; connected++) {
		pid_t p = abi_fork();
		if (p == 0) {
			int w = socket(AF_UNIX, SOCK_DGRAM, 0);

			if (connected) {
				CHECK_OK(connect(w, (void *)&a, len));
				CHECK_EQ(send(w, "w", 1, 0), 1);
			} else {
				CHECK_EQ(sendto(w, "w", 1, 0, (void *)&a, len), 1);
			}
			abi_exit();
		}
		abi_sleep_ms(20);
		CHECK_EQ(recv(s, &b, 1, 0), 1);
		abi_reap(p);
	}
	struct timeval tv = { 0, 30000 };
	fcntl(c, F_SETFL, 0);
	CHECK_OK(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	CHECK_ERRNO(send(c, "x", 1, 0), EAGAIN);
	close(s);
	close(c);
	close(ep);
}

TEST(seqpacket_connect)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, "seq");
	int l = bound(SOCK_SEQPACKET, "seq"), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), s;
	char b[8];

	CHECK_ERRNO(recv(c, b, 8, 0), ENOTCONN);
	CHECK_ERRNO(send(c, b, 8, 0), ENOTCONN);
	CHECK_ERRNO(connect(c, (void *)&a, len), ECONNREFUSED);
	CHECK_OK(listen(l, 1));
	CHECK_OK(connect(c, (void *)&a, len));
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_EQ(send(c, "ab", 2, MSG_EOR), 2);
	CHECK_EQ(send(c, "cd", 2, 0), 2);
	CHECK_EQ(read(s, b, 8), 2);
	CHECK_EQ(sendto(s, "e", 1, 0, (void *)&a, len), 1); /* the address is not looked at */
	CHECK_EQ(read(c, b, 8), 1);
	close(s);
	close(c);
	close(l);
}

TEST(many_messages)
{
	struct mmsghdr m[5] = { 0 };
	struct iovec v[5];
	char text[5][4], b[5][4];
	int fd[2];

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	for (int i = 0; i < 5; i++) {
		sprintf(text[i], "m%d", i);
		v[i] = (struct iovec){ text[i], (size_t)(i % 3 + 1) };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	CHECK_EQ(sendmmsg(fd[0], m, 5, 0), 5);
	CHECK_EQ(m[1].msg_len, 2);
	for (int i = 0; i < 5; i++) {
		v[i] = (struct iovec){ b[i], 4 };
		m[i].msg_len = 99;
	}
	CHECK_EQ(recvmmsg(fd[1], m, 3, 0, NULL), 3);
	CHECK_EQ(m[2].msg_len, 3);
	CHECK_EQ(memcmp(b[2], "m2", 2), 0);
	CHECK_EQ(recvmmsg(fd[1], m, 5, MSG_WAITFORONE, NULL), 2);
	CHECK_ERRNO(recvmmsg(fd[1], m, 5, MSG_DONTWAIT, NULL), EAGAIN);
	struct timespec ts = { 5, 0 };
	CHECK_EQ(send(fd[0], "x", 1, 0), 1);
	CHECK_EQ(recvmmsg(fd[1], m, 5, MSG_WAITFORONE, &ts), 1);
	CHECK(ts.tv_sec <= 4 || (ts.tv_sec == 5 && ts.tv_nsec == 0));
	ts.tv_nsec = -1;
	CHECK_ERRNO(recvmmsg(fd[1], m, 5, 0, &ts), EINVAL);
	CHECK_EQ(sendmmsg(fd[0], m, 0, 0), 0);
	m[1].msg_hdr.msg_iov = bad_ptr();
	CHECK_EQ(sendmmsg(fd[0], m, 2, 0), 1);
	CHECK_ERRNO(sendmmsg(fd[0], m + 1, 1, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_sendmmsg, fd[0], bad_ptr(), 1, 0), EFAULT);
	CHECK_ERRNO(recvmmsg(-1, m, 1, 0, NULL), EBADF);
	close(fd[0]);
	CHECK_ERRNO(sendmmsg(fd[0], m, 1, 0), EBADF);
	close(fd[1]);
}

TEST(peek_offset)
{
	int fd[2], off = 0;
	char b[8] = "";

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, 4));
	send(fd[0], "abc", 3, 0);
	send(fd[0], "de", 2, 0);
	CHECK_EQ(recv(fd[1], b, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(fd[1], b, 8, MSG_PEEK), 1);
	CHECK_EQ(b[0], 'c');
	CHECK_EQ(recv(fd[1], b, 8, MSG_PEEK), 2);
	CHECK_EQ(b[0], 'd');
	CHECK_ERRNO(recv(fd[1], b, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(recv(fd[1], b, 8, 0), 3);
	close(fd[0]);
	close(fd[1]);
}
