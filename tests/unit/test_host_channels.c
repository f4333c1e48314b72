// sources: host/channels.c host/channel.c host/error.c
/*
 * test_host_channels.c - whose a backend's descriptors are: the network threads' from when they have begun to use them, also
 * if the Sentry then takes too long to say so. One that the launcher closed would be another file's soon, behind a thread
 * that writes what a hostile Sentry wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/channels.h"
#include "host/net/names.h"
#include "host/timing.h"

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static int attach_result; /* of the next net_attach */

int net_attach(struct sandbox *sb, const int *fds, size_t nfds, const struct net_config *config)
{
	(void)sb;
	CHECK(nfds >= config->pairs && fcntl(fds[0], F_GETFD) >= 0);
	return attach_result;
}

/* ---- what channels.c needs besides, and is not used here ---- */

void net_print_stats(const struct sandbox *sb)
{
	(void)sb;
}

void names_ask(int fd, const void *query, size_t len)
{
	(void)fd, (void)query, (void)len;
}

size_t names_hear(int fd, unsigned char *answer, size_t size)
{
	(void)fd, (void)answer, (void)size;
	return 0;
}

void timing_mark(const struct sandbox *sb, const char *what)
{
	(void)sb, (void)what;
}

uint32_t streams_add(struct streams *s, int fd)
{
	(void)s, (void)fd;
	return STREAM_NONE;
}

void streams_close(struct streams *s, uint32_t id)
{
	(void)s, (void)id;
}

void ctl_init(struct ctl *c, struct sandbox *sb,
	      void (*deliver)(void *arg, const struct ctl_msg *m), void *arg)
{
	*c = (struct ctl){ .sb = sb, .deliver = deliver, .arg = arg };
}

void ctl_send(struct ctl *c, const struct ctl_msg *m)
{
	(void)c, (void)m;
}

/* ---- the test ---- */

static bool is_open(int other_end)
{
	struct pollfd p = { other_end, POLLIN, 0 };

	CHECK(poll(&p, 1, 0) >= 0);
	return !(p.revents & POLLHUP);
}

/* Hand a backend of one pair, and a socket for names, to a launcher whose net_attach answers so. */
static void hand_over(int result, uint32_t answer, bool backend_open, bool names_open)
{
	static struct channels all[4]; /* each lives as long as its launcher: to the end */
	static struct sandbox sb;
	static unsigned n;
	struct channels *ch = &all[n++];
	struct chan_msg m = { .type = CHAN_NET, .len = sizeof(struct net_config) };
	struct net_config config = { .pairs = 1, .flags = NET_UP | NET_NAMES };
	int owner[2], backend[2], names[2], give[2];
	struct error err;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, owner) == 0);
	CHECK(pipe(backend) == 0 && pipe(names) == 0);
	CHECK(channels_init(ch, &sb, NULL, owner[0], -1, "do", &err) == 0);
	memcpy(m.data, &config, sizeof(config));
	give[0] = backend[1];
	give[1] = names[1];
	CHECK(chan_send(owner[1], &m, give, 2, &err) == 0);
	close(backend[1]);
	close(names[1]);
	attach_result = result;
	CHECK(channels_serve(ch));
	CHECK(chan_recv(owner[1], &m, NULL, NULL, MSG_DONTWAIT, &err) == 1 && m.type == answer);
	CHECK(is_open(backend[0]) == backend_open);
	CHECK(is_open(names[0]) == names_open);
	close(backend[0]);
	close(names[0]);
	close(owner[0]);
	close(owner[1]);
}

int main(void)
{
	hand_over(0, CHAN_DONE, true, true);
	hand_over(-EINVAL, CHAN_FAILED, false, false);
	hand_over(-EBUSY, CHAN_FAILED, false, false);
	hand_over(-ETIMEDOUT, CHAN_FAILED, true, false);
	return 0;
}
