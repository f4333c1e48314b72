/*
 * relay.h - bytes between two descriptors and a connection to a port in a container (CHAN_FORWARD).
 */
#ifndef MOAT_OCI_RELAY_H
#define MOAT_OCI_RELAY_H

#include <stdint.h>

#include "oci/state.h"

/*
 * Connect to port on the loopback of container c, and copy from `in` to there and from there to `out` until both directions
 * have ended; a socket's directions end each by themselves. The container needs no lock. 0; -1: nothing was connected, or it
 * broke (ECONNRESET: then a socket is left so that closing it resets it). The process is to end after that: it may have a
 * thread left, and SIGPIPE is ignored.
 */
int relay(const struct container *c, uint16_t port, int in, int out, struct error *err);

#endif
