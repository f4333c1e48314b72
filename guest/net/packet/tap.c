/*
 * tap.c - every frame that goes out or comes in, to the packet sockets that want it.
 *
 * While there are such sockets a frame is copied once, into a chunk that they share. Frames of the loopback get the
 * Ethernet header of zeros that they have on Linux, and are seen twice as there: on their way out and in.
 */
#include <string.h>

#include "fs/vfs.h"
#include "mm/slab.h"
#include "net/lwip/tap.h"
#include "net/packet/packet.h"

#define OVERHEAD 256 /* what a queued frame counts beside its bytes */

struct list packet_all = LIST_INIT(packet_all);
unsigned net_taps;

void packet_listen(struct packet_sock *k, bool on)
{
	if (k->listening == on)
		return;
	k->listening = on;
	if (on)
		net_taps++;
	else
		net_taps--;
}

static u8 kind_of(const struct netdev *d, const u8 *to)
{
	static const u8 all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (!memcmp(to, all, 6))
		return PACKET_BROADCAST;
	if (to[0] & 1)
		return PACKET_MULTICAST;
	return memcmp(to, d->hwaddr, 6) ? PACKET_OTHERHOST : PACKET_HOST;
}

/* Copy p, with a header in front if it has none. False without memory. */
static bool copy(struct packet_frame *t, const struct pbuf *p, bool bare)
{
	u32 head = bare ? ETH_HLEN : 0;
	struct net_chunk *c = chunk_alloc(head + p->tot_len);

	if (!c)
		return false;
	if (bare) {
		memset(c->data, 0, ETH_HLEN);
		c->data[12] = (pbuf_get_at(p, 0) >> 4) == 6 ? 0x86 : 0x08;
		c->data[13] = (pbuf_get_at(p, 0) >> 4) == 6 ? 0xdd : 0x00;
	}
	pbuf_copy_partial(p, c->data + head, p->tot_len, 0);
	t->data = c;
	t->f.data = c->data;
	t->f.len = head + p->tot_len;
	return true;
}

static void describe(struct packet_frame *t, const struct netdev *d, unsigned flags)
{
	u16 type = (u16)(t->f.data[12] << 8 | t->f.data[13]);

	t->f.mac_len = ETH_HLEN;
	t->f.protocol = type < 0x600 ? ETH_P_802_2 : type;
	t->f.hatype = d->type;
	t->f.ifindex = d->index;
	t->f.pkttype = flags & TAP_OUT ? PACKET_OUTGOING : kind_of(d, t->f.data);
	t->from = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = lwip_htons(t->f.protocol),
		.sll_ifindex = d->index,
		.sll_hatype = d->type,
		.sll_pkttype = t->f.pkttype,
		.sll_halen = 6,
	};
	memcpy(t->from.sll_addr, t->f.data + 6, 6);
	t->status = flags & TAP_PARTIAL ? TP_STATUS_CSUMNOTREADY
		    : flags & TAP_OUT	? 0
					: TP_STATUS_CSUM_VALID;
}

static bool wants(const struct packet_sock *k, const struct packet_frame *t)
{
	bool out = t->f.pkttype == PACKET_OUTGOING;

	if (!k->listening || (k->ifindex && k->ifindex != t->f.ifindex))
		return false;
	if (k->protocol != ETH_P_ALL)
		return !out && k->protocol == t->f.protocol;
	return !out || !k->ignore_outgoing;
}

static bool enqueue(struct packet_sock *k, const struct packet_frame *t, u32 take, u64 time)
{
	struct packet_queued *q;

	if (k->rx_bytes + t->f.len + OVERHEAD > k->s.rcvbuf)
		return false;
	q = kmalloc(sizeof(*q));
	if (!q)
		return false;
	q->frame = *t;
	q->take = take;
	q->time = time;
	atomic_add(&t->data->ref, 1);
	list_add_tail(&k->rx, &q->node);
	k->rx_bytes += t->f.len + OVERHEAD;
	return true;
}

static void give(struct packet_sock *k, struct packet_frame *t, u64 time)
{
	u32 take;

	t->f.start = packet_is_cooked(k) ? t->f.mac_len : 0;
	take = filter_run(k->filter.f, &t->f);
	if (!take)
		return;
	k->packets++;
	if (k->ring ? packet_ring_put(k, t, take, time) : enqueue(k, t, take, time))
		sock_wake_readable(&k->s);
	else
		k->drops++;
}

void net_tap_frame(struct netdev *d, const struct pbuf *p, unsigned flags)
{
	struct packet_frame t = { 0 };
	struct fs_time now = fs_now();
	struct packet_sock *k;

	if ((!(flags & TAP_IP) && p->tot_len < ETH_HLEN) || !p->tot_len)
		return;
	if (!copy(&t, p, flags & TAP_IP))
		return;
	describe(&t, d, flags);
	list_for_each(k, &packet_all, all_node)
		if (k->s.net == d->net && wants(k, &t))
			give(k, &t, (u64)now.sec * 1000000000 + now.nsec);
	chunk_put(t.data);
}
