/*
 * landlock.c - the ports that a landlock domain lets TCP sockets bind and connect to. Address checks in Linux's order: a wrong
 * address is told as such before a forbidden port.
 */
#include <string.h>

#include "net/landlock.h"

#define SOCKADDR_IN_LEN	 16
#define SOCKADDR_IN6_LEN 24 /* RFC 2133: without the scope */

static int check_port(u16 port, u32 access)
{
	for (const struct landlock_domain *d = landlock_current(); d; d = d->parent)
		if (access & d->net & ~landlock_find(&d->ports, port))
			return -EACCES;
	return 0;
}

static bool handles_net(u32 access)
{
	for (const struct landlock_domain *d = landlock_current(); d; d = d->parent)
		if (d->net & access)
			return true;
	return false;
}

int landlock_check_tcp(const struct socket *s, const struct sock_addr *a, u32 access)
{
	static const u8 any[4];

	if ((s->family != AF_INET && s->family != AF_INET6) || s->type != SOCK_STREAM ||
	    !handles_net(access))
		return 0;
	if (a->len < sizeof(a->family))
		return -EINVAL;
	switch (a->family) {
	case AF_UNSPEC:
	case AF_INET:
		if (a->len < SOCKADDR_IN_LEN)
			return -EINVAL;
		break;
	case AF_INET6:
		if (a->len < SOCKADDR_IN6_LEN)
			return -EINVAL;
		break;
	default: return 0;
	}
	if (a->family == AF_UNSPEC) {
		/* To connect to it ends the connection; to bind to it is an old way to say any address. */
		if (access == LANDLOCK_CONNECT_TCP)
			return 0;
		if (memcmp(a->raw + 4, any, sizeof(any)))
			return -EAFNOSUPPORT;
	} else if (a->family != s->family) {
		return -EINVAL;
	}
	return check_port((u16)(a->raw[2] << 8 | a->raw[3]), access);
}
