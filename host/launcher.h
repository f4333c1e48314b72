/*
 * launcher.h - the launcher process: it owns the VM (or the Sentry's process) and moves messages between the Sentry's
 * control queues and the command line that started it.
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
	int ctl_fd; /* SOCK_SEQPACKET; struct ctl_msg both ways */
};

/*
 * In a jail_fork child: make memory, boot tree and platform, seal, run until the Sentry ends. Sends CTL_EXIT or
 * CTL_FATAL over ctl_fd. Never returns.
 */
void launcher_main(const struct launcher_config *cfg) __attribute__((noreturn));

#endif
