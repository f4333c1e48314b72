/* AF_UNIX streams: data, peeking, urgent data, buffers, wait and time limits. Connections: unix_connect.c. */
#include "unix.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <linux/sockios.h>

static char big[1 << 20];

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
	arm(SA_RESTART);
	pid_t p = abi_fork();
	if (p == 0) {
		abi_sleep_ms(120);
		write(fd[1], "x", 1);
		abi_exit();
	}
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
