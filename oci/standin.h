/*
 * standin.h - the host process that stands for a container or an exec: it is in the namespaces, the cgroup and the pid-file
 * that an engine expects, holds the stdio, forwards signals and window sizes, and ends as what it stands for ended. If it is
 * killed, its connection to the launcher closes and the Sentry kills what it stood for.
 */
#ifndef MOAT_OCI_STANDIN_H
#define MOAT_OCI_STANDIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "host/error.h"
#include "oci/loopback.h"
#include "oci/oom.h"

/* Block what it will forward; a signalfd, or -1. Before anything that may take time, so that no signal is lost. */
int standin_signals(struct error *err);

struct standin {
	int chan;		   /* to the launcher */
	int sig_fd;		   /* standin_signals' */
	bool tty;		   /* standard input is the program's terminal */
	bool running;		   /* the program is */
	bool out_of_memory;	   /* it, or another one of the container's, was killed for that */
	pid_t launcher, gofer;	   /* children to wait for, or 0 */
	struct loopback *loopback; /* connections to take, or NULL */
	struct oom oom;		   /* the container's; OOM_NONE: not to be told */
};

/*
 * Serve until the other side of chan says CHAN_EXIT or goes away, then end: with the program's exit status, or 128 + N after
 * signal N, as pid 1 of a pid namespace cannot die of one. Never returns.
 */
void standin_serve(struct standin *s) __attribute__((noreturn));

#endif
