/*
 * channels.c - see channels.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/channels.h"
#include "host/error.h"
#include "host/net/names.h"
#include "host/timing.h"

#define LISTEN 0xffffffffu /* epoll data of the listening socket; of others their place */
#define NAMES  0xfffffffeu /* of names_fd */

enum role {
	UNUSED,
	NEW,	   /* has not said what it is */
	CONTAINER, /* owns one */
	PROCESS,   /* owns one */
	FORWARD,   /* owns a connection to a port */
	ATTACHED,
	CLOSING, /* gone; the Sentry is not told yet */
};

_Static_assert(sizeof(struct ctl_pid) == sizeof(struct chan_pid) &&
		       sizeof(struct ctl_stats) == sizeof(struct chan_stats),
	       "lists pass through as they are");

struct conn {
	int fd;
	enum role role;
	uint32_t handle;
	char *name; /* of a container */
};

static uint32_t place(const struct channels *ch, const struct conn *c)
{
	return (uint32_t)(c - ch->conns);
}

static int watch(struct channels *ch, int fd, uint32_t data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = data };

	return epoll_ctl(ch->epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* ---- the end of connections ---- */

static void tell_closed(struct channels *ch, struct conn *c)
{
	struct ctl_msg m = { .type = CTL_CLOSED, .handle = c->handle };

	ctl_send(&ch->ctl, &m);
	c->role = UNUSED;
	c->handle += CONNECTIONS_MAX; /* what the Sentry still says to the old one goes nowhere */
	ch->closing--;
	for (unsigned q = 0; q < RING_Q_9P_COUNT; q++)
		if (ch->queue_owner[q] == m.handle + 1)
			ch->queue_owner[q] = 0;
	if (ch->deaf && watch(ch, ch->listen_fd, LISTEN) == 0)
		ch->deaf = false;
}

void channels_flush(struct channels *ch)
{
	for (unsigned i = 1; i < CONNECTIONS_MAX && ch->closing && !ch->ctl.holds; i++)
		if (ch->conns[i].role == CLOSING)
			tell_closed(ch, &ch->conns[i]);
}

static void conn_close(struct channels *ch, struct conn *c)
{
	if (c->role == UNUSED || c->role == CLOSING)
		return;
	close(c->fd); /* also out of the epoll set: nobody shares it */
	c->fd = -1;
	free(c->name);
	c->name = NULL;
	c->role = CLOSING;
	ch->closing++;
	if (!ch->ctl.holds)
		tell_closed(ch, c);
}

/* ---- answers ---- */

static void answer(struct channels *ch, struct conn *c, const struct chan_msg *m, const int *fds,
		   size_t n)
{
	struct error err;

	if (chan_send(c->fd, m, fds, n, &err) == 0)
		return;
	if (c != ch->conns) {
		conn_close(ch, c);
	} else if (err.err == EAGAIN && !ch->ctl.stopped) {
		memcpy(ch->unsent, m, sizeof(*m));
		ch->ctl.stopped = true;
	}
}

void channels_resend(struct channels *ch)
{
	if (!ch->ctl.stopped)
		return;
	ch->ctl.stopped = false;
	answer(ch, ch->conns, ch->unsent, NULL, 0);
}

void channel_fail(int fd, int error, int status, const char *line)
{
	struct chan_msg m = { .type = CHAN_FAILED, .a = (uint64_t)error, .b = (uint64_t)status };
	struct pollfd p = { fd, POLLOUT, 0 };
	struct error err;

	m.len = (uint32_t)strnlen(line, 512);
	memcpy(m.data, line, m.len);
	while (chan_send(fd, &m, NULL, 0, &err) < 0 && err.err == EAGAIN)
		poll(&p, 1, -1);
}

static void refuse(struct channels *ch, struct conn *c, int error, const char *why)
{
	struct chan_msg m = { .type = CHAN_FAILED, .a = (uint64_t)error };

	m.len = (uint32_t)strlen(why);
	memcpy(m.data, why, m.len);
	answer(ch, c, &m, NULL, 0);
}

/* The end of the first container: the owner kills us as soon as it has this message. */
static void last_words(struct channels *ch)
{
	ch->ended = true;
	timing_mark(ch->sb, "program ended");
	if (ch->sb->debug && ch->sb->platform->stats)
		ch->sb->platform->stats(ch->sb);
	net_print_stats(ch->sb);
}

static void deliver_to_conn(struct channels *ch, const struct ctl_msg *m)
{
	static const uint32_t type[] = {
		[CTL_EXIT - CTL_EXIT] = CHAN_EXIT,	 [CTL_LOG - CTL_EXIT] = CHAN_LOG,
		[CTL_STARTED - CTL_EXIT] = CHAN_STARTED, [CTL_FAILED - CTL_EXIT] = CHAN_FAILED,
		[CTL_CREATED - CTL_EXIT] = CHAN_CREATED, [CTL_DONE - CTL_EXIT] = CHAN_DONE,
		[CTL_LIST - CTL_EXIT] = CHAN_LIST,	 [CTL_NOTE - CTL_EXIT] = CHAN_NOTE,
	};
	uint32_t handle = m->type == CTL_LOG ? 0 : m->handle;
	struct conn *c = &ch->conns[handle % CONNECTIONS_MAX];
	struct chan_msg out = { .type = type[m->type - CTL_EXIT], .len = m->len, .a = m->a };

	if (c->handle != handle || c->role == UNUSED || c->role == NEW || c->role == CLOSING)
		return;
	out.b = m->b;
	if (m->type == CTL_FAILED) {
		out.a = m->b;
		out.b = m->a;
	}
	/* A request that failed has no status. */
	if (c == ch->conns && (m->type == CTL_EXIT || (m->type == CTL_FAILED && m->a))) {
		if (ch->ended)
			return; /* there is one end only */
		last_words(ch);
	}
	if (c == ch->conns && m->type == CTL_STARTED)
		timing_mark(ch->sb, "Sentry booted, program loaded");
	memcpy(out.data, m->data, m->len);
	answer(ch, c, &out, NULL, 0);
}

static void deliver(void *arg, const struct ctl_msg *m)
{
	struct channels *ch = arg;

	if (m->type == CTL_NAMES_QUERY)
		names_ask(ch->names_fd, m->data, m->len);
	else
		deliver_to_conn(ch, m);
}

/* ---- what connections say ---- */

static struct conn *container_of_name(struct channels *ch, const struct chan_msg *m)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct conn *c = &ch->conns[i];

		if (c->role == CONTAINER && strlen(c->name) == m->len &&
		    memcmp(c->name, m->data, m->len) == 0)
			return c;
	}
	return NULL;
}

/* Descriptors as streams of the Sentry's: all or none. Takes them over. */
static int add_streams(struct channels *ch, uint32_t *const *id, int *fds, unsigned n)
{
	bool full = false;

	for (unsigned i = 0; i < n; i++) {
		*id[i] = streams_add(ch->streams, fds[i]);
		full |= *id[i] == STREAM_NONE;
	}
	for (unsigned i = 0; full && i < n; i++)
		streams_close(ch->streams, *id[i]);
	return full ? -1 : 0;
}

/* The spec and the standard streams. */
static int add_spec(struct channels *ch, struct ctl_spec *s, int *fds)
{
	uint32_t *const id[] = { &s->spec, &s->stdio[0], &s->stdio[1], &s->stdio[2] };

	return add_streams(ch, id, fds, 4);
}

static void send_data(struct channels *ch, struct conn *c, uint32_t type, const void *data,
		      size_t len)
{
	struct ctl_msg m = { .type = type, .handle = c->handle, .len = (uint32_t)len };

	memcpy(m.data, data, len);
	ctl_send(&ch->ctl, &m);
}

/* Takes over the four descriptors, as on_create does. */
static void on_exec(struct channels *ch, struct conn *c, const struct chan_msg *m, int *fds)
{
	struct conn *to = container_of_name(ch, m);
	struct ctl_spec s = { 0 };

	if (!to) {
		chan_close_fds(fds, 4);
		refuse(ch, c, ENOENT, "this sandbox has no such container");
		return;
	}
	if (add_spec(ch, &s, fds) < 0) {
		refuse(ch, c, EMFILE, "too many processes with streams of their own");
		return;
	}
	s.container = to->handle;
	c->role = PROCESS;
	send_data(ch, c, CTL_EXEC, &s, sizeof(s));
}

/* Takes over the two descriptors. */
static void on_forward(struct channels *ch, struct conn *c, const struct chan_msg *m, int *fds)
{
	struct conn *to = container_of_name(ch, m);
	struct ctl_forward f = { .port = (uint32_t)m->a };
	uint32_t *const id[] = { &f.in, &f.out };

	if (!to) {
		chan_close_fds(fds, 2);
		refuse(ch, c, ENOENT, "this sandbox has no such container");
		return;
	}
	if (add_streams(ch, id, fds, 2) < 0) {
		refuse(ch, c, EMFILE,
		       "too many connections and processes with streams of their own");
		return;
	}
	f.container = to->handle;
	c->role = FORWARD;
	send_data(ch, c, CTL_FORWARD, &f, sizeof(f));
}

/* A 9P queue nobody has; 0: there is none. */
static uint32_t take_queue(struct channels *ch, const struct conn *c)
{
	for (unsigned q = 0; q < RING_Q_9P_COUNT; q++)
		if (!ch->queue_owner[q]) {
			ch->queue_owner[q] = c->handle + 1;
			return RING_Q_9P + q;
		}
	return 0;
}

static void on_create(struct channels *ch, struct conn *c, const struct chan_msg *m, int *fds)
{
	struct chan_msg q = { .type = CHAN_QUEUE, .b = ch->sb->arena_size };
	struct ctl_spec s = { 0 };
	int give[4];

	if (container_of_name(ch, m)) {
		chan_close_fds(fds, 4);
		refuse(ch, c, EEXIST, "this sandbox has a container of that name");
		return;
	}
	s.queue = take_queue(ch, c);
	if (!s.queue || add_spec(ch, &s, fds) < 0) {
		if (!s.queue)
			chan_close_fds(fds, 4);
		refuse(ch, c, EMFILE, "too many containers in one sandbox");
		return;
	}
	c->name = strndup((const char *)m->data, m->len);
	if (!c->name) {
		conn_close(ch, c);
		return;
	}
	c->role = CONTAINER;
	q.a = s.queue;
	give[0] = ch->sb->arena_fd;
	give[1] = ch->sb->kick_fd[s.queue];
	give[2] = ch->sb->call_fd[s.queue];
	give[3] = ch->sb->dax_fd[1];
	send_data(ch, c, CTL_CREATE, &s, sizeof(s));
	answer(ch, c, &q, give, ch->sb->dax ? 4 : 3);
}

static void on_attach(struct channels *ch, struct conn *c, const struct chan_msg *m)
{
	struct conn *to = container_of_name(ch, m);
	struct ctl_msg out = { .type = CTL_ATTACH, .handle = c->handle };
	struct chan_msg done = { .type = CHAN_DONE };

	if (!to) {
		refuse(ch, c, ENOENT, "this sandbox has no such container");
		return;
	}
	out.a = to->handle;
	c->role = ATTACHED;
	ctl_send(&ch->ctl, &out);
	answer(ch, c, &done, NULL, 0);
}

/* What a new connection says first. */
static void introduce(struct channels *ch, struct conn *c, const struct chan_msg *m, int *fds,
		      size_t n)
{
	bool named = m->len && m->len <= CHAN_NAME_MAX && !memchr(m->data, 0, m->len);

	if (named && n == 4 && m->type == CHAN_EXEC) {
		on_exec(ch, c, m, fds);
		return;
	}
	if (named && n == 4 && m->type == CHAN_CREATE) {
		on_create(ch, c, m, fds);
		return;
	}
	if (named && n == 2 && m->type == CHAN_FORWARD && m->a && m->a <= 0xffff) {
		on_forward(ch, c, m, fds);
		return;
	}
	chan_close_fds(fds, n);
	if (named && m->type == CHAN_ATTACH)
		on_attach(ch, c, m);
	else
		refuse(ch, c, EPROTO, "not what a connection begins with");
}

/* A gofer ended: its owner's queue is dead. */
static void gofer_gone(struct channels *ch, struct conn *c)
{
	struct ctl_msg m = { .type = CTL_GOFER_GONE };

	for (unsigned q = 0; q < RING_Q_9P_COUNT; q++)
		if (ch->queue_owner[q] == c->handle + 1) {
			m.a = RING_Q_9P + q;
			ctl_send(&ch->ctl, &m);
			return;
		}
}

/* The sandbox's way out: a descriptor of the backend for each pair of queues, which the network threads take over. */
static void on_net(struct channels *ch, struct conn *c, const struct chan_msg *m, int *fds,
		   size_t n)
{
	struct chan_msg done = { .type = CHAN_DONE };
	struct net_config config = { 0 };
	int names = -1, ret = -EINVAL;
	size_t taken = 0;

	if (m->len == sizeof(config)) {
		memcpy(&config, m->data, sizeof(config));
		names = config.pairs < n ? fds[config.pairs] : -1;
		if (names < 0)
			config.flags &= ~(uint32_t)NET_NAMES;
		if (n <= (size_t)config.pairs + 1)
			ret = net_attach(ch->sb, fds, n, &config);
	}
	if (ret == 0 || ret == -ETIMEDOUT)
		taken = config.pairs;
	if (ret == 0 && names >= 0 && watch(ch, names, NAMES) == 0) {
		ch->names_fd = names;
		taken++;
	}
	chan_close_fds(fds + taken, n - taken);
	if (ret == 0)
		answer(ch, c, &done, NULL, 0);
	else
		refuse(ch, c, EINVAL, "the sandbox takes no such network, or has one already");
}

static void on_message(struct channels *ch, struct conn *c, const struct chan_msg *m)
{
	static const uint32_t type[] = {
		[CHAN_START] = CTL_START, [CHAN_SIGNAL] = CTL_SIGNAL, [CHAN_WINSIZE] = CTL_WINSIZE,
		[CHAN_PIDS] = CTL_PIDS,	  [CHAN_LIMITS] = CTL_LIMITS, [CHAN_STATS] = CTL_STATS,
		[CHAN_DMESG] = CTL_DMESG, [CHAN_STACKS] = CTL_STACKS, [CHAN_CRASH] = CTL_CRASH,
		[CHAN_TRACE] = CTL_TRACE,
	};
	struct ctl_msg out = { .handle = c->handle, .a = m->a, .b = m->b };

	if (m->type == CHAN_GOFER_GONE) {
		gofer_gone(ch, c);
		return;
	}
	out.type = m->type < sizeof(type) / sizeof(*type) ? type[m->type] : 0;
	if (out.type == CTL_TRACE && m->len == CTL_TRACE_BYTES)
		memcpy(out.data, m->data, out.len = m->len);
	if (out.type)
		ctl_send(&ch->ctl, &out);
	else
		refuse(ch, c, ENOSYS, "this launcher does not know that request");
}

/* One message of a connection. */
static void hear(struct channels *ch, struct conn *c)
{
	static struct chan_msg m;
	int fds[CHAN_FDS_MAX];
	size_t n = CHAN_FDS_MAX;
	struct error err;
	int got = chan_recv(c->fd, &m, fds, &n, MSG_DONTWAIT, &err);

	if (got < 0 && err.err == EAGAIN)
		return;
	if (got <= 0) {
		conn_close(ch, c);
		return;
	}
	if (c->role == NEW) {
		introduce(ch, c, &m, fds, n);
		return;
	}
	if (m.type == CHAN_NET) {
		on_net(ch, c, &m, fds, n);
		return;
	}
	chan_close_fds(fds, n);
	on_message(ch, c, &m);
}

static void welcome(struct channels *ch)
{
	struct conn *c = NULL;
	int fd;

	for (unsigned i = 1; i < CONNECTIONS_MAX && !c; i++)
		if (ch->conns[i].role == UNUSED)
			c = &ch->conns[i];
	fd = c ? accept4(ch->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
	if (fd < 0 && c && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return;
	if (fd < 0 || watch(ch, fd, place(ch, c)) < 0) {
		/* Full, until a connection ends. */
		epoll_ctl(ch->epoll, EPOLL_CTL_DEL, ch->listen_fd, NULL);
		ch->deaf = true;
		if (fd >= 0)
			close(fd);
		return;
	}
	c->fd = fd;
	c->role = NEW;
}

/* An answer to what the Sentry asked. */
static void hear_names(struct channels *ch)
{
	struct ctl_msg m = { .type = CTL_NAMES };

	m.len = (uint32_t)names_hear(ch->names_fd, m.data, sizeof(m.data));
	if (m.len)
		ctl_send(&ch->ctl, &m);
}

bool channels_serve(struct channels *ch)
{
	struct epoll_event ev[16];
	int n = epoll_wait(ch->epoll, ev, 16, 0);

	for (int i = 0; i < n && !ch->ctl.holds; i++) {
		if (ev[i].data.u32 == LISTEN)
			welcome(ch);
		else if (ev[i].data.u32 == NAMES)
			hear_names(ch);
		else if (ch->conns[ev[i].data.u32].fd >= 0)
			hear(ch, &ch->conns[ev[i].data.u32]);
	}
	return ch->conns->role == CONTAINER;
}

int channels_init(struct channels *ch, struct sandbox *sb, struct streams *streams, int owner_fd,
		  int listen_fd, const char *name, struct error *err)
{
	*ch = (struct channels){
		.sb = sb, .streams = streams, .listen_fd = listen_fd, .names_fd = -1
	};
	ch->conns = calloc(CONNECTIONS_MAX, sizeof(*ch->conns));
	ch->epoll = epoll_create1(EPOLL_CLOEXEC);
	ch->unsent = malloc(sizeof(*ch->unsent));
	if (!ch->conns || !ch->unsent || ch->epoll < 0)
		return error_errno(err, "connections");
	for (uint32_t i = 0; i < CONNECTIONS_MAX; i++) {
		ch->conns[i].handle = i;
		ch->conns[i].fd = -1;
	}
	ch->conns->fd = owner_fd;
	ch->conns->role = CONTAINER;
	ch->conns->name = strdup(name);
	ch->queue_owner[0] = ch->conns->handle + 1;
	if (!ch->conns->name || watch(ch, owner_fd, 0) < 0 ||
	    (listen_fd >= 0 && watch(ch, listen_fd, LISTEN) < 0))
		return error_errno(err, "connections");
	ctl_init(&ch->ctl, sb, deliver, ch);
	return 0;
}
