/*
 * port_forward.c - `moat port-forward`: connections to ports on the loopback inside a container. The command listens on the
 * host and has a child process for each connection that it takes, so that one that stalls or dies is alone; they end with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cmd.h"
#include "oci/client.h"
#include "oci/relay.h"

#define FORWARDS_MAX 64
/* at a time; others wait. A sandbox has room for 255 with all its processes and commands */
#define CONNECTIONS_MAX 128

struct forward {
	int fd; /* listening */
	uint16_t port;
	const char *text; /* as the user said it */
};

/* A number of at most `end` bytes from 1 (or 0, if zero is allowed) to 65535; -1. */
static int parse_port(const char *s, size_t len, bool zero)
{
	long v = 0;

	if (!len || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + s[i] - '0';
	}
	return v > 65535 || (!v && !zero) ? -1 : (int)v;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1", "::1", "[::1]", "localhost". The length of the address, 0: it is none. */
static socklen_t parse_address(const char *s, size_t len, uint16_t port, union address *a)
{
	char text[64];

	memset(a, 0, sizeof(*a));
	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	}
	if (len >= sizeof(text))
		return 0;
	memcpy(text, s, len);
	text[len] = 0;
	if (inet_pton(AF_INET, strcmp(text, "localhost") ? text : "127.0.0.1", &a->v4.sin_addr) ==
	    1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) != 1)
		return 0;
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	return sizeof(a->v6);
}

static int listen_at(struct forward *f, const union address *a, socklen_t len, struct error *err)
{
	const int on = 1;

	f->fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->fd < 0)
		return error_errno(err, "port-forward: '%.80s'", f->text);
	setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(f->fd, &a->any, len) < 0 || listen(f->fd, SOMAXCONN) < 0)
		return errno == EADDRINUSE
			       ? error_set(err, EADDRINUSE,
					   "port-forward: '%.80s': the local port is in use",
					   f->text)
			       : error_errno(err, "port-forward: '%.80s'", f->text);
	return 0;
}

/* "[ADDRESS:]LOCAL:PORT", or "PORT" for the same one here. */
static int open_forward(const char *text, struct forward *f, struct error *err)
{
	const char *colon = strrchr(text, ':'), *remote = colon ? colon + 1 : text, *before = colon;
	int port = parse_port(remote, strlen(remote), false), local = port;
	union address a;
	socklen_t len;

	f->text = text;
	while (before && before > text && before[-1] != ':')
		before--;
	if (before)
		local = parse_port(before, (size_t)(colon - before), true);
	if (before && before > text)
		len = parse_address(text, (size_t)(before - 1 - text), (uint16_t)local, &a);
	else
		len = parse_address("127.0.0.1", 9, (uint16_t)local, &a);
	if (port < 0 || local < 0 || !len)
		return error_set(err, EINVAL,
				 "port-forward: '%.80s': must be [ADDRESS:]LOCAL:PORT or PORT",
				 text);
	f->port = (uint16_t)port;
	return listen_at(f, &a, len, err);
}

/* Which port it became, for whoever said 0. */
static void announce(const struct forward *f)
{
	union address a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN];
	bool v6;

	if (getsockname(f->fd, &a.any, &len) < 0)
		return;
	v6 = a.any.sa_family == AF_INET6;
	inet_ntop(a.any.sa_family, v6 ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr, text,
		  sizeof(text));
	printf(v6 ? "Forwarding from [%s]:%u -> %u\n" : "Forwarding from %s:%u -> %u\n", text,
	       ntohs(v6 ? a.v6.sin6_port : a.v4.sin_port), f->port);
	fflush(stdout);
}

static int relay_to(const struct container *c, uint16_t port, int in, int out, struct error *err)
{
	int chan = client_connect(c, err);

	return chan < 0 ? -1 : relay(chan, c->s.id, port, in, out, err);
}

static void __attribute__((noreturn))
serve(const struct container *c, uint16_t port, int conn, pid_t parent)
{
	struct error err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (relay_to(c, port, conn, conn, &err) == 0)
		_exit(0);
	/* That a connection broke its two ends know. */
	if (err.err != ECONNRESET)
		oci_log("error", "%s", err.msg);
	_exit(1);
}

/* True: there is a child more. */
static bool take_connection(const struct container *c, const struct forward *f)
{
	int conn = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC);
	pid_t parent = getpid(), pid;

	if (conn < 0)
		return false;
	pid = fork();
	if (pid == 0)
		serve(c, f->port, conn, parent);
	if (pid < 0)
		oci_log("error", "port-forward: fork: %s", strerror(errno));
	close(conn);
	return pid > 0;
}

static unsigned reap(int sig_fd)
{
	struct signalfd_siginfo info;
	unsigned n = 0;

	if (read(sig_fd, &info, sizeof(info)) < 0)
		return 0;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		n++;
	return n;
}

static int child_signals(struct error *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_errno(err, "signalfd") : fd;
}

/* Until the container ends. */
static int serve_all(const struct container *c, int pidfd, const struct forward *f, unsigned n,
		     struct error *err)
{
	struct pollfd p[FORWARDS_MAX + 2] = { { .fd = pidfd, .events = POLLIN } };
	unsigned children = 0;

	p[1] = (struct pollfd){ .fd = child_signals(err), .events = POLLIN };
	if (p[1].fd < 0)
		return -1;
	for (unsigned i = 0; i < n; i++)
		p[i + 2] = (struct pollfd){ .fd = f[i].fd, .events = POLLIN };
	for (;;) {
		if (poll(p, children < CONNECTIONS_MAX ? n + 2 : 2, -1) < 0)
			return error_errno(err, "poll");
		if (p[0].revents)
			return error_set(err, ESRCH, "container '%s' has ended", c->s.id);
		if (p[1].revents)
			children -= reap(p[1].fd);
		for (unsigned i = 0; i < n && children < CONNECTIONS_MAX; i++)
			if (p[i + 2].revents)
				children += take_connection(c, &f[i]);
	}
}

/* A running container, unlocked; *pidfd is its stand-in. */
static int find(const char *id, struct container *c, int *pidfd, struct error *err)
{
	if (container_open(oci_globals.root, id, c, err) < 0)
		return -1;
	*pidfd = (int)syscall(SYS_pidfd_open, (pid_t)c->s.pid, 0);
	if (*pidfd < 0 ||
	    (container_status(c) != STATUS_RUNNING && container_status(c) != STATUS_PAUSED)) {
		container_close(c);
		return error_set(err, ESRCH, "container '%s' is not running", id);
	}
	container_unlock(c);
	return 0;
}

static int usage(struct error *err)
{
	return error_set(
		err, EINVAL,
		"port-forward: needs a container id and [ADDRESS:]LOCAL:PORT..., or --stream, an id and a port");
}

static int stream(int argc, char **argv, struct error *err)
{
	int port = argc == 4 ? parse_port(argv[3], strlen(argv[3]), false) : -1, pidfd;
	struct container c;

	if (port < 0)
		return usage(err);
	return find(argv[2], &c, &pidfd, err) < 0 ? -1 : relay_to(&c, (uint16_t)port, 0, 1, err);
}

static int listen_all(int argc, char **argv, struct error *err)
{
	static struct forward f[FORWARDS_MAX];
	unsigned n = (unsigned)argc - 2;
	struct container c;
	int pidfd;

	if (argc < 3 || n > FORWARDS_MAX)
		return usage(err);
	if (find(argv[1], &c, &pidfd, err) < 0)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (open_forward(argv[i + 2], &f[i], err) < 0)
			return -1;
	for (unsigned i = 0; i < n; i++)
		announce(&f[i]);
	return serve_all(&c, pidfd, f, n, err);
}

static int run(int argc, char **argv)
{
	struct error err = { 0 };
	bool one = argc > 1 && strcmp(argv[1], "--stream") == 0;

	return (one ? stream(argc, argv, &err) : listen_all(argc, argv, &err)) < 0 ? oci_fail(&err)
										   : 0;
}

const struct command cmd_port_forward = {
	.name = "port-forward",
	.usage =
		"moat port-forward ID [ADDRESS:]LOCAL:PORT...\n       moat port-forward --stream ID PORT",
	.summary = "Connect to ports on a container's loopback.",
	.help = "It listens at LOCAL (0: any free port) on 127.0.0.1 or ADDRESS, and connects each connection to PORT on 127.0.0.1,\n"
		"or ::1, inside the container, until the container or this command ends. PORT alone is PORT:PORT.\n\n"
		"  --stream                 connect stdin and stdout to PORT instead, once\n",
	.run = run,
};
