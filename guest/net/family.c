/*
 * family.c - the table of address families, and the life of a struct socket.
 *
 * Adding a family is a row here and its folder. Families that are not there answer EAFNOSUPPORT, as a Linux without them.
 */
#include "mm/slab.h"
#include "net/families.h"
#include "net/net_ns.h"
#include "net/socket.h"
#include "net/sysctl.h"

static const struct proto_family *const families[] = {
	&netlink_family, &inet_family, &inet6_family, &packet_family, &unix_family,
};

void net_init(void)
{
	net_ns_init();
	for (size_t k = 0; k < ARRAY_SIZE(families); k++)
		if (families[k]->init)
			families[k]->init();
}

struct socket *sock_create(int family, int type, int protocol)
{
	if (family < 0 || family >= AF_MAX)
		return ERR_PTR(-EAFNOSUPPORT);
	if (type < 0 || type >= SOCK_MAX)
		return ERR_PTR(-EINVAL);
	for (size_t k = 0; k < ARRAY_SIZE(families); k++)
		if (families[k]->family == family)
			return families[k]->create(type, protocol);
	return ERR_PTR(-EAFNOSUPPORT);
}

void sock_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol)
{
	sock_init_in(net_ns_current(), s, ops, family, type, protocol);
}

void sock_init_in(struct net_ns *net, struct socket *s, const struct socket_ops *ops, int family,
		  int type, int protocol)
{
	static u64 last_cookie;

	ref_init(&s->ref);
	s->cookie = atomic_add(&last_cookie, 1);
	s->ops = ops;
	net_ns_get(net);
	s->net = net;
	waitq_init(&s->q);
	s->family = (u16)family;
	s->type = (u8)type;
	s->protocol = protocol;
	s->sndbuf = (u32)net_sysctl(net, SYSCTL_WMEM_DEFAULT);
	s->rcvbuf = (u32)net_sysctl(net, SYSCTL_RMEM_DEFAULT);
	s->rcvlowat = 1;
	s->peek_off = s->incoming_cpu = -1;
	s->pacing = ~0ULL;
	s->rcvtimeo = s->sndtimeo = NO_DEADLINE;
}

void sock_get(struct socket *s)
{
	ref_get(&s->ref);
}

void sock_put(struct socket *s)
{
	struct net_ns *net = s->net;

	if (!ref_put(&s->ref))
		return;
	s->ops->destroy(s);
	net_ns_put(net);
}
