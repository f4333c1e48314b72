/*
 * udp.c - UDP over lwIP's IP, in the place of lwIP's udp.c: who gets a datagram, and how one is made.
 *
 * Of the sockets on a port the one that says most about the datagram gets it (RFC 1122's order: peer, address, any);
 * among equals that share the port by SO_REUSEPORT the sender's address chooses. Multicast goes to all members.
 */
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "lwip/stats.h"
#include "lwip/udp.h"
#include "net/inet/raw.h"

void udp_init(void)
{
}

void udp_netif_ip_addr_changed(const ip_addr_t *from, const ip_addr_t *to)
{
	/* Sockets keep the address that they were bound to, as on Linux. */
}

static bool covers(const struct inet_port *p, const ip_addr_t *to)
{
	return p->covers & (IP_IS_V6(to) ? COVER_V6 : COVER_V4);
}

/* How well the socket fits; 0: not at all. */
static unsigned score(const struct inet_port *p, const ip_addr_t *from, u16 port,
		      const ip_addr_t *to)
{
	const struct inet_sock *k = p->sk;
	unsigned n = 1;

	if (!k || p->net != net_cur || !covers(p, to) || !inet_device_matches(k))
		return 0;
	if (!ip_addr_isany(&k->laddr)) {
		if (!ip_addr_cmp(&k->laddr, to))
			return 0;
		n += 2;
	}
	if (k->state == INET_CONNECTED) {
		if (k->rport != port || !ip_addr_cmp(&k->raddr, from))
			return 0;
		n += 4;
	}
	return n;
}

/* p: what came, behind its header; NULL: an error did. */
static struct inet_sock *find(const ip_addr_t *from, u16 sport, const ip_addr_t *to, u16 dport,
			      const struct pbuf *p)
{
	struct list *l = port_bucket(PORTS_UDP, dport);
	unsigned best = 0, n, same = 0;
	struct inet_sock *k = NULL;
	struct inet_port *e;
	u32 hash = inet_peer_hash(from, sport);

	list_for_each(e, l, node) {
		if (e->num != dport)
			continue;
		n = score(e, from, sport, to);
		if (n > best) {
			best = n;
			k = e->sk;
			same = 1;
		} else if (n && n == best && e->reuseport && hash % ++same == 0) {
			k = e->sk;
		} else if (n && n == best && !e->reuseport) {
			k = e->sk; /* SO_REUSEADDR: the last one */
		}
	}
	if (k && unlikely(k->steer) && p && k->state != INET_CONNECTED)
		return reuseport_pick(k, p);
	return k;
}

static void to_members(struct pbuf *p, const struct udp_hdr *h)
{
	const ip_addr_t *from = ip_current_src_addr(), *to = ip_current_dest_addr();
	u16 sport = lwip_ntohs(h->src), dport = lwip_ntohs(h->dest);
	struct list *l = port_bucket(PORTS_UDP, dport);
	struct inet_port *e;

	list_for_each(e, l, node) {
		struct inet_sock *k = e->sk;
		struct pbuf *copy;

		if (e->num != dport || !score(e, from, sport, to))
			continue;
		if (ip_addr_ismulticast(to) && !group_has(k, to))
			continue;
		copy = chunk_clone(p);
		if (copy)
			dgram_deliver(k, copy, sport, dport);
	}
	pbuf_free(p);
}

void udp_input(struct pbuf *p, struct netif *inp)
{
	const ip_addr_t *to = ip_current_dest_addr();
	struct udp_hdr h;
	struct inet_sock *k;
	u16 len;

	if (pbuf_copy_partial(p, &h, sizeof(h), 0) != sizeof(h))
		goto drop;
	len = lwip_ntohs(h.len);
	if (len < sizeof(h) || len > p->tot_len)
		goto drop;
	pbuf_realloc(p, len);
	IF__NETIF_CHECKSUM_ENABLED(inp, NETIF_CHECKSUM_CHECK_UDP)
	{
		if ((h.chksum || IP_IS_V6(to)) &&
		    ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, ip_current_src_addr(), to)) {
			UDP_STATS_INC(udp.chkerr);
			goto drop;
		}
	}
	UDP_STATS_INC(udp.recv);
	MIB2_STATS_INC(mib2.udpindatagrams);
	pbuf_remove_header(p, sizeof(h));
	if (ip_addr_ismulticast(to) || ip_addr_isbroadcast(to, inp)) {
		to_members(p, &h);
		return;
	}
	k = find(ip_current_src_addr(), lwip_ntohs(h.src), to, lwip_ntohs(h.dest), p);
	if (k) {
		dgram_deliver(k, p, lwip_ntohs(h.src), lwip_ntohs(h.dest));
		return;
	}
	MIB2_STATS_INC(mib2.udpnoports);
	if (!pbuf_header_force(p, (s16_t)(ip_current_header_tot_len() + sizeof(h))))
		icmp_port_unreach(ip_current_is_v6(), p);
drop:
	pbuf_free(p);
}

/* A packet that we sent came back in an ICMP error. */
void udp_error(const ip_addr_t *src, u16 sport, const ip_addr_t *dst, u16 dport,
	       struct icmp_error *e)
{
	struct inet_sock *k = find(dst, dport, src, sport, NULL);

	if (k)
		dgram_error(k, e, dst, dport);
}

int udp_transmit(struct inet_sock *k, struct pbuf *p, struct dgram_route *r)
{
	struct udp_hdr *h;
	struct pbuf *own = NULL;
	err_t e;

	pbuf_add_header(p, sizeof(*h));
	h = p->payload;
	h->src = lwip_htons(k->lport);
	h->dest = lwip_htons(r->port);
	h->len = lwip_htons(p->tot_len);
	h->chksum = 0;
	if (!inet_is_loop(r->netif) && !(sock_opt(&k->s, SOPT_NO_CHECK) && IP_IS_V4_VAL(r->dst))) {
		h->chksum = ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, &r->src, &r->dst);
		if (!h->chksum)
			h->chksum = 0xffff;
	}
	/* Members of the group in the sandbox itself hear it too. */
	if (ip_addr_ismulticast(&r->dst) && k->mc_loop && !inet_is_loop(r->netif))
		own = pbuf_clone((pbuf_layer)(PBUF_LINK_HLEN + 40), PBUF_RAM, p);
	UDP_STATS_INC(udp.xmit);
	MIB2_STATS_INC(mib2.udpoutdatagrams);
	e = dgram_output(p, r, IP_PROTO_UDP);
	if (own) {
		struct dgram_route back = *r;

		back.netif = &net_cur->loop;
		dgram_output(own, &back, IP_PROTO_UDP);
		pbuf_free(own);
	}
	return e == ERR_MEM || e == ERR_BUF ? 0 : inet_errno(e);
}
