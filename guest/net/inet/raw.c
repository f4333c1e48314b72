/*
 * raw.c - raw(7) and ping sockets, in the place of lwIP's raw.c.
 *
 * Every packet that is for the sandbox comes by here before its protocol sees it.
 */
#include <string.h>

#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/raw_priv.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/icmp6.h"
#include "net/inet/inet.h"
#include "net/inet/raw.h"

struct list raw_all = LIST_INIT(raw_all);

void raw_netif_ip_addr_changed(const ip_addr_t *from, const ip_addr_t *to)
{
}

static bool is_ping(const struct inet_sock *k)
{
	return k->s.type == SOCK_DGRAM;
}

static u16 ping_id(struct inet_sock *k)
{
	if (!k->lport)
		k->lport = (u16)(1 + random_u64() % 65535);
	return k->lport;
}

/* Does k want this packet, whose transport header is at `at`? */
static bool wants(struct inet_sock *k, struct pbuf *p, u8 proto, u16 at)
{
	struct icmp_echo_hdr h = { 0 };
	bool v6 = ip_current_is_v6();

	if (k->s.net != net_cur || k->s.protocol != proto || (k->s.family == AF_INET6) != v6)
		return false;
	if (!ip_addr_isany(&k->laddr) && !ip_addr_cmp(&k->laddr, ip_current_dest_addr()))
		return false;
	if (k->state == INET_CONNECTED && !ip_addr_cmp(&k->raddr, ip_current_src_addr()))
		return false;
	pbuf_copy_partial(p, &h, sizeof(h), at);
	if (is_ping(k))
		return h.type == (v6 ? ICMP6_TYPE_EREP : ICMP_ER) && h.id == lwip_htons(ping_id(k));
	return proto != IP_PROTO_ICMP || h.type > 31 || !(k->icmp_filter >> h.type & 1);
}

static void give(struct inet_sock *k, struct pbuf *p, u16 header)
{
	struct pbuf *copy = chunk_clone(p);

	if (!copy)
		return;
	/* Raw IPv4 sockets see the IP header; others what is behind it. */
	if (is_ping(k) || k->s.family == AF_INET6)
		copy = pbuf_free_header(copy, header);
	if (copy)
		dgram_deliver(k, copy, 0, k->lport);
}

raw_input_state_t raw_input(struct pbuf *p, struct netif *inp)
{
	bool v6 = ip_current_is_v6();
	u16 at = ip_current_header_tot_len();
	struct inet_sock *k;
	bool some = false;
	u8 proto;

	/* For IPv6 the protocol is that of the last header: known only where there is no extension. */
	proto = v6 ? IP6H_NEXTH(ip6_current_header()) : IPH_PROTO(ip4_current_header());
	if (p->tot_len >= at + 8 && proto == (v6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP))
		icmp_heard(p, at, inp);
	list_for_each(k, &raw_all, raw_node) {
		if (!wants(k, p, proto, at))
			continue;
		give(k, p, at);
		some = true;
	}
	return some ? RAW_INPUT_DELIVERED : RAW_INPUT_NONE;
}

/* Is it k that sent such a packet, whose transport header is at e->at? */
static bool sent_by(struct inet_sock *k, const ip_addr_t *src, const ip_addr_t *dst, u8 proto,
		    const struct icmp_error *e)
{
	struct icmp_echo_hdr h;
	bool v6 = IP_IS_V6(dst);

	if (k->s.net != net_cur || k->s.protocol != proto || (k->s.family == AF_INET6) != v6)
		return false;
	if (!ip_addr_isany(&k->laddr) && !ip_addr_cmp(&k->laddr, src))
		return false;
	if (k->state == INET_CONNECTED && !ip_addr_cmp(&k->raddr, dst))
		return false;
	if (!is_ping(k))
		return true;
	return pbuf_copy_partial(e->p, &h, sizeof(h), e->at) == sizeof(h) &&
	       h.type == (v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO) && h.id == lwip_htons(ping_id(k));
}

void raw_error(const ip_addr_t *src, const ip_addr_t *dst, u8 proto, struct icmp_error *e)
{
	struct inet_sock *k;

	list_for_each(k, &raw_all, raw_node)
		if (sent_by(k, src, dst, proto, e))
			dgram_error(k, e, dst, 0);
}

/* ---- sending ---- */

static int finish_ping(struct inet_sock *k, struct pbuf *p, const struct dgram_route *r)
{
	struct icmp_echo_hdr *h = p->payload;
	bool v6 = IP_IS_V6_VAL(r->dst);

	if (p->len < sizeof(*h) || h->type != (v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO) || h->code)
		return -EINVAL;
	h->id = lwip_htons(ping_id(k));
	h->chksum = 0;
	h->chksum = v6 ? ip_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, &r->src, &r->dst)
		       : inet_chksum_pbuf(p);
	return 0;
}

int raw_transmit(struct inet_sock *k, struct pbuf *p, struct dgram_route *r)
{
	int err = 0;
	err_t e;

	if (is_ping(k)) {
		err = finish_ping(k, p, r);
	} else if (k->s.protocol == IP6_NEXTH_ICMP6 && IP_IS_V6_VAL(r->dst)) {
		struct icmp6_hdr *h = p->payload;

		if (p->len < sizeof(*h)) {
			err = -EINVAL;
		} else {
			h->chksum = 0;
			h->chksum =
				ip_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, &r->src, &r->dst);
		}
	}
	if (!err && k->hdrincl && IP_IS_V4_VAL(r->dst)) {
		struct ip_hdr *h = p->payload;

		if (p->len < IP_HLEN || IPH_HL_BYTES(h) > p->len || IPH_HL_BYTES(h) < IP_HLEN) {
			err = -EINVAL;
		} else {
			IPH_LEN_SET(h, lwip_htons(p->tot_len));
			if (!h->src.addr)
				h->src.addr = ip_2_ip4(&r->src)->addr;
			IPH_CHKSUM_SET(h, 0);
			IPH_CHKSUM_SET(h, inet_chksum(h, IPH_HL_BYTES(h)));
			e = r->netif->output(r->netif, p, ip_2_ip4(&r->dst));
			err = inet_errno(e);
		}
	} else if (!err) {
		err = inet_errno(dgram_output(p, r, (u8)k->s.protocol));
	}
	return err;
}
