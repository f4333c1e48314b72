/*
 * dgram_filter.c - SO_ATTACH_FILTER on UDP, raw and ping sockets. A program sees what it would on Linux: a UDP datagram from its
 * header on, a raw packet of IPv4 from the IP header, others from what is behind that; the IP header is at SKF_NET_OFF.
 *
 * The checksum in a UDP header reads as 0. There is a copy of the packet for each run: who has no filter pays nothing.
 */
#include <string.h>

#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "mm/slab.h"
#include "net/filter.h"
#include "net/inet/inet.h"

#define HEADERS_MAX (60 + UDP_HLEN)

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

bool dgram_filter(const struct inet_sock *k, struct pbuf *p, u16 port, u16 to_port)
{
	bool udp = k->s.ops == &udp_ops;
	struct udp_hdr h = { .src = lwip_htons(port),
			     .dest = lwip_htons(to_port),
			     .len = lwip_htons((u16)(p->tot_len + UDP_HLEN)) };
	struct filter_frame f = { .protocol = ip_current_is_v6() ? 0x86dd : 0x0800,
				  .hatype = ARPHRD_ETHER,
				  .ifindex = inet_ifindex(ip_current_input_netif()) };
	u8 *copy = kmalloc(HEADERS_MAX + p->tot_len);
	u32 before = udp ? UDP_HLEN : 0, take;

	if (!copy)
		return false;
	if (udp || k->s.family == AF_INET6 || k->s.type == SOCK_DGRAM)
		f.start = network_header(copy);
	memcpy(copy + f.start, &h, before);
	pbuf_copy_partial(p, copy + f.start + before, p->tot_len, 0);
	f.data = copy;
	f.len = f.start + before + p->tot_len;
	take = filter_run(k->filter.f, &f);
	kfree(copy);
	if (!take)
		return false;
	if (take < before + p->tot_len)
		pbuf_realloc(p, (u16)(take > before ? take - before : 0));
	return true;
}
