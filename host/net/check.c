/*
 * check.c - see check.h. The frame is a hostile Sentry's: nothing is read beyond head_len, and every length is compared
 * before it is used. A fragment behind the first has no transport header; neighbour discovery in fragments is refused by
 * every receiver (RFC 6980), so looking at first fragments is enough.
 */
#include <string.h>

#include "host/net/check.h"

#define ETH_LEN	  14
#define TYPE_IPV4 0x0800
#define TYPE_ARP  0x0806
#define TYPE_IPV6 0x86dd
#define TCP	  6
#define TCP_SUM	  16 /* where its header has the checksum */
#define ICMPV6	  58

struct frame {
	const struct net_config *c;
	const unsigned char *p;
	size_t head_len, len;
};

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool own_addr(const struct net_config *c, unsigned family, const unsigned char *addr)
{
	size_t len = family == 4 ? 4 : 16;

	for (uint32_t i = 0; i < c->naddrs && i < NET_ADDRS; i++)
		if (c->addrs[i].family == family && memcmp(c->addrs[i].addr, addr, len) == 0)
			return true;
	return false;
}

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* fe80:: with the identifier that is made from the MAC (RFC 4291, appendix A): the stack inside gives itself this one. */
static bool own_link_local(const struct net_config *c, const unsigned char *a)
{
	const unsigned char *m = c->mac;
	const unsigned char want[16] = { 0xfe,	   0x80, 0,    0,    0,	   0,	 0,    0,
					 m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

	return memcmp(a, want, 16) == 0;
}

static bool own_addr6(const struct net_config *c, const unsigned char *a)
{
	return own_addr(c, 6, a) || own_link_local(c, a);
}

/* Ethernet and IPv4 addresses, or a probe from 0.0.0.0 (RFC 5227). */
static bool check_arp(const struct frame *f)
{
	const unsigned char *arp = f->p + ETH_LEN;

	if (f->head_len < ETH_LEN + 28)
		return false;
	if (get16(arp) != 1 || get16(arp + 2) != TYPE_IPV4 || arp[4] != 6 || arp[5] != 4)
		return false;
	return memcmp(arp + 8, f->c->mac, 6) == 0 &&
	       (own_addr(f->c, 4, arp + 14) || is_zero(arp + 14, 4));
}

static bool check_ipv4(const struct frame *f, size_t *transport, unsigned *protocol)
{
	const unsigned char *ip = f->p + ETH_LEN;
	size_t header;

	if (f->head_len < ETH_LEN + 20 || ip[0] >> 4 != 4)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
	if (header < 20 || ETH_LEN + header > f->head_len || get16(ip + 2) < header ||
	    get16(ip + 2) > f->len - ETH_LEN)
		return false;
	*transport = ETH_LEN + header;
	*protocol = get16(ip + 6) & 0x1fff ? 0 : ip[9];
	return f->c->flags & NET_SPOOF || own_addr(f->c, 4, ip + 12);
}

/* Solicitations and advertisements of our own address and MAC; a sandbox is no router (RFC 4861, section 4). */
static bool check_icmpv6(const struct frame *f, size_t at)
{
	const unsigned char *m = f->p + at;
	size_t n = f->head_len - at, opt = 24;

	if (n < 4)
		return false;
	if (m[0] == 134 || m[0] == 137)
		return false;
	if (m[0] == 133)
		opt = 8;
	else if (m[0] != 135 && m[0] != 136)
		return true;
	if (n < opt || f->head_len != f->len)
		return false;
	if (m[0] == 136 && !own_addr6(f->c, m + 8))
		return false;
	for (; opt + 8 <= n; opt += m[opt + 1] * 8u) {
		bool target = m[0] == 136;

		if (!m[opt + 1])
			return false;
		if (m[opt] == (target ? 2 : 1) && memcmp(m + opt + 2, f->c->mac, 6) != 0)
			return false;
	}
	return true;
}

static bool check_ipv6(const struct frame *f, size_t *transport, unsigned *protocol)
{
	const unsigned char *ip = f->p + ETH_LEN;
	size_t at = ETH_LEN + 40;
	unsigned next;

	if (f->head_len < at || ip[0] >> 4 != 6 || get16(ip + 4) > f->len - at)
		return false;
	next = ip[6];
	/* Hop-by-hop, routing, destination options. */
	while (next == 0 || next == 43 || next == 60) {
		if (at + 8 > f->head_len)
			return false;
		next = f->p[at];
		at += 8 + f->p[at + 1] * 8u;
		if (at > f->head_len)
			return false;
	}
	if (next == 44) { /* fragment */
		if (at + 8 > f->head_len)
			return false;
		next = get16(f->p + at + 2) & 0xfff8 ? 256 : f->p[at];
		at += 8;
	}
	if (at > f->head_len)
		return false;
	*transport = at;
	*protocol = next;
	if (f->c->flags & NET_SPOOF)
		return true;
	/* Without an address yet: duplicate address detection and multicast listener reports, both ICMPv6. */
	if (!own_addr6(f->c, ip + 8) && !(is_zero(ip + 8, 16) && next == ICMPV6))
		return false;
	return next != ICMPV6 || check_icmpv6(f, at);
}

static bool check_offload(const struct frame *f, const struct net_hdr *h, unsigned type,
			  size_t transport, unsigned protocol)
{
	unsigned gso = h->gso_type & ~NET_GSO_ECN;

	if (h->flags & ~NET_HDR_NEEDS_CSUM || h->buffers)
		return false;
	/* Whoever computes the sum writes it into the frame, behind our back: nowhere but where TCP has its own. */
	if (h->flags & NET_HDR_NEEDS_CSUM &&
	    (!(f->c->flags & NET_CSUM) || protocol != TCP || transport + 20 > f->head_len ||
	     h->csum_start != transport || h->csum_offset != TCP_SUM))
		return false;
	if (h->gso_type == NET_GSO_NONE)
		return f->len <= f->c->mtu + ETH_LEN;
	if (!(f->c->flags & NET_GSO) || !(h->flags & NET_HDR_NEEDS_CSUM) ||
	    gso != (type == TYPE_IPV4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6))
		return false;
	/* The whole TCP header is in head; its data is cut into pieces that fit the MTU. */
	if (h->hdr_len != transport + (f->p[transport + 12] >> 4) * 4u ||
	    h->hdr_len > f->head_len || h->hdr_len < transport + 20)
		return false;
	return h->gso_size >= NET_GSO_SIZE_MIN && h->hdr_len + h->gso_size <= f->c->mtu + ETH_LEN;
}

bool net_check_frame(const struct net_config *c, const struct net_hdr *h, const unsigned char *head,
		     size_t head_len, size_t len)
{
	const struct frame f = { c, head, head_len, len };
	size_t transport = ETH_LEN;
	unsigned type, protocol = 0;
	bool ok;

	if (len < ETH_LEN || len > NET_FRAME_MAX || head_len > len ||
	    (head_len < len && head_len < NET_HEAD_MAX))
		return false;
	if (memcmp(head + 6, c->mac, 6) != 0)
		return false;
	type = get16(head + 12);
	switch (type) {
	case TYPE_IPV4: ok = check_ipv4(&f, &transport, &protocol); break;
	case TYPE_IPV6: ok = check_ipv6(&f, &transport, &protocol); break;
	case TYPE_ARP: ok = c->flags & NET_SPOOF || check_arp(&f); break;
	default: ok = c->flags & NET_SPOOF; break;
	}
	return ok && check_offload(&f, h, type, transport, protocol);
}
