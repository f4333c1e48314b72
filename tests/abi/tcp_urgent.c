/* Urgent data on TCP: MSG_OOB, the mark in the stream, SO_OOBINLINE, POLLPRI, SIGURG. */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void pair(int fd[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 1));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	fd[0] = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(fd[0], (void *)&a, sizeof(a)));
	fd[1] = CHECK_OK(accept(l, NULL, NULL));
	close(l);
}

static int events(int fd, int want, int ms)
{
	struct pollfd p = { fd, (short)want, 0 };

	poll(&p, 1, ms);
	return p.revents;
}

static int at_mark(int fd)
{
	int n = -1;

	CHECK_OK(ioctl(fd, SIOCATMARK, &n));
	return n;
}

static int unread(int fd)
{
	int n = -1;

	CHECK_OK(ioctl(fd, FIONREAD, &n));
	return n;
}

TEST(out_of_band)
{
	char buf[32];
	int fd[2];

	pair(fd);
	CHECK_ERRNO(recv(fd[1], buf, 1, MSG_OOB), EINVAL);
	CHECK_EQ(send(fd[0], "abcX", 4, MSG_OOB), 4);
	CHECK_EQ(send(fd[0], "def", 3, 0), 3);
	CHECK_EQ(events(fd[1], POLLPRI, 1000), POLLPRI);
	while (events(fd[1], POLLIN, 1000) & POLLIN && unread(fd[1]) < 3)
		;
	CHECK_EQ(unread(fd[1]), 3);
	CHECK_EQ(at_mark(fd[1]), 0);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), MSG_PEEK), 3); /* up to the mark */
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	CHECK(!memcmp(buf, "abc", 3));
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(unread(fd[1]), 0);
	buf[0] = 0;
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), MSG_OOB | MSG_PEEK), 1);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), MSG_OOB), 1);
	CHECK_EQ(buf[0], 'X');
	CHECK_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_OOB), EINVAL);
	CHECK_EQ(events(fd[1], POLLPRI, 0), 0);
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	CHECK(!memcmp(buf, "def", 3));
	CHECK_EQ(at_mark(fd[1]), 0);
	close(fd[0]);
	close(fd[1]);
}

/* The urgent byte alone is nothing to read. */
TEST(alone)
{
	char buf[8];
	int fd[2];

	pair(fd);
	CHECK_EQ(send(fd[0], "!", 1, MSG_OOB), 1);
	CHECK_EQ(events(fd[1], POLLPRI, 1000), POLLPRI);
	CHECK_EQ(events(fd[1], POLLIN, 0), 0);
	CHECK_ERRNO(recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(fd[0], "end", 3, 0), 3);
	CHECK_EQ(recv(fd[1], buf, 3, MSG_WAITALL), 3);
	CHECK(!memcmp(buf, "end", 3));
	close(fd[0]);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 0);
	close(fd[1]);
}

TEST(in_line)
{
	int one = 1, fd[2];
	char buf[32];

	pair(fd);
	CHECK_OK(setsockopt(fd[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)));
	CHECK_EQ(send(fd[0], "abX", 3, MSG_OOB), 3);
	CHECK_EQ(send(fd[0], "cd", 2, 0), 2);
	CHECK_EQ(events(fd[1], POLLPRI, 1000) & POLLPRI, POLLPRI);
	while (unread(fd[1]) < 5)
		usleep(1000);
	CHECK_ERRNO(recv(fd[1], buf, 1, MSG_OOB), EINVAL);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 2);
	CHECK(!memcmp(buf, "ab", 2));
	CHECK_EQ(at_mark(fd[1]), 1);
	CHECK_EQ(recv(fd[1], buf, sizeof(buf), 0), 3);
	CHECK(!memcmp(buf, "Xcd", 3));
	CHECK_EQ(at_mark(fd[1]), 0);
	close(fd[0]);
	close(fd[1]);
}

static volatile sig_atomic_t signals;

static void on_urgent(ABI_UNUSED int sig)
{
	signals++;
}

TEST(signal_to_owner)
{
	struct sigaction sa = { .sa_handler = on_urgent };
	int fd[2];

	CHECK_OK(sigaction(SIGURG, &sa, NULL));
	pair(fd);
	CHECK_EQ(send(fd[0], "1", 1, MSG_OOB), 1);
	CHECK_EQ(events(fd[1], POLLPRI, 1000), POLLPRI);
	CHECK_EQ(signals, 0); /* nobody owns it */
	CHECK_OK(fcntl(fd[1], F_SETOWN, getpid()));
	CHECK_EQ(send(fd[0], "2", 1, MSG_OOB), 1);
	for (int k = 0; k < 200 && !signals; k++)
		usleep(5000);
	CHECK_EQ(signals, 1);
	close(fd[0]);
	close(fd[1]);
}

/* A large write, urgent in its last byte, with more behind. */
TEST(large)
{
	static char data[300000], got[400000];
	size_t n = 0;
	int fd[2];
	pid_t kid;

	pair(fd);
	memset(data, 'a', sizeof(data));
	data[sizeof(data) - 1] = 'U';
	kid = fork();
	if (!kid) {
		close(fd[1]);
		_exit(send(fd[0], data, sizeof(data), MSG_OOB) != sizeof(data) ||
		      send(fd[0], "tail", 4, 0) != 4);
	}
	close(fd[0]);
	for (ssize_t r; (r = recv(fd[1], got + n, sizeof(got) - n, 0)) > 0; n += (size_t)r)
		;
	CHECK_EQ(n, sizeof(data) - 1 + 4);
	CHECK(!memcmp(got + n - 4, "tail", 4));
	CHECK_EQ(got[n - 5], 'a');
	close(fd[1]);
	waitpid(kid, NULL, 0);
}
