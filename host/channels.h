/*
 * channels.h - the launcher's connections (channel.h): the one it was born with and those that its listening socket takes,
 * and the translation of what they say into control messages for the Sentry (abi/control.h) and back.
 *
 * Each connection is a handle. The Sentry keeps what a handle stands for; here is known only which connection it is, the
 * names of the containers, and which 9P queue belongs to whom. Who connects is trusted; what the Sentry answers is checked
 * by ctl.c, and it can answer only connections that asked it something.
 *
 * One thread, no locks. A connection that does not read its answers is closed; but while the first one does not, the Sentry
 * keeps what it has to say.
 */
#ifndef MOAT_HOST_CHANNELS_H
#define MOAT_HOST_CHANNELS_H

#include "host/channel.h"
#include "host/ctl.h"
#include "host/streams.h"

#define CONNECTIONS_MAX 256

struct conn;

struct channels {
	struct sandbox *sb;
	struct ctl ctl;
	struct streams *streams;
	int listen_fd; /* -1: none */
	int names_fd;  /* of NET_NAMES; -1: nobody answers */
	int epoll;     /* of the sockets alone, so that all of them can be left unread at once */
	bool deaf;  /* the listening socket is out of the set: there is no place for another one */
	bool ended; /* the first container's owner was told of its end */
	struct chan_msg *unsent; /* to the first connection */
	unsigned closing;	 /* connections whose end the Sentry does not know yet */
	struct conn *conns;	 /* CONNECTIONS_MAX; 0 is the owner of the first container */
	uint32_t queue_owner[RING_Q_9P_COUNT]; /* handle + 1 */
};

/*
 * owner_fd: the connection that speaks for the first container, whose id is `name`; both sockets are non-blocking. Answers
 * are sent to it from now on.
 */
int channels_init(struct channels *ch, struct sandbox *sb, struct streams *streams, int owner_fd,
		  int listen_fd, const char *name, struct error *err);

/*
 * Read the sockets that ch->epoll says are ready, until the Sentry cannot take more (then ch->ctl.holds) or nothing is left.
 * False: the owner of the first container is gone.
 */
bool channels_serve(struct channels *ch);
/* The first connection can be written to again. Then ch->ctl.stopped is false, or it is full already. */
void channels_resend(struct channels *ch);
/* The Sentry took what was held: tell it of the connections that ended meanwhile. */
void channels_flush(struct channels *ch);

/*
 * Tell a connection that what it wanted could not be done: an errno, a shell's exit status, one line. Waits for room there.
 */
void channel_fail(int fd, int error, int status, const char *line);

#endif
