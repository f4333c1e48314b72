/*
 * udp_segment.c - UDP_SEGMENT and UDP_GRO: a program sends several datagrams of one length in one call, and gets them so.
 *
 * Datagrams are joined that come while the stack is entered once: those of one send on the loopback, as on Linux, and those of
 * one round of a device's queue.
 */
#include <linux/in.h>
#include <linux/udp.h>
#include <string.h>

#include "mm/slab.h"
#include "net/inet/option.h"
#include "net/scm.h"

#define UDP_SEGMENTS_MAX 128 /* since Linux 6.9 */

int option_udp_set(struct inet_sock *k, int name, const void *v, unsigned len)
{
	s32 n;

	if (len < sizeof(n))
		return -EINVAL;
	memcpy(&n, v, sizeof(n));
	switch (name) {
	case UDP_SEGMENT:
		if (n < 0 || n > UINT16_MAX)
			return -EINVAL;
		k->segment = (u16)n;
		return 0;
	case UDP_GRO: k->gro = n; return 0;
	default: return -ENOPROTOOPT;
	}
}

int option_udp_get(struct inet_sock *k, int name, void *v, unsigned *len)
{
	switch (name) {
	case UDP_SEGMENT: return option_put(v, len, k->segment);
	case UDP_GRO: return option_put(v, len, k->gro);
	default: return -ENOPROTOOPT;
	}
}

int udp_segment(const struct inet_sock *k, const struct scm *scm, size_t len)
{
	u16 segment = k->segment;
	struct user_cmsghdr h;
	unsigned at = 0;
	const void *v;
	size_t n;

	while (scm && (v = scm_extra_next(scm, &at, &h, &n))) {
		if (h.level != IPPROTO_UDP)
			continue;
		if (h.type != UDP_SEGMENT || n != sizeof(segment))
			return -EINVAL;
		segment = *(const u16 *)v;
	}
	if (segment && (len > (size_t)segment * UDP_SEGMENTS_MAX || sock_opt(&k->s, SOPT_NO_CHECK)))
		return -EINVAL;
	return len > segment ? segment : 0;
}

/* What comes is of the same flow, and handled alike on its way. */
static bool same_flow(const struct inet_dgram *d, const struct inet_dgram *next)
{
	return d->port == next->port && d->to_port == next->to_port && d->ttl == next->ttl &&
	       d->tos == next->tos && d->ifindex == next->ifindex &&
	       ip_addr_cmp(&d->from, &next->from) && ip_addr_cmp(&d->to, &next->to);
}

bool udp_gro_join(struct inet_sock *k, struct inet_dgram *d)
{
	u64 before = k->gro_stay;
	struct inet_dgram *last;
	u32 piece;

	k->gro_stay = net_now();
	if (before != k->gro_stay || list_empty(&k->rxq))
		return false;
	last = list_entry(k->rxq.prev, struct inet_dgram, node);
	piece = last->segment ? last->segment : last->len;
	/* One that is shorter than the first is the end. */
	if (!same_flow(last, d) || !d->len || d->len > piece || last->len % piece ||
	    last->len / piece >= UDP_SEGMENTS_MAX || last->len + d->len > UINT16_MAX)
		return false;
	pbuf_cat(last->p, d->p);
	last->len += d->len;
	last->segment = (u16)piece;
	k->rxq_bytes += d->len;
	kfree(d);
	return true;
}
