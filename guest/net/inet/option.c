/*
 * option.c - setsockopt(2) and getsockopt(2) of IP sockets: the levels, and one table of plain numbers per level.
 *
 * An option whose value is one number in struct inet_sock is a row; the others are functions in option_ip.c,
 * option_tcp.c and udp_segment.c.
 */
#include <linux/capability.h>
#include <linux/in.h>
#include <string.h>

#include "net/inet/option.h"
#include "task/task.h"

int option_int(const void *v, unsigned len, s32 *n)
{
	if (len >= sizeof(*n))
		memcpy(n, v, sizeof(*n));
	else if (len)
		*n = *(const u8 *)v;
	else
		return -EINVAL;
	return 0;
}

int option_put(void *v, unsigned *len, s32 n)
{
	/* As Linux: who asks for less than a word gets a byte, if the number is one. */
	if (*len < sizeof(n) && *len && n >= 0 && n <= 255) {
		*(u8 *)v = (u8)n;
		*len = 1;
		return 0;
	}
	*len = MIN(*len, (unsigned)sizeof(n));
	memcpy(v, &n, *len);
	return 0;
}

int option_put_bytes(void *v, unsigned *len, const void *from, unsigned n)
{
	*len = MIN(*len, n);
	memcpy(v, from, *len);
	return 0;
}

static int set_device(struct inet_sock *k, const void *v, unsigned len)
{
	char name[IFNAMSIZ] = "";
	struct netdev *d;
	int err = 0;

	memcpy(name, v, MIN(len, (unsigned)IFNAMSIZ - 1));
	if (k->ifindex && !net_capable(k->s.net, CAP_NET_RAW))
		return -EPERM;
	spin_lock(&netdev_lock);
	d = *name ? netdev_by_name(k->s.net, name) : NULL;
	if (*name && !d)
		err = -ENODEV;
	else
		k->ifindex = d ? d->index : 0;
	spin_unlock(&netdev_lock);
	return err;
}

static int get_device(struct inet_sock *k, void *v, unsigned *len)
{
	char name[IFNAMSIZ] = "";
	struct netdev *d;

	if (!k->ifindex) {
		*len = 0;
		return 0;
	}
	if (*len < IFNAMSIZ)
		return -EINVAL;
	spin_lock(&netdev_lock);
	d = netdev_by_index(k->s.net, k->ifindex);
	if (d)
		memcpy(name, d->name, IFNAMSIZ);
	spin_unlock(&netdev_lock);
	return option_put_bytes(v, len, name, (unsigned)strlen(name) + 1);
}

/* What of SOL_SOCKET means more to a connection than a stored number. */
static int set_socket(struct inet_sock *k, int name, const void *v, unsigned len)
{
	s32 n;

	switch (name) {
	case SO_BINDTODEVICE: return set_device(k, v, len);
	case SO_KEEPALIVE:
		if (len < sizeof(n))
			return -EINVAL;
		memcpy(&n, v, sizeof(n));
		sock_set_opt(&k->s, SOPT_KEEPALIVE, n);
		net_enter(k->s.net);
		tcp_sk_apply(k);
		net_leave();
		return 0;
	case SO_SNDBUF:
	case SO_SNDBUFFORCE: k->sndbuf_set = true; return -ENOPROTOOPT;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE: k->rcvbuf_set = true; return -ENOPROTOOPT;
	case SO_ATTACH_REUSEPORT_CBPF:
	case SO_DETACH_REUSEPORT_BPF:
		return k->s.ops == &raw_ops ? -ENOPROTOOPT : reuseport_set(k, name, v, len);
	default: return filter_set_option(&k->filter, &net_lock, name, v, len);
	}
}

int inet_setsockopt(struct socket *s, int level, int name, const void *v, unsigned len)
{
	struct inet_sock *k = inet_sk(s);

	switch (level) {
	case SOL_SOCKET: return set_socket(k, name, v, len);
	case IPPROTO_IP: return option_ip_set(k, name, v, len);
	case IPPROTO_IPV6:
		return s->family == AF_INET6 ? option_ip6_set(k, name, v, len) : -ENOPROTOOPT;
	case IPPROTO_TCP: return inet_is_stream(k) ? option_tcp_set(k, name, v, len) : -ENOPROTOOPT;
	case IPPROTO_UDP:
		return s->ops == &udp_ops ? option_udp_set(k, name, v, len) : -ENOPROTOOPT;
	case IPPROTO_RAW:
	case IPPROTO_ICMPV6: return option_raw_set(k, level, name, v, len);
	default: return -ENOPROTOOPT;
	}
}

int inet_getsockopt(struct socket *s, int level, int name, void *v, unsigned *len)
{
	struct inet_sock *k = inet_sk(s);

	switch (level) {
	case SOL_SOCKET:
		return name == SO_BINDTODEVICE ? get_device(k, v, len)
					       : filter_get_option(&k->filter, name, v, len);
	case IPPROTO_IP: return option_ip_get(k, name, v, len);
	case IPPROTO_IPV6:
		return s->family == AF_INET6 ? option_ip6_get(k, name, v, len) : -ENOPROTOOPT;
	case IPPROTO_TCP: return inet_is_stream(k) ? option_tcp_get(k, name, v, len) : -ENOPROTOOPT;
	case IPPROTO_UDP:
		return s->ops == &udp_ops ? option_udp_get(k, name, v, len) : -ENOPROTOOPT;
	case IPPROTO_RAW:
	case IPPROTO_ICMPV6: return option_raw_get(k, level, name, v, len);
	default: return -ENOPROTOOPT;
	}
}
