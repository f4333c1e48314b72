/*
 * relay.h - bytes between two descriptors and a connection to a port in a container (CHAN_FORWARD).
 */
#ifndef MOAT_OCI_RELAY_H
#define MOAT_OCI_RELAY_H

#include <stdint.h>

struct error;

/*
 * Connect to port on the loopback of container `id` by chan, a new connection to its sandbox, and copy from `in` to there and
 * from there to `out` until both directions have ended; a socket's directions end each by themselves. 0; -1: nothing was
 * connected, or it broke (ECONNRESET: then a socket is left so that closing it resets it). The process is to end after that:
 * it may have a thread left, and SIGPIPE is ignored.
 */
int relay(int chan, const char *id, uint16_t port, int in, int out, struct error *err);

#endif
