/* A socket on a port of the loopback, of either family, and where it is. */
#ifndef MOAT_TESTS_BOUND_H
#define MOAT_TESTS_BOUND_H

#include "abi.h"
#include <netinet/in.h>
#include <sys/socket.h>

static struct sockaddr_in6
	at; /* of the last one that bound() made; a sockaddr_in if that was AF_INET */
static socklen_t at_len;

static int bound(int family, int type)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = CHECK_OK(socket(family, type, 0));

	at = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (family == AF_INET)
		memcpy(&at, &a4, sizeof(a4));
	at_len = family == AF_INET ? sizeof(a4) : sizeof(at);
	CHECK_OK(bind(fd, (void *)&at, at_len));
	CHECK_OK(getsockname(fd, (void *)&at, &at_len));
	return fd;
}

#endif
