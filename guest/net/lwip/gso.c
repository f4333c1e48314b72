/*
 * gso.c - TCP frames on their way to a device that computes checksums and cuts segments itself.
 *
 * lwIP cuts at the true MSS. What it sends of one connection in a row is joined again here into one frame of up to 64 KiB
 * with the MSS in its offload header, so that it crosses the device and the host as one. Data in chunks (chunk.c) are
 * shared, and segments of one write lie side by side, so such a frame is usually headers and one piece of data. lwIP's own
 * pbufs are never kept: a segment can be sent again while the device still reads the first one.
 *
 * One frame is under construction at a time, while net_lock is held; device_flush or any other frame sends it.
 */
#include <string.h>

#include "abi/net.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/tcp.h"
#include "net/lwip/gso.h"

#define PIECES	  16	 /* buffers of data in a frame; the device's queue has room for that many */
#define FRAME_MAX 65535u /* a pbuf's length, Ethernet header included */
#define LAST_ONLY (TCP_PSH | TCP_FIN) /* flags that whoever segments leaves to the last segment */

static struct {
	struct net_device *d; /* NULL: there is none */
	struct pbuf *p, *tail;
	u16 at, hlen;  /* where TCP's header begins; bytes of all headers */
	u16 mss;       /* data of each segment but the last */
	u32 next, len; /* sequence number that fits; bytes in all */
	unsigned segments, pieces;
	bool full; /* its last segment is there */
} frame;

/* 16-bit one's complement sum of a pseudo header, not inverted. */
static u16 pseudo_sum(const void *src, const void *dst, unsigned addr_len, u16 len, u8 proto)
{
	u16 words[16];
	u32 sum = (u32)lwip_htons(len) + lwip_htons(proto);

	memcpy(words, src, addr_len);
	memcpy((u8 *)words + addr_len, dst, addr_len);
	for (unsigned i = 0; i < addr_len; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

/* Where TCP's header lies in p's first pbuf; 0: this is no TCP, or its headers lie elsewhere. */
static u16 tcp_header_at(const struct pbuf *p)
{
	const struct eth_hdr *e = p->payload;
	u16 at = 0;

	if (p->len < SIZEOF_ETH_HDR + IP_HLEN)
		return 0;
	if (e->type == PP_HTONS(ETHTYPE_IP)) {
		const struct ip_hdr *h = (const void *)(e + 1);

		if (IPH_PROTO(h) != IP_PROTO_TCP || (IPH_OFFSET(h) & PP_HTONS(IP_OFFMASK | IP_MF)))
			return 0;
		at = (u16)(SIZEOF_ETH_HDR + IPH_HL_BYTES(h));
	} else if (e->type == PP_HTONS(ETHTYPE_IPV6) && p->len >= SIZEOF_ETH_HDR + IP6_HLEN) {
		const struct ip6_hdr *h = (const void *)(e + 1);

		if (IP6H_NEXTH(h) != IP6_NEXTH_TCP)
			return 0;
		at = SIZEOF_ETH_HDR + IP6_HLEN;
	}
	return at && p->len >= at + TCP_HLEN ? at : 0;
}

static struct tcp_hdr *tcp_of(struct pbuf *p, u16 at)
{
	return (struct tcp_hdr *)((u8 *)p->payload + at);
}

/* The lengths and sums of a frame of tot_len bytes, and what is left to the device. */
static void finish(struct pbuf *p, u16 at, struct net_offload *o)
{
	struct eth_hdr *e = p->payload;
	u16 len = (u16)(p->tot_len - at);

	if (e->type == PP_HTONS(ETHTYPE_IP)) {
		struct ip_hdr *h = (void *)(e + 1);

		IPH_LEN_SET(h, lwip_htons((u16)(p->tot_len - SIZEOF_ETH_HDR)));
		IPH_CHKSUM_SET(h, 0);
		IPH_CHKSUM_SET(h, inet_chksum(h, IPH_HL_BYTES(h)));
		tcp_of(p, at)->chksum = pseudo_sum(&h->src, &h->dest, 4, len, IP_PROTO_TCP);
	} else {
		struct ip6_hdr *h = (void *)(e + 1);

		IP6H_PLEN_SET(h, len);
		tcp_of(p, at)->chksum = pseudo_sum(&h->src, &h->dest, 16, len, IP_PROTO_TCP);
	}
	o->needs_csum = true;
	o->csum_start = at;
	o->csum_offset = offsetof(struct tcp_hdr, chksum);
}

void gso_flush(void)
{
	struct net_device *d = frame.d;
	struct net_offload o = { 0 };
	u32 left = frame.len;

	if (!d)
		return;
	frame.d = NULL;
	for (struct pbuf *q = frame.p; q; q = q->next) {
		q->tot_len = (u16)left;
		left -= q->len;
	}
	finish(frame.p, frame.at, &o);
	if (frame.segments > 1) {
		o.gso_type = ((struct eth_hdr *)frame.p->payload)->type == PP_HTONS(ETHTYPE_IP)
				     ? NET_GSO_TCPV4
				     : NET_GSO_TCPV6;
		o.gso_size = frame.mss;
		o.hdr_len = frame.hlen;
	}
	device_transmit(d, frame.p, &o); /* what the queue cannot take is lost, as on any wire */
	pbuf_free(frame.p);
}

/* Are the headers of p those of the frame, but for what differs from segment to segment? */
static bool same_headers(struct pbuf *p, u16 at, u16 hlen)
{
	const struct tcp_hdr *a = tcp_of(frame.p, at), *b = tcp_of(p, at);
	const u8 *x = frame.p->payload, *y = p->payload;
	unsigned mask = 0x3f & ~LAST_ONLY;

	if (memcmp(x, y, SIZEOF_ETH_HDR + 2))
		return false;
	/* Behind the lengths; of IPv4 neither the id nor the sum. */
	if (((const struct eth_hdr *)x)->type == PP_HTONS(ETHTYPE_IP)) {
		if (memcmp(x + 20, y + 20, 4) || memcmp(x + 26, y + 26, at - 26u))
			return false;
	} else if (memcmp(x + 18, y + 18, 2) || memcmp(x + 20, y + 20, at - 20u)) {
		return false;
	}
	return a->src == b->src && a->dest == b->dest && a->ackno == b->ackno && a->wnd == b->wnd &&
	       TCPH_HDRLEN(a) == TCPH_HDRLEN(b) &&
	       (TCPH_FLAGS(a) & mask) == (TCPH_FLAGS(b) & mask) &&
	       !memcmp(x + at + TCP_HLEN, y + at + TCP_HLEN, hlen - at - (unsigned)TCP_HLEN);
}

/* Hang the data of p behind the frame. False without memory or room for more pieces: nothing was hung. */
static bool take_data(const struct pbuf *p, u16 hlen)
{
	struct pbuf *first = NULL, *last = NULL, *q, *tail = frame.tail;
	u16 grown = 0, skip = hlen;
	unsigned pieces = 0;

	for (; p; p = p->next, skip = 0) {
		struct net_chunk *c = chunk_of(p);
		const u8 *data = (const u8 *)p->payload + skip;
		u16 n = (u16)(p->len - skip);

		if (!n)
			continue;
		if (c && !first && !grown && chunk_of(tail) == c &&
		    (const u8 *)tail->payload + tail->len == data) {
			grown = n;
			continue;
		}
		if (frame.pieces + ++pieces > PIECES)
			goto fail;
		q = c ? chunk_pbuf(c, data, n) : pbuf_alloc(PBUF_RAW, n, PBUF_RAM);
		if (!q)
			goto fail;
		if (!c)
			memcpy(q->payload, data, n);
		if (last)
			last->next = q;
		else
			first = q;
		last = q;
	}
	tail->len = (u16)(tail->len + grown);
	if (first) {
		tail->next = first;
		frame.tail = last;
	}
	frame.pieces += pieces;
	return true;
fail:
	while (first) {
		q = first->next;
		first->next = NULL;
		first->tot_len = first->len;
		pbuf_free(first);
		first = q;
	}
	return false;
}

static bool append(struct pbuf *p, u16 at, u16 hlen, u16 data)
{
	struct tcp_hdr *to = tcp_of(frame.p, at), *from = tcp_of(p, at);

	if (frame.full || frame.at != at || frame.hlen != hlen ||
	    lwip_ntohl(from->seqno) != frame.next || data > frame.mss ||
	    frame.len + data > FRAME_MAX || !same_headers(p, at, hlen) || !take_data(p, hlen))
		return false;
	frame.len += data;
	frame.next += data;
	frame.segments++;
	TCPH_SET_FLAG(to, TCPH_FLAGS(from) & LAST_ONLY);
	frame.full = data < frame.mss || (TCPH_FLAGS(from) & TCP_FIN);
	return true;
}

static bool begin(struct net_device *d, struct pbuf *p, u16 at, u16 hlen, u16 data)
{
	struct tcp_hdr *h = tcp_of(p, at);

	frame.p = frame.tail = pbuf_alloc(PBUF_RAW, hlen, PBUF_RAM);
	if (!frame.p)
		return false;
	memcpy(frame.p->payload, p->payload, hlen);
	frame.d = d;
	frame.at = at;
	frame.hlen = hlen;
	frame.mss = data;
	frame.next = lwip_ntohl(h->seqno) + data;
	frame.len = (u32)hlen + data;
	frame.segments = 1;
	frame.pieces = 0;
	frame.full = (TCPH_FLAGS(h) & TCP_FIN) || data < NET_GSO_SIZE_MIN;
	if (take_data(p, hlen))
		return true;
	frame.d = NULL;
	pbuf_free(frame.p);
	return false;
}

bool gso_output(struct net_device *d, struct pbuf *p, err_t *e)
{
	u32 features = ((struct eth_hdr *)p->payload)->type == PP_HTONS(ETHTYPE_IP) ? NETF_TSO4
										    : NETF_TSO6;
	u16 at = tcp_header_at(p), hlen, data;
	struct net_offload o = { 0 };
	struct tcp_hdr *h;

	if (!at)
		return false;
	h = tcp_of(p, at);
	hlen = (u16)(at + TCPH_HDRLEN_BYTES(h));
	data = p->len >= hlen ? (u16)(p->tot_len - hlen) : 0;
	*e = ERR_OK;
	if ((d->features & features) && data && !(TCPH_FLAGS(h) & (TCP_SYN | TCP_RST | TCP_URG))) {
		if (frame.d == d && append(p, at, hlen, data))
			return true;
		gso_flush();
		if (d->ops->has_room && !d->ops->has_room(d)) {
			*e = ERR_MEM;
			return true;
		}
		if (begin(d, p, at, hlen, data))
			return true;
	}
	gso_flush();
	finish(p, at, &o);
	*e = device_transmit(d, p, &o);
	return true;
}
