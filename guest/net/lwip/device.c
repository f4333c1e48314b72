/*
 * device.c - Ethernet devices (net/netif.h) as lwIP's interfaces.
 *
 * TCP's checksums and segments are left to devices that can do them (gso.c).
 * What comes in for loopback addresses is dropped here: lwIP would take it.
 */
#include <string.h>

#include "lib/err.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/ip.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip_hooks.h"
#include "mm/slab.h"
#include "net/abi.h"
#include "net/lwip/gso.h"
#include "net/lwip/stack.h"
#include "net/lwip/tap.h"
#include "net/netif.h"
#include "net/netlink/event.h"
#include "netif/ethernet.h"

#define CHECKS_DONE_BY_DEVICE \
	(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_ICMP6)

#define HEADERS_MAX 256 /* of a frame, in its first buffer, if it is as long */

static struct net_device *touched; /* transmitted since the last flush; one device is the rule */

/* ---- out ---- */

err_t device_transmit(struct net_device *d, struct pbuf *p, const struct net_offload *o)
{
	timers_device_active();
	net_tap(&d->dev, p, TAP_OUT | (o->needs_csum ? TAP_PARTIAL : 0));
	if (d->ops->transmit(d, p, o)) {
		d->dev.stats.tx_dropped++;
		return ERR_MEM;
	}
	d->dev.stats.tx_packets++;
	d->dev.stats.tx_bytes += p->tot_len;
	if (touched && touched != d && touched->ops->flush)
		touched->ops->flush(touched);
	touched = d;
	return ERR_OK;
}

static err_t output(struct netif *n, struct pbuf *p)
{
	struct net_device *d = n->state;
	struct net_offload none = { 0 };
	err_t e;

	if ((d->features & NETF_CSUM) && gso_output(d, p, &e))
		return e;
	gso_flush();
	return device_transmit(d, p, &none);
}

/* What a connection sends by itself may leave while the stack works for another namespace. */
static err_t output4(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	struct net_ns *before = net_cur;
	err_t e;

	net_switch(((struct net_device *)n->state)->dev.net);
	e = etharp_output(n, p, to);
	net_switch(before);
	return e;
}

static err_t output6(struct netif *n, struct pbuf *p, const ip6_addr_t *to)
{
	struct net_ns *before = net_cur;
	err_t e;

	net_switch(((struct net_device *)n->state)->dev.net);
	e = ethip6_output(n, p, to);
	net_switch(before);
	return e;
}

void device_flush(void)
{
	struct net_device *d;

	gso_flush();
	d = touched;
	touched = NULL;
	if (d && d->ops->flush)
		d->ops->flush(d);
}

/* ---- in ---- */

/* Are the extension headers of an IPv6 packet, and the options in them, inside of the len bytes that there are? */
static bool whole6(const u8 *p, u32 len)
{
	u32 at = SIZEOF_ETH_HDR + IP6_HLEN, end, opt;
	u8 next;

	if (len < at)
		return false;
	for (next = p[SIZEOF_ETH_HDR + 6];
	     next == IP6_NEXTH_HOPBYHOP || next == IP6_NEXTH_DESTOPTS ||
	     next == IP6_NEXTH_ROUTING || next == IP6_NEXTH_FRAGMENT;
	     next = p[at], at = end) {
		if (at + 8 > len)
			return false;
		end = at + 8 + (next == IP6_NEXTH_FRAGMENT ? 0 : p[at + 1] * 8u);
		if (end > len)
			return false;
		if (next != IP6_NEXTH_HOPBYHOP && next != IP6_NEXTH_DESTOPTS)
			continue;
		for (opt = at + 2; opt < end; opt += p[opt] ? 2u + p[opt + 1] : 1)
			if (p[opt] && (opt + 2 > end || opt + 2 + p[opt + 1] > end))
				return false;
	}
	return true;
}

/*
 * lwIP looks for headers no further than the first buffer, and at the first of them without asking how long it is: what is
 * too short for that is no frame.
 */
bool frame_whole(const struct pbuf *p)
{
	const struct eth_hdr *e = p->payload;

	if (p->len < SIZEOF_ETH_HDR || p->len < MIN(p->tot_len, (u16)HEADERS_MAX))
		return false;
	switch (e->type) {
	case PP_HTONS(ETHTYPE_ARP): return p->len >= SIZEOF_ETH_HDR + SIZEOF_ETHARP_HDR;
	case PP_HTONS(ETHTYPE_IP): return p->len >= SIZEOF_ETH_HDR + IP_HLEN;
	case PP_HTONS(ETHTYPE_IPV6): return whole6((const u8 *)p->payload, p->len);
	default: return true;
	}
}

/* A packet that claims to be from or for the loopback. */
static bool martian(const struct pbuf *p)
{
	static const u8 self6[16] = { [15] = 1 };
	const struct eth_hdr *e = p->payload;

	if (e->type == PP_HTONS(ETHTYPE_IP) && p->len >= SIZEOF_ETH_HDR + IP_HLEN) {
		const struct ip_hdr *h = (const void *)(e + 1);

		return ip4_addr_isloopback(&h->src) || ip4_addr_isloopback(&h->dest);
	}
	if (e->type == PP_HTONS(ETHTYPE_IPV6) && p->len >= SIZEOF_ETH_HDR + IP6_HLEN) {
		const struct ip6_hdr *h = (const void *)(e + 1);

		return !memcmp(&h->src, self6, 16) || !memcmp(&h->dest, self6, 16);
	}
	return false;
}

void device_input(struct net_device *d, struct pbuf *p, bool checked)
{
	d->dev.stats.rx_packets++;
	d->dev.stats.rx_bytes += p->tot_len;
	net_tap(&d->dev, p, 0);
	if (!(d->dev.flags & IFF_UP) || !frame_whole(p) || martian(p)) {
		d->dev.stats.rx_dropped++;
		pbuf_free(p);
		return;
	}
	NETIF_SET_CHECKSUM_CTRL(d->netif, (d->netif->chksum_flags | CHECKS_DONE_BY_DEVICE) &
						  ~(checked ? CHECKS_DONE_BY_DEVICE : 0));
	if (d->netif->input(p, d->netif) != ERR_OK)
		pbuf_free(p);
}

void net_input(struct net_device *d, struct pbuf **frames, unsigned n, u64 checked)
{
	net_enter(d->dev.net);
	timers_device_active();
	for (unsigned i = 0; i < n; i++) {
		device_input(d, frames[i], checked >> i & 1);
		loop_run();
	}
	net_leave();
}

void net_pbuf_release(struct pbuf **pbufs, unsigned n)
{
	net_enter(&net_first);
	for (unsigned i = 0; i < n; i++)
		pbuf_free(pbufs[i]);
	net_leave();
}

struct wrapped {
	struct pbuf_custom pc;
	void (*release)(void *arg);
	void *arg;
};

static void release_wrapped(struct pbuf *p)
{
	struct wrapped *w = (struct wrapped *)p;

	w->release(w->arg);
	kfree(w);
}

struct pbuf *net_pbuf_wrap(void *data, u32 len, void (*release)(void *arg), void *arg)
{
	struct wrapped *w = kmalloc(sizeof(*w));

	if (!w)
		return NULL;
	w->pc.custom_free_function = release_wrapped;
	w->release = release;
	w->arg = arg;
	return pbuf_alloced_custom(PBUF_RAW, (u16)len, PBUF_REF, &w->pc, data, (u16)len);
}

/* ---- making them ---- */

static err_t init(struct netif *n)
{
	struct net_device *d = n->state;

	n->name[0] = 'e';
	n->name[1] = 't';
	n->hwaddr_len = ETH_HWADDR_LEN;
	memcpy(n->hwaddr, d->dev.hwaddr, ETH_HWADDR_LEN);
	n->mtu = n->mtu6 = (u16)MIN(d->dev.mtu, 65535u - SIZEOF_ETH_HDR);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	n->output = output4;
	n->output_ip6 = output6;
	n->linkoutput = output;
	return ERR_OK;
}

int net_device_add(struct net_ns *net, struct net_device *d)
{
	struct netif *n = kzalloc(sizeof(*n));
	ip4_addr_t none = { 0 };
	int err;

	if (!n)
		return -ENOMEM;
	net_enter(net);
	d->netif = n;
	netif_add(n, &none, &none, &none, d, init, ethernet_input);
	if (d->features & NETF_CSUM)
		NETIF_SET_CHECKSUM_CTRL(n, NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_GEN_TCP);
	err = netdev_add(net, &d->dev);
	if (err)
		netif_remove(n);
	else
		n->num = (u8)(d->dev.index - 1);
	net_leave();
	if (err) {
		d->netif = NULL;
		kfree(n);
	}
	return err;
}

static void forget_routes(struct net_ns *net, int ifindex)
{
	unsigned n = 0;

	for (unsigned i = 0; i < net->routes_count; i++)
		if (net->routes[i].ifindex != ifindex)
			net->routes[n++] = net->routes[i];
	net->routes_count = n;
}

void net_device_remove(struct net_device *d)
{
	struct net_ns *net = d->dev.net;

	net_enter(net);
	netdev_del(&d->dev);
	/* The other end of a pair may go on sending: what is down takes nothing. */
	d->dev.flags &= ~(u32)(IFF_UP | IFF_RUNNING | IFF_LOWER_UP);
	forget_routes(net, d->dev.index);
	group_forget(d->netif);
	netif_remove(d->netif);
	net_leave();
	rtnetlink_link_event(&d->dev, true);
	kfree(d->netif);
	d->netif = NULL;
}

void net_device_up(struct net_device *d, bool up)
{
	net_enter(d->dev.net);
	if (up) {
		netif_set_link_up(d->netif);
		netif_set_up(d->netif);
	} else {
		netif_set_down(d->netif);
	}
	spin_lock(&netdev_lock);
	d->dev.flags = up ? d->dev.flags | IFF_UP | IFF_RUNNING | IFF_LOWER_UP
			  : d->dev.flags & ~(u32)(IFF_UP | IFF_RUNNING | IFF_LOWER_UP);
	spin_unlock(&netdev_lock);
	net_leave();
}

void netdev_set_up(struct netdev *d, bool up)
{
	if (d->flags & IFF_LOOPBACK)
		loop_set_up(d->net, up);
	else
		net_device_up(container_of(d, struct net_device, dev), up);
	rtnetlink_link_event(d, false);
}

void netdev_set_mtu(struct netdev *d, u32 mtu)
{
	bool lo = d->flags & IFF_LOOPBACK;
	struct netif *n = lo ? &d->net->loop : container_of(d, struct net_device, dev)->netif;

	d->mtu = mtu;
	n->mtu = n->mtu6 = (u16)MIN(mtu, lo ? 65535u : 65535u - SIZEOF_ETH_HDR);
	d->net->paths_changes++;
}

void netdev_set_hwaddr(struct netdev *d, const u8 addr[6])
{
	struct netif *n = container_of(d, struct net_device, dev)->netif;

	memcpy(d->hwaddr, addr, 6);
	memcpy(n->hwaddr, addr, ETH_HWADDR_LEN);
}

static u8 scope_of(int family, const u8 *a)
{
	static const u8 self6[16] = { [15] = 1 };

	if (family == AF_INET ? a[0] == 127 : !memcmp(a, self6, 16))
		return SCOPE_HOST;
	if (family == AF_INET)
		return a[0] == 169 && a[1] == 254 ? SCOPE_LINK : SCOPE_UNIVERSE;
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80 ? SCOPE_LINK : SCOPE_UNIVERSE;
}

/* *added gets what was made of it. */
static int table_add(struct netdev *dev, int family, const void *addr, unsigned len,
		     unsigned prefix, struct netdev_addr *added)
{
	struct netdev_addr *slot = NULL;
	int err = 0;

	spin_lock(&netdev_lock);
	for (unsigned i = NETDEV_ADDRS_MAX; i-- > 0;) {
		struct netdev_addr *a = &dev->addr[i];

		if (!a->family)
			slot = a;
		else if (a->family == family && !memcmp(a->addr, addr, len))
			err = -EEXIST;
	}
	if (!err && !slot)
		err = -ENOSPC;
	if (!err) {
		memset(slot, 0, sizeof(*slot));
		memcpy(slot->addr, addr, len);
		slot->prefix = (u8)prefix;
		slot->scope = scope_of(family, addr);
		slot->family = (u8)family;
		*added = *slot;
	}
	spin_unlock(&netdev_lock);
	return err;
}

int net_addr_add(struct netdev *dev, int family, const void *addr, unsigned prefix)
{
	struct net_device *d = container_of(dev, struct net_device, dev);
	unsigned len = family == AF_INET ? 4 : 16;
	struct netdev_addr added;
	int err;
	s8 slot;

	if ((family != AF_INET && family != AF_INET6) || prefix > len * 8)
		return -EINVAL;
	err = table_add(dev, family, addr, len, prefix, &added);
	if (!err)
		rtnetlink_addr_event(dev, &added, false);
	if (err || (dev->flags & IFF_LOOPBACK))
		return err;
	net_enter(dev->net);
	if (family == AF_INET) {
		ip4_addr_t a, mask, gw = { 0 };

		memcpy(&a.addr, addr, 4);
		mask.addr = prefix ? lwip_htonl(~0u << (32 - prefix)) : 0;
		if (ip4_addr_isany_val(*netif_ip4_addr(d->netif)))
			netif_set_addr(d->netif, &a, &mask, &gw);
	} else {
		ip6_addr_t a = { 0 };

		memcpy(a.addr, addr, 16);
		ip6_addr_assign_zone(&a, IP6_UNICAST, d->netif);
		if (netif_add_ip6_address(d->netif, &a, &slot) == ERR_OK)
			netif_ip6_addr_set_state(d->netif, slot, IP6_ADDR_PREFERRED);
		else
			err = -ENOSPC;
	}
	net_leave();
	if (!err && prefix < len * 8 && scope_of(family, addr) != SCOPE_LINK)
		net_route_add(dev, family, addr, prefix, NULL);
	return err;
}

int net_addr_del(struct netdev *dev, int family, const void *addr, unsigned prefix)
{
	struct net_device *d = container_of(dev, struct net_device, dev);
	unsigned len = family == AF_INET ? 4 : 16;
	struct netdev_addr gone;
	int err = -EADDRNOTAVAIL;

	spin_lock(&netdev_lock);
	for (unsigned i = 0; i < NETDEV_ADDRS_MAX; i++) {
		struct netdev_addr *a = &dev->addr[i];

		if (a->family == family && !memcmp(a->addr, addr, len) && a->prefix == prefix) {
			gone = *a;
			a->family = 0;
			err = 0;
		}
	}
	spin_unlock(&netdev_lock);
	if (!err)
		rtnetlink_addr_event(dev, &gone, true);
	if (err || (dev->flags & IFF_LOOPBACK))
		return err;
	net_enter(dev->net);
	if (family == AF_INET) {
		ip4_addr_t none = { 0 };

		if (!memcmp(netif_ip4_addr(d->netif), addr, 4))
			netif_set_addr(d->netif, &none, &none, &none);
	} else {
		ip6_addr_t a = { 0 };
		s8 slot;

		memcpy(a.addr, addr, 16);
		ip6_addr_assign_zone(&a, IP6_UNICAST, d->netif);
		slot = netif_get_ip6_addr_match(d->netif, &a);
		if (slot >= 0)
			netif_ip6_addr_set_state(d->netif, slot, IP6_ADDR_INVALID);
	}
	net_leave();
	net_route_del(dev->net, dev, family, addr, prefix, NULL);
	return 0;
}
