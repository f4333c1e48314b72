/*
 * bind.c - bind(2) for every type of IP socket.
 */
#include <linux/capability.h>

#include "net/inet/inet.h"
#include "task/task.h"

/* Link-local names say which link, and no connection comes to a group of IPv6. */
static bool is_bad6(const struct inet_sock *k, const ip_addr_t *ip)
{
	if (IP_IS_V4(ip))
		return false;
	return (inet_is_stream(k) && ip_addr_ismulticast(ip)) || inet_scope_missing(k, ip);
}

int inet_bind(struct socket *s, const struct sock_addr *a)
{
	struct inet_sock *k = inet_sk(s);
	ip_addr_t ip;
	u16 port;
	int err = inet_addr_read(k, a, &ip, &port);

	if (s->family == AF_INET6 && a->family == AF_INET)
		err = a->len < INET6_NAME_MIN ? -EINVAL : -EAFNOSUPPORT;
	if (err == -ENETUNREACH)
		err = -EINVAL;
	if (err)
		return err;
	net_lock_for(s->net);
	if (is_bad6(k, &ip))
		err = -EINVAL;
	else if (!inet_addr_bindable(k, &ip))
		err = -EADDRNOTAVAIL;
	else if (s->type != SOCK_RAW && port &&
		 port < net_sysctl(s->net, SYSCTL_PORT_UNPRIVILEGED) &&
		 !net_capable(s->net, CAP_NET_BIND_SERVICE))
		err = -EACCES;
	else if (k->port || k->bound || k->state != INET_CLOSED)
		err = -EINVAL;
	if (!err) {
		ip_addr_t old = k->laddr;

		k->laddr = ip;
		if (s->type != SOCK_RAW)
			err = port_bind(k, port);
		if (err)
			k->laddr = old;
		else
			k->bound = true;
		k->bound_addr = k->bound && !ip_addr_isany(&ip);
	}
	spin_unlock(&net_lock);
	return err;
}
