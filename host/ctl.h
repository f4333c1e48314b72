/*
 * ctl.h - the launcher's end of the control queues (abi/control.h) and of the balloon queue: messages between the Sentry
 * and the command line, frames that the Sentry gives back.
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
	int fd; /* the command line: SOCK_SEQPACKET, struct ctl_msg both ways */
	struct ring_dev in, out, balloon;
	bool ended;	     /* CTL_EXIT or CTL_FATAL was passed on */
	struct ctl_msg held; /* of the command line, for a Sentry that has no buffer posted yet */
	bool holds;
};

/* sb's arena is mapped. */
void ctl_init(struct ctl *c, struct sandbox *sb, int fd);

/* Take what the Sentry has put into a queue, a ring's worth at most. True: there is more, do not sleep. */
bool ctl_drain(struct ctl *c);
bool ctl_drain_balloon(struct ctl *c);

/*
 * Messages of the command line go on in their order. The one that the Sentry cannot take yet, as while it boots, is
 * held, and those after it stay in the socket. False when the command line is gone.
 */
bool ctl_from_cli(struct ctl *c);

/* NULL, or the queue whose protocol the Sentry broke: nothing comes through it any more. */
const char *ctl_broken(const struct ctl *c);

/* Tell the command line that the sandbox could not run or came to a bad end: a shell's exit status and one line. */
void ctl_fatal(int fd, int status, const char *line);

#endif
