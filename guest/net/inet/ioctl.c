/*
 * ioctl.c - ioctls of IP sockets: what is queued (tcp(7), udp(7)), addresses of interfaces (netdevice(7)).
 */
#include <string.h>

#include "fs/file.h"
#include "net/inet/inet.h"
#include "net/netdev.h"
#include "platform/platform.h"

struct ifreq4 {
	char name[IFNAMSIZ];
	u16 family, port;
	u32 addr;
	u8 zero[8], pad[8];
};
_Static_assert(sizeof(struct ifreq4) == 40, "struct ifreq of x86-64");

/* Up to the urgent mark, if it lies ahead. */
static u64 tcp_inq(const struct inet_sock *k)
{
	u64 mark = tcp_urgent_offset(k);

	return mark == NO_MARK || sock_opt(&k->s, SOPT_OOBINLINE) ? k->rx_bytes : mark;
}

static s64 unread(struct inet_sock *k)
{
	s64 n;

	if (k->state == INET_LISTENING)
		return -EINVAL;
	spin_lock(&net_lock);
	if (inet_is_stream(k))
		n = (s64)tcp_inq(k);
	else
		n = list_empty(&k->rxq) ? 0 : list_first(&k->rxq, struct inet_dgram, node)->len;
	spin_unlock(&net_lock);
	return n;
}

static s64 address(struct net_ns *net, unsigned cmd, u64 arg)
{
	struct ifreq4 r;
	struct netdev *d;
	int err = -ENODEV;

	if (user_read(&r, arg, sizeof(r)))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = 0;
	spin_lock(&netdev_lock);
	d = netdev_by_name(net, r.name);
	for (unsigned i = 0; d && i < NETDEV_ADDRS_MAX; i++) {
		const struct netdev_addr *a = &d->addr[i];
		u32 mask;

		err = -EADDRNOTAVAIL;
		if (a->family != AF_INET)
			continue;
		mask = a->prefix ? lwip_htonl(~0u << (32 - a->prefix)) : 0;
		memcpy(&r.addr, a->addr, 4);
		if (cmd == SIOCGIFNETMASK)
			r.addr = mask;
		else if (cmd == SIOCGIFBRDADDR)
			r.addr = d->flags & IFF_BROADCAST ? r.addr | ~mask : 0;
		r.family = AF_INET;
		r.port = 0;
		memset(r.zero, 0, sizeof(r.zero));
		err = 0;
		break;
	}
	spin_unlock(&netdev_lock);
	return err ? err : user_write(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

s64 inet_address_ioctl(struct net_ns *net, unsigned cmd, u64 arg)
{
	switch (cmd) {
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCGIFDSTADDR: return address(net, cmd, arg);
	default: return -ENOTTY;
	}
}

s64 inet_ioctl(struct socket *s, unsigned cmd, u64 arg)
{
	struct inet_sock *k = inet_sk(s);
	s64 n;
	s32 v;

	switch (cmd) {
	case SIOCINQ: n = unread(k); break;
	case SIOCOUTQ:
		if (k->state == INET_LISTENING)
			return -EINVAL;
		n = inet_is_stream(k) ? tcp_queued(k) : 0;
		break;
	case SIOCOUTQNSD:
		if (!inet_is_stream(k))
			return -ENOTTY;
		if (k->state == INET_LISTENING)
			return -EINVAL;
		n = tcp_unsent(k);
		break;
	case SIOCATMARK:
		if (!inet_is_stream(k))
			return -ENOTTY;
		spin_lock(&net_lock);
		n = tcp_urgent_at_mark(k);
		spin_unlock(&net_lock);
		break;
	default: return inet_address_ioctl(s->net, cmd, arg);
	}
	if (n < 0)
		return n;
	v = (s32)n;
	return user_write(arg, &v, sizeof(v)) ? -EFAULT : 0;
}
