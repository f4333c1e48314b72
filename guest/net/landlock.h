/*
 * landlock.h - landlock's checks of TCP ports (fs/landlock/landlock.h has the domains). Of the current task: 0 or -errno.
 */
#ifndef MOAT_NET_LANDLOCK_H
#define MOAT_NET_LANDLOCK_H

#include "fs/landlock/landlock.h"
#include "net/socket.h"

int landlock_check_tcp(const struct socket *s, const struct sock_addr *a, u32 access);

static inline int landlock_may_bind(const struct socket *s, const struct sock_addr *a)
{
	return unlikely(landlock_current()) ? landlock_check_tcp(s, a, LANDLOCK_BIND_TCP) : 0;
}

static inline int landlock_may_connect(const struct socket *s, const struct sock_addr *a)
{
	return unlikely(landlock_current()) ? landlock_check_tcp(s, a, LANDLOCK_CONNECT_TCP) : 0;
}

#endif
