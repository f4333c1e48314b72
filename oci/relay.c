/*
 * relay.c - see relay.h.
 *
 * The sandbox has one end of a pipe for each direction, and never a descriptor of the client's own: a socket of the host's
 * network is nothing for a launcher that the guest may have taken. Bytes are copied: splice(2) holds the lock of the pipe while
 * it waits for the socket, and so would the launcher, with everybody in the sandbox. A direction is a thread that blocks; the
 * calling one hears how the connection ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/write_all.h"
#include "oci/client.h"
#include "oci/relay.h"

#define CHUNK 65536

struct direction {
	int from, to;
	int chan; /* of the connection: shut down where the client's side breaks */
	bool out; /* towards the client */
	bool broken;
	pthread_t thread;
};

/* What there is. Its size, 0: the end, -1. */
static ssize_t move(int from, int to, char *buf)
{
	ssize_t n;

	do
		n = read(from, buf, CHUNK);
	while (n < 0 && errno == EINTR);
	return n > 0 && write_all(to, buf, (size_t)n) < 0 ? -1 : n;
}

static void *run(void *arg)
{
	struct direction *d = arg;
	char buf[CHUNK];
	ssize_t n;

	while ((n = move(d->from, d->to, buf)) > 0)
		;
	/* The sandbox closes its end of `in` when the program takes no more: that ends this direction alone. */
	if (n < 0 && (d->out || errno != EPIPE))
		d->broken = shutdown(d->chan, SHUT_RDWR) == 0;
	if (d->out)
		close(d->from);
	/* The other direction may have the same socket. */
	if (!d->out || (shutdown(d->to, SHUT_WR) < 0 && errno == ENOTSOCK))
		close(d->to);
	return NULL;
}

/* The pipes' ends of the sandbox, which must not block its launcher: 0 to read, 1 to write. Ours: in->to, out->from. */
static int make_pipes(struct direction *in, struct direction *out, int *theirs, struct error *err)
{
	int a[2], b[2];

	if (pipe2(a, O_CLOEXEC) < 0 || pipe2(b, O_CLOEXEC) < 0)
		return error_errno(err, "pipes");
	if (fcntl(a[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(b[1], F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "pipes");
	theirs[0] = a[0];
	theirs[1] = b[1];
	in->to = a[1];
	out->from = b[0];
	return 0;
}

static int connect_port(int chan, const char *id, uint16_t port, const int *fds, struct error *err)
{
	struct chan_msg m = { .type = CHAN_FORWARD, .a = port, .len = (uint32_t)strlen(id) };

	memcpy(m.data, id, m.len);
	if (client_ask(chan, &m, fds, 2, err) == 0)
		return 0;
	if (err->err == ECONNREFUSED)
		return error_set(err, ECONNREFUSED, "nothing listens at port %u in '%s'", port, id);
	if (!*err->msg)
		return error_set(err, err->err, "port %u in '%s': %s", port, id,
				 strerror(err->err));
	return -1;
}

/*
 * How it ended: 0, or an errno. conn: the client's socket, or -1; that it resets is seen here, since a thread that waits to write
 * to the sandbox is not told.
 */
static int hear_end(int chan, int conn)
{
	struct pollfd p[2] = { { .fd = chan, .events = POLLIN }, { .fd = conn } };
	struct chan_msg m;
	struct error err;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return errno;
		if (p[1].revents & POLLERR)
			return ECONNRESET;
		if (p[1].revents)
			p[1].fd = -1;
		if (!p[0].revents)
			continue;
		if (chan_recv(chan, &m, NULL, NULL, 0, &err) <= 0)
			return ECONNRESET;
		if (m.type == CHAN_EXIT)
			return (int)(m.a & 4095);
	}
}

int relay(int chan, const char *id, uint16_t port, int in, int out, struct error *err)
{
	struct direction up = { .from = in }, down = { .to = out, .out = true };
	const struct linger reset = { .l_onoff = 1 };
	const int on = 1;
	int theirs[2] = { -1, -1 }, end;

	signal(SIGPIPE, SIG_IGN);
	setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &on,
		   sizeof(on)); /* whoever sends has waited already, or does not want to */
	if (make_pipes(&up, &down, theirs, err) < 0 ||
	    connect_port(chan, id, port, theirs, err) < 0)
		return -1;
	close(theirs[0]);
	close(theirs[1]);
	up.chan = down.chan = chan;
	if (pthread_create(&up.thread, NULL, run, &up) ||
	    pthread_create(&down.thread, NULL, run, &down))
		return error_set(err, EAGAIN, "no thread for a connection");
	end = hear_end(chan, in == out ? in : -1);
	/* What came before the end is still in the pipe. */
	if (!end && pthread_join(down.thread, NULL) == 0 && !down.broken)
		return 0;
	setsockopt(in, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return error_set(err, ECONNRESET, "the connection to port %u in '%s' broke", port, id);
}
