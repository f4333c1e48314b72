/* Options at SOL_SOCKET, as AF_UNIX has them: values that come back, lengths, refusals. */
#include "abi.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

static int fd = -1;

static int get(int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	CHECK_OK(getsockopt(fd, SOL_SOCKET, name, &v, &len));
	CHECK_EQ(len, 4);
	return v;
}

static int set(int name, int v)
{
	return setsockopt(fd, SOL_SOCKET, name, &v, sizeof(v));
}

static void open_one(int type)
{
	fd = CHECK_OK(socket(AF_UNIX, type, 0));
}

TEST(identity)
{
	open_one(SOCK_SEQPACKET);
	CHECK_EQ(get(SO_TYPE), SOCK_SEQPACKET);
	CHECK_EQ(get(SO_DOMAIN), AF_UNIX);
	CHECK_EQ(get(SO_PROTOCOL), 0);
	CHECK_EQ(get(SO_ERROR), 0);
	CHECK_EQ(get(SO_ACCEPTCONN), 0);
	CHECK_ERRNO(set(SO_TYPE, 1), ENOPROTOOPT);
	CHECK_ERRNO(set(SO_ERROR, 1), ENOPROTOOPT);
	CHECK_ERRNO(set(SO_DOMAIN, 1), ENOPROTOOPT);
	CHECK_ERRNO(set(SO_ACCEPTCONN, 1), ENOPROTOOPT);
	close(fd);
}

TEST(switches)
{
	static const int names[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE,
				     SO_DONTROUTE, SO_PASSCRED,	 SO_TIMESTAMP };

	open_one(SOCK_DGRAM);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CHECK_EQ(get(names[i]), 0);
		CHECK_OK(set(names[i], 55));
		CHECK_EQ(get(names[i]), 1);
		CHECK_OK(set(names[i], 0));
		CHECK_EQ(get(names[i]), 0);
	}
	close(fd);
}

TEST(lengths)
{
	int v = 1;
	socklen_t len = 1;
	char c = 9;

	open_one(SOCK_STREAM);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 3), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, bad_ptr(), 4), EFAULT);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 4));
	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &c,
			    &len)); /* as much as there is room for */
	CHECK_EQ(len, 1);
	CHECK_EQ(c, 1);
	len = -1;
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, &len), EINVAL);
	len = 4;
	CHECK_ERRNO(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, bad_ptr(), &len), EFAULT);
	CHECK_ERRNO(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &v, bad_ptr()), EFAULT);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, 9999, &v, 4), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, 6, 1, &v, 4), EOPNOTSUPP);
	CHECK_ERRNO(getsockopt(fd, 6, 1, &v, &len), EOPNOTSUPP);
	close(fd);
}

TEST(buffers)
{
	open_one(SOCK_STREAM);
	CHECK_EQ(get(SO_RCVBUF), 212992);
	CHECK_OK(set(SO_RCVBUF, 8192));
	CHECK_EQ(get(SO_RCVBUF), 16384);
	CHECK_OK(set(SO_RCVBUF, 0));
	CHECK_EQ(get(SO_RCVBUF), 2304);
	CHECK_OK(set(SO_SNDBUF, -1)); /* the most that there is */
	CHECK(get(SO_SNDBUF) >= 212992 * 2);
	if (abi_cap(12)) { /* CAP_NET_ADMIN */
		CHECK_OK(set(SO_SNDBUFFORCE, 20000000));
		CHECK_EQ(get(SO_SNDBUF), 40000000);
	} else {
		CHECK_ERRNO(set(SO_SNDBUFFORCE, 20000000), EPERM);
	}
	close(fd);
}

TEST(values)
{
	struct linger l = { 7, 9 };
	socklen_t len = sizeof(l);

	open_one(SOCK_STREAM);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	memset(&l, 0, sizeof(l));
	CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	CHECK_EQ(l.l_onoff, 1);
	CHECK_EQ(l.l_linger, 9);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
	CHECK_EQ(get(SO_RCVLOWAT), 1);
	CHECK_OK(set(SO_RCVLOWAT, 100));
	CHECK_EQ(get(SO_RCVLOWAT), 100);
	CHECK_EQ(get(SO_SNDLOWAT), 1);
	CHECK_ERRNO(set(SO_SNDLOWAT, 2), ENOPROTOOPT);
	CHECK_OK(set(SO_PRIORITY, 5));
	CHECK_EQ(get(SO_PRIORITY), 5);
	close(fd);
}

TEST(low_water)
{
	int s[2];
	char b[8];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	fd = s[1];
	CHECK_OK(set(SO_RCVLOWAT, 4));
	pid_t p = abi_fork();
	if (p == 0) {
		CHECK_EQ(write(s[0], "ab", 2), 2);
		abi_sleep_ms(20);
		CHECK_EQ(write(s[0], "cdef", 4), 4);
		abi_exit();
	}
	CHECK(recv(s[1], b, 8, 0) >= 4);
	abi_reap(p);
	close(s[0]);
	close(s[1]);
}

/* Who is told by signal of what arrives. */
TEST(owner)
{
	int n = getpid(), got = 0;

	open_one(SOCK_STREAM);
	CHECK_OK(ioctl(fd, 0x8901 /* FIOSETOWN */, &n));
	CHECK_EQ(fcntl(fd, F_GETOWN), n);
	CHECK_OK(ioctl(fd, 0x8904 /* SIOCGPGRP */, &got));
	CHECK_EQ(got, n);
	CHECK_ERRNO(ioctl(fd, 0x8901, bad_ptr()), EFAULT);
	close(fd);
}
