/*
 * passt.c - the backend without privilege: passt, from Debian, which turns the sandbox's connections into sockets of the
 * host's. One process a sandbox; it puts itself into namespaces and a seccomp filter of its own, and ends with the stream.
 *
 * The sandbox gets a private address. The host's loopback is out of its reach (--no-map-gw), but for DNS: a query to
 * DNS_ADDR goes to the host's own name server, wherever that listens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/error.h"
#include "host/net/net.h"

#define GUEST_ADDR   "10.0.2.15"
#define GUEST_PREFIX 24
#define GATEWAY	     "10.0.2.2"
#define DNS_ADDR     "10.0.2.3"
#define MTU	     65520 /* what passt announces: the longest packet, rounded to words */
#define PATIENCE_MS  10000
#define PORTS_TEXT   4096
#define BUFFER	     (2 << 20)

static const char *const places[] = { "/usr/bin/passt", "/usr/local/bin/passt", "/bin/passt",
				      NULL };

static const char *find_passt(void)
{
	for (const char *const *p = places; *p; p++)
		if (access(*p, X_OK) == 0)
			return *p;
	return NULL;
}

bool net_passt_installed(void)
{
	return find_passt() != NULL;
}

/* passt itself only warns of a port that somebody else has. */
static int check_port(const struct net_publish *p, struct error *err)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(p->host) };
	const int on = 1;
	int fd = socket(AF_INET, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return error_errno(err, "--publish %u:%u", p->host, p->guest);
	if (!p->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ret = bind(fd, (const struct sockaddr *)&any, sizeof(any));
	/* TCP tells of a listener only here: another that merely bound is no hindrance to SO_REUSEADDR. */
	if (ret == 0 && !p->udp)
		ret = listen(fd, 1);
	if (ret < 0)
		error_errno(err, "--publish: port %u of the host (%s)", p->host,
			    p->udp ? "UDP" : "TCP");
	close(fd);
	return ret;
}

/* "8080:80,443:443", or "none" */
static void ports_text(char *to, const struct net_publish *ports, unsigned n, bool udp)
{
	size_t at = 0;

	for (unsigned i = 0; i < n && at + 16 < PORTS_TEXT; i++)
		if (ports[i].udp == udp)
			at += (size_t)sprintf(to + at, "%s%u:%u", at ? "," : "", ports[i].host,
					      ports[i].guest);
	if (!at)
		strcpy(to, "none");
}

static void child(const char *path, int stream, int log, const char *tcp, const char *udp)
{
	char fd_text[16], mtu[16];
	char *argv[] = {
		(char *)path,  "--foreground",	"--quiet",
		"--stderr",    "--ipv4-only",	"--fd",
		fd_text,       "--address",	GUEST_ADDR,
		"--netmask",   "255.255.255.0", "--gateway",
		GATEWAY,       "--dns-forward", DNS_ADDR,
		"--no-map-gw", "--mtu",		mtu,
		"--no-dhcp",   "--tcp-ports",	(char *)tcp,
		"--udp-ports", (char *)udp,	NULL,
	};
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	snprintf(fd_text, sizeof(fd_text), "%d", stream);
	snprintf(mtu, sizeof(mtu), "%d", MTU);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0 ||
	    fcntl(stream, F_SETFD, 0) < 0)
		_exit(126);
	execv(path, argv);
	dprintf(2, "cannot execute %s: %s\n", path, strerror(errno));
	_exit(127);
}

/* The last line that passt wrote, for the one of ours. */
static void say_why(int log, struct error *err)
{
	char text[512];
	ssize_t n = pread(log, text, sizeof(text) - 1, 0);
	char *line;

	if (n <= 0) {
		error_set(err, EIO, "passt ended at once");
		return;
	}
	text[n] = 0;
	while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
		text[--n] = 0;
	line = strrchr(text, '\n');
	error_set(err, EIO, "passt: %s", line ? line + 1 : text);
}

/*
 * Ask for the gateway's MAC: when the answer comes, passt serves. (Its pid file would say so, too, but it gives up its
 * rights before it opens that.) -1 with an empty error: it ended.
 */
static int await_ready(int stream, const struct net_config *c, struct error *err)
{
	unsigned char ask[4 + 42] = { 0, 0, 0, 42, [16] = 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	struct pollfd p = { stream, POLLIN, 0 };
	char answer[4 + 42];
	int n;

	memset(ask + 4, 0xff, 6);
	memcpy(ask + 10, c->mac, 6);
	memcpy(ask + 26, c->mac, 6);
	memcpy(ask + 32, c->addrs[0].addr, 4);
	memcpy(ask + 42, c->routes[0].gw, 4);
	if (write(stream, ask, sizeof(ask)) != sizeof(ask))
		return error_errno(err, "passt");
	while ((n = poll(&p, 1, PATIENCE_MS)) < 0 && errno == EINTR)
		;
	if (n == 0)
		return error_set(err, ETIMEDOUT, "passt does not answer");
	/* All of one frame, which comes in two writes: nobody else knows of us yet. */
	return recv(stream, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) ? 0 : -1;
}

static int describe(struct net_config *c, struct error *err)
{
	memset(c, 0, sizeof(*c));
	c->pairs = 1;
	c->flags = NET_UP;
	c->transport = NET_STREAM;
	c->mtu = MTU;
	strcpy(c->name, "eth0");
	if (getrandom(c->mac, 6, 0) != 6)
		return error_errno(err, "getrandom");
	c->mac[0] = (c->mac[0] & 0xfc) | 2;
	c->naddrs = c->nroutes = c->ndns = 1;
	c->addrs[0] = (struct net_addr){ .family = 4, .prefix = GUEST_PREFIX };
	inet_pton(AF_INET, GUEST_ADDR, c->addrs[0].addr);
	c->routes[0] = (struct net_route){ .family = 4, .gateway = 1 };
	inet_pton(AF_INET, GATEWAY, c->routes[0].gw);
	c->dns[0] = (struct net_addr){ .family = 4 };
	inet_pton(AF_INET, DNS_ADDR, c->dns[0].addr);
	return 0;
}

int net_passt_open(const struct net_publish *ports, unsigned nports, pid_t *pid, int *fds,
		   struct net_config *config, struct error *err)
{
	const char *path = find_passt();
	char tcp[PORTS_TEXT], udp[PORTS_TEXT];
	int stream[2] = { -1, -1 }, log = -1, ret = -1;
	const int size = BUFFER;

	if (!path)
		return error_set(err, ENOENT,
				 "--net passt: passt is not installed (apt install passt)");
	for (unsigned i = 0; i < nports; i++)
		if (check_port(&ports[i], err) < 0)
			return -1;
	if (describe(config, err) < 0)
		return -1;
	ports_text(tcp, ports, nports, false);
	ports_text(udp, ports, nports, true);
	log = memfd_create("moat-passt", MFD_CLOEXEC);
	if (log < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0) {
		error_errno(err, "start passt");
		goto out;
	}
	for (int i = 0; i < 2; i++)
		if (setsockopt(stream[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			setsockopt(stream[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	fflush(NULL);
	*pid = fork();
	if (*pid < 0) {
		error_errno(err, "fork");
		goto out;
	}
	if (*pid == 0)
		child(path, stream[1], log, tcp, udp);
	close(stream[1]);
	stream[1] = -1;
	if (await_ready(stream[0], config, err) < 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		*pid = 0;
		if (!err->msg[0])
			say_why(log, err);
		goto out;
	}
	fcntl(stream[0], F_SETFL, O_NONBLOCK);
	fds[0] = stream[0];
	stream[0] = -1;
	ret = 0;
out:
	for (int i = 0; i < 2; i++) {
		if (stream[i] >= 0)
			close(stream[i]);
	}
	if (log >= 0)
		close(log);
	return ret;
}
