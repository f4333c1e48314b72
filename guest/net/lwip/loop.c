/*
 * loop.c - the loopback: packets to the sandbox's own addresses go back up without a device, a checksum or a fragment.
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
#include "net/lwip/names.h"
#include "net/lwip/stack.h"
#include "net/netdev.h"

#define QUEUE_MAX 16384 /* packets; above it they are lost, as anywhere */

struct queued {
	struct queued *next;
	struct pbuf *p;
	bool ip6;
};

struct netif loop_netif;
static struct netdev *loop_dev;
static struct queued *first, **last = &first;
static unsigned count;

static err_t queue(struct pbuf *p, bool ip6)
{
	struct queued *q = count < QUEUE_MAX ? kmalloc(sizeof(*q)) : NULL;

	if (!q)
		return ERR_MEM;
	q->p = chunk_clone(p);
	if (!q->p) {
		kfree(q);
		return ERR_MEM;
	}
	q->p->flags |= p->flags & (PBUF_FLAG_LLBCAST | PBUF_FLAG_LLMCAST);
	q->ip6 = ip6;
	q->next = NULL;
	*last = q;
	last = &q->next;
	count++;
	loop_dev->stats.tx_packets++;
	loop_dev->stats.tx_bytes += p->tot_len;
	return ERR_OK;
}

static err_t output4(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	return names_take(p) ? ERR_OK : queue(p, false);
}

static err_t output6(struct netif *n, struct pbuf *p, const ip6_addr_t *to)
{
	return queue(p, true);
}

/* Hand the packet to its protocol. ip_data is what lwIP's own ip4_input would have left. */
static void deliver(struct pbuf *p, u8 proto, u16 hlen)
{
	raw_input_state_t raw = raw_input(p, &loop_netif);

	if (raw == RAW_INPUT_EATEN)
		return;
	pbuf_remove_header(p, hlen);
	switch (proto) {
	case IP_PROTO_TCP: tcp_input(p, &loop_netif); break;
	case IP_PROTO_UDP: udp_input(p, &loop_netif); break;
	case IP_PROTO_ICMP: icmp_input(p, &loop_netif); break;
	case IP6_NEXTH_ICMP6: icmp6_input(p, &loop_netif); break;
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
	ip6_addr_assign_zone(ip_2_ip6(&ip_data.current_iphdr_dest), IP6_UNKNOWN, &loop_netif);
	ip6_addr_assign_zone(ip_2_ip6(&ip_data.current_iphdr_src), IP6_UNICAST, &loop_netif);
	deliver(p, IP6H_NEXTH(h), IP6_HLEN);
	ip_data.current_ip6_header = NULL;
}

void loop_run(void)
{
	struct queued *q;

	while ((q = first)) {
		first = q->next;
		if (!first)
			last = &first;
		count--;
		loop_dev->stats.rx_packets++;
		loop_dev->stats.rx_bytes += q->p->tot_len;
		ip_data.current_netif = ip_data.current_input_netif = &loop_netif;
		if (q->ip6)
			input6(q->p);
		else
			input4(q->p);
		kfree(q);
	}
	ip_data.current_netif = ip_data.current_input_netif = NULL;
	ip_addr_set_any(false, &ip_data.current_iphdr_src);
	ip_addr_set_any(false, &ip_data.current_iphdr_dest);
}

/* ---- which addresses are our own ---- */

static bool in_table(int family, const void *a, size_t len)
{
	struct netdev *d;
	bool found = false;

	spin_lock(&netdev_lock);
	list_for_each(d, &netdevs, node)
		for (unsigned k = 0; k < NETDEV_ADDRS_MAX && !found; k++)
			found = d->addr[k].family == family && !memcmp(d->addr[k].addr, a, len);
	spin_unlock(&netdev_lock);
	return found;
}

static bool local4(const ip4_addr_t *a)
{
	return ip4_addr_isloopback(a) || in_table(AF_INET, &a->addr, 4);
}

static bool local6(const ip6_addr_t *a)
{
	return ip6_addr_isloopback(a) || in_table(AF_INET6, a->addr, 16);
}

bool addr_is_local(const ip_addr_t *a)
{
	return IP_IS_V4(a) ? local4(ip_2_ip4(a)) : local6(ip_2_ip6(a));
}

static err_t init(struct netif *n)
{
	n->name[0] = 'l';
	n->name[1] = 'o';
	n->output = output4;
	n->output_ip6 = output6;
	n->mtu = 65535;
	return ERR_OK;
}

void loop_init(void)
{
	ip4_addr_t a, mask, none;

	IP4_ADDR(&a, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	ip4_addr_set_any(&none);
	spin_lock(&netdev_lock);
	loop_dev = netdev_by_name("lo");
	spin_unlock(&netdev_lock);
	netif_add(&loop_netif, &a, &mask, &none, NULL, init, ip_input);
	IP_ADDR6_HOST(loop_netif.ip6_addr, 0, 0, 0, 1);
	loop_netif.ip6_addr_state[0] = IP6_ADDR_VALID;
	NETIF_SET_CHECKSUM_CTRL(&loop_netif, NETIF_CHECKSUM_DISABLE_ALL);
	netif_set_link_up(&loop_netif);
	netif_set_up(&loop_netif);
}
