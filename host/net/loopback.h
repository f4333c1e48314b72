/*
 * loopback.h - connections to any port of a network namespace's loopback, for whoever lives there only by name: an engine
 * that enters the namespace of a container finds its servers at 127.0.0.1, though they are inside the Sentry.
 */
#ifndef MOAT_HOST_NET_LOOPBACK_H
#define MOAT_HOST_NET_LOOPBACK_H

#include <stdint.h>

/*
 * A listening socket, non-blocking and close-on-exec, that takes every TCP connection to 127.0.0.0/8 and ::1 in the caller's
 * network namespace for as long as *link, which is the caller's to close, is open. Servers on the host's side of that
 * loopback get none any more. -1, and nothing changed: the host does not let us (bpf(2) needs CAP_BPF and CAP_NET_ADMIN
 * outside of user namespaces, Linux 5.9).
 */
int net_loopback_open(int *link);
/* The port that a connection of it was meant for; 0: it came for another address than the loopback's. */
uint16_t net_loopback_port(int conn);

#endif
