/*
 * pmtu.c - path MTU discovery (RFC 1191, RFC 8201): what ICMP said of paths, and lwIP's questions how large a packet may be
 * and whether routers may cut it.
 *
 * A namespace remembers PATHS_MAX destinations, each for net.ipv4.route.mtu_expires seconds; a new one takes the place of the
 * one that would be forgotten first. TCP's part is mss.c, that of sockets inet_path_mtu.
 */
#include <linux/in.h>

#include "lwip/ip4.h"
#include "lwip/ip6.h"
#include "lwip_hooks.h"
#include "net/lwip/pmtu.h"
#include "net/lwip/stack.h"
#include "net/netif.h"

#define NS 1000000000ULL

u8 path_discovery = PATH_DISCOVERY_DEFAULT;

bool path_counts(u8 discovery)
{
	return discovery < IP_PMTUDISC_PROBE;
}

bool path_believes(u8 discovery)
{
	return discovery != IP_PMTUDISC_INTERFACE && discovery != IP_PMTUDISC_OMIT;
}

/* Whose interface is it? NULL: a loopback's, where no router is in the way. */
static struct net_ns *net_of(const struct netif *n)
{
	return n && n->state ? ((struct net_device *)n->state)->dev.net : NULL;
}

static struct path_mtu *find(struct net_ns *net, const ip_addr_t *dst)
{
	for (unsigned i = 0; net && i < net->paths_count; i++)
		if (ip_addr_cmp(&net->paths[i].dst, dst))
			return &net->paths[i];
	return NULL;
}

const struct path_mtu *path_learned(const struct netif *n, const ip_addr_t *dst)
{
	struct net_ns *net = net_of(n);
	struct path_mtu *p = find(net, dst);

	if (!p || p->expires > net_now())
		return p;
	*p = net->paths[--net->paths_count];
	return NULL;
}

static u16 own_mtu(const struct netif *n, bool v6)
{
	return v6 ? netif_mtu6(n) : n->mtu;
}

/* The MTU of that path, as far as it is known. */
static u16 path_mtu(const struct netif *n, const ip_addr_t *dst)
{
	const struct path_mtu *p = path_learned(n, dst);
	u16 own = own_mtu(n, IP_IS_V6(dst));

	return p ? MIN(p->mtu, own) : own;
}

/* Where there is room for one more. */
static struct path_mtu *new_slot(struct net_ns *net)
{
	struct path_mtu *oldest = &net->paths[0];

	if (net->paths_count < PATHS_MAX)
		return &net->paths[net->paths_count++];
	for (unsigned i = 1; i < PATHS_MAX; i++)
		if (net->paths[i].expires < oldest->expires)
			oldest = &net->paths[i];
	return oldest;
}

bool path_learn(const struct netif *n, const ip_addr_t *dst, u32 mtu)
{
	struct net_ns *net = net_of(n);
	bool v6 = IP_IS_V6(dst), cut = false;
	struct path_mtu *p;
	u32 least;

	if (!net || ip_addr_ismulticast(dst) || (v6 && mtu < IP6_MIN_MTU_LENGTH))
		return false;
	least = (u32)net_sysctl(net, SYSCTL_MIN_PMTU);
	if (!v6 && mtu < least) {
		mtu = least;
		cut = true;
	}
	/* It only ever says that less goes through than was thought. */
	if (mtu > path_mtu(n, dst) || (mtu == own_mtu(n, v6) && !cut))
		return false;
	p = find(net, dst);
	if (!p) {
		p = new_slot(net);
		p->dst = *dst;
		p->mtu = 0;
	}
	p->expires = net_now() +
		     (u64)net_sysctl(net, v6 ? SYSCTL_MTU_EXPIRES6 : SYSCTL_MTU_EXPIRES) * NS;
	if (p->mtu == mtu && p->cut == cut)
		return false;
	p->mtu = (u16)mtu;
	p->cut = cut;
	net->paths_changes++;
	return true;
}

/* ---- lwIP's questions ---- */

static const struct path_mtu *learned4(const struct netif *n, const ip4_addr_t *dst)
{
	ip_addr_t a = { .type = IPADDR_TYPE_V4 };

	ip4_addr_copy(*ip_2_ip4(&a), *dst);
	return path_learned(n, &a);
}

u16 mtu_hook4(const struct netif *n, const ip4_addr_t *dst)
{
	const struct path_mtu *p = path_counts(path_discovery) ? learned4(n, dst) : NULL;

	return p ? MIN(p->mtu, n->mtu) : n->mtu;
}

bool dont_fragment_hook(const struct netif *n, const ip4_addr_t *dst, u16 len)
{
	const struct path_mtu *p;

	switch (path_discovery) {
	case IP_PMTUDISC_DO:
	case IP_PMTUDISC_PROBE: return true;
	case IP_PMTUDISC_WANT:
		p = learned4(n, dst);
		return len <= mtu_hook4(n, dst) && !(p && p->cut);
	default: return false;
	}
}

/* In the place of what lwIP's table of next hops has, which anybody could set to anything. */
u16_t __wrap_nd6_get_destination_mtu(const ip6_addr_t *dst, struct netif *n);
u16_t __wrap_nd6_get_destination_mtu(const ip6_addr_t *dst, struct netif *n)
{
	ip_addr_t a = { .type = IPADDR_TYPE_V6 };

	if (!n)
		return IP6_MIN_MTU_LENGTH;
	ip6_addr_copy(*ip_2_ip6(&a), *dst);
	return path_counts(path_discovery) ? path_mtu(n, &a) : netif_mtu6(n);
}
