/*
 * option_ip.c - options at levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7)), and those of raw and UDP sockets.
 */
#include <linux/capability.h>
#include <linux/in.h>
#include <string.h>

#include "net/inet/option.h"
#include "net/lwip/route.h"
#include "task/task.h"

/* From <linux/in6.h>, which cannot be had beside musl's. */
#define IPV6_ADDRFORM	     1
#define IPV6_CHECKSUM	     7
#define IPV6_UNICAST_HOPS    16
#define IPV6_MULTICAST_IF    17
#define IPV6_MULTICAST_HOPS  18
#define IPV6_MULTICAST_LOOP  19
#define IPV6_ADD_MEMBERSHIP  20
#define IPV6_DROP_MEMBERSHIP 21
#define IPV6_MTU_DISCOVER    23
#define IPV6_MTU	     24
#define IPV6_V6ONLY	     26
#define IPV6_RECVPKTINFO     49
#define IPV6_RECVHOPLIMIT    51
#define IPV6_DONTFRAG	     62
#define IPV6_RECVTCLASS	     66
#define IPV6_TCLASS	     67
#define IPV6_MINHOPCOUNT     73
#define IPV6_RECVORIGDSTADDR 74
#define IPV6_FREEBIND	     78

#define ICMP_FILTER   1 /* level SOL_RAW */
#define ICMPV6_FILTER 1

struct flag_option {
	int name;
	u32 bit;
};
static const struct flag_option recv4[] = {
	{ IP_PKTINFO, RECV_PKTINFO },
	{ IP_RECVTTL, RECV_TTL },
	{ IP_RECVTOS, RECV_TOS },
	{ IP_RECVORIGDSTADDR, RECV_ORIGDST },
};
static const struct flag_option recv6[] = {
	{ IPV6_RECVPKTINFO, RECV_PKTINFO6 },
	{ IPV6_RECVHOPLIMIT, RECV_HOPS },
	{ IPV6_RECVTCLASS, RECV_TCLASS },
	{ IPV6_RECVORIGDSTADDR, RECV_ORIGDST6 },
};

static u32 flag_bit(const struct flag_option *t, size_t n, int name)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].name == name)
			return t[i].bit;
	return 0;
}

static void set_flag(struct inet_sock *k, u32 bit, bool on)
{
	k->recv_flags = on ? k->recv_flags | bit : k->recv_flags & ~bit;
}

static void apply(struct inet_sock *k)
{
	if (!inet_is_stream(k))
		return;
	net_enter(k->s.net);
	tcp_sk_apply(k);
	net_leave();
}

/* Turned off, it forgets what it has. */
static void set_recverr(struct inet_sock *k, bool *what, bool on)
{
	spin_lock(&net_lock);
	*what = on;
	if (!on)
		errqueue_purge(k);
	spin_unlock(&net_lock);
}

static int set_discovery(u8 *what, s32 n)
{
	if (n < IP_PMTUDISC_DONT || n > IP_PMTUDISC_OMIT)
		return -EINVAL;
	*what = (u8)n;
	return 0;
}

static int set_byte(u8 *what, s32 n)
{
	if (n < 0 || n > 255)
		return -EINVAL;
	*what = (u8)n;
	return 0;
}

/* Which interface IP_MULTICAST_IF names: an address, or ip_mreqn with an index. */
static int multicast_if(struct inet_sock *k, const void *v, unsigned len)
{
	struct ip_mreqn m = { 0 };
	struct netdev *d;
	int err = -EADDRNOTAVAIL;

	if (len < sizeof(m.imr_address))
		return -EINVAL;
	if (len >= sizeof(m))
		memcpy(&m, v, sizeof(m));
	else if (len >= sizeof(struct ip_mreq))
		memcpy(&m, v, sizeof(struct ip_mreq));
	else
		memcpy(&m.imr_address, v, sizeof(m.imr_address));
	if (!m.imr_ifindex && !m.imr_address.s_addr) {
		k->mc_ifindex = 0;
		k->mc_addr = 0;
		return 0;
	}
	spin_lock(&netdev_lock);
	list_for_each(d, &k->s.net->devs, node) {
		bool it = m.imr_ifindex && d->index == m.imr_ifindex;

		for (unsigned i = 0; i < NETDEV_ADDRS_MAX && !m.imr_ifindex; i++)
			it |= d->addr[i].family == AF_INET &&
			      !memcmp(d->addr[i].addr, &m.imr_address, 4);
		if (it) {
			k->mc_ifindex = d->index;
			k->mc_addr = m.imr_address.s_addr;
			err = 0;
			break;
		}
	}
	spin_unlock(&netdev_lock);
	return err;
}

int option_ip_set(struct inet_sock *k, int name, const void *v, unsigned len)
{
	u32 bit = flag_bit(recv4, ARRAY_SIZE(recv4), name);
	s32 n;
	int err;

	switch (name) {
	case IP_MULTICAST_IF: return multicast_if(k, v, len);
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP: return group_set(k, name, v, len);
	case IP_OPTIONS: return len ? -EINVAL : 0;
	}
	err = option_int(v, len, &n);
	if (err)
		return err;
	if (bit) {
		set_flag(k, bit, n);
		return 0;
	}
	switch (name) {
	case IP_TOS: k->tos = inet_is_stream(k) ? (u8)(n & ~3) | (k->tos & 3) : (u8)n; break;
	case IP_TTL:
		if (n != -1 && (n < 1 || n > 255))
			return -EINVAL;
		k->ttl = n == -1 ? 0 : (u8)n;
		break;
	case IP_MULTICAST_TTL:
		if (inet_is_stream(k) || n < -1 || n > 255)
			return -EINVAL;
		k->mc_ttl = n == -1 ? 1 : (u8)n;
		return 0;
	case IP_MULTICAST_LOOP: k->mc_loop = n; return 0;
	case IP_HDRINCL:
		if (k->s.type != SOCK_RAW)
			return -ENOPROTOOPT;
		k->hdrincl = n;
		return 0;
	case IP_RECVERR: set_recverr(k, &k->recverr, n); return 0;
	case IP_FREEBIND: k->freebind = n; return 0;
	case IP_TRANSPARENT:
		if (n && !net_capable(k->s.net, CAP_NET_RAW) &&
		    !net_capable(k->s.net, CAP_NET_ADMIN))
			return -EPERM;
		k->freebind = n;
		return 0;
	case IP_MTU_DISCOVER:
		err = set_discovery(&k->pmtudisc, n);
		if (err)
			return err;
		break;
	case IP_BIND_ADDRESS_NO_PORT: k->no_port = n; return 0;
	case IP_MINTTL: return set_byte(&k->min_ttl, n);
	case IP_RECVOPTS:
	case IP_RETOPTS:
	case IP_MULTICAST_ALL: return 0;
	default: return -ENOPROTOOPT;
	}
	apply(k);
	return 0;
}

static s32 mtu_to_peer(struct inet_sock *k)
{
	s32 mtu;

	net_lock_for(k->s.net);
	mtu = (s32)inet_path_mtu(k, route_to(&k->laddr, &k->raddr), &k->raddr);
	spin_unlock(&net_lock);
	return mtu;
}

int option_ip_get(struct inet_sock *k, int name, void *v, unsigned *len)
{
	u32 bit = flag_bit(recv4, ARRAY_SIZE(recv4), name);

	if (bit)
		return option_put(v, len, !!(k->recv_flags & bit));
	switch (name) {
	case IP_TOS: return option_put(v, len, k->tos);
	case IP_TTL: return option_put(v, len, (s32)inet_number(k, k->ttl, SYSCTL_DEFAULT_TTL));
	case IP_MULTICAST_TTL: return option_put(v, len, k->mc_ttl);
	case IP_MULTICAST_LOOP: return option_put(v, len, k->mc_loop);
	case IP_MULTICAST_IF: return option_put_bytes(v, len, &k->mc_addr, sizeof(k->mc_addr));
	case IP_HDRINCL:
		return k->s.type == SOCK_RAW ? option_put(v, len, k->hdrincl) : -ENOPROTOOPT;
	case IP_RECVERR: return option_put(v, len, k->recverr);
	case IP_FREEBIND: return option_put(v, len, k->freebind);
	case IP_MTU_DISCOVER: return option_put(v, len, k->pmtudisc);
	case IP_MTU:
		if (k->state != INET_CONNECTED)
			return -ENOTCONN;
		return option_put(v, len, mtu_to_peer(k));
	case IP_OPTIONS: *len = 0; return 0;
	case IP_MINTTL: return option_put(v, len, k->min_ttl);
	case IP_BIND_ADDRESS_NO_PORT: return option_put(v, len, k->no_port);
	case IP_MULTICAST_ALL: return option_put(v, len, 1);
	default: return -ENOPROTOOPT;
	}
}

int option_ip6_set(struct inet_sock *k, int name, const void *v, unsigned len)
{
	u32 bit = flag_bit(recv6, ARRAY_SIZE(recv6), name);
	s32 n;

	if (name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP)
		return group_set(k, name, v, len);
	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, v, sizeof(n));
	if (bit) {
		set_flag(k, bit, n);
		return 0;
	}
	switch (name) {
	case IPV6_V6ONLY:
		if (k->port)
			return -EINVAL;
		k->v6only = n;
		return 0;
	case IPV6_UNICAST_HOPS:
		if (n < -1 || n > 255)
			return -EINVAL;
		k->hops = (s16)n;
		apply(k);
		return 0;
	case IPV6_MULTICAST_HOPS:
		if (inet_is_stream(k))
			return -ENOPROTOOPT;
		if (n < -1 || n > 255)
			return -EINVAL;
		k->mc_hops = (s16)n;
		return 0;
	case IPV6_MULTICAST_LOOP:
		if (n < 0 || n > 1)
			return -EINVAL;
		k->mc_loop = n;
		return 0;
	case IPV6_MULTICAST_IF: k->mc_ifindex = n; return 0;
	case IPV6_TCLASS:
		if (n < -1 || n > 255)
			return -EINVAL;
		k->tos = n == -1 ? 0 : (u8)n;
		apply(k);
		return 0;
	case IPV6_RECVERR: set_recverr(k, &k->recverr6, n); return 0;
	case IPV6_FREEBIND: k->freebind = n; return 0;
	case IPV6_DONTFRAG: k->dontfrag = n; return 0;
	case IPV6_MINHOPCOUNT: return set_byte(&k->min_hops, n);
	case IPV6_MTU_DISCOVER:
		if (set_discovery(&k->pmtudisc6, n))
			return -EINVAL;
		apply(k);
		return 0;
	case IPV6_CHECKSUM: return 0;
	default: return -ENOPROTOOPT;
	}
}

int option_ip6_get(struct inet_sock *k, int name, void *v, unsigned *len)
{
	u32 bit = flag_bit(recv6, ARRAY_SIZE(recv6), name);

	if (bit)
		return option_put(v, len, !!(k->recv_flags & bit));
	switch (name) {
	case IPV6_V6ONLY: return option_put(v, len, k->v6only);
	case IPV6_UNICAST_HOPS: return option_put(v, len, k->hops < 0 ? 64 : k->hops);
	case IPV6_MULTICAST_HOPS: return option_put(v, len, k->mc_hops < 0 ? 1 : k->mc_hops);
	case IPV6_MULTICAST_LOOP: return option_put(v, len, k->mc_loop);
	case IPV6_MULTICAST_IF: return option_put(v, len, k->mc_ifindex);
	case IPV6_TCLASS: return option_put(v, len, k->tos);
	case IPV6_RECVERR: return option_put(v, len, k->recverr6);
	case IPV6_DONTFRAG: return option_put(v, len, k->dontfrag);
	case IPV6_MINHOPCOUNT: return option_put(v, len, k->min_hops);
	case IPV6_FREEBIND: return option_put(v, len, k->freebind);
	case IPV6_MTU_DISCOVER: return option_put(v, len, k->pmtudisc6);
	case IPV6_MTU:
		if (k->state != INET_CONNECTED)
			return -ENOTCONN;
		return option_put(v, len, mtu_to_peer(k));
	default: return -ENOPROTOOPT;
	}
}

int option_raw_set(struct inet_sock *k, int level, int name, const void *v, unsigned len)
{
	if (level == IPPROTO_RAW && name == ICMP_FILTER && k->s.type == SOCK_RAW) {
		memcpy(&k->icmp_filter, v, MIN(len, (unsigned)sizeof(k->icmp_filter)));
		return 0;
	}
	/* ICMPV6_FILTER: a program gets more than it asked for. */
	if (level == IPPROTO_ICMPV6 && name == ICMPV6_FILTER && k->s.type == SOCK_RAW)
		return 0;
	if (level == IPPROTO_RAW && name == IPV6_CHECKSUM)
		return 0;
	return -ENOPROTOOPT;
}

int option_raw_get(struct inet_sock *k, int level, int name, void *v, unsigned *len)
{
	if (level == IPPROTO_RAW && name == ICMP_FILTER && k->s.type == SOCK_RAW)
		return option_put_bytes(v, len, &k->icmp_filter, sizeof(k->icmp_filter));
	return -ENOPROTOOPT;
}
