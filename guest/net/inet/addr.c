/*
 * addr.c - names of IP sockets (ip(7), ipv6(7)) to and from lwIP's addresses.
 */
#include <string.h>

#include "net/inet/inet.h"

struct name4 {
	u16 family, port;
	u32 addr;
	u8 zero[8];
};
struct name6 {
	u16 family, port;
	u32 flowinfo;
	u8 addr[16];
	u32 scope_id;
};
_Static_assert(sizeof(struct name4) == 16 && sizeof(struct name6) == 28, "sockaddr_in, _in6");

static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

static void set4(ip_addr_t *ip, const void *addr)
{
	u32 v;

	memcpy(&v, addr, sizeof(v));
	*ip = (ip_addr_t){ .type = IPADDR_TYPE_V4 };
	ip_2_ip4(ip)->addr = v;
}

int inet_addr_read(struct inet_sock *k, const struct sock_addr *a, ip_addr_t *ip, u16 *port)
{
	struct name6 n6 = { 0 };
	struct name4 n4;

	if (k->s.family == AF_INET) {
		if (a->len < sizeof(n4))
			return -EINVAL;
		memcpy(&n4, a->raw, sizeof(n4));
		/* As Linux: AF_UNSPEC is taken for AF_INET where the address is 0. */
		if (n4.family != AF_INET && (n4.family != AF_UNSPEC || n4.addr))
			return -EAFNOSUPPORT;
		set4(ip, &n4.addr);
		*port = lwip_ntohs(n4.port);
		return 0;
	}
	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == AF_INET && !inet_is_stream(k) && !k->v6only && a->len >= sizeof(n4)) {
		memcpy(&n4, a->raw, sizeof(n4));
		set4(ip, &n4.addr);
		*port = lwip_ntohs(n4.port);
		return 0;
	}
	if (a->len < INET6_NAME_MIN)
		return -EINVAL;
	if (a->family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(&n6, a->raw, MIN(a->len, (u32)sizeof(n6)));
	*port = lwip_ntohs(n6.port);
	if (!memcmp(n6.addr, mapped, sizeof(mapped))) {
		if (k->v6only)
			return -ENETUNREACH;
		set4(ip, n6.addr + 12);
		return 0;
	}
	*ip = (ip_addr_t){ .type = IPADDR_TYPE_V6 };
	memcpy(ip_2_ip6(ip)->addr, n6.addr, 16);
	if (n6.scope_id && ip6_addr_has_scope(ip_2_ip6(ip), IP6_UNKNOWN))
		ip6_addr_set_zone(ip_2_ip6(ip), (u8)n6.scope_id);
	return 0;
}

void inet_name_write(int family, struct sock_addr *a, const ip_addr_t *ip, u16 port)
{
	struct name4 n4 = { .family = AF_INET, .port = lwip_htons(port) };
	struct name6 n6 = { .family = AF_INET6, .port = lwip_htons(port) };

	if (family == AF_INET) {
		n4.addr = IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : 0;
		memcpy(a->raw, &n4, sizeof(n4));
		a->len = sizeof(n4);
		return;
	}
	if (IP_IS_V6(ip)) {
		memcpy(n6.addr, ip_2_ip6(ip)->addr, 16);
		n6.scope_id = ip6_addr_zone(ip_2_ip6(ip));
	} else if (IP_GET_TYPE(ip) == IPADDR_TYPE_V4) {
		memcpy(n6.addr, mapped, sizeof(mapped));
		memcpy(n6.addr + 12, &ip_2_ip4(ip)->addr, 4);
	}
	memcpy(a->raw, &n6, sizeof(n6));
	a->len = sizeof(n6);
}

void inet_addr_write(const struct inet_sock *k, struct sock_addr *a, const ip_addr_t *ip, u16 port)
{
	inet_name_write(k->s.family, a, ip, port);
}

/* As Linux has it: a socket whose connection was reset, or of which both ways are closed, is TCP_CLOSE. */
static bool connection_over(const struct inet_sock *k)
{
	return inet_is_stream(k) && (!k->pcb || k->pcb->state == TIME_WAIT);
}

int inet_getname(struct socket *s, struct sock_addr *a, bool peer)
{
	struct inet_sock *k = inet_sk(s);
	int err = 0;

	spin_lock(&net_lock);
	if (peer && (k->state != INET_CONNECTED || !k->rport || connection_over(k)))
		err = -ENOTCONN;
	else if (peer)
		inet_addr_write(k, a, &k->raddr, k->rport);
	else
		inet_addr_write(k, a, &k->laddr, k->lport);
	spin_unlock(&net_lock);
	return err;
}

bool inet_scope_missing(const struct inet_sock *k, const ip_addr_t *ip)
{
	return IP_IS_V6(ip) && ip6_addr_lacks_zone(ip_2_ip6(ip), IP6_UNKNOWN) && !k->ifindex &&
	       !(ip_addr_ismulticast(ip) && k->mc_ifindex);
}

bool inet_addr_bindable(const struct inet_sock *k, const ip_addr_t *ip)
{
	if (ip_addr_isany(ip) || IP_IS_ANY_TYPE_VAL(*ip) || k->freebind ||
	    (IP_IS_V4(ip) && net_sysctl(k->s.net, SYSCTL_NONLOCAL_BIND)))
		return true;
	if (ip_addr_ismulticast(ip) || (IP_IS_V4(ip) && ip_2_ip4(ip)->addr == IPADDR_BROADCAST))
		return true;
	/* Linux tells foreign addresses by its table of own ones: before there is one, none is foreign. */
	return addr_is_local(ip) || (IP_IS_V4(ip) && addr_none4());
}

void inet_pick_source(ip_addr_t *src, const ip_addr_t *dst)
{
	if (!addr_is_local(dst))
		return;
	if (IP_IS_V4(dst) && ip4_addr_isloopback(ip_2_ip4(dst)))
		IP_ADDR4(src, 127, 0, 0, 1);
	else
		ip_addr_copy(*src, *dst);
}

int inet_errno(err_t e)
{
	switch (e) {
	case ERR_OK: return 0;
	case ERR_MEM: return -ENOBUFS;
	case ERR_BUF: return -ENOBUFS;
	case ERR_TIMEOUT:
	case ERR_ABRT: return -ETIMEDOUT;
	case ERR_RTE: return -ENETUNREACH;
	case ERR_USE: return -EADDRINUSE;
	case ERR_RST: return -ECONNRESET;
	case ERR_CLSD:
	case ERR_CONN: return -ENOTCONN;
	default: return -EINVAL;
	}
}

u32 inet_peer_hash(const ip_addr_t *ip, u16 port)
{
	u32 h = (IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : ip_2_ip6(ip)->addr[3]) ^ port * 0x9e3779b1u;

	h = (h ^ h >> 16) * 0x85ebca6bu;
	return h ^ h >> 13;
}

bool inet_device_matches(const struct inet_sock *k)
{
	const struct netif *n = ip_current_input_netif();

	if (!k->ifindex || !n)
		return true;
	return k->ifindex == inet_ifindex(n);
}

/* The MTU of the interface as programs see it, at most that of IP. net_lock held. */
static u32 inet_mtu(struct net_ns *net, const struct netif *n)
{
	struct netdev *d;
	u32 mtu;

	spin_lock(&netdev_lock);
	d = netdev_by_index(net, inet_ifindex(n));
	mtu = d ? MIN(d->mtu, 65535u) : 1500;
	spin_unlock(&netdev_lock);
	return mtu;
}

u32 inet_path_mtu(const struct inet_sock *k, const struct netif *n, const ip_addr_t *dst)
{
	u32 mtu = inet_mtu(k->s.net, n);
	const struct path_mtu *p = path_learned(n, dst);

	return p && path_counts(IP_IS_V6(dst) ? k->pmtudisc6 : k->pmtudisc) ? MIN(p->mtu, mtu)
									    : mtu;
}

int inet_ifindex(const struct netif *n)
{
	return n ? netif_get_index(n) : LOOP_INDEX;
}
