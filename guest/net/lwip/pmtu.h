/*
 * pmtu.h - the MTU of paths, where ICMP said that it is less than that of the interface by which they begin. All under net_lock.
 */
#ifndef MOAT_NET_LWIP_PMTU_H
#define MOAT_NET_LWIP_PMTU_H

#include "lib/types.h"
#include "lwip/ip_addr.h"

struct netif;

#define PATHS_MAX 64 /* of each network namespace */

struct path_mtu {
	ip_addr_t dst;
	u16 mtu;
	bool cut; /* the true one is smaller than Linux goes down to: routers are to cut packets */
	u64 expires;
};

/* What is known of the path to dst that begins at n; NULL: nothing, so n's own MTU counts. */
const struct path_mtu *path_learned(const struct netif *n, const ip_addr_t *dst);
/* ICMP says that a packet to dst was larger than mtu. False: nobody can believe that, or it was known. */
bool path_learn(const struct netif *n, const ip_addr_t *dst, u32 mtu);

/* Does a packet of a socket with this IP_MTU_DISCOVER depend on the path, or only on the interface? */
bool path_counts(u8 discovery);
/* May ICMP's word be taken for a socket with this one? */
bool path_believes(u8 discovery);

#endif
