/*
 * launcher.h - the launcher process: it owns the VM (or the Sentry's process) and moves messages and bytes between the
 * Sentry's queues and the processes outside: the one that started it and those that connect later.
 */
#ifndef MOAT_HOST_LAUNCHER_H
#define MOAT_HOST_LAUNCHER_H

#include "host/boottree.h"
#include "host/sandbox.h"
#include "host/spec.h"

struct launcher_config {
	struct sandbox *sb;
	const struct container_spec *spec;
	const struct clock_sample *clock_start;
	int ctl_fd; /* SOCK_SEQPACKET; struct chan_msg both ways, about the first container (channel.h) */
	int listen_fd; /* chan_listen's, or -1: no other connection is taken */
	int stdio[3];  /* the first container's; launcher_start opens them anew (stream_fd.h) */
};

/*
 * In a jail_fork child: make memory, boot tree and platform, seal, run until the Sentry ends. Sends CHAN_EXIT or
 * CHAN_FAILED over ctl_fd. Never returns.
 */
void launcher_main(const struct launcher_config *cfg) __attribute__((noreturn));

#endif
