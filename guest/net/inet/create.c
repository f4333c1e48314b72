/*
 * create.c - the families AF_INET and AF_INET6: socket(2)'s rules, and the tables of operations.
 */
#include <linux/capability.h>

#include "net/families.h"
#include "net/inet/inet.h"
#include "net/inet/proc.h"
#include "task/task.h"

#define IPPROTO_ICMP 1
#define IPPROTO_TCP  6
#define IPPROTO_UDP  17
#define IPPROTO_RAW  255

const struct socket_ops tcp_ops = {
	.bind = inet_bind,
	.connect = tcp_sk_connect,
	.listen = tcp_sk_listen,
	.accept = tcp_sk_accept,
	.getname = inet_getname,
	.sendmsg = tcp_sk_send,
	.recvmsg = tcp_sk_recv,
	.shutdown = tcp_sk_shutdown,
	.poll = tcp_sk_poll,
	.ioctl = inet_ioctl,
	.setsockopt = inet_setsockopt,
	.getsockopt = inet_getsockopt,
	.copied = errqueue_copied,
	.release = tcp_sk_release,
	.destroy = inet_destroy,
};

static int ping_protocol(int family)
{
	return family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* net.ipv4.ping_group_range: is the current task in one of these groups? */
static bool may_ping(const struct net_ns *net)
{
	const struct cred *c = task_current()->cred;
	s64 first = net_sysctl(net, SYSCTL_PING_GROUP_FIRST);
	s64 last = net_sysctl(net, SYSCTL_PING_GROUP_LAST);

	if (c->egid >= first && c->egid <= last)
		return true;
	for (u32 i = 0; i < c->ngroups; i++)
		if (c->groups[i] >= first && c->groups[i] <= last)
			return true;
	return false;
}

static struct socket *enlist(struct inet_sock *k)
{
	spin_lock(&net_lock);
	if (k->s.ops == &raw_ops) {
		k->hdrincl = k->s.protocol == IPPROTO_RAW;
		list_add_tail(&raw_all, &k->raw_node);
	}
	list_add_tail(&inet_all, &k->all_node);
	spin_unlock(&net_lock);
	return &k->s;
}

struct socket *inet_tcp_socket(struct net_ns *net, int family)
{
	struct inet_sock *k = inet_alloc(net, &tcp_ops, family, SOCK_STREAM, IPPROTO_TCP);

	return k ? enlist(k) : ERR_PTR(-ENOBUFS);
}

static struct socket *create(int family, int type, int protocol)
{
	struct net_ns *net = net_ns_current();
	struct inet_sock *k;

	if (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP)) {
		k = inet_alloc(net, &tcp_ops, family, type, IPPROTO_TCP);
	} else if (type == SOCK_STREAM) {
		return ERR_PTR(-EPROTONOSUPPORT);
	} else if (type == SOCK_DGRAM) {
		if (protocol && protocol != IPPROTO_UDP && protocol != ping_protocol(family))
			return ERR_PTR(-EPROTONOSUPPORT);
		if (protocol == ping_protocol(family) && !may_ping(net))
			return ERR_PTR(-EACCES);
		k = protocol == ping_protocol(family)
			    ? inet_alloc(net, &raw_ops, family, type, protocol)
			    : inet_alloc(net, &udp_ops, family, type, IPPROTO_UDP);
	} else if (type == SOCK_RAW) {
		if (!net_capable(net, CAP_NET_RAW))
			return ERR_PTR(-EPERM);
		if (protocol <= 0 || protocol > 255)
			return ERR_PTR(protocol ? -EINVAL : -EPROTONOSUPPORT);
		k = inet_alloc(net, &raw_ops, family, type, protocol);
	} else {
		return ERR_PTR(-ESOCKTNOSUPPORT);
	}
	return k ? enlist(k) : ERR_PTR(-ENOBUFS);
}

static struct socket *create4(int type, int protocol)
{
	return create(AF_INET, type, protocol);
}

static struct socket *create6(int type, int protocol)
{
	return create(AF_INET6, type, protocol);
}

static void init(void)
{
	stack_init();
	inet_proc_init();
}

const struct proto_family inet_family = { AF_INET, init, create4 };
const struct proto_family inet6_family = { AF_INET6, NULL, create6 };
