/*
 * ctl.h - the launcher's end of the control queues (abi/control.h) and of the balloon queue: messages to and from the
 * Sentry, frames that the Sentry gives back. Who the messages are from and for: channels.h.
 *
 * What comes from the Sentry is hostile: messages are copied before they are looked at, texts are made one printable
 * line, ranges are checked against RAM. One thread; no locks. Nothing here opens anything: it runs after the seal.
 */
#ifndef MOAT_HOST_CTL_H
#define MOAT_HOST_CTL_H

#include <stdbool.h>

#include "abi/control.h"
#include "host/ring_dev.h"
#include "host/sandbox.h"

struct ctl {
	struct sandbox *sb;
	struct ring_dev in, out, balloon;
	/* A message of the Sentry's for a connection: lengths are within bounds, texts clean. */
	void (*deliver)(void *arg, const struct ctl_msg *m);
	void *arg;
	bool stopped;	     /* deliver wants no more for now */
	struct ctl_msg held; /* for a Sentry that has no buffer posted yet, as while it boots */
	bool holds;
};

/* sb's arena is mapped. */
void ctl_init(struct ctl *c, struct sandbox *sb,
	      void (*deliver)(void *arg, const struct ctl_msg *m), void *arg);

/*
 * Give a message to the Sentry, or keep it until it has a buffer for it: then c->holds, and the caller sends no other until
 * ctl_flush says that it is gone.
 */
void ctl_send(struct ctl *c, const struct ctl_msg *m);
/* Try again. True: nothing is held. */
bool ctl_flush(struct ctl *c);

/* Take what the Sentry has put into a queue, a ring's worth at most. True: there is more, do not sleep. */
bool ctl_drain(struct ctl *c);
bool ctl_drain_balloon(struct ctl *c);

/* NULL, or the queue whose protocol the Sentry broke: nothing comes through it any more. */
const char *ctl_broken(const struct ctl *c);

/* Wake the Sentry: the queue has news. */
void queue_notify(struct sandbox *sb, unsigned queue);

#endif
