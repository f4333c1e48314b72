/*
 * transport.h - how messages reach a connection. Both loops run on the thread that calls them,
 * until the client is gone.
 */
#ifndef MOAT_GOFER_TRANSPORT_H
#define MOAT_GOFER_TRANSPORT_H

#include "host/ring_dev.h"

struct conn;
struct error;

/* A byte stream: size[4] and the rest, one after the other. 0 at end of file, -1 with *err. */
int transport_fd_serve(struct conn *c, int fd, struct error *err);

struct ring_bells {
	int kick;     /* eventfd that we sleep on */
	int call;     /* eventfd of the interrupt */
	int lifeline; /* serving ends when it hangs up; or -1 */
	bool spin;    /* there is a CPU to poll on */
};

/*
 * A queue in the arena. 0 when the lifeline hung up, -1 with *err where the driver broke the ring.
 */
int transport_ring_serve(struct conn *c, struct ring_dev *rd, const struct ring_bells *bells,
			 struct error *err);

#endif
