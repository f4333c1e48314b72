/*
 * loop.c - loopbacks: packets to a namespace's own addresses go back up without a device, a checksum or a fragment.
 *
 * Output queues a copy of the headers with the same bytes behind (chunk.c); net_leave delivers, so the sender's state is
 * settled before its packet comes in. All under net_lock.
 */
#include <string.h>

#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/priv/raw_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/udp.h"
#include "mm/slab.h"
#include "net/abi.h"
#include "net/lwip/gso.h"
#include "net/lwip/loop.h"
#include "net/lwip/names.h"
#include "net/lwip/stack.h"
#include "net/lwip/tap.h"

#define QUEUE_MAX 16384 /* packets; above it they are lost, as anywhere */
/* Packets that one visit delivers, and no more: two ends could answer each other's acknowledgements for ever. */
#define RUN_MAX 65536

struct queued {
	struct queued *next;
	struct net_ns *net;
	struct net_device *frame_for; /* p is a frame for it; NULL: a packet on the loopback */
	struct pbuf *p;
	bool ip6;
};

static struct queued *first, **last = &first;
static unsigned count;
static unsigned ran; /* since loop_begin */

/* A new last one, to be filled in; NULL: there are too many, or no memory. */
static struct queued *append(struct net_ns *net)
{
	struct queued *q = count < QUEUE_MAX ? kzalloc(sizeof(*q)) : NULL;

	if (!q)
		return NULL;
	q->net = net;
	*last = q;
	last = &q->next;
	count++;
	return q;
}

int loop_queue_frame(struct net_device *d, struct pbuf *p)
{
	struct queued *q = append(d->dev.net);

	if (!q)
		return ERR_MEM;
	q->frame_for = d;
	q->p = p;
	return ERR_OK;
}

static err_t queue(struct net_ns *net, struct pbuf *p, bool ip6)
{
	struct pbuf *copy;
	struct queued *q;

	if (!(net->lo.flags & IFF_UP))
		return ERR_RTE;
	copy = chunk_clone(p);
	if (!copy)
		return ERR_MEM;
	copy->flags |= p->flags & (PBUF_FLAG_LLBCAST | PBUF_FLAG_LLMCAST);
	q = append(net);
	if (!q) {
		pbuf_free(copy);
		return ERR_MEM;
	}
	q->p = copy;
	q->ip6 = ip6;
	net_tap(&net->lo, p, TAP_OUT | TAP_IP | TAP_PARTIAL);
	net->lo.stats.tx_packets++;
	net->lo.stats.tx_bytes += p->tot_len;
	return ERR_OK;
}

static struct net_ns *net_of(struct netif *loop)
{
	return container_of(loop, struct net_ns, loop);
}

static err_t output4(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	struct net_ns *net = net_of(n);

	return net == &net_first && names_take(p) ? ERR_OK : queue(net, p, false);
}

static err_t output6(struct netif *n, struct pbuf *p, const ip6_addr_t *to)
{
	return queue(net_of(n), p, true);
}

/* Hand the packet to its protocol. ip_data is what lwIP's own ip4_input would have left. */
static void deliver(struct pbuf *p, u8 proto, u16 hlen)
{
	struct netif *loop = &net_cur->loop;

	if (raw_input(p, loop) == RAW_INPUT_EATEN)
		return;
	pbuf_remove_header(p, hlen);
	switch (proto) {
	case IP_PROTO_TCP: tcp_input(p, loop); break;
	case IP_PROTO_UDP: udp_input(p, loop); break;
	case IP_PROTO_ICMP: icmp_input(p, loop); break;
	case IP6_NEXTH_ICMP6: icmp6_input(p, loop); break;
	default: pbuf_free(p);
	}
}

static void input4(struct pbuf *p)
{
	const struct ip_hdr *h = p->payload;

	ip_data.current_ip4_header = h;
	ip_data.current_ip_header_tot_len = IPH_HL_BYTES(h);
	ip_addr_copy_from_ip4(ip_data.current_iphdr_dest, h->dest);
	ip_addr_copy_from_ip4(ip_data.current_iphdr_src, h->src);
	deliver(p, IPH_PROTO(h), IPH_HL_BYTES(h));
	ip_data.current_ip4_header = NULL;
}

static void input6(struct pbuf *p)
{
	struct ip6_hdr *h = p->payload;

	ip_data.current_ip6_header = h;
	ip_data.current_ip_header_tot_len = IP6_HLEN;
	ip_addr_copy_from_ip6_packed(ip_data.current_iphdr_dest, h->dest);
	ip_addr_copy_from_ip6_packed(ip_data.current_iphdr_src, h->src);
	ip6_addr_assign_zone(ip_2_ip6(&ip_data.current_iphdr_dest), IP6_UNKNOWN, &net_cur->loop);
	ip6_addr_assign_zone(ip_2_ip6(&ip_data.current_iphdr_src), IP6_UNICAST, &net_cur->loop);
	deliver(p, IP6H_NEXTH(h), IP6_HLEN);
	ip_data.current_ip6_header = NULL;
}

static void from_loopback(const struct queued *q)
{
	net_cur->lo.stats.rx_packets++;
	net_cur->lo.stats.rx_bytes += q->p->tot_len;
	net_tap(&net_cur->lo, q->p, TAP_IP | TAP_PARTIAL);
	ip_data.current_netif = ip_data.current_input_netif = &net_cur->loop;
	if (q->ip6)
		input6(q->p);
	else
		input4(q->p);
}

bool loop_pending(void)
{
	return first;
}

void loop_begin(void)
{
	ran = 0;
}

void loop_run(void)
{
	struct net_ns *before = net_cur;
	struct queued *q;

	for (; (q = first); ran++) {
		first = q->next;
		if (!first)
			last = &first;
		count--;
		net_switch(q->net);
		if (ran >= RUN_MAX)
			pbuf_free(q->p);
		else if (q->frame_for)
			device_input(q->frame_for, q->p, true);
		else
			from_loopback(q);
		kfree(q);
	}
	net_switch(before);
	ip_data.current_netif = ip_data.current_input_netif = NULL;
	ip_addr_set_any(false, &ip_data.current_iphdr_src);
	ip_addr_set_any(false, &ip_data.current_iphdr_dest);
}

void loop_inject(struct pbuf *p)
{
	struct pbuf *in;

	net_tap(&net_cur->lo, p, TAP_OUT);
	net_tap(&net_cur->lo, p, 0);
	/* As on Linux: IPv4 from an address of our own that comes in is taken for a forgery. */
	if (!frame_whole(p) || pbuf_get_at(p, 12) != 0x86 || pbuf_get_at(p, 13) != 0xdd)
		return;
	in = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	if (!in)
		return;
	pbuf_remove_header(in, 14); /* an Ethernet header */
	if (ip_input(in, &net_cur->loop) != ERR_OK)
		pbuf_free(in);
}

/* ---- which addresses are our own ---- */

/* What a loopback interface has as its prefix is its own, whole; of other interfaces only the address is. IPv4. */
static bool covers4(const struct netdev *d, const struct netdev_addr *a, const u8 *addr)
{
	unsigned bytes = a->prefix / 8, bits = a->prefix % 8;

	if (!(d->flags & IFF_LOOPBACK))
		return !memcmp(a->addr, addr, 4);
	return !memcmp(a->addr, addr, bytes) &&
	       (!bits || !((a->addr[bytes] ^ addr[bytes]) >> (8 - bits)));
}

static bool in_table(int family, const void *addr)
{
	struct netdev *d;
	bool found = false;

	spin_lock(&netdev_lock);
	list_for_each(d, &net_cur->devs, node)
		for (unsigned k = 0; k < NETDEV_ADDRS_MAX && !found; k++) {
			const struct netdev_addr *a = &d->addr[k];

			if (a->family == family)
				found = family == AF_INET ? covers4(d, a, addr)
							  : !memcmp(a->addr, addr, 16);
		}
	spin_unlock(&netdev_lock);
	return found;
}

bool addr_none4(void)
{
	struct netdev *d;
	bool none = true;

	if (net_cur->lo.flags & IFF_UP)
		return false; /* the rule */
	spin_lock(&netdev_lock);
	list_for_each(d, &net_cur->devs, node)
		for (unsigned k = 0; k < NETDEV_ADDRS_MAX; k++)
			none &= d->addr[k].family != AF_INET;
	spin_unlock(&netdev_lock);
	return none;
}

bool addr_is_local(const ip_addr_t *a)
{
	if (IP_IS_V4(a) && ip4_addr_isloopback(ip_2_ip4(a)) && net_cur == &net_first)
		return true; /* the rule */
	return IP_IS_V4(a) ? in_table(AF_INET, &ip_2_ip4(a)->addr)
			   : in_table(AF_INET6, ip_2_ip6(a)->addr);
}

/* ---- making and ending them ---- */

static err_t init(struct netif *n)
{
	n->name[0] = 'l';
	n->name[1] = 'o';
	n->output = output4;
	n->output_ip6 = output6;
	n->mtu = 65535;
	return ERR_OK;
}

void loop_add(struct net_ns *net)
{
	ip4_addr_t none;

	ip4_addr_set_any(&none);
	net_enter(net);
	netif_add(&net->loop, &none, &none, &none, NULL, init, ip_input);
	net->loop.num = LOOP_INDEX - 1;
	NETIF_SET_CHECKSUM_CTRL(&net->loop, NETIF_CHECKSUM_DISABLE_ALL);
	netif_set_link_up(&net->loop);
	list_add_tail(&net_all, &net->all_node);
	net_leave();
}

void loop_remove(struct net_ns *net)
{
	list_del(&net->all_node);
	netif_remove(&net->loop);
	net_switch(&net_first);
}

static struct netdev_addr *find_addr(struct netdev *d, int family, const u8 *addr, unsigned len)
{
	for (unsigned k = 0; k < NETDEV_ADDRS_MAX; k++)
		if (d->addr[k].family == family && !memcmp(d->addr[k].addr, addr, len))
			return &d->addr[k];
	return NULL;
}

/* The address that the interface gets when it goes up, unless it has it. netdev_lock held. */
static void give_addr(struct netdev *d, const struct netdev_addr *a, unsigned len)
{
	static const u8 none[16];
	struct netdev_addr *slot;

	if (find_addr(d, a->family, a->addr, len))
		return;
	slot = find_addr(d, 0, none, 0);
	if (slot)
		*slot = *a;
}

void loop_set_up(struct net_ns *net, bool up)
{
	static const struct netdev_addr own4 = { .family = AF_INET,
						 .prefix = 8,
						 .scope = SCOPE_HOST,
						 .addr = { 127, 0, 0, 1 } },
					own6 = { .family = AF_INET6,
						 .prefix = 128,
						 .scope = SCOPE_HOST,
						 .addr = { [15] = 1 } };
	struct netdev *d = &net->lo;
	ip4_addr_t a, mask, none;

	IP4_ADDR(&a, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	ip4_addr_set_any(&none);
	net_enter(net);
	spin_lock(&netdev_lock);
	d->flags = IFF_LOOPBACK | (up ? IFF_UP | IFF_RUNNING | IFF_LOWER_UP : 0);
	if (up) {
		give_addr(d, &own4, 4);
		give_addr(d, &own6, 16);
	}
	for (unsigned k = 0; k < NETDEV_ADDRS_MAX && !up; k++)
		if (d->addr[k].family == AF_INET6)
			d->addr[k].family = 0;
	spin_unlock(&netdev_lock);
	if (up) {
		netif_set_addr(&net->loop, &a, &mask, &none);
		IP_ADDR6_HOST(net->loop.ip6_addr, 0, 0, 0, 1);
		net->loop.ip6_addr_state[0] = IP6_ADDR_VALID;
		netif_set_up(&net->loop);
	} else {
		netif_set_down(&net->loop);
	}
	net_leave();
}
