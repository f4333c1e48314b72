/*
 * sockets.c - the small benchmarks of TCP: one static program, as micro.c is; measure.h has its options. Besides:
 *
 *   sockets serve       serves on port 7007 for ever
 *
 * The other end is a process of its own on the loopback, or, with SERVER=ADDRESS in the environment, `sockets serve` there.
 * The first byte of a connection says what it is for: 'e' every byte comes back; 'd' data is thrown away, and each 8 bytes
 * that tell of so many bytes of it are answered by one when they have come; 's' each 8 bytes are answered by so many bytes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define PORT  7007
#define CHUNK 65536

const char *measure_dir;

static struct sockaddr_in server;
static pid_t child;
static int conn = -1;
static char buf[CHUNK];

/* ---- the other end ---- */

static int full_recv(int fd, void *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

static int take(int fd, uint64_t n)
{
	ssize_t r;

	for (; n; n -= (uint64_t)r) {
		r = recv(fd, buf, n < CHUNK ? n : CHUNK, 0);
		if (r <= 0)
			return 0;
	}
	return 1;
}

static int give(int fd, uint64_t n)
{
	ssize_t r;

	for (; n; n -= (uint64_t)r) {
		r = send(fd, buf, n < CHUNK ? n : CHUNK, MSG_NOSIGNAL);
		if (r <= 0)
			return 0;
	}
	return 1;
}

static void serve_one(int fd)
{
	uint64_t n;
	char kind;

	if (!full_recv(fd, &kind, 1))
		return;
	if (kind == 'e')
		while (recv(fd, buf, 1, 0) == 1 && send(fd, buf, 1, MSG_NOSIGNAL) == 1)
			;
	while ((kind == 'd' || kind == 's') && full_recv(fd, &n, sizeof(n)))
		if (kind == 's' ? !give(fd, n) : !take(fd, n) || !give(fd, 1))
			break;
}

static void no_delay(int fd)
{
	int one = 1;

	check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
}

/* Connections are served one after the other: a benchmark has one at a time. One whose other end vanished is given up. */
static void serve(int listener)
{
	const struct timeval limit = { .tv_sec = 5 };

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		check(fd >= 0, "accept");
		no_delay(fd);
		check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0,
		      "SO_RCVTIMEO");
		serve_one(fd);
		close(fd);
	}
}

static int listen_at(struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	socklen_t len = sizeof(*a);

	check(fd >= 0, "socket");
	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0, "SO_REUSEADDR");
	check(bind(fd, (void *)a, sizeof(*a)) == 0, "bind");
	check(listen(fd, 128) == 0, "listen");
	check(getsockname(fd, (void *)a, &len) == 0, "getsockname");
	return fd;
}

/* ---- our end ---- */

static void open_server(void)
{
	const char *where = getenv("SERVER");
	int fd;

	server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT) };
	if (where) {
		check(inet_pton(AF_INET, where, &server.sin_addr) == 1, where);
		return;
	}
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.sin_port = 0;
	fd = listen_at(&server);
	child = fork();
	check(child >= 0, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
	}
	close(fd);
}

static int connect_to(char kind)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(fd >= 0, "socket");
	check(connect(fd, (void *)&server, sizeof(server)) == 0, "connect");
	no_delay(fd);
	check(!kind || send(fd, &kind, 1, 0) == 1, "send");
	return fd;
}

static void stop(void)
{
	if (conn >= 0)
		close(conn);
	conn = -1;
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
}

static void start_echo(void)
{
	open_server();
	conn = connect_to('e');
}

static uint64_t run_echo(uint64_t n)
{
	uint64_t begin = now_ns();

	while (n--)
		check(send(conn, buf, 1, 0) == 1 && recv(conn, buf, 1, 0) == 1, "echo");
	return now_ns() - begin;
}

static void start_out(void)
{
	open_server();
	conn = connect_to('d');
}

/* n times 64 KiB. */
static uint64_t run_out(uint64_t n)
{
	uint64_t begin = now_ns(), bytes = n * CHUNK;

	check(send(conn, &bytes, sizeof(bytes), 0) == sizeof(bytes) && give(conn, bytes) &&
		      take(conn, 1),
	      "stream out");
	return now_ns() - begin;
}

static void start_in(void)
{
	open_server();
	conn = connect_to('s');
}

static uint64_t run_in(uint64_t n)
{
	uint64_t begin = now_ns(), bytes = n * CHUNK;

	check(send(conn, &bytes, sizeof(bytes), 0) == sizeof(bytes) && take(conn, bytes),
	      "stream in");
	return now_ns() - begin;
}

/* One connection after the other, each closed by the other end first, so that ours has no TIME_WAIT. */
static uint64_t run_connect(uint64_t n)
{
	uint64_t begin = now_ns();

	while (n--) {
		int fd = connect_to('x');

		check(recv(fd, buf, 1, 0) == 0, "recv");
		close(fd);
	}
	return now_ns() - begin;
}

const struct bench benches[] = {
	{ "echo", run_echo, start_echo, stop, 1 },
	{ "out", run_out, start_out, stop, 1 },
	{ "in", run_in, start_in, stop, 1 },
	{ "connect", run_connect, open_server, stop, 1 },
	{ NULL, NULL, NULL, NULL, 0 },
};

int main(int argc, char **argv)
{
	int r = measure_options(argc, argv);

	if (r)
		return r;
	if (strcmp(argv[optind], "serve") == 0) {
		struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };

		serve(listen_at(&any));
	}
	return measure_all(argc, argv);
}
