/*
 * filter.c - SO_ATTACH_FILTER on IP sockets. A program sees what it would on Linux: a UDP datagram or a segment of TCP from its
 * header on, a raw packet of IPv4 from the IP header, others from what is behind that; the IP header is at SKF_NET_OFF.
 *
 * The checksum in a UDP header reads as 0; a segment of TCP is taken whole or not at all. There is a copy of the packet for
 * each run: who has no filter pays nothing.
 */
#include <string.h>

#include "lwip/ip.h"
#include "lwip/prot/tcp.h"
#include "lwip/prot/udp.h"
#include "mm/slab.h"
#include "net/filter.h"
#include "net/inet/inet.h"

#define IP_HEADER_MAX 60

/* The IP header of the packet that is being looked at; its length. */
static u32 network_header(u8 *to)
{
	u32 n;

	if (ip_current_is_v6()) {
		memcpy(to, ip6_current_header(), IP6_HLEN);
		return IP6_HLEN;
	}
	n = IPH_HL_BYTES(ip4_current_header());
	memcpy(to, ip4_current_header(), n);
	return n;
}

bool inet_filter_value(const struct socket_filter *filter, bool ip, const void *head, u32 n,
		       const struct pbuf *p, u32 *value)
{
	u32 more = p ? p->tot_len : 0;
	struct filter_frame f = { .protocol = ip_current_is_v6() ? 0x86dd : 0x0800,
				  .hatype = ARPHRD_ETHER,
				  .ifindex = inet_ifindex(ip_current_input_netif()) };
	u8 *copy = kmalloc(IP_HEADER_MAX + n + more);
	bool ok;

	if (!copy)
		return false;
	if (ip)
		f.start = network_header(copy);
	memcpy(copy + f.start, head, n);
	if (p)
		pbuf_copy_partial(p, copy + f.start + n, p->tot_len, 0);
	f.data = copy;
	f.len = f.start + n + more;
	ok = filter_value(filter, &f, value);
	kfree(copy);
	return ok;
}

bool dgram_filter(const struct inet_sock *k, struct pbuf *p, u16 port, u16 to_port)
{
	bool udp = k->s.ops == &udp_ops;
	bool ip = udp || k->s.family == AF_INET6 || k->s.type == SOCK_DGRAM;
	struct udp_hdr h = { .src = lwip_htons(port),
			     .dest = lwip_htons(to_port),
			     .len = lwip_htons((u16)(p->tot_len + UDP_HLEN)) };
	u32 before = udp ? UDP_HLEN : 0, take;

	if (!inet_filter_value(k->filter.f, ip, &h, before, p, &take) || !take)
		return false;
	if (take < before + p->tot_len)
		pbuf_realloc(p, (u16)(take > before ? take - before : 0));
	return true;
}

bool tcp_filter(const struct inet_sock *k, const struct tcp_hdr *h, const u8 *opt, u32 optlen,
		const struct pbuf *p)
{
	struct {
		struct tcp_hdr h;
		u8 opt[40];
	} wire = { .h = *h };
	u32 take;

	/* lwIP has turned them into numbers already. */
	wire.h.src = lwip_htons(h->src);
	wire.h.dest = lwip_htons(h->dest);
	wire.h.seqno = lwip_htonl(h->seqno);
	wire.h.ackno = lwip_htonl(h->ackno);
	wire.h.wnd = lwip_htons(h->wnd);
	memcpy(wire.opt, opt, optlen);
	return inet_filter_value(k->filter.f, true, &wire, sizeof(wire.h) + optlen, p, &take) &&
	       take;
}
