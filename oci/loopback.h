/*
 * loopback.h - what a stand-in does for engines that enter its network namespace and dial 127.0.0.1 there, as they do for
 * `kubectl port-forward`: it takes those connections (host/net/loopback.h), and a child of its own for each relays it to the
 * same port inside the sandbox. The children have no capabilities, no files and few system calls, and end with it.
 */
#ifndef MOAT_OCI_LOOPBACK_H
#define MOAT_OCI_LOOPBACK_H

#include <stdbool.h>
#include <sys/types.h>

#include "oci/state.h"

/* Connections at a time; others wait. A sandbox has room for 255 with all its processes and commands. */
#define LOOPBACK_MAX 128

struct loopback {
	int fd, link,
		file; /* listening; what makes it take them; the sandbox's socket (chan_open_file) */
	const char *id;
	unsigned n;
	pid_t child[LOOPBACK_MAX];
};

/*
 * In the namespaces of container c, the first of its sandbox, whose network namespace is not one of the host's; c->s.id must
 * last. False: the host does not have it, or does not let us.
 */
bool loopback_open(struct loopback *l, const struct container *c);
/* May another connection be taken? */
bool loopback_ready(const struct loopback *l);
/* There is one: take it. */
void loopback_take(struct loopback *l);
/* A child of the stand-in ended; it may be one of these. */
void loopback_reaped(struct loopback *l, pid_t pid);
/* Break those that are left, and wait for that. */
void loopback_end(const struct loopback *l);

#endif
