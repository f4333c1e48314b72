/*
 * dgram_control.c - control messages of datagrams: what a socket asked to be told of each one, and what a sender says of one
 * (ip(7), ipv6(7)).
 */
#include <linux/in.h>
#include <linux/udp.h>
#include <string.h>

#include "net/inet/inet.h"
#include "net/scm.h"

#define IPV6_PKTINFO	 50
#define IPV6_HOPLIMIT	 52
#define IPV6_TCLASS	 67
#define IPV6_ORIGDSTADDR 74

struct in6_pktinfo_abi {
	u8 addr[16];
	s32 ifindex;
};

void dgram_header(struct inet_dgram *d, bool v6)
{
	if (v6 && ip6_current_header()) {
		d->ttl = IP6H_HOPLIM(ip6_current_header());
		d->tos = IP6H_TC(ip6_current_header());
	} else if (!v6 && ip4_current_header()) {
		d->ttl = IPH_TTL(ip4_current_header());
		d->tos = IPH_TOS(ip4_current_header());
	}
}

void dgram_tell_header(const struct inet_sock *k, struct scm *scm, const struct inet_dgram *d)
{
	u32 want = k->recv_flags;
	s32 n = d->ttl;

	if ((want & RECV_TTL) && IP_IS_V4_VAL(d->to))
		scm_extra_add(scm, IPPROTO_IP, IP_TTL, &n, sizeof(n));
	if ((want & RECV_HOPS) && IP_IS_V6_VAL(d->to))
		scm_extra_add(scm, IPPROTO_IPV6, IPV6_HOPLIMIT, &n, sizeof(n));
	if ((want & RECV_TOS) && IP_IS_V4_VAL(d->to))
		scm_extra_add(scm, IPPROTO_IP, IP_TOS, &d->tos, 1);
	n = d->tos;
	if ((want & RECV_TCLASS) && IP_IS_V6_VAL(d->to))
		scm_extra_add(scm, IPPROTO_IPV6, IPV6_TCLASS, &n, sizeof(n));
}

void dgram_tell(const struct inet_sock *k, struct scm *scm, const struct inet_dgram *d)
{
	u32 want = k->recv_flags;
	struct sock_addr a;
	s32 n;

	scm_add_time(scm, &k->s, d->time);
	if ((want & RECV_PKTINFO6) && k->s.family == AF_INET6) {
		struct in6_pktinfo_abi i = { .ifindex = d->ifindex };

		if (IP_IS_V6_VAL(d->to)) {
			memcpy(i.addr, ip_2_ip6(&d->to)->addr, 16);
		} else {
			i.addr[10] = i.addr[11] = 0xff;
			memcpy(i.addr + 12, &ip_2_ip4(&d->to)->addr, 4);
		}
		scm_extra_add(scm, IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i));
	}
	if ((want & RECV_PKTINFO) && IP_IS_V4_VAL(d->to)) {
		struct in_pktinfo i = { .ipi_ifindex = d->ifindex };

		i.ipi_addr.s_addr = ip_2_ip4(&d->to)->addr;
		i.ipi_spec_dst = i.ipi_addr;
		scm_extra_add(scm, IPPROTO_IP, IP_PKTINFO, &i, sizeof(i));
	}
	dgram_tell_header(k, scm, d);
	if ((want & RECV_ORIGDST) && IP_IS_V4_VAL(d->to)) {
		inet_name_write(AF_INET, &a, &d->to, d->to_port);
		scm_extra_add(scm, IPPROTO_IP, IP_ORIGDSTADDR, a.raw, a.len);
	}
	if ((want & RECV_ORIGDST6) && IP_IS_V6_VAL(d->to)) {
		inet_name_write(AF_INET6, &a, &d->to, d->to_port);
		scm_extra_add(scm, IPPROTO_IPV6, IPV6_ORIGDSTADDR, a.raw, a.len);
	}
	n = d->segment;
	if (n)
		scm_extra_add(scm, IPPROTO_UDP, UDP_GRO, &n, sizeof(n));
}

static bool device_exists(struct net_ns *net, int index)
{
	bool it;

	spin_lock(&netdev_lock);
	it = netdev_by_index(net, index);
	spin_unlock(&netdev_lock);
	return it;
}

static int use_pktinfo(const struct inet_sock *k, const void *v, struct dgram_route *r)
{
	struct in_pktinfo i;

	memcpy(&i, v, sizeof(i));
	if (i.ipi_ifindex && !device_exists(k->s.net, i.ipi_ifindex))
		return -ENODEV;
	r->ifindex = i.ipi_ifindex;
	if (!i.ipi_spec_dst.s_addr)
		return 0;
	r->src = (ip_addr_t){ .type = IPADDR_TYPE_V4 };
	ip_2_ip4(&r->src)->addr = i.ipi_spec_dst.s_addr;
	return k->freebind || addr_is_local(&r->src) ? 0 : -ENETUNREACH;
}

static int use_pktinfo6(const struct inet_sock *k, const void *v, struct dgram_route *r)
{
	struct in6_pktinfo_abi i;
	static const u8 zero[16];
	ip_addr_t src = { .type = IPADDR_TYPE_V6 };

	memcpy(&i, v, sizeof(i));
	if (i.ifindex && !device_exists(k->s.net, i.ifindex))
		return -ENODEV;
	r->ifindex = i.ifindex;
	if (!memcmp(i.addr, zero, 16) || !IP_IS_V6_VAL(r->dst))
		return 0;
	memcpy(ip_2_ip6(&src)->addr, i.addr, 16);
	if (!k->freebind && !addr_is_local(&src))
		return -EINVAL;
	r->src = src;
	return 0;
}

/* A number of 4 bytes from least to 255. */
static int use_number(const void *v, size_t n, s32 least, s32 *num)
{
	if (n < sizeof(*num))
		return -EINVAL;
	memcpy(num, v, sizeof(*num));
	return *num < least || *num > 255 ? -EINVAL : 0;
}

static int use_ip(const struct inet_sock *k, int type, const void *v, size_t n,
		  struct dgram_route *r)
{
	s32 num;
	int err;

	switch (type) {
	case IP_PKTINFO: return n == sizeof(struct in_pktinfo) ? use_pktinfo(k, v, r) : -EINVAL;
	case IP_TTL:
		err = use_number(v, n, 1, &num);
		if (!err)
			r->ttl = (u8)num;
		return err;
	case IP_TOS:
		if (n == 1) {
			r->tos = *(const u8 *)v;
			return 0;
		}
		err = n == sizeof(num) ? use_number(v, n, 0, &num) : -EINVAL;
		if (!err)
			r->tos = (u8)num;
		return err;
	default: return -EINVAL;
	}
}

static int use_ip6(const struct inet_sock *k, int type, const void *v, size_t n,
		   struct dgram_route *r)
{
	s32 num;
	int err;

	switch (type) {
	case IPV6_PKTINFO:
		return n == sizeof(struct in6_pktinfo_abi) ? use_pktinfo6(k, v, r) : -EINVAL;
	case IPV6_HOPLIMIT:
	case IPV6_TCLASS:
		err = use_number(v, n, -1, &num);
		if (err || num < 0)
			return err;
		*(type == IPV6_HOPLIMIT ? &r->ttl : &r->tos) = (u8)num;
		return 0;
	default: return -EINVAL;
	}
}

/* SO_TIMESTAMPING: what is to be stamped of this one. */
static int use_socket(int type, const void *v, size_t n, struct dgram_route *r)
{
	u32 stamps;

	if (type != SO_TIMESTAMPING_OLD || n != sizeof(stamps))
		return -EINVAL;
	memcpy(&stamps, v, sizeof(stamps));
	if (stamps & ~(u32)SOF_TIMESTAMPING_TX_RECORD_MASK)
		return -EINVAL;
	r->stamps = stamps & STAMPS_OF_SENT;
	return 0;
}

int dgram_use_control(const struct inet_sock *k, const struct scm *scm, struct dgram_route *r)
{
	struct user_cmsghdr h;
	unsigned at = 0;
	const void *v;
	size_t n;
	int err = 0;

	while (!err && scm && (v = scm_extra_next(scm, &at, &h, &n))) {
		if (h.level == IPPROTO_IP)
			err = use_ip(k, h.type, v, n, r);
		else if (h.level == IPPROTO_IPV6)
			err = use_ip6(k, h.type, v, n, r);
		else if (h.level == SOL_SOCKET)
			err = use_socket(h.type, v, n, r);
	}
	return err;
}
