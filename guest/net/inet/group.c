/*
 * group.c - multicast memberships (IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP).
 *
 * Devices learn of them by IGMP and MLD; the loopback needs not.
 */
#include <linux/in.h>
#include <string.h>

#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "mm/slab.h"
#include "net/inet/option.h"

#define GROUPS_MAX 64 /* of a socket; Linux: 20 of IPv4, memory for some hundred of IPv6 */

struct membership {
	struct list node;
	ip_addr_t group;
	struct netif *netif; /* NULL: the loopback */
};

struct ipv6_mreq_abi {
	u8 group[16];
	s32 ifindex;
};

bool group_has(const struct inet_sock *k, const ip_addr_t *group)
{
	struct membership *m;

	list_for_each(m, &k->groups, node)
		if (IP_GET_TYPE(&m->group) == IP_GET_TYPE(group) &&
		    (IP_IS_V4(group) ? ip4_addr_cmp(ip_2_ip4(&m->group), ip_2_ip4(group))
				     : ip6_addr_cmp_zoneless(ip_2_ip6(&m->group), ip_2_ip6(group))))
			return true;
	return false;
}

static err_t tell(struct membership *m, bool join)
{
	if (!m->netif)
		return ERR_OK;
	if (IP_IS_V4_VAL(m->group))
		return join ? igmp_joingroup_netif(m->netif, ip_2_ip4(&m->group))
			    : igmp_leavegroup_netif(m->netif, ip_2_ip4(&m->group));
	return join ? mld6_joingroup_netif(m->netif, ip_2_ip6(&m->group))
		    : mld6_leavegroup_netif(m->netif, ip_2_ip6(&m->group));
}

static bool own_address(struct net_ns *net, const ip4_addr_t *a)
{
	ip_addr_t ip;
	bool it;

	ip_addr_copy_from_ip4(ip, *a);
	net_lock_for(net);
	it = addr_is_local(&ip);
	spin_unlock(&net_lock);
	return it;
}

static int read_request(struct inet_sock *k, bool v6, const void *v, unsigned len, ip_addr_t *g,
			int *ifindex)
{
	*g = (ip_addr_t){ .type = v6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4 };
	if (v6) {
		struct ipv6_mreq_abi m;

		if (len < sizeof(m))
			return -EINVAL;
		memcpy(&m, v, sizeof(m));
		memcpy(ip_2_ip6(g)->addr, m.group, 16);
		*ifindex = m.ifindex;
	} else {
		struct ip_mreqn m = { 0 };
		ip4_addr_t own;

		if (len < sizeof(struct ip_mreq))
			return -EINVAL;
		memcpy(&m, v, MIN(len, (unsigned)sizeof(m)));
		ip_2_ip4(g)->addr = m.imr_multiaddr.s_addr;
		*ifindex = len >= sizeof(m) ? m.imr_ifindex : 0;
		own.addr = m.imr_address.s_addr;
		if (!*ifindex && ip4_addr_isloopback(&own))
			*ifindex = 1;
		else if (!*ifindex && own.addr && !own_address(k->s.net, &own))
			return ip_addr_ismulticast(g) ? -ENODEV : -EINVAL;
	}
	return ip_addr_ismulticast(g) ? 0 : -EINVAL;
}

static int join(struct inet_sock *k, const ip_addr_t *g, struct netif *n)
{
	struct membership *m;
	unsigned count = 0;

	list_for_each(m, &k->groups, node) {
		if (m->netif == n && ip_addr_cmp_zoneless(&m->group, g))
			return -EADDRINUSE;
		count++;
	}
	if (count >= GROUPS_MAX)
		return -ENOBUFS;
	m = kzalloc(sizeof(*m));
	if (!m)
		return -ENOBUFS;
	m->group = *g;
	m->netif = n;
	if (tell(m, true) != ERR_OK) {
		kfree(m);
		return -ENOBUFS;
	}
	list_add_tail(&k->groups, &m->node);
	return 0;
}

static void leave(struct membership *m)
{
	tell(m, false);
	list_del(&m->node);
	kfree(m);
}

int group_set(struct inet_sock *k, int name, const void *v, unsigned len)
{
	bool v6 = name != IP_ADD_MEMBERSHIP && name != IP_DROP_MEMBERSHIP;
	struct membership *m, *found = NULL;
	struct netif *n = NULL;
	ip_addr_t g;
	int ifindex, err;

	if (inet_is_stream(k))
		return -EPROTO;
	err = read_request(k, v6, v, len, &g, &ifindex);
	if (err)
		return err;
	if (ifindex < 0 || ifindex > NETDEV_INDEX_MAX)
		return -ENODEV;
	net_enter(k->s.net);
	if (ifindex > 1)
		n = netif_get_by_index((u8)ifindex);
	else if (!ifindex)
		n = netif_default;
	if (ifindex > 1 && !n) {
		err = -ENODEV;
	} else if (name == IP_ADD_MEMBERSHIP || (v6 && name == 20)) {
		err = join(k, &g, n);
	} else {
		list_for_each(m, &k->groups, node)
			if (ip_addr_cmp_zoneless(&m->group, &g) && (!ifindex || m->netif == n))
				found = m;
		err = found ? 0 : -EADDRNOTAVAIL;
		if (found)
			leave(found);
	}
	net_leave();
	return err;
}

void group_forget(const struct netif *n)
{
	struct inet_sock *k;
	struct membership *m;

	list_for_each(k, &inet_all, all_node)
		list_for_each(m, &k->groups, node)
			if (m->netif == n)
				m->netif = NULL;
}

void group_drop_all(struct inet_sock *k)
{
	while (!list_empty(&k->groups))
		leave(list_first(&k->groups, struct membership, node));
}
