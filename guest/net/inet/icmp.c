/*
 * icmp.c - ICMP's errors: what they mean, which socket sent the packet that they quote, and what path MTU discovery makes of
 * them (net/lwip/pmtu.h). All under net_lock.
 *
 * TCP believes only what quotes a segment that is on its way (RFC 5927). Errors end its attempts to connect; later
 * ones are for who has IP_RECVERR, as on Linux.
 */
#include <linux/in.h>

#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/udp.h"
#include "lwip_hooks.h"
#include "net/inet/raw.h"

/* An error that is not hard may go by: who is connected is not told unless it asked (IP_RECVERR). */
struct meaning {
	u8 err;
	bool hard;
};

static struct meaning meaning4(u8 type, u8 code)
{
	static const struct meaning unreachable[] = {
		{ ENETUNREACH, false },	 { EHOSTUNREACH, false }, { ENOPROTOOPT, true },
		{ ECONNREFUSED, true },	 { EMSGSIZE, false },	  { EOPNOTSUPP, false },
		{ ENETUNREACH, true },	 { EHOSTDOWN, true },	  { ENONET, true },
		{ ENETUNREACH, true },	 { EHOSTUNREACH, true },  { ENETUNREACH, false },
		{ EHOSTUNREACH, false }, { EHOSTUNREACH, true },  { EHOSTUNREACH, true },
		{ EHOSTUNREACH, true },
	};

	if (type == ICMP_DUR)
		return code < ARRAY_SIZE(unreachable) ? unreachable[code]
						      : (struct meaning){ EHOSTUNREACH, false };
	return (struct meaning){ type == ICMP_TE ? EHOSTUNREACH : 0, false };
}

static struct meaning meaning6(u8 type, u8 code)
{
	static const struct meaning unreachable[] = {
		{ ENETUNREACH, false },	 { EACCES, true },	 { EHOSTUNREACH, false },
		{ EHOSTUNREACH, false }, { ECONNREFUSED, true }, { EACCES, true },
		{ EACCES, true },
	};

	if (type == ICMP6_TYPE_DUR)
		return code < ARRAY_SIZE(unreachable) ? unreachable[code]
						      : (struct meaning){ EPROTO, false };
	if (type == ICMP6_TYPE_PTB)
		return (struct meaning){ EMSGSIZE, false };
	return (struct meaning){ type == ICMP6_TYPE_TE ? EHOSTUNREACH : 0, false };
}

/* The MTU that a message about a packet that is too large tells. */
static u32 told_mtu(const struct pbuf *p, u16 at, bool v6)
{
	u32 v;

	if (pbuf_copy_partial(p, &v, sizeof(v), (u16)(at + 4)) != sizeof(v))
		return 0;
	return v6 ? lwip_ntohl(v) : lwip_ntohl(v) & 0xffff;
}

/* ---- sockets ---- */

void dgram_error(struct inet_sock *k, struct icmp_error *e, const ip_addr_t *to, u16 port)
{
	u8 discovery = IP_IS_V6(to) ? k->pmtudisc6 : k->pmtudisc;

	if (e->err == EMSGSIZE) {
		if (path_believes(discovery))
			path_learn(route_to(&k->laddr, to), to, e->info);
		if (discovery == IP_PMTUDISC_DONT && !IP_IS_V6(to))
			return;
		e->hard = discovery != IP_PMTUDISC_DONT;
	}
	errqueue_icmp(k, e, to, port);
}

static void tcp_error(const struct icmp_error *e, const ip_addr_t *src, const u16 ports[2],
		      const ip_addr_t *dst, u32 seq)
{
	struct tcp_pcb *p = tcp_find(src, lwip_ntohs(ports[0]), dst, lwip_ntohs(ports[1]),
				     netif_get_index(ip_current_input_netif()));
	struct inet_sock *k;

	if (!p || p->state == TIME_WAIT || TCP_SEQ_LT(seq, p->lastack) ||
	    TCP_SEQ_GEQ(seq, p->snd_nxt))
		return;
	if (e->err == EMSGSIZE) {
		if (path_believes(p->x.discovery))
			path_learn(tcp_route_hook(p, src, dst), dst, e->info);
		if (p->x.discovery != IP_PMTUDISC_DONT) {
			tcp_mss_sync(p);
			tcp_output(p);
		}
		return;
	}
	k = p->callback_arg;
	if (!k)
		return;
	if (p->state == SYN_SENT) {
		tcp_sk_fail(k, e->err);
	} else if (IP_IS_V6(dst) ? k->recverr6 : k->recverr) {
		atomic_store(&k->s.err, e->err);
		sock_wake_error(&k->s);
	}
}

/* ---- what is quoted ---- */

static bool checksum_good(struct pbuf *p, u16 at, bool v6, const struct netif *inp)
{
	u16 sum;

	if (inp == &net_cur->loop)
		return true; /* nobody computed one */
	if (pbuf_remove_header(p, at))
		return false;
	sum = v6 ? ip_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, ip_current_src_addr(),
				    ip_current_dest_addr())
		 : inet_chksum_pbuf(p);
	pbuf_header_force(p, (s16_t)at);
	return !sum;
}

/* The addresses and the protocol of the packet whose IP header is at `at`. Its length; 0: there is not enough of it. */
static u16 inner_header(const struct pbuf *p, u16 at, bool v6, struct netif *inp, ip_addr_t *src,
			ip_addr_t *dst, u8 *proto)
{
	struct ip6_hdr h6;
	struct ip_hdr h;

	if (v6) {
		if (pbuf_copy_partial(p, &h6, sizeof(h6), at) != sizeof(h6))
			return 0;
		ip_addr_copy_from_ip6_packed(*src, h6.src);
		ip_addr_copy_from_ip6_packed(*dst, h6.dest);
		ip6_addr_assign_zone(ip_2_ip6(src), IP6_UNICAST, inp);
		ip6_addr_assign_zone(ip_2_ip6(dst), IP6_UNICAST, inp);
		*proto = IP6H_NEXTH(&h6);
		return IP6_HLEN;
	}
	if (pbuf_copy_partial(p, &h, sizeof(h), at) != sizeof(h))
		return 0;
	ip_addr_copy_from_ip4(*src, h.src);
	ip_addr_copy_from_ip4(*dst, h.dest);
	*proto = IPH_PROTO(&h);
	return IPH_HL_BYTES(&h);
}

void icmp_heard(struct pbuf *p, u16 at, struct netif *inp)
{
	bool v6 = ip_current_is_v6();
	u8 type = pbuf_get_at(p, at), code = pbuf_get_at(p, (u16)(at + 1)), proto;
	struct meaning m = v6 ? meaning6(type, code) : meaning4(type, code);
	struct icmp_error e = { .err = m.err, .hard = m.hard, .type = type, .code = code, .p = p };
	u16 inner = (u16)(at + 8), hlen;
	ip_addr_t src, dst;
	struct {
		u16 ports[2];
		u32 seq;
	} t;

	if (!m.err || !checksum_good(p, at, v6, inp))
		return;
	hlen = inner_header(p, inner, v6, inp, &src, &dst, &proto);
	inner += hlen;
	if (!hlen || pbuf_copy_partial(p, &t, sizeof(t), inner) != sizeof(t))
		return;
	if (m.err == EMSGSIZE)
		e.info = told_mtu(p, at, v6);
	e.from = *ip_current_src_addr();
	e.at = inner + (proto == IP_PROTO_UDP ? UDP_HLEN : 0);
	e.len = p->tot_len > e.at ? p->tot_len - e.at : 0;
	if (proto == IP_PROTO_UDP)
		udp_error(&src, lwip_ntohs(t.ports[0]), &dst, lwip_ntohs(t.ports[1]), &e);
	else if (proto == IP_PROTO_TCP)
		tcp_error(&e, &src, t.ports, &dst, lwip_ntohl(t.seq));
	raw_error(&src, &dst, proto, &e);
}
