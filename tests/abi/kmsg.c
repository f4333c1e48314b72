/* Waiting for lines of the kernel log: /dev/kmsg and /proc/kmsg with read, poll and epoll, as dmesg -w and klogd do. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

static int writer = -1;

/* A line in a while: the reader waits by then. */
static void *log_later(void *arg)
{
	char line[64];
	int n = sprintf(line, "<6>abi kmsg %s\n", (char *)arg);

	usleep(100000);
	CHECK_EQ(write(writer, line, (size_t)n), n);
	return NULL;
}

static pthread_t later(const char *what)
{
	pthread_t t = 0;

	CHECK_OK(pthread_create(&t, NULL, log_later, (void *)what));
	return t;
}

/* Reads records until one says `what`: others log too. */
static int saw(int fd, const char *what)
{
	char rec[8192];

	for (int i = 0; i < 1000; i++) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n;

		poll(&p, 1, 5000);
		n = read(fd, rec, sizeof(rec) - 1);
		if (n <= 0)
			return 0;
		rec[n] = 0;
		if (strstr(rec, what))
			return 1;
	}
	return 0;
}

static int open_log(const char *path, int flags)
{
	writer = open("/dev/kmsg", O_WRONLY);
	return writer < 0 ? -1 : open(path, flags);
}

/* Goes to the end of the log: nothing is there to be read, once nobody else logs. */
static int at_end(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	char b[8192];

	CHECK_OK(lseek(fd, 0, SEEK_END));
	return read(fd, b, sizeof(b)) < 0 && errno == EAGAIN && poll(&p, 1, 0) == 0;
}

TEST(device)
{
	int fd = open_log("/dev/kmsg", O_RDONLY | O_NONBLOCK), ep;
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	struct epoll_event ev = { .events = EPOLLIN }, got;
	pthread_t t;

	if (fd < 0)
		SKIP("no /dev/kmsg: %s", abi_errname(errno));
	CHECK_ERRNO(lseek(fd, 1, SEEK_SET), ESPIPE);
	CHECK_ERRNO(lseek(fd, 0, 77), EINVAL);
	CHECK_OK(lseek(fd, 0, SEEK_DATA));
	WAIT_UNTIL(at_end(fd));

	t = later("poll");
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK(saw(fd, "abi kmsg poll"));
	pthread_join(t, NULL);

	ep = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	WAIT_UNTIL(at_end(fd) && epoll_wait(ep, &got, 1, 0) == 0);
	t = later("epoll");
	CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
	CHECK_EQ(got.events, EPOLLIN);
	CHECK(saw(fd, "abi kmsg epoll"));
	pthread_join(t, NULL);

	CHECK_OK(fcntl(fd, F_SETFL, 0));
	t = later("read");
	CHECK(saw(fd, "abi kmsg read"));
	pthread_join(t, NULL);
	close(ep), close(fd), close(writer);
}

/* A record is "priority,sequence,microseconds,flags;text". */
TEST(record)
{
	int fd = open_log("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	unsigned long long seq = 0, us = 0;
	char b[8192] = "";
	int prio = -1;

	if (fd < 0)
		SKIP("no /dev/kmsg: %s", abi_errname(errno));
	CHECK_OK(lseek(fd, 0, SEEK_END));
	CHECK_EQ(write(writer, "abi record\n", 11), 11);
	do
		CHECK(read(fd, b, sizeof(b) - 1) > 0);
	while (!strstr(b, ";abi record\n") && !abi_fails); /* others log too */
	CHECK_EQ(sscanf(b, "%d,%llu,%llu,", &prio, &seq, &us), 3);
	CHECK(us > 0);
	close(fd), close(writer);
}

/* What is read from /proc/kmsg is gone for its real reader: only in the sandbox. */
TEST(proc)
{
	int fd;
	struct pollfd p = { .events = POLLIN };
	char all[65536];
	pthread_t t;

	if (!abi_sandboxed())
		SKIP("would take the lines away");
	fd = p.fd = open_log("/proc/kmsg", O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		SKIP("no /proc/kmsg: %s", abi_errname(errno));
	while (read(fd, all, sizeof(all)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(poll(&p, 1, 0), 0);
	t = later("proc poll");
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(saw(fd, "abi kmsg proc poll"));
	pthread_join(t, NULL);
	CHECK_OK(fcntl(fd, F_SETFL, 0));
	t = later("proc read");
	CHECK(saw(fd, "abi kmsg proc read"));
	pthread_join(t, NULL);
	t = later("syslog");
	CHECK(syscall(SYS_syslog, 2 /* READ */, all, (int)sizeof(all)) > 0);
	pthread_join(t, NULL);
	close(fd), close(writer);
}
