/*
 * names.h - queries for names between the Sentry and whoever answers them on the loopback of the container's network
 * namespace, where the sandbox's packets do not come: docker, for its own networks (NET_NAMES, abi/net.h).
 */
#ifndef MOAT_HOST_NET_NAMES_H
#define MOAT_HOST_NET_NAMES_H

#include <stddef.h>

struct error;

/* A socket to it in the caller's network namespace: non-blocking, close-on-exec. -1 on failure. */
int names_open(struct error *err);
/* One message of the Sentry's, as it is; fd -1: to nobody. What cannot be sent is lost, as on any network. */
void names_ask(int fd, const void *query, size_t len);
/* One answer, at most size bytes of it: a longer one becomes one that says it was cut. Its length, 0: there is none. */
size_t names_hear(int fd, unsigned char *answer, size_t size);

#endif
