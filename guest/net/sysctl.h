/*
 * sysctl.h - the numbers below /proc/sys/net that can be changed, for each network namespace.
 *
 * Single words, read and written without a lock. A new namespace begins with the defaults, as on Linux.
 */
#ifndef MOAT_NET_SYSCTL_H
#define MOAT_NET_SYSCTL_H

#include "lib/types.h"

enum net_sysctl {
	/* core */
	SYSCTL_SOMAXCONN,
	SYSCTL_RMEM_MAX,
	SYSCTL_WMEM_MAX,
	SYSCTL_RMEM_DEFAULT,
	SYSCTL_WMEM_DEFAULT,
	/* ipv4 */
	SYSCTL_PORT_FIRST,
	SYSCTL_PORT_LAST,
	SYSCTL_PORT_UNPRIVILEGED,
	SYSCTL_PING_GROUP_FIRST,
	SYSCTL_PING_GROUP_LAST,
	SYSCTL_DEFAULT_TTL,
	SYSCTL_NONLOCAL_BIND,
	SYSCTL_TCP_RMEM_LEAST,
	SYSCTL_TCP_RMEM_DEFAULT,
	SYSCTL_TCP_RMEM_MAX,
	SYSCTL_TCP_WMEM_LEAST,
	SYSCTL_TCP_WMEM_DEFAULT,
	SYSCTL_TCP_WMEM_MAX,
	SYSCTL_TCP_MAX_SYN_BACKLOG,
	SYSCTL_TCP_SYN_RETRIES,
	SYSCTL_TCP_FIN_TIMEOUT,
	SYSCTL_TCP_KEEPALIVE_TIME,
	SYSCTL_TCP_KEEPALIVE_INTVL,
	SYSCTL_TCP_KEEPALIVE_PROBES,
	SYSCTL_TCP_MTU_PROBING,
	SYSCTL_TCP_RENO, /* tcp_congestion_control, in inet/proc.c: it is not cubic */
	SYSCTL_TCP_BASE_MSS,
	SYSCTL_MIN_PMTU,
	SYSCTL_MTU_EXPIRES,
	/* taken, and change nothing here */
	SYSCTL_IP_FORWARD,
	SYSCTL_TCP_SYNCOOKIES,
	SYSCTL_TCP_TW_REUSE,
	SYSCTL_TCP_FASTOPEN,
	/* ipv6 */
	SYSCTL_BINDV6ONLY,
	SYSCTL_MTU_EXPIRES6,
	NET_SYSCTLS
};

struct net_ns;

/* Of a new namespace; the windows of TCP by how much memory there is. */
void net_sysctl_defaults(struct net_ns *net);
void net_sysctl_init(void); /* the files, at boot */
s64 net_sysctl(const struct net_ns *net, enum net_sysctl which);
void net_sysctl_set(struct net_ns *net, enum net_sysctl which, s64 v);

#endif
